"""A queue for each team in each of two accounts: one table, one component, two providers."""

from __future__ import annotations

import pulumi

import pulumi_aws_proton.plugin as proton

RETENTION_DAYS = {"billing": 14, "carts": 1, "orders": 7, "payments": 14, "search": 2, "shipping": 7}
"""For how many days each team's queue keeps a message."""


class TeamEnvironments(pulumi.ComponentResource):
    """An environment for each team, all in the account of the provider that the component is given."""

    def __init__(self, stage: str, account: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("many-environments:index:TeamEnvironments", stage, None, opts)
        environments = {
            team: proton.Environment(
                f"{team}-{stage}",
                template_name="queue",
                template_major_version="1",
                spec={"retention_days": days},
                proton_service_role_arn=f"arn:aws:iam::{account}:role/proton-service",
                # Names no provider: a child has its parent's.
                opts=pulumi.ResourceOptions(parent=self),
            )
            for team, days in RETENTION_DAYS.items()
        }
        self.arns = {team: environment.arn for team, environment in environments.items()}
        self.register_outputs({"arns": self.arns})


config = pulumi.Config()

for stage in ("development", "production"):
    account = config.require(f"{stage}Account")
    provider = proton.Provider(
        stage,
        # A role there that the program's own credentials may assume. A profile does as well: profile="…".
        assume_role=proton.AssumeRoleArgs(role_arn=f"arn:aws:iam::{account}:role/proton-admin"),
        # No mistake in the line above reaches another account.
        allowed_account_ids=[account],
        default_tags=proton.DefaultTagsArgs(tags={"stage": stage}),
    )
    teams = TeamEnvironments(stage, account, pulumi.ResourceOptions(providers=[provider]))
    pulumi.export(stage, teams.arns)
