"""Three years of made incidents: hot streets and a long tail of quiet ones, near repeats, seasons, days and hours.

A street's rate is a heavy-tailed chance of its own times its length and its kernel of nearby places; a share of incidents breeds another of its
kind near by within days (near repeat).
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from data.demo._ground import CRS, Floats, Ground, stream, to_mm
from data.demo._people import kerb_points
from data.demo._streets import Network

INCIDENTS = 3_000
FIRST_DAY, DAYS = np.datetime64("2023-01-01", "us"), 1096  # 2023 to 2025, one leap year
SPREAD_M = 130.0  # of a place's pull


@dataclass(frozen=True)
class Habit:
    """How a category happens: share of all, weight by month and by six hours-of-day blocks, pull of places, share of near repeats."""

    share: float
    months: tuple[float, ...]
    hours: tuple[float, ...]  # 0-4, 4-8, 8-12, 12-16, 16-20, 20-24
    pulls: dict[str, float]
    repeats: float


_EVEN = (1.0,) * 12
_FESTIVAL = (1.0, 0.9, 1.1, 1.0, 1.0, 0.9, 0.8, 1.0, 1.2, 1.7, 1.7, 1.1)
_SUMMER = (0.8, 0.8, 1.0, 1.4, 1.7, 1.5, 0.9, 0.8, 0.8, 1.0, 1.1, 0.9)
HABITS = {
    "theft": Habit(0.36, _FESTIVAL, (0.4, 0.5, 1.2, 1.4, 2.0, 0.9), {"market": 7.0, "bus_station": 8.0, "railway_station": 9.0, "cinema": 2.0}, 0.08),
    "vehicle_theft": Habit(0.24, _FESTIVAL, (1.2, 0.5, 0.9, 1.1, 1.6, 1.7), {"market": 4.0, "hospital": 3.0, "cinema": 3.5, "bank": 1.2}, 0.08),
    "burglary": Habit(0.13, _SUMMER, (2.6, 0.8, 0.5, 0.9, 0.6, 0.9), {}, 0.22),
    "robbery": Habit(0.03, _EVEN, (1.6, 0.6, 0.4, 0.6, 1.2, 2.4), {"alcohol": 5.0, "atm": 2.0, "railway_station": 5.0}, 0.06),
    "chain_snatching": Habit(0.05, _FESTIVAL, (0.1, 2.0, 1.0, 0.6, 2.2, 0.9), {"worship": 2.0, "market": 3.0, "bank": 1.0}, 0.10),
    "assault": Habit(0.11, _SUMMER, (1.2, 0.3, 0.5, 0.7, 1.4, 2.9), {"alcohol": 9.0, "railway_station": 3.0, "market": 1.5}, 0.05),
    "harassment": Habit(0.08, _EVEN, (0.2, 0.8, 1.3, 1.6, 2.2, 1.0), {"college": 7.0, "school": 3.0, "bus_station": 7.0, "cinema": 3.0}, 0.05),
}
_ROAD = {
    "trunk": 0.8, "primary": 1.5, "secondary": 1.4, "tertiary": 1.1, "residential": 0.9, "living_street": 1.0, "unclassified": 0.6, "service": 0.4,
    "footway": 0.5, "track": 0.08,
}  # fmt: skip


def make_incidents(ground: Ground, network: Network, places: gpd.GeoDataFrame, homes: Floats) -> gpd.GeoDataFrame:
    """Incidents on or beside the carriageways; `homes` is the lived-in floor area near each road piece [m2]."""
    rng = stream("incidents")
    total = round(INCIDENTS * ground.scale**2)
    lengths = shapely.length(network.lines)
    middles = shapely.line_interpolate_point(network.lines, 0.5, normalized=True)
    luck = rng.lognormal(0.0, 1.15, len(lengths)) * np.array([_ROAD[str(name)] for name in network.classes]) * ~network.roads["bridge"].to_numpy()
    rows: list[tuple[str, int, float]] = []
    for category, habit in HABITS.items():
        pull = 0.15 + 0.85 * homes / homes.mean()
        for kind, strength in habit.pulls.items():
            pull = pull + strength * _near(middles, np.asarray(places.geometry[places["kind"] == kind].array))
        rate = luck * pull * lengths
        wanted = round(total * habit.share)
        first = max(1, round(wanted * (1 - habit.repeats)))
        struck = rng.choice(len(rate), first, p=rate / rate.sum())
        days = _days(habit, first, rng)
        rows += [(category, int(road), float(day)) for road, day in zip(struck, days, strict=True)]
        rows += _repeats(category, struck, days, wanted - first, middles, rng)
    return _frame(rows, network, rng)


def _near(middles: NDArray[np.object_], spots: NDArray[np.object_]) -> Floats:
    """How near each street's middle lies to the nearest of these places: 1 at it, falling off over `SPREAD_M`."""
    if not len(spots):
        return np.zeros(len(middles))
    nearest = shapely.STRtree(spots).nearest(middles)
    near: Floats = np.exp(-((shapely.distance(middles, spots[nearest]) / SPREAD_M) ** 2))
    return near


