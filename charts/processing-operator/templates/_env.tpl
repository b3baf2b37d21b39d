{{/* The operator's settings, by their own names (settings.py). */}}
{{- define "processing-operator.env" -}}
{{- range $name := list "runAsUser" "runAsGroup" "fsGroup" }}
{{- if and (eq (int64 (get $.Values.jobs $name)) 0) (not $.Values.security.allowRoot) }}
{{- fail (printf "jobs.%s: 0 is root; set security.allowRoot: true to allow it, or choose another id" $name) }}
{{- end }}
{{- end }}
- name: PROCESSING_INSTANCE
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
- name: PROCESSING_LEASE_NAME
  value: {{ include "processing-operator.leaseName" . | quote }}
- name: PROCESSING_LEASE_NAMESPACE
  valueFrom:
    fieldRef: {fieldPath: metadata.namespace}
- name: PROCESSING_NAMESPACES
  value: {{ uniq .Values.watch.namespaces | join "," | quote }}
- name: PROCESSING_AGENT_IMAGE
  value: {{ include "processing-operator.image" (dict "image" .Values.agent.image "version" .Chart.AppVersion) | quote }}
- name: PROCESSING_AGENT_IMAGE_PULL_POLICY
  value: {{ .Values.agent.image.pullPolicy | quote }}
{{- with .Values.agent.imagePullSecrets }}
{{- $names := list }}
{{- range . }}{{ $names = append $names .name }}{{ end }}
- name: PROCESSING_AGENT_PULL_SECRETS
  value: {{ toJson $names | quote }}
{{- end }}
{{- with include "processing-operator.agentEnv" . | fromJsonArray }}
- name: PROCESSING_AGENT_ENV
  value: {{ toJson . | quote }}
{{- end }}
- name: PROCESSING_FETCH_RESOURCES
  value: {{ include "processing-operator.amounts" .Values.agent.fetch.resources | quote }}
- name: PROCESSING_UPLOAD_RESOURCES
  value: {{ include "processing-operator.amounts" .Values.agent.upload.resources | quote }}
- name: PROCESSING_PLATFORM_CREDENTIAL_ENDPOINTS
  value: {{ join "," .Values.agent.platformCredentialEndpoints | quote }}
- name: PROCESSING_ALLOW_ROOT
  value: {{ .Values.security.allowRoot | quote }}
- name: PROCESSING_RUN_AS_USER
  value: {{ int64 .Values.jobs.runAsUser | quote }}
- name: PROCESSING_RUN_AS_GROUP
  value: {{ int64 .Values.jobs.runAsGroup | quote }}
- name: PROCESSING_FS_GROUP
  value: {{ int64 .Values.jobs.fsGroup | quote }}
- name: PROCESSING_SCRIPT_RESOURCES
  value: {{ include "processing-operator.amounts" .Values.jobs.scriptResources | quote }}
- name: PROCESSING_WORKSPACE_REQUEST
  value: {{ .Values.jobs.workspaceRequest | quote }}
{{- with include "processing-operator.placement" . | fromJson }}
- name: PROCESSING_PLACEMENT
  value: {{ toJson . | quote }}
{{- end }}
{{- with .Values.jobs.carriedAnnotations }}
- name: PROCESSING_CARRIED_ANNOTATIONS
  value: {{ toJson . | quote }}
{{- end }}
- name: PROCESSING_RESYNC_SECONDS
  value: {{ .Values.resyncSeconds | quote }}
- name: PROCESSING_READ_POD_LOGS
  value: {{ .Values.podLogs.enabled | quote }}
- name: PROCESSING_WORKERS
  value: {{ .Values.workers | quote }}
- name: PROCESSING_HEALTH_PORT
  value: "8080"
- name: PROCESSING_LOG_LEVEL
  value: {{ .Values.log.level | quote }}
- name: PROCESSING_LOG_FORMAT
  value: {{ .Values.log.format | quote }}
{{- end }}

{{/* Requests and limits as JSON, each quantity a text: `cpu: 1` is a number in YAML. */}}
{{- define "processing-operator.amounts" -}}
{{- $all := dict }}
{{- range $kind, $quantities := . }}
{{- $texts := dict }}
{{- range $name, $quantity := $quantities }}
{{- if not (kindIs "invalid" $quantity) }}
{{- $_ := set $texts $name (ternary $quantity (toJson $quantity) (kindIs "string" $quantity)) }}
{{- end }}
{{- end }}
{{- $_ := set $all $kind $texts }}
{{- end }}
{{- toJson $all }}
{{- end }}

{{/* The environment of fetch and upload as JSON: the proxy's variables, and the rest. */}}
{{- define "processing-operator.agentEnv" -}}
{{- $variables := list }}
{{- range $key, $name := dict "http" "HTTP_PROXY" "https" "HTTPS_PROXY" "none" "NO_PROXY" }}
{{- with get $.Values.agent.proxy $key }}
{{- $variables = append $variables (dict "name" $name "value" .) }}
{{- end }}
{{- end }}
{{- toJson (concat $variables .Values.agent.env) }}
{{- end }}

{{/* What is set of the fields of a job that say where its Pod runs and what it is known by, as JSON. */}}
{{- define "processing-operator.placement" -}}
{{- $fields := dict }}
{{- range $name := list "nodeSelector" "tolerations" "affinity" "priorityClassName" "runtimeClassName" "schedulerName" "podLabels" "podAnnotations" }}
{{- with get $.Values.jobs $name }}
{{- $_ := set $fields $name . }}
{{- end }}
{{- end }}
{{- toJson $fields }}
{{- end }}
