"""The handler of registrations: how a template version gets to DRAFT or REGISTRATION_FAILED.

The bundle is read once and kept in the database, so the object in S3 may change or be deleted afterwards. How
it is read from S3 is the business of `provisioning/aws.py`, what is in it that of `proton_templates`.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from proton_server.engine.evaluation import BUNDLE_CHECK, EvaluationError
from proton_server.engine.handler import Settled
from proton_server.persistence.rows import Rows
from proton_server.persistence.tables import bundles, environment_template_versions, environment_templates
from proton_server.provisioning.errors import AwsUnavailable, ObjectUnreadable
from proton_server.provisioning.methods import CUSTOMER_MANAGED_TEMPLATE
from proton_templates.bundle import Bundle, BundleError, minor_incompatibility, read_bundle

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import sqlalchemy as sa

    from proton_server.engine.evaluation import Evaluator
    from proton_server.persistence.store import Store
    from proton_templates.manifest import Engine

_log = logging.getLogger(__name__)

_DEADLINE_SECONDS = 24 * 60 * 60
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0
"""Until the bundle is read again."""

_USABLE = ("DRAFT", "PUBLISHED")


class Fetch(Protocol):
    """Reads an object of S3 for an account. Raises ObjectUnreadable and AwsUnavailable."""

    def __call__(self, account_id: str, region: str, bucket: str, key: str) -> bytes:
        """The object's bytes."""


class Registered(NamedTuple):
    """The bundle was read and is valid by itself."""

    tarball: bytes
    bundle: Bundle


class Failed(NamedTuple):
    """The bundle cannot be read or is not valid."""

    message: str


class Waiting(NamedTuple):
    """The bundle cannot be read now."""

    message: str


Result: TypeAlias = "Registered | Failed | Waiting"


@dataclass(frozen=True)
class Transition:
    """What a step changes in the database."""

    delay: float | None
    """Seconds until the next step; None: the registration has ended."""
    record: Mapping[str, Any]
    """Members of the version's record."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Other columns of the version's row."""
    tarball: bytes | None = None
    """The bundle to keep."""


class RegistrationHandler:
    """The handler of the table of template versions, for the reconciler.

    Args:
        store: the server's state.
        fetch: reads bundles from S3.
        evaluate: for bundles.
        engines: those that a bundle's manifest may ask for.

    """

    table = environment_template_versions
    id_field = "template_version_id"

    def __init__(self, store: Store, fetch: Fetch, evaluate: Evaluator, engines: Collection[Engine]) -> None:
        self._store, self._fetch, self._evaluate, self._engines = store, fetch, evaluate, engines

    def step(self, row: sa.Row[Any]) -> Result:
        """Reads the bundle from S3 and checks it."""
        with self._store.read() as connection:
            rows = Rows(connection, row.account_id, row.region)
            template = rows.one(environment_templates, name=row.template_name)
        customer_managed = template.record.get("provisioning") == CUSTOMER_MANAGED_TEMPLATE
        try:
            tarball = self._fetch(row.account_id, row.region, row.source["bucket"], row.source["key"])
            bundle = self._evaluate(
                row.account_id,
                BUNDLE_CHECK,
                read_bundle,
                tarball,
                customer_managed=customer_managed,
                engines=self._engines,
            )
        except (ObjectUnreadable, BundleError, EvaluationError) as error:
            return Failed(str(error))
        except AwsUnavailable as error:
            if row.record.get("statusMessage") != str(error):
                _log.warning("template version %s: %s", row.record["arn"], error)
            return Waiting(str(error))
        return Registered(tarball, bundle)

    def settle(self, rows: Rows, row: sa.Row[Any], result: Result) -> Settled:
        """Writes what the result of a step changes: the version's row, and the bundle of a DRAFT."""
        transition = after_step(row, result, _schema_before(rows, row), round(time.time(), 3))
        return _write(rows, row, transition)

    def step_name(self, row: sa.Row[Any]) -> str:
        """There is one."""
        del row
        return "register"

    def give_up(self, rows: Rows, row: sa.Row[Any]) -> Settled:
        """Ends a registration at which the server failed too often."""
        message = "The server failed at this version too many times in a row; its log says why."
        return _write(rows, row, _failed(message, round(time.time(), 3)))


def after_step(
    row: sa.Row[Any], result: Result, schema_before: Mapping[str, Any] | None, now: float
) -> Transition:
    """What the result of a step changes: a pure decision.

    Args:
        row: of the template version, fresh.
        result: of the step.
        schema_before: the input schema of the minor version before, if there is one.
        now: epoch seconds.

    """
    if isinstance(result, Failed):
        return _failed(result.message, now)
    if isinstance(result, Waiting):
        age = now - row.record["createdAt"]
        if age > _DEADLINE_SECONDS:
            return _failed(f"The template bundle could not be read within 24 hours. {result.message}", now)
        pause = min(_LONGEST_PAUSE_SECONDS, max(_SHORTEST_PAUSE_SECONDS, age / 10))
        return Transition(pause, {"statusMessage": result.message})
    bundle = result.bundle
    if schema_before is not None:
        incompatibility = minor_incompatibility(schema_before, bundle.input_schema)
        if incompatibility:
            return _failed(incompatibility, now)
    return Transition(
        None,
        {"status": "DRAFT", "statusMessage": None, "lastModifiedAt": now, "schema": bundle.schema_text},
        {"engine": bundle.engine, "input_schema": bundle.input_schema},
        result.tarball,
    )


def _failed(message: str, now: float) -> Transition:
    record = {"status": "REGISTRATION_FAILED", "statusMessage": message, "lastModifiedAt": now}
    return Transition(None, record)


def _schema_before(rows: Rows, row: sa.Row[Any]) -> Mapping[str, Any] | None:
    """The input schema of the newest usable minor version below, whose specs this version must accept."""
    table = environment_template_versions
    usable = rows.page(
        table,
        table.c.minor < row.minor,
        table.c.record["status"].as_string().in_(_USABLE),
        by=[table.c.minor],
        after=None,
        limit=1,
        newest_first=True,
        template_name=row.template_name,
        major=row.major,
    )
    return usable[0].input_schema if usable else None


def _write(rows: Rows, row: sa.Row[Any], transition: Transition) -> Settled:
    if transition.delay is None:
        _log.info("template version %s: %s", row.record["arn"], transition.record["status"])
    if transition.tarball is not None:
        rows.insert(bundles, version_id=row.id, tarball=transition.tarball)
    record = row.record | dict(transition.record)
    return Settled({"record": record, **transition.columns}, transition.delay)
