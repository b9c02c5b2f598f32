{{/* The choice of brokers, and what is wrong inside the entries that are in use. */}}
{{- define "task-pubsub.problems.brokers" -}}
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
{{- $path := printf "brokers.%s" $entry -}}
{{- include "task-pubsub.broker" (dict "root" $ "entry" $entry "part" "problems") -}}
{{- with get (dict "snssqs" "aws.snssqs" "azure.servicebus" "azure.servicebus.topics") .type }}
- {{ $path }}.type: is another name that Dapr has for `{{ . }}`, with none of the settings that the chart has for that; write `{{ . }}`.
{{- end -}}
{{- $own := include "task-pubsub.broker" (dict "root" $ "entry" $entry "part" "metadata" "broker" (omit . "extraMetadata" "metadata")) -}}
{{- $keys := (include "task-pubsub.brokerType" . | fromYaml).keys -}}
{{- $list := ternary "metadata" "extraMetadata" (hasKey . "metadata") -}}
{{- $items := get . $list | default list -}}
{{- include "task-pubsub.problems.items" (dict "path" (printf "%s.%s" $path $list) "items" $items "own" $own "entry" $path "keys" $keys) -}}
{{- range $items -}}
{{- if has (lower .name) (list "consumerid" "consumergroup" "queuegroupname") -}}
{{- include "task-pubsub.problems.sharedConsumer" (dict
      "root" $ "path" (printf "%s.%s" $path $list) "what" .name "value" (toString .value)) -}}
{{- end -}}
{{- end -}}
{{- $plain := (include "task-pubsub.componentMetadata" (dict "root" $ "entry" $entry) | fromYaml).plain -}}
{{- range concat (fromYamlArray $own) $items -}}
{{- if contains "{namespace}" (toString .value) }}
- {{ $path }}: {namespace} in `{{ .name }}` has daprd write the namespace before the name of every topic, also of those for dead letters; RabbitMQ would drop them, and KEDA and the gate would ask for topics and queues that are not there. Write the namespace itself, or use topicSuffix.
{{- end -}}
{{- end -}}
{{- include "task-pubsub.problems.scopes" (dict "root" $ "entry" $entry "path" $path "plain" $plain) -}}
{{- if and .secretKeys (not .existingSecret) }}
- brokers.{{ $entry }}.secretKeys: names keys of no Secret, so the component would log in without them; set brokers.{{ $entry }}.existingSecret.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Items of metadata that a user wrote (path, items, own: YAML of the chart's, entry and keys: metadata that has a key of its own there): no secret
in plain, and nothing twice: they may add, not contradict, and daprd takes the last of two values of one name without a word.
*/}}
{{- define "task-pubsub.problems.items" -}}
{{- $names := list -}}
{{- range fromYamlArray .own -}}{{- $names = append $names (lower .name) -}}{{- end -}}
{{- $seen := list -}}
{{- range .items -}}
{{- if not .secretKeyRef -}}
{{- include "task-pubsub.problems.plainSecret" (dict "path" $.path "name" .name "value" (toString .value) "cure" "use secretKeyRef") -}}
{{- end -}}
{{- if has (lower .name) $names }}
- {{ $.path }}: `{{ .name }}` is set by the chart; a second value would silently replace the safe one.
{{- else if has (lower .name) $seen }}
- {{ $.path }}: `{{ .name }}` stands there twice; daprd would take the last.
{{- else if and (hasKey ($.keys | default dict) (lower .name)) (not .secretKeyRef) }}
- {{ $.path }}: `{{ .name }}` has a key of its own, which is checked; write {{ $.entry }}.{{ get $.keys (lower .name) }}.
{{- end -}}
{{- $seen = append $seen (lower .name) -}}
{{- end -}}
{{- end -}}

{{/*
A plain value that belongs into a Secret (path, name, value, cure; byEnding for what is not Dapr's). Dapr's own `sensitive` marks miss some fields (jetstream's jwt, kafka's
schemaRegistryAPISecret, redis' clientKey, pulsar's privateKey), so the chart keeps its own list, which has all of Dapr's (a test checks
that); a name that ends like a secret counts as one too.
*/}}
{{- define "task-pubsub.problems.plainSecret" -}}
{{- $secrets := list "accesskey" "accountkey" "authkey" "clientcert" "clientkey" "connectionstring" "jwt" "key" "keys" "masterkey"
      "privatekey" "seedkey" "sessiontoken" "sharedaccesskey" "storageaccountkey" "tls_client_key" "url" -}}
{{- if or (and (has (lower .name) $secrets) (not .byEnding))
          (regexMatch "(?i)(password|secret|secretkey|token|private_?key|connectionstring|apikey|assertionkey)$" .name) }}
- {{ .path }}: `{{ .name }}` has a plain value, which would stand readable in git, in the release and in the cluster; {{ .cure }}.
{{- else if regexMatch "://[^/@]*:[^/@]+@" .value }}
- {{ .path }}: `{{ .name }}` is a URL with a password in it, which would stand readable in git, in the release and in the cluster; {{ .cure }}.
{{- end -}}
{{- end -}}

