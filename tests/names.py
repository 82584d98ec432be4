"""The accounts, the Region and the roles that tests use, and names that no other test uses."""

from __future__ import annotations

import uuid
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
REGION = "us-east-1"
ACCOUNT = "123456789012"
"""The account of the local server: any access key that is not an account ID."""
MANAGEMENT, ENVIRONMENT_ACCOUNT, THIRD = "111111111111", "222222222222", "333333333333"


def role(account: str, name: str = "proton") -> str:
    """The ARN of an account's role."""
    return f"arn:aws:iam::{account}:role/{name}"


SERVICE_ROLE = role(ACCOUNT, "proton-service")


def unique(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"
