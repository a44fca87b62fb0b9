"""A city under a scenario, surveyed once: what is worth seeing, where cameras could stand, and what each pose would see.

A survey depends on everything in a scenario but its money and rules, so one survey serves every budget.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely

from coverage.decks import raised
from coverage.matrix import CoverageMatrix, build_matrix
from coverage.poses import Aim, Head, Poses, make_heads, make_poses
from coverage.sight import Floats, Walls, build_walls, cast
from coverage.standing import Standing, stand
from coverage.terrain import Terrain, read_terrain
from planning.catalogue import Recipe, load_levels, load_models, load_prices, load_recipe
from planning.city import City
from planning.demand import build_demand
from planning.errors import Fault, ScenarioError
from planning.nouns import CameraModel, Scenario
from planning.progress import Progress
from planning.sites import build_sites, street_bearings

OFFERED_KINDS = ("fixed", "varifocal", "dome")  # what a scenario that names no model may use; PTZ and ANPR are bought for a purpose
_CAMERA_ID = re.compile(r"(?P<site>[^/]+)/(?P<model>[^/]+)/(?P<lens>\d+)@(?P<bearing>\d+(?:\.\d+)?)/(?P<height>\d+(?:\.\d+)?)")


@dataclass(frozen=True, eq=False)
class Survey:
    """What planning a city stands on.

    `key`: what it depends on, of `survey_key`; `demand`, `sites`: frames of `planning.demand` and `planning.sites`; `models` by key; `walls`;
    `poses` sorted by site; `matrix`: px/m (n_poses, n_demand); `standing`: existing cameras; `before` (n_demand,): seen by them; `notes`: what
    was assumed, imputed or left out; `stages_s`: seconds each stage took.
    """

    key: tuple[object, ...]
    demand: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    models: dict[str, CameraModel]
    walls: Walls
    poses: Poses
    matrix: CoverageMatrix
    standing: Standing
    before: np.ndarray[tuple[int], np.dtype[np.bool_]]
    notes: tuple[str, ...]
    stages_s: tuple[tuple[str, float], ...]

    def camera_id(self, pose: int) -> str:
        """The name a camera keeps as long as site, model, lens, bearing and height stay."""
        head = self.poses.heads[self.poses.head[pose]]
        return f"{self.sites.index[self.poses.site[pose]]}/{head.model}/{head.lens}@{self.poses.bearing_deg[pose]:.1f}/{head.height_m:g}"

    def row(self, camera: str) -> int | None:
        """The pose of that name, None where there is none."""
        site = self._site_rows.get(camera.split("/", maxsplit=1)[0], -1)
        first, last = np.searchsorted(self.poses.site, (site, site + 1)) if site >= 0 else (0, 0)
        return next((pose for pose in range(int(first), int(last)) if self.camera_id(pose) == camera), None)

    @cached_property
    def _site_rows(self) -> dict[str, int]:
        return {str(label): row for row, label in enumerate(self.sites.index)}

    def serves(self, city: City, scenario: Scenario) -> bool:
        """Whether this is the scenario's survey: made for it, or for the same wish with nothing kept while it offers all that is kept now."""
        bare = survey_key(city, dataclasses.replace(scenario, keep=()))
        return self.key == survey_key(city, scenario) or (self.key == bare and all(self.row(camera) is not None for camera in scenario.keep))


def offered(catalogue: Mapping[str, CameraModel]) -> tuple[str, ...]:
    """The models a scenario that names none may use, in the catalogue's order."""
    return tuple(key for key, model in catalogue.items() if model.kind in OFFERED_KINDS)


def survey_key(city: City, scenario: Scenario) -> tuple[object, ...]:
    """Equal keys, equal surveys."""
    return (
        city.digest,
        scenario.models,
        scenario.level,
        scenario.recipe,
        scenario.spacing_m,
        scenario.mount_heights_m,
        scenario.by_night,
        scenario.keep,
    )


