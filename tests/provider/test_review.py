"""The preview as Markdown. `preview.json` is what Pulumi 3.259 said of two accounts, without state it does
not read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from aws_proton_provider.review import main, markdown

PREVIEW = json.loads((Path(__file__).parent / "preview.json").read_text())
SIGNATURE = "4dabf18193072939515e22adb298388d"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def _step(op: str, before: dict[str, Any], after: dict[str, Any], **more: Any) -> dict[str, Any]:
    urn = "urn:pulumi:dev::project::pulumi-python:dynamic/aws-proton:Environment::dev"
    versions = {
        "name": "dev",
        "templateName": "vpc",
        "templateMajorVersion": "1",
        "templateMinorVersion": "0",
    }
    states = {"oldState": {"inputs": versions | before}, "newState": {"inputs": versions | after}}
    return {"op": op, "urn": urn, **states, **more}


def _of(*steps: dict[str, Any]) -> str:
    return markdown({"steps": list(steps)})


def test_a_real_preview_tells_every_change_replacements_first() -> None:
    told = [line for line in markdown(PREVIEW).splitlines() if line.startswith(("####", "- Env"))]

    assert told == [
        "#### `moved-on` is replaced, because of `name`",
        "#### `leaving` is deleted",
        "#### `new` is created",
        "#### `plain` is updated",
        "#### `secret` is updated",
        "- EnvironmentAccountConnection **across** is updated",
    ]


def test_an_environments_inputs_are_listed_one_by_one() -> None:
    text = markdown(PREVIEW)

    assert "| `spec.stage` | `development` | `production` |" in text
    assert "| `description` | – | `x\\|y 'z' <b>` |" in text
    assert "- deploymentType: `CURRENT_VERSION`" in text
    assert text.count("- template: quickstart 1.0") == 5
    assert "| `spec.notify_email` | `[secret]` | `[secret]` |" in text


def test_warnings_are_reported() -> None:
    assert "- environment moved-on is replaced because of name" in markdown(PREVIEW)


def test_the_reason_of_a_failed_preview_comes_before_the_warnings() -> None:
    said = [
        {"severity": "warning", "message": "warning: mind *this*"},
        {"severity": "error", "message": "error: no\n"},
        {"severity": "info", "message": "chatter"},
    ]

    text = markdown({"steps": [], "diagnostics": said})

    assert text.endswith("**Errors**\n\n- no\n\n**Warnings**\n\n- mind \\*this\\*\n")


def test_a_version_is_shown_from_old_to_new() -> None:
    text = _of(_step("update", {}, {"templateMinorVersion": "3", "deploymentType": "MINOR_VERSION"}))

    assert "- template: vpc 1.0 → vpc 1.3" in text
    assert "- deploymentType: `MINOR_VERSION`" in text


@pytest.mark.parametrize(
    "secret", [{SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hunter2"'}, "[secret]"]
)
@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"a": s}, lambda s: ["hunter2", s]])
def test_a_secret_is_never_shown_nor_what_is_beside_it_in_a_list(secret: Any, wrap: Any) -> None:
    text = _of(_step("update", {"spec": {"password": "x"}}, {"spec": {"password": wrap(secret)}}))

    assert "hunter2" not in text
    assert "[secret]" in text


def test_what_is_known_only_later_is_called_so() -> None:
    assert "| `spec.vpc` | `a` | `(known after up)` |" in _of(
        _step("update", {"spec": {"vpc": "a"}}, {"spec": {"vpc": UNKNOWN}})
    )


def test_nothing_in_a_value_is_taken_for_markdown() -> None:
    value = "`|</details>\n\n# title"

    assert "| `description` | – | `'\\|</details> # title` |" in _of(
        _step("update", {}, {"description": value})
    )


def test_a_long_value_is_cut() -> None:
    text = _of(_step("update", {}, {"description": "long " * 100}))

    assert max(map(len, text.splitlines())) < 200


def test_no_change_is_one_line() -> None:
    assert markdown({"steps": [_step("same", {}, {})]}) == (
        "### AWS Proton\n\nNo environment, connection or setting changes.\n"
    )


def test_resources_of_others_are_left_to_pulumi() -> None:
    bucket = {"op": "create", "urn": "urn:pulumi:dev::project::aws:s3/bucket:Bucket::b", "newState": {}}

    assert "No environment" in markdown({"steps": [bucket]})


def test_the_plugins_resources_are_reported_too() -> None:
    step = _step("delete", {}, {})
    step["urn"] = "urn:pulumi:dev::project::my:index:Parent$aws-proton:index:Environment::dev"

    assert "#### `dev` is deleted" in _of(step)


@pytest.mark.parametrize("text", ["", "[]", "not json", '{"steps": [{}]}', '{"steps": 3}'])
def test_something_else_than_a_preview_gets_one_sentence(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))

    assert main() == 1
    assert capsys.readouterr().err == "this is no preview: give me the output of `pulumi preview --json`\n"
