"""Secrets and what is not known yet, as the plugin answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.core.facts import SECRETS
from aws_proton_provider.resources import RESOURCES
from tests.contract.adapters import InitFailed
from tests.contract.fake_engine import CheckFailed, Stack
from tests.contract.plugin_adapter import PluginAdapter
from tests.contract.values import UNKNOWN, Secret, revealed, secret_paths
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, role, unique

Stacks = Callable[..., Stack]
pytestmark = pytest.mark.parametrize("adapter", ["plugin"])


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


@pytest.fixture
def plugin(stack: Stacks) -> PluginAdapter:
    """The plugin's process for an environment, for calls of which no command is made."""
    adapter = stack("Environment").adapter
    assert isinstance(adapter, PluginAdapter)
    adapter.start()
    return adapter


GIVEN = [["redeployTriggers", "keys", "1", "value"], ["spec", "title"], ["tags", "team"]]


def _secret(program: dict[str, Any], title: str = "hidden") -> dict[str, Any]:
    return program | {
        "spec": {"title": Secret(title), "fails": False},
        "tags": {"team": Secret("net"), "open": "x"},
        "redeployTriggers": {"keys": [1, {"value": Secret("first"), "name": "a"}]},
    }


def test_secrets_are_secret_at_the_same_places_in_every_answer_and_so_is_what_may_repeat_them(
    mine: Stack, program: Any
) -> None:
    mine.up(**_secret(program))
    assert sorted(secret_paths(mine.kept_inputs)) == sorted([*GIVEN, ["tagsAll"]])
    assert sorted(secret_paths(mine.kept_state)) == sorted([*GIVEN, ["outputs"], ["tagsAll"]])

    mine.up(**_secret(program, "changed"))
    assert sorted(secret_paths(mine.kept_state)) == sorted([*GIVEN, ["outputs"], ["tagsAll"]])
    assert mine.state["outputs"]["Title"] == "changed"

    assert mine.refresh()
    assert sorted(secret_paths(mine.kept_inputs)) == sorted([*GIVEN, ["tagsAll"]])
    assert sorted(secret_paths(mine.kept_state)) == sorted([*GIVEN, ["outputs"], ["tagsAll"]])
    assert not mine.preview(**_secret(program, "changed"))[1].changes


def test_what_a_failed_create_keeps_has_its_secrets(mine: Stack, program: Any) -> None:
    with pytest.raises(InitFailed) as caught:
        mine.up(**program | {"spec": {"title": Secret("hidden"), "fails": True}})

    paths = list(secret_paths(caught.value.state))
    assert {("spec", "title"), ("deploymentStatusMessage",)} <= {tuple(path) for path in paths}


def test_what_was_secret_and_is_not_any_more_is_plain_from_the_next_update_on(
    mine: Stack, program: Any
) -> None:
    mine.up(**_secret(program))

    mine.up(**revealed(_secret(program, "changed")))

    assert list(secret_paths([mine.kept_inputs, mine.kept_state])) == []


def test_secret_default_tags_make_the_tags_secret(stack: Stacks, program: Any) -> None:
    mine = stack("Environment", defaultTags=Secret('{"tags": {"cost": "hidden"}}'))

    mine.up(**program, tags={"team": "net"})

    assert ["tagsAll"] in list(secret_paths(mine.kept_state))
    assert ["tags"] in list(secret_paths(mine.kept_state))


@pytest.mark.parametrize("secret", [Secret({"title": "hidden"}), Secret("title: hidden")])
def test_a_whole_spec_that_is_secret_stays_so(mine: Stack, program: Any, secret: Secret) -> None:
    mine.up(**program | {"spec": secret})

    for kept in (mine.kept_inputs, mine.kept_state):
        assert kept["spec"] == Secret({"title": "hidden"})


def test_the_paths_of_secrets_have_one_order(plugin: PluginAdapter, program: Any) -> None:
    triggers = {f"key{number}": Secret("x") for number in range(30)}

    orders = [plugin.check({}, {**program, "redeployTriggers": triggers})[0][SECRETS] for _ in range(5)]

    assert orders == [sorted(["redeployTriggers", key] for key in triggers)] * 5


def test_a_secret_is_in_no_message(mine: Stack, program: Any) -> None:
    with pytest.raises(CheckFailed, match=r"spec\.title: must match the pattern") as refusal:
        mine.preview(**program | {"spec": {"title": Secret("HIDDEN")}})

    assert "HIDDEN" not in str(refusal.value)


