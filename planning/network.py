"""The streets as a network: distances along them, and densities that spread along them instead of across roofs.

    from_junction  o----cell----cell----x----cell----o  to_junction       x = a place on the network: (edge, metres from its start)

An edge is one row of Roads. A place on the network is a pair (edge, position_m). Densities are laid into cells: each edge is cut into equal cells,
and a cell's value is the kernel's integral over it, so that no mass is lost between sampling points.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from planning.errors import InputError
from planning.jit import jit

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

_SHORTEST_M = 0.01  # an edge without length would let a walk go round for ever
_AT_NODE_M = 0.5  # nearer to an end than this is at the junction: reports name a junction, not a metre of one arm
_LEAST_SHARE = 1e-5  # a branch that would carry less of an incident than this ends at its junction, and what is left of it stays in the last cell


@dataclass(frozen=True, eq=False)
class StreetGraph:
    """Streets as arrays.

    labels: junction of each node, (n_nodes,). tail, head: first and last node of each edge, (n_edges,). length_m: (n_edges,).
    indptr, (n_nodes + 1,), and ends, (2 n_edges,): the edge ends that meet at a node, each as 2 x edge where the edge starts there and
    2 x edge + 1 where it ends there.
    """

    labels: npt.NDArray[np.object_]
    tail: Ints
    head: Ints
    length_m: Floats
    indptr: Ints
    ends: Ints

    @property
    def degree(self) -> Ints:
        """Edge ends that meet at each node, (n_nodes,)."""
        return np.diff(self.indptr)


def street_graph(roads: gpd.GeoDataFrame) -> StreetGraph:
    """The network of a Roads frame, its edges in the frame's order, its nodes in the order of their labels."""
    tails, heads = roads["from_junction"].to_numpy(object), roads["to_junction"].to_numpy(object)
    labels, codes = np.unique(np.concatenate([tails, heads]).astype(object), return_inverse=True)
    tail, head = codes[: len(roads)].astype(np.int64), codes[len(roads) :].astype(np.int64)
    length = np.maximum(shapely.length(roads.geometry.to_numpy()), _SHORTEST_M)
    at_node = np.stack([tail, head], axis=1).ravel()  # edge end 2e lies at tail[e], 2e + 1 at head[e]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(at_node, minlength=len(labels)))]).astype(np.int64)
    return StreetGraph(labels, tail, head, length, indptr, np.argsort(at_node, kind="stable").astype(np.int64))


def main_part(graph: StreetGraph) -> npt.NDArray[np.bool_]:
    """Which edges belong to the connected part with the most metres of street, (n_edges,)."""
    count = len(graph.labels)
    joined = coo_array((np.ones(len(graph.tail)), (graph.tail, graph.head)), shape=(count, count))
    part = connected_components(joined, directed=False)[1][graph.tail]
    return np.asarray(part == np.argmax(np.bincount(part, graph.length_m)), dtype=np.bool_)


def snap(points: npt.NDArray[np.object_], lines: npt.NDArray[np.object_], *, within_m: float = np.inf) -> tuple[Ints, Floats]:
    """The nearest place on the network of each point.

    Parameters
    ----------
    points, lines: shapely points (n,) and the edges' lines. within_m: a point farther from every line has no place [m].

    Returns
    -------
    edge, (n,), -1 where there is no place; position_m from the line's start, (n,). Where several lines are equally near, the first in order.
    """
    edge, position = np.full(len(points), -1, np.int64), np.zeros(len(points))
    if len(points) and len(lines):
        found, near = shapely.STRtree(lines).query_nearest(points, max_distance=within_m if np.isfinite(within_m) else None)
        order = np.lexsort((near, found))
        found, near = found[order], near[order]
        first = np.concatenate([[True], found[1:] != found[:-1]]) if len(found) else np.zeros(0, bool)
        edge[found[first]] = near[first]
        has = edge >= 0
        position[has] = shapely.line_locate_point(lines[edge[has]], points[has])
    return edge, position


def cut_cells(length_m: Floats, step_m: float) -> Ints:
    """How many equal cells each edge is cut into: as near to `step_m` as whole cells allow, at least one. Shape (n_edges,)."""
    return np.maximum(1, np.floor(length_m / step_m + 0.5)).astype(np.int64)


