"""What an administrator switches on or off, as rows."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, String, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of settings; what is there stays."""
    op.create_table(
        "settings", Column("id", String(128), primary_key=True), Column("value", Text, nullable=False),
        Column("changed_at", String(32), nullable=False),
    )
