{{/* Who there is, what they publish to or receive, and how it comes to them. */}}

{{/* The services map, each with the defaults filled in. `include ... | fromYaml` gives the map back. */}}
{{- define "task-pubsub.services" -}}
{{- $all := dict -}}
{{- range $name, $service := .Values.services -}}
{{- if $service -}}
{{- $_ := set $all $name (mergeOverwrite (deepCopy $.Values.serviceDefaults) (deepCopy $service)) -}}
{{- end -}}
{{- end -}}
{{- $all | toYaml -}}
{{- end -}}

{{/* Everything that has a sidecar: the services, and the probe as an entry of `services` would be. */}}
{{- define "task-pubsub.workloads" -}}
{{- $own := dict "enabled" true "role" "probe" "expose" false "effectJournal" "" "env" dict "extraEnv" list -}}
{{- $probe := mergeOverwrite (deepCopy .Values.serviceDefaults) (deepCopy (omit .Values.probe "name")) $own -}}
{{- set (include "task-pubsub.services" . | fromYaml) .Values.probe.name $probe | toYaml -}}
{{- end -}}

{{/* The app-ids that receive events. */}}
{{- define "task-pubsub.subscriberIds" -}}
{{- $ids := list -}}
{{- range $name, $service := include "task-pubsub.services" . | fromYaml -}}
{{- if eq $service.role "subscriber" -}}{{- $ids = append $ids $name -}}{{- end -}}
{{- end -}}
{{- $ids | sortAlpha | toYaml -}}
{{- end -}}

{{/* Enabled subscribers of a topic (its real name) that are built on the library, or with `inbox: false` those that are not. */}}
{{- define "task-pubsub.topicSubscribers" -}}
{{- $names := list -}}
{{- range $name, $service := include "task-pubsub.services" .root | fromYaml -}}
{{- if and $service.enabled (eq $service.role "subscriber") (eq $service.inbox $.inbox) -}}
{{- if eq $.topic (include "task-pubsub.topic" (dict "root" $.root "key" $service.topic)) -}}{{- $names = append $names $name -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $names | sortAlpha | toYaml -}}
{{- end -}}

{{/* The publisher that smoke talks to; empty when it cannot be talked to. */}}
{{- define "task-pubsub.smokeTarget" -}}
{{- $service := get (include "task-pubsub.services" . | fromYaml) .Values.smoke.service | default dict -}}
{{- if and $service.enabled $service.expose (eq $service.role "publisher") -}}
{{- $service | toYaml -}}
{{- end -}}
{{- end -}}

{{/* A topic's real name: the suffix keeps a developer's events out of everybody else's. */}}
{{- define "task-pubsub.topic" -}}
{{- printf "%s%s" (get (get .root.Values.topics .key) "name") .root.Values.topicSuffix -}}
{{- end -}}
{{- define "task-pubsub.deadLetterTopic" -}}
{{- printf "%s%s" (get (get .root.Values.topics .key) "deadLetter") .root.Values.topicSuffix -}}
{{- end -}}

{{/* How events come to a service, `grpc` or `http`. The library speaks both; of any other program only its own values can say so. */}}
{{- define "task-pubsub.protocol" -}}
{{- if eq .service.role "subscriber" -}}
{{- .service.protocol | default (ternary .root.Values.delivery.protocol "http" .service.inbox) -}}
{{- else -}}
http
{{- end -}}
{{- end -}}

{{/*
`true` where every subscriber recognises a copy of an event, else empty. Announced services count too: enabling one must not change a
Component.
*/}}
{{- define "task-pubsub.deduplication" -}}
{{- $known := ne .Values.stateStore.type "none" -}}
{{- range $name, $service := include "task-pubsub.services" . | fromYaml -}}
{{- if and (eq $service.role "subscriber") (not $service.inbox) -}}{{- $known = false -}}{{- end -}}
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

{{/* What one subscriber hears of one broker: `spec` and `scopes` of a Subscription (root, entry, name, service). */}}
{{- define "task-pubsub.subscription" -}}
{{- $own := include "task-pubsub.broker" (dict "root" .root "entry" .entry "part" "subscription" "name" .name "service" .service) | fromYaml -}}
spec:
  pubsubname: {{ include "task-pubsub.componentName" (dict "root" .root "entry" .entry) }}
  topic: {{ include "task-pubsub.topic" (dict "root" .root "key" .service.topic) }}
  routes:
    default: {{ .service.route }}
  # Never without the retries of the Resiliency object: alone it takes the first failure.
  deadLetterTopic: {{ $own.deadLetterTopic | default (include "task-pubsub.deadLetterTopic" (dict "root" .root "key" .service.topic)) }}
  {{- with $own.metadata }}
  metadata:
    {{- toYaml . | nindent 4 }}
  {{- end }}
scopes:
  - {{ .name }}
{{- end -}}
