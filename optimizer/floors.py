"""What a floor for every ward costs in rupees: the cheapest plan that covers as much as now, asked again with the floor raised step by step.

    no floor      cost 80,  none costs less than 79
    floor 10 %    cost 84,  none costs less than 82     the step costs 4, certainly 82 - 80 = 2 or more and 84 - 79 = 5 or less

Coverage stays the same on purpose: with the budget fixed instead, a floor is paid in coverage (`explain.floor_prices`), which is in no bill.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimizer.cover import Covered, cover
from optimizer.gains import ward_weight
from optimizer.problem import Floats, Ints, Problem
from planning.errors import Fault, Infeasible, ScenarioError
from planning.progress import Progress

Coverer = Callable[..., Covered]


@dataclass(frozen=True)
class FloorStep:
    """One floor: the least share of each ward's weight; what the cheapest plan found costs, and what no plan can cost less than [INR].

    `cost_inr` is None where no plan reaches the floor, for the reason in `why_not`. `price_inr`: rupees a percent of floor since the step before, as
    found; the true price lies from `price_least_inr` to `price_most_inr`. All three are None for the first step and where no plan was found.
    """

    floor: float
    cost_inr: int | None
    least_inr: int
    why_not: str = ""
    price_inr: float | None = None
    price_least_inr: float | None = None
    price_most_inr: float | None = None


def floor_costs(
    problem: Problem, wanted: float, floors: Sequence[float], *, known: Sequence[Ints] = (), cover: Coverer = cover, gap: float = 0.005,
    time_limit_s: float = 20.0, seed: int = 1, progress: Progress = Progress(),  # noqa: B008
) -> tuple[FloorStep, ...]:  # fmt: skip
    """What each floor costs while at least the wanted weight stays covered; the problem's own floors and capital budget are not looked at.

    Parameters
    ----------
    wanted: least covered weight, existing cameras included.
    floors: shares of each ward's weight [0-1], in any order; none at all, 0, is always asked first.
    known: plans at hand (rows), taken where they cover the wanted and reach a floor.
    cover: what finds the cheapest plan; takes `gap`, `time_limit_s`, `seed`, `progress`.
    time_limit_s: for each floor [s].

    Raises
    ------
    ScenarioError: `floors.share` where a floor is no share. Infeasible: as `cover`, where not even without a floor is the wanted covered.
    """
    faults = [Fault("floors.share", "A floor is a share from 0 to 1", "Write 0.2 or 20%", str(floor)) for floor in floors if not 0 <= floor <= 1]
    if faults:
        raise ScenarioError(faults)
    asked = sorted({0.0, *map(float, floors)})
    inside = problem.ward >= 0
    whole: Floats = np.bincount(problem.ward[inside], weights=problem.weight[inside], minlength=len(problem.limits.ward_least)).astype(np.float64)
    options: dict[str, Any] = {"gap": gap, "time_limit_s": time_limit_s, "seed": seed}
    found: list[tuple[float, Covered | None, str]] = []
    for number, floor in enumerate(asked):
        progress.step("floors", number / len(asked), f"{100 * floor:g} %")
        limits = dataclasses.replace(problem.limits, ward_least=whole * floor)
        try:
            part = progress.part(number / len(asked), (number + 1) / len(asked))
            found.append((floor, cover(dataclasses.replace(problem, limits=limits), wanted, **options, progress=part), ""))
        except Infeasible as error:
            if number == 0:
                raise
            found.append((floor, None, error.faults[0].what))
    plans = [*known, *(covered.chosen for _, covered, _ in found if covered is not None)]
    return _steps(problem, wanted, whole, found, plans)


def _steps(
    problem: Problem, wanted: float, whole: Floats, found: list[tuple[float, Covered | None, str]], plans: list[Ints]
) -> tuple[FloorStep, ...]:
    """A plan that reaches a floor reaches each lower one, and what no plan of a lower floor undercuts none of a higher does."""
    slack = 1e-9 * max(problem.total, 1e-300)
    reached = []
    for rows in plans:
        seen = problem.seen(rows)
        if float(problem.weight[seen].sum()) < wanted - slack:
            continue
        shares = np.divide(ward_weight(problem, seen), whole, out=np.ones_like(whole), where=whole > 0)
        reached.append((float(shares.min(initial=1.0)), problem.spent(rows)[0]))
    steps: list[FloorStep] = []
    for floor, covered, why_not in found:
        costs = [cost for worst, cost in reached if worst >= floor - 1e-9] + ([covered.cost_inr] if covered is not None else [])
        bound = covered.bound_inr if covered is not None else 0
        before = steps[-1] if steps else None
        least = max(bound, before.least_inr if before is not None else 0)
        step = FloorStep(floor, min(costs, default=None), least, "" if costs else why_not)
        if before is not None and before.cost_inr is not None and step.cost_inr is not None:
            percent = 100 * (floor - before.floor)
            most, sure = (step.cost_inr - before.least_inr) / percent, max(least - before.cost_inr, 0) / percent
            step = dataclasses.replace(
                step, price_inr=(step.cost_inr - before.cost_inr) / percent, price_least_inr=sure, price_most_inr=max(most, 0.0)
            )
        steps.append(step)
    return tuple(steps)
