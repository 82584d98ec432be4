"""What a restored database had in progress when its backup was made.

AWS may be further: deployments have ended, others have followed. So each deployment is resumed, which looks
first, instead of going on from its phase. A registration reads its bundle again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from proton_server.engine.transitions import RESTORED
from proton_server.persistence.tables import deployments, environment_template_versions, environments

if TYPE_CHECKING:
    from proton_server.persistence.store import Store


def resume_all(connection: sa.Connection, now: float) -> int:
    """Has every deployment in progress resumed by the next server, and returns how many there are.

    Any environment may have been provisioned since the backup, so from now on a deletion of each looks.
    """
    for table in (deployments, environment_template_versions):
        connection.execute(sa.update(table).values(owner=None, lease_until=0.0))
    connection.execute(sa.update(environments).values(provisioned=True))
    in_progress = sa.select(deployments.c.id, deployments.c.record).where(deployments.c.next_at.is_not(None))
    rows = connection.execute(in_progress).all()
    for row in rows:
        changes = {"phase": RESTORED, "next_at": 0.0, "record": row.record | {"lastModifiedAt": now}}
        connection.execute(sa.update(deployments).where(deployments.c.id == row.id).values(**changes))
    return len(rows)


def to_resume(store: Store) -> int:
    """How many deployments a server has to resume."""
    query = sa.select(sa.func.count()).where(
        deployments.c.next_at.is_not(None), deployments.c.phase == RESTORED
    )
    with store.read() as connection:
        return connection.scalar(query) or 0
