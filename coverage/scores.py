"""The scorecard by groups: wards, road classes, kinds of place, categories and hours of incidents; each before and after.

Wards and road classes are shares of weight. Places and incidents are shares of their number: each is taken to be in view where the nearest demand
point within the recipe's snap distance is; those farther from every point stay in the number and out of view.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from planning.errors import ScenarioError
from planning.geometry import Bools, Floats, Ints

HOURS = Path(__file__).resolve().parent.parent / "data" / "hours.toml"


@dataclass(frozen=True)
class Score:
    """One group: its key, how much it holds (`weight`, or a number of places or incidents), and the shares of that in view."""

    key: str
    weight: float
    before: float
    after: float


@dataclass(frozen=True)
class Night:
    """Which hours are night, from the first of night to the first of day, and where that is taken from."""

    first: int
    until: int
    source: str

    def __contains__(self, hour: int) -> bool:
        return (self.first <= hour < self.until) if self.first < self.until else (hour >= self.first or hour < self.until)


def load_night(path: str | Path = HOURS) -> Night:
    """The assumption on night hours, as in data/hours.toml.

    Raises
    ------
    ScenarioError: `night.hours`, where the two are no two different hours of a day.
    """
    with Path(path).open("rb") as stream:
        data = tomllib.load(stream)
    first, until = data.get("night_from"), data.get("night_until")
    if not (isinstance(first, int) and isinstance(until, int) and 0 <= first <= 23 and 0 <= until <= 23 and first != until):
        raise ScenarioError.one("night.hours", "Night is from one whole hour to another, 0 to 23", "Mend data/hours.toml", f"{first} to {until}")
    return Night(first, until, str(data.get("source", "")))


def grouped(labels: npt.NDArray[np.object_], weight: Floats, before: Bools, after: Bools) -> tuple[Score, ...]:
    """Shares of each label's weight in view, before and after, by label; labels that are empty or weigh nothing are left out. All (n,)."""
    texts = np.array([str(label) for label in labels], dtype=object)
    scores = []
    for key in sorted(set(texts) - {""}):
        mine = texts == key
        total = float(weight[mine].sum())
        if total > 0:
            shares = (float(weight[mine & seen].sum()) / total for seen in (before, after))
            scores.append(Score(key, total, *shares))
    return tuple(scores)


def by_ward(demand: gpd.GeoDataFrame, before: Bools, after: Bools) -> tuple[Score, ...]:
    """By ward label; points outside every ward are left out."""
    return grouped(demand["ward"].to_numpy(object), demand["weight"].to_numpy(np.float64), before, after)


def by_road_class(demand: gpd.GeoDataFrame, before: Bools, after: Bools) -> tuple[Score, ...]:
    """By class of the point's street; points of areas are left out."""
    return grouped(demand["road_class"].to_numpy(object), demand["weight"].to_numpy(np.float64), before, after)


def by_place_kind(demand: gpd.GeoDataFrame, places: gpd.GeoDataFrame, before: Bools, after: Bools, *, snap_m: float) -> tuple[Score, ...]:
    """By kind of place, of the number of places; `snap_m` as `Recipe.place_snap_m` [m]."""
    near = nearest_point(places, demand, snap_m=snap_m)
    return grouped(places["kind"].to_numpy(object), np.ones(len(places)), _at(near, before), _at(near, after))


def by_crime(demand: gpd.GeoDataFrame, incidents: gpd.GeoDataFrame, before: Bools, after: Bools, *, snap_m: float) -> tuple[Score, ...]:
    """By category, of the number of incidents; `snap_m` as `Recipe.crime_snap_m` [m]."""
    near = nearest_point(incidents, demand, snap_m=snap_m)
    return grouped(incidents["category"].to_numpy(object), np.ones(len(incidents)), _at(near, before), _at(near, after))


def by_hour(
    demand: gpd.GeoDataFrame, incidents: gpd.GeoDataFrame, day: tuple[Bools, Bools], night: tuple[Bools, Bools], *, hours: Night, snap_m: float
) -> tuple[Score, ...]:  # fmt: skip
    """By hour of day, "00" to "23", of the number of incidents: at night what is in view by the night range.

    Incidents without a time are left out, and so are those at midnight to the second, since a date without a time reads so.

    Parameters
    ----------
    day, night: for each demand point whether it is seen before and after, by the day's reach and by the night's (n_demand,).
    hours: which hours are night. snap_m: as `Recipe.crime_snap_m` [m].
    """
    when = incidents["when"]
    timed = (when.notna() & (when != when.dt.normalize())).to_numpy(bool)
    kept = incidents[timed]
    near, hour = nearest_point(kept, demand, snap_m=snap_m), kept["when"].dt.hour.to_numpy(np.int64)
    dark = np.array([int(value) in hours for value in hour], dtype=bool)
    before, after = (np.where(dark, _at(near, by_night), _at(near, by_day)) for by_day, by_night in zip(day, night, strict=True))
    return grouped(np.array([f"{value:02d}" for value in hour], dtype=object), np.ones(len(kept)), before, after)


def nearest_point(frame: gpd.GeoDataFrame, demand: gpd.GeoDataFrame, *, snap_m: float) -> Ints:
    """The row of the demand point nearest to each point of a frame, -1 where none lies within `snap_m` (n,)."""
    if not len(frame) or not len(demand):
        return np.full(len(frame), -1, dtype=np.int64)
    tree = cKDTree(shapely.get_coordinates(demand.geometry.array))
    away, row = tree.query(shapely.get_coordinates(frame.geometry.array))
    return np.where(away <= snap_m, row, -1).astype(np.int64)


def _at(row: Ints, seen: Bools) -> Bools:
    return np.append(seen, False)[row]
