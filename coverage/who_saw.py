"""A question asked and answered: which cameras could have seen this place at that time, and which ways out they watch.

    latitude, longitude, time  ->  the place in metres, the sun  ->  cameras that see it, cameras that miss it, cameras on the ways out

What does not depend on the question is made ready once by `get_ready`; then an answer takes milliseconds.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyproj
import shapely

from coverage.leaving import Leaving, StreetViews, leave, street_views
from coverage.sight import Floats, Walls, build_walls
from coverage.standing import Standing, together
from coverage.terrain import read_terrain
from coverage.witness import Eyes, Miss, Sighting, open_eyes, witness
from planning.catalogue import load_levels, load_models
from planning.city import City
from planning.dates import read_dates
from planning.errors import Fault, InputError
from planning.nouns import Level
from planning.paces import WitnessSettings, load_witness
from planning.sun import SunTimes, sun_times
from planning.tags import DIGITS
from planning.walks import Ways, street_ways

MINUTES = 10.0
_LAST = datetime.datetime(2099, 12, 31)  # a plan may be asked about times to come


@dataclass(frozen=True, eq=False)
class Ready:
    """What answers stand on: walls, streets, and which street points each camera sees; `digest` and `cameras` say of which city and cameras."""

    digest: str
    cameras: Standing
    eyes: Eyes
    walls: Walls
    ways: Ways
    views: StreetViews
    levels: Mapping[str, Level]
    settings: WitnessSettings
    to_metres: pyproj.Transformer
    to_degrees: pyproj.Transformer
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Answer:
    """Who saw a place.

    `x_m`, `y_m`: the place looked at, `moved_m` from the one asked for; `when`: by the local clock, `zone_h` ahead of UTC; `sun`; `seen`: cameras
    that see it, by pixels a metre; `missed`: cameras near it that do not, the nearest first, and `more_missed` that are not listed; `leaving`: the
    ways out, one a pace; `roads`: names of roads by row; `notes`: sentences on what was assumed.
    """

    lat: float
    lon: float
    x_m: float
    y_m: float
    moved_m: float
    when: datetime.datetime
    zone_h: float
    minutes: float
    sun: SunTimes
    seen: tuple[Sighting, ...]
    missed: tuple[Miss, ...]
    more_missed: int
    leaving: tuple[Leaving, ...]
    roads: Mapping[int, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows to print: numbers are rounded, times are local clock times."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def get_ready(city: City, cameras: Standing, planned: Standing | None = None, *, walls: Walls | None = None) -> Ready:
    """What answers for these cameras stand on; made once.

    Parameters
    ----------
    cameras, planned: those that stand, and a plan's, of `coverage.standing`, by day, at the level each was planned for.
    walls: the city's, where they are at hand.

    Raises
    ------
    InputError: with every fault of a data file.
    """
    settings, levels = load_witness(), load_levels()
    groups = [cameras] if planned is None else [cameras, planned]
    flags = np.repeat([False, True][: len(groups)], [len(group.ids) for group in groups])
    everyone = together(*groups)
    if walls is None:
        walls = build_walls(city["buildings"], (float(np.floor(city.area.bounds[0])), float(np.floor(city.area.bounds[1]))), read_terrain(city))
    eyes = open_eyes(everyone, load_models(), flags, terrain=walls.terrain)
    ways = street_ways(city["roads"], settings.step_m)
    least = min(level.px_per_m for level in levels.values())
    views = street_views(walls, eyes, ways, height_m=settings.street_height_m, least_px_per_m=least)
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", city.crs, always_xy=True)
    to_degrees = pyproj.Transformer.from_crs(city.crs, "EPSG:4326", always_xy=True)
    shapely.prepare(city.area)
    for tree in (city["buildings"].sindex, ways.tree):  # trees are built at their first question
        tree.query(city.area.centroid)
    return Ready(city.digest, everyone, eyes, walls, ways, views, levels, settings, to_metres, to_degrees, everyone.notes)


def read_place(text: str) -> tuple[float, float]:
    """Latitude and longitude of a text such as 22.09,82.15.

    Raises
    ------
    InputError: `witness.place`.
    """
    match = re.fullmatch(r"\s*([+-]?\d+(?:\.\d+)?)\s*[,; ]\s*([+-]?\d+(?:\.\d+)?)\s*", text.translate(DIGITS))
    if match is None:
        raise InputError.one("witness.place", "This is no place", "Write latitude and longitude in degrees, as 22.0900,82.1500", text)
    return float(match[1]), float(match[2])


def who_saw(
    city: City, cameras: Standing, lat: float, lon: float, when: str | datetime.datetime, *, planned: Standing | None = None,
    minutes: float = MINUTES, zone_h: float | None = None, paces: Sequence[str] = (), ready: Ready | None = None,
) -> Answer:  # fmt: skip
    """Which cameras could have seen a place, and which ways out they watch.

    Parameters
    ----------
    cameras, planned: those that stand, and a plan's.
    lat, lon: of the place, WGS84 [deg].
    when: local clock time as people write it, or a datetime; one with a zone of its own is turned into local time.
    minutes: how long after to look along the ways out; 0 for not at all.
    zone_h: hours the local clock is ahead of UTC; by data/witness.toml or the longitude where None [h].
    paces: keys of data/witness.toml; all of them where empty.
    ready: of `get_ready`; one of another city or of other cameras is not used, and made here anew.

    Raises
    ------
    InputError: all faults at once: `witness.place`, `witness.area`, `witness.time`, `witness.minutes`, `witness.zone`, `witness.pace`.
    """
    if ready is None or not _fits(ready, city, cameras, planned):
        ready = get_ready(city, cameras, planned)
    settings = ready.settings
    faults: list[Fault] = []
    notes = list(ready.notes)
    xy = _place(city, ready, lat, lon, faults)
    zone = _zone(settings, lat, lon, zone_h, xy is not None, faults, notes)
    at = _time(when, zone, faults, notes)
    if not (isinstance(minutes, int | float) and math.isfinite(minutes) and 0 <= minutes <= settings.most_minutes):
        faults.append(Fault("witness.minutes", f"Minutes must lie between 0 and {settings.most_minutes:g}", "Use 10", str(minutes)))
    unknown = [key for key in paces if key not in settings.paces]
    if unknown:
        way_out = f"Choose among {', '.join(settings.paces)}"
        faults.append(Fault("witness.pace", "This way to leave is not known", way_out, ", ".join(map(str, unknown))[:200]))
    if faults or xy is None or at is None:
        raise InputError(faults)
    sun = sun_times(at, lat, lon, zone)
    points, moved = _spread(city, settings, ready.ways, xy, notes)
    seen, missed = witness(
        ready.walls, ready.eyes, points, settings.heights_m, ready.levels, night=sun.night, missed_within_m=settings.missed_within_m
    )
    x, y = float(points[0, 0]), float(points[0, 1])
    chosen = [settings.paces[key] for key in (paces or settings.paces)] if minutes > 0 and len(ready.ways.points_m) else []
    leaving = tuple(leave(ready.eyes, ready.ways, ready.views, x, y, pace, minutes, night=sun.night) for pace in chosen)
    _told(notes, seen, settings, sun)
    later = sun_times(at + datetime.timedelta(minutes=minutes), lat, lon, zone)
    if later.night != sun.night:
        notes.append(f"The sun {'sets' if later.night else 'rises'} within these minutes; the ways out are told as at the time asked for")
    rows = sorted({one.road for way in leaving for one in way.passing} | {one.road for way in leaving for one in way.unseen_on})
    names = city["roads"]["name"].to_numpy(object)
    labels = city["roads"].index
    roads = {row: str(names[row]) if names[row] is not None else str(labels[row]) for row in rows}
    return Answer(
        lat, lon, x, y, moved, at, zone, minutes, sun, seen, missed[: settings.most_missed], max(len(missed) - settings.most_missed, 0), leaving,
        roads, tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _fits(ready: Ready, city: City, cameras: Standing, planned: Standing | None) -> bool:
    """Whether what was made ready is of this city and these cameras: an answer must never be another's."""
    wanted, held = together(*([cameras] if planned is None else [cameras, planned])), ready.cameras
    count = 0 if planned is None else len(planned.ids)
    return (
        (ready.digest, held.ids, held.poses.heads) == (city.digest, wanted.ids, wanted.poses.heads)
        and int(ready.eyes.planned.sum()) == count
        and all(
            np.array_equal(a, b)
            for a, b in (
                (held.points_m, wanted.points_m), (held.poses.site, wanted.poses.site), (held.poses.head, wanted.poses.head),
                (held.poses.bearing_deg, wanted.poses.bearing_deg),
            )
        )
    )  # fmt: skip


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _place(city: City, ready: Ready, lat: float, lon: float, faults: list[Fault]) -> tuple[float, float] | None:
    """The place in metres; None and a fault where it is none, or lies outside the study area."""
    if not (_number(lat) and _number(lon) and abs(lat) <= 90 and abs(lon) <= 180):
        way_out = "Give latitude from -90 to 90 and longitude from -180 to 180, in degrees, as 22.0900,82.1500"
        faults.append(Fault("witness.place", "This is no place", way_out, f"{lat},{lon}"[:200]))
        return None
    x, y = ready.to_metres.transform(lon, lat)
    if math.isfinite(x) and math.isfinite(y) and shapely.intersects_xy(city.area, x, y):
        return float(x), float(y)
    turned = ready.to_metres.transform(lat, lon) if abs(lon) <= 90 else (math.inf, math.inf)
    way_out = "Give a place within it; latitude stands first"
    if all(map(math.isfinite, turned)) and shapely.intersects_xy(city.area, *turned):
        way_out = "Latitude stands first: these two are the wrong way round"
    faults.append(Fault("witness.area", f"The place lies outside the study area of {city.title}", way_out, f"{lat:.6f},{lon:.6f}"))
    return None


