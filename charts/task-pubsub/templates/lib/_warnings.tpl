{{/* What is allowed and still worth a sentence after an install. */}}
{{- define "task-pubsub.warnings" -}}
- Dapr 1.18 or newer is needed. Older sidecars do not load a Component or Subscription that comes after they started: restart the Deployments after every change of `broker` there.
- In a namespace that enforces restricted pod security, Dapr itself must be installed with dapr_sidecar_injector.sidecarDropALLCapabilities=true.
{{- if .Values.broker.componentName }}
- broker.componentName is set: a change of broker replaces the component in place. What is still on the old broker stays there, and publishes fail for a moment.
{{- end }}
{{- if eq .Values.stateStore.type "none" }}
- stateStore.type is none: an event that is delivered twice has its effect twice.
{{- end }}
{{- range $entry := include "task-pubsub.brokersInUse" . | fromYamlArray }}
{{- $broker := get $.Values.brokers $entry }}
{{- $tls := $broker.tls | default dict }}
{{- if eq $broker.type "in-memory" }}
- brokers.{{ $entry }}: in-memory lives inside one sidecar; no other service will ever see its events.
{{- else if not (has $broker.type (list "redis" "kafka")) }}
- brokers.{{ $entry }}: the chart sets nothing for type {{ $broker.type }}. Check that it redelivers what was not acknowledged, later than {{ div (include "task-pubsub.redeliveryFloorMs" $ | int64) 1000 }}s, and keeps what is published before anyone subscribes.
{{- else if and (eq $broker.type "redis") (not $broker.maxLenApprox) (not $broker.streamTTL) }}
- brokers.{{ $entry }}: the streams are not trimmed and grow for ever; see maxLenApprox and streamTTL.
{{- else if and (eq $broker.type "kafka") (eq $broker.authType "password") (hasKey $tls "enabled") (not $tls.enabled) }}
- brokers.{{ $entry }}: the password crosses the network without TLS.
{{- end }}
{{- if $tls.insecureSkipVerify }}
- brokers.{{ $entry }}: tls.insecureSkipVerify accepts any certificate.
{{- end }}
{{- end }}
{{- end -}}
