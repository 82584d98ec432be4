"""The handler of deployments: every status one can have, what is done in it, and what can come of that.

Rule: everything that decides how a deployment moves lives in this file, and it is the two tables below.
`reconciler.py` makes the steps happen; the methods in `provisioning/` make the calls; nothing is called from
here but their verbs. All that must survive a crash is in the deployment's row.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from proton_server.engine import roles as connections
from proton_server.engine.evaluation import BUNDLE_CHECK, SPEC_CHECK, EvaluationError, Evaluator
from proton_server.engine.reconciler import Settled
from proton_server.persistence.store import Rows
from proton_server.persistence.tables import (
    bundles,
    deployments,
    environment_template_versions,
    environments,
    tags,
)
from proton_server.provisioning import Progress, State, Work
from proton_templates.bundle import Bundle, BundleError, read_bundle
from proton_templates.spec import SpecError, read_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa

    from proton_server.persistence.store import Store
    from proton_server.provisioning import Method

_log = logging.getLogger(__name__)

AT_REST = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "DELETE_FAILED"})
"""Statuses of an environment in which an update or the deletion may start.

An update after a failed deletion may be what makes the next one possible: another role, a new connection.
"""

_VERBS = {
    ("IN_PROGRESS", "new"): "start",
    ("IN_PROGRESS", "begun"): "observe",
    # A cancelled deployment is started all the same: a crash may hide that it had begun.
    ("CANCELLING", "new"): "start",
    ("CANCELLING", "begun"): "cancel",
    ("CANCELLING", "cancelled"): "observe",
    ("DELETE_IN_PROGRESS", "new"): "remove",
    ("DELETE_IN_PROGRESS", "begun"): "observe_removal",
}
"""What is done with a deployment: (status, phase) → verb of its provisioning method."""

_PHASE_AFTER = {
    "start": "begun",
    "observe": None,
    "cancel": "cancelled",
    "remove": "begun",
    "observe_removal": None,
}
"""The phase in which a verb leaves a deployment that is under way; None: as it was."""

_STATUS_AFTER = {
    ("IN_PROGRESS", State.PREPARING): "IN_PROGRESS",
    ("IN_PROGRESS", State.RUNNING): "IN_PROGRESS",
    ("IN_PROGRESS", State.OUT_OF_REACH): "IN_PROGRESS",
    ("IN_PROGRESS", State.WAITING): "IN_PROGRESS",
    ("IN_PROGRESS", State.SUCCEEDED): "SUCCEEDED",
    ("IN_PROGRESS", State.FAILED): "FAILED",
    ("IN_PROGRESS", State.REFUSED): "FAILED",
    ("IN_PROGRESS", State.ROLLED_BACK): "FAILED",
    ("IN_PROGRESS", State.CANCELLED): "CANCELLED",
    ("CANCELLING", State.PREPARING): "CANCELLING",
    ("CANCELLING", State.RUNNING): "CANCELLING",
    ("CANCELLING", State.OUT_OF_REACH): "CANCELLING",
    ("CANCELLING", State.WAITING): "CANCELLING",
    ("CANCELLING", State.SUCCEEDED): "SUCCEEDED",
    ("CANCELLING", State.FAILED): "FAILED",
    ("CANCELLING", State.REFUSED): "FAILED",
    ("CANCELLING", State.ROLLED_BACK): "CANCELLED",
    ("CANCELLING", State.CANCELLED): "CANCELLED",
    ("DELETE_IN_PROGRESS", State.PREPARING): "DELETE_IN_PROGRESS",
    ("DELETE_IN_PROGRESS", State.RUNNING): "DELETE_IN_PROGRESS",
    ("DELETE_IN_PROGRESS", State.OUT_OF_REACH): "DELETE_IN_PROGRESS",
    ("DELETE_IN_PROGRESS", State.WAITING): "DELETE_IN_PROGRESS",
    ("DELETE_IN_PROGRESS", State.SUCCEEDED): "DELETE_COMPLETE",
    ("DELETE_IN_PROGRESS", State.FAILED): "DELETE_FAILED",
    ("DELETE_IN_PROGRESS", State.REFUSED): "DELETE_FAILED",
    ("DELETE_IN_PROGRESS", State.CANCELLED): "DELETE_FAILED",
}
"""What comes of it: (status, state of the progress) → status. A status without a verb is final."""

_FAILURE_OF = {"IN_PROGRESS": "FAILED", "CANCELLING": "FAILED", "DELETE_IN_PROGRESS": "DELETE_FAILED"}
"""How a deployment ends whose time is up or whose steps fail too often."""

_AT_WORK = frozenset(status for status, _ in _VERBS)

_CANCELLED_MESSAGE = "User initiated cancellation."  # AWS's own words
_GIVEN_UP_MESSAGE = "The server failed at this deployment too many times in a row; its log says why."
_LATE_MESSAGE = "The deployment did not end within 24 hours."
_DEADLINE_SECONDS = 24 * 60 * 60
"""Of what machines do. AWS never said how long it waits for people, so they have no deadline."""
_PAUSE_SECONDS = (0.1, 5.0)
"""Until the next look, at least and at most."""
_LONGER_PAUSES = {
    State.OUT_OF_REACH: (1.0, 60.0),
    State.WAITING: (0.1, 60.0),  # a hosting service counts the looks
}


class LeaseLost(Exception):
    """Another process has taken over the deployment, by its id; a late one must make nothing."""


class _Step(NamedTuple):
    verb: str
    progress: Progress
    notified: dict[str, Any]
    """What had been notified when the step was made."""


class DeploymentHandler:
    """The handler of the table of deployments, for the reconciler."""

    table = deployments

    def __init__(self, store: Store, methods: Mapping[str, Method], evaluate: Evaluator) -> None:
        self._store, self._methods, self._evaluate = store, methods, evaluate

    def step(self, row: sa.Row[Any]) -> _Step:
        """Calls the verb of the row's status and phase."""
        verb = _VERBS[row.record["deploymentStatus"], row.phase]
        with self._store.read() as connection:
            rows = Rows(connection, row.account_id, row.region)
            environment = rows.all(environments, name=row.environment_name)[0]
            roles = connections.roles_of(rows, environment.record)
            state = (row.record.get("targetState") or row.record["initialState"])["environment"]
            version = rows.all(
                environment_template_versions,
                template_name=state["templateName"],
                major=int(state["templateMajorVersion"]),
                minor=int(state["templateMinorVersion"]),
            )[0]
        if verb == "remove" and not environment.provisioned:
            # Nothing was made, and what would remove it may be what failed: a role that cannot be assumed.
            return _Step(verb, Progress(State.SUCCEEDED), row.notified)
        if roles is None and version.engine != "customer-managed":
            return _Step(verb, Progress(State.FAILED, connections.lost(environment.record)), row.notified)
        work = self._work(row, environment.record | (roles or {}), state["spec"], version)
        try:
            progress = getattr(self._methods[version.engine], verb)(work)
        except (SpecError, BundleError, EvaluationError) as fault:
            # It was accepted, perhaps by an earlier version of the server: trying again helps nobody.
            progress = Progress(State.FAILED, str(fault))
        return _Step(verb, progress, row.notified)

    def _work(self, row: sa.Row[Any], environment: dict[str, Any], spec: str, version: sa.Row[Any]) -> Work:
        evaluate = partial(self._evaluate, row.account_id)
        return Work(
            deployment_id=row.id,
            account_id=environment.get("environmentAccountId", row.account_id),
            region=row.region,
            environment=environment,
            template_version=(str(version.major), str(version.minor)),
            read_inputs=partial(evaluate, SPEC_CHECK, read_inputs, spec, version.input_schema)
            if "targetState" in row.record
            else dict,
            # The User Guide's "propagated customer managed keys" of the tags Proton itself puts on resources.
            tags={
                "proton:account": row.account_id,
                "proton:template": version.record["arn"].rpartition(":")[0],
                "proton:environment": environment["arn"],
            },
            notified=row.notified,
            read_bundle=partial(self._read_bundle, row, version),
            evaluate=evaluate,
            will_provision=partial(self._will_provision, row),
        )

    def _will_provision(self, row: sa.Row[Any]) -> None:
        """Notes that there may be something, before there is: whoever makes it may die before its answer.

        Raises LeaseLost if another process has the deployment by now.
        """
        with self._store.write(row.account_id, row.region) as connection:
            rows = Rows(connection, row.account_id, row.region)
            if rows.lock(deployments, id=row.id, epoch=row.epoch) is None:
                raise LeaseLost(row.id)
            rows.update(environments, {"name": row.environment_name}, provisioned=True)

    def _read_bundle(self, row: sa.Row[Any], version: sa.Row[Any]) -> Bundle:
        with self._store.read() as connection:
            stored = Rows(connection, row.account_id, row.region).all(bundles, version_id=version.id)[0]
        customer_managed = version.engine == "customer-managed"
        return self._evaluate(
            row.account_id, BUNDLE_CHECK, read_bundle, stored.tarball, customer_managed=customer_managed
        )

    def settle(self, rows: Rows, row: sa.Row[Any], result: _Step) -> Settled:
        """Moves deployment and environment to the status that the tables give."""
        verb, progress, notified = result
        if row.notified != notified:
            # Outputs that came in the middle of the step must not be missed by its result.
            return Settled({}, 0.0)
        status = _STATUS_AFTER[row.record["deploymentStatus"], progress.state]
        age = time.time() - row.created_at
        if status in _AT_WORK and age > _DEADLINE_SECONDS and progress.state is not State.WAITING:
            message = f"{_LATE_MESSAGE} {progress.message}".strip()
            return self._end(rows, row, progress, _FAILURE_OF[status], message)
        if status not in _AT_WORK:
            by_user = status == "CANCELLED" and row.record["deploymentStatus"] == "CANCELLING"
            return self._end(rows, row, progress, status, _CANCELLED_MESSAGE if by_user else progress.message)
        shortest, longest = _LONGER_PAUSES.get(progress.state, _PAUSE_SECONDS)
        pause = min(longest, max(shortest, age / 10))
        if progress.state in (State.PREPARING, State.OUT_OF_REACH):
            return Settled(self._tell(rows, row, progress), pause)
        if verb in ("start", "remove"):
            rows.update(environments, {"name": row.environment_name}, provisioned=True)
        phase = _PHASE_AFTER[verb] or row.phase
        # A new phase, or a cancellation that came in the middle of the step, is looked at without delay.
        at_once = phase != row.phase or _VERBS[status, phase] == "cancel"
        return Settled({"phase": phase, **self._tell(rows, row, progress)}, 0.0 if at_once else pause)

    def _tell(self, rows: Rows, row: sa.Row[Any], progress: Progress) -> dict[str, Any]:
        """Shows in environment and deployment what is being waited for."""
        told = {"deploymentStatusMessage": progress.message or None}
        if row.record.get("deploymentStatusMessage") == told["deploymentStatusMessage"]:
            return {}
        if progress.state is State.WAITING and not progress.message:
            return {}  # it was not seen, and what was seen last may still be so
        if progress.state is State.OUT_OF_REACH:
            _log.warning("deployment %s: %s", row.id, progress.message)
        key = {"name": row.environment_name}
        rows.update(environments, key, record=rows.all(environments, **key)[0].record | told)
        return {"record": row.record | told}

    def give_up(self, rows: Rows, row: sa.Row[Any]) -> Settled:
        """Ends a deployment whose steps failed too often."""
        failure = _FAILURE_OF[row.record["deploymentStatus"]]
        return self._end(rows, row, Progress(State.FAILED), failure, _GIVEN_UP_MESSAGE)

    def _end(self, rows: Rows, row: sa.Row[Any], progress: Progress, status: str, message: str) -> Settled:
        now = round(time.time(), 3)
        ended = {"deploymentStatus": status, "deploymentStatusMessage": message or None}
        record = {**row.record, **ended, "lastModifiedAt": now, "completedAt": now}
        key = {"name": row.environment_name}
        environment = rows.all(environments, **key)[0]
        _log.info("deployment %s of %s: %s", row.id, environment.record["arn"], status)
        if status == "DELETE_COMPLETE":
            rows.delete(tags, arn=environment.record["arn"])
            rows.delete(environments, **key)
        elif status == "SUCCEEDED":
            succeeded = {"lastDeploymentSucceededAt": now, "lastSucceededDeploymentId": row.id}
            applied = row.record["targetState"]["environment"]
            rows.update(
                environments,
                key,
                record=environment.record | ended | succeeded | applied,
                outputs=progress.outputs,
                provisioned_resources=progress.resources,
                provisioned=True,
            )
        else:
            nothing = {"provisioned": False} if progress.state is State.REFUSED else {}
            rows.update(environments, key, record=environment.record | ended, **nothing)
        return Settled({"record": record, "outputs": progress.outputs}, None)
