"""Which principals may read, and which may write: the rules of the operator's configuration. Pure.

Nobody may do anything unless a rule says so. A rule names partition, account and kind of a principal, and a
pattern for its name, in which `*` is any characters that names have, so neither `:` nor `/`. Root and
federated users are named as they are, without `*`.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proton_server.identity.partitions import PARTITIONS

if TYPE_CHECKING:
    from collections.abc import Iterable


class Access(enum.IntEnum):
    """What a caller may do. Each level includes those below."""

    NONE = 0
    READ = 1
    WRITE = 2


@dataclass(frozen=True)
class Rule:
    """An entry of the configuration: whoever the pattern matches has this access."""

    principal: re.Pattern[str]
    access: Access


_ALLOW = {"read": Access.READ, "write": Access.WRITE}
_PATTERN = re.compile(
    rf"arn:({'|'.join(PARTITIONS)}):(?:"
    r"iam::\d{12}:user/(?:[\w+=,.@*-]+/)*[\w+=,.@*-]+|"
    r"iam::\d{12}:role/[\w+=,.@*-]+|"
    r"iam::\d{12}:root|"
    r"sts::\d{12}:federated-user/[\w+=,.@-]+)",
    re.ASCII,
)
_MAX_PATTERN = 512
_EXAMPLE = "such as arn:aws:iam::111122223333:role/deploy-*, with the account written out"


def rule(pattern: str, allow: str) -> Rule:
    """The rule that a principal's pattern and `read` or `write` make. Raises ValueError: one clause."""
    if allow not in _ALLOW:
        raise ValueError("allow must be read or write")
    if ":assumed-role/" in pattern:
        raise ValueError("principal must be a role (role/NAME): the name of its session decides nothing")
    if ":role/" in pattern and "/" in pattern.partition(":role/")[2]:
        raise ValueError("principal must be a role without its path (role/NAME), which STS does not say")
    if len(pattern) > _MAX_PATTERN or not _PATTERN.fullmatch(pattern):
        raise ValueError(f"principal must be the ARN of a user or a role, {_EXAMPLE}")
    parts = (re.escape(part) for part in re.split(r"\*+", pattern))
    return Rule(re.compile(r"[\w+=,.@-]*".join(parts), re.ASCII), _ALLOW[allow])


def access_of(arn: str, rules: Iterable[Rule]) -> Access:
    """What a principal may do: the most that a rule for it says."""
    return max((rule.access for rule in rules if rule.principal.fullmatch(arn)), default=Access.NONE)


def needed_for(operation: str) -> Access:
    """What an operation of Proton needs: those that only read begin with Get or List."""
    return Access.READ if operation.startswith(("Get", "List")) else Access.WRITE
