"""A handler that counts instead of calling AWS, and rows for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from proton_server.engine.handler import Settled
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Store
from proton_server.persistence.tables import deployments

LEASE = 2.0


class CountingHandler:
    """A handler: three steps make a deployment done. `on_step` may do what it likes meanwhile."""

    table = deployments
    id_field = "deployment_id"

    def __init__(self, on_step: Callable[[sa.Row[Any]], None] = lambda row: None) -> None:
        self.on_step = on_step
        self.steps: list[str] = []

    def step(self, row: sa.Row[Any]) -> str:
        self.steps.append(row.id)
        self.on_step(row)
        return "stepped"

    def settle(self, rows: Rows, row: sa.Row[Any], result: str) -> Settled:
        assert result == "stepped"
        count = row.record["count"] + 1
        return Settled({"record": {"count": count}}, 0.0 if count < 3 else None)

    def step_name(self, row: sa.Row[Any]) -> str:
        return "count"

    def give_up(self, rows: Rows, row: sa.Row[Any]) -> Settled:
        return Settled({"record": {"count": -1}}, None)


def add(store: Store, environment: str | None = None) -> str:
    id_ = str(uuid.uuid4())
    with store.write("1", "r") as connection:
        Rows(connection, "1", "r").insert(
            deployments,
            id=id_,
            environment_name=environment or id_,
            created_at=0.0,
            phase="new",
            record={"count": 0},
            next_at=0.0,
        )
    return id_


def counts(store: Store) -> dict[str, int]:
    with store.read() as connection:
        return {row.id: row.record["count"] for row in Rows(connection, "1", "r").all(deployments)}


def row_of(store: Store, id_: str) -> sa.Row[Any]:
    with store.read() as connection:
        return Rows(connection, "1", "r").all(deployments, id=id_)[0]
