"""One environment whose parts are lines of the stack's configuration: change one, and look at the preview."""

import pulumi

import pulumi_aws_proton as proton

config = pulumi.Config()

environment = proton.Environment(
    "queue",
    template_name="queue",
    template_major_version=config.require("major"),
    template_minor_version=config.get("minor"),
    spec=config.require_object("spec"),
    description=config.require("description"),
    proton_service_role_arn="arn:aws:iam::123456789012:role/proton-service",
)

pulumi.export("deploymentType", environment.deployment_type)
pulumi.export(
    "version",
    pulumi.Output.format("{0}.{1}", environment.template_major_version, environment.template_minor_version),
)
pulumi.export("outputs", environment.outputs)
