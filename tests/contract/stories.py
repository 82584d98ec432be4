"""What programs go through over both adapters: each story yields its commands, with their errors."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.contract.fake_engine import Stack
from tests.contract.values import Secret
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, role
from tests.servers import LocalServer
from tests.waiting import ended

OTHER_ROLE = role(MANAGEMENT, "other")


@dataclasses.dataclass
class Step:
    """A command of the stack, and the beginning of its error if it is to have one."""

    command: Callable[[Stack], Any]
    error: str = ""


def up(error: str = "", **program: Any) -> Step:
    return Step(lambda stack: stack.up(**program), error)


def preview(error: str = "", **program: Any) -> Step:
    return Step(lambda stack: stack.preview(**program), error)


def refresh() -> Step:
    return Step(Stack.refresh)


def destroy() -> Step:
    return Step(Stack.destroy)


@dataclasses.dataclass
class World:
    """What a story plays with: names that no other has, the accounts, and further stacks."""

    name: str
    template: str
    server: LocalServer
    stack: Callable[..., Stack]

    def environment(self, **changed: Any) -> dict[str, Any]:
        given = {
            "name": self.name,
            "templateName": self.template,
            "templateMajorVersion": "1",
            "templateMinorVersion": "0",
            "spec": {"title": "first"},
            "protonServiceRoleArn": role(MANAGEMENT),
        }
        return given | changed

    def connection(self, **changed: Any) -> dict[str, Any]:
        given = {
            "environmentName": self.name,
            "managementAccountId": MANAGEMENT,
            "roleArn": role(ENVIRONMENT_ACCOUNT),
        }
        return given | changed

    def by_name(self) -> dict[str, Any]:
        return {"environmentName": self.name, "environmentAccountId": ENVIRONMENT_ACCOUNT}

    def aside(self, act: Callable[[Any, Stack], Any], account: str = MANAGEMENT) -> Step:
        """Something that happens to the account behind the stack's back."""

        def happen(stack: Stack) -> None:
            act(self.server.client("proton", account), stack)

        return Step(happen)


Story = Callable[[World], Iterator[Step]]


def environment_lives_and_changes(world: World) -> Iterator[Step]:
    program = world.environment(tags={"team": "net"})
    yield preview(**program)
    yield up(**program)
    yield preview(**program)
    yield refresh()
    for change in (
        {"description": "words"},
        {"spec": {"title": "second"}, "redeployTriggers": {"ami": [1, 2.5]}},
        {"templateMinorVersion": "1", "tags": {}},
        {
            "templateMajorVersion": "2",
            "templateMinorVersion": None,
            "componentRoleArn": OTHER_ROLE,
        },
    ):
        program |= change
        yield preview(**program)
        yield up(**program)
    yield up("cannot be removed", **{**program, "componentRoleArn": None})
    yield up(**{**program, "templateMajorVersion": "1"})  # a new environment, which deletes the old one first
    yield destroy()


def environment_whose_update_fails_is_deployed_again(world: World) -> Iterator[Step]:
    program = world.environment()
    yield up(**program)
    yield up(
        "environment <name>: FAILED: Template error", **program | {"spec": {"title": "x", "fails": True}}
    )
    yield up(**program | {"spec": {"title": "good"}})
    yield refresh()
    yield preview(**program)


def environment_that_drifts_is_mended(world: World) -> Iterator[Step]:
    program = world.environment(tags={"team": "net"})

    def change(proton: Any, stack: Stack) -> None:
        spec = json.dumps({"proton": "EnvironmentSpec", "spec": {"title": "foreign"}})
        proton.update_environment(
            name=world.name, deploymentType="CURRENT_VERSION", spec=spec, description="x"
        )
        proton.tag_resource(resourceArn=stack.state["arn"], tags=[{"key": "foreign", "value": "x"}])
        ended(proton, world.name)

    yield up(**program)
    yield world.aside(change)
    yield refresh()
    yield preview(**program)
    yield up(**program)


def environment_that_disappears_is_made_again(world: World) -> Iterator[Step]:
    yield up(**world.environment())
    yield world.aside(lambda _, stack: stack.delete(world.name, stack.state))
    yield refresh()
    yield up(**world.environment())


def environment_of_another_stack_is_adopted_only_when_the_program_says_so(world: World) -> Iterator[Step]:
    program = world.environment()
    other = world.stack("Environment")
    yield Step(lambda _: other.up(**program))
    yield up("environment <name> exists already and belongs to <owner", **program)
    yield preview(**program, adopt=True)
    yield up(**program, adopt=True)
    yield Step(lambda _: other.destroy())  # with a warning
    yield refresh()


