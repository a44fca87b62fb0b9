"""What befell the cameras, and how much of a time each of them worked.

The log (`live.log`) is append-only; nothing in it is changed or taken out. It holds five kinds of record:

    state         a camera's state changed: what it is now, since when, and the measure that said so
    clock         a camera's own clock was found off, or right again
    watching      the watch was at work until this moment, since an earlier one; longer silence than a beat or two is time that nobody watched
    maintenance   a camera was or will be out of service by plan, from and until
    acknowledged  someone has seen an event, with a note

An event is a stretch of one state, from one change to the next. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from live.health import STATES, HealthSettings, health_settings
from planning.deployed import Deployment
from planning.errors import InputError

CLOCK_OFF = "clock_off"  # the state of an event that is a clock's: a warning beside the camera's own state
KINDS = ("state", "clock", "watching", "maintenance", "acknowledged")
_BEATS = {"watching", "state"}  # kinds of record that tell that the watch was at work
MISSED_BEATS = 2.5  # silence of so many beats is taken for a watch that stood still


@dataclass(frozen=True)
class Record:
    """One line of the log. `at`: when it was written; `camera`: empty for `watching`, which may tell a stretch; the rest as its kind asks.

    `state` and `measure` of a state; the same of a clock, whose state is `off` or `right`; `until` and `note` of a maintenance, which begins at
    `since`; `event` (its id), `by` and `note` of an acknowledgement. A state counts from `since`.
    """

    kind: str
    at: datetime
    camera: str = ""
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None
    measure: str = ""
    event: str = ""
    by: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("at", "since", "until"):
            when = getattr(self, name)
            if when is not None and when.tzinfo is None:
                raise InputError.one("event.time", "A time in the log has no zone", "Give it in UTC", when)
        allowed = {"state": STATES, "clock": ("off", "right")}.get(self.kind, (self.state,))
        if self.kind not in KINDS or self.state not in allowed:
            raise InputError.one("event.kind", "The log knows no such record", f"Kinds are {', '.join(KINDS)}", f"{self.kind} {self.state}")
        if self.kind == "maintenance" and not (self.since and self.until and self.since < self.until):
            raise InputError.one("event.maintenance", "A maintenance ends after it begins", "Give both times", f"{self.since} {self.until}")


@dataclass(frozen=True)
class Event:
    """A stretch of one state of a camera; `until` is None while it lasts. `acknowledged`: by whom, when and with what note, the last one counts."""

    camera: str
    state: str
    since: datetime
    until: datetime | None
    measure: str = ""
    acknowledged: Record | None = None

    @property
    def id(self) -> str:
        """What an acknowledgement names: the camera and the moment it began, and of a clock that too."""
        return f"{self.camera}@{self.since.isoformat()}{'/clock' if self.state == CLOCK_OFF else ''}"


def events(records: Sequence[Record]) -> tuple[Event, ...]:
    """The events of a log, in the order they began; a state told again is no new event."""
    open_: dict[str, Event] = {}
    found: list[Event] = []
    for record in records:
        if record.kind != "state":
            continue
        since = record.since or record.at
        before = open_.get(record.camera)
        if before is not None and before.state == record.state:
            continue
        if before is not None:
            found.append(Event(before.camera, before.state, before.since, max(since, before.since), before.measure))
        open_[record.camera] = Event(record.camera, record.state, since, None, record.measure)
    return tuple(sorted([*found, *open_.values()], key=lambda event: (event.since, event.camera)))


@dataclass(frozen=True)
class Uptime:
    """How much of a time a camera, or all cameras of a contractor, worked. Seconds of cameras.

    `up_s` and `down_s` are what counts; `maintenance_s` and `unwatched_s` are left out: planned work, and time nobody watched or before a camera's
    first word. `share`: up / (up + down), None where nothing counts; `kept`: whether it reaches what was agreed, None likewise.
    """

    name: str
    cameras: int
    up_s: float
    down_s: float
    maintenance_s: float
    unwatched_s: float
    agreed: float

    @property
    def share(self) -> float | None:
        """The share of the time that counts in which it worked."""
        return self.up_s / (self.up_s + self.down_s) if self.up_s + self.down_s > 0 else None

    @property
    def kept(self) -> bool | None:
        """Whether the agreed share was reached."""
        return None if self.share is None else self.share >= self.agreed


Span = tuple[datetime, datetime]


def uptime(
    records: Sequence[Record], cameras: Sequence[str], since: datetime, until: datetime, *, agreed: float | None = None,
    settings: HealthSettings | None = None,
) -> tuple[Uptime, ...]:  # fmt: skip
    """How much of a time each camera worked, in the order given.

    Parameters
    ----------
    since, until: the time asked about, with a zone.
    agreed: the share agreed on; that of data/health.toml where None.

    Raises
    ------
    InputError: `uptime.period`, where the time ends before it begins.
    """
    settings = settings or health_settings()
    if since >= until:
        raise InputError.one("uptime.period", "The time ends before it begins", "Give the earlier moment first", f"{since} to {until}")
    every = events(records)
    watched = [(record.since if record.kind == "watching" and record.since else record.at, record.at) for record in records if record.kind in _BEATS]
    unwatched = _gaps(watched, since, until, settings.beat_s * MISSED_BEATS)
    found = []
    for camera in cameras:
        planned = [(r.since, r.until) for r in records if r.kind == "maintenance" and r.camera == camera and r.since and r.until]
        out = _merged([*_within(planned, since, until), *unwatched])
        mine = [(event.state in settings.up, (event.since, event.until or until)) for event in every if event.camera == camera]
        seconds = {up: sum(_length(_without(_within([span], since, until), out)) for state, span in mine if state is up) for up in (True, False)}
        kept_out = _length(_merged(_within(planned, since, until)))
        whole = (until - since).total_seconds()
        silent = whole - kept_out - seconds[True] - seconds[False]
        found.append(Uptime(camera, 1, seconds[True], seconds[False], kept_out, max(silent, 0.0), settings.agreed if agreed is None else agreed))
    return tuple(found)


def by_contractor(found: Sequence[Uptime], deployments: Sequence[Deployment]) -> tuple[Uptime, ...]:
    """The uptimes of cameras added up by who maintains them, by name; cameras of no contractor stand under an empty name."""
    who = {one.id: one.contractor for one in deployments}
    names = sorted({who.get(one.name, "") for one in found})
    groups = [(name, [one for one in found if who.get(one.name, "") == name]) for name in names]
    return tuple(
        Uptime(
            name, len(mine), sum(one.up_s for one in mine), sum(one.down_s for one in mine), sum(one.maintenance_s for one in mine),
            sum(one.unwatched_s for one in mine), mine[0].agreed,
        )
        for name, mine in groups
    )  # fmt: skip


def _within(spans: Iterable[Span], since: datetime, until: datetime) -> list[Span]:
    return [(max(a, since), min(b, until)) for a, b in spans if max(a, since) < min(b, until)]


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _without(spans: Iterable[Span], out: Sequence[Span]) -> list[Span]:
    left = list(spans)
    for a, b in out:
        left = [part for begin, end in left for part in ((begin, min(end, a)), (max(begin, b), end)) if part[0] < part[1]]
    return left


def _length(spans: Iterable[Span]) -> float:
    return sum((end - begin for begin, end in spans), timedelta()).total_seconds()


def _gaps(watched: Iterable[Span], since: datetime, until: datetime, longest_s: float) -> list[Span]:
    """Where the log is silent for longer than a working watch would be, within a time; `watched`: stretches of beats."""
    gaps: list[Span] = []
    before: datetime | None = None
    for begin, end in sorted((a.astimezone(UTC), b.astimezone(UTC)) for a, b in watched):
        if before is None:
            gaps.append((min(since, begin), begin))
        elif (begin - before).total_seconds() > longest_s:
            gaps.append((before, begin))
        before = end if before is None else max(before, end)
    if before is None:
        return [(since, until)]
    if (until - before).total_seconds() > longest_s:
        gaps.append((before, until))
    return _within(gaps, since, until)
