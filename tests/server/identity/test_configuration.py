"""The operator's file: what it says, what is refused, and that a change of it counts at once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from proton_server.identity.access_rules import Access, access_of
from proton_server.identity.configuration import ConfigurationFile, ConfigurationFileError, parse

ROLE = "arn:aws:iam::111122223333:role/deploy-a"
TEXT = """\
access:  # nobody by default
- principal: arn:aws:iam::111122223333:role/deploy-*
  allow: write
- {principal: "arn:aws:iam::111122223333:user/auditor", allow: read}
external_ids:
  "111122223333": my-external-id
"""


def test_a_file_has_rules_and_external_ids() -> None:
    configuration = parse(TEXT.encode())

    assert access_of(ROLE, configuration.rules) is Access.WRITE
    assert access_of("arn:aws:iam::111122223333:user/auditor", configuration.rules) is Access.READ
    assert configuration.external_ids == {"111122223333": "my-external-id"}


@pytest.mark.parametrize("text", ["", "\n", "access: []", "access:", "external_ids: {}", "external_ids:"])
def test_without_entries_nobody_may_do_anything(text: str) -> None:
    assert parse(text.encode()) == parse(b"")
    assert access_of(ROLE, parse(text.encode()).rules) is Access.NONE


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("acces: []", "acces is not known; there are access and external_ids"),
        ("- x", "must be a YAML mapping (key: value)"),
        ("access: [", "not valid YAML: line 2, column"),
        ("access: []\naccess: []", "line 2, column 1: the key 'access' is given twice"),
        ("access: {}", "access must be a list of entries with principal and allow"),
        ("access: everybody", "access must be a list of entries with principal and allow"),
        ("access: [x]", "access[0] must have principal and allow, and nothing else"),
        ("access: [{principal: x}]", "access[0] must have principal and allow, and nothing else"),
        (
            f"access: [{{principal: '{ROLE}', allow: read, account: x}}]",
            "access[0] must have principal and allow, and nothing else",
        ),
        ("access: [{principal: 7, allow: read}]", "access[0] must have texts for principal and allow"),
        (
            f"access: [{{principal: '{ROLE}', allow: yes}}]",
            "access[0] must have texts for principal and allow",
        ),
        (f"access: [{{principal: '{ROLE}', allow: all}}]", "access[0].allow must be read or write"),
        (
            "access: [{principal: '*', allow: read}]",
            "access[0].principal must be the ARN of a user or a role",
        ),
        ("external_ids: x", "external_ids must be a mapping from accounts to external IDs"),
        ("external_ids: {1111: x}", "put it in quotes"),
        ('external_ids: {"1111": xy}', "external_ids.1111 must be an account of 12 digits, in quotes"),
        ('external_ids: {"111122223333": x}', "external_ids.111122223333 must be a text of 2 to 1224"),
        ('external_ids: {"111122223333": 77}', "external_ids.111122223333 must be a text of 2 to 1224"),
        ('external_ids: {"111122223333": "a b"}', "external_ids.111122223333 must be a text of 2 to 1224"),
        ("#" * 1_100_000, "it is larger than 1 MB"),
    ],
)
def test_a_mistake_is_one_clause(text: str, clause: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message is asserted
        parse(text.encode())

    assert clause in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_is_text() -> None:
    with pytest.raises(ValueError, match="it is not text in UTF-8"):
        parse(b"\xff\xfe")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "serve.yaml"
    file.write_text(TEXT)
    return file


def access(configuration: ConfigurationFile) -> Access:
    return access_of(ROLE, configuration.current().rules)


def test_a_server_does_not_start_with_an_invalid_file(file: Path) -> None:
    file.write_text("acces: []")

    with pytest.raises(ConfigurationFileError) as caught:
        ConfigurationFile(file)

    message = f"The configuration {file} is invalid: acces is not known; there are access and external_ids."
    assert str(caught.value) == message


def test_a_server_does_not_start_without_the_file_that_it_is_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFileError, match="cannot be read: No such file or directory"):
        ConfigurationFile(tmp_path / "none.yaml")


def test_a_change_counts_with_the_next_request(file: Path) -> None:
    configuration = ConfigurationFile(file)
    assert access(configuration) is Access.WRITE

    file.write_text(TEXT.replace("write", "read"))
    assert access(configuration) is Access.READ

    file.write_text("")
    assert access(configuration) is Access.NONE


def test_a_file_that_another_replaces_counts(file: Path, tmp_path: Path) -> None:
    configuration = ConfigurationFile(file)

    (tmp_path / "new").write_text(TEXT.replace("write", "read "))
    (tmp_path / "new").replace(file)

    assert access(configuration) is Access.READ


@pytest.mark.parametrize("broken", ["acces: []", None])
def test_a_change_that_is_invalid_changes_nothing_and_is_logged_once(
    file: Path, broken: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    configuration = ConfigurationFile(file)

    if broken is None:
        file.unlink()
    else:
        file.write_text(broken)
    with caplog.at_level(logging.ERROR):
        found = [access(configuration) for _ in range(3)]

    assert found == [Access.WRITE] * 3
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith("What was configured before stays in force.")

    file.write_text("access: []")
    assert access(configuration) is Access.NONE
