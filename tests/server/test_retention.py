"""What is too old is deleted, by one process at a time; what the API needs is kept however old it is."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from proton_server.engine.cleaning import Cleaning
from proton_server.persistence.retention import BATCH, Retention, take_turn
from proton_server.persistence.store import Store
from proton_server.persistence.tables import (
    audit_lines,
    client_tokens,
    deployments,
    environments,
    revocations,
    used_signatures,
)
from tests.names import ACCOUNT, REGION
from tests.refusals import refused
from tests.servers import LocalServer, ServedBesideAws
from tests.waiting import eventually

DAY = 86_400.0
SCOPE = {"account_id": ACCOUNT, "region": REGION}


@pytest.fixture
def add(store: Store) -> Callable[..., None]:
    """Adds rows to a table: `add(table, **columns)`."""

    def insert(table: sa.Table, *rows: dict[str, Any]) -> None:
        with store.write() as connection:
            connection.execute(sa.insert(table), [*rows])

    return insert


@pytest.fixture
def clean(store: Store) -> Iterator[Callable[..., None]]:
    """Begins to delete what is too old: `clean(deployments=…)`, in seconds."""
    running: list[Cleaning] = []

    def start(**retention: float) -> None:
        running.append(Cleaning(store, Retention(**retention)))
        running[-1].start()

    yield start
    for cleaning in running:
        cleaning.stop()


def deployment(name: str, days: float, *, environment: str = "e", **more: Any) -> dict[str, Any]:
    """The row of a deployment that ended so many days ago."""
    ended_at = time.time() - days * DAY
    return {
        **SCOPE,
        "id": name,
        "environment_name": environment,
        "created_at": ended_at - 10,
        "phase": "begun",
        "record": {"completedAt": ended_at},
        "next_at": None,
        **more,
    }


def ids(store: Store, table: sa.Table = deployments) -> list[Any]:
    with store.read() as connection:
        return [*connection.scalars(sa.select(next(iter(table.primary_key))).order_by(sa.text("1")))]


def test_deployments_go_by_the_time_at_which_they_ended(store: Store, add: Any, clean: Any) -> None:
    long = deployment("took-months", 5, created_at=time.time() - 90 * DAY)
    add(deployments, deployment("new", 5), deployment("old", 50), long)

    clean(deployments=30 * DAY)

    eventually(lambda: "old" not in ids(store))
    assert ids(store) == ["new", "took-months"]


def test_what_an_environment_refers_to_and_what_is_in_progress_stay(
    store: Store, add: Any, clean: Any
) -> None:
    record = {"lastAttemptedDeploymentId": "last", "lastSucceededDeploymentId": "succeeded"}
    add(environments, {**SCOPE, "name": "e", "record": record})
    add(
        deployments,
        *(deployment(name, 50) for name in ("last", "succeeded", "other")),
        deployment("of-a-deleted-one", 50, environment="gone"),
        # The same ids in another account's environment keep nothing here.
        deployment("elsewhere", 50, account_id="222222222222"),
        deployment("in-progress", 50, environment="f", next_at=2e9),
    )

    clean(deployments=30 * DAY)

    eventually(lambda: not {"other", "of-a-deleted-one", "elsewhere"} & {*ids(store)})
    assert ids(store) == ["in-progress", "last", "succeeded"]


def test_nothing_that_does_not_expire_is_deleted_without_a_retention(
    store: Store, add: Any, clean: Any
) -> None:
    add(deployments, deployment("old", 5000))
    add(audit_lines, audit_line(5000))
    add(client_tokens, client_token("expired", -1))

    clean()

    eventually(lambda: not ids(store, client_tokens))
    assert ids(store) == ["old"]
    assert len(ids(store, audit_lines)) == 1


def client_token(token: str, seconds: float) -> dict[str, Any]:
    expires = {"expires_at": time.time() + seconds}
    return {**SCOPE, "operation": token, "token": token, "request": "r", "made": "m", **expires}


def audit_line(days: float) -> dict[str, Any]:
    texts = ("request_id", "account_id", "region", "principal", "address", "operation", "resource", "outcome")
    return {"at": time.time() - days * DAY, **dict.fromkeys(texts, "-")}


def test_what_expires_goes_and_what_does_not_yet_stays(store: Store, add: Any, clean: Any) -> None:
    now = time.time()
    add(client_tokens, client_token("expired", -1), client_token("valid", 3600))
    for name, seconds in (("used", -1), ("valid", 600)):
        add(used_signatures, {"digest": name, "expires_at": now + seconds})
    for name, seconds in (("over", -2 * DAY), ("valid", -1800)):
        add(revocations, {"account_id": ACCOUNT, "principal": name, "not_before": now + seconds})
    add(audit_lines, audit_line(50), audit_line(5))

    clean(audit_lines=30 * DAY)

    eventually(lambda: len(ids(store, audit_lines)) == 1)
    with store.read() as connection:
        found = [
            connection.scalars(sa.select(column)).all()
            for column in (client_tokens.c.token, used_signatures.c.digest, revocations.c.principal)
        ]
    assert found == [["valid"], ["valid"], ["valid"]]


def test_more_than_one_batch_goes(store: Store, add: Any, clean: Any) -> None:
    add(audit_lines, *[audit_line(50)] * (2 * BATCH + 1))

    clean(audit_lines=30 * DAY)

    eventually(lambda: not ids(store, audit_lines))


def test_the_turn_is_one_processs_in_each_period(database_url: str) -> None:
    with closing(Store(database_url)) as one, closing(Store(database_url)) as other:
        assert [take_turn(store, 60) for store in (one, other, one)] == [True, False, False]
        assert [take_turn(store, -1) for store in (one, other)] == [True, True]


def proton_id(number: int) -> str:
    """An id as the API has them."""
    return str(uuid.UUID(int=number))


def described(row: dict[str, Any]) -> dict[str, Any]:
    """The members of a deployment that the API's model wants."""
    here = f"arn:aws:proton:{REGION}:{ACCOUNT}"
    times = dict.fromkeys(("createdAt", "lastModifiedAt", "targetResourceCreatedAt"), row["created_at"])
    return {
        "id": row["id"],
        "arn": f"{here}:deployment/{row['id']}",
        "targetArn": f"{here}:environment/e",
        "targetResourceType": "ENVIRONMENT",
        "environmentName": "e",
        "deploymentStatus": "SUCCEEDED",
        **times,
    }


def test_a_server_deletes_by_its_options_and_still_answers_what_environments_refer_to(
    local_server: LocalServer, tmp_path: Path
) -> None:
    kept = ("--retain-deployments", "30d", "--retain-audit", "30d")
    server = ServedBesideAws(tmp_path, kept, aws=local_server)
    last = dict.fromkeys(("lastAttemptedDeploymentId", "lastSucceededDeploymentId"), proton_id(1))
    with closing(Store(server.database)) as store, store.write() as connection:
        connection.execute(sa.insert(environments), {**SCOPE, "name": "e", "record": last})
        for number in (1, 2):
            row = deployment(proton_id(number), 50)
            connection.execute(sa.insert(deployments), row | {"record": row["record"] | described(row)})
        connection.execute(sa.insert(audit_lines), audit_line(50))
    server.start()
    try:
        with closing(Store(server.database)) as store:
            eventually(lambda: not ids(store, audit_lines))
            assert ids(store) == [proton_id(1)]
        proton, name = server.client("proton"), proton_id(2)
        assert proton.get_deployment(id=proton_id(1))["deployment"]["completedAt"]
        with refused("ResourceNotFoundException", f"Deployment not found: {name}"):
            proton.get_deployment(id=name)
    finally:
        server.stop()
