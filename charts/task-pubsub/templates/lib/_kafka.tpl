{{/*
pubsub.kafka. Names and units: components-contrib 1.18.3, pubsub/kafka/metadata.yaml and
common/component/kafka/metadata.go (where the two differ, the code).
*/}}

{{/* The fields each way to log in takes from the Secret, with the usual key of each. */}}
{{- define "task-pubsub.kafka.secretFields" -}}
{{- $fields := dict
      "none" dict
      "password" (dict "saslUsername" "username" "saslPassword" "password")
      "oidc" (dict "oidcClientSecret" "client-secret")
      "mtls" (dict "caCert" "ca.crt" "clientCert" "tls.crt" "clientKey" "tls.key")
      "certificate" (dict "caCert" "ca.crt") -}}
{{- get $fields . | toYaml -}}
{{- end -}}

{{- define "task-pubsub.kafka.metadata" -}}
{{- $kafka := .broker -}}
{{- $tls := $kafka.tls | default dict -}}
{{- include "task-pubsub.item" (dict "name" "brokers" "value" $kafka.brokers) }}
{{- /* Stable, because a new group starts reading from the beginning; {appID} gives every subscriber its own. */}}
{{- include "task-pubsub.item" (dict "name" "consumerGroup" "value" $kafka.consumerGroup) -}}
{{- include "task-pubsub.item" (dict "name" "clientID" "value" $kafka.clientID) -}}
{{- include "task-pubsub.item" (dict "name" "version" "value" $kafka.version) }}
- name: authType
  value: {{ $kafka.authType | quote }}
{{- if and (eq $kafka.authType "password") $kafka.saslMechanism }}
- name: saslMechanism
  value: {{ $kafka.saslMechanism | quote }}
{{- end -}}
{{- if eq $kafka.authType "oidc" -}}
{{- range $field := list "oidcTokenEndpoint" "oidcClientID" "oidcScopes" "oidcExtensions" -}}
{{- include "task-pubsub.item" (dict "name" $field "value" (get ($kafka.oidc | default dict) $field)) -}}
{{- end -}}
{{- end -}}
{{- /* With authType none daprd speaks plain TCP whatever else is set; with the others TLS is on unless switched off. */}}
{{- if and (ne $kafka.authType "none") (hasKey $tls "enabled") (not $tls.enabled) }}
- name: disableTls
  value: "true"
{{- end -}}
{{- if $tls.insecureSkipVerify -}}
{{- include "task-pubsub.item" (dict "name" "skipVerify" "value" "true") -}}
{{- end -}}
{{- include "task-pubsub.secretItems" (dict "from" $kafka "defaults" (include "task-pubsub.kafka.secretFields" $kafka.authType | fromYaml)) }}
{{- /* The default, newest, skips whatever was published before the group joined. */}}
- name: initialOffset
  value: oldest
{{- /* Otherwise an event whose dead-letter publish failed is skipped. */}}
- name: consumeRetryEnabled
  value: "true"
{{- /* Every in-sync replica has the event before a publish counts as acknowledged. */}}
- name: producerRequiredAcks
  value: all
{{- /* daprd opens components one after another and does not cut Kafka's off: these bound how long a dead one holds up the rest. */}}
- name: dialTimeout
  value: {{ $kafka.dialTimeout | default "5s" | quote }}
- name: readTimeout
  value: {{ $kafka.readTimeout | default "5s" | quote }}
- name: metadataTimeout
  value: {{ $kafka.metadataTimeout | default "10s" | quote }}
{{- include "task-pubsub.item" (dict "name" "sessionTimeout" "value" $kafka.sessionTimeout) -}}
{{- include "task-pubsub.item" (dict "name" "heartbeatInterval" "value" $kafka.heartbeatInterval) -}}
{{- include "task-pubsub.item" (dict "name" "maxMessageBytes" "value" ($kafka.maxMessageBytes | default "")) -}}
{{- include "task-pubsub.userItems" ($kafka.extraMetadata | default list) -}}
{{- end -}}
