"""The environment account's side, run with its credentials: it asks, and waits until it is accepted."""

import pulumi

import pulumi_aws_proton as proton

config = pulumi.Config()
here = config.require("environmentAccount")

request = proton.EnvironmentAccountConnection(
    "shared",
    environment_name="shared",
    management_account_id=config.require("managementAccount"),
    # The role that Proton deploys with.
    role_arn=f"arn:aws:iam::{here}:role/proton-service",
    wait_for_acceptance=True,
    timeouts={"create": "8h"},
)

pulumi.export("connection", request.id)
pulumi.export("status", request.status)