def _days(habit: Habit, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Days since the first, by the category's months."""
    dates = FIRST_DAY + np.arange(DAYS) * np.timedelta64(1, "D")
    month = dates.astype("datetime64[M]").astype(np.int64) % 12
    weight = np.array(habit.months)[month]
    days: NDArray[np.int64] = rng.choice(DAYS, count, p=weight / weight.sum())
    return days


def _repeats(
    category: str, struck: NDArray[np.int64], days: NDArray[np.int64], count: int, middles: NDArray[np.object_], rng: np.random.Generator
) -> list[tuple[str, int, float]]:
    """Followers of incidents of the kind: within 200 m and a fortnight, most of them sooner and nearer; the period's end is not passed."""
    leaders = rng.choice(np.flatnonzero(days < DAYS - 15), count)
    lag = np.minimum(1 + rng.geometric(0.25, count), 14)
    tree = shapely.STRtree(middles)
    rows = []
    for leader, days_on, reach in zip(leaders, lag, rng.uniform(20, 200, count), strict=True):
        near = np.sort(tree.query(middles[struck[leader]], predicate="dwithin", distance=reach))
        rows.append((category, int(rng.choice(near)), float(days[leader] + days_on)))
    return rows


def _frame(rows: list[tuple[str, int, float]], network: Network, rng: np.random.Generator) -> gpd.GeoDataFrame:
    categories = np.array([row[0] for row in rows], dtype=object)
    roads, days = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    hours = np.zeros(len(rows))
    for category, habit in HABITS.items():
        mine = np.flatnonzero(categories == category)
        blocks = rng.choice(6, len(mine), p=np.array(habit.hours) / sum(habit.hours))
        hours[mine] = 4 * blocks + 4 * rng.random(len(mine))
    minutes = np.floor(hours * 60 / 5) * 5  # as reports are written, to five minutes
    when = FIRST_DAY + days.astype(np.int64) * np.timedelta64(1, "D") + minutes.astype(np.int64) * np.timedelta64(1, "m")
    at = rng.random(len(rows)) * shapely.length(network.lines[roads])
    beyond = rng.uniform(-1.0, 1.0, len(rows))
    points = kerb_points(network, roads, at, np.sign(beyond), 0.0)
    centre = shapely.get_coordinates(shapely.line_interpolate_point(network.lines[roads], at))
    kerb = shapely.get_coordinates(points)
    spots = to_mm(shapely.points(centre + (kerb - centre) * (1.3 * np.abs(beyond))[:, None]))
    order = np.lexsort((categories.astype(str), when))
    return gpd.GeoDataFrame(
        {"category": categories[order], "when": when[order]}, index=[f"i{number:05d}" for number in range(len(rows))], geometry=spots[order], crs=CRS
    )
