{{/* The choice of brokers, and what is wrong inside the entries that are in use. */}}
{{- define "task-pubsub.problems.brokers" -}}
{{- /*
Which metadata fields are secrets. Dapr's own `sensitive` marks miss some (jetstream's jwt, kafka's schemaRegistryAPISecret, redis'
clientKey, pulsar's privateKey), so the chart keeps its own list, which has all of Dapr's (`chart-metadata` checks that); a name that
ends like a secret counts as one too.
*/ -}}
{{- $secrets := list "accesskey" "accountkey" "authkey" "clientcert" "clientkey" "connectionstring" "jwt" "key" "keys" "masterkey"
      "privatekey" "seedkey" "sessiontoken" "sharedaccesskey" "storageaccountkey" "tls_client_key" "url" -}}
{{- $known := keys .Values.brokers | sortAlpha | join ", " -}}
{{- $active := .Values.broker.active -}}
{{- $subscribe := .Values.broker.subscribe -}}
{{- if not (get .Values.brokers $active) }}
- broker.active: `{{ $active }}` is no entry of `brokers` ({{ $known }}); publishers would have no component and every publish would fail.
{{- end -}}
{{- range $subscribe -}}
{{- if not (get $.Values.brokers .) }}
- broker.subscribe: `{{ . }}` is no entry of `brokers` ({{ $known }}); no subscriber would receive its events.
{{- end -}}
{{- end -}}
{{- if and $subscribe (not (has $active $subscribe)) }}
- broker.subscribe: {{ $subscribe | join ", " }} leaves out broker.active `{{ $active }}`; no subscriber would receive what is published there.
{{- end -}}
{{- $inUse := include "task-pubsub.brokersInUse" . | fromYamlArray -}}
{{- if and .Values.broker.componentName (gt (len $inUse) 1) }}
- broker.componentName: `{{ .Values.broker.componentName }}` cannot name {{ len $inUse }} components ({{ $inUse | join ", " }}); one would replace the other in every running sidecar. Leave it empty to change brokers without a loss.
{{- end -}}
{{- if and (ne .Values.stateStore.type "none") (eq .Values.broker.componentName (include "task-pubsub.stateStoreName" .)) }}
- broker.componentName: `{{ .Values.broker.componentName }}` is the name of the state store too; daprd would load only one of them.
{{- end -}}
{{- range $entry := $inUse -}}
{{- with get $.Values.brokers $entry -}}
{{- include "task-pubsub.broker" (dict "root" $ "entry" $entry "part" "problems") -}}
{{- /* Plain values, in a user's own metadata list, that belong into a Secret. */ -}}
{{- range $list := list "metadata" "extraMetadata" -}}
{{- range $item := get (get $.Values.brokers $entry) $list | default list -}}
{{- if not $item.secretKeyRef -}}
{{- if or (has (lower $item.name) $secrets)
          (regexMatch "(?i)(password|secret|secretkey|token|private_?key|connectionstring|apikey|assertionkey)$" $item.name) }}
- brokers.{{ $entry }}.{{ $list }}: `{{ $item.name }}` has a plain value, which would stand readable in git, in the release and in the Component; use secretKeyRef.
{{- else if regexMatch "://[^/@]*:[^/@]+@" (toString $item.value) }}
- brokers.{{ $entry }}.{{ $list }}: `{{ $item.name }}` is a URL with a password in it, which would stand readable in git, in the release and in the Component; use secretKeyRef.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- /* extraMetadata may add, not contradict: daprd takes the last of two values of one name without a word. */ -}}
{{- if .extraMetadata -}}
{{- $in := dict "root" $ "entry" $entry "part" "metadata" "broker" (omit . "extraMetadata") -}}
{{- $names := list -}}
{{- range include "task-pubsub.broker" $in | fromYamlArray -}}{{- $names = append $names (lower .name) -}}{{- end -}}
{{- range .extraMetadata -}}
{{- if has (lower .name) $names }}
- brokers.{{ $entry }}.extraMetadata: `{{ .name }}` is set by the chart; a second value would silently replace the safe one.
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .secretKeys (not .existingSecret) }}
- brokers.{{ $entry }}.secretKeys: names keys of no Secret, so the component would log in without them; set brokers.{{ $entry }}.existingSecret.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A name under which a broker keeps what one subscriber has heard: two subscribers need two. */}}
{{- define "task-pubsub.problems.sharedConsumer" -}}
{{- $subscribers := .root.Values.graph.subscribers -}}
{{- if and (gt (len $subscribers) 1) (not (contains "{appID}" .value)) }}
- {{ .path }}: {{ $subscribers | join ", " }} would share the {{ .what }} `{{ .value }}`, and each event would reach only one of them; put {appID} into the name.
{{- end -}}
{{- end -}}

{{/* The same of a name that is made of such a one and the topic: `a-b` with `c` and `a` with `b-c` are the same queue. */}}
{{- define "task-pubsub.problems.sharedQueue" -}}
{{- $owners := dict -}}
{{- range $name, $service := .root.Values.graph.services -}}
{{- range $service.hears -}}
{{- $queue := printf "%s-%s" (replace "{appID}" $name $.value) .topic -}}
{{- $other := get $owners $queue | default $name -}}
{{- if and (ne $other $name) (contains "{appID}" $.value) }}
- {{ $.path }}: services.{{ $other }} and services.{{ $name }} would share the {{ $.what }} `{{ $queue }}`, and each event would reach only one of them; give a service or a topic another name.
{{- end -}}
{{- $_ := set $owners $queue $name -}}
{{- end -}}
{{- end -}}
{{- end -}}
