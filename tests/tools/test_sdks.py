"""The SDKs in sdk/go and sdk/nodejs are what is generated from schema.json."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.names import REPOSITORY
from tools import sdks
from tools.go import toolchain_on_path

SCHEMA = "provider/aws_proton_provider/adapters/plugin/schema.json"
needs_go = pytest.mark.skipif(
    toolchain_on_path(sdks.GENERATOR) is None,
    reason="needs the Go that its go.mod names",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the project as far as generating SDKs is concerned, recorded as it is now."""
    recorded = (REPOSITORY / "sdk" / "generated.sha256").read_text().splitlines()
    lines = []
    for name in (line.split()[1] for line in recorded):
        content = (REPOSITORY / name).read_bytes()
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    (tmp_path / "sdk" / "generated.sha256").write_text("".join(lines))
    return tmp_path


def _generated(folder: Path) -> dict[str, bytes]:
    files = (path for path in (folder / "sdk").rglob("*") if path.is_file() and path.suffix != ".sha256")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_they_are_current() -> None:
    assert sdks.stale(REPOSITORY) == []


@pytest.mark.parametrize(
    "name", [SCHEMA, "tools/sdk-generator/main.go", "sdk/go/awsproton/environment.go", "sdk/nodejs/index.ts"]
)
def test_a_change_of_what_they_are_made_from_or_of_themselves_is_named(root: Path, name: str) -> None:
    with (root / name).open("a") as file:
        file.write("\n")

    assert sdks.stale(root) == [f"{name} has changed since the SDKs were generated"]


def test_a_missing_file_is_named(root: Path) -> None:
    (root / "sdk/nodejs/index.ts").unlink()

    assert sdks.stale(root) == ["sdk/nodejs/index.ts has changed since the SDKs were generated"]


def test_another_version_of_the_project_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdks, "version", lambda: "99.0.0")

    assert sdks.stale(root) == ["sdk/nodejs/package.json has another version than 99.0.0"]


@needs_go
def test_generating_them_again_writes_the_same_and_removes_what_is_generated_no_more(root: Path) -> None:
    expected = _generated(root)
    record = root / "sdk" / "generated.sha256"
    (root / "sdk/nodejs/environment.ts").write_text("changed")
    (root / "sdk/nodejs/removed.ts").write_text("of a resource that there was")
    (root / "sdk/nodejs/own.ts").write_text("written by hand")
    record.write_text(record.read_text() + "0" * 64 + "  sdk/nodejs/removed.ts\n")

    sdks.write(root)

    assert _generated(root) == expected | {"sdk/nodejs/own.ts": b"written by hand"}
    assert sdks.stale(root) == []


@needs_go
def test_a_schema_that_pulumi_does_not_accept_changes_nothing(root: Path) -> None:
    before = _generated(root)
    schema = root / SCHEMA
    schema.write_text(
        schema.read_text().replace("types/aws-proton:index:Timeouts", "types/aws-proton:index:T")
    )

    with pytest.raises(RuntimeError, match="type aws-proton:index:T not found"):
        sdks.write(root)

    assert _generated(root) == before
