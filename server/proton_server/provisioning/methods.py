"""The table of provisioning methods: all that the server knows about a method beside its calls.

A new method is a module with the verbs of `Provisioner`, and a row here; what a bundle's manifest says to ask
for it is its engine's row in `proton_templates/manifest.py`.
https://docs.aws.amazon.com/proton/latest/userguide/ag-works-prov-methods.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from proton_server.provisioning.cloudformation.provisioner import CloudFormation
from proton_server.provisioning.cloudformation.templates import rendered_template
from proton_server.provisioning.codebuild.buildspec import rendered_buildspecs
from proton_server.provisioning.codebuild.provisioner import CodeBuild
from proton_server.provisioning.customer_managed import CustomerManaged
from proton_server.provisioning.self_managed.provisioner import SelfManaged
from proton_server.provisioning.self_managed.terraform_files import rendered_terraform
from proton_templates.manifest import CLOUDFORMATION, CODEBUILD, CUSTOMER_MANAGED, TERRAFORM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proton_server.provisioning import Place, Provisioner
    from proton_server.provisioning.aws import Aws
    from proton_server.provisioning.cloudformation.template_buckets import TemplateBuckets
    from proton_server.provisioning.cloudformation.watch import StackWatch
    from proton_server.provisioning.git_hosting import Hostings
    from proton_templates.bundle import Bundle
    from proton_templates.manifest import Engine

_SERVICE_ROLE, _BUILD_ROLE, _COMPONENT_ROLE = "protonServiceRoleArn", "codebuildRoleArn", "componentRoleArn"

ROLES = {_SERVICE_ROLE: "roleArn", _BUILD_ROLE: _BUILD_ROLE, _COMPONENT_ROLE: _COMPONENT_ROLE}
"""Role of an environment → role of its environment account connection that takes its place; their members."""

CONNECTION = "environmentAccountConnectionId"
REPOSITORY = "provisioningRepository"

MEMBERS = (*ROLES, CONNECTION, REPOSITORY)
"""The members of CreateEnvironment and UpdateEnvironment that say how to provision."""

CUSTOMER_MANAGED_TEMPLATE = "CUSTOMER_MANAGED"
"""The API's `provisioning` of a template whose environments Proton does not provision, and of those."""


class Outside(NamedTuple):
    """What the server provisions with."""

    aws: Aws
    hosting: Hostings
    stack_watch: StackWatch | None = None
    """Makes deployments due whose stack has moved; without one each looks at its own again and again."""
    template_buckets: TemplateBuckets | None = None
    """Through which templates go that are too large for a call; without them these are refused."""


@dataclass(frozen=True)
class Method:
    """A provisioning method."""

    engine: Engine
    """The template engine that it is for; the engine's name is in the rows of template versions."""
    name: str
    """What AWS calls it."""
    provisioner: Callable[[Outside], Provisioner]
    needs: str | None = None
    """The one of `MEMBERS` without which it cannot provision. A role may be the connection's."""
    refuses: tuple[str, ...] = ()
    """Those of `MEMBERS` that it does not use."""
    notifies: bool = False
    """Whether what provisions reports with NotifyResourceDeploymentStatusChange."""
    propagates_tags: bool = False
    """Whether the environment's tags go on what it provisions."""
    rendered_files: Callable[[Bundle, Mapping[str, Any], Place], dict[str, bytes]] | None = None
    """The files that a deployment would render, by path; at the top of a module, for it runs in a worker."""

    @property
    def has_infrastructure(self) -> bool:
        """Whether its bundles have a manifest, and not a schema only: whether Proton provisions anything."""
        return self.engine.rendering_engine is not None

    @property
    def role(self) -> str | None:
        """The role that it needs, if it needs one: a member of the environment."""
        return self.needs if self.needs in ROLES else None


def by_engine(*methods: Method) -> dict[str, Method]:
    """The table: each method by the name of its engine."""
    return {method.engine.name: method for method in methods}


def manifest_engines(methods: Mapping[str, Method]) -> list[Engine]:
    """What the manifest of a bundle may ask for."""
    return [method.engine for method in methods.values() if method.has_infrastructure]


METHODS: Mapping[str, Method] = by_engine(
    Method(
        CLOUDFORMATION,
        "AWS-managed provisioning",
        lambda outside: CloudFormation(outside.aws, outside.stack_watch, outside.template_buckets),
        needs=_SERVICE_ROLE,
        refuses=(REPOSITORY,),
        propagates_tags=True,
        rendered_files=rendered_template,
    ),
    Method(
        CODEBUILD,
        "CodeBuild provisioning",
        lambda outside: CodeBuild(outside.aws),
        needs=_BUILD_ROLE,
        refuses=(REPOSITORY,),
        notifies=True,
        propagates_tags=True,
        rendered_files=rendered_buildspecs,
    ),
    Method(
        TERRAFORM,
        "self-managed provisioning",
        lambda outside: SelfManaged(outside.hosting),
        needs=REPOSITORY,
        refuses=(_SERVICE_ROLE, CONNECTION),
        notifies=True,
        rendered_files=rendered_terraform,
    ),
    Method(CUSTOMER_MANAGED, "no provisioning", lambda _outside: CustomerManaged()),
)
