"""One environment whose template brings its own commands: a queue for each team, made by a Python script."""

import pulumi

import pulumi_aws_proton as proton

environment = proton.Environment(
    "team-queues",
    template_name="team-queues",
    template_major_version="1",
    spec={"teams": pulumi.Config().require_object("teams")},
    # The role that the commands run as. The local AWS takes any.
    codebuild_role_arn="arn:aws:iam::123456789012:role/team-queues-build",
)

pulumi.export("status", environment.deployment_status)
pulumi.export("queues", environment.outputs)
