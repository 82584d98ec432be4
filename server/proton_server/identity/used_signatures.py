"""Signatures that were exchanged already: each is taken once, on all replicas together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from proton_server.identity.exchange import WINDOW_SECONDS
from proton_server.persistence.tables import used_signatures

if TYPE_CHECKING:
    from proton_server.persistence.store import Store

_KEPT_SECONDS = 3 * WINDOW_SECONDS
"""One with a date five minutes ahead is good for ten; the clocks of replicas may differ by the other five."""


def take(store: Store, digest: str) -> float | None:
    """Remembers a signature; the time of the database's clock, or None if it was taken before.

    Those that no server would take any more are forgotten.
    """
    try:
        with store.write() as connection:
            now: float = connection.scalar(sa.select(store.now)) or 0.0
            connection.execute(sa.delete(used_signatures).where(used_signatures.c.expires_at < now))
            connection.execute(
                sa.insert(used_signatures).values(digest=digest, expires_at=now + _KEPT_SECONDS)
            )
    except sa.exc.IntegrityError:
        return None
    return now
