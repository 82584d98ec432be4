"""What a reconciler asks of the handler of its table: a step, and what its result changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    import sqlalchemy as sa

    from proton_server.persistence.rows import Rows

Result = TypeVar("Result")


class Settled(NamedTuple):
    """What a step changes in its row: columns, and seconds until the next step (None: there is none)."""

    changes: dict[str, Any]
    delay: float | None


class LeaseLost(Exception):
    """Another process has taken over the row, by its id; this one must create nothing for it any more."""


class Handler(Protocol[Result]):
    """Decides what is done with the rows of a table."""

    table: sa.Table
    id_field: str
    """What the ID of a row is called in the log."""

    def step(self, row: sa.Row[Any]) -> Result:
        """Makes one idempotent call for a row, which may take long. It is repeated after an exception."""

    def settle(self, rows: Rows, row: sa.Row[Any], result: Result) -> Settled:
        """Writes what a result changes. `row` is fresh: it may have changed since the step began."""

    def give_up(self, rows: Rows, row: sa.Row[Any]) -> Settled:
        """Writes that the steps failed too often."""

    def step_name(self, row: sa.Row[Any]) -> str:
        """What the metrics call the step of a row: one of a few names."""
