"""The text of a template, in YAML or JSON, becomes plain values.

Pure. The text is a stranger's: what would cost the server more than it is worth is refused before it is
composed. Messages are CloudFormation's where it has one.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import yaml

from proton_server.local.cloudformation.errors import TemplateError
from proton_templates.documents import SafeLoader, TooDeep, events

_MAX_DEPTH = 100
"""Every level takes some Python frames to evaluate."""
_MAX_NUMBER = 1e308
# No XML can carry these, and so no answer of CloudFormation.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def load(body: str) -> Any:
    """What a template says; functions in short form (``!Ref x``) as in the long one, all keys text.

    Raises:
        TemplateError: it is no YAML or JSON, has aliases, is too deep, or holds what no template may.

    """
    # libyaml refuses the tabs that JSON allows, so JSON is read as JSON.
    document = _load_json(body) if body.lstrip().startswith("{") else _load_yaml(body)
    _check_values(document)
    return document


def check_text(text: str) -> str:
    """The text, which an answer can carry.

    Raises:
        TemplateError: it holds a control character or half a character.

    """
    if found := _UNSPEAKABLE.search(text):
        raise TemplateError(f"Template format error: a character is not allowed: U+{ord(found[0]):04X}")
    return text


def _load_json(body: str) -> Any:
    try:
        return json.loads(body, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} , column {error.colno}"
        raise TemplateError(f"Template format error: JSON not well-formed. ({where})") from None
    except ValueError:  # a number of 5,000 digits, or NaN
        raise TemplateError("Template format error: JSON not well-formed.") from None
    except RecursionError:
        raise _too_deep() from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _load_yaml(body: str) -> Any:
    try:
        _check_events(body)
        return yaml.load(body, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise TemplateError(f"Template format error: YAML not well-formed.{where}") from None
    except (ValueError, LookupError):  # how PyYAML's constructors fail: a number of 5,000 digits, "!!bool x"
        raise TemplateError("Template format error: YAML not well-formed.") from None


def _check_events(body: str) -> None:
    try:
        for event in events(body, _Loader, max_depth=_MAX_DEPTH):
            if isinstance(event, yaml.AliasEvent):
                raise TemplateError(
                    "Template format error: YAML aliases are not allowed in CloudFormation templates"
                )
    except TooDeep:
        raise _too_deep() from None


def _check_values(document: Any) -> None:
    waiting = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, dict | list):
            if depth == _MAX_DEPTH:
                raise _too_deep()
            members = value
            if isinstance(value, dict):
                members = [*value.values()]
                check_text("".join(value))
            waiting += [(member, depth + 1) for member in members]
        elif isinstance(value, str):
            check_text(value)
        elif isinstance(value, int | float):
            if not (math.isfinite(value) and abs(value) < _MAX_NUMBER):
                raise TemplateError("Template format error: a number is infinite, none, or too long")
        elif value is not None:  # of a tag such as !!set or !!binary
            raise TemplateError("Template format error: unsupported structure.")


def _too_deep() -> TemplateError:
    return TemplateError(f"Template format error: the template is nested deeper than {_MAX_DEPTH} levels")


class _Loader(SafeLoader):  # type: ignore[misc]
    """YAML as CloudFormation reads it: short tags are functions, keys and dates (policy versions) text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        self.flatten_mapping(node)
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is no text", key.start_mark)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


def _function_tag(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _function_tag)
