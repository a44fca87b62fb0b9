"""A city under a scenario, surveyed once: what is worth seeing, where cameras could stand, and what each pose would see.

A survey depends on everything in a scenario but its money and rules, so one survey serves every budget. What is kept may be cameras that no survey
would offer: they are added to it (`with_kept`), with the places they were set at by hand.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse

from coverage.matrix import CoverageMatrix, build_matrix
from coverage.poses import Aim, Head, Poses, make_poses
from coverage.sight import Floats, Ints, Walls
from coverage.standing import Standing
from optimizer.ground import Ground, ground_notes, lay_ground
from planning.catalogue import load_prices
from planning.city import City
from planning.errors import Fault, ScenarioError
from planning.handmade import camera_id, parse_camera_id, placed_spots
from planning.nouns import CameraModel, Scenario
from planning.progress import Progress
from planning.sites import build_sites, placed_sites, street_bearings


@dataclass(frozen=True, eq=False)
class Survey:
    """What planning a city stands on.

    `key`: what it depends on, of `survey_key`; `ground`: what poses are judged by; `sites`: frame of `planning.sites`; `poses` sorted by site;
    `matrix`: px/m (n_poses, n_demand); `aim`: which bearings were offered; `notes`: what was assumed, imputed or left out; `stages_s`: seconds each
    stage took.
    """

    key: tuple[object, ...]
    ground: Ground
    sites: gpd.GeoDataFrame
    poses: Poses
    matrix: CoverageMatrix
    aim: Aim
    notes: tuple[str, ...]
    stages_s: tuple[tuple[str, float], ...]

    @property
    def demand(self) -> gpd.GeoDataFrame:
        """What is worth seeing: frame of `planning.demand`."""
        return self.ground.demand

    @property
    def models(self) -> dict[str, CameraModel]:
        """The scenario's camera models by key."""
        return self.ground.models

    @property
    def walls(self) -> Walls:
        """What blocks the view."""
        return self.ground.walls

    @property
    def standing(self) -> Standing:
        """Existing cameras."""
        return self.ground.standing

    @property
    def already(self) -> npt.NDArray[np.int64]:
        """From how many places existing cameras see each demand point (n_demand,)."""
        return self.ground.already

    @property
    def before(self) -> npt.NDArray[np.bool_]:
        """Which demand existing cameras see (n_demand,)."""
        return np.asarray(self.already > 0)

    @property
    def target_m(self) -> float:
        """The height heads take their targets to have [m]."""
        return self.ground.target_m

    def camera_id(self, pose: int) -> str:
        """The name a camera keeps as long as site, model, lens, bearing and height stay."""
        head = self.poses.heads[self.poses.head[pose]]
        return camera_id(self.labels[self.poses.site[pose]], head.model, head.lens, float(self.poses.bearing_deg[pose]), head.height_m)

    def row(self, camera: str) -> int | None:
        """The pose of that name, None where there is none."""
        site = self._site_rows.get(camera.split("/", maxsplit=1)[0], -1)
        first, last = np.searchsorted(self.poses.site, (site, site + 1)) if site >= 0 else (0, 0)
        return next((pose for pose in range(int(first), int(last)) if self.camera_id(pose) == camera), None)

    @cached_property
    def labels(self) -> list[str]:
        """The sites' ids."""
        return [str(label) for label in self.sites.index]

    @cached_property
    def _site_rows(self) -> dict[str, int]:
        return {label: row for row, label in enumerate(self.labels)}

    def serves(self, city: City, scenario: Scenario) -> bool:
        """Whether this is the scenario's survey: made for it, or for the same wish with nothing kept while it offers all that is kept now."""
        bare = survey_key(city, dataclasses.replace(scenario, keep=()))
        return self.key == survey_key(city, scenario) or (self.key == bare and all(self.row(camera) is not None for camera in scenario.keep))


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
        scenario.purposes,
        scenario.suggestions_percent,
        scenario.suggestions,
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
    clock.stage("demand", 0.05)
    ground = lay_ground(city, scenario)
    heads = ground.heads(scenario.mount_heights_m)
    clock.stage("sites", 0.15)
    sites = build_sites(city, load_prices())
    if not len(sites):
        raise ScenarioError.one("scenario.empty", "In this city there is nowhere to mount a camera", "Check the city: chaukas city check", city.name)
    clock.stage("sight", 0.25)
    lines = ground.lines(_xy(sites), _ceiling(sites), heads)
    clock.stage("poses", 0.35)
    poses = make_poses(lines, heads, _open_weight(ground), _ceiling(sites), street_bearings(sites, city["roads"]), aim)
    clock.stage("matrix", 0.4)
    matrix = build_matrix(lines, poses, len(ground.demand))
    stages = clock.end()
    notes = (
        *ground.demand.attrs.get("notes", ()), *sites.attrs.get("notes", ()), *ground.standing.notes, *ground_notes(city, ground.walls.terrain),
    )  # fmt: skip
    bare = Survey(survey_key(city, dataclasses.replace(scenario, keep=())), ground, sites, poses, matrix, aim, tuple(map(str, notes)), stages)
    return with_kept(bare, city, scenario)


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


