"""What one camera sees, as an area on a map: rays from near to far, each up to where a target is first hidden.

For drawing. What counts is the matrix: beyond a low building a target may be seen again, which the drawn area leaves out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from coverage.poses import Poses
from coverage.sight import CELL_M, Floats, Walls, critical_height
from planning.jit import parallel_jit, prange

RAY_DEG = 2.0
STEP_M = 2.0


@parallel_jit
def _ends(
    ends: Any, top: Any, cell_start: Any, cell_walls: Any, rows: int, columns: int, x0: float, y0: float, size: float,
    x: Any, y: Any, height: Any, near: Any, far: Any, first_deg: Any, step_deg: Any, rays: Any, target_z: float, step_m: float, out: Any,
) -> None:  # fmt: skip
    """For each camera and ray the distance up to which a target is seen without a break; bisected to a few centimetres."""
    for c in prange(len(x)):
        for ray in range(rays[c]):
            turn = np.radians(first_deg[c] + ray * step_deg[c])
            ux, uy = np.sin(turn), np.cos(turn)
            clear, tried = 0.0, 0.0
            while tried < far[c]:
                tried = min(tried + step_m, far[c])
                needed = critical_height(
                    ends, top, cell_start, cell_walls, rows, columns, x0, y0, size, x[c], y[c], x[c] + ux * tried, y[c] + uy * tried,
                    target_z, height[c],
                )  # fmt: skip
                if needed >= height[c]:
                    low, high = clear, tried
                    for _ in range(6):
                        middle = (low + high) / 2
                        needed = critical_height(
                            ends, top, cell_start, cell_walls, rows, columns, x0, y0, size, x[c], y[c], x[c] + ux * middle, y[c] + uy * middle,
                            target_z, height[c],
                        )  # fmt: skip
                        low, high = (low, middle) if needed >= height[c] else (middle, high)
                    clear = low
                    break
                clear = tried
            out[c, ray] = clear


def view_areas(walls: Walls, points_m: Floats, poses: Poses, *, target_m: float) -> list[shapely.Geometry]:
    """One polygon a pose, in the city's CRS; empty where nothing beyond the blind zone is in view.

    Parameters
    ----------
    points_m: where the poses' sites are (n_sites, 2) [m].
    poses: what to draw; `site` names rows of `points_m`.
    target_m: height of what is to be seen [m].
    """
    if not len(poses):
        return []
    heads = [poses.heads[h] for h in poses.head]
    at = points_m[poses.site] - np.asarray(walls.origin_m)
    hfov = np.array([head.hfov_deg for head in heads])
    near, far = np.array([head.near_m for head in heads]), np.array([head.far_m for head in heads])
    rays = np.maximum(np.ceil(hfov / RAY_DEG), 2).astype(np.int64) + 1
    step = hfov / (rays - 1)
    first = poses.bearing_deg - hfov / 2
    out = np.zeros((len(poses), int(rays.max())))
    grid = (walls.ends_m, walls.top_m, walls.cell_start, walls.cell_walls, *walls.shape, *walls.corner_m, CELL_M)
    height = np.array([head.height_m for head in heads])
    _ends(*grid, at[:, 0].copy(), at[:, 1].copy(), height, near, far, first, step, rays, target_m, STEP_M, out)
    areas = []
    for c in range(len(poses)):
        turn = np.radians(first[c] + np.arange(rays[c]) * step[c])
        reach = np.maximum(out[c, : rays[c]], near[c])
        centre = points_m[poses.site[c]]
        outer = np.column_stack([centre[0] + np.sin(turn) * reach, centre[1] + np.cos(turn) * reach])
        inner = np.column_stack([centre[0] + np.sin(turn) * near[c], centre[1] + np.cos(turn) * near[c]])[::-1]
        if not (reach > near[c]).any():
            areas.append(shapely.Polygon())
        elif hfov[c] >= 360.0:
            hole = [inner] if near[c] > 0 else []
            areas.append(shapely.make_valid(shapely.Polygon(outer, hole)))
        else:
            areas.append(shapely.make_valid(shapely.Polygon(np.vstack([outer, inner if near[c] > 0 else centre[None]]))))
    return areas
