{{/*
Where sidecars connect to, as `host:port`, read from what the Components are told. `networkPolicy.endpoints` replaces what is
found, and says what cannot be: an address inside a Secret, a type that the chart does not know.
*/}}

{{/* Of one entry of `brokers`. Each type's own template says which field it is, and the port that goes without saying. */}}
{{- define "task-pubsub.brokerEndpoints" -}}
{{- $type := (include "task-pubsub.brokerType" (get .root.Values.brokers .entry) | fromYaml).name -}}
{{- $found := dict -}}
{{- if ne $type "generic" -}}
{{- $found = include (printf "task-pubsub.%s.endpoints" $type) (include "task-pubsub.told" . | fromYaml).plain | fromYaml -}}
{{- end -}}
{{- include "task-pubsub.endpoints" (merge (dict "own" (get .root.Values.networkPolicy.endpoints .entry)) $found) -}}
{{- end -}}

{{/* Of the state store. */}}
{{- define "task-pubsub.storeEndpoints" -}}
{{- $store := .Values.stateStore -}}
{{- $own := .Values.networkPolicy.endpoints.stateStore -}}
{{- $found := dict -}}
{{- if eq $store.type "redis" -}}
{{- $found = dict "addresses" $store.host "port" 6379 -}}
{{- else if and (eq $store.type "postgresql") (not (include "task-pubsub.store.postgresql.connectionStringKey" $store)) -}}
{{- $found = dict "addresses" $store.postgresql.host "port" 5432 -}}
{{- end -}}
{{- include "task-pubsub.endpoints" (merge (dict "own" $own) $found) -}}
{{- end -}}

{{/* `addresses`, comma-separated, URLs or not, as a list of `host:port`; empty where nothing can be said. */}}
{{- define "task-pubsub.endpoints" -}}
{{- $list := .own | default list -}}
{{- if not $list -}}
{{- range splitList "," (.addresses | default "") -}}
{{- $address := regexReplaceAll "^[a-z+]+://" (trim .) "" | splitList "@" | last | splitList "/" | first -}}
{{- if and $address (not (contains ":" $address)) -}}{{- $address = printf "%s:%v" $address $.port -}}{{- end -}}
{{- $list = append $list $address -}}
{{- end -}}
{{- end -}}
{{- compact $list | uniq | toYaml -}}
{{- end -}}
