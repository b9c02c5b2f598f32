{{/*
Durations are written `5s`, `250ms`, `2m`, `168h` (checked by the schema). A sum that more than one place needs is computed here,
because a typed second copy is what makes timeouts contradict each other.
*/}}

{{/* "2m" -> 120000 */}}
{{- define "task-pubsub.ms" -}}
{{- $unit := regexFind "(ms|s|m|h)$" . -}}
{{- $factor := get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) $unit -}}
{{- mul (regexFind "^[0-9]+" . | int64) $factor -}}
{{- end -}}

{{/* "1500ms" -> 2: seconds, rounded up. */}}
{{- define "task-pubsub.seconds" -}}
{{- div (add (include "task-pubsub.ms" . | int64) 999) 1000 -}}
{{- end -}}

{{/* The longest time that the retries of one event can take: every attempt uses its whole timeout. One attempt more than retries. */}}
{{- define "task-pubsub.retryBudgetMs" -}}
{{- $retry := .Values.delivery.retry -}}
{{- $pauses := mul (include "task-pubsub.ms" $retry.interval | int64) (int64 $retry.maxRetries) -}}
{{- $attempts := mul (include "task-pubsub.ms" .Values.delivery.handlerTimeout | int64) (add1 (int64 $retry.maxRetries)) -}}
{{- add $pauses $attempts -}}
{{- end -}}

{{/*
How long a broker leaves an unacknowledged event alone before it hands it out again: longer than all retries together, or a second
chain of retries starts beside the first. The margin covers the dead-letter publish and scheduling.
*/}}
{{- define "task-pubsub.redeliveryFloorMs" -}}
{{- add (include "task-pubsub.retryBudgetMs" . | int64) 15000 -}}
{{- end -}}

{{/* delay + deadline, after a preStop that sleeps: from the order to stop until an app has ended (root, service). */}}
{{- define "task-pubsub.appStopSeconds" -}}
{{- $stop := .root.Values.shutdown -}}
{{- $sleep := dig "preStop" "sleep" "seconds" 0 (.service.lifecycle | default dict) | int64 -}}
{{- add $sleep (include "task-pubsub.seconds" $stop.delay | int64) (include "task-pubsub.seconds" $stop.deadline | int64) -}}
{{- end -}}
