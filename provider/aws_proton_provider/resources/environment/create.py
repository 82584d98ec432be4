"""Creating an environment, or doing with one that exists what `_ownership` decides."""

from __future__ import annotations

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core import facts
from aws_proton_provider.core.errors import Conflict, NotFound, ProtonError, Refused, Unavailable
from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.ownership import Tags, Verdict
from aws_proton_provider.core.values import State
from aws_proton_provider.resources import tags as _tags
from aws_proton_provider.resources.adoption import Meeting
from aws_proton_provider.resources.environment import deploy, waits
from aws_proton_provider.resources.environment.deploy import Resource
from aws_proton_provider.resources.environment.deployment_type import BEING_DELETED


def create(resource: Resource, inputs: State, incarnation: str, proton: Proton) -> str | None:
    """Creates the environment, or adopts one that exists, and waits; returns what the user should know.

    Raises:
        NotOwned, Refused: one exists that this create may not touch.
        DeploymentFailed, TimedOut: the deployment did not succeed.

    """
    tags = _tags.of_create(inputs, incarnation)
    try:
        deploy.create(resource, inputs, tags, proton)
    except (Conflict, Refused, Unavailable) as refusal:
        live, present = _existing(inputs["name"], proton, refusal)
        # Its own incarnation: AWS's answer was lost on the way, and botocore asked again.
        if present.incarnation != incarnation:
            if present.owner in facts.owners(inputs) and live["deploymentStatus"] in BEING_DELETED:
                _remove(live, inputs, proton)
            else:
                met = meeting(resource, live, present, inputs, facts.owners(inputs))
                if _adopted(resource, met, inputs, incarnation, proton):
                    return met.remark()
            deploy.create(resource, inputs, tags, proton)
    waits.await_deployment(inputs["name"], inputs, "create", proton)
    return None


def meeting(resource: Resource, live: State, tags: Tags, inputs: State, owners: tuple[str, ...]) -> Meeting:
    """A live environment as a create with these inputs meets it."""
    differing = deploy.gap(resource, deploy.present(resource, live, inputs), inputs).differing
    differing += _tags.differing(tags, inputs.get("tagsAll"))
    return Meeting(f"environment {live['name']}", tags, differing, inputs, owners)


def _existing(name: str, proton: Proton, refusal: ProtonError) -> tuple[State, Tags]:
    """The environment that made AWS refuse the create; where it was not one, the refusal stays what it is."""
    try:
        live = waits.look(name, proton)
        return live, _tags.of(live["arn"], proton)
    except NotFound:
        raise refusal from None


def _adopted(resource: Resource, met: Meeting, inputs: State, incarnation: str, proton: Proton) -> bool:
    """Goes on with an environment that exists; False where it had to go, since it was left unfinished."""
    met.require_consent()
    live = waits.settled(inputs["name"], inputs, "create", proton)
    found = deploy.gap(resource, deploy.present(resource, live, inputs), inputs)
    if found.decision.replaces and met.verdict is Verdict.GO_ON:
        # No state ever held what a create left unfinished, so nobody can miss it.
        _remove(live, inputs, proton)
        return False
    beyond = found.beyond(_allowed(inputs)) if met.verdict is Verdict.TAKE_OVER else ()
    if beyond:
        replaces = bool(found.decision.replaces)
        takes = "a new environment" if replaces else "more than the preview or maxDeploymentType allow"
        raise Refused(
            f"{met.title} cannot be adopted: it differs from the program in {', '.join(beyond)}, which takes "
            f"{takes}"
        )
    _tags.bring_to(live["arn"], inputs["tagsAll"], met.tags, proton, incarnation=incarnation)
    succeeded = live["deploymentStatus"] == "SUCCEEDED"
    at_least = Level.NONE if succeeded else Level.CURRENT_VERSION
    if deploy.close(resource, found, inputs, proton, at_least=at_least):
        waits.await_deployment(inputs["name"], inputs, "create", proton)
    return True


def _allowed(inputs: State) -> Level:
    """The furthest-reaching deployment that an adoption may have."""
    return Level[inputs.get("deploymentType") or inputs.get(facts.LIMIT) or "MAJOR_VERSION"]


def _remove(live: State, inputs: State, proton: Proton) -> None:
    if live["deploymentStatus"] != "DELETE_IN_PROGRESS":
        proton.call("delete_environment", name=live["name"])
    waits.await_removal(live["name"], inputs, proton)
