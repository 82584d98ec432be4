"""The TypeScript and Go SDKs, which a small Go program generates from `schema.json`. `make gen` writes them.

`python -m tools.sdks` writes them where they are not current; with `--check` it only fails. What is current
is told by hashes, in `sdk/generated.sha256`: those of the files that were generated, and those of what they
were generated from. So Go is needed only where there is something to write. tests/tools/test_sdks.py
generates both again, wherever there is a Go.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import cache
from tools.go import toolchain
from tools.uv import ROOT

GENERATOR = ROOT / "tools" / "sdk-generator"

_SCHEMA = "provider/aws_proton_provider/adapters/plugin/schema.json"
_SOURCES = (_SCHEMA, *(f"tools/sdk-generator/{name}" for name in ("go.mod", "go.sum", "main.go")))
_RECORD = "sdk/generated.sha256"
_PACKAGE = "sdk/nodejs/package.json"


def main() -> int:
    """Writes the SDKs where they are not current, or with `--check` says why they are not."""
    reasons = stale(ROOT)
    if "--check" in sys.argv[1:]:
        for reason in reasons:
            sys.stderr.write(f"{reason}: run `make gen` and commit what it writes\n")
        return 1 if reasons else 0
    if reasons:
        try:
            written = write(ROOT)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            sys.exit(f"The SDKs could not be generated: {error}")
        sys.stdout.write(f"wrote {len(written)} files in sdk/go and sdk/nodejs\n")
    return 0


def stale(root: Path) -> list[str]:
    """Why the SDKs are not what would be generated, a clause for each file; empty where they are."""
    recorded = _recorded(root)
    present = _digests(root, {*_SOURCES, *recorded})
    reasons = [
        f"{name} has changed since the SDKs were generated"
        for name in sorted(recorded.keys() | present.keys())
        if recorded.get(name) != present.get(name)
    ]
    # The version is in no source: where it is raised, this file shows it.
    if not reasons and f'"version": "{version()}"' not in (root / _PACKAGE).read_text():
        reasons.append(f"{_PACKAGE} has another version than {version()}")
    return reasons


def write(root: Path) -> list[str]:
    """Generates both SDKs, in place of what was generated before, and returns the files' paths.

    Raises what `generate` raises, before it has changed anything.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        generate(root / _SCHEMA, folder)
        for name in _recorded(root).keys() - {*_SOURCES}:
            (root / name).unlink(missing_ok=True)
        shutil.copytree(folder, root / "sdk", dirs_exist_ok=True)
        files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    names = [f"sdk/{file.as_posix()}" for file in files]
    digests = _digests(root, {*_SOURCES, *names})
    (root / _RECORD).write_text("".join(f"{digests[name]}  {name}\n" for name in sorted(digests)))
    return names


def generate(schema: Path, folder: Path) -> None:
    """Generates `folder/go` and `folder/nodejs`; raises `RuntimeError` or `CalledProcessError`."""
    program = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in _SOURCES[1:])).hexdigest()
    made = cache.entry(f"{GENERATOR.name}-{program[:16]}", is_whole=_is_whole, fill=_build_into)
    command: list[str | Path] = [made / GENERATOR.name, schema, version(), folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())


def version() -> str:
    """The project's version, which is also the SDKs'."""
    return importlib.metadata.version("pulumi-aws-proton")


def _is_whole(entry: Path) -> bool:
    return (entry / GENERATOR.name).exists()


def _build_into(folder: Path) -> None:
    own = cache.folder() / "go"
    toolchain(own, GENERATOR).build(GENERATOR, ".", folder / GENERATOR.name)
    shutil.rmtree(own, ignore_errors=True)


def _recorded(root: Path) -> dict[str, str]:
    record = root / _RECORD
    lines = record.read_text().splitlines() if record.exists() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _digests(root: Path, names: set[str]) -> dict[str, str]:
    """The hash of each file that is there."""
    present = (name for name in names if (root / name).is_file())
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in present}


if __name__ == "__main__":
    sys.exit(main())
