"""The Regions that a request may be for: those that botocore's data has in the partitions that Proton was in.

A caller names the Region of all that follows, rows and AWS's clients among them, so none is taken on trust.
"""

from __future__ import annotations

from proton_server.identity.partitions import partition_of
from proton_server.operations.errors import InvalidSignatureException


def is_region(name: str) -> bool:
    """Whether AWS has a Region of that name."""
    return partition_of(name) is not None


def refuse_made_up(region: str) -> None:
    """Raises InvalidSignatureException, as AWS does for a wrong Region, unless AWS has this one."""
    if not is_region(region):
        message = (
            f"Credential should be scoped to a Region of AWS, and {region} is none that this server knows."
        )
        raise InvalidSignatureException(f"{message} For one that is new, renew the server's botocore.")
