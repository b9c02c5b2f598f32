{{/* Which entries of `brokers` are in use, what their Components are called, and what is in them. */}}

{{/* The entries that subscribers listen to: the list as given, or just the active one. */}}
{{- define "task-pubsub.subscribedBrokers" -}}
{{- .Values.broker.subscribe | default (list .Values.broker.active) | uniq | toYaml -}}
{{- end -}}

{{/* Every entry that needs a Component. Sorted, so that the order in `subscribe` never shows up as a diff. */}}
{{- define "task-pubsub.brokersInUse" -}}
{{- prepend (include "task-pubsub.subscribedBrokers" . | fromYamlArray) .Values.broker.active | uniq | sortAlpha | toYaml -}}
{{- end -}}

{{- define "task-pubsub.componentName" -}}
{{- .root.Values.broker.componentName | default (printf "pubsub-%s" .entry) -}}
{{- end -}}

{{/* The metadata list of one entry. One template per type; any other type passes its own list through. */}}
{{- define "task-pubsub.componentMetadata" -}}
{{- $broker := get .root.Values.brokers .entry -}}
{{- $in := dict "root" .root "entry" .entry "broker" $broker -}}
{{- if eq $broker.type "redis" -}}{{- include "task-pubsub.redis.metadata" $in -}}
{{- else if eq $broker.type "kafka" -}}{{- include "task-pubsub.kafka.metadata" $in -}}
{{- else -}}{{- include "task-pubsub.generic.metadata" $in -}}
{{- end -}}
{{- end -}}

{{/*
How long daprd waits for Init. A dead broker holds up the start of the sidecar by this long (components are opened one
after another), so it is no longer than the broker's own timeouts need.
*/}}
{{- define "task-pubsub.initTimeout" -}}
{{- .broker.initTimeout | default (get (dict "redis" "10s" "kafka" "30s") .broker.type) | default "20s" -}}
{{- end -}}

{{/* One metadata item with a plain value; nothing when the value is empty. */}}
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
{{- define "task-pubsub.generic.metadata" -}}
{{- include "task-pubsub.userItems" (.broker.metadata | default list) -}}
{{- end -}}
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
