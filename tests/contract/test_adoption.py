"""What a create of an environment does with an existing one, on the live server: every row of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aws_proton_provider.core import facts
from tests.contract.adapters import OperationFailed
from tests.contract.fake_engine import CheckFailed, Stack
from tests.names import MANAGEMENT, role, unique
from tests.waiting import ended

Stacks = Callable[..., Stack]


@pytest.fixture
def program(template: str) -> dict[str, Any]:
    return {
        "name": unique("env"),
        "templateName": template,
        "templateMajorVersion": "1",
        "spec": {"title": "first"},
        "protonServiceRoleArn": role(MANAGEMENT),
    }


@pytest.fixture
def mine(stack: Stacks) -> Stack:
    return stack("Environment")


def _tags(proton: Any, stack: Stack) -> dict[str, str]:
    listed = proton.list_tags_for_resource(resourceArn=stack.state["arn"])["tags"]
    return {tag["key"]: tag["value"] for tag in listed}


def _mark(proton: Any, stack: Stack) -> None:
    proton.tag_resource(resourceArn=stack.state["arn"], tags=[{"key": "pulumi:creating", "value": "true"}])


def test_a_create_leaves_its_incarnation_and_no_mark_of_being_at_work(
    mine: Stack, program: Any, proton: Any
) -> None:
    mine.up(**program)

    tags = _tags(proton, mine)
    assert "pulumi:creating" not in tags
    assert tags["pulumi:incarnation"] == mine.state[facts.INCARNATION]
    assert "pulumi:incarnation" not in mine.state["tagsAll"]


def test_an_environment_of_an_interrupted_create_is_adopted_and_updated_to_the_program(
    mine: Stack, program: Any, proton: Any, warnings: list[str]
) -> None:
    created = mine.up(**program)["createdAt"]
    _mark(proton, mine)

    again = mine.forget()
    state = again.up(**program | {"spec": {"title": "second"}})

    assert (state["createdAt"], state["outputs"]["Title"]) == (created, "second")
    assert any("was left by a create that was interrupted, and is adopted" in warning for warning in warnings)
    assert "pulumi:creating" not in _tags(proton, again)


def test_an_environment_of_an_interrupted_create_is_created_again_where_it_cannot_be_updated(
    mine: Stack, program: Any
) -> None:
    broken = program | {"templateMajorVersion": "2", "spec": {"title": "first", "fails": True}}
    with pytest.raises(OperationFailed, match="FAILED: Template error"):
        mine.up(**broken)

    state = mine.forget().up(**program)

    assert (state["templateMajorVersion"], state["deploymentStatus"]) == ("1", "SUCCEEDED")


def test_a_finished_environment_of_its_own_is_kept_as_it_is(
    mine: Stack, program: Any, warnings: list[str]
) -> None:
    before = mine.up(**program)

    again = mine.forget()
    state = again.up(**program)

    assert state["lastAttemptedDeploymentId"] == before["lastAttemptedDeploymentId"]
    assert state[facts.INCARNATION] != before[facts.INCARNATION]
    assert any("is kept as it is" in warning for warning in warnings)


@pytest.mark.parametrize("change", [{"spec": {"title": "second"}}, {"tags": {"team": "net"}}])
def test_a_finished_environment_that_differs_is_refused_and_changed_only_with_adopt(
    mine: Stack, program: Any, proton: Any, change: dict[str, Any]
) -> None:
    created = mine.up(**program)["createdAt"]
    (differing,) = change

    with pytest.raises(OperationFailed, match=f"differs from the program in {differing}: .* adopt=True"):
        mine.forget().up(**program | change)
    again = mine.forget()
    checked, _ = again.preview(**program | change, adopt=True)
    state = again.up(**program | change, adopt=True)

    assert checked["deploymentType"] == ("CURRENT_VERSION" if differing == "spec" else "NONE")
    assert state["createdAt"] == created
    assert {**change, **{wire: state[wire] for wire in change}} == change
    assert not again.preview(**program | change, adopt=True)[1].changes
    assert not again.preview(**program | change)[1].changes, "adopt means nothing once it is in the state"


def test_an_environment_made_by_hand_is_imported_with_adopt_and_nothing_is_deployed(
    mine: Stack, program: Any, proton: Any, warnings: list[str]
) -> None:
    proton.create_environment(
        name=program["name"],
        templateName=program["templateName"],
        templateMajorVersion="1",
        templateMinorVersion="0",
        spec="proton: EnvironmentSpec\nspec: {title: first}\n",
        protonServiceRoleArn=program["protonServiceRoleArn"],
    )
    with pytest.raises(CheckFailed, match="belongs to no Pulumi stack"):
        mine.up(**program)
    ended(proton, program["name"])

    mine.preview(**program, adopt=True)
    state = mine.up(**program, adopt=True)

    assert any("is adopted from no Pulumi stack, because of adopt=True" in warning for warning in warnings)
    assert state["templateMinorVersion"] == "0", "a newer version published meanwhile moves nothing"
    live = proton.get_environment(name=program["name"])["environment"]
    assert live["lastAttemptedDeploymentId"] == live["lastSucceededDeploymentId"]
    assert len(proton.list_deployments(environmentName=program["name"])["deployments"]) == 1
    assert _tags(proton, mine)["pulumi:owner"] == mine.owner


def test_adopt_never_replaces(stack: Stacks, mine: Stack, program: Any) -> None:
    created = mine.up(**program | {"templateMajorVersion": "2"})["createdAt"]

    with pytest.raises(CheckFailed, match=r"templateMajorVersion: differs .* cannot be changed in place"):
        stack("Environment").up(**program, adopt=True)
    with pytest.raises(OperationFailed, match=r"cannot be adopted: .* needs a new environment"):
        stack("Environment").create_unseen(**program | {"adopt": True, "templateMinorVersion": "0"})
    assert mine.refresh()
    assert mine.state["createdAt"] == created


def test_adopt_goes_no_further_than_the_limit(stack: Stacks, mine: Stack, program: Any) -> None:
    mine.up(**program)
    limited = stack("Environment", maxDeploymentType="NONE")

    with pytest.raises(CheckFailed, match="this change needs a CURRENT_VERSION deployment"):
        limited.up(**program | {"spec": {"title": "second"}}, adopt=True)
    assert limited.up(**program, adopt=True)["outputs"]["Title"] == "first"


def test_an_adopted_environment_is_not_deleted_by_its_former_stack(
    stack: Stacks, mine: Stack, program: Any, warnings: list[str]
) -> None:
    mine.up(**program)
    other = stack("Environment")
    other.up(**program, adopt=True)

    with pytest.raises(OperationFailed, match=f"belongs to {other.owner} now: nothing was changed"):
        mine.up(**program | {"spec": {"title": "second"}})
    mine.destroy()

    assert warnings[-1] == f"environment {program['name']} was not deleted: it belongs to {other.owner} now"
    assert other.refresh()
    assert other.state["outputs"]["Title"] == "first"


def test_two_backends_with_the_same_program_do_not_destroy_each_others_environment(
    mine: Stack, program: Any, warnings: list[str]
) -> None:
    mine.up(**program)
    twin = mine.forget()
    twin.up(**program)

    mine.destroy()

    assert "a later create has adopted it" in warnings[-1]
    assert twin.refresh()
