"""The calls of Pulumi's provider protocol that no command of a stack makes, and answers to defects."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto import provider_pb2 as messages

from aws_proton_provider.resources import FUNCTIONS, RESOURCES
from aws_proton_provider.resources.environment.resource import Environment
from tests.contract.adapters import OperationFailed
from tests.contract.engine_log import EngineLog, listening
from tests.contract.fake_engine import Stack
from tests.contract.plugin_adapter import PluginAdapter, failure_of
from tests.contract.values import Secret, from_wire, to_wire
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, role, unique

Stacks = Callable[..., Stack]
pytestmark = pytest.mark.parametrize("adapter", ["plugin"])


@pytest.fixture
def plugin(stack: Stacks) -> PluginAdapter:
    """The plugin's process for the management account."""
    adapter = stack("Environment").adapter
    assert isinstance(adapter, PluginAdapter)
    adapter.start()
    return adapter


@pytest.fixture
def deployed(stack: Stacks, template: str) -> dict[str, Any]:
    return stack("Environment").up(
        name=unique("env"),
        templateName=template,
        templateMajorVersion="1",
        spec={"title": "first"},
        protonServiceRoleArn=role(MANAGEMENT),
        tags={"team": "net"},
    )


def _refusal(call: Callable[[], Any]) -> OperationFailed:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return failure_of(caught.value)


def test_the_schema_has_every_resource_and_function_and_the_version_of_the_plugin(
    plugin: PluginAdapter,
) -> None:
    schema = json.loads(plugin.stub.GetSchema(messages.GetSchemaRequest()).schema)

    assert (schema["name"], schema["version"]) == ("aws-proton", version("pulumi-aws-proton"))
    assert {token.rpartition(":")[2] for token in schema["resources"]} == {it.__name__ for it in RESOURCES}
    assert {token.rpartition(":")[2] for token in schema["functions"]} == {it.wire for it in FUNCTIONS}
    assert plugin.stub.GetPluginInfo(empty_pb2.Empty()).version == schema["version"]


def test_handshake_and_configuration_agree_on_what_the_plugin_can(plugin: PluginAdapter) -> None:
    greeted = plugin.stub.Handshake(messages.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))
    configured = plugin.stub.Configure(messages.ConfigureRequest(args=to_wire({"region": "us-east-1"})))

    for answer in (
        (greeted.accept_secrets, greeted.accept_resources, greeted.accept_outputs,
         greeted.supports_autonaming_configuration),
        (configured.acceptSecrets, configured.acceptResources, configured.acceptOutputs,
         configured.supports_autonaming_configuration),
    ):  # fmt: skip
        assert answer == (True, False, False, True)
    assert configured.supportsPreview


def test_an_engine_that_attaches_hears_the_warnings(
    plugin: PluginAdapter, engine: EngineLog, stack: Stacks, template: str
) -> None:
    name, owner = unique("env"), stack("EnvironmentAccountConnection", profile="environment")
    owner.up(environmentName=name, managementAccountId=MANAGEMENT, roleArn=role(ENVIRONMENT_ACCOUNT))
    mine = {
        "name": name,
        "templateName": template,
        "templateMajorVersion": "1",
        "spec": {},
        "environmentAccountConnectionId": owner.identifier,
    }

    with listening() as other:
        plugin.stub.Attach(plugin_pb2.PluginAttach(address=other.address))
        plugin.check({}, mine)
        plugin.check({}, mine)

        (message,) = (item for item in other.messages if item.severity == "WARNING")
    assert "is still PENDING" in message.text
    assert (message.urn, message.ephemeral) == (plugin.urn, False)
    assert engine.messages == []


def _listed(plugin: PluginAdapter, kind: str, **more: Any) -> list[tuple[str, str]]:
    request = messages.ListRequest(token=f"aws-proton:index:{kind}", **more)
    return [(item.result.id, item.result.name) for item in plugin.stub.List(request)]


def test_what_exists_of_each_resource_is_listed_by_id_and_name(
    plugin: PluginAdapter, stack: Stacks, deployed: dict[str, Any]
) -> None:
    name = unique("env")
    request = stack("EnvironmentAccountConnection", profile="environment")
    request.up(environmentName=name, managementAccountId=MANAGEMENT, roleArn=role(ENVIRONMENT_ACCOUNT))
    there = {"query": to_wire({"account": {"profile": "environment"}})}

    assert (deployed["name"], deployed["name"]) in _listed(plugin, "Environment")
    assert (request.identifier, name) in _listed(plugin, "EnvironmentAccountConnection", **there)
    assert (request.identifier, name) not in _listed(plugin, "EnvironmentAccountConnectionAccepter")
    stack("EnvironmentAccountConnectionAccepter").up(connectionId=request.identifier)
    assert (request.identifier, name) in _listed(plugin, "EnvironmentAccountConnectionAccepter")
    assert _listed(plugin, "AccountSettings") == [(f"{MANAGEMENT}/us-east-1", "default")]


