"""States that another adapter or another version wrote: read without a change, or refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.adapters import OperationFailed
from tests.contract.fake_engine import CheckFailed, Stack
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, REPOSITORY, role, unique

Stacks = Callable[..., Stack]
STATE = json.loads((REPOSITORY / "tests" / "engine" / "state_0.1.0.json").read_text())


def _programs(template: str) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    name = unique("env")
    return {
        "Environment": (
            {
                "name": name,
                "templateName": template,
                "templateMajorVersion": "1",
                "spec": {"title": "first"},
                "protonServiceRoleArn": role(MANAGEMENT),
                "tags": {"team": "net"},
            },
            {},
        ),
        "EnvironmentAccountConnection": (
            {
                "environmentName": name,
                "managementAccountId": MANAGEMENT,
                "roleArn": role(ENVIRONMENT_ACCOUNT),
            },
            {"profile": "environment"},
        ),
        "EnvironmentAccountConnectionAccepter": (
            {"environmentName": name, "environmentAccountId": ENVIRONMENT_ACCOUNT},
            {},
        ),
        "AccountSettings": ({"pipelineServiceRoleArn": role(MANAGEMENT)}, {"region": "sa-east-1"}),
    }


@pytest.mark.parametrize("adapter", ["dynamic"])
@pytest.mark.parametrize("kind", _programs(""))
def test_a_state_of_the_dynamic_adapter_is_no_change_for_the_plugin_which_then_changes_and_deletes_it(
    stack: Stacks, template: str, kind: str
) -> None:
    programs = _programs(template)
    program, config = programs[kind]
    if kind == "EnvironmentAccountConnectionAccepter":
        requested, theirs = programs["EnvironmentAccountConnection"]
        stack("EnvironmentAccountConnection", **theirs).up(**requested)
    old = stack(kind, **config)
    old.up(**program)
    assert "__provider" in old.state
    assert "__provider" in old.inputs

    new = old.moved_to("plugin")
    found = new.preview(**program)[1]
    assert (found.changes, found.replaces, found.paths) == (False, [], {})
    new.up(**program)
    assert new.refresh()
    assert not new.preview(**program)[1].changes
    assert new.owner == old.owner
    new.destroy()


_OF_0_1_0 = {
    item["type"].rpartition(":")[2] + ("" if item["id"] != "v010-inner" else " below a component"): item
    for item in STATE["deployment"]["resources"]
    if "dynamic" in item["type"]
}
_GIVEN = {
    "Environment": ("name", "templateName", "templateMajorVersion", "spec", "protonServiceRoleArn",
                    "description", "tags"),
    "EnvironmentAccountConnection": ("environmentName", "managementAccountId", "roleArn", "account"),
    "EnvironmentAccountConnectionAccepter": ("connectionId",),
    "AccountSettings": ("pipelineServiceRoleArn",),
}  # fmt: skip


@pytest.mark.parametrize("what", _OF_0_1_0)
def test_a_state_of_0_1_0_is_no_change(stack: Stacks, what: str) -> None:
    kept, kind = _OF_0_1_0[what], what.split(maxsplit=1)[0]
    mine = stack(kind, profile="local")
    mine.identifier, mine.kept_inputs, mine.kept_state = kept["id"], kept["inputs"], kept["outputs"]
    mine.adapter.urn = kept["urn"].replace(
        f"pulumi-python:dynamic/aws-proton:{kind}", mine.adapter.urn.split("::")[2]
    )

    mine.adapter.start()
    given = {wire: kept["inputs"][wire] for wire in _GIVEN[kind] if wire in kept["inputs"]}
    checked, failures = mine.adapter.check(kept["inputs"], given)
    found = mine.adapter.diff(kept["id"], kept["inputs"], kept["outputs"], checked)

    assert failures == []
    assert found.replaces == []
    assert not found.changes


@pytest.mark.parametrize("kind", _programs(""))
def test_a_state_of_a_newer_version_is_refused_by_every_call_in_one_sentence(
    stack: Stacks, template: str, kind: str
) -> None:
    program, config = _programs(template)[kind]
    mine = stack(kind, **config)
    mine.adapter.start()
    inputs, _ = mine.adapter.check({}, program)
    newer = {**inputs, "__version": 2}
    title = f"{kind} {program['name']}" if "name" in program else kind
    sentence = (
        f"the state of {title} was written by a newer version of this provider (facts of version 2; this one "
        "reads 1 at most): use that version, or a newer one"
    )

    def refused(call: Callable[..., Any], *arguments: Any) -> None:
        with pytest.raises(OperationFailed) as refusal:
            call(*arguments)
        assert str(refusal.value) == sentence

    adapter = mine.adapter
    refused(adapter.check, newer, program)
    refused(adapter.diff, "x", newer, newer, inputs)
    refused(adapter.read, "x", newer, newer)
    refused(adapter.update, "x", newer, newer, inputs)
    refused(adapter.delete, "x", newer, newer)


def test_a_version_in_a_program_is_no_way_around_that(stack: Stacks, template: str) -> None:
    program, _ = _programs(template)["Environment"]
    mine = stack("Environment")

    try:
        checked, _ = mine.preview(**program, __version=7)
    except CheckFailed:
        return
    assert checked["__version"] == 1
