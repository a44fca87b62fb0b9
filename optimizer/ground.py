"""What every camera of a city is judged by under a scenario, wherever it stands: what is worth seeing and what it asks, walls and ground in the way,
and the cameras that stand already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy import sparse

from coverage.asked import Asked, meet
from coverage.decks import decks_of
from coverage.matrix import build_matrix
from coverage.poses import Head, farthest_m, make_heads
from coverage.sight import Floats, Sightlines, Walls, build_walls, cast
from coverage.standing import Standing, stand
from coverage.terrain import Terrain, read_terrain
from planning.catalogue import Recipe, load_levels, load_models, load_recipe
from planning.city import City
from planning.demand import build_demand
from planning.errors import Fault, ScenarioError
from planning.nouns import CameraModel, Scenario
from planning.purposes import ask_purposes
from planning.voices import weigh_suggestions

OFFERED_KINDS = ("fixed", "varifocal", "dome")  # what a scenario that names no model may use; PTZ and ANPR are bought for a purpose


@dataclass(frozen=True, eq=False)
class Ground:
    """What poses are judged by.

    `demand`: frame of `planning.demand`, with what points ask where the scenario has purposes; `models` by key; `px_per_m`: the coarsest that any
    point asks; `target_m`: the height heads take their targets to have; `asked`: None where all points ask alike; `deck_m` (n_demand,): of
    `coverage.decks`, None on flat ground; `standing`: existing cameras; `already` (n_demand,): from how many of their places each point is seen.
    """

    demand: gpd.GeoDataFrame
    models: dict[str, CameraModel]
    px_per_m: float
    target_m: float
    by_night: bool
    asked: Asked | None
    deck_m: Floats | None
    walls: Walls
    standing: Standing
    already: npt.NDArray[np.int64]

    def heads(self, heights_m: Sequence[float]) -> tuple[Head, ...]:
        """Every lens setting of every model at these heights; errors as `make_heads`."""
        return make_heads(list(self.models.values()), heights_m, self.px_per_m, by_night=self.by_night, target_m=self.target_m)

    def lines(self, points_m: Floats, ceiling_m: Floats, heads: Sequence[Head]) -> Sightlines:
        """What can be seen from each point (n, 2) by any of these heads, hung no higher than the point carries (n,)."""
        top = max(head.height_m for head in heads)
        lines = _cast(self.walls, self.demand, self.deck_m, points_m, np.minimum(ceiling_m, top) + 1e-9, heads)
        return lines if self.asked is None else meet(lines, self.asked, self.target_m)


def lay_ground(city: City, scenario: Scenario, *, demand: gpd.GeoDataFrame | None = None) -> Ground:
    """The ground of a city under a scenario.

    Parameters
    ----------
    demand: where the city's demand under this scenario is at hand, as in its plan.

    Raises
    ------
    ScenarioError: unknown models, level or recipe, a floor without wards, nothing to watch.
    """
    models, px_per_m, recipe = _wanted(city, scenario)
    if demand is None:
        demand = weigh_suggestions(city, build_demand(city, recipe, spacing_m=scenario.spacing_m), scenario)
        if scenario.purposes:
            demand = ask_purposes(city, demand, scenario.purposes, load_levels(), scenario.level)
    if not len(demand):
        raise ScenarioError.one("scenario.empty", "In this city there is nothing to watch", "Check the city: chaukas city check", city.name)
    asked = Asked.of(demand) if scenario.purposes else None
    if asked is not None:
        px_per_m = float(asked.px_per_m.min())  # as far as the least demanding point lets a camera see
    terrain = read_terrain(city)
    walls = build_walls(city["buildings"], (float(np.floor(city.area.bounds[0])), float(np.floor(city.area.bounds[1]))), terrain)
    decks = decks_of(terrain, city["roads"], demand)
    by_night, target_m = scenario.by_night, float(recipe.target_m)
    standing = stand(city["cameras"], city["buildings"], load_models(), px_per_m, by_night=by_night, target_m=target_m)
    already = _look_around(standing, walls, demand, decks, asked, target_m)
    return Ground(demand, models, px_per_m, target_m, by_night, asked, decks, walls, standing, already)


def offered(catalogue: Mapping[str, CameraModel]) -> tuple[str, ...]:
    """The models a scenario that names none may use, in the catalogue's order."""
    return tuple(key for key, model in catalogue.items() if model.kind in OFFERED_KINDS)


