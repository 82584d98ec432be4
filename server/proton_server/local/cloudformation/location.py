"""Where a resource lives, and which stack it belongs to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Location:
    """Account, region and stack."""

    account: str
    region: str
    stack_name: str
    stack_id: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def partition(self) -> str:
        """``aws``, ``aws-cn`` or ``aws-us-gov``: the second part of every ARN of this stack."""
        return self.stack_id.split(":")[1]

    def pseudo_parameters(self) -> dict[str, Any]:
        """The values of ``AWS::Region`` and its like; ``AWS::NoValue`` has none."""
        return {
            "AWS::AccountId": self.account,
            "AWS::NotificationARNs": [],
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com",
        }
