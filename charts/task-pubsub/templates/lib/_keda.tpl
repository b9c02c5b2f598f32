{{/*
What KEDA reads of one entry, for one subscription (root, entry, name, service, heard): `type` and `metadata` of the trigger, `authenticationRef`, and
`secretTargetRef` where the chart makes the TriggerAuthentication. Computed for Redis, Kafka and RabbitMQ, whose own files say: `type`,
`metadata`, `parameters` (which secret of the Component is which parameter of KEDA's login), and `cannotLogIn`, why not. The user's
`keda.triggers` is laid over it, and is all there is for any other type. Names of KEDA's fields: kedacore/keda 2.20.1, pkg/scalers.
*/}}
{{- define "task-pubsub.kedaTrigger" -}}
{{- $own := deepCopy (get .root.Values.keda.triggers .entry | default dict) -}}
{{- $metadata := include "task-pubsub.componentMetadata" . | fromYaml -}}
{{- $computed := include "task-pubsub.broker" (dict
      "root" .root "entry" .entry "part" "trigger" "plain" $metadata.plain "secret" $metadata.secret
      "topic" .heard.topic "heard" .heard
      "consumer" ($metadata.plain.consumerid | default .name)
      "backlog" .service.autoscaling.backlog) | fromYaml -}}
{{- $trigger := mergeOverwrite (pick $computed "type" "metadata") $own -}}
{{- if not $own.authenticationRef -}}
{{- $targets := list -}}
{{- range $field := keys ($computed.parameters | default dict) | sortAlpha -}}
{{- with get $metadata.secret $field -}}
{{- $targets = append $targets (dict "parameter" (get $computed.parameters $field) "name" .name "key" .key) -}}
{{- end -}}
{{- end -}}
{{- if $targets -}}
{{- $login := include "task-pubsub.objectName" (dict "root" .root "suffix" .entry "limit" 100) -}}
{{- $trigger = merge $trigger (dict "secretTargetRef" $targets "authenticationRef" (dict "name" $login)) -}}
{{- end -}}
{{- $store := dig "auth" "secretStore" "kubernetes" ((get .root.Values.brokers .entry).component | default dict) -}}
{{- if and $targets (ne $store "kubernetes") -}}{{- $trigger = merge $trigger (dict "cannotLogIn" (printf "its Secrets are in the store `%s`" $store)) -}}{{- end -}}
{{- $trigger = merge $trigger (pick $computed "cannotLogIn") -}}
{{- end -}}
{{- $trigger | toYaml -}}
{{- end -}}
