{{/* The items of a Component's metadata. */}}

{{/* One item with a plain value; nothing when the value is empty. */}}
{{- define "task-pubsub.item" -}}
{{- if not (or (kindIs "invalid" .value) (eq (toString .value) "")) }}
- name: {{ .name }}
  value: {{ toString .value | quote }}
{{- end }}
{{- end -}}

{{/*
Items that come from the entry's Secret: `defaults` are the fields this kind of login needs, with the usual key of each;
`secretKeys` renames a key, adds a field, or with "" leaves one out.
*/}}
{{- define "task-pubsub.secretItems" -}}
{{- if .from.existingSecret -}}
{{- $keys := mergeOverwrite (deepCopy .defaults) (.from.secretKeys | default dict) -}}
{{- range $field := keys $keys | sortAlpha -}}
{{- with get $keys $field }}
- name: {{ $field }}
  secretKeyRef:
    name: {{ $.from.existingSecret | quote }}
    key: {{ . | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Items the user wrote themselves. */}}
{{- define "task-pubsub.userItems" -}}
{{- range . }}
- name: {{ .name | quote }}
{{- if .secretKeyRef }}
  secretKeyRef:
    name: {{ .secretKeyRef.name | quote }}
    key: {{ .secretKeyRef.key | quote }}
{{- else }}
  value: {{ toString .value | quote }}
{{- end }}
{{- end -}}
{{- end -}}

{{/*
The metadata of an entry's Component as two maps: `plain`, field to value, and `secret`, field to secretKeyRef. Dapr reads names in any
case, so they are lower case here. KEDA's triggers and NetworkPolicies are made of it, so that they cannot disagree with the Component.
*/}}
{{- define "task-pubsub.componentMetadata" -}}
{{- $plain := dict -}}
{{- $secret := dict -}}
{{- range include "task-pubsub.broker" (dict "root" .root "entry" .entry "part" "metadata") | fromYamlArray -}}
{{- if .secretKeyRef -}}{{- $_ := set $secret (lower .name) .secretKeyRef -}}
{{- else -}}{{- $_ := set $plain (lower .name) (toString .value) -}}
{{- end -}}
{{- end -}}
{{- dict "plain" $plain "secret" $secret | toYaml -}}
{{- end -}}

{{/* The items of the state store's Component, for the types that the chart has fields for. */}}
{{- define "task-pubsub.stateStoreMetadata" -}}
{{- include "task-pubsub.stateStoreOwnMetadata" . -}}
{{- include "task-pubsub.userItems" .Values.stateStore.extraMetadata -}}
{{- end -}}

{{- define "task-pubsub.stateStoreOwnMetadata" -}}
{{- $store := .Values.stateStore -}}
{{- $postgresql := $store.postgresql -}}
{{- $tls := $postgresql.tls | default dict -}}
{{- $connectionString := get ($store.secretKeys | default dict) "connectionString" -}}
{{- if eq $store.type "redis" }}
{{- include "task-pubsub.redis.connection" $store | trim | nindent 0 }}
{{- else }}
{{- $fields := dict "user" "username" "password" "password" }}
{{- if $connectionString }}
{{- $fields = dict }}
{{- else }}
{{- if $postgresql.user }}
{{- $fields = dict "password" "password" }}
{{- end }}
{{- /* host:port/database, and how far TLS goes: not at all, the certificate as it comes, or checked. */}}
{{- $mode := ternary (ternary "require" "verify-full" ($tls.insecureSkipVerify | default false)) "disable" ($tls.enabled | default false) }}
{{- /* As a URL, because Dapr quotes the login in no other form: a password with a space would break off there. */}}
- name: connectionString
  value: {{ printf "postgres://%s/%s?connect_timeout=5&sslmode=%s" $postgresql.host $postgresql.database $mode | quote }}
{{- with $postgresql.user }}
- name: user
  value: {{ . | toString | quote }}
{{- end }}
{{- end }}
{{- with include "task-pubsub.secretItems" (dict "from" $store "defaults" $fields) | trim }}
{{- . | nindent 0 }}
{{- end }}
{{- end }}
# The dedupe records of one consumer are the same whoever asks: every replica, and the preflight that reads them.
- name: keyPrefix
  value: {{ $store.keyPrefix | default (printf "%s.%s" $.Release.Namespace (include "task-pubsub.fullname" $)) | quote }}
{{- if eq $store.type "redis" }}
# Dapr's default waits 2 s before a second try, which is most of a handler's time.
- name: redisMinRetryInterval
  value: "50ms"
- name: redisMaxRetryInterval
  value: "500ms"
{{- else }}
{{- with $postgresql.tablePrefix }}
- name: tablePrefix
  value: {{ . | toString | quote }}
{{- end }}
{{- /* When expired records are deleted; until then they only take up room. */}}
- name: cleanupInterval
  value: {{ $postgresql.cleanupInterval | default "1h" | quote }}
{{- with $postgresql.maxConns }}
- name: maxConns
  value: {{ . | toString | quote }}
{{- end }}
{{- with $postgresql.queryExecMode }}
- name: queryExecMode
  value: {{ . | toString | quote }}
{{- end }}
{{- end }}
{{- end -}}