def make_survey(city: City, scenario: Scenario, *, aim: Aim = Aim(), progress: Progress = Progress()) -> Survey:  # noqa: B008
    """Survey a city.

    Parameters
    ----------
    aim: which bearings are offered at each site.
    progress: told each stage; may stop the work.

    Raises
    ------
    ScenarioError: unknown models, level, recipe or kept cameras, a level no camera reaches, nothing to watch, or nowhere to mount.
    """
    clock = _Clock(progress)
    models, px_per_m, recipe = _wanted(city, scenario)
    clock.stage("demand", 0.05)
    demand = build_demand(city, recipe, spacing_m=scenario.spacing_m)
    clock.stage("sites", 0.15)
    sites = build_sites(city, load_prices())
    if not len(demand) or not len(sites):
        what = "nothing to watch" if not len(demand) else "nowhere to mount a camera"
        raise ScenarioError.one("scenario.empty", f"In this city there is {what}", "Check the city: chaukas city check", city.name)
    clock.stage("sight", 0.25)
    target_m = float(recipe.target_m)
    offered = make_heads(list(models.values()), scenario.mount_heights_m, px_per_m, by_night=scenario.by_night, target_m=target_m)
    heads = _kept_heads(scenario, models, offered, px_per_m, target_m)
    origin = (float(np.floor(city.area.bounds[0])), float(np.floor(city.area.bounds[1])))
    terrain = read_terrain(city)
    walls = build_walls(city["buildings"], origin, terrain)
    points, targets, target_z = _xy(sites), _xy(demand), np.full(len(demand), target_m)
    decks = None if terrain is None else raised(terrain, city["roads"], targets, demand["road"].where(demand["kind"] == "road", "").to_numpy(object))
    standing, before = _look_around(city, walls, targets, target_z, px_per_m, decks, by_night=scenario.by_night, target_m=target_m)
    reach, top = _reach(heads, walls), max(head.height_m for head in heads)
    ceiling = sites["max_height_m"].to_numpy(dtype=np.float64)
    lines = cast(walls, points, targets, target_z, reach_m=reach, highest_m=np.minimum(ceiling, top) + 1e-9, deck_m=decks)
    clock.stage("poses", 0.35)
    weight = np.where(before, 0.0, demand["weight"].to_numpy(dtype=np.float64))
    poses = make_poses(lines, offered, weight, ceiling, street_bearings(sites, city["roads"]), aim)
    poses = _with_kept(Poses(heads, poses.site, poses.head, poses.bearing_deg), scenario.keep, sites)
    clock.stage("matrix", 0.4)
    matrix = build_matrix(lines, poses, len(demand))
    stages = clock.end()
    notes = (*demand.attrs.get("notes", ()), *sites.attrs.get("notes", ()), *standing.notes, *_ground_notes(city, terrain))
    return Survey(survey_key(city, scenario), demand, sites, models, walls, poses, matrix, standing, before, tuple(map(str, notes)), stages)


class _Clock:
    """Tells each stage as it begins and keeps how long it took."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._name = ""
        self._began = time.monotonic()
        self._done: list[tuple[str, float]] = []

    def stage(self, name: str, share: float) -> None:
        self.end()
        self._name, self._began = name, time.monotonic()
        self._progress.step(name, share)

    def end(self) -> tuple[tuple[str, float], ...]:
        if self._name:
            self._done.append((self._name, time.monotonic() - self._began))
            self._name = ""
        return tuple(self._done)


def _xy(frame: gpd.GeoDataFrame) -> Floats:
    xy: Floats = shapely.get_coordinates(frame.geometry.array).astype(np.float64)
    return xy


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
    city: City, walls: Walls, targets: Floats, target_z: Floats, px_per_m: float, decks: Floats | None, *, by_night: bool, target_m: float
) -> tuple[Standing, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Existing cameras and what they see."""
    standing = stand(city["cameras"], city["buildings"], load_models(), px_per_m, by_night=by_night, target_m=target_m)
    if not len(standing.poses):
        return standing, np.zeros(len(targets), dtype=bool)
    reach = _reach(standing.poses.heads, walls)
    top = max(head.height_m for head in standing.poses.heads)
    lines = cast(walls, standing.points_m, targets, target_z, reach_m=reach, highest_m=top + 1e-9, deck_m=decks)
    seen = build_matrix(lines, standing.poses, len(targets)).px_per_m
    return standing, np.asarray(seen.getnnz(axis=0) > 0)


