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

{{/* A NetworkPolicy that would close what the system needs. */}}
{{- define "task-pubsub.problems.network" -}}
{{- $policy := .Values.networkPolicy -}}
{{- if $policy.enabled -}}
{{- range $entry := include "task-pubsub.brokersInUse" . | fromYamlArray -}}
{{- if not (include "task-pubsub.endpoints" (dict "root" $ "entry" $entry) | fromYamlArray) }}
- networkPolicy.endpoints.{{ $entry }}: is needed, because the address of brokers.{{ $entry }} is in a Secret or of an unknown type; no sidecar could reach the broker. Write it as a list of `host:port`.
{{- end -}}
{{- end -}}
{{- if and (ne .Values.stateStore.type "none") (not (include "task-pubsub.endpoints" (dict "root" . "entry" "stateStore") | fromYamlArray)) }}
- networkPolicy.endpoints.stateStore: is needed, because the chart does not know where the state store is; no worker could remember an event, and every event would be retried. Write it as a list of `host:port`.
{{- end -}}
{{- if not $policy.externalCIDRs -}}
{{- range include "task-pubsub.sidecarEndpoints" (dict "root" . "service" (get .Values.graph.workloads .Values.graph.probe)) | fromYamlArray -}}
{{- if eq (include "task-pubsub.hostLocation" (splitList ":" . | first)) "outside" }}
- networkPolicy.externalCIDRs: is empty, and `{{ . }}` is outside of the cluster; no pod could reach it. List the address ranges it may have.
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.enabled (not $policy.scrapers) }}
- networkPolicy.scrapers: is empty while monitoring.enabled is true; every scrape would time out. Say where Prometheus runs.
{{- end -}}
{{- range $name := keys $policy.endpoints | sortAlpha -}}
{{- if and (ne $name "stateStore") (not (get $.Values.brokers $name)) }}
- networkPolicy.endpoints.{{ $name }}: is no entry of `brokers` and not `stateStore`; the addresses would be opened for nobody.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What would make preflight, smoke or `helm test` fail, or prove nothing. */}}
{{- define "task-pubsub.problems.probe" -}}
{{- $values := .Values -}}
{{- range $name := list "preflight" "smoke" -}}
{{- with (get $values $name).keep }}
- {{ $name }}.keep: is called ttlAfterFinished now; write `{{ $name }}.ttlAfterFinished: {{ . }}`.
{{- end -}}
{{- end -}}
{{- if hasKey $values.services $values.probe.name }}
- probe.name: `{{ $values.probe.name }}` is an entry of `services` too; both would have the same app-id, and the probe's canaries would count as the service's events.
{{- end -}}
{{- if and $values.smoke.enabled (not .Values.graph.smoke) }}
- smoke.service: `{{ $values.smoke.service }}` is no enabled publisher with `expose: true` and `inbox: true`; smoke would have nobody to send a task to, and every deployment would fail.
{{- end -}}
{{- with get $values.brokers $values.broker.active -}}
{{- $init := (include "task-pubsub.brokerType" . | fromYaml).initTimeout -}}
{{- if and $values.preflight.enabled (le (include "task-pubsub.ms" $values.preflight.deadline | int64) (include "task-pubsub.ms" $init | int64)) }}
- preflight.deadline: {{ $values.preflight.deadline }} is not longer than a sidecar may wait for the active broker (initTimeout, {{ $init }}); preflight would fail before it could say what is wrong.
{{- end -}}
{{- end -}}
{{- end -}}
