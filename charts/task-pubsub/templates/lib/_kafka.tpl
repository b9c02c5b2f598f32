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
      "oidc_private_key_jwt" (dict "oidcClientAssertionCert" "tls.crt" "oidcClientAssertionKey" "tls.key")
      "awsiam" dict
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
{{- if eq $kafka.authType "awsiam" -}}
{{- range $field := list "region" "assumeRoleArn" "sessionName" -}}
{{- include "task-pubsub.item" (dict "name" $field "value" (get ($kafka.aws | default dict) $field)) -}}
{{- end -}}
{{- end -}}
{{- if hasPrefix "oidc" $kafka.authType -}}
{{- range $field := list "oidcTokenEndpoint" "oidcClientID" "oidcScopes" "oidcExtensions" "oidcResource" "oidcAudience" "oidcKid" -}}
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
{{- /* A record's key and headers become metadata of the delivery, where bytes that are not printable ASCII are invalid. */}}
- name: escapeHeaders
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

{{- define "task-pubsub.kafka.problems" -}}
{{- $kafka := .broker -}}
{{- $tls := $kafka.tls | default dict -}}
{{- $auth := $kafka.authType -}}
{{- if and (eq $auth "none") $tls.enabled }}
- {{ .path }}.tls.enabled: with authType `none` daprd speaks plain TCP whatever else is set; for TLS without a login use authType `certificate`.
{{- end -}}
{{- if and (has $auth (list "mtls" "certificate" "awsiam")) (hasKey $tls "enabled") (not $tls.enabled) }}
- {{ .path }}.tls.enabled: authType `{{ $auth }}` is made of TLS; without it daprd would refuse the component or send everything in the clear.
{{- end -}}
{{- if and (eq $auth "awsiam") (not ($kafka.aws | default dict).region) }}
- {{ .path }}.aws.region: authType `awsiam` needs it; without it the component never starts.
{{- end -}}
{{- if and (not (has $auth (list "none" "awsiam"))) (not $kafka.existingSecret) }}
- {{ .path }}.existingSecret: authType `{{ $auth }}` needs {{ include "task-pubsub.kafka.secretFields" $auth | fromYaml | keys | sortAlpha | join ", " }} from a Secret; without it the component never starts.
{{- end -}}
{{- range $field, $key := $kafka.secretKeys -}}
{{- if and (eq (toString $key) "") (hasKey (include "task-pubsub.kafka.secretFields" $auth | fromYaml) $field) }}
- {{ $.path }}.secretKeys: authType `{{ $auth }}` cannot do without `{{ $field }}`; daprd would refuse the component, or with no caCert crash on it.
{{- end -}}
{{- end -}}
{{- if and (hasPrefix "oidc" $auth) (not (and ($kafka.oidc | default dict).oidcTokenEndpoint ($kafka.oidc | default dict).oidcClientID)) }}
- {{ .path }}.oidc: authType `{{ $auth }}` needs oidcTokenEndpoint and oidcClientID; without them the component never starts.
{{- end -}}
{{- $session := include "task-pubsub.ms" ($kafka.sessionTimeout | default "10s") | int64 -}}
{{- $heartbeat := include "task-pubsub.ms" ($kafka.heartbeatInterval | default "3s") | int64 -}}
{{- if gt (mul 3 $heartbeat) $session }}
- {{ .path }}.heartbeatInterval: fewer than three heartbeats fit into the session timeout of {{ div $session 1000 }}s; one late heartbeat would throw the subscriber out of its group and stop deliveries for a rebalance.
{{- end -}}
{{- include "task-pubsub.problems.sharedConsumer" (dict "root" .root "path" (printf "%s.consumerGroup" .path) "what" "group" "value" $kafka.consumerGroup) -}}
{{- end -}}

{{- define "task-pubsub.kafka.warnings" -}}
{{- $tls := .broker.tls | default dict -}}
{{- if and (eq .broker.authType "password") (hasKey $tls "enabled") (not $tls.enabled) }}
- {{ .path }}: the password crosses the network without TLS.
{{- end -}}
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
