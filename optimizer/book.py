"""The sets of poses listed so far in a part of town, in arrays for compiled code: picking, pricing and polishing among them.

The tuples hold arrays only, so that compiled code takes them whole; what a field means stands beside it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planning.jit import jit

LISTED, SEEN = 30_000, 30  # sets listed at most, and points a set sees on average where there is just room for all


class Town(NamedTuple):
    """The part: poses by site, what they see and cost, what points are worth."""

    first: Any  # (n_sites + 1,) each site's poses
    price: Any  # (n_poses,)
    entry: Any  # (n_sites,)
    room: Any  # (n_sites,)
    start: Any  # (n_poses + 1,) csr of what a pose sees
    items: Any
    weight: Any  # (n_points,) of a first view
    second: Any  # (n_points,) of a second view
    site: Any  # (n_poses,)


class Book(NamedTuple):
    """The listed sets, chained by site."""

    count: Any  # (3,) sets, entries, last stamp
    poses: Any  # (most, room)
    size: Any  # (most,)
    own: Any  # (most,) minus its price and entry
    at: Any  # (most + 1,) csr of what a set sees
    seen: Any
    chain: Any  # (most,) the next set of its site, -1 at the end
    head: Any  # (n_sites,) the last listed set of each site, -1 for none
    bad: Any  # (most,) how many decisions of the branch rule it out
    often: Any  # (most,) how often it was picked lately
    stamp: Any  # (n_points,) the set that saw it last, while one is listed


class Picks(NamedTuple):
    """What a round of prices leaves."""

    slope: Any  # (n_points,) of L
    pick: Any  # (n_sites,) set picked, -1 for none
    best: Any  # (n_sites,) its value
    live: Any  # (n_sites,) the sites with sets, the first `n_live` of it
    must: Any  # (n_sites,) poses forced
    views: Any  # (n_points,) of the plan being polished
    tried: Any  # (n_sites,) the plan being polished
    plan: Any  # (n_sites,) the best plan


def new_book(town: Town, nodes: int) -> Book:
    """An empty one, with room for what so many nodes are likely to list: memory that is touched anew each time costs more than the search."""
    n_sites, widest = len(town.room), int(town.room.max(initial=1))
    n = min(LISTED, 500 + 10 * n_sites + 20 * nodes)
    integers = [np.zeros(length, dtype=np.int64) for length in (3, n, n + 1, n, len(town.weight))]
    return Book(
        integers[0], np.empty((n, widest), dtype=np.int64), integers[1], np.empty(n), integers[2], np.empty(SEEN * n, dtype=np.int64),
        np.full(n, -1, dtype=np.int64), np.full(n_sites, -1, dtype=np.int64), integers[3], np.zeros(n), integers[4],
    )  # fmt: skip


def new_picks(town: Town) -> Picks:
    """Nothing picked."""
    n_sites, n = len(town.room), len(town.weight)
    nothing = [np.full(n_sites, -1, dtype=np.int64) for _ in range(3)]
    return Picks(
        np.empty(n), nothing[0], np.zeros(n_sites), np.empty(n_sites, dtype=np.int64), np.zeros(n_sites, dtype=np.int64), np.zeros(n, dtype=np.int64),
        nothing[1], nothing[2],
    )  # fmt: skip


@jit
def enter(book: Any, town: Any, s: int, out: Any, size: int) -> int:
    """List a set: its number, or -1 where there is no room or it is listed already."""
    k = book.head[s]
    while k >= 0:
        same = 0
        for i in range(size if book.size[k] == size else 0):
            for j in range(size):
                same += book.poses[k, i] == out[j]
        if same == size:
            return -1
        k = book.chain[k]
    n, length = book.count[0], book.count[1]
    if n >= len(book.size):
        return -1
    book.count[2] += 1
    total = -town.entry[s]
    for j in range(size):
        p = out[j]
        total -= town.price[p]
        book.poses[n, j] = p
        for e in range(town.start[p], town.start[p + 1]):
            i = town.items[e]
            if book.stamp[i] != book.count[2]:
                book.stamp[i] = book.count[2]
                if length >= len(book.seen):
                    return -1
                book.seen[length] = i
                length += 1
    book.size[n], book.own[n], book.at[n + 1] = size, total, length
    book.chain[n], book.head[s] = book.head[s], n
    book.bad[n], book.often[n] = 0, 0.0
    book.count[0], book.count[1] = n + 1, length
    return int(n)


@jit
def _adds(book: Any, town: Any, k: int, views: Any) -> float:
    """What a set adds where each point has so many views."""
    value = book.own[k]
    for j in range(book.at[k], book.at[k + 1]):
        i = book.seen[j]
        if views[i] == 0:
            value += town.weight[i]
        elif views[i] == 1:
            value += town.second[i]
    return float(value)


@jit
def _see(book: Any, k: int, step: int, views: Any) -> None:
    if k >= 0:
        for j in range(book.at[k], book.at[k + 1]):
            views[book.seen[j]] += step


@jit
def polish(book: Any, town: Any, plan: Any, views: Any) -> float:
    """From a choice of listed sets, drop, add and exchange them site by site while that wins; returns its worth."""
    views[:] = 0
    for s in range(len(plan)):
        _see(book, plan[s], 1, views)
    for _ in range(5):
        changed = False
        for s in range(len(plan)):
            old = plan[s]
            if book.head[s] < 0:
                continue
            _see(book, old, -1, views)
            top, most = -1, 0.0
            if old >= 0:
                most = max(_adds(book, town, old, views), 0.0)
                top = old if most > 0.0 else -1
            k = book.head[s]
            while k >= 0:
                if k != old:
                    value = _adds(book, town, k, views)
                    if value > most + 1e-12 * abs(most):
                        top, most = k, value
                k = book.chain[k]
            plan[s] = top
            changed = changed or top != old
            _see(book, top, 1, views)
        if not changed:
            break
    total = 0.0
    for s in range(len(plan)):
        if plan[s] >= 0:
            total += book.own[plan[s]]
    for i in range(len(views)):
        total += (town.weight[i] if views[i] > 0 else 0.0) + (town.second[i] if views[i] > 1 else 0.0)
    return total


@jit
def look(book: Any, town: Any, u: Any, picks: Any, n_live: int) -> float:
    """L over the listed sets at u: each live site's pick and best; `slope` becomes how many picks see each point."""
    total = 0.0
    for i in range(len(u)):
        picks.slope[i] = 0.0
        total += town.weight[i] - u[i] + max(town.second[i] - u[i], 0.0)
    for t in range(n_live):
        s = picks.live[t]
        top, best = -1, (-1e300 if picks.must[s] > 0 else 0.0)
        k = book.head[s]
        while k >= 0:
            if book.bad[k] == 0:
                value = book.own[k]
                for j in range(book.at[k], book.at[k + 1]):
                    value += u[book.seen[j]]
                if value > best:
                    top, best = k, value
            k = book.chain[k]
        picks.pick[s], picks.best[s] = top, best
        total += best
        _see(book, top, 1, picks.slope)
    return total


