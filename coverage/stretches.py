"""Streets that nobody sees, as lines: neighbouring unseen points of a street, merged into stretches and ranked by the weight lost.

    o---x---x---o---x--- | ---x---x---o         o seen, x unseen, | where two pieces of one street meet
        |===|       |=========|                 a stretch reaches half way to the next seen point, and to the end of its piece

A stretch goes on into the next piece where exactly two ends of the same name and class meet at the junction, or, of unnamed streets, where no
third end meets them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.ops import substring

from planning.geometry import Bools

SAME_CELL_M = 0.5  # points of a street nearer than this along it are the two edges of one cell


@dataclass(frozen=True)
class _Run:
    """A run on one piece: its row, from and to along it [m], weight lost, points, weight by ward, and whether it reaches start and end."""

    road: int
    begin_m: float
    end_m: float
    weight: float
    points: int
    wards: dict[str, float]
    at_start: bool
    at_end: bool


def unseen_stretches(demand: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, seen: Bools) -> gpd.GeoDataFrame:
    """The stretches of street out of view, the most weight lost first.

    A place along a street is out of view where any of its points is unseen, so a wide road of which one edge is seen counts, with the weight of the
    other edge.

    Parameters
    ----------
    demand: points with road, ward and weight; those of no street are passed over.
    roads: the city's streets.
    seen: which points are seen (n_demand,).

    Returns
    -------
    LineStrings with index g0001 … and the columns weight, length_m, points, name (None where unnamed), road_class, ward (the one with the most of
    the weight), roads (ids joined by a blank).
    """
    runs = _runs(demand, roads, seen)
    chains = _chains(runs, roads)
    names, classes = roads["name"].to_numpy(object), roads["road_class"].to_numpy(object)
    found = []
    for chain in chains:
        mine = [runs[number] for number, _ in chain]
        wards: dict[str, float] = defaultdict(float)
        for run in mine:
            for ward, weight in run.wards.items():
                wards[ward] += weight
        shape = _line(chain, runs, roads)
        name = names[mine[0].road]
        found.append((
            sum(run.weight for run in mine), float(shape.length), sum(run.points for run in mine), name if isinstance(name, str) else None,
            str(classes[mine[0].road]), min(wards, key=lambda ward: (-wards[ward], ward)),
            " ".join(dict.fromkeys(str(roads.index[run.road]) for run in mine)), shape,
        ))  # fmt: skip
    found.sort(key=lambda row: (-row[0], row[6]))
    columns = ("weight", "length_m", "points", "name", "road_class", "ward", "roads")
    kinds = ("float64", "float64", "int64", "object", "object", "object", "object")
    index = [f"g{number:04d}" for number in range(1, len(found) + 1)]
    table = {
        name: pd.Series([row[k] for row in found], index=index, dtype=kind) for k, (name, kind) in enumerate(zip(columns, kinds, strict=True))
    }
    return gpd.GeoDataFrame(table, index=index, geometry=[row[7] for row in found], crs=roads.crs)


def _runs(demand: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, seen: Bools) -> list[_Run]:
    """Runs of unseen places on each piece of street, in the order of the pieces."""
    rows = {str(label): row for row, label in enumerate(roads.index)}
    road = np.array([rows.get(str(label), -1) for label in demand["road"]], dtype=np.int64)
    on = np.flatnonzero(road >= 0)
    shapes, points = roads.geometry.to_numpy(), demand.geometry.to_numpy()
    along = shapely.line_locate_point(shapes[road[on]], points[on])
    order = np.lexsort((along, road[on]))
    on, along = on[order], along[order]
    weight, ward = demand["weight"].to_numpy(np.float64), demand["ward"].to_numpy(object)
    runs: list[_Run] = []
    for members in np.split(np.arange(len(on)), np.flatnonzero(np.diff(road[on])) + 1):
        if not len(members) or seen[on[members]].all():
            continue
        piece, places = int(road[on[members[0]]]), np.split(members, np.flatnonzero(np.diff(along[members]) > SAME_CELL_M) + 1)
        middle = np.array([along[place].mean() for place in places])
        borders = np.concatenate([[0.0], (middle[:-1] + middle[1:]) / 2, [float(shapely.length(shapes[piece]))]])
        dark = np.array([bool((~seen[on[place]]).any()) for place in places])
        turns = np.flatnonzero(np.diff(np.concatenate([[False], dark, [False]]).astype(int)))
        for first, last in zip(turns[::2], turns[1::2], strict=True):
            lost = np.concatenate([on[place] for place in places[first:last]])
            lost = lost[~seen[lost]]
            wards: dict[str, float] = defaultdict(float)
            for point in lost:
                wards[str(ward[point])] += float(weight[point])
            if weight[lost].sum() > 0:
                ends = (bool(first == 0), bool(last == len(places)))
                runs.append(_Run(piece, float(borders[first]), float(borders[last]), float(weight[lost].sum()), len(lost), dict(wards), *ends))
    return runs


def _chains(runs: list[_Run], roads: gpd.GeoDataFrame) -> list[list[tuple[int, bool]]]:
    """Runs that go on into one another, each chain in order, with whether a run is walked from its end to its start."""
    joined: dict[tuple[int, bool], tuple[int, bool]] = {}
    for one, other in _joints(runs, roads):
        joined[one], joined[other] = other, one
    chains, done = [], np.zeros(len(runs), bool)

    def walk(number: int, enter_at_end: bool) -> list[tuple[int, bool]]:
        chain = []
        while not done[number]:
            done[number] = True
            chain.append((number, enter_at_end))
            onward = joined.get((number, not enter_at_end))
            if onward is None:
                break
            number, enter_at_end = onward
        return chain

    # Chains with a loose end first, from that end; what is left are rings, cut anywhere.
    for number in range(len(runs)):
        for at_end in (False, True):
            if not done[number] and (number, at_end) not in joined:
                chains.append(walk(number, at_end))
    chains += [walk(number, False) for number in range(len(runs)) if not done[number]]
    return chains


def _joints(runs: list[_Run], roads: gpd.GeoDataFrame) -> list[tuple[tuple[int, bool], tuple[int, bool]]]:
    """Pairs of run ends (run, whether its end) that meet at a junction and are of one street."""
    names, classes = roads["name"].to_numpy(object), roads["road_class"].to_numpy(object)
    ends = [roads[column].to_numpy(object) for column in ("from_junction", "to_junction")]
    meeting: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    degree: dict[str, int] = defaultdict(int)
    for row in range(len(roads)):
        for side in ends:
            name = names[row] if isinstance(names[row], str) else ""
            meeting[(str(side[row]), name, str(classes[row]))].append(row)
            degree[str(side[row])] += 1
    at: dict[tuple[str, str, str], list[tuple[int, bool]]] = defaultdict(list)
    for number, run in enumerate(runs):
        name = names[run.road] if isinstance(names[run.road], str) else ""
        for reaches, side, at_end in ((run.at_start, ends[0], False), (run.at_end, ends[1], True)):
            if reaches:
                at[(str(side[run.road]), name, str(classes[run.road]))].append((number, at_end))
    return [
        (found[0], found[1])
        for key, found in at.items()
        if len(found) == 2 and found[0][0] != found[1][0] and len(meeting[key]) == 2 and (key[1] or degree[key[0]] == 2)
    ]


def _line(chain: list[tuple[int, bool]], runs: list[_Run], roads: gpd.GeoDataFrame) -> shapely.LineString:
    """The chain's runs as one line, in the order walked."""
    parts = []
    for number, backward in chain:
        run = runs[number]
        xy = shapely.get_coordinates(substring(roads.geometry.iloc[run.road], run.begin_m, run.end_m))
        parts.append(xy[::-1] if backward else xy)
    xy = np.concatenate(parts)
    moved = np.concatenate([[True], (np.diff(xy, axis=0) != 0).any(axis=1)])
    return shapely.LineString(xy[moved])
