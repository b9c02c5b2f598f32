{{/*
What the schema cannot see: values that contradict each other. Every problem is a line that names the value and says what
would happen; all of them are reported at once.
*/}}
{{- define "task-pubsub.validate" -}}
{{- $problems := list -}}
{{- range $part := list "brokers" "entries" "timing" "delivery" "shutdown" "services" "scaling" "network" "probe" "running" -}}
{{- $problems = append $problems (include (printf "task-pubsub.problems.%s" $part) $ | trim) -}}
{{- end -}}
{{- with compact $problems -}}
{{- fail (printf "these values cannot be installed:\n%s\n" (join "\n" .)) -}}
{{- end -}}
{{- end -}}

{{/* The choice of brokers. Runs first: nothing below may look up an entry that does not exist. */}}
{{- define "task-pubsub.problems.brokers" -}}
{{- $known := keys .Values.brokers | sortAlpha | join ", " -}}
{{- $active := .Values.broker.active -}}
{{- $subscribe := .Values.broker.subscribe -}}
{{- if not (get .Values.brokers $active) }}
- broker.active: `{{ $active }}` is no entry of `brokers` ({{ $known }}); publishers would have no component and every publish would fail.
{{- end -}}
{{- range $subscribe -}}
{{- if not (get $.Values.brokers .) }}
- broker.subscribe: `{{ . }}` is no entry of `brokers` ({{ $known }}); its events would be heard by nobody.
{{- end -}}
{{- end -}}
{{- if and $subscribe (not (has $active $subscribe)) }}
- broker.subscribe: {{ $subscribe | join ", " }} leaves out broker.active `{{ $active }}`; what is published there would be heard by nobody.
{{- end -}}
{{- $inUse := include "task-pubsub.brokersInUse" . | fromYamlArray -}}
{{- if and .Values.broker.componentName (gt (len $inUse) 1) }}
- broker.componentName: `{{ .Values.broker.componentName }}` cannot name {{ len $inUse }} components ({{ $inUse | join ", " }}); one would replace the other in every running sidecar. Leave it empty to change brokers without a loss.
{{- end -}}
{{- if and (ne .Values.stateStore.type "none") (eq .Values.broker.componentName .Values.stateStore.name) }}
- broker.componentName: `{{ .Values.broker.componentName }}` is the name of the state store too; daprd would load only one of them.
{{- end -}}
{{- end -}}

{{/* What is wrong inside the entries that are in use. */}}
{{- define "task-pubsub.problems.entries" -}}
{{- range $entry := include "task-pubsub.brokersInUse" . | fromYamlArray -}}
{{- with get $.Values.brokers $entry -}}
{{- $in := dict "root" $ "entry" $entry "broker" . "path" (printf "brokers.%s" $entry) -}}
{{- include "task-pubsub.ofBroker" (dict "root" $ "entry" $entry "part" "problems") -}}
{{- if .extraMetadata -}}{{- include "task-pubsub.problems.extraMetadata" $in -}}{{- end -}}
{{- include "task-pubsub.problems.secretKeys" (dict "path" $in.path "from" .) -}}
{{- end -}}
{{- end -}}
{{- include "task-pubsub.problems.store" . -}}
{{- end -}}

{{- define "task-pubsub.problems.secretKeys" -}}
{{- if and .from.secretKeys (not .from.existingSecret) }}
- {{ .path }}.secretKeys: names keys of no Secret, so the component would log in without them; set {{ .path }}.existingSecret.
{{- end -}}
{{- end -}}

{{/* extraMetadata may add, not contradict: daprd takes the last of two values of one name without a word. */}}
{{- define "task-pubsub.problems.extraMetadata" -}}
{{- $path := printf "%s.extraMetadata" .path -}}
{{- include "task-pubsub.problems.plainSecrets" (dict "path" $path "items" .broker.extraMetadata) -}}
{{- $own := dict "root" .root "entry" .entry "broker" (omit .broker "extraMetadata") "part" "metadata" -}}
{{- $rendered := include "task-pubsub.ofBroker" $own | fromYamlArray -}}
{{- range $item := .broker.extraMetadata -}}
{{- range $rendered -}}
{{- if eq (lower .name) (lower $item.name) }}
- {{ $path }}: `{{ $item.name }}` is set by the chart; a second value would silently replace the safe one.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A name under which a broker keeps what one subscriber has heard: two subscribers need two. */}}
{{- define "task-pubsub.problems.sharedConsumer" -}}
{{- $subscribers := include "task-pubsub.subscriberIds" .root | fromYamlArray -}}
{{- if and (gt (len $subscribers) 1) (not (contains "{appID}" .value)) }}
- {{ .path }}: {{ $subscribers | join ", " }} would share the {{ .what }} `{{ .value }}`, and each event would reach only one of them; put {appID} into the name.
{{- end -}}
{{- end -}}
