"""The pull request of a deployment that a restored database has in progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.commands import run_command
from tests.server.environments import create
from tests.server.self_managed.git_repository import EXAMPLE, SPEC, GitRepository, message, notify
from tests.servers import LocalServer, publisher
from tests.waiting import ended, eventually


def test_one_that_was_merged_since_is_found_and_its_automation_reports_the_end_again(
    restartable_server: Callable[..., LocalServer], tmp_path: Path
) -> None:
    server = restartable_server()
    proton, repository = server.client("proton"), GitRepository(server)
    template = publisher(server)(EXAMPLE / "template")
    own = {"protonServiceRoleArn": None, "provisioningRepository": repository.link}
    name = create(proton, template, spec=SPEC, **own)["name"]
    eventually(lambda: "to be merged" in message(proton, name))
    backup = run_command("database", "backup", str(tmp_path / "backup"), "--database", server.database)
    repository.merge()
    notify(proton, proton.get_environment(name=name)["environment"])
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    server.stop()

    restored = run_command(
        "database", "restore", str(tmp_path / "backup"), "--replace", "--database", server.database
    )
    server.start()

    assert (backup.exit_code, restored.exit_code) == (0, 0), backup.output + restored.output
    eventually(lambda: "was merged. Waiting for its automation" in message(proton, name))
    assert len(repository.requests()) == 1
    notify(proton, proton.get_environment(name=name)["environment"])
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
