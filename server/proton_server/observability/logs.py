"""The log on standard error, as text or as JSON: one line for each record, whatever clients sent.

What is being worked on (a request, a deployment) is in a context variable, so that the lines of deeper
modules have its ID too. A thread has a context of its own: who hands work to one sets the fields there, or
copies the context (`contextvars.copy_context`, `asyncio.to_thread`).
"""

from __future__ import annotations

import json
import logging
import re
import threading
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import Any

_IDS = ("deployment_id", "template_version_id", "request_id")
FIELDS = (*_IDS, "operation", "account", "region", "code", "duration_ms")
"""The members of a JSON line besides time, level, logger, message and exception, where they are known."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What ends a line, what a terminal obeys, and what has no encoding."""

_log = logging.getLogger(__name__)
_fields: ContextVar[dict[str, Any] | None] = ContextVar("log_fields", default=None)


class log_fields:  # noqa: N801  # it is used like a function
    """Log lines inside have these of `FIELDS`, and those that are put into the dictionary that it gives."""

    def __init__(self, **fields: Any) -> None:
        self._given = fields

    def __enter__(self) -> dict[str, Any]:
        fields = {**(_fields.get() or {}), **self._given}
        self._token = _fields.set(fields)
        return fields

    def __exit__(self, *_: object) -> None:
        _fields.reset(self._token)


def log_to_stderr(level: str, form: str = "text") -> None:
    """Sets the level of our own log, and its form: `text` or `json`. Libraries log warnings."""
    handler = logging.StreamHandler()
    handler.addFilter(_add_fields)
    handler.setFormatter(_FORMATTERS[form]())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("proton_server").setLevel(level.upper())
    # Else these would write their own lines.
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_end_of_thread


def _add_fields(record: logging.LogRecord) -> bool:
    """A filter that gives the record the fields of the context; what it has itself counts more."""
    for name, value in (_fields.get() or {}).items():
        if not hasattr(record, name):
            setattr(record, name, value)
    return True


def _log_end_of_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and arguments.exc_type is not SystemExit:
        name = arguments.thread.name if arguments.thread else "-"
        _log.error("The thread %s ended by an error", name, exc_info=arguments.exc_value)


class TextFormatter(logging.Formatter):
    """`time level logger: message`, with the IDs that the message does not have. Tracebacks are indented."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # of the base class
        """The first line."""
        ids = "".join(
            f" {name}={value}"
            for name in _IDS
            if (value := getattr(record, name, None)) is not None and value not in record.message
        )
        return _escaped(super().formatMessage(record) + ids)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # of the base class
        """The traceback: no line of it can pass for a record."""
        return "\n".join(f"  {_escaped(line)}" for line in super().formatException(ei).split("\n"))


class JsonFormatter(logging.Formatter):
    """A JSON object in ASCII on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as `time` (UTC), `level`, `logger`, `message`, those of `FIELDS` known, `exception`."""
        at = datetime.fromtimestamp(record.created, timezone.utc)
        line = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        known = ((name, getattr(record, name, None)) for name in FIELDS)
        line |= {name: value for name, value in known if value is not None}
        if record.exc_info and record.exc_info != (None, None, None):
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


_FORMATTERS: dict[str, type[logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}
FORMS = tuple(_FORMATTERS)


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
