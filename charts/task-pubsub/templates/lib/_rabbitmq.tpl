{{/*
pubsub.rabbitmq. Names and units: components-contrib 1.18.3, pubsub/rabbitmq/metadata.go and rabbitmq.go; metadata.yaml
beside them is wrong about `durable` and `concurrency`.
*/}}

{{- define "task-pubsub.rabbitmq.metadata" -}}
{{- $rabbit := .broker -}}
{{- $tls := $rabbit.tls | default dict -}}
{{- /* The key of the Secret that holds a whole connection string, if that is how it logs in. */ -}}
{{- $connectionString := get ($rabbit.secretKeys | default dict) "connectionString" -}}
{{- $login := dict "username" "username" "password" "password" -}}
{{- if $rabbit.saslExternal -}}
{{- $login = dict "caCert" "ca.crt" "clientCert" "tls.crt" "clientKey" "tls.key" -}}
{{- else if $connectionString -}}
{{- $login = dict -}}
{{- end -}}
{{- if not $connectionString -}}
{{- include "task-pubsub.item" (dict "name" "hostname" "value" $rabbit.host) }}
{{- include "task-pubsub.item" (dict "name" "protocol" "value" (ternary "amqps" "amqp" ($tls.enabled | default false))) }}
{{- else if $tls.enabled }}
{{- /* Beside a connection string only as a check: daprd refuses one that does not begin with it. */}}
- name: protocol
  value: amqps
{{- end -}}
{{- if $rabbit.saslExternal -}}
{{- include "task-pubsub.item" (dict "name" "saslExternal" "value" "true") -}}
{{- end -}}
{{- include "task-pubsub.secretItems" (dict "from" $rabbit "defaults" $login) }}
- name: clientName
  value: {{ $rabbit.clientName | default "{appID}" | quote }}
{{- /* Stable, because it names the queue; {appID} gives every subscriber its own, which its replicas share. */}}
- name: consumerID
  value: {{ $rabbit.consumerID | default "{appID}" | quote }}
- name: durable
  value: "true"
{{- /* The default deletes the queue, and what is in it, when the last consumer leaves: on every rollout. */}}
- name: deletedWhenUnused
  value: "false"
{{- /* Written to disk; the default lives in memory. */}}
- name: deliveryMode
  value: "2"
{{- /* Without it a publish counts as done when it has been sent. */}}
- name: publisherConfirm
  value: "true"
- name: autoAck
  value: "false"
{{- /* The default drops what was in hand when a sidecar stops or an event's retries could not be ended. */}}
- name: requeueInFailure
  value: "true"
{{- /* Keeps dead letters in a queue, Dapr's (see .subscription) and those of RabbitMQ, which drops after 20 redeliveries. */}}
- name: enableDeadLetter
  value: {{ ne (toString $rabbit.deadLetterQueue) "false" | quote }}
{{- /* The key is not `concurrency`. Parallel, or one event in its retries would hold up the others that were fetched with it. */}}
- name: concurrencyMode
  value: parallel
- name: prefetchCount
  value: {{ include "task-pubsub.concurrency" $rabbit | quote }}
{{- /* A publish that finds the connection gone waits this long, and gives up at its deadline: a longer wait never reconnects. */}}
- name: reconnectWaitSeconds
  value: {{ printf "%dms" (div (include "task-pubsub.ms" .root.Values.publish.attemptTimeout | int64) 4 | max 50) }}
{{- include "task-pubsub.item" (dict "name" "heartBeat" "value" $rabbit.heartbeat) -}}
{{- include "task-pubsub.userItems" ($rabbit.extraMetadata | default list) -}}
{{- end -}}

{{/*
What a Subscription says beyond the others. The queue type is read here and nowhere else. And RabbitMQ drops what is published
to a topic that nobody has bound a queue to, so the dead letters go to the one exchange that has a queue from the beginning:
enableDeadLetter makes `dlx-<queue>` with `dlq-<queue>` behind it.
*/}}
{{- define "task-pubsub.rabbitmq.subscription" -}}
{{- if ne (toString .broker.deadLetterQueue) "false" }}
{{- $consumer := .broker.consumerID | default "{appID}" | replace "{appID}" .name }}
deadLetterTopic: {{ printf "dlx-%s" (.heard.metadata.queueName | default (printf "%s-%s" $consumer .heard.topic)) }}
{{- end }}
metadata:
  queueType: {{ .broker.queueType | default "quorum" }}
{{- end -}}

