"""The log of what befell the cameras, as rows of the store: asked by city, camera and period, never read as a whole while the watch goes on.

Each record is sealed by the audit with the records written beside it. That the watch was at work is written every minute, and no audit seals that:
the stretch that goes on is a row of its own, which becomes a record when it is an hour long, or when a gap ends it.

    beats:   10:00 ──── now          events:  ... 09:00 ──── 10:00  watching    09:12  cam-4  dark    09:40  cam-4  live ...
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from live.health import health_settings
from live.pins import SHOWING
from live.uptime import CLOCK_OFF, MISSED_BEATS, Event, Record
from planning.access import Actor
from planning.engine import Range
from planning.errors import InputError
from planning.former import KeptInStore
from planning.store import Reading, Row, Writing

_STRETCH = timedelta(hours=1)
_PART = 500  # rows looked through at a time
_PLAIN = ("live", "never_seen")  # states that are no event


class EventLog(KeptInStore):
    """A log of every city; the watch writes as nobody. What was appended is on the disk when `append` returns."""

    former = "events.jsonl"

    def append(self, city: str, *records: Record) -> None:
        """Write records at the end. A state or a clock told again as it was is no new record.

        Raises
        ------
        CityError: `city.unknown`. StoreError: nothing was kept.
        """
        name = self._opened(city)
        told = [record for record in records if record.kind != "watching"]
        beats = [record.at for record in records if record.kind in {"watching", "state"}]
        if not told:
            with self._store().ticking() as tx:
                if _beat(tx, name, beats, sealed=False):
                    return
        action = "live.maintain" if told and told[0].kind == "maintenance" else "live.events"
        with self._store().write(self._by, action, name, {"records": len(told)}) as tx:
            _add(tx, name, told)
            _beat(tx, name, beats, sealed=True)

    def records(
        self, city: str, cameras: Collection[str] | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[Record]:
        """What was written, in its order; of a period what uptime is counted from: each camera's last state before it too, maintenance and
        watching that reach into it.

        Parameters
        ----------
        cameras: which cameras' records; all where None. since, until: the period, both or none.
        """
        name = self._opened(city)
        mine: dict[str, Any] = {"city": name} if cameras is None else {"city": name, "camera": (*cameras, "")}
        with self._store().read() as tx:
            if since is None or until is None:
                rows = tx.rows("events", order="number", **mine)
                return [*map(_record, rows), *_going(tx, name)]
            begin, end = _text(since), _text(until)
            rows = tx.rows("events", kind="state", since=Range(begin, end), **mine)
            for camera in cameras if cameras is not None else sorted(tx.values("events", "camera", city=name, kind="state")):
                rows += tx.rows("events", order="-since", most=1, city=name, kind="state", camera=camera, since=Range(below=begin))
            rows += tx.rows("events", kind="maintenance", since=Range(below=end), until=Range(begin), **mine)
            near = timedelta(seconds=health_settings().beat_s * MISSED_BEATS)
            rows += tx.rows("events", city=name, kind="watching", since=Range(below=end), until=Range(_text(since - near)))
            rows += tx.rows("events", order="since", most=1, city=name, kind="watching", since=Range(end))
            return [*map(_record, sorted(rows, key=lambda row: row["number"])), *_going(tx, name)]

    def latest(self, city: str, cameras: Collection[str], most: int) -> tuple[Event, ...]:
        """The latest events of these cameras that are no plain watching, the newest first, those of their clocks among them."""
        name = self._opened(city)
        with self._store().read() as tx:
            found = [*_latest(tx, name, "state", cameras, most), *_latest(tx, name, "clock", cameras, most)]
            found = sorted(found, key=lambda one: (one.since, one.camera), reverse=True)[:most]
            rows = tx.rows("events", order="number", city=name, kind="acknowledged", event=tuple(one.id for one in found))
        seen = {row["event"]: _record(row) for row in rows}
        return tuple(Event(one.camera, one.state, one.since, one.until, one.measure, seen.get(one.id)) for one in found)

    def acknowledge(self, city: str, event: str, *, by: Actor, note: str, at: datetime) -> Record:
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
        name, (camera, _, moment) = self._opened(city), event.removesuffix("/clock").rpartition("@")
        which = {"kind": "clock", "state": "off"} if event.endswith("/clock") else {"kind": "state"}
        try:
            since = _text(datetime.fromisoformat(moment))
        except (ValueError, OverflowError):
            since = ""
        record = Record("acknowledged", at, camera=camera, event=event, by=by.name or by.id, note=note)
        with self._store().write(by.id, "live.acknowledge", event[:200], {"city": name}) as tx:
            begun = tx.one("events", city=name, camera=camera, since=since, **which)
            if begun is None or _event(begun, None).id != event:
                raise InputError.one("event.unknown", "There is no such event", "Reload the page", event)
            _add(tx, name, [record])
        return record

    def showed(self, city: str) -> frozenset[str]:
        """Which cameras ever showed something."""
        name = self._opened(city)
        with self._store().read() as tx:
            return frozenset(tx.values("events", "camera", city=name, kind="state", state=tuple(SHOWING)))

    def clocks_off(self, city: str) -> dict[str, bool]:
        """Whether a camera's clock was off when it was told last; of those of which it was told."""
        name = self._opened(city)
        with self._store().read() as tx:
            cameras = tx.values("events", "camera", city=name, kind="clock")
            return {camera: _last(tx, name, "clock", camera) == "off" for camera in cameras}

    @staticmethod
    def _fill(tx: Writing, path: Path) -> int:
        """The records of a log's file; beats become stretches, so that their many lines are few rows. A line cut short is passed over."""
        city, beats, records, count = path.parent.name, list[datetime](), list[Record](), 0
        states: dict[tuple[str, str], str] = {}
        with path.open("rb") as stream:
            for record in _parsed(stream):
                count += 1
                if record.kind in {"watching", "state"}:
                    beats.append(record.at)
                if record.kind != "watching":
                    records.append(record)
                if len(records) >= _PART:
                    _add(tx, city, records, states)
                    records.clear()
        _add(tx, city, records, states)
        _beat(tx, city, beats, sealed=True)
        return count


