"""Renders a template backwards: from the deployed text to the inputs that it was rendered with.

AWS Proton kept the specs of its environments to itself, and deleted them. But the text of each stack's
template is what Jinja made of the bundle's file and the spec, so the spec can be read back out of it.

Pure and bounded: bundle and text may be strangers'. Nothing is claimed that does not render the same text
again. How it is searched for, and why so, is in docs/decisions/0016.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from proton_templates.budget import TooManySteps
from proton_templates.bundle import Bundle
from proton_templates.manifest import CLOUDFORMATION
from proton_templates.openapi import Schema
from proton_templates.patterns import PatternError
from proton_templates.recovery.expressions import Evaluation
from proton_templates.recovery.facts import NO_FACTS, Facts, bound
from proton_templates.recovery.inputs import Inputs
from proton_templates.recovery.limits import MAX_STEPS, OutOfSteps, Steps, Unsupported
from proton_templates.recovery.matching import Matching
from proton_templates.recovery.result import Agreement, Recovery, identical
from proton_templates.recovery.solver import Solver
from proton_templates.recovery.texts import SpacedText, Text
from proton_templates.recovery.verification import Solution, Verification, dotted
from proton_templates.rendering import RenderError, parse_template

__all__ = ["Agreement", "Recovery", "recover"]

_MAX_ALTERNATIVES = 4
_MAX_CHARACTERS = 1_048_576  # CloudFormation takes no template above 1 MB
_FOR_ALTERNATIVES = MAX_STEPS // 4
_MAX_TRIED = 24
_LIMITS = (OutOfSteps, TooManySteps, PatternError, RecursionError)
"""How a search ends that takes too long."""


def recover(
    bundle: Bundle,
    schema: Schema,
    name: str,
    deployed: str,
    *,
    known: Mapping[str, Any] | None = None,
) -> Recovery:
    """The inputs with which a bundle's template renders a deployed text.

    Args:
        bundle: as `read_bundle` returns it; its engine must be CloudFormation.
        schema: of the inputs, as `read_schema` returns it; the bundle's own, as a rule.
        name: the environment's.
        deployed: the template of the stack, as CloudFormation's GetTemplate returns the original.
        known: inputs that are known from elsewhere, by name; the others are found for these.

    """
    if bundle.engine != CLOUDFORMATION.name or bundle.template_file is None:
        return _nothing("the bundle has no template for CloudFormation")
    if len(deployed) > _MAX_CHARACTERS:
        return _nothing(f"the deployed text is longer than {_MAX_CHARACTERS:,} characters")
    file = bundle.template_file
    template = bundle.files[file].decode("utf-8-sig")
    try:
        search = _Search(template, file, name, schema, deployed)
        return search.recovery(known or {})
    except RenderError as error:
        return _nothing(str(error).rstrip("."))


def _nothing(difference: str, *, complete: bool = True) -> Recovery:
    return Recovery(None, Agreement.NONE, difference=difference, complete=complete)


class _Search:
    """The search for the inputs of one deployed text."""

    def __init__(self, template: str, file: str, name: str, schema: Schema, deployed: str) -> None:
        self._sandbox, self._tree, self._line_break = parse_template(template, file=file)
        self._inputs, self._name, self._deployed = Inputs(schema), name, deployed
        self._verification = Verification(template, file, name, schema, deployed)
        self._solutions: list[Solution] = []
        self._difference, self._reached = "", -1
        self._complete = True

    def recovery(self, known: Mapping[str, Any]) -> Recovery:
        facts = NO_FACTS
        for name, value in known.items():
            following = bound(facts, self._inputs, (name,), value)
            if following is None or name not in self._inputs.members(()):
                return _nothing(f"the value given for the input '{name}' does not fit the schema")
            facts = following
        budget = MAX_STEPS
        for one_line, text in itertools.product((True, False), _readings(self._deployed)):
            steps = Steps(budget)
            self._attempt(text(steps), steps, facts, one_line=one_line)
            budget = steps.left
            if self._solutions or budget <= 0:
                break
        if not self._solutions:
            self._try_defaults(known)
        return self._result()

    def _attempt(self, text: Text, steps: Steps, facts: Facts, *, one_line: bool) -> None:
        """One search; what is found is added to the solutions."""
        solver = Solver(Evaluation(self._sandbox, self._name, self._inputs, steps), self._line_break)
        matched, self._complete = False, True
        try:
            matching = Matching(solver, text, self._line_break, one_line=one_line)
            for found in matching.found(self._tree.body, facts):
                matched = True
                if (solution := self._verification.solution(found)) is not None:
                    self._add(solution)
                    steps.left = min(steps.left, _FOR_ALTERNATIVES)
                if len(self._solutions) > _MAX_ALTERNATIVES:
                    return
        except _LIMITS:
            self._complete = False
            self._note(text.reached, f"the search ended at its limit; its best attempt: {text.difference}")
        except Unsupported as error:
            self._complete = False
            self._note(len(self._deployed), f"the template cannot be read backwards: {error}")
        else:
            if matched:
                fault = self._verification.fault
                self._note(len(self._deployed), f"the text matches the template, but {fault}")
            elif matching.tried:
                names = ", ".join(f"'{name}'" for name in matching.tried)
                self._complete = False
                self._note(
                    text.reached,
                    f"no values that were tried for {names}, of which the text shows only the consequences, "
                    f"render it; the best attempt: {text.difference}",
                )
            elif one_line:
                self._note(text.reached, text.difference)

    def _note(self, reached: int, difference: str) -> None:
        """Keeps what says best why nothing is found: of the attempt that got furthest."""
        if reached > self._reached:
            self._difference, self._reached = difference, reached

    def _add(self, solution: Solution) -> None:
        if not any(identical(solution.inputs, other.inputs) for other in self._solutions):
            self._solutions.append(solution)

    def _try_defaults(self, known: Mapping[str, Any]) -> None:
        """For a template that cannot be read backwards: the defaults, and each choice of a few values."""
        if self._complete:
            return
        choices = {name: [*self._choices(name)] for name in self._inputs.members(()) if name not in known}
        choices = {name: values for name, values in choices.items() if len(values) > 1}
        with suppress(*_LIMITS):
            for tried in itertools.islice(itertools.product(*choices.values()), _MAX_TRIED):
                facts: Facts | None = NO_FACTS
                for name, value in {**known, **dict(zip(choices, tried, strict=True))}.items():
                    facts = facts and bound(facts, self._inputs, (name,), value)
                if facts is not None and (solution := self._verification.solution(facts)) is not None:
                    self._add(solution)

    def _choices(self, name: str) -> Iterator[Any]:
        schema = self._inputs.at((name,))
        listed = schema.get("enum") if isinstance(schema.get("enum"), list) else None
        values = listed or ([False, True] if schema.get("type") == "boolean" else [])
        if "default" in schema:
            values = [schema["default"], *(value for value in values if value != schema["default"])]
        return iter(values)

    def _result(self) -> Recovery:
        if not self._solutions:
            return _nothing(self._difference or "no inputs render the deployed text", complete=self._complete)
        best, *others = sorted(self._solutions, key=self._deviation)
        alternatives = [other.inputs for other in others]
        with suppress(*_LIMITS):
            for other in itertools.islice(self._verification.others(best), _MAX_ALTERNATIVES):
                if not any(identical(other, each) for each in alternatives):
                    alternatives.append(other)
        return Recovery(
            best.inputs,
            best.agreement,
            best.without_trace,
            alternatives[:_MAX_ALTERNATIVES],
            missing=[*map(dotted, best.missing)],
            complete=self._complete,
        )

    def _deviation(self, solution: Solution) -> tuple[bool, int, int, int]:
        """The exact text first, then what is less made up, differs less from the defaults, is less empty."""
        different = [
            name
            for name, value in solution.inputs.items()
            if value != self._inputs.at((name,)).get("default", value)
        ]
        return (
            solution.agreement is not Agreement.TEXT,
            len(solution.missing),
            len(different),
            repr(solution.inputs).count("''"),
        )


def _readings(deployed: str) -> list[Any]:
    """The texts to match: as it is, with other line ends and with spaces that do not count."""
    lines = deployed.removeprefix("\ufeff").replace("\r\n", "\n")
    end = lines.rstrip()
    texts = dict.fromkeys((deployed, lines, end + "\n", end))
    return [
        *(lambda steps, text=text: Text(text, steps) for text in texts),
        lambda steps: SpacedText(lines, steps),
    ]
