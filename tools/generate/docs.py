"""The pages of the reference, whose tables are the declarations."""

from __future__ import annotations

import inspect
from typing import Any

from aws_proton_provider.aws.configuration import Configuration
from aws_proton_provider.core.declaration import Kind, Model, Property, Resource
from aws_proton_provider.core.package import NAMESPACE
from aws_proton_provider.resources import FUNCTIONS
from tools.generate.python import filled, models_in, module_name, python_type
from tools.generate.schema import PROVIDER_DOC
from tools.generate.sdk import resource_models


def reference_page(resource: type[Resource]) -> str:
    """The page of the docs with the tables of a resource's properties."""
    tables = {
        "Inputs": [_row(item) for item in resource.properties if item.from_program],
        "Outputs": [_row(item) for item in resource.properties if not item.from_program],
    }
    return filled("reference.md", name=resource.__name__, doc=inspect.getdoc(resource), tables=tables)


def provider_page() -> str:
    """The page with the settings of a provider."""
    settings = [
        {
            "name": name,
            "wire": field.alias,
            "type": python_type(field.annotation, give=False),
            "doc": field.description,
        }
        for name, field in Configuration.model_fields.items()
    ]
    return filled("reference_provider.md", namespace=NAMESPACE, doc=PROVIDER_DOC, settings=settings)


def functions_page() -> str:
    """The page with the inputs and outputs of every function."""
    functions = [
        {
            "name": module_name(function),
            "doc": inspect.getdoc(function),
            "tables": {
                "Input": [_row(item) for item in function.properties if item.from_program],
                "Output": [_row(item) for item in function.of_kind(Kind.OUTPUT)],
            },
        }
        for function in FUNCTIONS
    ]
    found = models_in(item.type for function in FUNCTIONS for item in function.properties)
    models = [_model(model) for model in dict.fromkeys(found) if model not in resource_models()]
    return filled("reference_functions.md", functions=functions, models=models)


def _model(model: type[Model]) -> dict[str, Any]:
    """A nested object as a section of a page."""
    rows = [
        {"name": name, "type": python_type(field.annotation, give=False), "doc": field.description}
        for name, field in model.model_fields.items()
    ]
    return {"name": model.__name__, "doc": inspect.getdoc(model), "rows": rows}


def _row(item: Property) -> dict[str, str]:
    """A property as a row of a table."""
    kind = python_type(item.type, give=False).replace("Mapping[str, Any]", "mapping")
    need = ", required" if item.required else ""
    return {
        "name": item.name,
        "type": f"{kind}{need}",
        "effect": _effect(item),
        "doc": " ".join(item.doc.split()),
    }


def _effect(item: Property) -> str:
    if not item.from_program:
        return "–"
    if item.replace:
        return "replaces"
    return item.deploy.name if item.deploy is not None else "updates"
