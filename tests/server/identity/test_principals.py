"""Principals and the rules about them: who is who, and nobody may do anything unless it is written down."""

from __future__ import annotations

import pytest

from proton_server.identity.access_rules import Access, access_of, needed_for, rule
from proton_server.identity.principals import principal_of

ACCOUNT = "111122223333"


@pytest.mark.parametrize(
    ("arn", "normalised"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/alice", f"arn:aws:iam::{ACCOUNT}:user/alice"),
        (f"arn:aws:iam::{ACCOUNT}:user/eng/alice", f"arn:aws:iam::{ACCOUNT}:user/eng/alice"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/session", f"arn:aws:iam::{ACCOUNT}:role/deploy"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/me@example.com", f"arn:aws:iam::{ACCOUNT}:role/deploy"),
        (f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/deploy/s", f"arn:aws-cn:iam::{ACCOUNT}:role/deploy"),
        (f"arn:aws-us-gov:iam::{ACCOUNT}:user/a", f"arn:aws-us-gov:iam::{ACCOUNT}:user/a"),
        (f"arn:aws:iam::{ACCOUNT}:role/path/deploy", f"arn:aws:iam::{ACCOUNT}:role/deploy"),
        (f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/bob", f"arn:aws:sts::{ACCOUNT}:federated-user/bob"),
    ],
)
def test_a_principal_has_one_arn(arn: str, normalised: str) -> None:
    principal = principal_of(arn)

    assert (principal.arn, principal.account_id) == (normalised, ACCOUNT)
    assert principal_of(normalised) == principal


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws:iam::111122223333:group/eng",
        "arn:aws:iam::1111:user/alice",
        "arn:aws:iam::١١١١٢٢٢٢٣٣٣٣:user/alice",
        "arn:aws:iam:us-east-1:111122223333:user/alice",
        "arn:aws:s3::111122223333:user/alice",
        "arn:aws:sts::111122223333:user/alice",
        "arn:aws:iam::111122223333:assumed-role/deploy/session",
        "arn:aws:sts::111122223333:assumed-role/deploy",
        "arn:aws:sts::111122223333:assumed-role/deploy/a/b",
        "arn:aws:sts::111122223333:federated-user/a/b",
        "arn:aws:sts::111122223333:root",
        "arn:aws:iam::111122223333:root/x",
        "arn:aws:iam::111122223333:user/alice\n",
        "arn:aws:iam::111122223333:user/al*ce",
        "arn:AWS:iam::111122223333:user/alice",
        "arn:aws:iam::111122223333:user/" + "a" * 3000,
    ],
)
def test_everything_else_is_no_principal(arn: str) -> None:
    with pytest.raises(ValueError, match="is not the ARN"):
        principal_of(arn)


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        ("role/deploy", "role/deploy", True),
        ("role/deploy", "role/deploy-x", False),
        ("role/deploy", "role/Deploy", False),
        ("role/deploy-*", "role/deploy-x", True),
        ("role/deploy-*", "role/deploy-", True),
        ("role/*", "role/anything", True),
        ("role/*", "user/anything", False),
        ("role/*", "root", False),
        ("role/a.c", "role/abc", False),
        ("role/a+", "role/aa", False),
        ("role/*-admin-*", "role/x-admin-y", True),
        ("user/*", "user/alice", True),
        ("user/*", "user/eng/alice", False),
        ("user/eng/*", "user/eng/alice", True),
        ("user/eng/*", "user/eng/more/alice", False),
        ("user/*/alice", "user/eng/alice", True),
        ("root", "root", True),
    ],
)
def test_a_star_stays_within_its_part(pattern: str, arn: str, *, matches: bool) -> None:
    rules = [rule(f"arn:aws:iam::{ACCOUNT}:{pattern}", "write")]

    assert access_of(f"arn:aws:iam::{ACCOUNT}:{arn}", rules) == (Access.WRITE if matches else Access.NONE)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::444455556666:role/deploy",
        "arn:aws-cn:iam::111122223333:role/deploy",
        "arn:aws:iam::111122223333:role/deploy\n",
        "",
    ],
)
def test_partition_and_account_are_compared(arn: str) -> None:
    assert access_of(arn, [rule(f"arn:aws:iam::{ACCOUNT}:role/*", "write")]) is Access.NONE


@pytest.mark.parametrize(
    ("pattern", "clause"),
    [
        ("*", "principal must be the ARN of a user or a role"),
        ("arn:aws:iam::*:role/deploy", "with the account written out"),
        ("arn:*:iam::111122223333:role/deploy", "principal must be the ARN"),
        ("arn:aws:iam::111122223333:*", "principal must be the ARN"),
        ("arn:aws:iam::111122223333:r*", "principal must be the ARN"),
        ("arn:aws:iam::111122223333:ro*t", "principal must be the ARN"),
        ("arn:aws:iam::111122223333:*/deploy", "principal must be the ARN"),
        ("arn:aws:sts::111122223333:federated-user/*", "principal must be the ARN"),
        ("arn:aws-made-up:iam::111122223333:role/deploy", "principal must be the ARN"),
        ("arn:aws:iam::111122223333:role/path/deploy", "without its path"),
        ("arn:aws:sts::111122223333:assumed-role/deploy/*", "the name of its session decides nothing"),
        ("arn:aws:iam::111122223333:role/" + "a" * 600, "principal must be the ARN"),
    ],
)
def test_a_pattern_names_partition_account_and_kind(pattern: str, clause: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message is asserted
        rule(pattern, "read")

    assert clause in str(caught.value)


@pytest.mark.parametrize(
    "arn", ["arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:federated-user/bob"]
)
def test_root_and_federated_users_are_allowed_by_their_own_arn_only(arn: str) -> None:
    stars = [rule(f"arn:aws:iam::{ACCOUNT}:{kind}/*", "write") for kind in ("user", "role")]

    assert access_of(arn, stars) is Access.NONE
    assert access_of(arn, [rule(arn, "read")]) is Access.READ


def test_nobody_may_do_anything_by_default_and_the_widest_rule_counts() -> None:
    arn, wide = f"arn:aws:iam::{ACCOUNT}:role/deploy", f"arn:aws:iam::{ACCOUNT}:role/*"

    assert access_of(arn, []) is Access.NONE
    assert access_of(arn, [rule(wide, "read")]) is Access.READ
    assert access_of(arn, [rule(arn, "write"), rule(wide, "read")]) is Access.WRITE


@pytest.mark.parametrize("allow", ["", "Write", "all", "admin"])
def test_a_rule_allows_reading_or_writing(allow: str) -> None:
    with pytest.raises(ValueError, match="allow must be read or write"):
        rule(f"arn:aws:iam::{ACCOUNT}:role/deploy", allow)


@pytest.mark.parametrize(
    ("operation", "access"),
    [
        ("GetEnvironment", Access.READ),
        ("ListEnvironments", Access.READ),
        ("CreateEnvironment", Access.WRITE),
        ("TagResource", Access.WRITE),
        ("NotifyResourceDeploymentStatusChange", Access.WRITE),
        ("AdoptEnvironment", Access.WRITE),
    ],
)
def test_what_an_operation_needs(operation: str, access: Access) -> None:
    assert needed_for(operation) is access
