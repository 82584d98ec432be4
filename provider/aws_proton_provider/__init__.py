"""The provider's core: AWS Proton resources, declared once each, and the calls behind them.

Adapters put it behind Pulumi; nothing else in here knows of Pulumi.
"""

from __future__ import annotations

from ._lifecycle import CustomResource
from .account_settings import AccountSettings
from .environment import Environment
from .environment_account_connection import EnvironmentAccountConnection
from .environment_account_connection_accepter import EnvironmentAccountConnectionAccepter

RESOURCES: tuple[type[CustomResource], ...] = (
    Environment,
    EnvironmentAccountConnection,
    EnvironmentAccountConnectionAccepter,
    AccountSettings,
)
"""The registry: one line per resource."""
