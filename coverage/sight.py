"""Line of sight past buildings: an exact walk of a uniform grid of walls, in two and a half dimensions.

A building is a prism with a flat roof, so what blocks is its walls. From above, and from the side along one line of sight, t from 0 at the camera
to 1 at the target:

         wall                               h_c *
    P ----|------------> Q                      | \\___        roof
       t = |PX| / |PQ|                          |     \\_|‾‾|
                                                |       |  \\___* h_t
                                                +-------+------+---> t

The line's height at the wall is h_c (1 - t) + h_t t, so the wall blocks unless h_c > (roof - h_t t) / (1 - t). The largest of these over all
walls crossed is the critical mount height: it answers every mount height at once, and no pose needs a cast of its own.

A wall is crossed where its ends lie on different sides of the line, the side of a shared corner being computed once and the same way for both
walls that meet there: no line slips between them. All arithmetic is float64 in coordinates local to the city, where a metre has 40 bits to spare.
Heights are above a common datum: with flat ground that is the ground. With terrain, roofs, mounts and targets stand on it, the ground itself blocks
(`coverage.ground`), and critical heights are above the ground at the mount all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from coverage.ground import critical_ground
from coverage.terrain import Terrain
from planning.jit import jit, parallel_jit, prange

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CELL_M = 8.0
BUCKET_M = 32.0


@dataclass(frozen=True, eq=False)
class Walls:
    """All that blocks: the walls of a city in a uniform grid, and its terrain.

    `ends_m` (n_walls, 4): x, y, x, y local to `origin_m`, the building on the left; `top_m` (n_walls,): roof height, on the terrain's scale where
    there is one; `cell_start` (n_cells + 1,) and `cell_walls`: which walls pass each cell, row by row; `shape`: rows, columns; `terrain`: None for
    flat ground.
    """

    origin_m: tuple[float, float]
    ends_m: Floats
    top_m: Floats
    shape: tuple[int, int]
    corner_m: tuple[float, float]
    cell_start: Ints
    cell_walls: npt.NDArray[np.int32]
    terrain: Terrain | None = None

    def __len__(self) -> int:
        return len(self.top_m)


@dataclass(frozen=True, eq=False)
class Sightlines:
    """What can be seen from each point, at whatever height; rows by point, each sorted by bearing.

    `start` (n_points + 1,); per pair: `target` (index), `bearing_deg` [0, 360), `ground_m` (horizontal distance) and `critical_m`: the target is seen
    from every mount strictly higher above its own ground. Pairs blocked even from `highest_m` are left out. `drop_m`: how much lower than the mount's
    ground lies what the target stands on, for each pair; None on flat ground. `need_px`, `most_m`: pixels a metre the target asks, and the highest
    mount that does not see it too steeply, for each pair; None where all targets ask what heads are made for. `stands_on`: the terrain, and where on
    it the points are (n_points, 2) [m]; None on flat ground.
    """

    start: Ints
    target: npt.NDArray[np.int32]
    bearing_deg: Floats
    ground_m: Floats
    critical_m: Floats
    highest_m: float
    drop_m: Floats | None = None
    need_px: Floats | None = None
    most_m: Floats | None = None
    stands_on: tuple[Terrain, Floats] | None = None

    def __len__(self) -> int:
        return len(self.target)

    @property
    def drops(self) -> tuple[int, Floats, Floats, Floats]:
        """As compiled filters take it: 0 on flat ground, 1 with drops, 2 where targets ask what they need; `drop_m`, `need_px`, `most_m`."""
        none = np.empty(0)
        if self.need_px is not None and self.most_m is not None and self.drop_m is not None:
            return 2, self.drop_m, self.need_px, self.most_m
        return (0, none, none, none) if self.drop_m is None else (1, self.drop_m, none, none)


def build_walls(buildings: gpd.GeoDataFrame, origin_m: tuple[float, float], terrain: Terrain | None = None) -> Walls:
    """The walls of footprints, inner rings included, in a grid of square cells.

    Parameters
    ----------
    buildings: footprints with `height_m`, in metres.
    origin_m: what local coordinates are taken from; near the city, so that float64 has bits to spare [m].
    terrain: the ground; a roof stands `height_m` above the lowest corner of its footprint, as OpenStreetMap measures heights.
    """
    ends, building = wall_ends(buildings, origin_m)
    roofs = buildings["height_m"].to_numpy(dtype=np.float64)
    if terrain is not None:
        foot = np.full(len(roofs), np.inf)
        np.minimum.at(foot, building, terrain.height_at(ends[:, :2] + np.asarray(origin_m)))
        roofs = foot + roofs
    return grid_walls(origin_m, ends, roofs[building], terrain)


def wall_ends(buildings: gpd.GeoDataFrame, origin_m: tuple[float, float]) -> tuple[Floats, Ints]:
    """Each wall's x, y, x, y local to `origin_m` (n_walls, 4) [m], the building on its left, and that building's row (n_walls,); walls without length
    are left out.
    """
    parts, parts_of = shapely.get_parts(shapely.orient_polygons(buildings.geometry.array), return_index=True)
    rings, rings_of = shapely.get_rings(parts, return_index=True)
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    xy = xy - np.asarray(origin_m)
    same = ring_of[:-1] == ring_of[1:]
    ends = np.hstack([xy[:-1], xy[1:]])[same]
    building: Ints = parts_of[rings_of][ring_of[:-1]][same].astype(np.int64)
    long_enough = (ends[:, 0] != ends[:, 2]) | (ends[:, 1] != ends[:, 3])
    return ends[long_enough], building[long_enough]


def grid_walls(origin_m: tuple[float, float], ends_m: Floats, top_m: Floats, terrain: Terrain | None = None) -> Walls:
    """Walls in a grid of square cells: ends local to `origin_m` (n_walls, 4), roofs (n_walls,) above the terrain's datum, else the ground [m]."""
    ends, tops = np.ascontiguousarray(ends_m, dtype=np.float64), np.ascontiguousarray(top_m, dtype=np.float64)
    if len(ends) == 0:
        return Walls(origin_m, np.empty((0, 4)), np.empty(0), (1, 1), (0.0, 0.0), np.zeros(2, dtype=np.int64), np.empty(0, dtype=np.int32), terrain)
    x, y = ends[:, [0, 2]], ends[:, [1, 3]]
    corner = (float(x.min()) - CELL_M, float(y.min()) - CELL_M)
    shape = (int((y.max() - corner[1]) // CELL_M) + 2, int((x.max() - corner[0]) // CELL_M) + 2)
    start, walls = _bin_walls(ends, corner[0], corner[1], shape[0], shape[1], CELL_M)
    return Walls(origin_m, ends, tops, shape, corner, start, walls, terrain)


@jit
def _wall_touches(ends: Any, wall: int, left: float, bottom: float, size: float) -> bool:
    """Whether a wall's line passes a cell already inside its bounding box; a hair wider than exact, which only costs a test."""
    x, y = ends[wall, 0], ends[wall, 1]
    dx, dy = ends[wall, 2] - x, ends[wall, 3] - y
    slack = 1e-9 * (abs(dx) + abs(dy)) * size
    low, high = np.inf, -np.inf
    for corner in range(4):
        cx = left + size * (corner & 1) - x
        cy = bottom + size * (corner >> 1) - y
        side = dx * cy - dy * cx
        low, high = min(low, side), max(high, side)
    return bool(low <= slack and high >= -slack)


@jit
def _bin_walls(ends: Any, x0: float, y0: float, rows: int, columns: int, size: float) -> Any:
    """Two passes: count the walls of each cell, then list them."""
    start = np.zeros(rows * columns + 1, dtype=np.int64)
    walls = np.empty(0, dtype=np.int32)
    for fill in range(2):
        if fill == 1:
            for cell in range(rows * columns):
                start[cell + 1] += start[cell]
            walls = np.empty(start[-1], dtype=np.int32)
            place = start[:-1].copy()
        for wall in range(len(ends)):
            c0 = int((min(ends[wall, 0], ends[wall, 2]) - x0) // size)
            c1 = int((max(ends[wall, 0], ends[wall, 2]) - x0) // size)
            r0 = int((min(ends[wall, 1], ends[wall, 3]) - y0) // size)
            r1 = int((max(ends[wall, 1], ends[wall, 3]) - y0) // size)
            for row in range(r0, r1 + 1):
                for column in range(c0, c1 + 1):
                    if _wall_touches(ends, wall, x0 + column * size, y0 + row * size, size):
                        cell = row * columns + column
                        if fill == 0:
                            start[cell + 1] += 1
                        else:
                            walls[place[cell]] = wall
                            place[cell] += 1
    return start, walls


@jit
def _highest_in_cell(
    cell_start: Any, cell_walls: Any, ends: Any, top: Any, cell: int, px: float, py: float, dx: float, dy: float, target_z: float
) -> float:
    """The largest critical height over the walls of one cell that the line crosses; -inf where none."""
    worst = -np.inf
    for k in range(cell_start[cell], cell_start[cell + 1]):
        wall = cell_walls[k]
        ax, ay = ends[wall, 0] - px, ends[wall, 1] - py
        bx, by = ends[wall, 2] - px, ends[wall, 3] - py
        side_a = dx * ay - dy * ax
        side_b = dx * by - dy * bx
        if (side_a >= 0) == (side_b >= 0):
            continue
        along = side_a / (side_a - side_b)
        x, y = ax + along * (bx - ax), ay + along * (by - ay)
        t = (x * dx + y * dy) / (dx * dx + dy * dy)
        if t < 0.0 or t > 1.0:
            continue
        needed = (top[wall] - target_z * t) / (1.0 - t) if t < 1.0 else (np.inf if top[wall] > target_z else -np.inf)
        worst = max(worst, needed)
    return worst


@jit
def critical_height(
    ends: Any, top: Any, cell_start: Any, cell_walls: Any, rows: int, columns: int, x0: float, y0: float, size: float,
    px: float, py: float, qx: float, qy: float, target_z: float, enough: float,
) -> float:  # fmt: skip
    """The mount height above which the line from P to Q is clear; stops once it is `enough` or more.

    Amanatides and Woo (1987): from cell to cell along the line, always over the nearer of the next column's and the next row's border.
    """
    worst = -np.inf
    dx, dy = qx - px, qy - py
    if dx == 0.0 and dy == 0.0:
        return worst
    column, row = int(np.floor((px - x0) / size)), int(np.floor((py - y0) / size))
    last_column, last_row = int(np.floor((qx - x0) / size)), int(np.floor((qy - y0) / size))
    step_c, step_r = (1 if dx > 0 else -1), (1 if dy > 0 else -1)
    next_c = (x0 + (column + (1 if dx > 0 else 0)) * size - px) / dx if dx != 0.0 else np.inf
    next_r = (y0 + (row + (1 if dy > 0 else 0)) * size - py) / dy if dy != 0.0 else np.inf
    each_c = size / abs(dx) if dx != 0.0 else np.inf
    each_r = size / abs(dy) if dy != 0.0 else np.inf
    for _ in range(abs(last_column - column) + abs(last_row - row) + 1):
        if 0 <= row < rows and 0 <= column < columns:
            found = _highest_in_cell(cell_start, cell_walls, ends, top, row * columns + column, px, py, dx, dy, target_z)
            worst = max(worst, found)
            if worst >= enough:
                return worst
        # Once a column or row is the last, rounding must not carry the walk past it.
        if row == last_row or (column != last_column and next_c < next_r):
            column += step_c
            next_c += each_c
        else:
            row += step_r
            next_r += each_r
    return worst


@jit
def _buckets(xy: Any, x0: float, y0: float, rows: int, columns: int, size: float) -> Any:
    start = np.zeros(rows * columns + 1, dtype=np.int64)
    cell = np.empty(len(xy), dtype=np.int64)
    for i in range(len(xy)):
        cell[i] = int((xy[i, 1] - y0) // size) * columns + int((xy[i, 0] - x0) // size)
        start[cell[i] + 1] += 1
    for c in range(rows * columns):
        start[c + 1] += start[c]
    place = start[:-1].copy()
    order = np.empty(len(xy), dtype=np.int32)
    for i in range(len(xy)):
        order[place[cell[i]]] = i
        place[cell[i]] += 1
    return start, order


@parallel_jit
def _cast(
    ends: Any, top: Any, cell_start: Any, cell_walls: Any, rows: int, columns: int, x0: float, y0: float, size: float,
    points: Any, targets: Any, target_z: Any, reach: Any, highest: Any, b_start: Any, b_order: Any, b_rows: int, b_columns: int, bx: float, by: float,
    b_size: float, mount_ground: Any, hilly: bool, grid: Any, gx: float, gy: float, g_size: float,
    room: Any, out_target: Any, out_bearing: Any, out_ground: Any, out_critical: Any, counts: Any,
) -> None:  # fmt: skip
    for p in prange(len(points)):
        px, py, far, base = points[p, 0], points[p, 1], reach[p], mount_ground[p]
        at = room[p]
        for row in range(max(int((py - far - by) // b_size), 0), min(int((py + far - by) // b_size), b_rows - 1) + 1):
            for column in range(max(int((px - far - bx) // b_size), 0), min(int((px + far - bx) // b_size), b_columns - 1) + 1):
                for k in range(b_start[row * b_columns + column], b_start[row * b_columns + column + 1]):
                    i = b_order[k]
                    dx, dy = targets[i, 0] - px, targets[i, 1] - py
                    if dx * dx + dy * dy > far * far:
                        continue
                    qx, qy = targets[i, 0], targets[i, 1]
                    needed = critical_height(
                        ends, top, cell_start, cell_walls, rows, columns, x0, y0, size, px, py, qx, qy, target_z[i], base + highest[p]
                    )
                    needed -= base
                    if hilly and needed < highest[p]:
                        needed = max(needed, critical_ground(grid, gx, gy, g_size, px, py, qx, qy, base, target_z[i], highest[p]))
                    if needed >= highest[p]:
                        continue
                    bearing = np.degrees(np.arctan2(dx, dy))
                    out_target[at], out_bearing[at] = i, (bearing if bearing >= 0 else bearing + 360.0)
                    out_ground[at], out_critical[at] = np.sqrt(dx * dx + dy * dy), needed
                    at += 1
        counts[p] = at - room[p]
        order = np.argsort(out_bearing[room[p] : at], kind="mergesort")
        out_target[room[p] : at] = out_target[room[p] : at][order]
        out_bearing[room[p] : at] = out_bearing[room[p] : at][order]
        out_ground[room[p] : at] = out_ground[room[p] : at][order]
        out_critical[room[p] : at] = out_critical[room[p] : at][order]


@parallel_jit
def _in_range(
    points: Any, targets: Any, reach: Any, b_start: Any, b_order: Any, b_rows: int, b_columns: int, bx: float, by: float, b_size: float
) -> Any:
    """How many targets lie within reach of each point."""
    counts = np.zeros(len(points), dtype=np.int64)
    for p in prange(len(points)):
        px, py, far = points[p, 0], points[p, 1], reach[p]
        found = 0
        for row in range(max(int((py - far - by) // b_size), 0), min(int((py + far - by) // b_size), b_rows - 1) + 1):
            for column in range(max(int((px - far - bx) // b_size), 0), min(int((px + far - bx) // b_size), b_columns - 1) + 1):
                for k in range(b_start[row * b_columns + column], b_start[row * b_columns + column + 1]):
                    i = b_order[k]
                    dx, dy = targets[i, 0] - px, targets[i, 1] - py
                    if dx * dx + dy * dy <= far * far:
                        found += 1
        counts[p] = found
    return counts


def cast(
    walls: Walls, points_m: Floats, targets_m: Floats, target_z_m: Floats, *, reach_m: Floats | float, highest_m: Floats | float,
    deck_m: Floats | None = None,
) -> Sightlines:  # fmt: skip
    """Every pair of point and target within reach that some allowed mount height sees.

    Parameters
    ----------
    walls: what blocks.
    points_m: where cameras may stand (n_points, 2), in the city's CRS [m].
    targets_m: what is worth seeing (n_targets, 2), in the city's CRS [m].
    target_z_m: heights of the targets above their ground (n_targets,) [m].
    reach_m: longest horizontal range, for all points or each (n_points,) [m].
    highest_m: the highest mount above its ground, for all points or each; pairs blocked even from there are left out [m].
    deck_m: how high above the terrain what each target stands on lies (n_targets,), as on a bridge; nowhere where None [m].
    """
    points = np.ascontiguousarray(points_m - np.asarray(walls.origin_m), dtype=np.float64).reshape(-1, 2)
    targets = np.ascontiguousarray(targets_m - np.asarray(walls.origin_m), dtype=np.float64).reshape(-1, 2)
    reach = np.broadcast_to(np.asarray(reach_m, dtype=np.float64), len(points)).copy()
    highest = np.broadcast_to(np.asarray(highest_m, dtype=np.float64), len(points)).copy()
    top = float(highest.max()) if len(points) else 0.0
    stands_on = None if walls.terrain is None else (walls.terrain, np.asarray(points_m, dtype=np.float64).reshape(-1, 2))
    if not len(points) or not len(targets):
        none = np.empty(0)
        drop = None if walls.terrain is None else none
        return Sightlines(np.zeros(len(points) + 1, dtype=np.int64), np.empty(0, dtype=np.int32), none, none, none, top, drop, stands_on=stands_on)
    bx, by = targets[:, 0].min(), targets[:, 1].min()
    b_rows, b_columns = int((targets[:, 1].max() - by) // BUCKET_M) + 1, int((targets[:, 0].max() - bx) // BUCKET_M) + 1
    b_start, b_order = _buckets(targets, bx, by, b_rows, b_columns, BUCKET_M)
    buckets = (b_start, b_order, b_rows, b_columns, bx, by, BUCKET_M)
    room = np.zeros(len(points) + 1, dtype=np.int64)
    np.cumsum(_in_range(points, targets, reach, *buckets), out=room[1:])
    target = np.empty(room[-1], dtype=np.int32)
    bearing, ground, critical = (np.empty(room[-1]) for _ in range(3))
    counts = np.zeros(len(points), dtype=np.int64)
    grid = (walls.ends_m, walls.top_m, walls.cell_start, walls.cell_walls, *walls.shape, *walls.corner_m, CELL_M)
    z = np.ascontiguousarray(target_z_m, dtype=np.float64)
    mount_ground, target_ground = ground_under(walls, points_m), ground_under(walls, targets_m)
    if deck_m is not None:
        target_ground = target_ground + deck_m
    _cast(*grid, points, targets, target_ground + z, reach, highest, *buckets, mount_ground, *heights_of(walls),
          room, target, bearing, ground, critical, counts)  # fmt: skip
    start = np.zeros(len(points) + 1, dtype=np.int64)
    np.cumsum(counts, out=start[1:])
    kept = np.arange(start[-1]) - np.repeat(start[:-1] - room[:-1], counts)
    drop = None if walls.terrain is None else np.repeat(mount_ground, counts) - target_ground[target[kept]]
    return Sightlines(start, target[kept], bearing[kept], ground[kept], critical[kept], top, drop, stands_on=stands_on)


def ground_under(walls: Walls, points_m: Floats) -> Floats:
    """Ground heights at points in the city's CRS (n,) [m]; 0 on flat ground."""
    return np.zeros(len(points_m)) if walls.terrain is None else walls.terrain.height_at(points_m)


def heights_of(walls: Walls) -> tuple[bool, Floats, float, float, float]:
    """Whether there is terrain, its grid, where its first node stands in the walls' local coordinates, and its cell [m]; as the walks take it."""
    terrain = walls.terrain
    if terrain is None:
        return False, np.zeros((2, 2)), 0.0, 0.0, 1.0
    return True, terrain.height_m, terrain.origin_m[0] - walls.origin_m[0], terrain.origin_m[1] - walls.origin_m[1], terrain.cell_m
