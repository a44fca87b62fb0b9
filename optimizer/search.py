"""Fast answers: a lazy greedy that opens a site for the best block of cameras it can carry.

A single camera that must pay for its pole looks dear; three that share it may be the best buy in town. So a site is judged by the prefix of its own
greedy choice with the most new weight per rupee, site cost included (the ratio greedy of Khuller, Moss and Naor 1999 over blocks). Coverage is
submodular, so a site's worth only falls while others are chosen, and a heap of last known worths needs few to be worked out again (Minoux 1978).
"""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.problem import Flags, Floats, Ints
from optimizer.reduce import Core
from planning.jit import jit


@jit
def _block(
    s: int, start: Any, items: Any, weight: Any, ward: Any, lacking: Any, floors: bool, cost: Any, price: Any, first: Any, site_cost: Any,
    site_price: Any,
    yearly: Any, site_yearly: Any, allowed: Any, chosen: Any, covered: Any, room: int, is_open: bool, left: float, left_yearly: float,
    mark: Any, stamp: int, out: Any,
) -> Any:  # fmt: skip
    """The site's best block: how many poses (in `out`), its weight and its worth per price; 0 poses where nothing is to be won or paid."""
    gain, paid = 0.0, 0.0 if is_open else site_price[s]
    capital, year = (0.0, 0.0) if is_open else (site_cost[s], site_yearly[s])
    best_n, best_gain, best_worth = 0, 0.0, 0.0
    n = 0
    while n < room:
        top, top_gain, top_worth = -1, 0.0, 0.0
        for p in range(first[s], first[s + 1]):
            if chosen[p] or not allowed[p] or capital + cost[p] > left or year + yearly[p] > left_yearly:
                continue
            extra = 0.0
            for k in range(start[p], start[p + 1]):
                i = items[k]
                if covered[i] == 0 and mark[i] != stamp and (not floors or (ward[i] >= 0 and lacking[ward[i]] > 0)):
                    extra += weight[i]
            worth = (gain + extra) / max(paid + price[p], 1e-12)
            if extra > 0.0 and (worth > top_worth or (worth == top_worth and extra > top_gain)):
                top, top_gain, top_worth = p, extra, worth
        if top < 0:
            break
        taken = False
        for k in range(n):
            taken = taken or out[k] == top
        if taken:
            break
        out[n] = top
        n += 1
        gain += top_gain
        paid += price[top]
        capital += cost[top]
        year += yearly[top]
        for k in range(start[top], start[top + 1]):
            mark[items[k]] = stamp
        if gain / max(paid, 1e-12) > best_worth * (1 + 1e-12):
            best_n, best_gain, best_worth = n, gain, gain / max(paid, 1e-12)
    return best_n, best_gain, best_worth


@jit
def _greedy(
    start: Any, items: Any, weight: Any, ward: Any, lacking: Any, floors: bool, cost: Any, yearly: Any, price: Any, first: Any, site_cost: Any,
    site_yearly: Any, site_price: Any, room: Any, allowed: Any, chosen: Any, covered: Any, used: Any, left: float, left_yearly: float,
) -> Any:  # fmt: skip
    """Buy blocks by worth until nothing is affordable or, with `floors`, no ward lacks; changes chosen, covered, used, lacking in place."""
    n_sites = len(first) - 1
    mark = np.zeros(len(weight), dtype=np.int64)
    most: Any = 1
    for s in range(n_sites):
        most = max(most, room[s])
    out = np.empty(most, dtype=np.int64)
    stamp = 0
    heap: Any = [(0.0, np.int64(-1))]
    heap.pop()
    for s in range(n_sites):
        stamp += 1
        n, _, worth = _block(
            s, start, items, weight, ward, lacking, floors, cost, price, first, site_cost, site_price, yearly, site_yearly, allowed, chosen,
            covered, room[s] - used[s], used[s] > 0, left, left_yearly, mark, stamp, out,
        )  # fmt: skip
        if n > 0:
            heap.append((-worth, np.int64(s)))
    heapq.heapify(heap)
    while len(heap) > 0:
        _, s = heapq.heappop(heap)
        stamp += 1
        n, _, worth = _block(
            s, start, items, weight, ward, lacking, floors, cost, price, first, site_cost, site_price, yearly, site_yearly, allowed, chosen,
            covered, room[s] - used[s], used[s] > 0, left, left_yearly, mark, stamp, out,
        )  # fmt: skip
        if n == 0:
            continue
        if len(heap) > 0 and -worth > heap[0][0]:
            heapq.heappush(heap, (-worth, s))
            continue
        if used[s] == 0:
            left -= site_cost[s]
            left_yearly -= site_yearly[s]
        for k in range(n):
            p = out[k]
            chosen[p] = True
            used[s] += 1
            left -= cost[p]
            left_yearly -= yearly[p]
            for j in range(start[p], start[p + 1]):
                i = items[j]
                if covered[i] == 0 and ward[i] >= 0:
                    lacking[ward[i]] -= weight[i]
                covered[i] += 1
        if used[s] < room[s]:
            heapq.heappush(heap, (-worth, s))
    return left, left_yearly


