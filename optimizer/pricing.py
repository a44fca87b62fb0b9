"""What each site is worth at prices: the subproblems into which the Lagrangian falls, solved exactly by branch and bound.

    value of a set of poses of one site = sum of u over what the set sees - a cost - b yearly - penalty, the site's own cost included

Each point is counted once in a set, however many of its poses see it. A site's best is the highest value of at most `room` poses, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from optimizer.problem import Flags, Floats
from optimizer.reduce import Core
from planning.jit import jit, parallel_jit, prange

NODES = 4_000  # branch-and-bound nodes a site; beyond them its subproblem is bounded, not solved
CHUNKS = 32  # of sites, each worked by one core


@dataclass(frozen=True, eq=False)
class Prices:
    """The prices of one round: `share` (n_demand,) of u in the ward-weighted first view's weight [0-1]; per rupee; per rupee a year; of each ward's
    floor (n_wards,), in weight per weight.
    """

    share: Floats
    capital: float
    yearly: float
    ward: Floats

    def weight(self, core: Core) -> Floats:
        """First views' weights with the wards' prices on them (n_demand,)."""
        if not len(self.ward):
            return core.weight
        return core.weight + core.floor * np.where(core.ward >= 0, self.ward[np.maximum(core.ward, 0)], 0.0)

    def of_poses(self, core: Core) -> Floats:
        """Price of each pose, privacy included (n_poses,)."""
        return self.capital * core.cost + self.yearly * core.yearly + core.penalty

    def of_sites(self, core: Core) -> Floats:
        """Price of each site (n_sites,)."""
        return self.capital * core.site_cost + self.yearly * core.site_yearly

    def of_limits(self, core: Core) -> float:
        """What the budgets less the floors are worth at these prices."""
        limits = self.capital * core.budget + (self.yearly * core.yearly_left if np.isfinite(core.yearly_left) else 0.0)
        return limits - (float((self.ward * core.ward_least).sum()) if len(self.ward) else 0.0)


@jit
def _add(start: Any, items: Any, pose: int, times: int, mark: Any) -> None:
    """Mark what a pose sees once more, or once less."""
    for k in range(start[pose], start[pose + 1]):
        mark[items[k]] += times


@jit
def _hope(worth: Any, room: int, entry: float) -> float:
    """The `room` greatest positive worths less the entry: no set is worth more."""
    top = np.zeros(room)
    for p in range(len(worth)):
        value = worth[p]
        if value > top[room - 1]:
            j = room - 1
            while j > 0 and top[j - 1] < value:
                top[j] = top[j - 1]
                j -= 1
            top[j] = value
    return float(top.sum()) - entry


@jit
def _worths(a: int, b: int, price: Any, start: Any, items: Any, u: Any, state: Any, mark: Any) -> Any:
    """What each of the poses a..b-1 that is neither forced nor barred adds to what is marked: the prices of what it sees less its own."""
    worth = np.empty(b - a)
    for p in range(a, b):
        worth[p - a] = -price[p] if state[p] == 0 else -np.inf
        if state[p] == 0:
            for k in range(start[p], start[p + 1]):
                if mark[items[k]] == 0:
                    worth[p - a] += u[items[k]]
    return worth


@jit
def _dig(a: int, worth: Any, left: int, base: float, best: float, price: Any, start: Any, items: Any, u: Any, mark: Any, out: Any) -> Any:
    """Up to `left` more poses after what is marked, worth `base`: how many (in `out`), their value where it beats `best`, what was cut off unseen.

    Depth and best first; a branch ends where its value and the greatest worths left do not pass the best.
    """
    order = np.argsort(-worth)
    n = 0
    while n < len(worth) and worth[order[n]] > 0.0:
        n += 1
    chosen = np.empty(left, dtype=np.int64)
    place = np.zeros(left + 1, dtype=np.int64)
    gained = np.full(left + 1, base)
    depth, nodes, size, cut = 0, 0, -1, -np.inf
    while depth >= 0:
        at = place[depth]
        stop = depth == left or at >= n
        if not stop:
            bound = gained[depth]
            for j in range(at, min(at + left - depth, n)):
                bound += worth[order[j]]
            if bound <= best + 1e-9 * abs(best) or nodes >= NODES:
                # What is cut off may be better, if only by a rounding error: the bound says so.
                cut = max(cut, bound)
                stop = True
        if stop:
            depth -= 1
            if depth >= 0:
                _add(start, items, a + order[chosen[depth]], -1, mark)
            continue
        place[depth] = at + 1
        nodes += 1
        p = a + order[at]
        extra = -price[p]
        for k in range(start[p], start[p + 1]):
            if mark[items[k]] == 0:
                extra += u[items[k]]
        if extra <= 0.0:
            continue
        _add(start, items, p, 1, mark)
        chosen[depth] = at
        depth += 1
        gained[depth] = gained[depth - 1] + extra
        place[depth] = at + 1
        if gained[depth] > best:
            best, size = gained[depth], depth
            for j in range(depth):
                out[j] = a + order[chosen[j]]
    return size, best, cut


@jit
def price_site(
    s: int, first: Any, price: Any, entry: Any, room: Any, start: Any, items: Any, u: Any, state: Any, mark: Any, out: Any,
) -> Any:  # fmt: skip
    """The best set of a site with its forced (`state` 1) and without its barred (-1) poses: size (poses in `out`), value and hope.

    The value is exact unless NODES are used up, then a bound; 0 where nothing pays. No set is worth more than the hope. `mark` is 0 before and after.
    """
    a, b = first[s], first[s + 1]
    base, forced = -entry[s], 0
    for p in range(a, b):
        if state[p] == 1:
            base -= price[p]
            for k in range(start[p], start[p + 1]):
                if mark[items[k]] == 0:
                    base += u[items[k]]
                mark[items[k]] += 1
            out[forced] = p
            forced += 1
    worth = _worths(a, b, price, start, items, u, state, mark)
    left = room[s] - forced
    hope = base + (_hope(worth, left, 0.0) if left > 0 else 0.0)
    best, size, cut = (base if forced > 0 else 0.0), forced, -np.inf
    if left > 0 and hope > best:
        more, best, cut = _dig(a, worth, left, base, best, price, start, items, u, mark, out[forced:])
        size = forced + max(more, 0)
    for j in range(forced):
        _add(start, items, out[j], -1, mark)
    return size, max(best, cut), hope


@parallel_jit
def _all_sites(
    start: Any, items: Any, u: Any, price: Any, first: Any, room: Any, entry: Any, state: Any, awake: Any, best_set: Any, best_size: Any, values: Any,
    hopes: Any,
) -> None:  # fmt: skip
    for chunk in prange(CHUNKS):
        mark = np.zeros(len(u), dtype=np.int16)
        for s in range(chunk, len(first) - 1, CHUNKS):
            best_size[s] = 0
            if awake[s]:
                best_size[s], values[s], hopes[s] = price_site(s, first, price, entry, room, start, items, u, state, mark, best_set[s])


@jit
def _count_seen(start: Any, items: Any, first: Any, best_set: Any, best_size: Any, seen: Any, picks: Any) -> None:
    """How many sites' best sets see each point, each site once; and which poses were picked."""
    mark = np.full(len(seen), -1, dtype=np.int64)
    seen[:] = 0.0
    for s in range(len(first) - 1):
        for j in range(best_size[s]):
            p = best_set[s, j]
            picks[p] += 1
            for k in range(start[p], start[p + 1]):
                if mark[items[k]] != s:
                    mark[items[k]] = s
                    seen[items[k]] += 1.0