def _reach(heads: Sequence[Head], walls: Walls) -> float:
    """How far apart on the map a mount and what it sees can be [m]: on terrain the whole range, where a target lies as high as the mount."""
    return max(head.far_m if walls.terrain is None else head.slant_m for head in heads)


def _ground_notes(city: City, terrain: Terrain | None) -> tuple[str, ...]:
    """What is assumed of the ground, where there is terrain."""
    if terrain is None:
        return ()
    notes = [*terrain.notes, "Roofs stand their building's height above the lowest corner of its footprint; tilts are those for level ground"]
    bridges = int(city["roads"]["bridge"].sum())
    if bridges:
        notes.append(
            f"{bridges} pieces of road are bridges: their decks are taken to run evenly between the ground at their ends, what is on them stands on "
            "the deck, and decks hide nothing"
        )
    return tuple(notes)


def parse_camera_id(text: str) -> re.Match[str] | None:
    """The parts of a camera id: site, model, lens, bearing, height; None where it is none."""
    return _CAMERA_ID.fullmatch(text)


def _kept_heads(scenario: Scenario, models: dict[str, CameraModel], heads: tuple[Head, ...], px_per_m: float, target_m: float) -> tuple[Head, ...]:
    """The heads offered, and those of kept cameras whose height is not among them."""
    heights = {float(match["height"]) for match in map(parse_camera_id, scenario.keep) if match} - set(scenario.mount_heights_m)
    if not heights:
        return heads
    return heads + make_heads(list(models.values()), sorted(heights), px_per_m, by_night=scenario.by_night, target_m=target_m)


def _as_written(match: re.Match[str]) -> bool:
    """Whether bearing and height are written as `Survey.camera_id` writes them, so that one camera has one id."""
    bearing, height = float(match["bearing"]), float(match["height"])
    return bearing < 360 and (match["bearing"], match["height"]) == (f"{bearing:.1f}", f"{height:g}")


def _with_kept(poses: Poses, keep: tuple[str, ...], sites: gpd.GeoDataFrame) -> Poses:
    """The poses with every kept camera among them.

    Kept ids that are not as we write them, that name no site, model or lens here, or that hang above what the site carries are faults, all told at
    once.
    """
    if not keep:
        return poses
    rows = {str(label): row for row, label in enumerate(sites.index)}
    kinds = {(head.model, head.lens, f"{head.height_m:g}"): row for row, head in enumerate(poses.heads)}
    faults, more = [], []
    for text in keep:
        match = parse_camera_id(text)
        head = kinds.get((match["model"], int(match["lens"]), f"{float(match['height']):g}")) if match else None
        site = rows.get(match["site"]) if match else None
        if match is None or head is None or site is None or not _as_written(match):
            faults.append(
                Fault("scenario.keep", "This kept camera has no site, model or lens here", "Take it off the list, or allow its model", text)
            )
            continue
        ceiling = float(sites["max_height_m"].iloc[site])
        if poses.heads[head].height_m > ceiling:
            faults.append(Fault("scenario.keep", f"This kept camera hangs above the {ceiling:g} m its site carries", "Take it off the list", text))
            continue
        more.append((site, head, float(match["bearing"])))
    if faults:
        raise ScenarioError(faults)
    site_rows = np.concatenate([poses.site, np.array([m[0] for m in more], dtype=np.int32)])
    head_rows = np.concatenate([poses.head, np.array([m[1] for m in more], dtype=np.int32)])
    bearings = np.concatenate([poses.bearing_deg, np.array([m[2] for m in more])])
    # One row a camera: a kept one may have been offered already.
    _, first = np.unique(np.column_stack([site_rows, head_rows, np.round(bearings, 1)]), axis=0, return_index=True)
    order = first[np.lexsort((bearings[first], head_rows[first], site_rows[first]))]
    return Poses(poses.heads, site_rows[order], head_rows[order], bearings[order])


