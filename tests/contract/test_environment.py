"""Environment against a live server, in one account."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.contract.adapters import OperationFailed
from tests.contract.fake_engine import CheckFailed, Stack
from tests.names import MANAGEMENT, role, unique
from tests.servers import LocalServer
from tests.waiting import ended

Stacks = Callable[..., Stack]
OTHER_ROLE = role(MANAGEMENT, "other")


@pytest.fixture
def program(template: str) -> dict[str, Any]:
    return {
        "name": unique("env"),
        "templateName": template,
        "templateMajorVersion": "1",
        "templateMinorVersion": "0",
        "spec": {"title": "first"},
        "protonServiceRoleArn": role(MANAGEMENT),
    }


@pytest.fixture
def mine(stack: Stacks) -> Stack:
    return stack("Environment")


def _live(proton: Any, mine: Stack) -> dict[str, Any]:
    """The environment as the server has it, its spec read, and the program's tags."""
    record: dict[str, Any] = proton.get_environment(name=mine.identifier)["environment"]
    listed = proton.list_tags_for_resource(resourceArn=record["arn"])["tags"]
    tags = {tag["key"]: tag["value"] for tag in listed if not tag["key"].startswith(("aws:", "pulumi:"))}
    return record | {"spec": yaml.safe_load(record["spec"])["spec"], "tags": tags}


def test_an_environment_is_created_read_and_deleted(mine: Stack, program: Any, proton: Any) -> None:
    state = mine.up(**program)

    assert state["deploymentStatus"] == "SUCCEEDED"
    assert state["outputs"]["Title"] == "first"
    assert "deploymentType" not in state
    assert not mine.preview(**program)[1].changes
    assert mine.refresh()
    assert mine.state == state
    assert not mine.preview(**program)[1].changes
    mine.destroy()
    with pytest.raises(proton.exceptions.ResourceNotFoundException):
        proton.get_environment(name=program["name"])


def test_an_environment_that_disappears_is_seen_at_refresh_and_its_deletion_succeeds(
    mine: Stack, program: Any, proton: Any
) -> None:
    state = mine.up(**program)
    mine.delete(program["name"], state)

    assert not mine.refresh()
    mine.delete(program["name"], state)


def _declared(live: dict[str, Any]) -> dict[str, Any]:
    """What a program declares, of the environment as the server has it."""
    reported = ("deploymentStatus", "lastAttemptedDeploymentId", "lastSucceededDeploymentId")
    times = ("createdAt", "lastDeploymentAttemptedAt", "lastDeploymentSucceededAt")
    return {member: value for member, value in live.items() if member not in reported + times}


@pytest.mark.parametrize(
    ("change", "level", "live"),
    [
        ({"description": "words"}, "NONE", {"description": "words"}),
        ({"spec": {"title": "second"}}, "CURRENT_VERSION", {"spec": {"title": "second"}}),
        ({"protonServiceRoleArn": OTHER_ROLE}, "CURRENT_VERSION", {"protonServiceRoleArn": OTHER_ROLE}),
        ({"codebuildRoleArn": OTHER_ROLE}, "CURRENT_VERSION", {"codebuildRoleArn": OTHER_ROLE}),
        ({"componentRoleArn": OTHER_ROLE}, "CURRENT_VERSION", {"componentRoleArn": OTHER_ROLE}),
        ({"redeployTriggers": {"ami": 2}}, "CURRENT_VERSION", {}),
        ({"templateMinorVersion": "1"}, "MINOR_VERSION", {"templateMinorVersion": "1"}),
        (
            {"templateMajorVersion": "2", "templateMinorVersion": None},
            "MAJOR_VERSION",
            {"templateMajorVersion": "2", "templateMinorVersion": "0"},
        ),
        ({"tags": {"team": "net"}}, "NONE", {"tags": {"team": "net"}}),
    ],
)
def test_a_change_is_deployed_as_the_preview_showed(
    mine: Stack, program: Any, proton: Any, change: dict[str, Any], level: str, live: dict[str, Any]
) -> None:
    first = mine.up(**program)
    before = _live(proton, mine)

    checked, found = mine.preview(**program | change)
    state = mine.up(**program | change)

    assert (checked["deploymentType"], found.replaces) == (level, [])
    deployed = state["lastSucceededDeploymentId"] != first["lastSucceededDeploymentId"]
    assert deployed == (level != "NONE")
    assert _declared(_live(proton, mine)) == _declared(before) | live
    assert mine.refresh()
    assert not mine.preview(**program | change)[1].changes


def test_a_deployment_brings_the_tags_of_the_same_update(
    mine: Stack, program: Any, proton_server: LocalServer
) -> None:
    mine.up(**program, tags={"team": "net", "stage": "test"})

    mine.up(**program | {"spec": {"title": "second"}}, tags={"team": "web"})

    pages = proton_server.client("cloudformation", MANAGEMENT).get_paginator("describe_stacks").paginate()
    stacks = pages.search("Stacks[]")
    (tags,) = (stack["Tags"] for stack in stacks if f"-{program['name'][:15]}-" in stack["StackName"])
    assert {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("proton:")} == {
        "team": "web"
    }


def test_a_description_is_cleared(mine: Stack, program: Any, proton: Any) -> None:
    mine.up(**program, description="words")

    mine.up(**program)

    assert _live(proton, mine).get("description", "") == ""
    assert not mine.preview(**program)[1].changes


