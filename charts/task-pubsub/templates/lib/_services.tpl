{{/*
Who there is, what they publish and hear, and how it comes to them: the graph of `services` and `topics`. Computed once a render and kept in
`.Values.graph`, which the templates of one chart share (see _validate.tpl), so that nobody computes it in a loop.

services.<name>   by app-id: its values with the defaults filled in, `probes` and security contexts as the pod has them; `publishes`, keys of topics; `hears`, a list of subscriptions: `key` and `topic` (the
                  real name), `deadLetter` (the real name), `route`, `rules`, `metadata`, `infix` (of its Subscriptions' names); `role`, `publisher`
                  for whoever publishes, as well or only, else `subscriber`; `key`, its name in the values, and `name`, the app-id
workloads.<name>  everything that has a sidecar: the services, and the probe as an entry of `services` would be
topics.<key>      `name` and `deadLetter`, the real ones: the suffix keeps a developer's events out of everybody else's; `publishers`; `subscribers`,
                  those on the library; `others` that hear it: the enabled ones
probe             the probe's app-id
subscribers       all app-ids that receive events, announced ones too
deadLetters       every name of a dead-letter topic
smoke             the publisher that smoke talks to; empty when it cannot be talked to
subscriptions     of the enabled services, one per broker that is heard: `name`, `entry`, `service`, `text`, `object`
*/}}
{{- define "task-pubsub.graph" -}}
{{- $suffix := .Values.topicSuffix -}}
{{- $topics := dict -}}
{{- $deadLetters := list -}}
{{- range $key, $topic := .Values.topics -}}
{{- if $topic -}}
{{- $resolved := dict "name" (print $topic.name $suffix) "deadLetter" (print $topic.deadLetter $suffix) -}}
{{- $_ := set $topics $key (merge $resolved (dict "publishers" list "subscribers" list "others" list)) -}}
{{- $deadLetters = append $deadLetters $resolved.deadLetter -}}
{{- end -}}
{{- end -}}
{{- $prefix := include "task-pubsub.prefix" . -}}
{{- $services := dict -}}
{{- $subscribers := list -}}
{{- range $key, $own := .Values.services -}}
{{- if $own -}}
{{- $name := print $prefix $key -}}
{{- $service := mergeOverwrite (deepCopy $.Values.serviceDefaults) (deepCopy $own) -}}
{{- include "task-pubsub.replaced" (dict "of" $service "own" $own "defaults" $.Values.serviceDefaults) -}}
{{- range $key := $own.publishes -}}
{{- with and $service.enabled (get $topics $key) -}}{{- $_ := set . "publishers" (append .publishers $name) -}}{{- end -}}
{{- end -}}
{{- $hears := list -}}
{{- range $index, $heard := $own.subscribes -}}
{{- $topic := get $topics $heard.topic | default dict -}}
{{- $deadLetter := ternary (print $heard.deadLetter $suffix) $topic.deadLetter (hasKey $heard "deadLetter") -}}
{{- $deadLetters = append $deadLetters $deadLetter -}}
{{- /* The first keeps its name when another is added: daprd would subscribe to a renamed one anew, and on Kafka be deaf. */ -}}
{{- $hears = append $hears (dict "key" $heard.topic "topic" $topic.name "deadLetter" $deadLetter "infix" (ternary (print $heard.topic "-") "" (gt $index 0))
      "route" $heard.route "rules" ($heard.rules | default list) "metadata" ($heard.metadata | default dict)
      "subscription" ($heard.subscription | default dict)) -}}
{{- with and $service.enabled $topic -}}
{{- $who := ternary "subscribers" "others" $service.inbox -}}
{{- $_ := set . $who (append (get . $who) $name) -}}
{{- end -}}
{{- end -}}
{{- if $hears -}}{{- $subscribers = append $subscribers $name -}}{{- end -}}
{{- $role := ternary "subscriber" "publisher" (empty $own.publishes) -}}
{{- $_ := set $services $name (merge (dict
      "key" $key "name" $name "role" $role "publishes" ($own.publishes | default list) "hears" $hears) $service) -}}
{{- end -}}
{{- end -}}
{{- $probe := omit .Values.serviceDefaults "env" "command" "args" "lifecycle" "probes" | deepCopy -}}
{{- $probe = mergeOverwrite $probe (deepCopy (omit .Values.probe "name")) (dict
      "key" .Values.probe.name "enabled" true "role" "probe" "hears" list "expose" false "effectJournal" "" "inbox" true "protocol" ""
      "extraEnv" list "envFrom" list "initContainers" list "extraContainers" list) -}}
{{- include "task-pubsub.replaced" (dict "of" $probe "own" (omit .Values.probe "probes") "defaults" .Values.serviceDefaults) -}}
{{- $name := print $prefix .Values.probe.name -}}
{{- $target := get $services (print $prefix .Values.smoke.service) | default dict -}}
{{- $_ := set .Values "graph" (dict
      "topics" $topics "services" $services "workloads" (set (merge (dict) $services) $name $probe) "probe" $name
      "subscribers" $subscribers "deadLetters" ($deadLetters | uniq | sortAlpha)
      "smoke" (ternary $target dict (and $target.enabled $target.inbox $target.expose $target.publishes | empty | not))) -}}
{{- end -}}

