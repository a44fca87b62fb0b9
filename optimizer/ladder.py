"""What each rupee more buys: plans for a row of budgets, each holding the one before, so that a slider can walk along them.

The frontier gives each budget its best plan and bound. The largest budget's plan is then taken apart: each smaller budget keeps the best part of the
next larger one's cameras that it can pay. What that costs against the budget's own best plan is said at every rung.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import numpy as np
import shapely

from optimizer.desk import Desk, bought
from optimizer.frontier import frontier
from optimizer.plan import cameras_of, sites_of
from optimizer.problem import Ints, Problem
from optimizer.solve import solve
from planning.ladders import Ladder, Rung
from planning.progress import Progress

EACH_S = 3.0  # for the best part of a plan at most


def make_ladder(desk: Desk, budgets: Sequence[int], *, time_limit_s: float = 120.0, progress: Progress = Progress()) -> Ladder:  # noqa: B008
    """The ladder of a city under a scenario.

    Parameters
    ----------
    budgets: ascending [INR].
    time_limit_s: for the frontier [s]; the parts take up to `EACH_S` each on top.
    progress: told how far it is; may stop the work.

    Raises
    ------
    ScenarioError, Infeasible: as `frontier`; the ward floor holds at the largest budget only.
    """
    began = time.monotonic()
    problem, wish = desk.problem, desk.scenario
    free = _without_floors(problem)
    points = list(frontier(free, budgets, gap=wish.gap, time_limit_s=time_limit_s, seed=wish.seed, progress=progress.part(0.0, 0.85)).points)
    if problem.limits.ward_least.any():
        limits = dataclasses.replace(problem.limits, budget=int(budgets[-1]))
        last = solve(dataclasses.replace(problem, limits=limits), gap=wish.gap, time_limit_s=time_limit_s / 4, seed=wish.seed, progress=progress)
        points[-1] = dataclasses.replace(points[-1], chosen=last.chosen, objective=last.objective, bound=last.bound, gap=last.gap)
    plans = nest(free, points[-1].chosen, budgets, seed=wish.seed, progress=progress.part(0.85, 1.0))
    rungs = []
    for point, plan in zip(points, plans, strict=True):
        nested = bought(desk, point.budget, plan, point.bound, point.gap)
        best = max(point.objective / desk.whole, nested.covered)
        figures = (nested.covered, best, max(nested.bound, best), nested.worst_ward, nested.worst)
        rungs.append(Rung(point.budget, nested.cost_inr, nested.yearly_inr, len(plan), *figures))
    top = plans[-1]
    entered = np.array([next(k for k, plan in enumerate(plans) if row in plan) for row in top], dtype=np.int64)
    points_m = shapely.get_coordinates(desk.survey.demand.geometry.array)
    return Ladder(
        scenario=dataclasses.replace(wish, budget_inr=int(budgets[-1])), city_digest=desk.city.digest, made=desk.city.made, rungs=tuple(rungs),
        before=float(problem.weight[problem.already > 0].sum()) / desk.whole, cameras=cameras_of(desk.survey, problem, top),
        sites=sites_of(desk.survey, problem, top), entered=tuple(entered.tolist()), points_m=points_m,
        weight=problem.weight[: len(points_m)].copy(), seen_from=_seen_from(problem, plans)[: len(points_m)],
        assumptions=(*desk.city.notes, *desk.survey.notes), runtime_s=time.monotonic() - began,
    )  # fmt: skip


def nest(problem: Problem, chosen: Ints, budgets: Sequence[int], *, seed: int = 1, progress: Progress = Progress()) -> list[Ints]:  # noqa: B008
    """For each budget the best part found of the next larger budget's plan, the largest budget's being `chosen`; kept cameras stay in all.

    Parameters
    ----------
    chosen: rows of the problem, within the largest budget.
    budgets: ascending [INR].
    """
    plans = [np.sort(chosen).astype(np.int64)]
    for number, budget in enumerate(reversed(budgets[:-1]), 1):
        progress.step("nest", number / max(len(budgets) - 1, 1))
        part = _part(problem, plans[-1], int(budget))
        found = solve(part, gap=0.001, time_limit_s=EACH_S, seed=seed)
        plans.append(plans[-1][found.chosen])
    return plans[::-1]


def _part(problem: Problem, rows: Ints, budget: int) -> Problem:
    """The problem with no other poses than these, and all they allow kept as it is."""
    limits = problem.limits
    own = dataclasses.replace(limits, budget=budget, keep=limits.keep[rows], forbid=limits.forbid[rows])
    return dataclasses.replace(
        problem, covers=problem.covers[rows], cost=problem.cost[rows], yearly=problem.yearly[rows], site=problem.site[rows],
        penalty=problem.penalty[rows], limits=own,
    )  # fmt: skip


def _without_floors(problem: Problem) -> Problem:
    limits = problem.limits
    return dataclasses.replace(problem, limits=dataclasses.replace(limits, ward_least=np.zeros(len(limits.ward_least))))


def _seen_from(problem: Problem, plans: Sequence[Ints]) -> Ints:
    """The first plan that sees each demand point: -1 where existing cameras do, the number of plans where none does (n_demand,)."""
    found = np.full(len(problem.weight), len(plans), dtype=np.int64)
    for number in range(len(plans) - 1, -1, -1):
        found[problem.seen(plans[number])] = number
    found[problem.already > 0] = -1
    return found