def with_kept(survey: Survey, city: City, scenario: Scenario) -> Survey:
    """The survey with every kept camera among its poses, and the places set by hand among its sites, which then carry other cameras too.

    Parameters
    ----------
    survey: of the same city and wish with nothing kept.

    Raises
    ------
    ScenarioError: `scenario.keep` for every kept id that is not as we write it, that names no site, model or lens here, or that hangs above what its
    site carries; `sites.placed` where no pole may stand.
    """
    key, keep = survey_key(city, scenario), scenario.keep
    if survey.key == key or not keep:
        return survey
    spots = placed_spots(keep)
    new = placed_sites(city, load_prices(), spots) if spots else survey.sites.iloc[:0]
    sites = gpd.GeoDataFrame(pd.concat([survey.sites, new])).sort_index(kind="stable") if spots else survey.sites
    rows = {str(label): row for row, label in enumerate(sites.index)}
    offered = survey.poses.heads
    heads = offered + _kept_heads(survey.ground, scenario)
    more = _kept(keep, rows, heads, sites)
    fresh = np.array([rows[str(label)] for label in new.index], dtype=np.int64)
    moved = np.array([rows[str(label)] for label in survey.sites.index], dtype=np.int32)
    old = Poses(heads, moved[survey.poses.site], survey.poses.head, survey.poses.bearing_deg)
    used = np.unique(np.concatenate([fresh, more.site]))
    here = sites.iloc[used]
    lines = survey.ground.lines(_xy(here), _ceiling(here), heads)
    # What a place set by hand sees offers poses there like anywhere else.
    made = make_poses(lines, offered, _open_weight(survey.ground), _ceiling(here), street_bearings(here, city["roads"]), survey.aim)
    own = np.isin(used[made.site], fresh)
    site = np.concatenate([used[made.site[own]], more.site]).astype(np.int32)
    added = Poses(heads, site, np.concatenate([made.head[own], more.head]), np.concatenate([made.bearing_deg[own], more.bearing_deg]))
    added = _unknown(added, old)
    there = Poses(heads, np.searchsorted(used, added.site).astype(np.int32), added.head, added.bearing_deg)
    matrix = build_matrix(lines, there, len(survey.demand)).px_per_m
    order = np.argsort(np.concatenate([old.site, added.site]), kind="stable")
    poses = Poses(heads, *(np.concatenate([getattr(old, name), getattr(added, name)])[order] for name in ("site", "head", "bearing_deg")))
    joined = CoverageMatrix(sparse.vstack([survey.matrix.px_per_m, matrix], format="csr")[order])
    notes = (*survey.notes, *(note for note in new.attrs.get("notes", ()) if "set by hand" in note))
    return dataclasses.replace(survey, key=key, sites=sites, poses=poses, matrix=joined, notes=notes)


