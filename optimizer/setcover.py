"""Everything that can be seen is to be seen, as cheaply as possible: set covering where poses share the cost of their site.

    minimise   sum of cost[p] over chosen poses + sum of site_cost[s] over sites with a chosen pose
    subject to every point seen by a chosen pose, at most room[s] poses at site s

- `shrink`: exact reductions. A point falls out where whoever sees some other point sees it too; a pose where another sees all it sees for no more;
  the only pose that sees a point is taken (Beasley 1987).
- `lower_bound`: the Lagrangian dual of the points' rows, for part of the weight too: a plan must cover points enough, and pay for their views.
  L(u) = the least u of points that together weigh what is wanted, and in each ward its floor, points taken in part where it helps
         - sum over sites of the best of nothing and max over its sets of  u of what the set sees - cost, site cost included (`pricing`)
  A pose whose use would lift the bound to the cost of the known plan is in no better plan and falls out.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from optimizer.bounds import Means
from optimizer.pricing import CHUNKS, Evaluation, Prices, price_site
from optimizer.problem import Flags, Floats, Ints
from optimizer.reduce import Core
from optimizer.search import spent
from planning.jit import jit, parallel_jit, prange

EFFORT = 2_000_000_000  # elementary steps a round of reductions may take; what is not looked at then stays, which is sound
LENGTH = 1.0  # of the first steps of the dual, in what a point costs on average


def seers_of(core: Core) -> tuple[Ints, npt.NDArray[np.int32]]:
    """The poses that see each point, as start (n_demand + 1,) and rows of poses."""
    shape = (core.n_poses, len(core.weight))
    by_point = sparse.csr_matrix((np.ones(len(core.items), dtype=bool), core.items, core.start), shape=shape).tocsc()
    return by_point.indptr.astype(np.int64), by_point.indices.astype(np.int32)


def all_seen(core: Core) -> bool:
    """Whether each point is seen by some pose."""
    return bool((np.bincount(core.items, minlength=len(core.weight)) > 0).all())


@jit
def _drop_points(start: Any, items: Any, seen_start: Any, seers: Any, gone: Any, effort: int) -> None:
    """Mark points that are seen by every pose which sees some other point."""
    mark = np.full(len(start) - 1, -1, dtype=np.int64)
    for i in range(len(seen_start) - 1):
        size = seen_start[i + 1] - seen_start[i]
        if gone[i] or size == 0 or effort < 0:
            continue
        short = seers[seen_start[i]]
        for k in range(seen_start[i], seen_start[i + 1]):
            p = seers[k]
            mark[p] = i
            if start[p + 1] - start[p] < start[short + 1] - start[short]:
                short = p
        for k in range(start[short], start[short + 1]):
            j = items[k]
            if j == i or gone[j] or seen_start[j + 1] - seen_start[j] < size:
                continue
            common = 0
            for m in range(seen_start[j], seen_start[j + 1]):
                common += mark[seers[m]] == i
            effort -= seen_start[j + 1] - seen_start[j]
            gone[j] = common == size


@jit
def _drop_poses(
    start: Any, items: Any, seen_start: Any, seers: Any, entry: Any, leave: Any, yearly_entry: Any, yearly_leave: Any, penalty: Any,
    roomy: Any, gone: Any, effort: int,
) -> None:  # fmt: skip
    """Mark poses that see no more than another which, its site paid anew, costs no more than they save."""
    mark = np.full(len(seen_start) - 1, -1, dtype=np.int64)
    for q in range(len(start) - 1):
        size = start[q + 1] - start[q]
        if size == 0:
            gone[q] = True
            continue
        if effort < 0:
            continue
        rare = items[start[q]]
        for k in range(start[q], start[q + 1]):
            i = items[k]
            mark[i] = q
            if seen_start[i + 1] - seen_start[i] < seen_start[rare + 1] - seen_start[rare]:
                rare = i
        for k in range(seen_start[rare], seen_start[rare + 1]):
            p = seers[k]
            if p == q or gone[p] or not roomy[p] or start[p + 1] - start[p] < size or entry[p] > leave[q]:
                continue
            if yearly_entry[p] > yearly_leave[q] or penalty[p] > penalty[q]:
                continue
            common = 0
            for m in range(start[p], start[p + 1]):
                common += mark[items[m]] == q
            effort -= start[p + 1] - start[p]
            if common == size:
                gone[q] = True
                break


def _without(core: Core, poses: Flags, points: Flags) -> Core:
    """The core without these poses and points; points left out count as covered."""
    keep = np.nonzero(~poses)[0]
    matrix = sparse.csr_matrix((np.ones(len(core.items), dtype=bool), core.items, core.start), shape=(core.n_poses, len(core.weight)))
    matrix = matrix[keep][:, np.nonzero(~points)[0]]
    matrix.sort_indices()
    counts = np.bincount(core.site[keep], minlength=len(core.room))
    used = np.nonzero(counts)[0]
    number = np.append(np.where(points, -1, np.cumsum(~points) - 1), -1)
    return dataclasses.replace(
        core, start=matrix.indptr.astype(np.int64), items=matrix.indices.astype(np.int32), weight=core.weight[~points],
        second=core.second[~points], floor=core.floor[~points], ward=core.ward[~points], penalty=core.penalty[keep],
        cost=core.cost[keep], yearly=core.yearly[keep], first=np.concatenate([[0], np.cumsum(counts[used])]).astype(np.int64),
        site_cost=core.site_cost[used], site_yearly=core.site_yearly[used], room=np.minimum(core.room[used], counts[used]), pose=core.pose[keep],
        base=core.base + float(core.weight[points].sum()), point=number[core.point],
    )  # fmt: skip


def _take(core: Core, rows: Ints) -> Core:
    """The core with these poses chosen: their sites are open, what they see is covered."""
    site, (capital, yearly) = core.site[rows], spent(core, rows)
    opened = np.unique(site)
    site_cost, site_yearly, room = core.site_cost.copy(), core.site_yearly.copy(), core.room - np.bincount(site, minlength=len(core.room))
    site_cost[opened] = site_yearly[opened] = 0.0
    poses, points = np.zeros(core.n_poses, dtype=bool), np.zeros(len(core.weight), dtype=bool)
    poses[rows] = True
    for p in rows:
        points[core.items[core.start[p] : core.start[p + 1]]] = True
    taken = dataclasses.replace(
        core, site_cost=site_cost, site_yearly=site_yearly, room=room, budget=core.budget - capital, yearly_left=core.yearly_left - yearly,
        fixed=np.sort(np.concatenate([core.fixed, core.pose[rows]])),
    )  # fmt: skip
    return _without(taken, poses | (room <= 0)[core.site], points)


def undominated(core: Core) -> Core:
    """The core without poses that see no more than some other pose which, its site paid anew, costs no more, a year neither, nor more privacy.

    Exact for every budget and coverage wanted; but where second views count, such a pose may give one, and the core is given back as it is.
    """
    if core.second.any() or not core.n_poses:
        return core
    seen_start, seers = seers_of(core)
    site, counts = core.site, np.diff(core.first)
    alone = counts[site] == 1
    limited = np.isfinite(core.yearly_left)
    gone = np.zeros(core.n_poses, dtype=bool)
    _drop_poses(
        core.start, core.items, seen_start, seers, core.cost + core.site_cost[site], core.cost + np.where(alone, core.site_cost[site], 0.0),
        limited * (core.yearly + core.site_yearly[site]), limited * (core.yearly + np.where(alone, core.site_yearly[site], 0.0)), core.penalty,
        (core.room >= counts)[site], gone, EFFORT,
    )  # fmt: skip
    return _without(core, gone, np.zeros(len(core.weight), dtype=bool))


def shrink(core: Core) -> Core:
    """A smaller core with the same cheapest full covering; what must be chosen is among its `fixed`, its wards have no floors left to reach.

    A point that no pose sees, or none any more, stays: then there is no full covering.
    """
    core = dataclasses.replace(core, ward_least=np.zeros(len(core.ward_least)))
    while core.n_poses and len(core.weight):
        before = (core.n_poses, len(core.weight))
        seen_start, seers = seers_of(core)
        points = np.zeros(len(core.weight), dtype=bool)
        _drop_points(core.start, core.items, seen_start, seers, points, EFFORT)
        core = _without(core, np.zeros(core.n_poses, dtype=bool), points)
        core = undominated(core)
        seen_start, seers = seers_of(core)
        only = np.unique(seers[seen_start[:-1][np.diff(seen_start) == 1]]).astype(np.int64)
        if len(only) and (np.bincount(core.site[only], minlength=len(core.room)) <= core.room).all():
            core = _take(core, only)
        if (core.n_poses, len(core.weight)) == before:
            break
    return core


@parallel_jit
def _with_each(start: Any, items: Any, u: Any, price: Any, first: Any, room: Any, entry: Any, value: Any) -> None:
    """The best value of each pose's site were it in its set."""
    for chunk in prange(CHUNKS):
        mark, state = np.zeros(len(u), dtype=np.int16), np.zeros(len(price), dtype=np.int8)
        most: Any = 1
        for s in range(len(room)):
            most = max(most, room[s])
        out = np.zeros(most, dtype=np.int64)
        for s in range(chunk, len(first) - 1, CHUNKS):
            for p in range(first[s], first[s + 1]):
                state[p] = 1
                _, value[p], _ = price_site(s, first, price, entry, room, start, items, u, state, mark, out)
                state[p] = 0


