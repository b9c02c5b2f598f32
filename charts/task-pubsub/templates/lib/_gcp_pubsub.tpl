{{/*
pubsub.gcp.pubsub: a subscription per subscriber and topic. Names and units: components-contrib 1.18.3,
pubsub/gcp/pubsub/metadata.go and pubsub.go; the leases are those of cloud.google.com/go/pubsub 1.49.
*/}}

{{- define "task-pubsub.gcp.pubsub.metadata" -}}
{{- $gcp := .broker -}}
{{- include "task-pubsub.item" (dict "name" "projectID" "value" $gcp.projectID) -}}
{{- include "task-pubsub.item" (dict "name" "endpoint" "value" $gcp.endpoint) -}}
{{- if $gcp.existingSecret -}}
{{- include "task-pubsub.item" (dict "name" "identityProjectID" "value" ($gcp.identityProjectID | default $gcp.projectID)) -}}
{{- end -}}
{{- /* The fields of a service account's key, under their names in the key file. */}}
{{- $fields := dict "privateKeyID" "private_key_id" "privateKey" "private_key" "clientEmail" "client_email" }}
{{- include "task-pubsub.secretItems" (dict "from" $gcp "defaults" $fields) }}
{{- /* First part of the subscription's name; {appID} gives every subscriber its own. */}}
- name: consumerID
  value: {{ $gcp.consumerID | default "{appID}" | quote }}
{{- /* The client prolongs the lease of what it has in hand; this is how long a dead one's events stay away. Read when the subscription is made. */}}
- name: ackDeadline
  value: {{ $gcp.ackDeadline | default "60s" | quote }}
- name: maxOutstandingMessages
  value: {{ include "task-pubsub.concurrency" $gcp | quote }}
{{- /* After so many reconnects the subscriber gives up for good; the default, 30, is used up in about a minute. */}}
- name: maxReconnectionAttempts
  value: "1000000"
{{- if eq (toString $gcp.entityManagement) "false" }}
- name: disableEntityManagement
  value: "true"
{{- end -}}
{{- include "task-pubsub.userItems" ($gcp.extraMetadata | default list) -}}
{{- end -}}

{{- define "task-pubsub.gcp.pubsub.problems" -}}
{{- $gcp := .broker -}}
{{- $deadline := include "task-pubsub.ms" ($gcp.ackDeadline | default "60s") | int64 -}}
{{- if or (lt $deadline 10000) (gt $deadline 600000) }}
- {{ .path }}.ackDeadline: {{ $gcp.ackDeadline }} is not between 10s and 600s; Google refuses such a subscription, and nothing would be received.
{{- end -}}
{{- $floor := include "task-pubsub.redeliveryFloorMs" .root | int64 -}}
{{- if gt $floor 3600000 }}
- {{ .path }}: the retries of one event can take {{ div $floor 1000 }}s, but the client prolongs its lease for 3600s only; the event would be delivered again while it is still being retried. Shorten delivery.retry.
{{- end -}}
{{- if and $gcp.endpoint $gcp.existingSecret }}
- {{ .path }}.endpoint: names an emulator, but with a key from a Secret Dapr ignores it and talks to Google; leave out existingSecret.
{{- end -}}
{{- range $field, $key := $gcp.secretKeys -}}
{{- if and (eq (toString $key) "") (has $field (list "privateKeyID" "privateKey" "clientEmail")) }}
- {{ $.path }}.secretKeys.{{ $field }}: a service account's key is not one without it; the component never starts.
{{- end -}}
{{- end -}}
{{- include "task-pubsub.problems.sharedConsumer" (dict "root" .root "path" (printf "%s.consumerID" .path) "what" "subscription" "value" ($gcp.consumerID | default "{appID}")) -}}
{{- include "task-pubsub.problems.sharedQueue" (dict "root" .root "path" (printf "%s.consumerID" .path) "what" "subscription" "value" ($gcp.consumerID | default "{appID}")) -}}
{{- end -}}

{{- define "task-pubsub.gcp.pubsub.warnings" -}}
- {{ .path }}: Google drops what is published before a subscription exists: when changing to it with plain Helm, first list it in broker.subscribe, and make it active in a second upgrade. Its component starts whether or not Google answers, so readiness does not show a wrong project or key.
- {{ .path }}: for the same reason dead letters are dropped until somebody subscribes to their topic: make a subscription of your own to {{ include "task-pubsub.deadLetterTopicNames" .root }} (README, "Dead letters").
- {{ .path }}: a subscription keeps events for 7 days, and one that nobody uses is deleted after 31; both can be changed, but not by Dapr.
{{- if .broker.endpoint }}
- {{ .path }}: endpoint is set: events go to an emulator.
{{- end -}}
{{- end -}}
