{{/*
What the schema cannot see: values that contradict each other. Every problem is a line that names the value and says what
would happen; all of them are reported at once.
*/}}
{{- define "task-pubsub.validate" -}}
{{- $problems := list -}}
{{- range $part := list "brokers" "entries" "timing" "shutdown" "services" "running" -}}
{{- $problems = append $problems (include (printf "task-pubsub.problems.%s" $part) $ | trim) -}}
{{- end -}}
{{- with compact $problems -}}
{{- fail (printf "these values cannot be installed:\n%s\n" (join "\n" .)) -}}
{{- end -}}
{{- end -}}

{{/* The choice of brokers. Runs first: nothing below may look up an entry that does not exist. */}}
{{- define "task-pubsub.problems.brokers" -}}
{{- $known := keys .Values.brokers | sortAlpha | join ", " -}}
{{- $active := .Values.broker.active -}}
{{- $subscribe := .Values.broker.subscribe -}}
{{- if not (get .Values.brokers $active) }}
- broker.active: `{{ $active }}` is no entry of `brokers` ({{ $known }}); publishers would have no component and every publish would fail.
{{- end -}}
{{- range $subscribe -}}
{{- if not (get $.Values.brokers .) }}
- broker.subscribe: `{{ . }}` is no entry of `brokers` ({{ $known }}); its events would be heard by nobody.
{{- end -}}
{{- end -}}
{{- if and $subscribe (not (has $active $subscribe)) }}
- broker.subscribe: {{ $subscribe | join ", " }} leaves out broker.active `{{ $active }}`; what is published there would be heard by nobody.
{{- end -}}
{{- $inUse := include "task-pubsub.brokersInUse" . | fromYamlArray -}}
{{- if and .Values.broker.componentName (gt (len $inUse) 1) }}
- broker.componentName: `{{ .Values.broker.componentName }}` cannot name {{ len $inUse }} components ({{ $inUse | join ", " }}); one would replace the other in every running sidecar. Leave it empty to change brokers without a loss.
{{- end -}}
{{- if and (ne .Values.stateStore.type "none") (eq .Values.broker.componentName .Values.stateStore.name) }}
- broker.componentName: `{{ .Values.broker.componentName }}` is the name of the state store too; daprd would load only one of them.
{{- end -}}
{{- end -}}

{{/* What is wrong inside the entries that are in use. */}}
{{- define "task-pubsub.problems.entries" -}}
{{- range $entry := include "task-pubsub.brokersInUse" . | fromYamlArray -}}
{{- with get $.Values.brokers $entry -}}
{{- $in := dict "root" $ "entry" $entry "broker" . "path" (printf "brokers.%s" $entry) -}}
{{- if eq .type "redis" -}}{{- include "task-pubsub.problems.redis" $in -}}
{{- else if eq .type "kafka" -}}{{- include "task-pubsub.problems.kafka" $in -}}
{{- else -}}{{- include "task-pubsub.problems.plainSecrets" (dict "path" (printf "%s.metadata" $in.path) "items" .metadata) -}}
{{- end -}}
{{- if .extraMetadata -}}{{- include "task-pubsub.problems.extraMetadata" $in -}}{{- end -}}
{{- include "task-pubsub.problems.secretKeys" (dict "path" $in.path "from" .) -}}
{{- end -}}
{{- end -}}
{{- include "task-pubsub.problems.secretKeys" (dict "path" "stateStore" "from" .Values.stateStore) -}}
{{- end -}}

{{- define "task-pubsub.problems.secretKeys" -}}
{{- if and .from.secretKeys (not .from.existingSecret) }}
- {{ .path }}.secretKeys: names keys of no Secret, so the component would log in without them; set {{ .path }}.existingSecret.
{{- end -}}
{{- end -}}

