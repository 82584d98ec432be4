"""Client tokens: a create that is repeated with the same token returns what the first one created.

By the introduction of the API reference a token lives 8 hours, other parameters under it are an error, and
when the original was deleted the request creates a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.operations.call import digest
from proton_server.operations.errors import ValidationException
from proton_server.persistence.tables import client_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

    from proton_server.operations.call import Call

_LIFE_SECONDS = 8 * 60 * 60


def made_before(
    call: Call, request: dict[str, Any], find: Callable[[str], sa.Row[Any] | None]
) -> sa.Row[Any] | None:
    """What an earlier request with the same client token made, if it still exists. `find` gets it by its id.

    Raises ValidationException if that request had other parameters.
    """
    if "clientToken" not in request:
        return None
    known = call.rows.find(client_tokens, operation=call.operation, token=request["clientToken"])
    if known is None or known.expires_at <= call.now:
        return None
    made = find(known.made)
    if made is not None and known.request != digest(request):
        message = "Idempotent parameter mismatch: the client token was used before with other parameters."
        raise ValidationException(message)
    return made


def remember(call: Call, request: dict[str, Any], made: str) -> None:
    """Keeps what the request made, by its id, under the request's client token."""
    if "clientToken" not in request:
        return
    key = {"operation": call.operation, "token": request["clientToken"]}
    call.rows.delete(client_tokens, **key)
    expires_at = call.now + _LIFE_SECONDS
    call.rows.insert(client_tokens, **key, request=digest(request), made=made, expires_at=expires_at)
