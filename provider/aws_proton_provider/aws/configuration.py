"""Where calls go, with which credentials: stack configuration `aws-proton:*`, or a resource's `account`.

Pure.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Annotated, Any

import pydantic

from aws_proton_provider.core.declaration import Model, validation_reason
from aws_proton_provider.core.errors import InvalidInput
from aws_proton_provider.core.package import NAMESPACE
from aws_proton_provider.core.types import Account, AccountId, AssumeRole, DeploymentType, Tags
from aws_proton_provider.core.values import path


class DefaultTags(Model):
    """Tags that every taggable resource of the stack gets."""

    tags: Tags = pydantic.Field(default_factory=dict, description="The tags, by key.")


class Configuration(Model):
    """The stack's configuration, with the names that pulumi-aws gives them."""

    region: str | None = pydantic.Field(
        default=None,
        description="The AWS Region. Left out: AWS_REGION, AWS_DEFAULT_REGION, or the profile's.",
    )
    profile: str | None = pydantic.Field(
        default=None, description="A profile of the AWS configuration files. Left out: AWS_PROFILE."
    )
    assume_role: AssumeRole | None = pydantic.Field(
        default=None, description="A role to assume before the calls are made."
    )
    endpoint: str | None = pydantic.Field(
        default=None, description="The URL of the Proton server. Left out: AWS_ENDPOINT_URL_PROTON."
    )
    max_retries: Annotated[int, pydantic.Field(ge=0)] | None = pydantic.Field(
        default=None,
        description="How often a call is repeated that was throttled, or that the server failed at.",
    )
    allowed_account_ids: tuple[AccountId, ...] = pydantic.Field(
        default=(),
        description="The only accounts that may be changed; checked with STS before the first write.",
    )
    forbidden_account_ids: tuple[AccountId, ...] = pydantic.Field(
        default=(), description="Accounts that must not be changed; checked with STS before the first write."
    )
    default_tags: DefaultTags = pydantic.Field(
        default=DefaultTags(),
        description="Tags of everything that has tags; a resource's own go before these.",
    )
    max_deployment_type: DeploymentType | None = pydantic.Field(
        default=None,
        description="The highest deploymentType that an update of an environment may have. A change that "
        "needs more fails in the preview.",
    )
    refresh_tags: bool = pydantic.Field(
        default=False,
        description="Whether a refresh reads the tags of each environment, one call each, and not only of "
        "those that have changed otherwise.",
    )

    @classmethod
    def of_stack(cls, config: Mapping[str, Any]) -> Configuration:
        """The configuration among all of a stack's `namespace:key` values; structured ones are JSON text.

        Raises:
            InvalidInput: a key is not known or a value does not fit; says which and how to set it.

        """
        prefix = f"{NAMESPACE}:"
        own = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
        try:
            return cls.of_provider(own)
        except InvalidConfiguration as fault:
            raise InvalidInput(fault.in_stack()) from None

    @classmethod
    def of_provider(cls, inputs: Mapping[str, Any]) -> Configuration:
        """The configuration in a provider resource's inputs; structured ones may be JSON text.

        Raises:
            InvalidConfiguration: a key is not known or a value does not fit.

        """
        try:
            return cls.model_validate({key: _structured(value) for key, value in inputs.items()})
        except pydantic.ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[0]
            key, *below = found["loc"]
            unknown = key not in {field.alias for field in cls.model_fields.values()}
            near = _meant(cls, str(key)) if unknown else ""
            raise InvalidConfiguration(
                f"{key}{path(below)}",
                f"{validation_reason(found)}{near}",
                nested=bool(below),
                known=found["type"] != "extra_forbidden",
            ) from None


class InvalidConfiguration(InvalidInput):
    """A setting that is not valid: `place` is its name, or the path to what is wrong below it."""

    def __init__(self, place: str, reason: str, *, nested: bool, known: bool) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason, self.nested, self.known = place, reason, nested, known

    def in_stack(self) -> str:
        """The sentence where the setting is one of the stack's configuration, with what to do."""
        key = f"{NAMESPACE}:{self.place}"
        named = f"--path '{key}'" if self.nested else key
        remedy = f"set {named} VALUE" if self.known else f"rm {named}"
        return f"stack configuration {NAMESPACE}:{self}; fix it with `pulumi config {remedy}`"


class Target(Model):
    """The endpoint that is called, the credentials, and the limits on what may be changed."""

    region: str | None
    profile: str | None
    assume_role: AssumeRole | None
    endpoint: str | None
    max_retries: int | None
    allowed_account_ids: tuple[str, ...]
    forbidden_account_ids: tuple[str, ...]


def target(configuration: Configuration, account: Mapping[str, Any] | None) -> Target:
    """Where a resource's calls go.

    Profile and role are one credential: an `account` that names either uses only its own.

    Raises:
        InvalidInput: `account` is not valid; check reports the same of the input, in more detail.

    """
    try:
        own = Account.model_validate(account or {})
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        raise InvalidInput(f"account{path(found['loc'])}: {validation_reason(found)}") from None
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


def _meant(model: type[Model], key: str) -> str:
    known = [str(field.alias) for field in model.model_fields.values()]
    near = difflib.get_close_matches(key, known, n=1)
    return f", did you mean {near[0]}" if near else ""


def _structured(value: Any) -> Any:
    """A structured value from its JSON text, as Pulumi hands it over; any other text stays as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