def kernel_mass(
    graph: StreetGraph, edge: Ints, position_m: Floats, weight: Floats, cells: Ints, *, bandwidth_m: float, kernel: str = "quartic"
) -> Floats:
    """Weights spread along the network by an equal-split discontinuous kernel, as mass a cell.

    The kernel walks away from its source both ways. At a junction where n edge ends meet, each of the n - 1 others carries on with 1/(n - 1) of what
    arrived; a source at a junction sends 2/n into each; a dead end sends everything back. What is laid down sums to the weights.
    Okabe, Satoh, Sugihara (2009), A kernel density estimation method for networks; Okabe and Sugihara (2012), Spatial Analysis along Networks, 9.2.

                     | 1/2                        quartic     k(u) = 15/16 (1 - u2)2      its integral from 0 to 1 is 1/2
        x ----1----> o ----> 1/2                  triangular  k(u) = 1 - u                u = distance / bandwidth

    Parameters
    ----------
    edge, position_m, weight: places on the network and what is spread from each, (n,).
    cells: number of equal cells of each edge, (n_edges,), as of `cut_cells`.
    bandwidth_m: how far the kernel reaches [m]. kernel: quartic or triangular.

    Returns
    -------
    Mass of each cell, (cells.sum(),), edge by edge, from each edge's start.

    Raises
    ------
    InputError: `kernel.name`, `kernel.bandwidth` or `kernel.place`.
    """
    if kernel not in {"quartic", "triangular"}:
        raise InputError.one("kernel.name", "This kernel is not known", "Use quartic or triangular", kernel)
    if not (np.isfinite(bandwidth_m) and bandwidth_m > 0):
        raise InputError.one("kernel.bandwidth", "The bandwidth must be metres above 0", "Use 150", bandwidth_m)
    if len(edge) and not (np.all((edge >= 0) & (edge < len(graph.length_m))) and np.all(np.isfinite(position_m)) and np.all(np.isfinite(weight))):
        raise InputError.one("kernel.place", "A source lies on no street, or its weight is no number", "Snap the sources to the streets first")
    start = np.concatenate([[0], np.cumsum(cells)]).astype(np.int64)
    return _spread(
        graph.tail, graph.head, graph.length_m, graph.indptr, graph.ends, start, edge.astype(np.int64), position_m.astype(np.float64),
        weight.astype(np.float64), float(bandwidth_m), kernel == "quartic",
    )  # fmt: skip


@jit
def _integral(distance: float, bandwidth: float, quartic: bool) -> float:
    """The kernel's integral from its source to a distance; 1/2 from the bandwidth on."""
    u = min(distance / bandwidth, 1.0)
    if quartic:
        return 15.0 / 16.0 * (u - 2.0 * u**3 / 3.0 + u**5 / 5.0)
    return u - u * u / 2.0


@jit
def _lay(
    mass: Floats, first: int, n_cells: int, length: float, leave: float, forward: bool, gone: float, share: float, bandwidth: float, quartic: bool
) -> None:  # fmt: skip
    """Lay a walk along one edge into its cells, from `leave` metres on in walking direction, having gone `gone` metres from the source."""
    size = length / n_cells
    cell = min(int(leave / size), n_cells - 1)
    before = _integral(gone, bandwidth, quartic)
    while cell < n_cells:
        far = gone + (cell + 1) * size - leave
        after = _integral(far, bandwidth, quartic)
        mass[first + (cell if forward else n_cells - 1 - cell)] += share * (after - before)
        if far >= bandwidth:
            return
        before = after
        cell += 1


@jit
def _spread(
    tail: Ints, head: Ints, length: Floats, indptr: Ints, ends: Ints, start: Ints, edge: Ints, position: Floats, weight: Floats,
    bandwidth: float, quartic: bool,
) -> Floats:  # fmt: skip
    mass = np.zeros(start[-1])
    walk_end, walk_from = np.empty(1024, np.int64), np.empty((1024, 3))  # an edge end to leave from; metres into the edge, metres gone, share
    for source in range(len(edge)):
        here, along = edge[source], min(max(position[source], 0.0), length[edge[source]])
        top = 0
        if min(along, length[here] - along) < _AT_NODE_M:
            node = tail[here] if along <= length[here] - along else head[here]
            count = indptr[node + 1] - indptr[node]
            if count > len(walk_end):
                walk_end, walk_from = np.empty(2 * count, np.int64), np.empty((2 * count, 3))
            for slot in range(indptr[node], indptr[node + 1]):
                walk_end[top], walk_from[top, 0], walk_from[top, 1], walk_from[top, 2] = ends[slot], 0.0, 0.0, 2.0 / count
                top += 1
        else:
            walk_end[0], walk_from[0, 0], walk_from[0, 1], walk_from[0, 2] = 2 * here, along, 0.0, 1.0
            walk_end[1], walk_from[1, 0], walk_from[1, 1], walk_from[1, 2] = 2 * here + 1, length[here] - along, 0.0, 1.0
            top = 2
        while top > 0:
            top -= 1
            end, leave, gone, share = walk_end[top], walk_from[top, 0], walk_from[top, 1], walk_from[top, 2]
            on, forward = end // 2, end % 2 == 0
            n_cells = start[on + 1] - start[on]
            _lay(mass, start[on], n_cells, length[on], leave, forward, gone, share * weight[source], bandwidth, quartic)
            gone += length[on] - leave
            if gone >= bandwidth:
                continue
            node, arrived = head[on] if forward else tail[on], end ^ 1
            count = indptr[node + 1] - indptr[node]
            passed = share / max(count - 1, 1)
            if passed < _LEAST_SHARE:
                last = start[on] + (n_cells - 1 if forward else 0)
                mass[last] += share * weight[source] * (0.5 - _integral(gone, bandwidth, quartic))
                continue
            if top + count > len(walk_end):
                walk_end = np.concatenate((walk_end, np.empty(len(walk_end) + count, np.int64)))
                walk_from = np.concatenate((walk_from, np.empty((len(walk_from) + count, 3))))
            for slot in range(indptr[node], indptr[node + 1]):
                if ends[slot] != arrived or count == 1:
                    walk_end[top], walk_from[top, 0], walk_from[top, 1], walk_from[top, 2] = ends[slot], 0.0, gone, passed
                    top += 1
    return mass


