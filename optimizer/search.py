"""Fast answers: a lazy greedy that opens a site for the best block of cameras it can carry.

A single camera that must pay for its pole looks dear; three that share it may be the best buy in town. So a site is judged by the prefix of its own
greedy choice with the most new weight per rupee, site cost included (the ratio greedy of Khuller, Moss and Naor 1999 over blocks). Coverage is
submodular, so a site's worth only falls while others are chosen, and a heap of last known worths needs few to be worked out again (Minoux 1978).
"""

from __future__ import annotations

import dataclasses
import heapq
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.problem import Flags, Floats, Ints
from optimizer.reduce import Core
from planning.jit import jit


@jit
def _own(s: int, start: Any, items: Any, first: Any, chosen: Any, mark: Any, stamp: int) -> None:
    """Mark what the site sees with the poses chosen there: another of its cameras wins nothing on it."""
    for p in range(first[s], first[s + 1]):
        if chosen[p]:
            for k in range(start[p], start[p + 1]):
                mark[items[k]] = stamp


@jit
def _gain(p: int, start: Any, items: Any, worth: Any, views: Any, mark: Any, stamp: int) -> float:
    """What the pose wins: `worth` (2, n_demand) of a first and a second view, of points the site does not see yet."""
    extra = 0.0
    for k in range(start[p], start[p + 1]):
        i = items[k]
        if mark[i] != stamp and views[i] < 2:
            extra += worth[views[i], i]
    return extra


@jit
def _block(
    s: int, start: Any, items: Any, worth: Any, penalty: Any, cost: Any, price: Any, first: Any, site_cost: Any, site_price: Any,
    yearly: Any, site_yearly: Any, allowed: Any, chosen: Any, views: Any, room: int, is_open: bool, left: float, left_yearly: float,
    mark: Any, stamp: int, out: Any,
) -> Any:  # fmt: skip
    """The site's best block: how many poses (in `out`), its weight and its worth per price; 0 poses where nothing is to be won or paid."""
    gain, paid = 0.0, 0.0 if is_open else site_price[s]
    capital, year = (0.0, 0.0) if is_open else (site_cost[s], site_yearly[s])
    best_n, best_gain, best_ratio = 0, 0.0, 0.0
    n = 0
    if is_open:
        _own(s, start, items, first, chosen, mark, stamp)
    while n < room:
        top, top_gain, top_ratio = -1, 0.0, 0.0
        for p in range(first[s], first[s + 1]):
            if chosen[p] or not allowed[p] or capital + cost[p] > left or year + yearly[p] > left_yearly:
                continue
            extra = _gain(p, start, items, worth, views, mark, stamp) - penalty[p]
            ratio = (gain + extra) / max(paid + price[p], 1e-12)
            if extra > 0.0 and (ratio > top_ratio or (ratio == top_ratio and extra > top_gain)):
                top, top_gain, top_ratio = p, extra, ratio
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
        if gain / max(paid, 1e-12) > best_ratio * (1 + 1e-12):
            best_n, best_gain, best_ratio = n, gain, gain / max(paid, 1e-12)
    return best_n, best_gain, best_ratio


@jit
def _cover(poses: Any, start: Any, items: Any, views: Any, floor: Any, ward: Any, lacking: Any, mark: Any, stamp: int) -> bool:
    """Count what poses of one site see beyond what bears the stamp; whether some ward's floor was reached with it."""
    reached = False
    for p in poses:
        for j in range(start[p], start[p + 1]):
            i = items[j]
            if mark[i] == stamp:
                continue
            mark[i] = stamp
            views[i] += 1
            if views[i] == 1 and ward[i] >= 0:
                reached = reached or (lacking[ward[i]] > 0 and lacking[ward[i]] <= floor[i])
                lacking[ward[i]] -= floor[i]
    return reached


@jit
def _greedy(
    start: Any, items: Any, worth: Any, penalty: Any, floor: Any, ward: Any, lacking: Any, floors: bool, cost: Any, yearly: Any, price: Any,
    first: Any,
    site_cost: Any, site_yearly: Any, site_price: Any, room: Any, allowed: Any, chosen: Any, views: Any, used: Any, left: float, left_yearly: float,
) -> Any:  # fmt: skip
    """Buy blocks by worth until nothing is affordable or, with `floors`, no ward lacks; changes chosen, views, used, lacking and worth in place."""
    n_sites = len(first) - 1
    mark = np.zeros(len(views), dtype=np.int64)
    most: Any = 1
    for s in range(n_sites):
        most = max(most, room[s])
    out = np.empty(most, dtype=np.int64)
    stamp = 0
    heap: Any = [(0.0, np.int64(-1))]
    heap.pop()
    for s in range(n_sites):
        stamp += 1
        n, _, ratio = _block(
            s, start, items, worth, penalty, cost, price, first, site_cost, site_price, yearly, site_yearly, allowed, chosen,
            views, room[s] - used[s], used[s] > 0, left, left_yearly, mark, stamp, out,
        )  # fmt: skip
        if n > 0:
            heap.append((-ratio, np.int64(s)))
    heapq.heapify(heap)
    while len(heap) > 0:
        _, s = heapq.heappop(heap)
        stamp += 1
        n, _, ratio = _block(
            s, start, items, worth, penalty, cost, price, first, site_cost, site_price, yearly, site_yearly, allowed, chosen,
            views, room[s] - used[s], used[s] > 0, left, left_yearly, mark, stamp, out,
        )  # fmt: skip
        if n == 0:
            continue
        if len(heap) > 0 and -ratio > heap[0][0]:
            heapq.heappush(heap, (-ratio, s))
            continue
        if used[s] == 0:
            left -= site_cost[s]
            left_yearly -= site_yearly[s]
        stamp += 1
        _own(s, start, items, first, chosen, mark, stamp)
        for k in range(n):
            chosen[out[k]] = True
            used[s] += 1
            left -= cost[out[k]]
            left_yearly -= yearly[out[k]]
        if _cover(out[:n], start, items, views, floor, ward, lacking, mark, stamp) and floors:
            for i in range(len(views)):
                if ward[i] >= 0 and lacking[ward[i]] <= 0:
                    worth[0, i] = 0.0
        if used[s] < room[s]:
            heapq.heappush(heap, (-ratio, s))
    return left, left_yearly