{{/*
Who may publish to and hear what, by `allowedTopics`, `protectedTopics`, `publishingScopes` and `subscriptionScopes` of a Component, as daprd
reads them (pkg/scopes, pkg/runtime/pubsub/adapter.go): root, entry, path, plain. The dead letters are published by the subscriber's sidecar, and
canaries by the subscriber and the probe.
*/}}
{{- define "task-pubsub.problems.scopes" -}}
{{- $plain := .plain -}}
{{- if or (hasKey $plain "allowedtopics") (hasKey $plain "protectedtopics") (hasKey $plain "publishingscopes") (hasKey $plain "subscriptionscopes") -}}
{{- $allowed := get $plain "allowedtopics" | replace " " "" | splitList "," | compact -}}
{{- $protected := get $plain "protectedtopics" | replace " " "" | splitList "," -}}
{{- $values := .root.Values -}}
{{- $active := eq .entry $values.broker.active -}}
{{- $heard := has .entry (include "task-pubsub.subscribedBrokers" .root | fromYamlArray) -}}
{{- $canaries := include "task-pubsub.ms" $values.delivery.watchdog.silence | int64 -}}
{{- $needs := list -}}
{{- range $name, $service := $values.graph.services -}}
{{- range ternary $service.publishes list $active -}}
{{- with get $values.graph.topics . -}}{{- $needs = append $needs (list $name "publishingscopes" .name "publishes") -}}{{- end -}}
{{- end -}}
{{- range $heard := ternary $service.hears list $heard -}}
{{- $own := include "task-pubsub.broker" (dict "root" $.root "entry" $.entry "part" "subscription" "name" $name "heard" $heard) | fromYaml -}}
{{- $dead := $own.deadLetterTopic | default $heard.deadLetter -}}
{{- if and $active $values.preflight.enabled $values.preflight.deadLetters -}}{{- $needs = append $needs (list $values.graph.probe "publishingscopes" $dead "sends canaries to") -}}{{- end -}}
{{- range ternary (get $values.graph.topics $heard.key | default dict).publishers list (and $active $values.publish.proveDeadLetters) -}}
{{- $needs = append $needs (list . "publishingscopes" $dead "sends canaries to") -}}
{{- end -}}
{{- $needs = append (append $needs (list $name "subscriptionscopes" $heard.topic "hears")) (list $name "publishingscopes" $dead "leaves its dead letters in") -}}
{{- if and $service.inbox $canaries -}}{{- $needs = append $needs (list $name "publishingscopes" $heard.topic "sends canaries to") -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- range ternary (values $values.graph.topics) list (and $active $values.preflight.enabled) -}}
{{- if .publishers -}}{{- $needs = append $needs (list $values.graph.probe "publishingscopes" .name "sends canaries to") -}}{{- end -}}
{{- end -}}
{{- range $need := uniq $needs -}}
{{- $scope := index $need 1 -}}
{{- $topic := index $need 2 -}}
{{- $scoped := list -}}
{{- range get $plain $scope | replace " " "" | splitList ";" -}}
{{- $app := splitList "=" . -}}
{{- if and (gt (len $app) 1) (eq (first $app) (first $need)) -}}{{- $scoped = concat $scoped (index $app 1 | splitList ",") -}}{{- end -}}
{{- end -}}
{{- $field := "" -}}
{{- if and $allowed (not (has $topic $allowed)) -}}{{- $field = "allowedTopics" -}}
{{- else if and (or $scoped (has $topic $protected)) (not (has $topic $scoped)) -}}
{{- $field = ternary "publishingScopes" "subscriptionScopes" (eq $scope "publishingscopes") -}}
{{- end -}}
{{- if $field }}
- {{ $.path }}: {{ $field }} leaves out `{{ $topic }}`, which {{ first $need }} {{ last $need }}; daprd would refuse it{{ if hasPrefix "leaves" (last $need) }}, and an event that cannot be handled would stand in the way of those behind it{{ end }}. Add the topic{{ if ne $field "allowedTopics" }} to those of {{ first $need }}{{ end }}.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A name under which a broker keeps what one subscriber has heard: two subscribers need two. */}}
{{- define "task-pubsub.problems.sharedConsumer" -}}
{{- if regexMatch "\\{(uuid|podName)\\}" .value }}
- {{ .path }}: the {{ .what }} `{{ .value }}` would be another with every pod; what an old one has not handled would be nobody's, and each replica would receive every event. Put {appID} into the name.
{{- end -}}
{{- $subscribers := .root.Values.graph.subscribers -}}
{{- if and (gt (len $subscribers) 1) (not (contains "{appID}" .value)) }}
- {{ .path }}: {{ $subscribers | join ", " }} would share the {{ .what }} `{{ .value }}`, and each event would reach only one of them; put {appID} into the name.
{{- end -}}
{{- end -}}

{{/*
The same of a name that is made of such a one and the topic: `a-b` with `c` and `a` with `b-c` are the same queue; `key` of a Subscription's
metadata names it instead.
*/}}
{{- define "task-pubsub.problems.sharedQueue" -}}
{{- $owners := dict -}}
{{- range $name, $service := .root.Values.graph.services -}}
{{- range $service.hears -}}
{{- $named := get .metadata ($.key | default "") -}}
{{- $queue := $named | default (printf "%s-%s" (replace "{appID}" $name $.value) .topic) -}}
{{- $other := get $owners $queue | default $name -}}
{{- if or (and (ne $other $name) (contains "{appID}" $.value)) (and $named (hasKey $owners $queue)) }}
- {{ $.path }}: services.{{ $other }} and services.{{ $name }} would share the {{ $.what }} `{{ $queue }}`, and each event would reach only one of them; give a service or a topic another name.
{{- end -}}
{{- $_ := set $owners $queue $name -}}
{{- end -}}
{{- end -}}
{{- end -}}
