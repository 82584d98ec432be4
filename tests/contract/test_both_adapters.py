"""The same programs over both adapters end in the same: state, inputs, diff, secrets, warnings and errors.

Each story is told twice, under names of its own; what has to differ then (names, IDs, times) is replaced
before the two are compared. What one adapter alone can do is in `test_plugin_*.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.adapters import OperationFailed
from tests.contract.engine_log import EngineLog
from tests.contract.fake_engine import CheckFailed, Stack
from tests.contract.stories import STORIES, Step, Story, World
from tests.contract.values import secret_paths
from tests.names import unique
from tests.servers import LocalServer

Stacks = Callable[..., Stack]


@pytest.mark.parametrize("adapter", ["dynamic"])  # and the other one, in the test itself
@pytest.mark.parametrize(("kind", "config", "story"), STORIES, ids=[story.__name__ for *_, story in STORIES])
def test_a_story_is_the_same_over_both_adapters(
    stack: Stacks,
    engine: EngineLog,
    template: str,
    proton_server: LocalServer,
    kind: str,
    config: dict[str, str],
    story: Story,
) -> None:
    def told(adapter: str) -> list[dict[str, Any]]:
        def make(kind: str, **config: Any) -> Stack:
            return stack(kind, adapter=adapter, **config)

        world = World(unique("env"), template, proton_server, make)
        return _normalised(list(_outcomes(make(kind, **config), story(world), engine)), world.name)

    pairs = zip(told("dynamic"), told("plugin"), strict=True)
    for number, (dynamic, plugin) in enumerate(pairs, start=1):
        differing = {what for what in dynamic if dynamic[what] != plugin[what]}
        assert {what: plugin[what] for what in differing} == {what: dynamic[what] for what in differing}, (
            number
        )
        assert bool(dynamic["error"]) == bool(dynamic["expected"]), dynamic
        assert dynamic["expected"] in dynamic["error"]


def _outcomes(stack: Stack, steps: Iterator[Step], engine: EngineLog) -> Iterator[dict[str, Any]]:
    for step in steps:
        engine.clear()
        answer, error = None, ""
        try:
            answer = step.command(stack)
        except (CheckFailed, OperationFailed) as refused:
            error = str(refused)
        yield {
            "answer": _comparable(answer),
            "error": error,
            "expected": step.error,
            "warnings": list(engine.warnings),
            "inputs": stack.inputs,
            # After an error the plugin's state is newer: Pulumi keeps what it says of the object.
            "state": None if error else stack.state,
            "secrets": None if error else sorted(secret_paths([stack.kept_state, stack.kept_inputs])),
        }


def _comparable(answer: Any) -> Any:
    """A command's answer; of a diff, what both adapters say."""
    if not isinstance(answer, tuple):
        return answer
    inputs, diff = answer
    return [inputs, diff.changes, diff.replaces, diff.delete_before_replace]


_DIFFERING = {
    "uuid": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "owner": r"project/test/[0-9a-f]{8}(?:@[0-9a-f]{10})?",
    "incarnation": r'(?<="__incarnation": ")[0-9a-f]{32}',
    "resource": r'(?<="__name": ")[0-9a-f]{8}',
    "time": r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)",
}
"""What two runs of the same program cannot have in common."""


def _normalised(outcomes: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    text = json.dumps(outcomes, sort_keys=True).replace(name, "<name>")
    for what, pattern in _DIFFERING.items():
        text = re.sub(pattern, f"<{what}>", text)
    normalised: list[dict[str, Any]] = json.loads(text, object_hook=_comparable_properties)
    return normalised


def _comparable_properties(value: dict[str, Any]) -> dict[str, Any]:
    """Properties without Pulumi's own key, and with the paths of secrets in one order."""
    ordered = {"__secrets": sorted(value["__secrets"])} if "__secrets" in value else {}
    return {key: item for key, item in value.items() if key != "__provider"} | ordered
