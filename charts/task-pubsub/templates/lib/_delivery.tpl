{{/* How events come to a subscriber, by who it is: one that is built on `dapr-pubsub` (`inbox: true`), or any other program. */}}

{{/* `grpc` or `http`. The library speaks both; of any other program only its own values can say so. */}}
{{- define "task-pubsub.protocol" -}}
{{- if eq .service.role "subscriber" -}}
{{- .service.protocol | default (ternary .root.Values.delivery.protocol "http" .service.inbox) -}}
{{- else -}}
http
{{- end -}}
{{- end -}}

{{/*
How often the sidecar tries again. With the library without end, so that an app or a state store that is away only holds events
up: the library counts its handler's own failures and answers DROP when delivery.retry.maxRetries are used up. Any other program
has the sidecar count, whatever the reason.
*/}}
{{- define "task-pubsub.inboundRetries" -}}
{{- ternary -1 .root.Values.delivery.retry.maxRetries .service.inbox -}}
{{- end -}}

{{/*
Whether everybody who hears knows a copy of an event when it comes. Announced services count too: enabling one must not change a
Component.
*/}}
{{- define "task-pubsub.copiesAreKnown" -}}
{{- $known := ne .Values.stateStore.type "none" -}}
{{- range $name, $service := include "task-pubsub.services" . | fromYaml -}}
{{- if and (eq $service.role "subscriber") (not $service.inbox) -}}{{- $known = false -}}{{- end -}}
{{- end -}}
{{- if $known -}}true{{- end -}}
{{- end -}}

{{/* Enabled subscribers of a topic (its real name) that are built on the library, or with `inbox: false` those that are not. */}}
{{- define "task-pubsub.subscribersOf" -}}
{{- $names := list -}}
{{- range $name, $service := include "task-pubsub.services" .root | fromYaml -}}
{{- if and $service.enabled (eq $service.role "subscriber") (eq $service.inbox $.inbox) -}}
{{- if eq $.topic (include "task-pubsub.topic" (dict "root" $.root "key" $service.topic)) -}}{{- $names = append $names $name -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $names | sortAlpha | toYaml -}}
{{- end -}}

{{/* Canaries need somebody who records them, and nobody who takes them for events: otherwise there are none, `0s`. */}}
{{- define "task-pubsub.watchdogSilence" -}}
{{- $silence := .root.Values.delivery.watchdog.silence -}}
{{- $others := include "task-pubsub.subscribersOf" (dict "root" .root "topic" .topic "inbox" false) | fromYamlArray -}}
{{- $off := or (eq .root.Values.stateStore.type "none") $others (eq (include "task-pubsub.ms" $silence | int64) 0) -}}
{{- ternary "0s" $silence (not (empty $off)) -}}
{{- end -}}
