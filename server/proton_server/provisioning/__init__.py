"""The port to what provisions environments: a module for each method, with the verbs of `Provisioner`.

A verb makes one call that may be repeated at any time (the caller may have ended before it recorded the
result) and returns at once: it starts or observes, it never waits. `methods.py` is the table of the methods.
Only the modules of this package, `publish.py` and `local/` talk to AWS; the port itself does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from proton_templates.bundle import Bundle


@dataclass(frozen=True)
class Work:
    """One deployment or deletion of an environment: all that a provisioner gets."""

    deployment_id: str
    account_id: str
    """Where to provision: the account of the environment, or that of its environment account connection."""
    region: str
    role: str
    """The ARN of the role that the method needs; empty if it needs none."""
    environment: Mapping[str, Any]
    """The environment's record; its version and spec are those last applied."""
    template_version: tuple[str, str]
    """Of the template, major and minor: the target's version, or the one that a deletion removes."""
    read_inputs: Callable[[], dict[str, Any]]
    """The target's input values with their defaults. Empty for a deletion."""
    tags: Mapping[str, str]
    """Proton's own, to be put on what is provisioned."""
    notified: Mapping[str, Any]
    """What NotifyResourceDeploymentStatusChange reported of this deployment: of `status`, `statusMessage` and
    `outputs` (`Output` records) those that were given, the last of each."""
    read_bundle: Callable[[], Bundle]
    """The target's template bundle."""
    evaluate: Callable[..., Any]
    """`evaluate(what, function, *arguments, **options)`: see `Evaluator`. For functions that render a
    template or read what it produced."""
    render: Callable[..., Any]
    """`render(what, function, *arguments)`: the same, with the input values as the last argument."""
    will_provision: Callable[[], None]
    """To be called before the first call that creates something: from then on a deletion looks for it."""
    will_upload: Callable[[str], None] = lambda _name: None
    """To be called before an object, `bucket/key`, is written: it is deleted when the deployment ends."""
    environment_tags: Mapping[str, str] = field(default_factory=dict)
    """The environment's, as the deployment was begun: `propagated` in `tags.py`."""
    exists: bool = True
    """Whether anything may have been created already, by this deployment or an earlier one."""
    provisioned: Sequence[Mapping[str, str]] = ()
    """`ProvisionedResource` records of the last deployment that succeeded."""
    adopted: Mapping[str, Any] = field(default_factory=dict)
    """Of an environment whose stack was adopted: the stack's `id`, the `tags` that it was found with, and
    `template_sha256`, a digest of its template. Empty for all others."""
    created_at: float = 0.0
    """When the deployment was asked for, in epoch seconds."""


@dataclass(frozen=True)
class Place:
    """Stands in for an environment that does not exist, where a template is only rendered."""

    name: str
    account: str
    region: str

    @property
    def arn(self) -> str:
        """Of the environment."""
        return f"arn:aws:proton:{self.region}:{self.account}:environment/{self.name}"


class State(Enum):
    """What is known of the work after a call."""

    PREPARING = "something else has to end or to be removed first: start again"
    RUNNING = "in progress: observe"
    BLOCKED = "something else has to end first, and made due when it moves: start again all the same"
    WATCHED = "in progress, and made due when it moves: observe now and then all the same"
    OUT_OF_REACH = "unknown, because AWS cannot be reached: try again"
    OUT_OF_SIGHT = "the same of what is in progress, and made due in turn: observe now and then all the same"
    WAITING = "waits for people, who may take days: observe now and then"
    SUCCEEDED = "succeeded"
    FAILED = "failed, and nothing is in progress any more"
    REFUSED = "failed, and nothing was created"
    ROLLED_BACK = "failed, and everything is as it was before"
    CANCELLED = "cancelled before anything was done"


@dataclass(frozen=True)
class Progress:
    """What a verb returns."""

    state: State
    message: str = ""
    """Why it failed, what it is waiting for, or what a person should know of a success. The user sees it."""
    outputs: list[dict[str, str]] = field(default_factory=list)
    """With SUCCEEDED: `Output` records of the API."""
    resources: list[dict[str, str]] = field(default_factory=list)
    """With SUCCEEDED: `ProvisionedResource` records of the API."""


class Provisioner(Protocol):
    """Carries out a provisioning method.

    A verb raises ProvisioningError, or an error of `proton_templates`, for what fails again when it is
    repeated: the deployment has failed. After any other exception the verb is called again, some times.
    """

    def start(self, work: Work) -> Progress:
        """Begins the deployment, unless it began already."""

    def observe(self, work: Work) -> Progress:
        """Looks at a deployment that began."""

    def cancel(self, work: Work) -> Progress:
        """Cancels a deployment that began; how it ends is observed."""

    def resume(self, work: Work) -> Progress:
        """Begins or observes a deployment of a restored database, unless that would undo a later change."""

    def remove(self, work: Work) -> Progress:
        """Begins the removal of all that was provisioned."""

    def observe_removal(self, work: Work) -> Progress:
        """Looks at a removal that began."""

    def resume_removal(self, work: Work) -> Progress:
        """The same as `resume`, of a removal."""
