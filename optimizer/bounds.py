"""An upper bound that certifies a plan: the Lagrangian dual of the coverage rows, with each site's subproblem solved exactly.

    relaxed: demand i counts only where some site sees it      price u[i] in [0, w[i]]
             the two budgets                                   prices a, b per rupee
             the wards' least covered weight                   prices m[ward]: w[i] is then weight[i] (1 + m)

    L(u, a, b, m) = sum (w[i] - u[i]) + a budget + b yearly - sum m least + sum over sites of the best of nothing and
                    max over sets of at most `room` poses of  sum of u over what the set sees - a cost - b yearly, site cost included

Every L bounds every plan from above, whatever the prices. A set's demand is counted once, which is what makes the bound tight: three poses of a pole
cannot each claim the same street. The best set is found by branch and bound over the site's poses in order of worth. The coverage prices move along
the subgradient by Adam's step (Kingma and Ba 2015: momentum over the root of the mean square, so that heavy and light, calm and restless prices each
get a step of their own) with a length that falls to nothing; measured, it comes to the same bound as Polyak's step in half the rounds. The budgets'
prices follow, slowly, how far spending lies from the budget.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimizer.problem import Floats, Ints
from optimizer.reduce import Core
from planning.jit import jit, parallel_jit, prange

NODES = 4_000  # branch-and-bound nodes a site; beyond them its subproblem is bounded, not solved


@dataclass(frozen=True, eq=False)
class Dual:
    """The best bound found, and what it says of the poses.

    `bound` is in weight, what was fixed beforehand included. `picks` (n_poses,): how often each pose was in its site's best set near the best prices.
    `rounds` of prices were tried.
    """

    bound: float
    picks: Ints
    rounds: int


@jit
def _worths(start: Any, items: Any, u: Any, price: Any, a: int, b: int) -> Any:
    """What each of the poses a..b-1 is worth alone: the prices of what it sees less its own."""
    worth = np.empty(b - a)
    for p in range(a, b):
        total = -price[p]
        for k in range(start[p], start[p + 1]):
            total += u[items[k]]
        worth[p - a] = total
    return worth


@jit
def _add(start: Any, items: Any, pose: int, times: int, mark: Any) -> None:
    """Mark what a pose sees once more, or once less."""
    for k in range(start[pose], start[pose + 1]):
        mark[items[k]] += times


@jit
def _best_set(  # noqa: C901  # one loop, kept whole for the compiler
    s: int, start: Any, items: Any, u: Any, price: Any, first: Any, room: int, entry: float, mark: Any, best_set: Any, best_size: Any,
) -> float:  # fmt: skip
    """The most worth of at most `room` poses at a site less `entry`, exactly unless NODES are used up; 0 where nothing pays. Depth and best first."""
    a, b = first[s], first[s + 1]
    worth = _worths(start, items, u, price, a, b)
    order = np.argsort(-worth)
    n = 0
    hope = -entry
    while n < b - a and worth[order[n]] > 0.0:
        if n < room:
            hope += worth[order[n]]
        n += 1
    best_size[s] = 0
    if hope <= 0.0:
        return 0.0
    best, open_bound = 0.0, 0.0
    chosen = np.empty(room, dtype=np.int64)
    place = np.zeros(room + 1, dtype=np.int64)
    gained = np.zeros(room + 1)
    gained[0] = -entry
    depth, nodes = 0, 0
    while depth >= 0:
        at = place[depth]
        stop = depth == room or at >= n
        if not stop:
            bound = gained[depth]
            for j in range(at, min(at + room - depth, n)):
                bound += worth[order[j]]
            if bound <= best * (1 + 1e-9) or nodes >= NODES:
                # What is cut off may be better, if only by a rounding error: the bound says so.
                open_bound = max(open_bound, bound)
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
        gained[depth + 1] = gained[depth] + extra
        place[depth + 1] = at + 1
        depth += 1
        if gained[depth] > best:
            best = gained[depth]
            best_size[s] = depth
            for j in range(depth):
                best_set[s, j] = a + order[chosen[j]]
    return max(best, open_bound)


@parallel_jit
def _all_sites(start: Any, items: Any, u: Any, price: Any, first: Any, room: Any, entry: Any, best_set: Any, best_size: Any, values: Any) -> None:
    for chunk in prange(16):
        mark = np.zeros(len(u), dtype=np.int16)
        for s in range(chunk, len(first) - 1, 16):
            values[s] = _best_set(s, start, items, u, price, first, room[s], entry[s], mark, best_set, best_size)


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


@dataclass
class _Prices:
    """The prices of one round; `share` is u over the ward-weighted weight."""

    share: Floats
    capital: float
    yearly: float
    ward: Floats


class _Round:
    """One evaluation of L: the bound, the subgradient and what the sites picked."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.best_set = np.zeros((len(core.room), int(core.room.max(initial=1))), dtype=np.int64)
        self.best_size = np.zeros(len(core.room), dtype=np.int64)
        self.values = np.zeros(len(core.room))
        self.seen = np.zeros(len(core.weight))
        self.picks = np.zeros(core.n_poses, dtype=np.int64)

    def weight(self, prices: _Prices) -> Floats:
        """Weights with the wards' prices on them."""
        core = self.core
        if not len(prices.ward):
            return core.weight
        return core.weight * (1.0 + np.where(core.ward >= 0, prices.ward[np.maximum(core.ward, 0)], 0.0))

    def evaluate(self, prices: _Prices) -> tuple[float, float, float]:
        """L at these prices, and the capital and yearly cost of what the sites picked."""
        core = self.core
        weight = self.weight(prices)
        u = prices.share * weight
        price = prices.capital * core.cost + prices.yearly * core.yearly
        entry = prices.capital * core.site_cost + prices.yearly * core.site_yearly
        _all_sites(core.start, core.items, u, price, core.first, core.room, entry, self.best_set, self.best_size, self.values)
        self.picks[:] = 0
        _count_seen(core.start, core.items, core.first, self.best_set, self.best_size, self.seen, self.picks)
        bound = core.base + float((weight - u).sum()) + prices.capital * core.budget + float(self.values.sum())
        if np.isfinite(core.yearly_left):
            bound += prices.yearly * core.yearly_left
        if len(prices.ward):
            bound -= float((prices.ward * core.ward_least).sum())
        picked, opened = self.picks > 0, self.best_size > 0
        capital = float(core.cost[picked].sum() + core.site_cost[opened].sum())
        return bound, capital, float(core.yearly[picked].sum() + core.site_yearly[opened].sum())


