"""What AWS's resource schemas say of a type: properties, attributes, identifier, what forces a replacement.

The schemas are the CloudFormation registry's, in the copy that cfn-lint (a dependency of moto's server)
carries as data files. They are read as files, one type at a time: importing cfn-lint itself takes seconds.

Source: "Resource type schema" in the CloudFormation CLI User Guide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.validators import create

from proton_templates import patterns

_JSON_TYPES: Mapping[type, str] = {
    bool: "Boolean",
    int: "Integer",
    float: "Number",
    str: "String",
    list: "JSONArray",
    dict: "JSONObject",
    type(None): "Null",
}
_EXPECTED = {"array": "JSONArray", "object": "JSONObject"}


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[jsonschema.ValidationError]:
    """Patterns are written for other engines: one that cannot be read, or takes long, is not checked."""
    try:
        matches = not isinstance(value, str) or patterns.search(pattern, value)
    except patterns.PatternError:
        matches = True
    if not matches:
        yield jsonschema.ValidationError("pattern")


def _validator(*keywords: str) -> Any:
    """A JSON Schema validator that knows only `keywords`.

    Never among them: combinations (oneOf …), where cfn-lint's copy is stricter than AWS, and formats.
    """
    draft = jsonschema.Draft7Validator
    known = {**draft.VALIDATORS, "pattern": _pattern}
    return create(
        draft.META_SCHEMA, {name: known[name] for name in keywords}, type_checker=draft.TYPE_CHECKER
    )


_NESTING = ("$ref", "items", "properties")
_Values = _validator(
    *_NESTING,
    "additionalProperties",
    "enum",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "required",
    "type",
)
# How text is written is judged only where the template writes it: an id that moto or a placeholder made up
# need not look like AWS's.
_Literals = _validator(*_NESTING, "maxLength", "minLength", "pattern")


class ResourceSchema:
    """One resource type's schema."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.type: str = document["typeName"]
        self.identifier = tuple(_names(document.get("primaryIdentifier", ())))
        self.read_only = frozenset(_names(document.get("readOnlyProperties", ())))
        self._create_only = [_path(pointer) for pointer in document.get("createOnlyProperties", ())]
        self._document = document

    @property
    def service(self) -> str:
        """The service's name in ARNs and permissions: ``elasticfilesystem`` for ``AWS::EFS::FileSystem``."""
        namespace, kind = self.type.split("::")[1].lower(), self.type.rsplit("::", 1)[-1]
        permissions = self._document.get("handlers", {}).get("create", {}).get("permissions", ())
        services = [permission.split(":")[0] for permission in permissions]
        if namespace in services:
            return namespace
        named = [
            service for service, permission in zip(services, permissions, strict=True) if kind in permission
        ]
        return next(iter(named), namespace)

    def attribute(self, name: str) -> Mapping[str, Any] | None:
        """The schema of an attribute (``Endpoint.Port``), or None if the type has none of that name."""
        schema: Mapping[str, Any] = self._document
        for part in name.split("."):
            schema = self._resolved(schema).get("properties", {}).get(part)
            if schema is None:
                return None
        return self._resolved(schema)

    def defaults(self) -> dict[str, str]:
        """The properties that have a text as their default; a text with ``<…>`` only describes one."""
        declared = {
            name: schema.get("default") for name, schema in self._document.get("properties", {}).items()
        }
        return {
            name: value for name, value in declared.items() if isinstance(value, str) and "<" not in value
        }

    def replaces(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether a change of properties from `old` to `new` needs a new physical resource."""
        return any(_at(old, path) != _at(new, path) for path in self._create_only)

    def named_by_user(self, properties: Mapping[str, Any]) -> bool:
        """Whether the physical id is what the template says, so that two of them cannot exist at once."""
        return bool(self.identifier) and all(
            name in properties and name not in self.read_only for name in self.identifier
        )

    def coerce(self, properties: Mapping[str, Any]) -> Any:
        """The properties with scalars in their declared types: CloudFormation reads ``"5"`` as 5."""
        return self._coerced(properties, self._document)

    def violation(self, properties: Mapping[str, Any], written: Mapping[str, Any]) -> str | None:
        """What is wrong with a resource's properties, in CloudFormation's words; None when they are valid.

        Args:
            properties: evaluated and coerced.
            written: as they stand in the template, with functions not yet evaluated.

        """
        for validator, value in ((_Values, properties), (_Literals, written)):
            errors = validator(self._document).iter_errors(value)
            if found := sorted(errors, key=lambda error: [str(part) for part in error.path]):
                return _sentence(found[0])
        return None

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            target: Any = self._document
            for part in schema["$ref"].lstrip("#/").split("/"):
                target = target[part]
            schema = target
        return schema

    def _coerced(self, value: Any, schema: Mapping[str, Any]) -> Any:
        schema = self._resolved(schema)
        if isinstance(value, dict):
            members = schema.get("properties", {})
            return {key: self._coerced(item, members.get(key, {})) for key, item in value.items()}
        if isinstance(value, list):
            items = schema.get("items", {})
            return [self._coerced(item, items if isinstance(items, dict) else {}) for item in value]
        type_ = schema.get("type")
        return _COERCE[type_](value) if isinstance(type_, str) and type_ in _COERCE else value


@cache
def schema_of(type_: str) -> ResourceSchema | None:
    """The schema of a resource type, or None for one that AWS does not publish, as ``Custom::…``."""
    digest = _index().get(type_)
    if digest is None:
        return None
    return ResourceSchema(json.loads((_folder() / "resources" / f"{digest}.json").read_text()))


@cache
def _folder() -> Path:
    spec = find_spec("cfnlint")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("cfn-lint's resource schemas are missing: install pulumi-aws-proton[local]")
    return Path(spec.submodule_search_locations[0]) / "data" / "schemas"


@cache
def _index() -> dict[str, str]:
    """Resource type -> name of its schema's file. us-east-1 has every type; SAM's are listed apart."""
    providers = _folder() / "providers"
    index: dict[str, str] = {}
    for name in ("us-east-1.json", "sam.json"):
        if (providers / name).exists():
            index |= json.loads((providers / name).read_text())
    return index


def _path(pointer: str) -> list[str]:
    """``/properties/A/*/B`` -> [A]: below a list there is no telling which item is which."""
    parts = pointer.split("/")[2:]
    return parts[: parts.index("*")] if "*" in parts else parts


def _names(pointers: Iterable[str]) -> list[str]:
    return [pointer.removeprefix("/properties/").replace("/", ".") for pointer in pointers]


def _at(properties: Any, path: Iterable[str]) -> Any:
    for part in path:
        properties = properties.get(part) if isinstance(properties, dict) else None
    return properties


def _to_number(value: Any) -> Any:
    try:
        return float(value) if "." in str(value) else int(value)
    except ValueError:
        return value


_COERCE: Mapping[str, Callable[[Any], Any]] = {
    "boolean": lambda value: {"true": True, "false": False}.get(str(value).lower(), value),
    "integer": lambda value: _to_number(value) if isinstance(value, str) else value,
    "number": lambda value: _to_number(value) if isinstance(value, str) else value,
    "string": lambda value: (
        (str(value).lower() if isinstance(value, bool) else str(value))
        if isinstance(value, bool | int | float)
        else value
    ),
}


def _sentence(error: Any) -> str:
    where = "/".join(["#", *(str(part) for part in error.absolute_path)])
    value = error.validator_value
    if error.validator == "required":
        missing = next(name for name in value if name not in error.instance)
        return f"{where}: required key [{missing}] not found"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        return (
            f"{where}: extraneous key [{next(k for k in error.instance if k not in known)}] is not permitted"
        )
    if error.validator == "type":
        types = [value] if isinstance(value, str) else value
        expected = " or ".join(_EXPECTED.get(name, name.capitalize()) for name in types)
        return f"{where}: expected type: {expected}, found: {_JSON_TYPES[type(error.instance)]}"
    if error.validator == "enum":
        return f"{where}: {error.instance} is not a valid enum value"
    return f"{where}: failed validation constraint for keyword [{error.validator}]"
