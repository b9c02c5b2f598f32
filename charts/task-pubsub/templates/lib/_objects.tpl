{{/* Objects, and what users add to them. */}}

{{/*
One document: root, kind (`apps/v1 Deployment`), name, wave, body (YAML), and optionally `of` (name and service whose labels it has), further
labels and annotations, and `over`, which the user lays over it all.
*/}}
{{- define "task-pubsub.object" -}}
{{- $labels := include "task-pubsub.labels" .root | fromYaml -}}
{{- with .of -}}{{- $labels = include "task-pubsub.serviceLabels" (dict "root" $.root "name" .name "service" .service) | fromYaml -}}{{- end -}}
{{- $annotations := include "task-pubsub.annotations" (dict "root" .root "wave" .wave) | fromYaml -}}
{{- $kind := splitList " " .kind -}}
{{- $head := dict "apiVersion" (first $kind) "kind" (last $kind) "metadata" (dict
      "name" .name
      "labels" (merge (dict) $labels (.labels | default dict))
      "annotations" (merge (dict) (.annotations | default dict) $annotations)) -}}
---
{{ if .over -}}
{{- $object := merge $head (fromYaml .body) -}}
{{- include "task-pubsub.lay" (dict "base" $object "over" .over) -}}
{{- toYaml $object }}
{{- else -}}
{{- toYaml $head }}
{{ .body }}
{{- end }}
{{ end -}}

{{/*
Lays `over` over `base`, which it changes: maps key by key; a list is added to, but for items with a `name` that is there, which are laid over
those; null takes away.
*/}}
{{- define "task-pubsub.lay" -}}
{{- range $key, $value := .over -}}
{{- $there := get $.base $key -}}
{{- if kindIs "invalid" $value -}}{{- $_ := unset $.base $key -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $there) -}}{{- include "task-pubsub.lay" (dict "base" $there "over" $value) -}}
{{- else if and (kindIs "slice" $value) (kindIs "slice" $there) -}}
{{- $list := $there -}}
{{- range $item := $value -}}
{{- $new := true -}}
{{- range ternary $there list (and (kindIs "map" $item) (hasKey ($item | default dict) "name")) -}}
{{- if eq .name $item.name -}}{{- $new = false -}}{{- include "task-pubsub.lay" (dict "base" . "over" $item) -}}{{- end -}}
{{- end -}}
{{- if $new -}}{{- $list = append $list $item -}}{{- end -}}
{{- end -}}
{{- $_ := set $.base $key $list -}}
{{- else -}}{{- $_ := set $.base $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The paths of what is in `of`, one a line, as in `spec.template.spec.containers.task-api.env.LEVEL.value`: items of lists by their name. */}}
{{- define "task-pubsub.leaves" -}}
{{- if kindIs "map" .of -}}
{{- range $key, $value := .of }}{{ include "task-pubsub.leaves" (dict "path" (append $.path $key) "of" $value) }}{{ end -}}
{{- else if kindIs "slice" .of -}}
{{- range .of -}}
{{- $isMap := kindIs "map" . -}}
{{- $name := ternary (get (ternary . dict $isMap) "name") . $isMap -}}
{{- include "task-pubsub.leaves" (dict "path" (append $.path $name) "of" (ternary (omit (ternary . dict $isMap) "name") "" $isMap)) -}}
{{- end -}}
{{- else -}}
{{ join "." .path }}
{{ end -}}
{{- end -}}

