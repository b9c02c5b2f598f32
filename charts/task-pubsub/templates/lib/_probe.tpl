{{/*
The probe: a pod that runs once beside a sidecar of its own. The same pod for the Jobs of a deployment and for `helm test`; what
differs is what it is asked to prove.
*/}}

{{/* The probe as an entry of `services` would be: `include ... | fromYaml` gives the map. */}}
{{- define "task-pubsub.probe" -}}
{{- $own := dict "role" "probe" "expose" false "effectJournal" "" "env" dict "extraEnv" list -}}
{{- mergeOverwrite (deepCopy .Values.serviceDefaults) (deepCopy (omit .Values.probe "name")) $own | toYaml -}}
{{- end -}}

{{/* Everything that has a sidecar. */}}
{{- define "task-pubsub.workloads" -}}
{{- $probe := set (include "task-pubsub.probe" . | fromYaml) "enabled" true -}}
{{- set (include "task-pubsub.services" . | fromYaml) .Values.probe.name $probe | toYaml -}}
{{- end -}}

{{/* Who must receive: `topic=consumer`, and `topic=` for one to which somebody publishes. With `topic`: only of that entry. */}}
{{- define "task-pubsub.expected" -}}
{{- $pairs := list -}}
{{- range $name, $service := include "task-pubsub.services" .root | fromYaml -}}
{{- if and $service.enabled (or (not $.topic) (eq $service.topic $.topic)) -}}
{{- $topic := include "task-pubsub.topic" (dict "root" $.root "key" $service.topic) -}}
{{- $heard := and (eq $service.role "subscriber") $service.inbox -}}
{{- $pairs = append $pairs (printf "%s=%s" $topic (ternary $name "" $heard)) -}}
{{- end -}}
{{- end -}}
{{- $pairs | uniq | sortAlpha | join "," -}}
{{- end -}}

{{/* The publisher that smoke talks to; empty when it cannot be talked to. */}}
{{- define "task-pubsub.smokeTarget" -}}
{{- $service := get (include "task-pubsub.services" . | fromYaml) .Values.smoke.service | default dict -}}
{{- if and $service.enabled $service.expose (eq $service.role "publisher") -}}
{{- $service | toYaml -}}
{{- end -}}
{{- end -}}

{{- define "task-pubsub.probeEnv" -}}
{{- $values := .root.Values -}}
{{- $env := include "task-pubsub.commonEnv" (dict "root" .root "name" $values.probe.name) | fromYaml -}}
{{- $env = merge $env (dict
      "APP_ID" $values.probe.name
      "PROBE_DEADLINE" .deadline
      "STATE_STORE" (ternary "" $values.stateStore.name (eq $values.stateStore.type "none"))) -}}
{{- if eq .check "smoke" -}}
{{- $topic := get (include "task-pubsub.smokeTarget" .root | fromYaml) "topic" -}}
{{- $env = merge $env (dict
      "API_URL" (printf "http://%s" $values.smoke.service)
      "API_APP_ID" $values.smoke.service
      "SUBSCRIBERS" (include "task-pubsub.expected" (dict "root" .root "topic" $topic))) -}}
{{- else -}}
{{- $active := include "task-pubsub.componentName" (dict "root" .root "entry" $values.broker.active) -}}
{{- $env = merge $env (dict
      "PUBSUB_NAME" (.pubsub | default $active)
      "SUBSCRIBERS" (include "task-pubsub.expected" (dict "root" .root "topic" ""))) -}}
{{- end -}}
{{- if ne $values.shutdown.sidecar "native" -}}
{{- /* An ordinary sidecar would keep the pod, and the Job, alive for ever. */}}
{{- $env = set $env "END_SIDECAR" "true" -}}
{{- end -}}
{{- include "task-pubsub.envList" $env }}
{{- with $values.tokens.daprApiTokenSecret }}
{{- include "task-pubsub.tokenEnv" (dict "name" "DAPR_API_TOKEN" "secret" .) }}
{{- end }}
{{- end -}}

{{- define "task-pubsub.probeMetadata" -}}
{{- $probe := include "task-pubsub.probe" .root | fromYaml -}}
{{- $in := dict "root" .root "name" .root.Values.probe.name "service" $probe -}}
labels:
  {{- include "task-pubsub.podLabels" $in | nindent 2 }}
