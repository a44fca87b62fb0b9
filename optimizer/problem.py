"""The problem as arrays and limits, checked once. It knows no city: poses, demand, sites and wards are rows.

    maximise   sum of weight[i] over demand i seen by an existing camera or by a chosen pose
               + sum of second[i] over demand i seen from at least two places
               - sum of penalty[p] over chosen poses p
    subject to capital and yearly budgets, a site's cost paid once where any of its poses is chosen, at most so many cameras a site,
               poses that must be kept and poses that must not be chosen, and for each ward a least covered weight

A second view is one from another site (or an existing camera and a site): two cameras of one pole look the same way past the same back. A finer level
at some places is demand rows of its own, with the poses that reach that level; a floor on them is a ward of their own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from planning.errors import Fault, ScenarioError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Limits:
    """What a plan may cost and must hold.

    `budget` [INR]; `yearly` [INR/year], None for no limit; `per_site` cameras; `keep`, `forbid` (n_poses,); `ward_least` (n_wards,): the least
    weight to be covered in each ward, existing cameras included; `ward_names` for what people are told.
    """

    budget: int
    yearly: int | None
    per_site: int
    keep: Flags
    forbid: Flags
    ward_least: Floats
    ward_names: tuple[str, ...] = ()

    def ward_name(self, row: int) -> str:
        """The ward as people call it."""
        return self.ward_names[row] if row < len(self.ward_names) else f"ward {row}"


@dataclass(frozen=True, eq=False)
class Problem:
    """Arrays of one placement problem; poses are sorted by site.

    `covers` csr bool (n_poses, n_demand); `weight` (n_demand,), not negative; `already` (n_demand,): from how many places existing cameras see it;
    `ward` (n_demand,), -1 for none; `cost`, `yearly` (n_poses,) [INR, INR/year]; `site` (n_poses,); `site_cost`, `site_yearly` (n_sites,); `second`
    (n_demand,): what a second view adds, no more than the first is worth; `penalty` (n_poses,): the privacy price of a pose, in weight. The last two
    are 0 where not given.
    """

    covers: sparse.csr_matrix
    weight: Floats
    already: Ints
    ward: Ints
    cost: Ints
    yearly: Ints
    site: Ints
    site_cost: Ints
    site_yearly: Ints
    limits: Limits
    second: Floats = field(default_factory=lambda: np.zeros(0))
    penalty: Floats = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        for name, length in (("second", self.covers.shape[1]), ("penalty", self.covers.shape[0])):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.zeros(length))
        faults = list(_faults(self))
        if faults:
            raise ScenarioError(faults)

    @property
    def n_poses(self) -> int:
        """Number of poses."""
        return len(self.cost)

    @cached_property
    def whole(self) -> float:
        """All weight, first views only: what shares are taken of."""
        return float(self.weight.sum())

    @property
    def total(self) -> float:
        """All weight there is, second views included."""
        return float(self.weight.sum() + self.second.sum())

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits of the SHA-256 over every array and limit."""
        taken = hashlib.sha256(f"{self.covers.shape} {self.limits.budget} {self.limits.yearly} {self.limits.per_site}".encode())
        arrays = (
            self.covers.indptr.astype(np.int64), self.covers.indices.astype(np.int64), self.weight, self.already, self.ward, self.cost, self.yearly,
            self.site, self.site_cost, self.site_yearly, self.limits.keep, self.limits.forbid, self.limits.ward_least, self.second,
            self.penalty,
        )  # fmt: skip
        for array in arrays:
            taken.update(np.ascontiguousarray(array).tobytes())
        return taken.hexdigest()[:16]

    def views(self, chosen: Ints) -> Ints:
        """From how many places each demand point is seen, existing cameras' included (n_demand,)."""
        sites = np.unique(self.site[chosen])
        at = np.searchsorted(sites, self.site[chosen])
        row = sparse.csr_matrix((np.ones(len(chosen), dtype=np.int64), (at, np.arange(len(chosen)))), shape=(len(sites), len(chosen)))
        by_site = (row @ self.covers[chosen]).tocsr()
        return self.already.astype(np.int64) + np.bincount(by_site.indices, minlength=len(self.weight))

    def seen(self, chosen: Ints) -> Flags:
        """Which demand is seen by existing cameras and these poses (n_demand,)."""
        flags: Flags = self.already > 0
        flags[self.covers[chosen].indices] = True
        return flags

    def value(self, chosen: Ints) -> float:
        """The objective: weight seen, and seen twice, by existing cameras and these poses, less the poses' privacy price."""
        first = float(self.weight[self.seen(chosen)].sum())
        if self.second.any():
            first += float(self.second[self.views(chosen) > 1].sum())
        return first - float(self.penalty[chosen].sum())

    def spent(self, chosen: Ints) -> tuple[int, int]:
        """Capital and yearly cost of these poses and their sites, each site once [INR, INR/year]."""
        sites = np.unique(self.site[chosen])
        return int(self.cost[chosen].sum() + self.site_cost[sites].sum()), int(self.yearly[chosen].sum() + self.site_yearly[sites].sum())

    def broken(self, chosen: Ints) -> list[str]:
        """The rules these poses break, as sentences with figures; empty where all hold."""
        limits, found = self.limits, []
        if len(np.unique(chosen)) != len(chosen):
            found.append("a pose is chosen twice")
        capital, yearly = self.spent(chosen)
        if capital > limits.budget:
            found.append(f"capital {capital} above the budget {limits.budget}")
        if limits.yearly is not None and yearly > limits.yearly:
            found.append(f"yearly cost {yearly} above {limits.yearly}")
        most = int(np.bincount(self.site[chosen]).max(initial=0)) if len(chosen) else 0
        if most > limits.per_site:
            found.append(f"{most} cameras at one site, {limits.per_site} allowed")
        missing = np.setdiff1d(np.nonzero(limits.keep)[0], chosen)
        if len(missing):
            found.append(f"{len(missing)} kept cameras are missing")
        if limits.forbid[chosen].any():
            found.append(f"{int(limits.forbid[chosen].sum())} forbidden cameras are chosen")
        short = self.ward_short(self.seen(chosen))
        if (short > 0).any():
            found.append(f"{int((short > 0).sum())} wards below their floor")
        return found

    def ward_short(self, seen: Flags) -> Floats:
        """How much weight each ward lacks to its least (n_wards,), 0 where it has enough; differences below a millionth of all weight are
        rounding.
        """
        inside = seen & (self.ward >= 0)
        got = np.bincount(self.ward[inside], weights=self.weight[inside], minlength=len(self.limits.ward_least))
        # A floor counts first views only.
        short = self.limits.ward_least - got
        return np.where(short > 1e-6 * max(self.total, 1e-300), short, 0.0)


