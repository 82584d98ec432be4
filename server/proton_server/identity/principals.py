"""Who has called AWS, as an ARN: users, roles, an account's root user, federated users. Pure.

The name of a role's session is chosen by whoever assumes the role, and STS does not say the role's path; so
an assumed role is `arn:PARTITION:iam::ACCOUNT:role/NAME`, and its session's name decides nothing.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"[\w+=,.@-]{1,128}"
_ARN = re.compile(
    rf"arn:(?P<partition>aws(-[a-z]+)*):(?P<service>iam|sts)::(?P<account>\d{{12}}):"
    rf"((?P<kind>user|role|assumed-role|federated-user)/(?P<name>(?:[!-.0-~]+/){{0,64}}{_NAME})|(?P<root>root))",
    re.ASCII,
)
_MAX_LENGTH = 2048
_SERVICE_OF = {"user": "iam", "role": "iam", "root": "iam", "assumed-role": "sts", "federated-user": "sts"}


@dataclass(frozen=True)
class Principal:
    """Who called AWS; two that are equal are the same."""

    partition: str
    account_id: str
    kind: str
    """user, role, root or federated-user."""
    name: str = ""
    """A user's with its path, a role's without; empty for root."""

    @property
    def arn(self) -> str:
        """The ARN, without a session."""
        resource = f"{self.kind}/{self.name}" if self.name else self.kind
        return f"arn:{self.partition}:{_SERVICE_OF[self.kind]}::{self.account_id}:{resource}"


def principal_of(arn: str) -> Principal:
    """The principal that an ARN names: that of STS's GetCallerIdentity, or a role's own.

    Raises ValueError for everything else.
    """
    match = _ARN.fullmatch(arn) if len(arn) <= _MAX_LENGTH else None
    if match is None or match["service"] != _SERVICE_OF[match["kind"] or "root"]:
        raise ValueError("is not the ARN of a user, a role, an assumed role, a federated user or root")
    kind, name = match["kind"] or "root", match["name"] or ""
    if kind == "assumed-role":
        role, slash, session = name.partition("/")
        if not slash or "/" in session:
            raise ValueError("is not the ARN of an assumed role and its session")
        kind, name = "role", role
    elif kind == "role":
        name = name.rpartition("/")[2]
    elif kind == "federated-user" and "/" in name:
        raise ValueError("is not the ARN of a federated user")
    return Principal(match["partition"], match["account"], kind, name)