def lagrangian(
    core: Core, incumbent: float, *, started: Ints, time_limit_s: float, gap: float, rounds: int = 400,
    look: Callable[[Dual, Ints], float] | None = None, stopped: Callable[[], bool] = lambda: False,
) -> Dual:  # fmt: skip
    """Lower the bound until it is within `gap` of the incumbent, time is up, or the rounds are done.

    Parameters
    ----------
    incumbent: the weight of the best plan known; says where the budgets' prices begin and when to stop.
    started: how many poses of that plan see each point (n_demand,): where the coverage prices begin.
    gap: relative gap at which to stop.
    rounds: over these the step falls to nothing; where time is shorter it falls with the time.
    look: called every 50 rounds with the best bound so far and the poses picked since; returns the incumbent's weight, which may have grown.
    """
    began = time.monotonic()
    current, step = _Round(core), _Step(core, incumbent)
    prices = _Prices(np.where(started > 0, 0.5, 1.0), step.first_capital, step.first_yearly, np.zeros(len(core.ward_least)))
    best = core.base + float(core.weight.sum())
    picks, lately = np.zeros(core.n_poses, dtype=np.int64), np.zeros(core.n_poses, dtype=np.int64)
    done = 0.0
    while done < 1.0 and not stopped():
        bound, capital, yearly = current.evaluate(prices)
        step.count += 1
        best = min(best, bound)
        lately += current.picks
        done = max(step.count / rounds, (time.monotonic() - began) / max(time_limit_s, 1e-9))
        if step.count % 50 == 0:
            # Early prices are far off: what they picked counts less and less.
            picks = picks // 2 + lately
            if look is not None:
                incumbent = look(Dual(best, picks, step.count), lately)
            lately = np.zeros(core.n_poses, dtype=np.int64)
        if best - incumbent <= gap * incumbent:
            break
        prices = step.move(prices, current.seen, capital, yearly, min(done, 1.0))
    return Dual(best, picks + lately, step.count)