{{/* The last part of the graph: what each subscriber hears of each broker. Not before the values have been checked. */}}
{{- define "task-pubsub.subscriptions" -}}
{{- $subscriptions := list -}}
{{- $entries := include "task-pubsub.subscribedBrokers" . | fromYamlArray -}}
{{- range $name, $service := .Values.graph.services -}}
{{- range $heard := ternary $service.hears list $service.enabled -}}
{{- range $entry := $entries -}}
{{- $text := include "task-pubsub.subscription" (dict "root" $ "entry" $entry "name" $name "service" $service "heard" $heard) -}}
{{- $subscriptions = append $subscriptions (dict
      "name" (printf "%s-%s%s" $name $heard.infix $entry) "entry" $entry "service" $name "text" $text "object" (fromYaml $text) "over" $heard.subscription) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set .Values.graph "subscriptions" $subscriptions -}}
{{- end -}}

{{/* How events come to a service, `grpc` or `http`. The library speaks both; of any other program only its own values can say so. */}}
{{- define "task-pubsub.protocol" -}}
{{- if and .service.inbox (not .service.hears) -}}http
{{- else -}}{{- .service.protocol | default (ternary .root.Values.delivery.protocol "http" .service.inbox) -}}
{{- end -}}
{{- end -}}

{{/*
Where a service's own value takes the place of the default's, and is not merged with it (of, own, defaults): a probe has one way to ask. In a
security context that is so key by key, and null leaves a key to the cluster.
*/}}
{{- define "task-pubsub.replaced" -}}
{{- $own := .own -}}
{{- $probes := merge (dict) (.own.probes | default dict) -}}
{{- range $name, $probe := .defaults.probes -}}{{- if not (hasKey $probes $name) -}}{{- $_ := set $probes $name $probe -}}{{- end -}}{{- end -}}
{{- $_ := set .of "probes" $probes -}}
{{- range $field := list "podSecurityContext" "securityContext" -}}
{{- $context := dict -}}
{{- if or (not (hasKey $own $field)) (get $own $field) -}}{{- $context = get $.defaults $field | default dict | deepCopy -}}{{- end -}}
{{- range $key, $value := get $own $field | default dict -}}
{{- if kindIs "invalid" $value -}}{{- $_ := unset $context $key -}}{{- else -}}{{- $_ := set $context $key $value -}}{{- end -}}
{{- end -}}
{{- $_ := set $.of $field $context -}}
{{- end -}}
{{- end -}}

{{/*
`true` where every subscriber recognises a copy of an event, else empty. Announced services count too: enabling one must not change a
Component.
*/}}
{{- define "task-pubsub.deduplication" -}}
{{- $known := ne .Values.stateStore.type "none" -}}
{{- range $name, $service := .Values.graph.services -}}
{{- if and $service.hears (not $service.inbox) -}}{{- $known = false -}}{{- end -}}
{{- end -}}
{{- if $known -}}true{{- end -}}
{{- end -}}

{{/* The apps that may call a service of this release, as policies of a Configuration: one per app and namespace, which is Dapr's key. */}}
{{- define "task-pubsub.callers" -}}
{{- $policies := dict -}}
{{- range .Values.invocation.allow -}}
{{- $namespace := .namespace | default $.Release.Namespace -}}
{{- $key := printf "%s.%s" $namespace .appId -}}
{{- $known := get $policies $key | default (dict
      "appId" .appId "namespace" $namespace "trustDomain" $.Values.invocation.trustDomain "defaultAction" "deny" "operations" list) -}}
{{- $operation := dict "name" .path "httpVerb" .methods "action" "allow" -}}
{{- $_ := set $policies $key (set $known "operations" (append $known.operations $operation)) -}}
{{- end -}}
{{- $list := list -}}
{{- range $key := keys $policies | sortAlpha -}}
{{- $list = append $list (get $policies $key) -}}
{{- end -}}
{{- toYaml $list -}}
{{- end -}}

{{/* One subscription at one broker: `spec` and `scopes` of a Subscription (root, entry, name, service, heard). */}}
{{- define "task-pubsub.subscription" -}}
{{- $own := include "task-pubsub.broker" (dict
      "root" .root "entry" .entry "part" "subscription" "name" .name "heard" .heard) | fromYaml -}}
spec:
  pubsubname: {{ include "task-pubsub.componentName" . }}
  topic: {{ .heard.topic }}
  routes:
    {{- with .heard.rules }}
    {{- /* An event on which a rule fails is a dead letter at once, and a canary has none of the fields that rules ask for. */}}
    {{- $canary := dict "match" "event.type == \"com.task-pubsub.canary\"" "path" $.heard.route }}
    rules:
      {{- ternary (prepend . $canary) . $.service.inbox | toYaml | nindent 6 }}
    {{- end }}
    default: {{ .heard.route }}
  # Never without the retries of the Resiliency object: alone it takes the first failure.
  deadLetterTopic: {{ $own.deadLetterTopic | default .heard.deadLetter }}
  {{- with merge ($own.metadata | default dict) .heard.metadata }}
  metadata:
    {{- toYaml . | nindent 4 }}
  {{- end }}
scopes:
  - {{ .name }}
{{- end -}}
