"""Local search with row weights for the cheapest covering of all or of part (RWLS: Gao, Weise and Li 2015), where poses share their site's cost.

One pose of the plan goes: the one whose loss weighs least for what it saves. While coverage lacks, points left unseen are drawn at random and served
by the pose that serves most weight for its cost, as long as the plan stays cheaper than the best. Points that stay unseen grow heavier, so that what
is hard to see is served first in the end. What was just added may not go at once; what went comes back only once something near it has changed; ties
go to the oldest. The original covers all and counts columns. Here costs count, a site's own included, a whole site may go at once, and a site that is
full makes room. Where part is wanted, points begin as heavy as their weight, of a few drawn the one is served that is served best, and only it grows;
after a spell without a cheaper plan the search goes back to the best and forgets growth, without which it was measured to stall.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.problem import Ints
from optimizer.reduce import Core
from optimizer.search import spent
from optimizer.setcover import seers_of
from planning.jit import jit

EXCHANGE = 2_000  # elementary steps an exchange counts at least
DRAWN = 8  # points drawn where part is wanted
GROWTH = 0.05  # of its weight, by which such a point grows
SPELL = 20_000_000  # elementary steps after which, without a cheaper plan, it is gone back to the best and growth is forgotten


@jit
def _flip(p: int, adds: bool, now: int, ground: Any, state: Any) -> None:
    """Add a pose to the plan or take it out, and mend every score: what a pose outside would newly serve, what one inside alone serves.

    `ground`: start, items, seen_start, seers; weight and ward of points. `state`: site, cost, site_cost; how many poses of the plan see each point;
    how heavy it is; of poses their score, whether free to come, when last touched; of points the unseen, of poses the plan, as lists: (2, n + 1),
    members first in [0], their number in [0, n], where each stands in [1] or -1; of sites how many poses they carry; what the plan costs now, and the
    best; what the plan lacks in all, where there is no ward, and ward by ward, and then the same at the start.
    """
    start, items, seen_start, seers, weight, ward = ground
    site, cost, site_cost, count, heavy, score, free, stamp, unseen, plan, used, paid, lacks = state
    stamp[p], score[p], free[p] = now, 0.0, adds
    step = 1 if adds else -1
    _list(plan, p, adds)
    s = site[p]
    paid[0] += step * (cost[p] + (site_cost[s] if used[s] == (0 if adds else 1) else 0.0))
    used[s] += step
    for k in range(start[p], start[p + 1]):
        i = items[k]
        count[i] += step
        others = count[i] - (1 if adds else 0)
        if others == 0:
            score[p] += heavy[i]
            lacks[0] -= step * weight[i]
            lacks[1 + ward[i]] -= step * weight[i]
            for m in range(seen_start[i], seen_start[i + 1]):
                q = seers[m]
                if q != p:
                    score[q] -= step * heavy[i]
                    free[q] = True
            _list(unseen, i, not adds)
        elif others == 1:
            for m in range(seen_start[i], seen_start[i + 1]):
                q = seers[m]
                if q != p and plan[1, q] >= 0:
                    score[q] -= step * heavy[i]
                    break


@jit
def _list(members: Any, who: int, joins: bool) -> None:
    """Put one on a list, or take it off and let the last fill its place."""
    n = members.shape[1] - 1
    if joins:
        members[0, members[0, n]] = who
        members[1, who] = members[0, n]
        members[0, n] += 1
    else:
        members[0, n] -= 1
        last = members[0, members[0, n]]
        members[0, members[1, who]] = last
        members[1, last] = members[1, who]
        members[1, who] = -1


@jit
def _to_go(state: Any, tabu: int, by_site: Any) -> Any:
    """The pose whose loss weighs least for what it saves, -1 for none, and whether its whole site is to go. A site's loss is its poses' summed."""
    site, cost, site_cost, _, _, score, _, stamp, _, plan, used, _, _ = state
    n = plan[0, plan.shape[1] - 1]
    for k in range(n):
        by_site[site[plan[0, k]], 0] = 0.0
        by_site[site[plan[0, k]], 1] = site_cost[site[plan[0, k]]]
    for k in range(n):
        by_site[site[plan[0, k]], 0] += score[plan[0, k]]
        by_site[site[plan[0, k]], 1] += cost[plan[0, k]]
    best, whole, least = -1, False, np.inf
    for k in range(n):
        p = plan[0, k]
        if p == tabu and n > 1:
            continue
        s = site[p]
        loss = score[p] / max(cost[p] + (site_cost[s] if used[s] == 1 else 0.0), 1e-9)
        if best < 0 or loss < least or (loss == least and stamp[p] < stamp[best]):
            best, whole, least = p, False, loss
        if used[s] > 1 and site_cost[s] > 0.0 and by_site[s, 0] / by_site[s, 1] < least:
            best, whole, least = p, True, by_site[s, 0] / by_site[s, 1]
    return best, whole


@jit
def _to_come(i: int, room: Any, ground: Any, state: Any) -> int:
    """The pose that serves point i and most weight for its cost: of those that leave the plan cheaper than the best and are free to come at sites
    with room; else of those not free; else of those at full sites; else of all.

    While no covering is known, cost counts nothing.
    """
    _, _, seen_start, seers, _, _ = ground
    site, cost, site_cost, _, _, score, free, stamp, _, _, used, paid, _ = state
    best, best_rank, most = -1, -1, 0.0
    for k in range(seen_start[i], seen_start[i + 1]):
        p = seers[k]
        s = site[p]
        price = cost[p] + (site_cost[s] if used[s] == 0 else 0.0)
        rank = 0 if paid[0] + price >= paid[1] else 1 if used[s] >= room[s] else 3 if free[p] else 2
        worth = score[p] / (max(price, 1e-9) if paid[1] < np.inf else 1.0)
        if rank > best_rank or (rank == best_rank and (worth > most or (worth == most and stamp[p] < stamp[best]))):
            best, best_rank, most = p, rank, worth
    return best


@jit
def _make_room(s: int, now: int, first: Any, ground: Any, state: Any) -> int:
    """The pose of a full site whose loss weighs least goes; which one."""
    score, plan = state[5], state[9]
    out = -1
    for q in range(first[s], first[s + 1]):
        if plan[1, q] >= 0 and (out < 0 or score[q] < score[out]):
            out = q
    _flip(out, False, now, ground, state)
    return out


@jit
def _draw(dice: Any, n: int) -> Any:
    """A number below n (xorshift: Marsaglia 2003)."""
    dice[0] ^= dice[0] << np.uint64(13)
    dice[0] ^= dice[0] >> np.uint64(7)
    dice[0] ^= dice[0] << np.uint64(17)
    return np.int64(dice[0] % np.uint64(n))


@jit
def _lacks(ground: Any, state: Any, anew: bool) -> bool:
    """Whether the plan lacks coverage, in all or in a ward; reckoned `anew` where rounding errors may have gathered."""
    _, _, _, _, weight, ward = ground
    count, lacks = state[3], state[12]
    n = len(lacks) // 2
    if anew:
        lacks[:n] = lacks[n:]
        for i in range(len(weight)):
            if count[i] > 0:
                lacks[0] -= weight[i]
                lacks[1 + ward[i]] -= weight[i]
    lacking = False
    for w in range(n):
        lacking = lacking or (lacks[w] > 0.0 and lacks[n + w] > 0.0)
    return lacking


@jit
def _next(dice: Any, drawn: int, room: Any, ground: Any, state: Any) -> Any:
    """Of so many unseen points drawn the one that is served best for the cost, and by which pose; -1 where none drawn lacks and can be served."""
    site, cost, site_cost, _, _, score, free, _, unseen, _, used, paid, lacks = state
    ward, n = ground[5], unseen.shape[1] - 1
    best, point, most = -1, -1, -1.0
    for _ in range(drawn):
        i = unseen[0, _draw(dice, unseen[0, n])]
        if lacks[0] <= 0.0 and lacks[1 + ward[i]] <= 0.0:
            continue
        p = _to_come(i, room, ground, state)
        if p < 0:
            continue
        price = cost[p] + (site_cost[site[p]] if used[site[p]] == 0 else 0.0)
        worth = score[p] / max(price, 1e-9) * (1.0 if free[p] else 1e-3) * (1.0 if paid[0] + price < paid[1] else 1e-6)
        if worth > most:
            best, point, most = p, i, worth
    return best, point


@jit
def _grow(i: int, more: float, ground: Any, state: Any) -> Any:
    """An unseen point grows heavier; how much work it was."""
    _, _, seen_start, seers, _, _ = ground
    heavy, score = state[4], state[5]
    heavy[i] += more
    for m in range(seen_start[i], seen_start[i + 1]):
        score[seers[m]] += more
    return seen_start[i + 1] - seen_start[i]


@jit
def _leave(p: int, whole_site: bool, now: int, first: Any, load: Any, ground: Any, state: Any) -> int:
    """The pose, or all of its site's, leave the plan; how much work it was."""
    site, plan = state[0], state[9]
    work = 0
    a, b = (first[site[p]], first[site[p] + 1]) if whole_site else (p, p + 1)
    for q in range(a, b):
        if plan[1, q] >= 0:
            work += load[q]
            _flip(q, False, now, ground, state)
    return work


