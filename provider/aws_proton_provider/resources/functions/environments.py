"""https://docs.aws.amazon.com/proton/latest/APIReference/API_GetEnvironment.html and API_ListEnvironments."""

from __future__ import annotations

import pydantic

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.core import types
from aws_proton_provider.core.declaration import Kind, Model, output, prop
from aws_proton_provider.core.errors import NotFound
from aws_proton_provider.core.package import NAMESPACE
from aws_proton_provider.core.records import from_record, to_request
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.environment.resource import Environment
from aws_proton_provider.resources.functions.function import (
    READ_FROM,
    Function,
    as_outputs,
    required,
    summary_of,
)


class GetEnvironment(Function):
    """An environment that this program does not manage, with its outputs and tags."""

    properties = (
        required(Environment.property_of("name")),
        *as_outputs(
            declared
            for declared in Environment.properties
            # No record has the type of an update; and `tags` are all tags here.
            if declared.kind is not Kind.SETTING and declared.wire not in ("deploymentType", "tagsAll")
        ),
    )
    tags: types.AllTags = output(doc="All of its tags.")
    account: types.Account | None = READ_FROM

    @classmethod
    def answer(cls, inputs: State, proton: Proton) -> State:
        """The environment as it is."""
        found = Environment.read(inputs["name"], {}, Operation(proton, "read"))
        if found is None:
            raise NotFound(
                f"environment {inputs['name']} does not exist in the account that the credentials reach, in "
                f"Region {proton.region}: check the name, and the configuration `{NAMESPACE}:*` or `account`"
            )
        return found | {"tags": found["tagsAll"]}


class EnvironmentTemplateFilter(Model):
    """A major version of an environment template."""

    template_name: types.ResourceName = pydantic.Field(description="The name of the environment template.")
    major_version: types.TemplateVersionPart = pydantic.Field(description="The major version.")


@summary_of(Environment)
class EnvironmentSummary(Model):
    """An environment, as a listing has it."""


class GetEnvironments(Function):
    """All environments of an account and Region, in short: without their specs, outputs and tags."""

    environment_templates: list[EnvironmentTemplateFilter] | None = prop(
        doc="Only the environments of one of these major versions of templates."
    )
    account: types.Account | None = READ_FROM
    environments: list[EnvironmentSummary] = output(doc="The environments.")

    @classmethod
    def answer(cls, inputs: State, proton: Proton) -> State:
        """All pages of the listing."""
        filters = to_request(cls.of_kind(Kind.INPUT), inputs)
        listed = proton.all_of("list_environments", "environments", maxResults=100, **filters)
        return {"environments": [from_record(Environment, record) for record in listed]}
