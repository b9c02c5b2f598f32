{{/* Protocols, health checks and the watchdog: what contradicts what. */}}
{{- define "task-pubsub.problems.delivery" -}}
{{- if and .Values.tokens.appTokenOtherSecret (not .Values.tokens.appTokenSecret) }}
- tokens.appTokenOtherSecret: is set, and appTokenSecret is not; a sidecar without a token would be refused, although none is asked for.
{{- end -}}
{{- $delivery := .Values.delivery -}}
{{- $watchdog := $delivery.watchdog -}}
{{- $attempt := add (include "task-pubsub.ms" $delivery.handlerTimeout | int64) (include "task-pubsub.ms" $delivery.retry.interval | int64) -}}
{{- if and (include "task-pubsub.ms" $watchdog.silence | int64) (le (include "task-pubsub.ms" $watchdog.patience | int64) $attempt) }}
- delivery.watchdog.patience: {{ $watchdog.patience }} is not longer than delivery.handlerTimeout + delivery.retry.interval ({{ $attempt }}ms); an event that is merely being retried would look like deafness, and its sidecar would be ended again and again.
{{- end -}}
{{- range $name, $service := .Values.graph.services -}}
{{- if $service.hears -}}
{{- /* The annotation by which daprd's HTTP channel delivers fewer events at once, wherever it stands. */ -}}
{{- $maxConcurrency := get (merge (dict) $service.sidecar.annotations $service.podAnnotations) "dapr.io/app-max-concurrency" -}}
{{- if and $maxConcurrency (hasPrefix "grpc" (include "task-pubsub.protocol" (dict "root" $ "service" $service))) }}
- services.{{ $name }}: the annotation dapr.io/app-max-concurrency does nothing for events that are delivered by gRPC; as many as before would be in hand at once. Bound them by the broker's `concurrency`, or set services.{{ $name }}.protocol: http.
{{- end -}}
{{- $health := $service.appHealth -}}
{{- if $health.path -}}
{{- $path := printf "services.%s.appHealth" $name -}}
{{- if $service.inbox }}
- {{ $path }}.path: {{ $health.path }} would have the sidecar unsubscribe while the path is red and subscribe again after it, and after that daprd's Kafka component can be deaf for ever while every probe is green. A service on dapr-pubsub needs no such check: events are retried until it is back.
{{- end -}}
{{- /* Until the sidecar has noticed a red path: threshold probes, one interval apart, and the one under way. */ -}}
{{- $notice := mul (add1 (int64 $health.threshold)) (include "task-pubsub.ms" $health.interval | int64) -}}
{{- $delay := $.Values.shutdown.delay -}}
{{- if lt (include "task-pubsub.ms" $delay | int64) $notice }}
- shutdown.delay: {{ $delay }} is shorter than the sidecar needs to notice that {{ $name }} is stopping ({{ $path }}: interval x (threshold + 1) = {{ div $notice 1000 }}s); it would go on delivering to an app that no longer takes events.
{{- end -}}
{{- if ge (include "task-pubsub.ms" $health.timeout | int64) (include "task-pubsub.ms" $health.interval | int64) }}
- {{ $path }}.timeout: {{ $health.timeout }} is not shorter than {{ $path }}.interval ({{ $health.interval }}); daprd refuses to start with that.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
