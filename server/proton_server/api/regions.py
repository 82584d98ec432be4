"""The Regions that a request may be for: those that botocore's data has in the partitions that Proton was in.

A caller names the Region of all that follows, rows and AWS's clients among them, so none is taken on trust.
The partitions' patterns for Regions to come would let made-up ones through.
"""

from __future__ import annotations

from botocore.loaders import Loader

from proton_server.operations.errors import InvalidSignatureException

_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
"""As in the patterns of ARNs in Proton's model."""
_REGIONS = frozenset(
    name
    for partition in Loader().load_data("partitions")["partitions"]
    if partition["id"] in _PARTITIONS
    for name in partition["regions"]
    if not name.endswith("-global")  # where services without Regions are
)


def is_region(name: str) -> bool:
    """Whether AWS has a Region of that name."""
    return name in _REGIONS


def refuse_made_up(region: str) -> None:
    """Raises InvalidSignatureException, as AWS does for a wrong Region, unless AWS has this one."""
    if not is_region(region):
        message = (
            f"Credential should be scoped to a Region of AWS, and {region} is none that this server knows."
        )
        raise InvalidSignatureException(f"{message} For one that is new, renew the server's botocore.")
