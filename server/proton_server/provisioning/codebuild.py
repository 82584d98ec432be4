"""CodeBuild provisioning: one project for an environment, a build for each creation, update and deletion.

The server does it as the role `ProtonServerCodeBuildProvisioning` of the environment's account, where AWS
Proton had a service-linked role; the environment's codebuildRoleArn is what the commands run as. A build
carries its deployment's id as a variable, so that whoever calls a verb again finds the build instead of
starting another. What a deletion runs came with the source of the last build: it needs neither template nor
inputs.
https://docs.aws.amazon.com/proton/latest/userguide/ag-works-prov-methods.html
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from proton_server.provisioning import Progress, State
from proton_server.provisioning.aws_errors import answered, awaited
from proton_server.provisioning.buildspec import DEPROVISION_FILE, OutputsError, read_recipe, source_zip
from proton_server.provisioning.codebuild_project import Project, provisioning_role
from proton_server.provisioning.project_properties import PropertiesError
from proton_templates.rendering import RenderError

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
    # The record keeps the previous version and spec; what the commands have done by then, nobody undoes.
    "STOPPED": State.ROLLED_BACK,
}
"""What the status of a build says of its deployment."""

_VANISHED = (
    "The environment's CodeBuild project is gone, and its build with it. If this is a local server: a "
    "restart of `proton-server local` ends its builds and loses the local AWS; update or create again."
)


class CodeBuild:
    """The verbs of `Method`, with builds behind them."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def start(self, work: Work) -> Progress:
        """Puts the source and the project in place and starts the build, unless the deployment has one."""
        return self._answer(work, self._start)

    def observe(self, work: Work) -> Progress:
        """The state of the build; with success its outputs, with failure phase, reason and log."""
        return self._answer(work, self._observe)

    def cancel(self, work: Work) -> Progress:
        """Stops the build. If it has ended already, what is observed holds."""
        return self._answer(work, self._cancel)

    def remove(self, work: Work) -> Progress:
        """Starts the build of the deprovision commands. Without a project there is nothing to remove."""
        return self._answer(work, self._remove)

    def observe_removal(self, work: Work) -> Progress:
        """Deletes project and source once the deprovision commands have succeeded."""
        return self._answer(work, self._observe_removal)

    def _answer(self, work: Work, verb: Any) -> Progress:
        """A verb's progress, where an answer of AWS that is final is a failure with AWS's own words."""

        def call() -> Progress:
            return verb(work, Project(self._aws, work))  # type: ignore[no-any-return]

        role = provisioning_role(work)
        try:
            return answered(call, f"The role {role}, as which this server builds, could not be assumed")
        except (RenderError, PropertiesError, OutputsError) as fault:
            return Progress(State.FAILED, str(fault))

    def _start(self, work: Work, project: Project) -> Progress:
        bundle, name = work.read_bundle(), work.environment["name"]
        inputs = work.read_inputs()
        what = "Rendering the settings of manifest.yaml"
        recipe = work.evaluate(what, read_recipe, bundle.settings or {}, name, inputs)
        description = project.description(recipe)
        builds = project.builds()
        if project.own(builds):
            return Progress(State.RUNNING)
        if _is_busy(builds):
            return Progress(State.PREPARING)
        work.will_provision()
        try:
            project.put_source(source_zip(bundle.files, recipe, name, inputs))
            project.put(description, exists=builds is not None)
            project.start_build()
        except ClientError as error:
            if awaited(error):
                raise
            if project.own(project.builds()):
                return Progress(State.RUNNING)  # the call was accepted before, and its answer lost
            if builds is None:
                with suppress(ClientError):
                    project.clear()
                    return Progress(State.REFUSED, error.response["Error"]["Message"])
            raise
        return Progress(State.RUNNING)

    def _observe(self, work: Work, project: Project) -> Progress:
        builds = project.builds()
        if builds is None:
            return Progress(State.FAILED, _VANISHED)
        build = project.own(builds)
        if build is None:
            return Progress(State.RUNNING)  # CodeBuild's list of builds may lag behind StartBuild
        state = _STATE[build["buildStatus"]]
        if state is State.SUCCEEDED:
            return Progress(state, outputs=work.notified.get("outputs") or project.read_outputs())
        return Progress(state, "" if state is State.RUNNING else _reason(build))

    def _cancel(self, work: Work, project: Project) -> Progress:
        build = project.own(project.builds())
        if build is not None and build["buildStatus"] == "IN_PROGRESS":
            project.stop_build(build)
        return self._observe(work, project)

    def _remove(self, _work: Work, project: Project) -> Progress:
        builds = project.builds()
        if builds is None:
            _delete_source_without_project(project)
            return Progress(State.SUCCEEDED)
        if project.own(builds) is None:
            if _is_busy(builds):
                return Progress(State.PREPARING)
            # The project says what a deployment uploads; a deletion uploads nothing.
            project.start_build(
                buildspecOverride=DEPROVISION_FILE, artifactsOverride={"type": "NO_ARTIFACTS"}
            )
        return Progress(State.RUNNING)

    def _observe_removal(self, _work: Work, project: Project) -> Progress:
        builds = project.builds()
        if builds is None:
            return Progress(State.SUCCEEDED)
        build = project.own(builds)
        if build is None or _STATE[build["buildStatus"]] is State.RUNNING:
            return Progress(State.RUNNING)
        if build["buildStatus"] == "SUCCEEDED":
            project.clear()
            return Progress(State.SUCCEEDED)
        remedy = (
            "Update the environment to mend the commands and delete it again, or, to delete it without them, "
            f"first delete the CodeBuild project {project.name}."
        )
        return Progress(State.FAILED, f"{_reason(build)} {remedy}")


def _delete_source_without_project(project: Project) -> None:
    """Deletes the source that a server left which died before it created the project.

    Where this is denied (the bucket is another account's), there is none: writing it was denied as well.
    """
    try:
        project.delete_objects()
    except ClientError as error:
        if awaited(error):
            raise
        _log.warning("the source of %s was not deleted: %s", project.name, error)


def _is_busy(builds: list[dict[str, Any]] | None) -> bool:
    """Whether a build runs that this deployment does not know, such as that of one that was given up."""
    return any(build["buildStatus"] == "IN_PROGRESS" for build in builds or [])


def _reason(build: dict[str, Any]) -> str:
    """Why a build failed: the phase and what CodeBuild says of it, and where the log is."""
    told = f"The build {build['id']} is {build['buildStatus']}"
    for phase in build.get("phases", []):
        if phase.get("phaseStatus", "SUCCEEDED") not in ("SUCCEEDED", "IN_PROGRESS"):
            contexts = [
                ": ".join(filter(None, (each.get("statusCode"), each.get("message"))))
                for each in phase.get("contexts", [])
            ]
            told += " ".join([f", in phase {phase['phaseType']}:", *filter(None, contexts)]).rstrip(":")
            break
    link = build.get("logs", {}).get("deepLink")
    return f"{told.rstrip('.')}." + (f" Log: {link}" if link else "")
