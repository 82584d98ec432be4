"""Deletes what is too old, in the background: in one process at a time, and after all other writers."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from proton_server.persistence.retention import BATCH, delete_batch, rules, take_turn
from proton_server.persistence.store import Unavailable

if TYPE_CHECKING:
    from proton_server.persistence.retention import Retention
    from proton_server.persistence.store import Store

_log = logging.getLogger(__name__)

_PERIOD_SECONDS = 600.0
_LOOK_SECONDS = 60.0
"""How often each process looks whether it is its turn."""
_PAUSE_SECONDS = 0.1
"""After each batch: other writers come first."""


class Cleaning:
    """A thread that deletes what `persistence/retention.py` says is too old."""

    def __init__(self, store: Store, retention: Retention) -> None:
        self._store, self._retention = store, retention
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cleaning", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it after the batch in progress; the rest is deleted another time."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if take_turn(self._store, _PERIOD_SECONDS):
                    self._clean()
            except Unavailable:
                pass  # it is logged, and tried again
            except Exception:  # noqa: BLE001  # the thread must not end: it is started only once
                _log.exception("What is too old could not be deleted")
            self._stopping.wait(_LOOK_SECONDS)

    def _clean(self) -> None:
        for rule in rules(self._store.now, self._retention):
            total, is_last = 0, False
            while not is_last and not self._stopping.wait(_PAUSE_SECONDS):
                number = delete_batch(self._store, rule)
                total, is_last = total + number, number < BATCH
            if total:
                _log.info("Rows of %s that were too old: %d deleted", rule.table.name, total)
