"""The port to services that host git repositories: push a branch; open, find and close a pull request.

One module for each service, with the verbs of `Repository`. Nothing here knows what the files are for; no
error and no log may contain a token or the content of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from proton_server.provisioning.errors import ProvisioningError


class HostingError(ProvisioningError):
    """The service refuses a request, and would refuse it again; the message is a sentence.

    Any other exception of a verb means that the service cannot be reached now.
    """


class RequestState(Enum):
    """The state of a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True)
class Request:
    """A pull request."""

    number: int
    url: str
    state: RequestState


@dataclass(frozen=True)
class Change:
    """One commit on a new branch."""

    branch: str
    parent: str
    """The commit before it."""
    message: str
    files: Mapping[str, bytes]
    """New content by path."""
    removed: Collection[str] = ()
    """Paths to be removed; all are in the parent."""


class Repository(Protocol):
    """A repository. Each verb is one step that may be repeated; each raises HostingError."""

    def head(self, branch: str) -> str | None:
        """The commit a branch points to, or None without such a branch."""

    def paths(self, commit: str, folder: str) -> list[str]:
        """All files below a folder, relative to it. Empty if there is no such folder."""

    def read(self, commit: str, path: str) -> bytes:
        """A file's content."""

    def push(self, change: Change) -> None:
        """Creates the branch with its one commit. An existing branch of that name is not changed."""

    def find_request(self, branch: str) -> Request | None:
        """The pull request from this branch, in any state."""

    def open_request(self, branch: str, base: str, title: str, body: str) -> Request:
        """Opens the pull request from a branch to the branch `base`, or finds it open already."""

    def close_request(self, request: Request) -> Request:
        """Closes a pull request without merging it. Returns its new state: it may have been merged."""


Hosting = Callable[[str], Repository]
"""A hosting service: returns the repository for its full name, `owner/name`.

CreateRepository has checked both parts: neither can lead out of a folder or a URL's path.
"""

Hostings = Callable[[str, str], Hosting]
"""Returns the service for an account and a `RepositoryProvider` of the API.

Raises HostingError for an account that has no token for it.
"""
