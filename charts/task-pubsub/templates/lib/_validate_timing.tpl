{{/* Durations that only make sense together, and topics that would feed themselves. */}}
{{- define "task-pubsub.problems.timing" -}}
{{- $delivery := .Values.delivery -}}
{{- /* The shortest time in which the retries can end: every attempt refused at once. */ -}}
{{- $lower := mul (include "task-pubsub.ms" $delivery.retry.interval | int64) (int64 $delivery.retry.maxRetries) -}}
{{- $lease := include "task-pubsub.ms" $delivery.lease | int64 -}}
{{- if le $lease (include "task-pubsub.ms" $delivery.handlerTimeout | int64) }}
- delivery.lease: {{ $delivery.lease }} is not longer than delivery.handlerTimeout ({{ $delivery.handlerTimeout }}); a claim could run out while its handler works, and a second copy would have a second effect.
{{- end -}}
{{- if ge $lease $lower }}
- delivery.lease: {{ $delivery.lease }} is not shorter than delivery.retry.interval x maxRetries ({{ div $lower 1000 }}s); the claim that a crash leaves behind would keep its event waiting for longer than all retries of a failing handler take.
{{- end -}}
{{- if le (include "task-pubsub.ms" $delivery.retention | int64) (include "task-pubsub.redeliveryFloorMs" . | int64) }}
- delivery.retention: {{ $delivery.retention }} is not longer than a redelivery can be away ({{ div (include "task-pubsub.redeliveryFloorMs" . | int64) 1000 }}s); a handled event would be forgotten before its copy arrives, and the copy would have a second effect.
{{- end -}}
{{- if gt (include "task-pubsub.ms" .Values.publish.attemptTimeout | int64) (include "task-pubsub.ms" .Values.publish.deadline | int64) }}
- publish.attemptTimeout: {{ .Values.publish.attemptTimeout }} is longer than publish.deadline ({{ .Values.publish.deadline }}); the first attempt would use up the request's time and there would be no retry.
{{- end -}}
{{- $monitoring := .Values.monitoring -}}
{{- if gt (include "task-pubsub.ms" $monitoring.scrapeTimeout | int64) (include "task-pubsub.ms" $monitoring.interval | int64) }}
- monitoring.scrapeTimeout: {{ $monitoring.scrapeTimeout }} is longer than monitoring.interval ({{ $monitoring.interval }}); Prometheus Operator would leave the PodMonitor out, and there would be no metrics.
{{- end -}}
{{- range $name, $topic := .Values.topics -}}
{{- if and $topic (eq $topic.name $topic.deadLetter) }}
- topics.{{ $name }}.deadLetter: `{{ $topic.deadLetter }}` is the topic itself; an event that cannot be handled would be published to it again without end.
{{- end -}}
{{- end -}}
{{- $stop := .Values.shutdown -}}
{{- $deadline := include "task-pubsub.ms" $stop.deadline | int64 -}}
{{- if lt $deadline (include "task-pubsub.ms" .Values.delivery.handlerTimeout | int64) }}
- shutdown.deadline: {{ $stop.deadline }} is shorter than delivery.handlerTimeout ({{ .Values.delivery.handlerTimeout }}); a stopping worker would be killed in the middle of a handler.
{{- end -}}
{{- if lt $deadline (include "task-pubsub.ms" .Values.publish.deadline | int64) }}
- shutdown.deadline: {{ $stop.deadline }} is shorter than publish.deadline ({{ .Values.publish.deadline }}); a stopping publisher would drop requests it has accepted.
{{- end -}}
{{- end -}}