{{/* extraMetadata may add, not contradict: daprd takes the last of two values of one name without a word. */}}
{{- define "task-pubsub.problems.extraMetadata" -}}
{{- $path := printf "%s.extraMetadata" .path -}}
{{- include "task-pubsub.problems.plainSecrets" (dict "path" $path "items" .broker.extraMetadata) -}}
{{- $own := dict "root" .root "entry" .entry "broker" (omit .broker "extraMetadata") -}}
{{- $rendered := include (printf "task-pubsub.%s.metadata" .broker.type) $own | fromYamlArray -}}
{{- range $item := .broker.extraMetadata -}}
{{- range $rendered -}}
{{- if eq (lower .name) (lower $item.name) }}
- {{ $path }}: `{{ $item.name }}` is set by the chart; a second value would silently replace the safe one.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "task-pubsub.problems.redis" -}}
{{- $budget := include "task-pubsub.budgetUpperMs" .root | int64 -}}
{{- $timeout := include "task-pubsub.redis.processingTimeoutMs" . | int64 -}}
{{- if lt $timeout $budget }}
- {{ .path }}.processingTimeout: {{ .broker.processingTimeout }} is shorter than the retries of one event can take ({{ div $budget 1000 }}s); Redis would hand the event out again while it is still being retried, and the chains would overlap.
{{- end -}}
{{- if and .broker.maxLenApprox .broker.streamTTL }}
- {{ .path }}: maxLenApprox and streamTTL are both set; Redis applies only one of them, so the stream would not be bounded as one of the two says.
{{- end -}}
{{- end -}}

{{- define "task-pubsub.problems.kafka" -}}
{{- $kafka := .broker -}}
{{- $tls := $kafka.tls | default dict -}}
{{- $auth := $kafka.authType -}}
{{- if and (eq $auth "none") $tls.enabled }}
- {{ .path }}.tls.enabled: with authType `none` daprd speaks plain TCP whatever else is set; for TLS without a login use authType `certificate`.
{{- end -}}
{{- if and (has $auth (list "mtls" "certificate")) (hasKey $tls "enabled") (not $tls.enabled) }}
- {{ .path }}.tls.enabled: authType `{{ $auth }}` is made of TLS; without it daprd would refuse the component or send everything in the clear.
{{- end -}}
{{- if and (ne $auth "none") (not $kafka.existingSecret) }}
- {{ .path }}.existingSecret: authType `{{ $auth }}` needs {{ include "task-pubsub.kafka.secretFields" $auth | fromYaml | keys | sortAlpha | join ", " }} from a Secret; without it the component never starts.
{{- end -}}
{{- range $field, $key := $kafka.secretKeys -}}
{{- if and (eq (toString $key) "") (hasKey (include "task-pubsub.kafka.secretFields" $auth | fromYaml) $field) }}
- {{ $.path }}.secretKeys: authType `{{ $auth }}` cannot do without `{{ $field }}`; daprd would refuse the component, or with no caCert crash on it.
{{- end -}}
{{- end -}}
{{- if and (eq $auth "oidc") (not (and ($kafka.oidc | default dict).oidcTokenEndpoint ($kafka.oidc | default dict).oidcClientID)) }}
- {{ .path }}.oidc: authType `oidc` needs oidcTokenEndpoint and oidcClientID; without them the component never starts.
{{- end -}}
{{- $session := include "task-pubsub.ms" ($kafka.sessionTimeout | default "10s") | int64 -}}
{{- $heartbeat := include "task-pubsub.ms" ($kafka.heartbeatInterval | default "3s") | int64 -}}
{{- if gt (mul 3 $heartbeat) $session }}
- {{ .path }}.heartbeatInterval: fewer than three heartbeats fit into the session timeout of {{ div $session 1000 }}s; one late heartbeat would throw the subscriber out of its group and stop deliveries for a rebalance.
{{- end -}}
{{- $subscribers := include "task-pubsub.subscriberIds" .root | fromYamlArray -}}
{{- if and (gt (len $subscribers) 1) (not (contains "{appID}" $kafka.consumerGroup)) }}
- {{ .path }}.consumerGroup: {{ $subscribers | join ", " }} would share the group `{{ $kafka.consumerGroup }}`, and each event would reach only one of them; put {appID} into the name.
{{- end -}}
{{- end -}}
