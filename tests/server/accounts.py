"""Two accounts and a stranger: the steps between them that tests of connections share."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, THIRD
from tests.server.environments import create


class Accounts(NamedTuple):
    """Clients of Proton in the three accounts, and the steps between them."""

    management: Any
    environment: Any
    third: Any

    def ask(self, name: str, proton: Any = None, **more: Any) -> str:
        """Has an account (the environment account) ask for an environment; returns the connection's id."""
        asker, account = (self.environment, ENVIRONMENT_ACCOUNT) if proton is None else (proton, THIRD)
        role = {"roleArn": f"arn:aws:iam::{account}:role/proton"}
        answer = asker.create_environment_account_connection(
            **{"managementAccountId": ACCOUNT, "environmentName": name, **role, **more}
        )
        connection_id: str = answer["environmentAccountConnection"]["id"]
        return connection_id

    def connect(self, name: str, proton: Any = None, **more: Any) -> str:
        """The same, accepted."""
        connection_id = self.ask(name, proton, **more)
        self.management.accept_environment_account_connection(id=connection_id)
        return connection_id

    def create(self, template: str, connection_id: str, name: str, **more: Any) -> dict[str, Any]:
        """CreateEnvironment through the connection."""
        through = {"protonServiceRoleArn": None, "environmentAccountConnectionId": connection_id}
        return create(self.management, template, **{"name": name, **through, **more})

    def update(self, name: str, **more: Any) -> dict[str, Any]:
        """UpdateEnvironment with a deployment of the current version."""
        answer = self.management.update_environment(name=name, deploymentType="CURRENT_VERSION", **more)
        record: dict[str, Any] = answer["environment"]
        return record
