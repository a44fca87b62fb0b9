"""The grid: the network of lines that joins poles to the command centre, its cost with proof, what it carries, and what recordings need.

The cheapest tree over streets, stubs, the existing network and radio links (`optimizer.lines`, `optimizer.steiner`). Its cost is shared among the
poles: each link by all poles beyond it alike, so that shares are whole rupees and sum to the grid's cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from shapely.ops import substring

from coverage.sight import Floats, Ints, Walls
from optimizer.lines import KINDS, Lines, Poles, build_lines, load_grid_figures
from optimizer.steiner import ROUNDS, steiner_tree
from optimizer.trees import downstream
from planning.catalogue import Prices, load_models, load_prices
from planning.city import City
from planning.figures import Figures
from planning.nouns import CameraModel, Plan, Scenario

_CARRIED = ("fibre_mbps", "wireless_mbps", "wireless_range_m", "centre_mast_m", "retention_days")
_BILLED = (("fibre_per_m", "metres"), ("fibre_base", "ends"), ("radio_link", "radios"))


@dataclass(frozen=True)
class BillLine:
    """A line of the bill of quantities: head of the price list, whole quantity, its unit, rate and amount [INR]; amount = quantity x rate."""

    head: str
    title: str
    title_hi: str
    quantity: int
    unit: str
    rate_inr: int
    amount_inr: int


@dataclass(frozen=True, eq=False)
class Grid:
    """The network laid.

    `segments`: lines away from the command centre, with the columns kind (fibre, stub, existing, wireless), road (id, "" off the streets), from_node,
    to_node, length_m, metres (billed), ends, radios, cost_inr, cameras (beyond), load_mbps, capacity_mbps (infinite on the existing
    network, which is not known), over (load above capacity), seen (False: a radio link whose sight is not proven). `shares_inr` by pole, summing to
    `cost_inr`; no tree over the same links costs less than `bound_inr`. `load_mbps` of all cameras joined; `retention_days` of their recordings.
    Equal inputs lay equal grids.
    """

    segments: gpd.GeoDataFrame
    centre_m: tuple[float, float]
    shares_inr: Mapping[str, int]
    cost_inr: int
    bound_inr: int
    runtime_s: float
    load_mbps: float
    retention_days: float
    bill: tuple[BillLine, ...]
    notes: tuple[str, ...]
    lines: Lines = field(repr=False)
    edges: Ints = field(repr=False)

    @property
    def gap(self) -> float:
        """How much more the grid costs than the bound, relative to the grid."""
        return (self.cost_inr - self.bound_inr) / self.cost_inr if self.cost_inr else 0.0

    @property
    def storage_tb(self) -> float:
        """What the recordings of all cameras joined need [TB]."""
        return storage_tb(self.load_mbps, self.retention_days)

    @property
    def totals(self) -> dict[str, tuple[int, float, int]]:
        """By kind: pieces, length [m] and cost [INR]."""
        by_kind = self.segments.groupby("kind", sort=False)
        return {str(kind): (len(part), float(part["length_m"].sum()), int(part["cost_inr"].sum())) for kind, part in by_kind}


def storage_tb(mbps: float, days: float) -> float:
    """What a stream recorded for so many days needs: 4 Mbit/s for 30 days is 1.296 TB.

    Parameters
    ----------
    mbps: stream [Mbit/s]. days: how long recordings are kept.
    """
    return mbps / 8 * 86_400 * days / 1e6


def poles_of(plan: Plan, models: Mapping[str, CameraModel] | None = None) -> Poles:
    """The poles of a plan: its sites in their order, each as high as its highest camera, with the streams of its cameras."""
    known = models if models is not None else load_models()
    count = Counter(camera.site for camera in plan.cameras)
    high = {site.id: max(camera.height_m for camera in plan.cameras if camera.site == site.id) for site in plan.sites}
    mbps = Counter[str]()
    for camera in plan.cameras:
        mbps[camera.site] += known[camera.model].stream_mbps  # type: ignore[assignment]
    ids = tuple(site.id for site in plan.sites)
    return Poles(
        ids, np.array([(site.x_m, site.y_m) for site in plan.sites], dtype=np.float64).reshape(-1, 2), np.array([high[label] for label in ids]),
        np.array([mbps[label] for label in ids], dtype=np.float64), np.array([count[label] for label in ids], dtype=np.int64),
    )  # fmt: skip


def centre_of(city: City, scenario: Scenario) -> tuple[float, float] | None:
    """The scenario's command centre in the city's CRS [m]; None where it names none."""
    if not scenario.centre:
        return None
    lat, lon = scenario.centre
    x, y = pyproj.Transformer.from_crs("EPSG:4326", city.crs, always_xy=True).transform(lon, lat)
    return float(x), float(y)


def lay_grid(
    city: City, poles: Poles, *, prices: Prices | None = None, figures: Figures | None = None, centre_m: tuple[float, float] | None = None,
    walls: Walls | None = None, rounds: int = ROUNDS, seed: int = 1,
) -> Grid:  # fmt: skip
    """The cheapest network found that joins the poles to the command centre, and its proof.

    Parameters
    ----------
    prices, figures: data/prices.toml and data/network.toml where none are given.
    centre_m: the command centre, in the city's CRS [m]; where none is given, one is assumed and that is told.
    walls: what blocks radio, where it is at hand already.
    rounds, seed: of the search, as in `steiner_tree`.

    Raises
    ------
    CityError: `grid.streets`. InputError: `steiner.cut`, where what stands cannot be joined.
    """
    prices, figures = prices if prices is not None else load_prices(), figures if figures is not None else load_grid_figures()
    lines = build_lines(city, poles, prices, figures, centre_m=centre_m, walls=walls)
    wanted = lines.poles if figures["existing_joined"] == 1 else np.concatenate([lines.old, lines.poles])
    tree = steiner_tree(lines.links, np.concatenate([[lines.root], wanted]), rounds=rounds, seed=seed)
    chosen = np.zeros(len(lines.kind), dtype=np.bool_)
    chosen[tree.edges] = True
    stream, hung, watching = (np.zeros(lines.links.n_nodes) for _ in range(3))
    stream[lines.poles], hung[lines.poles], watching[lines.poles] = poles.mbps, 1.0, poles.cameras
    graph = (lines.links.indptr, lines.links.arcs, lines.links.tail, lines.links.head, chosen, lines.root)
    load, beyond = downstream(*graph, stream)
    count, _ = downstream(*graph, hung)
    segments = _segments(city, lines, tree.edges, load, beyond, figures)
    segments.insert(9, "cameras", np.rint(downstream(*graph, watching)[0][tree.edges]).astype(np.int64))
    notes = [*lines.notes, *_told(segments, figures)]
    shares = _shares(lines, tree.edges, count, beyond, poles.ids)
    return Grid(
        segments, (float(lines.xy[lines.root, 0]), float(lines.xy[lines.root, 1])), shares, tree.cost, tree.bound, tree.runtime_s,
        float(poles.mbps.sum()), figures["retention_days"], _bill(segments, prices), tuple(notes), lines, tree.edges,
    )  # fmt: skip


def _segments(city: City, lines: Lines, edges: Ints, load: Floats, beyond: Ints, figures: Figures) -> gpd.GeoDataFrame:
    links, kind = lines.links, np.array(KINDS, dtype=object)[lines.kind[edges]]
    shapes = lines.roads.geometry.to_numpy()
    far = beyond[edges]
    near = np.where(links.tail[edges] == far, links.head[edges], links.tail[edges])
    drawn: list[shapely.Geometry] = [
        substring(shapes[lines.road[e]], lines.from_m[e], lines.to_m[e]) if lines.kind[e] == 0 else shapely.LineString(lines.xy[[a, b]])
        for e, a, b in zip(edges, near, far, strict=True)
    ]
    drawn = [shape.reverse() if a != links.tail[e] and lines.kind[e] == 0 else shape for shape, e, a in zip(drawn, edges, near, strict=True)]
    # A piece of no length is a point; it is drawn as a line all the same.
    drawn = [shape if shape.geom_type == "LineString" else shapely.LineString([shape, shape]) for shape in drawn]
    capacity = np.select([lines.kind[edges] == 2, lines.kind[edges] == 3], [np.inf, figures["wireless_mbps"]], figures["fibre_mbps"])
    names, roads = np.array(lines.names, dtype=object), np.append(lines.roads.index.to_numpy(object), "")
    return gpd.GeoDataFrame(
        {
            "kind": kind, "road": roads[np.where(lines.kind[edges] == 0, lines.road[edges], -1)],
            "from_node": names[near], "to_node": names[far], "length_m": lines.length_m[edges], "metres": lines.metres[edges],
            "ends": lines.ends[edges], "radios": lines.radios[edges], "cost_inr": links.cost[edges], "load_mbps": load[edges],
            "capacity_mbps": capacity, "over": load[edges] > capacity, "seen": lines.seen[edges],
        },
        index=[f"g{number}" for number in range(1, len(edges) + 1)], geometry=drawn, crs=city.crs,
    )  # fmt: skip


def _told(segments: gpd.GeoDataFrame, figures: Figures) -> list[str]:
    carried = [figures.figures[key] for key in _CARRIED]
    told = [f"Assumed: {figure.title}: {figure.value:g} {figure.unit}" for figure in carried if figure.assumed]
    onto = float(segments.loc[segments["kind"] == "existing", "load_mbps"].sum())
    if onto:
        told.append(f"The existing network is to carry {onto:g} Mbit/s more; whether it has the room is not known")
    for kind in ("fibre", "stub", "wireless"):
        over = segments[segments["over"] & (segments["kind"] == kind)]
        if len(over):
            most = float(over["load_mbps"].max())
            told.append(f"{len(over)} {kind} links carry more than their {float(over['capacity_mbps'].iloc[0]):g} Mbit/s, at most {most:g}")
    return told


def _bill(segments: gpd.GeoDataFrame, prices: Prices) -> tuple[BillLine, ...]:
    heads = {head.key: head for head in prices.heads}
    lines = []
    for key, column in _BILLED:
        quantity, head = int(segments[column].sum()), heads[key]
        if quantity:
            lines.append(BillLine(key, head.title, head.title_hi, quantity, head.unit, head.amount_inr, quantity * head.amount_inr))
    return tuple(lines)


def _shares(lines: Lines, edges: Ints, count: Floats, beyond: Ints, ids: tuple[str, ...]) -> dict[str, int]:
    """Each link's cost to the poles beyond it alike, links with none beyond to all; whole rupees by largest remainders."""
    if not ids:
        return {}
    links, owed = lines.links, np.zeros(lines.links.n_nodes)
    children: dict[int, list[tuple[int, int]]] = {}
    for e in edges:
        near = int(links.head[e] if links.tail[e] == beyond[e] else links.tail[e])
        children.setdefault(near, []).append((int(e), int(beyond[e])))
    stack = [lines.root]
    while stack:
        node = stack.pop()
        for e, child in children.get(node, []):
            owed[child] = owed[node] + (links.cost[e] / count[e] if count[e] else 0.0)
            stack.append(child)
    total = int(links.cost[edges].sum())
    common = float(links.cost[edges][count[edges] == 0].sum()) / len(ids)
    exact = owed[lines.poles] + common
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return {label: int(amount) for label, amount in zip(ids, whole, strict=True)}
