{{/* Any type that has no file of its own here: its metadata is the user's. */}}

{{- define "task-pubsub.generic.metadata" -}}
{{- include "task-pubsub.userItems" (.broker.metadata | default list) -}}
{{- end -}}

{{- define "task-pubsub.generic.problems" -}}
{{- include "task-pubsub.problems.plainSecrets" (dict "path" (printf "%s.metadata" .path) "items" .broker.metadata) -}}
{{- end -}}

{{- define "task-pubsub.generic.warnings" -}}
{{- if eq .broker.type "in-memory" }}
- {{ .path }}: in-memory lives inside one sidecar; no other service will ever see its events.
{{- else }}
- {{ .path }}: the chart sets nothing for type {{ .broker.type }}. Check that it redelivers what was not acknowledged, {{ if include "task-pubsub.copiesAreKnown" .root }}as often as it takes{{ else }}later than {{ div (include "task-pubsub.redeliveryFloorMs" .root | int64) 1000 }}s{{ end }}, and keeps what is published before anyone subscribes.
{{- end -}}
{{- end -}}
