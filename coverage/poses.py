"""Sites x camera models -> poses: each lens setting at each allowed height, aimed along the streets first and then where most is to be seen.

Which bearings to offer is where coverage is won. Three ways, joined:

- streets: toward each arm of a junction and both ways along the road (given with the sites);
- best: the sector of the lens is swept once round, in steps of 0.1 deg, over the targets really visible from the site and laid where it holds the
  most weight; what it holds is set aside and the sweep goes on with the rest. No fan of such steps can beat the first of them: any sector can be
  turned right up to the last step before it loses a target, and every such place is tried.
- fan: a fixed number of even steps, kept for comparison.

Tilt follows from the lens, the height and the reach (`coverage.optics.tilt_deg`), on terrain from the ground along the bearing too
(`coverage.tilts`); there each target is tested by its own angle below the horizon and its own slant range. While bearings are sought a target is
tested by the tilt of a camera that looks its way, to 5 deg; what a pose then sees is worked out with its own tilt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from coverage.ground import height_on
from coverage.optics import far_m, focal_px, ground_reach_m, near_m, reach_m, tilt_deg
from coverage.sight import Floats, Ints, Sightlines, Walls
from planning.errors import ScenarioError
from planning.jit import jit, parallel_jit, prange
from planning.nouns import CameraModel

EYE_M = 1.6
_SECTORS = 36
SLACK_DEG = 1e-9  # a target on the picture's edge is in it, whichever way it is rounded


@dataclass(frozen=True)
class Head:
    """A model's lens setting at a mount height, ready to be aimed: what decides a pose but for site and bearing.

    `near_m` and `far_m` bound the view on the target plane `rise_m` below the mount; `slant_m` is the longest range; `focal_px` over slant range is
    the pixel density.
    """

    model: str
    lens: int
    hfov_deg: float
    vfov_deg: float
    height_m: float
    tilt_deg: float
    rise_m: float
    near_m: float
    far_m: float
    slant_m: float
    focal_px: float
    price_inr: int
    upkeep_inr: int


@dataclass(frozen=True)
class Aim:
    """Which bearings are offered at each site: along the streets, `best` sweeps, and `fan` even steps (0 for none)."""

    streets: bool = True
    best: int = 3
    fan: int = 0


@dataclass(frozen=True, eq=False)
class Poses:
    """Cameras that could be placed: rows sorted by site.

    `site` (n,) row of the site; `head` (n,) row of `heads`; `bearing_deg` (n,) [0, 360); `tilt_deg` (n,) as set, None where it follows from the head
    and the ground (`coverage.tilts`).
    """

    heads: tuple[Head, ...]
    site: npt.NDArray[np.int32]
    head: npt.NDArray[np.int32]
    bearing_deg: Floats
    tilt_deg: Floats | None = None

    def __len__(self) -> int:
        return len(self.site)


def make_head(model: CameraModel, lens: int, height_m: float, px_per_m: float, *, target_m: float = EYE_M, by_night: bool = False) -> Head | None:
    """A lens setting at a height, tilted so that the picture's upper edge meets a target at the reach of the level; None where it reaches none.

    Parameters
    ----------
    model, lens: the camera and which of its lens settings.
    height_m: mount above ground [m].
    px_per_m: pixel density asked for [px/m].
    target_m: height of what is to be seen [m].
    by_night: limits the reach to the model's night range.
    """
    view = model.lenses[lens]
    focal = focal_px(model.width_px, view.hfov_deg)
    slant = reach_m(focal, px_per_m)
    if by_night:
        slant = min(slant, model.night_range_m)
    rise = height_m - target_m
    ground = ground_reach_m(slant, rise)
    if ground <= 0:
        return None
    tilt = tilt_deg(rise, view.vfov_deg, ground)
    near, far = near_m(rise, tilt, view.vfov_deg), min(ground, far_m(rise, tilt, view.vfov_deg) * (1 + 1e-12))
    if near >= far:
        return None
    return Head(
        model.key, lens, view.hfov_deg, view.vfov_deg, height_m, tilt, rise, near, far, slant, focal, model.price_inr, model.upkeep_inr_per_year
    )


def make_heads(
    models: Sequence[CameraModel], heights_m: Sequence[float], px_per_m: float, *, target_m: float = EYE_M, by_night: bool = False
) -> tuple[Head, ...]:
    """Every lens setting of every model at every height that reaches something at this level.

    Raises
    ------
    ScenarioError: `scenario.reach`, where none does.
    """
    made = (
        make_head(model, lens, height, px_per_m, target_m=target_m, by_night=by_night)
        for model in models
        for lens in range(len(model.lenses))
        for height in heights_m
    )
    heads = tuple(head for head in made if head is not None)
    if not heads:
        what = f"No chosen camera reaches the ground at {px_per_m:g} px/m from these heights"
        raise ScenarioError.one(
            "scenario.reach", what, "Ask a coarser level, mount lower, or add models with longer lenses", f"heights {tuple(heights_m)}"
        )
    return heads


def farthest_m(heads: Sequence[Head], walls: Walls) -> float:
    """How far apart on the map a mount and what one of these heads sees can be: on terrain, where a target may lie as high as the mount, the whole
    range [m].
    """
    return max(head.far_m if walls.terrain is None else head.slant_m for head in heads)


@jit
def in_view(ground: float, rise: float, tilt: float, vfov: float, slant: float) -> bool:
    """Whether a target `rise` below the mount and `ground` away lies between the picture's lower and upper edge, and within range.

    On level ground that is from `Head.near_m` to `Head.far_m`.
    """
    below = np.degrees(np.arctan2(rise, ground))
    return bool(abs(below - tilt) <= vfov / 2.0 + SLACK_DEG and ground * ground + rise * rise <= slant * slant * (1.0 + 1e-12))


@jit
def _onward(gx: float, gy: float, size: float, px: float, py: float, ux: float, uy: float, away: float) -> float:
    """How far out the ground is asked next along a ray: a step on, or where it passes to another cell, where the ground has its edges [m]."""
    step = min(max(size / 2.0, 2.0), 10.0)
    for start, run in ((px + ux * away - gx, ux), (py + uy * away - gy, uy)):
        if run != 0.0:
            at = start / size
            line = np.floor(at) + 1.0 if run > 0 else np.ceil(at) - 1.0
            step = min(step, (line - at) * size / run)
    return float(away + max(step, 1e-6 * size))


@jit
def slope_tilt(
    grid: Any, gx: float, gy: float, size: float, px: float, py: float, base: float, ux: float, uy: float, rise: float, vfov: float, slant: float,
    halvings: int,
) -> float:  # fmt: skip
    """The tilt that puts the picture's upper edge on the target that stands highest in it, of those on the ground within range along a bearing [deg].

    Parameters
    ----------
    grid: heights at nodes, node [0, 0] at gx, gy, `size` apart [m]. base: ground at the mount px, py [m]. ux, uy: the bearing as a step of 1 m.
    rise: mount above its own ground less target above its own [m]. halvings: how often the end of the range is halved in on.
    """
    least, last, over, away, inside = 90.0, 0.0, slant, 0.0, True
    while away < slant:
        away = min(_onward(gx, gy, size, px, py, ux, uy, away), slant)
        above = rise + base - height_on(grid, gx, gy, size, px + ux * away, py + uy * away)
        now = away * away + above * above <= slant * slant
        if now:
            last, least = away, min(least, np.degrees(np.arctan2(above, away)))
        elif inside:
            over = away
        inside = now
    low, high = last, max(over, last)
    for _ in range(halvings):
        middle = (low + high) / 2
        above = rise + base - height_on(grid, gx, gy, size, px + ux * middle, py + uy * middle)
        low, high = (middle, high) if middle * middle + above * above <= slant * slant else (low, middle)
    end_ground = height_on(grid, gx, gy, size, px + ux * low, py + uy * low)
    if low > 0.0:
        least = min(least, np.degrees(np.arctan2(rise + base - end_ground, low)))
    if rise < 0.0:
        return float(np.degrees(np.arctan2(base - end_ground, low))) if low > 0.0 else 0.0
    return float(min(least + vfov / 2.0, 90.0 - vfov / 2.0))


@jit
def meets(
    kind: int, ground: float, above: float, height: float, need: float, most: float, near: float, far: float, tilt: float, vfov: float, slant: float,
    focal: float,
) -> bool:  # fmt: skip
    """Whether a head sees what stands at the end of a clear sight line as finely as is asked; `kind` of `Sightlines.drops`.

    On flat ground distance decides; else the angle and the range, where targets ask what they need their own range and steepest view too.
    """
    if kind == 0:
        return bool(near <= ground <= far)
    if kind == 2:
        if height > most:
            return False
        slant = min(slant, focal / need)
    return in_view(ground, above, tilt, vfov, slant)


@jit
def _sweep(bearing: Any, weight: Any, hfov: float, best: int, out: Any) -> int:
    """Up to `best` bearings that take the most weight, each from what the ones before left; `bearing` sorted, [0, 360).

    Bearings are multiples of 0.1 deg, which an installer can set.
    """
    n = len(bearing)
    left = weight.copy()
    made = 0
    while made < best:
        top, top_first, top_last, top_aim = 0.0, -1, -1, 0.0
        last, held = 0, 0.0  # the window holds targets first..last-1, counted on past a full turn
        for first in range(n):
            if last < first:
                last, held = first, 0.0
            # The sector's left edge stands at this target, or less than a step before it.
            aim = np.floor((bearing[first] + hfov / 2.0) * 10.0 + 1e-8) / 10.0
            while last < first + n and bearing[last % n] + 360.0 * (last // n) <= aim + hfov / 2.0 + 1e-9:
                held += left[last % n]
                last += 1
            if held > top * (1 + 1e-12):
                top, top_first, top_last, top_aim = held, first, last, aim
            held -= left[first]
        if top_first < 0:
            return made
        end = bearing[(top_last - 1) % n] + 360.0 * ((top_last - 1) // n)
        # In the middle of what it holds, so that no target is left on the edge; where rounding that would lose one, as it was found.
        middle = np.round((bearing[top_first] + end) / 2.0, 1)
        if middle - hfov / 2.0 > bearing[top_first] + 1e-9 or middle + hfov / 2.0 < end - 1e-9:
            middle = top_aim
        out[made] = np.round(middle % 360.0, 1) % 360.0
        made += 1
        for k in range(top_first, top_last):
            left[k % n] = 0.0
    return made


@jit
def _is_new(bearing: float, taken: Any, count: int, least: float) -> bool:
    for k in range(count):
        turn = abs(bearing - taken[k]) % 360.0
        if min(turn, 360.0 - turn) < least:
            return False
    return True


@jit
def _lines_seen(
    first: int, last: int, ground: Any, critical: Any, kind: int, drop: Any, need: Any, most: Any, height: float, near: float, far: float,
    rise: float, line_bearing: Any, tilt: Any, vfov: float, slant: float, focal: float, seen: Any,
) -> int:  # fmt: skip
    """Lists in `seen` which sight lines a head looks along, whatever its bearing; how many. `tilt` (n,): of a camera that looks into each sector."""
    n = 0
    for k in range(first, last):
        if critical[k] >= height:
            continue
        above = rise + (drop[k] if kind > 0 else 0.0)
        asks, highest = (need[k], most[k]) if kind == 2 else (1.0, np.inf)
        sector = int(line_bearing[k] * len(tilt) / 360.0) % len(tilt)
        if not meets(kind, ground[k], above, height, asks, highest, near, far, tilt[sector], vfov, slant, focal):
            continue
        seen[n] = k
        n += 1
    return n


@parallel_jit
def _aim(
    start: Any, target: Any, line_bearing: Any, ground: Any, critical: Any, kind: int, drop: Any, need: Any, most: Any, weight: Any,
    hfov: Any, height: Any, near: Any, far: Any, rise: Any, tilt: Any, vfov: Any, slant: Any, focal: Any, ceiling: Any,
    street_start: Any, street: Any, best: int, fan: int, room: int, hilly: bool, points: Any, base: Any, grid: Any, gx: float, gy: float, size: float,
    out: Any, counts: Any,
) -> None:  # fmt: skip
    for p in prange(len(start) - 1):
        first, last = start[p], start[p + 1]
        for head in range(len(hfov)):
            if height[head] > ceiling[p]:
                continue
            seen, tilt_of = np.empty(last - first, dtype=np.int64), np.full(_SECTORS, tilt[head])
            if hilly and hfov[head] < 360.0 and last > first:
                for sector in range(_SECTORS):
                    turn = 2.0 * np.pi * (sector + 0.5) / _SECTORS
                    tilt_of[sector] = slope_tilt(
                        grid, gx, gy, size, points[p, 0], points[p, 1], base[p], np.sin(turn), np.cos(turn), rise[head], vfov[head], slant[head], 12
                    )
            n = _lines_seen(
                first, last, ground, critical, kind, drop, need, most, height[head], near[head], far[head], rise[head],
                line_bearing, tilt_of, vfov[head], slant[head], focal[head], seen,
            )  # fmt: skip
            if n == 0:
                continue
            made = 0
            if hfov[head] >= 360.0:
                out[p, head, 0] = 0.0
                counts[p, head] = 1
                continue
            # Close to a bearing already offered another adds nothing but rows.
            least = min(4.0, hfov[head] / 8.0)
            for k in range(street_start[p], street_start[p + 1]):
                along = np.round(street[k], 1) % 360.0
                if made < room and _is_new(along, out[p, head], made, least):
                    out[p, head, made] = along
                    made += 1
            found = np.empty(max(best, 1))
            lines = seen[:n]
            sweeps = _sweep(line_bearing[lines], weight[target[lines]], hfov[head], best, found)
            for k in range(sweeps):
                if made < room and _is_new(found[k], out[p, head], made, 0.05):
                    out[p, head, made] = found[k]
                    made += 1
            for k in range(fan):
                even = np.round(360.0 * k / fan, 1)
                if made < room and _is_new(even, out[p, head], made, 0.05):
                    out[p, head, made] = even
                    made += 1
            counts[p, head] = made


def make_poses(
    sightlines: Sightlines, heads: Sequence[Head], weight: Floats, ceiling_m: Floats, streets: tuple[Ints, Floats], aim: Aim = Aim()
) -> Poses:
    """Every pose worth looking at.

    Parameters
    ----------
    sightlines: what can be seen from each site (n_sites rows).
    heads: from `make_heads`.
    weight: of the targets (n_targets,); what existing cameras cover may be set to 0, so that aims go where something is to be won.
    ceiling_m: the highest mount a site carries (n_sites,) [m].
    streets: for each site the bearings of its streets, as row starts (n_sites + 1,) and bearings [deg].
    aim: which bearings are offered.
    """
    n = len(sightlines.start) - 1
    street_start, street = streets if aim.streets else (np.zeros(n + 1, dtype=np.int64), np.empty(0))
    room = max(int(np.diff(street_start).max(initial=0)) + aim.best + aim.fan, 1)
    out = np.full((n, len(heads), room), np.nan)
    counts = np.zeros((n, len(heads)), dtype=np.int64)
    names = ("hfov_deg", "height_m", "near_m", "far_m", "rise_m", "tilt_deg", "vfov_deg", "slant_m", "focal_px")
    columns: list[Any] = [np.array([getattr(head, name) for head in heads], dtype=np.float64) for name in names]
    arguments: tuple[Any, ...] = (
        sightlines.start, sightlines.target, sightlines.bearing_deg, sightlines.ground_m, sightlines.critical_m, *sightlines.drops,
        np.ascontiguousarray(weight, dtype=np.float64), *columns, np.ascontiguousarray(ceiling_m, dtype=np.float64),
        np.ascontiguousarray(street_start, dtype=np.int64), np.ascontiguousarray(street, dtype=np.float64), aim.best, aim.fan, room,
        *_hills(sightlines), out, counts,
    )  # fmt: skip
    _aim(*arguments)
    there = np.arange(room) < counts[:, :, None]
    site, head, _ = np.nonzero(there)
    return Poses(tuple(heads), site.astype(np.int32), head.astype(np.int32), out[there])


def _hills(sightlines: Sightlines) -> tuple[bool, Floats, Floats, Floats, float, float, float]:
    """Whether the points stand on terrain, where, how high, and its grid, as `_aim` takes it."""
    if sightlines.stands_on is None:
        return False, np.zeros((1, 2)), np.zeros(1), np.zeros((2, 2)), 0.0, 0.0, 1.0
    terrain, points = sightlines.stands_on
    return True, np.ascontiguousarray(points), terrain.height_at(points), terrain.height_m, *terrain.origin_m, terrain.cell_m
