"""A network that stands: which dead cameras to bring back first, and which camera to add next.

What stands is paid. The derived problem keeps its cameras at no cost, their sites are built, and every camera counts for the room of its site:

    live        kept, cost 0                 dead, not repaired   comes down where a new camera takes its place
    dead        cost: the repair             new                  cost: its own, its site's where nothing stands there yet
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer import gains
from optimizer.problem import Floats, Ints, Problem
from optimizer.solve import Outcome, solve
from planning.errors import Fault, ScenarioError
from planning.progress import Progress

Rows = Sequence[int] | npt.NDArray[Any]
Solver = Callable[..., Outcome]


@dataclass(frozen=True)
class Next:
    """One more camera: its row, the value it adds, what it costs with its site where that is not built [INR, INR/year], and value per rupee of
    capital, infinite where it costs nothing.
    """

    pose: int
    gain: float
    capital: int
    yearly: int
    per_rupee: float


@dataclass(frozen=True, eq=False)
class Repair:
    """The best use of a repair budget.

    `repaired`, `added`: rows, sorted; `steps`: all of them in the order to do them, each the best value per rupee after those before; `now`, `after`,
    `whole`: value with the live cameras, after the repairs, and with everything built working; `bound`: no use of the budget is worth more; `gap` =
    bound / after - 1; `spent` of the budget [INR]; `below`: rows of wards below their floor after the repairs.
    """

    repaired: Ints
    added: Ints
    steps: tuple[Next, ...]
    now: float
    after: float
    whole: float
    bound: float
    gap: float
    spent: int
    below: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Improvement:
    """The next cameras of a network: single ones, best first, and the best plan for a budget where one was given; its rows include what stands, its
    value too.
    """

    singles: tuple[Next, ...]
    plan: Outcome | None


def repair(
    problem: Problem, built: Rows, dead: Rows, repair_cost: Rows, budget: int, *, replace: bool = False, solve: Solver = solve, gap: float = 0.0,
    time_limit_s: float = 20.0, seed: int = 1, progress: Progress = Progress(),  # noqa: B008
) -> Repair:  # fmt: skip
    """Which dead cameras to bring back within a budget.

    The yearly budget counts what works then; forbidden cameras are not brought back; floors are no condition, since a repair budget may not reach
    them.

    Parameters
    ----------
    built: rows of the cameras that stand, live and dead.
    dead: those that do not work.
    repair_cost: what each of `dead` costs to bring back, in its order [INR].
    budget: for repairs [INR]; the problem's own capital budget does not matter.
    replace: whether new cameras may be bought instead, at their price; one may take a dead one's place.
    solve: what finds plans and bounds; takes `gap`, `time_limit_s`, `seed`, `progress`.

    Raises
    ------
    ScenarioError: `rows.unknown`, `rows.twice`, `repair.dead` for dead cameras that are not built, `repair.cost`, `repair.budget` for what is not
    whole rupees, `repair.room` where more cameras stand at a site than rules allow and new ones may be bought.
    Infeasible: `keep.budget` where the live cameras alone cost more a year than allowed.
    """
    standing, broken, faults = _network(problem, built, dead)
    cost, more = _whole_rupees(repair_cost, len(dead))
    faults += more + _budget_faults(budget)
    crowd = int(np.bincount(problem.site[standing], minlength=1).max())
    if replace and crowd > problem.limits.per_site:
        way_out = f"Allow {crowd} cameras a site, or repair without buying new ones"
        faults.append(Fault("repair.room", f"{crowd} cameras stand at one site", way_out, f"{problem.limits.per_site} allowed"))
    if faults:
        raise ScenarioError(faults)
    live = np.setdiff1d(standing, broken)
    price = problem.cost.copy()
    price[np.asarray(dead, dtype=np.int64)] = cost
    derived = _paid(problem, live, standing, price, budget)
    limits = dataclasses.replace(derived.limits, keep=_flags(problem, live), ward_least=np.zeros(len(problem.limits.ward_least)))
    if not replace:
        other = np.ones(problem.n_poses, dtype=bool)
        other[standing] = False
        limits = dataclasses.replace(limits, forbid=limits.forbid | other, per_site=max(crowd, 1))
    derived = dataclasses.replace(derived, limits=limits)
    outcome = solve(derived, gap=gap, time_limit_s=time_limit_s, seed=seed, progress=progress)
    bought = np.setdiff1d(outcome.chosen, live)
    return Repair(
        repaired=np.intersect1d(bought, broken), added=np.setdiff1d(bought, broken), steps=_in_order(derived, live, bought),
        now=problem.value(live), after=float(outcome.objective), whole=problem.value(standing), bound=float(outcome.bound), gap=float(outcome.gap),
        spent=derived.spent(outcome.chosen)[0], below=tuple(np.nonzero(problem.ward_short(problem.seen(outcome.chosen)) > 0)[0].tolist()),
    )  # fmt: skip


def improve(
    problem: Problem, built: Rows, *, budget: int | None = None, n: int = 5, one_a_site: bool = True, solve: Solver = solve, gap: float = 0.005,
    time_limit_s: float = 20.0, seed: int = 1, progress: Progress = Progress(),  # noqa: B008
) -> Improvement:  # fmt: skip
    """The best next cameras of a network that stands.

    Every pose that is allowed, has room and, with what stands, keeps within the yearly budget is tried; those that add value are ranked by value per
    rupee. A pose next to a better one is seldom news, so each site is told of once.

    Parameters
    ----------
    built: rows of the cameras that stand; they are paid and stay.
    budget: for new cameras [INR]; with one, a single camera must cost no more, and the best plan is found too. The problem's own capital budget does
    not matter.
    n: how many single cameras to tell of.
    one_a_site: whether each site's best pose alone is told of.
    solve: what finds plans and bounds; takes `gap`, `time_limit_s`, `seed`, `progress`.

    Raises
    ------
    ScenarioError: `rows.unknown`, `rows.twice`, `repair.budget`.
    Infeasible: with a budget, as `optimizer.solve.solve` where the rules cannot hold.
    """
    standing, faults = gains.rows_of(problem, built, "the cameras that stand")
    faults += _budget_faults(budget) if budget is not None else []
    if faults:
        raise ScenarioError(faults)
    unlimited = int(problem.cost.sum() + problem.site_cost.sum())
    derived = _paid(problem, standing, standing, problem.cost, unlimited if budget is None else budget)
    plan = solve(derived, gap=gap, time_limit_s=time_limit_s, seed=seed, progress=progress) if budget is not None else None
    return Improvement(_singles(derived, standing, n, one_a_site), plan)


def _network(problem: Problem, built: Rows, dead: Rows) -> tuple[Ints, Ints, list[Fault]]:
    """The built and the dead, sorted, and what is wrong with them."""
    standing, faults = gains.rows_of(problem, built, "the cameras that stand")
    broken, more = gains.rows_of(problem, dead, "the dead cameras")
    faults += more
    strange = np.setdiff1d(broken, standing)
    if len(strange):
        value = ", ".join(map(str, strange[:10]))
        faults.append(Fault("repair.dead", "A dead camera is not among those that stand", "Name dead cameras of the network only", value))
    return standing, broken, faults


def _whole_rupees(amounts: Rows, n: int) -> tuple[Ints, list[Fault]]:
    try:
        given = np.asarray(amounts)
    except ValueError:
        given = np.zeros((1, 1))
    if given.size == n == 0:
        return np.empty(0, dtype=np.int64), []
    if given.shape != (n,) or given.dtype.kind not in "iu" or (given < 0).any():
        way_out = "Give whole rupees, 0 or more, one for each dead camera"
        return np.empty(0, dtype=np.int64), [Fault("repair.cost", f"{n} costs of repair are needed", way_out, str(amounts)[:200])]
    return given.astype(np.int64), []


def _budget_faults(budget: object) -> list[Fault]:
    if isinstance(budget, (int, np.integer)) and not isinstance(budget, bool) and budget >= 0:
        return []
    return [Fault("repair.budget", "The budget must be whole rupees, 0 or more", "Give an amount such as 5 lakh", str(budget)[:200])]


def _flags(problem: Problem, rows: Ints) -> npt.NDArray[np.bool_]:
    flags = np.zeros(problem.n_poses, dtype=bool)
    flags[rows] = True
    return flags


def _paid(problem: Problem, kept: Ints, standing: Ints, price: Ints, budget: int) -> Problem:
    """The problem in which the kept cameras and the sites of all that stand cost no capital, at these prices for the rest [INR]."""
    cost, site_cost = price.copy(), problem.site_cost.copy()
    cost[kept] = 0
    site_cost[problem.site[standing]] = 0
    held = _flags(problem, kept)
    limits = dataclasses.replace(problem.limits, budget=int(budget), keep=problem.limits.keep | held, forbid=problem.limits.forbid & ~held)
    return dataclasses.replace(problem, cost=cost, site_cost=site_cost, limits=limits)


def _next(pose: int, added: gains.Additions) -> Next:
    return Next(pose, float(added.gain[pose]), int(added.capital[pose]), int(added.yearly[pose]), float(_per_rupee(added)[pose]))


def _per_rupee(added: gains.Additions) -> Floats:
    """Value per rupee (n_poses,); infinite for a gain that costs nothing, and so for a loss."""
    endless = np.select([added.gain > 0, added.gain < 0], [np.inf, -np.inf], 0.0)
    return np.where(added.capital > 0, added.gain / np.maximum(added.capital, 1), endless)


def _singles(problem: Problem, standing: Ints, n: int, one_a_site: bool) -> tuple[Next, ...]:
    added = gains.additions(problem, standing)
    able = np.nonzero(gains.useful(problem, added.gain) & added.free & added.room & added.payable)[0]
    ranked = able[np.lexsort((-added.gain[able], -_per_rupee(added)[able]))]
    if one_a_site:
        _, first = np.unique(problem.site[ranked], return_index=True)
        ranked = ranked[np.sort(first)]
    return tuple(_next(int(pose), added) for pose in ranked[: max(n, 0)])


def _in_order(problem: Problem, live: Ints, bought: Ints) -> tuple[Next, ...]:
    """The bought in the order of value per rupee, each after those before."""
    plan, waiting, steps = live, bought, []
    while len(waiting):
        added = gains.additions(problem, plan)
        pose = int(waiting[np.lexsort((-added.gain[waiting], -_per_rupee(added)[waiting]))[0]])
        steps.append(_next(pose, added))
        plan, waiting = np.sort(np.append(plan, pose)), waiting[waiting != pose]
    return tuple(steps)