def _zone(
    settings: WitnessSettings, lat: float, lon: float, zone_h: float | None, placed: bool, faults: list[Fault], notes: list[str]
) -> float:  # fmt: skip
    if zone_h is not None:
        if _number(zone_h) and -12 <= zone_h <= 14:
            return float(zone_h)
        faults.append(Fault("witness.zone", "Hours ahead of UTC must lie between -12 and 14", "Use 5.5 in India, or leave it out", str(zone_h)))
        return 0.0
    if not placed:
        return 0.0
    hours, sentence = settings.zone_h(lat, lon)
    notes.append(sentence)
    return hours


def _time(when: str | datetime.datetime, zone_h: float, faults: list[Fault], notes: list[str]) -> datetime.datetime | None:
    """Local clock time without a zone; None and a fault where it cannot be read."""
    found: datetime.datetime | None = None
    text = str(when).translate(DIGITS).strip()
    way_out = "Write day and time, as 2026-11-20 22:30"
    if isinstance(when, datetime.datetime):
        found = when
    elif isinstance(when, str):
        # A day alone would be read as its midnight, which is night.
        if text and not re.search(r"\d[:h]\d|\d[t ]\d{3,6}|[ap]\.?m\b|hrs?\b|hours|बजे", text, re.IGNORECASE):
            faults.append(Fault("witness.time", "The time of day is missing", way_out, text[:200]))
            return None
        try:
            found = datetime.datetime.fromisoformat(text)
        except ValueError:
            dates = read_dates(pd.Series([text]), None, "the time", now=_LAST)
            found = None if pd.isna(dates.when.iloc[0]) else dates.when.iloc[0].to_pydatetime()
            notes.extend(dates.told)
    try:
        if found is not None and found.tzinfo is not None:
            found = found.astimezone(datetime.timezone(datetime.timedelta(hours=zone_h))).replace(tzinfo=None)
    except OverflowError:
        found = None
    if found is None or not 1950 <= found.year <= _LAST.year:
        faults.append(Fault("witness.time", "This time cannot be read", way_out, text[:200]))
        return None
    return found


