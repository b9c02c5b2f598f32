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

{{/*
The types of Dapr that the chart has fields for, each with the time that daprd waits for its Init: a dead broker holds up the
start of the sidecar by this long (components are opened one after another), so it is no longer than the broker's own
timeouts need. `_<type>.tpl` defines for each `task-pubsub.<type>.metadata`, `.problems` and `.warnings`.
*/}}
{{- define "task-pubsub.brokerTypes" -}}
redis: {initTimeout: 10s}
kafka: {initTimeout: 30s}
generic: {initTimeout: 20s}
{{- end -}}

{{/* Its row of that table; any other type has the one of `generic`, which passes its own metadata through. */}}
{{- define "task-pubsub.brokerType" -}}
{{- $types := include "task-pubsub.brokerTypes" . | fromYaml -}}
{{- $name := ternary .type "generic" (hasKey $types .type) -}}
{{- merge (dict "name" $name) (get $types $name) | toYaml -}}
{{- end -}}

{{/* What the file of its type says about one entry: `part` is metadata, problems or warnings. */}}
{{- define "task-pubsub.ofBroker" -}}
{{- $broker := .broker | default (get .root.Values.brokers .entry) -}}
{{- $type := include "task-pubsub.brokerType" $broker | fromYaml -}}
{{- include (printf "task-pubsub.%s.%s" $type.name .part)
      (dict "root" .root "entry" .entry "broker" $broker "path" (printf "brokers.%s" .entry)) -}}
{{- end -}}

{{- define "task-pubsub.initTimeout" -}}
{{- .broker.initTimeout | default (include "task-pubsub.brokerType" .broker | fromYaml).initTimeout -}}
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