def test_drift_of_every_kind_shows(mine: Stack, program: Any, proton: Any) -> None:
    state = mine.up(**program, tags={"team": "net"})
    proton.update_environment(
        name=program["name"],
        deploymentType="MINOR_VERSION",
        templateMinorVersion="1",
        spec=json.dumps({"proton": "EnvironmentSpec", "spec": {"title": "foreign"}}),
        description="foreign",
    )
    proton.tag_resource(resourceArn=state["arn"], tags=[{"key": "foreign", "value": "x"}])
    mine.read(program["name"], state)
    ended(proton, program["name"])

    mine.refresh()

    assert mine.inputs["spec"] == {"title": "foreign"}
    assert mine.inputs["description"] == "foreign"
    assert mine.inputs["templateMinorVersion"] == "1"
    assert mine.inputs["tags"] == {"team": "net", "foreign": "x"}
    assert mine.preview(**program, tags={"team": "net"})[0]["deploymentType"] == "MINOR_VERSION"
    mine.up(**program, tags={"team": "net"})
    assert mine.state["outputs"]["Title"] == "first"


@pytest.mark.parametrize(
    ("setting", "seen"), [({"refreshTags": "true"}, {"team": "net", "foreign": "x"}), ({}, {"team": "net"})]
)
def test_tags_that_alone_have_changed_are_seen_where_a_refresh_reads_tags(
    stack: Stacks, program: Any, proton: Any, setting: dict[str, str], seen: dict[str, str]
) -> None:
    mine = stack("Environment", **setting)
    state = mine.up(**program, tags={"team": "net"})
    proton.tag_resource(resourceArn=state["arn"], tags=[{"key": "foreign", "value": "x"}])

    mine.refresh()

    assert mine.inputs["tags"] == seen
    mine.up(**program | {"description": "any update"}, tags={"team": "net"})
    assert _live(proton, mine)["tags"] == {"team": "net"}


def test_a_spec_that_somebody_else_has_deployed_is_seen(mine: Stack, program: Any, proton: Any) -> None:
    mine.up(**program)
    proton.update_environment(
        name=program["name"],
        deploymentType="CURRENT_VERSION",
        spec=json.dumps({"proton": "EnvironmentSpec", "spec": {"title": "foreign"}}),
    )
    ended(proton, program["name"])

    mine.refresh()

    assert mine.inputs["spec"] == {"title": "foreign"}
    assert mine.state["outputs"]["Title"] == "foreign"


def test_a_failed_deployment_is_one_sentence_and_is_deployed_again(mine: Stack, program: Any) -> None:
    broken = program | {"spec": {"title": "first", "fails": True}}

    with pytest.raises(OperationFailed, match=rf"environment {program['name']}: FAILED: .*\(fix the cause"):
        mine.up(**broken)
    state = mine.forget().up(**program)

    assert state["deploymentStatus"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("adapter", "advice", "kept"),
    [
        ("dynamic", "Until then it is not in Pulumi's state, and `pulumi destroy` does not delete it", False),
        ("plugin", r"which deploys this environment again\)$", True),
    ],
)
def test_a_failed_create_is_forgotten_by_the_dynamic_resource_and_kept_by_the_plugin(
    mine: Stack, program: Any, advice: str, kept: bool
) -> None:
    with pytest.raises(OperationFailed, match=advice):
        mine.up(**program | {"spec": {"title": "first", "fails": True}})

    assert (mine.identifier == program["name"], bool(mine.unfinished)) == (kept, kept)
    assert mine.up(**program)["deploymentStatus"] == "SUCCEEDED"
    assert mine.unfinished == []


def test_somebody_elses_environment_is_not_taken(stack: Stacks, mine: Stack, program: Any) -> None:
    mine.up(**program)

    reason = f"environment {program['name']} exists already and belongs to {mine.owner}"
    with pytest.raises(CheckFailed, match=reason):
        stack("Environment").up(**program)
    with pytest.raises(OperationFailed, match=reason):
        stack("Environment").create_unseen(**program)


def test_a_spec_that_cannot_be_is_stopped_in_the_preview(mine: Stack, program: Any) -> None:
    with pytest.raises(CheckFailed, match=r"^spec\.title: must match the pattern"):
        mine.preview(**program | {"spec": {"title": "NO"}})


@pytest.mark.parametrize("account", [{"profile": "third"}, {"region": "eu-west-1"}])
def test_an_environment_is_not_taken_for_deleted_where_the_credentials_reach_another_account(
    mine: Stack, program: Any, account: dict[str, str]
) -> None:
    state = mine.up(**program)
    elsewhere = state | {"account": account}

    for act in (mine.read, mine.delete):
        with pytest.raises(OperationFailed, match="nothing was changed"):
            act(program["name"], elsewhere)


@pytest.mark.parametrize("change", [{"name": "another"}, {"templateMajorVersion": "1"}])
def test_what_cannot_change_in_place_is_a_new_environment(
    mine: Stack, program: Any, change: dict[str, Any]
) -> None:
    first = program | {"templateMajorVersion": "2", "templateMinorVersion": None}
    created = mine.up(**first)["createdAt"]

    state = mine.up(**first | change)

    assert state["createdAt"] != created
    mine.destroy()


def test_a_limit_of_the_stack_stops_a_change_that_needs_more(stack: Stacks, program: Any) -> None:
    mine = stack("Environment", maxDeploymentType="CURRENT_VERSION")
    mine.up(**program)

    with pytest.raises(
        CheckFailed, match="templateMinorVersion: this change needs a MINOR_VERSION deployment"
    ):
        mine.preview(**program | {"templateMinorVersion": "1"})
    assert mine.up(**program | {"spec": {"title": "second"}})["outputs"]["Title"] == "second"
