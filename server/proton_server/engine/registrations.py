"""The handler of registrations: how a template version gets to DRAFT or REGISTRATION_FAILED.

The bundle is fetched once and kept in the database, so the object in S3 may change or go afterwards. How it
is fetched is the business of `provisioning/aws.py`, what is in it that of `bundle.py`.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from proton_server.engine.evaluation import BUNDLE_CHECK, EvaluationError
from proton_server.engine.reconciler import Settled
from proton_server.persistence.store import Rows
from proton_server.persistence.tables import bundles, environment_template_versions, environment_templates
from proton_server.provisioning.errors import SourceError, SourceNotReady
from proton_templates.bundle import Bundle, BundleError, minor_incompatibility, read_bundle

if TYPE_CHECKING:
    import sqlalchemy as sa

    from proton_server.engine.evaluation import Evaluator
    from proton_server.persistence.store import Store

_log = logging.getLogger(__name__)

_DEADLINE_SECONDS = 24 * 60 * 60
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0
"""Until S3 is asked again."""

_USABLE = ("DRAFT", "PUBLISHED")


_Result: TypeAlias = "tuple[bytes, Bundle] | str | SourceNotReady"
"""Tarball and content; or a sentence on what is wrong; or what is in the way for now."""


class Fetch(Protocol):
    """Reads an object of S3 for an account. Raises SourceError if it cannot be had, or SourceNotReady."""

    def __call__(self, account_id: str, region: str, bucket: str, key: str) -> bytes:
        """The object's bytes."""


class RegistrationHandler:
    """The handler of the table of template versions, for the reconciler."""

    table = environment_template_versions

    def __init__(self, store: Store, fetch: Fetch, evaluate: Evaluator) -> None:
        self._store, self._fetch, self._evaluate = store, fetch, evaluate

    def step(self, row: sa.Row[Any]) -> _Result:
        """Fetches and reads the bundle: tarball and content, or a sentence that says what is wrong."""
        with self._store.read() as connection:
            rows = Rows(connection, row.account_id, row.region)
            template = rows.all(environment_templates, name=row.template_name)[0]
        customer_managed = template.record.get("provisioning") == "CUSTOMER_MANAGED"
        try:
            tarball = self._fetch(row.account_id, row.region, row.source["bucket"], row.source["key"])
            return tarball, self._evaluate(
                row.account_id, BUNDLE_CHECK, read_bundle, tarball, customer_managed=customer_managed
            )
        except (SourceError, BundleError, EvaluationError) as fault:
            return str(fault)
        except SourceNotReady as awaited:
            return awaited

    def settle(self, rows: Rows, row: sa.Row[Any], result: _Result) -> Settled:
        """Stores the bundle and makes the version a DRAFT, or says why not."""
        if isinstance(result, str):
            return _ended(row, "REGISTRATION_FAILED", result)
        if isinstance(result, SourceNotReady):
            return _awaiting(row, str(result))
        tarball, bundle = result
        fault = _incompatibility(rows, row, bundle)
        if fault is not None:
            return _ended(row, "REGISTRATION_FAILED", fault)
        rows.insert(bundles, version_id=row.id, tarball=tarball)
        settled = _ended(row, "DRAFT", None, schema=bundle.schema_text)
        registered = {"engine": bundle.engine, "input_schema": bundle.input_schema}
        return Settled(settled.changes | registered, None)

    def give_up(self, rows: Rows, row: sa.Row[Any]) -> Settled:
        """Ends a registration at which the server failed too often."""
        del rows
        message = "The server failed at this version too many times in a row; its log says why."
        return _ended(row, "REGISTRATION_FAILED", message)


def _incompatibility(rows: Rows, row: sa.Row[Any], bundle: Bundle) -> str | None:
    """Why the version cannot follow the earlier minor versions of its major version, if so."""
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
    return minor_incompatibility(usable[0].input_schema, bundle.input_schema) if usable else None


def _awaiting(row: sa.Row[Any], message: str) -> Settled:
    """Says in the version what it is waiting for; ends it when that takes a day."""
    age = time.time() - row.record["createdAt"]
    if age > _DEADLINE_SECONDS:
        late = f"The template bundle could not be had within 24 hours. {message}"
        return _ended(row, "REGISTRATION_FAILED", late)
    if row.record.get("statusMessage") != message:
        _log.warning("template version %s: %s", row.record["arn"], message)
    pause = min(_LONGEST_PAUSE_SECONDS, max(_SHORTEST_PAUSE_SECONDS, age / 10))
    return Settled({"record": row.record | {"statusMessage": message}}, pause)


def _ended(row: sa.Row[Any], status: str, message: str | None, **members: Any) -> Settled:
    _log.info("template version %s: %s", row.record["arn"], status)
    now = round(time.time(), 3)
    record = {**row.record, "status": status, "statusMessage": message, "lastModifiedAt": now, **members}
    return Settled({"record": record}, None)
