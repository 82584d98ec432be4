"""`schema.json`: what Pulumi, its SDK generators and `pulumi do` know of the plugin, from the declarations.

https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/schema/. It has no version: the plugin adds its
own. No input has `defaultInfo`: a Region that an SDK took from the environment would be an input of the
provider, and another machine's environment a change of it that replaces everything. The plugin reads the
environment itself, when it calls.
"""

from __future__ import annotations

import inspect
import json
import pathlib
import typing
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from aws_proton_provider.aws.configuration import Configuration
from aws_proton_provider.core import types
from aws_proton_provider.core.declaration import Kind, Model, Property, Resource, bare, nested_object
from aws_proton_provider.core.package import NAMESPACE
from aws_proton_provider.resources import FUNCTIONS, RESOURCES
from aws_proton_provider.resources.functions.function import Function
from tools.generate.python import AUTONAMED

_EXAMPLES = pathlib.Path(__file__).with_name("examples")

_HEADER: dict[str, Any] = {
    "name": NAMESPACE,
    "displayName": "AWS Proton",
    "description": "AWS Proton environments, environment account connections and account settings.",
    "keywords": ["pulumi", "aws", "proton", "category/infrastructure", "kind/native"],
    "license": "Apache-2.0",
    "publisher": "pulumi-aws-proton",
    "language": {
        "csharp": {
            "namespaces": {NAMESPACE: "AwsProton"},
            "packageReferences": {"Pulumi": "3.*"},
            "respectSchemaVersion": True,
        },
        "go": {
            "generateResourceContainerTypes": True,
            # A module that is in no public repository: Go asks for a host name all the same.
            "importBasePath": "example.com/pulumi-aws-proton/sdk/go/awsproton",
            "respectSchemaVersion": True,
            "rootPackageName": "awsproton",
        },
        "java": {
            "buildFiles": "gradle",
            "dependencies": {"com.pulumi:pulumi": "1.0.0"},
            "packages": {NAMESPACE: "awsproton"},
        },
        "nodejs": {
            "dependencies": {"@pulumi/pulumi": "^3.142.0"},
            "devDependencies": {"@types/node": "^20", "typescript": "^5.9.0"},
            "packageName": "pulumi-aws-proton",
            "readme": "The TypeScript SDK of pulumi-aws-proton: see docs/guide/other-languages.md.",
            "respectSchemaVersion": True,
        },
        # Not pulumi_aws_proton: that is this project's own package, which has typed classes for the plugin.
        "python": {
            "packageName": "pulumi_aws_proton_plugin",
            "pyproject": {"enabled": True},
            "requires": {"pulumi": ">=3.241.0,<4.0.0"},
            "respectSchemaVersion": True,
        },
    },
}

_ANY = {"$ref": "pulumi.json#/Any"}
_MAPPING = {"type": "object", "additionalProperties": _ANY}
_PRIMITIVES = {str: "string", bool: "boolean", int: "integer"}
_ENUMERATIONS = {hint: name for name, hint in vars(types).items() if typing.get_origin(hint) is Literal}
"""The names of the enumerations."""


PROVIDER_DOC = (
    "Where calls go, with which credentials, and what may be changed: the settings of the stack's "
    f"configuration (`{NAMESPACE}:region`, …), for the resources and functions that are given this provider."
)


def schema() -> str:
    """`schema.json`."""
    return json.dumps(package_schema(), indent=4, ensure_ascii=False) + "\n"


def package_schema() -> dict[str, Any]:
    """The package's schema."""
    settings = dict(_fields(Configuration))
    texts = {
        str(field.alias): settings[str(field.alias)]
        for field in Configuration.model_fields.values()
        if is_text(field.annotation)
    }
    return {
        **_HEADER,
        "config": {"variables": settings},
        "types": dict(_types()),
        "provider": {
            "description": PROVIDER_DOC,
            "properties": texts,
            "inputProperties": settings,
        },
        "resources": {token(resource.__name__): _resource(resource) for resource in RESOURCES},
        "functions": {token(function.wire): _function(function) for function in FUNCTIONS},
    }


def _resource(resource: type[Resource]) -> dict[str, Any]:
    given = [item for item in resource.properties if item.from_program]
    return {
        "description": f"{_description(resource)}\n\n{_example(resource.__name__)}",
        "properties": {item.wire: _described(item, give=False) for item in resource.properties},
        "required": [item.wire for item in resource.properties if item.always],
        "inputProperties": {item.wire: _described(item, give=True) for item in given},
        "requiredInputs": [item.wire for item in given if item.required],
        "listInputs": {
            "type": "object",
            "properties": {item.wire: _described(item, give=True) for item in given if item.type == _ACCOUNT},
        },
        "aliases": [{"type": f"pulumi-python:dynamic/{NAMESPACE}:{resource.__name__}"}],
    }


