"""How far down a camera is tilted where the ground has heights, and where its view on that ground begins and ends.

From the side, along the bearing; a target stands z above the ground g(d), the mount h above the ground at its pole:

    camera *- - - - - - - - - - horizon          rise(d) = g(0) + h - g(d) - z
           | \\ tilt - VFOV/2
           |  \\ ` - . _        ____              below(d) = atan(rise(d) / d)
           |   \\       ` - .__/ last target in range
          -+----\\------___/                      the upper edge meets the least of below(d) over all d in range
              near

On level ground that is the tilt of `coverage.optics.tilt_deg`: there the target farthest off stands highest in the picture. On a slope up it stands
higher, so the camera looks less far down, even upward, and sees farther up its picture; on a slope down the other way round; over a hump it is the
hump that the upper edge meets, and what lies hidden behind it is below. A camera below its targets looks along the ground. One that looks all round
has no bearing, and keeps the tilt of level ground.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from coverage.ground import height_on
from coverage.poses import Poses, in_view, slope_tilt
from coverage.sight import Floats
from coverage.terrain import Terrain
from planning.jit import parallel_jit, prange

_HALVINGS = 36


def tilts(terrain: Terrain | None, points_m: Floats, poses: Poses) -> Floats:
    """Each pose's tilt below the horizon (n_poses,) [deg]: as set where `poses.tilt_deg` says, else that of its head on level ground, else from the
    ground along its bearing.

    Parameters
    ----------
    terrain: the ground, flat where None.
    points_m: where the poses' sites are (n_sites, 2), in the city's CRS [m].
    """
    if poses.tilt_deg is not None:
        return poses.tilt_deg
    level: Floats = np.array([head.tilt_deg for head in poses.heads], dtype=np.float64)[poses.head]
    return level if terrain is None or not len(poses) else _lay(terrain, points_m, poses, level, False)[:, 0].copy()


def spans(terrain: Terrain | None, points_m: Floats, poses: Poses) -> tuple[Floats, Floats]:
    """Where along its bearing each pose's view of targets on the ground begins and ends (n_poses,) each [m]; hills and walls between left aside."""
    near, far = (np.array([getattr(head, name) for head in poses.heads], dtype=np.float64)[poses.head] for name in ("near_m", "far_m"))
    if terrain is None or not len(poses):
        return near, far
    found = _lay(terrain, points_m, poses, tilts(None, points_m, poses), True)
    return found[:, 1].copy(), found[:, 2].copy()


def _lay(terrain: Terrain, points_m: Floats, poses: Poses, level: Floats, bounds: bool) -> Floats:
    """Tilt, near and far of each pose (n, 3), the last two 0 without `bounds`."""
    names = ("hfov_deg", "vfov_deg", "rise_m", "slant_m")
    lens = np.array([[getattr(head, name) for name in names] for head in poses.heads], dtype=np.float64)[poses.head]
    points = np.ascontiguousarray(points_m, dtype=np.float64).reshape(-1, 2)[poses.site]
    out = np.empty((len(poses), 3))
    bearing = np.ascontiguousarray(poses.bearing_deg, dtype=np.float64)
    _each(terrain.height_m, *terrain.origin_m, terrain.cell_m, points, terrain.height_at(points), bearing, lens, level, bounds, out)
    return out


@parallel_jit
def _each(
    grid: Any, gx: float, gy: float, size: float, points: Any, base: Any, bearing: Any, lens: Any, level: Any, bounds: bool, out: Any
) -> None:  # fmt: skip
    for k in prange(len(points)):
        px, py, ux, uy = points[k, 0], points[k, 1], np.sin(np.radians(bearing[k])), np.cos(np.radians(bearing[k]))
        vfov, rise, slant = lens[k, 1], lens[k, 2], lens[k, 3]
        tilt = level[k]
        if lens[k, 0] < 360.0:
            tilt = slope_tilt(grid, gx, gy, size, px, py, base[k], ux, uy, rise, vfov, slant, _HALVINGS)
        out[k, 0], out[k, 1], out[k, 2] = tilt, 0.0, 0.0
        step, found, before, away = min(max(size / 2.0, 2.0), 10.0), False, False, 0.0
        while bounds and away <= slant + step:
            now = in_view(away, rise + base[k] - height_on(grid, gx, gy, size, px + ux * away, py + uy * away), tilt, vfov, slant)
            if now != before or (now and away == 0.0):
                low, high = max(away - step, 0.0), away
                for _ in range(_HALVINGS):
                    middle = (low + high) / 2
                    there = rise + base[k] - height_on(grid, gx, gy, size, px + ux * middle, py + uy * middle)
                    low, high = (low, middle) if in_view(middle, there, tilt, vfov, slant) == now else (middle, high)
                if now and not found:
                    out[k, 1], found = high, True
                if not now:
                    out[k, 2] = low
            before, away = now, away + step
