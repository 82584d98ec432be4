"""The port to what hosts git repositories: a branch is pushed, a pull request opened, looked at and closed.

One module per service, each with the verbs of `Repository`. Nothing here knows what the files are for;
nothing in a fault or a log may contain a token or the content of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from proton_server.provisioning.errors import ProvisioningError


class HostingError(ProvisioningError):
    """The service refuses, and would again; the text is a sentence that says what and where.

    Any other exception of a verb means that the service is out of reach for now.
    """


class RequestState(Enum):
    """What has become of a pull request."""

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
    """The commit it follows."""
    message: str
    files: Mapping[str, bytes]
    """New content by path."""
    removed: Collection[str] = ()
    """Paths that go; all are in the parent."""


class Repository(Protocol):
    """A repository. Each verb is one step that may be repeated; each raises HostingError."""

    def head(self, branch: str) -> str | None:
        """The commit a branch points to, or None without such a branch."""

    def paths(self, commit: str, folder: str) -> list[str]:
        """All files below a folder, relative to it. Empty without such a folder."""

    def read(self, commit: str, path: str) -> bytes:
        """A file's content."""

    def push(self, change: Change) -> None:
        """Makes the branch with its one commit. A branch of that name is left as it is."""

    def find_request(self, branch: str) -> Request | None:
        """The pull request from this branch, whatever has become of it."""

    def open_request(self, branch: str, base: str, title: str, body: str) -> Request:
        """Opens the pull request from a branch to the branch `base`, or finds it open already."""

    def close_request(self, request: Request) -> Request:
        """Closes a pull request without merging it. Returns it as it is then: it may have been merged."""


Hosting = Callable[[str], Repository]
"""A hosting service: leads from a repository's full name, `owner/name`, to the repository.

CreateRepository has checked that both parts are plain: neither can lead out of a folder or a URL's path.
"""

Hostings = Callable[[str, str], Hosting]
"""Leads from an account and a `RepositoryProvider` of the API to the service, as far as it is that account's.

Raises HostingError for an account that has no way in.
"""
