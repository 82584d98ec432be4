"""A stack is adopted once, a deployment has its environment's tags, and a database has an ID.

What is too old is found by its time.
"""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade(**_: Any) -> None:
    """Adds columns, indexes and the database's ID."""
    op.add_column("deployments", sa.Column("environment_tags", sa.JSON))
    op.add_column("deployments", sa.Column("template_object", sa.String))
    uploaded = sa.text("template_object IS NOT NULL")
    op.create_index(
        "deployments_with_a_template_object",
        "deployments",
        ["template_object"],
        sqlite_where=uploaded,
        postgresql_where=uploaded,
    )
    op.add_column("deployments", sa.Column("moved_at", sa.Float))
    op.add_column("environments", sa.Column("adopted_stack_id", sa.String))
    _name_adopted_stacks()
    op.create_index("one_environment_of_an_adopted_stack", "environments", ["adopted_stack_id"], unique=True)
    op.create_index("deployments_by_time", "deployments", ["created_at"])
    meta = sa.table("meta", sa.column("key"), sa.column("value"))
    op.bulk_insert(meta, [{"key": "id", "value": str(uuid.uuid4())}])


def _name_adopted_stacks() -> None:
    """Of two environments that adopted one stack at the same instant, the first by its key has it."""
    key = ("account_id", "region", "name")
    environments = sa.table(
        "environments", *map(sa.column, key), sa.column("stack", sa.JSON), sa.column("adopted_stack_id")
    )
    connection, named = op.get_bind(), set()
    rows = sa.select(environments).where(environments.c.stack.is_not(None)).order_by(*map(sa.column, key))
    for row in connection.execute(rows).all():
        stack_id = (row.stack or {}).get("id")
        if stack_id is None or stack_id in named:
            continue
        named.add(stack_id)
        this = (environments.c[column] == getattr(row, column) for column in key)
        connection.execute(sa.update(environments).where(*this).values(adopted_stack_id=stack_id))
