"""The provider resource of a program: its inputs, which change of them replaces, and the names it gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2 as messages

from tests.contract.adapters import OperationFailed
from tests.contract.fake_engine import Stack
from tests.contract.plugin_adapter import PluginAdapter
from tests.contract.values import UNKNOWN, Secret, from_wire, to_wire
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, role, unique

Stacks = Callable[..., Stack]
pytestmark = pytest.mark.parametrize("adapter", ["plugin"])
URN = "urn:pulumi:test::project::pulumi:providers:aws-proton::mine"


@pytest.fixture
def plugin(stack: Stacks) -> PluginAdapter:
    """The plugin's process, greeted and not configured."""
    adapter = stack("Environment").adapter
    assert isinstance(adapter, PluginAdapter)
    adapter.launch()
    return adapter


def _assume(arn: str, **more: Any) -> dict[str, Any]:
    return {"assumeRole": {"roleArn": arn, **more}}


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({"region": "us-east-1"}, {"region": "eu-west-1"}, ["region"]),
        ({"region": Secret("us-east-1")}, {"region": "eu-west-1"}, ["region"]),
        (_assume(role(MANAGEMENT)), _assume(role(ENVIRONMENT_ACCOUNT)), ["assumeRole"]),
        ({"assumeRole": f'{{"roleArn": "{role(MANAGEMENT)}"}}'}, _assume(role(ENVIRONMENT_ACCOUNT)),
         ["assumeRole"]),
        ({"aws-proton:region": "us-east-1"}, {"region": "eu-west-1"}, ["region"]),
        ({"region": "us-east-1"}, {"region": UNKNOWN}, []),
        (_assume(role(MANAGEMENT)), _assume(UNKNOWN), []),
        (_assume(role(MANAGEMENT)), {"assumeRole": UNKNOWN}, []),
        ({}, {"region": "eu-west-1"}, []),
        ({"region": "us-east-1"}, {}, []),
        ({"profile": "a"}, {"profile": "b"}, []),
        (_assume(role(MANAGEMENT)), _assume(role(MANAGEMENT, "other"), externalId="x"), []),
        ({"endpoint": "http://a"}, {"endpoint": "http://b"}, []),
        ({"allowedAccountIds": f'["{MANAGEMENT}"]'}, {"allowedAccountIds": f'["{ENVIRONMENT_ACCOUNT}"]'}, []),
        ({"defaultTags": '{"tags": {"a": "b"}}'}, {"defaultTags": Secret('{"tags": {}}')}, []),
        ({"aws-proton:region": "us-east-1", "project:other": "x", "aws-proton:profile": "old"},
         {"region": "us-east-1", "profile": "new", "version": "1.0.0"}, []),
        ({"nothing": "known"}, {"region": "eu-west-1"}, []),
        ({"assumeRole": "no JSON"}, _assume(role(MANAGEMENT)), []),
    ],
)  # fmt: skip
def test_only_another_region_or_account_means_other_objects(
    plugin: PluginAdapter, old: dict[str, Any], new: dict[str, Any], replaces: list[str]
) -> None:
    answer = plugin.stub.DiffConfig(
        messages.DiffRequest(urn=URN, old_inputs=to_wire(old), olds=to_wire(old), news=to_wire(new))
    )

    assert list(answer.replaces) == replaces
    assert answer.changes == messages.DiffResponse.DIFF_SOME


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"region": "us-east-1"}, {"region": "us-east-1"}),
        ({"aws-proton:region": "us-east-1", "project:other": "x"}, {"region": "us-east-1"}),
        ({"region": "us-east-1", "version": "1.0.0"}, {"region": "us-east-1", "version": "1.1.0"}),
    ],
)
def test_the_same_settings_are_no_change(
    plugin: PluginAdapter, old: dict[str, Any], new: dict[str, Any]
) -> None:
    answer = plugin.stub.DiffConfig(
        messages.DiffRequest(urn=URN, old_inputs=to_wire(old), olds=to_wire(old), news=to_wire(new))
    )

    assert answer.changes == messages.DiffResponse.DIFF_NONE


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"allowedAcountIds": "[]"}, "allowedAcountIds"),
        ({"maxDeploymentType": "SOMETIMES"}, "maxDeploymentType"),
        ({"assumeRole": {"externalId": "x"}}, "assumeRole"),
        ({"defaultTags": "no JSON"}, "defaultTags"),
    ],
)
def test_settings_that_are_wrong_are_failures_of_the_check_in_one_sentence(
    plugin: PluginAdapter, inputs: dict[str, Any], sentence: str
) -> None:
    answer = plugin.stub.CheckConfig(messages.CheckRequest(urn=URN, news=to_wire(inputs)))

    (failure,) = answer.failures
    assert sentence in failure.reason
    assert "\n" not in failure.reason


