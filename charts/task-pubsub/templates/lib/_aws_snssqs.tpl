{{/*
pubsub.aws.snssqs: an SNS topic per topic, one SQS queue per subscriber. Names and units: components-contrib 1.18.3,
pubsub/aws/snssqs/metadata.go and snssqs.go (where metadata.yaml differs, the code).
*/}}

{{- define "task-pubsub.aws.snssqs.metadata" -}}
{{- $aws := .broker -}}
{{- $receives := int64 ($aws.receiveLimit | default 1000) -}}
{{- $concurrency := include "task-pubsub.concurrency" $aws | int64 -}}
{{- /* Dapr leaves out what AWS does not allow in a name; here already, so that what is read is what is there. */ -}}
{{- $suffix := replace "." "" .root.Values.topicSuffix -}}
{{- include "task-pubsub.item" (dict "name" "region" "value" $aws.region) -}}
{{- include "task-pubsub.item" (dict "name" "partition" "value" $aws.partition) -}}
{{- include "task-pubsub.item" (dict "name" "accountID" "value" $aws.accountID) -}}
{{- include "task-pubsub.item" (dict "name" "endpoint" "value" $aws.endpoint) -}}
{{- include "task-pubsub.secretItems" (dict "from" $aws "defaults" (dict "accessKey" "access-key-id" "secretKey" "secret-access-key")) }}
{{- /* The name of the queue. It takes in every topic of the subscriber, so a developer's suffix must be in it too. */}}
- name: consumerID
  value: {{ printf "%s%s" ($aws.consumerID | default "{appID}") $suffix | quote }}
{{- /* The time is never extended, and runs while an event waits for a place among the others. */}}
- name: messageVisibilityTimeout
  value: {{ div (add (include "task-pubsub.aws.snssqs.visibilityMs" . | int64) 999) 1000 | quote }}
{{- /* A queue of its own for what was received too often; without one daprd deletes it. SQS counts every time that an event comes back, in
an outage once per visibility timeout: the limit, the highest that SQS takes, lasts for days of it. */}}
- name: sqsDeadLettersQueueName
  value: {{ printf "%s%s" ($aws.deadLetterQueue | default "{appID}-dead-letter") $suffix | quote }}
- name: messageReceiveLimit
  value: {{ $receives | quote }}
- name: messageRetryLimit
  value: {{ add1 $receives | quote }}
- name: concurrencyMode
  value: parallel
- name: concurrencyLimit
  value: {{ $concurrency | quote }}
{{- /* No more at once than there are places, or the visibility timeout of the rest would run out in the line. */}}
- name: messageMaxNumber
  value: {{ min 10 $concurrency | quote }}
{{- if eq (toString $aws.entityManagement) "false" }}
- name: disableEntityManagement
  value: "true"
{{- end -}}
{{- include "task-pubsub.userItems" ($aws.extraMetadata | default list) -}}
{{- end -}}

{{/* Until SQS hands an event out again. It may wait for a place as long as another's retries can take, and then needs the same time itself. */}}
{{- define "task-pubsub.aws.snssqs.visibilityMs" -}}
{{- if .broker.visibilityTimeout -}}{{- include "task-pubsub.ms" .broker.visibilityTimeout -}}
{{- else -}}{{- add (include "task-pubsub.redeliveryFloorMs" .root | int64) (include "task-pubsub.retryBudgetMs" .root | int64) -}}
{{- end -}}
{{- end -}}

{{- define "task-pubsub.aws.snssqs.problems" -}}
{{- $aws := .broker -}}
{{- $visible := include "task-pubsub.aws.snssqs.visibilityMs" . | int64 -}}
{{- $needed := include "task-pubsub.aws.snssqs.visibilityMs" (dict "root" .root "broker" dict) | int64 -}}
{{- if lt $visible $needed }}
- {{ .path }}.visibilityTimeout: {{ $aws.visibilityTimeout }} is shorter than an event can be in hand ({{ div $needed 1000 }}s: waiting for a place, then its own retries); SQS would hand it out again while it is still being retried, and the chains would overlap.
{{- end -}}
{{- if gt $visible 43200000 }}
- {{ .path }}.visibilityTimeout: {{ div $visible 1000 }}s is more than SQS allows (12h); the sidecar could not receive anything. Shorten {{ ternary "visibilityTimeout" "delivery.retry" (not (empty $aws.visibilityTimeout)) }}.
{{- end -}}
{{- $consumer := $aws.consumerID | default "{appID}" -}}
{{- $dead := $aws.deadLetterQueue | default "{appID}-dead-letter" -}}
{{- if eq $consumer $dead }}
- {{ .path }}.deadLetterQueue: `{{ $dead }}` is the queue itself; an event that cannot be handled would go round in it without end.
{{- end -}}
{{- include "task-pubsub.problems.sharedConsumer" (dict "root" .root "path" (printf "%s.consumerID" .path) "what" "queue" "value" $consumer) -}}
{{- range $name := .root.Values.graph.subscribers -}}
{{- range list $consumer $dead -}}
{{- $queue := printf "%s%s" (replace "{appID}" $name .) (replace "." "" $.root.Values.topicSuffix) -}}
{{- if gt (len $queue) 80 }}
- {{ $.path }}: the queue name `{{ $queue }}` is longer than the 80 characters of SQS; daprd would cut it, and queues with the same beginning would become one.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "task-pubsub.aws.snssqs.warnings" -}}
- {{ .path }}: SNS drops what is published before the first subscriber has subscribed its queue: when changing to it with plain Helm, first list it in broker.subscribe, and make it active in a second upgrade.
- {{ .path }}: for the same reason SNS drops dead letters until somebody subscribes to their topic: subscribe a queue of your own to {{ include "task-pubsub.deadLetterTopicNames" .root }} (README, "Dead letters").
- {{ .path }}: queues made by Dapr keep an event for 4 days, the default of SQS; raise MessageRetentionPeriod, which Dapr has no field for.
{{- if regexMatch "^http:" (.broker.endpoint | default "") }}
- {{ .path }}: endpoint is plain HTTP.
{{- end -}}
{{- end -}}
