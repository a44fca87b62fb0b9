"""Likely routes by vehicle: from where incidents gather to the roads that lead out of the study area.

    cluster o====> street ====> street ====> | gateway        quickest by street; the edge of the study area
                  x    x    x    x   x                        places at which a plate may be read, each with the way driven

A model with assumed speeds (data/traffic.toml), not what anyone was seen to do: roads are open both ways, and each driver takes the quickest way.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse
from shapely.ops import substring

from planning.city import City
from planning.datafile import DATA
from planning.errors import CityError, InputError
from planning.figures import Figures, load_figures
from planning.frames import ROAD_CLASSES
from planning.geometry import along, keep_apart
from planning.network import Floats, Ints, StreetGraph, cut_cells, distance_to_nearest, kernel_mass, quickest, snap, street_graph

MOVEMENT_FIGURES: dict[str, tuple[str, float, float]] = {
    **{f"speed_{name}": ("km/h", 0.0, 200.0) for name in ROAD_CLASSES},
    **{f"exit_{name}": ("weight", 0.0, 1000.0) for name in ROAD_CLASSES},
    "exit_edge_m": ("m", 0.0, 500.0), "exit_apart_m": ("m", 0.0, 5000.0), "clusters": ("clusters", 1.0, 200.0), "gather_m": ("m", 10.0, 5000.0),
    "decay_min": ("min", 0.1, 1e6), "step_m": ("m", 1.0, 100.0), "plate_px_per_m": ("px/m", 1.0, 10_000.0), "plate_height_m": ("m", 0.0, 5.0),
    "plate_vertical_deg": ("deg", 0.0, 90.0), "plate_horizontal_deg": ("deg", 0.0, 90.0), "plate_rear": ("0 or 1", 0.0, 1.0),
}  # fmt: skip
_CELL_M = 25.0


def load_movement_figures(path: str | Path = DATA / "traffic.toml") -> Figures:
    """Speeds, weights of ways out, and what a plate reader needs.

    Raises
    ------
    InputError: `figures.file` or `figures.value`, with every fault of the file.
    """
    return load_figures(path, MOVEMENT_FIGURES)


@dataclass(frozen=True, eq=False)
class Places:
    """Places on the streets: `edge` row of the roads, `position_m` along it, `weight`, `xy`; (n,), (n, 2)."""

    edge: Ints
    position_m: Floats
    weight: Floats
    xy: Floats

    def __len__(self) -> int:
        return len(self.edge)


@dataclass(frozen=True, eq=False)
class Routes:
    """Likely routes, and the places along them.

    Per route (n_routes,): `start` row of `clusters`, `exit` row of `gateways`, `minutes`, `weight`; all weights sum to 1. Per stretch: `route`,
    `edge` row of `roads`, `begin_m`, `end_m` along it in the way driven; a route's stretches are in order. Per place (n_places,): `place_xy`
    (n_places, 2), `heading_deg`, the way driven there, and `place_edge`, the row of `roads` it is on. `passes` csr bool (n_routes, n_places). `notes`
    tell what was assumed.
    """

    roads: gpd.GeoDataFrame
    clusters: Places
    gateways: Places
    start: Ints
    exit: Ints
    minutes: Floats
    weight: Floats
    route: Ints
    edge: Ints
    begin_m: Floats
    end_m: Floats
    place_xy: Floats
    heading_deg: Floats
    place_edge: Ints
    passes: sparse.csr_matrix
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def flows(self) -> sparse.csr_matrix:
        """Metres of each street on each route: csr (n_routes, n_roads)."""
        size = (len(self), len(self.roads))
        flows: sparse.csr_matrix = sparse.coo_matrix((np.abs(self.end_m - self.begin_m), (self.route, self.edge)), shape=size).tocsr()
        return flows

    @property
    def edge_weight(self) -> Floats:
        """The weight of all routes that drive on each street (n_roads,)."""
        used: Floats = np.asarray((self.flows > 0).T @ self.weight, dtype=np.float64)
        return used

    def share(self, met: sparse.csr_matrix) -> float:
        """The share of all routes, by weight, that at least one pose intercepts; `met` of `interception` (n_poses, n_routes)."""
        return float(self.weight[np.unique(met.indices)].sum())

    def lines(self) -> gpd.GeoDataFrame:
        """The routes to draw: start, exit, minutes, weight and a line."""
        shapes, drawn = self.roads.geometry.to_numpy(), []
        cuts = np.searchsorted(self.route, np.arange(len(self) + 1))
        for k in range(len(self)):
            rows = range(cuts[k], cuts[k + 1])
            xy = [shapely.get_coordinates(substring(shapes[self.edge[r]], self.begin_m[r], self.end_m[r])) for r in rows]
            path = np.concatenate([*xy, xy[-1][-1:]])  # the last point once more, so that a route of no length is a line too
            drawn.append(shapely.LineString(path))
        data = {"start": self.start, "exit": self.exit, "minutes": self.minutes, "weight": self.weight}
        return gpd.GeoDataFrame(data, geometry=drawn, crs=self.roads.crs)


def find_gateways(city: City, roads: gpd.GeoDataFrame, figures: Figures) -> Places:
    """Where roads lead out of the study area: they cross its edge, or end beside it. Near ones are one, the weightier road's.

    Weights are those of the road's class.
    """
    lines, edge_of_area = roads.geometry.to_numpy(), shapely.boundary(city.area)
    weigh = np.array([figures[f"exit_{name}"] for name in roads["road_class"]])
    drive = np.array([figures[f"speed_{name}"] > 0 for name in roads["road_class"]], dtype=bool)
    wanted = np.flatnonzero((weigh > 0) & drive)
    graph = street_graph(roads)
    edges, positions = [], []
    for row in wanted[shapely.crosses(lines[wanted], edge_of_area) | shapely.touches(lines[wanted], edge_of_area)]:
        met = shapely.get_coordinates(shapely.intersection(lines[row], edge_of_area))
        at = np.unique(shapely.line_locate_point(lines[row], shapely.points(met)))
        edges.append(np.full(len(at), row))
        positions.append(at)
    for node, at, where in ((graph.tail, np.zeros(len(roads)), 0), (graph.head, shapely.length(lines), -1)):
        last = wanted[graph.degree[node[wanted]] == 1]
        near = last[shapely.distance(shapely.get_point(lines[last], where), edge_of_area) <= figures["exit_edge_m"]]
        edges.append(near)
        positions.append(at[near])
    edge, position = np.concatenate(edges).astype(np.int64), np.concatenate(positions).astype(np.float64)
    order = np.lexsort((position, edge, -weigh[edge]))
    edge, position = edge[order], position[order]
    xy = shapely.get_coordinates(shapely.line_interpolate_point(lines[edge], position)).astype(np.float64).reshape(-1, 2)
    kept = keep_apart(xy, figures["exit_apart_m"]) == np.arange(len(edge))
    return Places(edge[kept], position[kept], weigh[edge[kept]], xy[kept])


def find_clusters(roads: gpd.GeoDataFrame, points: np.ndarray, weight: Floats, figures: Figures) -> Places:
    """Where weighted points gather along the streets: the densest place, what lies within reach of it set aside, then the next.

    Parameters
    ----------
    points, weight: shapely points and what each weighs (n,), such as demand points and their part by incidents.
    """
    open_ = np.flatnonzero([figures[f"speed_{name}"] > 0 for name in roads["road_class"]])
    part = roads.iloc[open_]
    lines, graph = part.geometry.to_numpy(), street_graph(part)
    heavy = np.flatnonzero(weight > 0)
    on, at = snap(points[heavy], lines)
    left, cells = weight[heavy].astype(np.float64), cut_cells(graph.length_m, _CELL_M)
    cell_edge, first = np.repeat(np.arange(len(part)), cells), np.cumsum(cells) - cells
    cell_at = (np.arange(len(cell_edge)) - first[cell_edge] + 0.5) * (graph.length_m / cells)[cell_edge]
    # Points are gathered by cell before they spread: thousands of points a street would each walk the same streets.
    cell = first[on] + np.minimum(at / graph.length_m[on] * cells[on], cells[on] - 1).astype(np.int64)
    held = np.bincount(cell, weights=left, minlength=len(cell_edge)).astype(np.float64)
    full = np.flatnonzero(held > 0)
    dense = kernel_mass(graph, cell_edge[full], cell_at[full], held[full], cells, bandwidth_m=figures["gather_m"] / 2) if len(heavy) else held
    found: list[tuple[int, float, float]] = []
    for _ in range(int(figures["clusters"])):
        peak = int(np.argmax(dense)) if len(dense) else 0
        if not len(dense) or dense[peak] <= 0 or not left.any():
            break
        to = (cell_edge[[peak]].astype(np.int64), cell_at[[peak]])
        mine = np.isfinite(distance_to_nearest(graph, on, at, *to, most_m=figures["gather_m"]))
        if left[mine].sum() > 0:
            found.append((int(open_[cell_edge[peak]]), float(cell_at[peak]), float(left[mine].sum())))
        left[mine] = 0.0
        dense[np.isfinite(distance_to_nearest(graph, cell_edge.astype(np.int64), cell_at, *to, most_m=figures["gather_m"]))] = 0.0
    edge = np.array([row for row, _, _ in found], dtype=np.int64)
    position = np.array([place for _, place, _ in found], dtype=np.float64)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(roads.geometry.to_numpy()[edge], position)).reshape(-1, 2)
    return Places(edge, position, np.array([amount for _, _, amount in found]), xy)


def likely_routes(city: City, points: np.ndarray, weight: Floats, *, figures: Figures | None = None) -> Routes:
    """The quickest ways by street from each cluster to each gateway, weighted.

    A cluster's weight is shared among the gateways it reaches by weight of the gateway's road and by exp(-minutes / decay).

    Parameters
    ----------
    points, weight: what clusters are found of, as for `find_clusters`; weights are 0 or more.
    figures: data/traffic.toml where none are given.

    Raises
    ------
    CityError: `movement.gateways` where no road leads out, `movement.reach` where no cluster reaches one.
    InputError: `movement.weight` where weights are no numbers or all 0.
    """
    figures = figures if figures is not None else load_movement_figures()
    weight = np.asarray(weight, dtype=np.float64)
    if len(weight) != len(points) or not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise InputError.one("movement.weight", "Weights must be numbers of 0 or more, one a point and not all 0", "Give incidents or demand points")
    roads = city["roads"].sort_index(kind="stable")
    gateways = find_gateways(city, roads, figures) if len(roads) else Places(*(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty((0, 2))))
    if not len(gateways):
        way_out = "Widen what counts as the edge in data/traffic.toml, or import a larger area"
        raise CityError.one("movement.gateways", "No road that counts as a way out leaves the study area", way_out, city.name)
    clusters = find_clusters(roads, points, weight, figures)
    graph = street_graph(roads)
    speed = np.array([figures[f"speed_{name}"] for name in roads["road_class"]]) / 60 * 1000  # metres a minute
    with np.errstate(divide="ignore"):
        pace = 1 / speed
    rows: list[tuple[int, int, float, float]] = []
    stretches: list[tuple[Any, ...]] = []
    for number in range(len(clusters)):
        ways = _quickest(graph, pace, clusters, number, gateways)
        share = np.array([gateways.weight[gate] * np.exp(-minutes / figures["decay_min"]) for gate, minutes, _ in ways])
        for (gate, minutes, path), part in zip(ways, share / max(share.sum(), 1e-300), strict=True):
            stretches += [(len(rows), *piece) for piece in path]
            rows.append((number, gate, minutes, clusters.weight[number] * part))
    if not rows:
        raise CityError.one("movement.reach", "No place where incidents gather reaches a way out by street", "Check the streets", city.name)
    table, pieces = np.array(rows, dtype=np.float64), np.array(stretches, dtype=np.float64).reshape(-1, 4)
    route, edge = pieces[:, 0].astype(np.int64), pieces[:, 1].astype(np.int64)
    place_xy, heading, place_edge, passes = _places(roads, graph, route, edge, pieces[:, 2], pieces[:, 3], len(rows), figures["step_m"])
    return Routes(
        roads, clusters, gateways, table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2], table[:, 3] / table[:, 3].sum(),
        route, edge, pieces[:, 2], pieces[:, 3], place_xy, heading, place_edge, passes,
        (
            "Likely routes are the quickest ways by street under assumed speeds, open both ways; nobody was seen to take them",
            f"{len(clusters)} clusters hold {clusters.weight.sum() / weight.sum():.0%} of the weight; routes begin there",
            *figures.assumptions,
        ),
    )  # fmt: skip


def routes_of_demand(city: City, demand: gpd.GeoDataFrame, figures: Figures | None = None) -> Routes:
    """Likely routes out from where the demand's part by incidents gathers; from where all its weight does, where there are no incidents.

    Parameters
    ----------
    demand: of `planning.demand`. figures: as for `likely_routes`, whose errors are raised.
    """
    crime = demand["part_crime"].to_numpy(dtype=np.float64)
    weight = crime if crime.any() else demand["weight"].to_numpy(dtype=np.float64)
    return likely_routes(city, np.asarray(demand.geometry.array), weight, figures=figures)


def _quickest(graph: StreetGraph, pace: Floats, clusters: Places, number: int, gateways: Places) -> list[tuple[int, float, list[Any]]]:
    """The quickest way from a cluster to each gateway it reaches: gateway, minutes, and stretches of (edge, begin, end)."""
    own, at = int(clusters.edge[number]), float(min(clusters.position_m[number], graph.length_m[clusters.edge[number]]))
    seeds = np.array([graph.tail[own], graph.head[own]], dtype=np.int64)
    first = np.array([at, graph.length_m[own] - at]) * pace[own]
    reached, via = quickest(graph.tail, graph.head, graph.length_m * pace, graph.indptr, graph.ends, seeds, first, np.inf)
    found = []
    for gate in range(len(gateways)):
        edge, to = int(gateways.edge[gate]), float(min(gateways.position_m[gate], graph.length_m[gateways.edge[gate]]))
        tries = [
            (float(reached[graph.tail[edge]] + to * pace[edge]), int(graph.tail[edge]), 0.0),
            (float(reached[graph.head[edge]] + (graph.length_m[edge] - to) * pace[edge]), int(graph.head[edge]), float(graph.length_m[edge])),
        ]
        if edge == own:
            tries.append((abs(to - at) * float(pace[edge]), -1, at))
        minutes, node, begin = min(tries)
        if not np.isfinite(minutes):
            continue
        path: list[Any] = [(edge, begin, to)]
        while node >= 0 and via[node] >= 0:
            on, forward = int(via[node]) // 2, via[node] % 2 == 0
            path.append((on, 0.0, graph.length_m[on]) if forward else (on, graph.length_m[on], 0.0))
            node = int(graph.tail[on] if forward else graph.head[on])
        if node >= 0:
            path.append((own, at, 0.0 if via[node] == -1 else graph.length_m[own]))
        found.append((gate, minutes, path[::-1]))
    return found


def _places(
    roads: gpd.GeoDataFrame, graph: StreetGraph, route: Ints, edge: Ints, begin: Floats, end: Floats, n_routes: int, step_m: float
) -> tuple[Floats, Floats, Ints, sparse.csr_matrix]:
    """Places in the middle of each step of each street in each way it is driven, their headings and streets, and which routes pass them."""
    forward = end >= begin
    ways = np.unique(2 * edge + ~forward)
    cells = cut_cells(graph.length_m[ways // 2], step_m)
    before = np.cumsum(cells) - cells
    way = np.repeat(np.arange(len(ways)), cells)
    size = (graph.length_m[ways // 2] / cells)[way]
    position = (np.arange(len(way)) - before[way] + 0.5) * size
    xy, left = along(roads.geometry.to_numpy()[ways[way] // 2], position)
    turn = np.where(ways[way] % 2 == 0, 1.0, -1.0)
    heading = np.mod(np.degrees(np.arctan2(left[:, 1] * turn, -left[:, 0] * turn)), 360.0)  # the way driven is the left normal turned right
    rows, columns = [], []
    for k in range(len(route)):
        slot = int(np.searchsorted(ways, 2 * edge[k] + (not forward[k])))
        inside = np.arange(before[slot], before[slot] + cells[slot])
        inside = inside[(position[inside] >= min(begin[k], end[k])) & (position[inside] <= max(begin[k], end[k]))]
        columns.append(inside)
        rows.append(np.full(len(inside), route[k]))
    at = (np.concatenate(rows), np.concatenate(columns))
    passes = sparse.csr_matrix((np.ones(len(at[0]), dtype=bool), at), shape=(n_routes, len(way)))
    return xy, heading, (ways[way] // 2).astype(np.int64), passes


def interception(reads: sparse.csr_matrix, routes: Routes) -> sparse.csr_matrix:
    """Which routes each pose intercepts, by reading a plate at any of their places: csr bool (n_poses, n_routes), one demand row a route.

    Parameters
    ----------
    reads: csr bool (n_poses, n_places): where each pose reads a plate.
    """
    met = (reads.astype(np.int32) @ routes.passes.T.astype(np.int32)).tocsr()
    met.sort_indices()
    return sparse.csr_matrix((np.ones(met.nnz, dtype=bool), met.indices, met.indptr), shape=met.shape)
