"""What a question after witnesses takes for granted, from data/witness.toml: where to look, how fast people leave, and what the clock says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from planning.datafile import DATA, Table, read_tables, refuse
from planning.frames import ROAD_CLASSES

# Why a camera misses a place; data/witness.toml words each.
REASONS = ("blocked", "reach", "outside", "blind", "dark")


@dataclass(frozen=True)
class Pace:
    """How fast people leave: `slow_kmh` to `fast_kmh`, and the road classes they do not use."""

    key: str
    title: str
    title_hi: str
    slow_kmh: float
    fast_kmh: float
    not_on: tuple[str, ...]
    source: str
    assumed: bool


@dataclass(frozen=True)
class Clock:
    """The official time of a box of latitude and longitude [deg]: hours ahead of UTC."""

    key: str
    lat: tuple[float, float]
    lon: tuple[float, float]
    hours: float
    source: str


@dataclass(frozen=True)
class WitnessSettings:
    """What data/witness.toml says.

    `around_m`, `points_around`: points looked at besides the place itself; `heights_m`: of what is looked for; `missed_within_m`, `most_missed`:
    which cameras that see nothing are told; `step_m`, `street_height_m`, `most_minutes`: of ways out; `most_cameras`: printed of each pace; `paces`,
    `clocks` by key; `reasons`: key -> title and Hindi title; `assumptions`: a sentence each.
    """

    around_m: float
    points_around: int
    heights_m: tuple[float, ...]
    missed_within_m: float
    most_missed: int
    step_m: float
    street_height_m: float
    most_minutes: float
    most_cameras: int
    paces: Mapping[str, Pace]
    clocks: Mapping[str, Clock]
    reasons: Mapping[str, tuple[str, str]]
    assumptions: tuple[str, ...]

    def zone_h(self, lat: float, lon: float) -> tuple[float, str]:
        """Hours a place's clock is ahead of UTC, and a sentence that says how it is known."""
        for clock in self.clocks.values():
            if clock.lat[0] <= lat <= clock.lat[1] and clock.lon[0] <= lon <= clock.lon[1]:
                return clock.hours, f"Clock taken to be {_utc(clock.hours)}: {clock.source}"
        hours = float(round(lon / 15.0))
        return hours, f"Clock assumed to be {_utc(hours)}, from the longitude alone; official time may differ"


def _utc(hours: float) -> str:
    minutes = round(abs(hours) * 60)
    return f"UTC{'-' if hours < 0 else '+'}{minutes // 60}:{minutes % 60:02d}"


def load_witness(path: str | Path = DATA / "witness.toml") -> WitnessSettings:
    """The settings of a file.

    Raises
    ------
    InputError: with every fault of the file. FileRefused: no such file.
    """
    data, faults = read_tables(path)
    book = Table(Path(path).name, data, faults)
    place, streets = book.table("place"), book.table("streets")
    heights = place.take("heights_m")
    if not (isinstance(heights, list) and heights and all(isinstance(height, float) and 0 <= height <= 10 for height in heights)):
        place.fault("catalogue.type", "heights_m must be a list of metres from 0 to 10", heights)
        heights = [1.6]
    paces = {key: _pace(key, book) for key in _keys(book, "pace")}
    clocks = {key: _clock(key, book) for key in _keys(book, "clock")}
    reasons = {}
    words = book.table("reason")
    for key in REASONS:
        table = words.table(key)
        reasons[key] = (table.text("title"), table.text("title_hi"))
        table.close()
    words.close()
    told = [f"Assumed: {pace.title}, {pace.slow_kmh:g} to {pace.fast_kmh:g} km/h" for pace in paces.values() if pace.assumed]
    told += [f"Assumed: {name} of data/witness.toml" for name, table in (("place", place), ("streets", streets)) if table.flag("assumed")]
    settings = WitnessSettings(
        place.number("around_m", 0, 50), place.whole("points_around", 0, 64), tuple(heights), place.number("missed_within_m", 0, 5_000),
        place.whole("most_missed", 0, 10_000), streets.number("step_m", 1, 100), streets.number("height_m", 0, 10),
        streets.number("most_minutes", 1, 1_440), streets.whole("most_cameras", 1, 10_000), paces, clocks, reasons, tuple(told),
    )  # fmt: skip
    for table in (place, streets):
        table.text("source")
        table.close()
    book.close()
    refuse(faults, paces, path)
    return settings


def _keys(book: Table, group: str) -> tuple[str, ...]:
    value = book.take(group)
    return tuple(value) if isinstance(value, dict) else ()


def _pace(key: str, book: Table) -> Pace:
    table = book.table("pace").table(key)
    slow, fast = table.number("slow_kmh", 0.5, 200), table.number("fast_kmh", 0.5, 200)
    if fast < slow:
        table.fault("catalogue.value", "fast_kmh must be no less than slow_kmh", fast)
    not_on = table.texts("not_on")
    strange = sorted(set(not_on) - set(ROAD_CLASSES))
    if strange:
        table.fault("catalogue.value", f"not_on must hold road classes: {', '.join(ROAD_CLASSES)}", ", ".join(strange))
    pace = Pace(key, table.text("title"), table.text("title_hi"), slow, fast, not_on, table.text("source"), table.flag("assumed"))
    table.close()
    return pace


def _clock(key: str, book: Table) -> Clock:
    table = book.table("clock").table(key)
    box = []
    for name, most in (("lat", 90.0), ("lon", 180.0)):
        value = table.take(name)
        if not (isinstance(value, list) and len(value) == 2 and all(isinstance(end, float) and abs(end) <= most for end in value)):
            table.fault("catalogue.type", f"{name} must be two numbers of degrees", value)
            value = [0.0, 0.0]
        box.append((float(value[0]), float(value[1])))
    clock = Clock(key, box[0], box[1], table.number("hours", -12, 14), table.text("source"))
    table.flag("assumed")
    table.close()
    return clock
