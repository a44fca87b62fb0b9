"""The tables of the store. Times are UTC in ISO 8601 to the microsecond, so that they sort as they stand; money is whole rupees.

Rows are changed by `planning.store` alone, which writes a line of the audit with each change.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s",
    }
)  # fmt: skip


def _id() -> Column[str]:
    return Column("id", String(64), primary_key=True)


def _to(name: str, table: str, *, optional: bool = False) -> Column[str]:
    return Column(name, String(64), ForeignKey(f"{table}.id"), nullable=optional)


def _text(name: str, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=False, default=default)


def _time(name: str, *, optional: bool = False) -> Column[str]:
    return Column(name, String(32), nullable=optional)


# People. `roles`: list of keys of data/roles.toml; `cameras`: list of deployments whose feeds may be viewed, null for all.
accounts = Table(
    "accounts", metadata, _id(), Column("name", String(64), nullable=False, unique=True), _text("title"), _text("password", ""),
    Column("roles", JSON, nullable=False), Column("cameras", JSON, nullable=True), Column("active", Boolean, nullable=False, default=True),
    Column("failed", Integer, nullable=False, default=0), _time("locked_until", optional=True), _time("created_at"),
)  # fmt: skip
# A session's or link's id is the SHA-256 of its token: who reads the table can use neither.
sessions = Table(
    "sessions", metadata, _id(), _to("account", "accounts"), _text("csrf"), _text("agent", ""), _time("created_at"), _time("expires_at"),
    _time("revoked_at", optional=True),
)  # fmt: skip
links = Table("links", metadata, _id(), _to("account", "accounts"), _time("created_at"), _time("expires_at"), _time("used_at", optional=True))

# By whom another service says someone is: an administrator links a subject or a verified e-mail address; at the first sign-in an address becomes the
# subject it came with, so that whoever is given the address later is not let in.
identities = Table(
    "identities", metadata, _id(), _to("account", "accounts"), _text("issuer"), Column("kind", String(16), nullable=False), _text("value"),
    _time("created_at"), UniqueConstraint("issuer", "kind", "value"),
)  # fmt: skip

# Those who vote. A member without an account votes on paper.
members = Table(
    "members", metadata, _id(), _text("city"), _text("name"), _text("constituency"), _to("account", "accounts", optional=True),
    Column("active", Boolean, nullable=False, default=True), _time("created_at"),
)  # fmt: skip
# How a city's committee decides; the id is the city's name. The share of active members that must vote, the share of yes among yes and no it takes.
committees = Table(
    "committees", metadata, _id(), Column("quorum", Float, nullable=False), Column("majority", Float, nullable=False), _time("created_at")
)

scenarios = Table(
    "scenarios", metadata, _id(), _text("city"), _text("title", ""), Column("content", JSON, nullable=False), _text("by"), _time("created_at")
)
# A plan's file as it was registered: the id holds the plan's own (`plan`) and the beginning of `digest`, the SHA-256 of the file, which lies at
# `file` in its city's folder plans. `problem`: digest of the arrays that were solved.
plans = Table(
    "plans", metadata, _id(), Column("plan", String(12), nullable=False, default=""), _text("title", ""), _text("city"), _to("scenario", "scenarios"),
    _text("city_digest"), _text("problem", ""), _text("file"), _text("digest"),
    Column("verified", Boolean, nullable=False), Column("capital_inr", BigInteger, nullable=False), Column("coverage", Float, nullable=False),
    _text("by"), _time("created_at"), _time("published_at", optional=True),
)  # fmt: skip

suggestions = Table(
    "suggestions", metadata, _id(), _text("city"), Column("lat", Float, nullable=False), Column("lon", Float, nullable=False), _text("body"),
    Column("state", String(16), nullable=False, default="waiting"), _text("reason", ""), _text("by", ""), _time("created_at"),
)  # fmt: skip
proposals = Table(
    "proposals", metadata, _id(), _text("city"), _to("plan", "plans"), _text("body", ""), Column("quorum", Float, nullable=False),
    Column("majority", Float, nullable=False), _text("by"), _time("opened_at"), _time("closed_at", optional=True),
)  # fmt: skip
remarks = Table("remarks", metadata, _id(), _to("proposal", "proposals"), _text("body"), _text("by"), _time("created_at"))
# A vote on paper counts once a second person has confirmed it.
votes = Table(
    "votes", metadata, _id(), _to("proposal", "proposals"), _to("member", "members"), Column("choice", String(8), nullable=False),
    Column("paper", Boolean, nullable=False, default=False), _text("by"), _text("confirmed_by", ""), _time("created_at"),
    UniqueConstraint("proposal", "member"),
)  # fmt: skip
# What became of a proposal: approved or sent back, with the votes counted and the reason. A plan's status is derived from these.
decisions = Table(
    "decisions", metadata, _id(), _to("proposal", "proposals"), _to("plan", "plans"), Column("outcome", String(16), nullable=False),
    _text("reason", ""), Column("count", JSON, nullable=False), _text("by"), _time("created_at"), UniqueConstraint("proposal"),
)  # fmt: skip
# Money promised, received and spent against a plan's bill of quantities; an amount below 0 corrects an earlier entry.
payments = Table(
    "payments", metadata, _id(), _text("city"), _to("plan", "plans"), Column("kind", String(16), nullable=False), _text("head"),
    Column("amount_inr", BigInteger, nullable=False), _text("who"), _text("note", ""), _time("paid_on"), _text("by"), _time("created_at"),
)  # fmt: skip
# What was done at a site of a plan: ordered, installed, tested, live. `step` counts the site's own rows; an order says for which phase and by when.
works = Table(
    "works", metadata, _id(), _to("plan", "plans"), _text("site"), Column("step", Integer, nullable=False),
    Column("state", String(16), nullable=False), Column("phase", Integer, nullable=False, default=1), _time("due_on", optional=True),
    _text("note", ""), _text("by"), _time("done_on"), _time("created_at"), UniqueConstraint("plan", "site", "step"),
)  # fmt: skip

# Credentials of a deployed camera's feed, sealed with a key that is not in the database.
sealed = Table("sealed", metadata, _id(), _text("token"), _time("changed_at"))

# Cameras that hang; the id is the camera's own, of one city over all. Where pictures come from is told without name and password: those are in
# `sealed`. `mask`: polygons of the picture in shares of its size.
deployments = Table(
    "deployments", metadata, Column("id", Text, primary_key=True), _text("city"), _text("title"), Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False), Column("bearing_deg", Float), Column("height_m", Float, nullable=False), Column("hfov_deg", Float),
    _text("model"), _text("feed_kind"), _text("feed_url"), Column("feed_mask", JSON, nullable=False), _text("recorder"), _text("serial"),
    _text("contractor"), _time("installed_on", optional=True), _text("plan"), _text("planned"), Column("notes", JSON, nullable=False),
    _text("onvif"), Column("repair_inr", BigInteger), Column("repair_h", Float), _time("changed_at"),
)  # fmt: skip

# Footage asked for and handed over. `line` is the entry as it was written, which holds the SHA-256 of its city's line before; `number` counts them.
footage = Table(
    "footage", metadata, _id(), _text("city"), Column("number", Integer, nullable=False), Column("kind", String(8), nullable=False), _text("request"),
    _text("line"), _time("created_at"), UniqueConstraint("city", "number"),
)  # fmt: skip

# What befell the cameras, one record a row as `live.uptime` knows them; `number` counts a city's in the order written. Of the watch's own beats
# there are stretches, from `since` to `until`; the stretch that goes on is in `beats`, which no audit seals: it is written every minute.
events = Table(
    "events", metadata, _id(), _text("city"), Column("number", Integer, nullable=False), Column("kind", String(16), nullable=False), _time("at"),
    _text("camera"), _text("state"), _time("since", optional=True), _time("until", optional=True), _text("measure"), _text("event"), _text("by"),
    _text("note"), UniqueConstraint("city", "number"),
)  # fmt: skip
beats = Table("beats", metadata, Column("id", Text, primary_key=True), _time("since"), _time("until"), info={"sealed": False})
# How cameras shall look: the digest of the picture that names its file in its city's folder references; the id is the camera's.
looks = Table(
    "looks", metadata, Column("id", Text, primary_key=True), _text("city"), Column("digest", String(64), nullable=False), _time("changed_at")
)

# What an administrator switched on or off; the id says what of which city, as in suggestions/bilaspur.
settings = Table("settings", metadata, Column("id", String(128), primary_key=True), _text("value"), _time("changed_at"))

# One line for each change of any row above: append-only by triggers, each line sealed together with the one before.
audit = Table(
    "audit", metadata, Column("seq", Integer, primary_key=True, autoincrement=False), _time("at"), _text("by"), _text("action"), _text("subject"),
    _text("details"), Column("previous", String(64), nullable=False), Column("mac", String(64), nullable=False),
)  # fmt: skip

for _column in (
    sessions.c.account, links.c.account, identities.c.account, members.c.city, plans.c.city, suggestions.c.city, proposals.c.city,
    remarks.c.proposal, votes.c.proposal, payments.c.plan, works.c.plan, audit.c.subject, deployments.c.city, footage.c.request, events.c.event,
):  # fmt: skip
    Index(None, _column)
Index("ix_events_camera", events.c.city, events.c.kind, events.c.camera, events.c.since, events.c.number)
Index("ix_events_number", events.c.city, events.c.kind, events.c.number)
Index("ix_events_since", events.c.city, events.c.kind, events.c.since)


def is_sealed(table: Table) -> bool:
    """Whether each row of a table is sealed by the audit."""
    return bool(table.info.get("sealed", True))
