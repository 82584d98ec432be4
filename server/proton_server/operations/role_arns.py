"""Roles in a request: of which account they may be. Whether a role exists is seen when it is assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.operations.errors import ValidationException

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proton_server.operations.call import Call


def check_role_accounts(call: Call, request: dict[str, Any], members: Iterable[str]) -> None:
    """Raises ValidationException for a role that is not of the caller's account.

    This server, not the caller, assumes the roles: it must not use one account's role for another account.
    """
    for member in members:
        if request.get(member) and request[member].split(":")[4] != call.account_id:
            raise ValidationException(f"{member} must be a role in account {call.account_id}.")
