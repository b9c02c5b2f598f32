{{/* The services map, each with the defaults filled in. `include ... | fromYaml` gives the map back. */}}
{{- define "task-pubsub.services" -}}
{{- $all := dict -}}
{{- range $name, $service := .Values.services -}}
{{- if $service -}}
{{- $_ := set $all $name (mergeOverwrite (deepCopy $.Values.serviceDefaults) (deepCopy $service)) -}}
{{- end -}}
{{- end -}}
{{- $all | toYaml -}}
{{- end -}}

{{/*
The app-ids that may use the components. A service that is not enabled yet stays in, and so does the probe: adding an app-id to
the scopes of a Component makes every running sidecar close and reopen it.
*/}}
{{- define "task-pubsub.appIds" -}}
{{- append (keys .Values.services) .Values.probe.name | sortAlpha | toYaml -}}
{{- end -}}

{{/* Those that may use the state store: who records what is handled, and who looks for it. */}}
{{- define "task-pubsub.storeAppIds" -}}
{{- append (include "task-pubsub.subscriberIds" . | fromYamlArray) .Values.probe.name | sortAlpha | toYaml -}}
{{- end -}}

{{/* Those of them that receive events. */}}
{{- define "task-pubsub.subscriberIds" -}}
{{- $ids := list -}}
{{- range $name, $service := include "task-pubsub.services" . | fromYaml -}}
{{- if eq $service.role "subscriber" -}}{{- $ids = append $ids $name -}}{{- end -}}
{{- end -}}
{{- $ids | sortAlpha | toYaml -}}
{{- end -}}

{{/* A topic's real name: the suffix keeps a developer's events out of everybody else's. */}}
{{- define "task-pubsub.topic" -}}
{{- printf "%s%s" (get (get .root.Values.topics .key) "name") .root.Values.topicSuffix -}}
{{- end -}}
{{- define "task-pubsub.deadLetterTopic" -}}
{{- printf "%s%s" (get (get .root.Values.topics .key) "deadLetter") .root.Values.topicSuffix -}}
{{- end -}}
