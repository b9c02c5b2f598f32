{{/* Services that could not start, and annotations in two places. */}}
{{- define "task-pubsub.problems.services" -}}
{{- $services := include "task-pubsub.services" . | fromYaml -}}
{{- range $name, $service := $services -}}
{{- if not (get $.Values.topics $service.topic) }}
- services.{{ $name }}.topic: `{{ $service.topic }}` is no entry of `topics` ({{ keys $.Values.topics | sortAlpha | join ", " }}); the service would have nothing to publish to or hear from.
{{- end -}}
{{- if eq (int $service.port) (int $.Values.adminPort) }}
- services.{{ $name }}.port: {{ $service.port }} is adminPort too; the second of the two servers could not start.
{{- end -}}
{{- if and $service.serviceAccountName $service.serviceAccount.annotations }}
- services.{{ $name }}.serviceAccount.annotations: would be on no account, because serviceAccountName `{{ $service.serviceAccountName }}` names one that the chart does not make; the cloud would know nobody. Annotate that one, or leave the name empty.
{{- end -}}
{{- $plain := deepCopy $service -}}
{{- $_ := set $plain.sidecar "annotations" dict -}}
{{- /* What appHealth would render counts, whether or not it does: an annotation would be a way around its checks. */}}
{{- $_ := set $plain.appHealth "path" "/" -}}
{{- $computed := include "task-pubsub.sidecarAnnotations" (dict "root" $ "name" $name "service" $plain) | fromYaml -}}
{{- range $key := keys (merge (dict) $service.sidecar.annotations $service.podAnnotations) | sortAlpha -}}
{{- if hasKey $computed $key }}
- services.{{ $name }}: the annotation {{ $key }} is computed by the chart; set the value it comes from, or two places would disagree.
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $index, $caller := .Values.invocation.allow -}}
{{- range $name, $service := $services -}}
{{- if and (eq $service.role "subscriber") (eq (lower $caller.path | trimSuffix "/") (lower $service.route)) }}
- invocation.allow[{{ $index }}].path: `{{ $caller.path }}` is the route of services.{{ $name }}; {{ $caller.appId }} could hand in events that no broker has seen. Publish them to the topic.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
