"""The time for a page of `ListEnvironments` among many environments, against that among few."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from bench.clients import client_of, request_of, requests_per_second
from bench.measure import Measurement, Ratio, Subject
from bench.servers import environment
from proton_server.persistence.store import Store
from proton_server.persistence.tables import environments
from tests.names import ACCOUNT, REGION
from tests.postgresql import running_postgresql
from tests.servers import Door, LocalServer, ServedBesideAws

_SECONDS = 1.0
_FEW, _MANY = 100, 10_000
_OTHER_REGION = "eu-west-1"
"""Has the many."""
_NOTE = """\
A page is found in the index of the primary key on both databases: SQLite's plan is `SEARCH
environments USING INDEX (account_id=? AND region=? AND name>?)`, PostgreSQL's `Index Scan using
environments_pkey`, 0.06 ms."""
_DATABASES = ("SQLite", "PostgreSQL")


def milliseconds(door: Door, region: str) -> float:
    """Of one page of 50, the second one, so that it is found by its token."""
    client = client_of(door, "proton", region)
    token = client.list_environments(maxResults=50)["nextToken"]
    request = request_of(client, "list_environments", maxResults=49, nextToken=token)
    return 1000 / requests_per_second(door.url, itertools.repeat(request), 1, _SECONDS)


@contextmanager
def _measurements() -> Iterator[Sequence[Measurement]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgresql = stack.enter_context(running_postgresql()).format(database="postgres")
        aws = LocalServer(folder)
        measurements = []
        for name in _DATABASES:
            (folder / name).mkdir()
            url = postgresql if name == "PostgreSQL" else ""
            server = ServedBesideAws(folder / name, ("--log-level", "warning"), aws=aws, database_url=url)
            server.start()
            stack.callback(server.kill)
            with closing(Store(server.database)) as store:
                _fill(store)
            door = server.door("proton", ACCOUNT)
            cases = {
                f"{_MANY:,} environments": partial(milliseconds, door, _OTHER_REGION),
                f"{_FEW} environments": partial(milliseconds, door, REGION),
            }
            many, few = cases
            title = f"ListEnvironments, a page of 49, {name}"
            measurements.append(Measurement(title, "ms", cases, [Ratio(many, few, at_most=1.5)], _NOTE))
        yield measurements


def _fill(store: Store) -> None:
    rows = [
        {"account_id": ACCOUNT, "region": region, **environment(f"env-{number:05}")}
        for region, count in ((REGION, _FEW), (_OTHER_REGION, _MANY))
        for number in range(count)
    ]
    with store.write() as connection:
        connection.execute(sa.insert(environments), rows)


PAGES = Subject(
    "a page of ListEnvironments among many environments", _measurements, ["sqlalchemy", "psycopg"]
)
