"""A program that uses all of the SDK as documented. Type checkers accept it; nobody runs it."""

from __future__ import annotations

import pulumi
from typing_extensions import assert_type

import pulumi_aws_proton as proton
import pulumi_aws_proton.plugin as native

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

there = native.Provider(
    "there",
    region=environment.arn,
    assume_role={"role_arn": "arn:aws:iam::222222222222:role/deploy"},
    max_retries=3,
    allowed_account_ids=["222222222222"],
    default_tags=native.DefaultTagsArgs(tags={"team": environment.name}),
    max_deployment_type="MINOR_VERSION",
)
moved = native.Environment(
    "dev",
    template_name="vpc-env",
    template_major_version="1",
    spec={"vpc_cidr": "10.0.0.0/16", "zone": environment.outputs["Zone"]},
    timeouts=proton.TimeoutsArgs(create="30m"),
    account=elsewhere,
    opts=pulumi.ResourceOptions(provider=there),
)
assert_type(moved.template_minor_version, pulumi.Output[str])
assert_type(moved.wait_for_deployment, pulumi.Output[bool | None])
assert_type(native.Environment.get("found", "dev"), native.Environment)
pulumi.export("native", moved.provisioning_repository.apply(lambda found: found and found.branch))

known = native.get_environment(name="dev", opts=pulumi.InvokeOptions(provider=there))
assert_type(known.template_minor_version, str | None)
pulumi.export("known", known.outputs["VpcId"])
later = native.get_environment_output(name=moved.name, account={"profile": config.require("profile")})
assert_type(later, pulumi.Output[native.GetEnvironmentResult])
pulumi.export("later", later.tags)
listed = native.get_environments(environment_templates=[{"template_name": "vpc-env", "major_version": "1"}])
pulumi.export("listed", [each.arn for each in listed.environments])
connections = native.get_environment_account_connections(
    requested_by="MANAGEMENT_ACCOUNT", statuses=["PENDING"]
)
assert_type(connections.environment_account_connections[0].role_arn, str | None)
pulumi.export("settings", native.get_account_settings_output().pipeline_provisioning_repository)
