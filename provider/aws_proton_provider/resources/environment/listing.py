"""Environments as ListEnvironments has them: 100 a call, without spec, repository, CodeBuild role, tags."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from aws_proton_provider.aws.answers import Answers
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.pages import LARGEST_PAGE
from aws_proton_provider.aws.watching import Watch
from aws_proton_provider.core.declaration import Kind, Property, Resource
from aws_proton_provider.core.errors import ProtonError
from aws_proton_provider.core.records import from_record
from aws_proton_provider.core.values import State, same


def list_environments(proton: Proton) -> list[State]:
    """The summaries of all environments of the account."""
    return proton.all_of("list_environments", "environments", maxResults=LARGEST_PAGE)


def shared_environments(
    proton: Proton, answers: Answers, *, reader: str | None = None
) -> Mapping[str, State] | None:
    """The same by name, asked for once for all operations of a command; None where it cannot be read.

    With `reader` it is read for the refresh of this environment.
    """
    return answers.of(
        lambda: {item["name"]: item for item in list_environments(proton)},
        "environments",
        unknown=ProtonError,
        reader=reader,
    )


_WATCHES: dict[Proton, Watch] = {}


def watch_of(proton: Proton) -> Watch:
    """What all operations share that wait for an environment of the account."""
    return _WATCHES.setdefault(proton, Watch(functools.partial(list_environments, proton)))


def has_moved(resource: type[Resource], state: State, summary: State) -> bool:
    """Whether an environment may be another than the state has, beyond what its summary shows.

    What a summary lacks cannot change without a deployment, which is in the summary. Only after one that
    succeeded is it known to be in effect. Pure.
    """
    listed = from_record(resource, summary)
    deployed = summary["deploymentStatus"] == "SUCCEEDED" and "lastAttemptedDeploymentId" in summary
    return not deployed or any(
        not same(_shown(item, state), _shown(item, listed))
        for item in resource.properties
        if item.wire in listed or (item.kind in (Kind.INPUT, Kind.OUTPUT) and item.listed)
    )


def _shown(declared: Property, properties: State) -> object:
    """A property's value, where it is cleared the one that clears it."""
    value = properties.get(declared.wire)
    return declared.cleared if value is None else value