def test_the_check_of_the_settings_keeps_secrets_and_what_is_not_known(plugin: PluginAdapter) -> None:
    given = {"region": UNKNOWN, "defaultTags": Secret('{"tags": {"cost": "x"}}'), "assumeRole": UNKNOWN}

    answer = plugin.stub.CheckConfig(messages.CheckRequest(urn=URN, news=to_wire(given)))

    assert from_wire(answer.inputs) == given
    assert not answer.failures


def test_settings_are_taken_as_objects_and_as_text(stack: Stacks, template: str) -> None:
    tags = {"tags": {"cost": "1"}}
    for given in (tags, '{"tags": {"cost": "1"}}'):
        mine = stack("Environment", defaultTags=given)
        checked, _ = mine.preview(**_program(template))

        assert checked["tagsAll"] == {"cost": "1", "pulumi:owner": mine.owner}


def test_a_preview_with_settings_that_are_not_known_asks_nothing_of_aws(stack: Stacks) -> None:
    mine = stack("Environment", endpoint=UNKNOWN)

    checked, _ = mine.preview(**_program("never-published"))

    assert checked["templateName"] == "never-published"


def _program(template: str, **more: Any) -> dict[str, Any]:
    given = {
        "name": unique("env"),
        "templateName": template,
        "templateMajorVersion": "1",
        "spec": {"title": "first"},
        "protonServiceRoleArn": role(MANAGEMENT),
    }
    return given | more


@pytest.fixture
def named(stack: Stacks, template: str) -> Callable[..., tuple[dict[str, Any], list[str]]]:
    """Checks an environment as the stack's `pulumi:autonaming` says: `named("PROPOSE", "dev-1")`."""

    def check(mode: str, proposed: str = "", **program: Any) -> tuple[dict[str, Any], list[str]]:
        adapter = stack("Environment").adapter
        adapter.start()
        naming = messages.CheckRequest.AutonamingOptions
        given = {wire: value for wire, value in _program(template).items() if wire != "name"}
        options = naming(proposed_name=proposed, mode=naming.Mode.Value(mode))
        return adapter.check({}, given | program, autonaming=options)

    return check


@pytest.mark.parametrize("mode", ["PROPOSE", "ENFORCE"])
def test_a_name_that_the_engine_proposes_is_the_name(named: Any, mode: str) -> None:
    checked, failures = named(mode, "dev-4f2a")

    assert (checked["name"], failures) == ("dev-4f2a", [])


@pytest.mark.parametrize("mode", ["PROPOSE", "ENFORCE", "DISABLE"])
def test_the_programs_own_name_goes_before_any_proposed_one(named: Any, mode: str) -> None:
    name = unique("own")

    checked, failures = named(mode, "dev-4f2a", name=name)

    assert (checked["name"], failures) == (name, [])


def test_without_proposals_a_name_is_required(named: Any) -> None:
    _, failures = named("DISABLE")

    assert failures == ["name: is required"]


def test_without_the_engines_rules_the_name_is_the_resources_own(stack: Stacks, template: str) -> None:
    mine = stack("Environment")
    adapter = mine.adapter
    adapter.start()

    checked, failures = adapter.check({}, {**_program(template), "name": None})

    assert (checked["name"], failures) == (adapter.urn.rpartition("::")[2], [])


def test_a_proposed_name_that_cannot_be_one_is_refused_in_a_sentence(named: Any) -> None:
    _, failures = named("ENFORCE", "-dev")

    (failure,) = failures
    assert failure.startswith("name: ")


def test_a_wrong_setting_is_refused_by_the_configuration_itself(plugin: PluginAdapter) -> None:
    plugin.config = {"region": "us-east-1", "maxDeploymentType": "SOMETIMES"}

    with pytest.raises(OperationFailed, match="maxDeploymentType"):
        plugin.start()
