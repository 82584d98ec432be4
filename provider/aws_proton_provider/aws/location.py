"""Whether the current credentials and Region reach the object in the state.

`account` may change without a replacement, so this is checked before an object is changed, or taken for
deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_proton_provider.core.errors import Unreachable, WrongAccount

if TYPE_CHECKING:
    from aws_proton_provider.aws.client import Proton


def current_location(proton: Proton) -> str:
    """Where calls go: `account/region`."""
    return f"{proton.account}/{proton.region}"


def require_same(known: str | None, found: str) -> None:
    """Makes sure that what was found, by ARN or location, is what the state has.

    Raises:
        WrongAccount: it is not.

    """
    if known and known != found:
        raise WrongAccount(
            f"the object in the state is {known}, but the current credentials and Region reach {found}: "
            "nothing was changed; correct `account`, or the stack's aws-proton configuration"
        )


def require_gone(arn: str | None, proton: Proton, *, account: str | None = None) -> None:
    """Makes sure that what was not found was looked for in its own Region and account.

    `account` is the one to look in where that is not its owner. Where STS does not answer, the Region
    decides.

    Raises:
        WrongAccount: it was not, so that the object may still exist.

    """
    if arn is None:
        return
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return
    region, owner = parts[3:5]
    try:
        reached = current_location(proton)
    except Unreachable:
        reached = f"{account or owner}/{proton.region}"
    require_same(f"{account or owner}/{region}", reached)
