{{- define "processing-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "processing-operator.fullname" -}}
{{- $name := include "processing-operator.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Cluster-wide objects of two releases in two namespaces must not meet. */}}
{{- define "processing-operator.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "processing-operator.fullname" .) }}
{{- end }}

{{/* Named by release and watch scope: an upgrade to other namespaces is another operator, which waits for nobody. */}}
{{- define "processing-operator.leaseName" -}}
{{- $name := include "processing-operator.fullname" . }}
{{- with .Values.watch.namespaces }}
{{- $name = printf "%s-%s" $name (uniq . | sortAlpha | join "," | sha256sum | trunc 8) }}
{{- end }}
{{- $name }}
{{- end }}

{{- define "processing-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "processing-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is required when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "processing-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "processing-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "processing-operator.labels" -}}
{{ include "processing-operator.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: processing-operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* image: {image: values of an image, version: the chart's appVersion} */}}
{{- define "processing-operator.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (default .version .image.tag) }}
{{- end }}
{{- end }}

{{/* Helm's own words about another release's CRD do not say what to set. (Without a cluster `lookup` finds nothing.) */}}
{{- define "processing-operator.ownCrd" -}}
{{- $name := "processingjobs.processing-operator.dev" }}
{{- with lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name }}
{{- $owner := default dict .metadata.annotations }}
{{- $release := default "" (get $owner "meta.helm.sh/release-name") }}
{{- $namespace := default "" (get $owner "meta.helm.sh/release-namespace") }}
{{- if or (ne $release $.Release.Name) (ne $namespace $.Release.Namespace) }}
{{- $whose := ternary (printf "belongs to release %q of namespace %q" $release $namespace) "was not made by helm" (ne $release "") }}
{{- $mine := printf "meta.helm.sh/release-name=%s meta.helm.sh/release-namespace=%s" $.Release.Name $.Release.Namespace }}
{{- fail (printf "crds.enabled: the CRD %s is there and %s. Set crds.enabled=false to use it as it is, and give each release its own watch.namespaces; or take it over: for each KIND of crd, validatingadmissionpolicy, validatingadmissionpolicybinding: kubectl annotate --overwrite KIND %s %s, and kubectl label --overwrite KIND %s app.kubernetes.io/managed-by=Helm" $name $whose $name $mine $name) }}
{{- end }}
{{- end }}
{{- end }}
