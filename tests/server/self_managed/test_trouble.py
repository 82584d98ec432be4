"""What goes wrong around a pull request: a killed server, an outage, missing repositories, slow people."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.names import unique
from tests.server.environments import create
from tests.server.self_managed.git_repository import EXAMPLE, LINK, SPEC, GitRepository, message, notify
from tests.servers import LocalServer
from tests.waiting import ended, eventually


def test_a_linked_repository_that_does_not_exist_fails_the_deployment_and_says_what_to_do(
    proton: Any, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    name = f"acme/{unique('nothing')}"
    proton.create_repository(provider="BITBUCKET", name=name, connectionArn=LINK)

    environment = propose(provisioningRepository={"provider": "BITBUCKET", "name": name, "branch": "main"})

    record = ended(proton, environment["name"])
    assert record["deploymentStatus"] == "FAILED"
    assert (
        f"Repository {name} does not exist. Make it with `git init --bare"
        in record["deploymentStatusMessage"]
    )


def test_a_branch_that_does_not_exist_fails_the_deployment(
    proton: Any, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    environment = propose(provisioningRepository={**repository.link, "branch": "trunk"})

    assert ended(proton, environment["name"])["deploymentStatusMessage"] == (
        f"Repository {repository.name} has no branch trunk."
    )


def test_a_server_killed_between_branch_and_request_goes_on_from_there(
    restartable_server: Callable[..., LocalServer], published_template: Callable[..., str]
) -> None:
    server = restartable_server()
    proton = server.client("proton")
    template = published_template(EXAMPLE / "template", server=server)
    repository = GitRepository(server)
    # A file where the folder of requests belongs: the branch can be pushed, the request not be opened.
    in_the_way = Path(f"{repository.place}.requests")
    in_the_way.touch()
    given = {"spec": SPEC, "protonServiceRoleArn": None, "provisioningRepository": repository.link}
    environment = create(proton, template, **given)
    branches = eventually(
        lambda: repository.git("for-each-ref", "--format=%(objectname)", "refs/heads/proton--*")
    )

    server.kill()
    in_the_way.unlink()
    server.start()

    assert repository.request()["commit"] == branches.strip()
    notify(proton, environment)
    assert ended(proton, environment["name"])["deploymentStatus"] == "SUCCEEDED"
    assert len(repository.requests()) == 1


def test_an_outage_of_the_hosting_service_fails_nothing_that_people_are_reviewing(
    proton: Any, proton_server: LocalServer, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    environment = propose()
    eventually(lambda: message(proton, environment["name"]))  # it is waiting
    away = Path(f"{repository.place}.git").rename(f"{repository.place}.away")

    seen = f"deployment {environment['lastAttemptedDeploymentId']}: its pull request cannot be read"
    eventually(lambda: seen in proton_server.log.read_text())
    record = proton.get_environment(name=environment["name"])["environment"]
    assert (record["deploymentStatus"], "to be merged" in record["deploymentStatusMessage"]) == (
        "IN_PROGRESS",
        True,
    )

    away.rename(f"{repository.place}.git")
    repository.close()
    assert ended(proton, environment["name"])["deploymentStatus"] == "CANCELLED"


def test_a_review_may_take_longer_than_the_deadline_of_machines(
    proton: Any, proton_server: LocalServer, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    environment = propose()
    three_days = "UPDATE deployments SET created_at = created_at - 3 * 86400, next_at = 0 WHERE id = ?"
    looked_at = "SELECT next_at > 0 FROM deployments WHERE id = ?"
    key = (environment["lastAttemptedDeploymentId"],)

    with closing(sqlite3.connect(proton_server.folder / "state.sqlite3", isolation_level=None)) as database:
        eventually(lambda: message(proton, environment["name"]))  # it is waiting
        database.execute(three_days, key)
        eventually(lambda: database.execute(looked_at, key).fetchone()[0])

    assert (
        proton.get_environment(name=environment["name"])["environment"]["deploymentStatus"] == "IN_PROGRESS"
    )
    notify(proton, environment)
    assert ended(proton, environment["name"])["deploymentStatus"] == "SUCCEEDED"
