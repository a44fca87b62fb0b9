"""Ways along the streets away from a place: street points, how far each is, and which street leads to it.

    o----.----.----o----.----o      o a junction, . a point between; x the place, which lies between two of them
              x

Streets are cut into equal cells of about a step, and the cells' ends are the points. From the place the shortest ways to all points make a tree. At
each fork of it every branch is taken to be equally likely: `chance` is what reaches a point, 1 at the place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush

import geopandas as gpd
import numpy as np
import shapely

from planning.geometry import Bools, Floats, Ints, Shapes
from planning.jit import jit
from planning.network import cut_cells, snap, street_graph

_AT_POINT_M = 0.5  # nearer to a street point than this is at it


@dataclass(frozen=True, eq=False)
class Ways:
    """The streets as points and the pieces between them.

    points_m: (n_points, 2), junctions first. road: row of Roads a point lies on, the first where several meet, (n_points,). start, to, piece_m,
    piece_road: the pieces that leave each point, as row starts (n_points + 1,), end points, lengths [m] and rows of Roads. first: the first inner
    point of each road; cells: how many pieces each road is cut into; tail, head: its end points; lines, road_class, tunnel: of each road.
    """

    points_m: Floats
    road: Ints
    start: Ints
    to: Ints
    piece_m: Floats
    piece_road: Ints
    first: Ints
    cells: Ints
    tail: Ints
    head: Ints
    lines: Shapes
    road_class: Shapes
    tunnel: Bools

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The roads' lines, to look places up in."""
        return shapely.STRtree(self.lines)


@dataclass(frozen=True, eq=False)
class Walk:
    """How the points are reached from one place: metres along the streets (inf where not), the point before (-1: the place itself, -2: not reached),
    the chance to pass, and the points reached in order of distance. Shapes (n_points,), `order` (n_reached,).
    """

    gone_m: Floats
    before: Ints
    chance: Floats
    order: Ints


def street_ways(roads: gpd.GeoDataFrame, step_m: float) -> Ways:
    """The streets of a city as ways; tunnels are ways too.

    Parameters
    ----------
    roads: under their schema. step_m: distance between points along a street [m].
    """
    lines, graph = roads.geometry.to_numpy(), street_graph(roads)
    n_roads, n_nodes = len(lines), len(graph.labels)
    cells = cut_cells(graph.length_m, step_m)
    first = n_nodes + np.concatenate([[0], np.cumsum(cells - 1)]).astype(np.int64)[:n_roads]
    total = n_nodes + int((cells - 1).sum())
    on = np.repeat(np.arange(n_roads, dtype=np.int64), cells - 1)
    along = (np.arange(total - n_nodes) - (first[on] - n_nodes) + 1) * (graph.length_m / cells)[on]
    points, road = np.empty((total, 2)), np.zeros(total, dtype=np.int64)
    points[n_nodes:], road[n_nodes:] = shapely.get_coordinates(shapely.line_interpolate_point(lines[on], along)), on
    for node, end in ((graph.head, -1), (graph.tail, 0)):
        points[node[::-1]] = shapely.get_coordinates(shapely.get_point(lines[::-1], end))
        road[node[::-1]] = np.arange(n_roads, dtype=np.int64)[::-1]
    piece_road = np.repeat(np.arange(n_roads, dtype=np.int64), cells)
    number = np.arange(len(piece_road)) - np.repeat(np.cumsum(cells) - cells, cells)
    a = np.where(number == 0, graph.tail[piece_road], first[piece_road] + number - 1)
    b = np.where(number == cells[piece_road] - 1, graph.head[piece_road], first[piece_road] + number)
    length = (graph.length_m / cells)[piece_road]
    order = np.argsort(np.concatenate([a, b]), kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(np.concatenate([a, b]), minlength=total))]).astype(np.int64)
    return Ways(
        points, road, start, np.concatenate([b, a])[order], np.concatenate([length, length])[order],
        np.concatenate([piece_road, piece_road])[order], first, cells, graph.tail, graph.head, lines, roads["road_class"].to_numpy(object),
        roads["tunnel"].to_numpy(bool),
    )  # fmt: skip


def walk_from(ways: Ways, x_m: float, y_m: float, *, most_m: float, not_on: tuple[str, ...] = ()) -> Walk:
    """The shortest ways from a place to every street point within a distance, beginning at the nearest street that may be used.

    Parameters
    ----------
    x_m, y_m: the place, in the city's CRS [m].
    most_m: how far to go along the streets [m].
    not_on: road classes that are not used.
    """
    n = len(ways.points_m)
    allowed = ~np.isin(ways.road_class, list(not_on))
    if not allowed.any():
        return Walk(np.full(n, np.inf), np.full(n, -2, np.int64), np.zeros(n), np.zeros(0, np.int64))
    seeds, away = _onto_street(ways, x_m, y_m, allowed)
    gone, before, order, count = _go(ways.start, ways.to, ways.piece_m, ways.piece_road, allowed, seeds, away, float(most_m))
    order = order[:count]
    return Walk(gone, before, _chances(before, order), order)