class Evaluation:
    """L at prices, the subgradient and what the sites picked; the arrays are used again from round to round.

    `seen` (n_demand,): how many sites' best sets see each point; `picks` (n_poses,): which poses are in them; `values`, `hopes` (n_sites,): each
    site's best, and what it cannot exceed.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.best_set = np.zeros((len(core.room), int(core.room.max(initial=1))), dtype=np.int64)
        self.best_size = np.zeros(len(core.room), dtype=np.int64)
        self.values, self.hopes = np.zeros(len(core.room)), np.zeros(len(core.room))
        self.seen, self._free = np.zeros(len(core.weight)), np.zeros(core.n_poses, dtype=np.int8)
        self.picks = np.zeros(core.n_poses, dtype=np.int64)
        self.capital = self.yearly = self.constant = 0.0

    def run(self, prices: Prices, awake: Flags | None = None) -> float:
        """L at these prices: a bound where all sites are awake; else only the awake ones are looked at, the others taken to pick nothing.

        `capital`, `yearly`: what the picks cost; `constant`: the bound less the capital budget's worth, so that at another budget b the bound is
        constant + price x b.
        """
        core = self.core
        weight = prices.weight(core)
        u = prices.share * weight
        looked = np.ones(len(core.room), dtype=bool) if awake is None else awake
        _all_sites(
            core.start, core.items, u, prices.of_poses(core), core.first, core.room, prices.of_sites(core), self._free, looked,
            self.best_set, self.best_size, self.values, self.hopes,
        )  # fmt: skip
        self.picks[:] = 0
        _count_seen(core.start, core.items, core.first, self.best_set, self.best_size, self.seen, self.picks)
        open_weight = float((weight - u).sum() + np.maximum(core.second - u, 0.0).sum())
        bound = core.base + open_weight + prices.of_limits(core) + float(self.values[looked].sum())
        self.constant = bound - prices.capital * core.budget
        picked, opened = self.picks > 0, self.best_size > 0
        self.capital = float(core.cost[picked].sum() + core.site_cost[opened].sum())
        self.yearly = float(core.yearly[picked].sum() + core.site_yearly[opened].sum())
        return bound
