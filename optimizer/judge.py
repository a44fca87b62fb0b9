"""What a placement would have caught: later incidents in view, and how well that stands beside the street length in view.

The streets are cut into equal cells of a few metres; an incident belongs to the cell of the street nearest to it, as demand lays it, and a cell is
in view where a camera has a clear line of sight to its middle at the level asked for. Incidents and street length are counted by the same cells:

    PAI  = (incidents in view / all incidents) / (street length in view / all street length)          Chainey, Tompson and Uhlig (2008)
    PEI* = PAI / the highest PAI any choice of cells of the same length could have had

In view is not prevented, and not solved: what happened indoors counts at the street in front of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely

from optimizer.problem import Flags, Floats, Ints
from planning.city import City
from planning.errors import CityError
from planning.geometry import along, first_area
from planning.network import cut_cells, snap, street_graph


@dataclass(frozen=True, eq=False)
class Ground:
    """What placements are judged on.

    `points_m` (n_cells, 2): middles of the street cells; `length_m` (n_cells,); `hits` (n_cells,): incidents a cell; `left_out`: incidents too far
    from every street, or outside the study area.
    """

    points_m: Floats
    length_m: Floats
    hits: Floats
    left_out: int

    @property
    def incidents(self) -> int:
        """How many incidents are judged."""
        return int(self.hits.sum())

    @cached_property
    def best(self) -> tuple[Floats, Floats]:
        """Street length [m] and incidents of the densest cells, cell by cell summed up, from 0 (n_cells + 1,) each."""
        order = np.argsort(-self.hits / self.length_m, kind="stable")
        return np.concatenate([[0.0], np.cumsum(self.length_m[order])]), np.concatenate([[0.0], np.cumsum(self.hits[order])])


@dataclass(frozen=True)
class Score:
    """What one placement has in view.

    `captured`: incidents; `share`: of all incidents judged; `length_share`: of all street length; `pai`, `pei`: as above, 0 where nothing is in view.
    """

    captured: float
    share: float
    length_share: float
    pai: float
    pei: float


def lay_ground(city: City, incidents: gpd.GeoDataFrame, *, snap_m: float, cell_m: float = 5.0) -> Ground:
    """The streets of a city in cells, and the incidents on them.

    Parameters
    ----------
    incidents: those to be caught; the city's own are not looked at.
    snap_m: how far from a street an incident may lie [m].
    cell_m: length of a cell, as near as whole cells allow [m].

    Raises
    ------
    CityError: `backtest.incidents`, where no incident lies on the streets of the study area.
    """
    every = city["roads"].sort_index(kind="stable")
    roads = every[~every["tunnel"].to_numpy(bool)]
    lines, length = roads.geometry.to_numpy(), street_graph(roads).length_m
    cells = cut_cells(length, cell_m)
    edge = np.repeat(np.arange(len(lines), dtype=np.int64), cells)
    start = np.cumsum(cells) - cells
    number = np.arange(len(edge)) - start[edge]
    step = (length / cells)[edge]
    points = along(lines[edge], (number + 0.5) * step)[0]
    inside = first_area(shapely.points(points), np.array([city.area], dtype=object)) >= 0
    on, position = snap(incidents.geometry.to_numpy(), lines, within_m=snap_m)
    near = on >= 0
    place = np.minimum((position[near] * cells[on[near]] / length[on[near]]).astype(np.int64), cells[on[near]] - 1)
    hits = np.bincount(start[on[near]] + place, minlength=len(edge)).astype(np.float64)
    kept = hits[inside]
    if not kept.sum():
        what = "None of the incidents to be caught lies on a street of the study area"
        raise CityError.one("backtest.incidents", what, "Check the incidents, or choose another split", len(incidents))
    return Ground(np.asarray(points[inside], dtype=np.float64), step[inside], kept, len(incidents) - int(kept.sum()))


def score(ground: Ground, seen: Flags) -> Score:
    """What is in view where these cells are (n_cells,)."""
    caught, metres = float(ground.hits[seen].sum()), float(ground.length_m[seen].sum())
    share, length_share = caught / ground.incidents, metres / float(ground.length_m.sum())
    most = float(np.interp(metres, *ground.best))
    return Score(caught, share, length_share, share / length_share if metres else 0.0, caught / most if most else 0.0)


def spearman(one: Floats, other: Floats) -> float:
    """Rank correlation, ties at their middle rank; 1 where either does not vary and both are equal, NaN where that cannot be said."""
    a, b = _ranks(one), _ranks(other)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 1.0 if np.array_equal(a, b) else float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: Floats) -> Floats:
    _, group, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[group], dtype=np.float64)


def jaccard(one: Ints, other: Ints) -> float:
    """How much two sets of rows share: those in both over those in either; 1 where both are empty."""
    either = len(np.union1d(one, other))
    return len(np.intersect1d(one, other)) / either if either else 1.0
