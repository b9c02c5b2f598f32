{{/*
The environment of one service. Only what a service must know is in it, because a changed variable rolls its pods: the
publisher's holds the active broker's component, a declarative subscriber's no broker at all.
*/}}
{{- define "task-pubsub.env" -}}
{{- $values := .root.Values -}}
{{- $topic := dict "root" .root "key" .service.topic -}}
{{- $host := ternary "127.0.0.1" "0.0.0.0" (and (eq .service.role "subscriber") (not .service.expose)) -}}
{{- $env := merge (include "task-pubsub.commonEnv" . | fromYaml) (dict
      "LISTEN_ADDR" (printf "%s:%v" $host .service.port)
      "ADMIN_ADDR" (printf "0.0.0.0:%v" $values.adminPort)
      "SHUTDOWN_DELAY" $values.shutdown.delay
      "SHUTDOWN_DEADLINE" $values.shutdown.deadline
      "TOPIC" (include "task-pubsub.topic" $topic)) -}}
{{- if eq .service.role "publisher" -}}
{{- $env = merge $env (include "task-pubsub.publisherEnv" . | fromYaml) -}}
{{- else -}}
{{- $env = merge $env (include "task-pubsub.subscriberEnv" . | fromYaml) -}}
{{- end -}}
{{- include "task-pubsub.envList" $env }}
{{- with $values.tokens.daprApiTokenSecret }}
{{- include "task-pubsub.tokenEnv" (dict "name" "DAPR_API_TOKEN" "secret" .) }}
{{- end }}
{{- if and $values.tokens.appTokenSecret (eq .service.role "subscriber") }}
{{- include "task-pubsub.tokenEnv" (dict "name" "APP_API_TOKEN" "secret" $values.tokens.appTokenSecret) }}
{{- end }}
{{- range $name := keys (.service.env | default dict) | sortAlpha }}
{{- if hasKey $env $name }}
{{- fail (printf "services.%s.env.%s: the chart computes this variable itself; set the value it comes from, or two places would disagree" $.name $name) }}
{{- end }}
- name: {{ $name }}
  value: {{ get $.service.env $name | toString | quote }}
{{- end }}
{{- with .service.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Logs and traces: the same in every program. */}}
{{- define "task-pubsub.commonEnv" -}}
{{- $values := .root.Values -}}
{{- $env := dict
      "LOG_FORMAT" $values.log.format
      "RUST_LOG" $values.log.level
      "OTEL_SERVICE_NAME" .name -}}
{{- if $values.otel.endpoint -}}
{{- $env = merge $env (dict
      "OTEL_EXPORTER_OTLP_ENDPOINT" $values.otel.endpoint
      "OTEL_TRACES_SAMPLER" "parentbased_traceidratio"
      "OTEL_TRACES_SAMPLER_ARG" (toString $values.otel.samplingRatio)) -}}
{{- end -}}
{{- $env | toYaml -}}
{{- end -}}

{{- define "task-pubsub.envList" -}}
{{- range $name := keys . | sortAlpha }}
- name: {{ $name }}
  value: {{ get $ $name | toString | quote }}
{{- end }}
{{- end -}}

{{- define "task-pubsub.publisherEnv" -}}
{{- $publish := .root.Values.publish -}}
{{- $type := get .root.Values.brokers .root.Values.broker.active | include "task-pubsub.brokerType" | fromYaml -}}
{{- dict
      "PUBSUB_NAME" (include "task-pubsub.componentName" (dict "root" .root "entry" .root.Values.broker.active))
      "PUBLISH_DEADLINE" $publish.deadline
      "PUBLISH_ATTEMPT_TIMEOUT" $publish.attemptTimeout
      "PUBLISH_QUEUE_CAPACITY" (toString $publish.queueCapacity)
      "PUBLISH_MAX_BATCH" (min $publish.maxBatch ($type.maxBatch | default $publish.maxBatch) | toString)
      "PUBLISH_MAX_IN_FLIGHT" (toString $publish.maxInFlight) | toYaml -}}
{{- end -}}

{{- define "task-pubsub.subscriberEnv" -}}
{{- $values := .root.Values -}}
{{- $topic := include "task-pubsub.topic" (dict "root" .root "key" .service.topic) -}}
{{- $env := dict
      "SUBSCRIPTION_MODE" $values.subscription.mode
      "DEAD_LETTER_TOPIC" (include "task-pubsub.deadLetterTopic" (dict "root" .root "key" .service.topic))
      "STATE_STORE" (ternary "" $values.stateStore.name (eq $values.stateStore.type "none"))
      "CONSUMER" .name
      "INBOX_LEASE" $values.delivery.lease
      "INBOX_RETENTION" $values.delivery.retention
      "HANDLER_TIMEOUT" (include "task-pubsub.workerTimeout" .root)
      "DELIVERY_MAX_RETRIES" (int64 $values.delivery.retry.maxRetries | toString)
      "DELIVERY_RETRY_INTERVAL" $values.delivery.retry.interval
      "WATCHDOG_SILENCE" (include "task-pubsub.watchdogSilence" (dict "root" .root "topic" $topic))
      "WATCHDOG_PATIENCE" $values.delivery.watchdog.patience -}}
{{- if eq $values.subscription.mode "programmatic" -}}
{{- $names := list -}}
{{- range $entry := include "task-pubsub.subscribedBrokers" .root | fromYamlArray | sortAlpha -}}
{{- $names = append $names (include "task-pubsub.componentName" (dict "root" $.root "entry" $entry)) -}}
{{- end -}}
{{- $env = set $env "PUBSUB_NAMES" ($names | join ",") -}}
{{- with include "task-pubsub.pubsubOptions" . | fromYaml -}}
{{- $env = set $env "PUBSUB_OPTIONS" (toJson .) -}}
{{- end -}}
{{- end -}}
{{- with .service.effectJournal -}}
{{- $env = set $env "EFFECT_JOURNAL" . -}}
{{- end -}}
{{- $env | toYaml -}}
{{- end -}}

{{/* What some brokers need in a subscription and others do not: the same as in the Subscription objects, by component. */}}
{{- define "task-pubsub.pubsubOptions" -}}
{{- $options := dict -}}
{{- range $entry := include "task-pubsub.subscribedBrokers" .root | fromYamlArray -}}
{{- $in := dict "root" $.root "entry" $entry "name" $.name "service" $.service -}}
{{- with include "task-pubsub.ofBroker" (merge (dict "part" "subscription") $in) | fromYaml -}}
{{- $options = set $options (include "task-pubsub.componentName" $in) . -}}
{{- end -}}
{{- end -}}
{{- $options | toYaml -}}
{{- end -}}

{{/* Dapr reads the key `token` of the Secret that its annotations name; the app must read the same one. */}}
{{- define "task-pubsub.tokenEnv" }}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret | quote }}
      key: token
{{- end -}}
