"""CodeBuild provisioning: one project for an environment, a build for each creation, update and deletion.

The server assumes the role `ProtonServerCodeBuildProvisioning` of the environment's account, where AWS Proton
had a service-linked role; the commands run with the environment's role. A build has the ID of its deployment
in a variable, so that a verb that is called again finds the build instead of starting another. What a
deletion runs came with the source of the last build: it needs neither template nor inputs.
https://docs.aws.amazon.com/proton/latest/userguide/ag-works-prov-methods.html
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from proton_server.provisioning import Progress, State
from proton_server.provisioning.aws_errors import errors_as_progress, temporary_error
from proton_server.provisioning.codebuild.buildspec import DEPROVISION_FILE, read_recipe, source_zip
from proton_server.provisioning.codebuild.project import Project, provisioning_role
from proton_server.provisioning.resumption import GONE, OVERTAKEN, UNKNOWN, later_change, shown

if TYPE_CHECKING:
    from proton_server.provisioning import Work
    from proton_server.provisioning.aws import Aws

_log = logging.getLogger(__name__)

_STATE = {
    "IN_PROGRESS": State.RUNNING,
    "SUCCEEDED": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "FAULT": State.FAILED,
    "TIMED_OUT": State.FAILED,
    # The record keeps the previous version and spec; what the commands did before the stop is not undone.
    "STOPPED": State.ROLLED_BACK,
}
"""Status of a build → state of its deployment."""

_VANISHED = (
    "The environment's CodeBuild project and its build no longer exist. If this is a local server: a "
    "restart of `proton-server local` ends its builds and loses the local AWS; update or create again."
)


_errors_as_progress = errors_as_progress(
    lambda work, reason: (
        f"The role {provisioning_role(work)}, which this server uses, could not be assumed: "
        f"{reason.rstrip('.')}. Create it in the account, or let this server assume it, "
        "and then repeat what was asked for."
    )
)


class CodeBuild:
    """The verbs of `Provisioner`, with builds behind them."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    @_errors_as_progress
    def start(self, work: Work) -> Progress:
        """Creates or updates source and project and starts the build, unless the deployment has one."""
        bundle, name, inputs = work.read_bundle(), work.environment["name"], work.read_inputs()
        what = "Rendering the settings of manifest.yaml"
        recipe = work.evaluate(what, read_recipe, bundle.settings or {}, name, inputs)
        project = Project(self._aws, work)
        description = project.description(recipe)
        builds = project.builds()
        if project.own(builds):
            return Progress(State.RUNNING)
        if (other := _running(builds)) is not None:
            return _waiting_for(other)
        work.will_provision()
        try:
            project.put_source(source_zip(bundle.files, recipe, name, inputs))
            project.put(description, exists=builds is not None)
            project.start_build()
        except ClientError as error:
            if temporary_error(error):
                raise
            if project.own(project.builds()):
                return Progress(State.RUNNING)  # the call was accepted before, and its response lost
            if builds is None:
                with suppress(ClientError):
                    project.clear()
                    return Progress(State.REFUSED, error.response["Error"]["Message"])
            raise
        return Progress(State.RUNNING)

    @_errors_as_progress
    def observe(self, work: Work) -> Progress:
        """The state of the build; with success its outputs, with failure phase, reason and log."""
        project = Project(self._aws, work)
        builds = project.builds()
        if builds is None:
            return Progress(State.FAILED, _VANISHED)
        build = project.own(builds)
        if build is None:
            return Progress(State.RUNNING)  # CodeBuild's list of builds may lag behind StartBuild
        state = _STATE[build["buildStatus"]]
        if state is State.SUCCEEDED:
            return Progress(state, outputs=work.notified.get("outputs") or project.read_outputs())
        return Progress(state, _phase(work, build) if state is State.RUNNING else _reason(build))

    @_errors_as_progress
    def cancel(self, work: Work) -> Progress:
        """Stops the build. If it has ended already, what is observed holds."""
        project = Project(self._aws, work)
        build = project.own(project.builds())
        if build is not None and build["buildStatus"] == "IN_PROGRESS":
            project.stop_build(build)
        return self.observe(work)

    @_errors_as_progress
    def resume(self, work: Work) -> Progress:
        """Goes on, unless a build of another deployment came after this one."""
        return self._refusal_to_resume(work) or self.start(work)

    @_errors_as_progress
    def remove(self, work: Work) -> Progress:
        """Starts the build of the deprovision commands. Without a project only the source is deleted."""
        project = Project(self._aws, work)
        builds = project.builds()
        if builds is None:
            _delete_source_without_project(project)
            return Progress(State.SUCCEEDED)
        if project.own(builds) is None:
            if (other := _running(builds)) is not None:
                return _waiting_for(other)
            # The project says what a deployment uploads; a deletion uploads nothing.
            project.start_build(
                buildspecOverride=DEPROVISION_FILE, artifactsOverride={"type": "NO_ARTIFACTS"}
            )
        return Progress(State.RUNNING)

    @_errors_as_progress
    def observe_removal(self, work: Work) -> Progress:
        """Deletes project and source once the deprovision commands have succeeded."""
        project = Project(self._aws, work)
        builds = project.builds()
        if builds is None:
            return Progress(State.SUCCEEDED)
        build = project.own(builds)
        if build is None:
            return Progress(State.RUNNING)
        if _STATE[build["buildStatus"]] is State.RUNNING:
            return Progress(State.RUNNING, _phase(work, build))
        if build["buildStatus"] == "SUCCEEDED":
            project.clear()
            return Progress(State.SUCCEEDED)
        remedy = (
            "Update the environment to correct the commands and delete it again, or, to delete it without "
            f"running them, first delete the CodeBuild project {project.name}."
        )
        return Progress(State.FAILED, f"{_reason(build)} {remedy}")

    @_errors_as_progress
    def resume_removal(self, work: Work) -> Progress:
        """Goes on, unless a build of another deployment came after the deletion was asked for."""
        return self._refusal_to_resume(work, is_removal=True) or self.remove(work)

    def _refusal_to_resume(self, work: Work, *, is_removal: bool = False) -> Progress | None:
        project = Project(self._aws, work)
        builds = project.builds()
        if builds is None:
            if is_removal:
                return None
            # A project that was deleted leaves nothing to find.
            existed = "lastSucceededDeploymentId" in work.environment
            return Progress(State.FAILED, GONE if existed else UNKNOWN)
        later = later_change(project.changes(builds), work.deployment_id, work.created_at)
        return None if later is None else Progress(State.FAILED, OVERTAKEN.format(at=shown(later.at)))