@jit
def _cheapest(order: Any, u: Any, weight: Any, ward: Any, need: Any, wanted: float, part: Any) -> float:
    """The least that points cost at prices u which give each ward its need and all together the wanted; how far each is taken, in `part`."""
    cost, lacks = 0.0, wanted
    for i in order:
        part[i] = 0.0
        if ward[i] >= 0 and need[ward[i]] > 0.0:
            part[i] = min(need[ward[i]] / weight[i], 1.0)
            need[ward[i]] -= part[i] * weight[i]
            lacks -= part[i] * weight[i]
            cost += part[i] * u[i]
    for i in order:
        if lacks <= 0.0:
            break
        more = min(lacks / weight[i], 1.0 - part[i])
        part[i] += more
        lacks -= more * weight[i]
        cost += more * u[i]
    return cost


@dataclass(frozen=True, eq=False)
class Dual:
    """The best bound on the cost beyond what was fixed [INR], how much each pose's use would lift it at least (n_poses,) [INR], what a little more
    coverage costs there [INR per weight], and the rounds it took.
    """

    bound: float
    lift: Floats
    price: float
    rounds: int


class _Lagrangian:
    """L(u), at cost as the only price. `part` (n_demand,): how far the cheapest points take each; `seen` (n_demand,): how many sites' best sets."""

    def __init__(self, core: Core, wanted: float) -> None:
        nothing = np.zeros(len(core.weight))
        # Every point weighs 1 there, so that its share is its price.
        plain = dataclasses.replace(
            core, weight=nothing + 1.0, second=nothing, floor=nothing, penalty=np.zeros(core.n_poses), ward_least=np.zeros(0),
            ward=np.full(len(nothing), -1),
        )  # fmt: skip
        self.core, self.wanted, self._evaluation = core, wanted, Evaluation(plain)
        self.all = wanted >= core.all_weight * (1 - 1e-12)
        self.seen, self.values, self.part = self._evaluation.seen, self._evaluation.values, nothing + 1.0

    def run(self, u: Floats) -> float:
        """L(u) [INR]."""
        self._evaluation.run(Prices(u, 1.0, 0.0, np.zeros(0)))
        owed = float(u.sum()) if self.all else self._cheapest(u)
        return owed - float(self.values.sum())

    def _cheapest(self, u: Floats) -> float:
        core = self.core
        order = np.argsort(u / core.weight, kind="stable")
        return float(_cheapest(order, u, core.weight, core.ward, core.ward_least.copy(), self.wanted, self.part))

    def price(self, u: Floats) -> float:
        """The dearest of the cheapest points [INR per weight]."""
        taken = self.part > 0
        return float((u[taken] / self.core.weight[taken]).max(initial=0.0))

    def lift(self, u: Floats) -> Floats:
        """How much L(u) would rise at least were a pose's use forced (n_poses,) [INR]."""
        core, forced = self.core, np.zeros(self.core.n_poses)
        self.run(u)
        _with_each(core.start, core.items, u, core.cost, core.first, core.room, core.site_cost, forced)
        return np.maximum(self.values[core.site] - forced, 0.0)


