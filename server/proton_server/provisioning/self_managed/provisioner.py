"""Self-managed provisioning: a pull request for each deployment; the customer's automation does the rest.

Proton proposes the files and waits; the automation of the repository provisions, and reports the end with
NotifyResourceDeploymentStatusChange (`Work.notified`). Branch and request are named after the deployment's
ID, so a verb that is called again finds what it did. What is decided where AWS is silent:
docs/decisions/0006-self-managed.md.
https://docs.aws.amazon.com/proton/latest/userguide/ag-works-prov-methods.html
"""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING

from proton_server.provisioning import Progress, State
from proton_server.provisioning.git_hosting import Change, HostingError, RequestState
from proton_server.provisioning.proton_tags import TEMPLATE_TAG
from proton_server.provisioning.self_managed.terraform_files import (
    METADATA,
    Subject,
    files_to_delete,
    files_to_deploy,
    folder_of,
    obsolete_files,
    places,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proton_server.provisioning import Work
    from proton_server.provisioning.git_hosting import Hostings, Repository, Request

_log = logging.getLogger(__name__)

_BRANCHES = uuid.UUID("6f1f0c1c-6c0b-5d0e-9d55-3f2b8e9b4a10")
"""The namespace of branch names: as AWS's, they contain a UUID that is not the deployment's ID."""

_Outcome = tuple[State, str]

_DEPLOYING: dict[RequestState, _Outcome] = {
    RequestState.OPEN: (
        State.WAITING,
        "Waiting for {url} to be merged, and for its automation to notify AWS Proton.",
    ),
    RequestState.MERGED: (
        State.WAITING,
        "{url} was merged. Waiting for its automation to notify AWS Proton.",
    ),
    RequestState.CLOSED: (State.CANCELLED, "{url} was closed without being merged."),
}
_REMOVING: dict[RequestState, _Outcome] = {
    RequestState.OPEN: (State.WAITING, "Waiting for {url} to be merged."),
    # AWS's own sample of an automation destroys after the merge and does not notify Proton.
    RequestState.MERGED: (State.SUCCEEDED, ""),
    RequestState.CLOSED: (
        State.CANCELLED,
        "{url} was closed without being merged. Delete the environment again to open another one.",
    ),
}
"""State of a pull request → state of its deployment or removal, and the message for the user."""

_ENDED = {"SUCCEEDED": State.SUCCEEDED, "FAILED": State.FAILED}
"""The statuses in a notification that end a deployment."""


class SelfManaged:
    """The verbs of `Provisioner`, with a pull request behind them.

    Args:
        hosting: the hosting service of each account and `RepositoryProvider` of the API.

    """

    def __init__(self, hosting: Hostings) -> None:
        self._hosting = hosting

    def start(self, work: Work) -> Progress:
        """Pushes the branch and opens the pull request."""
        repository = self._repository(work)
        request = repository.find_request(_branch(work))
        if request is None:
            title = f"Update requested for Proton - environment/{work.environment['name']}"
            request = _propose(repository, work, title, _deployment)
        return _progress(_DEPLOYING, request)

    def observe(self, work: Work) -> Progress:
        """What the automation notified; before that, the state of the pull request."""
        return _notified(work) or _tolerating_errors(self.start, work)

    def cancel(self, work: Work) -> Progress:
        """Closes the pull request. If it is merged already, the automation decides how it ends."""
        return _notified(work) or self._close(work)

    def resume(self, work: Work) -> Progress:
        """The pull request as it is now, or a new one: people decide on it, so nothing is undone unseen.

        If it was merged and the automation has notified the end since the backup, it has to notify it again.
        """
        return self.start(work)

    def remove(self, work: Work) -> Progress:
        """Opens the pull request that says that the environment was deleted."""
        repository = self._repository(work)
        request = repository.find_request(_branch(work))
        if request is None:
            if METADATA not in _Folder(repository, work).paths:
                return Progress(State.SUCCEEDED)  # no request of this environment was ever merged
            title = f"Deletion requested for Proton - environment/{work.environment['name']}"
            request = _propose(repository, work, title, _deletion)
        return _progress(_REMOVING, request)

    def observe_removal(self, work: Work) -> Progress:
        """Done when the automation notifies it, or with the merge."""
        return _notified(work) or _tolerating_errors(self.remove, work)

    def resume_removal(self, work: Work) -> Progress:
        """As `resume`."""
        return self.remove(work)

    def _close(self, work: Work) -> Progress:
        repository = self._repository(work)
        request = repository.find_request(_branch(work))
        if request is None:
            return Progress(State.CANCELLED)
        if request.state is RequestState.OPEN:
            request = repository.close_request(request)
        return _progress(_DEPLOYING, request)

    def _repository(self, work: Work) -> Repository:
        linked = _linked_repository(work)
        owner = work.environment["arn"].split(":")[4]
        return self._hosting(owner, linked["provider"])(linked["name"])


class _Folder:
    """The environment's folder, as it is on the branch that pull requests go to."""

    def __init__(self, repository: Repository, work: Work) -> None:
        linked, name = _linked_repository(work), work.environment["name"]
        head = repository.head(linked["branch"])
        if head is None:
            raise HostingError(f"Repository {linked['name']} has no branch {linked['branch']}.")
        self.head = head
        self._repository = repository
        found = [f"{top}/{path}" for top in places(name) for path in repository.paths(head, top)]
        self.folder = folder_of(name, found)
        prefix = f"{self.folder}/"
        self.paths = {path.removeprefix(prefix) for path in found if path.startswith(prefix)}

    def terraform_files(self, *, but: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
        """The content of its `.tf` files, `but` for some, by their path in the folder."""
        wanted = sorted(path for path in self.paths.difference(but or ()) if path.endswith(".tf"))
        return {path: self._repository.read(self.head, f"{self.folder}/{path}") for path in wanted}


def _propose(
    repository: Repository,
    work: Work,
    title: str,
    files: Callable[[Work, _Folder], tuple[dict[str, bytes], set[str]]],
) -> Request:
    branch, base = _branch(work), _linked_repository(work)["branch"]
    if repository.head(branch) is None:
        folder = _Folder(repository, work)
        changed, removed = files(work, folder)
        change = Change(
            branch=branch,
            parent=folder.head,
            message=title,
            files={f"{folder.folder}/{path}": content for path, content in changed.items()},
            removed={f"{folder.folder}/{path}" for path in removed},
        )
        work.will_provision()
        repository.push(change)
    body = f"{work.environment['arn']}\n\nDeployment {work.deployment_id}."
    return repository.open_request(branch, base, title, body)


def _deployment(work: Work, folder: _Folder) -> tuple[dict[str, bytes], set[str]]:
    files = files_to_deploy(_subject(work), work.read_bundle(), work.read_inputs(), work.tags)
    return files, obsolete_files(_subject(work), folder.terraform_files(but=files))


def _deletion(work: Work, folder: _Folder) -> tuple[dict[str, bytes], set[str]]:
    return files_to_delete(_subject(work), folder.terraform_files()), set()


def _subject(work: Work) -> Subject:
    return Subject(
        name=work.environment["name"],
        arn=work.environment["arn"],
        template_arn=work.tags[TEMPLATE_TAG],
        template_version=work.template_version,
        deployment_id=work.deployment_id,
    )


def _linked_repository(work: Work) -> Mapping[str, str]:
    """The environment's repository as a request names it, and its ARN."""
    linked: Mapping[str, str] = work.environment["provisioningRepository"]
    return linked


def _branch(work: Work) -> str:
    return f"proton--proton-environment-{uuid.uuid5(_BRANCHES, work.deployment_id)}"


def _notified(work: Work) -> Progress | None:
    """How the deployment ended, if its automation has notified that."""
    state = _ENDED.get(work.notified.get("status", ""))
    if state is None:
        return None
    linked = _linked_repository(work)
    resource = {
        "name": work.environment["name"],
        "identifier": linked["arn"],
        "provisioningEngine": "TERRAFORM",
    }
    return Progress(
        state, work.notified.get("statusMessage", ""), work.notified.get("outputs", []), [resource]
    )


def _progress(outcomes: Mapping[RequestState, _Outcome], request: Request) -> Progress:
    state, message = outcomes[request.state]
    return Progress(state, message.format(url=request.url))


def _tolerating_errors(look: Callable[[Work], Progress], work: Work) -> Progress:
    """Looks at what people are deciding, which may take days.

    Neither an outage of the hosting service nor an expired token may fail the deployment meanwhile; besides,
    a notification ends it without a look.
    """
    try:
        return look(work)
    except Exception as error:  # noqa: BLE001  # whatever it is: it is logged, and repeated later
        _log.warning("deployment %s: its pull request cannot be read: %s", work.deployment_id, error)
        return Progress(State.WAITING)
