"""The Python SDK of the plugin: the same classes as the dynamic ones, a provider, and functions."""

from __future__ import annotations

import inspect
from typing import Any

from aws_proton_provider.aws.configuration import Configuration
from aws_proton_provider.core.declaration import Kind, Model
from aws_proton_provider.core.package import NAMESPACE
from aws_proton_provider.resources import FUNCTIONS, RESOURCES
from aws_proton_provider.resources.functions.function import Function
from tools.generate.python import (
    argument,
    class_names,
    described,
    described_model,
    filled,
    models_in,
    module_name,
    python_type,
    wrapped,
)
from tools.generate.schema import PROVIDER_DOC, is_text, token
from tools.generate.sdk import resource_models, resource_values


def plugin_sdk() -> dict[str, str]:
    """The package's modules: name → text."""
    classes = {
        "nested": [*class_names(_given_models(), got=False), *class_names(_got_models(), given=False)],
        "shared": class_names(resource_models()),
    }
    modules = {
        f"{module_name(resource)}.py": filled(
            "plugin_resource.py",
            form=" of the plugin",
            token=token(resource.__name__),
            **resource_values(resource),
        )
        for resource in RESOURCES
    }
    modules |= {f"{module_name(each)}.py": _function_module(each, classes) for each in FUNCTIONS}
    return modules | {
        "__init__.py": _package(classes),
        "_nested.py": _nested_module(),
        "_options.py": filled("plugin_options.py", namespace=NAMESPACE),
        "provider.py": _provider_module(classes),
    }


def _given_models() -> list[type[Model]]:
    """The nested objects that only the provider or functions are given."""
    hints = [item.type for each in FUNCTIONS for item in each.properties if item.from_program]
    settings = [field.annotation for field in Configuration.model_fields.values()]
    return _besides_shared([*settings, *hints])


def _got_models() -> list[type[Model]]:
    """The nested objects that only functions return."""
    return _besides_shared([item.type for each in FUNCTIONS for item in each.of_kind(Kind.OUTPUT)])


def _besides_shared(hints: list[Any]) -> list[type[Model]]:
    return [model for model in dict.fromkeys(models_in(hints)) if model not in resource_models()]


def _nested_module() -> str:
    models = [described_model(model, got=False) for model in _given_models()]
    models += [described_model(model, given=False) for model in _got_models()]
    return filled("nested.py", models=models)


def _package(classes: dict[str, list[str]]) -> str:
    modules = {module_name(resource): [resource.__name__] for resource in RESOURCES}
    modules |= {
        name: [name, f"{name}_output", _result(function)]
        for function, name in ((each, module_name(each)) for each in FUNCTIONS)
    }
    modules["provider"] = ["Provider"]
    own = [name for names in modules.values() for name in names]
    exported = sorted([*classes["shared"], *classes["nested"], *own])
    return filled("plugin_package.py", namespace=NAMESPACE, modules=modules, exported=exported, **classes)


def _result(function: type[Function]) -> str:
    return f"{function.__name__}Result"


def _function_module(function: type[Function], classes: dict[str, list[str]]) -> str:
    given = [
        described(item) | {"argument": argument(item.name, item.doc, 8)}
        for item in function.properties
        if item.from_program
    ]
    returned = [described(item) for item in function.of_kind(Kind.OUTPUT)]
    return filled(
        "plugin_function.py",
        name=module_name(function),
        token=token(function.wire),
        result=_result(function),
        doc=inspect.getdoc(function),
        required=[item for item in given if item["required"]],
        optional=[item for item in given if not item["required"]],
        returned=sorted(returned, key=lambda item: bool(item["optional"])),
        **classes,
    )


def _provider_module(classes: dict[str, list[str]]) -> str:
    settings = [
        {
            "name": name,
            "wire": field.alias,
            "given": python_type(field.annotation, give=True),
            "got": python_type(field.annotation, give=False),
            "is_text": is_text(field.annotation),
            "doc": field.description,
            "argument": argument(name, field.description or "", 12),
        }
        for name, field in Configuration.model_fields.items()
    ]
    doc = wrapped(PROVIDER_DOC, " " * 4).strip()
    return filled("plugin_provider.py", namespace=NAMESPACE, doc=doc, settings=settings, **classes)
