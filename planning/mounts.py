"""Where a mount could be: places to try, before they are checked against walls, carriageways and zones.

        |  arm  |                     x  junction: in the corners between consecutive arms, just off the carriageway
   x    |       |    x                r  road: along streets, on alternating kerbs
--------+       +--------             l  lamps and poles as they stand
                   r                  b  corners of buildings that look at a junction, off the wall
----r------------------- b#####
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from planning.city import City
from planning.geometry import Floats, Ints, Shapes, along, first_area
from planning.network import snap, street_graph

KINDS = ("lamp", "pole", "building", "junction", "road")  # cheaper first
_KERB_M = (0.75, 0.5, 1.0)  # how far off the carriageway, in order of preference
_OFF_WALL_M = 0.4
_CORNER_M = 15.0
_SHARPEST = np.radians(25)  # between arms closer than this there is no corner to stand in
_MOST_SHIFT_M = 3.0  # how far a mapped lamp may be off its true place
_LOWEST_ROOF_M = 2.5


@dataclass(frozen=True, eq=False)
class Tries:
    """Places to try, (n,) each; those of one `slot` are alternatives, the preferred first. `kind` numbers KINDS; `roof_m` counts for buildings."""

    xy: Floats
    slot: Ints
    kind: Ints
    roof_m: Floats

    def take(self, rows: Ints) -> Tries:
        """The tries of these numbers."""
        return Tries(self.xy[rows], self.slot[rows], self.kind[rows], self.roof_m[rows])


def all_tries(city: City, roads: gpd.GeoDataFrame, *, along_m: float, notes: list[str]) -> Tries:
    """Every place to try, the slots numbered through: lamps and poles, building corners, junction corners, kerbs.

    Parameters
    ----------
    roads: the streets above ground, in the order of their ids. along_m: distance between places along a street [m]. notes: gets what was left out.
    """
    return join_tries([_lamps(city, roads), _buildings(city, roads, notes), _corners(roads), _kerbs(roads, along_m, notes)])


def join_tries(tries: list[Tries], *, numbered: bool = False) -> Tries:
    """All tries in order; their slots are the same slots where `numbered`, else numbered through."""
    before = np.zeros(len(tries), np.int64) if numbered else np.cumsum([0] + [int(part.slot.max(initial=-1)) + 1 for part in tries[:-1]])
    slot = np.concatenate([part.slot + start for part, start in zip(tries, before, strict=True)])
    xy, kind, roof = (np.concatenate([getattr(part, name) for part in tries]) for name in ("xy", "kind", "roof_m"))
    return Tries(xy, slot, kind, roof)


def _tries(xy: Floats, slot: Ints, kind: str) -> Tries:
    return Tries(xy, slot, np.full(len(xy), KINDS.index(kind), np.int64), np.zeros(len(xy)))


def _corners(roads: gpd.GeoDataFrame) -> Tries:
    """Corners between consecutive arms where at least three meet.

    j|  /      p = s u_i + a n_i, n_i the normal of arm i toward arm j, a and b half the arms' widths and the kerb's clearance:
     | x       p . n_j = b  gives  s = (b + a cos g) / sin g,  g the angle from i to j
     |/____ i  Where g is near or past 180 deg the arms' edges do not meet: p lies on the bisector at the larger of a and b.
    """
    graph, lines, width = street_graph(roads), roads.geometry.to_numpy(), roads["width_m"].to_numpy(np.float64)
    node = np.repeat(np.arange(len(graph.labels)), graph.degree)
    edge, backward = graph.ends // 2, graph.ends % 2 == 1
    length = graph.length_m[edge]
    start = shapely.get_coordinates(shapely.line_interpolate_point(lines[edge], np.where(backward, length, 0.0)))
    reach = np.minimum(12.0, length)
    away = shapely.get_coordinates(shapely.line_interpolate_point(lines[edge], np.where(backward, length - reach, reach))) - start
    angle = np.arctan2(away[:, 1], away[:, 0])
    order = np.lexsort((angle, node))
    order = order[graph.degree[node[order]] >= 3]
    first, last = np.diff(node[order], prepend=-1) != 0, np.diff(node[order], append=-1) != 0
    following = np.where(last, 0, np.arange(len(order)) + 1)
    following[last] = np.flatnonzero(first)
    here, there = order, order[following]
    turn = np.mod(angle[there] - angle[here], 2 * np.pi)
    tries = []
    slots = np.arange(len(here), dtype=np.int64)
    for clear in _KERB_M:
        a, b = width[edge[here]] / 2 + clear, width[edge[there]] / 2 + clear
        sharp = (turn > _SHARPEST) & (turn < np.radians(150))
        s = (b + a * np.cos(turn)) / np.where(sharp, np.sin(turn), 1.0)
        u = np.stack([np.cos(angle[here]), np.sin(angle[here])], axis=1)
        n = np.stack([-u[:, 1], u[:, 0]], axis=1)
        middle = angle[here] + turn / 2
        bisector = np.maximum(a, b)[:, None] * np.stack([np.cos(middle), np.sin(middle)], axis=1)
        xy = start[here] + np.where(sharp[:, None], s[:, None] * u + a[:, None] * n, bisector)
        usable = turn > _SHARPEST
        tries.append(_tries(xy[usable], slots[usable], "junction"))
    return join_tries(tries, numbered=True)


def _kerbs(roads: gpd.GeoDataFrame, along_m: float, notes: list[str]) -> Tries:
    """Places along streets on alternating kerbs; the other kerb and other clearances are the alternatives.

    Streets under half the step get none, and bridges get none, since a pole has no ground there.
    """
    lines, width = roads.geometry.to_numpy(), roads["width_m"].to_numpy(np.float64)
    length = shapely.length(lines)
    count = np.floor(length / along_m + 0.5).astype(np.int64)
    bridge = roads["bridge"].to_numpy(bool)
    if count[bridge].any():
        notes.append(f"{int(count[bridge].sum())} places along bridges are left out: a new pole has no ground there")
        count[bridge] = 0
    edge = np.repeat(np.arange(len(lines)), count)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    axis, normal = along(lines[edge], (number + 0.5) * (length / np.maximum(count, 1))[edge])
    side = np.where((number + edge) % 2 == 0, 1.0, -1.0)
    slots = np.arange(len(edge), dtype=np.int64)
    tries = []
    for clear in _KERB_M:
        for turn in (1.0, -1.0):
            offset = (width[edge] / 2 + clear) * side * turn
            tries.append(_tries(axis + normal * offset[:, None], slots, "road"))
    return join_tries(tries, numbered=True)


def _lamps(city: City, roads: gpd.GeoDataFrame) -> Tries:
    """Lamps and poles as they stand; else moved off the wall or the carriageway they are mapped in, by no more than the map may be wrong."""
    lamps = city["lamps"].sort_index(kind="stable")
    points = lamps.geometry.to_numpy()
    xy = shapely.get_coordinates(points)
    lines, width = roads.geometry.to_numpy(), roads["width_m"].to_numpy(np.float64)
    edge, position = snap(points, lines)
    axis, normal = along(lines[edge], position)
    off = ((xy - axis) * normal).sum(axis=1)
    kerb = axis + normal * (np.where(off >= 0, 1.0, -1.0) * (width[edge] / 2 + _KERB_M[1]))[:, None]
    moves = [xy, _off_walls(city, points, xy), kerb]
    kind = np.where(lamps["kind"].to_numpy(object) == "pole", KINDS.index("pole"), KINDS.index("lamp")).astype(np.int64)
    near = [np.hypot(*(move - xy).T) <= _MOST_SHIFT_M for move in moves]
    slots = np.arange(len(xy), dtype=np.int64)
    return Tries(
        np.concatenate([move[ok] for move, ok in zip(moves, near, strict=True)]), np.concatenate([slots[ok] for ok in near]),
        np.concatenate([kind[ok] for ok in near]), np.zeros(sum(int(ok.sum()) for ok in near)),
    )  # fmt: skip


def _off_walls(city: City, points: Shapes, xy: Floats) -> Floats:
    """Each point that lies in a footprint, moved out through its nearest wall; the others as they are."""
    footprints = city["buildings"].geometry.to_numpy()
    inside = first_area(points, footprints)
    moved = xy.copy()
    rows = np.flatnonzero(inside >= 0)
    walls = shapely.boundary(footprints[inside[rows]])
    out = shapely.get_coordinates(shapely.line_interpolate_point(walls, shapely.line_locate_point(walls, points[rows]))) if len(rows) else xy[:0]
    way = out - xy[rows]
    size = np.hypot(way[:, 0], way[:, 1])
    moved[rows] = out + way / np.where(size > 0, size, 1.0)[:, None] * _OFF_WALL_M
    return moved


def _buildings(city: City, roads: gpd.GeoDataFrame, notes: list[str]) -> Tries:
    """Convex corners within 15 m of a junction that see it, one a building and junction: the nearest. Pushed off the wall on the bisector."""
    nothing = _tries(np.zeros((0, 2)), np.zeros(0, np.int64), "building")
    buildings = city["buildings"].sort_index(kind="stable")
    graph = street_graph(roads)
    meets = graph.degree >= 3
    ends = _nodes(roads, graph.tail, graph.head, len(graph.labels))[meets]
    if not len(buildings) or not len(ends):
        return nothing
    junctions = shapely.points(ends)
    near = np.zeros(len(buildings), bool)
    walls = shapely.STRtree(buildings.geometry.to_numpy())
    near[walls.query(junctions, predicate="dwithin", distance=_CORNER_M + _OFF_WALL_M)[1]] = True
    low = near & (buildings["height_m"].to_numpy(np.float64) < _LOWEST_ROOF_M)
    if low.any():
        notes.append(f"{int(low.sum())} buildings lower than {_LOWEST_ROOF_M:g} m carry no mount")
    rows = np.flatnonzero(near & ~low)
    xy, owner = _convex_corners(buildings.geometry.to_numpy()[rows])
    corner, junction = shapely.STRtree(junctions).query(shapely.points(xy), predicate="dwithin", distance=_CORNER_M)
    if not len(corner):
        return nothing
    gap = np.hypot(*(xy[corner] - ends[junction]).T)
    sight = shapely.linestrings(np.stack([xy[corner], ends[junction]], axis=1))
    shapely.prepare(sight)
    blocked = np.zeros(len(sight), bool)
    blocked[walls.query(sight, predicate="intersects")[0]] = True
    order = np.lexsort((corner, gap, junction, owner[corner], blocked))
    order = order[: int((~blocked).sum())]
    pair = np.stack([owner[corner[order]], junction[order]], axis=1)
    order = order[np.concatenate([[True], (pair[1:] != pair[:-1]).any(axis=1)])] if len(order) else order
    chosen = np.unique(corner[order])
    roof = buildings["height_m"].to_numpy(np.float64)[rows[owner[chosen]]]
    return Tries(xy[chosen], np.arange(len(chosen), dtype=np.int64), np.full(len(chosen), KINDS.index("building"), np.int64), roof)


def _nodes(roads: gpd.GeoDataFrame, tail: Ints, head: Ints, count: int) -> Floats:
    """Where each node of the street graph lies, (n_nodes, 2)."""
    lines = roads.geometry.to_numpy()
    xy = np.zeros((count, 2))
    xy[head] = shapely.get_coordinates(shapely.get_point(lines, -1))
    xy[tail] = shapely.get_coordinates(shapely.get_point(lines, 0))
    return xy


def _convex_corners(shapes: Shapes) -> tuple[Floats, Ints]:
    """Corners of outer rings that stick out by at least 20 deg, moved off the wall on the bisector; and the number of their shape."""
    parts, part_owner = shapely.get_parts(shapes, return_index=True)
    rings = shapely.get_exterior_ring(shapely.orient_polygons(parts))  # counter-clockwise: inside lies to the left
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    last = np.diff(ring, append=-1) != 0
    size = np.bincount(ring, minlength=len(rings))
    opens = np.cumsum(size) - size
    number = np.flatnonzero(~last)  # the closing point is the opening one again
    before = number - 1
    first = number == opens[ring[number]]
    before[first] = (opens + size)[ring[number[first]]] - 2
    arriving, leaving = xy[number] - xy[before], xy[number + 1] - xy[number]
    arriving /= np.maximum(np.hypot(*arriving.T), 1e-9)[:, None]
    leaving /= np.maximum(np.hypot(*leaving.T), 1e-9)[:, None]
    turn = np.arctan2(arriving[:, 0] * leaving[:, 1] - arriving[:, 1] * leaving[:, 0], (arriving * leaving).sum(axis=1))
    convex = (turn > np.radians(20)) & (turn < np.radians(175))
    out = arriving - leaving
    out /= np.maximum(np.hypot(*out.T), 1e-9)[:, None]
    return (xy[number] + out * _OFF_WALL_M)[convex], part_owner[ring[number]][convex].astype(np.int64)
