"""Identity and adoption: secrets are encrypted, keys expire and rotate, writes leave audit lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Callable

revision = "2"
down_revision = "1"


def upgrade(seal: Callable[[str, str, str], str], **_: Any) -> None:
    """Adds tables and columns, and encrypts the secrets that 0.1.0 stored as they are."""
    op.add_column("environments", sa.Column("stack", sa.JSON))
    for name in ("sealed_secret", "description", "previous_sealed_secret"):
        op.add_column("access_keys", sa.Column(name, sa.String))
    for name in ("created_at", "expires_at", "revoked_at", "previous_until"):
        op.add_column("access_keys", sa.Column(name, sa.Float))
    _seal_secrets(seal)
    op.drop_column("access_keys", "secret")
    op.create_table(
        "used_signatures",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
    op.create_index("used_signatures_by_expiry", "used_signatures", ["expires_at"])
    op.create_table(
        "revocations",
        sa.Column("account_id", sa.String, primary_key=True),
        sa.Column("principal", sa.String, primary_key=True),
        sa.Column("not_before", sa.Float, nullable=False),
    )
    texts = ("request_id", "account_id", "region", "principal", "address", "operation", "resource", "outcome")
    op.create_table(
        "audit_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in texts),
    )
    op.create_index("audit_lines_of_an_account", "audit_lines", ["account_id", "at"])
    op.create_index("audit_lines_by_time", "audit_lines", ["at"])


def _seal_secrets(seal: Callable[[str, str, str], str]) -> None:
    keys = sa.table("access_keys", *map(sa.column, ("id", "account_id", "secret", "sealed_secret")))
    connection = op.get_bind()
    for key in connection.execute(sa.select(keys)).all():
        sealed = seal(key.account_id, key.id, key.secret)
        connection.execute(sa.update(keys).where(keys.c.id == key.id).values(sealed_secret=sealed))
