{{/* What the injector reads. Every number of the shutdown comes from the same sums as the pod's grace period. */}}
{{- define "task-pubsub.sidecarAnnotations" -}}
{{- $values := .root.Values -}}
{{- $sidecar := .service.sidecar -}}
{{- /*
The memory limit of a sidecar without one of its own, in MiB. daprd has an event about five times while it delivers it (100 events of
3.5 MB on Redis, ten in hand: 450 MiB at most), and as many events as its component holds: Redis' has some in hand and some in its queue,
and for each subscription some that it is about to put there; the others have some for each subscription. Over all of `brokers`, so that a change of broker does not roll the subscribers.
*/ -}}
{{- $memory := 256 -}}
{{- if .service.hears -}}
{{- $subscriptions := len .service.hears -}}
{{- $held := mul (include "task-pubsub.concurrency" dict | int64) $subscriptions -}}
{{- range $broker := values $values.brokers -}}
{{- if $broker -}}
{{- $concurrency := include "task-pubsub.concurrency" $broker | int64 -}}
{{- $all := max (mul $subscriptions $concurrency) (int64 ($broker.maxAckPending | default 0)) -}}
{{- if eq $broker.type "redis" -}}
{{- $all = add $concurrency (mul (add1 $subscriptions) (include "task-pubsub.redis.queueDepth" $broker | int64)) -}}
{{- end -}}
{{- $held = max $held $all -}}
{{- end -}}
{{- end -}}
{{- $memory = add 96 (mul 5 $held (int64 $values.delivery.largestEvent)) -}}
{{- end -}}
{{- $env := list -}}
{{- /* A computed limit is told to Go, whose heap would otherwise grow past it before it is collected. */ -}}
{{- if not (or $sidecar.resources.limits.memory (hasKey $sidecar.env "GOMEMLIMIT")) -}}
{{- $env = append $env (printf "GOMEMLIMIT=%dMiB" (div (mul 9 $memory) 10)) -}}
{{- end -}}
{{- /* Where traces go is not in the Configuration: an edit of that would restart every sidecar at once. */ -}}
{{- with $values.otel.sidecarEndpoint | default $values.otel.endpoint -}}
{{- $env = concat $env (list
      (printf "OTEL_EXPORTER_OTLP_ENDPOINT=%s" (trimSuffix "/" .)) "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
      (printf "OTEL_EXPORTER_OTLP_INSECURE=%t" (hasPrefix "http:" .))) -}}
{{- end -}}
{{- range $name := keys $sidecar.env | sortAlpha -}}{{- $env = append $env (printf "%s=%v" $name (get $sidecar.env $name)) -}}{{- end -}}
dapr.io/enabled: "true"
dapr.io/app-id: {{ .name | quote }}
{{- /* A program that only publishes may have no port, and its sidecar would wait for it. */}}
{{- if and (ne .service.role "probe") (or .service.inbox .service.hears .service.expose $values.invocation.allow) }}
dapr.io/app-port: {{ .service.port | quote }}
dapr.io/app-protocol: {{ include "task-pubsub.protocol" . }}
{{- end }}
dapr.io/config: {{ include "task-pubsub.fullname" .root }}
dapr.io/log-as-json: {{ eq $values.log.format "json" | quote }}
# Needed, with sidecarDropALLCapabilities in Dapr's own chart, where the namespace enforces restricted pod security.
dapr.io/sidecar-seccomp-profile-type: RuntimeDefault
# Component secrets are resolved by Dapr's operator; the built-in store would need the pod's service-account token.
dapr.io/disable-builtin-k8s-secret-store: "true"
{{- with $sidecar.resources.requests.cpu }}
dapr.io/sidecar-cpu-request: {{ . | quote }}
{{- end }}
{{- with $sidecar.resources.requests.memory }}
dapr.io/sidecar-memory-request: {{ . | quote }}
{{- end }}
{{- with $sidecar.resources.limits.cpu }}
dapr.io/sidecar-cpu-limit: {{ . | quote }}
{{- end }}
dapr.io/sidecar-memory-limit: {{ $sidecar.resources.limits.memory | default (printf "%dMi" $memory) | quote }}
dapr.io/graceful-shutdown-seconds: {{ include "task-pubsub.seconds" $values.shutdown.sidecarGrace | quote }}
{{- if eq $values.shutdown.sidecar "native" }}
# The sidecar starts before the app and stops after it: the app can publish and acknowledge to its last moment.
dapr.io/enable-native-sidecar: "true"
{{- else }}
dapr.io/enable-native-sidecar: "false"
{{- if ne .service.role "probe" }}
# Both get SIGTERM at once: the sidecar keeps its API open for as long as the app may need.
dapr.io/block-shutdown-duration: {{ include "task-pubsub.appStopSeconds" . | int64 | add1 | printf "%ds" | quote }}
{{- end }}
{{- end }}
{{- if .service.hears }}
{{- with .service.appHealth }}
{{- if .path }}
# While the path is red the sidecar has no subscriptions, and events wait in the broker.
dapr.io/enable-app-health-check: "true"
dapr.io/app-health-check-path: {{ .path | quote }}
dapr.io/app-health-probe-interval: {{ include "task-pubsub.seconds" .interval | quote }}
dapr.io/app-health-probe-timeout: {{ include "task-pubsub.ms" .timeout | quote }}
dapr.io/app-health-threshold: {{ .threshold | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- with $env }}
dapr.io/env: {{ join "," . | quote }}
{{- end }}
{{- with $values.tokens.daprApiTokenSecret }}
dapr.io/api-token-secret: {{ . | quote }}
{{- end }}
{{- if and $values.tokens.appTokenSecret (ne .service.role "probe") }}
dapr.io/app-token-secret: {{ $values.tokens.appTokenSecret | quote }}
{{- end }}
{{- with $sidecar.annotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}
