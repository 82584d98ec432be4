"""GitHub of the tests: its REST API over TLS, on the folder of bare repositories that example 06 works on.

A server reaches it as api.github.com through the proxy that its environment names, and trusts its certificate
there. What is in the folder is as `proton-server local` keeps it, so that the example's automation sees it.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from proton_server.provisioning.git_hosting import HostingError, Request, RequestState
from proton_server.provisioning.git_hosting.local_git import LocalGit

HOST = "api.github.com"
_AUTHOR = ("-c", "user.name=Proton", "-c", "user.email=proton@localhost")


@contextlib.contextmanager
def folder_github(root: Path, certificates: Path) -> Iterator[dict[str, str]]:
    """Serves the repositories below `root`; the variables with which a server takes it for GitHub."""
    certificate, key = certificates / "github.pem", certificates / "github.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=DNS:{HOST}", "-out", certificate, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.root, server.tls = root, tls
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield {
            "HTTPS_PROXY": f"http://127.0.0.1:{server.server_address[1]}",
            "SSL_CERT_FILE": str(certificate),
        }
        server.shutdown()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    root: Path
    tls: ssl.SSLContext


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_CONNECT(self) -> None:
        """Is the proxy, and then what is behind it."""
        assert self.path == f"{HOST}:443"
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.close_connection = False

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        owner, name, path = re.fullmatch(r"/repos/([^/]+)/([^/]+)/(.*)", unquote(url.path)).groups()  # type: ignore[union-attr]
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        repository = _Repository(self.server.root, f"{owner}/{name}")
        for (method, pattern), answer in _ROUTES.items():
            found = re.fullmatch(pattern, path)
            if found and method == self.command:
                query = {key: values[0] for key, values in parse_qs(url.query).items()}
                try:
                    self._answer(200, answer(repository, *found.groups(), **query, **body))
                except (subprocess.CalledProcessError, HostingError):
                    self._answer(404, {"message": "Not Found"})
                return
        self._answer(418, {"message": f"{self.command} {path}"})

    do_POST = do_PATCH = do_GET  # noqa: N815 - http.server's names

    def _answer(self, status: int, document: Any) -> None:
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        pass


class _Repository:
    """The calls of the REST API that a server makes, by GitHub's documentation."""

    def __init__(self, root: Path, full_name: str) -> None:
        self._git_dir = root / f"{full_name}.git"
        self._requests = LocalGit(root)(full_name)

    def ref(self, branch: str) -> Any:
        return {"object": {"sha": self._git("rev-parse", "--verify", f"refs/heads/{branch}")}}

    def tree(self, sha: str, recursive: str = "") -> Any:
        listed = self._git("ls-tree", *(["-r", "-t"] if recursive else []), sha).splitlines()
        rows = [re.split(r"[ \t]", line, maxsplit=3) for line in listed]
        return {"tree": [{"type": r[1], "sha": r[2], "path": r[3]} for r in rows], "truncated": False}

    def contents(self, path: str, ref: str) -> bytes:
        return self._git("cat-file", "blob", f"{ref}:{path}").encode()

    def commit(self, sha: str) -> Any:
        return {"tree": {"sha": self._git("rev-parse", f"{sha}^{{tree}}")}}

    def make_tree(self, base_tree: str, tree: list[dict[str, Any]]) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._git("read-tree", base_tree, env=index)
            for entry in tree:
                if "content" in entry:
                    blob = self._git("hash-object", "-w", "--stdin", stdin=entry["content"])
                    added = f"{entry['mode']},{blob},{entry['path']}"
                    self._git("update-index", "--add", "--cacheinfo", added, env=index)
                else:
                    self._git("update-index", "--force-remove", entry["path"], env=index)
            return {"sha": self._git("write-tree", env=index)}

    def make_commit(self, message: str, tree: str, parents: list[str]) -> Any:
        of = [word for parent in parents for word in ("-p", parent)]
        return {"sha": self._git(*_AUTHOR, "commit-tree", tree, *of, "-m", message)}

    def make_ref(self, ref: str, sha: str) -> Any:
        self._git("update-ref", ref, sha)
        return {}

    def pulls(self, head: str, **_: str) -> Any:
        branch = head.partition(":")[2]
        found = self._requests.find_request(branch)
        return [_pull(found, branch)] if found else []

    def open_pull(self, title: str, head: str, base: str, body: str) -> Any:
        return _pull(self._requests.open_request(head, base, title, body), head)

    def close_pull(self, number: str, **_: str) -> Any:
        return _pull(self._requests.close_request(Request(int(number), "", RequestState.OPEN)), "")

    def _git(self, *arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments], input=stdin, capture_output=True, check=True, text=True,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_DIR": str(self._git_dir), **(env or {})},
        )  # fmt: skip
        return done.stdout.strip() if arguments[0] != "cat-file" else done.stdout


def _pull(found: Request, branch: str) -> Any:
    merged = found.state is RequestState.MERGED
    return {
        "number": found.number,
        "html_url": found.url,
        "state": "closed" if merged else found.state.value,
        "merged_at": "2026-11-28T00:00:00Z" if merged else None,
        "head": {"ref": branch},
    }


_ROUTES: dict[tuple[str, str], Callable[..., Any]] = {
    ("GET", r"git/ref/heads/(.+)"): _Repository.ref,
    ("GET", r"git/trees/(\w+)"): _Repository.tree,
    ("GET", r"contents/(.+)"): _Repository.contents,
    ("GET", r"git/commits/(\w+)"): _Repository.commit,
    ("POST", r"git/trees"): _Repository.make_tree,
    ("POST", r"git/commits"): _Repository.make_commit,
    ("POST", r"git/refs"): _Repository.make_ref,
    ("GET", r"pulls"): _Repository.pulls,
    ("POST", r"pulls"): _Repository.open_pull,
    ("PATCH", r"pulls/(\d+)"): _Repository.close_pull,
}
