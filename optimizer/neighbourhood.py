"""A plan improved patch by patch under prices: the cameras of a part of town chosen anew to the end, the rest as it stands.

Cost counts at the prices of the dual, so patches share no budget, money moves to where it buys most, and each patch is a small problem of its own for
optimizer.branch. A patch grows over sites that see the same demand. Patches that share nothing are planned side by side, always two, so that the plan
does not depend on how many cores there are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from optimizer import search
from optimizer.branch import Found, choose, part_of
from optimizer.pricing import Prices
from optimizer.problem import Flags, Floats, Ints
from optimizer.reduce import Core
from planning.jit import jit

NEAR = 0.5  # sites that lack more than this share of a usual camera's price are in no patch of their own
SIDE_BY_SIDE = 2
NODES = 200  # of a patch; where they do not do, the best found so far is as good a step as any
FIRST, SMALLEST, LARGEST = 60, 40, 150  # sites of a patch
JOINED = (500, 1_500)  # sites of a patch where only two plans' cameras are chosen from
HURRIED = (60, 90, 150)  # sites of a patch, where only likely poses are chosen from
EARNEST = (0.0, 0.5, 1.0, 1.5)
REBUILT = 4  # sweeps after half a plan was taken down
LITTLE = 1e-4  # a sweep that gains less than this share is the last


@dataclass(frozen=True, eq=False)
class Ground:
    """The sites worth planning at these prices, and which see the same demand.

    `sites` (n,): rows of the core; `near`: csr (n, n), the weight two of them can both see, `reach` (n,): each of
    them at all; `unit`: what a usual camera costs, in weight.
    """

    core: Core
    prices: Prices
    sites: Ints
    near: sparse.csr_matrix
    reach: Floats
    unit: float


def sees(core: Core) -> sparse.csr_matrix:
    """Which demand each site can see with any of its poses (n_sites, n_demand), float32 ones."""
    covers = sparse.csr_matrix((np.ones(len(core.items), dtype=np.float32), core.items, core.start), shape=(core.n_poses, len(core.weight)))
    at = sparse.csr_matrix((np.ones(core.n_poses, dtype=np.float32), np.arange(core.n_poses), core.first), shape=(len(core.room), core.n_poses))
    out = (at @ covers).tocsr()
    out.data[:] = 1.0
    return out


def prepare(core: Core, prices: Prices, hopes: Floats, plan: Ints) -> Ground:
    """The ground at these prices.

    Parameters
    ----------
    hopes: what each site cannot exceed at these prices (n_sites,), of `pricing.Evaluation`.
    plan: rows of the core whose sites are in it anyway.
    """
    capital, yearly = search.spent(core, plan)
    unit = (prices.capital * capital + prices.yearly * yearly) / max(len(plan), 1)
    good = hopes > -NEAR * unit
    good[core.site[plan]] = True
    sites = np.nonzero(good)[0]
    seen = sees(core)[sites]
    near = (seen.multiply(core.weight[None, :].astype(np.float32)).tocsr() @ seen.T).tocsr()
    return Ground(core, prices, sites, near, np.maximum(near.diagonal().astype(np.float64), 1e-12), unit)


@jit
def _grow(start: Any, other: Any, share: Any, reach: Any, seed: int, size: int, closed: Any, pull: Any, inside: Any) -> None:
    """Mark the patch in `inside` and `closed`; `pull` is 0 before and after."""
    touched = np.empty(len(pull), dtype=np.int64)
    touched[0], n = seed, 1
    pull[seed] = 1.0
    for _ in range(size):
        here, most = -1, 0.0
        for t in range(n):
            k = touched[t]
            if not closed[k] and pull[k] > most:
                here, most = k, pull[k]
        if here < 0:
            break
        inside[here] = closed[here] = True
        for j in range(start[here], start[here + 1]):
            k = other[j]
            if pull[k] == 0.0 and n < len(touched):
                touched[n] = k
                n += 1
            pull[k] += share[j] / reach[k]
    for t in range(n):
        pull[touched[t]] = 0.0


def grow(ground: Ground, seed: int, size: int, taken: Flags) -> Flags:
    """A patch about a site of the ground (n,): those that share most with it first, until they are `size`; `taken` ones are left out."""
    near = ground.near
    inside: npt.NDArray[np.bool_] = np.zeros(len(ground.sites), dtype=bool)
    _grow(near.indptr, near.indices, near.data, ground.reach, seed, size, taken.copy(), np.zeros(len(inside)), inside)
    return inside


def patches(ground: Ground, size: int, rng: np.random.Generator) -> Iterator[Flags]:
    """Patches that together hold every site of the ground once, in an order of chance."""
    taken: npt.NDArray[np.bool_] = np.zeros(len(ground.sites), dtype=bool)
    for seed in rng.permutation(len(taken)):
        if not taken[seed]:
            inside = grow(ground, int(seed), size, taken)
            taken |= inside
            yield inside


def _apart(ground: Ground, given: list[Flags]) -> Iterator[list[Flags]]:
    """The patches in pairs that share no demand, as far as there are such."""
    waiting = list(given)
    while waiting:
        pair = [waiting.pop(0)]
        touched = pair[0] | (np.asarray(ground.near @ pair[0].astype(np.float32)) > 0)
        for k, other in enumerate(waiting):
            if len(pair) < SIDE_BY_SIDE and not (touched & other).any():
                pair.append(waiting.pop(k))
                break
        yield pair


@jit
def _count(start: Any, items: Any, site: Any, rows: Any, step: int, full: Any, twice: Any, views: Any, first: Any, second: Any, mark: Any) -> None:
    """Add poses (step 1) or take them away (-1), all of any site together: views, and what the next view and the one after it are worth."""
    for r in range(len(rows)):
        p = rows[r]
        for k in range(start[p], start[p + 1]):
            i = items[k]
            if mark[i] == site[p]:
                continue
            mark[i] = site[p]
            views[i] += step
            first[i] = full[i] if views[i] == 0 else (twice[i] if views[i] == 1 else 0.0)
            second[i] = twice[i] if views[i] == 0 else 0.0
    for r in range(len(rows)):
        for k in range(start[rows[r]], start[rows[r] + 1]):
            mark[items[k]] = -1


class Standing:
    """A plan as it stands, at prices: `first`, `second` (n_demand,): what one more view of each point would be worth, and one more after it."""

    def __init__(self, ground: Ground, plan: Ints) -> None:
        core, self.ground = ground.core, ground
        self.full, self.price, self.entry = ground.prices.weight(core), ground.prices.of_poses(core), ground.prices.of_sites(core)
        self.views, self.mark = np.zeros(len(core.weight), dtype=np.int64), np.full(len(core.weight), -1, dtype=np.int64)
        self.first, self.second = self.full.copy(), core.second.copy()
        self.count(plan, 1)

    def count(self, rows: Ints, step: int) -> None:
        """Poses (sorted; of a site all or none) put up, or taken down with step -1."""
        core = self.ground.core
        _count(core.start, core.items, core.site, rows, step, self.full, core.second, self.views, self.first, self.second, self.mark)

    def replan(self, inside: Flags, within: Ints, *, nodes: int = NODES, allowed: Flags | None = None) -> Found:
        """What the sites inside (n,) are best given, their cameras `within` (sorted) taken down, all others as they stand. They are left down."""
        core, prices = self.ground.core, self.ground.prices
        self.count(within, -1)
        part = part_of(core, self.ground.sites[inside], self.first, self.second, self.price, self.entry, allowed=allowed)
        begin = np.nonzero(np.isin(part.pose, within))[0]
        now = self.first[part.point]
        start = np.minimum(prices.share[part.point] * self.full[part.point], now) / np.maximum(now, 1e-300) * part.weight
        return choose(part, start, begin=begin, nodes=nodes, tolerance=0.02 * self.ground.unit)


def sweep(
    ground: Ground, plan: Ints, size: int, rng: np.random.Generator, *, allowed: Flags | None = None, go_on: Callable[[], bool] = lambda: True
) -> tuple[Ints, float]:
    """Every site of the ground planned anew once, patch by patch; the plan (sorted), and the share of patches not planned to the end.

    Where there are floors, their prices are taken more or less in earnest by lot, and a patch is kept only where the plan lacks no more for the
    floors than before and is worth no less without those prices: a price pays for weight beyond the floor too, which nobody asked for.
    """
    open_ended = done = 0
    floors = bool((ground.core.ward_least > 0).any())
    plain = _scaled(ground, 0.0)
    stands = _standing(plain, plan) if floors else (0.0, 0.0)
    standing = Standing(_scaled(ground, float(rng.choice(EARNEST))) if floors else ground, plan)
    site, at = ground.core.site, np.full(len(ground.core.room), -1, dtype=np.int64)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for pair in _apart(ground, list(patches(ground, size, rng))):
            if not go_on():
                break
            for k, inside in enumerate(pair):
                at[ground.sites[inside]] = k
            rows = [plan[at[site[plan]] == k] for k in range(len(pair))]
            answers = pool.map(lambda job: standing.replan(*job, allowed=allowed), zip(pair, rows, strict=True))
            for within, found in zip(rows, answers, strict=True):
                open_ended += found.bound > found.value + 0.03 * ground.unit
                done += 1
                other = np.sort(np.concatenate([np.setdiff1d(plan, within, assume_unique=True), found.chosen]))
                would = _standing(plain, other) if floors else stands
                keep = would[0] < stands[0] or (would[0] == stands[0] and would[1] >= stands[1])
                standing.count(found.chosen if keep else within, 1)
                plan, stands = (other, would) if keep else (plan, stands)
            for inside in pair:
                at[ground.sites[inside]] = -1
    return plan, open_ended / max(done, 1)


def _scaled(ground: Ground, factor: float) -> Ground:
    """The ground with the floors' prices so much in earnest."""
    return dataclasses.replace(ground, prices=dataclasses.replace(ground.prices, ward=factor * ground.prices.ward))