def survey_cameras(ground: Ground, sites: gpd.GeoDataFrame, cameras: Sequence[str]) -> Survey:
    """A survey whose poses are these cameras alone: what each of them sees. Its key is that of no scenario.

    Parameters
    ----------
    sites: frame of `planning.sites`, those that carry the cameras among them.

    Raises
    ------
    ScenarioError: `scenario.keep` as `with_kept`.
    """
    heights = {float(match["height"]) for match in map(parse_camera_id, cameras) if match}
    used = sites.loc[sites.index.isin({camera.split("/", maxsplit=1)[0] for camera in cameras})].sort_index(kind="stable")
    heads = ground.heads(sorted(heights)) if heights else ()
    more = _kept(cameras, {str(label): row for row, label in enumerate(used.index)}, heads, used)
    order = np.argsort(more.site, kind="stable")
    poses = Poses(heads, more.site[order], more.head[order], more.bearing_deg[order])
    if len(poses):
        matrix = build_matrix(ground.lines(_xy(used), _ceiling(used), heads), poses, len(ground.demand))
    else:
        matrix = CoverageMatrix(sparse.csr_matrix((0, len(ground.demand)), dtype=np.float32))
    return Survey((), ground, used, poses, matrix, Aim(), (), ())


def _xy(frame: gpd.GeoDataFrame) -> Floats:
    xy: Floats = shapely.get_coordinates(frame.geometry.array).astype(np.float64)
    return xy


def _ceiling(sites: gpd.GeoDataFrame) -> Floats:
    highest: Floats = sites["max_height_m"].to_numpy(dtype=np.float64)
    return highest


def _open_weight(ground: Ground) -> Floats:
    """The weight that existing cameras do not see (n_demand,): bearings go where something is to be won."""
    return np.where(ground.already > 0, 0.0, ground.demand["weight"].to_numpy(dtype=np.float64))


def _kept_heads(ground: Ground, scenario: Scenario) -> tuple[Head, ...]:
    """The heads of kept cameras whose height is not among those offered."""
    heights = {float(match["height"]) for match in map(parse_camera_id, scenario.keep) if match} - set(scenario.mount_heights_m)
    return ground.heads(sorted(heights)) if heights else ()


def _as_written(text: str) -> bool:
    """Whether an id is as we write it, so that one camera has one id."""
    match = parse_camera_id(text)
    return match is not None and float(match["bearing"]) < 360 and text == camera_id(
        match["site"], match["model"], int(match["lens"]), float(match["bearing"]), float(match["height"])
    )  # fmt: skip


def _kept(keep: Sequence[str], rows: dict[str, int], heads: tuple[Head, ...], sites: gpd.GeoDataFrame) -> Poses:
    """The kept cameras as poses; what cannot be one is told all at once."""
    kinds = {(head.model, head.lens, f"{head.height_m:g}"): row for row, head in enumerate(heads)}
    faults, more = [], []
    for text in keep:
        match = parse_camera_id(text)
        head = kinds.get((match["model"], int(match["lens"]), f"{float(match['height']):g}")) if match else None
        site = rows.get(match["site"]) if match else None
        if match is None or head is None or site is None or not _as_written(text):
            faults.append(
                Fault("scenario.keep", "This kept camera has no site, model or lens here", "Take it off the list, or allow its model", text)
            )
            continue
        ceiling = float(sites["max_height_m"].iloc[site])
        if heads[head].height_m > ceiling:
            faults.append(Fault("scenario.keep", f"This kept camera hangs above the {ceiling:g} m its site carries", "Take it off the list", text))
            continue
        more.append((site, head, float(match["bearing"])))
    if faults:
        raise ScenarioError(faults)
    site_rows, head_rows = (np.array([row[k] for row in more], dtype=np.int32) for k in (0, 1))
    return Poses(heads, site_rows, head_rows, np.array([row[2] for row in more], dtype=np.float64))


def _unknown(added: Poses, old: Poses) -> Poses:
    """Those of the added poses that are not among the old ones, each once: one row a camera."""
    first = np.searchsorted(old.site, added.site)
    last = np.searchsorted(old.site, added.site, side="right")
    taken: set[tuple[int, int, float]] = set()
    rows = []
    for row in range(len(added)):
        key = (int(added.site[row]), int(added.head[row]), round(float(added.bearing_deg[row]), 1))
        block = slice(int(first[row]), int(last[row]))
        known = (old.head[block] == key[1]) & (np.round(old.bearing_deg[block], 1) == key[2])
        if key not in taken and not known.any():
            taken.add(key)
            rows.append(row)
    picked: Ints = np.array(rows, dtype=np.int64)
    return Poses(added.heads, added.site[picked], added.head[picked], added.bearing_deg[picked])
