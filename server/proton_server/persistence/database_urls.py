"""What `--database` may be, and how a database and its errors are named to a person."""

from __future__ import annotations

import sqlalchemy as sa

from proton_server.persistence.databases import StoreError

_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",  # as many platforms hand it out
}
"""What a URL may begin with → the same with the driver that is installed for it."""


def parse_url(database: str) -> sa.URL:
    """The URL, with the driver that is installed for its backend. Raises StoreError."""
    try:
        url = sa.make_url(database if "://" in database else f"sqlite:///{database}")
    except (sa.exc.ArgumentError, ValueError):
        url = None
    # Every connection to a SQLite database without a file has a database of its own.
    if url is None or url.drivername not in _DRIVERS or url.database in (None, "", ":memory:"):
        raise StoreError("--database must be a SQLite file or a PostgreSQL URL (postgresql+psycopg://…).")
    url = url.set(drivername=_DRIVERS[url.drivername])
    if url.get_backend_name() == "sqlite" and url.query:
        raise StoreError(f"--database takes no parameters (?{next(iter(url.query))}=…) after a SQLite file.")
    return url


def with_password(database: str, password: str) -> str:
    """The PostgreSQL URL with a password, if it has none; a SQLite file as it is. Raises StoreError."""
    url = parse_url(database)
    if url.get_backend_name() == "sqlite" or url.password is not None:
        return database
    return url.set(password=password).render_as_string(hide_password=False)


def name_of(url: sa.URL) -> str:
    """What a person may see of a database: no password, neither before the host nor among the parameters."""
    shown = url.difference_update_query(["password", "sslpassword"])
    return shown.render_as_string(hide_password=True).removeprefix("sqlite:///")


def reason_of(error: BaseException) -> str:
    """The driver's own words, on one line and without SQLAlchemy's wrapping."""
    return " ".join(str(getattr(error, "orig", None) or error).split())
