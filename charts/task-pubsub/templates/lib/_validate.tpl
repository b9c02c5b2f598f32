{{- define "task-pubsub.validate" -}}{{- end -}}
