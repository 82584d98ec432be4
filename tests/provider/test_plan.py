"""What an update and an adoption do, as values: a row per situation, and the calls in their order."""

from __future__ import annotations

from typing import Any

import pytest

from aws_proton_provider.core import facts
from aws_proton_provider.core.errors import NotOwned, Refused
from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.ownership import Tags
from aws_proton_provider.core.values import UNKNOWN
from aws_proton_provider.resources.calls import Call
from aws_proton_provider.resources.environment.plan import (
    AwaitDeployment,
    AwaitRemoval,
    plan_adoption,
    plan_update,
    refusal_of_update,
    update_steps,
)
from aws_proton_provider.resources.environment.resource import Environment
from tests.provider import fakes
from tests.provider.fakes import OTHER_ROLE, ROLE

ARN = "arn:aws:proton:us-east-1:111111111111:environment/dev"
OWNER = {"pulumi:owner": "shop/prod/dev@82e2afe8d6"}
INPUTS = fakes.INPUTS | {"tagsAll": OWNER, facts.OWNER: OWNER["pulumi:owner"]}
LIVE = {key: INPUTS[key] for key in ("name", "templateName", "protonServiceRoleArn")} | {
    "arn": ARN,
    "deploymentStatus": "SUCCEEDED",
    "spec": "proton: EnvironmentSpec\nspec:\n  cidr: 10.0.0.0/16\n",
    "templateMajorVersion": "2",
    "templateMinorVersion": "1",
}
DELETE, CREATE = Call("delete_environment", {"name": "dev"}), "create_environment"


def _updated(change: dict[str, Any], *, redeploy: bool = False) -> list[Any]:
    inputs = INPUTS | change
    plan = plan_update(Environment, INPUTS, inputs, redeploy=redeploy)
    return list(update_steps(Environment, plan, inputs))


def _update(level: str, **members: Any) -> Call:
    return Call("update_environment", {"name": "dev", "deploymentType": level, **members})


CURRENT = {"spec": LIVE["spec"], "protonServiceRoleArn": ROLE}


@pytest.mark.parametrize(
    ("change", "redeploy", "steps"),
    [
        ({}, False, []),
        ({"timeouts": {"create": "1h"}}, False, []),
        ({"description": "new"}, False, [_update("NONE", description="new")]),
        (
            {"protonServiceRoleArn": OTHER_ROLE},
            False,
            [
                _update("CURRENT_VERSION", **CURRENT | {"protonServiceRoleArn": OTHER_ROLE}),
                AwaitDeployment(),
            ],
        ),
        ({}, True, [_update("CURRENT_VERSION", **CURRENT), AwaitDeployment()]),
        (
            {"templateMinorVersion": "3"},
            True,
            [_update("MINOR_VERSION", templateMinorVersion="3", **CURRENT), AwaitDeployment()],
        ),
    ],
)
def test_an_update_is_at_most_one_call_and_a_wait_where_it_deploys(
    change: dict[str, Any], redeploy: bool, steps: list[Any]
) -> None:
    assert _updated(change, redeploy=redeploy) == steps


def test_a_plan_of_unknown_values_is_not_more_certain_than_they_are() -> None:
    plan = plan_update(Environment, INPUTS, INPUTS | {"spec": UNKNOWN}, redeploy=True)

    assert (plan.level, plan.differing) == (UNKNOWN, ("spec",))


@pytest.mark.parametrize(
    ("shown", "refused"),
    [("MINOR_VERSION", None), ("CURRENT_VERSION", "differs from Pulumi's state in templateMinorVersion")],
)
def test_an_update_that_needs_more_than_the_preview_showed_is_refused(
    shown: str, refused: str | None
) -> None:
    inputs = INPUTS | {"templateMinorVersion": "3", "deploymentType": shown}

    refusal = refusal_of_update(plan_update(Environment, INPUTS, inputs), inputs)

    assert (refusal is None) if refused is None else (refused in str(refusal))


