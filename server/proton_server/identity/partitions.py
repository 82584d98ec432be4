"""The Regions that AWS has, and their partitions, as botocore's data says.

The partitions' patterns for Regions to come would let made-up names through.
"""

from __future__ import annotations

from botocore.loaders import Loader

PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
"""As in the patterns of ARNs in Proton's model."""

_PARTITION_OF = {
    name: partition["id"]
    for partition in Loader().load_data("partitions")["partitions"]
    if partition["id"] in PARTITIONS
    for name in partition["regions"]
    if not name.endswith("-global")  # where services without Regions are
}


def partition_of(region: str) -> str | None:
    """The partition of a Region; None for a name that AWS has no Region of, or not in these partitions."""
    return _PARTITION_OF.get(region)
