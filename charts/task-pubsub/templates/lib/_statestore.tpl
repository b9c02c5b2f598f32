{{/*
The state stores that the chart has fields for, each with the version of its component. Each defines
`task-pubsub.store.<type>.connection` and `.settings` from the values of `stateStore`, and `.problems` and `.warnings`.
*/}}
{{- define "task-pubsub.storeTypes" -}}
redis: v1
postgresql: v2
{{- end -}}

{{/* `part` of the store's own type; nothing for `existing` and `none`. */}}
{{- define "task-pubsub.ofStore" -}}
{{- $store := .root.Values.stateStore -}}
{{- if hasKey (include "task-pubsub.storeTypes" . | fromYaml) $store.type -}}
{{- include (printf "task-pubsub.store.%s.%s" $store.type .part) (ternary $store .root (has .part (list "connection" "settings"))) -}}
{{- end -}}
{{- end -}}

{{/* Keys of a Secret that the type does not log in with: daprd would ignore them without a word. */}}
{{- define "task-pubsub.problems.store" -}}
{{- $store := .Values.stateStore -}}
{{- $fields := dict
      "redis" (list "redisPassword" "redisUsername" "sentinelPassword" "sentinelUsername" "clientCert" "clientKey")
      "postgresql" (list "user" "password" "connectionString") -}}
{{- if hasKey $fields $store.type -}}
{{- range $field := keys ($store.secretKeys | default dict) | sortAlpha -}}
{{- if not (has $field (get $fields $store.type)) }}
- stateStore.secretKeys.{{ $field }}: is no field of {{ $store.type }} ({{ get $fields $store.type | join ", " }}); daprd would ignore it, and the component would log in without it.
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "task-pubsub.problems.secretKeys" (dict "path" "stateStore" "from" $store) -}}
{{- include "task-pubsub.ofStore" (dict "root" . "part" "problems") -}}
{{- end -}}