def environment_whose_inputs_are_wrong_is_stopped_in_the_preview(world: World) -> Iterator[Step]:
    yield preview("name: must", **world.environment(name="-"))
    yield preview("spec.title: must match the pattern", **world.environment(spec={"title": "NO", "x": 1}))
    yield preview("templateName: ", **world.environment(templateName="nowhere"))
    yield preview("", **world.environment(spec="{title: first}"))
    yield preview("timeouts", **world.environment(timeouts={"create": "long"}))
    yield preview("account", **world.environment(account={"nothing": "known"}))


def environment_is_changed_within_a_limit(world: World) -> Iterator[Step]:
    program = world.environment()
    yield up(**program)
    yield preview("needs a MINOR_VERSION deployment", **program | {"templateMinorVersion": "1"})
    yield up(**program | {"templateMinorVersion": "1", "maxDeploymentType": "MINOR_VERSION"})


def environment_with_secrets(world: World) -> Iterator[Step]:
    program = world.environment(spec={"title": Secret("hidden")}, tags={"team": Secret("net")})
    yield up(**program)
    yield refresh()
    yield preview(**program)
    yield up("environment <name>: FAILED", **program | {"spec": {"title": Secret("hidden"), "fails": True}})
    yield up(**program | {"spec": Secret({"title": "secret"})})


def connection_lives_and_is_rejected(world: World) -> Iterator[Step]:
    program = world.connection(tags={"team": "net"})
    yield preview(**program)
    yield up(**program)
    yield up(**program | {"codebuildRoleArn": role(ENVIRONMENT_ACCOUNT, "build"), "tags": {"team": "x"}})
    yield world.aside(lambda proton, stack: proton.reject_environment_account_connection(id=stack.identifier))
    yield refresh()
    yield preview(**program)
    yield up(**program)
    yield up("took longer than 1 s", **program, waitForAcceptance=True, timeouts={"update": "1s"})
    yield world.aside(lambda proton, stack: proton.accept_environment_account_connection(id=stack.identifier))
    yield up(**program, waitForAcceptance=True)
    yield destroy()


def request_is_accepted_and_rejected(world: World) -> Iterator[Step]:
    program, request = world.by_name(), world.stack("EnvironmentAccountConnection", profile="environment")
    yield up("does not exist for this account in this Region", **program)
    yield Step(lambda _: request.up(**world.connection()))
    yield up("nothing was decided", **program, expectedEnvironmentName="other")
    yield up(**program)
    yield preview(**program)
    yield world.aside(lambda proton, stack: proton.reject_environment_account_connection(id=stack.identifier))
    yield refresh()
    yield up("which is final", **program)
    yield Step(lambda _: request.refresh())
    yield Step(lambda _: request.up(**world.connection()))
    yield up(**program)
    yield destroy()


def account_settings_are_set_and_reset(world: World) -> Iterator[Step]:
    del world
    first, second = role(MANAGEMENT), OTHER_ROLE
    yield up(pipelineServiceRoleArn=first, pipelineCodebuildRoleArn=first)
    yield up(pipelineServiceRoleArn=second)
    yield refresh()
    yield preview("pipelineServiceRoleArn: must", pipelineServiceRoleArn="no ARN")
    yield preview(
        pipelineProvisioningRepository={"provider": "GITHUB", "name": "a/b", "branch": "main"},
        pipelineServiceRoleArn=second,
    )
    yield up("the object in the state is", pipelineServiceRoleArn=first, account={"region": "eu-west-1"})
    yield destroy()


STORIES: tuple[tuple[str, dict[str, str], Story], ...] = (
    ("Environment", {}, environment_lives_and_changes),
    ("Environment", {}, environment_whose_update_fails_is_deployed_again),
    ("Environment", {}, environment_that_drifts_is_mended),
    ("Environment", {}, environment_that_disappears_is_made_again),
    ("Environment", {}, environment_of_another_stack_is_adopted_only_when_the_program_says_so),
    ("Environment", {"maxDeploymentType": "CURRENT_VERSION"}, environment_is_changed_within_a_limit),
    ("Environment", {}, environment_whose_inputs_are_wrong_is_stopped_in_the_preview),
    ("Environment", {"defaultTags": '{"tags": {"cost": "1"}}'}, environment_with_secrets),
    ("EnvironmentAccountConnection", {"profile": "environment"}, connection_lives_and_is_rejected),
    ("EnvironmentAccountConnectionAccepter", {}, request_is_accepted_and_rejected),
    ("AccountSettings", {"region": "ap-south-1"}, account_settings_are_set_and_reset),
)
