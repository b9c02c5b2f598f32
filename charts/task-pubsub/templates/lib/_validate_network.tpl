{{/* A NetworkPolicy that would close what the system needs. */}}
{{- define "task-pubsub.problems.network" -}}
{{- $policy := .Values.networkPolicy -}}
{{- if $policy.enabled -}}
{{- range $entry := include "task-pubsub.brokersInUse" . | fromYamlArray -}}
{{- if not (include "task-pubsub.endpoints" (dict "root" $ "entry" $entry) | fromYamlArray) }}
- networkPolicy.endpoints.{{ $entry }}: is needed, because the address of brokers.{{ $entry }} is in a Secret or of an unknown type; no sidecar could reach the broker. Write it as a list of `host:port`.
{{- end -}}
{{- end -}}
{{- if and (ne .Values.stateStore.type "none") (not (include "task-pubsub.endpoints" (dict "root" . "entry" "stateStore") | fromYamlArray)) }}
- networkPolicy.endpoints.stateStore: is needed, because the chart does not know where the state store is; no worker could remember an event, and every event would be retried. Write it as a list of `host:port`.
{{- end -}}
{{- if not $policy.externalCIDRs -}}
{{- range include "task-pubsub.sidecarEndpoints" (dict "root" . "service" (get .Values.graph.workloads .Values.graph.probe)) | fromYamlArray -}}
{{- if eq (include "task-pubsub.hostLocation" (splitList ":" . | first)) "outside" }}
- networkPolicy.externalCIDRs: is empty, and `{{ . }}` is outside of the cluster; no pod could reach it. List the address ranges it may have.
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.enabled (not $policy.scrapers) }}
- networkPolicy.scrapers: is empty while monitoring.enabled is true; every scrape would time out. Say where Prometheus runs.
{{- end -}}
{{- range $name := keys $policy.endpoints | sortAlpha -}}
{{- if and (ne $name "stateStore") (not (get $.Values.brokers $name)) }}
- networkPolicy.endpoints.{{ $name }}: is no entry of `brokers` and not `stateStore`; the addresses would be opened for nobody.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
