"""What is secret is taken out of a sentence, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from aws_proton_provider.core.facts import SECRET_SPEC, SECRETS
from aws_proton_provider.core.redaction import redacted

SPEC = {"password": "hunter2", "users": [{"pin": 4711}], "stage": "development", "on": True, "empty": ""}


@pytest.mark.parametrize(
    ("paths", "said", "shown"),
    [
        ([["spec", "password"]], "at postgres://hunter2@db", "at postgres://[secret]@db"),
        ([["spec", "password"]], "dbhunter2db in development", "db[secret]db in development"),
        ([["spec", "users", "0", "pin"]], "pin 4711 of 47110", "pin [secret] of 47110"),
        ([["spec"]], "hunter2, 4711, development, True", "[secret], [secret], [secret], True"),
        # A spec that was given as a whole document was unwrapped since.
        ([["spec", "spec", "password"]], "hunter2", "[secret]"),
        ([["tags", "team"]], "hunter2", "hunter2"),
        ([], "hunter2", "hunter2"),
    ],
)
def test_a_secret_is_taken_out_of_a_message(paths: list[list[str]], said: str, shown: str) -> None:
    assert redacted(said, {"spec": SPEC, SECRETS: paths}) == shown


@pytest.mark.parametrize("value", [1, 12, "a", "en"])
def test_a_short_value_does_not_take_the_message_with_it(value: Any) -> None:
    said = "environment a: FAILED after 1 attempt"

    assert redacted(said, {"spec": {"x": value}, SECRETS: [["spec", "x"]]}) == said


@pytest.mark.parametrize("value", ["two\nlines of\tit", 'a "quoted" one', "back\\slash-here"])
def test_a_secret_is_found_as_messages_write_it(value: str) -> None:
    state = {"spec": {"x": value}, SECRETS: [["spec"]]}
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')

    for form in (" ".join(value.split()), value, quoted.replace("\n", "\\n").replace("\t", "\\t")):
        assert redacted(f"at <{form}>", state) == "at <[secret]>"


def test_a_state_of_0_1_0_says_only_that_the_spec_holds_a_secret() -> None:
    assert redacted("hunter2", {"spec": SPEC, SECRET_SPEC: True}) == "[secret]"
    assert redacted("hunter2", {"spec": SPEC, SECRET_SPEC: False}) == "hunter2"
