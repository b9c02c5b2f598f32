{{/*
Where KEDA reads a backlog. Each trigger is made of what the Component itself is told, so that the two cannot disagree about
a queue, a group or an address. Names of KEDA's fields: kedacore/keda 2.20.1, pkg/scalers.
*/}}

{{/* What a Component is told. Dapr reads names in any case, so they are lower case here; secrets stand apart. */}}
{{- define "task-pubsub.told" -}}
{{- $plain := dict -}}
{{- $secret := dict -}}
{{- range include "task-pubsub.ofBroker" (dict "root" .root "entry" .entry "part" "metadata") | fromYamlArray -}}
{{- if .secretKeyRef -}}{{- $_ := set $secret (lower .name) .secretKeyRef -}}
{{- else -}}{{- $_ := set $plain (lower .name) (toString .value) -}}
{{- end -}}
{{- end -}}
{{- dict "plain" $plain "secret" $secret | toYaml -}}
{{- end -}}

{{/*
What the chart knows of one trigger: `type` and `metadata` as KEDA has them; `parameters`, which secret of the Component is
which parameter of KEDA's login; `podIdentity` for clouds; `requires`, what only the user can say; `cannotLogIn`, why not.
*/}}
{{- define "task-pubsub.computedTrigger" -}}
{{- $type := (include "task-pubsub.brokerType" (get .root.Values.brokers .entry) | fromYaml).name -}}
{{- if ne $type "generic" -}}
{{- $told := include "task-pubsub.told" . | fromYaml -}}
{{- $topic := include "task-pubsub.topic" (dict "root" .root "key" .service.topic) -}}
{{- include (printf "task-pubsub.%s.trigger" $type) (dict
      "plain" $told.plain "secret" $told.secret "topic" $topic "backlog" .service.autoscaling.backlog
      "consumer" ($told.plain.consumerid | default .name)) -}}
{{- end -}}
{{- end -}}

{{/* The same with the user's `keda.triggers` laid over it. */}}
{{- define "task-pubsub.mergedTrigger" -}}
{{- $own := deepCopy (get .root.Values.keda.triggers .entry | default dict) -}}
{{- mergeOverwrite (include "task-pubsub.computedTrigger" . | fromYaml | default dict) $own | toYaml -}}
{{- end -}}

{{- define "task-pubsub.trigger" -}}
{{- $trigger := include "task-pubsub.mergedTrigger" . | fromYaml -}}
- type: {{ $trigger.type }}
  name: {{ .entry }}
  metadata:
    {{- range $key := keys $trigger.metadata | sortAlpha }}
    {{- $value := get $trigger.metadata $key | toString }}
    {{- if $value }}
    {{ $key }}: {{ $value | replace "{appID}" $.name | replace "{namespace}" $.root.Release.Namespace | quote }}
    {{- end }}
    {{- end }}
  {{- if $trigger.authenticationRef }}
  authenticationRef:
    {{- toYaml $trigger.authenticationRef | nindent 4 }}
  {{- else if include "task-pubsub.triggerLogin" . }}
  authenticationRef:
    name: {{ include "task-pubsub.triggerLoginName" . }}
  {{- end }}
{{- end -}}

{{- define "task-pubsub.triggerLoginName" -}}
{{- printf "%s-%s" (include "task-pubsub.fullname" .root | trunc 40 | trimSuffix "-") .entry -}}
{{- end -}}

{{/* The spec of an entry's TriggerAuthentication; nothing where KEDA needs none, or the user has one. */}}
{{- define "task-pubsub.triggerLogin" -}}
{{- $trigger := include "task-pubsub.mergedTrigger" . | fromYaml -}}
{{- if not $trigger.authenticationRef -}}
{{- $secrets := (include "task-pubsub.told" . | fromYaml).secret -}}
{{- $targets := list -}}
{{- range $field := keys ($trigger.parameters | default dict) | sortAlpha -}}
{{- with get $secrets $field -}}
{{- $targets = append $targets (dict "parameter" (get $trigger.parameters $field) "name" .name "key" .key) -}}
{{- end -}}
{{- end -}}
{{- if $targets -}}
{{- dict "secretTargetRef" $targets | toYaml -}}
{{- else if $trigger.podIdentity -}}
{{- dict "podIdentity" (merge (dict "provider" $trigger.podIdentity) (deepCopy .root.Values.keda.podIdentity)) | toYaml -}}
{{- end -}}
{{- end -}}
{{- end -}}
