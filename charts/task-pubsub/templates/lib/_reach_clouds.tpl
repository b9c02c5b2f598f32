{{/* The same for brokers that a cloud runs. Without keys in a Secret, KEDA asks with an identity of its own. */}}

{{/* All topics of a subscriber share one queue, named after it. */}}
{{- define "task-pubsub.aws.snssqs.trigger" -}}
{{- $aws := .plain -}}
type: aws-sqs-queue
metadata:
  queueURL: {{ printf "%s%s" .consumer (ternary ".fifo" "" (eq ($aws.fifo | default "false") "true")) | quote }}
  awsRegion: {{ $aws.region | default "" | quote }}
  awsEndpoint: {{ $aws.endpoint | default "" | quote }}
  queueLength: {{ .backlog | quote }}
requires: [awsRegion]
parameters:
  accesskey: awsAccessKeyID
  secretkey: awsSecretAccessKey
  sessiontoken: awsSessionToken
podIdentity: aws
{{- end -}}
{{- define "task-pubsub.aws.snssqs.endpoints" -}}
{addresses: {{ .endpoint | default "sns.amazonaws.com,sqs.amazonaws.com" | quote }}, port: 443}
{{- end -}}

{{- define "task-pubsub.gcp.pubsub.trigger" -}}
{{- $subscription := printf "%s-%s" .consumer .topic -}}
type: gcp-pubsub
metadata:
  subscriptionName: {{ with .plain.projectid }}{{ printf "projects/%s/subscriptions/%s" . $subscription | quote }}{{ else }}{{ $subscription | quote }}{{ end }}
  mode: SubscriptionSize
  value: {{ .backlog | quote }}
podIdentity: gcp
{{- if .secret.privatekey }}
cannotLogIn: it takes the file of a key whole, and a Component takes its fields one by one
{{- end }}
{{- end -}}
{{- define "task-pubsub.gcp.pubsub.endpoints" -}}
{addresses: {{ .endpoint | default "pubsub.googleapis.com" | quote }}, port: 443}
{{- end -}}

{{- define "task-pubsub.azure.servicebus.topics.trigger" -}}
type: azure-servicebus
metadata:
  topicName: {{ .topic | quote }}
  subscriptionName: {{ .consumer | quote }}
  namespace: {{ .plain.namespacename | default "" | splitList "." | first | quote }}
  messageCount: {{ .backlog | quote }}
parameters:
  connectionstring: connection
podIdentity: azure-workload
{{- if .secret.azureclientsecret }}
cannotLogIn: it takes no client secret
{{- end }}
{{- end -}}
{{- define "task-pubsub.azure.servicebus.topics.endpoints" -}}
# Events go over AMQP, the upkeep of topics over HTTPS.
{addresses: "servicebus.windows.net:5671,servicebus.windows.net:443"}
{{- end -}}
