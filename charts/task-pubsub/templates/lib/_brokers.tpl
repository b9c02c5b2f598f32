{{/*
Which entries of `brokers` are in use, what their Components are called, and the two places that know every type of broker:
`brokerType`, a table, and `broker`, which calls the templates in the type's own file.
*/}}

{{/* The entries that subscribers listen to: the list as given, or just the active one. */}}
{{- define "task-pubsub.subscribedBrokers" -}}
{{- .Values.broker.subscribe | default (list .Values.broker.active) | uniq | toYaml -}}
{{- end -}}

{{/* Every entry that needs a Component. Sorted, so that the order in `subscribe` never shows up as a diff. */}}
{{- define "task-pubsub.brokersInUse" -}}
{{- prepend (include "task-pubsub.subscribedBrokers" . | fromYamlArray) .Values.broker.active | uniq | sortAlpha | toYaml -}}
{{- end -}}

{{/*
Events that one sidecar has in hand at once, where the entry does not say. The effects of what is in hand share their calls to the state
store, and its largest events its memory: see `sidecarAnnotations`.
*/}}
{{- define "task-pubsub.concurrency" -}}
{{- .concurrency | default 32 -}}
{{- end -}}

{{- define "task-pubsub.componentName" -}}
{{- .root.Values.broker.componentName | default (printf "%spubsub-%s" (include "task-pubsub.prefix" .root) .entry) -}}
{{- end -}}

{{/*
The row of an entry's type in the table of types that the chart has fields for.
`initTimeout`: how long daprd waits for its Init, unless the entry says so. A dead broker holds up the start of the sidecar by this
long (components are opened one after another), so it is no longer than the broker's own timeouts need.
`address`: the metadata field, in lower case, that holds the addresses; else `defaultAddress`. `port`, or with TLS `tlsPort`: where an
address names none.
`keys`: metadata, in lower case, that the chart writes only where the entry's key says so: a further item would go around what is checked there.
`maxBatch`: where daprd sends a batch's events one after another, each with its own acknowledgement, a batch is no longer than fits
well into an attempt; one that does not is sent once more as a whole.
*/}}
{{- define "task-pubsub.brokerType" -}}
{{- $types := dict
      "redis" (dict "initTimeout" "10s" "address" "redishost" "port" 6379 "keys" (dict "redisdb" "db" "redistype" "redisType"
        "redisusername" "username" "sentinelmastername" "sentinelMasterName" "failover" "sentinelMasterName" "insecureskiptlsverify" "tls"
        "maxlenapprox" "maxLenApprox" "streamttl" "streamTTL"))
      "kafka" (dict "initTimeout" "30s" "address" "brokers" "port" 9092 "keys" (dict "clientid" "clientID" "version" "version"
        "disabletls" "tls" "skipverify" "tls" "authrequired" "authType" "saslmechanism" "saslMechanism" "sessiontimeout" "sessionTimeout"
        "heartbeatinterval" "heartbeatInterval" "maxmessagebytes" "maxMessageBytes" "awsregion" "aws.region" "awsiamrolearn" "aws.assumeRoleArn"
        "awsstssessionname" "aws.sessionName"))
      "rabbitmq" (dict "initTimeout" "30s" "address" "hostname" "port" 5672 "tlsPort" 5671 "maxBatch" 16 "keys" (dict "heartbeat" "heartbeat"
        "saslexternal" "saslExternal" "hostname" "host" "protocol" "tls"))
      "aws.snssqs" (dict "initTimeout" "20s" "address" "endpoint" "defaultAddress" "sns.amazonaws.com,sqs.amazonaws.com" "port" 443 "keys" (dict
        "partition" "partition" "accountid" "accountID" "endpoint" "endpoint" "disableentitymanagement" "entityManagement" "disabledeleteonretrylimit" "receiveLimit"))
      "gcp.pubsub" (dict "initTimeout" "10s" "address" "endpoint" "defaultAddress" "pubsub.googleapis.com" "port" 443 "keys" (dict
        "endpoint" "endpoint" "identityprojectid" "identityProjectID" "disableentitymanagement" "entityManagement"))
      "azure.servicebus.topics" (dict "initTimeout" "20s" "defaultAddress" "servicebus.windows.net:5671,servicebus.windows.net:443" "keys" (dict
        "azuretenantid" "tenantID" "azureclientid" "clientID" "azureenvironment" "environment" "disableentitymanagement" "entityManagement"
        "namespacename" "namespaceName"))
      "pulsar" (dict "initTimeout" "30s" "address" "host" "port" 6650 "tlsPort" 6651 "keys" (dict "listenername" "listenerName"))
      "jetstream" (dict "initTimeout" "10s" "address" "natsurl" "port" 4222 "keys" (dict "streamname" "streamName" "domain" "domain")) -}}
{{- $row := get $types .type | default (dict "initTimeout" "20s" "generic" true) -}}
{{- if .initTimeout -}}{{- $row = set $row "initTimeout" .initTimeout -}}{{- end -}}
{{- $row | toYaml -}}
{{- end -}}

