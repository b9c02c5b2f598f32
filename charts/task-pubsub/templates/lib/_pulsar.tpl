{{/*
pubsub.pulsar: a durable, shared subscription per subscriber and topic. Names and units: components-contrib 1.18.3,
pubsub/pulsar/metadata.go and pulsar.go. Pulsar redelivers what was refused or what a lost connection had in hand, nothing by
time: there is no timeout that could contradict the retries.
*/}}

{{- define "task-pubsub.pulsar.metadata" -}}
{{- $pulsar := .broker -}}
{{- $tls := ($pulsar.tls | default dict).enabled | default false -}}
{{- $auth := $pulsar.authType | default "none" -}}
{{- $concurrency := include "task-pubsub.concurrency" $pulsar }}
- name: host
  value: {{ printf "%s://%s" (ternary "pulsar+ssl" "pulsar" $tls) $pulsar.host | quote }}
{{- /* Not what speaks TLS, that is the scheme above: without this the certificate would not be checked. */}}
- name: enableTLS
  value: {{ $tls | quote }}
{{- include "task-pubsub.item" (dict "name" "listenerName" "value" $pulsar.listenerName) -}}
{{- include "task-pubsub.item" (dict "name" "tenant" "value" ($pulsar.tenant | default "public")) -}}
{{- include "task-pubsub.item" (dict "name" "namespace" "value" ($pulsar.namespace | default "default")) -}}
{{- if eq $auth "oauth2" -}}
{{- range $field := list "oauth2TokenURL" "oauth2ClientID" "oauth2Scopes" "oauth2Audiences" -}}
{{- include "task-pubsub.item" (dict "name" $field "value" (get ($pulsar.oauth2 | default dict) $field)) -}}
{{- end -}}
{{- end -}}
{{- include "task-pubsub.secretItems" (dict "from" $pulsar "defaults" (include "task-pubsub.pulsar.secretFields" $auth | fromYaml)) }}
{{- /* The name of the subscription; {appID} gives every subscriber its own. */}}
- name: consumerID
  value: {{ $pulsar.consumerID | default "{appID}" | quote }}
- name: persistent
  value: "true"
- name: subscribeMode
  value: durable
{{- /* Its replicas share one subscription. */}}
- name: subscribeType
  value: shared
{{- /* The default, latest, skips what the topic kept before the first subscriber came. */}}
- name: subscribeInitialPosition
  value: earliest
- name: redeliveryDelay
  value: {{ $pulsar.redeliveryDelay | default "30s" | quote }}
{{- /* In a batch, one refused event would bring back the whole batch; and a lone event would wait for one. */}}
- name: disableBatching
  value: "true"
- name: processMode
  value: async
- name: maxConcurrentHandlers
  value: {{ $concurrency | quote }}
{{- /* What is fetched ahead is kept from the other replicas: no more than can be handled. */}}
- name: receiverQueueSize
  value: {{ $concurrency | quote }}
{{- include "task-pubsub.userItems" ($pulsar.extraMetadata | default list) -}}
{{- end -}}

{{/* The fields each way to log in takes from the Secret, with the usual key of each. */}}
{{- define "task-pubsub.pulsar.secretFields" -}}
{{- get (dict "none" dict "token" (dict "token" "token") "oauth2" (dict "oauth2ClientSecret" "client-secret")) . | toYaml -}}
{{- end -}}

{{- define "task-pubsub.pulsar.problems" -}}
{{- $pulsar := .broker -}}
{{- $auth := $pulsar.authType | default "none" -}}
{{- $fields := include "task-pubsub.pulsar.secretFields" $auth | fromYaml -}}
{{- if and (ne $auth "none") (not $pulsar.existingSecret) }}
- {{ .path }}.existingSecret: authType `{{ $auth }}` needs {{ keys $fields | join ", " }} from a Secret; without it the component never starts.
{{- end -}}
{{- range $field, $key := $pulsar.secretKeys -}}
{{- if and (eq (toString $key) "") (hasKey $fields $field) }}
- {{ $.path }}.secretKeys.{{ $field }}: authType `{{ $auth }}` cannot do without it; every connection would be refused.
{{- end -}}
{{- end -}}
{{- if eq $auth "oauth2" -}}
{{- range $field := list "oauth2TokenURL" "oauth2ClientID" "oauth2Scopes" "oauth2Audiences" -}}
{{- if not (get ($pulsar.oauth2 | default dict) $field) }}
- {{ $.path }}.oauth2.{{ $field }}: authType `oauth2` needs it; without it the component never starts.
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "task-pubsub.problems.sharedConsumer" (dict "root" .root "path" (printf "%s.consumerID" .path) "what" "subscription" "value" ($pulsar.consumerID | default "{appID}")) -}}
{{- end -}}

{{- define "task-pubsub.pulsar.warnings" -}}
{{- $tls := (.broker.tls | default dict).enabled -}}
- {{ .path }}: tested by rendering and against Dapr's code, not on a real Pulsar.
- {{ .path }}: unless its namespace has a retention, Pulsar deletes what is published before a subscription exists: when changing to it with plain Helm, first list it in broker.subscribe, and make it active in a second upgrade. Its component starts whether or not Pulsar answers, so readiness does not show a wrong address or login.
- {{ .path }}: for the same reason dead letters are deleted until somebody subscribes to their topic: make a subscription of your own to {{ include "task-pubsub.deadLetterTopicNames" .root }} (README, "Dead letters").
{{- if and (ne (.broker.authType | default "none") "none") (not $tls) }}
- {{ .path }}: the token crosses the network without TLS.
{{- end -}}
{{- end -}}
