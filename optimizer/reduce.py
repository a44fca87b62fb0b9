"""Exact reductions: the same best plan from fewer rows.

- kept poses are taken as chosen: what they see is covered, what they cost is spent;
- demand whose views are all had already falls out, and one that was seen once waits for its second view only;
- demand seen by the same poses of the same ward is one point with the summed weights;
- a pose falls out where another of its site sees all it sees and costs no more, this year or any other, nor more privacy;
- where sites cost nothing, hold all their poses and no second view counts, each pose is a site of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from optimizer.problem import Flags, Floats, Ints, Problem
from planning.jit import jit, parallel_jit, prange


@dataclass(frozen=True, eq=False)
class Core:
    """A reduced problem; rows of poses sorted by site.

    `start`, `items`: demand of each pose (csr); `weight`, `second` (n_demand,): worth of its first and second view from a site; `floor` (n_demand,):
    what of it counts for its ward's floor; `ward` (n_demand,), -1 for none; `cost`, `yearly`, `penalty` (n_poses,) and `site_cost`, `site_yearly`
    (n_sites,) as floats; `first` (n_sites + 1,): a site's poses; `room` (n_sites,): cameras it still takes; `budget`, `yearly_left`: what is
    left after the kept poses; `ward_least` (n_wards,): what is left to be covered. `pose` (n_poses,): row in the full problem; `fixed` rows chosen
    beforehand; `base` what they are worth with the existing cameras; `total` all weight of the full problem; `point` (n_full_demand,): which merged
    point each demand became, -1 where nothing is left to win or no pose sees it.
    """

    start: Ints
    items: npt.NDArray[np.int32]
    weight: Floats
    second: Floats
    floor: Floats
    ward: Ints
    cost: Floats
    yearly: Floats
    penalty: Floats
    first: Ints
    site_cost: Floats
    site_yearly: Floats
    room: Ints
    budget: float
    yearly_left: float
    ward_least: Floats
    pose: Ints
    fixed: Ints
    base: float
    total: float
    point: Ints

    @property
    def n_poses(self) -> int:
        """Number of poses left."""
        return len(self.pose)

    @cached_property
    def site(self) -> Ints:
        """The site of each pose (n_poses,)."""
        return np.repeat(np.arange(len(self.room)), np.diff(self.first))

    def part(self, poses: Ints) -> tuple[Ints, Ints]:
        """What these poses see, as csr rows of their own."""
        lengths = np.diff(self.start)[poses]
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return start, self.items[np.repeat(self.start[poses] - start[:-1], lengths) + np.arange(start[-1])]

    @cached_property
    def all_weight(self) -> float:
        """All there is to win."""
        return float(self.weight.sum() + self.second.sum())


@parallel_jit
def _dominated(start: Any, items: Any, first: Any, cost: Any, yearly: Any, penalty: Any, gone: Any) -> None:
    """Mark poses whose demand another pose of the site sees too, at no more cost. Sets are bit rows over what the site sees."""
    for s in prange(len(first) - 1):
        a, b = first[s], first[s + 1]
        if b - a == 0:
            continue
        local = np.unique(items[start[a] : start[b]])
        words = len(local) // 64 + 1
        bits = np.zeros((b - a, words), dtype=np.uint64)
        for p in range(a, b):
            for k in range(start[p], start[p + 1]):
                at = np.searchsorted(local, items[k])
                bits[p - a, at // 64] |= np.uint64(1) << np.uint64(at % 64)
        for q in range(b - a):
            if start[a + q + 1] == start[a + q]:
                gone[a + q] = True
                continue
            for p in range(b - a):
                if p == q or gone[a + p] or cost[a + p] > cost[a + q] or yearly[a + p] > yearly[a + q] or penalty[a + p] > penalty[a + q]:
                    continue
                within = True
                for w in range(words):
                    if bits[q, w] & ~bits[p, w]:
                        within = False
                        break
                if within:
                    gone[a + q] = True
                    break


@jit
def column_hashes(start: Any, items: Any, key: Any, n_demand: int) -> Any:
    """Two independent sums of random keys over the poses that see each point: equal sets, equal sums."""
    out = np.zeros((n_demand, 2), dtype=np.uint64)
    for p in range(len(start) - 1):
        for k in range(start[p], start[p + 1]):
            out[items[k], 0] += key[p, 0]
            out[items[k], 1] += key[p, 1]
    return out


def reduce(problem: Problem) -> Core:
    """The core of a problem; every plan of one is a plan of the other, of equal value and cost."""
    fixed = np.nonzero(problem.limits.keep)[0]
    spent, spent_yearly = problem.spent(fixed)
    open_sites = np.unique(problem.site[fixed])
    site_cost, site_yearly = problem.site_cost.astype(float), problem.site_yearly.astype(float)
    site_cost[open_sites] = site_yearly[open_sites] = 0.0
    room = problem.limits.per_site - np.bincount(problem.site[fixed], minlength=len(site_cost))
    budget = float(problem.limits.budget - spent)
    yearly_left = float(problem.limits.yearly - spent_yearly) if problem.limits.yearly is not None else np.inf
    alone = problem.cost + site_cost[problem.site]
    alone_yearly = problem.yearly + site_yearly[problem.site]
    usable = ~problem.limits.forbid & ~problem.limits.keep & (alone <= budget) & (alone_yearly <= yearly_left) & (room[problem.site] > 0)
    pose = np.nonzero(usable)[0]
    weights = _left_to_win(problem, fixed)
    matrix = _drop_entries(problem.covers[pose], weights[0] <= 0, _seen_from(problem, fixed, pose))
    pose, matrix = _drop_dominated(problem, pose, matrix, len(site_cost))
    matrix, weights, ward, point = _merge(matrix, problem, weights)
    site = problem.site[pose]
    used, counts = np.unique(site, return_counts=True)
    if not problem.second.any():
        free = (site_cost[used] == 0) & (site_yearly[used] == 0) & (room[used] >= counts)
        used, counts = np.repeat(used, np.where(free, counts, 1)), np.repeat(np.where(free, 1, counts), np.where(free, counts, 1))
    got = problem.seen(fixed) & (problem.ward >= 0)
    had = np.bincount(problem.ward[got], weights=problem.weight[got], minlength=len(problem.limits.ward_least))
    return Core(
        start=matrix.indptr.astype(np.int64), items=matrix.indices.astype(np.int32), weight=weights[0], second=weights[1], floor=weights[2],
        ward=ward,
        cost=problem.cost[pose].astype(float), yearly=problem.yearly[pose].astype(float), penalty=problem.penalty[pose],
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        site_cost=site_cost[used], site_yearly=site_yearly[used], room=np.minimum(room[used], counts).astype(np.int64), budget=budget,
        yearly_left=yearly_left,
        ward_least=np.maximum(problem.limits.ward_least - had, 0.0), pose=pose, fixed=fixed, base=problem.value(fixed),
        total=problem.total, point=point,
    )  # fmt: skip


def _left_to_win(problem: Problem, fixed: Ints) -> Floats:
    """What the next view of each demand point is worth, the one after it, and what of it counts for a floor (3, n_demand)."""
    views = problem.views(fixed)
    nothing = np.zeros(len(views))
    first = np.select([views == 0, views == 1], [problem.weight, problem.second], nothing)
    return np.stack([first, np.where(views == 0, problem.second, nothing), np.where(views == 0, problem.weight, nothing)])


def _seen_from(problem: Problem, fixed: Ints, pose: Ints) -> Flags:
    """Which entries of these poses' rows a kept pose of the same site sees too: from there nothing is to be won (nnz,)."""
    matrix = problem.covers[pose]
    if not len(fixed):
        return np.zeros(matrix.nnz, dtype=bool)
    own = problem.covers[fixed].tocoo()
    n_demand = matrix.shape[1]
    seen = np.unique(problem.site[fixed][own.row] * n_demand + own.col)
    entries = np.repeat(problem.site[pose], np.diff(matrix.indptr)) * n_demand + matrix.indices
    return np.isin(entries, seen)


