"""Many budgets at once: each point keeps its rules and lies under its bound; more money is never worse."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer import frontier as module
from optimizer.frontier import Frontier, frontier
from optimizer.problem import Problem
from planning.errors import Infeasible, ScenarioError
from planning.progress import Cancelled, Progress
from tests.optimizer.toys import best_value, plain_city, problem_of, random_problem, with_limits


def check(problem: Problem, found: Frontier) -> None:
    """What every frontier owes."""
    for point in found.points:
        assert with_limits(problem, budget=point.budget).broken(point.chosen) == []
        assert point.objective == pytest.approx(problem.value(point.chosen))
        assert point.bound >= point.objective
    values, bounds = [p.objective for p in found.points], [p.bound for p in found.points]
    assert values == sorted(values)
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_each_point_agrees_with_trying_all(seed: int, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every rule switched on, by program or by prices, each value is at most the best of its budget, each bound at least; by program equal."""
    problem = random_problem(seed)
    if not small:
        monkeypatch.setattr(module, "SMALL", 0)
    budgets = [max(problem.limits.budget * k // 4, 1) + k for k in (2, 4, 7)]
    bests = [best_value(with_limits(problem, budget=b)) for b in budgets]
    if bests[0] is None:
        with pytest.raises(Infeasible):
            frontier(problem, budgets, gap=0.0, time_limit_s=6.0)
        return
    found = frontier(problem, budgets, gap=0.0, time_limit_s=6.0)
    check(problem, found)
    for point, best in zip(found.points, bests, strict=True):
        assert best is not None
        assert point.objective <= best + 1e-9 * abs(best)
        assert point.bound >= best - 1e-9 * abs(best)
        if small:
            assert point.objective == pytest.approx(best)


def test_a_city_s_frontier_is_close() -> None:
    """On a town of 200 sites every one of six budgets comes within two hundredths, and no line lies below any of the plans."""
    problem = plain_city(5)
    found = frontier(problem, [200, 400, 600, 900, 1_300, 2_000], gap=0.02, time_limit_s=40.0)
    check(problem, found)
    assert max(point.gap for point in found.points) <= 0.02
    for point in found.points:
        assert (found.lines[:, 0] + found.lines[:, 1] * point.budget).min() >= point.objective


def test_budgets_that_make_no_frontier_are_refused_together() -> None:
    """None, or one that is nothing, or ones that do not ascend."""
    problem = problem_of(np.eye(2, dtype=int), 1.0)
    for budgets, faults in (([], 1), ([0, 5], 1), ([5, 5], 1), ([7, 0, 3], 2)):
        with pytest.raises(ScenarioError) as caught:
            frontier(problem, budgets)
        assert [fault.code for fault in caught.value.faults] == ["frontier.budgets"] * faults


def test_it_stops_when_asked() -> None:
    """Asked to stop, it ends with Cancelled."""
    with pytest.raises(Cancelled):
        frontier(plain_city(5), [200, 900], gap=0.0, time_limit_s=20.0, progress=Progress(stopped=lambda: True))