def distance_to_nearest(
    graph: StreetGraph, edge: Ints, position_m: Floats, to_edge: Ints, to_position_m: Floats, *, most_m: float = np.inf
) -> Floats:
    """Metres along the streets from each place to the nearest of the target places.

    Parameters
    ----------
    edge, position_m: where from, (n,). to_edge, to_position_m: where to, (m,). Edges of -1 are no place. most_m: how far to look [m].

    Returns
    -------
    Distances [m], (n,); infinite where no target can be reached within `most_m`.
    """
    real = to_edge >= 0
    order = np.argsort(to_edge[real], kind="stable")
    on, at = to_edge[real][order].astype(np.int64), np.clip(to_position_m[real][order], 0, graph.length_m[to_edge[real][order]])
    seeds = np.concatenate([graph.tail[on], graph.head[on]]).astype(np.int64)
    first = np.concatenate([at, graph.length_m[on] - at])
    node_m, _ = quickest(graph.tail, graph.head, graph.length_m, graph.indptr, graph.ends, seeds, first, most_m)
    distance = np.full(len(edge), np.inf)
    placed = np.flatnonzero(edge >= 0)
    here = edge[placed]
    along = np.clip(position_m[placed], 0, graph.length_m[here])
    distance[placed] = np.minimum(node_m[graph.tail[here]] + along, node_m[graph.head[here]] + graph.length_m[here] - along)
    lo, hi = np.searchsorted(on, here, "left"), np.searchsorted(on, here, "right")
    for row in np.flatnonzero(hi > lo):  # a target on the same edge is reached without passing a junction
        distance[placed[row]] = min(distance[placed[row]], float(np.abs(at[lo[row] : hi[row]] - along[row]).min()))
    distance[distance > most_m] = np.inf
    return distance


@jit
def quickest(
    tail: Ints, head: Ints, cost: Floats, indptr: Ints, ends: Ints, seeds: Ints, first: Floats, most: float
) -> tuple[Floats, Ints]:  # fmt: skip
    """Dijkstra from many seeds at once, over a graph's arrays.

    Parameters
    ----------
    cost: of each edge, metres or minutes (n_edges,). seeds, first: nodes to start from and what each begins with. most: how far to look.

    Returns
    -------
    The cost of each node's way from the nearest seed, infinite beyond `most`, and the edge end by which it is reached: -1 - k from seed k itself.
    """
    reached = np.full(len(indptr) - 1, np.inf)
    via = np.full(len(indptr) - 1, -1 - len(seeds))
    queue = [(0.0, -1)]
    for k in range(len(seeds)):
        if first[k] < reached[seeds[k]] and first[k] <= most:
            reached[seeds[k]], via[seeds[k]] = first[k], -1 - k
            heappush(queue, (first[k], seeds[k]))
    while len(queue) > 0:
        gone, node = heappop(queue)
        if node < 0 or gone > reached[node]:
            continue
        for slot in range(indptr[node], indptr[node + 1]):
            on = ends[slot] // 2
            beyond = head[on] if ends[slot] % 2 == 0 else tail[on]
            there = gone + cost[on]
            if there < reached[beyond] and there <= most:
                reached[beyond], via[beyond] = there, ends[slot]
                heappush(queue, (there, beyond))
    return reached, via
