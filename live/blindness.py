"""What a city does not see now because cameras are down, and which to bring back first.

    seen by all its cameras  -  seen by those that work  =  lost now

Two dead cameras that see one place lose it once: after the first is repaired the second brings only what the first does not see. The order of
repairs follows from that: at each step the camera that brings back most for its cost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy import sparse

from coverage.decks import raised
from coverage.matrix import build_matrix
from coverage.sight import Floats, Walls, build_walls, cast
from coverage.stretches import unseen_stretches
from coverage.terrain import read_terrain
from live.eyes import LEVEL, standing
from planning.catalogue import load_recipe
from planning.city import City
from planning.demand import build_demand
from planning.deployed import Deployment

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Vision:
    """What each deployed camera sees of what is worth seeing.

    `ids`: of the cameras; `seen`: csr bool (n_cameras, n_demand); `demand`: of `planning.demand`; `notes`: what was assumed.
    """

    ids: tuple[str, ...]
    seen: sparse.csr_matrix
    demand: gpd.GeoDataFrame
    notes: tuple[str, ...]

    @property
    def weight(self) -> Floats:
        """How much each point is worth (n_demand,)."""
        weight: Floats = self.demand["weight"].to_numpy(dtype=np.float64)
        return weight

    def rows(self, cameras: Collection[str]) -> npt.NDArray[np.int64]:
        """The rows of these cameras, in the order of `ids`; ids that are none of ours are passed over."""
        return np.flatnonzero(np.isin(np.array(self.ids, dtype=object), list(cameras)))


@dataclass(frozen=True)
class StreetLost:
    """A stretch of street lost from view: its name (empty where it has none) and class, ward, length [m], weight as a share of all, and its line."""

    name: str
    road_class: str
    ward: str
    length_m: float
    share: float
    line: shapely.LineString


@dataclass(frozen=True)
class WardLost:
    """A ward: the share of its own weight seen by all its cameras, and by those that work."""

    ward: str
    name: str
    before: float
    now: float


@dataclass(frozen=True)
class Step:
    """A repair: what it brings back as a share of all weight, its cost, the gain for each unit of cost, and what it alone would bring back now."""

    camera: str
    gain: float
    cost: float
    per_cost: float
    alone: float


@dataclass(frozen=True)
class Blindness:
    """Shares of all weight: `before` seen by all cameras, `now` by those that work. `streets` and `wards`: those that lost any, the most weight
    first; `repairs`: every camera that is down, in the order to bring them back.
    """

    before: float
    now: float
    streets: tuple[StreetLost, ...]
    wards: tuple[WardLost, ...]
    repairs: tuple[Step, ...]

    @property
    def lost(self) -> float:
        """The share of all weight out of view because cameras are down."""
        return self.before - self.now


def look_around(
    city: City, deployments: Sequence[Deployment], *, level: str = LEVEL, recipe: str = "balanced", spacing_m: float = 10.0, by_night: bool = False,
    walls: Walls | None = None,
) -> Vision:  # fmt: skip
    """What each deployed camera sees, by the same geometry that plans are made with.

    Parameters
    ----------
    level, recipe: keys of data/levels.toml and data/recipes.
    spacing_m: distance between points along a street [m].
    by_night: limits the reach to each model's night range.
    walls: the city's, where they are at hand.

    Raises
    ------
    CityError, ScenarioError: where nothing is worth seeing.
    """
    settings = load_recipe(recipe)
    demand = build_demand(city, settings, spacing_m=spacing_m)
    cameras = standing(city, deployments, level=level, by_night=by_night, target_m=float(settings.target_m))
    shape = (len(cameras.ids), len(demand))
    if not len(cameras.poses):
        return Vision(cameras.ids, sparse.csr_matrix(shape, dtype=bool), demand, cameras.notes)
    terrain = read_terrain(city)
    if walls is None:
        walls = build_walls(city["buildings"], (float(np.floor(city.area.bounds[0])), float(np.floor(city.area.bounds[1]))), terrain)
    targets = shapely.get_coordinates(demand.geometry.array).astype(np.float64)
    on_road = demand["road"].where(demand["kind"] == "road", "").to_numpy(object)
    decks = None if terrain is None else raised(terrain, city["roads"], targets, on_road)
    heads = cameras.poses.heads
    reach = max(head.far_m if walls.terrain is None else head.slant_m for head in heads)
    top = max(head.height_m for head in heads) + 1e-9
    z = demand["target_m"].to_numpy(dtype=np.float64)
    lines = cast(walls, cameras.points_m, targets, z, reach_m=reach, highest_m=top, deck_m=decks)
    by_pose = build_matrix(lines, cameras.poses, len(demand)).px_per_m.astype(bool)
    # A camera that reaches nothing has no pose: its row stays empty.
    poses = np.arange(len(cameras.poses))
    place = sparse.csr_matrix((np.ones(len(poses), dtype=bool), (cameras.poses.site, poses)), (shape[0], len(poses)))
    return Vision(cameras.ids, sparse.csr_matrix(place @ by_pose), demand, cameras.notes)


def seen_by(seen: sparse.csr_matrix, rows: npt.NDArray[np.int64]) -> Flags:
    """Which points these cameras see: csr bool (n_cameras, n_demand) and rows -> (n_demand,)."""
    flags = np.zeros(seen.shape[1], dtype=bool)
    flags[seen[rows].indices] = True
    return flags


def repair_order(
    seen: sparse.csr_matrix, weight: Floats, down: npt.NDArray[np.int64], cost: Floats
) -> list[tuple[int, float, float]]:  # fmt: skip
    """The cameras that are down in the order to bring them back: row, weight it brings back then, weight it alone would bring back now.

    Parameters
    ----------
    seen: csr bool (n_cameras, n_demand). weight: (n_demand,).
    down: rows of cameras that are down. cost: of each, above 0, in rupees, hours or whatever is scarce (n_down,).
    """
    up = np.setdiff1d(np.arange(seen.shape[0]), down)
    left = np.where(seen_by(seen, up), 0.0, weight)
    alone = [float(left[seen[row].indices].sum()) for row in down]
    waiting, order = list(range(len(down))), []
    while waiting:
        gains = [float(left[seen[down[k]].indices].sum()) for k in waiting]
        # Of equals the cheaper, then the first.
        best = max(range(len(waiting)), key=lambda n: (gains[n] / cost[waiting[n]], -cost[waiting[n]], -n))
        k = waiting.pop(best)
        order.append((int(down[k]), gains[best], alone[k]))
        left[seen[down[k]].indices] = 0.0
    return order


def blindness(vision: Vision, city: City, down: Collection[str], *, cost: Mapping[str, float] | None = None) -> Blindness:
    """What is lost because these cameras are down.

    Parameters
    ----------
    down: ids of cameras that do not work.
    cost: what bringing one back costs, by id, above 0, in rupees or hours; 1 where not given.
    """
    weight, total = vision.weight, float(vision.weight.sum()) or 1.0
    rows = vision.rows(down)
    every, working = np.arange(len(vision.ids)), np.setdiff1d(np.arange(len(vision.ids)), rows)
    before, now = seen_by(vision.seen, every), seen_by(vision.seen, working)
    price = np.array([float((cost or {}).get(vision.ids[row], 1.0)) for row in rows], dtype=np.float64)
    steps = tuple(
        Step(vision.ids[row], gain / total, each, gain / total / each, alone / total)
        for row, gain, alone in repair_order(vision.seen, weight, rows, price)
        for each in [float(price[int(np.searchsorted(rows, row))])]
    )
    return Blindness(
        float(weight[before].sum()) / total, float(weight[now].sum()) / total, _streets(vision, city, before & ~now, total),
        _wards(vision, city, before, now), steps,
    )  # fmt: skip


def _streets(vision: Vision, city: City, lost: Flags, total: float) -> tuple[StreetLost, ...]:
    if not lost.any():
        return ()
    names = {str(label): str(name) for label, name in city["wards"]["name"].items()}
    found = unseen_stretches(vision.demand, city["roads"], ~lost)
    return tuple(
        StreetLost(str(row.name or ""), row.road_class, names.get(row.ward, row.ward), float(row.length_m), float(row.weight) / total, row.geometry)
        for row in found.itertuples(index=False)
    )


def _wards(vision: Vision, city: City, before: Flags, now: Flags) -> tuple[WardLost, ...]:
    weight, ward = vision.weight, vision.demand["ward"].to_numpy(object)
    rows = []
    for label, name in city["wards"]["name"].items():
        mine = ward == label
        own = float(weight[mine].sum())
        lost = float(weight[mine & before & ~now].sum())
        if lost > 0:
            rows.append((lost, WardLost(str(label), str(name), float(weight[mine & before].sum()) / own, float(weight[mine & now].sum()) / own)))
    return tuple(row for _, row in sorted(rows, key=lambda pair: (-pair[0], pair[1].ward)))