def test_a_preview_of_a_create_has_the_inputs_and_nothing_else(mine: Stack, program: Any) -> None:
    given_ = program | {"spec": {"title": UNKNOWN}, "description": UNKNOWN}

    checked, _ = mine.preview(**given_)
    identifier, planned = mine.adapter.create(checked, preview=True)

    assert identifier == ""
    assert planned == checked
    assert (planned["spec"], planned["description"]) == ({"title": UNKNOWN}, UNKNOWN)
    outputs = {item.wire for item in RESOURCES[0].of_kind(Kind.OUTPUT)}
    assert not outputs & planned.keys()


def test_a_preview_of_an_update_knows_what_never_changes_and_leaves_the_rest_open(
    mine: Stack, program: Any
) -> None:
    state = mine.up(**program)
    checked, _ = mine.preview(**program | {"spec": {"title": UNKNOWN}})
    assert mine.identifier is not None

    planned = mine.adapter.update(mine.identifier, mine.kept_inputs, mine.kept_state, checked, preview=True)

    assert planned["spec"] == {"title": UNKNOWN}
    assert (planned["arn"], planned["createdAt"]) == (state["arn"], state["createdAt"])
    assert {planned["outputs"], planned["deploymentStatus"], planned["lastAttemptedDeploymentId"]} == {
        UNKNOWN
    }
    assert mine.refresh()
    assert mine.state["spec"] == {"title": "first"}


def test_an_update_that_deploys_nothing_keeps_every_output_known(mine: Stack, program: Any) -> None:
    state = mine.up(**program)
    checked, _ = mine.preview(**program, description="words")
    assert mine.identifier is not None

    planned = mine.adapter.update(mine.identifier, mine.kept_inputs, mine.kept_state, checked, preview=True)

    assert planned["outputs"] == state["outputs"]
    assert planned["lastAttemptedDeploymentId"] == state["lastAttemptedDeploymentId"]


def test_inputs_that_are_not_known_change_nothing_yet_and_replace_nothing_for_sure(
    mine: Stack, program: Any
) -> None:
    mine.up(**program)

    _, found = mine.preview(**program | {"spec": UNKNOWN, "protonServiceRoleArn": UNKNOWN})

    assert (found.changes, found.replaces) == (True, [])
    assert found.paths.keys() >= {"spec", "protonServiceRoleArn"}


_texts = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
_values = st.one_of(_texts, st.booleans(), st.integers(-(2**40), 2**40), st.just(UNKNOWN))
_anything = st.recursive(
    _values | _values.map(Secret),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(_texts, inside, max_size=3),
    max_leaves=8,
)
_PROGRAMS = st.fixed_dictionaries(
    {},
    optional={
        "description": _texts | st.just(UNKNOWN) | _texts.map(Secret),
        "spec": st.dictionaries(st.sampled_from(["title", "fails"]), _anything) | st.just(UNKNOWN),
        "tags": st.dictionaries(_texts, _texts | _texts.map(Secret), max_size=3),
        "redeployTriggers": st.dictionaries(_texts, _anything, max_size=3),
        "timeouts": st.fixed_dictionaries({}, optional={"create": st.sampled_from(["1s", "90m", 5, "x"])}),
        "waitForDeployment": st.booleans() | st.sampled_from(["true", UNKNOWN]),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=_PROGRAMS)
def test_a_check_of_what_was_checked_changes_nothing(plugin: PluginAdapter, program: Any) -> None:
    name, template = "never-made", "never-published"
    checked, failures = plugin.check(
        {}, {"name": name, "templateName": template, "templateMajorVersion": UNKNOWN, **program}
    )
    computed = {item.wire for item in RESOURCES[0].of_kind(Kind.COMPUTED)}
    given_ = {wire: value for wire, value in checked.items() if wire not in computed}

    assert plugin.check({}, given_) == (checked, failures)


@pytest.mark.parametrize(
    ("kind", "program"),
    [
        ("EnvironmentAccountConnection", {"environmentName": "x", "managementAccountId": MANAGEMENT}),
        (
            "EnvironmentAccountConnectionAccepter",
            {"environmentName": "x", "environmentAccountId": ENVIRONMENT_ACCOUNT, "decision": "REJECT"},
        ),
        ("AccountSettings", {"pipelineServiceRoleArn": UNKNOWN}),
    ],
)
def test_a_check_of_what_was_checked_changes_nothing_of_any_resource(
    stack: Stacks, kind: str, program: Any
) -> None:
    adapter = stack(kind).adapter
    adapter.start()

    checked, failures = adapter.check({}, program)

    assert adapter.check({}, checked) == (checked, failures)
