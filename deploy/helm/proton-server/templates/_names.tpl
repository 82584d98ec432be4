{{- define "proton-server.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of all that the chart makes. 53 characters leave room for endings such as -migration. */}}
{{- define "proton-server.fullname" -}}
{{- $name := include "proton-server.name" . -}}
{{- $release := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $release .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{/* What a Service or Deployment finds its pods by. It never changes. */}}
{{- define "proton-server.selector" -}}
app.kubernetes.io/name: {{ include "proton-server.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "proton-server.labels" -}}
app.kubernetes.io/name: {{ include "proton-server.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "proton-server.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "proton-server.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "proton-server.image" -}}
{{- $repository := required "image.repository is required: the repository that you have pushed the image to." .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}
