{{/* What a NetworkPolicy is made of. */}}

{{/* `host:port` as an egress rule: pods of a namespace, an address, or something outside of the cluster. */}}
{{- define "task-pubsub.egressRule" -}}
{{- $host := .address | splitList ":" | first -}}
{{- $where := include "task-pubsub.whereIs" $host -}}
- to:
  {{- if eq $where "address" }}
    - ipBlock: {cidr: {{ ternary $host (printf "%s/32" $host) (contains "/" $host) }}}
  {{- else if eq $where "cluster" }}
  {{- range include "task-pubsub.namespacesOf" (dict "root" .root "host" $host) | fromYamlArray }}
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: {{ . }}}
  {{- end }}
  {{- else }}
  {{- range .root.Values.networkPolicy.externalCIDRs }}
    - ipBlock: {cidr: {{ . }}}
  {{- end }}
  {{- end }}
  ports:
    - {protocol: TCP, port: {{ .address | splitList ":" | last }}}
{{- end -}}

{{/* A name with `.svc`, or of one or two parts, is the cluster's; everything else that is no address is outside. */}}
{{- define "task-pubsub.whereIs" -}}
{{- if regexMatch "^[0-9.]+(/[0-9]+)?$" . -}}address
{{- else if or (regexMatch "\\.svc(\\.|$)" .) (le (len (splitList "." .)) 2) -}}cluster
{{- else -}}outside
{{- end -}}
{{- end -}}

{{/* `a.b` may be service b's pod a in this namespace, or service a in namespace b: the port is open to both. */}}
{{- define "task-pubsub.namespacesOf" -}}
{{- $parts := splitList "." .host -}}
{{- if has "svc" $parts -}}
{{- list (regexReplaceAll "^.*?([^.]+)\\.svc(\\..*)?$" .host "${1}") | toYaml -}}
{{- else if eq (len $parts) 2 -}}
{{- list .root.Release.Namespace (last $parts) | uniq | toYaml -}}
{{- else -}}
{{- list .root.Release.Namespace | toYaml -}}
{{- end -}}
{{- end -}}

{{/* The addresses that the sidecar of one service connects to. Sidecars open every component whose scopes name them. */}}
{{- define "task-pubsub.sidecarEndpoints" -}}
{{- $root := .root -}}
{{- $all := list -}}
{{- range $entry := include "task-pubsub.brokersInUse" $root | fromYamlArray -}}
{{- $all = concat $all (include "task-pubsub.brokerEndpoints" (dict "root" $root "entry" $entry) | fromYamlArray) -}}
{{- end -}}
{{- if and (ne .role "publisher") (ne $root.Values.stateStore.type "none") -}}
{{- $all = concat $all (include "task-pubsub.storeEndpoints" $root | fromYamlArray) -}}
{{- end -}}
{{- with $root.Values.otel.endpoint -}}
{{- $collector := . | trimPrefix "http://" | trimSuffix "/" -}}
{{- $all = append $all (ternary $collector (printf "%s:80" $collector) (contains ":" $collector)) -}}
{{- end -}}
{{- $all | uniq | sortAlpha | toYaml -}}
{{- end -}}

{{/* What every pod with a sidecar needs, whatever it is there for. */}}
{{- define "task-pubsub.egress" -}}
{{- $policy := .root.Values.networkPolicy -}}
# Names.
- to:
    {{- toYaml $policy.dns | nindent 4 }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
# Dapr's control plane: identity, components, actors and jobs. daprd registers with the last two though nothing here uses
# them. Ports of the pods, not of the Services in front of them.
{{- range $app, $port := dict "sentry" 50001 "operator" 6500 "placement-server" 50005 "scheduler-server" 50006 }}
- to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: {{ $policy.daprNamespace }}}
      podSelector:
        matchLabels: {app: dapr-{{ $app }}}
  ports:
    - {protocol: TCP, port: {{ $port }}}
{{- end }}
# Brokers, state store, collector.
{{- $rules := list }}
{{- range include "task-pubsub.sidecarEndpoints" . | fromYamlArray }}
{{- $rules = append $rules (include "task-pubsub.egressRule" (dict "root" $.root "address" .)) }}
{{- end }}
{{ uniq $rules | join "\n" }}
{{- with $policy.extraEgress }}
{{ tpl (toYaml .) $.root }}
{{- end }}
{{- end -}}

{{- define "task-pubsub.problems.network" -}}
{{- $policy := .Values.networkPolicy -}}
{{- if $policy.enabled -}}
{{- range $entry := include "task-pubsub.brokersInUse" . | fromYamlArray -}}
{{- if not (include "task-pubsub.brokerEndpoints" (dict "root" $ "entry" $entry) | fromYamlArray) }}
- networkPolicy.endpoints.{{ $entry }}: is needed, because the address of brokers.{{ $entry }} is in a Secret or of an unknown type; no sidecar could reach the broker. Write it as a list of `host:port`.
{{- end -}}
{{- end -}}
{{- if and (ne .Values.stateStore.type "none") (not (include "task-pubsub.storeEndpoints" . | fromYamlArray)) }}
- networkPolicy.endpoints.stateStore: is needed, because the chart does not know where the state store is; no worker could remember an event, and every event would be retried. Write it as a list of `host:port`.
{{- end -}}
{{- if not $policy.externalCIDRs -}}
{{- range include "task-pubsub.sidecarEndpoints" (dict "root" . "role" "subscriber") | fromYamlArray -}}
{{- if eq (include "task-pubsub.whereIs" (splitList ":" . | first)) "outside" }}
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