{{/*
One part of what the chart says of an entry (root, entry). `part` is `metadata` (the items of its Component), `problems` and `warnings`
(sentences), `subscription` (for one subscription: deadLetterTopic and metadata of its Subscription, where the type needs its own) or
`trigger` (what KEDA reads, see _keda.tpl). Any other type passes the user's metadata through.
*/}}
{{- define "task-pubsub.broker" -}}
{{- $broker := .broker | default (get .root.Values.brokers .entry) -}}
{{- $in := set (set (omit . "part") "broker" $broker) "path" (printf "brokers.%s" .entry) -}}
{{- if eq $broker.type "redis" -}}
{{- if eq .part "metadata" }}{{ include "task-pubsub.redis.metadata" $in }}
{{- else if eq .part "problems" }}{{ include "task-pubsub.redis.problems" $in }}
{{- else if eq .part "warnings" }}{{ include "task-pubsub.redis.warnings" $in }}
{{- else if eq .part "trigger" }}{{ include "task-pubsub.redis.trigger" $in }}
{{- end -}}
{{- else if eq $broker.type "kafka" -}}
{{- if eq .part "metadata" }}{{ include "task-pubsub.kafka.metadata" $in }}
{{- else if eq .part "problems" }}{{ include "task-pubsub.kafka.problems" $in }}
{{- else if eq .part "warnings" }}{{ include "task-pubsub.kafka.warnings" $in }}
{{- else if eq .part "trigger" }}{{ include "task-pubsub.kafka.trigger" $in }}
{{- end -}}
{{- else if eq $broker.type "rabbitmq" -}}
{{- if eq .part "metadata" }}{{ include "task-pubsub.rabbitmq.metadata" $in }}
{{- else if eq .part "problems" }}{{ include "task-pubsub.rabbitmq.problems" $in }}
{{- else if eq .part "warnings" }}{{ include "task-pubsub.rabbitmq.warnings" $in }}
{{- else if eq .part "subscription" }}{{ include "task-pubsub.rabbitmq.subscription" $in }}
{{- else if eq .part "trigger" }}{{ include "task-pubsub.rabbitmq.trigger" $in }}
{{- end -}}
{{- else if eq $broker.type "aws.snssqs" -}}
{{- if eq .part "metadata" }}{{ include "task-pubsub.aws.snssqs.metadata" $in }}
{{- else if eq .part "problems" }}{{ include "task-pubsub.aws.snssqs.problems" $in }}
{{- else if eq .part "warnings" }}{{ include "task-pubsub.aws.snssqs.warnings" $in }}
{{- end -}}
{{- else if eq $broker.type "gcp.pubsub" -}}
{{- if eq .part "metadata" }}{{ include "task-pubsub.gcp.pubsub.metadata" $in }}
{{- else if eq .part "problems" }}{{ include "task-pubsub.gcp.pubsub.problems" $in }}
{{- else if eq .part "warnings" }}{{ include "task-pubsub.gcp.pubsub.warnings" $in }}
{{- end -}}
{{- else if eq $broker.type "azure.servicebus.topics" -}}
{{- if eq .part "metadata" }}{{ include "task-pubsub.azure.servicebus.topics.metadata" $in }}
{{- else if eq .part "problems" }}{{ include "task-pubsub.azure.servicebus.topics.problems" $in }}
{{- else if eq .part "warnings" }}{{ include "task-pubsub.azure.servicebus.topics.warnings" $in }}
{{- end -}}
{{- else if eq $broker.type "pulsar" -}}
{{- if eq .part "metadata" }}{{ include "task-pubsub.pulsar.metadata" $in }}
{{- else if eq .part "problems" }}{{ include "task-pubsub.pulsar.problems" $in }}
{{- else if eq .part "warnings" }}{{ include "task-pubsub.pulsar.warnings" $in }}
{{- end -}}
{{- else if eq $broker.type "jetstream" -}}
{{- if eq .part "metadata" }}{{ include "task-pubsub.jetstream.metadata" $in }}
{{- else if eq .part "problems" }}{{ include "task-pubsub.jetstream.problems" $in }}
{{- else if eq .part "warnings" }}{{ include "task-pubsub.jetstream.warnings" $in }}
{{- end -}}
{{- else if eq .part "metadata" -}}
{{- include "task-pubsub.userItems" ($broker.metadata | default list) -}}
{{- else if eq .part "warnings" -}}
{{- if eq $broker.type "in-memory" }}
- {{ $in.path }}: in-memory lives inside one sidecar; no other service will ever see its events.
{{- else }}
- {{ $in.path }}: the chart sets nothing for type {{ $broker.type }}. Check that it redelivers what was not acknowledged, {{ if include "task-pubsub.deduplication" .root }}as often as it takes{{ else }}later than {{ div (include "task-pubsub.redeliveryFloorMs" .root | int64) 1000 }}s{{ end }}, and keeps what is published before anyone subscribes.
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The dead-letter topics that Dapr itself publishes to, for sentences. */}}
{{- define "task-pubsub.deadLetterTopicNames" -}}
`{{ .Values.graph.deadLetters | join "`, `" }}`
{{- end -}}
