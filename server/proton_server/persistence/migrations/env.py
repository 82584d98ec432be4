"""What Alembic runs for each command: on the connection that it is given, in the caller's transaction."""

from __future__ import annotations

from alembic import context

from proton_server.persistence.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations(**context.config.attributes["arguments"])
