{{/* Durations, names and annotations that only make sense together. */}}

{{- define "task-pubsub.problems.timing" -}}
{{- $delivery := .Values.delivery -}}
{{- $lower := include "task-pubsub.budgetLowerMs" . | int64 -}}
{{- $upper := include "task-pubsub.budgetUpperMs" . | int64 -}}
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
{{- end -}}

{{- define "task-pubsub.problems.shutdown" -}}
{{- $stop := .Values.shutdown -}}
{{- $deadline := include "task-pubsub.ms" $stop.deadline | int64 -}}
{{- if lt $deadline (include "task-pubsub.ms" .Values.delivery.handlerTimeout | int64) }}
- shutdown.deadline: {{ $stop.deadline }} is shorter than delivery.handlerTimeout ({{ .Values.delivery.handlerTimeout }}); a stopping worker would be killed in the middle of a handler.
{{- end -}}
{{- if lt $deadline (include "task-pubsub.ms" .Values.publish.deadline | int64) }}
- shutdown.deadline: {{ $stop.deadline }} is shorter than publish.deadline ({{ .Values.publish.deadline }}); a stopping publisher would drop requests it has accepted.
{{- end -}}
{{- end -}}

{{- define "task-pubsub.problems.services" -}}
{{- $services := include "task-pubsub.services" . | fromYaml -}}
{{- range $name, $service := $services -}}
{{- if not (get $.Values.topics $service.topic) }}
- services.{{ $name }}.topic: `{{ $service.topic }}` is no entry of `topics` ({{ keys $.Values.topics | sortAlpha | join ", " }}); the service would have nothing to publish to or hear from.
{{- end -}}
{{- if eq (int $service.port) (int $.Values.adminPort) }}
- services.{{ $name }}.port: {{ $service.port }} is adminPort too; the second of the two servers could not start.
{{- end -}}
{{- if and $service.serviceAccountName $service.serviceAccount.annotations }}
- services.{{ $name }}.serviceAccount.annotations: would be on no account, because serviceAccountName `{{ $service.serviceAccountName }}` names one that the chart does not make; the cloud would know nobody. Annotate that one, or leave the name empty.
{{- end -}}
{{- $plain := deepCopy $service -}}
{{- $_ := set $plain.sidecar "annotations" dict -}}
{{- /* What appHealth would render counts, whether or not it does: an annotation would be a way around its checks. */}}
{{- $_ := set $plain.appHealth "path" "/" -}}
{{- $computed := include "task-pubsub.daprAnnotations" (dict "root" $ "name" $name "service" $plain) | fromYaml -}}
{{- range $key := keys (merge (dict) $service.sidecar.annotations $service.podAnnotations) | sortAlpha -}}
{{- if hasKey $computed $key }}
- services.{{ $name }}: the annotation {{ $key }} is computed by the chart; set the value it comes from, or two places would disagree.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