{{/*
What may not be laid over an object: what the chart's promises stand on, and what another key is for, which checks it. Arguments: `path` of
the key, `over`, and `refused`, paths with the reason or the key.
*/}}
{{- define "task-pubsub.refusedFields" -}}
{{- $refused := merge (dict
      "apiVersion" "it would be another object" "kind" "it would be another object"
      "metadata.name" "others know the object by it" "metadata.namespace" "the release has one"
      "metadata.labels.app" "it selects" "metadata.annotations.argocd.argoproj.io/" "it orders a deployment"
      "metadata.annotations.helm.sh/" "it orders a deployment" "metadata.annotations.meta.helm.sh/" "it is Helm's") .refused -}}
{{- range $leaf := include "task-pubsub.leaves" (dict "path" list "of" .over) | splitList "\n" | compact -}}
{{- $whys := list -}}
{{- range $field, $why := $refused -}}
{{- if or (hasPrefix $field $leaf) (hasPrefix (print $leaf ".") $field) -}}{{- $whys = append $whys $why -}}{{- end -}}
{{- end -}}
{{- with $whys }}
- {{ $.path }}: `{{ $leaf }}` is not for here: {{ uniq . | join "; " }}.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "task-pubsub.problems.objects" -}}
{{- $components := dict
      "spec.type" "the chart's settings and checks are those of its type" "spec.version" "so is its version"
      "spec.ignoreErrors" "without it a broker that is down ends every sidecar" "spec.initTimeout" "write initTimeout beside it"
      "spec.metadata" "write extraMetadata beside it, or metadata for a type that the chart has no fields for" -}}
{{- $all := dict "stateStore" .Values.stateStore -}}
{{- range $entry, $broker := .Values.brokers -}}{{- $_ := set $all (printf "brokers.%s" $entry) ($broker | default dict) -}}{{- end -}}
{{- range $path, $values := $all -}}
{{- $over := $values.component | default dict -}}
{{- include "task-pubsub.refusedFields" (dict "path" (printf "%s.component" $path) "over" $over "refused" $components) -}}
{{- if and (hasKey $over "scopes") (not (kindIs "slice" $over.scopes)) }}
- {{ $path }}.component: `scopes` is not for here but to name further apps: without them every app of the namespace could publish and hear through it.
{{- end -}}
{{- end -}}
{{- range $name, $service := .Values.graph.services -}}
{{- $path := printf "services.%s" $name -}}
{{- range $index, $heard := $service.hears -}}
{{- $refused := dict
      "spec.pubsubname" "there is one for each broker" "spec.topic" "write topic" "spec.routes" "write route and rules"
      "spec.deadLetterTopic" "write deadLetter" "spec.metadata" "write metadata" "scopes" "each service has its own" -}}
{{- if $service.inbox -}}
{{- $_ := set $refused "spec.bulkSubscribe" "daprd's bulk subscriber can hang when it stops, on every broker; it is for programs with `inbox: false`" -}}
{{- end -}}
{{- include "task-pubsub.refusedFields" (dict "path" (printf "%s.subscribes[%d].subscription" $path $index) "over" $heard.subscription "refused" $refused) -}}
{{- end -}}
{{- $refused := dict
      "scopes" "each subscriber has its own" "spec.policies.timeouts.DefaultPubsubComponentInbound" "write delivery.handlerTimeout"
      "spec.policies.retries.DefaultPubsubComponentInbound" "write delivery.retry" -}}
{{- range $level := list "PubsubComponentInbound" "ComponentInbound" "Component" "" -}}
{{- $_ := set $refused (printf "spec.policies.circuitBreakers.Default%sCircuitBreakerPolicy" $level) "while it is open, daprd would send every delivery to the dead letters at once" -}}
{{- end -}}
{{- range $component := dig "spec" "targets" "components" dict ($service.resiliency | default dict) | keys -}}
{{- $_ := set $refused (printf "spec.targets.components.%s.inbound" $component) "it would take the place of delivery.retry and delivery.handlerTimeout" -}}
{{- end -}}
{{- include "task-pubsub.refusedFields" (dict "path" (printf "%s.resiliency" $path) "over" $service.resiliency "refused" $refused) -}}
{{- include "task-pubsub.refusedFields" (dict "path" (printf "%s.service" $path) "over" $service.service "refused" (dict
      "spec.selector" "it would lead to other pods" "spec.ports.http.port" "clients and smoke come to 80"
      "spec.ports.http.targetPort" "write port" "spec.ports.http.name" "it is known by it")) -}}
{{- $refused = include "task-pubsub.refusedInPod" (dict "container" $service.key) | fromYaml -}}
{{- $_ := set (set $refused "spec.selector" "it cannot be changed") "spec.replicas" "write replicas or autoscaling" -}}
{{- $_ := set $refused "spec.progressDeadlineSeconds" "write progressDeadlineSeconds" -}}
{{- if or $service.publishes $service.expose -}}
{{- $why := "an old pod must serve until a new one has proved that it reaches its broker" -}}
{{- $_ := set (set $refused "spec.strategy.type" $why) "spec.strategy.rollingUpdate.maxUnavailable" $why -}}
{{- end -}}
{{- include "task-pubsub.refusedFields" (dict "path" (printf "%s.deployment" $path) "over" $service.deployment "refused" $refused) -}}
{{- end -}}
{{- range $path, $container := dict "probe" .Values.probe.name "guard" "task-gate" -}}
{{- $refused := include "task-pubsub.refusedInPod" (dict "container" $container) | fromYaml -}}
{{- range $field := list "backoffLimit" "activeDeadlineSeconds" "ttlSecondsAfterFinished" -}}
{{- $_ := set $refused (printf "spec.%s" $field) "it follows from backoffLimit, ttlAfterFinished and the deadlines" -}}
{{- end -}}
{{- include "task-pubsub.refusedFields" (dict "path" (printf "%s.job" $path) "over" (get $.Values $path).job "refused" $refused) -}}
{{- end -}}
{{- include "task-pubsub.problems.configuration" . -}}
{{- end -}}

