"""Bitbucket Cloud through its REST API 2.0: one call creates branch and commit.

https://developer.atlassian.com/cloud/bitbucket/rest/api-group-source/ and …/api-group-pullrequests/. The
token is an access token of the repository, project or workspace with the scopes `repository:write` and
`pullrequest:write`.
"""

from __future__ import annotations

import urllib.parse
from http import HTTPStatus
from typing import Any

from proton_server.provisioning.git_hosting import Change, HostingError, Request, RequestState
from proton_server.provisioning.git_hosting.http import Http

API_URL = "https://api.bitbucket.org/2.0"

_STATES = {
    "OPEN": RequestState.OPEN,
    "MERGED": RequestState.MERGED,
    "DECLINED": RequestState.CLOSED,
    "SUPERSEDED": RequestState.CLOSED,
}
_DEPTH = "20"
"""Of folders below an environment's; Bitbucket cannot list without a limit."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Bitbucket:
    """The hosting service: `Bitbucket(token)("acme/infrastructure")` is a repository of the workspace `acme`.

    Args:
        token: an access token.
        token_hint: what the operator has to do when Bitbucket does not accept the token.
        api_url: of the API.

    """

    def __init__(self, token: str, token_hint: str, api_url: str = API_URL) -> None:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        self._http = Http("Bitbucket", api_url, headers, token_hint)

    def __call__(self, full_name: str) -> BitbucketRepository:
        """The repository, without a request."""
        return BitbucketRepository(self._http, f"/repositories/{full_name}")


class BitbucketRepository:
    """The verbs of `Repository`."""

    def __init__(self, http: Http, at: str) -> None:
        self._http, self._at = http, at

    def head(self, branch: str) -> str | None:
        """See `Repository`."""
        response = self._http.call(
            "GET", f"{self._at}/refs/branches/{branch}", accept=(HTTPStatus.NOT_FOUND,)
        )
        if response.status == HTTPStatus.NOT_FOUND:
            return None
        commit: str = response.json()["target"]["hash"]
        return commit

    def paths(self, commit: str, folder: str) -> list[str]:
        """See `Repository`."""
        found: list[str] = []
        query: dict[str, str] | None = {"max_depth": _DEPTH, "pagelen": "100"}
        while query:
            response = self._http.call(
                "GET", f"{self._at}/src/{commit}/{folder}/", query=query, accept=(HTTPStatus.NOT_FOUND,)
            )
            if response.status == HTTPStatus.NOT_FOUND:
                return []
            page = response.json()
            found += [entry["path"] for entry in page["values"] if entry["type"] == "commit_file"]
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.get("next", "")).query))
        return [path.removeprefix(f"{folder}/") for path in found]

    def read(self, commit: str, path: str) -> bytes:
        """See `Repository`."""
        return self._http.call("GET", f"{self._at}/src/{commit}/{path}").content

    def push(self, change: Change) -> None:
        """See `Repository`. A repetition is refused: the parent is not the head of the existing branch."""
        fields: list[tuple[str, str | bytes]] = [
            ("branch", change.branch),
            ("parents", change.parent),
            ("message", change.message),
            # A path in `files` that has no content of its own is removed.
            *(("files", f"/{path}") for path in sorted(change.removed)),
            *((f"/{path}", content) for path, content in change.files.items()),
        ]
        body = urllib.parse.urlencode(fields).encode()
        self._http.call("POST", f"{self._at}/src", body=body, headers=_FORM, accept=(HTTPStatus.CONFLICT,))

    def find_request(self, branch: str) -> Request | None:
        """See `Repository`."""
        query = {"q": f'source.branch.name="{branch}"', "state": list(_STATES)}
        found = self._http.call("GET", f"{self._at}/pullrequests", query=query).json()["values"]
        return _request(found[0]) if found else None

    def open_request(self, branch: str, base: str, title: str, body: str) -> Request:
        """See `Repository`."""
        request = {
            "title": title,
            "description": body,
            "source": {"branch": {"name": branch}},
            "destination": {"branch": {"name": base}},
        }
        return _request(self._http.call("POST", f"{self._at}/pullrequests", body=request).json())

    def close_request(self, request: Request) -> Request:
        """See `Repository`."""
        path = f"{self._at}/pullrequests/{request.number}"
        try:
            return _request(self._http.call("POST", f"{path}/decline").json())
        except HostingError:
            found = _request(self._http.call("GET", path).json())
            if found.state is RequestState.OPEN:
                raise
            return found


def _request(pull: dict[str, Any]) -> Request:
    return Request(pull["id"], pull["links"]["html"]["href"], _STATES[pull["state"]])
