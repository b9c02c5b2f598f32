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
timeouts need. `maxBatch`: where daprd sends a batch's events one after another, each with its own acknowledgement, a batch is
no longer than fits well into an attempt; one that does not is sent once more as a whole. `_<type>.tpl` defines for each
`task-pubsub.<type>.metadata`, `.problems` and `.warnings`, and where this says so `.subscription`.
*/}}
{{- define "task-pubsub.brokerTypes" -}}
redis: {initTimeout: 10s}
kafka: {initTimeout: 30s}
rabbitmq: {initTimeout: 30s, maxBatch: 16, subscription: true}
aws.snssqs: {initTimeout: 20s}
gcp.pubsub: {initTimeout: 10s}
azure.servicebus.topics: {initTimeout: 20s}
pulsar: {initTimeout: 30s}
jetstream: {initTimeout: 10s}
generic: {initTimeout: 20s}
{{- end -}}

{{/* Its row of that table; any other type has the one of `generic`, which passes its own metadata through. */}}
{{- define "task-pubsub.brokerType" -}}
{{- $types := include "task-pubsub.brokerTypes" . | fromYaml -}}
{{- $name := ternary .type "generic" (hasKey $types .type) -}}
{{- merge (dict "name" $name) (get $types $name) | toYaml -}}
{{- end -}}

{{/* What the file of its type says about one entry: `part` is metadata, problems, warnings or subscription. */}}
{{- define "task-pubsub.ofBroker" -}}
{{- $broker := .broker | default (get .root.Values.brokers .entry) -}}
{{- $type := include "task-pubsub.brokerType" $broker | fromYaml -}}
{{- $in := set (set (omit . "part") "broker" $broker) "path" (printf "brokers.%s" .entry) -}}
{{- if or (ne .part "subscription") $type.subscription -}}
{{- include (printf "task-pubsub.%s.%s" $type.name .part) $in -}}
{{- end -}}
{{- end -}}

{{/* deadLetterTopic, and metadata where the broker has some, of the subscription of service `name` through one entry. */}}
{{- define "task-pubsub.subscription" -}}
{{- $own := include "task-pubsub.ofBroker" (merge (dict "part" "subscription") .) | fromYaml -}}
{{- $topic := include "task-pubsub.deadLetterTopic" (dict "root" .root "key" .service.topic) -}}
{{- merge $own (dict "deadLetterTopic" $topic) | toYaml -}}
{{- end -}}

{{/* Where what nobody could handle goes, over all subscriptions. */}}
{{- define "task-pubsub.deadLetterTopics" -}}
{{- $topics := list -}}
{{- range $name, $service := include "task-pubsub.services" . | fromYaml -}}
{{- range $entry := ternary (include "task-pubsub.subscribedBrokers" $ | fromYamlArray) list (eq $service.role "subscriber") -}}
{{- $subscription := include "task-pubsub.subscription" (dict "root" $ "entry" $entry "name" $name "service" $service) | fromYaml -}}
{{- $topics = append $topics $subscription.deadLetterTopic -}}
{{- end -}}
{{- end -}}
{{- $topics | uniq | sortAlpha | toYaml -}}
{{- end -}}

{{/* Names of topics, for sentences. */}}
{{- define "task-pubsub.topicNames" -}}
{{- $names := list -}}
{{- range $key, $topic := .Values.topics -}}
{{- if $topic -}}{{- $names = append $names (include "task-pubsub.topic" (dict "root" $ "key" $key) | printf "`%s`") -}}{{- end -}}
{{- end -}}
{{- $names | join ", " -}}
{{- end -}}
{{- define "task-pubsub.plainDeadLetterTopics" -}}
{{- $names := list -}}
{{- range $key, $topic := .Values.topics -}}
{{- if $topic -}}{{- $names = append $names (include "task-pubsub.deadLetterTopic" (dict "root" $ "key" $key) | printf "`%s`") -}}{{- end -}}
{{- end -}}
{{- $names | join ", " -}}
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