def _standing(ground: Ground, plan: Ints) -> tuple[float, float]:
    """What a plan lacks for the floors, and what it is worth at the ground's prices."""
    core = ground.core
    short = core.ward_least - search.ward_weight(core, search.coverage(core, plan) > 0)
    return float(short[short > 1e-6 * core.total].sum()), worth(ground, plan)


def next_size(size: int, open_ended: float) -> int:
    """Larger patches while nearly all are planned to the end, smaller ones where many are not."""
    factor = 1.25 if open_ended < 0.06 else 0.8 if open_ended > 0.15 else 1.0
    return int(np.clip(round(size * factor), SMALLEST, LARGEST))


def worth(ground: Ground, plan: Ints) -> float:
    """What a plan (sorted) is worth less what it costs, at the ground's prices."""
    core, prices = ground.core, ground.prices
    views = search.coverage(core, plan)
    seen = float(prices.weight(core)[views > 0].sum() + core.second[views > 1].sum() - core.penalty[plan].sum())
    capital, yearly = search.spent(core, plan)
    return seen - prices.capital * capital - prices.yearly * yearly


def steer(ground: Ground, plan: Ints) -> Ground:
    """The ground at prices a little nearer to where the plan under them holds the budgets: rupees dearer where it passes one, cheaper where it leaves
    all of them slack.
    """
    core, prices = ground.core, ground.prices
    capital, yearly = search.spent(core, plan)
    used = max(capital / max(core.budget, 1.0), yearly / max(core.yearly_left, 1.0))
    factor = float(np.clip(max(used, 0.01) ** 0.3, 0.98, 1.02)) if abs(used - 1.0) > 0.004 else 1.0
    return dataclasses.replace(ground, prices=dataclasses.replace(prices, capital=prices.capital * factor, yearly=prices.yearly * factor))


