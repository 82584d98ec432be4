"""Waiting for what happens later: each wait has a deadline, and fails with what it saw last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

_PAUSE = 0.03


def eventually(look: Callable[[], Any], seconds: float = 120) -> Any:
    """What `look` returns, as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"The condition is still {found!r} after {seconds:g} s.")
        time.sleep(_PAUSE)
    return found


def ended(proton: Any, name: str, seconds: float = 120) -> dict[str, Any]:
    """Waits for the end of the environment's deployment; returns the record."""
    running = ("IN_PROGRESS", "CANCELLING", "DELETE_IN_PROGRESS")
    deadline = time.monotonic() + seconds
    while True:
        record: dict[str, Any] = proton.get_environment(name=name)["environment"]
        if record["deploymentStatus"] not in running:
            return record
        if time.monotonic() > deadline:
            pytest.fail(f"{name} is still {record['deploymentStatus']} after {seconds:g} s.")
        time.sleep(_PAUSE)


def gone(proton: Any, name: str, seconds: float = 120) -> None:
    """Waits until the environment does not exist."""

    def deleted() -> bool:
        try:
            record = proton.get_environment(name=name)["environment"]
        except proton.exceptions.ResourceNotFoundException:
            return True
        assert record["deploymentStatus"] == "DELETE_IN_PROGRESS", record.get("deploymentStatusMessage")
        return False

    eventually(deleted, seconds)


def registered(proton: Any, version: dict[str, Any], seconds: float = 120) -> dict[str, Any]:
    """Waits for the end of a template version's registration; returns the record."""
    key = {member: version[member] for member in ("templateName", "majorVersion", "minorVersion")}

    def read() -> dict[str, Any] | None:
        record: dict[str, Any] = proton.get_environment_template_version(**key)["environmentTemplateVersion"]
        return record if record["status"] != "REGISTRATION_IN_PROGRESS" else None

    found: dict[str, Any] = eventually(read, seconds)
    return found
