{{/*
Durations are written `5s`, `250ms`, `2m`, `168h` (checked by the schema). Every sum below is computed from them here,
in one place, because a typed second copy is what makes timeouts contradict each other.
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

{{/*
The worker's own limit: a tenth shorter than the sidecar's, so that the worker's RETRY arrives before the sidecar gives up
and delivers the event again beside an attempt that is still running.
*/}}
{{- define "task-pubsub.workerTimeout" -}}
{{- div (mul (include "task-pubsub.ms" .Values.delivery.handlerTimeout | int64) 9) 10 -}}ms
{{- end -}}

{{/* The shortest time in which the retries can end: every attempt refused at once. */}}
{{- define "task-pubsub.budgetLowerMs" -}}
{{- $retry := .Values.delivery.retry -}}
{{- mul (include "task-pubsub.ms" $retry.interval | int64) (int64 $retry.maxRetries) -}}
{{- end -}}

{{/* The longest: every attempt uses its whole timeout. One attempt more than there are retries. */}}
{{- define "task-pubsub.budgetUpperMs" -}}
{{- $attempts := add1 (int64 .Values.delivery.retry.maxRetries) -}}
{{- add (include "task-pubsub.budgetLowerMs" . | int64)
        (mul $attempts (include "task-pubsub.ms" .Values.delivery.handlerTimeout | int64)) -}}
{{- end -}}

{{/*
How long Redis leaves an unacknowledged event alone before it hands it out again: longer than all retries together,
or a second chain of retries starts beside the first. The margin covers the dead-letter publish and scheduling.
*/}}
{{- define "task-pubsub.redeliveryFloorMs" -}}
{{- add (include "task-pubsub.budgetUpperMs" . | int64) 15000 -}}
{{- end -}}

{{/* delay + deadline: from SIGTERM until an app has ended. */}}
{{- define "task-pubsub.appStopSeconds" -}}
{{- add (include "task-pubsub.seconds" .Values.shutdown.delay | int64) (include "task-pubsub.seconds" .Values.shutdown.deadline | int64) -}}
{{- end -}}

{{/* How long a blocking sidecar keeps its API open: a second longer than the app may need it. */}}
{{- define "task-pubsub.blockSeconds" -}}
{{- add1 (include "task-pubsub.appStopSeconds" . | int64) -}}
{{- end -}}

{{/*
What a pod may take to stop. native: the app ends first, then the sidecar gets its own SIGTERM and its grace. block: both
get SIGTERM at once; the sidecar drains its subscriptions (30 s at most, fixed in daprd), then blocks, then closes within
its grace. 5 s on top for the telemetry flush and the kubelet.
*/}}
{{- define "task-pubsub.terminationGraceSeconds" -}}
{{- $native := include "task-pubsub.appStopSeconds" . | int64 -}}
{{- $block := include "task-pubsub.blockSeconds" . | int64 | add 30 -}}
{{- add (ternary $native $block (eq .Values.shutdown.sidecar "native")) (include "task-pubsub.seconds" .Values.shutdown.sidecarGrace | int64) 5 -}}
{{- end -}}

{{/* Until the sidecar has noticed a red app-health path: threshold probes, one interval apart, and the one under way. */}}
{{- define "task-pubsub.appHealthNoticeMs" -}}
{{- mul (add1 (int64 .threshold)) (include "task-pubsub.ms" .interval | int64) -}}
{{- end -}}