def _function(function: type[Function]) -> dict[str, Any]:
    given = [item for item in function.properties if item.from_program]
    returned = function.of_kind(Kind.OUTPUT)
    return {
        "description": _description(function),
        "inputs": {
            "type": "object",
            "properties": {item.wire: _described(item, give=True) for item in given},
            "required": [item.wire for item in given if item.required],
        },
        "outputs": {
            "type": "object",
            "properties": {item.wire: _described(item, give=False) for item in returned},
            "required": [item.wire for item in returned if item.always],
        },
    }


_ACCOUNT = types.Account | None


def _described(item: Property, *, give: bool) -> dict[str, Any]:
    """A property, as a program gives it or gets it."""
    left_out = f" {AUTONAMED}" if give and item.autonamed else ""
    described = {**_type(item.type, give=give), "description": f"{' '.join(item.doc.split())}{left_out}"}
    if give and item.default is not None:
        described["default"] = item.default
    if item.replace:
        # Not replaceOnChanges: whether a change replaces is for the plugin to say. A name may move to a
        # resource that is named like it, and what AWS fills in may be left out again.
        described["willReplaceOnChanges"] = True
    return described


def _types() -> Iterator[tuple[str, dict[str, Any]]]:
    """The nested objects and enumerations that properties refer to, by token."""
    declared: tuple[type[Resource], ...] = (*RESOURCES, *FUNCTIONS)
    hints: list[Any] = [item.type for each in declared for item in each.properties]
    found = sorted(set(_named_in([*hints, Configuration])), key=_type_name)
    for hint in found:
        name = token(_type_name(hint))
        if _is_enumeration(hint):
            values = [{"name": _camel(value), "value": value} for value in typing.get_args(hint)]
            yield name, {"type": "string", "enum": values}
        elif hint is not Configuration:
            required = [str(field.alias) for field in hint.model_fields.values() if field.is_required()]
            yield (
                name,
                {
                    "type": "object",
                    "description": _description(hint),
                    "properties": dict(_fields(hint)),
                    "required": required,
                },
            )


def _named_in(hints: Iterable[Any]) -> Iterator[Any]:
    """The nested objects and enumerations in types."""
    for hint in hints:
        model = nested_object(hint)
        if model:
            yield model
            yield from _named_in(field.annotation for field in model.model_fields.values())
        elif _is_enumeration(hint):
            yield hint
        else:
            yield from _named_in(typing.get_args(hint))


def is_text(hint: Any) -> bool:
    """Whether values of a type are texts. Of a provider all others are JSON text."""
    return bare(hint)[0] is str or _is_enumeration(bare(hint)[0])


def _is_enumeration(hint: Any) -> bool:
    return typing.get_origin(hint) is Literal


def _type_name(hint: Any) -> str:
    return _ENUMERATIONS[hint] if _is_enumeration(hint) else str(hint.__name__)


def _fields(model: type[Model]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The members of a nested object."""
    for field in model.model_fields.values():
        yield str(field.alias), {**_type(field.annotation, give=True), "description": field.description}


def _type(hint: Any, *, give: bool) -> dict[str, Any]:
    """The schema of a declared type."""
    hint, _ = bare(hint)
    if hint is Any:
        return _ANY
    if hint == types.Spec:
        return {"oneOf": [_MAPPING, {"type": "string"}]} if give else _MAPPING
    if inspect.isclass(hint) and hint in _PRIMITIVES:
        return {"type": _PRIMITIVES[hint]}
    if _is_enumeration(hint) or nested_object(hint):
        return {"$ref": f"#/types/{token(_type_name(hint))}"}
    return _composed_type(typing.get_origin(hint), typing.get_args(hint), give=give)


def _composed_type(origin: Any, arguments: tuple[Any, ...], *, give: bool) -> dict[str, Any]:
    if origin is Annotated:
        return _type(arguments[0], give=give)
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(arguments[1], give=give)}
    if origin in (list, tuple):
        return {"type": "array", "items": _type(arguments[0], give=give)}
    raise TypeError(f"{origin} has no counterpart in Pulumi's schema language")


def _camel(value: str) -> str:
    """GITHUB_ENTERPRISE as the SDKs name it: GithubEnterprise."""
    return value.title().replace("_", "")


def token(name: str) -> str:
    """The token of a resource, function or type."""
    return f"{NAMESPACE}:index:{name}"


def _description(declared: type) -> str:
    """The docstring of a class, a paragraph a line: each reader breaks lines where it wants."""
    paragraphs = (inspect.getdoc(declared) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _example(name: str) -> str:
    """The examples and the way to import, which the docs of every SDK show."""
    return (_EXAMPLES / f"{name}.md").read_text()
