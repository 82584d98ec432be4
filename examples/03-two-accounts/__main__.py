"""One program, two accounts: one asks, the other accepts and deploys an environment into the first."""

import pulumi

import pulumi_aws_proton as proton

config = pulumi.Config()
management_account = config.require("managementAccount")
environment_account = config.require("environmentAccount")

# How to act in the environment account: a role that the program's own credentials may assume. A profile does
# as well: AccountArgs(profile="…").
there = proton.AccountArgs(
    assume_role=proton.AssumeRoleArgs(role_arn=f"arn:aws:iam::{environment_account}:role/proton-admin")
)

request = proton.EnvironmentAccountConnection(
    "sandbox",
    environment_name="sandbox",
    management_account_id=management_account,
    # The role that Proton deploys with, there.
    role_arn=f"arn:aws:iam::{environment_account}:role/proton-service",
    account=there,
)

accepted = proton.EnvironmentAccountConnectionAccepter(
    "sandbox",
    connection_id=request.id,
    # Anybody who knows an account's id can ask it: only this request is accepted.
    expected_environment_account_id=environment_account,
    expected_environment_name="sandbox",
)

environment = proton.Environment(
    "sandbox",
    template_name="quickstart",
    template_major_version="1",
    spec={"team": "research"},
    environment_account_connection_id=accepted.connection_id,
)

pulumi.export("connection", accepted.status)
pulumi.export("environment", environment.arn)
pulumi.export("infrastructureAccount", environment.environment_account_id)
pulumi.export("outputs", environment.outputs)
