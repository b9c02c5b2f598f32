{{/*
pubsub.azure.servicebus.topics: a subscription per subscriber and topic. Names and units: components-contrib 1.18.3,
common/component/azure/servicebus/metadata.go and subscription.go, common/authentication/azure/metadata-properties.go.
*/}}

{{- define "task-pubsub.azure.servicebus.topics.metadata" -}}
{{- $azure := .broker -}}
{{- $auth := $azure.authType | default "identity" -}}
{{- $concurrency := include "task-pubsub.concurrency" $azure -}}
{{- if ne $auth "connectionString" -}}
{{- include "task-pubsub.item" (dict "name" "namespaceName" "value" $azure.namespaceName) -}}
{{- include "task-pubsub.item" (dict "name" "azureTenantId" "value" $azure.tenantID) -}}
{{- include "task-pubsub.item" (dict "name" "azureClientId" "value" $azure.clientID) -}}
{{- include "task-pubsub.item" (dict "name" "azureEnvironment" "value" $azure.environment) -}}
{{- end -}}
{{- include "task-pubsub.secretItems" (dict "from" $azure "defaults" (include "task-pubsub.azure.servicebus.topics.secretFields" $auth | fromYaml)) }}
{{- /* The name of the subscription; {appID} gives every subscriber its own. */}}
- name: consumerID
  value: {{ $azure.consumerID | default "{appID}" | quote }}
{{- /* As many in hand as are handled at once: the default hoards 1000 and works on all of them. */}}
- name: maxConcurrentHandlers
  value: {{ $concurrency | quote }}
- name: maxActiveMessages
  value: {{ $concurrency | quote }}
{{- /* The sidecar prolongs the lock of what it has in hand; this is how long a dead one's events stay away. */}}
- name: lockDurationInSec
  value: {{ include "task-pubsub.seconds" ($azure.lockDuration | default "60s") | quote }}
- name: lockRenewalInSec
  value: {{ include "task-pubsub.seconds" ($azure.lockRenewal | default "20s") | quote }}
{{- /* The default, 60s, ends the context under an event that is in its retries; daprd goes on with them all the same. */}}
- name: handlerTimeoutInSec
  value: {{ div (include "task-pubsub.redeliveryFloorMs" .root | int64) 1000 | quote }}
{{- /* What is delivered more often goes to the dead-letter queue that every subscription has, and stays there. A lock is renewed for as long
as the retries last, so this counts sidecars that stopped with the event in hand: in an outage those are many. */}}
- name: maxDeliveryCount
  value: {{ $azure.maxDeliveryCount | default 1000 | quote }}
{{- if eq (toString $azure.entityManagement) "false" }}
- name: disableEntityManagement
  value: "true"
{{- end -}}
{{- include "task-pubsub.userItems" ($azure.extraMetadata | default list) -}}
{{- end -}}

{{/* The fields each way to log in takes from the Secret, with the usual key of each. */}}
{{- define "task-pubsub.azure.servicebus.topics.secretFields" -}}
{{- $fields := dict
      "identity" dict
      "clientSecret" (dict "azureClientSecret" "client-secret")
      "certificate" (dict "azureCertificate" "tls.pfx")
      "connectionString" (dict "connectionString" "connection-string") -}}
{{- get $fields . | toYaml -}}
{{- end -}}

{{- define "task-pubsub.azure.servicebus.topics.problems" -}}
{{- $azure := .broker -}}
{{- $auth := $azure.authType | default "identity" -}}
{{- $fields := include "task-pubsub.azure.servicebus.topics.secretFields" $auth | fromYaml -}}
{{- if and (ne $auth "identity") (not $azure.existingSecret) }}
- {{ .path }}.existingSecret: authType `{{ $auth }}` needs {{ keys $fields | join ", " }} from a Secret; without it the component never starts.
{{- end -}}
{{- if and (has $auth (list "clientSecret" "certificate")) (not (and $azure.tenantID $azure.clientID)) }}
- {{ .path }}: authType `{{ $auth }}` needs tenantID and clientID; without them the component never starts.
{{- end -}}
{{- range $field, $key := $azure.secretKeys -}}
{{- if and (eq (toString $key) "") (hasKey $fields $field) }}
- {{ $.path }}.secretKeys.{{ $field }}: authType `{{ $auth }}` cannot do without it; the component never starts.
{{- else if not (or (hasKey $fields $field) (and (eq $auth "certificate") (eq $field "azureCertificatePassword"))) }}
- {{ $.path }}.secretKeys.{{ $field }}: is not what authType `{{ $auth }}` logs in with; daprd refuses two ways to log in.
{{- end -}}
{{- end -}}
{{- $lock := include "task-pubsub.ms" ($azure.lockDuration | default "60s") | int64 -}}
{{- $renewal := include "task-pubsub.ms" ($azure.lockRenewal | default "20s") | int64 -}}
{{- if or (lt $lock 5000) (gt $lock 300000) }}
- {{ .path }}.lockDuration: {{ $azure.lockDuration }} is not between 5s and 300s; Service Bus refuses such a subscription, and nothing would be received.
{{- end -}}
{{- if gt (mul 2 $renewal) $lock }}
- {{ .path }}.lockRenewal: {{ $azure.lockRenewal | default "20s" }} does not fit twice into the lock of {{ div $lock 1000 }}s; one late renewal, and the event would be delivered again while it is still being handled.
{{- end -}}
{{- include "task-pubsub.problems.sharedConsumer" (dict "root" .root "path" (printf "%s.consumerID" .path) "what" "subscription" "value" ($azure.consumerID | default "{appID}")) -}}
{{- range $name := .root.Values.graph.subscribers -}}
{{- $subscription := replace "{appID}" $name ($azure.consumerID | default "{appID}") -}}
{{- if gt (len $subscription) 50 }}
- {{ $.path }}.consumerID: the subscription `{{ $subscription }}` is longer than the 50 characters of Service Bus, which would refuse it.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "task-pubsub.azure.servicebus.topics.warnings" -}}
- {{ .path }}: tested by rendering and against Dapr's code, not on a real Service Bus.
- {{ .path }}: a topic drops what is published before it has a subscription: when changing to it with plain Helm, first list it in broker.subscribe, and make it active in a second upgrade. Its component starts whether or not Azure answers, so readiness does not show a wrong name or login.
- {{ .path }}: for the same reason dead letters are dropped until somebody subscribes to their topic: make a subscription of your own to {{ include "task-pubsub.deadLetterTopicNames" .root }} (README, "Dead letters").
- {{ .path }}: lockDuration and maxDeliveryCount are read when Dapr makes the subscription, not later.
{{- end -}}
