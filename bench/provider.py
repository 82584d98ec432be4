"""What the provider adds to Pulumi's own time, beside a dynamic provider that does nothing.

The real Pulumi CLI runs programs with as many resources of the same properties; `proton-server local` is AWS.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.resources.environment.resource import Environment
from bench.measure import Measurement, Ratio, Subject
from tests.bundles import bundle
from tests.engine.project import Project
from tests.names import SERVICE_ROLE
from tests.servers import LocalServer, publisher

_ENVIRONMENTS = """
import pulumi_aws_proton as proton

for number in range({count}):
    proton.Environment(
        f"environment-{{number}}",
        template_name="{template}",
        template_major_version="1",
        spec={{"title": "news"}},
        proton_service_role_arn="{role}",
    )
"""
_TRIVIAL_MODULE = """
from pulumi import dynamic

class Nothing(dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return dynamic.CreateResult(props["name"], dict.fromkeys(props["filled"], "x" * 40) | props)

class Trivial(dynamic.Resource, module="trivial", name="Trivial"):
    def __init__(self, name, declared, **properties):
        super().__init__(Nothing(), name, dict.fromkeys(declared) | {"name": name, **properties})
"""
"""A module, so that Pulumi pickles its provider by reference, as ours: by value it fails after 310."""
_TRIVIAL = """
from trivial import Trivial

for number in range({count}):
    Trivial(
        f"trivial-{{number}}",
        declared={declared},
        filled={filled},
        templateName="{template}",
        templateMajorVersion="1",
        spec={{"title": "news"}},
        protonServiceRoleArn="{role}",
    )
"""
_OURS, _PEER = "environments", "trivial resources"
_SAME_SIZE = "trivial resources with as many properties"
"""What Pulumi itself takes to carry as many properties between engine, program, provider and state."""
_MANY, _DEPLOYED, _DEPLOY_SECONDS = 500, 40, 10


@contextmanager
def _projects(count: int, *options: str) -> Iterator[dict[str, Project]]:
    """A project with so many environments, and two with as many trivial resources; none is made yet."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = LocalServer(folder / "server", options)
        server.folder.mkdir()
        server.start()
        try:
            template = publisher(server)(bundle(folder / "bundle"))
            usual = {"count": count, "template": template, "role": SERVICE_ROLE}
            declared = [item.wire for item in Environment.properties]
            filled = [item.wire for item in Environment.of_kind(Kind.OUTPUT, Kind.COMPUTED)]
            programs = {
                _OURS: _ENVIRONMENTS.format(**usual),
                _PEER: _TRIVIAL.format(**usual, declared=[], filled=[]),
                _SAME_SIZE: _TRIVIAL.format(**usual, declared=declared, filled=filled),
            }
            projects = {
                title: Project(folder / title, server.url, name=title.replace(" ", "-"), home=folder / "home")
                for title in programs
            }
            (folder / "trivial.py").write_text(_TRIVIAL_MODULE)
            for title, program in programs.items():
                projects[title].environment["PYTHONPATH"] = str(folder)
                projects[title].program(program)
            yield projects
        finally:
            server.kill()


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _of(projects: dict[str, Project], title: str, *command: str, at_most: float | None = None) -> Measurement:
    """How long a command takes in each project."""
    cases = {
        name: lambda project=project: _seconds(lambda: project.pulumi(*command))
        for name, project in projects.items()
    }
    ratios = [Ratio(_OURS, _PEER, at_most=at_most), Ratio(_OURS, _SAME_SIZE)]
    return Measurement(title, "s", cases, ratios)


def _importing(modules: str) -> Callable[[], float]:
    return lambda: _seconds(lambda: subprocess.run([sys.executable, "-c", f"import {modules}"], check=True))


_ONE_NOTE = """\
What is left of the difference, in Pulumi's dynamic server: 0.22 s to import botocore and pydantic, 0.06 s to
make botocore's client, 0.07 s for the first check of a schema, of which most imports jsonschema. Before,
boto3, openapi-schema-validator and the same imports in the program made it 2.0 ×."""


@contextmanager
def _one() -> Iterator[Sequence[Measurement]]:
    with _projects(1) as projects:
        yield [
            Measurement(
                "Start of a program: its imports",
                "s",
                {
                    "the SDK": _importing("pulumi_aws_proton"),
                    "Pulumi alone": _importing("pulumi, pulumi.dynamic"),
                },
                [Ratio("the SDK", "Pulumi alone", at_most=1.1)],
            ),
            dataclasses.replace(
                _of(projects, "pulumi preview, one new environment", "preview", at_most=1.15), note=_ONE_NOTE
            ),
        ]


@contextmanager
def _many() -> Iterator[Sequence[Measurement]]:
    with _projects(_MANY) as projects:
        for project in projects.values():
            project.up()
        yield [
            _of(projects, f"pulumi preview, {_MANY} unchanged environments", "preview", at_most=1.15),
            _of(
                projects,
                f"pulumi refresh, {_MANY} unchanged environments",
                "refresh",
                "--yes",
                "--skip-preview",
            ),
        ]


@contextmanager
def _deployments() -> Iterator[Sequence[Measurement]]:
    rounds = _DEPLOYED // 4 * _DEPLOY_SECONDS
    with _projects(_DEPLOYED, "--deploy-seconds", str(_DEPLOY_SECONDS)) as projects:

        def deploy() -> float:
            taken = _seconds(projects[_OURS].up)
            projects[_OURS].pulumi("destroy", "--yes", "--skip-preview")
            return taken

        yield [
            Measurement(
                f"pulumi up, {_DEPLOYED} environments that take {_DEPLOY_SECONDS} s each",
                "s",
                {_OURS: deploy, "four at a time": lambda: float(rounds)},
                [Ratio(_OURS, "four at a time", at_most=1.05)],
                "Pulumi's dynamic server has four threads, so ten rounds are what there is to reach.",
            )
        ]


_PACKAGES = ["pulumi", "botocore", "pydantic"]
PROVIDER = Subject("a program and a preview of one environment", _one, _PACKAGES)
PROVIDER_MANY = Subject(f"a stack of {_MANY} environments", _many, _PACKAGES, minutes=6)
PROVIDER_DEPLOYMENTS = Subject(
    f"{_DEPLOYED} deployments of {_DEPLOY_SECONDS} s", _deployments, _PACKAGES, minutes=20
)
