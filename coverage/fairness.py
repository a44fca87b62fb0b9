"""How evenly wards and residents are covered: per ward, per resident, the least covered ward, and the Gini coefficient over wards."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from planning.geometry import Bools, Floats


@dataclass(frozen=True)
class WardCover:
    """A ward: label, name, residents (NaN where not known), its weight, the share of it covered, the weight covered a resident, and the share of its
    residents who live in view (NaN where nobody is known to live).
    """

    ward: str
    name: str
    population: float
    weight: float
    coverage: float
    covered_per_resident: float
    in_view: float

    @property
    def out_of_view(self) -> float:
        """Residents who live where no camera looks, as far as points know where they live; NaN where not known."""
        return self.population * (1 - self.in_view)


@dataclass(frozen=True)
class Fairness:
    """Wards with weight, in the city's order; the share of residents in view (NaN where unknown); the Gini coefficient of coverage over wards.

    `unknown` wards have no population and count in the Gini like the average ward that has one; where none has one all count alike.
    """

    wards: tuple[WardCover, ...]
    residents: float
    gini: float
    unknown: int

    @property
    def least(self) -> WardCover | None:
        """The ward covered least; the first by label where several are equal."""
        return min(self.wards, key=lambda ward: (ward.coverage, ward.ward)) if self.wards else None


def fairness(demand: gpd.GeoDataFrame, wards: gpd.GeoDataFrame, seen: Bools) -> Fairness:
    """How evenly what is seen is spread.

    Parameters
    ----------
    demand: points with ward, weight and part_residents, by which residents count where they live.
    wards: the city's, with name and population.
    seen: which points are seen (n_demand,).
    """
    rows = {str(label): row for row, label in enumerate(wards.index)}
    ward = np.array([rows.get(str(label), -1) for label in demand["ward"]], dtype=np.int64)
    weight, inside = demand["weight"].to_numpy(np.float64), ward >= 0
    whole = np.bincount(ward[inside], weights=weight[inside], minlength=len(wards))
    covered = np.bincount(ward[inside & seen], weights=weight[inside & seen], minlength=len(wards))
    living = demand["part_residents"].to_numpy(np.float64)
    homes = np.bincount(ward[inside], weights=living[inside], minlength=len(wards))
    at_home = np.bincount(ward[inside & seen], weights=living[inside & seen], minlength=len(wards))
    people = wards["population"].to_numpy(np.float64)
    there = np.flatnonzero(whole > 0)
    known = people[there] > 0
    scores = tuple(
        WardCover(
            str(wards.index[w]), str(wards["name"].iloc[w]), float(people[w]), float(whole[w]), float(covered[w] / whole[w]),
            float(covered[w] / people[w]) if people[w] > 0 else float("nan"), float(at_home[w] / homes[w]) if homes[w] > 0 else float("nan"),
        )
        for w in there
    )  # fmt: skip
    size = np.where(known, people[there], people[there][known].mean() if known.any() else 1.0)
    residents = float(living[seen].sum() / living.sum()) if living.sum() > 0 else float("nan")
    return Fairness(scores, residents, gini(covered[there] / whole[there], size), int((~known).sum()))


def gini(share: Floats, size: Floats) -> float:
    """The Gini coefficient of shares over groups of given sizes: half the mean difference of two residents' shares over the mean share.

        G = sum p_i p_j |x_i - x_j| / (2 sum p_i x_i),   p = size / sum of sizes

    0 where all are alike, also where nothing is covered at all. Both (n,).
    """
    if not len(share) or float(size.sum()) <= 0:
        return 0.0
    order = np.argsort(share, kind="stable")
    x, p = share[order], size[order] / size.sum()
    mean = float((p * x).sum())
    if mean <= 0:
        return 0.0
    # Sorted, the double sum is one: p_j (x_j P_j - X_j) with P and X what is below j.
    below, sums = np.cumsum(p) - p, np.cumsum(p * x) - p * x
    return float((p * (x * below - sums)).sum() / mean)