def _faults(problem: Problem) -> list[Fault]:
    faults: list[Fault] = []
    n_poses, n_demand = problem.covers.shape
    n_sites, n_wards = len(problem.site_cost), len(problem.limits.ward_least)

    def require(holds: bool, what: str, value: object = "") -> None:
        if not holds:
            faults.append(Fault("problem.arrays", what, "Build the arrays again", str(value)))

    lengths = (
        ("weight", len(problem.weight), n_demand), ("already", len(problem.already), n_demand), ("ward", len(problem.ward), n_demand),
        ("cost", len(problem.cost), n_poses), ("yearly", len(problem.yearly), n_poses), ("site", len(problem.site), n_poses),
        ("site_yearly", len(problem.site_yearly), n_sites), ("second", len(problem.second), n_demand),
        ("penalty", len(problem.penalty), n_poses), ("keep", len(problem.limits.keep), n_poses),
        ("forbid", len(problem.limits.forbid), n_poses),
    )  # fmt: skip
    for name, length, wanted in lengths:
        require(length == wanted, f"{name} has {length} rows, {wanted} are needed")
    if faults:
        return faults
    require(bool(np.isfinite(problem.weight).all() and (problem.weight >= 0).all()), "a weight is negative or not finite")
    require(bool(np.isfinite(problem.second).all() and (problem.second >= 0).all()), "a second view's weight is negative or not finite")
    require(not (problem.second > problem.weight).any(), "a second view weighs more than the first")
    require(bool(np.isfinite(problem.penalty).all() and (problem.penalty >= 0).all()), "a privacy price is negative or not finite")
    require(not (problem.already < 0).any(), "a point is seen from fewer than no places")
    for name in ("cost", "yearly", "site_cost", "site_yearly"):
        values = getattr(problem, name)
        require(values.dtype.kind == "i" and not (values < 0).any(), f"{name} must be whole rupees, none negative", values.dtype)
    require(not n_poses or (problem.site.min() >= 0 and problem.site.max() < n_sites), "a pose names a site that is not there")
    require(bool((np.diff(problem.site) >= 0).all()), "poses are not sorted by site")
    require(not n_demand or (problem.ward.min() >= -1 and problem.ward.max() < n_wards), "a demand point names a ward that is not there")
    require(not (problem.limits.keep & problem.limits.forbid).any(), "a pose is both kept and forbidden")
    least = problem.limits.ward_least
    require(bool(np.isfinite(least).all() and (least >= 0).all()), "a ward's least covered weight is negative or not finite")
    require(
        problem.limits.budget >= 0 and (problem.limits.yearly or 0) >= 0 and problem.limits.per_site >= 1,
        "budgets and cameras a site must allow something",
    )
    return faults