def lower_bound(
    core: Core, known: float, wanted: float = np.inf, *, time_limit_s: float, enough: Callable[[float], bool], rounds: int = 1_000
) -> Dual:
    """The bound, raised by Adam's step (Kingma and Ba 2015) with a length that falls to nothing over the rounds or the time, whichever ends first.

    Measured on the instances of the camera placement competition, it ends 2 to 6 % higher than Polyak's step.

    Parameters
    ----------
    known: cost of the cheapest plan known beyond what was fixed [INR]: gives the step its size.
    wanted: weight to be covered of the core's; all of it where more than there is. The core's floors count too; its yearly budget does not.
    enough: says of a bound [INR] whether no higher one is wanted.
    """
    began, now = time.monotonic(), _Lagrangian(core, wanted)
    seen_start, seers = seers_of(core)
    share = (core.cost + core.site_cost[core.site]) / np.maximum(np.diff(core.start), 1)
    u = np.minimum.reduceat(share[seers], seen_start[:-1])
    best, best_u, unit = 0.0, np.zeros(len(u)), LENGTH * known / len(u)
    means = Means(len(u), 0.8, 0.99, 1e-3)
    done, count = 0.0, 0
    while done < 1.0:
        value = now.run(u)
        count += 1
        if value > best:
            best, best_u = value, u
            if enough(best):
                break
        done = max(count / rounds, (time.monotonic() - began) / max(time_limit_s, 1e-9))
        slope = now.part - now.seen
        if not slope.any():
            break
        u = np.maximum(u + unit * (1 - min(done, 1.0)) ** 1.5 * means.step(slope), 0.0)
    return Dual(best, now.lift(best_u), now.price(best_u), count)


def without(core: Core, rows: Flags) -> Core:
    """The core without these poses (n_poses,), such as no better plan uses."""
    return _without(core, rows, np.zeros(len(core.weight), dtype=bool))
