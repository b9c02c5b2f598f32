{{/* How many pods a service has, and who decides it. */}}

{{/* The fewest pods that a service ever has by its own settings. */}}
{{- define "task-pubsub.fewestPods" -}}
{{- ternary .replicas .autoscaling.minReplicas (eq .autoscaling.scaler "none") -}}
{{- end -}}

{{/* Services whose pods follow the backlog, by name. */}}
{{- define "task-pubsub.scaledByBacklog" -}}
{{- $names := list -}}
{{- range $name, $service := include "task-pubsub.services" . | fromYaml -}}
{{- if and $service.enabled (eq $service.autoscaling.scaler "keda") -}}{{- $names = append $names $name -}}{{- end -}}
{{- end -}}
{{- $names | toYaml -}}
{{- end -}}

{{- define "task-pubsub.problems.scaling" -}}
{{- range $name, $service := include "task-pubsub.services" . | fromYaml -}}
{{- $scaling := $service.autoscaling -}}
{{- $path := printf "services.%s.autoscaling" $name -}}
{{- if ne $scaling.scaler "none" -}}
{{- if hasKey (get $.Values.services $name) "replicas" }}
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
{{- if eq $service.role "publisher" }}
- {{ $path }}.scaler: `keda` counts the events that wait for a subscriber, and a publisher has none; nothing would ever scale it. Use `hpa`.
{{- else if $service.enabled -}}
{{- range $entry := include "task-pubsub.subscribedBrokers" $ | fromYamlArray -}}
{{- include "task-pubsub.problems.trigger" (dict "root" $ "name" $name "service" $service "entry" $entry) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $entry := keys .Values.keda.triggers | sortAlpha -}}
{{- if not (get $.Values.brokers $entry) }}
- keda.triggers.{{ $entry }}: is no entry of `brokers` ({{ keys $.Values.brokers | sortAlpha | join ", " }}); no pod would follow it.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "task-pubsub.problems.trigger" -}}
{{- $trigger := include "task-pubsub.mergedTrigger" . | fromYaml -}}
{{- $path := printf "services.%s.autoscaling.scaler" .name -}}
{{- if not $trigger.type }}
- {{ $path }}: `keda` knows no backlog for brokers.{{ .entry }} of type `{{ (get .root.Values.brokers .entry).type }}`; its events would pile up unseen. Set keda.triggers.{{ .entry }} to a trigger of your own (type, metadata).
{{- end -}}
{{- range $trigger.requires -}}
{{- if not (get $trigger.metadata .) }}
- {{ $path }}: `keda` cannot read the backlog of brokers.{{ $.entry }} without `{{ . }}`; nothing would scale. Set keda.triggers.{{ $.entry }}.metadata.{{ . }}.
{{- end -}}
{{- end -}}
{{- if and $trigger.cannotLogIn (not $trigger.authenticationRef) }}
- {{ $path }}: `keda` cannot log in to brokers.{{ .entry }}: {{ $trigger.cannotLogIn }}; nothing would scale. Make a TriggerAuthentication and name it in keda.triggers.{{ .entry }}.authenticationRef.
{{- end -}}
{{- end -}}
