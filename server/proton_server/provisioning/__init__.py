"""The port to what provisions environments: one module per method, each with the verbs of `Method`.

A verb makes one call that may be repeated at any time (the caller may have died before it noted the answer)
and returns at once: it starts or observes, it never waits. Only the modules of this package, `publish.py` and
`local/` talk to AWS; the port itself does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proton_templates.bundle import Bundle


@dataclass(frozen=True)
class Work:
    """One deployment or deletion of an environment: all that a method may know."""

    deployment_id: str
    account_id: str
    """Where to provision: the account of the environment, or that of its environment account connection."""
    region: str
    environment: Mapping[str, Any]
    """The environment's record; its roles are those to use (a connection's, if it has one), its version and
    spec those last applied."""
    template_version: tuple[str, str]
    """Of the template, major and minor: the version aimed at, or that a deletion removes."""
    read_inputs: Callable[[], dict[str, Any]]
    """The input values aimed at, defaults filled in. None for a deletion."""
    tags: Mapping[str, str]
    """To be put on what is provisioned."""
    notified: Mapping[str, Any]
    """What NotifyResourceDeploymentStatusChange has told of this deployment: of `status`, `statusMessage` and
    `outputs` (`Output` records) those that were given, the last of each."""
    read_bundle: Callable[[], Bundle]
    """The template bundle aimed at."""
    evaluate: Callable[..., Any]
    """`evaluate(what, function, *arguments, **options)`: see `Evaluator`. For what runs a template or reads
    what it made."""
    will_provision: Callable[[], None]
    """To be called before the first call that makes something: from then on a deletion looks for it."""


class State(Enum):
    """Where a call has brought the work."""

    PREPARING = "something is in the way and being removed: start again"
    RUNNING = "under way: observe"
    OUT_OF_REACH = "unknown, for what has to be asked cannot be reached: ask again"
    WAITING = "up to people, who may take days: observe now and then"
    SUCCEEDED = "done"
    FAILED = "not done, and nothing moves any more"
    REFUSED = "not done, and nothing was made"
    ROLLED_BACK = "not done, and all is again as it was before"
    CANCELLED = "called off before anything was done"


@dataclass(frozen=True)
class Progress:
    """The answer of a verb."""

    state: State
    message: str = ""
    """Why it failed, what it is waiting for, or what a person should know of a success. The user sees it."""
    outputs: list[dict[str, str]] = field(default_factory=list)
    """With SUCCEEDED: `Output` records of the API."""
    resources: list[dict[str, str]] = field(default_factory=list)
    """With SUCCEEDED: `ProvisionedResource` records of the API."""


class Method(Protocol):
    """A way to provision. An exception is a fault of the server's: the verb is called again, some times."""

    def start(self, work: Work) -> Progress:
        """Begins the deployment, unless it began already."""

    def observe(self, work: Work) -> Progress:
        """Looks at a deployment that began."""

    def cancel(self, work: Work) -> Progress:
        """Asks for the end of a deployment that began; what comes of it is observed."""

    def remove(self, work: Work) -> Progress:
        """Begins the removal of all that was provisioned."""

    def observe_removal(self, work: Work) -> Progress:
        """Looks at a removal that began."""
