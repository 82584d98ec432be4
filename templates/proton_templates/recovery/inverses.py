"""Filters, methods and operators read backwards: from the result to the value that they were applied to.

`exact` are those that leave no choice, or a choice that is listed; what they lead to is taken at once. With
`suggested` ones information is lost, so the value may be known better from another place of the text: what
they lead to is only tried once that has been read.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

import yaml
from jinja2 import nodes

from proton_templates.documents import SafeLoader

_MAX_MADE = 1_000


@dataclass(frozen=True)
class Inverse:
    """An expression that applies something to an `inner` one, and what leads back from its result."""

    node: nodes.Expr
    inner: nodes.Expr
    arguments: list[nodes.Expr]
    candidates: Callable[[Any, list[Any]], Iterator[Any]]
    """From what the expression came to, and the arguments, to what `inner` may have been."""
    of_text: bool
    """Whether they are texts that `inner` renders, not values that it has."""


def exact(node: nodes.Expr) -> Inverse | None:
    """The inverse of an expression that can be read at once."""
    if isinstance(node, (nodes.Add, nodes.Sub, nodes.Mul)):
        return _arithmetic(node)
    return _applied(node, _EXACT)


def suggested(node: nodes.Expr) -> Inverse | None:
    """The inverse of an expression that loses information."""
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return Inverse(node, node.node, [], lambda want, _: iter([[want], want]), of_text=False)
    if isinstance(node, (nodes.Div, nodes.FloorDiv)):
        return Inverse(node, node.left, [node.right], _multiplied, of_text=False)
    return _applied(node, _LOSSY)


def _applied(node: nodes.Expr, table: Mapping[str, tuple[Callable[..., Any], bool]]) -> Inverse | None:
    """A filter `x | name(…)`, or a method `x.name(…)`."""
    if isinstance(node, nodes.Filter) and node.name in table and node.node is not None:
        candidates, of_text = table[node.name]
        arguments = [*node.args, *(option.value for option in node.kwargs)]
        return Inverse(node, node.node, arguments, candidates, of_text)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        name = _METHODS.get(node.node.attr, node.node.attr)
        if name in table:
            candidates, of_text = table[name]
            inner, arguments = node.node.node, list(node.args)
            if node.node.attr == "join":
                inner, arguments = node.args[0], [node.node.node]
            return Inverse(node, inner, arguments, candidates, of_text)
    return None


def _arithmetic(node: nodes.Add | nodes.Sub | nodes.Mul) -> Inverse | None:
    """Of `x + 1`, `24 * x` and the like, if one side is written out as a number."""
    for inner, other, is_left in ((node.left, node.right, True), (node.right, node.left, False)):
        if _is_number(other):
            operator = node.operator if is_left or node.operator != "-" else "from"
            return Inverse(node, inner, [other], _COUNTED[operator], of_text=False)
    return None


def _is_number(node: nodes.Expr) -> bool:
    if isinstance(node, nodes.Const):
        return isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    return isinstance(node, nodes.BinExpr) and _is_number(node.left) and _is_number(node.right)


def number(text: Any) -> int | float | None:
    """The number that a text is, or None."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return text
    try:
        return int(text) if re.fullmatch(r"-?\d{1,400}", str(text), re.ASCII) else float(text)
    except (ValueError, TypeError):
        return None


def _from_number(inverse: Callable[[Any, Any], Iterator[Any]]) -> Callable[[Any, list[Any]], Iterator[Any]]:
    def candidates(want: Any, arguments: list[Any]) -> Iterator[Any]:
        found = number(want)
        if found is not None and abs(found) < 1e300:
            yield from inverse(found, arguments[0] if arguments else None)

    return candidates


def _divided(want: Any, by: Any) -> Iterator[Any]:
    if by:
        quotient = want / by
        if isinstance(want, int) and isinstance(by, int) and want % by == 0:
            yield want // by
        else:
            yield int(quotient) if isinstance(quotient, float) and quotient.is_integer() else quotient


_COUNTED: Mapping[str, Callable[[Any, list[Any]], Iterator[Any]]] = {
    "+": _from_number(lambda want, other: iter([want - other])),
    "-": _from_number(lambda want, other: iter([want + other])),
    "from": _from_number(lambda want, other: iter([other - want])),
    "*": _from_number(_divided),
}


def _multiplied(want: Any, arguments: list[Any]) -> Iterator[Any]:
    found, by = number(want), number(arguments[0]) if arguments else None
    if found is not None and by is not None:
        product = found * by
        yield int(product) if isinstance(product, float) and product.is_integer() else product


def _same(want: Any, _: list[Any]) -> Iterator[Any]:
    yield want


def _json(want: Any, _: list[Any]) -> Iterator[Any]:
    try:
        yield json.loads(want)
    except (ValueError, RecursionError, TypeError):
        return


