"""The name of the Pulumi package."""

from __future__ import annotations

NAMESPACE = "aws-proton"
"""Of its configuration (`aws-proton:region`) and of its resources' types."""
