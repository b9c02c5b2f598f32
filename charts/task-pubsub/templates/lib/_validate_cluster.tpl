{{/*
What only the cluster can say. Helm asks it on install and upgrade; with `helm template`, and so under Argo CD, the answer is
empty and nothing is checked.
*/}}

{{/* Pods that publish through a component which this upgrade would take away from under them. */}}
{{- define "task-pubsub.problems.cluster" -}}
{{- $components := list -}}
{{- range $entry := include "task-pubsub.brokersInUse" . | fromYamlArray -}}
{{- $components = append $components (include "task-pubsub.componentName" (dict "root" $ "entry" $entry)) -}}
{{- end -}}
{{- $orphaned := list -}}
{{- range ternary list (lookup "v1" "Pod" .Release.Namespace "").items .Values.guard.force -}}
{{- $labels := .metadata.labels | default dict -}}
{{- if and (eq (get $labels "app.kubernetes.io/instance") $.Release.Name) (eq (get $labels "app.kubernetes.io/part-of") $.Chart.Name)
          (eq (get $labels "app.kubernetes.io/component") "publisher") -}}
{{- /* A pod that is not ready publishes nothing: after a failed change it may name a broker that never answered. */}}
{{- $ready := false -}}
{{- range .status.conditions -}}
{{- if and (eq .type "Ready") (eq .status "True") -}}{{- $ready = true -}}{{- end -}}
{{- end -}}
{{- range $container := ternary .spec.containers list $ready -}}
{{- range $container.env -}}
{{- if and (eq .name "PUBSUB_NAME") (not (has .value $components)) -}}{{- $orphaned = append $orphaned .value -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $service := .Values.graph.services -}}
{{- $owner := dig "metadata" "labels" "app.kubernetes.io/instance" "" (lookup "apps/v1" "Deployment" $.Release.Namespace $name | default dict) -}}
{{- if and $owner $service.enabled (ne $owner $.Release.Name) }}
- namePrefix: the Deployment `{{ $name }}` is the release `{{ $owner }}`'s already, and two releases in one namespace need names of their own; write `namePrefix: "{release}-"`.
{{- end -}}
{{- end -}}
{{- range $orphaned | uniq | sortAlpha }}
- broker.subscribe: publishers in the cluster still use the component `{{ . }}`, which would go at once, in the middle of their work; publishes would fail, and what nobody has read yet would be stranded. List its entry beside the new one, and take it out in an upgrade of its own when those pods have ended.
{{- end -}}
{{- end -}}
