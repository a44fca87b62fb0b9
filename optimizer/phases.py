"""A network built in phases: each phase keeps the one before, and what that costs against planning each budget by itself.

    grow     the smallest budget's best plan first; each next phase keeps it and adds
    shrink   the largest budget's best plan first; each phase before is the best part of it that its budget pays

Neither is always better: what is best for little money may stand in the way later, what is best in the end may help little at first. Both are tried.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimizer.problem import Flags, Ints, Problem
from optimizer.solve import Outcome, solve
from planning.errors import Fault, Infeasible, ScenarioError
from planning.progress import Progress

Solver = Callable[..., Outcome]


@dataclass(frozen=True, eq=False)
class Phase:
    """One phase, all before it included.

    `budget`: of all phases so far [INR]; `chosen`, `added`: rows, sorted; `value`; `capital`, `yearly`: spent so far [INR, INR/year]; `alone`: the
    best value found at this budget without regard to other phases; `bound`: no plan at this budget is worth more; `gap` = bound / value - 1.
    """

    budget: int
    chosen: Ints
    added: Ints
    value: float
    capital: int
    yearly: int
    alone: float
    bound: float
    gap: float

    @property
    def nesting(self) -> float:
        """What it costs here that phases keep one another: value found without less value with."""
        return self.alone - self.value

    @property
    def nesting_most(self) -> float:
        """What that costs at most."""
        return self.bound - self.value


@dataclass(frozen=True, eq=False)
class Phases:
    """The phases, and how they were found: `way` is `grow` or `shrink`; `sums`: the summed values of both ways, None for one that found no plans."""

    way: str
    phases: tuple[Phase, ...]
    sums: dict[str, float | None]


def phases(
    problem: Problem, budgets: Sequence[int], *, floors: str = "last", solve: Solver = solve, gap: float = 0.005, time_limit_s: float = 15.0,
    seed: int = 1, progress: Progress = Progress(),  # noqa: B008
) -> Phases:  # fmt: skip
    """Plans for growing budgets, each keeping the one before.

    Kept cameras are in every phase; the yearly budget, room and forbidden cameras hold in every phase.

    Parameters
    ----------
    budgets: of each phase with all before it, growing [INR].
    floors: whether wards' floors hold in the `last` phase or in `every` one.
    solve: what finds plans and bounds; takes `gap`, `time_limit_s`, `seed`.
    time_limit_s: for each plan [s]; there are up to three a phase.

    Raises
    ------
    ScenarioError: `phases.budgets`, `phases.floors`.
    Infeasible: as `optimizer.solve.solve` where the rules cannot hold at one of the budgets; `phases.nested` where they can at each, but no plans
    that keep one another were found.
    """
    faults = [*_budget_faults(budgets), *_floor_faults(floors)]
    if faults:
        raise ScenarioError(faults)
    options: dict[str, Any] = {"gap": gap, "time_limit_s": time_limit_s, "seed": seed}
    n = len(budgets)
    told = iter(range(3 * n))

    def answer(at: int, keep: Ints | None = None, within: Ints | None = None) -> Outcome:
        progress.step("phases", min(next(told) / (3 * n - 2), 1.0))
        return solve(_at(problem, int(budgets[at]), keep, within, dropped=floors == "last" and at < n - 1), **options)

    alone = [answer(at) for at in range(n)]
    ways = {"grow": _grow(alone, answer), "shrink": _shrink(alone, answer)}
    sums = {name: sum(map(problem.value, plans)) if plans else None for name, plans in ways.items()}
    found = [(total, name) for name, total in sums.items() if total is not None]
    if not found:
        what = "Each budget has a plan that keeps the rules, but no plans that keep one another were found"
        way_out = "Ask the floors in the last phase only, or give the earlier phases more"
        raise Infeasible.one("phases.nested", what, way_out, ", ".join(map(str, budgets)))
    # The first of equals: growing.
    way = max(found, key=lambda pair: pair[0])[1]
    return Phases(way, tuple(_told(problem, ways[way], alone, [int(budget) for budget in budgets])), sums)


def _grow(alone: list[Outcome], answer: Callable[..., Outcome]) -> list[Ints]:
    plans = [alone[0].chosen]
    try:
        for at in range(1, len(alone)):
            plans.append(answer(at, keep=plans[-1]).chosen)
    except Infeasible:
        return []
    return plans


def _shrink(alone: list[Outcome], answer: Callable[..., Outcome]) -> list[Ints]:
    plans = [alone[-1].chosen]
    try:
        for at in range(len(alone) - 2, -1, -1):
            plans.append(answer(at, within=plans[-1]).chosen)
    except Infeasible:
        return []
    return plans[::-1]


def _at(problem: Problem, budget: int, keep: Ints | None, within: Ints | None, *, dropped: bool) -> Problem:
    """The problem at a budget, with these poses kept, or none but these allowed; its floors dropped or not."""
    limits = problem.limits
    held, barred = limits.keep.copy(), limits.forbid.copy()
    if keep is not None:
        held[keep] = True
    if within is not None:
        inside: Flags = np.zeros(problem.n_poses, dtype=bool)
        inside[within] = True
        barred |= ~inside
    least = np.zeros(len(limits.ward_least)) if dropped else limits.ward_least
    return dataclasses.replace(problem, limits=dataclasses.replace(limits, budget=budget, keep=held, forbid=barred, ward_least=least))


def _told(problem: Problem, plans: list[Ints], alone: list[Outcome], budgets: list[int]) -> list[Phase]:
    found = []
    before = np.empty(0, dtype=np.int64)
    for plan, free, budget in zip(plans, alone, budgets, strict=True):
        value = problem.value(plan)
        # A nested plan keeps the rules of its budget by itself too.
        bound = float(max(free.bound, value))
        gap = bound / value - 1 if value > 0 else 0.0
        found.append(Phase(budget, plan, np.setdiff1d(plan, before), value, *problem.spent(plan), float(max(free.objective, value)), bound, gap))
        before = plan
    return found


def _budget_faults(budgets: Sequence[int]) -> list[Fault]:
    whole = [isinstance(budget, (int, np.integer)) and not isinstance(budget, bool) and budget >= 0 for budget in budgets]
    growing = all(whole) and all(low < high for low, high in itertools.pairwise(budgets))
    if whole and growing:
        return []
    what = "The budgets of the phases must be whole rupees, each more than the one before"
    return [Fault("phases.budgets", what, "Give, for example, 1 crore, 2 crore and 4 crore", ", ".join(map(str, budgets))[:200])]


def _floor_faults(floors: str) -> list[Fault]:
    known = floors in {"last", "every"}
    return [] if known else [Fault("phases.floors", "The floors hold in the last phase or in every one", "Say last or every", str(floors))]
