"""Cameras that hang, footage asked for and handed over, and what befell the cameras, as rows."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text, UniqueConstraint

revision = "0003"
down_revision = "0002"

metadata = MetaData()
deployments = Table(
    "deployments", metadata, Column("id", Text), Column("city", Text, nullable=False), Column("title", Text, nullable=False),
    Column("lat", Float, nullable=False), Column("lon", Float, nullable=False), Column("bearing_deg", Float),
    Column("height_m", Float, nullable=False), Column("hfov_deg", Float), Column("model", Text, nullable=False),
    Column("feed_kind", Text, nullable=False), Column("feed_url", Text, nullable=False),
    Column("feed_mask", JSON, nullable=False), Column("recorder", Text, nullable=False), Column("serial", Text, nullable=False),
    Column("contractor", Text, nullable=False), Column("installed_on", String(32)), Column("plan", Text, nullable=False),
    Column("planned", Text, nullable=False), Column("notes", JSON, nullable=False), Column("onvif", Text, nullable=False),
    Column("repair_inr", BigInteger), Column("repair_h", Float), Column("changed_at", String(32), nullable=False),
    PrimaryKeyConstraint("id", name="pk_deployments"),
)  # fmt: skip
footage = Table(
    "footage", metadata, Column("id", String(64)), Column("city", Text, nullable=False), Column("number", Integer, nullable=False),
    Column("kind", String(8), nullable=False), Column("request", Text, nullable=False), Column("line", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    PrimaryKeyConstraint("id", name="pk_footage"), UniqueConstraint("city", "number", name="uq_footage_city"),
)  # fmt: skip
events = Table(
    "events", metadata, Column("id", String(64)), Column("city", Text, nullable=False), Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False), Column("at", String(32), nullable=False), Column("camera", Text, nullable=False),
    Column("state", Text, nullable=False), Column("since", String(32)), Column("until", String(32)), Column("measure", Text, nullable=False),
    Column("event", Text, nullable=False), Column("by", Text, nullable=False), Column("note", Text, nullable=False),
    PrimaryKeyConstraint("id", name="pk_events"), UniqueConstraint("city", "number", name="uq_events_city"),
)  # fmt: skip
beats = Table(
    "beats", metadata, Column("id", Text), Column("since", String(32), nullable=False), Column("until", String(32), nullable=False),
    PrimaryKeyConstraint("id", name="pk_beats"),
)  # fmt: skip
looks = Table(
    "looks", metadata, Column("id", Text), Column("city", Text, nullable=False), Column("digest", String(64), nullable=False),
    Column("changed_at", String(32), nullable=False), PrimaryKeyConstraint("id", name="pk_looks"),
)  # fmt: skip
Index("ix_deployments_city", deployments.c.city)
Index("ix_footage_request", footage.c.request)
Index("ix_events_event", events.c.event)
Index("ix_events_camera", events.c.city, events.c.kind, events.c.camera, events.c.since, events.c.number)
Index("ix_events_number", events.c.city, events.c.kind, events.c.number)
Index("ix_events_since", events.c.city, events.c.kind, events.c.since)


def upgrade() -> None:
    """Make the tables; what is there stays."""
    metadata.create_all(op.get_bind(), tables=[deployments, footage, events, beats, looks])