class _Step:
    """Moves the prices; keeps the running means it needs."""

    LENGTH, MOMENTUM, MEMORY = 0.05, 0.8, 0.99

    def __init__(self, core: Core, incumbent: float) -> None:
        self.core, self.count = core, 0
        self.mean, self.square = np.zeros(len(core.weight)), np.zeros(len(core.weight))
        won = max(incumbent - core.base, 1e-6 * float(core.weight.sum()))
        # Half of what a rupee buys in the known plan, since the last rupee buys less than the first; shared where two budgets bind.
        yearly_too = np.isfinite(core.yearly_left)
        self.first_capital = (0.25 if yearly_too else 0.5) * won / max(core.budget, 1.0)
        self.first_yearly = 0.25 * won / max(core.yearly_left, 1.0) if yearly_too else 0.0
        self.capital, self.yearly = core.budget, core.yearly_left if yearly_too else 0.0

    def move(self, prices: _Prices, seen: Floats, capital: float, yearly: float, done: float) -> _Prices:
        """The next prices after a round whose sites saw and spent this; `done` [0-1] of the way."""
        slope = seen - 1.0
        self.mean = self.MOMENTUM * self.mean + (1 - self.MOMENTUM) * slope
        self.square = self.MEMORY * self.square + (1 - self.MEMORY) * slope * slope
        level = np.sqrt(self.square / (1 - self.MEMORY**self.count)) + 1e-3
        share = np.clip(prices.share - self.LENGTH * (1 - done) ** 1.5 * self.mean / (1 - self.MOMENTUM**self.count) / level, 0.0, 1.0)
        self.capital += 0.1 * (capital - self.capital)
        self.yearly += 0.1 * (yearly - self.yearly)
        turn = 0.05 * (1 - 0.9 * done)
        # Never quite nothing: a price of 0 could not rise again once its limit binds.
        new_capital = max(prices.capital * _turn(self.capital, self.core.budget, turn), 1e-5 * self.first_capital)
        new_yearly = 0.0
        if np.isfinite(self.core.yearly_left):
            new_yearly = max(prices.yearly * _turn(self.yearly, self.core.yearly_left, turn), 1e-5 * self.first_yearly)
        return _Prices(share, new_capital, new_yearly, self._ward(prices.ward, seen, turn))

    def _ward(self, ward: Floats, seen: Floats, turn: float) -> Floats:
        """Up where a ward lacks, down in proportion where it has more than its floor."""
        core = self.core
        if not (core.ward_least > 0).any():
            return ward
        inside = core.ward >= 0
        got = np.bincount(core.ward[inside], weights=(core.weight * np.minimum(seen, 1.0))[inside], minlength=len(ward))
        lack = np.clip((core.ward_least - got) / np.maximum(core.ward_least, 1e-9), -1.0, 1.0)
        moved = ward + 2 * turn * lack * np.where(lack < 0, ward + 0.01, 1.0)
        return np.where(core.ward_least > 0, np.clip(moved, 0.0, 50.0), 0.0)


def _turn(spent: float, budget: float, turn: float) -> float:
    """A factor on a price per rupee: up where spending passes the budget, down where it falls short."""
    return float(np.clip((max(spent, 0.01 * budget, 1.0) / max(budget, 1.0)) ** turn, 0.8, 1.25))
