"""The provider's core: AWS Proton resources, declared once each, and the calls behind them.

Adapters put it behind Pulumi; nothing else in here knows of Pulumi.
"""

from __future__ import annotations

from ._lifecycle import CustomResource
from .environment import Environment

RESOURCES: tuple[type[CustomResource], ...] = (Environment,)
"""The registry: one line per resource."""
