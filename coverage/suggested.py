"""What a plan answers to people's suggestions: whether the place is in view, by which cameras and how finely; where not, the nearest camera and why.

    already      a camera that stands sees the place at the plan's level
    included     a camera of the plan does
    not          neither: the nearest cameras with what is in their way, and the zone the place lies in, where one bears on it

Seen is what `coverage.witness` sees by day, of a person's height, at the level the plan asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely

from coverage.poses import EYE_M
from coverage.sight import Floats, Walls, build_walls
from coverage.standing import planned, stand, step_out, together
from coverage.terrain import read_terrain
from coverage.witness import Eyes, Miss, Sighting, open_eyes, witness
from planning.catalogue import load_levels, load_models
from planning.city import City
from planning.nouns import Level, Plan

NEAR_M = 150.0  # cameras farther away are not told among those that miss
MOST = 5  # cameras told of each kind
KINDS = ("already", "included", "not")
_ZONES = ("no_view", "no_mount")  # that bear on an answer, the weightier first


@dataclass(frozen=True, eq=False)
class Lookout:
    """A city's cameras and a plan's, ready to be asked about places."""

    city: City
    walls: Walls
    eyes: Eyes
    level: Level


@dataclass(frozen=True)
class PinAnswer:
    """What a plan answers to one place.

    `key`: one of `KINDS`. `seen`: the cameras that see it, existing ones first, each kind by pixels a metre; `missed`: those near that do not, the
    nearest first. `zone`: no_view or no_mount where the place lies in such a zone, else empty. `x_m`, `y_m`: the place, moved out of a building where
    it lay in one.
    """

    key: str
    seen: tuple[Sighting, ...]
    missed: tuple[Miss, ...]
    zone: str
    x_m: float
    y_m: float


def look_out(city: City, plan: Plan, *, walls: Walls | None = None) -> Lookout:
    """The city's cameras and the plan's at the plan's level.

    Raises
    ------
    ScenarioError: `camera.model`, where cameras name models the catalogue lacks.
    """
    models, level = load_models(), load_levels()[plan.scenario.level]
    if walls is None:
        walls = build_walls(city["buildings"], (float(np.floor(city.area.bounds[0])), float(np.floor(city.area.bounds[1]))), read_terrain(city))
    standing = stand(city["cameras"], city["buildings"], models, level.px_per_m)
    new = planned(plan.cameras, models, level.px_per_m)
    flags = np.repeat([False, True], [len(standing.ids), len(new.ids)])
    return Lookout(city, walls, open_eyes(together(standing, new), models, flags, terrain=walls.terrain), level)


def to_metres(city: City, places: Sequence[tuple[float, float]]) -> Floats:
    """Places given as latitude and longitude [deg] in the city's CRS, moved out of buildings to just beside the nearest wall (n, 2) [m]."""
    turn = pyproj.Transformer.from_crs(4326, city.crs, always_xy=True)
    x, y = turn.transform([lon for _, lon in places], [lat for lat, _ in places])
    points = np.column_stack([x, y]).astype(np.float64).reshape(-1, 2)
    houses = city["buildings"].geometry.to_numpy()
    if not len(points) or not len(houses):
        return points
    inside = np.unique(shapely.STRtree(houses).query(shapely.points(points), predicate="within")[0]).astype(np.int64)
    roofs = city["buildings"]["height_m"].to_numpy(dtype=np.float64)
    return step_out(points, np.full(len(points), -1.0), houses, roofs, inside)


def answer_pins(lookout: Lookout, places: Sequence[tuple[float, float]]) -> tuple[PinAnswer, ...]:
    """The plan's answer to each place, given as latitude and longitude [deg]."""
    found = []
    for x, y in to_metres(lookout.city, places):
        point = np.array([[x, y]])
        seen, missed = witness(lookout.walls, lookout.eyes, point, [EYE_M], {lookout.level.key: lookout.level}, missed_within_m=NEAR_M)
        old, new = [one for one in seen if not one.planned], [one for one in seen if one.planned]
        key = "already" if old else "included" if new else "not"
        found.append(PinAnswer(key, (*old[:MOST], *new[:MOST]), missed[:MOST], _zone(lookout.city, float(x), float(y)), float(x), float(y)))
    return tuple(found)


def _zone(city: City, x: float, y: float) -> str:
    """The kind of the weightiest zone that bears on a place; empty where none does."""
    zones = city["zones"]
    here = set(zones["kind"][zones.geometry.intersects(shapely.Point(x, y)).to_numpy(bool)]) if len(zones) else set()
    return next((kind for kind in _ZONES if kind in here), "")
