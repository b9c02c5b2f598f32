{{/*
The pod of `task-gate`, and what it is told. It has no sidecar: it asks the brokers themselves. Secrets are mounted, not read from the
API, and are optional: one that is missing is a sentence of the program's and not a pod that never starts.
*/}}

{{/* What this render has of Components and Subscriptions: what is in use, and what a Secret must be there for. */}}
{{- define "task-pubsub.plan" -}}
{{- $components := list -}}
{{- $subscriptions := list -}}
{{- range $entry := include "task-pubsub.brokersInUse" . | fromYamlArray -}}
{{- $components = append $components (include "task-pubsub.plannedComponent" (dict
      "name" (include "task-pubsub.componentName" (dict "root" $ "entry" $entry))
      "entry" $entry
      "type" (printf "pubsub.%s" (get $.Values.brokers $entry).type)
      "auth" ((get $.Values.brokers $entry).component | default dict).auth
      "metadata" (include "task-pubsub.broker" (dict "root" $ "entry" $entry "part" "metadata"))) | fromYaml) -}}
{{- end -}}
{{- if has .Values.stateStore.type (list "redis" "postgresql") -}}
{{- $components = append $components (include "task-pubsub.plannedComponent" (dict
      "name" (include "task-pubsub.stateStoreName" .)
      "auth" (.Values.stateStore.component | default dict).auth
      "type" (printf "state.%s" .Values.stateStore.type)
      "metadata" (include "task-pubsub.stateStoreMetadata" .)) | fromYaml) -}}
{{- end -}}
{{- $tokens := include "task-pubsub.tokenItems" . -}}
{{- if $tokens -}}
{{- $components = append $components (include "task-pubsub.plannedComponent" (dict "name" "tokens" "type" "tokens" "metadata" $tokens) | fromYaml) -}}
{{- end -}}
{{- range .Values.graph.subscriptions -}}
{{- $subscriptions = append $subscriptions (merge (dict "kind" "Subscription" "metadata" (dict "name" .name)) .object) -}}
{{- end -}}
{{- dict "components" $components "subscriptions" $subscriptions | toJson -}}
{{- end -}}

{{- define "task-pubsub.plannedComponent" -}}
{{- $spec := dict "type" .type "metadata" (.metadata | fromYamlArray) -}}
{{- $metadata := dict "name" .name "labels" (ternary (dict "task-pubsub/broker" .entry) dict (hasKey . "entry")) -}}
{{- $component := dict "kind" "Component" "metadata" $metadata "spec" $spec -}}
{{- /* Another store's Secrets are not Kubernetes'. */ -}}
{{- with .auth -}}{{- $_ := set $component "auth" . -}}{{- end -}}
{{- toYaml $component -}}
{{- end -}}

{{- define "task-pubsub.tokenItems" -}}
{{- range $value := list "daprApiTokenSecret" "appTokenSecret" "appTokenOtherSecret" -}}
{{- with get $.Values.tokens $value }}
- name: {{ $value }}
  secretKeyRef: {name: {{ . | quote }}, key: token}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Every Secret that an entry of `brokers`, in use or not, the state store or a token names: a broker that is dropped is asked, too. */}}
{{- define "task-pubsub.secretNames" -}}
{{- $items := concat (include "task-pubsub.stateStoreMetadata" . | fromYamlArray) (include "task-pubsub.tokenItems" . | fromYamlArray) -}}
{{- range $entry, $broker := .Values.brokers -}}
{{- if $broker -}}
{{- $items = concat $items (include "task-pubsub.broker" (dict "root" $ "entry" $entry "part" "metadata") | fromYamlArray) -}}
{{- end -}}
{{- end -}}
{{- $names := list -}}
{{- range $items -}}
{{- with .secretKeyRef -}}{{- $names = append $names .name -}}{{- end -}}
{{- end -}}
{{- $names | uniq | sortAlpha | toYaml -}}
{{- end -}}

{{/* The name of a CronJob, which leaves room for what Kubernetes puts behind it (root, job). */}}
{{- define "task-pubsub.cronJobName" -}}
{{- include "task-pubsub.objectName" (dict "root" .root "suffix" .job "limit" 52) -}}
{{- end -}}

{{/* Arguments: root; args; env (name to value); account, where it may ask the Kubernetes API. */}}
{{- define "task-pubsub.gatePod" -}}
{{- $values := .root.Values -}}
{{- $folder := "/var/run/secrets/task-gate" -}}
{{- $secrets := include "task-pubsub.secretNames" .root | fromYamlArray -}}
{{- $env := merge (dict
      "GATE_PLAN" (include "task-pubsub.plan" .root)
      "GATE_NAMESPACE" .root.Release.Namespace
      "GATE_PART_OF" .root.Chart.Name
      "GATE_APPS" (keys $values.graph.workloads | sortAlpha | join ",")
      "GATE_SECRETS" $folder
      "GATE_STABLE" $values.guard.stable) .env -}}
{{- $commands := list -}}
{{- $managements := list -}}
{{- range $entry, $broker := $values.guard.brokers -}}
{{- $component := include "task-pubsub.componentName" (dict "root" $.root "entry" $entry) -}}
{{- with $broker.command -}}{{- $commands = append $commands (printf "%s=%s" $component .) -}}{{- end -}}
{{- with $broker.managementUrl -}}{{- $managements = append $managements (printf "%s=%s" $component .) -}}{{- end -}}
{{- end -}}
{{- with $commands -}}{{- $env = set $env "GATE_COMMAND" (join "\n" .) -}}{{- end -}}
{{- with $managements -}}{{- $env = set $env "GATE_RABBITMQ_MANAGEMENT" (join "," .) -}}{{- end -}}
metadata:
  labels:
    {{- merge (dict "app" "task-gate" "app.kubernetes.io/component" "gate" "app.kubernetes.io/part-of" .root.Chart.Name)
          (include "task-pubsub.selectorLabels" (dict "root" .root "name" "task-gate") | fromYaml)
          (deepCopy $values.commonLabels) | toYaml | nindent 4 }}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 5
  serviceAccountName: {{ .account | default "default" }}
  automountServiceAccountToken: {{ ne (.account | default "") "" }}
  enableServiceLinks: false
  {{- with $values.serviceDefaults.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: task-gate
      image: {{ include "task-pubsub.image" (dict "root" .root "name" "task-gate" "image" $values.guard.image) }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
        {{- toYaml .args | nindent 8 }}
      env:
        {{- range $name := keys $env | sortAlpha }}
        - name: {{ $name }}
          {{- /* The kubelet would take `$(...)` for a variable. */}}
          value: {{ get $env $name | toString | replace "$(" "$$(" | quote }}
        {{- end }}
      resources:
        {{- toYaml $values.guard.resources | nindent 8 }}
      {{- with $values.serviceDefaults.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      # Why it failed stands in the pod's status too, where `kubectl describe` and Argo CD show it.
      terminationMessagePolicy: FallbackToLogsOnError
      {{- if $secrets }}
      volumeMounts:
        {{- range $index, $secret := $secrets }}
        - name: secret-{{ $index }}
          mountPath: {{ $folder }}/{{ $secret }}
          readOnly: true
        {{- end }}
      {{- end }}
  {{- if $secrets }}
  volumes:
    {{- range $index, $secret := $secrets }}
    - name: secret-{{ $index }}
      secret:
        secretName: {{ $secret | quote }}
        optional: true
    {{- end }}
  {{- end }}
  {{- with $values.serviceDefaults.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.serviceDefaults.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
