"""Where a change is, as Pulumi's `detailedDiff` says it: what `pulumi preview --diff` shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.adapters import Diff
from tests.contract.fake_engine import Stack
from tests.contract.values import UNKNOWN, Secret
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, role, unique

Stacks = Callable[..., Stack]
pytestmark = pytest.mark.parametrize("adapter", ["plugin"])
OTHER_ROLE = role(MANAGEMENT, "other")


@pytest.fixture
def diff_of(stack: Stacks) -> Callable[..., Diff]:
    """The diff of two checked programs that no account has."""

    def diff(before: dict[str, Any], after: dict[str, Any]) -> Diff:
        given = {"name": "x", "templateName": "t", "templateMajorVersion": "1", "spec": {}}
        adapter = stack("Environment", endpoint=UNKNOWN).adapter
        adapter.start()
        old, failures = adapter.check({}, given | before)
        assert failures == []
        new, failures = adapter.check(old, given | after)
        assert failures == []
        return adapter.diff("x", old, {**old, "arn": "arn:x", "createdAt": "then"}, new)

    return diff


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"spec.a": "UPDATE"}),
        ({"a": 1}, {"b": 1}, {"spec.a": "DELETE", "spec.b": "ADD"}),
        ({"a": {"b": {"c": 1, "d": 1}}}, {"a": {"b": {"c": 2, "d": 1}}}, {"spec.a.b.c": "UPDATE"}),
        ({"a": [1, 2, 3]}, {"a": [1, 4]}, {"spec.a[1]": "UPDATE", "spec.a[2]": "DELETE"}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 2}]}, {"spec.a[1]": "ADD"}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, {"spec.a[0].b": "UPDATE"}),
        ({"a.b": 1}, {"a.b": 2}, {'spec["a.b"]': "UPDATE"}),
        ({'a"b': {"c": 1}}, {'a"b': {"c": 2}}, {'spec["a\\"b"].c': "UPDATE"}),
        ({"a\\b": 1}, {"a\\b": 2}, {"spec.a\\b": "UPDATE"}),
        ({"a[0]": 1}, {"a[0]": 2}, {'spec["a[0]"]': "UPDATE"}),
        ({"": 1}, {"": 2}, {'spec[""]': "UPDATE"}),
        ({"a": 1}, {"a": {"b": 1}}, {"spec.a": "UPDATE"}),
        ({"a": 1}, {"a": UNKNOWN}, {"spec.a": "UPDATE"}),
        ({"a": Secret("x")}, {"a": Secret("y")}, {"spec.a": "UPDATE"}),
        ({"a": 1}, {"a": Secret(1)}, {}),
        ({"a": 1.0}, {"a": 1}, {}),
    ],
)
def test_a_change_of_the_spec_is_shown_at_its_place(
    diff_of: Any, before: dict[str, Any], after: dict[str, Any], paths: dict[str, str]
) -> None:
    found = diff_of({"spec": before}, {"spec": after})

    assert {path: kind for path, kind in found.paths.items() if path != "deploymentType"} == paths
    assert found.changes == bool(paths)
    assert ("deploymentType" in found.paths) == bool(paths)
    assert set(found.diffs) == ({"spec", "deploymentType"} if paths else set())


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({}, {"description": "x"}, {"description": "ADD"}),
        ({"description": "x"}, {}, {"description": "DELETE"}),
        ({"description": "x"}, {"description": "y"}, {"description": "UPDATE"}),
        ({"tags": {"a": "b"}}, {"tags": {"a": "c"}}, {"tags.a": "UPDATE", "tagsAll.a": "UPDATE"}),
        ({"tags": {"a.b": "b"}}, {"tags": {}}, {'tags["a.b"]': "DELETE", 'tagsAll["a.b"]': "DELETE"}),
        ({"timeouts": {"create": "1s"}}, {"timeouts": {"create": "2s"}}, {"timeouts.create": "UPDATE"}),
    ],
)
def test_a_change_that_deploys_nothing_is_shown_at_its_place(
    diff_of: Any, before: dict[str, Any], after: dict[str, Any], paths: dict[str, str]
) -> None:
    found = diff_of(before, after)

    assert {path: kind for path, kind in found.paths.items() if path != "deploymentType"} == paths


@pytest.mark.parametrize(
    ("before", "after", "replaces", "path", "kind"),
    [
        ({}, {"name": "y"}, ["name"], "name", "UPDATE_REPLACE"),
        ({}, {"templateName": "u"}, ["templateName"], "templateName", "UPDATE_REPLACE"),
        (
            {"templateMajorVersion": "2"},
            {},
            ["templateMajorVersion"],
            "templateMajorVersion",
            "UPDATE_REPLACE",
        ),
        (
            {"provisioningRepository": {"provider": "GITHUB", "name": "a/b", "branch": "main"}},
            {"provisioningRepository": {"provider": "GITHUB", "name": "a/b", "branch": "next"}},
            ["provisioningRepository"],
            "provisioningRepository.branch",
            "UPDATE_REPLACE",
        ),
        (
            {"protonServiceRoleArn": OTHER_ROLE},
            {"provisioningRepository": {"provider": "GITHUB", "name": "a/b", "branch": "main"}},
            ["provisioningRepository"],
            "provisioningRepository",
            "ADD_REPLACE",
        ),
    ],
)
def test_what_makes_a_new_environment_is_shown_as_that(
    diff_of: Any, before: Any, after: Any, replaces: list[str], path: str, kind: str
) -> None:
    found = diff_of(before, after)

    assert set(replaces) <= set(found.replaces)
    assert found.paths[path] == kind
    assert "deploymentType" not in found.paths
    assert found.stables == []


def test_what_stays_the_same_in_an_update_is_said_so_that_dependents_know_it(diff_of: Any) -> None:
    found = diff_of({"spec": {"a": 1}}, {"spec": {"a": 2}})

    assert found.stables == ["arn", "createdAt"]


def test_only_the_first_level_of_a_change_is_in_diffs_and_each_once(diff_of: Any) -> None:
    found = diff_of({"spec": {"a": 1, "b": 1}}, {"spec": {"a": 2, "b": 2}})

    assert sorted(found.diffs) == ["deploymentType", "spec"]


def test_a_rejected_request_is_replaced_at_its_status(stack: Stacks, proton_server: Any) -> None:
    mine = stack("EnvironmentAccountConnection", profile="environment")
    program = {
        "environmentName": unique("env"),
        "managementAccountId": MANAGEMENT,
        "roleArn": role(ENVIRONMENT_ACCOUNT),
    }
    mine.up(**program)
    proton_server.client("proton", MANAGEMENT).reject_environment_account_connection(id=mine.identifier)
    mine.refresh()

    assert mine.preview(**program)[1].paths == {"status": "UPDATE_REPLACE"}


def test_where_cloudformation_was_at_is_no_difference(stack: Stacks) -> None:
    adapter = stack("Environment", endpoint=UNKNOWN).adapter
    adapter.start()
    given = {"name": "x", "templateName": "t", "templateMajorVersion": "1", "spec": {}}
    checked, _ = adapter.check({}, given)
    progress = {"deploymentStatus": "IN_PROGRESS", "deploymentStatusMessage": "Updating: 3 resources done."}

    found = adapter.diff("x", checked, {**checked, **progress, "arn": "arn:x", "createdAt": "then"}, checked)

    assert (found.changes, found.paths) == (False, {})