@jit
def _serve(whole: bool, now: int, dice: Any, first: Any, room: Any, load: Any, ground: Any, state: Any) -> Any:
    """Unseen points are served while coverage lacks and the plan stays cheaper than the best: the pose added last, -1 for none, and the work."""
    weight, (site, cost, site_cost) = ground[4], state[:3]
    unseen, used, paid = state[8], state[10], state[11]
    last, work, n = -1, 0, unseen.shape[1] - 1
    for _ in range(unseen[0, n] + 1):
        if unseen[0, n] == 0 or not _lacks(ground, state, False):
            break
        p, i = _next(dice, 1 if whole else 1 + _draw(dice, DRAWN), room, ground, state)
        if p < 0:
            continue
        if used[site[p]] >= room[site[p]]:
            work += load[_make_room(site[p], now, first, ground, state)]
            p = _to_come(i, room, ground, state)
            if used[site[p]] >= room[site[p]]:
                break
        if paid[0] + cost[p] + (site_cost[site[p]] if used[site[p]] == 0 else 0.0) >= paid[1]:
            work += 0 if whole else _grow(i, GROWTH * weight[i], ground, state)
            break
        work += load[p]
        _flip(p, True, now, ground, state)
        last = p
    return last, work


@jit
def _search(
    effort: int, enough: float, whole: bool, dice: Any, clock: Any, best: Any, load: Any, first: Any, room: Any, by_site: Any, ground: Any,
    state: Any,
) -> None:  # fmt: skip
    """Exchanges until so much is worked, or a covering no dearer than `enough` is found.

    `whole`: all points are wanted. `best` (n_poses,) flags; `load` (n_poses,): what it takes to mend the scores after a pose; `by_site` (n_sites, 2)
    to reckon in.
    """
    unseen, plan, paid = state[8], state[9], state[11]
    tabu, n, n_poses = -1, unseen.shape[1] - 1, len(best)
    while effort > 0:
        effort -= EXCHANGE + 2 * plan[0, n_poses]
        clock[0] += 1
        if paid[0] < paid[1] and not _lacks(ground, state, False) and not _lacks(ground, state, True):
            paid[1] = paid[0]
            best[:] = plan[1, :n_poses] >= 0
        if paid[1] <= enough:
            break
        if plan[0, n_poses] > 0:
            p, site_goes = _to_go(state, tabu, by_site)
            effort -= _leave(p, site_goes, clock[0], first, load, ground, state)
        tabu, work = _serve(whole, clock[0], dice, first, room, load, ground, state)
        effort -= work
        if whole:
            for k in range(unseen[0, n]):
                effort -= _grow(unseen[0, k], 1.0, ground, state)


