"""GitHub and GitHub Enterprise Server through the REST API, so that no git program and no clone is needed.

https://docs.github.com/en/rest/git and https://docs.github.com/en/rest/pulls. The token needs read and write
permission for "Contents" and "Pull requests" of the repositories.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from proton_server.provisioning.git_hosting import Change, HostingError, Request, RequestState
from proton_server.provisioning.git_hosting.http import Http

API_URL = "https://api.github.com"
_API_VERSION = "2022-11-28"
_RAW = {"Accept": "application/vnd.github.raw+json"}
_FILE_MODE = "100644"


class GitHub:
    """The hosting service: `GitHub(token)("acme/infrastructure")` is a repository.

    Args:
        token: a personal access token or one of an installed app.
        token_hint: what the operator has to do when GitHub does not accept the token.
        api_url: for GitHub Enterprise Server `https://HOST/api/v3`.

    """

    def __init__(self, token: str, token_hint: str, api_url: str = API_URL) -> None:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "X-GitHub-Api-Version": _API_VERSION,
        }
        self._http = Http("GitHub", api_url.rstrip("/"), headers, token_hint)

    def __call__(self, full_name: str) -> GitHubRepository:
        """The repository, without a request."""
        owner, name = full_name.split("/")
        return GitHubRepository(self._http, owner, name)


class GitHubRepository:
    """The verbs of `Repository`."""

    def __init__(self, http: Http, owner: str, name: str) -> None:
        self._http, self._owner, self._at = http, owner, f"/repos/{owner}/{name}"

    def head(self, branch: str) -> str | None:
        """See `Repository`."""
        # 409: a repository without a commit.
        missing = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
        response = self._http.call("GET", f"{self._at}/git/ref/heads/{branch}", accept=missing)
        if response.status in missing:
            return None
        commit: str = response.json()["object"]["sha"]
        return commit

    def paths(self, commit: str, folder: str) -> list[str]:
        """See `Repository`."""
        tree = commit
        for name in folder.split("/"):
            entries = self._tree(tree)
            found = [entry["sha"] for entry in entries if entry["path"] == name and entry["type"] == "tree"]
            if not found:
                return []
            tree = found[0]
        return [entry["path"] for entry in self._tree(tree, recursive="1") if entry["type"] == "blob"]

    def read(self, commit: str, path: str) -> bytes:
        """See `Repository`."""
        return self._http.call(
            "GET", f"{self._at}/contents/{path}", query={"ref": commit}, headers=_RAW
        ).content

    def push(self, change: Change) -> None:
        """See `Repository`. The branch is created last: until then nothing is visible."""
        entries = [
            *({**_entry(path), "content": _text(path, content)} for path, content in change.files.items()),
            *({**_entry(path), "sha": None} for path in change.removed),
        ]
        parent = self._http.call("GET", f"{self._at}/git/commits/{change.parent}").json()
        tree = self._post("git/trees", {"base_tree": parent["tree"]["sha"], "tree": entries})
        commit = self._post(
            "git/commits", {"message": change.message, "tree": tree["sha"], "parents": [change.parent]}
        )
        try:
            self._post("git/refs", {"ref": f"refs/heads/{change.branch}", "sha": commit["sha"]})
        except HostingError:
            if self.head(change.branch) is None:
                raise

    def find_request(self, branch: str) -> Request | None:
        """See `Repository`."""
        query = {"head": f"{self._owner}:{branch}", "state": "all"}
        found = self._http.call("GET", f"{self._at}/pulls", query=query).json()
        # GitHub ignores a `head` that it does not understand, and returns all pull requests.
        return next((_request(pull) for pull in found if pull["head"]["ref"] == branch), None)

    def open_request(self, branch: str, base: str, title: str, body: str) -> Request:
        """See `Repository`."""
        try:
            opened = self._post("pulls", {"title": title, "head": branch, "base": base, "body": body})
        except HostingError:
            found = self.find_request(branch)
            if found is None:
                raise
            return found
        return _request(opened)

    def close_request(self, request: Request) -> Request:
        """See `Repository`."""
        path = f"{self._at}/pulls/{request.number}"
        return _request(self._http.call("PATCH", path, body={"state": "closed"}).json())

    def _tree(self, tree: str, **query: str) -> list[dict[str, Any]]:
        response = self._http.call("GET", f"{self._at}/git/trees/{tree}", query=query).json()
        if response["truncated"]:
            raise HostingError(f"A folder of {self._at} has more files than GitHub lists at once.")
        entries: list[dict[str, Any]] = response["tree"]
        return entries

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = self._http.call("POST", f"{self._at}/{path}", body=body).json()
        return made


def _request(pull: dict[str, Any]) -> Request:
    state = RequestState.MERGED if pull["merged_at"] else RequestState(pull["state"])
    return Request(pull["number"], pull["html_url"], state)


def _entry(path: str) -> dict[str, Any]:
    return {"path": path, "mode": _FILE_MODE, "type": "blob"}


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise HostingError(f"{path} is not text in UTF-8, which Terraform requires.") from None
