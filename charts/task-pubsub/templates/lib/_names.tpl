{{/* The names and labels that every object shares. */}}

{{- define "task-pubsub.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- /* An alias of a parent chart has a brother, and a name that may be part of the release's. */ -}}
{{- else if and (contains .Chart.Name .Release.Name) (or (eq .Chart.Name "task-pubsub") (not .Values.namePrefix)) -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/*
Before the names of what is not named after the release: services, Components. Empty: the tutorial's names. A part of a DNS name has no dots,
which a release's name may have.
*/}}
{{- define "task-pubsub.prefix" -}}
{{- .Values.namePrefix | replace "{release}" (replace "." "-" .Release.Name) -}}
{{- end -}}

{{- define "task-pubsub.stateStoreName" -}}
{{- $store := .Values.stateStore -}}
{{- ternary $store.name (print (include "task-pubsub.prefix" .) $store.name) (eq $store.type "existing") -}}
{{- end -}}

{{/* `<fullname>-<suffix>`, of two long names never the same (root, suffix, limit: 63 characters unless it is given). */}}
{{- define "task-pubsub.objectName" -}}
{{- $name := include "task-pubsub.fullname" .root -}}
{{- $room := sub (.limit | default 63) (add1 (len .suffix)) | int -}}
{{- if gt (len $name) $room -}}{{- $name = printf "%s-%s" (trunc (sub $room 9 | int) $name | trimSuffix "-") (sha256sum $name | trunc 8) -}}{{- end -}}
{{ $name }}-{{ .suffix }}
{{- end -}}

{{/* Labels of everything this release owns. */}}
{{- define "task-pubsub.labels" -}}
{{- $own := dict
      "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
      "app.kubernetes.io/instance" .Release.Name
      "app.kubernetes.io/part-of" .Chart.Name
      "app.kubernetes.io/version" .Chart.AppVersion
      "app.kubernetes.io/managed-by" .Release.Service -}}
{{- merge $own (deepCopy .Values.commonLabels) ((.Values.global | default dict).commonLabels | default dict) | toYaml -}}
{{- end -}}

{{/* What selects the pods of one service; never changes, because a Deployment's selector cannot. */}}
{{- define "task-pubsub.selectorLabels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{/*
Labels of the objects of one service. `app` is the short one for `kubectl logs -l app=...`. Here and below the chart's own win:
a label that selects something may not say anything else.
*/}}
{{- define "task-pubsub.serviceLabels" -}}
{{- $own := dict "app" .name "app.kubernetes.io/name" .name "app.kubernetes.io/component" .service.role -}}
{{- merge $own (include "task-pubsub.labels" .root | fromYaml) | toYaml -}}
{{- end -}}

{{/*
Annotations: the wave in which Argo CD applies the object, and the user's own.
Within one wave Argo CD, like Helm, applies custom resources after Deployments, so the wave is what makes the order.
*/}}
{{- define "task-pubsub.annotations" -}}
{{- merge (dict "argocd.argoproj.io/sync-wave" .wave) (deepCopy .root.Values.commonAnnotations) | toYaml -}}
{{- end -}}
