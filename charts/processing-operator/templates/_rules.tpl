{{/* All that the operator may do where it serves jobs. Never Secrets, ConfigMaps, exec or wildcards. */}}
{{- define "processing-operator.rules" -}}
- apiGroups: [processing-operator.dev]
  resources: [processingjobs]
  verbs: [get, list, watch]
- apiGroups: [processing-operator.dev]
  resources: [processingjobs/status]
  verbs: [patch]
# Pods name their job as an owner that blocks its deletion: where that is enforced (OpenShift), this right is asked for
- apiGroups: [processing-operator.dev]
  resources: [processingjobs/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
{{- if .Values.podLogs.enabled }}
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}
