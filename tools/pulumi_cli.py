"""A usable Pulumi CLI: which one, from where, and with which environment it runs.

Four ways, in this order: on PATH; in the user's cache, from an earlier time; Pulumi's release archive; a
build from source. The first that works is taken, and whatever stops one of them is said and leads to the
next. Forbidden here: anything outside the standard library, and changing anything of the user's own Pulumi.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import cache, pulumi_build, pulumi_release, uv, version
from tools.pulumi_release import VERSION

_ENTRY = f"pulumi-cli-v{VERSION}"
_COMPANIONS = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")


def ensure() -> Path:
    """The `pulumi` to use, made ready if need be; exits with one sentence when no way leads to one."""
    try:
        return found()
    except FileNotFoundError as nothing:
        reasons = [str(nothing)]
    for name, fill in (
        ("release archive", pulumi_release.unpack_into),
        ("build from source", pulumi_build.build_into),
    ):
        try:
            made = cache.entry(_ENTRY, is_whole=_is_whole, fill=fill)
        except Exception as error:  # noqa: BLE001 - no failure of one way may hide the next
            reasons.append(f"{name}: {error}")
            print(f"No Pulumi CLI that way ({reasons[-1]}).")
        else:
            print(f"The Pulumi CLI {VERSION} is in {made / 'bin'}.")
            return made / "bin" / "pulumi"
    sys.exit(
        "No way to a Pulumi CLI worked. Install one, so that `pulumi` is on PATH "
        f"({VERSION} or newer, https://www.pulumi.com/docs/install/), and run make again."
    )


def link_into(folder: Path, pulumi: Path) -> None:
    """Puts a CLI of the cache into a folder of PATH, so that `source .venv/bin/activate` is all it takes."""
    if not pulumi.resolve().is_relative_to(cache.folder().resolve()):
        return
    for name in ("pulumi", *_COMPANIONS):
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(pulumi.resolve().parent / name)


@functools.cache
def found() -> Path:
    """The usable `pulumi` that is there already, on PATH or in the cache; raises `FileNotFoundError`."""
    on_path = shutil.which("pulumi")
    flaw = _flaw_of(Path(on_path)) if on_path else "there is none"
    if on_path and not flaw:
        return Path(on_path)
    cached = cache.folder() / _ENTRY
    if _is_whole(cached):
        return cached / "bin" / "pulumi"
    msg = f"on PATH: {flaw}; in {cache.folder()}: none that works"
    raise FileNotFoundError(msg)


def environment(
    state: Path, endpoint: str, *, account: str = "123456789012", region: str = "us-east-1"
) -> dict[str, str]:
    """The environment in which `pulumi`, `python` and `proton-server` are ours, and AWS is `endpoint`.

    Nothing of the user's own Pulumi or AWS settings reaches in or is reached: state, stacks and Pulumi's home
    are under the folder `state` (created), the passphrase is empty, and the credentials only name the
    `account`. Raises `FileNotFoundError` before `make setup` was run.
    """
    backend = state / "stacks"
    backend.mkdir(parents=True, exist_ok=True)
    others = ("PULUMI_", "AWS_", "PYTHON", "VIRTUAL_ENV", "BOTO_CONFIG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    search = (uv.VENV / "bin", found().parent, os.environ.get("PATH", os.defpath))
    # Both spellings are read, by different programs; a proxy must not be asked for our own server.
    unproxied = ",".join(
        filter(None, [kept.get("no_proxy") or kept.get("NO_PROXY"), "127.0.0.1", "localhost"])
    )
    return kept | {
        "NO_PROXY": unproxied,
        "no_proxy": unproxied,
        # The language host we build doesn't see `runtime.options` in Pulumi.yaml, so it is the environment
        # that says which Python runs the program: .venv's, by PATH and by name.
        "PATH": os.pathsep.join(str(folder) for folder in search),
        "VIRTUAL_ENV": str(uv.VENV),
        "PULUMI_PYTHON_CMD": str(uv.VENV / "bin" / "python"),
        "PULUMI_HOME": str(state / "pulumi-home"),
        "PULUMI_BACKEND_URL": backend.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        "PULUMI_DISABLE_CI_DETECTION": "true",
        "PULUMI_SUPPRESS_NEO_LINK": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _is_whole(entry: Path) -> bool:
    return _flaw_of(entry / "bin" / "pulumi") is None


def _flaw_of(pulumi: Path) -> str | None:
    """Why this `pulumi` can't be used, in words; None when it can."""
    try:
        # With a home of ours, asking for the version leaves no log in the user's.
        quiet = os.environ | {
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_HOME": str(cache.folder() / "pulumi-home"),
        }
        done = subprocess.run(
            [pulumi, "version"], env=quiet, capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return f"{pulumi} doesn't run"
    if version.number_in(done.stdout) < version.number_in(VERSION):
        return f"{pulumi} is {done.stdout.strip()}, and {VERSION} is the oldest that was tried"
    beside = os.pathsep.join([str(pulumi.resolve().parent), os.environ.get("PATH", os.defpath)])
    missing = [name for name in _COMPANIONS if not shutil.which(name, path=beside)]
    return f"{pulumi} lacks {', '.join(missing)}" if missing else None