def _spread(city: City, settings: WitnessSettings, ways: Ways, xy: tuple[float, float], notes: list[str]) -> tuple[Floats, float]:
    """The place and points around it that no wall parts from it (n, 2); and how far the place was moved out of a building [m]."""
    tree = city["buildings"].sindex
    x, y = xy
    moved = 0.0
    if len(city["buildings"]) and len(tree.query(shapely.Point(x, y), predicate="within")) and len(ways.lines):
        near = np.sort(ways.tree.query_nearest(shapely.Point(x, y)))[0]
        foot = shapely.get_coordinates(shapely.shortest_line(shapely.Point(x, y), ways.lines[near]))[1]
        moved = float(math.hypot(foot[0] - x, foot[1] - y))
        x, y = float(foot[0]), float(foot[1])
        notes.append(f"The place lies inside a building: its street was looked at, {moved:.0f} m away")
    turn = np.radians(np.arange(settings.points_around) * (360.0 / max(settings.points_around, 1)))
    ring = np.column_stack([x + settings.around_m * np.sin(turn), y + settings.around_m * np.cos(turn)])
    if len(ring) and len(city["buildings"]):
        lines = shapely.linestrings(np.stack([np.broadcast_to([x, y], ring.shape), ring], axis=1))
        parted = np.unique(tree.query(lines, predicate="intersects")[0])
        ring = np.delete(ring, parted, axis=0)
    return np.vstack([[[x, y]], ring]), moved


