"""`kill -9` before and after each call to AWS, on both databases, until what was begun has ended."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import bundle, codebuild_manifest, spec
from tests.campaigns.conftest import beginnings, stacks_of
from tests.fault_proxy import Answer, CutOff, FaultProxy
from tests.names import ACCOUNT, unique
from tests.server.builds import BUILD_ROLE
from tests.server.environments import create, stack_status
from tests.servers import LocalServer, ServedBesideAws, publisher
from tests.waiting import ended, eventually, gone

_ONCE = ("CreateStack", "UpdateStack", "CreateProject", "StartBuild")
"""Not CancelUpdateStack: CloudFormation refuses a second one, and the outcome is looked at all the same."""


class Killer:
    """Kills the server at its n-th call to AWS; of its own check at the start nothing is counted."""

    def __init__(self, server: ServedBesideAws, number: int) -> None:
        self._server, self._left = server, number
        self.killed_at = ""

    def __call__(self, action: str) -> Answer | None:
        if action == "GetCallerIdentity" or self.killed_at:
            return None
        self._left -= 1
        if self._left:
            return None
        self.killed_at = action
        self._server.kill()
        raise CutOff


def restarted(server: ServedBesideAws, proxy: FaultProxy) -> Any:
    eventually(lambda: server.process is None)
    proxy.before = proxy.after = lambda _: None
    server.start()
    return server.client("proton")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("engine", "work"),
    [
        *itertools.product(["cloudformation"], ["create", "update", "cancel", "delete"]),
        *itertools.product(["codebuild"], ["create", "update", "delete"]),
    ],
)
def test_what_was_begun_ends_and_nothing_is_done_twice(
    *,
    engine: str,
    work: str,
    moment: str,
    database_url: str,
    serve: Callable[[str], ServedBesideAws],
    aws: LocalServer,
    proxy: FaultProxy,
    tmp_path: Path,
) -> None:
    server = serve(database_url)
    built = {"manifest": codebuild_manifest(["true"], ["true"])} if engine == "codebuild" else {}
    template = publisher(server)(bundle(tmp_path / "bundle", **built))
    role = {"protonServiceRoleArn": None, "codebuildRoleArn": BUILD_ROLE} if built else {}

    def killed_at(number: int) -> str:
        """Kills the server at that call of the work, and checks the end; "" if the work has fewer calls."""
        proton, name = server.client("proton"), unique("env")
        arn = f"arn:aws:proton:us-east-1:{ACCOUNT}:environment/{name}"
        if work != "create":
            ended(proton, create(proton, template, name=name, **role)["name"])
        if work == "cancel":
            proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="never"))
            eventually(lambda: stack_status(server, name) == "UPDATE_IN_PROGRESS")
        proxy.heal()
        killer = Killer(server, number)
        setattr(proxy, moment, killer)
        begin = {
            "create": lambda: create(proton, template, name=name, **role),
            "update": lambda: proton.update_environment(
                name=name, deploymentType="CURRENT_VERSION", spec=spec(title="later")
            ),
            "cancel": lambda: proton.cancel_environment_deployment(environmentName=name),
            "delete": lambda: proton.delete_environment(name=name),
        }
        begin[work]()
        eventually(lambda: bool(killer.killed_at) or over(server, name, work))
        if not killer.killed_at:
            return ""
        proton = restarted(server, proxy)
        (gone if work == "delete" else ended)(proton, name)
        twice = {action for action in _ONCE if proxy.calls.count(action) > 1}
        assert not twice, killer.killed_at
        if work == "delete":
            assert stacks_of(aws, arn) == [], killer.killed_at
            return killer.killed_at
        record = proton.get_environment(name=name)["environment"]
        # A cancellation may come too late.
        assert record["deploymentStatus"] in {"SUCCEEDED", "CANCELLED" if work == "cancel" else ""}, record
        assert len(stacks_of(aws, arn)) == (0 if built else 1), killer.killed_at
        if not built:
            assert max(beginnings(aws, proton, name).values()) == 1, killer.killed_at
        return killer.killed_at

    calls = list(itertools.takewhile(bool, map(killed_at, itertools.count(1))))
    assert calls
    print(f"{engine} {work}: killed {moment} {', '.join(calls)}")  # noqa: T201  # for whoever runs it


def over(server: ServedBesideAws, name: str, work: str) -> bool:
    """Whether the deployment has ended. A server that is killed meanwhile has not ended it."""
    try:
        proton = server.client("proton")
        found = [each for each in proton.list_environments()["environments"] if each["name"] == name]
    except Exception:  # noqa: BLE001  # killed in the middle of the answer
        return False
    return not found if work == "delete" else found[0]["deploymentStatus"] in ("SUCCEEDED", "CANCELLED")
