"""Replicas on one PostgreSQL under load, with `kill -9`, stops past the lease and crashes of the database."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgresql import postgresql_server
from tests.replicas import Replicas, kill, replicas_on, restart_database, stop, under_load

ENVIRONMENTS = int(os.environ.get("CAMPAIGN_ENVIRONMENTS", "150"))


@pytest.mark.parametrize("number", [2, 3])
def test_nothing_is_lost_and_nothing_done_twice(number: int, chance: random.Random, tmp_path: Path) -> None:
    def trouble(replicas: Replicas, over: threading.Event) -> None:
        kinds: list[Callable[[], None]] = [
            lambda: kill(replicas, chance.randrange(number), chance.uniform(0, 5)),
            lambda: stop(replicas, chance.randrange(number), chance.uniform(2, 25)),
            lambda: restart_database(replicas, chance.uniform(0, 4)),
        ]
        while not over.wait(chance.uniform(1, 4)):
            chance.choice(kinds)()

    with postgresql_server() as database, replicas_on(database, number, tmp_path, chance) as replicas:
        under_load(replicas, ENVIRONMENTS, trouble)
