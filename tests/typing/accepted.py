"""A program that uses all of the SDK as documented. Type checkers accept it; nobody runs it."""

from __future__ import annotations

import pulumi
from typing_extensions import assert_type

import pulumi_aws_proton as proton

config = pulumi.Config()

environment = proton.Environment(
    "dev",
    template_name="vpc-env",
    template_major_version="1",
    spec={"vpc_cidr": "10.0.0.0/16", "zones": [config.require("zone")], "retention": 3},
    proton_service_role_arn=config.require("role"),
    tags={"team": "net"},
    timeouts={"create": "30m"},
    max_deployment_type="MINOR_VERSION",
    redeploy_triggers={"ami": 3},
    opts=pulumi.ResourceOptions(protect=True),
)
assert_type(environment.name, pulumi.Output[str])
assert_type(environment.template_minor_version, pulumi.Output[str])
assert_type(environment.description, pulumi.Output[str | None])
pulumi.export("vpc", environment.outputs["VpcId"])
pulumi.export(
    "as text", proton.Environment("text", template_name="t", template_major_version="1", spec="a: 1").arn
)

elsewhere = proton.AccountArgs(
    assume_role=proton.AssumeRoleArgs(role_arn="arn:aws:iam::222222222222:role/deploy")
)
request = proton.EnvironmentAccountConnection(
    "dev",
    environment_name="dev",
    management_account_id="111111111111",
    role_arn=environment.arn,
    account=elsewhere,
)
accepted = proton.EnvironmentAccountConnectionAccepter(
    "dev", connection_id=request.id, decision="ACCEPT", expected_environment_account_id="222222222222"
)
proton.Environment(
    "across",
    template_name=environment.template_name,
    template_major_version="1",
    spec=environment.outputs,
    environment_account_connection_id=accepted.connection_id,
    account={"region": "us-east-1", "assume_role": {"role_arn": "arn:aws:iam::111111111111:role/deploy"}},
)
looked_up = proton.EnvironmentAccountConnectionAccepter(
    "later", environment_name="dev", environment_account_id="222222222222", wait_for_request=True
)
assert_type(looked_up.status, pulumi.Output[str])

proton.AccountSettings(
    "settings",
    pipeline_service_role_arn="arn:aws:iam::111111111111:role/pipeline",
    pipeline_provisioning_repository={"provider": "GITHUB", "name": "team/infra", "branch": "main"},
)
found = proton.Environment.get("found", "dev")
assert_type(found, proton.Environment)
