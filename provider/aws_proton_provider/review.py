"""A preview as Markdown, for the comment on a pull request: what happens to every Proton resource, and why.

It reads `pulumi preview --json` and nothing else. Secrets never get out: Pulumi writes `[secret]` or an
object with its secret signature in their place, and anything that holds one is shown as one.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_TYPES = ("pulumi-python:dynamic/aws-proton:", "aws-proton:index:")
_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks special objects in Pulumi's JSON; a secret is one of them."""
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SECRET, _LATER = "[secret]", "(known after up)"

_SAID_ELSEWHERE = ("deploymentType", "environmentAccountId", "status", "tags")
"""Inputs that other lines tell: of the tags, `tagsAll` has all."""

_VERBS = {
    "replace": "replaced",
    "delete": "deleted",
    "create": "created",
    "update": "updated",
}
"""The operations that are reported, in the order in which a reviewer wants them. The steps of a replacement
are one."""

_LONGEST = 120


@dataclasses.dataclass(frozen=True)
class _Change:
    """One resource's change: its inputs before and after, empty where there are none."""

    kind: str
    name: str
    verb: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reasons: tuple[str, ...]


def main() -> int:
    """Turns the preview on standard input into Markdown on standard output."""
    try:
        preview = json.load(sys.stdin)
        text = markdown(preview)
    except (ValueError, KeyError, TypeError, AttributeError):
        sys.stderr.write("this is no preview: give me the output of `pulumi preview --json`\n")
        return 1
    sys.stdout.write(text)
    return 0


def markdown(preview: Mapping[str, Any]) -> str:
    """The Markdown of a preview, as `pulumi preview --json` prints it."""
    changes = sorted(_changes(preview.get("steps", [])), key=lambda item: list(_VERBS).index(item.verb))
    environments = [change for change in changes if change.kind == "Environment"]
    others = [change for change in changes if change.kind != "Environment"]
    lines = ["### AWS Proton", ""]
    if not changes:
        lines += ["No environment, connection or setting changes.", ""]
    for change in environments:
        lines += [*_environment(change), ""]
    if others:
        lines += [
            *(f"- {change.kind} **{_text(change.name)}** is {_reasoned(change)}" for change in others),
            "",
        ]
    for severity, title in (("error", "Errors"), ("warning", "Warnings")):
        lines += _said(severity, title, preview.get("diagnostics") or [])
    return "\n".join(lines)


def _changes(steps: Iterable[Mapping[str, Any]]) -> Iterator[_Change]:
    for step in steps:
        kind, name = _resource(step["urn"])
        if kind and step["op"] in _VERBS:
            yield _Change(
                kind,
                name,
                step["op"],
                (step.get("oldState") or {}).get("inputs") or {},
                (step.get("newState") or {}).get("inputs") or {} if step["op"] != "delete" else {},
                tuple(step.get("replaceReasons") or ()),
            )


def _resource(urn: str) -> tuple[str | None, str]:
    """Type and name of a resource of ours, after `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""
    _, _, typed, name = urn.split("::", 3)
    own = typed.rpartition("$")[2]
    kind = next((own.removeprefix(prefix) for prefix in _TYPES if own.startswith(prefix)), None)
    return kind, name


def _environment(change: _Change) -> Iterator[str]:
    name = _shown((change.after or change.before).get("name", change.name))
    yield f"#### {name} is {_reasoned(change)}"
    yield ""
    versions = [version for version in (_version(change.before), _version(change.after)) if version]
    yield f"- template: {' → '.join(dict.fromkeys(versions))}"
    if change.verb == "update":
        yield f"- deploymentType: {_shown(change.after.get('deploymentType', 'NONE'))}"
    if change.verb == "replace":
        yield "- **its infrastructure is deleted and created again**"
    if change.verb == "delete":
        yield "- **its infrastructure is deleted**"
        return
    rows = list(_differences("", change.before, change.after)) if change.before else []
    if rows:
        yield ""
        yield "| Input | Before | After |"
        yield "|---|---|---|"
        yield from (f"| {path} | {before} | {after} |" for path, before, after in rows)


def _reasoned(change: _Change) -> str:
    reasons = ", ".join(f"`{reason}`" for reason in change.reasons)
    return f"{_VERBS[change.verb]}{f', because of {reasons}' if reasons else ''}"


def _version(inputs: Mapping[str, Any]) -> str:
    if "templateName" not in inputs:
        return ""
    numbers = [_plain(inputs.get(part, "?")) for part in ("templateMajorVersion", "templateMinorVersion")]
    return f"{_text(_plain(inputs['templateName']))} {'.'.join(numbers)}"


def _differences(path: str, before: Any, after: Any) -> Iterator[tuple[str, str, str]]:
    """The inputs that differ, objects by member; secrets too, since nobody can say whether they do."""
    if _is_plain_object(before) and _is_plain_object(after):
        for key in sorted(before.keys() | after.keys()):
            if not key.startswith("__") and not (path == "" and key in _SAID_ELSEWHERE):
                yield from _differences(f"{path}.{key}".lstrip("."), before.get(key), after.get(key))
    elif before != after or (_holds_secret(before) and _holds_secret(after)):
        yield _shown(path), _shown(before), _shown(after)


def _is_plain_object(value: Any) -> bool:
    return isinstance(value, dict) and _SIGNATURE not in value


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return _SIGNATURE in value or any(map(_holds_secret, value.values()))
    if isinstance(value, list):
        return any(map(_holds_secret, value))
    return isinstance(value, str) and value == _SECRET


def _plain(value: Any) -> str:
    """A value as text; whatever holds a secret as one, however little of it is secret."""
    if _holds_secret(value):
        return _SECRET
    if value == _UNKNOWN:
        return _LATER
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    text = text.replace(_UNKNOWN, _LATER)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _shown(value: Any) -> str:
    """A value in a table: as code, so that nothing in it is taken for Markdown."""
    if value is None:
        return "–"
    text = " ".join(_plain(value).split()).replace("|", "\\|").replace("`", "'")
    return f"`{text}`" if text else '`""`'


def _text(value: str) -> str:
    """A name in running text, with what Markdown or HTML would take for its own escaped."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in " ".join(value.split()))


def _said(severity: str, title: str, diagnostics: Iterable[Mapping[str, Any]]) -> list[str]:
    messages = (item["message"] for item in diagnostics if item.get("severity") == severity)
    lines = [
        f"- {_text(message.strip().removeprefix(f'{severity}: '))}" for message in dict.fromkeys(messages)
    ]
    return [f"**{title}**", "", *lines, ""] if lines else []


if __name__ == "__main__":
    sys.exit(main())
