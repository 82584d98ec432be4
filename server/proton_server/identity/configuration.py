"""The operator's configuration file (`serve --config`): who may call, and what AssumeRole sends.

The file is read again when it has changed. One that is invalid then, or cannot be read, changes nothing, and
the log has one line about it.
"""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from proton_server.identity.access_rules import Rule, rule
from proton_templates.documents import load_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_log = logging.getLogger(__name__)

_ACCOUNT = re.compile(r"[0-9]{12}")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
"""AssumeRole's pattern for it."""
_MAX_BYTES = 1024 * 1024


class ConfigurationFileError(Exception):
    """The file is invalid. The message is one sentence."""


@dataclass(frozen=True)
class Configuration:
    """What the file says. Without a file nobody may exchange credentials."""

    rules: tuple[Rule, ...] = ()
    external_ids: Mapping[str, str] = field(default_factory=dict)
    """The account of a role → the ExternalId with which it is assumed."""


class ConfigurationFile:
    """The configuration as the file has it now. None: no file, so the default.

    Raises ConfigurationFileError if the file is invalid or cannot be read when the server starts.
    """

    def __init__(self, file: Path | None) -> None:
        self._file, self._mutex = file, threading.Lock()
        self._seen = self._status()
        """What was seen of the file when it was last read."""
        self._configuration = self._read(file) if file else Configuration()

    def current(self) -> Configuration:
        """The configuration that is in force."""
        if self._file is not None:
            with self._mutex:
                seen = self._status()
                if seen != self._seen:
                    self._seen = seen
                    try:
                        self._configuration = self._read(self._file)
                    except ConfigurationFileError as error:
                        _log.error("%s What was configured before stays in force.", error)
        return self._configuration

    def _status(self) -> tuple[int, ...] | None:
        """What is different once the file has changed; None while it is not there."""
        try:
            status = self._file.stat() if self._file else None
        except OSError:
            return None
        return status and (status.st_mtime_ns, status.st_size, status.st_ino)

    def _read(self, file: Path) -> Configuration:
        try:
            return parse(file.read_bytes())
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
        except ValueError as error:
            reason = f"is invalid: {error}"
        raise ConfigurationFileError(f"The configuration {file} {reason}.")


def parse(content: bytes) -> Configuration:
    """The configuration in the text of a file. Raises ValueError: a clause that says what is wrong where."""
    if len(content) > _MAX_BYTES:
        raise ValueError("it is larger than 1 MB")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    document = load_mapping(text) if text.strip() else {}
    if unknown := sorted(document.keys() - {"access", "external_ids"}):
        raise ValueError(f"{unknown[0]} is not known; there are access and external_ids")
    return Configuration(_rules(document.get("access")), _external_ids(document.get("external_ids")))


def _rules(entries: Any) -> tuple[Rule, ...]:
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise ValueError("access must be a list of entries with principal and allow")  # noqa: TRY004
    rules = []
    for number, entry in enumerate(entries):
        where = f"access[{number}]"
        if not isinstance(entry, dict) or entry.keys() != {"principal", "allow"}:
            raise ValueError(f"{where} must have principal and allow, and nothing else")
        if not all(isinstance(value, str) for value in entry.values()):
            raise ValueError(f"{where} must have texts for principal and allow")
        try:
            rules.append(rule(entry["principal"], entry["allow"]))
        except ValueError as error:
            raise ValueError(f"{where}.{error}") from None
    return tuple(rules)


def _external_ids(entries: Any) -> dict[str, str]:
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        message = "external_ids must be a mapping from accounts to external IDs"
        raise ValueError(message)  # noqa: TRY004
    for account, external_id in entries.items():
        if not _ACCOUNT.fullmatch(account):
            raise ValueError(f"external_ids.{account} must be an account of 12 digits, in quotes")
        if not isinstance(external_id, str) or not _EXTERNAL_ID.fullmatch(external_id):
            message = "must be a text of 2 to 1224 letters, digits and +=,.@:/-"
            raise ValueError(f"external_ids.{account} {message}")
    return dict(entries)
