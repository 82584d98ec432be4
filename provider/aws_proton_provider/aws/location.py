"""Whether the credentials and region of now reach the object in the state.

`account` may change without a replacement, so this is asked before anything is changed or given up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_proton_provider.core.errors import Unreachable, WrongAccount

if TYPE_CHECKING:
    from aws_proton_provider.aws.client import Proton


def here(proton: Proton) -> str:
    """The place that is called: `account/region`."""
    return f"{proton.account}/{proton.region}"


def same(known: str | None, found: str) -> None:
    """Makes sure that what was found, by ARN or place, is what the state knows.

    Raises:
        WrongAccount: it is not.

    """
    if known and known != found:
        raise WrongAccount(
            f"the state's object is {known}, but the credentials and region of now reach {found}: nothing "
            "was changed; correct `account`, or the stack's aws-proton configuration"
        )


def confirm_gone(arn: str | None, proton: Proton, *, account: str | None = None) -> None:
    """Makes sure that what was not found was looked for in its own region and account.

    `account` is the one to look in where that is not its owner. Where STS cannot tell who asks, the
    region decides.

    Raises:
        WrongAccount: it was not, so that nothing is known of the object.

    """
    if arn is None:
        return
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return
    region, owner = parts[3:5]
    try:
        reached = here(proton)
    except Unreachable:
        reached = f"{account or owner}/{proton.region}"
    same(f"{account or owner}/{region}", reached)
