{{/*
Which metadata fields are secrets. Dapr's own `sensitive` marks miss some (jetstream's jwt, kafka's schemaRegistryAPISecret,
redis' clientKey, pulsar's privateKey), so the chart keeps its own list, which has all of Dapr's (`chart-metadata` checks
that); a name that ends like a secret counts as one too.
*/}}
{{- define "task-pubsub.isSecretName" -}}
{{- $names := list "accesskey" "accountkey" "authkey" "clientcert" "clientkey" "connectionstring" "jwt" "key" "keys" "masterkey"
      "privatekey" "seedkey" "sessiontoken" "sharedaccesskey" "storageaccountkey" "tls_client_key" "url" -}}
{{- if or (has (lower .) $names)
          (regexMatch "(?i)(password|secret|secretkey|token|private_?key|connectionstring|apikey|assertionkey)$" .) -}}
yes
{{- end -}}
{{- end -}}

{{/* Plain values, in a user's own metadata list, that belong into a Secret. `path` says where the list is. */}}
{{- define "task-pubsub.problems.plainSecrets" -}}
{{- range $item := .items -}}
{{- if not $item.secretKeyRef -}}
{{- if include "task-pubsub.isSecretName" $item.name }}
- {{ $.path }}: `{{ $item.name }}` has a plain value, which would stand readable in git, in the release and in the Component; use secretKeyRef.
{{- else if regexMatch "://[^/@]*:[^/@]+@" (toString $item.value) }}
- {{ $.path }}: `{{ $item.name }}` is a URL with a password in it, which would stand readable in git, in the release and in the Component; use secretKeyRef.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
