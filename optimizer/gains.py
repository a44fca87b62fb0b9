"""What one camera more or less would mean to a plan: value, money, room and floors, for all poses at once.

A point counts once where it is seen and once more where a second site sees it (existing cameras are places too), so what a pose adds at a point
depends on who sees it already:

    views of the point     a pose that sees it adds
    0                      weight
    1                      second, unless the one view is of the pose's own site
    2 and more             nothing
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.problem import Flags, Floats, Ints, Problem
from planning.errors import Fault
from planning.jit import jit

ROUNDING = 1e-9  # of all weight: what is below is no gain


@dataclass(frozen=True, eq=False)
class Additions:
    """What each pose would do to a plan as its next camera.

    `gain` (n_poses,): value it would add, 0 for the chosen; `capital`, `yearly` (n_poses,) [INR, INR/year]: its own and its site's where that is not
    built yet; `free` (n_poses,): neither chosen nor forbidden; `room` (n_poses,): its site carries one more; `left`, `left_yearly`: what the budgets
    leave [INR, INR/year], below 0 where the plan is too dear; `left_yearly` is infinite where there is no such limit.
    """

    gain: Floats
    capital: Ints
    yearly: Ints
    free: Flags
    room: Flags
    left: int
    left_yearly: float

    @property
    def payable(self) -> Flags:
        """Which poses both budgets can pay (n_poses,)."""
        return (self.capital <= self.left) & (self.yearly <= self.left_yearly)


def rows_of(problem: Problem, rows: Sequence[int] | npt.NDArray[Any], what: str) -> tuple[Ints, list[Fault]]:
    """Rows of poses, sorted, and what is wrong with them: `rows.unknown` for what is no row of a pose, `rows.twice` for one given again.

    Parameters
    ----------
    what: what people call these poses, for the faults.
    """
    try:
        given = np.asarray(rows)
    except ValueError:
        given = np.zeros((1, 1))
    if given.size == 0:
        return np.empty(0, dtype=np.int64), []
    if given.ndim != 1 or given.dtype.kind not in "iu":
        return np.empty(0, dtype=np.int64), [_unknown(what, "not a list of whole numbers", problem)]
    inside = (given >= 0) & (given < problem.n_poses)
    faults = [_unknown(what, ", ".join(map(str, given[~inside][:10])), problem)] if not inside.all() else []
    found, times = np.unique(given[inside].astype(np.int64), return_counts=True)
    if (times > 1).any():
        value = ", ".join(map(str, found[times > 1][:10]))
        faults.append(Fault("rows.twice", f"Among {what}, a pose is given twice", "Give each pose once", value))
    return found, faults


def _unknown(what: str, value: str, problem: Problem) -> Fault:
    return Fault("rows.unknown", f"Among {what}, there are rows that are no poses", f"Give rows from 0 to {problem.n_poses - 1}", value)


def entries_of(problem: Problem, chosen: Ints) -> tuple[Ints, Ints]:
    """All pairs of a chosen pose and a point it sees: the pose's place in `chosen` and the point, both (n_pairs,)."""
    seen = problem.covers[chosen]
    return np.repeat(np.arange(len(chosen)), np.diff(seen.indptr)), seen.indices.astype(np.int64)


