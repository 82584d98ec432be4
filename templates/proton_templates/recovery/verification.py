"""What the search found is believed only if it renders the deployed text again, with the real renderer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from proton_templates.openapi import Schema
from proton_templates.recovery.agreement import agreement
from proton_templates.recovery.facts import Facts
from proton_templates.recovery.inputs import Inputs, Path
from proton_templates.recovery.limits import OutOfSteps
from proton_templates.recovery.outcomes import outcome
from proton_templates.recovery.result import Agreement
from proton_templates.recovery.values import examples
from proton_templates.rendering import RenderError, render_template
from proton_templates.spec import SpecError, check_spec

MAX_RENDERED = 40
"""How often a template is rendered at most; one with many expressions, which takes longer, less often."""
_EXPRESSIONS = 50


class Solution(NamedTuple):
    """Inputs that render the deployed text, and what is said of them."""

    inputs: dict[str, Any]
    agreement: Agreement
    without_trace: list[str]
    missing: list[Path]


class Verification:
    """Renders inputs with one template, and compares."""

    def __init__(self, template: str, file: str, name: str, schema: Schema, deployed: str) -> None:
        self._template, self._file, self._name = template, file, name
        self._schema, self._inputs, self._deployed = schema, Inputs(schema), deployed
        self._rendered = 0
        self._cost = 1 + (template.count("{{") + template.count("{%")) // _EXPRESSIONS
        self.fault = ""
        """Why the last inputs were not right: a clause."""

    def solution(self, facts: Facts) -> Solution | None:
        """The inputs of which so much is known, if they are right. Raises OutOfSteps."""
        given = outcome(facts, self._inputs)
        missing: list[Path] = []
        if (needed := self._complete(given, (), missing)) is not None:
            self.fault = f"the input '{dotted(needed)}' is required and leaves no trace; give its value"
            return None
        complete, found = self.tried(given)
        if found is Agreement.NONE or complete is None:
            return None
        traced = {path[:cut] for path in (*facts.values, *facts.lengths) for cut in range(len(path) + 1)}
        known = {*facts.values}
        without_trace = [*_untraced(self._inputs, complete, (), traced, known)]
        return Solution(complete, found, without_trace, missing)

    def tried(self, given: dict[str, Any]) -> tuple[dict[str, Any] | None, Agreement]:
        """Inputs with their defaults, and how what they render agrees with the deployed text."""
        if self._rendered >= MAX_RENDERED:
            raise OutOfSteps
        self._rendered += self._cost
        try:
            complete = check_spec(given, self._schema)
            rendered = render_template(self._template, self._name, complete, file=self._file)
        except (SpecError, RenderError) as error:
            self.fault = f"the inputs that are read out of it are refused: {str(error).rstrip('.')}"
            return None, Agreement.NONE
        found = agreement(rendered, self._deployed)
        self.fault = "the inputs that are read out of it render another document"
        return complete, found

    def _complete(self, given: Any, path: Path, missing: list[Path]) -> Path | None:
        """Adds a value that fits for each required input that is not known and has no default.

        Returns the path of the first for which no such value is known.
        """
        if isinstance(given, list):
            found = (self._complete(item, (*path, index), missing) for index, item in enumerate(given))
            return next((needed for needed in found if needed is not None), None)
        if not isinstance(given, dict):
            return None
        schema = self._inputs.at(path)
        for name in schema.get("required", ()):
            place = (*path, name)
            if name not in given and "default" not in self._inputs.at(place):
                example = next(examples(self._inputs, place), None)
                if example is None:
                    return place
                given[name] = example
                missing.append(place)
        known = ((name, value) for name, value in given.items() if (*path, name) not in missing)
        found = (self._complete(value, (*path, name), missing) for name, value in known)
        return next((needed for needed in found if needed is not None), None)

    def others(self, solution: Solution) -> Iterator[dict[str, Any]]:
        """The same inputs with another value for each that is missing."""
        for path in solution.missing:
            for example in examples(self._inputs, path):
                other = _replaced(solution.inputs, path, example)
                if repr(other) != repr(solution.inputs):
                    complete, found = self.tried(other)
                    if complete is not None and found is not Agreement.NONE:
                        yield complete
                    break


def _replaced(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_replaced(item, rest, new) if index == step else item for index, item in enumerate(value)]
    return {name: _replaced(member, rest, new) if name == step else member for name, member in value.items()}


def _untraced(inputs: Inputs, value: Any, path: Path, traced: set[Path], known: set[Path]) -> Iterator[str]:
    """The paths of declared inputs that the search learned nothing of."""
    if path in known:
        return
    if path and path not in traced:
        yield dotted(path)
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            if (*path, index) in traced:
                yield from _untraced(inputs, item, (*path, index), traced, known)
    elif isinstance(value, dict):
        for name in inputs.members(path):
            yield from _untraced(inputs, value.get(name), (*path, name), traced, known)


def dotted(path: Path) -> str:
    """A path as messages write it: `subnets[0].cidr`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
