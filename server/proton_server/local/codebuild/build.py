"""One build: its record as the API shows it, and the thread that brings it from phase to phase."""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from proton_server.local.codebuild.session import Session
from proton_server.local.codebuild.shell import Shell, last_lines
from proton_server.local.codebuild.source import BuildSourceError, fetch_source, read_buildspec
from proton_server.local.codebuild.variables import VariableError, variables
from proton_server.local.codebuild.workspace import make_workspace

_log = logging.getLogger("proton_server.local")
_LOST = (BotoCoreError, ClientError, OSError, BuildSourceError, VariableError)


class Build:
    """A build of a project, with the overrides of a StartBuild request.

    Args:
        number: the project's builds are counted from 1.
        session: of the local AWS, for the account and region of the project.
        folder: what is kept of builds: this one's log, and while it runs its workspace.

    """

    def __init__(
        self,
        number: int,
        project: Mapping[str, Any],
        request: Mapping[str, Any],
        session: Session,
        folder: Path,
    ) -> None:
        unique = str(uuid.uuid4())
        self.id = f"{project['name']}:{unique}"
        self._session = session
        self._root, self._log = folder / unique, folder / f"{unique}.log"
        self._lock = threading.Lock()
        self._shell: Shell | None = None
        self._stopped = False
        self._record = _record(self.id, number, project, request) | {
            "arn": f"arn:aws:codebuild:{session.region}:{session.account_id}:build/{self.id}",
        }
        self._deadline = time.monotonic() + 60 * self._record["timeoutInMinutes"]

    def begin(self) -> None:
        """Run, in a thread that ends with the process, as do the commands."""
        threading.Thread(target=self._run, name=self.id, daemon=True).start()

    def describe(self) -> dict[str, Any]:
        """The record as it is now, as BatchGetBuilds answers it."""
        with self._lock:
            shown = {"location": "/".join(filter(None, _artifacts_location(self._record["artifacts"])))}
            return {
                **self._record,
                "artifacts": shown,
                "phases": [dict(each) for each in self._record["phases"]],
            }

    def stop(self) -> None:
        """End it, if it has not ended, and all that its commands have started."""
        with self._lock:
            self._stopped = True
            if self._shell is not None:
                self._shell.kill()

    def _run(self) -> None:
        status = "FAULT"
        try:
            self._run_phases()
            status = "SUCCEEDED"
        except _Ended as ended:
            status = ended.status
        finally:
            shutil.rmtree(self._root, ignore_errors=True)
            with self._lock:
                self._record["phases"].append({"phaseType": "COMPLETED", "startTime": time.time()})
                self._record.update(
                    buildStatus=status, buildComplete=True, currentPhase="COMPLETED", endTime=time.time()
                )

    def _run_phases(self) -> None:
        with self._phase("PROVISIONING"):
            workspace = make_workspace(self._root)
            role = self._session.assumed(self._record["serviceRole"])
        with self._phase("DOWNLOAD_SOURCE"):
            fetch_source(self._record["source"], role, workspace.source)
            buildspec = read_buildspec(self._record["source"]["buildspec"], workspace.source)
            environment = variables(self._record, buildspec, role, workspace)
        with self._phase("BUILD"):
            self._run_commands(Shell(buildspec.commands, workspace.source, environment, self._log))
        with self._phase("UPLOAD_ARTIFACTS"):
            self._upload(buildspec.artifacts, workspace.source, role)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        """A phase in the record: as its body goes, so does the phase."""
        phase: dict[str, Any] = {"phaseType": name, "startTime": time.time()}
        with self._lock:
            self._record["currentPhase"] = name
            self._record["phases"].append(phase)
        ended = None
        try:
            yield
        except _LOST as error:
            ended = _Ended("FAILED", "CLIENT_ERROR", str(error))
        except _Ended as error:
            ended = error
        except Exception:  # noqa: BLE001 - a build ends, whatever happened
            _log.exception("build %s failed", self.id)
            ended = _Ended(
                "FAULT", "INTERNAL_ERROR", "An internal error; the log of the server has the details."
            )
        with self._lock:
            if self._stopped:
                ended = _Ended("STOPPED", "", "")
            phase["endTime"] = time.time()
            phase["durationInSeconds"] = int(phase["endTime"] - phase["startTime"])
            phase["phaseStatus"] = ended.status if ended else "SUCCEEDED"
            if ended and ended.message:
                phase["contexts"] = [{"statusCode": ended.code, "message": ended.message}]
        if ended:
            raise ended

    def _run_commands(self, shell: Shell) -> None:
        with self._lock:
            if self._stopped:
                return
            shell.start()
            self._shell = shell
            self._record["logs"] = {"deepLink": self._log.as_uri()}
        status = shell.wait(self._deadline - time.monotonic())
        with self._lock:
            self._shell = None  # its process group may be another's soon
        printed = f"The log ends with: {lines}" if (lines := last_lines(self._log)) else "It printed nothing."
        if status is None:
            raise _Ended("TIMED_OUT", "BUILD_TIMED_OUT", f"Build has timed out. {printed}")
        if status != 0:
            reason = f"Error while executing {shell.last_command()}. Reason: exit status {status}. {printed}"
            raise _Ended("FAILED", "COMMAND_EXECUTION_ERROR", reason)

    def _upload(self, files: list[str], source: Path, role: Session) -> None:
        artifacts = self._record["artifacts"]
        if artifacts["type"] != "S3":
            return
        bucket, *prefix = _artifacts_location(artifacts)
        for file in files:
            key = "/".join([*filter(None, prefix), file])
            role.client("s3").put_object(Bucket=bucket, Key=key, Body=(source / file).read_bytes())


class _Ended(Exception):
    """The build goes no further."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def _record(
    build_id: str, number: int, project: Mapping[str, Any], request: Mapping[str, Any]
) -> dict[str, Any]:
    source, environment = project["source"], project["environment"]
    # A later variable of the same name wins, and the request's are later than the project's.
    given = [*environment.get("environmentVariables", []), *request.get("environmentVariablesOverride", [])]
    variables_by_name = {each["name"]: each for each in given}
    buildspec = request.get("buildspecOverride") or source.get("buildspec") or "buildspec.yml"
    return {
        "id": build_id,
        "buildNumber": number,
        "startTime": time.time(),
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "currentPhase": "QUEUED",
        "projectName": project["name"],
        "phases": [],
        "source": {**source, "buildspec": buildspec},
        "artifacts": request.get("artifactsOverride") or project["artifacts"],
        "environment": {**environment, "environmentVariables": list(variables_by_name.values())},
        "serviceRole": project["serviceRole"],
        "timeoutInMinutes": request.get("timeoutInMinutesOverride") or project["timeoutInMinutes"] or 60,
        "initiator": "proton-server local",
    }


def _artifacts_location(artifacts: Mapping[str, Any]) -> list[str]:
    """Bucket, path and name of what a build uploads."""
    return [artifacts.get(member, "") for member in ("location", "path", "name")]
