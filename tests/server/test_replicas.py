"""Two replicas on one PostgreSQL under load: one is killed, one stopped, and the database restarted.

The long form, with three replicas and chance, is `tests/campaigns/test_replicas.py`.
"""

from __future__ import annotations

import random
import threading
from pathlib import Path

from tests.postgresql import postgresql_server
from tests.replicas import Replicas, kill, replicas_on, restart_database, stop, under_load


def test_nothing_is_lost_and_nothing_done_twice(tmp_path: Path) -> None:
    def trouble(replicas: Replicas, over: threading.Event) -> None:
        over.wait(1)
        stopped = threading.Thread(target=stop, args=(replicas, 0))
        stopped.start()
        over.wait(3)
        restart_database(replicas, 0.5)
        stopped.join()
        kill(replicas, 1, 0.5)

    with (
        postgresql_server() as database,
        replicas_on(database, 2, tmp_path, random.Random(1)) as replicas,
    ):
        under_load(replicas, 8, trouble)
