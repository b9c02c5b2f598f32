{{/*
The environment of one container. Only what a service must know is in it, because a changed variable rolls its pods: the
publisher's holds the active broker's component, a declarative subscriber's no broker at all. A program without the library is told its port,
component and topics; everything else that is here is the library's.
*/}}
{{- define "task-pubsub.env" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $service := .service -}}
{{- $graph := $values.graph -}}
{{- $stateStore := ternary "" (include "task-pubsub.stateStoreName" $root) (eq $values.stateStore.type "none") -}}
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
{{- /*
Who must receive: `topic=consumer`, and `topic=` for one to which somebody publishes. Smoke's task has one topic, the first of its
publisher's. The Job of preflight comes before whoever publishes, as well or only, so it does not wait for those.
*/ -}}
{{- $expected := list -}}
{{- $smoke := eq .check "smoke" -}}
{{- $topics := $graph.topics -}}
{{- if $smoke -}}{{- $topics = pick $topics (first $graph.smoke.publishes) -}}{{- end -}}
{{- range $key, $topic := $topics -}}
{{- range concat $topic.publishers $topic.others -}}
{{- $expected = append $expected (printf "%s=" $topic.name) -}}
{{- end -}}
{{- range $topic.subscribers -}}
{{- $later := and (eq $.hook "preflight") (eq (get $graph.services .).role "publisher") -}}
{{- $expected = append $expected (printf "%s=%s" $topic.name (ternary "" . $later)) -}}
{{- end -}}
{{- end -}}
{{- range ternary $graph.subscriptions list (and $values.preflight.deadLetters (not $smoke)) -}}
{{- /* Nobody has to hear it; but a topic that the broker does not take events for would keep every dead letter with its subscriber. */ -}}
{{- if eq .entry $values.broker.active -}}{{- $expected = append $expected (printf "%s=" .object.spec.deadLetterTopic) -}}{{- end -}}
{{- end -}}
{{- $env = merge $env (dict
      "APP_ID" .name
      "PROBE_DEADLINE" .deadline
      "STATE_STORE" $stateStore
      "SUBSCRIBERS" ($expected | uniq | sortAlpha | join ",")) -}}
{{- if eq .check "smoke" -}}
{{- $env = merge $env (dict
      "API_URL" (printf "http://%s" $graph.smoke.name)
      "API_APP_ID" $graph.smoke.name) -}}
{{- else -}}
{{- $env = set $env "PUBSUB_NAME" (.pubsub | default $activeComponent) -}}
{{- end -}}
{{- if ne $values.shutdown.sidecar "native" -}}
{{- /* An ordinary sidecar would keep the pod, and the Job, alive for ever. */ -}}
{{- $env = set $env "END_SIDECAR" "true" -}}
{{- end -}}
{{- else -}}
{{- $publishes := $service.publishes -}}
{{- $hears := $service.hears -}}
{{- if $service.inbox -}}
{{- $host := ternary "0.0.0.0" "127.0.0.1" (or $service.expose (empty $hears)) -}}
{{- $env = merge $env (dict
      "LISTEN_ADDR" (printf "%s:%v" $host $service.port)
      "ADMIN_ADDR" (printf "0.0.0.0:%v" $values.adminPort)
      "SHUTDOWN_DELAY" $values.shutdown.delay
      "SHUTDOWN_DEADLINE" $values.shutdown.deadline) -}}
{{- else -}}
{{- $env = merge (omit $env "LOG_FORMAT" "RUST_LOG") (dict "APP_ID" .name "APP_PORT" $service.port) -}}
{{- /* OpenTelemetry's SDKs differ in what they speak unless they are told. */ -}}
{{- if $values.otel.endpoint -}}{{- $env = set $env "OTEL_EXPORTER_OTLP_PROTOCOL" "grpc" -}}{{- end -}}
{{- end -}}
{{- /* A single topic needs no key in its variables. Of several each has its own, and the one that is heard, if it is one, goes without as well. */ -}}
{{- $keys := $publishes -}}
{{- range $hears -}}{{- $keys = append $keys .key -}}{{- end -}}
{{- $several := gt (len (uniq $keys)) 1 -}}
{{- $published := list -}}
{{- range $key := $publishes -}}
{{- $name := (get $graph.topics $key).name -}}
{{- $published = append $published $name -}}
{{- $_ := set $env (ternary (printf "TOPIC_%s" (upper $key | replace "-" "_")) "TOPIC" $several) $name -}}
{{- end -}}
{{- if $publishes -}}
{{- $publish := $values.publish -}}
{{- $type := get $values.brokers $values.broker.active | include "task-pubsub.brokerType" | fromYaml -}}
{{- $env = set $env "PUBSUB_NAME" $activeComponent -}}
{{- if $service.inbox -}}
{{- $env = merge $env (dict
      "APP_ID" .name
      "PUBLISH_DEADLINE" $publish.deadline
      "PUBLISH_ATTEMPT_TIMEOUT" $publish.attemptTimeout
      "PUBLISH_QUEUE_CAPACITY" $publish.queueCapacity
      "PUBLISH_MAX_BATCH" (min $publish.maxBatch ($type.maxBatch | default $publish.maxBatch))
      "PUBLISH_MAX_IN_FLIGHT" $publish.maxInFlight) -}}
{{- $canaries := list -}}
{{- range ternary $graph.subscriptions list $publish.proveDeadLetters -}}
{{- if and (eq .entry $values.broker.active) (has .object.spec.topic $published) -}}{{- $canaries = append $canaries .object.spec.deadLetterTopic -}}{{- end -}}
{{- end -}}
{{- with $canaries -}}{{- $env = set $env "CANARY_TOPICS" (. | uniq | sortAlpha | join ",") -}}{{- end -}}
{{- end -}}
{{- /* For the guard: which of the topics are published to. */ -}}
{{- if $several -}}{{- $env = set $env "PUBLISH_TOPICS" ($published | sortAlpha | join ",") -}}{{- end -}}
{{- end -}}
{{- if $hears -}}
{{- $delivery := $values.delivery -}}
{{- $programmatic := eq $values.subscription.mode "programmatic" -}}
{{- $entries := include "task-pubsub.subscribedBrokers" $root | fromYamlArray | sortAlpha -}}
{{- $names := list -}}
{{- range $entry := $entries -}}{{- $names = append $names (include "task-pubsub.componentName" (dict "root" $root "entry" $entry)) -}}{{- end -}}
{{- $others := list -}}
{{- range $heard := $hears -}}
{{- $others = concat $others (get $graph.topics .key).others -}}
{{- $options := dict -}}
{{- range $index, $entry := ternary $entries list $programmatic -}}
{{- $own := include "task-pubsub.broker" (dict "root" $root "entry" $entry "name" $.name "heard" $heard "part" "subscription") | fromYaml -}}
{{- with $heard.metadata -}}{{- $own = set $own "metadata" (merge ($own.metadata | default dict) .) -}}{{- end -}}
{{- with $own -}}{{- $options = set $options (index $names $index) . -}}{{- end -}}
{{- end -}}
{{- $suffix := ternary (printf "_%s" (upper .key | replace "-" "_")) "" $several -}}
{{- range $suffix := ternary (list $suffix "") (list $suffix) (eq (len $hears) 1) -}}
{{- $_ := set (set $env (print "TOPIC" $suffix) $heard.topic) (print "DEAD_LETTER_TOPIC" $suffix) $heard.deadLetter -}}
{{- with $options -}}{{- $_ := set $env (print "PUBSUB_OPTIONS" $suffix) (toJson .) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if $programmatic -}}{{- $env = set $env "PUBSUB_NAMES" ($names | join ",") -}}{{- end -}}
{{- if $service.inbox -}}
{{- /* Canaries need somebody who records them, and nobody who takes them for events: otherwise there are none. */ -}}
{{- $silent := or (not $stateStore) $others (eq (include "task-pubsub.ms" $delivery.watchdog.silence | int64) 0) -}}
{{- /* A tenth shorter than the sidecar's, so that the worker's RETRY arrives before the sidecar gives up and delivers the event again
beside an attempt that is still running. */ -}}
{{- $timeout := div (mul (include "task-pubsub.ms" $delivery.handlerTimeout | int64) 9) 10 -}}
{{- $env = merge $env (dict
      "SUBSCRIPTION_MODE" $values.subscription.mode
      "STATE_STORE" $stateStore
      "CONSUMER" .name
      "INBOX_LEASE" $delivery.lease
      "INBOX_RETENTION" $delivery.retention
      "HANDLER_TIMEOUT" (printf "%dms" $timeout)
      "DELIVERY_MAX_RETRIES" (int64 $delivery.retry.maxRetries)
      "DELIVERY_RETRY_INTERVAL" $delivery.retry.interval
      "WATCHDOG_SILENCE" (ternary "0s" $delivery.watchdog.silence (not (empty $silent)))
      "WATCHDOG_PATIENCE" $delivery.watchdog.patience) -}}
{{- end -}}
{{- with $service.effectJournal -}}
{{- $env = set $env "EFFECT_JOURNAL" . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name := keys $env | sortAlpha }}
- name: {{ $name }}
  value: {{ get $env $name | toString | quote }}
{{- end }}
{{- /* Dapr reads the key `token` of the Secret that its annotations name; the app must read the same one. */}}
{{- $other := and $service.hears $service.inbox $values.tokens.appTokenOtherSecret }}
{{- include "task-pubsub.tokenVariable" (list "DAPR_API_TOKEN" $values.tokens.daprApiTokenSecret) }}
{{- include "task-pubsub.tokenVariable" (list "APP_API_TOKEN" (and $service.hears $values.tokens.appTokenSecret)) }}
{{- include "task-pubsub.tokenVariable" (list "APP_API_TOKEN_OTHER" $other) }}
{{- $computed := append (keys $env) (ternary "DAPR_API_TOKEN" "" (ne $values.tokens.daprApiTokenSecret "")) -}}
{{- $computed = append $computed (ternary "APP_API_TOKEN" "" (ne $values.tokens.appTokenSecret "")) -}}
{{- if $other -}}{{- $computed = append $computed "APP_API_TOKEN_OTHER" -}}{{- end -}}
{{- range $service.extraEnv -}}
{{- if has .name $computed -}}
{{- fail (printf "services.%s.extraEnv: the chart computes %s itself; set the value it comes from, or two places would disagree" $service.key .name) -}}
{{- end -}}
{{- end -}}
{{- range $name := keys ($service.env | default dict) | sortAlpha }}
{{- if has $name $computed }}
{{- fail (printf "services.%s.env.%s: the chart computes this variable itself; set the value it comes from, or two places would disagree" $service.key $name) }}
{{- end }}
- name: {{ $name }}
  value: {{ get $service.env $name | toString | quote }}
{{- end }}
{{- with $service.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A variable with the token of a Secret, where there is one. */}}
{{- define "task-pubsub.tokenVariable" -}}
{{- with last . }}
- name: {{ first $ }}
  valueFrom:
    secretKeyRef:
      name: {{ . | quote }}
      key: token
{{- end }}
{{- end -}}
