"""The inputs of the provider resource: what they configure, and which change of them means another provider.

They are the settings of the stack's configuration (`aws/configuration.py`), by the same names.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from aws_proton_provider.aws.configuration import Configuration, InvalidConfiguration
from aws_proton_provider.core.package import NAMESPACE
from aws_proton_provider.core.values import UNKNOWN, State, has_unknown

_PULUMIS = ("version", "pluginDownloadURL", "pluginChecksums")
"""Inputs of every provider resource, which the engine itself reads."""


def configuration_of(inputs: Mapping[str, Any]) -> Configuration:
    """The configuration that a provider resource's inputs give, as far as they are known.

    Raises:
        InvalidConfiguration: one is not valid.

    """
    known = {key: value for key, value in settings_in(inputs).items() if not has_unknown(value)}
    return Configuration.of_provider(known)


def is_default(urn: str) -> bool:
    """Whether a provider is Pulumi's own (`default_0_1_0`), which has the stack's configuration."""
    return urn.rpartition("::")[2].startswith("default")


def settings_in(inputs: Mapping[str, Any]) -> State:
    """The settings among a provider resource's inputs.

    Where a stack moves over from the dynamic resources, the old provider has the whole stack's configuration.
    """
    prefix = f"{NAMESPACE}:"
    return {
        key.removeprefix(prefix): value
        for key, value in inputs.items()
        if not key.startswith("__") and key not in _PULUMIS and (":" not in key or key.startswith(prefix))
    }


def replacing(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """The settings by whose change the same objects cannot be meant any more: another Region or account.

    Where either side leaves one to the environment or the profile it counts as the same.
    """
    before, after = (_identity(settings_in(inputs)) for inputs in (old, new))
    return tuple(
        key
        for key in before.keys() & after.keys()
        if UNKNOWN not in (before[key], after[key]) and before[key] != after[key]
    )


def _identity(settings: State) -> State:
    """Where calls go, as far as the settings alone say: the Region, and the account of the role."""
    role = None
    with contextlib.suppress(InvalidConfiguration):  # of another version, or not valid: Configure says so
        role = configuration_of({"assumeRole": settings.get("assumeRole")}).assume_role
    found = {"region": settings.get("region"), "assumeRole": role and role.role_arn.split(":")[4]}
    return {key: value for key, value in found.items() if value is not None}
