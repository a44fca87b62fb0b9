"""The first tables."""

from __future__ import annotations

from alembic import op

from planning.schema import append_only, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table, and forbid changes of the audit."""
    bind = op.get_bind()
    metadata.create_all(bind)
    for statement in append_only(bind.dialect.name):
        op.execute(statement)
