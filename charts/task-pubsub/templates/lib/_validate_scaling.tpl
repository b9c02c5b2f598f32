{{/* Who decides how many pods there are, and whether it can know. */}}
{{- define "task-pubsub.problems.scaling" -}}
{{- range $name, $service := .Values.graph.services -}}
{{- $scaling := $service.autoscaling -}}
{{- $path := printf "services.%s.autoscaling" $name -}}
{{- if ne $scaling.scaler "none" -}}
{{- if hasKey (get $.Values.services $service.key) "replicas" }}
- services.{{ $name }}.replicas: {{ $service.replicas }} has no meaning beside autoscaling.scaler `{{ $scaling.scaler }}`, which decides how many pods there are; every upgrade would set them back. Use autoscaling.minReplicas.
{{- end -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) }}
- {{ $path }}.minReplicas: {{ $scaling.minReplicas }} is more than maxReplicas ({{ $scaling.maxReplicas }}); the API server would refuse the scaler, and nothing would scale.
{{- end -}}
{{- end -}}
{{- if and (eq $scaling.scaler "hpa") (not (dig "requests" "cpu" "" $service.resources)) }}
- services.{{ $name }}.resources.requests.cpu: is empty, and autoscaling.scaler `hpa` measures against it; the autoscaler would see no figure and never scale.
{{- end -}}
{{- if and (eq $scaling.scaler "hpa") (not (dig "requests" "cpu" "" $service.sidecar.resources)) }}
- services.{{ $name }}.sidecar.resources.requests.cpu: is empty, and autoscaling.scaler `hpa` measures against it; the autoscaler would see no figure and never scale.
{{- end -}}
{{- if eq $scaling.scaler "keda" -}}
{{- if not $service.hears }}
- {{ $path }}.scaler: `keda` counts the events that wait for a subscriber, and it hears none; nothing would ever scale it. Use `hpa`.
{{- else if $service.enabled -}}
{{- range $entry := include "task-pubsub.subscribedBrokers" $ | fromYamlArray -}}
{{- with get $.Values.brokers $entry -}}
{{- $trigger := include "task-pubsub.kedaTrigger" (dict "root" $ "name" $name "service" $service "entry" $entry "heard" (first $service.hears)) | fromYaml -}}
{{- if not $trigger.type }}
- {{ $path }}.scaler: `keda` knows no backlog for brokers.{{ $entry }} of type `{{ .type }}`; its events would pile up unseen. Set keda.triggers.{{ $entry }} to a trigger of your own (type, metadata).
{{- end -}}
{{- with $trigger.cannotLogIn }}
- {{ $path }}.scaler: `keda` cannot log in to brokers.{{ $entry }}: {{ . }}; nothing would scale. Make a TriggerAuthentication and name it in keda.triggers.{{ $entry }}.authenticationRef.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $entry := keys .Values.keda.triggers | sortAlpha -}}
{{- range $name, $value := (get $.Values.keda.triggers $entry).metadata -}}
{{- include "task-pubsub.problems.plainSecret" (dict
      "path" (printf "keda.triggers.%s.metadata" $entry) "name" $name "value" (toString $value) "byEnding" true
      "cure" "make a TriggerAuthentication and name it in authenticationRef") -}}
{{- end -}}
{{- if not (get $.Values.brokers $entry) }}
- keda.triggers.{{ $entry }}: is no entry of `brokers` ({{ keys $.Values.brokers | sortAlpha | join ", " }}); no service would be scaled by it.
{{- end -}}
{{- end -}}
{{- end -}}
