"""The streets, poles and command centre of a city as links that can be bought.

      pole o~~~~~~~~~~~~~~~~~~~o pole          ~ radio link, where the masts see each other
           | stub              | stub
    o------x----- fibre -------x------o        along the streets, cut where a pole is joined
                                      | stub
                   existing camera ---o- - - - command centre      - existing network, free

A stub has a fibre end, its converter and splicing, at its pole. Fibre is billed in whole metres: a street's pieces are billed from whole metre to
whole metre of its line, so that they add up to the street's own length.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from coverage.sight import Floats, Ints, Walls, build_walls, cast
from coverage.standing import load_defaults
from coverage.terrain import read_terrain
from optimizer.steiner import Links
from planning.catalogue import Prices
from planning.city import City
from planning.datafile import DATA
from planning.errors import CityError, Fault, InputError
from planning.figures import Figures, load_figures
from planning.network import main_part, snap, street_graph

KINDS = ("fibre", "stub", "existing", "wireless")
GRID_FIGURES = {
    "existing_joined": ("0 or 1", 0.0, 1.0),
    "fibre_mbps": ("Mbit/s", 1.0, 1e6),
    "wireless_mbps": ("Mbit/s", 1.0, 1e6),
    "wireless_range_m": ("m", 0.0, 50_000.0),
    "centre_mast_m": ("m", 2.0, 200.0),
    "retention_days": ("days", 1.0, 3650.0),
}
_BESIDE_M = 50.0


def load_grid_figures(path: str | Path = DATA / "network.toml") -> Figures:
    """What links reach and carry, and how long recordings are kept.

    Raises
    ------
    InputError: `figures.file` or `figures.value`, with every fault of the file.
    """
    return load_figures(path, GRID_FIGURES)


@dataclass(frozen=True, eq=False)
class Poles:
    """What is to be joined: `ids`; `xy` (n, 2) and `height_m` of the mast (n,), in the city's CRS [m]; `mbps` and `cameras` (n,) of its cameras.

    Raises
    ------
    InputError: `grid.poles`.
    """

    ids: tuple[str, ...]
    xy: Floats
    height_m: Floats
    mbps: Floats
    cameras: Ints

    def __post_init__(self) -> None:
        n, faults = len(self.ids), []
        if self.xy.shape != (n, 2) or not len(self.height_m) == len(self.mbps) == len(self.cameras) == n:
            faults.append(Fault("grid.poles", "Ids, places, heights and streams of the poles differ in number", "Give one of each a pole", str(n)))
        elif not (np.isfinite(self.xy).all() and np.isfinite(self.height_m).all() and np.isfinite(self.mbps).all() and (self.mbps >= 0).all()):
            faults.append(Fault("grid.poles", "A pole's place, height or stream is no number", "Mend it"))
        if len(set(self.ids)) != n:
            faults.append(Fault("grid.poles", "A pole is there twice", "Give each once", str(n - len(set(self.ids)))))
        if faults:
            raise InputError(faults)


@dataclass(frozen=True, eq=False)
class Lines:
    """Links with what each stands for.

    Per edge (n_edges,): `kind` row of `KINDS`; `road` row of `roads`, -1 off the streets; `from_m`, `to_m` places along that road; `length_m`;
    `metres` billed; `ends`, `radios` bought; `seen`, False for a radio link whose sight is not proven. Per node: `xy` (n_nodes, 2), `names`.
    `root` is the command centre, `poles` (n_poles,) and `old` (n_old,) the nodes of the poles and of existing cameras; `notes` tell what was assumed.
    """

    links: Links
    roads: gpd.GeoDataFrame
    kind: Ints
    road: Ints
    from_m: Floats
    to_m: Floats
    length_m: Floats
    metres: Ints
    ends: Ints
    radios: Ints
    seen: np.ndarray[tuple[int], np.dtype[np.bool_]]
    xy: Floats
    names: tuple[str, ...]
    root: int
    poles: Ints
    old: Ints
    notes: tuple[str, ...]


def build_lines(
    city: City, poles: Poles, prices: Prices, figures: Figures, *, centre_m: tuple[float, float] | None = None, walls: Walls | None = None
) -> Lines:
    """Every link that could be part of the grid, priced.

    Parameters
    ----------
    centre_m: where the command centre stands, in the city's CRS [m]; where none is given, one is assumed and that is told.
    walls: what blocks radio, where it is at hand already.

    Raises
    ------
    CityError: `grid.streets`, where there is no street to lay a line along. InputError: `grid.centre`, where the centre given is no place.
    """
    if centre_m is not None and not (len(centre_m) == 2 and np.isfinite(centre_m).all()):
        raise InputError.one("grid.centre", "The command centre's place must be two numbers", "Give metres in the city's CRS", centre_m)
    every = city["roads"].sort_index(kind="stable")
    roads = every[~every["tunnel"].to_numpy(bool)]
    if not len(roads):
        raise CityError.one("grid.streets", "The city has no street to lay a line along", "Import streets", city.name)
    notes: list[str] = []
    centre = np.array([centre_m if centre_m is not None else _assumed_centre(city, notes)], dtype=np.float64)
    old_ids, old_xy, old_z = _standing(city, notes)
    at = np.concatenate([centre, old_xy, poles.xy])
    mast = np.concatenate([[figures["centre_mast_m"]], old_z, poles.height_m])
    graph, lines = street_graph(roads), roads.geometry.to_numpy()
    on, place = _joints(shapely.points(at), lines, np.flatnonzero(main_part(graph)), len(at) - len(poles.ids))
    streets, foot, n_nodes = _streets(graph.tail, graph.head, len(graph.labels), graph.length_m, on, place)
    mast_node = n_nodes + np.arange(len(at))
    stub_m = shapely.distance(shapely.points(at), lines[on])
    stubs = _rows(1, mast_node, foot, on, place, place, stub_m, np.rint(stub_m), 1, 0, True)
    root, old, new = int(mast_node[0]), mast_node[1 : len(at) - len(poles.ids)], mast_node[len(at) - len(poles.ids) :]
    free = old if figures["existing_joined"] == 1 else old[:0]
    if len(free):
        notes.append(f"Assumed: {len(free)} existing cameras are on the command centre's network, with room to spare; new lines may end there")
    away = np.hypot(*(old_xy[: len(free)] - centre).T)
    joined = _rows(2, free, np.full(len(free), root), -1, 0, 0, away, 0, 0, 0, True)
    near, far, gap = _hops(walls if walls is not None else _walls(city), at, mast, len(at) - len(poles.ids), figures["wireless_range_m"])
    hops = _rows(3, mast_node[near], mast_node[far], -1, 0, 0, gap, 0, 0, 1, True)
    table = np.concatenate([streets, stubs, joined, hops])
    lost = _cut_off(table, n_nodes + len(at), root, new if len(free) or not len(old) else np.concatenate([old, new]))
    if len(lost):
        notes.append(f"{len(lost)} poles lie on streets cut off from the network; each may have a radio link whose sight is not proven")
        gap = np.hypot(*(at[lost - n_nodes] - centre).T)
        table = np.concatenate([table, _rows(3, lost, np.full(len(lost), root), -1, 0, 0, gap, 0, 0, 1, False)])
    xy = np.zeros((n_nodes + len(at), 2))
    xy[graph.tail], xy[graph.head] = (shapely.get_coordinates(shapely.get_point(lines, k)) for k in (0, -1))
    xy[foot] = shapely.get_coordinates(shapely.line_interpolate_point(lines[on], place))
    xy[n_nodes:] = at
    masts = ("centre", *old_ids, *poles.ids)
    names = (*map(str, graph.labels), *(f"{label}@{roads.index[row]}" for label, row in zip(masts, on, strict=True)), *masts)
    whole = table[:, [0, 1, 2, 3, 7, 8, 9]].astype(np.int64)
    cost = whole[:, 4] * prices["fibre_per_m"] + whole[:, 5] * prices["fibre_base"] + whole[:, 6] * prices["radio_link"]
    return Lines(
        Links(n_nodes + len(at), whole[:, 1], whole[:, 2], cost), roads, whole[:, 0], whole[:, 3], table[:, 4], table[:, 5], table[:, 6], whole[:, 4],
        whole[:, 5], whole[:, 6], table[:, 10] > 0, xy, names, root, new, old, tuple(notes),
    )  # fmt: skip


def _rows(kind: int, *columns: Any) -> Floats:
    """Edges as rows: kind, tail, head, road, from_m, to_m, length_m, metres, ends, radios, seen; single values stand for all."""
    rows: Floats = np.column_stack([np.atleast_1d(part).astype(np.float64) for part in np.broadcast_arrays(kind, *columns)])
    return rows


def _walls(city: City) -> Walls:
    origin = (float(np.floor(city.area.bounds[0])), float(np.floor(city.area.bounds[1])))
    return build_walls(city["buildings"], origin, read_terrain(city))


def _assumed_centre(city: City, notes: list[str]) -> tuple[float, float]:
    """The police station nearest to the middle of the cameras that stand, else of the study area; without any, that middle."""
    cameras, places = city["cameras"], city["places"].sort_index(kind="stable")
    joined = cameras.geometry.to_numpy()[cameras["junction"].notna().to_numpy()]
    middle = shapely.centroid(shapely.multipoints(joined)) if len(joined) else shapely.centroid(city.area)
    police = places.geometry.to_numpy()[(places["kind"] == "police").to_numpy()]
    what = "the middle of the cameras that stand" if len(joined) else "the study area's centre"
    at = police[int(np.argmin(shapely.distance(police, middle)))] if len(police) else middle
    where = f"the police station nearest to {what}" if len(police) else what
    notes.append(f"Assumed: the command centre stands at {where}")
    return float(at.x), float(at.y)


def _standing(city: City, notes: list[str]) -> tuple[tuple[str, ...], Floats, Floats]:
    """Existing cameras that name a junction, one of each place: ids, places (n, 2), heights (n,)."""
    cameras = city["cameras"].sort_index(kind="stable")
    known = cameras["junction"].notna().to_numpy()
    if (~known).any():
        notes.append(f"{int((~known).sum())} existing cameras name no junction; no line ends at them")
    named = cameras[known]
    xy = shapely.get_coordinates(named.geometry.to_numpy()).astype(np.float64).reshape(-1, 2)
    first = np.sort(np.unique(np.rint(xy), axis=0, return_index=True)[1]) if len(xy) else np.empty(0, dtype=np.int64)
    height = named["height_m"].to_numpy(np.float64)
    assumed = float(str(load_defaults()["height_m"]))
    return tuple(map(str, named.index[first])), xy[first], np.where(height > 0, height, assumed)[first]


def _joints(points: np.ndarray, lines: np.ndarray, main: Ints, n_given: int) -> tuple[Ints, Floats]:
    """The place on the streets where each pole is joined; the first `n_given` to the connected network where it lies beside them."""
    on, place = snap(points, lines)
    near, at = snap(points[:n_given], lines[main], within_m=_BESIDE_M)
    beside = np.flatnonzero(near >= 0)
    on[beside], place[beside] = main[near[beside]], at[beside]
    return on, place


def _streets(tail: Ints, head: Ints, n_nodes: int, length_m: Floats, on: Ints, place: Floats) -> tuple[Floats, Ints, int]:
    """The streets cut at the poles' feet: rows of edges, the node of each foot, and the number of nodes."""
    m, foot = len(tail), n_nodes + np.arange(len(on))
    edge = np.concatenate([np.arange(m), on, np.arange(m)])
    along = np.concatenate([np.zeros(m), np.clip(place, 0, length_m[on]), length_m])
    node = np.concatenate([tail, foot, head])
    order = np.lexsort((np.repeat([0, 1, 2], [m, len(on), m]), along, edge))
    edge, along, node = edge[order], along[order], node[order]
    same = np.flatnonzero(edge[:-1] == edge[1:])
    metres = np.rint(along[same + 1]) - np.rint(along[same])
    rows = _rows(0, node[same], node[same + 1], edge[same], along[same], along[same + 1], along[same + 1] - along[same], metres, 0, 0, True)
    return rows, foot, n_nodes + len(on)


def _hops(walls: Walls, at: Floats, mast: Floats, n_given: int, range_m: float) -> tuple[Ints, Ints, Floats]:
    """Pairs of masts in range that see each other, at least one of them a new pole's: rows of both, and the distance [m]."""
    none = np.empty(0, dtype=np.int64)
    if n_given == len(at) or range_m <= 0:
        return none, none, np.empty(0)
    sight = cast(walls, at[n_given:], at, mast, reach_m=range_m, highest_m=mast[n_given:])
    near, far = n_given + np.repeat(np.arange(len(at) - n_given), np.diff(sight.start)), sight.target.astype(np.int64)
    once = (near > far) & (sight.ground_m > 0)
    return near[once], far[once], sight.ground_m[once]


def _cut_off(table: Floats, n_nodes: int, root: int, wanted: Ints) -> Ints:
    """Which of the wanted nodes no link joins to the root."""
    ends = table[:, 1:3].astype(np.int64)
    joined = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n_nodes, n_nodes))
    part = connected_components(joined, directed=False)[1]
    lost: Ints = wanted[part[wanted] != part[root]]
    return lost
