"""What the provider adds to Pulumi's own time, by either adapter, beside providers that do nothing."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bench.measure import Measurement, Ratio, Subject
from bench.stacks import (
    DYNAMIC,
    PLUGIN,
    SAME_SIZE_DYNAMIC,
    SAME_SIZE_PLUGIN,
    TRIVIAL_DYNAMIC,
    TRIVIAL_PLUGIN,
    Stacks,
    seconds,
    stacks,
)

_MANY, _THREADS = 1000, 32


def _of(stacks: Stacks, title: str, *command: str, at_most: float | None = None) -> Measurement:
    """How long a command takes in each project."""
    cases = {
        name: lambda project=project: seconds(lambda: project.pulumi(*command))
        for name, project in stacks.projects.items()
    }
    ratios = [
        Ratio(PLUGIN, TRIVIAL_PLUGIN, at_most=at_most),
        Ratio(PLUGIN, SAME_SIZE_PLUGIN),
        Ratio(DYNAMIC, TRIVIAL_DYNAMIC, at_most=at_most),
        Ratio(DYNAMIC, SAME_SIZE_DYNAMIC),
    ]
    return Measurement(title, "s", cases, ratios)


def _importing(modules: str) -> Callable[[], float]:
    return lambda: seconds(lambda: subprocess.run([sys.executable, "-c", f"import {modules}"], check=True))


_ONE_NOTE = """\
What is left of the difference, in Pulumi's dynamic server: 0.22 s to import botocore and pydantic, 0.06 s to
make botocore's client, 0.07 s for the first check of a schema, of which most imports jsonschema. Before,
boto3, openapi-schema-validator and the same imports in the program made it 2.0 ×. In the plugin: 0.24 s
for the same imports, 0.12 s for the first check (botocore's client, jsonschema, four calls), less 0.15 s for
Pulumi's SDK, which a provider that imports its messages as usual loads first."""


@contextmanager
def _one() -> Iterator[Sequence[Measurement]]:
    with stacks(1) as one:
        yield [
            Measurement(
                "Start of a program: its imports",
                "s",
                {
                    "the SDK": _importing("pulumi_aws_proton"),
                    "the SDK for the plugin": _importing("pulumi_aws_proton.plugin"),
                    "Pulumi alone": _importing("pulumi, pulumi.dynamic"),
                },
                [
                    Ratio("the SDK", "Pulumi alone", at_most=1.1),
                    Ratio("the SDK for the plugin", "Pulumi alone", at_most=1.1),
                ],
            ),
            dataclasses.replace(
                _of(one, "pulumi preview, one new environment", "preview", at_most=1.15), note=_ONE_NOTE
            ),
        ]


_MANY_NOTE = """\
An environment has 36 properties, which the engine serialises, compares and prints: a resource with as many
that does nothing takes nearly as long. The calls are what is to be had: ten ListEnvironments and a template
version's schema for a preview, ten ListEnvironments for a refresh (`tests/engine/test_calls.py`)."""


@contextmanager
def _many() -> Iterator[Sequence[Measurement]]:
    with stacks(_MANY) as many:
        for project in many.projects.values():
            project.pulumi("up", "--yes", "--skip-preview", "--parallel", "200")
        client = many.server.client("proton")
        reads = f"boto3, {_THREADS} threads, three calls each"

        def read(number: int) -> None:
            name = f"plugin-{number}"
            arn = client.get_environment(name=name)["environment"]["arn"]
            client.list_environment_outputs(environmentName=name)
            client.list_tags_for_resource(resourceArn=arn)

        def read_all() -> float:
            with ThreadPoolExecutor(_THREADS) as pool:
                return seconds(lambda: list(pool.map(read, range(_MANY))))

        refresh = ("refresh", "--yes", "--skip-preview")
        refreshed = _of(many, f"pulumi refresh, {_MANY} unchanged environments", *refresh, at_most=1.3)
        yield [
            dataclasses.replace(
                _of(many, f"pulumi preview, {_MANY} unchanged environments", "preview", at_most=1.15),
                note=_MANY_NOTE,
            ),
            dataclasses.replace(
                refreshed,
                cases={**refreshed.cases, reads: read_all},
                ratios=[*refreshed.ratios, Ratio(PLUGIN, reads)],
            ),
        ]


_PACKAGES = ["pulumi", "botocore", "pydantic"]
PROVIDER = Subject("a program and a preview of one environment", _one, _PACKAGES)
PROVIDER_MANY = Subject(f"a stack of {_MANY} environments", _many, _PACKAGES, minutes=25)