def one_price(core: Core, cost: Floats, yearly: Floats) -> Floats:
    """One price for two budgets: the capital share and, where it is limited, the yearly share of what is left."""
    price = cost / max(core.budget, 1.0)
    return price + (yearly / max(core.yearly_left, 1.0) if np.isfinite(core.yearly_left) else 0.0)


def greedy(core: Core, *, allowed: Flags | None = None, start_with: Ints | None = None) -> Ints:
    """Rows of the core's poses, floors served first, then weight per rupee; sorted.

    Parameters
    ----------
    allowed: which poses may be chosen (n_poses,); all where None.
    start_with: poses taken as chosen; they must fit the limits together.
    """
    chosen = np.zeros(core.n_poses, dtype=bool)
    covered: npt.NDArray[np.int32] = np.zeros(len(core.weight), dtype=np.int32)
    site = np.repeat(np.arange(len(core.room)), np.diff(core.first))
    used = np.zeros(len(core.room), dtype=np.int64)
    lacking = core.ward_least.copy()
    left, left_yearly = core.budget, core.yearly_left
    if start_with is not None and len(start_with):
        chosen[start_with] = True
        covered[:] = _coverage(core.start, core.items, start_with, len(core.weight))
        used[:] = np.bincount(site[start_with], minlength=len(used))
        lacking -= ward_weight(core, covered > 0)
        left -= core.cost[start_with].sum() + core.site_cost[used > 0].sum()
        left_yearly -= core.yearly[start_with].sum() + core.site_yearly[used > 0].sum()
    free = np.ones(core.n_poses, dtype=bool) if allowed is None else allowed
    price, site_price = one_price(core, core.cost, core.yearly), one_price(core, core.site_cost, core.site_yearly)
    for floors in (True, False):
        if floors and not (lacking > 0).any():
            continue
        left, left_yearly = _greedy(
            core.start, core.items, core.weight, core.ward, lacking, floors, core.cost, core.yearly, price, core.first, core.site_cost,
            core.site_yearly,
            site_price, core.room, free, chosen, covered, used, left, left_yearly,
        )  # fmt: skip
    return np.nonzero(chosen)[0]


@jit
def _coverage(start: Any, items: Any, chosen: Any, n: int) -> Any:
    covered = np.zeros(n, dtype=np.int32)
    for p in chosen:
        for k in range(start[p], start[p + 1]):
            covered[items[k]] += 1
    return covered


def coverage(core: Core, chosen: Ints) -> npt.NDArray[np.int32]:
    """How many of the chosen poses see each point (n_demand,)."""
    covered: npt.NDArray[np.int32] = _coverage(core.start, core.items, chosen, len(core.weight))
    return covered


def ward_weight(core: Core, seen: Flags) -> Floats:
    """Covered weight of each ward (n_wards,)."""
    inside = seen & (core.ward >= 0)
    return np.bincount(core.ward[inside], weights=core.weight[inside], minlength=len(core.ward_least)).astype(float)


def value(core: Core, chosen: Ints) -> float:
    """Weight covered by what was fixed beforehand and these poses."""
    return core.base + float(core.weight[coverage(core, chosen) > 0].sum())


def floors_hold(core: Core, chosen: Ints) -> bool:
    """Whether every ward has its least covered weight."""
    short = core.ward_least - ward_weight(core, coverage(core, chosen) > 0)
    return bool((short <= 1e-6 * (core.base + core.weight.sum())).all())
