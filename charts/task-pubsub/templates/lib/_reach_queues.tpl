{{/* How KEDA reads the backlog of brokers that run anywhere, and where sidecars reach them. */}}

{{/* What no subscriber has taken yet. Redis counts that from version 7 on. */}}
{{- define "task-pubsub.redis.trigger" -}}
{{- $redis := .plain -}}
{{- $cluster := eq ($redis.redistype | default "node") "cluster" -}}
{{- $sentinel := $redis.sentinelmastername -}}
type: {{ ternary "redis-cluster-streams" (ternary "redis-sentinel-streams" "redis-streams" (not (empty $sentinel))) $cluster }}
metadata:
  {{ ternary "addresses" "address" (or $cluster (not (empty $sentinel))) }}: {{ $redis.redishost | quote }}
  stream: {{ .topic | quote }}
  consumerGroup: {{ .consumer | quote }}
  lagCount: {{ .backlog | quote }}
  databaseIndex: {{ $redis.redisdb | default "" | quote }}
  username: {{ $redis.redisusername | default "" | quote }}
  sentinelMaster: {{ $sentinel | default "" | quote }}
  enableTLS: {{ $redis.enabletls | default "false" | quote }}
  unsafeSsl: {{ $redis.insecureskiptlsverify | default "" | quote }}
parameters:
  redispassword: password
  redisusername: username
  sentinelpassword: sentinelPassword
  sentinelusername: sentinelUsername
  clientcert: cert
  clientkey: key
{{- end -}}
{{- define "task-pubsub.redis.endpoints" -}}
{addresses: {{ .redishost | quote }}, port: 6379}
{{- end -}}

{{/* KEDA never starts more pods than there are partitions: one more would have nothing to do. */}}
{{- define "task-pubsub.kafka.trigger" -}}
{{- $kafka := .plain -}}
{{- $auth := $kafka.authtype | default "none" -}}
type: kafka
metadata:
  bootstrapServers: {{ $kafka.brokers | quote }}
  consumerGroup: {{ $kafka.consumergroup | default .consumer | quote }}
  topic: {{ .topic | quote }}
  lagThreshold: {{ .backlog | quote }}
  offsetResetPolicy: {{ ternary "earliest" "latest" (eq ($kafka.initialoffset | default "newest") "oldest") }}
  version: {{ $kafka.version | default "" | quote }}
  tls: {{ ternary "disable" "enable" (or (eq $auth "none") (eq ($kafka.disabletls | default "false") "true")) }}
  unsafeSsl: {{ $kafka.skipverify | default "" | quote }}
  {{- if eq $auth "password" }}
  sasl: {{ get (dict "PLAINTEXT" "plaintext" "SHA-256" "scram_sha256" "SHA-512" "scram_sha512") ($kafka.saslmechanism | default "PLAINTEXT") }}
  {{- end }}
parameters:
  saslusername: username
  saslpassword: password
  cacert: ca
  clientcert: cert
  clientkey: key
{{- if not (has $auth (list "none" "password" "mtls" "certificate")) }}
cannotLogIn: what authType `{{ $auth }}` needs there is not all in a Secret
{{- end }}
{{- end -}}
{{- define "task-pubsub.kafka.endpoints" -}}
{addresses: {{ .brokers | quote }}, port: 9092}
{{- end -}}

{{- define "task-pubsub.rabbitmq.trigger" -}}
{{- $rabbit := .plain -}}
type: rabbitmq
metadata:
  queueName: {{ $rabbit.queuename | default (printf "%s-%s" .consumer .topic) | quote }}
  mode: QueueLength
  value: {{ .backlog | quote }}
  host: {{ with $rabbit.hostname }}{{ printf "%s://%s" ($rabbit.protocol | default "amqp") . | quote }}{{ else }}""{{ end }}
parameters:
  connectionstring: host
  username: username
  password: password
{{- if or .secret.cacert .secret.clientcert $rabbit.cacert }}
cannotLogIn: it takes a certificate only together with a switch that must itself stand in a Secret
{{- else if and $rabbit.username .secret.password }}
cannotLogIn: it takes a user name only from a Secret, and this one is a plain value
{{- end }}
{{- end -}}
{{- define "task-pubsub.rabbitmq.endpoints" -}}
{addresses: {{ .hostname | default "" | quote }}, port: {{ ternary 5671 5672 (eq (.protocol | default "amqp") "amqps") }}}
{{- end -}}

{{/* The backlog is in the admin API, which no sidecar uses. */}}
{{- define "task-pubsub.pulsar.trigger" -}}
{{- $pulsar := .plain -}}
type: pulsar
metadata:
  topic: {{ printf "persistent://%s/%s/%s" ($pulsar.tenant | default "public") ($pulsar.namespace | default "default") .topic | quote }}
  subscription: {{ .consumer | quote }}
  msgBacklogThreshold: {{ .backlog | quote }}
  authModes: {{ ternary "bearer" "" (hasKey .secret "token") | quote }}
requires: [adminURL]
parameters:
  token: bearerToken
{{- if or .secret.oauth2clientsecret $pulsar.oauth2tokenurl }}
cannotLogIn: what OAuth2 needs there is not all in a Secret
{{- end }}
{{- end -}}
{{- define "task-pubsub.pulsar.endpoints" -}}
{addresses: {{ .host | default "" | quote }}, port: {{ ternary 6651 6650 (hasPrefix "pulsar+ssl:" (.host | default "")) }}}
{{- end -}}

{{/* The backlog is behind the server's monitoring port, which no sidecar uses. */}}
{{- define "task-pubsub.jetstream.trigger" -}}
type: nats-jetstream
metadata:
  account: "$G"
  stream: {{ .plain.streamname | default "" | quote }}
  consumer: {{ .plain.durablename | default "" | quote }}
  lagThreshold: {{ .backlog | quote }}
requires: [natsServerMonitoringEndpoint, stream, consumer]
{{- end -}}
{{- define "task-pubsub.jetstream.endpoints" -}}
{addresses: {{ .natsurl | default "" | quote }}, port: 4222}
{{- end -}}
