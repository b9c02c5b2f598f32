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
