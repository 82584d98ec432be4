"""What is known of the inputs at one point of the search: values by their path, and what is to be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from proton_templates.recovery.inputs import Inputs, Part, Path
from proton_templates.recovery.limits import Unmatched


class Absent:
    """In the place of a value: the spec does not give it, and it has no default."""


ABSENT: Any = Absent()


@dataclass(frozen=True)
class Hole:
    """In the place of a value: it is the input at a path, whatever that is."""

    path: Path


class Unknown(Exception):
    """An expression cannot be evaluated before the input at `path` is known, or how long it is."""

    def __init__(self, path: Path, *, length: bool = False) -> None:
        super().__init__()
        self.path, self.length = path, length


class Check(NamedTuple):
    """An expression whose value is known before its inputs are."""

    node: Any
    scope: Mapping[str, Any]
    want: Any
    """A truth, or the text that it renders."""
    waits_for: Path | None = None


class Facts(NamedTuple):
    """Never changed: the search goes back to earlier ones."""

    values: Mapping[Path, Any]
    lengths: Mapping[Path, int]
    longer: Mapping[Path, int]
    """Lists that have at least so many items."""
    digests: Mapping[Any, int]
    """A number for what is known of each input, by its name; equal facts have equal ones."""
    checks: tuple[Check, ...] = ()
    cells: Mapping[int, Mapping[str, Any]] | None = None
    """The members of each `namespace()` of the template."""

    def with_value(self, path: Path, value: Any) -> Facts:
        """With the value at a path. A list that has this item is at least so long."""
        values = {**self.values, path: value}
        digests = self._digested("value", path, repr(value) if value is not ABSENT else "absent")
        items = {path[:at]: step + 1 for at, step in enumerate(path) if isinstance(step, int)}
        if all(self.longer.get(each, 0) >= length for each, length in items.items()):
            return self._replace(values=values, digests=digests)
        longer = dict(self.longer)
        for each, length in items.items():
            longer[each] = max(length, longer.get(each, 0))
        return self._replace(values=values, digests=digests, longer=longer)

    def with_length(self, path: Path, length: int) -> Facts:
        """With the number of items of a list, or of members of an object."""
        digests = self._digested("length", path, str(length))
        return self._replace(lengths={**self.lengths, path: length}, digests=digests)

    def with_longer(self, path: Path, length: int) -> Facts:
        """With a list that has at least so many items."""
        return self._replace(longer={**self.longer, path: max(length, self.longer.get(path, 0))})

    def _digested(self, kind: str, path: Path, shown: str) -> Mapping[Any, int]:
        name = path[0] if path else "*"
        return {**self.digests, name: self.digests.get(name, 0) ^ hash((kind, path, shown))}

    def with_check(self, check: Check) -> Facts:
        """With a check to be made later."""
        return self._replace(checks=(*self.checks, check))


NO_FACTS = Facts({}, {}, {}, {})


def value_at(facts: Facts, inputs: Inputs, path: Path) -> Any:
    """The value at a path, or ABSENT. Raises Unknown, with the path of the part that is not known."""
    for cut in range(len(path), -1, -1):
        if path[:cut] in facts.values:
            return descend(facts.values[path[:cut]], path[cut:])
        step = path[cut] if cut < len(path) else None
        if isinstance(step, int) and step >= facts.lengths.get(path[:cut], step + 1):
            return ABSENT
    return _assembled(facts, inputs, path)


def descend(value: Any, path: Path) -> Any:
    """What stands at a path inside a value, or ABSENT."""
    for step in path:
        try:
            value = _part(value, step) if isinstance(step, Part) else value[step]
        except (LookupError, TypeError, AttributeError, ValueError):
            return ABSENT
    return value


def _part(value: Any, part: Part) -> Any:
    if part.kind == "split":
        return value.split(part.of) if part.of else value.split()
    return [*(value if part.kind == "key" else value.values())][part.of]


def _assembled(facts: Facts, inputs: Inputs, path: Path) -> Any:
    """A value of the parts that are known one by one."""
    if (length := facts.lengths.get(path)) is not None:
        if inputs.kind(path) == "object" or any(
            (*path, Part("key", index)) in facts.values for index in range(length)
        ):
            return _pairs(facts, inputs, path, length)
        return [value_at(facts, inputs, (*path, index)) for index in range(length)]
    for split in facts.lengths:
        if split[:-1] == path and isinstance(split[-1], Part) and split[-1].kind == "split":
            pieces = [value_at(facts, inputs, (*split, index)) for index in range(facts.lengths[split])]
            return (split[-1].of or " ").join(pieces)
    members = inputs.members(path)
    if inputs.kind(path) == "object" and members and not inputs.is_open(path):
        made = {name: value_at(facts, inputs, (*path, name)) for name in members}
        return {name: value for name, value in made.items() if value is not ABSENT}
    raise Unknown(path)


def _pairs(facts: Facts, inputs: Inputs, path: Path, length: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for index in range(length):
        key = value_at(facts, inputs, (*path, Part("key", index)))
        if key in made:
            raise Unmatched
        made[key] = value_at(facts, inputs, (*path, Part("value", index)))
    return made


def bound(facts: Facts, inputs: Inputs, path: Path, value: Any) -> Facts | None:
    """The facts with one more value, or None if that contradicts them, or the schema.

    Raises TooManySteps. The checks are not made again.
    """
    try:
        known = value_at(facts, inputs, path)
    except Unknown:
        pass
    except Unmatched:
        return None
    else:
        return facts if _same(known, value) else None
    if value is ABSENT:
        if not inputs.may_be_absent(path) or any(other[: len(path)] == path for other in facts.values):
            return None
    elif not inputs.fits(path, value) or (
        (isinstance(value, (list, dict)) or inputs.kind(path) is None) and not _agrees(facts, path, value)
    ):
        return None
    parent = path[:-1]
    if facts.values.get(parent, None) is ABSENT:
        return None
    return facts.with_value(path, value)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _may_have_parts(inputs: Inputs, path: Path, value: Any) -> bool:
    return isinstance(value, (list, dict)) or inputs.kind(path) is None


def _agrees(facts: Facts, path: Path, value: Any) -> bool:
    """Whether a whole value has the parts that are known already."""
    size = len(path)
    return all(
        descend(value, other[size:]) == known for other, known in facts.values.items() if other[:size] == path
    ) and all(
        _length(descend(value, other[size:])) == known
        for other, known in facts.lengths.items()
        if other[:size] == path
    )


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (list, dict)) else -1


def known_items(facts: Facts, inputs: Inputs, path: Path) -> list[Any]:
    """The items of a list of which some are known; ABSENT in the place of the others."""
    size = len(path)
    indices = [other[size] for other in facts.values if len(other) > size and other[:size] == path]
    items = []
    for index in range(1 + max((step for step in indices if isinstance(step, int)), default=-1)):
        try:
            items.append(value_at(facts, inputs, (*path, index)))
        except Unknown:
            items.append(ABSENT)
    return items
