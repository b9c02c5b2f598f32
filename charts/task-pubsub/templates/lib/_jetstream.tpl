{{/*
pubsub.jetstream. Names and units: components-contrib 1.18.3, pubsub/jetstream/metadata.go and jetstream.go. Dapr makes the
consumer, never the stream; and it refuses to use a consumer that exists with other settings.
*/}}

{{- define "task-pubsub.jetstream.metadata" -}}
{{- $nats := .broker -}}
{{- $durable := printf "%s%s" ($nats.durableName | default "{appID}") (replace "." "-" .root.Values.topicSuffix) -}}
{{- if ne ($nats.authType | default "none") "url" -}}
{{- include "task-pubsub.item" (dict "name" "natsURL" "value" $nats.url) -}}
{{- end -}}
{{- include "task-pubsub.secretItems" (dict "from" $nats "defaults" (include "task-pubsub.jetstream.secretFields" ($nats.authType | default "none") | fromYaml)) }}
- name: name
  value: {{ $nats.clientName | default "{appID}" | quote }}
{{- include "task-pubsub.item" (dict "name" "streamName" "value" $nats.streamName) -}}
{{- include "task-pubsub.item" (dict "name" "domain" "value" $nats.domain) }}
{{- /* consumerID is not read. Without this every start makes a new consumer, which reads everything again. */}}
- name: durableName
  value: {{ $durable | quote }}
{{- /* Without it every replica gets every event. */}}
- name: queueGroupName
  value: {{ $durable | quote }}
{{- /* Everything that is in the stream when the consumer is made, then everything that comes. */}}
- name: deliverPolicy
  value: all
- name: ackPolicy
  value: explicit
{{- /* Not computed: Dapr refuses a consumer whose value is another, so a changed retry would end all deliveries. */}}
- name: ackWait
  value: {{ $nats.ackWait | default "3m" | quote }}
{{- /* A limit would leave an event in the stream that nobody is ever given again. */}}
- name: maxDeliver
  value: "-1"
- name: maxAckPending
  value: {{ $nats.maxAckPending | default 20 | quote }}
{{- /* With `parallel` an event is acknowledged before it is handled, and lost with its sidecar: Dapr subscribes with nats.go's automatic
acknowledgement, which follows the return of the callback, and in that mode the callback only starts the handling. */}}
- name: concurrencyMode
  value: single
{{- include "task-pubsub.userItems" ($nats.extraMetadata | default list) -}}
{{- end -}}

{{/* The fields each way to log in takes from the Secret, with the usual key of each. */}}
{{- define "task-pubsub.jetstream.secretFields" -}}
{{- $fields := dict
      "none" dict
      "token" (dict "token" "token")
      "jwt" (dict "jwt" "jwt" "seedKey" "seed-key")
      "url" (dict "natsURL" "url") -}}
{{- get $fields . | toYaml -}}
{{- end -}}

{{- define "task-pubsub.jetstream.problems" -}}
{{- $nats := .broker -}}
{{- $auth := $nats.authType | default "none" -}}
{{- $wait := include "task-pubsub.ms" ($nats.ackWait | default "3m") | int64 -}}
{{- $floor := include "task-pubsub.redeliveryFloorMs" .root | int64 -}}
{{- if lt $wait $floor }}
- {{ .path }}.ackWait: {{ $nats.ackWait | default "3m" }} is shorter than the retries of one event can take ({{ div $floor 1000 }}s); JetStream would deliver it again while it is still being retried, and the chains would overlap. Raise it here and, with `nats consumer edit`, on consumers that exist.
{{- end -}}
{{- $fields := include "task-pubsub.jetstream.secretFields" $auth | fromYaml -}}
{{- if and (ne $auth "none") (not $nats.existingSecret) }}
- {{ .path }}.existingSecret: authType `{{ $auth }}` needs {{ keys $fields | sortAlpha | join ", " }} from a Secret; without it the component never starts.
{{- end -}}
{{- range $field, $key := $nats.secretKeys -}}
{{- if and (eq (toString $key) "") (hasKey $fields $field) }}
- {{ $.path }}.secretKeys.{{ $field }}: authType `{{ $auth }}` cannot do without it; the component never starts.
{{- end -}}
{{- end -}}
{{- range $name, $service := .root.Values.graph.services -}}
{{- if gt (len $service.hears) 1 }}
- {{ $.path }}: services.{{ $name }} hears {{ len $service.hears }} topics, and a consumer of JetStream has one; NATS would refuse the second, and nothing of that topic would arrive. Give each topic a service of its own.
{{- end -}}
{{- end -}}
{{- include "task-pubsub.problems.sharedConsumer" (dict "root" .root "path" (printf "%s.durableName" .path) "what" "consumer" "value" ($nats.durableName | default "{appID}")) -}}
{{- end -}}

{{- define "task-pubsub.jetstream.warnings" -}}
{{- $nats := .broker -}}
{{- $topics := list -}}
{{- range $key, $topic := .root.Values.graph.topics -}}{{- $topics = append $topics (printf "`%s`" $topic.name) -}}{{- end -}}
- {{ .path }}: Dapr makes no streams. {{ with $nats.streamName }}`{{ . }}` must{{ else }}One must{{ end }} exist and hold {{ $topics | join ", " }}, with the retention policy limits: the others drop what nobody has subscribed to yet.
- {{ .path }}: {{ include "task-pubsub.deadLetterTopicNames" .root }} needs a stream of its own. A dead letter has the id of its event, and a stream silently drops a second message of one id that comes within its duplicate window (2 minutes).
- {{ .path }}: a sidecar whose connection has been away for about 2 minutes gives it up for good; restart the Deployments after such an outage.
- {{ .path }}: a sidecar handles one event at a time, so an event's retries hold up those behind it; more replicas share the work. What waits for longer than ackWait is delivered once more, and acted on once.
- {{ .path }}: durableName, ackWait and maxAckPending belong to the consumer on the server: when they change, change them there too (`nats consumer edit`), or Dapr refuses the consumer and nothing is delivered.
{{- if and (has ($nats.authType | default "none") (list "token" "jwt")) (hasPrefix "nats:" ($nats.url | default "")) }}
- {{ .path }}: nats:// is encrypted only where the server asks for it; tls:// insists.
{{- end -}}
{{- end -}}