@jit
def move(town: Any, u: Any, slope: Any, stride: float, over: float) -> bool:
    """A step of the prices down the slope, as long as would close what L lies over the plan; whether there was a slope."""
    square = 0.0
    for i in range(len(u)):
        steep = slope[i] - 1.0 - (1.0 if town.second[i] > u[i] else 0.0)
        if (u[i] <= 0.0 and steep > 0) or (u[i] >= town.weight[i] and steep < 0):
            steep = 0.0
        slope[i] = steep
        square += steep * steep
    if square > 0.0:
        for i in range(len(u)):
            u[i] = min(max(u[i] - stride * over / square * slope[i], 0.0), town.weight[i])
    return bool(square > 0.0)


@jit
def count_picks(book: Any, picks: Any, n_live: int) -> None:
    """The picks of this round into how often each set was picked lately."""
    for t in range(n_live):
        s = picks.live[t]
        k = book.head[s]
        while k >= 0:
            book.often[k] = 0.9 * book.often[k] + (0.1 if k == picks.pick[s] else 0.0)
            k = book.chain[k]


@jit
def decide(book: Any, picks: Any, state: Any, p: int, s: int, take: bool, step: int) -> None:
    """Force or bar a pose (step 1), or undo it (step -1): which of its site's sets may not be picked."""
    k = book.head[s]
    while k >= 0:
        has = False
        for j in range(book.size[k]):
            has = has or book.poses[k, j] == p
        if has != take:
            book.bad[k] += step
        k = book.chain[k]
    state[p] = 0 if step < 0 else (1 if take else -1)
    if take:
        picks.must[s] += step
