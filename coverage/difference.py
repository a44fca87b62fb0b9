"""What one plan sees and another does not: demand gained, lost, seen by both and by neither, as points and ward by ward."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from planning.geometry import Bools, Floats, Ints

NEITHER, BOTH, GAINED, LOST = range(4)
SAME_M = 0.5  # points of two plans that lie this near to each other are one


@dataclass(frozen=True)
class WardDifference:
    """A ward by its label, empty for what lies outside every ward: weight the second plan sees and the first does not, and the other way round."""

    ward: str
    gained: float
    lost: float


@dataclass(frozen=True, eq=False)
class Difference:
    """The second plan against the first, on the points both have, weighed as the second weighs them.

    `points_m` (n, 2) in the city's CRS; `weight` (n,); `state` (n,): NEITHER, BOTH, GAINED by the second plan, or LOST with it; `ward` (n,) labels;
    `common`: the share of the second plan's weight that lies on points the first has too, 1 where both were made of the same demand.
    """

    points_m: Floats
    weight: Floats
    state: Ints
    ward: npt.NDArray[np.object_]
    common: float

    @property
    def whole(self) -> float:
        """The weight of all points compared."""
        return float(self.weight.sum())

    def share(self, state: int) -> float:
        """The share of the weight compared that is in this state; 0 where nothing weighs anything."""
        return float(self.weight[self.state == state].sum()) / self.whole if self.whole > 0 else 0.0

    def wards(self) -> tuple[WardDifference, ...]:
        """Wards with anything gained or lost, those that gain most on balance first."""
        found = []
        for label in sorted(set(self.ward)):
            mine = self.ward == label
            gained, lost = (float(self.weight[mine & (self.state == state)].sum()) for state in (GAINED, LOST))
            if gained > 0 or lost > 0:
                found.append(WardDifference(str(label), gained, lost))
        return tuple(sorted(found, key=lambda ward: (ward.lost - ward.gained, ward.ward)))


def difference(first: gpd.GeoDataFrame, second: gpd.GeoDataFrame) -> Difference:
    """What changes from a first plan to a second.

    Parameters
    ----------
    first, second: demand of two plans of one city, with weight, ward and `after`. Points belong together where they lie within half a metre.
    """
    here, there = (shapely.get_coordinates(frame.geometry.array) for frame in (first, second))
    if len(here):
        away, row = cKDTree(here).query(there)
    else:
        away, row = np.full(len(there), np.inf), np.zeros(len(there), dtype=np.int64)
    found: Bools = away <= SAME_M
    old, new = first["after"].to_numpy(dtype=bool)[row[found]], second["after"].to_numpy(dtype=bool)[found]
    weight = second["weight"].to_numpy(dtype=np.float64)
    state = np.where(new, np.where(old, BOTH, GAINED), np.where(old, LOST, NEITHER)).astype(np.int64)
    labels = np.array(["" if label is None or label != label else str(label) for label in second["ward"]], dtype=object)  # noqa: PLR0124  # NaN
    whole = float(weight.sum())
    return Difference(there[found], weight[found], state, labels[found], float(weight[found].sum()) / whole if whole > 0 else 1.0)
