{{/* Services that could not start, what they publish and hear, and annotations in two places. */}}
{{- define "task-pubsub.problems.services" -}}
{{- $services := .Values.graph.services -}}
{{- $known := keys .Values.graph.topics | sortAlpha | join ", " -}}
{{- $defaults := .Values.serviceDefaults -}}
{{- with include "task-pubsub.gone" (dict "path" "serviceDefaults" "of" $defaults) }}
- {{ . }}: write `{{ include "task-pubsub.graphLine" (dict "own" dict "defaults" $defaults) }}` in each service that does so.
{{- end -}}
{{- range $key := list "publishes" "subscribes" -}}
{{- if hasKey $defaults $key }}
- serviceDefaults.{{ $key }}: would be that of every service, whether it publishes or hears; write it in each service that does so.
{{- end -}}
{{- end -}}
{{- $names := dict -}}
{{- range $key, $topic := .Values.graph.topics -}}
{{- with get $names $topic.name }}
- topics.{{ $key }}.name: `{{ $topic.name }}` is the name of topics.{{ . }} too; who hears it is known by key, so preflight would miss half of them, and a program that knows no canaries could get some. Where only the dead letters differ, a subscription has a `deadLetter` of its own.
{{- end -}}
{{- $_ := set $names $topic.name $key -}}
{{- end -}}
{{- $subscriptions := dict -}}
{{- $entries := include "task-pubsub.subscribedBrokers" . | fromYamlArray -}}
{{- range $name, $service := $services -}}
{{- $path := printf "services.%s" $name -}}
{{- $own := get $.Values.services $service.key -}}
{{- if or (gt (len $name) 58) (not (regexMatch "^[a-z]" $name)) }}
- {{ ternary $path "namePrefix" (eq $name $service.key) }}: the app-id would be `{{ $name }}`; Dapr makes a Service `{{ $name }}-dapr` of it, whose name has 63 characters at most and begins with a letter.
{{- end -}}
{{- $line := include "task-pubsub.graphLine" (dict "own" $own "defaults" $defaults) -}}
{{- $gone := include "task-pubsub.gone" (dict "path" $path "of" $own) -}}
{{- if $gone }}
- {{ $gone }}: write `{{ $line }}`.
{{- else if not (or $service.publishes $service.hears) }}
- {{ $path }}: publishes nothing and hears nothing, so its sidecar would open every broker for nobody; write `{{ $line }}`, or deploy it without this chart.
{{- end -}}
{{- range $service.publishes -}}
{{- if not (hasKey $.Values.graph.topics .) }}
- {{ $path }}.publishes: `{{ . }}` is no entry of `topics` ({{ $known }}); nobody would know where to publish.
{{- end -}}
{{- end -}}
{{- $topics := list -}}
{{- range $index, $heard := $service.hears -}}
{{- $path := printf "%s.subscribes[%d]" $path $index -}}
{{- if not $heard.topic }}
- {{ $path }}.topic: `{{ .key }}` is no entry of `topics` ({{ $known }}); it would hear nothing.
{{- else if eq $heard.topic $heard.deadLetter }}
- {{ $path }}.deadLetter: `{{ $heard.deadLetter }}` is the topic itself; an event that cannot be handled would be published to it again without end.
{{- end -}}
{{- if has .key $topics }}
- {{ $path }}.topic: `{{ .key }}` is heard already; daprd takes one subscription of a topic, and one of the two routes would get nothing. Use `rules`.
{{- end -}}
{{- $topics = append $topics .key -}}
{{- if and .rules (eq $.Values.subscription.mode "programmatic") }}
- {{ $path }}.rules: with subscription.mode `programmatic` the program lists its routes itself, and nobody would read these.
{{- end -}}
{{- if and .metadata.rawPayload $service.inbox }}
- {{ $path }}.metadata.rawPayload: daprd would give every delivery of an event an id of its own, so a copy of it would have a second effect; it is for programs with `inbox: false`.
{{- end -}}
{{- range $entry := $entries -}}
{{- if and $heard.metadata (get $.Values.brokers $entry) -}}
{{- $own := include "task-pubsub.broker" (dict "root" $ "entry" $entry "part" "subscription" "name" $name "heard" $heard) | fromYaml -}}
{{- range $field := keys $heard.metadata | sortAlpha -}}
{{- if hasKey ($own.metadata | default dict) $field }}
- {{ $path }}.metadata: `{{ $field }}` is computed from brokers.{{ $entry }}; set it there, or two places would disagree.
{{- end -}}
{{- end -}}
{{- end -}}
{{- $subscription := printf "%s-%s%s" $name $heard.infix $entry -}}
{{- $other := get $subscriptions $subscription | default $name -}}
{{- if ne $other $name }}
- {{ $path }}: its Subscription `{{ $subscription }}` would have the name of one of services.{{ $other }}; only one of the two would hear. Give a service, a topic or an entry of `brokers` another name.
{{- end -}}
{{- $_ := set $subscriptions $subscription $name -}}
{{- end -}}
{{- end -}}
{{- if and (gt (len $service.hears) 0) $service.publishes (eq $.Values.subscription.mode "programmatic") }}
- {{ $path }}: publishes and hears, and with subscription.mode `programmatic` it would hear a new broker only when it is rolled, which is when publishers come to it; what is published there before would be lost where a broker keeps nothing for those who have not subscribed. Use `declarative`, or two services.
{{- end -}}
{{- if and $service.inbox (eq (int $service.port) (int $.Values.adminPort)) }}
- services.{{ $name }}.port: {{ $service.port }} is adminPort too; the second of the two servers could not start.
{{- end -}}
{{- with get (dict "3500" "its HTTP API" "3501" "its public API" "50001" "its gRPC API" "50002" "other sidecars" "9090" "its metrics") (toString $service.port) }}
- services.{{ $name }}.port: {{ $service.port }} is the sidecar's, for {{ . }}; the second of the two could not start.
{{- end -}}
{{- if and $service.inbox (hasSuffix "s" $service.protocol) }}
- services.{{ $name }}.protocol: `{{ $service.protocol }}` is for programs with `inbox: false`; a service on dapr-pubsub speaks no TLS, and every delivery would fail.
{{- end -}}
{{- $containers := list $name -}}
{{- range $list := list "initContainers" "extraContainers" -}}
{{- range get $service $list -}}
{{- if eq .name "daprd" }}
- services.{{ $name }}.{{ $list }}: a container called daprd keeps Dapr's injector from adding the sidecar; the service would neither publish nor hear. Give it another name.
{{- else if has .name $containers }}
- services.{{ $name }}.{{ $list }}: a container called {{ .name }} is there already; the API server would refuse the pod. Give it another name.
{{- end -}}
{{- $containers = append $containers .name -}}
{{- end -}}
{{- end -}}
{{- if and $service.serviceAccountName $service.serviceAccount.annotations }}
- services.{{ $name }}.serviceAccount.annotations: would be on no account, because serviceAccountName `{{ $service.serviceAccountName }}` names one that the chart does not make; the cloud would know nobody. Annotate that one, or leave the name empty.
{{- end -}}
{{- if and $service.enabled $service.inbox (hasPrefix "https:" $.Values.otel.endpoint) }}
- otel.endpoint: {{ $.Values.otel.endpoint }} asks for TLS, which services.{{ $name }} as a service on dapr-pubsub does not speak; its spans would go nowhere. Write a collector in the cluster here, and this one in otel.sidecarEndpoint.
{{- end -}}
{{- end -}}
{{- /* What only some values render counts, too: an annotation would be a way around their checks. */}}
{{- $computed := list "dapr.io/app-port" "dapr.io/app-protocol" "dapr.io/app-ssl" "dapr.io/env" "dapr.io/api-token-secret" "dapr.io/app-token-secret" "dapr.io/block-shutdown-duration"
      "dapr.io/sidecar-cpu-request" "dapr.io/sidecar-cpu-limit" "dapr.io/sidecar-memory-request" -}}
{{- range list "enable-app-health-check" "app-health-check-path" "app-health-probe-interval" "app-health-probe-timeout" "app-health-threshold" -}}
{{- $computed = append $computed (print "dapr.io/" .) -}}
{{- end -}}
{{- range $name, $service := .Values.graph.workloads -}}
{{- $path := ternary "probe" (printf "services.%s" $name) (eq $service.role "probe") -}}
{{- $plain := mergeOverwrite (deepCopy $service) (dict "sidecar" (dict "annotations" dict)) -}}
{{- $_ := set $plain.sidecar "annotations" dict -}}
{{- $known := include "task-pubsub.sidecarAnnotations" (dict "root" $ "name" $name "service" $plain) | fromYaml | keys | concat $computed -}}
{{- range $key := keys (merge (dict) $service.sidecar.annotations $service.podAnnotations) | sortAlpha -}}
{{- if has $key $known }}
- {{ $path }}: the annotation {{ $key }} is computed by the chart; set the value it comes from{{ if eq $key "dapr.io/env" }}, sidecar.env{{ end }}, or two places would disagree.
{{- end -}}
{{- end -}}
{{- $collector := $.Values.otel.sidecarEndpoint | default $.Values.otel.endpoint -}}
{{- $fromSecret := get (merge (dict) $service.sidecar.annotations $service.podAnnotations) "dapr.io/env-from-secret" | default "" -}}
{{- $variables := keys $service.sidecar.env -}}
{{- range splitList "," $fromSecret | compact -}}{{- $variables = append $variables (splitList "=" . | first | trim) -}}{{- end -}}
{{- range $variable := $variables | sortAlpha -}}
{{- if regexMatch "^(NAMESPACE|POD_NAME|APP_API_TOKEN|DAPR_.*)$" $variable }}
- {{ $path }}.sidecar.env: {{ $variable }} is set by Dapr's injector; the sidecar would take itself for another.
{{- else if and $collector (regexMatch "^OTEL_EXPORTER_OTLP_(TRACES_)?(ENDPOINT|PROTOCOL|INSECURE)$" $variable) }}
- {{ $path }}.sidecar.env: {{ $variable }} follows from otel.sidecarEndpoint and otel.endpoint; set it there, or two places would disagree.
{{- else if regexMatch ",\\s*[A-Za-z_][A-Za-z0-9_]*=" (get $service.sidecar.env $variable | toString) }}
- {{ $path }}.sidecar.env: {{ $variable }} has a comma and a name with `=` behind it, which Dapr's injector takes for the next variable; put it into a Secret, and name that in the annotation dapr.io/env-from-secret.
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $index, $caller := .Values.invocation.allow -}}
{{- include "task-pubsub.problems.reached" (dict
      "root" $ "path" (printf "invocation.allow[%d].path" $index) "operation" $caller.path "app" $caller.appId) -}}
{{- end -}}
{{- end -}}

{{/* `services.task-worker.role, .topic and .route are gone`; empty where none is there (path, of). */}}
{{- define "task-pubsub.gone" -}}
{{- $gone := list -}}
{{- range list "role" "topic" "route" -}}{{- if hasKey $.of . -}}{{- $gone = append $gone . -}}{{- end -}}{{- end -}}
{{- if $gone -}}
{{- $many := gt (len $gone) 1 -}}
{{ .path }}.{{ initial $gone | join ", ." }}{{ ternary " and ." "" $many }}{{ last $gone }} {{ ternary "are" "is" $many }} gone
{{- end -}}
{{- end -}}

{{/* What a service says of topics, in place of the `role`, `topic` and `route` of earlier versions (own, defaults: values as written). */}}
{{- define "task-pubsub.graphLine" -}}
{{- $role := .own.role | default .defaults.role | default (ternary "publisher" "subscriber" (not (empty .own.publishes))) -}}
{{- $topic := .own.topic | default .defaults.topic | default "task" -}}
{{- if eq $role "publisher" -}}publishes: [{{ $topic }}]
{{- else -}}subscribes: [{topic: {{ $topic }}, route: {{ .own.route | default .defaults.route | default "/events/todo" }}}]
{{- end -}}
{{- end -}}
