"""Backups of a SQLite database: a file that is itself one, made and put back by SQLite's online backup API.

A backup is made while servers use the database, as it is at one moment, and appears under its name when it
is complete. It is put back in one transaction of SQLite: a crash leaves the database before or the one after.
https://www.sqlite.org/backup.html
"""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from proton_server.persistence.databases import StoreError
from proton_server.persistence.marks import BACKUP_AT, ID
from proton_server.persistence.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA = "schema"
_KEPT = (
    "access_keys",
    "revocations",
    "used_signatures",
    "environment_account_connections",
    "audit_lines",
)
"""Tables that a restore keeps as they are in the database that it replaces: what was revoked, rejected or
deleted since the backup must not be allowed again, and who did what must not be forgotten."""
_PATIENCE_SECONDS = 10.0


class Backup(NamedTuple):
    """What a backup says of itself."""

    made_at: float
    """In epoch seconds."""
    schema: str
    id: str | None
    """Of the database; None of one with schema version 2 or older."""


def back_up(database: Path, file: Path) -> Backup:
    """Writes the file, for its owner only, over one that exists. Raises StoreError."""
    made_at = time.time()
    with (
        _sentences(f"The database {database} cannot be backed up"),
        closing(_opened(database, "ro")) as source,
        _unfinished(file) as unfinished,
    ):
        _check_schema(_marks(source).get(_SCHEMA), f"The database {database}")
        with closing(_opened(unfinished, "rw")) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, and none beside it
            copy.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (BACKUP_AT, repr(made_at)))
            copy.commit()
            _check_integrity(copy, f"The database {database}")
        _sync(unfinished)
        unfinished.replace(file)
        _sync(file.parent)
    return read_backup(file)


def read_backup(file: Path) -> Backup:
    """What a backup says of itself, once it is checked. Raises StoreError."""
    with _sentences(f"The backup {file} cannot be read"), closing(_opened(file, "ro")) as connection:
        marks = _marks(connection)
        if BACKUP_AT not in marks:
            raise StoreError(f"{file} is not a backup of a proton-server, made by `database backup`.")
        _check_schema(marks.get(_SCHEMA), f"The backup {file}")
        _check_integrity(connection, f"The backup {file}")
    return Backup(float(marks[BACKUP_AT]), marks[_SCHEMA], marks.get(ID))


def is_empty(database: Path) -> bool:
    """Whether there is nothing in a database, or no such file. Raises StoreError."""
    if not database.exists():
        return True
    with _damage_of(database), closing(_opened(database, "ro")) as connection:
        return not connection.execute("SELECT 1 FROM sqlite_schema").fetchall()


def keep_of(replaced: Path, restored: Path, backup: Backup) -> bool:
    """Copies the tables of `_KEPT` out of the database that is replaced, if the backup is one of it."""
    with _damage_of(replaced), closing(_opened(replaced, "ro")) as connection:
        marks = _marks(connection)
    if (marks.get(ID), marks.get(_SCHEMA)) != (backup.id or "", SCHEMA_VERSION):
        return False
    with _damage_of(replaced), closing(_opened(restored, "rw")) as connection:
        connection.execute("ATTACH ? AS replaced", (str(replaced),))
        for table in _KEPT:
            names = connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
            columns = ", ".join(f'"{name}"' for (name,) in names)
            connection.execute(f"DELETE FROM main.{table}")  # noqa: S608 - names of our own tables
            connection.execute(
                f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM replaced.{table}"  # noqa: S608
            )
        connection.commit()
    return True


def put_in_place(restored: Path, database: Path) -> None:
    """Makes the content of a database that of another, in one transaction. Raises StoreError."""
    with _sentences(f"The database {database} cannot be restored"):
        os.close(os.open(database, os.O_CREAT, 0o600))
        with _damage_of(database), closing(_opened(database, "rw")) as target:
            with closing(_opened(restored, "ro")) as source:
                source.backup(target)
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _sync(database.parent)


@contextmanager
def staged(file: Path, database: Path) -> Iterator[Path]:
    """A copy of a backup beside the database, to be changed before it is put in place."""
    with (
        _sentences(f"The backup {file} cannot be copied beside {database}"),
        _unfinished(database) as copy,
    ):
        with closing(_opened(file, "ro")) as source, closing(_opened(copy, "rw")) as target:
            source.backup(target)
        yield copy


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """A new file beside another, for its owner only, which is removed at the end if it is still there."""
    check_folder(file)
    number, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    os.close(number)
    try:
        yield Path(name)
    finally:
        for left in ("", "-wal", "-shm", "-journal", "-serving"):
            Path(f"{name}{left}").unlink(missing_ok=True)


def check_folder(file: Path) -> None:
    """Raises StoreError if there is no folder for a file."""
    if not file.absolute().parent.is_dir():
        raise StoreError(f"There is no folder {file.parent} for {file.name}.")


@contextmanager
def _sentences(what: str) -> Iterator[None]:
    """Makes one sentence of an error of SQLite or of the file system."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"{what}: {reason}.") from None


@contextmanager
def _damage_of(database: Path) -> Iterator[None]:
    """Says what to do with a database that SQLite cannot read, and so can neither keep nor replace."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise StoreError(
            f"The database {database} is damaged ({error}): move it away, with {database.name}-wal and "
            f"{database.name}-shm if they are there, and restore again."
        ) from None


def _opened(file: Path, mode: str) -> sqlite3.Connection:
    """A connection to a file that exists: `ro` or `rw`."""
    quoted = re.sub("[%?#]", lambda found: f"%{ord(found[0]):02x}", str(file.absolute()))
    return sqlite3.connect(f"file:{quoted}?mode={mode}", uri=True, timeout=_PATIENCE_SECONDS)


def _marks(connection: sqlite3.Connection) -> dict[str, str]:
    """The table `meta`; empty if there is none."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").fetchone():
        return {}
    return dict(connection.execute("SELECT key, value FROM meta").fetchall())


def _check_schema(found: str | None, what: str) -> None:
    if found is None:
        raise StoreError(f"{what} is not one of a proton-server.")
    if not found.isdecimal() or int(found) > int(SCHEMA_VERSION):
        raise StoreError(
            f"{what} has schema version {found}, and this release knows those up to {SCHEMA_VERSION}: use "
            "the release that made it."
        )


def _check_integrity(connection: sqlite3.Connection, what: str) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreError(f"{what} is damaged: {' '.join(found.split()).rstrip('.')}.")


def _sync(path: Path) -> None:
    """Has a file, or what names the files of a folder, written to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