CREATING = Tags(OWNER, creating=True)
FINISHED = Tags(OWNER)
FOREIGN = Tags({})
TAGGED = Call("tag_resource", {"resourceArn": ARN, "tags": [{"key": "pulumi:incarnation", "value": "i"}]})
OWNED = Call(
    "tag_resource",
    {
        "resourceArn": ARN,
        "tags": [
            {"key": "pulumi:owner", "value": OWNER["pulumi:owner"]},
            {"key": "pulumi:incarnation", "value": "i"},
        ],
    },
)
AGAIN = [_update("CURRENT_VERSION", **CURRENT), AwaitDeployment()]
ANEW = [AwaitRemoval(), CREATE, AwaitDeployment()]


@pytest.mark.parametrize(
    ("tags", "live", "change", "steps"),
    [
        (CREATING, {}, {}, [TAGGED]),
        (CREATING, {"deploymentStatus": "FAILED"}, {}, [TAGGED, *AGAIN]),
        (CREATING, {"templateMajorVersion": "3"}, {}, [DELETE, *ANEW]),
        (FINISHED, {}, {}, [TAGGED]),
        (FINISHED, {"deploymentStatus": "DELETE_IN_PROGRESS"}, {}, ANEW),
        (FINISHED, {"deploymentStatus": "DELETE_FAILED"}, {}, [DELETE, *ANEW]),
        (FOREIGN, {}, {"adopt": True}, [OWNED]),
        (FOREIGN, {"deploymentStatus": "FAILED"}, {"adopt": True}, [OWNED, *AGAIN]),
    ],
)
def test_an_existing_environment_is_adopted_in_these_steps(
    tags: Tags, live: dict[str, Any], change: dict[str, Any], steps: list[Any]
) -> None:
    adoption = plan_adoption(Environment, LIVE | live, tags, INPUTS | change, "i")

    assert adoption.refusal is None
    assert [CREATE if getattr(step, "operation", "") == CREATE else step for step in adoption.steps] == steps


@pytest.mark.parametrize(
    ("tags", "live", "change", "kind", "message"),
    [
        (FOREIGN, {}, {}, NotOwned, "environment dev exists already and belongs to no Pulumi stack"),
        (FINISHED, {"templateMinorVersion": "0"}, {}, Refused, "differs from the program in templateMinorV"),
        (FINISHED, {}, {facts.LIMIT: "NONE"}, Refused, "but maxDeploymentType allows NONE at most"),
        (
            FOREIGN,
            {"templateMajorVersion": "3"},
            {"adopt": True},
            Refused,
            "cannot be adopted: it differs from the program in templateMajorVersion, which needs a new env",
        ),
        (
            FOREIGN,
            {"templateMinorVersion": "0"},
            {"adopt": True, facts.LIMIT: "CURRENT_VERSION"},
            Refused,
            "in templateMinorVersion, which needs more than the preview or maxDeploymentType allow",
        ),
    ],
)
def test_an_existing_environment_is_refused_without_a_step(
    tags: Tags, live: dict[str, Any], change: dict[str, Any], kind: type[Exception], message: str
) -> None:
    adoption = plan_adoption(Environment, LIVE | live, tags, INPUTS | change, "i")

    assert (type(adoption.refusal), adoption.steps) == (kind, ())
    assert message in str(adoption.refusal)


def test_a_create_sends_the_spec_as_a_document_and_the_tags_as_a_list() -> None:
    (*_, call, _) = plan_adoption(
        Environment, LIVE | {"deploymentStatus": "DELETE_FAILED"}, FINISHED, INPUTS, "i"
    ).steps

    assert isinstance(call, Call)
    assert call.members["spec"] == LIVE["spec"]
    assert {tag["key"] for tag in call.members["tags"]} == {
        "pulumi:owner",
        "pulumi:creating",
        "pulumi:incarnation",
    }
    assert call.members.keys() & {"tagsAll", "waitForDeployment"} == set()


def test_a_level_is_decided_once_for_preview_and_update() -> None:
    plan = plan_update(Environment, INPUTS, INPUTS | {"templateMajorVersion": "3"})

    assert (plan.level, plan.replaces) == (Level.MAJOR_VERSION, ())
