"""Exact reductions: the same best plan from fewer rows.

- kept poses are taken as chosen: what they see is covered, what they cost is spent;
- demand that is covered already falls out; demand seen by the same poses of the same ward is one point with the summed weight;
- a pose falls out where another of its site sees all it sees and costs no more, this year or any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from optimizer.problem import Flags, Floats, Ints, Problem
from planning.jit import jit, parallel_jit, prange


@dataclass(frozen=True, eq=False)
class Core:
    """A reduced problem; rows of poses sorted by site.

    `start`, `items`: demand of each pose (csr); `weight` (n_demand,); `ward` (n_demand,), -1 for none; `cost`, `yearly` (n_poses,) and `site_cost`,
    `site_yearly` (n_sites,) as floats; `first` (n_sites + 1,): a site's poses; `room` (n_sites,): cameras it still takes; `budget`, `yearly_left`:
    what is left after the kept poses; `ward_least` (n_wards,): what is left to be covered. `pose` (n_poses,): row in the full problem; `fixed` rows
    chosen beforehand; `base` weight covered beforehand; `point` (n_full_demand,): which merged point each demand became, -1 where covered or never
    seen.
    """

    start: Ints
    items: npt.NDArray[np.int32]
    weight: Floats
    ward: Ints
    cost: Floats
    yearly: Floats
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
    point: Ints

    @property
    def n_poses(self) -> int:
        """Number of poses left."""
        return len(self.pose)


@parallel_jit
def _dominated(start: Any, items: Any, first: Any, cost: Any, yearly: Any, gone: Any) -> None:
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
                if p == q or gone[a + p] or cost[a + p] > cost[a + q] or yearly[a + p] > yearly[a + q]:
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
def _column_hashes(start: Any, items: Any, key: Any, n_demand: int) -> Any:
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
    covered = problem.seen(fixed)
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
    matrix = _drop_columns(problem.covers[pose], covered | (problem.weight <= 0))
    pose, matrix = _drop_dominated(problem, pose, matrix, len(site_cost))
    matrix, weight, ward, point = _merge(matrix, problem)
    counts = np.bincount(problem.site[pose], minlength=len(site_cost))
    used = np.nonzero(counts)[0]
    got = covered & (problem.ward >= 0)
    already = np.bincount(problem.ward[got], weights=problem.weight[got], minlength=len(problem.limits.ward_least))
    return Core(
        start=matrix.indptr.astype(np.int64), items=matrix.indices.astype(np.int32), weight=weight, ward=ward,
        cost=problem.cost[pose].astype(float), yearly=problem.yearly[pose].astype(float),
        first=np.concatenate([[0], np.cumsum(counts[used])]).astype(np.int64),
        site_cost=site_cost[used], site_yearly=site_yearly[used], room=np.minimum(room[used], counts[used]).astype(np.int64), budget=budget,
        yearly_left=yearly_left,
        ward_least=np.maximum(problem.limits.ward_least - already, 0.0), pose=pose, fixed=fixed, base=float(problem.weight[covered].sum()),
        point=point,
    )  # fmt: skip


def _drop_columns(matrix: sparse.csr_matrix, dropped: Flags) -> sparse.csr_matrix:
    """The matrix without the entries of these columns, its shape unchanged."""
    keep = ~dropped[matrix.indices]
    running = np.concatenate([[0], np.cumsum(keep)])
    return sparse.csr_matrix((np.ones(int(keep.sum()), dtype=bool), matrix.indices[keep], running[matrix.indptr]), shape=matrix.shape)


def _drop_dominated(problem: Problem, pose: Ints, matrix: sparse.csr_matrix, n_sites: int) -> tuple[Ints, sparse.csr_matrix]:
    first = np.concatenate([[0], np.cumsum(np.bincount(problem.site[pose], minlength=n_sites))]).astype(np.int64)
    gone = np.zeros(len(pose), dtype=bool)
    _dominated(matrix.indptr.astype(np.int64), matrix.indices, first, problem.cost[pose], problem.yearly[pose], gone)
    return pose[~gone], matrix[~gone]


def _merge(matrix: sparse.csr_matrix, problem: Problem) -> tuple[sparse.csr_matrix, Floats, Ints, Ints]:
    """Demand seen by the same poses and in the same ward becomes one point; what no pose sees falls out."""
    n_demand = matrix.shape[1]
    key = np.random.default_rng(20_26).integers(1, 2**63, size=(matrix.shape[0], 2), dtype=np.uint64)
    hashes = _column_hashes(matrix.indptr.astype(np.int64), matrix.indices, key, n_demand)
    seen = np.nonzero(np.bincount(matrix.indices, minlength=n_demand) > 0)[0]
    rows = np.column_stack([hashes[seen], problem.ward[seen].astype(np.uint64)])
    _, representative, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    point = np.full(n_demand, -1, dtype=np.int64)
    point[seen] = group
    weight = np.bincount(group, weights=problem.weight[seen], minlength=len(representative)).astype(np.float64)
    kept = _drop_columns(matrix, ~np.isin(np.arange(n_demand), seen[representative]))
    merged = sparse.csr_matrix((kept.data, point[kept.indices], kept.indptr), shape=(matrix.shape[0], len(representative)))
    merged.sort_indices()
    return merged, weight, problem.ward[seen[representative]], point
