"""The tags a resource has: those of its owner, stored, and those of AWS, which follow from the resource.

Everything about tags that more than one operation needs is here.
https://docs.aws.amazon.com/proton/latest/userguide/resources.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proton_server.operations.errors import ValidationException
from proton_server.persistence.tables import tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proton_server.operations.call import Call

_MAX_TAGS = 50
"""Per resource; the tags that begin with `aws:` do not count."""


def put_tags(call: Call, arn: str, given: Sequence[dict[str, str]]) -> None:
    """Stores the tags of a request. Raises ValidationException for a reserved, repeated or 51st key."""
    keys = [tag["key"] for tag in given]
    refuse_reserved(keys)
    if len(set(keys)) < len(keys):
        raise ValidationException("Each tag key may be given only once.")
    if len(set(keys).union(tag["key"] for tag in owner_tags(call, arn))) > _MAX_TAGS:
        raise ValidationException(f"A resource can have no more than {_MAX_TAGS} tags.")
    for tag in given:
        call.rows.delete(tags, arn=arn, key=tag["key"])
        call.rows.insert(tags, arn=arn, key=tag["key"], value=tag["value"])


def drop_tags(call: Call, arn: str) -> None:
    """Deletes the tags of a resource that was deleted."""
    call.rows.delete(tags, arn=arn)


def owner_tags(call: Call, arn: str) -> list[dict[str, str]]:
    """The tags that were put on a resource."""
    return [{"key": row.key, "value": row.value} for row in call.rows.all(tags, arn=arn)]


def refuse_reserved(keys: Iterable[str]) -> None:
    """Raises ValidationException for a key that only AWS may use."""
    reserved = [key for key in keys if key.lower().startswith("aws:")]
    if reserved:
        message = f"Tag keys that begin with aws: are reserved and cannot be changed: {', '.join(reserved)}."
        raise ValidationException(message)
