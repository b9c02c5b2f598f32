{{/*
The pod of one service, and of the probe: metadata and spec, with the sidecar's annotations and the environment.
Arguments: root; name; service (its values). For the probe also check (what it has to prove), deadline, and pubsub where the
component is not the active one.
*/}}
{{- define "task-pubsub.pod" -}}
{{- $values := .root.Values -}}
{{- $service := .service -}}
{{- $isProbe := eq $service.role "probe" -}}
{{- $global := $values.global | default dict -}}
{{- $labels := merge
      (dict "app" .name "app.kubernetes.io/component" $service.role "app.kubernetes.io/part-of" .root.Chart.Name)
      (include "task-pubsub.selectorLabels" . | fromYaml)
      (deepCopy $service.podLabels) (deepCopy $values.commonLabels) (deepCopy ($global.commonLabels | default dict)) -}}
{{- $grace := include "task-pubsub.seconds" $values.shutdown.sidecarGrace | int64 -}}
metadata:
  labels:
    {{- /* Without versions, so that a new chart does not by itself roll the pods. */}}
    {{- toYaml $labels | nindent 4 }}
  annotations:
    {{- include "task-pubsub.sidecarAnnotations" . | nindent 4 }}
    {{- with $service.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if $isProbe }}
  restartPolicy: Never
  terminationGracePeriodSeconds: {{ add $grace 5 }}
  {{- else }}
  {{- /*
  native: the app ends first, then the sidecar gets its own SIGTERM and its grace. block: both get SIGTERM at once; the sidecar drains
  its subscriptions (30 s at most, fixed in daprd), then blocks, then closes within its grace. 5 s on top for the telemetry flush and
  the kubelet.
  */}}
  {{- $native := include "task-pubsub.appStopSeconds" .root | int64 }}
  {{- $block := add1 $native | add 30 }}
  terminationGracePeriodSeconds: {{ add (ternary $native $block (eq $values.shutdown.sidecar "native")) $grace 5 }}
  {{- end }}
  serviceAccountName: {{ $service.serviceAccountName | default .name }}
  # The sidecar brings its own projected token; nothing here talks to the Kubernetes API.
  automountServiceAccountToken: {{ $service.serviceAccount.automountToken }}
  {{- with $service.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  enableServiceLinks: false
  securityContext:
    {{- include "task-pubsub.podSecurityContext" . | nindent 4 }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "task-pubsub.image" (dict "root" .root "name" .name "image" $service.image) }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      {{- if $isProbe }}
      args: [{{ .check }}]
      {{- else }}
      ports:
        - name: http
          containerPort: {{ $service.port }}
        - name: admin
          containerPort: {{ $values.adminPort }}
      {{- end }}
      env:
        {{- include "task-pubsub.env" . | trim | nindent 8 }}
      {{- if not $isProbe }}
      startupProbe:
        httpGet: {path: /startupz, port: admin}
        periodSeconds: 1
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /livez, port: admin}
        periodSeconds: 10
        timeoutSeconds: 3
      readinessProbe:
        # Ready means: its own sidecar answers and lists the components this service needs.
        httpGet: {path: /readyz, port: admin}
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 2
      {{- end }}
      resources:
        {{- toYaml $service.resources | nindent 8 }}
      securityContext:
        {{- include "task-pubsub.containerSecurityContext" . | nindent 8 }}
      {{- if $isProbe }}
      # Why it failed stands in the pod's status too, where `kubectl describe` and Argo CD show it.
      terminationMessagePolicy: FallbackToLogsOnError
      {{- end }}
      {{- if or $service.effectJournal $service.extraVolumeMounts }}
      volumeMounts:
        {{- with $service.effectJournal }}
        - name: effect-journal
          mountPath: {{ dir . }}
        {{- end }}
        {{- with $service.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
  {{- if and $service.topologySpreadConstraints (not $isProbe) }}
  topologySpreadConstraints:
    {{- /* Counted are the service's own pods, and of those only the ones of the same rollout: the old ones are about to go. */}}
    {{- $own := dict
          "labelSelector" (dict "matchLabels" (include "task-pubsub.selectorLabels" . | fromYaml))
          "matchLabelKeys" (list "pod-template-hash") }}
    {{- range $service.topologySpreadConstraints }}
    - {{ ternary . (merge (deepCopy .) $own) (hasKey . "labelSelector") | toYaml | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  {{- if or $service.effectJournal $service.extraVolumes }}
  volumes:
    {{- if $service.effectJournal }}
    {{- /* The journal lives as long as its pod. */}}
    - name: effect-journal
      emptyDir:
        sizeLimit: 64Mi
    {{- end }}
    {{- with $service.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- with $service.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $service.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $service.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The full name of one image (root, name, image: its own values). A digest wins over a tag, the global registry over the chart's. */}}
{{- define "task-pubsub.image" -}}
{{- $values := .root.Values -}}
{{- $image := mergeOverwrite (deepCopy $values.image) (.image | default dict) -}}
{{- $registry := ($values.global | default dict).imageRegistry | default $image.registry -}}
{{- $repository := $image.repository | default .name -}}
{{- $path := ternary (printf "%s/%s" $registry $repository) $repository (ne $registry "") -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $path $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $path ($image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* What *restricted* pod security asks for, of the pod and of each container. */}}
{{- define "task-pubsub.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- define "task-pubsub.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What the injector reads. Every number of the shutdown comes from the same sums as the pod's grace period. */}}
{{- define "task-pubsub.sidecarAnnotations" -}}
{{- $values := .root.Values -}}
{{- $sidecar := .service.sidecar -}}
{{- /*
The memory limit of a sidecar without one of its own, in MiB. daprd has an event about five times while it delivers it (100 events of
3.5 MB on Redis, ten in hand: 450 MiB at most), and as many events as its component holds: Redis' has some in hand, some in its queue
and some that it is about to put there. Over all of `brokers`, so that a change of broker does not roll the subscribers.
*/ -}}
{{- $memory := 256 -}}
{{- if eq .service.role "subscriber" -}}
{{- $held := 10 -}}
{{- range $broker := values $values.brokers -}}
{{- if $broker -}}
{{- $concurrency := int64 ($broker.concurrency | default 10) -}}
{{- if eq $broker.type "redis" -}}
{{- $concurrency = add $concurrency (mul 2 (int64 ($broker.queueDepth | default $concurrency))) -}}
{{- end -}}
{{- $held = max $held $concurrency (int64 ($broker.maxAckPending | default 0)) -}}
{{- end -}}
{{- end -}}
{{- $memory = add 96 (mul 5 $held (int64 $values.delivery.largestEvent)) -}}
{{- end -}}
{{- $env := list -}}
{{- /* A computed limit is told to Go, whose heap would otherwise grow past it before it is collected. */ -}}
{{- if not $sidecar.resources.limits.memory -}}
{{- $env = append $env (printf "GOMEMLIMIT=%dMiB" (div (mul 9 $memory) 10)) -}}
{{- end -}}
{{- /* Where traces go is not in the Configuration: an edit of that would restart every sidecar at once. */ -}}
{{- with $values.otel.endpoint -}}
{{- $env = concat $env (list (printf "OTEL_EXPORTER_OTLP_ENDPOINT=%s" (trimSuffix "/" .)) "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" "OTEL_EXPORTER_OTLP_INSECURE=true") -}}
{{- end -}}
dapr.io/enabled: "true"
dapr.io/app-id: {{ .name | quote }}
{{- if ne .service.role "probe" }}
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
dapr.io/block-shutdown-duration: {{ include "task-pubsub.appStopSeconds" .root | int64 | add1 | printf "%ds" | quote }}
{{- end }}
{{- end }}
{{- if eq .service.role "subscriber" }}
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

{{/*
The environment of one container. Only what a service must know is in it, because a changed variable rolls its pods: the
publisher's holds the active broker's component, a declarative subscriber's no broker at all.
*/}}
{{- define "task-pubsub.env" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $service := .service -}}
{{- $stateStore := ternary "" $values.stateStore.name (eq $values.stateStore.type "none") -}}
{{- $activeComponent := include "task-pubsub.componentName" (dict "root" $root "entry" $values.broker.active) -}}
{{- $env := dict
      "LOG_FORMAT" $values.log.format
      "RUST_LOG" $values.log.level
      "OTEL_SERVICE_NAME" .name -}}
{{- if $values.otel.endpoint -}}
{{- $env = merge $env (dict
      "OTEL_EXPORTER_OTLP_ENDPOINT" $values.otel.endpoint
      "OTEL_TRACES_SAMPLER" "parentbased_traceidratio"
      "OTEL_TRACES_SAMPLER_ARG" $values.otel.samplingRatio) -}}
{{- end -}}
{{- if eq $service.role "probe" -}}
{{- $target := ternary (include "task-pubsub.smokeTarget" $root | fromYaml) dict (eq .check "smoke") -}}
{{- /* Who must receive: `topic=consumer`, and `topic=` for one to which somebody publishes. Smoke's task has one topic. */ -}}
{{- $expected := list -}}
{{- range $name, $other := include "task-pubsub.services" $root | fromYaml -}}
{{- if and $other.enabled (or (not $target.topic) (eq $other.topic $target.topic)) -}}
{{- $topic := include "task-pubsub.topic" (dict "root" $root "key" $other.topic) -}}
{{- $records := and (eq $other.role "subscriber") $other.inbox -}}
{{- $expected = append $expected (printf "%s=%s" $topic (ternary $name "" $records)) -}}
{{- if and $values.preflight.deadLetters (eq $.check "preflight") (eq $other.role "subscriber") -}}
{{- /* Nobody has to hear it; but a topic that the broker does not take events for would keep every dead letter with its subscriber. */ -}}
{{- $subscription := include "task-pubsub.subscription" (dict "root" $root "entry" $values.broker.active "name" $name "service" $other) | fromYaml -}}
{{- $expected = append $expected (printf "%s=" $subscription.spec.deadLetterTopic) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $env = merge $env (dict
      "APP_ID" .name
      "PROBE_DEADLINE" .deadline
      "STATE_STORE" $stateStore
      "SUBSCRIBERS" ($expected | uniq | sortAlpha | join ",")) -}}
{{- if eq .check "smoke" -}}
{{- $env = merge $env (dict
      "API_URL" (printf "http://%s" $values.smoke.service)
      "API_APP_ID" $values.smoke.service) -}}
{{- else -}}
{{- $env = set $env "PUBSUB_NAME" (.pubsub | default $activeComponent) -}}
{{- end -}}
{{- if ne $values.shutdown.sidecar "native" -}}
{{- /* An ordinary sidecar would keep the pod, and the Job, alive for ever. */ -}}
{{- $env = set $env "END_SIDECAR" "true" -}}
{{- end -}}
{{- else -}}
{{- $topic := include "task-pubsub.topic" (dict "root" $root "key" $service.topic) -}}
{{- $host := ternary "127.0.0.1" "0.0.0.0" (and (eq $service.role "subscriber") (not $service.expose)) -}}
{{- $env = merge $env (dict
      "LISTEN_ADDR" (printf "%s:%v" $host $service.port)
      "ADMIN_ADDR" (printf "0.0.0.0:%v" $values.adminPort)
      "SHUTDOWN_DELAY" $values.shutdown.delay
      "SHUTDOWN_DEADLINE" $values.shutdown.deadline
      "TOPIC" $topic) -}}
{{- if eq $service.role "publisher" -}}
{{- $publish := $values.publish -}}
{{- $type := get $values.brokers $values.broker.active | include "task-pubsub.brokerType" | fromYaml -}}
{{- $env = merge $env (dict
      "APP_ID" .name
      "PUBSUB_NAME" $activeComponent
      "PUBLISH_DEADLINE" $publish.deadline
      "PUBLISH_ATTEMPT_TIMEOUT" $publish.attemptTimeout
      "PUBLISH_QUEUE_CAPACITY" $publish.queueCapacity
      "PUBLISH_MAX_BATCH" (min $publish.maxBatch ($type.maxBatch | default $publish.maxBatch))
      "PUBLISH_MAX_IN_FLIGHT" $publish.maxInFlight) -}}
{{- else -}}
{{- $delivery := $values.delivery -}}
{{- /* Canaries need somebody who records them, and nobody who takes them for events: otherwise there are none. */ -}}
{{- $others := include "task-pubsub.topicSubscribers" (dict "root" $root "topic" $topic "inbox" false) | fromYamlArray -}}
{{- $silent := or (not $stateStore) $others (eq (include "task-pubsub.ms" $delivery.watchdog.silence | int64) 0) -}}
{{- /* A tenth shorter than the sidecar's, so that the worker's RETRY arrives before the sidecar gives up and delivers the event again
beside an attempt that is still running. */ -}}
{{- $timeout := div (mul (include "task-pubsub.ms" $delivery.handlerTimeout | int64) 9) 10 -}}
{{- $env = merge $env (dict
      "SUBSCRIPTION_MODE" $values.subscription.mode
      "DEAD_LETTER_TOPIC" (include "task-pubsub.deadLetterTopic" (dict "root" $root "key" $service.topic))
      "STATE_STORE" $stateStore
      "CONSUMER" .name
      "INBOX_LEASE" $delivery.lease
      "INBOX_RETENTION" $delivery.retention
      "HANDLER_TIMEOUT" (printf "%dms" $timeout)
      "DELIVERY_MAX_RETRIES" (int64 $delivery.retry.maxRetries)
      "DELIVERY_RETRY_INTERVAL" $delivery.retry.interval
      "WATCHDOG_SILENCE" (ternary "0s" $delivery.watchdog.silence (not (empty $silent)))
      "WATCHDOG_PATIENCE" $delivery.watchdog.patience) -}}
{{- with $service.effectJournal -}}
{{- $env = set $env "EFFECT_JOURNAL" . -}}
{{- end -}}
{{- if eq $values.subscription.mode "programmatic" -}}
{{- $names := list -}}
{{- $options := dict -}}
{{- range $entry := include "task-pubsub.subscribedBrokers" $root | fromYamlArray | sortAlpha -}}
{{- $in := dict "root" $root "entry" $entry "name" $.name "service" $service "part" "subscription" -}}
{{- $component := include "task-pubsub.componentName" $in -}}
{{- $names = append $names $component -}}
{{- with include "task-pubsub.broker" $in | fromYaml -}}
{{- $options = set $options $component . -}}
{{- end -}}
{{- end -}}
{{- $env = set $env "PUBSUB_NAMES" ($names | join ",") -}}
{{- with $options -}}
{{- $env = set $env "PUBSUB_OPTIONS" (toJson .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name := keys $env | sortAlpha }}
- name: {{ $name }}
  value: {{ get $env $name | toString | quote }}
{{- end }}
{{- /* Dapr reads the key `token` of the Secret that its annotations name; the app must read the same one. */}}
{{- with $values.tokens.daprApiTokenSecret }}
- name: DAPR_API_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ . | quote }}
      key: token
{{- end }}
{{- if and $values.tokens.appTokenSecret (eq $service.role "subscriber") }}
- name: APP_API_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ $values.tokens.appTokenSecret | quote }}
      key: token
{{- end }}
{{- range $name := keys ($service.env | default dict) | sortAlpha }}
{{- if hasKey $env $name }}
{{- fail (printf "services.%s.env.%s: the chart computes this variable itself; set the value it comes from, or two places would disagree" $.name $name) }}
{{- end }}
- name: {{ $name }}
  value: {{ get $service.env $name | toString | quote }}
{{- end }}
{{- with $service.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
