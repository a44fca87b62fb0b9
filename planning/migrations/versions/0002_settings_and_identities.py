"""What an administrator switches on or off, and who signs in by another service, as rows."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, ForeignKeyConstraint, Index, MetaData, PrimaryKeyConstraint, String, Table, Text, UniqueConstraint

revision = "0002"
down_revision = "0001"

metadata = MetaData()
Table("accounts", metadata, Column("id", String(64), primary_key=True))
settings = Table(
    "settings", metadata, Column("id", String(128)), Column("value", Text, nullable=False), Column("changed_at", String(32), nullable=False),
    PrimaryKeyConstraint("id", name="pk_settings"),
)  # fmt: skip
identities = Table(
    "identities", metadata, Column("id", String(64)), Column("account", String(64), nullable=False), Column("issuer", Text, nullable=False),
    Column("kind", String(16), nullable=False), Column("value", Text, nullable=False), Column("created_at", String(32), nullable=False),
    PrimaryKeyConstraint("id", name="pk_identities"), ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_identities_account"),
    UniqueConstraint("issuer", "kind", "value", name="uq_identities_issuer"),
)  # fmt: skip
Index("ix_identities_account", identities.c.account)


def upgrade() -> None:
    """Make the two tables; what is there stays."""
    metadata.create_all(op.get_bind(), tables=[settings, identities])
