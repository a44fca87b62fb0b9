"""The verifier's own way over the ground: each line of sight as a profile of many points, by scipy's interpolation.

Nothing of `coverage.ground` is used: heights come from scipy, and the line is compared with the ground at a point every half metre and wherever it
passes from one cell of the terrain to the next, where the ground has its edges; close to the target, where a hair's breadth of ground may hide it,
ever more closely.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import map_coordinates

from coverage.terrain import Terrain

Floats = npt.NDArray[np.float64]

STEP_M = 0.5
FINE_M = 0.02
AT_ONCE = 2_000_000  # points of profiles held at a time
TOUCH_M = 1e-9


def heights(terrain: Terrain | None, points_m: Floats) -> Floats:
    """Ground heights at points (n, 2) [m]; 0 where the ground is flat."""
    if terrain is None:
        return np.zeros(len(points_m))
    nodes = (np.asarray(points_m, dtype=np.float64) - np.asarray(terrain.origin_m)) / terrain.cell_m
    found: Floats = map_coordinates(terrain.height_m, nodes.T[::-1], order=1, mode="nearest", output=np.float64)
    return found


def roofs(terrain: Terrain | None, buildings: gpd.GeoDataFrame) -> Floats:
    """Roof heights (n_buildings,) [m]: above the lowest corner of each footprint, on the terrain's own scale."""
    tops: Floats = buildings["height_m"].to_numpy(dtype=np.float64)
    if terrain is None or not len(buildings):
        return tops
    corners = buildings.geometry.get_coordinates(index_parts=False)
    ground = pd.Series(heights(terrain, corners.to_numpy(dtype=np.float64)), index=corners.index)
    lowest: Floats = ground.groupby(level=0).min().reindex(buildings.index).to_numpy(dtype=np.float64)
    return tops + lowest


def over_ground(terrain: Terrain | None, start_m: Floats, end_m: Floats, start_z_m: Floats, end_z_m: Floats) -> npt.NDArray[np.bool_]:
    """Whether each straight line (n,) stays above the ground all the way between its ends.

    Parameters
    ----------
    start_m, end_m: ends on the map (n, 2) [m].
    start_z_m, end_z_m: their heights on the terrain's own scale (n,) [m].
    """
    clear = np.ones(len(start_m), dtype=bool)
    if terrain is None or not len(start_m):
        return clear
    length = np.hypot(*(end_m - start_m).T)
    most = int(np.ceil(length.max() / STEP_M)) + 2 * (int(length.max() / terrain.cell_m) + 3)
    for rows in np.array_split(np.arange(len(start_m)), max(len(start_m) * most // AT_ONCE, 1)):
        along = _along(terrain, start_m[rows], end_m[rows], float(length[rows].max()))
        points = start_m[rows, None, :] + along[:, :, None] * (end_m[rows] - start_m[rows])[:, None, :]
        ground = heights(terrain, points.reshape(-1, 2)).reshape(along.shape)
        line = start_z_m[rows, None] * (1 - along) + end_z_m[rows, None] * along
        clear[rows] = ~((ground - line > TOUCH_M) & (along > 0) & (along < 1)).any(axis=1)
    return clear


def _along(terrain: Terrain, start: Floats, end: Floats, longest: float) -> Floats:
    """Where each line is looked at, as parts of it (n, m): evenly, and where it crosses the columns and rows of nodes; 0 where there is none left."""
    count = max(int(np.ceil(longest / STEP_M)), 1)
    evenly = np.append(np.linspace(0.0, 1.0, count + 1), 1.0 - 0.25 ** np.arange(1, 8) / count)
    parts = [np.broadcast_to(evenly, (len(start), len(evenly)))]
    for axis in (0, 1):
        a, b = ((p[:, axis] - terrain.origin_m[axis]) / terrain.cell_m for p in (start, end))
        count = int(np.abs(b - a).max(initial=0.0)) + 1
        nodes = np.floor(np.minimum(a, b))[:, None] + 1.0 + np.arange(count)
        run = np.where(b == a, np.inf, b - a)
        parts.append(np.clip((nodes - a[:, None]) / run[:, None], 0.0, 1.0))
    out: Floats = np.concatenate(parts, axis=1)
    return out


def tilt_over(
    terrain: Terrain | None, at_m: tuple[float, float], bearing_deg: float, height_m: float, target_m: float, vfov_deg: float, slant_m: float
) -> float:  # fmt: skip
    """The tilt that a camera's reach over the ground along its bearing asks, from a point every 2 cm [deg].

    Of all targets `target_m` above the ground and within `slant_m`, the one least far below the horizon touches the picture's upper edge.
    """
    away = np.arange(1, int(slant_m / FINE_M) + 1) * FINE_M
    turn = np.radians(bearing_deg)
    points = np.asarray(at_m, dtype=np.float64) + np.vstack([[0.0, 0.0], away[:, None] * [np.sin(turn), np.cos(turn)]])
    ground = heights(terrain, points)
    above = ground[0] + height_m - (ground[1:] + target_m)
    inside = np.hypot(away, above) <= slant_m
    if not inside.any():
        return 90.0 - vfov_deg / 2
    if height_m < target_m:
        last = int(np.flatnonzero(inside)[-1])
        return float(np.degrees(np.arctan2(ground[0] - ground[1 + last], away[last])))
    return float(min(np.degrees(np.arctan2(above, away))[inside].min() + vfov_deg / 2, 90.0 - vfov_deg / 2))