{{- define "task-pubsub.rabbitmq.problems" -}}
{{- $rabbit := .broker -}}
{{- $tls := ($rabbit.tls | default dict).enabled -}}
{{- $keys := $rabbit.secretKeys | default dict -}}
{{- $limit := include "task-pubsub.ms" ($rabbit.consumerTimeout | default "30m") | int64 -}}
{{- $floor := include "task-pubsub.redeliveryFloorMs" .root | int64 -}}
{{- if lt $limit $floor }}
- {{ .path }}.consumerTimeout: RabbitMQ takes back what is not acknowledged within {{ div $limit 1000 }}s, but the retries of one event can take {{ div $floor 1000 }}s; it would close the channel and hand out every event in hand a second time. Shorten delivery.retry, or raise consumer_timeout on the server and here.
{{- end -}}
{{- if and $rabbit.saslExternal (not (and $tls $rabbit.existingSecret)) }}
- {{ .path }}.saslExternal: the login is the client's certificate; it needs tls.enabled and existingSecret with caCert, clientCert and clientKey, without which the component never starts.
{{- end -}}
{{- range $field := list "caCert" "clientCert" "clientKey" -}}
{{- if and (get $keys $field) (not $tls) (not $rabbit.saslExternal) (not $keys.connectionString) }}
- {{ $.path }}.secretKeys.{{ $field }}: does nothing without tls.enabled; the login and every event would cross the network in the clear.
{{- end -}}
{{- if and $rabbit.saslExternal (hasKey $keys $field) (not (get $keys $field)) }}
- {{ $.path }}.secretKeys.{{ $field }}: saslExternal cannot do without it; the component never starts.
{{- end -}}
{{- end -}}
{{- if ne (empty $keys.clientCert) (empty $keys.clientKey) }}
- {{ .path }}.secretKeys: clientCert and clientKey go together; with one of them daprd presents no certificate at all.
{{- end -}}
{{- include "task-pubsub.problems.sharedConsumer" (dict "root" .root "path" (printf "%s.consumerID" .path) "what" "queue" "value" ($rabbit.consumerID | default "{appID}")) -}}
{{- include "task-pubsub.problems.sharedQueue" (dict "root" .root "path" (printf "%s.consumerID" .path) "what" "queue" "key" "queueName" "value" ($rabbit.consumerID | default "{appID}")) -}}
{{- end -}}

{{- define "task-pubsub.rabbitmq.warnings" -}}
{{- if eq (toString .broker.deadLetterQueue) "false" }}
- {{ .path }}: without deadLetterQueue dead letters are dropped until somebody subscribes to {{ include "task-pubsub.deadLetterTopicNames" .root }}, and so is what RabbitMQ 4 has redelivered 20 times.
{{- else }}
- {{ .path }}: dead letters wait in the queues `dlq-<queue>`, which no vhost with the default queue type quorum lets Dapr make; see deadLetterQueue.
{{- end }}
- {{ .path }}: RabbitMQ drops what is published before the first subscriber has made its queue: when changing to it with plain Helm, first list it in broker.subscribe, and make it active in a second upgrade.
- {{ .path }}: a queue keeps its type and arguments; another queueType needs a new entry with another consumerID. Do not give the queues the policy overflow=reject-publish: daprd takes the refusal for a success.
{{- if ne (.broker.queueType | default "quorum") "classic" }}
{{- $back := include "task-pubsub.ms" (.broker.consumerTimeout | default "30m") | int64 }}
- {{ .path }}: in an outage of the app, RabbitMQ hands out again every {{ div $back 1000 }}s (consumerTimeout) what is being retried, which has no second effect where there is an inbox. RabbitMQ 4.0 to 4.2 counts that, and a quorum queue gives an event up after 20 times, {{ div (mul 20 $back) 60000 }} min: a policy with a higher delivery-limit makes it longer; Dapr has no field for it.
{{- end }}
{{- if not .broker.existingSecret }}
- {{ .path }}: logs in as guest, which RabbitMQ by default refuses from another host; see existingSecret.
{{- else if not (or (.broker.tls | default dict).enabled (get (.broker.secretKeys | default dict) "connectionString")) }}
- {{ .path }}: the password crosses the network without TLS.
{{- end -}}
{{- end -}}

{{- define "task-pubsub.rabbitmq.trigger" -}}
{{- $rabbit := .plain -}}
type: rabbitmq
metadata:
  queueName: {{ .heard.metadata.queueName | default (printf "%s-%s" .consumer .topic) | quote }}
  mode: QueueLength
  value: {{ .backlog | quote }}
  host: {{ with $rabbit.hostname }}{{ printf "%s://%s" ($rabbit.protocol | default "amqp") . | quote }}{{ else }}""{{ end }}
parameters:
  connectionstring: host
  username: username
  password: password
{{- if or .secret.cacert .secret.clientcert $rabbit.cacert }}
cannotLogIn: it takes a certificate only together with a switch that must itself stand in a Secret
{{- else if and $rabbit.username .secret.password }}
cannotLogIn: it takes a user name only from a Secret, and this one is a plain value
{{- end }}
{{- end -}}
