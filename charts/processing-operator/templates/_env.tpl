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
- name: PROCESSING_AGENT_MEMORY_LIMIT
  value: {{ .Values.agent.memoryLimit | quote }}
- name: PROCESSING_ALLOW_ROOT
  value: {{ .Values.security.allowRoot | quote }}
- name: PROCESSING_RUN_AS_USER
  value: {{ int64 .Values.jobs.runAsUser | quote }}
- name: PROCESSING_RUN_AS_GROUP
  value: {{ int64 .Values.jobs.runAsGroup | quote }}
- name: PROCESSING_FS_GROUP
  value: {{ int64 .Values.jobs.fsGroup | quote }}
- name: PROCESSING_SCRIPT_RESOURCES
  value: {{ include "processing-operator.scriptResources" . | quote }}
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

{{/* As JSON, each quantity a text: `cpu: 1` is a number in YAML. */}}
{{- define "processing-operator.scriptResources" -}}
{{- $all := dict }}
{{- range $kind, $quantities := .Values.jobs.scriptResources }}
{{- $texts := dict }}
{{- range $name, $quantity := $quantities }}
{{- $_ := set $texts $name (ternary $quantity (toJson $quantity) (kindIs "string" $quantity)) }}
{{- end }}
{{- $_ := set $all $kind $texts }}
{{- end }}
{{- toJson $all }}
{{- end }}