def _integers(want: Any, _: list[Any]) -> Iterator[Any]:
    found = number(want)
    if found is not None:
        yield found


def _yaml(want: Any) -> Any:
    try:
        if len(str(want)) > 50_000 or "\n" + " " * 200 in str(want):
            return None
        return yaml.load(str(want), Loader=SafeLoader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError, LookupError):
        return None


def _of_lambda(want: Any, _: list[Any]) -> Iterator[Any]:
    found = {} if not want else _yaml(want)
    if isinstance(found, dict):
        yield found


def _of_ecs(want: Any, _: list[Any]) -> Iterator[Any]:
    found = [] if not want else _yaml(want)
    if isinstance(found, list) and all(
        isinstance(each, dict) and {*each} == {"Name", "Value"} for each in found
    ):
        yield {each["Name"]: each["Value"] for each in found}


def _of_policies(want: Any, _: list[Any]) -> Iterator[Any]:
    found = [] if not want else _yaml(want)
    if isinstance(found, list):
        yield {f"policy{index}": each for index, each in enumerate(found, 1)}


_EXACT: Mapping[str, tuple[Callable[..., Iterator[Any]], bool]] = {
    "string": (_same, True),
    "safe": (_same, True),
    "tojson": (_json, False),
    "proton_cfn_sanitize": (_same, True),
    "proton_cfn_lambda_function_formatted_env_vars": (_of_lambda, False),
    "proton_cfn_ecs_task_definition_formatted_env_vars": (_of_ecs, False),
}


def _cases(want: Any, _: list[Any]) -> Iterator[str]:
    text = str(want)
    yield from (text, text.lower(), text.upper(), text.capitalize(), text.title())
    yield text.swapcase()


def _padded(want: Any, _: list[Any]) -> Iterator[str]:
    yield str(want)
    yield f"{want} "
    yield f" {want}"


def _unreplaced(want: Any, arguments: list[Any]) -> Iterator[str]:
    text = str(want)
    yield text
    if len(arguments) > 1 and isinstance(arguments[1], str) and arguments[1]:
        yield text.replace(arguments[1], str(arguments[0]))
        yield text.replace(arguments[1], str(arguments[0]), 1)
    elif len(arguments) > 1:
        yield f"{text}{arguments[0]}"


def _dedented(want: Any, arguments: list[Any]) -> Iterator[str]:
    width = arguments[0] if arguments else 4
    space = " " * width if isinstance(width, int) else str(width)
    yield str(want).replace(f"\n{space}", "\n")
    yield str(want).removeprefix(space).replace(f"\n{space}", "\n")
    yield str(want)


def _split(want: Any, arguments: list[Any]) -> Iterator[Any]:
    separator = arguments[0] if arguments and isinstance(arguments[0], str) else ""
    yield str(want).split(separator) if separator else list(str(want))
    yield [str(want)]


def _of_length(want: Any, _: list[Any]) -> Iterator[Any]:
    length = number(want)
    if isinstance(length, int) and 0 <= length <= _MAX_MADE:
        yield from ("a" * length, "b" * length, "1" * length, "2" * length)
        yield from (["a"] * length, ["b"] * length, [*range(length)])
        yield {f"a{index}": "a" for index in range(length)}


def _of_numbers(want: Any, _: list[Any]) -> Iterator[Any]:
    found = number(want)
    if found is not None:
        yield from (found, -found, found + 0.25, found - 0.25, str(want))


def _of_items(want: Any, _: list[Any]) -> Iterator[Any]:
    yield from ([want], [want, want], want)


_LOSSY: Mapping[str, tuple[Callable[..., Iterator[Any]], bool]] = {
    **dict.fromkeys(("lower", "upper", "capitalize", "title"), (_cases, True)),
    "trim": (_padded, True),
    "replace": (_unreplaced, True),
    "indent": (_dedented, True),
    "join": (_split, False),
    **dict.fromkeys(("length", "count"), (_of_length, False)),
    **dict.fromkeys(("abs", "round", "int", "float"), (_of_numbers, False)),
    **dict.fromkeys(("first", "last", "min", "max", "random"), (_of_items, False)),
    **dict.fromkeys(("escape", "e", "forceescape"), (lambda want, _: iter([html.unescape(str(want))]), True)),
    "urlencode": (lambda want, _: iter([unquote(str(want)), unquote_plus(str(want))]), True),
    **dict.fromkeys(("truncate", "wordwrap", "center", "striptags"), (_padded, True)),
    **dict.fromkeys(("sort", "unique", "list", "reverse"), (_same, False)),
    "proton_cfn_iam_policy_arns": (_of_policies, False),
    "default": (_same, True),
    "d": (_same, True),
}
_METHODS = {"strip": "trim", "lstrip": "trim", "rstrip": "trim"}
"""Methods of strings that are filters of another name; the others have the same name, or no inverse."""
