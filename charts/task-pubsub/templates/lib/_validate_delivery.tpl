{{/* Protocols, health checks and the watchdog: what contradicts what, and what a choice can cost. */}}

{{- define "task-pubsub.problems.delivery" -}}
{{- $delivery := .Values.delivery -}}
{{- $watchdog := $delivery.watchdog -}}
{{- $attempt := add (include "task-pubsub.ms" $delivery.handlerTimeout | int64) (include "task-pubsub.ms" $delivery.retry.interval | int64) -}}
{{- if and (include "task-pubsub.ms" $watchdog.silence | int64) (le (include "task-pubsub.ms" $watchdog.patience | int64) $attempt) }}
- delivery.watchdog.patience: {{ $watchdog.patience }} is not longer than delivery.handlerTimeout + delivery.retry.interval ({{ $attempt }}ms); an event that is merely being retried would look like deafness, and its sidecar would be ended again and again.
{{- end -}}
{{- range $name, $service := include "task-pubsub.services" . | fromYaml -}}
{{- if eq $service.role "subscriber" -}}
{{- $in := dict "root" $ "name" $name "service" $service -}}
{{- if and (include "task-pubsub.maxConcurrency" $in) (eq (include "task-pubsub.protocol" $in) "grpc") }}
- services.{{ $name }}: the annotation dapr.io/app-max-concurrency does nothing for events that are delivered by gRPC; as many as before would be in hand at once. Bound them by the broker's `concurrency`, or set services.{{ $name }}.protocol: http.
{{- end -}}
{{- if $service.appHealth.path -}}{{- include "task-pubsub.problems.appHealth" $in -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The annotation by which daprd's HTTP channel delivers fewer events at once, wherever it stands. */}}
{{- define "task-pubsub.maxConcurrency" -}}
{{- get (merge (dict) .service.sidecar.annotations .service.podAnnotations) "dapr.io/app-max-concurrency" -}}
{{- end -}}

{{- define "task-pubsub.problems.appHealth" -}}
{{- $health := .service.appHealth -}}
{{- $path := printf "services.%s.appHealth" .name -}}
{{- if .service.inbox }}
- {{ $path }}.path: {{ $health.path }} would have the sidecar unsubscribe while the path is red and subscribe again after it, and after that daprd's Kafka component can be deaf for ever while every probe is green. A service on dapr-pubsub needs no such check: events are retried until it is back.
{{- end -}}
{{- $notice := include "task-pubsub.appHealthNoticeMs" $health | int64 -}}
{{- $delay := .root.Values.shutdown.delay -}}
{{- if lt (include "task-pubsub.ms" $delay | int64) $notice }}
- shutdown.delay: {{ $delay }} is shorter than the sidecar needs to notice that {{ .name }} is stopping ({{ $path }}: interval x (threshold + 1) = {{ div $notice 1000 }}s); it would go on delivering to an app that no longer takes events.
{{- end -}}
{{- if ge (include "task-pubsub.ms" $health.timeout | int64) (include "task-pubsub.ms" $health.interval | int64) }}
- {{ $path }}.timeout: {{ $health.timeout }} is not shorter than {{ $path }}.interval ({{ $health.interval }}); daprd refuses to start with that.
{{- end -}}
{{- end -}}

{{- define "task-pubsub.warnings.delivery" -}}
{{- $kafkas := list -}}
{{- range $entry := include "task-pubsub.subscribedBrokers" . | fromYamlArray -}}
{{- if eq (get $.Values.brokers $entry).type "kafka" -}}{{- $kafkas = append $kafkas (printf "brokers.%s" $entry) -}}{{- end -}}
{{- end -}}
{{- range $name, $service := include "task-pubsub.services" . | fromYaml }}
{{- if and $service.enabled (eq $service.role "subscriber") }}
{{- $in := dict "root" $ "name" $name "service" $service }}
{{- if and (eq (include "task-pubsub.protocol" $in) "http") (ne (include "task-pubsub.maxConcurrency" $in) "1") }}
- services.{{ $name }}: gets its events by HTTP, several at once. When several begin at the same moment, daprd's HTTP channel can take one that no app has answered for a success, so events in hand when the app crashes may be lost. {{ if $service.inbox }}`protocol: grpc` does not lose them.{{ else }}Where the program speaks gRPC, `protocol: grpc` does not lose them; otherwise sidecar.annotations `dapr.io/app-max-concurrency: "1"` has one delivered at a time.{{ end }}
{{- end }}
{{- if and $service.appHealth.path $kafkas }}
- services.{{ $name }}.appHealth: when its path has been red, the sidecar subscribes again, and may then be deaf on {{ $kafkas | join ", " }} until it is restarted, while every probe is green.
{{- end }}
{{- end }}
{{- end }}
{{- if include "task-pubsub.ms" .Values.delivery.watchdog.silence | int64 }}
{{- $topics := list -}}
{{- range $key, $topic := .Values.topics -}}
{{- if $topic -}}{{- $topics = append $topics (include "task-pubsub.topic" (dict "root" $ "key" $key)) -}}{{- end -}}
{{- end -}}
{{- range $topic := $topics | uniq | sortAlpha }}
{{- $own := include "task-pubsub.subscribersOf" (dict "root" $ "topic" $topic "inbox" true) | fromYamlArray }}
{{- $others := include "task-pubsub.subscribersOf" (dict "root" $ "topic" $topic "inbox" false) | fromYamlArray }}
{{- if and $own (eq $.Values.stateStore.type "none") }}
- delivery.watchdog: is off, because with stateStore.type none nobody records a canary; nothing notices when a sidecar of {{ $own | join ", " }} has gone deaf.
{{- else if and $own $others }}
- delivery.watchdog: is off for {{ $topic }}, because {{ $others | join ", " }} would take its canaries for events; nothing notices when a sidecar of {{ $own | join ", " }} has gone deaf.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
