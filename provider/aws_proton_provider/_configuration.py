"""Where calls go and as whom: stack configuration `aws-proton:*`, overridden by a resource's `account`. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import pydantic

from ._declare import Model
from ._errors import InvalidInput
from ._types import Account, AssumeRole

NAMESPACE = "aws-proton"

AccountId = Annotated[str, pydantic.StringConstraints(pattern=r"^\d{12}$")]


class DefaultTags(Model):
    """Tags that every taggable resource of the stack gets."""

    tags: dict[str, str] = {}


class Configuration(Model):
    """The stack's configuration, with the names that pulumi-aws gives them."""

    region: str | None = None
    profile: str | None = None
    assume_role: AssumeRole | None = None
    endpoint: str | None = None
    max_retries: Annotated[int, pydantic.Field(ge=0)] | None = None
    allowed_account_ids: tuple[AccountId, ...] = ()
    forbidden_account_ids: tuple[AccountId, ...] = ()
    default_tags: DefaultTags = DefaultTags()

    @classmethod
    def of_stack(cls, config: Mapping[str, Any]) -> Configuration:
        """The configuration among all of a stack's `namespace:key` values; structured ones are JSON text.

        Raises:
            InvalidInput: a key is not known or a value does not fit; says which and how to set it.
        """
        prefix = f"{NAMESPACE}:"
        own = {key.removeprefix(prefix): _structured(value) for key, value in config.items() if key.startswith(prefix)}
        try:
            return cls.model_validate(own)
        except pydantic.ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            key, *below = map(str, fault["loc"])
            where = prefix + key + "".join(f".{part}" for part in below)
            raise InvalidInput(
                f"stack configuration {where}: {fault['msg']}; set it with `pulumi config set {prefix}{key}`"
            ) from None


class Target(Model):
    """Everything that decides which endpoint is called, as whom and with what restraint."""

    region: str | None
    profile: str | None
    assume_role: AssumeRole | None
    endpoint: str | None
    max_retries: int | None
    allowed_account_ids: tuple[str, ...]
    forbidden_account_ids: tuple[str, ...]


def target(configuration: Configuration, account: Mapping[str, Any] | None) -> Target:
    """Where a resource's calls go. Profile and role are one credential: an `account` that names either uses only its own."""
    own = Account.model_validate(account or {})
    who = own if own.profile or own.assume_role else configuration
    return Target(
        region=own.region or configuration.region,
        profile=who.profile,
        assume_role=who.assume_role,
        endpoint=own.endpoint or configuration.endpoint,
        max_retries=configuration.max_retries,
        allowed_account_ids=configuration.allowed_account_ids,
        forbidden_account_ids=configuration.forbidden_account_ids,
    )


def _structured(value: Any) -> Any:
    """Pulumi hands structured values over as JSON text; a plain text that happens to be JSON of a number stays text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