{{/* Of a pod template: what has a key of its own. */}}
{{- define "task-pubsub.refusedInPod" -}}
{{- $refused := dict
      "spec.template.metadata" "write podLabels, podAnnotations or sidecar.annotations"
      "spec.template.spec.containers.daprd" "it would keep Dapr's injector from adding the sidecar" -}}
{{- range $field, $key := dict "affinity" "affinity" "automountServiceAccountToken" "serviceAccount.automountToken"
      "hostAliases" "hostAliases" "imagePullSecrets" "image.pullSecrets" "initContainers" "initContainers" "nodeSelector" "nodeSelector"
      "priorityClassName" "priorityClassName" "securityContext" "podSecurityContext" "serviceAccount" "serviceAccountName"
      "terminationGracePeriodSeconds" "shutdown" "tolerations" "tolerations" "topologySpreadConstraints" "topologySpreadConstraints"
      "volumes" "extraVolumes" "restartPolicy" "nothing; it is what it must be" -}}
{{- $_ := set $refused (printf "spec.template.spec.%s" $field) (printf "write %s" $key) -}}
{{- end -}}
{{- range $field, $key := dict "args" "args" "command" "command" "env" "env, extraEnv or envFrom" "image" "image" "lifecycle" "lifecycle"
      "livenessProbe" "probes" "ports" "port" "readinessProbe" "probes" "resources" "resources" "securityContext" "securityContext"
      "startupProbe" "probes" "volumeMounts" "extraVolumeMounts" -}}
{{- $_ := set $refused (printf "spec.template.spec.containers.%s.%s" $.container $field) (printf "write %s" $key) -}}
{{- end -}}
{{- toYaml $refused -}}
{{- end -}}

{{/* The Configuration: who may call whom, and which of its APIs the sidecar offers. */}}
{{- define "task-pubsub.problems.configuration" -}}
{{- include "task-pubsub.refusedFields" (dict "path" "configuration" "over" .Values.configuration "refused" (dict
      "spec.features.HotReload" "without it running sidecars do not hear a new broker"
      "spec.accessControl.defaultAction" "any app could hand in events that no broker has seen" "spec.accessControl.trustDomain" "write invocation.trustDomain")) -}}
{{- $spec := (.Values.configuration | default dict).spec | default dict -}}
{{- $own := list -}}
{{- range include "task-pubsub.callers" . | fromYamlArray -}}{{- $own = append $own (printf "%s.%s" .namespace .appId) -}}{{- end -}}
{{- range $index, $policy := dig "accessControl" "policies" list $spec -}}
{{- $path := printf "configuration.spec.accessControl.policies[%d]" $index -}}
{{- if has (printf "%v.%v" $policy.namespace $policy.appId) $own }}
- {{ $path }}: invocation.allow names {{ $policy.appId }} of {{ $policy.namespace }} too, and daprd takes one policy of an app; write all of it here.
{{- end -}}
{{- if ne (lower ($policy.defaultAction | default "deny")) "deny" }}
- {{ $path }}.defaultAction: {{ $policy.appId }} could hand in events that no broker has seen; write `deny` and the operations that it may call.
{{- end -}}
{{- range $policy.operations -}}
{{- if ne (lower (.action | default "allow")) "deny" -}}
{{- include "task-pubsub.problems.reached" (dict "root" $ "path" (printf "%s.operations" $path) "operation" (toString .name) "app" $policy.appId) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $needed := list "metadata" "publish" "shutdown" "state" -}}
{{- $allowed := list -}}
{{- range dig "api" "allowed" list $spec -}}
{{- if eq (.protocol | default "") "grpc" -}}{{- $allowed = append $allowed (printf "%s.%s" .name .version) -}}{{- end -}}
{{- end -}}
{{- range $api := $needed -}}
{{- if and $allowed (not (has (printf "%s.v1" $api) $allowed)) }}
- configuration.spec.api.allowed: leaves out {{ $api }} (version v1, protocol grpc), which services on dapr-pubsub and the probe need; every call would fail.
{{- end -}}
{{- end -}}
{{- range dig "api" "denied" list $spec -}}
{{- if and (eq (.protocol | default "") "grpc") (eq .version "v1") (has .name $needed) }}
- configuration.spec.api.denied: services on dapr-pubsub and the probe need {{ .name }} by gRPC; every call would fail.
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
An operation that an app may call, as in a policy of Dapr's: `*` is any part of one segment, `**` any number of them, case does not
matter. What leads to a subscriber is refused (root, path, operation, app).
*/}}
{{- define "task-pubsub.problems.reached" -}}
{{- $pattern := print "/" (lower .operation | trimPrefix "/" | trimSuffix "/") | regexQuoteMeta | replace "\\*\\*" ".*" | replace "\\*" "[^/]*" -}}
{{- /* daprd takes the last segment's wildcard for none at all, too. */ -}}
{{- $pattern = regexReplaceAll "/(\\.\\*|\\[\\^/\\]\\*)$" $pattern "(/.*)?" -}}
{{- range $name, $service := .root.Values.graph.services -}}
{{- range $service.hears -}}
{{- $routes := list .route -}}
{{- range .rules -}}{{- $routes = append $routes .path -}}{{- end -}}
{{- range $routes -}}
{{- if regexMatch (printf "^%s$" $pattern) (lower . | trimSuffix "/") }}
- {{ $.path }}: `{{ $.operation }}` is a route of services.{{ $name }}; {{ $.app }} could hand in events that no broker has seen. Publish them to the topic.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
