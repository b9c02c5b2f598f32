{{/* What daprd itself is given: memory, and variables. */}}

{{/*
The memory limit of a sidecar without one of its own, in MiB. daprd has an event about five times while it delivers it (100 events of
3.5 MB on Redis, ten in hand: 450 MiB at most), and as many events as its component holds: Redis' has some in hand, some in its queue and
some that it is about to put there. Over all of `brokers`, so that a change of broker does not roll the subscribers.
*/}}
{{- define "task-pubsub.sidecarMemoryMi" -}}
{{- if ne .service.role "subscriber" -}}256
{{- else -}}
{{- $held := 10 -}}
{{- range $broker := values .root.Values.brokers -}}
{{- if $broker -}}
{{- $concurrency := int64 ($broker.concurrency | default 10) -}}
{{- if eq $broker.type "redis" -}}
{{- $concurrency = add $concurrency (mul 2 (int64 ($broker.queueDepth | default $concurrency))) -}}
{{- end -}}
{{- $held = max $held $concurrency (int64 ($broker.maxAckPending | default 0)) -}}
{{- end -}}
{{- end -}}
{{- add 96 (mul 5 $held (int64 .root.Values.delivery.largestEvent)) -}}
{{- end -}}
{{- end -}}

{{/*
A computed limit is told to Go, whose heap would otherwise grow past it before it is collected. Where traces go is not in the
Configuration: an edit of that would restart every sidecar at once.
*/}}
{{- define "task-pubsub.sidecarEnv" -}}
{{- $env := list -}}
{{- if not .service.sidecar.resources.limits.memory -}}
{{- $env = append $env (printf "GOMEMLIMIT=%dMiB" (div (mul 9 (include "task-pubsub.sidecarMemoryMi" . | int64)) 10)) -}}
{{- end -}}
{{- with .root.Values.otel.endpoint -}}
{{- $env = concat $env (list (printf "OTEL_EXPORTER_OTLP_ENDPOINT=%s" (trimSuffix "/" .)) "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" "OTEL_EXPORTER_OTLP_INSECURE=true") -}}
{{- end -}}
{{- $env | join "," -}}
{{- end -}}
