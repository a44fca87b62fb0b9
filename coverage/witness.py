"""Which cameras see a place, how well, and why the others do not.

    from the side                              from above
    camera *------------- horizon                     north
           |\\ depression                                |  bearing to the place
        dh | \\                                          | /
           |  \\                                         |/___ off axis ___ where the camera looks
    target +---*  ground                          camera *

A place is in the picture where its depression lies within VFOV/2 of the tilt and its bearing within HFOV/2 of the camera's. It is seen where it is in
the picture, no building stands between, it spans the pixels of the coarsest level at least, and, by night, lies within the camera's own light. Pixels
a metre are those of the picture's middle, as in the coverage matrix. A camera's tilt is that of its head: let cameras stand at the level they were
planned for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coverage.poses import Head
from coverage.sight import Floats, Ints, Walls, cast, ground_under
from coverage.standing import Standing
from coverage.terrain import Terrain
from coverage.tilts import tilts
from planning.nouns import CameraModel, Level
from planning.paces import REASONS

Flags = npt.NDArray[np.bool_]
_ROUNDING_DEG = 1e-7
_HIGHEST_M = 40.0  # the highest mount a plan allows: what blocks from there too is no question of height


@dataclass(frozen=True)
class Sighting:
    """A camera that sees the place.

    `px_per_m`, `distance_m`, `bearing_deg` (from the camera) and `off_axis_deg` are those of the point it sees best; `levels`: keys reached, the
    coarsest first; `seen` of `tried` points were seen; `off_axis_deg` is None where it is not known where the camera looks; `turns`: a PTZ, counted
    by its home view, that may have looked elsewhere.
    """

    camera: str
    planned: bool
    model: str
    px_per_m: float
    levels: tuple[str, ...]
    distance_m: float
    bearing_deg: float
    off_axis_deg: float | None
    seen: int
    tried: int
    turns: bool


@dataclass(frozen=True)
class Miss:
    """A camera that does not see the place, and why: all `reasons` that hold at the point it comes nearest to seeing, of `planning.paces.REASONS`.

    `clear_from_m`: the mount height that would look over what blocks, where only buildings block; None otherwise [m].
    """

    camera: str
    planned: bool
    model: str
    reasons: tuple[str, ...]
    distance_m: float
    bearing_deg: float
    off_axis_deg: float | None
    clear_from_m: float | None


@dataclass(frozen=True, eq=False)
class Eyes:
    """Cameras as arrays, one a camera in the order of `Standing.ids`; NaN where a camera reaches nothing at the level it stands at.

    points_m (n, 2); height_m, hfov_deg, vfov_deg, tilt_deg, bearing_deg, focal_px (n,); dark_m (n,): how far it sees by night; known (n,): whether it
    is known where it looks; turns (n,): a PTZ; planned (n,).
    """

    ids: tuple[str, ...]
    models: tuple[str, ...]
    points_m: Floats
    height_m: Floats
    hfov_deg: Floats
    vfov_deg: Floats
    tilt_deg: Floats
    bearing_deg: Floats
    focal_px: Floats
    dark_m: Floats
    known: Flags
    turns: Flags
    planned: Flags


def open_eyes(
    cameras: Standing, models: Mapping[str, CameraModel], planned: Sequence[bool] | Flags | None = None, *, terrain: Terrain | None = None
) -> Eyes:  # fmt: skip
    """Cameras ready to be asked.

    Parameters
    ----------
    models: the catalogue; it says how far a model sees by night, and which turn.
    planned: which of the cameras are a plan's, one a camera; none where not given.
    terrain: the ground they look over, which decides their tilt; flat where None.
    """
    n = len(cameras.ids)
    table = np.full((6, n), np.nan)
    keys, dark, known, turns = [""] * n, np.zeros(n), np.ones(n, bool), np.zeros(n, bool)
    poses = cameras.poses
    for site, head_row, bearing, tilt in zip(poses.site, poses.head, poses.bearing_deg, tilts(terrain, cameras.points_m, poses), strict=True):
        head: Head = poses.heads[head_row]
        model = models[head.model]
        table[:, site] = (head.height_m, head.hfov_deg, head.vfov_deg, tilt, bearing, head.focal_px)
        keys[site], dark[site], turns[site] = head.model, model.night_range_m, model.kind == "ptz"
        known[site] = head.hfov_deg < 360 or any(lens.hfov_deg >= 360 for lens in model.lenses)
    flags = np.zeros(n, bool) if planned is None else np.asarray(planned, dtype=bool)
    height, hfov, vfov, down, aim, focal = table
    points = cameras.points_m.reshape(-1, 2)
    return Eyes(cameras.ids, tuple(keys), points, height, hfov, vfov, down, aim, focal, dark, known, turns, flags)


@dataclass(frozen=True, eq=False)
class Look:
    """Pairs of camera and target: px_per_m, ground_m, bearing_deg, off_axis_deg, and what stands against seeing: too_far, aside (beside the picture
    or above it), below (in the blind zone), dark. All (n_pairs,).
    """

    px_per_m: Floats
    ground_m: Floats
    bearing_deg: Floats
    off_axis_deg: Floats
    too_far: Flags
    aside: Flags
    below: Flags
    dark: Flags

    @property
    def clear(self) -> Flags:
        """Whether nothing but buildings could stand against seeing (n_pairs,)."""
        return ~(self.too_far | self.aside | self.below | self.dark)


def look(
    eyes: Eyes, camera: Ints, targets_m: Floats, z_m: Floats, *, least_px_per_m: float, night: bool, drop_m: Floats | float = 0.0
) -> Look:  # fmt: skip
    """What optics say of pairs of cameras and targets, buildings left aside.

    Parameters
    ----------
    camera: row of each pair's camera (n_pairs,). targets_m, z_m: the pair's target, where (n_pairs, 2) and how high [m].
    least_px_per_m: the coarsest level [px/m].
    drop_m: how much lower than the camera's ground the target's lies, for each pair; 0 on flat ground [m].
    """
    way = targets_m - eyes.points_m[camera]
    ground = np.hypot(way[:, 0], way[:, 1])
    rise = eyes.height_m[camera] + drop_m - z_m
    slant = np.maximum(np.hypot(ground, rise), 1e-6)
    bearing = np.degrees(np.arctan2(way[:, 0], way[:, 1])) % 360.0
    off = np.abs((bearing - eyes.bearing_deg[camera] + 180.0) % 360.0 - 180.0)
    lower_than_axis = np.degrees(np.arctan2(rise, ground)) - eyes.tilt_deg[camera]
    half = eyes.vfov_deg[camera] / 2 + _ROUNDING_DEG
    px = eyes.focal_px[camera] / slant
    reaches = px >= least_px_per_m * (1 - 1e-12)
    beside = off > eyes.hfov_deg[camera] / 2 + _ROUNDING_DEG
    dark = (slant > eyes.dark_m[camera] * (1 + 1e-12)) & night
    return Look(px, ground, bearing, off, ~reaches, beside | (lower_than_axis < -half), lower_than_axis > half, dark)


def witness(
    walls: Walls, eyes: Eyes, points_m: Floats, heights_m: Sequence[float], levels: Mapping[str, Level], *, night: bool = False,
    missed_within_m: float = 150.0,
) -> tuple[tuple[Sighting, ...], tuple[Miss, ...]]:  # fmt: skip
    """The cameras that see a place, by pixels a metre, and those that miss it, the nearest first.

    Parameters
    ----------
    walls: what blocks. eyes: the cameras.
    points_m: the place first, then points around it that would do as well (n, 2), in the city's CRS [m].
    heights_m: heights above ground to look for at each point [m].
    levels: by key.
    night: whether cameras see by their own light only.
    missed_within_m: cameras farther from the place than this are not told among those that miss it [m].
    """
    targets = np.repeat(np.asarray(points_m, dtype=np.float64).reshape(-1, 2), len(heights_m), axis=0)
    z = np.tile(np.asarray(heights_m, dtype=np.float64), len(targets) // max(len(heights_m), 1))
    least = min(level.px_per_m for level in levels.values())
    near = _near(eyes, targets, least, missed_within_m)
    if not len(near) or not len(targets):
        return (), ()
    tried = len(targets)
    camera = np.repeat(near, tried)
    drop = (ground_under(walls, eyes.points_m[near])[:, None] - ground_under(walls, targets)[None, :]).ravel()
    seen_by = look(eyes, camera, np.tile(targets, (len(near), 1)), np.tile(z, len(near)), least_px_per_m=least, night=night, drop_m=drop)
    needed = _needed(walls, eyes, near, targets, z).ravel()
    height = eyes.height_m[camera]
    open_ = needed < height
    sees = (seen_by.clear & open_).reshape(len(near), tried)
    sightings, misses = [], []
    for k, row in enumerate(near):
        pairs = slice(k * tried, (k + 1) * tried)
        if sees[k].any():
            sightings.append(_sighting(eyes, int(row), seen_by, pairs, sees[k], levels))
        elif seen_by.ground_m[pairs][0] <= missed_within_m:
            misses.append(_miss(eyes, int(row), seen_by, pairs, needed[pairs], tried))
    ranked = sorted(sightings, key=lambda one: (-round(one.px_per_m, 6), round(one.distance_m, 3), one.camera))
    return tuple(ranked), tuple(sorted(misses, key=lambda one: (round(one.distance_m, 3), one.camera)))


def _near(eyes: Eyes, targets: Floats, least: float, within_m: float) -> Ints:
    """Rows of the cameras that could be told: near enough to see anything, or to be told as a miss."""
    if not len(targets):
        return np.zeros(0, dtype=np.int64)
    spread = float(np.hypot(*(targets - targets[0]).T).max())
    distance = np.hypot(*(eyes.points_m - targets[0]).T)
    reach = np.nan_to_num(eyes.focal_px / least) + spread
    return np.flatnonzero(distance <= np.maximum(reach, within_m)).astype(np.int64)


def _needed(walls: Walls, eyes: Eyes, rows: Ints, targets: Floats, z: Floats) -> Floats:
    """The mount height from which each camera would see each target past all buildings (n_rows, n_targets); -inf in the open, inf where none does."""
    far = float(np.hypot(*(eyes.points_m[rows][:, None, :] - targets[None, :, :]).reshape(-1, 2).T).max()) + 1.0
    highest = np.maximum(np.nan_to_num(eyes.height_m[rows]) + 1e-9, _HIGHEST_M)
    lines = cast(walls, eyes.points_m[rows], targets, z, reach_m=far, highest_m=highest)
    needed = np.full((len(rows), len(targets)), np.inf)
    needed[np.repeat(np.arange(len(rows)), np.diff(lines.start)), lines.target] = lines.critical_m
    return needed


def _off_axis(eyes: Eyes, row: int, off: float) -> float | None:
    return off if eyes.known[row] and np.isfinite(off) else None


def _sighting(eyes: Eyes, row: int, seen_by: Look, pairs: slice, sees: Flags, levels: Mapping[str, Level]) -> Sighting:
    best = pairs.start + int(np.argmax(np.where(sees, seen_by.px_per_m[pairs], -1.0)))
    px = float(seen_by.px_per_m[best])
    reached = sorted((level.px_per_m, key) for key, level in levels.items() if px >= level.px_per_m * (1 - 1e-12))
    return Sighting(
        eyes.ids[row], bool(eyes.planned[row]), eyes.models[row], px, tuple(key for _, key in reached), float(seen_by.ground_m[best]),
        float(seen_by.bearing_deg[best]), _off_axis(eyes, row, float(seen_by.off_axis_deg[best])), int(sees.sum()), len(sees), bool(eyes.turns[row]),
    )  # fmt: skip


def _miss(eyes: Eyes, row: int, seen_by: Look, pairs: slice, needed: Floats, tried: int) -> Miss:
    """Why: by the point with the fewest reasons against it, the place itself where several are alike."""
    blocked = needed >= eyes.height_m[row] if np.isfinite(eyes.height_m[row]) else np.zeros(tried, bool)
    against = np.stack([blocked, seen_by.too_far[pairs], seen_by.aside[pairs], seen_by.below[pairs], seen_by.dark[pairs]])
    best = int(np.argmin(against.sum(axis=0)))
    reasons = tuple(reason for reason, holds in zip(REASONS, against[:, best], strict=True) if holds)
    clear_from = float(needed[best]) if reasons == ("blocked",) and np.isfinite(needed[best]) else None
    at = pairs.start + best
    return Miss(
        eyes.ids[row], bool(eyes.planned[row]), eyes.models[row], reasons, float(seen_by.ground_m[at]), float(seen_by.bearing_deg[at]),
        _off_axis(eyes, row, float(seen_by.off_axis_deg[at])), clear_from,
    )  # fmt: skip
