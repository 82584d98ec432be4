"""A folder of bare git repositories instead of a hosting service, for `proton-server local`.

`DIR/<owner>/<name>.git` is the repository, `DIR/<owner>/<name>.requests/<n>.json` a pull request: title,
body, head (branch and commit), base, and a state that a person may change from "open" to "closed". A request
is merged when its commit is in the base, whatever its file says. (Git cannot recognise a squash: after one, a
person sets the state to "merged".)

Only plumbing of the `git` command is used, none of the user's git configuration, and no work tree.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from proton_server.provisioning.git_hosting import Change, HostingError, Request, RequestState

_AUTHOR = "AWS Proton <proton@localhost>"
_TIMEOUT_SECONDS = 10


class LocalGit:
    """The hosting service: `LocalGit(root)("acme/infrastructure")` is a repository below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(self, full_name: str) -> LocalRepository:
        """The repository. Raises HostingError if there is none."""
        owner, name = full_name.split("/")
        folder = self._root / owner
        git_dir = folder / f"{name}.git"
        if not (git_dir / "HEAD").is_file():
            message = f"Repository {full_name} does not exist. Make it with `git init --bare {git_dir}`."
            raise HostingError(message)
        return LocalRepository(full_name, git_dir, folder / f"{name}.requests")


class LocalRepository:
    """A bare repository and the requests beside it; the verbs of `Repository`."""

    def __init__(self, full_name: str, git_dir: Path, requests: Path) -> None:
        self._full_name, self._git_dir, self._requests = full_name, git_dir, requests

    def head(self, branch: str) -> str | None:
        """See `Repository`."""
        listed = self._run("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/").decode()
        heads = (line.partition(" ") for line in listed.splitlines())
        return next((commit for commit, _, ref in heads if ref == f"refs/heads/{branch}"), None)

    def paths(self, commit: str, folder: str) -> list[str]:
        """See `Repository`."""
        listed = self._run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, "--", f"{folder}/")
        return [
            path.removeprefix(f"{folder}/") for path in listed.decode(errors="replace").split("\0") if path
        ]

    def read(self, commit: str, path: str) -> bytes:
        """See `Repository`."""
        return self._run("cat-file", "blob", f"{commit}:{path}")

    def push(self, change: Change) -> None:
        """See `Repository`. One program writes it all, and the branch last."""
        if self.head(change.branch) is None:
            self._run("fast-import", "--quiet", "--done", stdin=_fast_import(change))

    def find_request(self, branch: str) -> Request | None:
        """See `Repository`."""
        for file in self._numbered():
            request = json.loads(file.read_bytes())
            if request["head"] == branch:
                return self._request(file, request)
        return None

    def open_request(self, branch: str, base: str, title: str, body: str) -> Request:
        """See `Repository`."""
        found = self.find_request(branch)
        if found is not None:
            return found
        record = {
            "title": title,
            "body": body,
            "head": branch,
            "commit": self.head(branch),
            "base": base,
            "state": RequestState.OPEN.value,
        }
        self._requests.mkdir(exist_ok=True)
        number = 1 + max((int(file.stem) for file in self._numbered()), default=0)
        while not _write_new(file := self._requests / f"{number}.json", record):
            number += 1
        return self._request(file, record)

    def close_request(self, request: Request) -> Request:
        """See `Repository`."""
        file = self._requests / f"{request.number}.json"
        record = json.loads(file.read_bytes())
        if self._request(file, record).state is RequestState.OPEN:
            record["state"] = RequestState.CLOSED.value
            _replace(file, record)
        return self._request(file, record)

    def _numbered(self) -> list[Path]:
        return [file for file in self._requests.glob("*.json") if file.stem.isdecimal()]

    def _request(self, file: Path, record: dict[str, Any]) -> Request:
        state = RequestState(record["state"])
        if state is RequestState.OPEN and self._is_merged(record):
            state = RequestState.MERGED
        return Request(int(file.stem), str(file), state)

    def _is_merged(self, record: dict[str, Any]) -> bool:
        base = self.head(record["base"])
        return base is not None and not self._run("rev-list", "--max-count=1", record["commit"], f"^{base}")

    def _run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_DIR": str(self._git_dir),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        try:
            done = subprocess.run(
                ["git", *arguments],
                input=stdin,
                capture_output=True,
                env=environment,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            message = "The command `git` is not on PATH; the local repositories need it."
            raise HostingError(message) from None
        if done.returncode:
            message = done.stderr.decode(errors="replace").strip()
            raise HostingError(f"git {arguments[0]} fails in repository {self._full_name}: {message}")
        return done.stdout


def _fast_import(change: Change) -> bytes:
    """The commit in the language of `git fast-import`."""
    commands = [
        f"commit refs/heads/{change.branch}\ncommitter {_AUTHOR} {int(time.time())} +0000\n".encode(),
        _data(change.message.encode()),
        f"from {change.parent}\n".encode(),
    ]
    commands += [f"D {_quoted(path)}\n".encode() for path in sorted(change.removed)]
    for path, content in sorted(change.files.items()):
        commands += [f"M 100644 inline {_quoted(path)}\n".encode(), _data(content)]
    return b"".join([*commands, b"done\n"])


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _write_new(file: Path, record: dict[str, Any]) -> bool:
    """Writes a new file, completely or not at all. Returns False if it exists already."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".new") as temporary:
        json.dump(record, temporary, indent=2)
        temporary.flush()
        try:
            os.link(temporary.name, file)
        except FileExistsError:
            return False
    return True


def _replace(file: Path, record: dict[str, Any]) -> None:
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps(record, indent=2))
    temporary.replace(file)
