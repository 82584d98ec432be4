"""Whether a CloudFormation stack can be adopted as an environment, and what an adoption would not keep.

Pure: the stack and the comparisons with it are given. The whole way is in the guide on moving on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from proton_server.provisioning import State
from proton_server.provisioning.cloudformation.stacks import (
    OF_CODEBUILD,
    environment_of,
    is_of_codebuild,
)
from proton_server.provisioning.cloudformation.status import STATE_OF
from proton_server.provisioning.cloudformation.template_buckets import MAX_IN_BUCKET, OPTION
from proton_server.provisioning.proton_tags import ACCOUNT_TAG, ENVIRONMENT_TAG, PROTON_TAGS, TAG_PREFIX
from proton_templates.recovery import Agreement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy as sa

    from proton_server.engine.comparison import Comparison
    from proton_server.provisioning.cloudformation.stacks import DeployedStack

AT_REST = frozenset(
    status for status, state in STATE_OF.items() if state in (State.SUCCEEDED, State.ROLLED_BACK)
)
"""Statuses of a stack that can be updated: it is as its template says."""

_OTHERWISE = (
    (
        r"CREATE_FAILED|ROLLBACK_COMPLETE|ROLLBACK_FAILED",
        "its creation failed and it can only be deleted. Delete it, and create the environment",
    ),
    (
        r"UPDATE_FAILED|UPDATE_ROLLBACK_FAILED|IMPORT_ROLLBACK_FAILED",
        "it cannot be updated as it is. Continue its rollback in CloudFormation, then adopt it",
    ),
    (r"DELETE_.*", "it can only be deleted. Delete it, and create the environment"),
    (r".*_IN_PROGRESS", "it is not at rest. Adopt it when that has ended"),
)
"""Every other status → why it forbids an adoption, and what to do."""

_SHOWN = 3
"""How many versions a reason names with their differences."""


class Verdict(NamedTuple):
    """What the comparisons come to."""

    outcome: str
    reason: str = ""
    version: sa.Row[Any] | None = None
    """The one that renders as the stack's template."""
    comparison: Comparison | None = None
    """Its comparison."""


def obstacle(stack: DeployedStack, environment: str, largest_template: int) -> str | None:
    """Why the stack cannot be adopted as the environment, and the way that is left, as a sentence.

    `largest_template`: bytes of the largest one that the server can deploy in the stack's Region.
    """
    return next(_obstacles(stack, environment, largest_template), None)


def warnings(stack: DeployedStack, environment_arn: str) -> list[str]:
    """What a person should know before the first deployment to the stack, as sentences."""
    return [*_warnings(stack, environment_arn)]


def decide(comparisons: Sequence[tuple[Any, Comparison]], environment: str) -> Verdict:
    """The verdict on a stack from the comparisons with all versions: a pure decision.

    A version that renders as the same text is preferred to one that renders as the same document.
    """
    for agreement in (Agreement.TEXT, Agreement.DOCUMENT):
        agreed = [pair for pair in comparisons if pair[1].agreement is agreement]
        if len(agreed) > 1:
            names = ", ".join(shown(version) for version, _ in agreed)
            reason = f"Several versions render as its template: {names}. Name the one that was deployed."
            return Verdict("ambiguous", reason)
        if agreed:
            version, comparison = agreed[0]
            outcome, reason = _of_spec(shown(version), comparison)
            return Verdict(outcome, reason, version, comparison)
    differences = [
        f"{shown(version)} ({comparison.difference.rstrip('.')})" for version, comparison in comparisons
    ]
    more = f" and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
    return Verdict(
        "differs",
        f"No version renders as its template for environment {environment}: "
        f"{'; '.join(differences[:_SHOWN])}{more}. "
        "Another version was deployed, or the stack was edited by hand. Publish what was deployed as a "
        "version of the template, or keep the stack and publish the template as customer-managed.",
    )


def _of_spec(version: str, comparison: Comparison) -> tuple[str, str]:
    """The outcome where one version agrees, and the reason if its spec is not certain."""
    if comparison.missing:
        inputs = ", ".join(comparison.missing)
        return (
            "ambiguous",
            f"{version} renders as its template, which does not show the required {inputs}: give a spec.",
        )
    if comparison.alternatives:
        inputs = ", ".join(comparison.undecided)
        return (
            "ambiguous",
            f"{version} renders as its template with several specs, which differ in {inputs}: give the spec.",
        )
    return "recovered", ""


def shown(version: sa.Row[Any]) -> str:
    """A version as messages name it."""
    return f"{version.template_name} {version.major}.{version.minor}"


def _obstacles(stack: DeployedStack, environment: str, largest_template: int) -> Iterator[str]:
    if stack.nested_in:
        yield f"It is nested in the stack {stack.nested_in}: adopt that one."
    if others := sorted(key for key in stack.tags if key.startswith(TAG_PREFIX) and key not in PROTON_TAGS):
        yield (
            f"It is of a service or component, as its tag {others[0]} says, and this server has environments "
            "only. Keep it, and manage it with CloudFormation."
        )
    if is_of_codebuild(stack.name):
        yield OF_CODEBUILD
    named = environment_of(stack.tags)
    if named not in (None, environment):
        yield f"Its tag {ENVIRONMENT_TAG} names environment {named}, not {environment}."
    if stack.status not in AT_REST:
        why = (text for pattern, text in _OTHERWISE if re.fullmatch(pattern, stack.status))
        yield f"It is {stack.status}: {next(why, 'it cannot be updated')}."
    if (size := len(stack.template.encode())) > largest_template:
        yield (
            f"Its template has {size:,} bytes, and this server deploys {largest_template:,} at most in this "
            f"Region: the operator can raise that to {MAX_IN_BUCKET:,} with {OPTION}. Otherwise keep the "
            "stack, and manage it with CloudFormation."
        )


def _warnings(stack: DeployedStack, environment_arn: str) -> Iterator[str]:
    _, partition, _, region, account, _ = environment_arn.split(":", 5)
    here = f"arn:{partition}:proton:{region}:{account}:"
    for key in sorted(PROTON_TAGS & stack.tags.keys()):
        value = stack.tags[key]
        elsewhere = value != account if key == ACCOUNT_TAG else not _is_of(value, here)
        if elsewhere:
            yield (
                f"The stack's tag {key} is {value!r}, and the environment is {environment_arn}: the next "
                "deployment that changes the template changes Proton's tags, on the stack and what is in it."
            )
    if stack.status.endswith("ROLLBACK_COMPLETE"):
        yield f"The stack is {stack.status}: the last change to it failed and was undone."
    if stack.parameters:
        yield (
            f"The template has parameters ({', '.join(stack.parameters)}): the next deployment gives them "
            "the template's defaults."
        )
    if environment_of(stack.tags) is None and not _is_named_after(stack.name, environment_arn):
        yield (
            "Neither a tag nor the stack's name says of which environment it is: make sure that it is "
            f"{environment_arn.rpartition('/')[2]}'s."
        )


def _is_of(value: str, here: str) -> bool:
    return value.startswith(here) or not value.startswith("arn:")


def _is_named_after(stack: str, environment_arn: str) -> bool:
    name = environment_arn.rpartition("/")[2]
    return stack.startswith(f"AWSProton-{name[:15].replace('_', '-')}-")
