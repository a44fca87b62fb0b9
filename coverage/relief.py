"""What cameras see of a grid of cells where the ground has heights: each cell in a picture is asked by its own line of sight.

On flat ground a wall's shadow is one shape (`coverage.area`). Here a target's height differs from cell to cell, so a shadow's end is no straight
line, and the ground hides too. A cell is asked what the sight walk asks of any target: first whether it lies in the picture and in range, then past
the ground (`coverage.ground`), then past the walls (`coverage.sight`), in the same arithmetic; so a raster and the walk never differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from coverage.ground import critical_ground, height_on
from coverage.poses import in_view
from coverage.sight import CELL_M, Floats, Walls, critical_height, ground_under, heights_of
from coverage.standing import Standing
from coverage.tilts import tilts
from planning.jit import jit, parallel_jit, prange, threads


@jit
def hides(walls: Any, ground: Any, px: float, py: float, base: float, height: float, qx: float, qy: float, target_z: float) -> bool:
    """Whether ground or walls hide a target at `target_z`, on the ground's scale of heights, from a mount `height` above its own ground `base`."""
    grid, gx, gy, g_size = ground
    if critical_ground(grid, gx, gy, g_size, px, py, qx, qy, base, target_z, height) >= height:
        return True
    ends, top, cell_start, cell_walls, rows, columns, x0, y0, size = walls
    needed = critical_height(ends, top, cell_start, cell_walls, rows, columns, x0, y0, size, px, py, qx, qy, target_z, base + height)
    return bool(needed - base >= height)


@jit
def faces(dx: float, dy: float, left_deg: float, width_deg: float) -> bool:
    """Whether a bearing lies in a field of view, by the tolerance of `coverage.matrix`."""
    if width_deg >= 360.0:
        return True
    turn = np.degrees(np.arctan2(dx, dy)) - left_deg
    turn -= 360.0 * np.floor(turn / 360.0)
    return bool(turn <= width_deg + 1e-9 or turn >= 360.0 - 1e-9)


@parallel_jit
def _count(
    walls: Any, ground: Any, cameras: Any, order: Any, z: float, west: float, north: float, step: float, off: Any, count: Any, best: Any
) -> None:  # fmt: skip
    """Rows of cells, in the order given, each by one thread. `cameras` (n, 10): x, y, ground, height, tilt, vfov, slant, focal_px, left side [deg],
    width [deg].
    """
    grid, gx, gy, g_size = ground
    for k in prange(len(order)):
        row = order[k]
        y = north - (row + 0.5) * step
        for c in range(len(cameras)):
            px, py, base, height, tilt, vfov, slant = (
                cameras[c, 0], cameras[c, 1], cameras[c, 2], cameras[c, 3], cameras[c, 4], cameras[c, 5], cameras[c, 6],
            )  # fmt: skip
            dy = y - py
            if abs(dy) > slant:
                continue
            half, middle = np.sqrt(slant * slant - dy * dy) / step, (px - west) / step - 0.5
            first, last = max(0, int(np.floor(middle - half))), min(count.shape[1] - 1, int(np.ceil(middle + half)))
            for column in range(first, last + 1):
                x = west + (column + 0.5) * step
                dx = x - px
                if off[row, column] != 0 or not faces(dx, dy, cameras[c, 8], cameras[c, 9]):
                    continue
                away, target_z = np.sqrt(dx * dx + dy * dy), height_on(grid, gx, gy, g_size, x, y) + z
                above = base + height - target_z
                if not in_view(away, above, tilt, vfov, slant) or hides(walls, ground, px, py, base, height, x, y, target_z):
                    continue
                count[row, column] += 1
                best[row, column] = max(best[row, column], np.float32(cameras[c, 7] / np.sqrt(away * away + above * above)))


@parallel_jit
def _hidden(
    walls: Any, ground: Any, px: float, py: float, base: float, height: float, z: float, far: float, x0: float, y0: float, step: float, dark: Any
) -> None:  # fmt: skip
    grid, gx, gy, g_size = ground
    for row in prange(dark.shape[0]):
        y = y0 - row * step
        for column in range(dark.shape[1]):
            x = x0 + column * step
            dark[row, column] = 0
            if (x - px) ** 2 + (y - py) ** 2 <= far * far:
                target_z = height_on(grid, gx, gy, g_size, x, y) + z
                if hides(walls, ground, px, py, base, height, x, y, target_z):
                    dark[row, column] = 1


def _as_taken(walls: Walls) -> tuple[Any, Any]:
    """Walls and ground as the compiled walks take them."""
    of_walls = (walls.ends_m, walls.top_m, walls.cell_start, walls.cell_walls, *walls.shape, *walls.corner_m, CELL_M)
    return of_walls, heights_of(walls)[1:]


def count_on_terrain(
    walls: Walls, standing: Standing, west_m: float, north_m: float, cell_m: float, target_m: float, off: Any, count: Any, best: Any
) -> None:  # fmt: skip
    """Add to `count` (rows, columns) which cameras see a target `target_m` above the ground in the middle of each cell, and raise `best` to the
    density [px/m]; the outer corner `west_m`, `north_m` local to the walls' origin [m]; cells where `off` is not 0 are passed over.
    """
    poses = standing.poses
    heads = [poses.heads[h] for h in poses.head]
    points, widths = standing.points_m[poses.site], np.array([head.hfov_deg for head in heads])
    lens = np.array([(head.height_m, 0.0, head.vfov_deg, head.slant_m, head.focal_px) for head in heads], dtype=np.float64)
    lens[:, 1] = tilts(walls.terrain, standing.points_m, poses)
    local = points - np.asarray(walls.origin_m)
    eyes = np.ascontiguousarray(np.column_stack([local, ground_under(walls, points), lens, poses.bearing_deg - widths / 2, widths]))
    # Dealt out in turn, so that no thread has the busy quarter of the town to itself.
    order = np.concatenate([np.arange(first, len(count), threads()) for first in range(threads())])
    _count(*_as_taken(walls), eyes, order, target_m, west_m, north_m, cell_m, off, count, best)


def hidden_on_terrain(
    walls: Walls, point_m: Floats, height_m: float, target_m: float, far_m: float, x0_m: float, y0_m: float, cell_m: float, dark: Any
) -> None:  # fmt: skip
    """Set `dark` (rows, columns) to 1 where ground or walls hide a target within `far_m` of the mount, else 0; the middle of cell (0, 0) at `x0_m`,
    `y0_m` local to the walls' origin [m].
    """
    x, y = np.asarray(point_m, dtype=np.float64) - np.asarray(walls.origin_m)
    base = float(ground_under(walls, np.asarray(point_m, dtype=np.float64)[None])[0])
    _hidden(*_as_taken(walls), x, y, base, height_m, target_m, far_m, x0_m, y0_m, cell_m, dark)
