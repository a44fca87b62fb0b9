"""Sets of poses of one site, as rows: what a plan is made of where each site is taken whole.

A plan takes at most one set a site. Over the sets whose value at good prices lies near their site's best, few thousands in a whole city, an integer
program is small and strong: the prices have already said what no good plan holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from optimizer.problem import Floats, Ints
from optimizer.reduce import Core
from planning.jit import jit


@dataclass(frozen=True, eq=False)
class Sets:
    """Sets of poses, sorted by site.

    `poses` (n, room): rows of the core, -1 where a set has fewer; `site` (n,); `cost`, `yearly` (n,) with the site's own, `penalty` (n,); `start`,
    `items`: what each set sees (csr).
    """

    poses: Ints
    site: Ints
    cost: Floats
    yearly: Floats
    penalty: Floats
    start: Ints
    items: Ints

    def __len__(self) -> int:
        return len(self.site)

    def rows(self, chosen: Ints) -> Ints:
        """The poses of these sets, sorted."""
        flat = self.poses[chosen].ravel()
        return np.sort(flat[flat >= 0])


@jit
def _union(start: Any, items: Any, poses: Any, n_demand: int, out: Any, lengths: Any) -> None:
    """What each set sees, each point once; `out` has room for every entry."""
    mark = np.full(n_demand, -1, dtype=np.int64)
    at = 0
    for b in range(len(poses)):
        begin = at
        for j in range(poses.shape[1]):
            p = poses[b, j]
            if p < 0:
                break
            for k in range(start[p], start[p + 1]):
                if mark[items[k]] != b:
                    mark[items[k]] = b
                    out[at] = items[k]
                    at += 1
        lengths[b] = at - begin


def sets_of(core: Core, poses: Ints) -> Sets:
    """The sets with these poses (n, room), -1 for none; each of one site, sorted within; equal sets once."""
    # Sorted within a set, with the empty places last.
    ordered = np.sort(np.where(poses < 0, np.iinfo(np.int64).max, poses), axis=1)
    ordered = np.unique(ordered, axis=0) if len(ordered) else ordered
    poses = np.where(ordered == np.iinfo(np.int64).max, -1, ordered)
    # Rows of the core are sorted by site, and so are sets by their first.
    there = poses >= 0
    row = np.maximum(poses, 0)
    site = core.site[row[:, 0]] if len(poses) else np.empty(0, dtype=np.int64)
    sizes = np.diff(core.start)[row] * there
    out, lengths = np.empty(int(sizes.sum()), dtype=np.int64), np.zeros(len(poses), dtype=np.int64)
    _union(core.start, core.items, poses, len(core.weight), out, lengths)
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Sets(
        poses, site, (core.cost[row] * there).sum(axis=1) + core.site_cost[site], (core.yearly[row] * there).sum(axis=1) + core.site_yearly[site],
        (core.penalty[row] * there).sum(axis=1), start, out[: start[-1]],
    )  # fmt: skip


def of_plan(core: Core, rows: Ints) -> Ints:
    """A plan's poses (sorted) as one set a site (n_sites_built, room), -1 for none."""
    sites, first, counts = np.unique(core.site[rows], return_index=True, return_counts=True)
    out = np.full((len(sites), int(core.room.max(initial=1))), -1, dtype=np.int64)
    out[np.repeat(np.arange(len(sites)), counts), np.arange(len(rows)) - np.repeat(first, counts)] = rows
    return out


def find(sets: Sets, poses: Ints) -> Ints:
    """The rows of these sets of poses (n, room), which must all be there."""
    rows = {row.tobytes(): k for k, row in enumerate(np.sort(sets.poses, axis=1))}
    return np.array([rows[row.tobytes()] for row in np.sort(poses, axis=1)], dtype=np.int64)