def _delete_source_without_project(project: Project) -> None:
    """Deletes the source that a server left which died before it created the project.

    Where this is denied (the bucket is another account's), there is none: writing it was denied as well.
    """
    try:
        project.delete_objects()
    except ClientError as error:
        if temporary_error(error):
            raise
        _log.warning("the source of %s was not deleted: %s", project.name, error)


def _running(builds: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    """A build of another deployment that is still running, such as one that failed at its deadline."""
    return next((build for build in builds or [] if build["buildStatus"] == "IN_PROGRESS"), None)


def _waiting_for(build: dict[str, Any]) -> Progress:
    return Progress(
        State.PREPARING,
        f"Waiting for the build {build['id']}, which another deployment or a person started, or for somebody "
        "to stop it.",
    )


def _phase(work: Work, build: dict[str, Any]) -> str:
    """Where a build is, in the words of its own commands if they have reported any."""
    reported: str = work.notified.get("statusMessage", "")
    return reported or f"The build {build['id']} is in phase {build.get('currentPhase', 'SUBMITTED')}."


def _reason(build: dict[str, Any]) -> str:
    """Why a build failed: the phase, CodeBuild's message, and the log's URL."""
    text = f"The build {build['id']} is {build['buildStatus']}"
    for phase in build.get("phases", []):
        if phase.get("phaseStatus", "SUCCEEDED") not in ("SUCCEEDED", "IN_PROGRESS"):
            contexts = [
                ": ".join(filter(None, (each.get("statusCode"), each.get("message"))))
                for each in phase.get("contexts", [])
            ]
            text += " ".join([f", in phase {phase['phaseType']}:", *filter(None, contexts)]).rstrip(":")
            break
    link = build.get("logs", {}).get("deepLink")
    return f"{text.rstrip('.')}." + (f" Log: {link}" if link else "")
