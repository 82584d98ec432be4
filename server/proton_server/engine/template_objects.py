"""Deletes the objects through which large templates went to CloudFormation, after their deployments' ends.

The deployment's row has the object's name from before it is written until it is deleted, whatever happens in
between. So this looks at rows only: of those that have ended, whichever way and in whichever process.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from botocore.exceptions import BotoCoreError, ClientError

from proton_server.persistence.store import Unavailable
from proton_server.persistence.tables import deployments

if TYPE_CHECKING:
    from proton_server.persistence.store import Store
    from proton_server.provisioning.cloudformation.template_buckets import TemplateBuckets

_log = logging.getLogger(__name__)

_LAST_SECOND = 1.0
_PAUSE_SECONDS = 60.0
"""After an object that could not be deleted, and for those whose process ended before it deleted them."""


class TemplateObjects:
    """Looks for such objects when a deployment has ended, and now and then, in a thread of its own."""

    def __init__(self, store: Store, buckets: TemplateBuckets, pause: float = _PAUSE_SECONDS) -> None:
        self._store, self._buckets, self._pause = store, buckets, pause
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._warned: set[str] = set()
        """The deployments whose objects could not be deleted, of which the log knows."""
        self._thread = threading.Thread(target=self._run, name="template-objects", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread. A call in progress is not waited for: it is made again at the next start."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(_LAST_SECOND)

    def after(self, row: sa.Row[Any]) -> None:
        """To be called when a deployment has ended, after that is written."""
        if row.template_object is not None:
            self._woken.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                for row in self._left():
                    if not self._stopping.is_set():
                        self._delete(row)
            except Unavailable:
                pass  # it is logged
            except Exception:  # noqa: BLE001  # the thread must not end: it is started only once
                _log.exception("The templates in the operator's buckets could not be deleted")
            self._woken.wait(self._pause)

    def _left(self) -> list[sa.Row[Any]]:
        columns = deployments.c
        query = sa.select(columns.id, columns.account_id, columns.region, columns.template_object).where(
            columns.template_object.is_not(None), columns.next_at.is_(None)
        )
        with self._store.read() as connection:
            return [*connection.execute(query)]

    def _delete(self, row: sa.Row[Any]) -> None:
        try:
            self._buckets.delete(row.region, row.template_object)
        except (ClientError, BotoCoreError) as error:
            if row.id not in self._warned:
                _log.warning("s3://%s cannot be deleted yet: %s", row.template_object, error)
            self._warned.add(row.id)
            return
        self._warned.discard(row.id)
        with self._store.write(row.account_id, row.region) as connection:
            connection.execute(
                sa.update(deployments).where(deployments.c.id == row.id).values(template_object=None)
            )
