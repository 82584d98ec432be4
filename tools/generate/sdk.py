"""The Python SDK of the dynamic resources: package, nested objects, and a module for each resource."""

from __future__ import annotations

import inspect
from typing import Any

from aws_proton_provider.core.declaration import Model, Resource
from aws_proton_provider.resources import RESOURCES
from tools.generate.python import class_names, described, described_model, filled, models_in, module_name


def dynamic_sdk() -> dict[str, str]:
    """The package's modules: name → text."""
    modules = {f"{module_name(resource)}.py": _resource_module(resource) for resource in RESOURCES}
    nested = filled("nested.py", models=[described_model(model) for model in resource_models()])
    return {"__init__.py": _package(), "_nested.py": nested} | modules


def resource_models() -> list[type[Model]]:
    """The nested objects of all resources."""
    return list(dict.fromkeys(models_in(item.type for each in RESOURCES for item in each.properties)))


def resource_values(resource: type[Resource]) -> dict[str, Any]:
    """What the template of a resource is filled with."""
    properties = [described(item) for item in resource.properties]
    given = [item for item in properties if item["from_program"]]
    return {
        "name": resource.__name__,
        "doc": inspect.getdoc(resource),
        "identified_by": resource.identified_by,
        "nested": class_names({item.model for item in resource.properties if item.model}),
        "properties": properties,
        "required": [item for item in given if item["required"]],
        "optional": [item for item in given if not item["required"]],
    }


def _package() -> str:
    names = [resource.__name__ for resource in RESOURCES]
    nested = class_names(resource_models())
    found = sorted((module_name(resource), resource.__name__) for resource in RESOURCES)
    resources = [{"name": name, "module": module} for module, name in found]
    return filled("package.py", nested=nested, resources=resources, exported=sorted(names + nested))


def _resource_module(resource: type[Resource]) -> str:
    return filled("resource.py", form="", **resource_values(resource))
