"""The handler of deployments: makes their steps, and writes what `transitions.py` decides.

`reconciler.py` says when; the methods in `provisioning/` make the calls, and nothing is called from here but
their verbs. All that must survive a crash is in the deployment's row.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from proton_server.engine.evaluation import BUNDLE_CHECK, SPEC_CHECK, EvaluationError, Evaluator
from proton_server.engine.handler import LeaseLost, Settled
from proton_server.engine.inputs import call_with_inputs
from proton_server.engine.roles import connection_deleted, roles_of
from proton_server.engine.transitions import STEPS, StepResult, Transition, after_step, after_too_many_errors
from proton_server.observability.measures import UNMEASURED
from proton_server.persistence.rows import Rows
from proton_server.persistence.tables import (
    bundles,
    deployments,
    environment_template_versions,
    environments,
    tags,
)
from proton_server.provisioning import Progress, State, Work
from proton_server.provisioning.errors import ProvisioningError
from proton_server.provisioning.methods import manifest_engines
from proton_server.provisioning.proton_tags import ACCOUNT_TAG, ENVIRONMENT_TAG, TEMPLATE_TAG
from proton_templates.bundle import Bundle, BundleError, read_bundle
from proton_templates.rendering import RenderError
from proton_templates.spec import SpecError, read_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import sqlalchemy as sa

    from proton_server.observability.measures import Measures
    from proton_server.persistence.store import Store
    from proton_server.provisioning.methods import Method, Outside

_log = logging.getLogger(__name__)

_FINAL_ERRORS = (ProvisioningError, RenderError, SpecError, BundleError, EvaluationError)
"""What a step raises again when it is repeated. An earlier server may have accepted the spec or bundle."""


_KEPT_BUNDLES, _KEPT_BYTES = 8, 262_144
"""How many bundles are kept, and bytes of the largest of them."""


class DeploymentHandler:
    """The handler of the table of deployments, for the reconciler.

    Args:
        store: the server's state.
        methods: the provisioning methods, by the name of their template engine.
        outside: what they provision with.
        evaluate: for bundles, specs and templates.
        measures: gets the deployments that end.

    """

    table = deployments
    id_field = "deployment_id"

    def __init__(
        self,
        store: Store,
        methods: Mapping[str, Method],
        outside: Outside,
        evaluate: Evaluator,
        measures: Measures = UNMEASURED,
    ) -> None:
        self._store, self._methods, self._evaluate, self._measures = store, methods, evaluate, measures
        self._keeping = threading.Lock()
        self._bundles: dict[str, Bundle] = {}
        """The bundles that were read last, by the IDs of their versions."""
        self._provisioners = {engine: method.provisioner(outside) for engine, method in methods.items()}

    def step(self, row: sa.Row[Any]) -> StepResult:
        """Makes the step of the row's status and phase."""
        step = STEPS[row.record["deploymentStatus"], row.phase]
        with self._store.read() as connection:
            rows = Rows(connection, row.account_id, row.region)
            environment = rows.one(environments, name=row.environment_name)
            roles = roles_of(rows, environment.record)
            state = _state(row)
            version = rows.one(environment_template_versions, **_version_key(state))
        is_deletion = row.record["deploymentStatus"] == "DELETE_IN_PROGRESS"
        if is_deletion and row.phase == "new" and not environment.provisioned:
            # Nothing was created, and what would remove it may be what failed: a role that cannot be assumed.
            return StepResult(step, Progress(State.SUCCEEDED), row.notified, version.engine)
        method = self._methods[version.engine]
        if roles is None and method.role is not None:
            failed = Progress(State.FAILED, connection_deleted(environment.record))
            return StepResult(step, failed, row.notified, version.engine)
        work = self._work(row, environment, roles or {}, state["spec"], version)
        try:
            progress = step.call(self._provisioners[version.engine], work)
        except _FINAL_ERRORS as error:
            progress = Progress(State.FAILED, str(error))
        is_news = row.record.get("deploymentStatusMessage") != progress.message
        if progress.state in (State.OUT_OF_REACH, State.OUT_OF_SIGHT) and is_news:
            _log.warning("deployment %s: %s", row.id, progress.message)
        return StepResult(step, progress, row.notified, version.engine)

    def settle(self, rows: Rows, row: sa.Row[Any], result: StepResult) -> Settled:
        """Writes what the result of a step changes in the deployment and its environment."""
        return self._written(rows, row, after_step(row, result, round(time.time(), 3)), result.engine)

    def give_up(self, rows: Rows, row: sa.Row[Any]) -> Settled:
        """Ends a deployment whose steps failed too often."""
        versions = environment_template_versions
        found = rows.columns(versions, versions.c.engine, **_version_key(_state(row)))
        engine = found[0].engine if found else "other"
        return self._written(rows, row, after_too_many_errors(row, round(time.time(), 3)), engine)

    def step_name(self, row: sa.Row[Any]) -> str:
        """What the metrics call the step of the row's status and phase."""
        return f"{row.record['deploymentStatus']}:{row.phase}".lower()

    def _written(self, rows: Rows, row: sa.Row[Any], transition: Transition, engine: str) -> Settled:
        if transition.delay is None:
            seconds = max(0.0, time.time() - row.created_at)
            self._measures.deployment_ended(engine, transition.record["deploymentStatus"], seconds)
        return _write(rows, row, transition)

    def _work(
        self,
        row: sa.Row[Any],
        environment: sa.Row[Any],
        roles: dict[str, str],
        spec: str,
        version: sa.Row[Any],
    ) -> Work:
        evaluate = partial(self._evaluate, row.account_id)
        record, role = environment.record | roles, self._methods[version.engine].role
        # A deletion has no target.
        inputs = (read_inputs, spec, version.input_schema) if "targetState" in row.record else (dict,)
        return Work(
            deployment_id=row.id,
            created_at=row.created_at,
            account_id=record.get("environmentAccountId", row.account_id),
            region=row.region,
            role=record[role] if role else "",
            environment=record,
            template_version=(str(version.major), str(version.minor)),
            read_inputs=partial(evaluate, SPEC_CHECK, *inputs),
            # The User Guide's "propagated customer managed keys" of the tags Proton itself puts on resources.
            tags={
                ACCOUNT_TAG: row.account_id,
                TEMPLATE_TAG: version.record["arn"].rpartition(":")[0],
                ENVIRONMENT_TAG: record["arn"],
            },
            environment_tags=row.environment_tags or {},
            exists=environment.provisioned,
            provisioned=environment.provisioned_resources or [],
            adopted=environment.stack or {},
            notified=row.notified,
            read_bundle=partial(self._read_bundle, row, version),
            evaluate=evaluate,
            render=lambda what, function, *arguments: evaluate(
                what, call_with_inputs, function, arguments, *inputs
            ),
            will_provision=partial(self._will_provision, row),
            will_upload=partial(self._will_upload, row),
        )

    def _will_provision(self, row: sa.Row[Any]) -> None:
        """Notes that something may exist, before it does: this process may end before AWS's response arrives.

        Raises LeaseLost if another process has taken over the deployment.
        """
        with self._leased(row) as rows:
            rows.update(environments, {"name": row.environment_name}, provisioned=True)

    def _will_upload(self, row: sa.Row[Any], name: str) -> None:
        """Notes an object before it exists, so that it is deleted.

        Raises LeaseLost as `_will_provision` does.
        """
        with self._leased(row) as rows:
            rows.update(deployments, {"id": row.id}, template_object=name)

    @contextmanager
    def _leased(self, row: sa.Row[Any]) -> Iterator[Rows]:
        """A transaction of the process that has the deployment. Raises LeaseLost if that is another one."""
        with self._store.write(row.account_id, row.region) as connection:
            rows = Rows(connection, row.account_id, row.region)
            if rows.lock(deployments, id=row.id, epoch=row.epoch) is None:
                raise LeaseLost(row.id)
            yield rows

    def _read_bundle(self, row: sa.Row[Any], version: sa.Row[Any]) -> Bundle:
        """The bundle of a version, which never changes. Many deployments at once are often of one version."""
        if (known := self._bundles.get(version.id)) is not None:
            return known
        bundle = self._checked_bundle(row, version)
        if sum(map(len, bundle.files.values())) <= _KEPT_BYTES:
            with self._keeping:
                self._bundles[version.id] = bundle
                if len(self._bundles) > _KEPT_BUNDLES:
                    del self._bundles[next(iter(self._bundles))]
        return bundle

    def _checked_bundle(self, row: sa.Row[Any], version: sa.Row[Any]) -> Bundle:
        with self._store.read() as connection:
            stored = Rows(connection, row.account_id, row.region).all(bundles, version_id=version.id)[0]
        return self._evaluate(
            row.account_id,
            BUNDLE_CHECK,
            read_bundle,
            stored.tarball,
            customer_managed=not self._methods[version.engine].has_infrastructure,
            engines=manifest_engines(self._methods),
        )