def views_from(mounts_m: Floats, seen: sparse.csr_matrix) -> npt.NDArray[np.int64]:
    """From how many places each target is seen (n_targets,); mounts within the same metre are one place.

    Parameters
    ----------
    mounts_m: (n_cameras, 2) [m]. seen: csr (n_cameras, n_targets), what is not 0 is seen.
    """
    _, place = np.unique(np.round(mounts_m), axis=0, return_inverse=True)
    pairs = seen.tocoo()
    once = np.unique(np.stack([place.reshape(-1)[pairs.row], pairs.col]), axis=1)
    return np.bincount(once[1], minlength=seen.shape[1]).astype(np.int64)


def ground_notes(city: City, terrain: Terrain | None) -> tuple[str, ...]:
    """What is assumed of the ground, where there is terrain."""
    if terrain is None:
        return ()
    tilted = "each camera is tilted for the ground along its bearing"
    notes = [*terrain.notes, f"Roofs stand their building's height above the lowest corner of its footprint; {tilted}"]
    bridges = int(city["roads"]["bridge"].sum())
    if bridges:
        notes.append(
            f"{bridges} pieces of road are bridges: their decks are taken to run evenly between the ground at their ends, what is on them stands on "
            "the deck, and decks hide nothing"
        )
    return tuple(notes)


def _wanted(city: City, scenario: Scenario) -> tuple[dict[str, CameraModel], float, Recipe]:
    """The scenario's models, level and recipe from the catalogue; all that is unknown or cannot be asked of this city at once."""
    catalogue, levels = load_models(), load_levels()
    faults = [
        Fault("scenario.model", "This camera model is not in the catalogue", f"Choose among {', '.join(catalogue)}", key)
        for key in scenario.models
        if key not in catalogue
    ]
    if scenario.level not in levels:
        faults.append(Fault("scenario.level", "This level is not known", f"Choose among {', '.join(levels)}", scenario.level))
    if scenario.ward_floor > 0 and not len(city["wards"]):
        faults.append(
            Fault("scenario.floor", "This city has no wards, so none can have a floor", "Import it with --wards, or ask 0", str(scenario.ward_floor))
        )
    recipe = None
    try:
        recipe = load_recipe(scenario.recipe)
    except ScenarioError as error:
        faults.extend(error.faults)
    if faults or recipe is None:
        raise ScenarioError(faults)
    keys = scenario.models or offered(catalogue)
    return {key: catalogue[key] for key in keys}, levels[scenario.level].px_per_m, recipe


def _look_around(
    standing: Standing, walls: Walls, demand: gpd.GeoDataFrame, decks: Floats | None, asked: Asked | None, target_m: float
) -> npt.NDArray[np.int64]:  # fmt: skip
    """From how many places of existing cameras each target is seen; cameras within a metre share a place."""
    if not len(standing.poses):
        return np.zeros(len(demand), dtype=np.int64)
    top = max(head.height_m for head in standing.poses.heads)
    lines = _cast(walls, demand, decks, standing.points_m, top + 1e-9, standing.poses.heads)
    lines = lines if asked is None else meet(lines, asked, target_m)
    seen = build_matrix(lines, standing.poses, len(demand)).px_per_m
    return views_from(standing.points_m[standing.poses.site], seen)


def _cast(
    walls: Walls, demand: gpd.GeoDataFrame, decks: Floats | None, points_m: Floats, highest_m: Floats | float, heads: Sequence[Head]
) -> Sightlines:
    target_z = demand["target_m"].to_numpy(dtype=np.float64)
    return cast(walls, points_m, _xy(demand), target_z, reach_m=farthest_m(heads, walls), highest_m=highest_m, deck_m=decks)


def _xy(frame: gpd.GeoDataFrame) -> Floats:
    xy: Floats = shapely.get_coordinates(frame.geometry.array).astype(np.float64)
    return xy
