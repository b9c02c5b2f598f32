{{/*
The state store: a login that is not one, and settings that do nothing. state.redis: see _redis.tpl. state.postgresql, version 2: names and
units from components-contrib 1.18.3, state/postgresql/v2/metadata.go and common/authentication/postgresql/metadata.go. What the
inbox relies on was read in postgresql.go there and run: a first-write creates only where there is no live record, an expired one
counts as none, an etag is a random UUID and never comes back.
*/}}
{{- define "task-pubsub.problems.stateStore" -}}
{{- $store := .Values.stateStore -}}
{{- $keys := $store.secretKeys | default dict -}}
{{- /* Keys of a Secret that the type does not log in with: daprd would ignore them without a word. */ -}}
{{- $fields := dict
      "redis" (list "redisPassword" "redisUsername" "sentinelPassword" "sentinelUsername" "clientCert" "clientKey")
      "postgresql" (list "user" "password" "connectionString") -}}
{{- if hasKey $fields $store.type -}}
{{- range $field := keys $keys | sortAlpha -}}
{{- if not (has $field (get $fields $store.type)) }}
- stateStore.secretKeys.{{ $field }}: is no field of {{ $store.type }} ({{ get $fields $store.type | join ", " }}); daprd would ignore it, and the component would log in without it.
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "task-pubsub.problems.items" (dict "path" "stateStore.extraMetadata" "items" $store.extraMetadata "entry" "stateStore"
      "own" (include "task-pubsub.stateStoreOwnMetadata" .)
      "keys" (ternary (dict "redisdb" "db" "redistype" "redisType" "redisusername" "username" "sentinelmastername" "sentinelMasterName" "failover" "sentinelMasterName"
        "insecureskiptlsverify" "tls") (dict "tableprefix" "postgresql" "maxconns" "postgresql" "queryexecmode" "postgresql")
        (eq $store.type "redis"))) -}}
{{- range $store.extraMetadata -}}
{{- if eq (lower .name) "actorstatestore" }}
- stateStore.extraMetadata: with actorStateStore daprd refuses to load the component anew, and a store that comes back is not used; name another store for actors.
{{- end -}}
{{- end -}}
{{- if and $keys (not $store.existingSecret) }}
- stateStore.secretKeys: names keys of no Secret, so the component would log in without them; set stateStore.existingSecret.
{{- end -}}
{{- if eq $store.type "postgresql" -}}
{{- $db := .Values.stateStore.postgresql -}}
{{- $tls := $db.tls | default dict -}}
{{- if and $db.user $keys.user }}
- stateStore.secretKeys.user: stateStore.postgresql.user is set too; only one of them can be the user.
{{- end -}}
{{- if and $tls.insecureSkipVerify (not $tls.enabled) }}
- stateStore.postgresql.tls.insecureSkipVerify: does nothing without tls.enabled; the password and every record would cross the network in the clear.
{{- end -}}
{{- if .Values.stateStore.existingSecret -}}
{{- range $field := list "user" "password" -}}
{{- if and (hasKey $keys $field) (not (get $keys $field)) (not $keys.connectionString) (not (and (eq $field "user") $db.user)) }}
- stateStore.secretKeys.{{ $field }}: PostgreSQL lets nobody in without it, so no worker could remember an event, and every event would be retried.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
