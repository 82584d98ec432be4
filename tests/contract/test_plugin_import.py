"""What exists is imported by its id: the program then shows no difference, and takes the object over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.adapters import OperationFailed
from tests.contract.fake_engine import Stack
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, role, unique
from tests.servers import LocalServer
from tests.waiting import ended

Stacks = Callable[..., Stack]
pytestmark = pytest.mark.parametrize("adapter", ["plugin"])


class Made:
    """Objects that exist: made by hand with these tags, or with none."""

    def __init__(self, server: LocalServer, template: str, tags: dict[str, str]) -> None:
        self.proton = server.client("proton", MANAGEMENT)
        self.theirs = server.client("proton", ENVIRONMENT_ACCOUNT)
        self.template, self.name = template, unique("env")
        self.given = {"tags": [{"key": key, "value": value} for key, value in tags.items()]} if tags else {}
        self.shown = {key: value for key, value in tags.items() if not key.startswith("pulumi:")}

    def environment(self) -> tuple[str, dict[str, Any], dict[str, str]]:
        self.proton.create_environment(
            name=self.name,
            templateName=self.template,
            templateMajorVersion="1",
            templateMinorVersion="0",
            spec="proton: EnvironmentSpec\nspec: {title: first}\n",
            description="by hand",
            protonServiceRoleArn=role(MANAGEMENT),
            **self.given,
        )
        ended(self.proton, self.name)
        program = {
            "name": self.name,
            "templateName": self.template,
            "templateMajorVersion": "1",
            "spec": {"title": "first"},
            "description": "by hand",
            "protonServiceRoleArn": role(MANAGEMENT),
            **self.tags,
        }
        return self.name, program, {"profile": "management"}

    def connection(self) -> tuple[str, dict[str, Any], dict[str, str]]:
        made = self.theirs.create_environment_account_connection(
            environmentName=self.name,
            managementAccountId=MANAGEMENT,
            roleArn=role(ENVIRONMENT_ACCOUNT),
            **self.given,
        )
        program = {
            "environmentName": self.name,
            "managementAccountId": MANAGEMENT,
            "roleArn": role(ENVIRONMENT_ACCOUNT),
            **self.tags,
        }
        return made["environmentAccountConnection"]["id"], program, {"profile": "environment"}

    def accepter(self) -> tuple[str, dict[str, Any], dict[str, str]]:
        identifier, _, _ = self.connection()
        self.proton.accept_environment_account_connection(id=identifier)
        return identifier, {"connectionId": identifier}, {}

    def looked_up_accepter(self) -> tuple[str, dict[str, Any], dict[str, str]]:
        identifier, _, _ = self.accepter()
        return identifier, {"environmentName": self.name, "environmentAccountId": ENVIRONMENT_ACCOUNT}, {}

    def settings(self) -> tuple[str, dict[str, Any], dict[str, str]]:
        proton = self.proton
        proton.update_account_settings(pipelineServiceRoleArn=role(MANAGEMENT))
        return f"{MANAGEMENT}/us-east-1", {"pipelineServiceRoleArn": role(MANAGEMENT)}, {}

    @property
    def tags(self) -> dict[str, dict[str, str]]:
        return {"tags": self.shown} if self.shown else {}


_TAGS = ({}, {"team": "net"}, {"team": "net", "pulumi:owner": "other/stack/x@0123456789"})


@pytest.fixture(params=_TAGS)
def made(request: pytest.FixtureRequest, proton_server: LocalServer, template: str) -> Made:
    return Made(proton_server, template, request.param)


_SETTINGS = {
    "environment": {"waitForDeployment": False, "timeouts": {"update": "5m"}, "maxDeploymentType": "NONE"},
    "connection": {"waitForAcceptance": True, "timeouts": {"create": "5m"}},
    "accepter": {"waitForRequest": True, "expectedEnvironmentAccountId": ENVIRONMENT_ACCOUNT},
}
"""What AWS does not know of an object."""

_KINDS = {
    "environment": "Environment",
    "connection": "EnvironmentAccountConnection",
    "accepter": "EnvironmentAccountConnectionAccepter",
    "looked_up_accepter": "EnvironmentAccountConnectionAccepter",
    "settings": "AccountSettings",
}


@pytest.mark.parametrize(
    ("made", "what"),
    [
        *((tags, what) for tags in _TAGS for what in ("environment", "connection")),
        *(({}, what) for what in ("accepter", "looked_up_accepter", "settings")),
    ],
    indirect=["made"],
)
def test_what_is_imported_differs_in_nothing_from_the_program_that_describes_it(
    stack: Stacks, made: Made, what: str
) -> None:
    identifier, program, config = getattr(made, what)()
    mine = stack(_KINDS[what], **config)

    mine.take_over(identifier)
    imported = {wire: value for wire, value in mine.inputs.items() if not wire.startswith("__")}

    for settings in ({}, _SETTINGS.get(what, {})):
        _, found = mine.preview(**program | settings)
        assert (found.changes, found.replaces, found.paths) == (False, [], {})
    assert imported.items() >= program.items()
    assert not imported.keys() & _SETTINGS.get(what, {}).keys()


@pytest.mark.parametrize("what", ["environment", "connection"])
def test_an_imported_object_is_taken_over_by_the_first_update_and_is_its_own_from_then_on(
    stack: Stacks, made: Made, what: str
) -> None:
    identifier, program, config = getattr(made, what)()
    mine = stack(_KINDS[what], **config)
    mine.take_over(identifier)

    mine.up(**program | {"tags": {"team": "new"}})

    proton = made.proton if what == "environment" else made.theirs
    tags = proton.list_tags_for_resource(resourceArn=mine.state["arn"])["tags"]
    assert {"key": "pulumi:owner", "value": mine.owner} in tags
    assert {"key": "team", "value": "new"} in tags
    mine.destroy()
    assert identifier not in str(
        [
            proton.list_environments(),
            made.theirs.list_environment_account_connections(
                requestedBy="ENVIRONMENT_ACCOUNT", environmentName=made.name
            ),
        ]
    )


@pytest.mark.parametrize("what", ["environment", "connection"])
def test_an_imported_object_is_deleted(stack: Stacks, made: Made, what: str, warnings: list[str]) -> None:
    identifier, program, config = getattr(made, what)()
    mine = stack(_KINDS[what], **config)
    mine.take_over(identifier)
    mine.up(**program)

    mine.destroy()

    assert warnings == []
    with pytest.raises(OperationFailed, match="does not exist"):
        mine.take_over(identifier)


@pytest.mark.parametrize(
    ("kind", "identifier", "sentence"),
    [
        ("Environment", "nowhere", "Environment nowhere does not exist"),
        (
            "EnvironmentAccountConnection",
            "11111111-1111-4111-8111-111111111111",
            "EnvironmentAccountConnection 11111111-1111-4111-8111-111111111111 does not exist",
        ),
        (
            "EnvironmentAccountConnection",
            "no id",
            "GetEnvironmentAccountConnection of no id: 1 validation error",
        ),
        (
            "EnvironmentAccountConnectionAccepter",
            "11111111-1111-4111-8111-111111111111",
            "EnvironmentAccountConnectionAccepter 11111111-1111-4111-8111-111111111111 does not exist",
        ),
        (
            "AccountSettings",
            "999999999999/us-east-1",
            (
                "the id of AccountSettings is 999999999999/us-east-1, "
                "but the current credentials and Region reach"
            ),
        ),
    ],
)
def test_an_id_that_does_not_exist_is_one_sentence(
    stack: Stacks, kind: str, identifier: str, sentence: str
) -> None:
    with pytest.raises(OperationFailed) as refusal:
        stack(kind).take_over(identifier)

    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)
    assert refusal.value.code == "FAILED_PRECONDITION"