def _onto_street(ways: Ways, x_m: float, y_m: float, allowed: Bools) -> tuple[Ints, Floats]:
    """The two points on either side of the place's foot on its nearest street, and how far each is from it."""
    place = shapely.Point(x_m, y_m)
    if allowed.all():
        rows = np.sort(ways.tree.query_nearest(place))
        road, position = int(rows[0]), float(shapely.line_locate_point(ways.lines[rows[0]], place))
    else:
        rows = np.flatnonzero(allowed)
        edge, positions = snap(np.array([place], dtype=object), ways.lines[rows])
        road, position = int(rows[edge[0]]), float(positions[0])
    size = max(float(shapely.length(ways.lines[road])) / ways.cells[road], 1e-9)
    cell = min(int(position / size), int(ways.cells[road]) - 1)
    a = ways.tail[road] if cell == 0 else ways.first[road] + cell - 1
    b = ways.head[road] if cell == ways.cells[road] - 1 else ways.first[road] + cell
    ends, away = np.array([a, b], dtype=np.int64), np.array([position - cell * size, max((cell + 1) * size - position, 0.0)])
    # At a point all its branches are alike; were the other end seeded too, one branch would count twice.
    here = np.argmin(away)
    return (ends[[here]], away[[here]]) if away[here] < _AT_POINT_M else (ends, away)


@jit
def _go(
    start: Ints, to: Ints, piece_m: Floats, piece_road: Ints, allowed: Bools, seeds: Ints, away: Floats, most: float
) -> tuple[Floats, Ints, Ints, int]:  # fmt: skip
    """Dijkstra; of equally short ways the one from the lower point."""
    gone, before = np.full(len(start) - 1, np.inf), np.full(len(start) - 1, -2)
    order = np.empty(len(start) - 1, np.int64)
    settled = np.zeros(len(start) - 1, np.bool_)
    count = 0
    queue = [(0.0, -1)]
    for k in range(len(seeds)):
        if away[k] < gone[seeds[k]] and away[k] <= most:
            gone[seeds[k]], before[seeds[k]] = away[k], -1
            heappush(queue, (away[k], seeds[k]))
    while len(queue) > 0:
        far, point = heappop(queue)
        if point < 0 or settled[point]:
            continue
        settled[point] = True
        order[count] = point
        count += 1
        for k in range(start[point], start[point + 1]):
            there = far + piece_m[k]
            if allowed[piece_road[k]] and there < gone[to[k]] and there <= most:
                gone[to[k]], before[to[k]] = there, point
                heappush(queue, (there, to[k]))
    return gone, before, order, count


@jit
def _chances(before: Ints, order: Ints) -> Floats:
    branches, chance = np.zeros(len(before) + 1, np.int64), np.zeros(len(before))
    for k in range(len(order)):
        branches[before[order[k]]] += 1  # the last slot, -1, counts the branches that begin at the place
    for k in range(len(order)):
        point = order[k]
        came = before[point]
        chance[point] = (1.0 if came < 0 else chance[came]) / branches[came]
    return chance


@jit
def _ends_unseen(before: Ints, order: Ints, chance: Floats, seen: Bools) -> Floats:
    """The chance of each way's end that is reached without passing a seen point, 0 elsewhere."""
    hidden, ends = np.zeros(len(before), np.bool_), np.ones(len(before), np.bool_)
    for k in range(len(order)):
        point = order[k]
        came = before[point]
        hidden[point] = not seen[point] and (came < 0 or hidden[came])
        if came >= 0:
            ends[came] = False
    out = np.zeros(len(before))
    for k in range(len(order)):
        if hidden[order[k]] and ends[order[k]]:
            out[order[k]] = chance[order[k]]
    return out


@jit
def _passing(before: Ints, chance: Floats, group_start: Ints, member: Ints) -> Floats:
    """For each group of points the chance to pass at least one of them: of those along one way only the first counts."""
    inside = np.zeros(len(before), np.bool_)
    out = np.zeros(len(group_start) - 1)
    for group in range(len(out)):
        for k in range(group_start[group], group_start[group + 1]):
            inside[member[k]] = True
        for k in range(group_start[group], group_start[group + 1]):
            up = before[member[k]]
            while up >= 0 and not inside[up]:
                up = before[up]
            if up < 0:
                out[group] += chance[member[k]]
        for k in range(group_start[group], group_start[group + 1]):
            inside[member[k]] = False
    return out


def ends_unseen(walk: Walk, seen: Bools) -> Floats:
    """The chance to come to each way's end without passing a seen point; 0 at points that are no end, or not reached so. Shapes (n_points,)."""
    return _ends_unseen(walk.before, walk.order, walk.chance, seen)


def chance_unseen(walk: Walk, seen: Bools) -> float:
    """The chance to go all the way without passing a seen point, 1 where nothing is reached; `seen` (n_points,)."""
    return float(ends_unseen(walk, seen).sum()) if len(walk.order) else 1.0


def chance_to_pass(walk: Walk, start: Ints, member: Ints) -> Floats:
    """For each group of points the chance to pass one of them, (n_groups,); groups as row starts (n_groups + 1,) and points, all of them reached."""
    return _passing(walk.before, walk.chance, start.astype(np.int64), member.astype(np.int64))
