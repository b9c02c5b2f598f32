{{/* What is allowed and still worth a sentence after an install. */}}
{{- define "task-pubsub.warnings" -}}
- Dapr 1.18.3 or newer is needed: deliveries by gRPC fail in older ones now and then. Before 1.18, sidecars do not load a Component or Subscription that comes after they started: restart the Deployments after every change of `broker` there.
- In a namespace that enforces restricted pod security, Dapr itself must be installed with dapr_sidecar_injector.sidecarDropALLCapabilities=true.
{{- if not .Values.guard.enabled }}
- guard.enabled is false: a Secret that is missing, a broker that is edited in place and one that is dropped before it is empty are not noticed.
{{- else if not (or .Values.guard.rbac.create .Values.guard.serviceAccountName) }}
- guard.rbac.create is false: only Secrets are checked. A broker that is edited in place, and one that is dropped before it is empty, are not noticed.
{{- else if .Values.guard.force }}
- guard.force is true: what waited in a broker that this release drops is lost. Set it to false again.
{{- end }}
{{- if .Values.broker.componentName }}
- broker.componentName is set: a change of broker replaces the component in place. What is still on the old broker stays there, and publishes fail for a moment.
{{- end }}
{{- if eq .Values.stateStore.type "none" }}
- stateStore.type is none: an event that is delivered twice has its effect twice.
{{- end }}
{{- if and (eq .Values.stateStore.type "redis") (.Values.stateStore.tls | default dict).insecureSkipVerify }}
- stateStore: tls.insecureSkipVerify accepts any certificate.
{{- end }}
{{- if eq .Values.stateStore.type "postgresql" }}
{{- $tls := .Values.stateStore.postgresql.tls | default dict }}
{{- if not (get (.Values.stateStore.secretKeys | default dict) "connectionString") }}
{{- if and .Values.stateStore.existingSecret (not $tls.enabled) }}
- stateStore: the password crosses the network without TLS.
{{- end }}
{{- if $tls.insecureSkipVerify }}
- stateStore: postgresql.tls.insecureSkipVerify accepts any certificate.
{{- end }}
{{- end }}
- stateStore: a failover to a PostgreSQL replica that was behind forgets what was handled last; have one of them synchronous, or an event of these moments may have a second effect.
{{- end }}
{{- range $name, $service := .Values.graph.services }}
{{- if and $service.hears (eq $service.autoscaling.scaler "hpa") }}
- services.{{ $name }}.autoscaling: a subscriber that waits for something else is idle while its backlog grows, and CPU does not show it; `keda` would.
{{- end }}
{{- end }}
{{- $kafkas := list -}}
{{- range $entry := include "task-pubsub.subscribedBrokers" . | fromYamlArray -}}
{{- if eq (get $.Values.brokers $entry).type "kafka" -}}{{- $kafkas = append $kafkas (printf "brokers.%s" $entry) -}}{{- end -}}
{{- end -}}
{{- range $name, $service := .Values.graph.services }}
{{- if and $service.enabled $service.hears }}
{{- $maxConcurrency := get (merge (dict) $service.sidecar.annotations $service.podAnnotations) "dapr.io/app-max-concurrency" }}
{{- if not (or (hasPrefix "grpc" (include "task-pubsub.protocol" (dict "root" $ "service" $service))) (eq $maxConcurrency "1")) }}
- services.{{ $name }}: gets its events by HTTP, several at once. When several begin at the same moment, daprd's HTTP channel can take one that no app has answered for a success, so events in hand when the app crashes may be lost. {{ if $service.inbox }}`protocol: grpc` does not lose them.{{ else }}Where the program speaks gRPC, `protocol: grpc` does not lose them; otherwise sidecar.annotations `dapr.io/app-max-concurrency: "1"` has one delivered at a time.{{ end }}
{{- end }}
{{- if and $service.appHealth.path $kafkas }}
- services.{{ $name }}.appHealth: when its path has been red, the sidecar subscribes again, and may then be deaf on {{ $kafkas | join ", " }} until it is restarted, while every probe is green.
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $service := .Values.graph.services }}
{{- if and $service.enabled $service.publishes (not (hasKey (include "task-pubsub.probes" (dict "service" $service) | fromYaml) "readiness")) }}
- services.{{ $name }}: publishes and has no probe for its readiness, so a change of broker does not wait for it: with a broker that does not answer every pod would be replaced. Set probes.readiness to a path that asks the sidecar{{ if not $.Values.preflight.enabled }}, or preflight.enabled, which stops a sync of Argo CD before that{{ end }}.
{{- end }}
{{- end }}
{{- if include "task-pubsub.ms" .Values.delivery.watchdog.silence | int64 }}
{{- range $key, $topic := .Values.graph.topics }}
{{- $own := $topic.subscribers | join ", " }}
{{- if and $own (eq $.Values.stateStore.type "none") }}
- delivery.watchdog: is off, because with stateStore.type none nobody records a canary; nothing notices when a sidecar of {{ $own }} has gone deaf.
{{- else if and $own $topic.others }}
- delivery.watchdog: is off for {{ $topic.name }}, because {{ $topic.others | join ", " }} would take its canaries for events; nothing notices when a sidecar of {{ $own }} has gone deaf.
{{- end }}
{{- end }}
{{- end }}
{{- range $key, $topic := .Values.graph.topics }}
{{- if not (or $topic.subscribers $topic.others) }}
- topics.{{ $key }}: {{ if $topic.publishers }}nobody hears what {{ $topic.publishers | join ", " }} publish to it; a broker that drops what nobody is bound to drops all of it{{ else }}no enabled service publishes to it or hears it{{ end }}.
{{- end }}
{{- end }}
{{- $values := .Values -}}
{{- if or $values.preflight.enabled $values.smoke.enabled }}
{{- if eq $values.stateStore.type "none" }}
- stateStore.type is none: preflight and smoke see the broker's acknowledgement, and not whether anyone receives.
{{- else if eq $values.stateStore.type "existing" }}
- stateStore.type is existing: preflight and smoke read the subscribers' records in `{{ $values.stateStore.name }}`, which needs `{{ $values.graph.probe }}` in its scopes (if it has any) and a keyPrefix without the app-id, e.g. `name`.
{{- end }}
{{- end }}
{{- range $entry := include "task-pubsub.brokersInUse" . | fromYamlArray }}
{{- $broker := get $.Values.brokers $entry }}
{{- with include "task-pubsub.broker" (dict "root" $ "entry" $entry "part" "warnings") | trim }}
{{ . }}
{{- end }}
{{- if ($broker.tls | default dict).insecureSkipVerify }}
- brokers.{{ $entry }}: tls.insecureSkipVerify accepts any certificate.
{{- end }}
{{- end }}
{{- end -}}