def _state(row: sa.Row[Any]) -> dict[str, Any]:
    """The environment as the deployment is to make it, or as the deletion found it."""
    state: dict[str, Any] = (row.record.get("targetState") or row.record["initialState"])["environment"]
    return state


def _version_key(state: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that name the template version of an environment's state."""
    return {
        "template_name": state["templateName"],
        "major": int(state["templateMajorVersion"]),
        "minor": int(state["templateMinorVersion"]),
    }


def _write(rows: Rows, row: sa.Row[Any], transition: Transition) -> Settled:
    environment, arn = {"name": row.environment_name}, row.record["targetArn"]
    if transition.delay is None:
        _log.info("deployment %s of %s: %s", row.id, arn, transition.record["deploymentStatus"])
    if transition.deletes_environment:
        rows.delete(tags, arn=arn)
        rows.delete(environments, **environment)
    elif transition.environment_record or transition.environment_columns:
        record = rows.one(environments, **environment).record | dict(transition.environment_record)
        rows.update(environments, environment, record=record, **transition.environment_columns)
    changes = dict(transition.columns)
    if transition.record:
        changes["record"] = row.record | dict(transition.record)
    if transition.record or changes.get("phase", row.phase) != row.phase:
        changes["moved_at"] = time.time()
    return Settled(changes, transition.delay)
