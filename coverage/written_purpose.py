"""What each camera is for, from what it mainly sees: the written purpose that EDPB Guidelines 3/2019 ask for, as data.

The weight it sees = crime + roads + places + residents + priority. The largest part is the purpose; where that is places, the kind of place there is
most of near what it sees says it more closely.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import cKDTree

from coverage.decks import decks_of
from coverage.matrix import build_matrix
from coverage.poses import farthest_m
from coverage.sight import Floats, Ints, Walls, cast
from coverage.standing import Standing
from planning.catalogue import NO_PURPOSE, PARTS, PurposeWords
from planning.city import City


@dataclass(frozen=True)
class WrittenPurpose:
    """What a camera is for, and the figures that say so.

    `key`: of data/written_purposes.toml, a part of demand, place.KIND, or none; `also`: other parts that weigh at least `second_share` of what it
    sees; `weight`: of all it sees, of a city's 1,000,000; `shares`: part -> share of that weight; `times`: part -> that share against the part's in
    the whole city, so 2 is twice the usual; `points`: how many demand points it sees; `road_class`: the class most of them lie on; `wards`: labels;
    `places`: kind -> how many near what it sees; `zones`: names of priority zones it looks into.
    """

    camera: str
    key: str
    also: tuple[str, ...]
    weight: float
    shares: Mapping[str, float]
    times: Mapping[str, float]
    points: int
    road_class: str
    wards: tuple[str, ...]
    places: Mapping[str, int]
    zones: tuple[str, ...]


def written_purposes(city: City, walls: Walls, cameras: Standing, demand: gpd.GeoDataFrame, settings: PurposeWords) -> tuple[WrittenPurpose, ...]:
    """The purpose of each camera, in their order.

    Parameters
    ----------
    cameras: those that stand, or a plan's, at the level they are meant for.
    demand: the frame of `planning.demand`.
    """
    xy: Floats = shapely.get_coordinates(demand.geometry.array).astype(np.float64)
    camera, point = _seen(walls, cameras, xy, demand["target_m"].to_numpy(dtype=np.float64), decks_of(walls.terrain, city["roads"], demand))
    ends = np.concatenate([[0], np.cumsum(np.bincount(camera, minlength=len(cameras.ids)))]).astype(np.int64)
    parts = np.column_stack([demand[f"part_{part}"].to_numpy(dtype=np.float64) for part in PARTS])
    places, zones = _places_near(city, xy, point, settings.places_within_m), _zones_of(city, xy, point)
    classes, wards = demand["road_class"].to_numpy(object), demand["ward"].to_numpy(object)
    found = []
    for row, label in enumerate(cameras.ids):
        seen = point[ends[row] : ends[row + 1]]
        kinds = Counter(str(city["places"]["kind"].iloc[place]) for place in sorted({place for k in seen for place in places.get(int(k), ())}))
        named = tuple(sorted({name for k in seen for name in zones.get(int(k), ())}))
        roads = Counter(str(name) for name in classes[seen] if name)
        around = tuple(sorted({str(ward) for ward in wards[seen] if ward}))
        found.append(_purpose(label, parts[seen].sum(axis=0), parts.sum(axis=0), kinds, settings, (len(seen), _first(roads), around, named)))
    return tuple(found)


def _purpose(
    label: str, amount: Floats, whole: Floats, kinds: Counter[str], settings: PurposeWords, rest: tuple[int, str, tuple[str, ...], tuple[str, ...]]
) -> WrittenPurpose:
    points, road_class, wards, zones = rest
    weight, total = float(amount.sum()), float(whole.sum())
    shares = {part: float(share) for part, share in zip(PARTS, amount / weight if weight > 0 else amount * 0, strict=True)}
    usual = whole / total if total > 0 else whole
    times = {part: shares[part] / float(share) if share > 0 else 0.0 for part, share in zip(PARTS, usual, strict=True)}
    key, also = NO_PURPOSE, tuple[str, ...]()
    if weight > 0:
        ranked = sorted(PARTS, key=lambda part: (-round(shares[part], 9), PARTS.index(part)))
        also = tuple(part for part in ranked[1:] if shares[part] > 0 and shares[part] >= settings.second_share)
        key = ranked[0]
        told = Counter({kind: count for kind, count in kinds.items() if f"place.{kind}" in settings.titles})
        if key == "places" and told:
            key = f"place.{_first(told)}"
    return WrittenPurpose(label, key, also, weight, shares, times, points, road_class, wards, dict(sorted(kinds.items())), zones)


def _first(counts: Counter[str]) -> str:
    """The most frequent, the first by name where several are; "" where there is none."""
    return min(counts, key=lambda name: (-counts[name], name)) if counts else ""


def _seen(walls: Walls, cameras: Standing, xy: Floats, z: Floats, deck: Floats | None) -> tuple[Ints, Ints]:
    """Which camera sees which demand point, in order of both, each pair once."""
    if not len(cameras.poses) or not len(xy):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    top = max(head.height_m for head in cameras.poses.heads)
    lines = cast(walls, cameras.points_m, xy, z, reach_m=farthest_m(cameras.poses.heads, walls), highest_m=top + 1e-9, deck_m=deck)
    seen = build_matrix(lines, cameras.poses, len(xy)).px_per_m
    pairs = np.unique(np.column_stack([np.repeat(cameras.poses.site, np.diff(seen.indptr)), seen.indices]).astype(np.int64), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _places_near(city: City, xy: Floats, point: Ints, within_m: float) -> dict[int, tuple[int, ...]]:
    """Rows of the places near each point that is seen."""
    rows = np.unique(point)
    if not len(city["places"]) or not len(rows):
        return {}
    tree = cKDTree(shapely.get_coordinates(city["places"].geometry.array))
    return {int(row): tuple(sorted(near)) for row, near in zip(rows, tree.query_ball_point(xy[rows], within_m), strict=True) if near}


def _zones_of(city: City, xy: Floats, point: Ints) -> dict[int, tuple[str, ...]]:
    """Names of the priority zones each point that is seen lies in; a zone without a name has its id."""
    zones = city["zones"][(city["zones"]["kind"] == "priority").to_numpy()]
    rows = np.unique(point)
    if not len(zones) or not len(rows):
        return {}
    names = [str(name) if name is not None else str(label) for name, label in zip(zones["name"], zones.index, strict=True)]
    zone, within = shapely.STRtree(shapely.points(xy[rows])).query(zones.geometry.to_numpy(), predicate="intersects")
    found: dict[int, tuple[str, ...]] = {}
    for k, at in zip(zone, within, strict=True):
        found[int(rows[at])] = (*found.get(int(rows[at]), ()), names[k])
    return found
