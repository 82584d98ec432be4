"""YAML that users wrote: schemas, specs and manifests become plain values, or a clause says what is wrong.

What a document is about is not known here, and its values are never quoted: specs are sensitive, and a fault
of any document ends in a log or in an answer. Only keys are named.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

# libyaml's composer recurses in C: a hundred thousand nested brackets end the process with a segmentation
# fault. Its event stream does not recurse, so depth is measured there before anything is composed. The limit
# leaves room for the validators, which take several Python frames per level.
_MAX_DEPTH = 50
_MAX_BITS = (
    1000  # of an integer: what fits a float, since checks divide by floats, and no message is a page long
)
_MAX_NODES = 100_000  # with every alias written out: the answer to "billion laughs"

# Dates and a lone "=" stay strings: a schema has no type for them, and a date would fail "type: string".
_LEFT_AS_STRINGS = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}
_KEY_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"}

SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's loader that makes plain values only, with libyaml where PyYAML was built with it."""


class DocumentError(ValueError):
    """A document is refused. Each argument is one clause that says what is wrong and where."""

    def __str__(self) -> str:
        """The clauses, with semicolons between."""
        return "; ".join(self.args)


class TooDeep(DocumentError):
    """A document is nested too deeply."""


def load_mapping(text: str) -> dict[str, Any]:
    """The mapping that ``text`` holds: keys are strings, values what JSON can carry.

    Raises DocumentError for what is not YAML or not a single mapping, has a key twice, or is too large.
    """
    if not is_mapping(text):
        raise DocumentError("must be a YAML mapping (key: value)")
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        _check_size(root)
        mapping: dict[str, Any] = loader.construct_document(root)
        return mapping
    except yaml.YAMLError as error:
        raise DocumentError(_clause(error)) from None
    except DocumentError:
        raise
    except (
        ValueError,
        LookupError,
    ):  # how PyYAML's own constructors fail: a number of 5,000 digits, "!!bool x"
        raise DocumentError(
            "holds a value that does not fit its type, or a number that is too long"
        ) from None
    finally:
        loader.dispose()


def is_mapping(text: str) -> bool:
    """Whether ``text`` is one well-formed YAML document with a mapping at its top; any tag is accepted.

    Raises DocumentError for what is not YAML, is more than one document, is nested too deeply or too large.
    """
    documents = values = 0
    top: yaml.Event | None = None
    try:
        for event in events(text, SafeLoader, max_depth=_MAX_DEPTH):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
            elif isinstance(event, yaml.NodeEvent):
                top = top or event
                values += 1
                if values > _MAX_NODES:
                    raise DocumentError(f"holds more than {_MAX_NODES:,} values")
    except yaml.YAMLError as error:
        raise DocumentError(_clause(error)) from None
    except UnicodeError:
        raise DocumentError("holds a character that is not valid Unicode") from None
    if documents > 1:
        raise DocumentError("holds more than one YAML document ('---'); only one is allowed")
    return isinstance(top, yaml.MappingStartEvent)


def is_template(text: str) -> bool:
    """Whether ``text`` is a mapping in YAML or JSON, which may be indented with tabs as YAML may not.

    Raises DocumentError, as `is_mapping` does.
    """
    try:
        if isinstance(json.loads(text), dict):
            return True
    except (ValueError, RecursionError):
        pass
    return is_mapping(text)


def events(text: str, loader: Any, *, max_depth: int) -> Iterator[yaml.Event]:
    """The events of a YAML text, before anything is composed of them.

    Raises TooDeep, and PyYAML's YAMLError and UnicodeError.
    """
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > max_depth:
            raise TooDeep(f"{_place(event.start_mark)}nested deeper than {max_depth} levels")
        yield event


class _Loader(SafeLoader):  # type: ignore[misc]
    """Only what JSON can carry: no sets, dates, bytes or tags of a language's own."""


def _construct_mapping(loader: _Loader, node: MappingNode) -> dict[str, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag not in _KEY_TAGS:
            raise DocumentError(
                f"{_place(key.start_mark)}a key is read as something other than text; put it in quotes"
            )
        if key.value in seen:
            raise DocumentError(f"{_place(key.start_mark)}the key {key.value!r} is given twice")
        seen.add(key.value)
    loader.flatten_mapping(node)  # merge keys ("<<") become ordinary ones, which the node's own keys override
    return {key.value: loader.construct_object(value, deep=True) for key, value in node.value}


def _construct_sequence(loader: _Loader, node: SequenceNode) -> list[Any]:
    return [loader.construct_object(item, deep=True) for item in node.value]


def _construct_int(loader: _Loader, node: ScalarNode) -> int:
    number: int = loader.construct_yaml_int(node)
    if number.bit_length() > _MAX_BITS:
        raise DocumentError(f"{_place(node.start_mark)}a number is too long")
    return number


def _construct_float(loader: _Loader, node: ScalarNode) -> float:
    number: float = loader.construct_yaml_float(node)
    if not math.isfinite(number):
        raise DocumentError(f"{_place(node.start_mark)}a number is infinite or not a number")
    return number


def _refuse_tag(_: _Loader, node: Node) -> None:
    raise DocumentError(f"{_place(node.start_mark)}a YAML tag (!…) is not allowed here")


_Loader.yaml_constructors = {
    "tag:yaml.org,2002:null": SafeLoader.construct_yaml_null,
    "tag:yaml.org,2002:bool": SafeLoader.construct_yaml_bool,
    "tag:yaml.org,2002:int": _construct_int,
    "tag:yaml.org,2002:float": _construct_float,
    "tag:yaml.org,2002:str": SafeLoader.construct_yaml_str,
    "tag:yaml.org,2002:seq": _construct_sequence,
    "tag:yaml.org,2002:map": _construct_mapping,
    None: _refuse_tag,
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag not in _LEFT_AS_STRINGS]
    for first, rules in SafeLoader.yaml_implicit_resolvers.items()
}


def _check_size(root: Node | None) -> None:
    if root is None:
        return
    size, depth = _measure(root, {})
    if size > _MAX_NODES:
        raise DocumentError(f"makes more than {_MAX_NODES:,} values, with its aliases written out")
    if depth > _MAX_DEPTH:
        raise DocumentError(f"nested deeper than {_MAX_DEPTH} levels, with its aliases written out")


def _measure(node: Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many nodes and levels the tree has with every alias written out.

    A node inside itself counts as too many. An anchor stands before its aliases, so what an alias stands for
    is known when it is met, and this goes no deeper than the text does.
    """
    if isinstance(node, ScalarNode):
        return 1, 0
    if id(node) not in known:
        known[id(node)] = _MAX_NODES + 1, 0
        children = (
            [part for pair in node.value for part in pair] if isinstance(node, MappingNode) else node.value
        )
        measured = [_measure(child, known) for child in children]
        size = 1 + sum(nodes for nodes, _ in measured)
        known[id(node)] = size, 1 + max((levels for _, levels in measured), default=0)
    return known[id(node)]


def _clause(error: yaml.YAMLError) -> str:
    if isinstance(error, (yaml.scanner.ScannerError, yaml.parser.ParserError)):
        problem = error.problem  # one of libyaml's fixed texts; the other kinds of error quote the document
    elif isinstance(error, yaml.reader.ReaderError):
        problem = "a character that YAML does not allow"
    else:
        problem = "an alias without its anchor, or a merge ('<<') of something that is not a mapping"
    return f"not valid YAML: {_place(getattr(error, 'problem_mark', None))}{problem}"


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