def _sight(problem: Problem, chosen: Ints) -> tuple[Ints, Ints]:
    """From how many places each point is seen, and the one site where it is only one; -1 there for existing cameras; both (n_demand,)."""
    place, point = entries_of(problem, chosen)
    n_sites = max(len(problem.site_cost), 1)
    pairs = np.unique(point * n_sites + problem.site[chosen][place])
    views = problem.already.astype(np.int64) + np.bincount(pairs // n_sites, minlength=len(problem.weight))
    only = np.full(len(problem.weight), -1, dtype=np.int64)
    only[pairs // n_sites] = pairs % n_sites
    return views, only


@jit
def _gains(start: Any, items: Any, site: Any, views: Any, only: Any, weight: Any, second: Any, out: Any) -> None:
    """Add to `out` (n_poses,) what each pose would win."""
    for p in range(len(out)):
        total = 0.0
        for k in range(start[p], start[p + 1]):
            i = items[k]
            if views[i] == 0:
                total += weight[i]
            elif views[i] == 1 and only[i] != site[p]:
                total += second[i]
        out[p] += total


def gains(problem: Problem, chosen: Ints) -> Floats:
    """The value each pose would add to the plan (n_poses,), its privacy price taken off; 0 for the chosen."""
    views, only = _sight(problem, chosen)
    out = -problem.penalty.astype(np.float64)
    _gains(problem.covers.indptr, problem.covers.indices, problem.site, views, only, problem.weight, problem.second, out)
    out[chosen] = 0.0
    return out


def losses(problem: Problem, chosen: Ints) -> Floats:
    """The value the plan would lose without each of its cameras alone (n_chosen,); below 0 where its privacy price is more than it adds."""
    place, point = entries_of(problem, chosen)
    n_sites = max(len(problem.site_cost), 1)
    _, pair, cameras = np.unique(point * n_sites + problem.site[chosen][place], return_inverse=True, return_counts=True)
    views, _ = _sight(problem, chosen)
    # A point keeps its view of a site while another camera there sees it.
    alone = cameras[pair.reshape(-1)] == 1
    worth = np.select([views[point] == 1, views[point] == 2], [problem.weight[point], problem.second[point]], 0.0) * alone
    lost = np.bincount(place, weights=worth, minlength=len(chosen)) - problem.penalty[chosen]
    return lost.astype(np.float64)


def additions(problem: Problem, chosen: Ints) -> Additions:
    """What each pose would do to this plan as its next camera."""
    cameras = np.bincount(problem.site[chosen], minlength=len(problem.site_cost))
    closed = cameras == 0
    free = ~problem.limits.forbid
    free[chosen] = False
    spent, spent_yearly = problem.spent(chosen)
    limit = problem.limits.yearly
    return Additions(
        gain=gains(problem, chosen), capital=problem.cost + (problem.site_cost * closed)[problem.site],
        yearly=problem.yearly + (problem.site_yearly * closed)[problem.site], free=free,
        room=(cameras < problem.limits.per_site)[problem.site], left=problem.limits.budget - spent,
        left_yearly=np.inf if limit is None else limit - spent_yearly,
    )  # fmt: skip


@jit
def _fills(start: Any, items: Any, ward: Any, worth: Any, lacking: Any, lack: Any, tolerance: float, out: Any) -> None:
    """Whether each pose alone gives every lacking ward what it lacks."""
    got = np.zeros(len(lack))
    for p in range(len(out)):
        for k in range(start[p], start[p + 1]):
            if ward[items[k]] >= 0:
                got[ward[items[k]]] += worth[items[k]]
        enough = True
        for w in lacking:
            enough = enough and lack[w] - got[w] <= tolerance
        out[p] = enough
        for k in range(start[p], start[p + 1]):
            if ward[items[k]] >= 0:
                got[ward[items[k]]] = 0.0


def ward_weight(problem: Problem, seen: Flags) -> Floats:
    """The seen weight of each ward, first views only (n_wards,)."""
    inside = seen & (problem.ward >= 0)
    return np.bincount(problem.ward[inside], weights=problem.weight[inside], minlength=len(problem.limits.ward_least)).astype(np.float64)


def may_add(problem: Problem, chosen: Ints, added: Additions) -> Flags:
    """Which poses make the plan, with them, keep every rule (n_poses,)."""
    limits = problem.limits
    allowed = added.free & added.room & added.payable
    cameras = np.bincount(problem.site[chosen], minlength=1)
    missing = np.setdiff1d(np.nonzero(limits.keep)[0], chosen)
    if limits.forbid[chosen].any() or cameras.max() > limits.per_site or len(missing) > 1:
        return np.zeros(problem.n_poses, dtype=bool)
    if len(missing):
        allowed &= np.arange(problem.n_poses) == missing[0]
    seen = problem.seen(chosen)
    lacking = np.nonzero(problem.ward_short(seen) > 0)[0]
    if len(lacking):
        enough = np.zeros(problem.n_poses, dtype=bool)
        lack = limits.ward_least - ward_weight(problem, seen)
        worth = np.where(seen, 0.0, problem.weight)
        _fills(problem.covers.indptr, problem.covers.indices, problem.ward, worth, lacking, lack, 1e-6 * max(problem.total, 1e-300), enough)
        allowed &= enough
    return allowed


def best_addition(problem: Problem, chosen: Ints, *, barred: Sequence[int] = ()) -> int | None:
    """The pose that adds most to the plan while every rule holds, the first by row where several do; None where no pose does.

    Parameters
    ----------
    barred: rows not to be taken.
    """
    added = additions(problem, chosen)
    allowed = may_add(problem, chosen, added)
    allowed[np.asarray(barred, dtype=np.int64)] = False
    if not allowed.any():
        return None
    return int(np.argmax(np.where(allowed, added.gain, -np.inf)))


def useful(problem: Problem, gain: Floats) -> Flags:
    """Which gains are more than rounding."""
    return gain > ROUNDING * problem.total
