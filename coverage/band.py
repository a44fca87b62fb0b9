"""The band beside a coverage figure: how much of it would stay if maps, heights and installation were off as they usually are.

Each draw moves every footprint, gives every building another height, moves every pole and turns every camera, and bends the ground where it has
heights, all by errors of the sizes in data/doubt.toml, and counts again what is seen. The band holds the middle of the draws (5th to 95th
percentile); it says nothing of walls and trees that no map has. A drawn pole, or a target, that a moved wall would swallow stands just outside it:
nobody installs a camera inside a house, and the street is not in it. Only buildings near a camera are built again.

The band often lies below the figure itself: a plan is chosen for what it sees on the map as drawn, lines of sight that just pass a corner included,
and an error is likelier to close such a line than to open another.

The ground's error is a smooth field: nearby heights are off together, as they are in what satellites and aeroplanes measure, so that a street does
not turn into a saw. What all heights are off by together moves no line of sight and is left out. A bridge's deck stays as high above its ground.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.ndimage import gaussian_filter

from coverage.asked import Asked, meet
from coverage.matrix import build_matrix
from coverage.poses import EYE_M, Poses
from coverage.sight import Floats, Ints, cast, grid_walls, wall_ends
from coverage.standing import Standing, step_out, walled_in
from coverage.terrain import Terrain
from coverage.tilts import tilts
from planning.errors import Fault, ScenarioError
from planning.frames import HEIGHT_SOURCES

SIZES = Path(__file__).resolve().parent.parent / "data" / "doubt.toml"
Flags = npt.NDArray[np.bool_]
_LEAST_ROOF_M = 0.5  # no drawn building is lower than a city's frame allows
_SIGMAS = 4.0  # how many times its size an error may be and still find the buildings it needs


@dataclass(frozen=True)
class Sizes:
    """Sizes of errors.

    `footprint_rms_m`, `pole_rms_m`, `record_pole_rms_m`: root mean square of the distance moved [m]; `height_sd_m`: by height_source [m];
    `bearing_sd_deg`, `record_bearing_sd_deg`: of the turn [deg]; those named `record` are of cameras that stand; `ground_sd_m`: of heights of the
    ground, alike to 1/e at a distance of `ground_along_m` [m]; `low`, `high`: percentiles of the band; `robust`: the share of draws from which a
    point counts as robustly seen; `assumptions`: a sentence a size, with its source.
    """

    footprint_rms_m: float
    height_sd_m: Mapping[str, float]
    pole_rms_m: float
    bearing_sd_deg: float
    record_pole_rms_m: float
    record_bearing_sd_deg: float
    low: float = 5.0
    high: float = 95.0
    robust: float = 0.9
    ground_sd_m: float = 0.0
    ground_along_m: float = 100.0
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sizes = {
            "footprint_rms_m": self.footprint_rms_m, "pole_rms_m": self.pole_rms_m, "bearing_sd_deg": self.bearing_sd_deg,
            "record_pole_rms_m": self.record_pole_rms_m, "record_bearing_sd_deg": self.record_bearing_sd_deg, "ground_sd_m": self.ground_sd_m,
            **{f"height_sd_m of {source}": size for source, size in self.height_sd_m.items()},
        }  # fmt: skip
        way_out = "Mend data/doubt.toml"
        faults = [
            Fault("band.size", f"{name} must be a finite number of 0 or more", way_out, str(size))
            for name, size in sizes.items()
            if not (np.isfinite(size) and size >= 0)
        ]
        if not (np.isfinite(self.ground_along_m) and self.ground_along_m >= 10):
            faults.append(Fault("band.size", "Errors of the ground go along for 10 m at least", way_out, str(self.ground_along_m)))
        missing = sorted(set(HEIGHT_SOURCES) - set(self.height_sd_m))
        if missing:
            faults.append(Fault("band.size", "Some sources of heights have no size of error", way_out, ", ".join(missing)))
        if not 0 <= self.low <= self.high <= 100:
            what = "The band's percentiles must lie between 0 and 100, the low one first"
            faults.append(Fault("band.size", what, way_out, f"{self.low}, {self.high}"))
        if not 0 < self.robust <= 1:
            faults.append(Fault("band.size", "The share of draws called robust lies above 0 and up to 1", way_out, str(self.robust)))
        if faults:
            raise ScenarioError(faults)


@dataclass(frozen=True)
class WardBand:
    """A ward's covered share of its own weight: as drawn, and the band's ends."""

    ward: str
    covered: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Band:
    """Coverage with its doubt; shares of all weight.

    `covered`: with maps and installation as they are written; `low`, `median`, `high`: over the draws; `draws` (n_draws,): each draw's share;
    `wards`: those with weight; `seen_share` (n_demand,): in what share of draws each point is seen; `robust` (n_demand,): whether that is enough to
    call it robustly seen; `assumptions`: sentences on the sizes.
    """

    covered: float
    low: float
    median: float
    high: float
    draws: Floats
    wards: tuple[WardBand, ...]
    seen_share: Floats
    robust: Flags
    assumptions: tuple[str, ...]


def load_sizes(path: str | Path = SIZES) -> Sizes:
    """The assumed sizes of errors, as in data/doubt.toml.

    Raises
    ------
    ScenarioError: `band.size`, for sizes that are missing or cannot be.
    """
    with Path(path).open("rb") as stream:
        data: dict[str, Any] = tomllib.load(stream)
    try:
        told = [(name, data[name]) for name in ("footprint", "ground", "planned", "standing")]
        told += [(f"height from {source}", table) for source, table in data["height"].items()]
        said = tuple(
            f"{name}: {', '.join(f'{key} {value:g}' for key, value in table.items() if key not in ('assumed', 'source'))}"
            f" ({'assumed; ' if table['assumed'] else ''}{table['source']})"
            for name, table in told
        )
        return Sizes(
            footprint_rms_m=float(data["footprint"]["rms_m"]),
            height_sd_m={source: float(table["sd_m"]) for source, table in data["height"].items()},
            pole_rms_m=float(data["planned"]["pole_rms_m"]), bearing_sd_deg=float(data["planned"]["bearing_sd_deg"]),
            record_pole_rms_m=float(data["standing"]["pole_rms_m"]), record_bearing_sd_deg=float(data["standing"]["bearing_sd_deg"]),
            low=float(data["low_percent"]), high=float(data["high_percent"]), robust=float(data["robust_share"]), assumptions=said,
            ground_sd_m=float(data["ground"]["sd_m"]), ground_along_m=float(data["ground"]["along_m"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise ScenarioError.one("band.size", f"A size of error is missing or no number: {error}", "Mend data/doubt.toml", path) from None


def band(
    buildings: gpd.GeoDataFrame, cameras: Standing, targets_m: Floats, target_z_m: Floats, weight: Floats, *, ward: Ints | None = None,
    ward_names: tuple[str, ...] = (), recorded: int = 0, sizes: Sizes | None = None, draws: int = 30, seed: int = 1,
    terrain: Terrain | None = None, deck_m: Floats | None = None, asked: Asked | None = None, target_m: float = EYE_M,
) -> Band:  # fmt: skip
    """Coverage with its band.

    Parameters
    ----------
    buildings: the city's frame.
    cameras: of `coverage.standing`; the first `recorded` of its ids are cameras that stand, the others planned, as `together(stand(...),
    planned(...))` gives them. Cameras of one place stand on one pole.
    targets_m, target_z_m, weight: of the demand points (n_demand, 2), (n_demand,) [m] and (n_demand,).
    ward: row of each point's ward in `ward_names`, -1 for none (n_demand,).
    draws, seed: how many draws, and of which seed; equal seeds give equal bands.
    terrain, deck_m: the ground, and how high above it what each target stands on lies (n_demand,), as in `coverage.sight.cast`; flat where None.
    asked, target_m: what points ask where they do not all ask alike, and the height the cameras' heads take their targets to have [m].

    Raises
    ------
    ScenarioError: `band.draws` for fewer draws than 1.
    """
    if draws < 1:
        raise ScenarioError.one("band.draws", "A band needs at least one draw", "Give 30", draws)
    sizes = load_sizes() if sizes is None else sizes
    scene = _Scene(buildings, cameras, np.asarray(targets_m, dtype=np.float64), np.asarray(target_z_m, dtype=np.float64), recorded, sizes, terrain)
    scene.ask(deck_m, asked, target_m)
    weight = np.asarray(weight, dtype=np.float64)
    member = np.full(len(weight), -1, dtype=np.int64) if ward is None else np.asarray(ward, dtype=np.int64)
    columns = np.where(member >= 0, member, len(ward_names))
    totals = np.bincount(columns, weight, len(ward_names) + 1)[: len(ward_names)]

    def shares(seen: Flags) -> Floats:
        """Each ward's share of its weight, and last the whole's."""
        got = np.bincount(columns[seen], weight[seen], len(ward_names) + 1)[: len(ward_names)]
        all_of_it = np.append(totals, max(float(weight.sum()), 1e-300))
        return np.asarray(np.append(got, weight[seen].sum()) / np.maximum(all_of_it, 1e-300), dtype=np.float64)

    as_written = shares(scene.seen(None))
    times = np.zeros(len(weight), dtype=np.int64)
    found = np.empty((draws, len(ward_names) + 1))
    rng = np.random.default_rng(seed)
    for draw in range(draws):
        seen = scene.seen(rng)
        times += seen
        found[draw] = shares(seen)
    low, middle, high = np.percentile(found, [sizes.low, 50.0, sizes.high], axis=0)
    wards = tuple(
        WardBand(name, float(as_written[row]), float(low[row]), float(high[row])) for row, name in enumerate(ward_names) if totals[row] > 0
    )
    seen_share = times / draws
    return Band(
        float(as_written[-1]), float(low[-1]), float(middle[-1]), float(high[-1]), found[:, -1].copy(), wards, seen_share,
        seen_share >= sizes.robust - 1e-12, tuple(text for text in sizes.assumptions if terrain is not None or not text.startswith("ground:")),
    )  # fmt: skip


class _Scene:
    """What is near the cameras, in local coordinates, ready to be drawn again and again."""

    def __init__(
        self, buildings: gpd.GeoDataFrame, cameras: Standing, targets_m: Floats, target_z_m: Floats, recorded: int, sizes: Sizes,
        terrain: Terrain | None,
    ) -> None:  # fmt: skip
        self.sizes, self.poses, self.count = sizes, cameras.poses, len(targets_m)
        points = cameras.points_m.reshape(-1, 2)
        # Of each point that carries a camera: how far any camera of it reaches and how high the highest hangs.
        used, at = np.unique(cameras.poses.site, return_inverse=True)
        heads = cameras.poses.heads
        farthest = "far_m" if terrain is None else "slant_m"
        far, height = (np.array([getattr(head, name) for head in heads], dtype=np.float64)[cameras.poses.head] for name in (farthest, "height_m"))
        self.reach, self.top = np.zeros(len(used)), np.zeros(len(used))
        np.maximum.at(self.reach, at, far)
        np.maximum.at(self.top, at, height)
        self.tilt = tilts(terrain, points, cameras.poses)  # as the plan gives it to whoever hangs the camera, however the ground is drawn
        self.at, self.origin = at, tuple(np.floor(points[used].min(axis=0))) if len(used) else (0.0, 0.0)
        self.points = points[used] - self.origin
        record = used < recorded
        _, self.pole = np.unique(np.column_stack([self.points, record]), axis=0, return_inverse=True)
        self.pole_rms = np.where(record, sizes.record_pole_rms_m, sizes.pole_rms_m)
        self.turn_sd = np.where(record, sizes.record_bearing_sd_deg, sizes.bearing_sd_deg)[at]
        slack = _SIGMAS * (sizes.footprint_rms_m + max(sizes.pole_rms_m, sizes.record_pole_rms_m)) + 1.0
        near = _within(shapely.points(points[used]), self.reach + slack, buildings.geometry.to_numpy())
        self.buildings = buildings.iloc[near]
        self.shapes = shapely.transform(self.buildings.geometry.to_numpy(), lambda xy: xy - self.origin)
        self.roofs = self.buildings["height_m"].to_numpy(dtype=np.float64)
        self.roof_sd = np.array([sizes.height_sd_m[str(source)] for source in self.buildings["height_source"]], dtype=np.float64)
        self.ends, self.owner = wall_ends(self.buildings, self.origin)
        self.near = _within(shapely.points(points[used]), self.reach + slack, shapely.points(targets_m))
        self.targets, self.target_z = targets_m[self.near] - self.origin, target_z_m[self.near]
        self.terrain = None if terrain is None else _near_by(terrain, self.origin, [self.points, self.targets, self.ends[:, :2]])
        # What lies inside a house as the map stands is left as it is.
        roofs = self.roofs + _feet(self.terrain, self.ends, self.owner, len(self.roofs))
        self.point_in = walled_in(self.points, self.top + _ground(self.terrain, self.points), self.shapes, roofs)
        self.target_in = walled_in(self.targets, self.target_z + _ground(self.terrain, self.targets), self.shapes, roofs)

    def ask(self, deck_m: Floats | None, asked: Asked | None, target_m: float) -> None:
        """Put targets on decks, and let them ask what they need."""
        self.deck = None if deck_m is None else np.asarray(deck_m, dtype=np.float64)[self.near]
        self.asked = None if asked is None else asked.of_rows(self.near)
        self.target_m = target_m

    def seen(self, rng: np.random.Generator | None) -> Flags:
        """What is seen in one draw, or as written where there is none to draw from (n_demand,)."""
        ends, roofs, points, targets, bearing = self.ends, self.roofs, self.points, self.targets, self.poses.bearing_deg
        terrain = self.terrain
        if rng is not None:
            shift = rng.normal(size=(len(roofs), 2)) * self.sizes.footprint_rms_m / np.sqrt(2)
            roofs = np.maximum(roofs + rng.normal(size=len(roofs)) * self.roof_sd, np.minimum(roofs, _LEAST_ROOF_M))
            points = points + rng.normal(size=points.shape)[self.pole] * self.pole_rms[:, None] / np.sqrt(2)
            bearing = (bearing + rng.normal(size=len(bearing)) * self.turn_sd) % 360.0
            ends = ends + np.tile(shift, 2)[self.owner]
            terrain = None if terrain is None else bent(terrain, self.sizes, rng)
        roofs = roofs + _feet(terrain, ends, self.owner, len(roofs))
        if rng is not None:
            coordinates, of = shapely.get_coordinates(self.shapes, return_index=True)
            shapes = shapely.set_coordinates(self.shapes.copy(), coordinates + shift[of]) if len(self.shapes) else self.shapes
            points = _kept_out(points, self.top + _ground(terrain, points), shapes, roofs, self.point_in)
            targets = _kept_out(targets, self.target_z + _ground(terrain, targets), shapes, roofs, self.target_in)
        walls = grid_walls((0.0, 0.0), ends, roofs[self.owner], terrain)
        lines = cast(walls, points, targets, self.target_z, reach_m=self.reach, highest_m=self.top + 1e-9, deck_m=self.deck)
        lines = lines if self.asked is None else meet(lines, self.asked, self.target_m)
        aimed = Poses(self.poses.heads, self.at.astype(np.int32), self.poses.head, bearing, self.tilt)
        found: Flags = np.zeros(self.count, dtype=bool)
        found[self.near] = build_matrix(lines, aimed, len(targets)).px_per_m.getnnz(axis=0) > 0
        return found


def _near_by(terrain: Terrain, origin_m: tuple[float, ...], places: Sequence[Floats]) -> Terrain:
    """The part of the terrain about local places (n, 2), in local coordinates."""
    corner, cell = np.asarray(terrain.origin_m) - np.asarray(origin_m), terrain.cell_m
    xy = np.concatenate([*places, [corner]]) if not sum(map(len, places)) else np.concatenate(places)
    columns, rows = terrain.height_m.shape[1], terrain.height_m.shape[0]
    first = np.clip(np.floor((xy.min(axis=0) - corner) / cell).astype(int) - 2, 0, (columns - 2, rows - 2))
    last = np.clip(np.ceil((xy.max(axis=0) - corner) / cell).astype(int) + 3, first + 2, (columns, rows))
    x, y = corner + first * cell
    return Terrain((float(x), float(y)), cell, terrain.height_m[first[1] : last[1], first[0] : last[0]])


def bent(terrain: Terrain, sizes: Sizes, rng: np.random.Generator) -> Terrain:
    """The terrain with a smooth error, alike to exp(-(r / along)^2) at a distance r: noise on a lattice of a quarter of that, blurred."""
    if sizes.ground_sd_m == 0:
        return terrain
    step, rows, columns = sizes.ground_along_m / 4.0, *terrain.height_m.shape
    along = [np.arange(count) * terrain.cell_m / step for count in (rows, columns)]
    kernel = np.exp(-(np.arange(-8, 9) ** 2) / 8.0)
    size = float(((kernel / kernel.sum()) ** 2).sum())  # what blurring leaves of the noise
    noise = rng.normal(size=[int(places[-1]) + 2 for places in along])
    field = gaussian_filter(noise, 2.0, mode="wrap", truncate=4.0) / size * sizes.ground_sd_m
    for places in along:
        before = places.astype(int)
        part = (places - before)[:, None]
        field = (field[before] * (1 - part) + field[before + 1] * part).T
    return Terrain(terrain.origin_m, terrain.cell_m, terrain.height_m + field)


def _ground(terrain: Terrain | None, points: Floats) -> Floats:
    """Heights of the ground (n,), 0 where it is flat."""
    return np.zeros(len(points)) if terrain is None else terrain.height_at(points)


def _feet(terrain: Terrain | None, ends: Floats, owner: Ints, count: int) -> Floats:
    """What each building's roof height is counted from: the ground at its lowest corner, as in `coverage.sight.build_walls`; 0 where it is flat."""
    if terrain is None:
        return np.zeros(count)
    foot = np.full(count, np.inf)
    np.minimum.at(foot, owner, terrain.height_at(ends[:, :2]))
    return foot


def _kept_out(points: Floats, height: Floats, shapes: npt.NDArray[np.object_], roofs: Floats, left: Ints) -> Floats:
    rows = np.setdiff1d(walled_in(points, height, shapes, roofs), left)
    return step_out(points, height, shapes, roofs, rows) if len(rows) else points


def _within(points: npt.NDArray[np.object_], distance: Floats, shapes: npt.NDArray[np.object_]) -> Ints:
    """The rows of shapes within each point's own distance of any of the points, sorted."""
    if not len(points) or not len(shapes):
        return np.empty(0, dtype=np.int64)
    rows: Ints = np.unique(shapely.STRtree(shapes).query(points, predicate="dwithin", distance=distance)[1]).astype(np.int64)
    return rows
