"""A grid worked out again from what it draws: that its lines are one tree from the command centre to every pole, run where they say, and cost what
the price list says. Nothing is taken from the graph the grid was found in.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from coverage.standing import load_defaults
from coverage.terrain import read_terrain
from optimizer.grid import Grid
from optimizer.lines import Poles
from optimizer.profiles import heights, over_ground, roofs
from planning.catalogue import load_prices
from planning.city import City
from planning.errors import Fault
from planning.figures import Figures

_SLACK_M = 0.01


def grid_faults(grid: Grid, city: City, poles: Poles, figures: Figures) -> list[Fault]:
    """Every fault of a grid that should join these poles: `verify.grid`, with what is stated and what was found."""
    return [
        Fault("verify.grid", what, "Do not use this network; lay it again", str(value)[:200])
        for faults in (_tree(grid, poles), _places(grid, city, poles), _money(grid, poles), _radio(grid, city, poles, figures))
        for what, value in faults
    ]


def _tree(grid: Grid, poles: Poles) -> Iterator[tuple[str, object]]:
    """One piece joins all, and none is to spare."""
    parent: dict[str, str] = {"centre": "centre"}

    def top(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            node = parent[node]
        return node

    for piece in grid.segments.itertuples():
        a, b = top(piece.from_node), top(piece.to_node)
        if a == b:
            yield "a line joins what is joined already", piece.Index
        parent[a] = b
    lost = [label for label in poles.ids if top(label) != top("centre")]
    if lost:
        yield "poles are not joined to the command centre", lost[:5]


def _places(grid: Grid, city: City, poles: Poles) -> Iterator[tuple[str, object]]:
    """Each node lies in one place, poles and existing cameras where they stand, and fibre on its street."""
    at: dict[str, np.ndarray] = dict(zip(poles.ids, poles.xy, strict=True))
    at |= {str(label): np.array([point.x, point.y]) for label, point in city["cameras"].geometry.items()}
    at["centre"] = np.array(grid.centre_m)
    streets = city["roads"].geometry
    for piece in grid.segments.itertuples():
        ends = shapely.get_coordinates(piece.geometry)[[0, -1]]
        for name, end in zip((piece.from_node, piece.to_node), ends, strict=True):
            if not np.hypot(*(at.setdefault(name, end) - end)) <= _SLACK_M:
                yield f"line {piece.Index} does not end where {name} is", end
        if abs(piece.geometry.length - piece.length_m) > _SLACK_M:
            yield f"line {piece.Index} is of another length", f"stated {piece.length_m}, found {piece.geometry.length}"
        on = piece.road in streets.index and shapely.covers(shapely.buffer(streets[piece.road], 0.1), piece.geometry)
        if piece.kind == "fibre" and not on:
            yield f"line {piece.Index} does not run along {piece.road}", piece.road


def _money(grid: Grid, poles: Poles) -> Iterator[tuple[str, object]]:
    """Each line costs its metres, ends and links; the sums agree; the poles' shares are the whole cost."""
    prices, total = load_prices(), 0
    for piece in grid.segments.itertuples():
        metres = 0 if piece.kind in {"existing", "wireless"} else piece.metres
        if piece.kind in {"fibre", "stub"} and abs(metres - piece.length_m) > 1:
            yield f"line {piece.Index} is billed for another length", f"stated {metres}, found {piece.length_m}"
        cost = metres * prices["fibre_per_m"] + (piece.kind == "stub") * prices["fibre_base"] + (piece.kind == "wireless") * prices["radio_link"]
        if cost != piece.cost_inr:
            yield f"line {piece.Index} costs otherwise", f"stated {piece.cost_inr}, found {cost}"
        total += cost
    for what, amount in (
        ("the grid's cost differs", grid.cost_inr), ("the bill's sum differs", sum(line.amount_inr for line in grid.bill)),
        ("the poles' shares do not add up", sum(grid.shares_inr.values()) if poles.ids else total),
    ):  # fmt: skip
        if amount != total:
            yield what, f"stated {amount}, found {total}"
    if set(grid.shares_inr) != set(poles.ids) or min(grid.shares_inr.values(), default=0) < 0:
        yield "the shares are not those of the poles", sorted(set(grid.shares_inr) ^ set(poles.ids))[:5]
    if not 0 <= grid.bound_inr <= total:
        yield "the bound lies above the cost", f"stated {grid.bound_inr}, cost {total}"


def _radio(grid: Grid, city: City, poles: Poles, figures: Figures) -> Iterator[tuple[str, object]]:
    """Each radio link that is said to be seen is in range and clears every roof and the ground it passes."""
    mast = {label: float(height) for label, height in zip(poles.ids, poles.height_m, strict=True)}
    assumed = float(str(load_defaults()["height_m"]))
    mast |= {str(label): float(height) if height > 0 else assumed for label, height in city["cameras"]["height_m"].items()}
    mast["centre"] = figures["centre_mast_m"]
    terrain, shapes = read_terrain(city), city["buildings"].geometry.to_numpy()
    tops, tree = roofs(terrain, city["buildings"]), shapely.STRtree(shapes)
    for piece in grid.segments[(grid.segments["kind"] == "wireless") & grid.segments["seen"]].itertuples():
        if piece.length_m > figures["wireless_range_m"] + _SLACK_M:
            yield f"radio link {piece.Index} is too long", piece.length_m
        ends = shapely.get_coordinates(piece.geometry)
        start, end = heights(terrain, ends) + np.array([mast[piece.from_node], mast[piece.to_node]])
        if not over_ground(terrain, ends[:1], ends[1:], np.array([start]), np.array([end]))[0]:
            yield f"radio link {piece.Index} is blocked by the ground", piece.Index
        for row in tree.query(piece.geometry, predicate="intersects"):
            crossed = shapely.get_coordinates(shapely.intersection(piece.geometry, shapely.boundary(shapes[row])))
            part = np.hypot(*(crossed - ends[0]).T) / piece.length_m
            if (tops[row] > start + (end - start) * part + _SLACK_M).any():
                yield f"radio link {piece.Index} is blocked by a building", city["buildings"].index[row]