def one_price(core: Core, cost: Floats, yearly: Floats) -> Floats:
    """One price for two budgets: the capital share and, where it is limited, the yearly share of what is left."""
    price = cost / max(core.budget, 1.0)
    return price + (yearly / max(core.yearly_left, 1.0) if np.isfinite(core.yearly_left) else 0.0)


def greedy(core: Core, *, allowed: Flags | None = None, start_with: Ints | None = None, floors_only: bool = False) -> Ints:
    """Rows of the core's poses, floors served first, then weight per rupee; sorted.

    Parameters
    ----------
    allowed: which poses may be chosen (n_poses,); all where None.
    start_with: poses taken as chosen; they must fit the limits together.
    floors_only: stop where the floors are served.
    """
    chosen = np.zeros(core.n_poses, dtype=bool)
    begun = start_with if start_with is not None else np.empty(0, dtype=np.int64)
    chosen[begun] = True
    views = coverage(core, begun)
    used = np.bincount(core.site[begun], minlength=len(core.room)).astype(np.int64)
    lacking = core.ward_least - ward_weight(core, views > 0)
    left = core.budget - float(core.cost[begun].sum() + core.site_cost[used > 0].sum())
    left_yearly = core.yearly_left - float(core.yearly[begun].sum() + core.site_yearly[used > 0].sum())
    free = np.ones(core.n_poses, dtype=bool) if allowed is None else allowed
    price, site_price = one_price(core, core.cost, core.yearly), one_price(core, core.site_cost, core.site_yearly)
    nothing = np.zeros(core.n_poses)
    for floors in (True,) if floors_only else (True, False):
        if floors and not (lacking > 0).any():
            continue
        lacks = (core.ward >= 0) & (lacking[np.maximum(core.ward, 0)] > 0) if floors else None
        first = core.weight if lacks is None else np.where(lacks, core.floor, 0.0)
        worth = np.stack([first, np.zeros(len(first)) if floors else core.second])
        left, left_yearly = _greedy(
            core.start, core.items, worth, nothing if floors else core.penalty, core.floor, core.ward, lacking, floors, core.cost, core.yearly, price,
            core.first,
            core.site_cost, core.site_yearly, site_price, core.room, free, chosen, views, used, left, left_yearly,
        )  # fmt: skip
    return np.nonzero(chosen)[0]


@jit
def _coverage(start: Any, items: Any, chosen: Any, site: Any, n: int) -> Any:
    views = np.zeros(n, dtype=np.int32)
    mark = np.full(n, -1, dtype=np.int64)
    for p in chosen:
        for k in range(start[p], start[p + 1]):
            i = items[k]
            if mark[i] != site[p]:
                mark[i] = site[p]
                views[i] += 1
    return views


def coverage(core: Core, chosen: Ints) -> npt.NDArray[np.int32]:
    """From how many sites the chosen poses (sorted) see each point (n_demand,)."""
    views: npt.NDArray[np.int32] = _coverage(core.start, core.items, chosen, core.site, len(core.weight))
    return views


def ward_weight(core: Core, seen: Flags) -> Floats:
    """Covered weight of each ward (n_wards,)."""
    inside = seen & (core.ward >= 0)
    return np.bincount(core.ward[inside], weights=core.floor[inside], minlength=len(core.ward_least)).astype(float)


def value(core: Core, chosen: Ints) -> float:
    """What the plan is worth: what was fixed beforehand and these poses (sorted)."""
    views = coverage(core, chosen)
    return core.base + float(core.weight[views > 0].sum() + core.second[views > 1].sum() - core.penalty[chosen].sum())


def floors_hold(core: Core, chosen: Ints) -> bool:
    """Whether every ward has its least covered weight."""
    short = core.ward_least - ward_weight(core, coverage(core, chosen) > 0)
    return bool((short <= 1e-6 * core.total).all())