def test_a_list_ends_at_its_limit(plugin: PluginAdapter, stack: Stacks) -> None:
    requests = stack("EnvironmentAccountConnection", profile="environment")
    for _ in range(2):
        requests.forget().up(
            environmentName=unique("env"), managementAccountId=MANAGEMENT, roleArn=role(ENVIRONMENT_ACCOUNT)
        )
    there = {"query": to_wire({"account": {"profile": "environment"}})}

    assert len(_listed(plugin, "EnvironmentAccountConnection", limit=1, **there)) == 1
    assert len(_listed(plugin, "EnvironmentAccountConnection", **there)) > 1


def test_a_resource_that_does_not_exist_is_one_sentence(plugin: PluginAdapter) -> None:
    token = "aws-proton:index:Service"
    sentence = f"the package aws-proton has no resource {token}: it has Environment"
    refusal = _refusal(lambda: list(plugin.stub.List(messages.ListRequest(token=token))))
    assert refusal.code == "FAILED_PRECONDITION"
    assert str(refusal).startswith(sentence)

    plugin.urn = f"urn:pulumi:test::project::{token}::x"
    for call in (
        lambda: plugin.check({}, {}),
        lambda: plugin.diff("x", {}, {}, {}),
        lambda: plugin.create({}),
        lambda: plugin.create({}, preview=True),
        lambda: plugin.read("x", {}, {}),
        lambda: plugin.update("x", {}, {}, {}),
        lambda: plugin.update("x", {}, {}, {}, preview=True),
        lambda: plugin.delete("x", {}, {}),
    ):
        with pytest.raises(OperationFailed, match=f"^{sentence}") as caught:
            call()
        assert caught.value.code == "FAILED_PRECONDITION"


def test_a_function_is_called_by_its_token(plugin: PluginAdapter, deployed: dict[str, Any]) -> None:
    answer = plugin.stub.Invoke(
        messages.InvokeRequest(
            tok="aws-proton:index:getEnvironment", args=to_wire({"name": Secret(deployed["name"])})
        )
    )

    found = from_wire(getattr(answer, "return"))
    assert (found["arn"], found["outputs"]) == (deployed["arn"], deployed["outputs"])
    assert not answer.failures


@pytest.mark.parametrize(
    ("token", "args", "sentence"),
    [
        ("getEnvironment", {"name": "nowhere"}, "environment nowhere does not exist in the account"),
        ("getEnvironment", {}, "name"),
        ("getEnvironments", {"environmentTemplates": "none"}, "environmentTemplates"),
        ("getService", {}, "there is no function getService: there are "),
    ],
)
def test_a_call_of_a_function_that_fails_is_one_sentence(
    plugin: PluginAdapter, token: str, args: dict[str, Any], sentence: str
) -> None:
    request = messages.InvokeRequest(tok=f"aws-proton:index:{token}", args=to_wire(args))

    refusal = _refusal(lambda: plugin.stub.Invoke(request))

    assert refusal.code == "FAILED_PRECONDITION"
    assert sentence in str(refusal)
    assert "\n" not in str(refusal)


@pytest.mark.parametrize("method", ["check", "diff", "create", "read", "update", "delete"])
def test_a_defect_is_one_sentence_that_says_where_and_nothing_of_the_values(
    plugin: PluginAdapter, engine: EngineLog, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("hidden")

    monkeypatch.setattr(Environment, method, broken)
    calls: dict[str, Callable[[], Any]] = {
        "check": lambda: plugin.check({}, {"name": "x"}),
        "diff": lambda: plugin.diff("x", {}, {}, {}),
        "create": lambda: plugin.create({}),
        "read": lambda: plugin.read("x", {}, {}),
        "update": lambda: plugin.update("x", {}, {}, {}),
        "delete": lambda: plugin.delete("x", {}, {}),
    }

    with pytest.raises(OperationFailed) as caught:
        calls[method]()

    assert caught.value.code == "INTERNAL"
    assert str(caught.value).startswith("a defect of the provider: KeyError in broken (")
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)
    (debug,) = engine.messages
    assert (debug.severity, debug.urn) == ("DEBUG", plugin.urn)
    assert "KeyError: 'hidden'" in debug.text


def test_a_defect_after_aws_has_the_object_keeps_it(
    stack: Stacks, template: str, monkeypatch: pytest.MonkeyPatch, proton: Any
) -> None:
    name, mine = unique("env"), stack("Environment")

    def broken(*_: Any) -> Any:
        raise KeyError("hidden")

    monkeypatch.setattr("aws_proton_provider.resources.environment.resource.end_create", broken)
    program = {
        "name": name,
        "templateName": template,
        "templateMajorVersion": "1",
        "spec": {"title": "first"},
        "protonServiceRoleArn": role(MANAGEMENT),
    }
    with pytest.raises(OperationFailed, match="a defect of the provider: KeyError"):
        mine.up(**program)
    monkeypatch.undo()

    assert (mine.identifier, bool(mine.unfinished)) == (name, True)
    assert mine.up(**program)["deploymentStatus"] == "SUCCEEDED"
    mine.destroy()
    with pytest.raises(proton.exceptions.ResourceNotFoundException):
        proton.get_environment(name=name)
