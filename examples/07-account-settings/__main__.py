"""The account's settings for service pipelines: what the program names is this stack's, the rest is not."""

import pulumi

import pulumi_aws_proton as proton

config = pulumi.Config()

settings = proton.AccountSettings(
    "pipelines",
    pipeline_service_role_arn=config.require("role"),
    # A setting that the configuration leaves out is not managed here; one that it no longer has is reset.
    pipeline_codebuild_role_arn=config.get("codebuildRole"),
)

pulumi.export("role", settings.pipeline_service_role_arn)
pulumi.export("codebuildRole", settings.pipeline_codebuild_role_arn)
