"""The pages of the reference, whose tables are the declarations."""

from __future__ import annotations

import inspect

from aws_proton_provider.core.declaration import Property, Resource
from tools.generate.python import filled, python_type


def reference_page(resource: type[Resource]) -> str:
    """The page of the docs with the tables of a resource's properties."""
    tables = {
        "Inputs": [_row(item) for item in resource.properties if item.from_program],
        "Outputs": [_row(item) for item in resource.properties if not item.from_program],
    }
    return filled("reference.md", name=resource.__name__, doc=inspect.getdoc(resource), tables=tables)


def _row(item: Property) -> dict[str, str]:
    """A property as a row of a table."""
    kind = python_type(item.type, give=False).replace("Mapping[str, Any]", "mapping")
    need = ", required" if item.required and item.name != "name" else ""
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
