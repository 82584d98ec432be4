"""What a caller may do, decided before an operation runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proton_server.identity.access_rules import Access, needed_for
from proton_server.operations.errors import AccessDeniedException

if TYPE_CHECKING:
    from proton_server.api.authentication import Caller

_REASONS = {
    Access.NONE: "no entry of the server's configuration allows it",
    Access.READ: "the server's configuration allows it to read only",
}


def authorize(caller: Caller, operation: str) -> None:
    """Raises AccessDeniedException, in AWS's words and with our reason, unless the caller may do this."""
    if caller.access < needed_for(operation):
        denied = f"User: {caller.principal} is not authorized to perform: proton:{operation}"
        raise AccessDeniedException(f"{denied} because {_REASONS[caller.access]}")