def spent(core: Core, chosen: Ints) -> tuple[float, float]:
    """Capital and yearly cost of these poses and their sites, each site once."""
    built = np.unique(core.site[chosen])
    return float(core.cost[chosen].sum() + core.site_cost[built].sum()), float(core.yearly[chosen].sum() + core.site_yearly[built].sum())


@jit
def _mates(r: int, start: Any, items: Any, site: Any, rows: Any, kept: Any, mark: Any, stamp: int) -> int:
    """Mark what the kept poses at the site of row r see, itself left out; how many they are. They lie side by side."""
    n = 0
    for way in (-1, 1):
        q = r + way
        while 0 <= q < len(rows) and site[rows[q]] == site[rows[r]]:
            if kept[q]:
                n += 1
                for j in range(start[rows[q]], start[rows[q] + 1]):
                    mark[items[j]] = stamp
            q += way
    return n


@jit
def _lost(p: int, start: Any, items: Any, worth: Any, views: Any, floor: Any, ward: Any, mark: Any, stamp: int, gone: Any, spare: Any) -> Any:
    """What is lost with a pose whose mates' views bear the stamp, and whether some ward's floor needs it. `gone` (n_wards,) is 0 before and after."""
    lost, needed = 0.0, False
    for k in range(start[p], start[p + 1]):
        i = items[k]
        if mark[i] != stamp and views[i] <= 2:
            lost += worth[views[i] - 1, i]
            if views[i] == 1 and ward[i] >= 0:
                gone[ward[i]] += floor[i]
                needed = needed or gone[ward[i]] > spare[ward[i]]
    for k in range(start[p], start[p + 1]):
        if ward[items[k]] >= 0:
            gone[ward[items[k]]] = 0.0
    return lost, needed


@jit
def _thin(
    start: Any, items: Any, worth: Any, penalty: Any, price: Any, site_price: Any, cost: Any, yearly: Any, site_cost: Any, site_yearly: Any,
    site: Any, rows: Any, views: Any, capital: float, year: float, budget: float, yearly_left: float, kept: Any, floor: Any, ward: Any, spare: Any,
) -> None:  # fmt: skip
    """Give up the pose that loses least per price saved until both budgets hold, none that a ward's floor needs (`spare`: weight above each)."""
    gone, mark, stamp = np.zeros(len(spare)), np.zeros(len(views), dtype=np.int64), 0
    while capital > budget or year > yearly_left:
        worst, least, last = -1, np.inf, False
        for r in range(len(rows)):
            if not kept[r]:
                continue
            p = rows[r]
            stamp += 1
            alone = _mates(r, start, items, site, rows, kept, mark, stamp) == 0
            lost, needed = _lost(p, start, items, worth, views, floor, ward, mark, stamp, gone, spare)
            saved = price[p] + (site_price[site[p]] if alone else 0.0)
            ratio = (lost - penalty[p]) / max(saved, 1e-12)
            if saved > 0 and ratio < least and not needed:
                worst, least, last = r, ratio, alone
        if worst < 0:
            break
        p = rows[worst]
        kept[worst] = False
        capital -= cost[p] + (site_cost[site[p]] if last else 0.0)
        year -= yearly[p] + (site_yearly[site[p]] if last else 0.0)
        stamp += 1
        _mates(worst, start, items, site, rows, kept, mark, stamp)
        for k in range(start[p], start[p + 1]):
            i = items[k]
            if mark[i] != stamp:
                views[i] -= 1
                if views[i] == 0 and ward[i] >= 0:
                    spare[ward[i]] -= floor[i]


def thin(core: Core, rows: Ints) -> Ints:
    """The plan (sorted) brought within both budgets by giving up what loses least for what it saves and no floor needs; where that is not enough the
    budgets stay broken.
    """
    capital, year = spent(core, rows)
    if capital <= core.budget and year <= core.yearly_left:
        return rows
    kept, views = np.ones(len(rows), dtype=bool), coverage(core, rows)
    # Where a floor is not held anyway, the budgets come first.
    spare = ward_weight(core, views > 0) - core.ward_least
    spare[spare < 0] = np.inf
    _thin(
        core.start, core.items, np.stack([core.weight, core.second]), core.penalty, one_price(core, core.cost, core.yearly),
        one_price(core, core.site_cost, core.site_yearly), core.cost, core.yearly, core.site_cost, core.site_yearly, core.site, rows,
        views, capital, year, core.budget, core.yearly_left, kept, core.floor, core.ward, spare,
    )  # fmt: skip
    return rows[kept]


def fit(core: Core, rows: Ints) -> Ints:
    """A plan (sorted) that came from prices made to fit the limits: floors served, budgets held, what is left over spent."""
    if not floors_hold(core, rows):
        rich = dataclasses.replace(core, budget=1e3 * core.budget + 1e3, yearly_left=1e3 * core.yearly_left + 1e3)
        rows = greedy(rich, start_with=rows, floors_only=True)
    rows = thin(core, rows)
    capital, year = spent(core, rows)
    return greedy(core, start_with=rows) if capital <= core.budget and year <= core.yearly_left else rows
