"""The ground under a line of sight: an exact walk of a grid of heights.

Between four nodes the ground is bilinear, so along a straight line it is quadratic within each cell. With s = 1 - t from 1 at the camera to 0 at the
target, a mount h above its ground g_c and a target at height z_t, the line clears the ground g where

    g_c s + h s + z_t (1 - s) > g(s)     or     h > F(s) = (g(s) - z_t - (g_c - z_t) s) / s = c / s + b + a s

    h *\\_ _                                 F'' = 2 c / s^3, so within a cell F is largest at its ends, or, where c < 0 and a < 0,
      |    \\_ _  ____                       at s = sqrt(c / a), where it is b - 2 sqrt(c a)
      |      __/\\ _ _ \\___* z_t
    --+-----/         \\___|--               c: how far the cell's own surface, carried on to the target, passes above it
    s = 1                s = 0

Both ends look after themselves. At the camera F tends to g_c - g_c = 0: the ground it stands on never hides anything from a mount above it. At the
target the ground lies below it by the target's own height, so F tends to minus infinity; for a target on the ground itself F tends to b, the height
from which its own slope is looked along. The last millionth of the line is left out, which keeps rounding from being divided by nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.jit import jit

NEAR_END = 1e-6  # of the line's length, at the target
ROUNDING_M = 1e-5  # critical heights below this are rounding: a mount stands above its ground


@jit
def height_on(grid: Any, x0: float, y0: float, size: float, x: float, y: float) -> float:
    """Bilinear height of a grid whose node [0, 0] stands at x0, y0; beyond the grid that of its edge."""
    rows, columns = grid.shape
    along = min(max((x - x0) / size, 0.0), columns - 1.0)
    up = min(max((y - y0) / size, 0.0), rows - 1.0)
    column, row = min(int(along), columns - 2), min(int(up), rows - 2)
    along, up = along - column, up - row
    low = grid[row, column] + along * (grid[row, column + 1] - grid[row, column])
    high = grid[row + 1, column] + along * (grid[row + 1, column + 1] - grid[row + 1, column])
    return float(low + up * (high - low))


@jit
def _highest_in_cell(
    grid: Any, row: int, column: int, wx: float, wy: float, du: float, dv: float, mount_ground: float, target_z: float, low: float, high: float
) -> float:
    """The largest F over one cell between s = low and s = high; the target at wx, wy and the line's run du, dv are in cells."""
    corner = grid[row, column]
    east, north = grid[row, column + 1] - corner, grid[row + 1, column] - corner
    twist = grid[row + 1, column + 1] - grid[row + 1, column] - east
    ux, uy = wx - column, wy - row
    c = (corner - target_z) + east * ux + north * uy + twist * ux * uy
    b = (target_z - mount_ground) - east * du - north * dv - twist * (ux * dv + uy * du)
    a = twist * du * dv
    found = max(c / low + b + a * low, c / high + b + a * high)
    if c < 0.0 and a < 0.0:
        top = np.sqrt(c / a)
        if low < top < high:
            found = max(found, b - 2.0 * np.sqrt(c * a))
    return float(found)


@jit
def critical_ground(
    grid: Any, x0: float, y0: float, size: float, px: float, py: float, qx: float, qy: float, mount_ground: float, target_z: float, enough: float
) -> float:
    """The height above the ground at P from which on the line to Q clears the ground; -inf where any mount does.

    Beyond the grid there is no ground to ask. Stops once it is `enough` or more. From cell to cell as in `coverage.sight.critical_height`.

    Parameters
    ----------
    grid: heights at nodes (rows, columns), node [0, 0] at x0, y0, `size` apart [m].
    mount_ground: ground at P [m].
    target_z: what is to be seen at Q, on the ground's own scale of heights [m].
    """
    worst = -np.inf
    if px == qx and py == qy:
        return worst
    rows, columns = grid.shape
    ux, uy, wx, wy = (px - x0) / size, (py - y0) / size, (qx - x0) / size, (qy - y0) / size
    du, dv = wx - ux, wy - uy
    column, row, last_column, last_row = int(np.floor(ux)), int(np.floor(uy)), int(np.floor(wx)), int(np.floor(wy))
    step_c, step_r = (1 if du > 0 else -1), (1 if dv > 0 else -1)
    each_c = 1.0 / abs(du) if du != 0.0 else np.inf
    each_r = 1.0 / abs(dv) if dv != 0.0 else np.inf
    next_c = (column + (1 if du > 0 else 0) - ux) / du if du != 0.0 else np.inf
    next_r = (row + (1 if dv > 0 else 0) - uy) / dv if dv != 0.0 else np.inf
    entered = 0.0
    for _ in range(abs(last_column - column) + abs(last_row - row) + 1):
        last = row == last_row and column == last_column
        by_column = row == last_row or (column != last_column and next_c < next_r)
        left = 1.0 if last else min(max(next_c if by_column else next_r, entered), 1.0)
        low, high = max(1.0 - left, NEAR_END), 1.0 - entered
        if low <= high and 0 <= row < rows - 1 and 0 <= column < columns - 1:
            worst = max(worst, _highest_in_cell(grid, row, column, wx, wy, du, dv, mount_ground, target_z, low, high))
            if worst >= enough:
                return worst
        entered = left
        # Once a column or row is the last, rounding must not carry the walk past it.
        if by_column:
            column += step_c
            next_c += each_c
        else:
            row += step_r
            next_r += each_r
    return worst if worst > ROUNDING_M else -np.inf


@jit
def heights_on(grid: Any, x0: float, y0: float, size: float, points: Any) -> Any:
    """`height_on` at each of `points` (n, 2)."""
    out = np.empty(len(points))
    for i in range(len(points)):
        out[i] = height_on(grid, x0, y0, size, points[i, 0], points[i, 1])
    return out
