"""How soon many environments are deployed, by either adapter, beside other ways to wait for as many."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bench.measure import Measurement, Ratio, Subject
from bench.stacks import DYNAMIC, PLUGIN, TRIVIAL_PLUGIN, Stacks, seconds, stacks
from tests.bundles import SPEC
from tests.names import ACCOUNT, REGION, SERVICE_ROLE

_DEPLOYED, _DEPLOY_SECONDS, _THREADS = 100, 10, 32
_LIMIT = f"the limit: {_DEPLOY_SECONDS} s, and Pulumi with a plugin that does nothing"
_FOUR = "four at a time"
_BOTO3 = f"boto3 with its waiter, {_THREADS} threads"
_CLI = f"AWS CLI with its waiter, xargs -P {_DEPLOYED}"
_UP = ("up", "--yes", "--skip-preview", "--parallel", str(_DEPLOYED))

_NOTE = """\
Pulumi's dynamic server has four threads, so 25 rounds are what there is to reach with it. What keeps the
plugin from the limit is processor time of the server, which has two cores together with Pulumi: of 20 s,
2.6 pass until the first call as with a plugin that does nothing, 3.3 while the server takes a hundred
environments and 1.3 until the last stack is begun, 3.5 while it reads a hundred that end at once, and 2
until the plugin has seen the last. The server takes 11 s of processor time (16 with a look at each stack
after a tenth of its age, 34 DescribeStacks for each; now three, and one listing for all), the plugin 3 s."""


@contextmanager
def _deployments() -> Iterator[Sequence[Measurement]]:
    with stacks(_DEPLOYED, "--deploy-seconds", str(_DEPLOY_SECONDS)) as many:
        cases: dict[str, Callable[[], float]] = {
            PLUGIN: lambda: _up(many, PLUGIN),
            DYNAMIC: lambda: _up(many, DYNAMIC),
            _LIMIT: lambda: _DEPLOY_SECONDS + _up(many, TRIVIAL_PLUGIN),
            _FOUR: lambda: float(_DEPLOYED // 4 * _DEPLOY_SECONDS),
            _BOTO3: lambda: _with_boto3(many),
        }
        ratios = [
            Ratio(PLUGIN, _LIMIT, at_most=1.1),
            Ratio(DYNAMIC, _FOUR, at_most=1.05),
            Ratio(PLUGIN, _BOTO3),
        ]
        if shutil.which("aws"):
            cases[_CLI] = lambda: _with_cli(many)
            ratios.append(Ratio(PLUGIN, _CLI))
        yield [
            Measurement(
                f"{_DEPLOYED} environments that take {_DEPLOY_SECONDS} s each",
                "s",
                cases,
                ratios,
                _NOTE,
            )
        ]


def _up(many: Stacks, title: str) -> float:
    project = many.projects[title]
    taken = seconds(lambda: project.pulumi(*_UP))
    project.pulumi("destroy", "--yes", "--skip-preview", "--parallel", str(_DEPLOYED))
    return taken


def _with_boto3(many: Stacks) -> float:
    client = many.server.client("proton")
    names = [f"boto3-{number}" for number in range(_DEPLOYED)]

    def deploy(name: str) -> None:
        client.create_environment(
            name=name,
            templateName=many.template,
            templateMajorVersion="1",
            protonServiceRoleArn=SERVICE_ROLE,
            spec=SPEC,
        )
        client.get_waiter("environment_deployed").wait(name=name)

    with ThreadPoolExecutor(_THREADS) as pool:
        taken = seconds(lambda: list(pool.map(deploy, names)))
    _remove(many, names)
    return taken


def _with_cli(many: Stacks) -> float:
    names = [f"cli-{number}" for number in range(_DEPLOYED)]
    create = (
        'aws proton create-environment --name "$0" --template-major-version 1 --spec "$SPEC" '
        f"--template-name {many.template} --proton-service-role-arn {SERVICE_ROLE} > /dev/null"
    )
    script = f'{create} && aws proton wait environment-deployed --name "$0"'
    environment = os.environ | {
        "SPEC": SPEC,
        "AWS_ENDPOINT_URL": many.server.url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
    }
    command = ["xargs", "-P", str(_DEPLOYED), "-n", "1", "sh", "-c", script]
    taken = seconds(
        lambda: subprocess.run(command, input="\n".join(names), text=True, env=environment, check=True)
    )
    _remove(many, names)
    return taken


def _remove(many: Stacks, names: list[str]) -> None:
    client = many.server.client("proton")
    for name in names:
        client.delete_environment(name=name)


DEPLOYMENTS = Subject(
    f"{_DEPLOYED} deployments of {_DEPLOY_SECONDS} s",
    _deployments,
    ["pulumi", "botocore"],
    minutes=60,
)
