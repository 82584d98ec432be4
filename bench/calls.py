"""How many calls the server answers in a second, beside moto's own server and an empty route.

moto has no Proton. Its peer of `GetEnvironment` is SSM's `GetParameter`, also a record that is found by its
name, with the spec as its value; that of `CreateEnvironment` is `PutParameter`.
"""

from __future__ import annotations

import itertools
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.clients import client_of, request_of, requests_per_second
from bench.measure import Measurement, Ratio, Subject
from bench.servers import BUSY_LOOPS, busy_machine, empty_route, environment, moto_server
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Store
from proton_server.persistence.tables import environments
from tests.bundles import OUTPUTS_SCHEMA, SPEC, bundle
from tests.names import ACCOUNT, REGION
from tests.servers import LocalServer, ServedBesideAws, publisher

_SECONDS = 1.0
_CREATES = 200
_CLIENTS = 8
_NAME = "measured"
_NOTE = """\
Found with cProfile, as processor time of one GetEnvironment: SQLAlchemy built the same statement
for each call (200 µs; now once for each table and key), pinged SQLite and began a transaction as a
statement (30 µs; no ping, `BEGIN` by the driver), and took a connection and a transaction for one
query (75 µs; one connection that is kept). A thread took 50 to 110 µs: decision 0011 says which
reads need none. What remains is 130 µs, of which SQLAlchemy's `execute` has 40."""
_LOG = ("--log-level", "warning")
"""The server's default; tests have it log more."""

_OURS, _MOTO, _EMPTY = "this server", "moto's own server", "an empty route"
_RATIOS = (Ratio(_OURS, _MOTO, at_least=5), Ratio(_OURS, _EMPTY, at_least=0.5))

Rate = Callable[[int], float]
"""Calls a second, with so many clients."""


def rate_of(client: Any, operation: str, **parameters: Any) -> Rate:
    """Of a call that is repeated for a second; it is signed anew each time the rate is asked for."""

    def rate(clients: int) -> float:
        request = request_of(client, operation, **parameters)
        return requests_per_second(client.meta.endpoint_url, itertools.repeat(request), clients, _SECONDS)

    return rate


def rate_of_creates(client: Any, operation: str, **parameters: Any) -> Rate:
    """Of calls with a member `Name` or `name` that is new each time."""
    member = "Name" if "Name" in parameters else "name"

    def rate(clients: int) -> float:
        requests = [
            request_of(client, operation, **parameters | {member: f"n{uuid.uuid4().hex}"})
            for _ in range(_CREATES)
        ]
        return requests_per_second(client.meta.endpoint_url, requests, clients, seconds=60)

    return rate


def beside_busy_loops(rate: Rate) -> Rate:
    """The rate while four other processes take all the processor time that they get."""

    def busy(clients: int) -> float:
        with busy_machine():
            return rate(clients)

    return busy


@contextmanager
def _measurements() -> Iterator[Sequence[Measurement]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        local = LocalServer(_subfolder(folder, "local"), _LOG)
        serve = ServedBesideAws(_subfolder(folder, "serve"), _LOG, aws=local)
        for server in (local, serve):
            server.start()
            stack.callback(server.kill)
            with closing(Store(server.database)) as store, store.write() as connection:
                Rows(connection, ACCOUNT, REGION).insert(environments, **environment(_NAME))
        ours = client_of(local.door("proton", ACCOUNT), "proton")
        empty = client_of(stack.enter_context(empty_route()), "proton")
        moto = client_of(stack.enter_context(moto_server()), "ssm")
        moto.put_parameter(Name=_NAME, Value=SPEC, Type="String")
        door = serve.door("proton", ACCOUNT)
        verifying = client_of(door, "proton")
        key = (door.key_id, door.secret)
        verifying_empty = client_of(stack.enter_context(empty_route(serve.database, key=key)), "proton")

        get = {
            _OURS: rate_of(ours, "get_environment", name=_NAME),
            _MOTO: rate_of(moto, "get_parameter", Name=_NAME),
            _EMPTY: rate_of(empty, "get_environment", name=_NAME),
        }
        verified = {
            _OURS: rate_of(verifying, "get_environment", name=_NAME),
            _EMPTY: rate_of(verifying_empty, "get_environment", name=_NAME),
        }
        # Customer-managed: nothing is deployed, which would go on while the next case is measured.
        outputs_only = bundle(folder / "bundle", template=None, schema=OUTPUTS_SCHEMA)
        create = {
            "templateName": publisher(local)(outputs_only, customer_managed=True),
            "templateMajorVersion": "1",
            "spec": "proton: EnvironmentSpec\nspec: {vpc: vpc-1}\n",
        }
        created = {
            _OURS: rate_of_creates(ours, "create_environment", name="", **create),
            _MOTO: rate_of_creates(moto, "put_parameter", Name="", Value=SPEC, Type="String"),
        }
        yield [
            _measurement("GetEnvironment, 1 client", get, 1, _NOTE),
            _measurement(f"GetEnvironment, {_CLIENTS} clients", get, _CLIENTS),
            _measurement(
                f"GetEnvironment, 1 client, beside {BUSY_LOOPS} busy loops",
                {name: beside_busy_loops(rate) for name, rate in get.items()},
                1,
            ),
            _measurement("GetEnvironment, 1 client, signatures verified (`serve`)", verified, 1),
            _measurement(f"GetEnvironment, {_CLIENTS} clients, signatures verified", verified, _CLIENTS),
            # No goal: moto keeps it in memory; here a worker checks the spec, and the disk has it at the end.
            Measurement(
                f"CreateEnvironment, {_CLIENTS} clients",
                "calls/s",
                {name: partial(rate, _CLIENTS) for name, rate in created.items()},
                [Ratio(_OURS, _MOTO)],
            ),
        ]


def _measurement(title: str, rates: dict[str, Rate], clients: int, note: str = "") -> Measurement:
    cases = {name: partial(rate, clients) for name, rate in rates.items()}
    return Measurement(title, "calls/s", cases, [ratio for ratio in _RATIOS if ratio.to in cases], note)


def _subfolder(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


CALLS = Subject(
    "calls a second, beside moto's own server and an empty route",
    _measurements,
    ["uvicorn", "uvloop", "httptools", "starlette", "sqlalchemy", "botocore", "moto"],
)
