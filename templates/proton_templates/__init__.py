"""AWS Proton's template format, by which provider and server both judge. Pure: no AWS, no Pulumi."""
