{{/* What is allowed and still worth a sentence after an install. */}}
{{- define "task-pubsub.warnings" -}}
- Dapr 1.18.3 or newer is needed: deliveries by gRPC fail in older ones now and then. Before 1.18, sidecars do not load a Component or Subscription that comes after they started: restart the Deployments after every change of `broker` there.
- In a namespace that enforces restricted pod security, Dapr itself must be installed with dapr_sidecar_injector.sidecarDropALLCapabilities=true.
{{- if .Values.broker.componentName }}
- broker.componentName is set: a change of broker replaces the component in place. What is still on the old broker stays there, and publishes fail for a moment.
{{- end }}
{{- if eq .Values.stateStore.type "none" }}
- stateStore.type is none: an event that is delivered twice has its effect twice.
{{- end }}
{{- with include "task-pubsub.ofStore" (dict "root" . "part" "warnings") | trim }}
{{ . }}
{{- end }}
{{- range $name, $service := include "task-pubsub.services" . | fromYaml }}
{{- if and (eq $service.role "subscriber") (eq $service.autoscaling.scaler "hpa") }}
- services.{{ $name }}.autoscaling: a subscriber that waits for something else is idle while its backlog grows, and CPU does not show it; `keda` would.
{{- end }}
{{- end }}
{{- include "task-pubsub.warnings.delivery" . }}
{{- include "task-pubsub.warnings.probe" . }}
{{- range $entry := include "task-pubsub.brokersInUse" . | fromYamlArray }}
{{- $broker := get $.Values.brokers $entry }}
{{- with include "task-pubsub.ofBroker" (dict "root" $ "entry" $entry "part" "warnings") | trim }}
{{ . }}
{{- end }}
{{- if ($broker.tls | default dict).insecureSkipVerify }}
- brokers.{{ $entry }}: tls.insecureSkipVerify accepts any certificate.
{{- end }}
{{- end }}
{{- end -}}