def settle(
    ground: Ground, plan: Ints, rng: np.random.Generator, *, sweeps: int = 12, go_on: Callable[[], bool] = lambda: True,
    each: Callable[[Ints], Ints] = lambda rows: rows,
) -> tuple[Ground, Ints]:  # fmt: skip
    """Sweeps until one gains next to nothing, the prices steered between them; `each` plan is told. The ground at the last prices, and the plan."""
    size = FIRST
    for _ in range(sweeps):
        before = worth(_scaled(ground, 0.0), plan)
        plan, open_ended = sweep(ground, plan, size, rng, go_on=go_on)
        size, gained = next_size(size, open_ended), worth(_scaled(ground, 0.0), each(plan)) - before
        ground = steer(ground, plan)
        if gained < LITTLE * abs(before) or not go_on():
            break
    return ground, plan


def hurry(
    ground: Ground, plan: Ints, rng: np.random.Generator, allowed: Flags, *, go_on: Callable[[], bool] = lambda: True,
    each: Callable[[Ints], Ints] = lambda rows: rows,
) -> Ints:  # fmt: skip
    """A few sweeps with these poses only (n_poses,), in growing patches; `each` plan is told."""
    for size in HURRIED:
        plan = each(sweep(ground, plan, size, rng, allowed=allowed, go_on=go_on)[0])
    return plan


def rebuild(ground: Ground, plan: Ints, rng: np.random.Generator, *, go_on: Callable[[], bool] = lambda: True) -> Ints:
    """Another good plan: half of this one's cameras, drawn by lot, are taken down and the town settled again."""
    plan = plan[rng.random(len(plan)) < 0.5]
    for _ in range(REBUILT):
        plan, _ = sweep(ground, plan, FIRST, rng, go_on=go_on)
    return plan


def join(ground: Ground, plan: Ints, other: Ints, rng: np.random.Generator, *, go_on: Callable[[], bool] = lambda: True) -> Ints:
    """The best of two plans' cameras, in ever larger patches since there are few to choose from; never worth less than the first."""
    allowed: npt.NDArray[np.bool_] = np.zeros(ground.core.n_poses, dtype=bool)
    allowed[plan] = allowed[other] = True
    for size in JOINED:
        plan, _ = sweep(ground, plan, size, rng, allowed=allowed, go_on=go_on)
    plan, _ = sweep(ground, plan, FIRST, rng, go_on=go_on)
    return plan
