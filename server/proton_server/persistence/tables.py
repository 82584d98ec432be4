"""The tables of the server's state.

A noun is a row: its key columns, and the `record`, which is what the API answers (botocore's member names,
timestamps as epoch seconds), so that a new API member needs no column. Beside it stand the few columns that
the API never shows. Rows that are moved forward in the background carry the columns of `_work()`.

Declarations only: what is done with them is said elsewhere.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

SCHEMA_VERSION = "3"
"""To be raised with every change of what a release had below. Each has a file in `migrations/versions`."""

metadata = sa.MetaData()


def _scope() -> list[sa.Column[Any]]:
    return [
        sa.Column("account_id", sa.String, primary_key=True),
        sa.Column("region", sa.String, primary_key=True),
    ]


def _record() -> sa.Column[Any]:
    return sa.Column("record", sa.JSON, nullable=False)


def _work() -> list[sa.Column[Any]]:
    """What the reconciler needs in a row; `next_at` says when it is due, null that nothing is left to do."""
    return [
        sa.Column("next_at", sa.Float),
        sa.Column("owner", sa.String),
        sa.Column("lease_until", sa.Float, nullable=False, default=0.0),
        sa.Column("epoch", sa.Integer, nullable=False, default=0),
        sa.Column("errors", sa.Integer, nullable=False, default=0),
    ]


environments = sa.Table(
    "environments",
    metadata,
    *_scope(),
    sa.Column("name", sa.String, primary_key=True),
    _record(),
    # The creating request, to recognise its repetition; null once the environment was changed.
    sa.Column("created_by", sa.String),
    # Whether anything may exist outside the database that a deletion has to remove.
    sa.Column("provisioned", sa.Boolean, nullable=False, default=False),
    sa.Column("outputs", sa.JSON, nullable=False, default=list),
    sa.Column("provisioned_resources", sa.JSON, nullable=False, default=list),
    # Of an adopted environment, the stack that AWS left: `{"id": ARN, "tags": {…}, "template_sha256": …}`.
    sa.Column("stack", sa.JSON(none_as_null=True)),
    # The `id` in it, so that two accounts that adopt one stack at the same instant do not both succeed.
    sa.Column("adopted_stack_id", sa.String),
    sa.Index("one_environment_of_an_adopted_stack", "adopted_stack_id", unique=True),
)

environment_templates = sa.Table(
    "environment_templates",
    metadata,
    *_scope(),
    sa.Column("name", sa.String, primary_key=True),
    _record(),
    sa.Column("created_by", sa.String),
)

environment_template_versions = sa.Table(
    "environment_template_versions",
    metadata,
    *_scope(),
    sa.Column("template_name", sa.String, primary_key=True),
    sa.Column("major", sa.Integer, primary_key=True),
    sa.Column("minor", sa.Integer, primary_key=True),
    _record(),
    # Tells a version from a later one with the same number.
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("source", sa.JSON, nullable=False),
    sa.Column("engine", sa.String),
    sa.Column("input_schema", sa.JSON),
    *_work(),
)

# Apart from the versions, so that listing those does not read megabytes.
bundles = sa.Table(
    "bundles",
    metadata,
    *_scope(),
    sa.Column("version_id", sa.String, primary_key=True),
    sa.Column("tarball", sa.LargeBinary, nullable=False),
)

deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("region", sa.String, nullable=False),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("environment_name", sa.String, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("phase", sa.String, nullable=False),
    _record(),
    sa.Column("outputs", sa.JSON, nullable=False, default=list),
    # Tags of the environment that go on what is provisioned, as it had them when the deployment was begun;
    # null in those that a release before began.
    sa.Column("environment_tags", sa.JSON(none_as_null=True)),
    # The object of S3, `bucket/key`, in which its template may be, until that is deleted.
    sa.Column("template_object", sa.String),
    # When its status, phase or message last changed in a step; null: not yet.
    sa.Column("moved_at", sa.Float),
    # What NotifyResourceDeploymentStatusChange said of it: status, statusMessage, outputs.
    sa.Column("notified", sa.JSON, nullable=False, default=dict),
    *_work(),
)

# The environment account's; `Rows` shows a row with a second account in it to both.
environment_account_connections = sa.Table(
    "environment_account_connections",
    metadata,
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("region", sa.String, nullable=False),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("management_account_id", sa.String, nullable=False),
    sa.Column("environment_name", sa.String, nullable=False),
    _record(),
)

repositories = sa.Table(
    "repositories",
    metadata,
    *_scope(),
    sa.Column("provider", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    _record(),
    sa.Column("created_by", sa.String),
)

account_settings = sa.Table("account_settings", metadata, *_scope(), _record())

tags = sa.Table(
    "tags",
    metadata,
    *_scope(),
    sa.Column("arn", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)

client_tokens = sa.Table(
    "client_tokens",
    metadata,
    *_scope(),
    sa.Column("operation", sa.String, primary_key=True),
    sa.Column("token", sa.String, primary_key=True),
    sa.Column("request", sa.String, nullable=False),
    sa.Column("made", sa.String, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
)

# Secrets are encrypted, see `identity/master_keys.py`: to verify an HMAC takes the secret itself.
access_keys = sa.Table(
    "access_keys",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("account_id", sa.String, nullable=False),
    # Null once the key is revoked.
    sa.Column("sealed_secret", sa.String),
    sa.Column("description", sa.String),
    # Null for the keys of 0.1.0.
    sa.Column("created_at", sa.Float),
    sa.Column("expires_at", sa.Float),
    sa.Column("revoked_at", sa.Float),
    # The secret before the last rotation, and until when it is accepted.
    sa.Column("previous_sealed_secret", sa.String),
    sa.Column("previous_until", sa.Float),
)

# The digests of signatures that were exchanged, until they are too old to be accepted.
used_signatures = sa.Table(
    "used_signatures",
    metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Index("used_signatures_by_expiry", "expires_at"),
)

# Temporary credentials of a principal that were issued before `not_before` are not accepted.
revocations = sa.Table(
    "revocations",
    metadata,
    sa.Column("account_id", sa.String, primary_key=True),
    sa.Column("principal", sa.String, primary_key=True),
    sa.Column("not_before", sa.Float, nullable=False),
)

# Who did what: a row for each request that writes.
audit_lines = sa.Table(
    "audit_lines",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("request_id", sa.String, nullable=False),
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("region", sa.String, nullable=False),
    sa.Column("principal", sa.String, nullable=False),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("operation", sa.String, nullable=False),
    sa.Column("resource", sa.String, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Index("audit_lines_of_an_account", "account_id", "at"),
    sa.Index("audit_lines_by_time", "at"),
)

meta = sa.Table(
    "meta", metadata, sa.Column("key", sa.String, primary_key=True), sa.Column("value", sa.String)
)

for _table in (deployments, environment_template_versions):
    _at_work = _table.c.next_at.is_not(None)
    sa.Index(f"{_table.name}_due", _table.c.next_at, sqlite_where=_at_work, postgresql_where=_at_work)

for _account in ("account_id", "management_account_id"):
    sa.Index(
        f"environment_account_connections_by_{_account}",
        environment_account_connections.c[_account],
        environment_account_connections.c.region,
        environment_account_connections.c.environment_name,
    )

_uploaded = deployments.c.template_object.is_not(None)
sa.Index(
    "deployments_with_a_template_object",
    deployments.c.template_object,
    sqlite_where=_uploaded,
    postgresql_where=_uploaded,
)

_in_flight = deployments.c.next_at.is_not(None)
sa.Index(
    "one_deployment_in_flight",
    deployments.c.account_id,
    deployments.c.region,
    deployments.c.environment_name,
    unique=True,
    sqlite_where=_in_flight,
    postgresql_where=_in_flight,
)
sa.Index(
    "deployments_of_an_environment",
    deployments.c.account_id,
    deployments.c.region,
    deployments.c.environment_name,
    deployments.c.created_at,
)
sa.Index("deployments_by_time", deployments.c.created_at)
