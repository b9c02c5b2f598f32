{{/* What would make preflight, smoke or `helm test` fail, or prove nothing. */}}
{{- define "task-pubsub.problems.probe" -}}
{{- $values := .Values -}}
{{- if hasKey $values.services $values.probe.name }}
- probe.name: `{{ $values.probe.name }}` is an entry of `services` too; both would have the same app-id, and the probe's canaries would count as the service's events.
{{- end -}}
{{- if and $values.smoke.enabled (not (include "task-pubsub.smokeTarget" .)) }}
- smoke.service: `{{ $values.smoke.service }}` is no enabled publisher with `expose: true`; smoke would have nobody to send a task to, and every deployment would fail.
{{- end -}}
{{- with get $values.brokers $values.broker.active -}}
{{- $init := include "task-pubsub.initTimeout" (dict "broker" .) -}}
{{- if and $values.preflight.enabled (le (include "task-pubsub.ms" $values.preflight.deadline | int64) (include "task-pubsub.ms" $init | int64)) }}
- preflight.deadline: {{ $values.preflight.deadline }} is not longer than a sidecar may wait for the active broker (initTimeout, {{ $init }}); preflight would fail before it could say what is wrong.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "task-pubsub.warnings.probe" -}}
{{- $values := .Values -}}
{{- if or $values.preflight.enabled $values.smoke.enabled }}
{{- if eq $values.stateStore.type "none" }}
- stateStore.type is none: preflight and smoke see the broker's acknowledgement, and not whether anyone receives.
{{- else if eq $values.stateStore.type "existing" }}
- stateStore.type is existing: preflight and smoke read the subscribers' records in `{{ $values.stateStore.name }}`, which needs `{{ $values.probe.name }}` in its scopes (if it has any) and a keyPrefix without the app-id, e.g. `name`.
{{- end }}
{{- end }}
{{- end -}}
