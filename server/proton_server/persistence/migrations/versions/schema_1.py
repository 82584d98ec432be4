"""The schema of 0.1.0."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None


def _scope() -> list[sa.Column[Any]]:
    return [
        sa.Column("account_id", sa.String, primary_key=True),
        sa.Column("region", sa.String, primary_key=True),
    ]


def _record() -> sa.Column[Any]:
    return sa.Column("record", sa.JSON, nullable=False)


def _work() -> list[sa.Column[Any]]:
    return [
        sa.Column("next_at", sa.Float),
        sa.Column("owner", sa.String),
        sa.Column("lease_until", sa.Float, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("errors", sa.Integer, nullable=False),
    ]


def upgrade(**_: Any) -> None:
    """Creates the tables of an empty database."""
    op.create_table(
        "environments",
        *_scope(),
        sa.Column("name", sa.String, primary_key=True),
        _record(),
        sa.Column("created_by", sa.String),
        sa.Column("provisioned", sa.Boolean, nullable=False),
        sa.Column("outputs", sa.JSON, nullable=False),
        sa.Column("provisioned_resources", sa.JSON, nullable=False),
    )
    op.create_table(
        "environment_templates",
        *_scope(),
        sa.Column("name", sa.String, primary_key=True),
        _record(),
        sa.Column("created_by", sa.String),
    )
    op.create_table(
        "environment_template_versions",
        *_scope(),
        sa.Column("template_name", sa.String, primary_key=True),
        sa.Column("major", sa.Integer, primary_key=True),
        sa.Column("minor", sa.Integer, primary_key=True),
        _record(),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("source", sa.JSON, nullable=False),
        sa.Column("engine", sa.String),
        sa.Column("input_schema", sa.JSON),
        *_work(),
    )
    op.create_table(
        "bundles",
        *_scope(),
        sa.Column("version_id", sa.String, primary_key=True),
        sa.Column("tarball", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "deployments",
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("environment_name", sa.String, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("phase", sa.String, nullable=False),
        _record(),
        sa.Column("outputs", sa.JSON, nullable=False),
        sa.Column("notified", sa.JSON, nullable=False),
        *_work(),
    )
    op.create_table(
        "environment_account_connections",
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("management_account_id", sa.String, nullable=False),
        sa.Column("environment_name", sa.String, nullable=False),
        _record(),
    )
    op.create_table(
        "repositories",
        *_scope(),
        sa.Column("provider", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        _record(),
        sa.Column("created_by", sa.String),
    )
    op.create_table("account_settings", *_scope(), _record())
    op.create_table(
        "tags",
        *_scope(),
        sa.Column("arn", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
    op.create_table(
        "client_tokens",
        *_scope(),
        sa.Column("operation", sa.String, primary_key=True),
        sa.Column("token", sa.String, primary_key=True),
        sa.Column("request", sa.String, nullable=False),
        sa.Column("made", sa.String, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
    op.create_table(
        "access_keys",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("secret", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
    )
    meta = op.create_table(
        "meta", sa.Column("key", sa.String, primary_key=True), sa.Column("value", sa.String)
    )
    op.bulk_insert(meta, [{"key": "schema", "value": revision}])
    _create_indexes()


def _create_indexes() -> None:
    at_work = sa.text("next_at IS NOT NULL")
    partial: dict[str, Any] = {"sqlite_where": at_work, "postgresql_where": at_work}
    for table in ("deployments", "environment_template_versions"):
        op.create_index(f"{table}_due", table, ["next_at"], **partial)
    for account in ("account_id", "management_account_id"):
        table = "environment_account_connections"
        op.create_index(f"{table}_by_{account}", table, [account, "region", "environment_name"])
    environment = ["account_id", "region", "environment_name"]
    op.create_index("one_deployment_in_flight", "deployments", environment, unique=True, **partial)
    op.create_index("deployments_of_an_environment", "deployments", [*environment, "created_at"])
