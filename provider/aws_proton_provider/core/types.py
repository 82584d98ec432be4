"""The types of declared properties: text with the API's limits, nested objects, and how AWS encodes them.

The limits are those of botocore's shapes (a test compares them); the sentences are ours.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Annotated, Any, Literal

import pydantic
from pydantic_core import core_schema

from aws_proton_provider.core import spec
from aws_proton_provider.core.declaration import Encoding, Model
from aws_proton_provider.core.ownership import BOOKKEEPING, OWNER_TAG


@dataclasses.dataclass(frozen=True)
class Text:
    """The limits of a text: a pattern somewhere in it, and from `least` to `most` characters.

    `meaning` is what the message calls a valid one.
    """

    pattern: str
    meaning: str
    most: int
    least: int = 1

    def __get_pydantic_core_schema__(
        self, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: str) -> str:
        if not self.least <= len(value) <= self.most or not re.search(self.pattern, value):
            raise ValueError(f"must be {self.meaning}")
        return value


def _number_as_text(value: Any) -> Any:
    """A version written as a number (`1`) means the text the API wants (`"1"`)."""
    return str(value) if type(value) is int else value


def _number_as_account(value: Any) -> Any:
    """`pulumi config set --path` stores an account's id as a number, and so without its leading zeros."""
    return f"{value:012d}" if type(value) is int else value


ResourceName = Annotated[
    str,
    Text(
        r"^[0-9A-Za-z]+[0-9A-Za-z_\-]*$",
        "1 to 100 letters, digits, hyphens and underscores, beginning with a letter or digit",
        most=100,
    ),
]
TemplateVersionPart = Annotated[
    str,
    pydantic.BeforeValidator(_number_as_text),
    Text(r"^(0|([1-9]{1}\d*))$", 'a version number such as "1", without a dot or leading zero', most=20),
]
Description = Annotated[str, Text(r"", "at most 500 characters", least=0, most=500)]
Arn = Annotated[
    str,
    Text(
        r"^arn:(aws|aws-cn|aws-us-gov):[a-zA-Z0-9-]+:[a-zA-Z0-9-]*:\d{12}:([\w+=,.@-]+[/:])*[\w+=,.@-]+$",
        "an ARN such as arn:aws:iam::123456789012:role/name, of at most 200 characters",
        most=200,
    ),
]
RoleArn = Annotated[
    str,
    Text(
        r"^arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:role/([\w+=,.@-]{1,512}[/:])*([\w+=,.@-]{1,64})$",
        "the ARN of an IAM role, such as arn:aws:iam::123456789012:role/name",
        most=2048,
    ),
]
ConnectionId = Annotated[
    str,
    Text(
        r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        "the ID of an environment account connection, a lowercase UUID",
        most=36,
        least=36,
    ),
]
AccountId = Annotated[
    str,
    pydantic.BeforeValidator(_number_as_account),
    Text(r"^\d{12}$", "an AWS account ID of 12 digits", most=12, least=12),
]
DeploymentType = Literal["NONE", "CURRENT_VERSION", "MINOR_VERSION", "MAJOR_VERSION"]
Decision = Literal["ACCEPT", "REJECT"]
ConnectionStatus = Literal["PENDING", "CONNECTED", "REJECTED"]
ConnectionRequester = Literal["MANAGEMENT_ACCOUNT", "ENVIRONMENT_ACCOUNT"]
RepositoryProvider = Literal["GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET"]
Spec = Annotated[
    dict[str, Any],
    pydantic.BeforeValidator(spec.inputs_of),
    Encoding(encode=spec.document, decode=spec.inputs_of),
]
_DURATION = re.compile(r"(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
Duration = Annotated[
    str, Text(rf"^{_DURATION.pattern}$", 'a duration such as "90m", "1h30m" or "45s"', most=20)
]


def seconds(duration: str) -> int:
    """A `Duration` in seconds."""
    hours, minutes, rest = (int(part or 0) for part in _DURATION.findall(duration)[0])
    return hours * 3600 + minutes * 60 + rest


def _scalar_as_text(value: Any) -> Any:
    """`pulumi config set --path` stores 42 as a number and true as a boolean; a tag means the text."""
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def _checked_tags(tags: dict[str, str]) -> dict[str, str]:
    for key, value in tags.items():
        if key in (OWNER_TAG, *BOOKKEEPING):
            raise ValueError(f"tag {key!r} is reserved for the provider: leave it out")
        if key.startswith("aws:"):
            raise ValueError(f"tag {key!r}: the prefix aws: is reserved by AWS")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise ValueError(f"tag {key!r}: a key has 1 to 128 characters and a value at most 256")
    if len(tags) > 50:
        raise ValueError(f"{len(tags)} tags: AWS allows 50")
    return tags


TAG_LIST = Encoding(
    encode=lambda tags: [{"key": key, "value": value} for key, value in tags.items()],
    decode=lambda listed: {tag["key"]: tag["value"] for tag in listed},
)
AllTags = Annotated[dict[str, str], TAG_LIST]
Outputs = Annotated[
    dict[str, str],
    Encoding(
        encode=lambda outputs: [{"key": key, "valueString": value} for key, value in outputs.items()],
        # The model requires neither.
        decode=lambda listed: {
            item["key"]: item["valueString"] for item in listed if item.keys() >= {"key", "valueString"}
        },
    ),
]
Tags = Annotated[
    dict[str, Annotated[str, pydantic.BeforeValidator(_scalar_as_text)]],
    pydantic.AfterValidator(_checked_tags),
]


class ProvisioningRepository(Model):
    """A linked repository that self-managed provisioning sends its pull requests to."""

    provider: RepositoryProvider = pydantic.Field(description="Where the repository is hosted.")
    name: Annotated[
        str, Text(r"[A-Za-z0-9_.-].*/[A-Za-z0-9_.-].*", 'a repository such as "owner/name"', most=100)
    ] = pydantic.Field(description='The repository, such as "owner/name".')
    branch: Annotated[str, Text(r"", "a branch name of 1 to 200 characters", most=200)] = pydantic.Field(
        description="The branch that the pull requests are for."
    )


class AssumeRole(Model):
    """A role to assume before the calls are made."""

    role_arn: RoleArn = pydantic.Field(description="The role's ARN.")
    session_name: str | None = pydantic.Field(
        default=None, description='The name of the session; "pulumi-aws-proton" where it is left out.'
    )
    external_id: str | None = pydantic.Field(
        default=None, description="The external ID that the role's trust policy asks for."
    )
    duration_seconds: Annotated[int, pydantic.Field(ge=900, le=43200)] | None = pydantic.Field(
        default=None,
        description="How long the credentials are valid, 900 to 43,200 seconds; they are renewed.",
    )


class Account(Model):
    """Where a resource's calls go: references only and never keys, so that the state may hold it."""

    profile: str | None = pydantic.Field(
        default=None, description="A profile of the AWS configuration files."
    )
    assume_role: AssumeRole | None = pydantic.Field(
        default=None, description="The role to assume before the calls are made."
    )
    region: str | None = pydantic.Field(default=None, description="The AWS Region.")
    endpoint: str | None = pydantic.Field(default=None, description="The URL of the Proton server.")


class Timeouts(Model):
    """How long a create, update or delete waits at most, such as "90m"."""

    create: Duration | None = pydantic.Field(default=None, description="Of a create.")
    update: Duration | None = pydantic.Field(default=None, description="Of an update.")
    delete: Duration | None = pydantic.Field(default=None, description="Of a delete.")