class Search:
    """A local search under way on one core."""

    def __init__(self, core: Core, plan: Ints, *, seed: int, wanted: float = np.inf) -> None:
        """Begin from a plan: rows of the core's poses that keep each site's room; what it lacks is added first.

        Parameters
        ----------
        wanted: weight to be covered of the core's, floors besides; every point where it is more than there is.
        """
        n, n_demand = core.n_poses, len(core.weight)
        self._whole = bool(wanted > core.all_weight)
        weight = np.ones(n_demand) if self._whole else core.weight
        # In the first place stand points of no ward, which lack nothing.
        least = np.concatenate([[float(n_demand) if self._whole else wanted], [0.0], np.zeros(0) if self._whole else core.ward_least])
        ward = np.full(n_demand, 0) if self._whole else core.ward + 1
        self.core, self._weight, self._least = core, weight, np.concatenate([least, least])
        self._dice = np.random.default_rng(seed).integers(1, 2**63, size=1, dtype=np.uint64)
        self._flags, self._paid, self._clock = np.zeros(n, dtype=bool), np.array([0.0, np.inf]), np.zeros(1, dtype=np.int64)
        seen_start, seers = seers_of(core)
        self._ground = (core.start, core.items, seen_start, seers, weight, ward.astype(np.int64))
        self._load = np.add.reduceat(np.diff(seen_start)[core.items], core.start[:-1]) if n else np.zeros(0, dtype=np.int64)
        self._by_site = np.zeros((len(core.room), 2))
        self._begin(plan)

    def _begin(self, plan: Ints) -> None:
        """All points as heavy as at first, and this plan chosen."""
        core, weight = self.core, self._weight
        n, n_demand = core.n_poses, len(weight)
        score = np.bincount(np.repeat(np.arange(n), np.diff(core.start)), weights=weight[core.items], minlength=n)
        unseen, listed = np.full((2, n_demand + 1), -1, dtype=np.int64), np.full((2, n + 1), -1, dtype=np.int64)
        unseen[0], unseen[1, :-1] = np.append(np.arange(n_demand), n_demand), np.arange(n_demand)
        listed[0, n] = 0
        self._paid[0] = 0.0
        self._state = (
            core.site, core.cost, core.site_cost, np.zeros(n_demand, dtype=np.int64), weight.copy(), score, np.ones(n, dtype=bool),
            np.zeros(n, dtype=np.int64), unseen, listed, np.zeros(len(core.room), dtype=np.int64), self._paid, self._least.copy(),
        )  # fmt: skip
        for p in plan:
            _flip(int(p), True, 0, self._ground, self._state)

    def run(self, effort: int, *, enough: float = 0.0) -> None:
        """On for so many elementary steps (some hundred million a second), or until a covering costs no more than `enough` beyond what was fixed
        [INR].
        """
        spell, enough = effort if self._whole else SPELL, float(enough)  # one kind of number, compiled once
        while effort > 0 and self.core.n_poses and not self._paid[1] <= enough:
            before = self._paid[1]
            _search(
                min(spell, effort), enough, self._whole, self._dice, self._clock, self._flags, self._load, self.core.first, self.core.room,
                self._by_site, self._ground, self._state,
            )  # fmt: skip
            effort -= spell
            if not self._whole and self._paid[1] >= before and np.isfinite(before):
                self._begin(np.nonzero(self._flags)[0])

    @property
    def best(self) -> Ints | None:
        """The cheapest covering found, rows of the core's poses, sorted; None where none was."""
        if not self.core.n_poses and not (self._state[-1][: len(self._state[-1]) // 2] > 0).any():
            return np.empty(0, dtype=np.int64)
        return np.nonzero(self._flags)[0] if np.isfinite(self._paid[1]) else None

    @property
    def cost(self) -> float:
        """What the best costs beyond what was fixed [INR]; infinite where there is none."""
        return spent(self.core, self.best)[0] if self.best is not None else np.inf
