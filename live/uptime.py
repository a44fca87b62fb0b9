"""What befell the cameras, written down for good, and how much of a time each of them worked.

The log is append-only; nothing in it is changed or taken out. It holds five kinds of record:

    state         a camera's state changed: what it is now, since when, and the measure that said so
    clock         a camera's own clock was found off, or right again
    watching      the watch was at work at this moment; longer silence than a beat or two is time that nobody watched
    maintenance   a camera was or will be out of service by plan, from and until
    acknowledged  someone has seen an event, with a note

An event is a stretch of one state, from one change to the next. Times are UTC.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from live.health import STATES, HealthSettings, health_settings
from planning.city import find_city
from planning.deployed import Deployment
from planning.errors import InputError
from planning.files import append_lines

FILE = "events.jsonl"
CLOCK_OFF = "clock_off"  # the state of an event that is a clock's: a warning beside the camera's own state
KINDS = ("state", "clock", "watching", "maintenance", "acknowledged")
_MISSED_BEATS = 2.5  # silence of so many beats is taken for a watch that stood still


@dataclass(frozen=True)
class Record:
    """One line of the log. `at`: when it was written; `camera`: empty for `watching`; the rest as its kind asks.

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


class EventLog(Protocol):
    """Where records are kept. What was appended is on the disk when `append` returns."""

    def append(self, city: str, *records: Record) -> None:
        """Write records at the end."""

    def records(self, city: str) -> Sequence[Record]:
        """All that was ever written of a city, in the order written."""


class FileLog:
    """A log as JSON lines in the city's folder: one record a line, synced before `append` returns. A line cut short by a power cut is passed over."""

    def __init__(self, folder: Callable[[str], Path] = find_city) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[int, list[Record]]] = {}

    def append(self, city: str, *records: Record) -> None:
        """Write records at the end, on the disk when this returns; writers of several processes take turns."""
        lines = [json.dumps(_plain(record), ensure_ascii=False, sort_keys=True) for record in records]
        with self._lock:
            append_lines(self._folder(city) / FILE, lines)

    def records(self, city: str) -> Sequence[Record]:
        """All records, each line read once."""
        path = self._folder(city) / FILE
        with self._lock:
            done, found = self._read.get(path, (0, []))
            with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
                stream.seek(done)
                fresh = stream.read()
                whole = fresh[: fresh.rfind(b"\n") + 1]
                found = [*found, *_parsed(whole)]
                self._read[path] = (done + len(whole), found)
        return found


def _plain(record: Record) -> dict[str, str]:
    pairs = ((name, getattr(record, name)) for name in record.__dataclass_fields__)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in pairs if value not in ("", None)}


def _parsed(lines: bytes) -> Iterable[Record]:
    for line in lines.splitlines():
        with contextlib.suppress(ValueError, TypeError, InputError):
            row: dict[str, Any] = json.loads(line)
            for name in ("at", "since", "until"):
                if name in row:
                    row[name] = datetime.fromisoformat(row[name])
            yield Record(**row)


def events(records: Sequence[Record]) -> tuple[Event, ...]:
    """The events of a log, in the order they began; a state told again is no new event."""
    open_: dict[str, Event] = {}
    found: list[Event] = []
    seen: dict[str, Record] = {}
    for record in records:
        if record.kind == "acknowledged":
            seen[record.event] = record
        if record.kind != "state":
            continue
        since = record.since or record.at
        before = open_.get(record.camera)
        if before is not None and before.state == record.state:
            continue
        if before is not None:
            found.append(Event(before.camera, before.state, before.since, max(since, before.since), before.measure))
        open_[record.camera] = Event(record.camera, record.state, since, None, record.measure)
    every = sorted([*found, *open_.values()], key=lambda event: (event.since, event.camera))
    return tuple(Event(event.camera, event.state, event.since, event.until, event.measure, seen.get(event.id)) for event in every)


def clock_events(records: Sequence[Record]) -> tuple[Event, ...]:
    """The stretches of a log in which a camera's own clock was off, in the order they began."""
    open_: dict[str, Event] = {}
    found: list[Event] = []
    seen = {record.event: record for record in records if record.kind == "acknowledged"}
    for record in records:
        if record.kind != "clock":
            continue
        if record.state == "off":
            open_.setdefault(record.camera, Event(record.camera, CLOCK_OFF, record.at, None, record.measure))
        elif (begun := open_.pop(record.camera, None)) is not None:
            found.append(Event(begun.camera, CLOCK_OFF, begun.since, record.at, begun.measure))
    every = sorted([*found, *open_.values()], key=lambda event: (event.since, event.camera))
    return tuple(Event(event.camera, event.state, event.since, event.until, event.measure, seen.get(event.id)) for event in every)


def acknowledge(log: EventLog, city: str, event: str, *, by: str, note: str, at: datetime) -> Record:
    """Write down that someone has seen an event.

    Parameters
    ----------
    event: the event's id. by: who. note: what is done about it.

    Raises
    ------
    InputError: `event.unknown`; `event.note` for one without a note or longer than 2,000 letters.
    """
    note = " ".join(note.split())
    if not 0 < len(note) <= 2000:
        raise InputError.one("event.note", "An acknowledgement needs a note", "Write what is done about it, in up to 2,000 letters", note[:80])
    records = log.records(city)
    if event not in {one.id for one in (*events(records), *clock_events(records))}:
        raise InputError.one("event.unknown", "There is no such event", "Reload the page", event)
    record = Record("acknowledged", at, camera=event.rpartition("@")[0], event=event, by=by, note=note)
    log.append(city, record)
    return record


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
    unwatched = _gaps([record.at for record in records if record.kind in {"watching", "state"}], since, until, settings.beat_s * _MISSED_BEATS)
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


def _gaps(beats: Iterable[datetime], since: datetime, until: datetime, longest_s: float) -> list[Span]:
    """Where the log is silent for longer than a working watch would be, within a time."""
    gaps: list[Span] = []
    before: datetime | None = None
    for beat in sorted({beat.astimezone(UTC) for beat in beats}):
        if before is None:
            gaps.append((min(since, beat), beat))
        elif (beat - before).total_seconds() > longest_s:
            gaps.append((before, beat))
        before = beat
    if before is None:
        return [(since, until)]
    if (until - before).total_seconds() > longest_s:
        gaps.append((before, until))
    return _within(gaps, since, until)
