{{/*
state.postgresql, version 2. Names and units: components-contrib 1.18.3, state/postgresql/v2/metadata.go and
common/authentication/postgresql/metadata.go. What the inbox relies on was read in postgresql.go there and run: a first-write
creates only where there is no live record, an expired one counts as none, an etag is a random UUID and never comes back.
*/}}

{{- define "task-pubsub.store.postgresql.connection" -}}
{{- $db := .postgresql -}}
{{- if not (include "task-pubsub.store.postgresql.connectionStringKey" .) }}
{{- /* As a URL, because Dapr quotes the login in no other form: a password with a space would break off there. */}}
- name: connectionString
  value: {{ include "task-pubsub.store.postgresql.url" $db | quote }}
{{- include "task-pubsub.item" (dict "name" "user" "value" $db.user) -}}
{{- end -}}
{{- include "task-pubsub.secretItems" (dict "from" . "defaults" (include "task-pubsub.store.postgresql.secretFields" . | fromYaml)) -}}
{{- end -}}

{{/* host:port/database, and how far TLS goes: not at all, the certificate as it comes, or checked. */}}
{{- define "task-pubsub.store.postgresql.url" -}}
{{- $tls := .tls | default dict -}}
{{- $mode := ternary (ternary "require" "verify-full" ($tls.insecureSkipVerify | default false)) "disable" ($tls.enabled | default false) -}}
{{- printf "postgres://%s/%s?connect_timeout=5&sslmode=%s" .host .database $mode -}}
{{- end -}}

{{- define "task-pubsub.store.postgresql.connectionStringKey" -}}
{{- (.secretKeys | default dict).connectionString | default "" -}}
{{- end -}}

{{- define "task-pubsub.store.postgresql.secretFields" -}}
{{- if include "task-pubsub.store.postgresql.connectionStringKey" . -}}{}
{{- else if .postgresql.user -}}{password: password}
{{- else -}}{user: username, password: password}
{{- end -}}
{{- end -}}

{{- define "task-pubsub.store.postgresql.settings" -}}
{{- $db := .postgresql -}}
{{- include "task-pubsub.item" (dict "name" "tablePrefix" "value" $db.tablePrefix) }}
{{- /* When expired records are deleted; until then they only take up room. */}}
- name: cleanupInterval
  value: {{ $db.cleanupInterval | default "1h" | quote }}
{{- include "task-pubsub.item" (dict "name" "maxConns" "value" ($db.maxConns | default "")) -}}
{{- include "task-pubsub.item" (dict "name" "queryExecMode" "value" $db.queryExecMode) -}}
{{- end -}}

{{- define "task-pubsub.store.postgresql.problems" -}}
{{- $db := .Values.stateStore.postgresql -}}
{{- $keys := .Values.stateStore.secretKeys | default dict -}}
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

{{- define "task-pubsub.store.postgresql.warnings" -}}
{{- $store := .Values.stateStore -}}
{{- $tls := $store.postgresql.tls | default dict -}}
{{- $own := not (include "task-pubsub.store.postgresql.connectionStringKey" $store) -}}
{{- if and $own $store.existingSecret (not $tls.enabled) }}
- stateStore: the password crosses the network without TLS.
{{- end }}
{{- if and $own $tls.insecureSkipVerify }}
- stateStore: postgresql.tls.insecureSkipVerify accepts any certificate.
{{- end }}
- stateStore: a failover to a PostgreSQL replica that was behind forgets what was handled last; have one of them synchronous, or an event of these moments may have a second effect.
{{- end -}}
