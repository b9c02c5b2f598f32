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
