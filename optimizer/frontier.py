"""Coverage against money: a plan and a bound for each of many budgets.

Prices that bound one budget bound every other, so the bounds of all are kept and each budget takes the lowest. Each budget begins from the prices and
the plan of the one before, which are nearly right already. More money is never worse: a plan is a plan of every larger budget, and a bound bounds
every smaller one.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer import search
from optimizer.pricing import Prices
from optimizer.problem import Floats, Ints, Problem
from optimizer.reduce import reduce
from optimizer.run import Run, make_ready
from optimizer.solve import SMALL, check_feasible, no_plan
from planning.errors import Fault, ScenarioError
from planning.progress import Progress

FIRST_ROUNDS, ROUNDS = 400, 120  # of prices: at the first budget, at each next


@dataclass(frozen=True, eq=False)
class Point:
    """One budget [INR]: `chosen` rows of the problem's poses, their worth, what no plan of this budget can exceed, and the gap between."""

    budget: int
    chosen: Ints
    objective: float
    bound: float
    gap: float


@dataclass(frozen=True, eq=False)
class Frontier:
    """The points by budget, and how long it took [s]. `lines` (n, 2): no plan within any
    capital budget b is worth more than the lowest of constant + slope x b.
    """

    points: tuple[Point, ...]
    lines: Floats
    runtime_s: float


def frontier(
    problem: Problem, budgets: Sequence[int], *, gap: float = 0.005, time_limit_s: float = 120.0, seed: int = 1, turns: int | None = None,
    progress: Progress = Progress(),  # noqa: B008
) -> Frontier:  # fmt: skip
    """A plan and a bound for each budget.

    Parameters
    ----------
    problem: its own capital budget is not looked at; all else holds for each point.
    budgets: [INR], ascending.
    gap: where a point is good enough.
    time_limit_s: for all of them [s].
    turns: of the search at each budget at most, so that equal input ends equally on any machine whose time does not run out; gaps that are left are
        then not gone back to.

    Raises
    ------
    ScenarioError: `frontier.budgets` where they are none, not ascending or not above 0.
    Infeasible: as `solve`, where the rules cannot hold at one of the budgets.
    """
    _check(budgets)
    problems = [dataclasses.replace(problem, limits=dataclasses.replace(problem.limits, budget=int(b))) for b in budgets]
    for one in problems:
        check_feasible(one)
    make_ready(progress)
    began = time.monotonic()
    whole = reduce(problems[-1])
    fixed = problem.spent(whole.fixed)[0]
    runs: list[Run] = []
    prices: Prices | None = None
    for k, one in enumerate(problems):
        share_s = (began + 0.75 * time_limit_s - time.monotonic()) / (len(problems) - k)
        core = dataclasses.replace(whole, budget=float(budgets[k] - fixed))
        run = Run(one, core, began=time.monotonic(), gap=gap, time_limit_s=max(share_s, 0.1), seed=seed, progress=_part(progress, k, len(problems)))
        prices = _one(run, runs[-1] if runs else None, prices, share_s, turns)
        if run.best is None:
            raise no_plan(one, core)
        runs.append(run)
    if turns is None:
        _close(runs, budgets, began + time_limit_s, progress.part(0.75, 1.0))
    return Frontier(_points(runs, budgets), np.concatenate([run.lines for run in runs]), time.monotonic() - began)


def _part(progress: Progress, k: int, n: int) -> Progress:
    return progress.part(0.75 * k / n, 0.75 * (k + 1) / n)


def _check(budgets: Sequence[int]) -> None:
    faults = []
    if not len(budgets):
        faults.append(Fault("frontier.budgets", "There is no budget", "Give at least one", ""))
    if any(b <= 0 for b in budgets):
        faults.append(Fault("frontier.budgets", "A budget must be above 0", "Leave it out", str(min(budgets))))
    if any(a >= b for a, b in itertools.pairwise(budgets)):
        faults.append(Fault("frontier.budgets", "The budgets must ascend", "Sort them, each once", ", ".join(map(str, budgets))))
    if faults:
        raise ScenarioError(faults)


def _one(run: Run, before: Run | None, prices: Prices | None, share_s: float, turns: int | None) -> Prices | None:
    """One budget, from the plan and the prices of the one before."""
    run.offer(search.greedy(run.core))
    if before is not None and before.best is not None:
        run.offer(before.best)
    if run.core.n_poses <= SMALL:
        run.whole()
        return None
    dual = run.price(0.5 * share_s, rounds=FIRST_ROUNDS if prices is None else ROUNDS, prices=prices)
    if not run.done and run.left_s > 0.05:
        run.patches(dual.prices, run.left_s, turns=10**6 if turns is None else turns)
    return dual.prices


def _bounds(runs: list[Run], budgets: Sequence[int]) -> Floats:
    """What no plan of each budget can exceed: its own bound, every line, and the bounds of all larger budgets."""
    own = np.array([run.bound for run in runs])
    for run in runs:
        lines = run.lines
        own = np.minimum(own, (lines[:, :1] + lines[:, 1:] * np.asarray(budgets, dtype=np.float64)).min(axis=0))
    return np.minimum.accumulate(own[::-1])[::-1]


def _close(runs: list[Run], budgets: Sequence[int], ends: float, progress: Progress) -> None:
    """While there is time, the widest gap is closed: by tiles at its prices first, then by patches."""
    tried: set[int] = set()
    while time.monotonic() < ends - 0.2:
        bounds = _bounds(runs, budgets)
        gaps = [bounds[k] / max(run.value, 1e-300) - 1 for k, run in enumerate(runs)]
        open_ones = [k for k, run in enumerate(runs) if gaps[k] > run.wanted and k not in tried and run.dual is not None]
        if not open_ones:
            return
        k = max(open_ones, key=lambda row: gaps[row])
        tried.add(k)
        run = runs[k]
        run.progress = progress.part((len(runs) - len(open_ones)) / len(runs), 1.0)
        run.bound, run.ends = float(bounds[k]), min(ends, time.monotonic() + 3 * (ends - time.monotonic()) / (1 + len(open_ones)))
        if run.dual is not None and not run.done:
            run.tiles(run.dual.prices)
        if run.dual is not None and not run.done and run.left_s > 0.5:
            run.patches(run.dual.prices, run.left_s)


def _points(runs: list[Run], budgets: Sequence[int]) -> tuple[Point, ...]:
    bounds = _bounds(runs, budgets)
    points: list[Point] = []
    for k, run in enumerate(runs):
        chosen, value = run.chosen(run.best if run.best is not None else np.empty(0, dtype=np.int64)), run.value
        if points and points[-1].objective > value:
            chosen, value = points[-1].chosen, points[-1].objective
        bound = max(float(bounds[k]), value)
        points.append(Point(int(budgets[k]), chosen, value, bound, bound / value - 1 if value > 0 else 0.0))
    return tuple(points)

