{{/* The parts of a service's pod. */}}

{{/* What the injector reads. Every number of the shutdown comes from the same sums as the pod's grace period. */}}
{{- define "task-pubsub.daprAnnotations" -}}
{{- $values := .root.Values -}}
{{- $sidecar := .service.sidecar -}}
dapr.io/enabled: "true"
dapr.io/app-id: {{ .name | quote }}
{{- if ne .service.role "probe" }}
dapr.io/app-port: {{ .service.port | quote }}
dapr.io/app-protocol: {{ include "task-pubsub.protocol" . }}
{{- end }}
dapr.io/config: {{ include "task-pubsub.fullname" .root }}
dapr.io/log-as-json: {{ eq $values.log.format "json" | quote }}
# Needed, with sidecarDropALLCapabilities in Dapr's own chart, where the namespace enforces restricted pod security.
dapr.io/sidecar-seccomp-profile-type: RuntimeDefault
# Component secrets are resolved by Dapr's operator; the built-in store would need the pod's service-account token.
dapr.io/disable-builtin-k8s-secret-store: "true"
{{- with $sidecar.resources.requests.cpu }}
dapr.io/sidecar-cpu-request: {{ . | quote }}
{{- end }}
{{- with $sidecar.resources.requests.memory }}
dapr.io/sidecar-memory-request: {{ . | quote }}
{{- end }}
{{- with $sidecar.resources.limits.cpu }}
dapr.io/sidecar-cpu-limit: {{ . | quote }}
{{- end }}
dapr.io/sidecar-memory-limit: {{ $sidecar.resources.limits.memory | default (printf "%sMi" (include "task-pubsub.sidecarMemoryMi" .)) | quote }}
dapr.io/graceful-shutdown-seconds: {{ include "task-pubsub.seconds" $values.shutdown.sidecarGrace | quote }}
{{- if eq $values.shutdown.sidecar "native" }}
# The sidecar starts before the app and stops after it: the app can publish and acknowledge to its last moment.
dapr.io/enable-native-sidecar: "true"
{{- else }}
dapr.io/enable-native-sidecar: "false"
{{- if ne .service.role "probe" }}
# Both get SIGTERM at once: the sidecar keeps its API open for as long as the app may need.
dapr.io/block-shutdown-duration: {{ include "task-pubsub.blockSeconds" .root | printf "%ss" | quote }}
{{- end }}
{{- end }}
{{- if eq .service.role "subscriber" }}
{{- with .service.appHealth }}
{{- if .path }}
# While the path is red the sidecar has no subscriptions, and events wait in the broker.
dapr.io/enable-app-health-check: "true"
dapr.io/app-health-check-path: {{ .path | quote }}
dapr.io/app-health-probe-interval: {{ include "task-pubsub.seconds" .interval | quote }}
dapr.io/app-health-probe-timeout: {{ include "task-pubsub.ms" .timeout | quote }}
dapr.io/app-health-threshold: {{ .threshold | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- with include "task-pubsub.sidecarEnv" . }}
dapr.io/env: {{ . | quote }}
{{- end }}
{{- with $values.tokens.daprApiTokenSecret }}
dapr.io/api-token-secret: {{ . | quote }}
{{- end }}
{{- if and $values.tokens.appTokenSecret (ne .service.role "probe") }}
dapr.io/app-token-secret: {{ $values.tokens.appTokenSecret | quote }}
{{- end }}
{{- with $sidecar.annotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "task-pubsub.probes" -}}
startupProbe:
  httpGet: {path: /startupz, port: admin}
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: admin}
  periodSeconds: 10
  timeoutSeconds: 3
readinessProbe:
  # Ready means: its own sidecar answers and lists the components this service needs.
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
{{- end -}}

{{- define "task-pubsub.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "task-pubsub.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* What comes before the containers, in every pod. */}}
{{- define "task-pubsub.podIdentity" -}}
serviceAccountName: {{ .service.serviceAccountName | default .name }}
# The sidecar brings its own projected token; nothing here talks to the Kubernetes API.
automountServiceAccountToken: {{ .service.serviceAccount.automountToken }}
{{- with .service.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
enableServiceLinks: false
securityContext:
  {{- include "task-pubsub.podSecurity" .root | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* And what comes after them. */}}
{{- define "task-pubsub.podPlacement" -}}
{{- with include "task-pubsub.volumes" .service | trim }}
volumes:
  {{- . | nindent 2 }}
{{- end }}
{{- range $field := list "nodeSelector" "affinity" "tolerations" }}
{{- with get $.service $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The journal lives as long as its pod; everything else is the user's. */}}
{{- define "task-pubsub.volumes" -}}
{{- if .effectJournal }}
- name: effect-journal
  emptyDir:
    sizeLimit: 64Mi
{{- end }}
{{- with .extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
{{- define "task-pubsub.volumeMounts" -}}
{{- with .effectJournal }}
- name: effect-journal
  mountPath: {{ dir . }}
{{- end }}
{{- with .extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Counted are the service's own pods, and of those only the ones of the same rollout: the old ones are about to go. */}}
{{- define "task-pubsub.topologySpread" -}}
{{- $own := dict
      "labelSelector" (dict "matchLabels" (include "task-pubsub.selectorLabels" . | fromYaml))
      "matchLabelKeys" (list "pod-template-hash") -}}
{{- range .service.topologySpreadConstraints }}
- {{ ternary . (merge (deepCopy .) $own) (hasKey . "labelSelector") | toYaml | nindent 2 | trim }}
{{- end }}
{{- end -}}
