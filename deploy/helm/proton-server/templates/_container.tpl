{{/* What the servers and the migration have in common: they use the same database, with the same secrets. */}}

{{- define "proton-server.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "proton-server.container" -}}
image: {{ include "proton-server.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- define "proton-server.env" -}}
- name: PROTON_DATABASE
  value: {{ required "database.url is required: the URL of a PostgreSQL database, without a password." .Values.database.url | quote }}
{{- if .Values.database.passwordSecret.name }}
- name: PROTON_DATABASE_PASSWORD_FILE
  value: /etc/proton-server/database/password
{{- end }}
- name: PROTON_MASTER_KEYS_FILE
  value: /etc/proton-server/master-keys/master-keys
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "proton-server.volumeMounts" -}}
- name: temporary
  mountPath: /tmp
- name: master-keys
  mountPath: /etc/proton-server/master-keys
  readOnly: true
{{- if .Values.database.passwordSecret.name }}
- name: database-password
  mountPath: /etc/proton-server/database
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "proton-server.volumes" -}}
- name: temporary
  emptyDir:
    sizeLimit: {{ .Values.temporarySize }}
- name: master-keys
  secret:
    secretName: {{ required "masterKeysSecret.name is required: a Secret with the master keys, one on each line." .Values.masterKeysSecret.name }}
    defaultMode: 0440
    items:
    - key: {{ .Values.masterKeysSecret.key }}
      path: master-keys
{{- with .Values.database.passwordSecret }}
{{- if .name }}
- name: database-password
  secret:
    secretName: {{ .name }}
    defaultMode: 0440
    items:
    - key: {{ .key }}
      path: password
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "proton-server.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
{{ toYaml . }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
{{ toYaml . | indent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
{{ toYaml . }}
{{- end }}
{{- end -}}