def _drop_entries(matrix: sparse.csr_matrix, columns: Flags, entries: Flags | None = None) -> sparse.csr_matrix:
    """The matrix without the entries of these columns and without these entries, its shape unchanged."""
    keep = ~columns[matrix.indices]
    if entries is not None:
        keep &= ~entries
    running = np.concatenate([[0], np.cumsum(keep)])
    return sparse.csr_matrix((np.ones(int(keep.sum()), dtype=bool), matrix.indices[keep], running[matrix.indptr]), shape=matrix.shape)


def _drop_dominated(problem: Problem, pose: Ints, matrix: sparse.csr_matrix, n_sites: int) -> tuple[Ints, sparse.csr_matrix]:
    first = np.concatenate([[0], np.cumsum(np.bincount(problem.site[pose], minlength=n_sites))]).astype(np.int64)
    gone = np.zeros(len(pose), dtype=bool)
    _dominated(matrix.indptr.astype(np.int64), matrix.indices, first, problem.cost[pose], problem.yearly[pose], problem.penalty[pose], gone)
    return pose[~gone], matrix[~gone]


def _merge(matrix: sparse.csr_matrix, problem: Problem, weights: Floats) -> tuple[sparse.csr_matrix, Floats, Ints, Ints]:
    """Demand seen by the same poses and in the same ward becomes one point; what no pose sees falls out."""
    n_demand = matrix.shape[1]
    key = np.random.default_rng(20_26).integers(1, 2**63, size=(matrix.shape[0], 2), dtype=np.uint64)
    hashes = column_hashes(matrix.indptr.astype(np.int64), matrix.indices, key, n_demand)
    seen = np.nonzero(np.bincount(matrix.indices, minlength=n_demand) > 0)[0]
    representative, group = groups(hashes[seen], problem.ward[seen])
    point = np.full(n_demand, -1, dtype=np.int64)
    point[seen] = group
    summed = np.stack([np.bincount(group, weights=row[seen], minlength=len(representative)) for row in weights]).astype(np.float64)
    dropped = np.ones(n_demand, dtype=bool)
    dropped[seen[representative]] = False
    kept = _drop_entries(matrix, dropped)
    merged = sparse.csr_matrix((kept.data, point[kept.indices], kept.indptr), shape=(matrix.shape[0], len(representative)))
    merged.sort_indices()
    return merged, summed, problem.ward[seen[representative]], point


def groups(hashes: Any, ward: Ints) -> tuple[Ints, Ints]:
    """Equal rows of two hashes and a ward: the first row of each group, and each row's group."""
    if not len(ward):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    order = np.lexsort((np.arange(len(ward)), ward, hashes[:, 1], hashes[:, 0]))
    sorted_hashes, sorted_ward = hashes[order], ward[order]
    new = np.concatenate([[True], (np.diff(sorted_hashes, axis=0) != 0).any(axis=1) | (np.diff(sorted_ward) != 0)])
    group = np.empty(len(ward), dtype=np.int64)
    group[order] = np.cumsum(new) - 1
    return order[new], group
