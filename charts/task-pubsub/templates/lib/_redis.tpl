{{/*
pubsub.redis and state.redis. Names and units: components-contrib 1.18.3, pubsub/redis/metadata.yaml and
common/component/redis/settings.go (where the two differ, the code).
*/}}

{{/* What a connection needs, for the broker and for the state store alike. */}}
{{- define "task-pubsub.redis.connection" -}}
{{- include "task-pubsub.item" (dict "name" "redisHost" "value" .host) -}}
{{- include "task-pubsub.item" (dict "name" "redisType" "value" .redisType) -}}
{{- include "task-pubsub.item" (dict "name" "redisDB" "value" .db) -}}
{{- include "task-pubsub.item" (dict "name" "redisUsername" "value" .username) -}}
{{- /* Calls beyond it wait for each other; the default is ten for each processor that the sidecar sees. */ -}}
{{- include "task-pubsub.item" (dict "name" "poolSize" "value" (.poolSize | default 128)) -}}
{{- if .sentinelMasterName -}}
{{- include "task-pubsub.item" (dict "name" "failover" "value" "true") -}}
{{- include "task-pubsub.item" (dict "name" "sentinelMasterName" "value" .sentinelMasterName) -}}
{{- end -}}
{{- $tls := .tls | default dict -}}
{{- include "task-pubsub.item" (dict "name" "enableTLS" "value" ($tls.enabled | default false)) -}}
{{- if $tls.insecureSkipVerify -}}
{{- include "task-pubsub.item" (dict "name" "insecureSkipTLSVerify" "value" "true") -}}
{{- end -}}
{{- include "task-pubsub.secretItems" (dict "from" . "defaults" (dict "redisPassword" "redis-password")) -}}
{{- end -}}

{{- /* Events fetched ahead age in the queue while their processingTimeout runs: a quarter of what is handled at once. */ -}}
{{- define "task-pubsub.redis.queueDepth" -}}
{{- .queueDepth | default (max 1 (div (include "task-pubsub.concurrency" . | int64) 4)) -}}
{{- end -}}

{{- define "task-pubsub.redis.metadata" -}}
{{- $redis := .broker -}}
{{- include "task-pubsub.redis.connection" $redis }}
{{- /* Milliseconds as bare digits: redeliverInterval is read in no other form, a "30s" there is silently the default. */}}
- name: processingTimeout
  value: {{ include "task-pubsub.redis.processingTimeoutMs" . | quote }}
- name: redeliverInterval
  value: {{ include "task-pubsub.ms" ($redis.redeliverInterval | default "5s") | quote }}
- name: concurrency
  value: {{ include "task-pubsub.concurrency" $redis | quote }}
- name: queueDepth
  value: {{ include "task-pubsub.redis.queueDepth" $redis | quote }}
{{- /* Both trim entries that nobody has read yet, too: unset unless asked for. */}}
{{- include "task-pubsub.item" (dict "name" "maxLenApprox" "value" ($redis.maxLenApprox | default "")) -}}
{{- include "task-pubsub.item" (dict "name" "streamTTL" "value" $redis.streamTTL) -}}
{{- include "task-pubsub.userItems" ($redis.extraMetadata | default list) -}}
{{- end -}}

{{/*
When Redis hands out again what nobody has acknowledged: what a killed sidecar or worker had in hand has to wait this long. It
ends the component's own context, not daprd's retries, which go on beside those of the copy. Where every subscriber knows a
copy, that is harmless, and the time is short: an attempt, and the claim that a crash leaves behind. Otherwise it is longer than
all retries.
*/}}
{{- define "task-pubsub.redis.processingTimeoutMs" -}}
{{- if .broker.processingTimeout -}}{{- include "task-pubsub.ms" .broker.processingTimeout -}}
{{- else if include "task-pubsub.deduplication" .root -}}
{{- add (include "task-pubsub.ms" .root.Values.delivery.handlerTimeout | int64) (include "task-pubsub.ms" .root.Values.delivery.lease | int64) -}}
{{- else -}}{{- include "task-pubsub.redeliveryFloorMs" .root -}}
{{- end -}}
{{- end -}}

{{- define "task-pubsub.redis.problems" -}}
{{- $budget := include "task-pubsub.retryBudgetMs" .root | int64 -}}
{{- $timeout := include "task-pubsub.redis.processingTimeoutMs" . | int64 -}}
{{- $handler := include "task-pubsub.ms" .root.Values.delivery.handlerTimeout | int64 -}}
{{- $attempt := add $handler (div $handler 10) -}}
{{- if include "task-pubsub.deduplication" .root -}}
{{- if lt $timeout $attempt }}
- {{ .path }}.processingTimeout: {{ .broker.processingTimeout }} is shorter than delivery.handlerTimeout and a tenth ({{ $attempt }}ms); Redis would hand out again what is being handled for the first time, and copies of slow events would take the places of others.
{{- end -}}
{{- else if lt $timeout $budget }}
- {{ .path }}.processingTimeout: {{ .broker.processingTimeout }} is shorter than the retries of one event can take ({{ div $budget 1000 }}s); Redis would hand the event out again while it is still being retried, and the chains would overlap.
{{- end -}}
{{- if and .broker.maxLenApprox .broker.streamTTL }}
- {{ .path }}: maxLenApprox and streamTTL are both set; Redis applies only one of them, so the stream would not be bounded as one of the two says.
{{- end -}}
{{- end -}}

{{- define "task-pubsub.redis.warnings" -}}
{{- if not (or .broker.maxLenApprox .broker.streamTTL .root.Values.trim.enabled) }}
- {{ .path }}: with trim.enabled `false` nothing is cut from the streams, and they grow for ever.
{{- end -}}
{{- end -}}

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
