{{/*
The pod of one service, and of the probe: metadata and spec, with the sidecar's annotations and the environment.
Arguments: root; name; service (its values). For the probe also check (what it has to prove), hook (the same, where it is a hook
of a deployment), deadline, and pubsub where the component is not the active one.
*/}}
{{- define "task-pubsub.pod" -}}
{{- $values := .root.Values -}}
{{- $service := .service -}}
{{- $isProbe := eq $service.role "probe" -}}
{{- $global := $values.global | default dict -}}
{{- $labels := merge
      (dict "app" .name "app.kubernetes.io/component" $service.role "app.kubernetes.io/part-of" .root.Chart.Name)
      (include "task-pubsub.selectorLabels" . | fromYaml)
      (deepCopy $service.podLabels) (deepCopy $values.commonLabels) (deepCopy ($global.commonLabels | default dict)) -}}
{{- $grace := include "task-pubsub.seconds" $values.shutdown.sidecarGrace | int64 -}}
metadata:
  labels:
    {{- /* Without versions, so that a new chart does not by itself roll the pods. */}}
    {{- toYaml $labels | nindent 4 }}
  annotations:
    {{- include "task-pubsub.sidecarAnnotations" . | nindent 4 }}
    {{- with $service.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if $isProbe }}
  restartPolicy: Never
  terminationGracePeriodSeconds: {{ add $grace 5 }}
  {{- else }}
  {{- /*
  native: the app ends first, then the sidecar gets its own SIGTERM and its grace. block: both get SIGTERM at once; the sidecar drains
  its subscriptions (30 s at most, fixed in daprd), then blocks, then closes within its grace. 5 s on top for the telemetry flush and
  the kubelet.
  */}}
  {{- $native := include "task-pubsub.appStopSeconds" . | int64 }}
  {{- $block := add1 $native | add 30 }}
  terminationGracePeriodSeconds: {{ add (ternary $native $block (eq $values.shutdown.sidecar "native")) $grace 5 }}
  {{- end }}
  {{- with $service.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ $service.serviceAccountName | default .name }}
  # The sidecar brings its own projected token; nothing here talks to the Kubernetes API.
  automountServiceAccountToken: {{ $service.serviceAccount.automountToken }}
  {{- with $service.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  enableServiceLinks: false
  {{- with $service.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- $image := mergeOverwrite (deepCopy $values.image) (deepCopy ($service.image | default dict)) }}
  {{- with $image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "task-pubsub.containers" (dict "service" $service "containers" $service.initContainers) }}
  initContainers:
    {{- . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ $service.key }}
      image: {{ include "task-pubsub.image" (dict "root" .root "name" $service.key "image" $service.image) }}
      imagePullPolicy: {{ $image.pullPolicy }}
      {{- with $service.command }}
      command:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with ternary (list .check) $service.args $isProbe }}
      args:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if not $isProbe }}
      ports:
        - name: http
          containerPort: {{ $service.port }}
        {{- if $service.inbox }}
        - name: admin
          containerPort: {{ $values.adminPort }}
        {{- end }}
      {{- end }}
      env:
        {{- include "task-pubsub.env" . | trim | nindent 8 }}
      {{- with $service.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- range $kind, $probe := include "task-pubsub.probes" . | fromYaml }}
      {{ $kind }}Probe:
        {{- toYaml $probe | nindent 8 }}
      {{- end }}
      {{- with $service.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml $service.resources | nindent 8 }}
      {{- with $service.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if $isProbe }}
      # Why it failed stands in the pod's status too, where `kubectl describe` and Argo CD show it.
      terminationMessagePolicy: FallbackToLogsOnError
      {{- end }}
      {{- if or $service.effectJournal $service.extraVolumeMounts }}
      volumeMounts:
        {{- with $service.effectJournal }}
        - name: effect-journal
          mountPath: {{ dir . }}
        {{- end }}
        {{- with $service.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
    {{- with include "task-pubsub.containers" (dict "service" $service "containers" $service.extraContainers) }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- if and $service.topologySpreadConstraints (not $isProbe) }}
  topologySpreadConstraints:
    {{- /* Counted are the service's own pods, and of those only the ones of the same rollout: the old ones are about to go. */}}
    {{- $own := dict
          "labelSelector" (dict "matchLabels" (include "task-pubsub.selectorLabels" . | fromYaml))
          "matchLabelKeys" (list "pod-template-hash") }}
    {{- range $service.topologySpreadConstraints }}
    - {{ ternary . (merge (deepCopy .) $own) (hasKey . "labelSelector") | toYaml | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  {{- if or $service.effectJournal $service.extraVolumes }}
  volumes:
    {{- if $service.effectJournal }}
    {{- /* The journal lives as long as its pod. */}}
    - name: effect-journal
      emptyDir:
        sizeLimit: 64Mi
    {{- end }}
    {{- with $service.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- with $service.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $service.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $service.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The full name of one image (root, name, image: its own values). A digest wins over a tag, the global registry over the chart's. */}}
{{- define "task-pubsub.image" -}}
{{- $values := .root.Values -}}
{{- $image := mergeOverwrite (deepCopy $values.image) (deepCopy (.image | default dict)) -}}
{{- $registry := ($values.global | default dict).imageRegistry | default $image.registry -}}
{{- $repository := $image.repository | default .name -}}
{{- $path := ternary (printf "%s/%s" $registry $repository) $repository (ne $registry "") -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $path $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $path ($image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* By name, what the kubelet asks: the service's own way, else that of the library's services. */}}
{{- define "task-pubsub.probes" -}}
{{- $probes := dict -}}
{{- if and .service.inbox (ne .service.role "probe") -}}
{{- /* Ready means: its own sidecar answers and lists the components this service needs. */ -}}
{{- $probes = dict
      "startup" (dict "httpGet" (dict "path" "/startupz" "port" "admin") "periodSeconds" 1 "failureThreshold" 60)
      "liveness" (dict "httpGet" (dict "path" "/livez" "port" "admin") "periodSeconds" 10 "timeoutSeconds" 3)
      "readiness" (dict "httpGet" (dict "path" "/readyz" "port" "admin") "periodSeconds" 2 "timeoutSeconds" 2 "failureThreshold" 2) -}}
{{- end -}}
{{- range $name, $probe := .service.probes -}}
{{- if $probe -}}{{- $_ := set $probes $name $probe -}}{{- else -}}{{- $_ := unset $probes $name -}}{{- end -}}
{{- end -}}
{{- toYaml $probes -}}
{{- end -}}

{{/* Containers of the user's own, as safe as the app (service, containers). */}}
{{- define "task-pubsub.containers" -}}
{{- $context := .service.securityContext -}}
{{- $containers := list -}}
{{- range .containers -}}
{{- $safe := ternary . (merge (dict "securityContext" $context) .) (or (hasKey . "securityContext") (empty $context)) -}}
{{- $containers = append $containers $safe -}}
{{- end -}}
{{- with $containers -}}{{- toYaml . -}}{{- end -}}
{{- end -}}
