"""The law of registration: how a template version gets to DRAFT or REGISTRATION_FAILED.

The bundle is fetched once and kept in the database, so the object in S3 may change or go afterwards. How it
is fetched is the business of `provisioning/aws.py`, what is in it that of `bundle.py`.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

from proton_server.bundle import Bundle, BundleFault, minor_incompatibility, read_bundle
from proton_server.evaluation import BUNDLE_CHECK, EvaluationFault
from proton_server.reconciler import Settled
from proton_server.store import Rows
from proton_server.tables import bundles, environment_template_versions, environment_templates

if TYPE_CHECKING:
    import sqlalchemy as sa

    from proton_server.evaluation import Evaluator
    from proton_server.store import Store

_log = logging.getLogger(__name__)

_USABLE = ("DRAFT", "PUBLISHED")


class SourceFault(Exception):
    """The object in S3 cannot be had; the message is a sentence for the template's owner."""


class Fetch(Protocol):
    """Reads an object of S3 for an account. Raises SourceFault if it cannot be had."""

    def __call__(self, account_id: str, region: str, bucket: str, key: str) -> bytes:
        """The object's bytes."""


class RegistrationLaw:
    """The law over the table of template versions, for the reconciler."""

    table = environment_template_versions

    def __init__(self, store: Store, fetch: Fetch, evaluate: Evaluator) -> None:
        self._store, self._fetch, self._evaluate = store, fetch, evaluate

    def step(self, row: sa.Row[Any]) -> tuple[bytes, Bundle] | str:
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
        except (SourceFault, BundleFault, EvaluationFault) as fault:
            return str(fault)

    def settle(self, rows: Rows, row: sa.Row[Any], result: tuple[bytes, Bundle] | str) -> Settled:
        """Stores the bundle and makes the version a DRAFT, or says why not."""
        if isinstance(result, str):
            return _ended(row, "REGISTRATION_FAILED", result)
        tarball, bundle = result
        fault = _incompatibility(rows, row, bundle)
        if fault is not None:
            return _ended(row, "REGISTRATION_FAILED", fault)
        rows.insert(bundles, version_id=row.id, tarball=tarball)
        settled = _ended(row, "DRAFT", None, schema=bundle.schema_text)
        registered = {"engine": bundle.engine, "input_schema": bundle.input_schema}
        return Settled(settled.changes | registered, None)

    def give_up(self, rows: Rows, row: sa.Row[Any]) -> Settled:
        """Ends a registration whose object could not be fetched for minutes."""
        del rows
        return _ended(row, "REGISTRATION_FAILED", "S3 could not be reached for the template bundle.")


def _incompatibility(rows: Rows, row: sa.Row[Any], bundle: Bundle) -> str | None:
    """Why the version cannot follow the earlier minor versions of its major version, if so."""
    earlier = rows.all(
        environment_template_versions,
        environment_template_versions.c.minor < row.minor,
        template_name=row.template_name,
        major=row.major,
    )
    usable = [version for version in earlier if version.record["status"] in _USABLE]
    return minor_incompatibility(usable[-1].input_schema, bundle.input_schema) if usable else None


def _ended(row: sa.Row[Any], status: str, message: str | None, **members: Any) -> Settled:
    _log.info("template version %s: %s", row.record["arn"], status)
    now = round(time.time(), 3)
    record = {**row.record, "status": status, "statusMessage": message, "lastModifiedAt": now, **members}
    return Settled({"record": record}, None)