def _add(tx: Writing, city: str, records: Sequence[Record], states: dict[tuple[str, str], str] | None = None) -> None:
    """Rows at the end of a city's log. `states`: what was told last by kind and camera, as far as the caller knows; kept up."""
    before = tx.rows("events", order="-number", most=1, city=city)
    number = before[0]["number"] if before else 0
    states = {} if states is None else states
    rows: list[Row] = []
    for record in records:
        if record.kind in {"state", "clock"}:
            which = (record.kind, record.camera)
            last = states[which] if which in states else _last(tx, city, *which)
            if record.state == (last or ("right" if record.kind == "clock" else "")):
                continue
            states[which] = record.state
        number += 1
        rows.append(_row(city, number, record))
    tx.add_all("events", rows)


def _last(tx: Reading, city: str, kind: str, camera: str) -> str:
    """What was told last of a camera; "" where nothing was."""
    found = tx.rows("events", order="-since", most=1, city=city, kind=kind, camera=camera)
    return str(found[0]["state"]) if found else ""


def _beat(tx: Writing, city: str, beats: Sequence[datetime], *, sealed: bool) -> bool:
    """Draw out the stretch that goes on; False, and nothing done, where a stretch has ended and the change is not one the audit seals."""
    if not beats:
        return True
    row = tx.one("beats", id=city)
    going = (_moment(row["since"]), _moment(row["until"])) if row else None
    *ended, going = _stretches(going, beats)
    if ended and not sealed:
        return False
    _add(tx, city, [Record("watching", until, since=since, until=until) for since, until in ended])
    told = {"since": _text(going[0]), "until": _text(going[1])}
    if row is None:
        tx.add("beats", {"id": city, **told})
    else:
        tx.change("beats", city, **told)
    return True


def _stretches(going: tuple[datetime, datetime] | None, beats: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Stretches of beats, none longer than an hour and with no longer silence in it than a working watch keeps; the last one goes on."""
    silence = timedelta(seconds=health_settings().beat_s * MISSED_BEATS)
    found = [going] if going else []
    for at in sorted(beats):
        if not found or at > found[-1][1] + silence:
            found.append((at, at))
        elif at < found[-1][0]:
            found.insert(-1, (at, at))
        elif at > found[-1][0] + _STRETCH:
            found.append((found[-1][1], at))
        else:
            found[-1] = (found[-1][0], max(found[-1][1], at))
    return found


def _going(tx: Reading, city: str) -> list[Record]:
    row = tx.one("beats", id=city)
    return [Record("watching", _moment(row["until"]), since=_moment(row["since"]), until=_moment(row["until"]))] if row else []


def _latest(tx: Reading, city: str, kind: str, cameras: Collection[str], most: int) -> list[Event]:
    """Events of states or of clocks from the newest backwards, each ended by the record that came after it."""
    found, ends = list[Event](), dict[str, datetime]()
    below: int | None = None
    while len(found) < most:
        rows = tx.rows("events", order="-number", most=_PART, city=city, kind=kind, number=Range(below=below))
        for row in rows:
            event = _event(row, ends.get(row["camera"]))
            ends[row["camera"]] = event.since
            if event.camera in cameras and row["state"] not in {*_PLAIN, "right"}:
                found.append(event)
        if len(rows) < _PART:
            break
        below = rows[-1]["number"]
    return found


def _event(row: Row, until: datetime | None) -> Event:
    since = _moment(row["since"])
    state = CLOCK_OFF if row["kind"] == "clock" else row["state"]
    return Event(row["camera"], state, since, until if until is None else max(since, until), row["measure"])


def _row(city: str, number: int, record: Record) -> Row:
    since = record.since or (record.at if record.kind in {"state", "clock"} else None)
    return {
        "city": city, "number": number, "kind": record.kind, "at": _text(record.at), "camera": record.camera, "state": record.state,
        "since": _text(since) if since else None, "until": _text(record.until) if record.until else None, "measure": record.measure,
        "event": record.event, "by": record.by, "note": record.note,
    }  # fmt: skip


def _record(row: Row) -> Record:
    since, until = (_moment(row[name]) if row[name] else None for name in ("since", "until"))
    return Record(row["kind"], _moment(row["at"]), row["camera"], row["state"], since, until, row["measure"], row["event"], row["by"], row["note"])


def _text(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _parsed(lines: Iterable[bytes]) -> Iterator[Record]:
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, InputError):
            row: dict[str, Any] = json.loads(line)
            for name in ("at", "since", "until"):
                if name in row:
                    row[name] = datetime.fromisoformat(row[name])
            yield Record(**row)
