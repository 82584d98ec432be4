"""What the result of a step changes in a template version that is being registered."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from proton_server.engine.registrations import Failed, Registered, Transition, Waiting, after_step
from proton_templates.bundle import Bundle

NOW = 1_000_000.0
DAY = 24 * 60 * 60
SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}}
REQUIRED = {**SCHEMA, "required": ["title"]}
REGISTERED = Registered(b"tarball", Bundle("text", REQUIRED, "postcard", {}))


def after(result: Any, *, schema_before: Any = None, age: float = 10) -> Transition:
    row: Any = SimpleNamespace(record={"createdAt": NOW - age})
    return after_step(row, result, schema_before, NOW)


def test_a_bundle_that_was_read_makes_the_version_a_draft_and_is_kept() -> None:
    assert after(REGISTERED) == Transition(
        None,
        {"status": "DRAFT", "statusMessage": None, "lastModifiedAt": NOW, "schema": "text"},
        {"engine": "postcard", "input_schema": REQUIRED},
        b"tarball",
    )


def test_a_version_that_refuses_specs_of_the_minor_version_before_fails_and_is_not_kept() -> None:
    transition = after(REGISTERED, schema_before=SCHEMA)

    assert transition.record["status"] == "REGISTRATION_FAILED"
    assert "title" in transition.record["statusMessage"]
    assert (transition.columns, transition.tarball) == ({}, None)


def test_a_version_that_accepts_them_is_a_draft() -> None:
    assert after(REGISTERED, schema_before=REQUIRED).record["status"] == "DRAFT"


def test_a_bundle_that_is_not_valid_fails_the_version_with_the_reason() -> None:
    assert after(Failed("No schema.")) == Transition(
        None, {"status": "REGISTRATION_FAILED", "statusMessage": "No schema.", "lastModifiedAt": NOW}
    )


@pytest.mark.parametrize(("age", "pause"), [(0, 1.0), (300, 30.0), (3600, 60.0)])
def test_while_aws_cannot_be_called_the_version_says_so_and_the_pause_grows(age: float, pause: float) -> None:
    assert after(Waiting("Waiting for AWS."), age=age) == Transition(
        pause, {"statusMessage": "Waiting for AWS."}
    )


def test_after_a_day_the_version_fails_and_says_what_it_waited_for() -> None:
    record = after(Waiting("Waiting for AWS."), age=DAY + 1).record

    assert record["status"] == "REGISTRATION_FAILED"
    assert record["statusMessage"] == (
        "The template bundle could not be read within 24 hours. Waiting for AWS."
    )