def _told(notes: list[str], seen: Sequence[Sighting], settings: WitnessSettings, sun: SunTimes) -> None:
    if sun.night:
        notes.append("It is night by the sun: each camera sees by its own light, as far as its data sheet says; street lamps count for nothing")
    blind = sum(one.off_axis_deg is None for one in seen)
    if blind:
        notes.append(f"{blind} of the cameras that see it have no bearing on record and are taken to look all round")
    turning = sum(one.turns for one in seen)
    if turning:
        notes.append(f"{turning} of them can turn and are counted by their home view; others that turn may have looked here")
    notes.append("Ways out follow the streets; at each fork every onward branch is taken to be equally likely, and nobody waits or turns back")
    notes.extend(settings.assumptions)


def tables(answer: Answer, settings: WitnessSettings | None = None) -> tuple[Table, ...]:
    """The answer as rows to print: `seen`, `missed`, `leaving`, each pace with its likeliest cameras, and `unseen`, roads reached past no camera."""
    settings = settings or load_witness()
    words = settings.reasons

    def clock(seconds: float) -> str:
        return f"{answer.when + datetime.timedelta(seconds=round(seconds)):%H:%M:%S}"

    def kind(planned: bool) -> str:
        return "planned" if planned else "existing"

    def degrees(value: float | None) -> str:
        return "" if value is None else f"{value:.0f}"

    seen = tuple(
        (one.camera, kind(one.planned), one.model, f"{one.px_per_m:.0f}", ", ".join(one.levels), f"{one.distance_m:.0f}", f"{one.bearing_deg:.0f}",
         degrees(one.off_axis_deg), f"{one.seen}/{one.tried}")
        for one in answer.seen
    )  # fmt: skip
    missed = tuple(
        (one.camera, kind(one.planned), one.model, f"{one.distance_m:.0f}", f"{one.bearing_deg:.0f}", "; ".join(words[key][0] for key in one.reasons),
         "" if one.clear_from_m is None else f"{one.clear_from_m:.1f}")
        for one in answer.missed
    )  # fmt: skip
    leaving = tuple(
        (one.camera, kind(one.planned), way.pace.key, clock(one.from_s), clock(one.to_s), f"{one.chance:.3f}", f"{one.first_m:.0f}",
         f"{one.px_per_m:.0f}", answer.roads[one.road])
        for way in answer.leaving for one in way.passing[: settings.most_cameras]
    )  # fmt: skip
    unseen = tuple(
        (way.pace.key, f"{one.chance:.3f}", answer.roads[one.road], f"{one.x_m:.1f}", f"{one.y_m:.1f}")
        for way in answer.leaving for one in way.unseen_on
    )  # fmt: skip
    return (
        Table("seen", ("camera", "kind", "model", "px_per_m", "levels", "distance_m", "bearing_deg", "off_axis_deg", "points"), seen),
        Table("missed", ("camera", "kind", "model", "distance_m", "bearing_deg", "why", "clear_from_m"), missed),
        Table("leaving", ("camera", "kind", "pace", "from", "to", "chance", "first_m", "px_per_m", "road"), leaving),
        Table("unseen", ("pace", "chance", "road", "x_m", "y_m"), unseen),
    )
