"""YAML text that may be a stranger's: a schema from the server, or a spec. Pure."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

_MOST_CHARACTERS, _MOST_VALUES = 204_800, 100_000
"""Of a text, and of what it says once its aliases are written out. The API takes 51,200 characters."""


class _TextLoader(yaml.SafeLoader):
    """YAML as a spec means it: `2024-01-01` is the text that was typed, not a date (JSON has none)."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def loaded(text: str) -> Any:
    """What a text says.

    Raises:
        ValueError: it is not valid, or says too much; without what it says, which may be a secret.

    """
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"is longer than {_MOST_CHARACTERS:,} characters")
    try:
        loader = _TextLoader(text)
        node = loader.get_single_node()
        too_much = node is not None and _size(node, {}) > _MOST_VALUES
        value = None if node is None or too_much else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ValueError(f"is not valid YAML{_position(error)}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # How PyYAML takes `!!int x`.
        raise ValueError("is not valid YAML: a value is not what its tag says") from None
    if too_much:
        raise ValueError(f"says more than {_MOST_VALUES:,} values once its aliases are written out")
    return value


def _size(node: yaml.Node, known: dict[int, float]) -> float:
    """How many values a node says with its aliases written out; infinitely many where it holds itself."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = math.inf
        below = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
        known[id(node)] = 1 + sum(_size(part, known) for part in below)
    return known[id(node)]


def _position(error: yaml.YAMLError) -> str:
    """Where in a text the error is, and which; without what it quotes of the text, which may be a secret."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return ""
    problem = re.sub(r" '(?![<\\])[^']{2,}'", "", error.problem or "")
    return f", line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {problem}"
