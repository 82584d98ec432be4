"""Stacks that are measured side by side: environments by either adapter, and resources that do nothing.

The real Pulumi CLI runs the programs; `proton-server local` is AWS. Every program has as many resources, and
gives them the same properties; what carries as many outputs shows what Pulumi itself takes for those.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.resources.environment.resource import Environment
from bench import trivial_plugin
from tests.bundles import bundle
from tests.engine.project import Project
from tests.names import SERVICE_ROLE
from tests.servers import LocalServer, publisher

DYNAMIC, PLUGIN = "environments, dynamic", "environments, plugin"
TRIVIAL_DYNAMIC, TRIVIAL_PLUGIN = "trivial resources, dynamic", "trivial resources, plugin"
SAME_SIZE_DYNAMIC = "trivial resources with as many properties, dynamic"
SAME_SIZE_PLUGIN = "trivial resources with as many properties, plugin"

_ENVIRONMENTS = """
{sdk}

for number in range({count}):
    proton.Environment(
        f"environment-{{number}}",
        name=f"{prefix}-{{number}}",
        template_name="{template}",
        template_major_version="1",
        spec={{"title": "news"}},
        proton_service_role_arn="{role}",
    )
"""
_TRIVIAL_MODULE = """
import pulumi
from pulumi import dynamic

class Nothing(dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return dynamic.CreateResult(props["name"], dict.fromkeys(props["filled"], "x" * 40) | props)

class Dynamic(dynamic.Resource, module="trivial", name="Trivial"):
    def __init__(self, name, declared, **properties):
        super().__init__(Nothing(), name, dict.fromkeys(declared) | {"name": name, **properties})

class Plugin(pulumi.CustomResource):
    def __init__(self, name, declared, **properties):
        given = {"name": name, **properties}
        super().__init__("trivial:index:Trivial", name, dict.fromkeys(declared) | given)
"""
"""A module, so that Pulumi pickles its provider by reference, as ours: by value it fails after 310."""
_TRIVIAL = """
from trivial import {kind}

for number in range({count}):
    {kind}(
        f"trivial-{{number}}",
        declared={declared},
        filled={filled},
        templateName="{template}",
        templateMajorVersion="1",
        spec={{"title": "news"}},
        protonServiceRoleArn="{role}",
    )
"""
_DECLARED = [item.wire for item in Environment.properties]
_FILLED = [item.wire for item in Environment.of_kind(Kind.OUTPUT, Kind.COMPUTED)]


@dataclass(frozen=True)
class Stacks:
    """The projects by what their programs declare, the server, and a published template."""

    projects: dict[str, Project]
    server: LocalServer
    template: str


@contextmanager
def stacks(count: int, *options: str) -> Iterator[Stacks]:
    """A project of each kind, with so many resources; none is made yet. `options` are the server's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = LocalServer(folder / "server", options)
        server.folder.mkdir()
        server.start()
        try:
            template = publisher(server)(bundle(folder / "bundle"))
            projects = {}
            for title, program in _programs(count, template).items():
                words = title.replace(",", "").replace(" ", "-")
                project = Project(folder / words, server.url, name=words, home=folder / "home")
                project.environment["PYTHONPATH"] = str(folder)
                with (project.folder / "Pulumi.yaml").open("a") as file:  # to the plugins that it ends with
                    file.write(f"    - {{name: trivial, path: {folder}}}\n")
                project.program(program)
                projects[title] = project
            (folder / "trivial.py").write_text(_TRIVIAL_MODULE)
            trivial_plugin.install(folder)
            yield Stacks(projects, server, template)
        finally:
            server.kill()


def seconds(act: Callable[[], object]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _programs(count: int, template: str) -> dict[str, str]:
    usual = {"count": count, "template": template, "role": SERVICE_ROLE}
    small, large = {"declared": [], "filled": []}, {"declared": _DECLARED, "filled": _FILLED}
    dynamic, plugin = "import pulumi_aws_proton as proton", "import pulumi_aws_proton.plugin as proton"
    return {
        DYNAMIC: _ENVIRONMENTS.format(**usual, sdk=dynamic, prefix="dynamic"),
        PLUGIN: _ENVIRONMENTS.format(**usual, sdk=plugin, prefix="plugin"),
        TRIVIAL_DYNAMIC: _TRIVIAL.format(**usual, **small, kind="Dynamic"),
        TRIVIAL_PLUGIN: _TRIVIAL.format(**usual, **small, kind="Plugin"),
        SAME_SIZE_DYNAMIC: _TRIVIAL.format(**usual, **large, kind="Dynamic"),
        SAME_SIZE_PLUGIN: _TRIVIAL.format(**usual, **large, kind="Plugin"),
    }
