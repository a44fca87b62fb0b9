"""What people change in a plan by hand: cameras moved, turned, added, taken away; and sheets of such changes, kept with their city.

A camera's id says all of it: site, model, lens, bearing, height, as in j-552341-2443120/bullet-4mp/0@90.0/6. A camera need not stand at one of the
city's sites: h-552341-2443120 is a place set by hand, at that whole metre east and north in the city's CRS (`planning.sites` says what may stand
there, and what it is taken to cost).

A change names the camera that was and the one that is now; one of them is "" where a camera is added or taken away. A sheet holds all changes of a
plan, those taken back too, and how many of them count by now: undoing and redoing moves that number alone. A sheet never changes: one more change
is another sheet, whose id is the hash of its content, so an address that names one stays true for whoever has it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from planning.city import City
from planning.errors import ChaukasError, Fault, FileRefused, InputError, ScenarioError
from planning.files import atomic_path, local_file
from planning.nouns import Scenario

VERSION = 1
MOST_EDITS = 1_000
HAND_MADE = "hand-made"  # the status of a plan as people made it
_CAMERA_ID = re.compile(r"(?P<site>[^/]+)/(?P<model>[^/]+)/(?P<lens>\d+)@(?P<bearing>\d+(?:\.\d+)?)/(?P<height>\d+(?:\.\d+)?)")
_PLACED = re.compile(r"h-(-?\d{1,9})-(-?\d{1,9})")
_NAME = re.compile(r"(?P<id>[0-9a-f]{12})-(?P<at>\d{1,4})")
_LARGEST = 1_000_000  # bytes


def camera_id(site: str, model: str, lens: int, bearing_deg: float, height_m: float) -> str:
    """The name a camera keeps as long as site, model, lens, bearing (to 0.1 deg) and height stay."""
    return f"{site}/{model}/{lens}@{round(bearing_deg, 1) % 360:.1f}/{height_m:g}"


def parse_camera_id(text: str) -> re.Match[str] | None:
    """The parts of a camera id: site, model, lens, bearing, height; None where it is none."""
    return _CAMERA_ID.fullmatch(text)


def placed_spot(site: str) -> tuple[int, int] | None:
    """Where a place set by hand lies, in whole metres of the city's CRS; None for the city's own sites."""
    match = _PLACED.fullmatch(site)
    return (int(match[1]), int(match[2])) if match else None


def placed_spots(cameras: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """The places set by hand that these cameras stand at, each once, sorted."""
    return tuple(sorted({spot for camera in cameras if (spot := placed_spot(camera.split("/", maxsplit=1)[0])) is not None}))


@dataclass(frozen=True)
class Edit:
    """One change: the camera that was, "" where one is added; and the one that is now, "" where one is taken away."""

    was: str
    now: str


@dataclass(frozen=True)
class Handmade:
    """The changes made in a plan by hand; the first `at` of them count, the others were undone.

    Raises
    ------
    ScenarioError: `hand.sheet` where the parts do not fit together.
    """

    plan: str
    edits: tuple[Edit, ...] = ()
    at: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.at <= len(self.edits) <= MOST_EDITS or any(edit.was == edit.now for edit in self.edits):
            what = f"These changes do not fit together; a sheet holds {MOST_EDITS} at most"
            raise ScenarioError.one("hand.sheet", what, "Begin again from the plan", f"{self.at} of {len(self.edits)}")

    @property
    def id(self) -> str:
        """Twelve hex digits of the SHA-256 over plan and changes."""
        content = json.dumps([self.plan, [(edit.was, edit.now) for edit in self.edits]], ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        """How an address names the sheet and how many of its changes count; "" where there is no change at all."""
        return f"{self.id}-{self.at}" if self.edits else ""

    @property
    def counted(self) -> tuple[Edit, ...]:
        """The changes that count."""
        return self.edits[: self.at]

    def then(self, edit: Edit) -> Handmade:
        """With one more change; those undone before it are gone."""
        return Handmade(self.plan, (*self.counted, edit), self.at + 1)

    def undone(self) -> Handmade:
        """Without the last change that counts, where there is one."""
        return dataclasses.replace(self, at=max(self.at - 1, 0))

    def redone(self) -> Handmade:
        """With the next of the undone changes, where there is one."""
        return dataclasses.replace(self, at=min(self.at + 1, len(self.edits)))

    def applied(self, cameras: Iterable[str]) -> tuple[str, ...]:
        """The plan's cameras (ids) after the changes; a changed one stays in its place in the row, added ones come last.

        Raises
        ------
        ScenarioError: `hand.camera` where a change names a camera that is not there, `hand.twice` where one would stand twice.
        """
        place = {camera: number for number, camera in enumerate(dict.fromkeys(cameras))}
        for edit in self.counted:
            if edit.was and edit.was not in place:
                raise ScenarioError.one("hand.camera", "The plan has no such camera to change", "Name one of its cameras", edit.was)
            if edit.now in place:
                raise ScenarioError.one("hand.twice", "This very camera is in the plan already", "Move or turn it a little", edit.now)
            at = place.pop(edit.was) if edit.was else max(place.values(), default=-1) + 1
            if edit.now:
                place[edit.now] = at
        return tuple(sorted(place, key=place.__getitem__))


def around(scenario: Scenario, cameras: Iterable[str], handmade: Handmade) -> Scenario:
    """The same wish around what was made by hand: cameras moved, turned or added are kept, those taken away are forbidden.

    A hand's change goes before an older list: a kept camera that was changed is no longer kept as it was, a forbidden one put there is allowed.

    Parameters
    ----------
    cameras: ids of the plan's cameras before the changes.
    """
    if not handmade.counted:
        return scenario
    before = frozenset(cameras)
    came_from = {camera: camera for camera in before}
    gone = set()
    for edit in handmade.counted:
        origin = came_from.pop(edit.was, "") if edit.was else ""
        if edit.now:
            came_from[edit.now] = origin
        elif origin:
            gone.add(origin)
    keep = {camera for camera in scenario.keep if camera in came_from or camera not in before} | (set(came_from) - before)
    forbid = (set(scenario.forbid) | (gone - set(came_from))) - keep
    return dataclasses.replace(scenario, keep=tuple(sorted(keep)), forbid=tuple(sorted(forbid)))


def sheet_folder(city: City) -> Path:
    """Where a city's sheets are kept.

    Raises
    ------
    InputError: `city.folder` where the city has no folder.
    """
    if city.folder is None:
        raise InputError.one("city.folder", "This city has no folder to keep a sheet in", "Save the city first", city.name)
    return city.folder / "sheets"


def write_sheet(handmade: Handmade, city: City) -> Path:
    """Keep a sheet with its city; returns the file. One that is there already stays as it is."""
    target = sheet_folder(city) / f"{handmade.id}.json"
    if target.exists():
        return target
    content = {"version": VERSION, "plan": handmade.plan, "edits": [[edit.was, edit.now] for edit in handmade.edits]}
    try:
        with atomic_path(target) as scratch:
            scratch.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise InputError.one("export.failed", f"The file could not be written: {error}", "Check the folder and the space left", target) from None
    return target


def read_sheet(name: str, city: City) -> Handmade:
    """The sheet an address names.

    Raises
    ------
    InputError: `hand.unknown` where the city has none of that name.
    FileRefused: `hand.unreadable` where its file is damaged.
    """
    match = _NAME.fullmatch(name)
    path = sheet_folder(city) / f"{match['id']}.json" if match else None
    if match is None or path is None or not path.is_file():
        raise InputError.one("hand.unknown", "The changes of this address are not kept here", "Begin again from the plan", name)
    try:
        data = json.loads(local_file(path, largest=_LARGEST).read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}")
        edits = tuple(Edit(str(was), str(now)) for was, now in data["edits"])
        found = Handmade(str(data["plan"]), edits, min(int(match["at"]), len(edits)))
        if found.id != match["id"]:
            raise ValueError("its content is not what its name says")
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ChaukasError) as error:
        raise FileRefused.one("hand.unreadable", f"The changes cannot be read: {error}", "Begin again from the plan", path.name) from None
    return found


def read_changes(rows: Iterable[str], plan: str) -> Handmade:
    """Changes written as WAS=NOW, one a row, all counted; one side is left empty where a camera is added or taken away. Empty rows are nothing.

    Raises
    ------
    ScenarioError: `hand.form` for every row that is not one.
    """
    edits, faults = [], []
    for row in (text.strip() for text in rows):
        was, sign, now = (part.strip() for part in row.partition("="))
        if not row:
            continue
        wrong = not sign or was == now or any(text and parse_camera_id(text) is None for text in (was, now))
        if wrong:
            what = "A change is WAS=NOW, each a camera's id or nothing"
            faults.append(Fault("hand.form", what, "Write, for example, =h-552341-2443120/dome-5mp/0@90.0/6", row))
        else:
            edits.append(Edit(was, now))
    if faults:
        raise ScenarioError(faults)
    return Handmade(plan, tuple(edits), len(edits))