annotations:
  {{- include "task-pubsub.daprAnnotations" $in | nindent 2 }}
  {{- with $probe.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* root, check, deadline; pubsub, where it is not the active one. */}}
{{- define "task-pubsub.probeSpec" -}}
{{- $probe := include "task-pubsub.probe" .root | fromYaml -}}
{{- $in := dict "root" .root "name" .root.Values.probe.name "service" $probe -}}
restartPolicy: Never
terminationGracePeriodSeconds: {{ add (include "task-pubsub.seconds" .root.Values.shutdown.sidecarGrace | int64) 5 }}
{{ include "task-pubsub.podIdentity" $in }}
containers:
  - name: {{ $in.name }}
    image: {{ include "task-pubsub.image" $in }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: [{{ .check }}]
    env:
      {{- include "task-pubsub.probeEnv" . | trim | nindent 6 }}
    resources:
      {{- toYaml $probe.resources | nindent 6 }}
    securityContext:
      {{- include "task-pubsub.containerSecurity" .root | nindent 6 }}
    # Why it failed stands in the pod's status too, where `kubectl describe` and Argo CD show it.
    terminationMessagePolicy: FallbackToLogsOnError
    {{- with include "task-pubsub.volumeMounts" $probe | trim }}
    volumeMounts:
      {{- . | nindent 6 }}
    {{- end }}
{{- include "task-pubsub.podPlacement" $in }}
{{- end -}}

{{/*
A pod's whole life: two minutes to be scheduled, pulled and injected, the check, and the sidecar's end. Times the attempts: the
limit of a Job is for all of them together.
*/}}
{{- define "task-pubsub.probeSeconds" -}}
{{- $once := add 120 (include "task-pubsub.seconds" .job.deadline | int64) (include "task-pubsub.seconds" .root.Values.shutdown.sidecarGrace | int64) -}}
{{- mul $once (add1 (.job.backoffLimit | default 0 | int64)) -}}
{{- end -}}

{{/* root, check, job (its values), hook (Argo CD's phase), wave. */}}
{{- define "task-pubsub.probeJob" -}}
{{- $in := dict "root" .root "name" .root.Values.probe.name "service" (dict "role" "probe") -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "task-pubsub.fullname" .root | trunc 52 | trimSuffix "-" }}-{{ .check }}
  labels:
    {{- include "task-pubsub.serviceLabels" $in | nindent 4 }}
  annotations:
    {{- $common := include "task-pubsub.annotations" (dict "root" .root "wave" .wave) | fromYaml }}
    {{- /* A Job cannot be changed, so each run replaces the one before. Of two kinds of hooks Argo CD reads its own. */}}
    {{- merge (dict
          "argocd.argoproj.io/hook" .hook
          "argocd.argoproj.io/hook-delete-policy" "BeforeHookCreation"
          "helm.sh/hook" "post-install,post-upgrade"
          "helm.sh/hook-weight" .weight
          "helm.sh/hook-delete-policy" "before-hook-creation") $common | toYaml | nindent 4 }}
spec:
  backoffLimit: {{ .job.backoffLimit }}
  activeDeadlineSeconds: {{ include "task-pubsub.probeSeconds" . }}
  ttlSecondsAfterFinished: {{ include "task-pubsub.seconds" .job.keep }}
  podFailurePolicy:
    rules:
      # A drained node is no answer: it does not count as an attempt.
      - action: Ignore
        onPodConditions:
          - type: DisruptionTarget
            status: "True"
  template:
    metadata:
      {{- include "task-pubsub.probeMetadata" . | nindent 6 }}
    spec:
      {{- include "task-pubsub.probeSpec" (dict "root" .root "check" .check "deadline" .job.deadline) | nindent 6 }}
{{- end -}}

{{/* root, check, test (the name), deadline, weight; pubsub. */}}
{{- define "task-pubsub.probeTest" -}}
{{- $metadata := include "task-pubsub.probeMetadata" . | fromYaml -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "task-pubsub.fullname" .root | trunc 48 | trimSuffix "-" }}-test-{{ .test }}
  labels:
    {{- toYaml $metadata.labels | nindent 4 }}
  annotations:
    {{- merge (dict
          "helm.sh/hook" "test"
          "helm.sh/hook-weight" .weight
          "helm.sh/hook-delete-policy" "before-hook-creation") $metadata.annotations | toYaml | nindent 4 }}
spec:
  activeDeadlineSeconds: {{ include "task-pubsub.probeSeconds" (dict "root" .root "job" (dict "deadline" .deadline)) }}
  {{- include "task-pubsub.probeSpec" . | nindent 2 }}
{{- end -}}
