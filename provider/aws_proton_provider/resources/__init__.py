"""The provider's core: AWS Proton resources and functions, declared once each, and the calls behind them.

Adapters put it behind Pulumi; nothing else in here knows of Pulumi.
"""

from __future__ import annotations

from aws_proton_provider.resources.account_settings import AccountSettings
from aws_proton_provider.resources.environment.resource import Environment
from aws_proton_provider.resources.environment_account_connection import EnvironmentAccountConnection
from aws_proton_provider.resources.environment_account_connection_accepter import (
    EnvironmentAccountConnectionAccepter,
)
from aws_proton_provider.resources.functions.account_settings import GetAccountSettings
from aws_proton_provider.resources.functions.environment_account_connections import (
    GetEnvironmentAccountConnections,
)
from aws_proton_provider.resources.functions.environments import GetEnvironment, GetEnvironments
from aws_proton_provider.resources.functions.function import Function
from aws_proton_provider.resources.lifecycle import CustomResource

RESOURCES: tuple[type[CustomResource], ...] = (
    Environment,
    EnvironmentAccountConnection,
    EnvironmentAccountConnectionAccepter,
    AccountSettings,
)
"""The registry: one line per resource."""

FUNCTIONS: tuple[type[Function], ...] = (
    GetEnvironment,
    GetEnvironments,
    GetAccountSettings,
    GetEnvironmentAccountConnections,
)
"""What a program can read, one line each."""
