"""What a camera sees of a grid of cells: each wall's shadow is drawn as a shape of its own, exact to the cell.

From above, the camera at P, h high, and a wall from A to B with its top at `top`; targets stand z high:

                     fA .-----------. fB          A line from P to Q meets the wall at t = |PX| / |PQ| and is blocked where
                       /   shadow  /              h (1 - t) + z t <= top. So for h > top the shadow lies between the wall itself and the wall
                    A *-----------* B             drawn f times as large about P,
                       \\  clear  /
                        \\       /                     f = (h - z) / (h - top),
                            P
                                                  and for h <= top it has no end (where z > h it begins at (z - h) / (top - h) times the wall).

A shadow is a convex shape between four straight lines, its part in a row of cells one run. Runs are found in closed form; cells whose middle lies
within a hair of a line, and all cells where the camera stands on the wall, are asked one by one what `coverage.sight.critical_height` asks of the
wall, in the same arithmetic. A wall behind another costs a run over cells already dark, and no cell costs a walk.

That holds on flat ground. Where the ground has heights z differs from cell to cell and the ground hides too: there each cell in a picture is asked
by itself (`coverage.relief`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from coverage.relief import count_on_terrain, faces, hidden_on_terrain
from coverage.sight import CELL_M, Floats, Walls
from coverage.standing import Standing
from planning.errors import InputError
from planning.jit import jit, parallel_jit, prange

HAIR = 1e-6  # of a cell: nearer to a shadow's edge than this, a cell's middle is asked by itself
_FLAT = 1e-7  # lines this much nearer to a row's direction have no column where they cross it
_BAND_ROWS = 128
Counts = npt.NDArray[np.uint16]
Densities = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """Square cells, row 0 in the north: the outer corner `west_m`, `north_m` in the city's CRS [m], `cell_m` a side, rows and columns.

    Raises
    ------
    InputError: `grid.cells`, where a side is not between 0.1 and 100 m or there is no cell.
    """

    west_m: float
    north_m: float
    cell_m: float
    rows: int
    columns: int

    def __post_init__(self) -> None:
        if not (0.1 <= self.cell_m <= 100 and self.rows >= 1 and self.columns >= 1):
            met = f"{self.rows} x {self.columns} cells of {self.cell_m:g} m"
            raise InputError.one("grid.cells", "Cells of a raster are 0.1 to 100 m wide, and there is at least one", "Use 1 m", met)

    @classmethod
    def over(cls, bounds_m: tuple[float, float, float, float], cell_m: float) -> Grid:
        """The cells over west, south, east, north, their corners on whole multiples of a cell.

        Raises
        ------
        InputError: `grid.cells`.
        """
        if not (0.1 <= cell_m <= 100):
            return cls(bounds_m[0], bounds_m[3], cell_m, 1, 1)  # refuses itself
        west, south = (int(np.floor(bound / cell_m)) for bound in bounds_m[:2])
        east, north = (int(np.ceil(bound / cell_m)) for bound in bounds_m[2:])
        return cls(west * cell_m, north * cell_m, cell_m, north - south, east - west)

    def middles(self) -> tuple[Floats, Floats]:
        """The x of each column (columns,) and the y of each row (rows,) of the cells' middles [m]."""
        x: Floats = self.west_m + (np.arange(self.columns, dtype=np.float64) + 0.5) * self.cell_m
        y: Floats = self.north_m - (np.arange(self.rows, dtype=np.float64) + 0.5) * self.cell_m
        return x, y


@jit
def _blocks(ax: float, ay: float, bx: float, by: float, top: float, dx: float, dy: float, z: float, height: float) -> bool:
    """Whether the wall blocks the line to (dx, dy), all relative to the camera; the arithmetic of `coverage.sight`."""
    side_a = dx * ay - dy * ax
    side_b = dx * by - dy * bx
    if (side_a >= 0) == (side_b >= 0):
        return False
    along = side_a / (side_a - side_b)
    x, y = ax + along * (bx - ax), ay + along * (by - ay)
    t = (x * dx + y * dy) / (dx * dx + dy * dy)
    if t < 0.0 or t > 1.0:
        return False
    return bool((top - z * t) / (1.0 - t) >= height) if t < 1.0 else bool(top > z)


