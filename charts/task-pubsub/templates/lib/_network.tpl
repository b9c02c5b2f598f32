{{/* Where sidecars connect to, and what a NetworkPolicy says of it. */}}

{{/*
The addresses of one entry of `brokers`, or of `stateStore` (root, entry), as a list of `host:port`, read from its Component;
empty where nothing can be said. `networkPolicy.endpoints` replaces what is found, and says what cannot be: an address inside a Secret,
a type that the chart does not know.
*/}}
{{- define "task-pubsub.endpoints" -}}
{{- $values := .root.Values -}}
{{- $addresses := "" -}}
{{- $port := 0 -}}
{{- if ne .entry "stateStore" -}}
{{- $type := include "task-pubsub.brokerType" (get $values.brokers .entry) | fromYaml -}}
{{- $plain := (include "task-pubsub.componentMetadata" . | fromYaml).plain -}}
{{- $addresses = get $plain ($type.address | default "") | default $type.defaultAddress -}}
{{- $port = $type.port -}}
{{- if and $type.tlsPort (or (eq ($plain.protocol | default "") "amqps") (hasPrefix "pulsar+ssl:" ($addresses | default ""))) -}}
{{- $port = $type.tlsPort -}}
{{- end -}}
{{- else if eq $values.stateStore.type "redis" -}}
{{- $addresses = $values.stateStore.host -}}
{{- $port = 6379 -}}
{{- else if and (eq $values.stateStore.type "postgresql") (not (get ($values.stateStore.secretKeys | default dict) "connectionString")) -}}
{{- $addresses = $values.stateStore.postgresql.host -}}
{{- $port = 5432 -}}
{{- end -}}
{{- $list := get $values.networkPolicy.endpoints .entry | default list -}}
{{- if not $list -}}
{{- range splitList "," ($addresses | default "") -}}
{{- $address := regexReplaceAll "^[a-z+]+://" (trim .) "" | splitList "@" | last | splitList "/" | first -}}
{{- if and $address (not (contains ":" $address)) -}}{{- $address = printf "%s:%v" $address $port -}}{{- end -}}
{{- $list = append $list $address -}}
{{- end -}}
{{- end -}}
{{- compact $list | uniq | toYaml -}}
{{- end -}}

{{/* The addresses that the sidecar of one service connects to. Sidecars open every component whose scopes name them. */}}
{{- define "task-pubsub.sidecarEndpoints" -}}
{{- $root := .root -}}
{{- $all := list -}}
{{- range $entry := include "task-pubsub.brokersInUse" $root | fromYamlArray -}}
{{- $all = concat $all (include "task-pubsub.endpoints" (dict "root" $root "entry" $entry) | fromYamlArray) -}}
{{- end -}}
{{- if and (or .service.hears (eq .service.role "probe")) (ne $root.Values.stateStore.type "none") -}}
{{- $all = concat $all (include "task-pubsub.endpoints" (dict "root" $root "entry" "stateStore") | fromYamlArray) -}}
{{- end -}}
{{- range list $root.Values.otel.endpoint $root.Values.otel.sidecarEndpoint | compact -}}
{{- $collector := regexReplaceAll "^https?://|/$" . "" -}}
{{- $port := ternary 443 80 (hasPrefix "https:" .) -}}
{{- $all = append $all (ternary $collector (printf "%s:%d" $collector $port) (contains ":" $collector)) -}}
{{- end -}}
{{- $all | uniq | sortAlpha | toYaml -}}
{{- end -}}

{{/* Where the gate asks: at every entry's address as far as that can be said, and at RabbitMQ's management API. */}}
{{- define "task-pubsub.gateEndpoints" -}}
{{- $all := list -}}
{{- range $entry, $broker := .Values.brokers -}}
{{- if $broker -}}
{{- range include "task-pubsub.endpoints" (dict "root" $ "entry" $entry) | fromYamlArray -}}
{{- $host := splitList ":" . | first -}}
{{- if or $.Values.networkPolicy.externalCIDRs (ne (include "task-pubsub.hostLocation" $host) "outside") -}}
{{- $all = append $all . -}}
{{- if eq $broker.type "rabbitmq" -}}
{{- $all = append $all (printf "%s:%s" $host (ternary "15671" "15672" (($broker.tls | default dict).enabled | default false))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $all | uniq | sortAlpha | toYaml -}}
{{- end -}}

{{/* A name with `.svc`, or of one or two parts, is the cluster's; everything else that is no address is outside. */}}
{{- define "task-pubsub.hostLocation" -}}
{{- if regexMatch "^[0-9.]+(/[0-9]+)?$" . -}}address
{{- else if or (regexMatch "\\.svc(\\.|$)" .) (le (len (splitList "." .)) 2) -}}cluster
{{- else -}}outside
{{- end -}}
{{- end -}}

{{/* `host:port` as an egress rule: pods of a namespace, an address, or something outside of the cluster. */}}
{{- define "task-pubsub.egressRule" -}}
{{- $host := .address | splitList ":" | first -}}
{{- $location := include "task-pubsub.hostLocation" $host -}}
- to:
  {{- if eq $location "address" }}
    - ipBlock: {cidr: {{ ternary $host (printf "%s/32" $host) (contains "/" $host) }}}
  {{- else if eq $location "cluster" }}
  {{- $parts := splitList "." $host }}
  {{- $namespaces := list .root.Release.Namespace }}
  {{- if has "svc" $parts }}
  {{- $namespaces = list (regexReplaceAll "^.*?([^.]+)\\.svc(\\..*)?$" $host "${1}") }}
  {{- else if eq (len $parts) 2 }}
  {{- /* `a.b` may be service b's pod a in this namespace, or service a in namespace b: the port is open to both. */}}
  {{- $namespaces = append $namespaces (last $parts) | uniq }}
  {{- end }}
  {{- range $namespaces }}
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
