"""What one camera sees, as an area on a map: rays from near to far, each up to where a target is first hidden.

On terrain a ray begins where a target on that ground first comes into the picture, and ends where it first leaves it or is hidden.

For drawing. What counts is the matrix: beyond a low building a target may be seen again, which the drawn area leaves out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from coverage.ground import critical_ground, height_on
from coverage.poses import Poses, in_view
from coverage.sight import CELL_M, Floats, Walls, critical_height, ground_under, heights_of
from coverage.tilts import tilts
from planning.jit import jit, parallel_jit, prange

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


@jit
def _look(walls: Any, ground: Any, camera: Any, ux: float, uy: float, away: float, target_z: float) -> int:
    """Of a target on the ground `away` along a ray: 0 where it is in the picture, 1 where only the picture's edge or the range leaves it out, 2 where
    it is hidden.
    """
    px, py, base, height, tilt, vfov, slant = camera
    qx, qy = px + ux * away, py + uy * away
    ends, top, cell_start, cell_walls, rows, columns, x0, y0, size = walls
    grid, gx, gy, g_size = ground
    z = height_on(grid, gx, gy, g_size, qx, qy) + target_z
    if critical_ground(grid, gx, gy, g_size, px, py, qx, qy, base, z, height) >= height:
        return 2
    if critical_height(ends, top, cell_start, cell_walls, rows, columns, x0, y0, size, px, py, qx, qy, z, base + height) >= base + height:
        return 2
    return 0 if in_view(away, base + height - z, tilt, vfov, slant) else 1


@parallel_jit
def _ends_on_ground(
    walls: Any, ground: Any, cameras: Any, first_deg: Any, step_deg: Any, rays: Any, target_z: float, step_m: float, begins: Any, out: Any
) -> None:
    """For each camera and ray from where and up to where a target on the ground is in the picture without a break; bisected to a few centimetres."""
    for c in prange(len(cameras)):
        camera = (cameras[c, 0], cameras[c, 1], cameras[c, 2], cameras[c, 3], cameras[c, 4], cameras[c, 5], cameras[c, 6])
        for ray in range(rays[c]):
            turn = np.radians(first_deg[c] + ray * step_deg[c])
            ux, uy = np.sin(turn), np.cos(turn)
            seen = _look(walls, ground, camera, ux, uy, 0.0, target_z) == 0
            begin, end, tried = 0.0, 0.0, 0.0
            while tried < camera[6]:
                before, tried = tried, min(tried + step_m, camera[6])
                now = _look(walls, ground, camera, ux, uy, tried, target_z)
                if (now == 0) == seen and now != 2:
                    end = tried if seen else 0.0
                    continue
                if now == 2 and not seen:
                    break
                low, high = before, tried
                for _ in range(6):
                    middle = (low + high) / 2
                    same = (_look(walls, ground, camera, ux, uy, middle, target_z) == 0) == seen
                    low, high = (middle, high) if same else (low, middle)
                if seen:
                    end = low
                    break
                seen, begin, end = True, high, tried
            begins[c, ray], out[c, ray] = begin, end


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
    begins = np.repeat(near[:, None], out.shape[1], axis=1)
    grid = (walls.ends_m, walls.top_m, walls.cell_start, walls.cell_walls, *walls.shape, *walls.corner_m, CELL_M)
    height = np.array([head.height_m for head in heads])
    if walls.terrain is None:
        _ends(*grid, at[:, 0].copy(), at[:, 1].copy(), height, near, far, first, step, rays, target_m, STEP_M, out)
    else:
        lens = np.array([(head.vfov_deg, head.slant_m) for head in heads], dtype=np.float64)
        cameras = np.column_stack([at, ground_under(walls, points_m)[poses.site], height, tilts(walls.terrain, points_m, poses), lens])
        _ends_on_ground(grid, heights_of(walls)[1:], cameras, first, step, rays, target_m, STEP_M, begins, out)
    areas = []
    for c in range(len(poses)):
        turn = np.radians(first[c] + np.arange(rays[c]) * step[c])
        begin = begins[c, : rays[c]]
        reach = np.maximum(out[c, : rays[c]], begin)
        centre = points_m[poses.site[c]]
        outer = np.column_stack([centre[0] + np.sin(turn) * reach, centre[1] + np.cos(turn) * reach])
        inner = np.column_stack([centre[0] + np.sin(turn) * begin, centre[1] + np.cos(turn) * begin])[::-1]
        if not (reach > begin).any():
            areas.append(shapely.Polygon())
        elif hfov[c] >= 360.0:
            hole = [inner] if begin.max() > 0 else []
            areas.append(shapely.make_valid(shapely.Polygon(outer, hole)))
        else:
            areas.append(shapely.make_valid(shapely.Polygon(np.vstack([outer, inner if begin.max() > 0 else centre[None]]))))
    return areas
