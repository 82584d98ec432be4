"""Whether two texts are the same CloudFormation document, however they are written."""

from __future__ import annotations

import json
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from proton_templates.documents import DocumentError, SafeLoader, is_mapping
from proton_templates.recovery.result import Agreement, identical

_MAX_VALUES = 200_000
_WITHOUT_PREFIX = {"Ref", "Condition"}
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


def agreement(rendered: str, deployed: str) -> Agreement:
    """How two texts agree."""
    if rendered == deployed:
        return Agreement.TEXT
    one, other = document(rendered), document(deployed)
    same = one is not None and other is not None and identical(_sorted(one), _sorted(other))
    return Agreement.DOCUMENT if same else Agreement.NONE


def document(text: str) -> Any:
    """The values of a template in YAML or JSON, its functions in their long form; None if it is neither."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        if not is_mapping(text):
            return None
        return _Reading().read(yaml.compose(text, Loader=SafeLoader))
    except (yaml.YAMLError, DocumentError, ValueError, LookupError, RecursionError):
        return None


class _Reading:
    def __init__(self) -> None:
        self._left = _MAX_VALUES
        self._loader = SafeLoader("")

    def read(self, node: Node | None) -> Any:
        self._left -= 1
        if self._left < 0 or node is None:
            raise DocumentError("holds too many values")
        value = self._plain(node)
        if not node.tag.startswith("!") or node.tag == "!":
            return value
        name = node.tag[1:]
        if name == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {name if name in _WITHOUT_PREFIX else f"Fn::{name}": value}

    def _plain(self, node: Node) -> Any:
        if isinstance(node, MappingNode):
            if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
                self._loader.flatten_mapping(node)
            return {str(self.read(key)): self.read(value) for key, value in node.value}
        if isinstance(node, SequenceNode):
            return [self.read(item) for item in node.value]
        if not isinstance(node, ScalarNode):
            raise DocumentError("holds something that is no value")
        if node.tag.startswith("!") or node.tag == _TIMESTAMP:
            return node.value
        return self._loader.construct_object(node)


def _sorted(value: Any) -> Any:
    """Members in one order: it means nothing in CloudFormation."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
