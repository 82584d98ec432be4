"""The inputs as a spec gives them, put together from what the search found out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proton_templates.recovery.facts import ABSENT, Facts, Unknown, value_at
from proton_templates.recovery.inputs import Inputs, Part, Path


def outcome(facts: Facts, inputs: Inputs) -> dict[str, Any]:
    """The inputs that are known, as a spec gives them; what is not known is left out."""
    known: dict[str, Any] = _known(facts, inputs, (), _branches(facts))
    return known


def _branches(facts: Facts) -> set[Path]:
    """Every path above something known."""
    paths = [*(path for path, value in facts.values.items() if value is not ABSENT), *facts.lengths]
    return {path[:cut] for path in paths for cut in range(len(path) + 1)}


def _known(facts: Facts, inputs: Inputs, path: Path, branches: set[Path]) -> Any:
    try:
        return value_at(facts, inputs, path)
    except Unknown:
        pass
    length = facts.lengths.get(path)
    if length is not None and inputs.kind(path) != "object":
        return [_known(facts, inputs, (*path, index), branches) for index in range(length)]
    if length is None and inputs.kind(path) == "array":
        given = [step for step in _steps(branches, path) if isinstance(step, int)]
        return [
            _known(facts, inputs, (*path, index), branches) for index in range(max(given, default=-1) + 1)
        ]
    made: dict[str, Any] = {}
    for step in sorted(_steps(branches, path), key=_order(inputs.members(path))):
        if isinstance(step, str):
            made[step] = _known(facts, inputs, (*path, step), branches)
        elif isinstance(step, Part) and step.kind == "key":
            key = _known(facts, inputs, (*path, step), branches)
            if isinstance(key, str):
                made[key] = _known(facts, inputs, (*path, Part("value", step.of)), branches)
    if not made and inputs.kind(path) not in ("object", None) and path:
        return inputs.at(path).get("default")
    return made


def _steps(branches: set[Path], path: Path) -> Iterator[Any]:
    size = len(path)
    return (other[size] for other in branches if len(other) == size + 1 and other[:size] == path)


def _order(members: list[str]) -> Any:
    places = {name: place for place, name in enumerate(members)}
    return lambda step: (places.get(step, len(places)), repr(step))