@jit
def _stands_on(ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether the camera stands on the wall from A to B, both relative to it."""
    return bool(ax * bx + ay * by <= 0 and abs(ax * by - ay * bx) <= 1e-9 * ((bx - ax) ** 2 + (by - ay) ** 2))


@jit
def _shadow_span(top: float, z: float, height: float) -> tuple[float, float]:
    """Where a shadow begins and ends, in distances to its wall; (0, 0) where the wall casts none."""
    if height < z:
        return (max(1.0, (z - height) / (top - height)), np.inf) if top > height else (0.0, 0.0)
    if top >= height:
        return 1.0, np.inf
    return (1.0, (height - z) / (height - top)) if top > z else (0.0, 0.0)


@jit
def _set_lines(ax: float, ay: float, bx: float, by: float, begin: float, end: float, lines: Any) -> None:
    """The shadow's sides, its wall and its far end as rows (a, b, c) of a x + b y >= c; without end, the last always holds."""
    cross = ax * by - ay * bx
    turn = 1.0 if cross >= 0 else -1.0
    nx, ny = turn * (by - ay), turn * (ax - bx)
    cross = abs(cross)
    lines[0, 0], lines[0, 1], lines[0, 2] = -turn * ay, turn * ax, 0.0
    lines[1, 0], lines[1, 1], lines[1, 2] = turn * by, -turn * bx, 0.0
    lines[2, 0], lines[2, 1], lines[2, 2] = nx, ny, begin * cross
    lines[3, 0], lines[3, 1], lines[3, 2] = (-nx, -ny, -end * cross) if end < np.inf else (0.0, 1.0, -np.inf)


@jit
def _set_edges(lines: Any, x0: float, y0: float, step: float, columns: int, edges: Any) -> bool:
    """Each line's column as base + slope x row: lower edges in rows 0-3, upper in 4-7; returns whether a line lies along the rows."""
    flat = False
    for i in range(4):
        a, b, c = lines[i, 0], lines[i, 1], lines[i, 2]
        edges[i, 0], edges[i, 1], edges[4 + i, 0], edges[4 + i, 1] = -1.0, 0.0, float(columns), 0.0
        if abs(a) <= _FLAT * abs(b):
            flat = flat or c > -np.inf
            continue
        side = i if a > 0 else 4 + i
        edges[side, 0], edges[side, 1] = ((c - b * y0) / a - x0) / step, b / a
    return flat


@jit
def _flat_row(lines: Any, x0: float, y: float, step: float, columns: int) -> int:
    """What lines along a row say of it: 1 all of it may be dark, -1 none, 0 each cell is to be asked."""
    answer = 1
    for i in range(4):
        a, b, c = lines[i, 0], lines[i, 1], lines[i, 2]
        if abs(a) > _FLAT * abs(b):
            continue
        one, other = a * x0 + b * y - c, a * (x0 + step * columns) + b * y - c
        hair = HAIR * step * abs(b)
        if max(one, other) < -hair:
            return -1
        if min(one, other) <= hair:
            answer = 0
    return answer


@jit
def _dark_row(
    dark: Any, low: float, high: float, first: int, last: int, each: bool,
    ax: float, ay: float, bx: float, by: float, top: float, z: float, height: float, x0: float, y: float, step: float,
) -> None:  # fmt: skip
    """Darken the run of a row between two edges, clipped to `first` and `last`; cells at its edges, or each, by asking the wall."""
    low, high = max(low, first - 1.0), min(high, last + 1.0)
    c0, c1 = max(int(np.ceil(low - HAIR)), first), min(int(np.floor(high + HAIR)), last)
    s0, s1 = max(int(np.ceil(low + HAIR)), first), min(int(np.floor(high - HAIR)), last)
    if each or s0 > s1:
        s0, s1 = c1 + 1, c1
    for column in range(s0, s1 + 1):
        dark[column] = 1
    for column in range(c0, min(s0, c1 + 1)):
        if _blocks(ax, ay, bx, by, top, x0 + column * step, y, z, height):
            dark[column] = 1
    for column in range(max(s1 + 1, s0), c1 + 1):
        if _blocks(ax, ay, bx, by, top, x0 + column * step, y, z, height):
            dark[column] = 1


@jit
def _shade_wall(
    ax: float, ay: float, bx: float, by: float, top: float, z: float, height: float, x0: float, y0: float, step: float,
    first: Any, last: Any, dark: Any, lines: Any, edges: Any,
) -> None:  # fmt: skip
    """Darken the cells in one wall's shadow; corners relative to the camera, x0 and y0 the middle of cell (0, 0)."""
    begin, end = _shadow_span(top, z, height)
    if end == 0.0:
        return
    low_y, high_y = min(ay, by), max(ay, by)
    south = end * low_y if low_y < 0 else begin * low_y
    north = end * high_y if high_y > 0 else begin * high_y
    r0 = int(max(np.floor((y0 - north) / step - HAIR), 0.0))
    r1 = int(min(np.ceil((y0 - south) / step + HAIR), dark.shape[0] - 1.0))
    if r0 > r1:
        return
    _set_lines(ax, ay, bx, by, begin, end, lines)
    flat = _set_edges(lines, x0, y0, step, dark.shape[1], edges)
    # A camera on the wall is in front of it and behind: no line tells, each cell is asked.
    on_it = _stands_on(ax, ay, bx, by)
    l0, l1, l2, l3, u0, u1, u2, u3 = edges[0, 0], edges[1, 0], edges[2, 0], edges[3, 0], edges[4, 0], edges[5, 0], edges[6, 0], edges[7, 0]
    g0, g1, g2, g3, h0, h1, h2, h3 = edges[0, 1], edges[1, 1], edges[2, 1], edges[3, 1], edges[4, 1], edges[5, 1], edges[6, 1], edges[7, 1]
    for row in range(0 if on_it else r0, dark.shape[0] if on_it else r1 + 1):
        low = max(l0 + g0 * row, l1 + g1 * row, l2 + g2 * row, l3 + g3 * row)
        high = min(u0 + h0 * row, u1 + h1 * row, u2 + h2 * row, u3 + h3 * row)
        each = on_it
        if on_it:
            low, high = -1.0, float(dark.shape[1])
        elif high < low - 2 * HAIR:
            continue
        elif flat:
            answer = _flat_row(lines, x0, y0 - row * step, step, dark.shape[1])
            if answer < 0:
                continue
            each = answer == 0
        _dark_row(dark[row], low, high, first[row], last[row], each, ax, ay, bx, by, top, z, height, x0, y0 - row * step, step)


@jit
def _within_tall(
    ends: Any, top: Any, cell_start: Any, cell_walls: Any, rows: int, columns: int, grid_x: float, grid_y: float, size: float,
    px: float, py: float, height: float,
) -> bool:  # fmt: skip
    """Whether the camera stands within a building as tall as its mount, or on its wall: by how often such walls turn about it, told eastward."""
    row = int(np.floor((py - grid_y) / size))
    if row < 0 or row >= rows:
        return False
    turns = 0
    for column in range(max(int(np.floor((px - grid_x) / size)), 0), columns):
        for k in range(cell_start[row * columns + column], cell_start[row * columns + column + 1]):
            wall = cell_walls[k]
            if top[wall] < height:
                continue
            ax, ay, bx, by = ends[wall, 0] - px, ends[wall, 1] - py, ends[wall, 2] - px, ends[wall, 3] - py
            if _stands_on(ax, ay, bx, by):
                return True
            if (ay > 0) == (by > 0):
                continue
            x = ax + (bx - ax) * (ay / (ay - by))
            # Counted in the one cell where it is crossed, though its wall passes several.
            if x > 0 and int(np.floor((px + x - grid_x) / size)) == column:
                turns += 1 if by > ay else -1
    return turns != 0


@jit
def shade(
    ends: Any, top: Any, cell_start: Any, cell_walls: Any, rows: int, columns: int, grid_x: float, grid_y: float, size: float,
    px: float, py: float, height: float, z: float, far: float, x0: float, y0: float, step: float,
    dark: Any, first: Any, last: Any, lines: Any, edges: Any, stamp: Any, mark: int,
) -> None:  # fmt: skip
    """Set `dark` (rows, columns) to 1 where a cell within `far` of the camera is hidden, else 0; `first`, `last` (rows,) to the cells in reach.

    P local to the walls' origin, x0 and y0 the middle of cell (0, 0) relative to P; `stamp` (n_walls,) holds no `mark` yet.

    Of a building as tall as the mount only the walls that face the camera are drawn: a line that leaves it has entered it, unless P is within.
    """
    outside = height >= z and not _within_tall(ends, top, cell_start, cell_walls, rows, columns, grid_x, grid_y, size, px, py, height)
    for row in range(dark.shape[0]):
        y = y0 - row * step
        half = np.sqrt(max(far * far - y * y, 0.0))
        first[row], last[row] = max(0, int(np.ceil((-half - x0) / step - HAIR))), min(dark.shape[1] - 1, int(np.floor((half - x0) / step + HAIR)))
        if abs(y) > far * (1 + 1e-12):
            last[row] = -1
        for column in range(dark.shape[1]):
            dark[row, column] = 0
    # Walls that a line to these cells can cross lie in the box of the cells and the camera.
    south, north = min(y0 - (dark.shape[0] - 1) * step, 0.0), max(y0, 0.0)
    west, east = min(x0, 0.0), max(x0 + (dark.shape[1] - 1) * step, 0.0)
    row_0, row_1 = max(int((py + max(south, -far) - grid_y) // size), 0), min(int((py + min(north, far) - grid_y) // size), rows - 1)
    column_0, column_1 = max(int((px + max(west, -far) - grid_x) // size), 0), min(int((px + min(east, far) - grid_x) // size), columns - 1)
    for row in range(row_0, row_1 + 1):
        away_y = max(grid_y + row * size - py, py - (grid_y + (row + 1) * size), 0.0)
        for column in range(column_0, column_1 + 1):
            away_x = max(grid_x + column * size - px, px - (grid_x + (column + 1) * size), 0.0)
            if away_x * away_x + away_y * away_y > far * far:
                continue
            for k in range(cell_start[row * columns + column], cell_start[row * columns + column + 1]):
                wall = cell_walls[k]
                if stamp[wall] == mark:
                    continue
                stamp[wall] = mark
                ax, ay, bx, by = ends[wall, 0] - px, ends[wall, 1] - py, ends[wall, 2] - px, ends[wall, 3] - py
                if outside and top[wall] >= height and ax * by - ay * bx > 0:
                    continue
                _shade_wall(ax, ay, bx, by, top[wall], z, height, x0, y0, step, first, last, dark, lines, edges)


@parallel_jit
def _count_bands(
    ends: Any, top: Any, cell_start: Any, cell_walls: Any, rows: int, columns: int, grid_x: float, grid_y: float, size: float,
    cameras: Any, z: float, west: float, north: float, step: float, band_rows: int, count: Any, best: Any,
) -> None:  # fmt: skip
    """Bands of rows, each by one thread. `cameras` (n, 9): x, y, height, near, far, rise, focal_px, left side [deg], width [deg]."""
    for band in prange((count.shape[0] + band_rows - 1) // band_rows):
        row_0, row_1 = band * band_rows, min((band + 1) * band_rows, count.shape[0])
        widest = min(int(2 * cameras[:, 4].max() / step) + 4, count.shape[1])
        whole = np.empty((band_rows, widest), dtype=np.uint8)
        first, last = np.empty(band_rows, dtype=np.int64), np.empty(band_rows, dtype=np.int64)
        lines, edges = np.empty((4, 3)), np.empty((8, 2))
        stamp = np.full(len(top), -1, dtype=np.int32)
        for c in range(len(cameras)):
            px, py, height, near, far = cameras[c, 0], cameras[c, 1], cameras[c, 2], cameras[c, 3], cameras[c, 4]
            r0, r1 = max(row_0, int(np.floor((north - py - far) / step))), min(row_1, int(np.ceil((north - py + far) / step)) + 1)
            c0, c1 = max(0, int(np.floor((px - far - west) / step))), min(count.shape[1], int(np.ceil((px + far - west) / step)) + 1)
            if r0 >= r1 or c0 >= c1:
                continue
            x0, y0 = west + (c0 + 0.5) * step - px, north - (r0 + 0.5) * step - py
            dark = whole[: r1 - r0, : c1 - c0]
            shade(
                ends, top, cell_start, cell_walls, rows, columns, grid_x, grid_y, size, px, py, height, z, far, x0, y0, step,
                dark, first, last, lines, edges, stamp, c,
            )  # fmt: skip
            for row in range(r1 - r0):
                dy = y0 - row * step
                for column in range(first[row], last[row] + 1):
                    dx = x0 + column * step
                    ground = np.sqrt(dx * dx + dy * dy)
                    if dark[row, column] == 0 and near <= ground <= far and faces(dx, dy, cameras[c, 7], cameras[c, 8]):
                        density = np.float32(cameras[c, 6] / np.sqrt(ground * ground + cameras[c, 5] * cameras[c, 5]))
                        count[r0 + row, c0 + column] += 1
                        best[r0 + row, c0 + column] = max(best[r0 + row, c0 + column], density)


def count_and_best(
    walls: Walls, standing: Standing, grid: Grid, *, target_m: float, off: npt.NDArray[np.uint8] | None = None
) -> tuple[Counts, Densities]:  # fmt: skip
    """How many cameras see a target in the middle of each cell, and the best of their pixel densities; both (rows, columns), 0 where none does.

    Cells inside footprints are answered like any other: the caller says which count.

    Parameters
    ----------
    walls: what blocks.
    standing: the cameras, planned or standing.
    grid: the cells.
    target_m: height of what is to be seen above the ground there [m].
    off: not 0 at cells nobody asks about (rows, columns); on terrain, where each cell has its price, they are left 0.

    Returns
    -------
    count uint16, and the best density float32 [px/m].
    """
    count, best = np.zeros((grid.rows, grid.columns), np.uint16), np.zeros((grid.rows, grid.columns), np.float32)
    if not len(standing.poses):
        return count, best
    heads = [standing.poses.heads[h] for h in standing.poses.head]
    at = standing.points_m[standing.poses.site] - np.asarray(walls.origin_m)
    west, north = grid.west_m - walls.origin_m[0], grid.north_m - walls.origin_m[1]
    if walls.terrain is not None:
        count_on_terrain(walls, standing, west, north, grid.cell_m, target_m, np.zeros_like(count, np.uint8) if off is None else off, count, best)
        return count, best
    names = ("height_m", "near_m", "far_m", "rise_m", "focal_px")
    widths = np.array([head.hfov_deg for head in heads])
    cameras = np.column_stack([at, *([getattr(head, name) for head in heads] for name in names), standing.poses.bearing_deg - widths / 2, widths])
    of_walls = (walls.ends_m, walls.top_m, walls.cell_start, walls.cell_walls, *walls.shape, *walls.corner_m, CELL_M)
    _count_bands(*of_walls, np.ascontiguousarray(cameras, dtype=np.float64), target_m, west, north, grid.cell_m, _BAND_ROWS, count, best)
    return count, best


def hidden_cells(walls: Walls, point_m: Floats, grid: Grid, *, height_m: float, target_m: float, far_m: float) -> npt.NDArray[np.uint8]:
    """Which cells within `far_m` of a mount buildings, or the ground, hide: 1 hidden, 0 seen or out of reach (rows, columns). All round; on flat
    ground on one core.
    """
    x, y = float(point_m[0]) - walls.origin_m[0], float(point_m[1]) - walls.origin_m[1]
    dark = np.empty((grid.rows, grid.columns), np.uint8)
    first, last = np.empty(grid.rows, np.int64), np.empty(grid.rows, np.int64)
    x0, y0 = grid.west_m - walls.origin_m[0] + 0.5 * grid.cell_m, grid.north_m - walls.origin_m[1] - 0.5 * grid.cell_m
    if walls.terrain is not None:
        hidden_on_terrain(walls, point_m, height_m, target_m, far_m, x0, y0, grid.cell_m, dark)
        return dark
    shade(
        walls.ends_m, walls.top_m, walls.cell_start, walls.cell_walls, *walls.shape, *walls.corner_m, CELL_M, x, y, height_m, target_m, far_m,
        x0 - x, y0 - y, grid.cell_m, dark, first, last, np.empty((4, 3)), np.empty((8, 2)), np.zeros(len(walls), np.int32), 1,
    )  # fmt: skip
    return dark
