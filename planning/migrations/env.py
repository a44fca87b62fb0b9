"""Runs the steps from one version of the tables to the next, on the connection that `planning.store` hands in."""

from __future__ import annotations

from alembic import context

from planning.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
