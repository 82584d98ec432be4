"""What probes learn: readiness is whether to send requests, liveness whether a restart would help."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from proton_server.api import health as probes
from proton_server.api.health import Health
from proton_server.engine.evaluation import Evaluator
from proton_server.engine.reconciler import Reconciler
from proton_server.persistence.store import Store
from tests.server.counting_handler import CountingHandler


def test_a_server_is_ready_once_it_has_started_until_it_is_told_to_stop() -> None:
    stopping = threading.Event()
    health = Health(stopping.is_set)
    assert health.unready() == "The server is starting."
    health.started()
    assert health.unready() is None
    stopping.set()
    assert health.unready() == "The server is stopping."
    assert health.dead() is None


def test_what_keeps_a_server_from_its_work_needs_no_restart_unless_it_is_said_so() -> None:
    health = Health(lambda: False, not_ready=lambda: "The database is away.")
    health.started()
    assert (health.unready(), health.dead()) == ("The database is away.", None)
    health = Health(lambda: False, not_live=lambda: "A thread has ended.")
    health.started()
    assert health.dead() == "A thread has ended."


def test_an_event_loop_without_a_turn_needs_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    health = Health(lambda: False)
    health.started()
    health.turn()
    assert health.dead() is None
    monkeypatch.setattr(probes, "_STALLED_SECONDS", -1.0)
    assert health.dead() == "The event loop has had no turn for 0 seconds."


def test_a_reconciler_whose_thread_has_ended_needs_a_restart(
    store: Store, start: Callable[..., Reconciler[Any]]
) -> None:
    reconciler = start(CountingHandler())
    assert reconciler.end() is None
    reconciler.stop()
    assert reconciler.end() == reconciler.fault() == "The reconciler of deployments has ended."


def test_an_evaluator_without_workers_needs_a_restart() -> None:
    evaluator = Evaluator(2)
    evaluator.start()
    assert evaluator.end() is None
    evaluator.close()
    assert evaluator.end() == "The workers that evaluate templates and specs have ended."
