"""A PostgreSQL as compose.yaml and the chart expect it: a database `proton`, and a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.postgresql import running_postgresql
from tests.servers import free_port

PASSWORD = "p@ss:w/ord"


@contextmanager
def running_database() -> Iterator[int]:
    """The port of 127.0.0.1 where it is."""
    port = free_port()
    with running_postgresql(PASSWORD, port) as url:
        server = url.format(database="postgres")
        with psycopg.connect(server, password=PASSWORD, autocommit=True) as connection:
            connection.execute("CREATE DATABASE proton")
        yield port
