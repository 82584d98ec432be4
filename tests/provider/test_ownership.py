"""To whom an object belongs, and the table of what a create does with an existing one, row by row."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_proton_provider.core.ownership import (
    Tags,
    Verdict,
    belongs,
    owner,
    parents_in,
    reason_not_to_delete,
    verdict,
)

ANY = (True, False)
ROWS = [
    # being created, own, equal, adopt, limited, what becomes of it
    ((True,), (True,), ANY, ANY, ANY, Verdict.RESUME),
    ((True,), (False,), ANY, (True,), ANY, Verdict.ADOPT),
    ((False,), ANY, ANY, (True,), ANY, Verdict.ADOPT),
    ((False,), (True,), (True,), (False,), (False,), Verdict.KEEP),
    ((False,), (True,), (False,), (False,), (False,), Verdict.REFUSE_DIFFERENT),
    ((False,), (True,), ANY, (False,), (True,), Verdict.REFUSE_REPLACEMENT),
    (ANY, (False,), ANY, (False,), ANY, Verdict.REFUSE_FOREIGN),
]
CASES = [
    (dict(zip(("creating", "own", "equal", "adopt", "limited"), case, strict=True)), found)
    for *row, found in ROWS
    for case in itertools.product(*row)
]


@pytest.mark.parametrize(("case", "found"), CASES)
def test_what_a_create_does_with_an_existing_object(case: dict[str, bool], found: Verdict) -> None:
    assert verdict(**case) is found


def test_the_table_has_each_case_once() -> None:
    assert len(CASES) == 2**5 == len({tuple(case.values()) for case, _ in CASES})


def test_an_owner_is_readable_and_the_same_for_ever() -> None:
    """A changed form would make every object of every user somebody else's."""
    assert owner("shop", "prod", [], "dev") == "shop/prod/dev@82e2afe8d6"
    assert owner("shop", "prod", ["my:index:Team"], "dev") == "shop/prod/my:index:Team/dev@4ced40ca83"


def test_resources_of_one_name_below_different_parents_are_different_owners() -> None:
    chains = [[], ["a:b:C"], ["a:b:D"], ["a:b:C", "a:b:D"], ["a:b:D", "a:b:C"]]

    assert len({owner("p", "s", chain, "dev") for chain in chains}) == len(chains)


def test_a_parent_that_moves_to_the_native_plugin_changes_no_owner() -> None:
    before = owner("p", "s", ["pulumi-python:dynamic/aws-proton:Environment"], "x")

    assert before == owner("p", "s", ["aws-proton:index:Environment"], "x")


@given(st.text(min_size=1), st.text(min_size=1), st.lists(st.text(min_size=1)), st.text(min_size=1))
def test_an_owner_fits_a_tag(project: str, stack: str, parents: list[str], name: str) -> None:
    found = owner(project, stack, parents, name * 30)

    assert len(found) <= 256
    assert re.fullmatch(r"[\w .:/=+@-]*", found)


@given(st.lists(st.text(alphabet="ab/@_", min_size=1), min_size=3, max_size=4, unique=True))
def test_different_resources_never_are_one_owner(parts: list[str]) -> None:
    ways = [
        owner(parts[0], parts[1], parts[2:-1], parts[-1]),
        owner(parts[0], parts[1], [], "/".join(parts[2:])),
    ]

    assert (ways[0] == ways[1]) == (len(parts) == 3)


@pytest.mark.parametrize(
    ("urn", "parents"),
    [
        ("urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev", []),
        ("urn:pulumi:dev::shop::my:index:Team::a", ["my:index:Team"]),
        ("urn:pulumi:dev::shop::my:index:Team$my:index:Part::a::b$c", ["my:index:Team", "my:index:Part"]),
    ],
)
def test_the_chain_of_parents_is_in_the_urn_of_the_parent(urn: str, parents: list[str]) -> None:
    assert parents_in(urn) == parents


NOW = "shop/prod/dev@82e2afe8d6"


@pytest.mark.parametrize(
    ("live", "incarnation", "owners", "why"),
    [
        ({"pulumi:owner": NOW, "pulumi:incarnation": "a"}, "a", [NOW], None),
        ({"pulumi:owner": NOW}, "a", [NOW], None),
        ({}, "a", [NOW], None),
        ({"pulumi:owner": NOW, "pulumi:incarnation": "b"}, "a", [NOW], "a later create"),
        ({"pulumi:owner": "other/prod/dev@0123456789", "pulumi:incarnation": "a"}, "a", [NOW], "other/prod"),
        # A state of 0.1.0 knows no incarnation.
        ({"pulumi:owner": "shop/prod/dev"}, None, ["shop/prod/dev"], None),
        ({"pulumi:owner": NOW}, None, ["shop/prod/dev"], None),
        ({"pulumi:owner": "shop/prod/my:index:Team/dev@4ced40ca83"}, None, ["shop/prod/dev"], None),
        ({"pulumi:owner": NOW, "pulumi:incarnation": "b"}, None, ["shop/prod/dev"], "a later create"),
        ({"pulumi:owner": "shop/prod/other"}, None, ["shop/prod/dev"], "belongs to shop/prod/other"),
    ],
)
def test_a_delete_does_not_remove_an_object_that_is_no_longer_its_own(
    live: dict[str, str], incarnation: str | None, owners: list[str], why: str | None
) -> None:
    found = reason_not_to_delete(Tags.of(live), incarnation, owners)

    assert found is None if why is None else found is not None and why in found


def test_what_lost_its_tag_is_still_the_resources_own() -> None:
    assert belongs(Tags({}), [NOW])


def test_the_providers_own_notes_are_not_shown() -> None:
    tags = Tags.of({"team": "net", "pulumi:owner": "o", "pulumi:creating": "true", "pulumi:incarnation": "i"})

    assert tags == Tags({"team": "net", "pulumi:owner": "o"}, creating=True, incarnation="i")
