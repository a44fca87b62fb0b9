"""Footage asked for and handed over: which cameras could have recorded a place and a time, what was given to whom, and that it is the same still.

    place, time  ->  cameras by witness, each with its recorder's page  ->  files with their SHA-256, who gave them, who received them

The ledger is append-only, and each line holds the SHA-256 of the line before: a line that was changed, taken out or put in later is found. The ledger
lies in the store, files that are handed over lie where they are; recording itself stays with the recorder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from coverage.who_saw import Ready, get_ready, who_saw
from live.eyes import standing
from planning.city import City
from planning.deployed import Deployment
from planning.errors import Fault, InputError
from planning.files import local_file
from planning.former import KeptInStore
from planning.store import Row, Writing, now

FIRST = "0" * 64
_UNREAD = ""  # the kind of a line that cannot be read
_LARGEST = 2_000_000_000_000


@dataclass(frozen=True)
class Wanted:
    """A camera that could have recorded it: how finely it sees the place [px/m], from how far [m], its recorder's page for the time, "" if none."""

    camera: str
    title: str
    px_per_m: float
    distance_m: float
    link: str


@dataclass(frozen=True)
class Asked:
    """A request for footage. Place in degrees, times with a zone; `case`: what the request belongs to; `notes`: what was assumed."""

    at: datetime
    by: str
    case: str
    reason: str
    lat: float
    lon: float
    begin: datetime
    end: datetime
    cameras: tuple[Wanted, ...]
    notes: tuple[str, ...]

    @property
    def id(self) -> str:
        """Twelve hex digits of the content's SHA-256."""
        return hashlib.sha256(_line("asked", self).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Given:
    """A file handed over: its name, size [bytes] and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class HandOver:
    """Files given on for a request: by whom, to whom, when."""

    at: datetime
    request: str
    by: str
    received_by: str
    files: tuple[Given, ...]
    note: str


Entry = Asked | HandOver


def ask(
    city: City, deployments: Sequence[Deployment], lat: float, lon: float, begin: datetime, end: datetime, *, at: datetime, by: str, reason: str,
    case: str = "", ready: Ready | None = None,
) -> Asked:  # fmt: skip
    """A request for footage of a place and a time, with the cameras that could have recorded it, the sharpest first.

    Parameters
    ----------
    begin, end: the time, with a zone; whether it was night is asked at both.
    at, by, reason: when it is asked, by whom, and why; a request without a person and a reason is none.
    ready: of `coverage.who_saw.get_ready` over these deployments; made here where None.

    Raises
    ------
    InputError: `evidence.time`, `evidence.reason`, and what `coverage.who_saw` refuses; all at once.
    """
    faults = []
    if begin.tzinfo is None or end.tzinfo is None or end <= begin:
        faults.append(Fault("evidence.time", "The time ends before it begins, or has no zone", "Give both ends", f"{begin} to {end}"))
    if not by.strip() or not reason.strip():
        faults.append(Fault("evidence.reason", "A request for footage names who asks and why", "Give both", f"{by} {reason}".strip()))
    if faults:
        raise InputError(faults)
    cameras = standing(city, deployments)
    ready = ready or get_ready(city, cameras)
    hung = {one.id: one for one in deployments}
    best: dict[str, Wanted] = {}
    notes: list[str] = []
    for when in (begin, end):
        answer = who_saw(city, cameras, lat, lon, when, minutes=0, ready=ready)
        notes += answer.notes
        for seen in answer.seen:
            if seen.camera not in best or best[seen.camera].px_per_m < seen.px_per_m:
                one = hung[seen.camera]
                link = recorder_link(one, begin, end)
                best[one.id] = Wanted(one.id, one.title or one.id, round(seen.px_per_m, 1), round(seen.distance_m, 1), link)
    ranked = sorted(best.values(), key=lambda one: (-one.px_per_m, one.camera))
    return Asked(at, by.strip(), case.strip(), reason.strip(), lat, lon, begin, end, tuple(ranked), tuple(dict.fromkeys(notes)))


def recorder_link(deployment: Deployment, begin: datetime, end: datetime) -> str:
    """The recorder's page for a time: its template with {start} and {end} filled in, times as ISO 8601; "" where it has none."""
    return deployment.feed.recorder.replace("{start}", quote(begin.isoformat(), safe="")).replace("{end}", quote(end.isoformat(), safe=""))


def weigh(paths: Iterable[str | Path]) -> tuple[Given, ...]:
    """Files with their size and SHA-256, read piece by piece.

    Raises
    ------
    FileRefused: one that is not there, empty, or not local.
    """
    given = []
    for path in paths:
        found, taken = local_file(path, largest=_LARGEST), hashlib.sha256()
        with found.open("rb") as stream:
            while piece := stream.read(1 << 20):
                taken.update(piece)
        given.append(Given(found.name, found.stat().st_size, taken.hexdigest()))
    return tuple(given)


class Ledger(KeptInStore):
    """The record of requests and hand-overs as rows of the store, each with its entry as one JSON line, chained by SHA-256 beside the audit."""

    former = "footage.jsonl"

    def add(self, city: str, entry: Entry) -> None:
        """Write an entry at the end.

        Raises
        ------
        InputError: `evidence.request` for a hand-over of no known request; `evidence.receiver` without who gives and who receives. StoreError.
        """
        name, asked = self._opened(city), isinstance(entry, Asked)
        request = entry.id if isinstance(entry, Asked) else entry.request
        with self._store().write(self._by, "live.footage_asked" if asked else "live.footage_given", request, {"city": name}) as tx:
            if isinstance(entry, HandOver):
                if tx.one("footage", city=name, kind="asked", request=request) is None:
                    raise InputError.one("evidence.request", "There is no such request for footage", "Ask first, or mend its id", request)
                if not (entry.by.strip() and entry.received_by.strip() and entry.files):
                    what = "A hand-over names who gives, who receives, and at least one file"
                    raise InputError.one("evidence.receiver", what, "Give all three", f"{entry.by} to {entry.received_by}")
            last = tx.rows("footage", order="-number", most=1, city=name)
            previous = _digest(last[0]["line"]) if last else FIRST
            kind = "asked" if asked else "handed"
            tx.add("footage", _row(name, last[0]["number"] + 1 if last else 1, _line(kind, entry, previous=previous), kind, request))

    def asked(self, city: str) -> tuple[Asked, ...]:
        """Every request, in the order asked. Raises InputError `evidence.unreadable`, where the ledger is damaged."""
        return tuple(entry for entry in self._entries(city, kind=("asked", _UNREAD)) if isinstance(entry, Asked))

    def handed(self, city: str, request: str) -> tuple[HandOver, ...]:
        """What was handed over for a request, in order: the chain of custody. Raises as `asked`."""
        return tuple(entry for entry in self._entries(city, kind="handed", request=request) if isinstance(entry, HandOver))

    def broken(self, city: str) -> int | None:
        """The first line whose chain does not hold, counted from 1; None where all do. Lines cut off at the end leave no trace here; the audit
        knows of them.
        """
        previous = FIRST
        for number, row in enumerate(self._rows(city), 1):
            try:
                said = json.loads(row["line"])
                holds = said["previous"] == previous and row["number"] == number and (row["kind"], row["request"]) == _named(said)
            except (ValueError, KeyError, TypeError):
                holds = False
            if not holds:
                return number
            previous = _digest(row["line"])
        return None

    def seal(self, city: str) -> str:
        """SHA-256 of the last line, which holds all before it: on paper it proves later that none was changed or cut off."""
        name = self._opened(city)
        with self._store().read() as tx:
            last = tx.rows("footage", order="-number", most=1, city=name)
        return _digest(last[0]["line"]) if last else FIRST

    def note_page(self, request: str, path: str | Path) -> str:
        """Write down that a request's page was made: a line of the audit with the file's name and its SHA-256, which is returned."""
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        with self._store().write(self._by, "live.footage_page", request, {"file": Path(path).name, "sha256": digest}):
            pass
        return digest

    @staticmethod
    def _fill(tx: Writing, path: Path) -> int:
        """Lines of a ledger's file as they stand, so that their chain and the seals that were printed of it hold on; a damaged one too."""
        number = 0
        for line in path.read_text(encoding="utf-8").split("\n"):
            if not line:
                continue
            number += 1
            try:
                kind, request = _named(json.loads(line))
            except (ValueError, KeyError, TypeError):
                kind, request = _UNREAD, ""
            tx.add("footage", _row(path.parent.name, number, line, kind, request))
        return number

    def _rows(self, city: str, **where: Any) -> list[Row]:
        name = self._opened(city)
        with self._store().read() as tx:
            return tx.rows("footage", order="number", city=name, **where)

    def _entries(self, city: str, **where: Any) -> list[Entry]:
        try:
            return [_entry(json.loads(row["line"])) for row in self._rows(city, **where)]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError.one("evidence.unreadable", f"The ledger of evidence is damaged: {error}", "Restore it from a backup", city) from None


def _row(city: str, number: int, line: str, kind: str, request: str) -> Row:
    return {"city": city, "number": number, "kind": kind, "request": request, "line": line, "created_at": now()}


def _named(said: dict[str, Any]) -> tuple[str, str]:
    """The kind of a line, and the request it is or belongs to."""
    entry = _entry(dict(said))
    return ("asked", entry.id) if isinstance(entry, Asked) else ("handed", entry.request)


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _line(kind: str, entry: Entry, **more: str) -> str:
    def plain(value: object) -> str:
        assert isinstance(value, datetime)
        return value.isoformat()

    return json.dumps({"kind": kind, **asdict(entry), **more}, sort_keys=True, ensure_ascii=False, default=plain)


def _entry(row: dict[str, Any]) -> Entry:
    kind = row.pop("kind")
    row.pop("previous")
    for name in ("at", "begin", "end"):
        if name in row:
            row[name] = datetime.fromisoformat(row[name])
    if kind == "handed":
        return HandOver(**{**row, "files": tuple(Given(**one) for one in row["files"])})
    return Asked(**{**row, "cameras": tuple(Wanted(**one) for one in row["cameras"]), "notes": tuple(row["notes"])})


def as_text(asked: Asked, handed: Sequence[HandOver]) -> str:
    """A request and its chain of custody, to be read and signed."""
    lines = [
        f"Request for footage {asked.id}", f"asked by    {asked.by}, {asked.at.isoformat()}", f"case        {asked.case or 'none given'}",
        f"reason      {asked.reason}", f"place       {asked.lat:.6f}, {asked.lon:.6f}",
        f"time        {asked.begin.isoformat()} to {asked.end.isoformat()}",
        f"cameras     {len(asked.cameras)} see the place",
    ]  # fmt: skip
    lines += [f"  {one.camera}  {one.title}  {one.px_per_m:g} px/m  {one.distance_m:g} m  {one.link}".rstrip() for one in asked.cameras]
    for number, one in enumerate(handed, 1):
        lines += ["", f"Hand-over {number}: {one.at.isoformat()}, from {one.by} to {one.received_by}{'; ' + one.note if one.note else ''}"]
        lines += [f"  {given.sha256}  {given.size:>12}  {given.name}" for given in one.files]
        lines += ["  signature of who gives ____________________    of who receives ____________________"]
    lines += ["", *(f"note: {note}" for note in asked.notes)]
    return "\n".join(lines)
