{{/*
What the schema cannot see: values that contradict each other. Every problem is a line that names the value and says what
would happen; all of them are reported at once. Every template begins with it, so that each can be rendered alone; once is
enough, so the first one leaves a mark in `.Values`, which the templates of one chart share (a render takes a third of the time).
*/}}
{{- define "task-pubsub.validate" -}}
{{- if not (hasKey .Values "validated") -}}
{{- include "task-pubsub.integers" .Values -}}
{{- include "task-pubsub.graph" . -}}
{{- $problems := list
      (include "task-pubsub.problems.brokers" .)
      (include "task-pubsub.problems.stateStore" .)
      (include "task-pubsub.problems.timing" .)
      (include "task-pubsub.problems.delivery" .)
      (include "task-pubsub.problems.services" .)
      (include "task-pubsub.problems.objects" .)
      (include "task-pubsub.problems.scaling" .)
      (include "task-pubsub.problems.network" .)
      (include "task-pubsub.problems.probe" .)
      (include "task-pubsub.problems.cluster" .) -}}
{{- $lines := list -}}
{{- range $problems -}}{{- $lines = append $lines (trim .) -}}{{- end -}}
{{- with compact $lines -}}
{{- /* A service's sentences name it as its values do. */ -}}
{{- fail (printf "these values cannot be installed:\n%s\n" (join "\n" . | replace (printf "services.%s" (include "task-pubsub.prefix" $)) "services.")) -}}
{{- end -}}
{{- include "task-pubsub.subscriptions" . -}}
{{- $_ := set .Values "validated" true -}}
{{- end -}}
{{- end -}}

{{/* Makes whole numbers of a file, which Helm reads as floating point, integers: 4194304 would be printed as 4.194304e+06, which no program reads. */}}
{{- define "task-pubsub.integers" -}}
{{- range $key, $value := . -}}
{{- if kindIs "map" $value -}}
{{- include "task-pubsub.integers" $value -}}
{{- else if kindIs "slice" $value -}}
{{- $items := list -}}
{{- range $value -}}
{{- $item := dict "it" . -}}
{{- include "task-pubsub.integers" $item -}}
{{- $items = append $items $item.it -}}
{{- end -}}
{{- $_ := set $ $key $items -}}
{{- else if kindIs "float64" $value -}}
{{- if and (eq $value (floor $value)) (lt $value 9e15) -}}{{- $_ := set $ $key (int64 $value) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
