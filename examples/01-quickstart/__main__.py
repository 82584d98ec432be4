"""An environment from the template beside this program. Change its spec, and look at `pulumi preview`."""

import pulumi

import pulumi_aws_proton as proton

environment = proton.Environment(
    "quickstart",
    template_name="quickstart",
    template_major_version="1",
    spec={"team": "platform", "stage": "development", "message_retention_days": 4},
    description="My first environment",
    # The role that Proton deploys with. The local AWS of the demo takes any.
    proton_service_role_arn="arn:aws:iam::123456789012:role/proton-service",
)

pulumi.export("arn", environment.arn)
pulumi.export("status", environment.deployment_status)
pulumi.export(
    "version",
    pulumi.Output.format("{0}.{1}", environment.template_major_version, environment.template_minor_version),
)
pulumi.export("outputs", environment.outputs)
