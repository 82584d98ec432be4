"""Who did what: a line for each request that writes, and for each command that changes access keys.

The line of a success is written in the transaction of what it is about, so that neither is there without the
other. A line names the resource and no other parameter, never a spec. Nothing is written of a request whose
sender is not known.
"""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from proton_server.persistence.rate_limit import RateLimit
from proton_server.persistence.store import Unavailable
from proton_server.persistence.tables import audit_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from proton_server.persistence.store import Store

SUCCESS = "OK"
OPERATOR = "operator"
"""The principal of a command: whoever may use the database."""

_REFUSALS, _PERIOD_SECONDS = 100, 3600.0
"""How many refused requests of an account each process records: a caller must not fill the disk with them."""
_NONE = "-"
_RESOURCES = ("resourceArn", "name", "environmentName", "templateName", "id")
"""The members of inputs that name the resource; the first that there is."""


@dataclass(frozen=True)
class Write:
    """A request that writes, and whose it is."""

    account_id: str
    principal: str
    """An ARN."""
    operation: str
    resource: str = _NONE
    """A name, an id or an ARN."""
    region: str = _NONE
    address: str = _NONE
    """Where the request came from."""
    request_id: str = ""


class Audit:
    """Writes the lines of one process.

    Args:
        store: the server's state.
        refusals: how many refused requests of an account are recorded in an hour.
        clock: in seconds; only differences count.

    """

    def __init__(
        self, store: Store, refusals: int = _REFUSALS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._number, self._clock = store, refusals, clock
        self._mutex = threading.Lock()
        self._limits: dict[str, RateLimit] = {}
        """By account. Only accounts that have a key or a session get here, so there are few."""
        self._omitted: dict[str, int] = {}

    @contextmanager
    def refusals_of(self, write: Write) -> Iterator[None]:
        """Records the error that ends what is inside, and raises it again."""
        try:
            yield
        except Unavailable:
            raise  # the database cannot take a line either
        except Exception as error:
            code = getattr(error, "code", "InternalServerException")
            with suppress(Unavailable):  # it is logged, and the caller gets the error that it is about
                self._refused(write, code)
            raise

    def _refused(self, write: Write, code: str) -> None:
        with self._mutex:
            limit = self._limits.setdefault(
                write.account_id, RateLimit(self._number, _PERIOD_SECONDS, self._clock)
            )
            if not limit.allows():
                self._omitted[write.account_id] = self._omitted.get(write.account_id, 0) + 1
                return
            omitted = self._omitted.pop(write.account_id, 0)
        with self._store.write() as connection:
            if omitted:
                gap = Write(write.account_id, _NONE, _NONE)
                record(connection, gap, f"{omitted} refused requests before this line were not recorded")
            record(connection, write, code)


def record(connection: sa.Connection, write: Write, outcome: str = SUCCESS) -> None:
    """Adds a line within a transaction."""
    identity = {"at": time.time(), "request_id": write.request_id or str(uuid.uuid4())}
    connection.execute(sa.insert(audit_lines), asdict(write) | identity | {"outcome": outcome})


def resource_of(parameters: Mapping[str, Any]) -> str:
    """The resource that a request is about, by its checked parameters, such as `topic:1.0`."""
    name = next((parameters[member] for member in _RESOURCES if member in parameters), _NONE)
    version = [parameters[member] for member in ("majorVersion", "minorVersion") if member in parameters]
    return f"{name}:{'.'.join(version)}" if version else str(name)


def read_lines(store: Store, since: float = 0.0, account_id: str | None = None) -> Iterator[sa.RowMapping]:
    """The lines from a time on, in epoch seconds, oldest first; of all accounts or of one."""
    query = (
        sa.select(audit_lines).where(audit_lines.c.at >= since).order_by(audit_lines.c.at, audit_lines.c.id)
    )
    if account_id is not None:
        query = query.where(audit_lines.c.account_id == account_id)
    with store.read() as connection:
        yield from connection.execution_options(yield_per=1000).execute(query).mappings()


def delete_lines(store: Store, before: float) -> int:
    """Deletes the lines from before a time, in epoch seconds; returns how many there were."""
    with store.write() as connection:
        return connection.execute(sa.delete(audit_lines).where(audit_lines.c.at < before)).rowcount
