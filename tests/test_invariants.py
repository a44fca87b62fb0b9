"""What holds of every plan of every problem, whatever its rules: drawn and shrunk by hypothesis."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer import solve as strategy
from optimizer.problem import Problem
from optimizer.solve import Outcome, solve
from planning.errors import Infeasible
from tests.optimizer.toys import plain_city, random_problem, with_limits

QUICK = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**31)


def plan_of(problem: Problem, *, gap: float = 0.0, seed: int = 1) -> Outcome | None:
    """The outcome, None where no plan is lawful."""
    try:
        return solve(problem, gap=gap, time_limit_s=5.0, seed=seed)
    except Infeasible:
        return None


@QUICK
@given(seeds, st.booleans())
def test_rules_hold_and_what_is_stated_is_so(seed: int, large: bool) -> None:
    """Every plan keeps its budgets and rules; its stated worth is its recomputed worth; its bound is no lower."""
    problem = random_problem(seed)
    with pytest.MonkeyPatch.context() as patch:
        if large:
            patch.setattr(strategy, "SMALL", 0)
        outcome = plan_of(problem)
    if outcome is not None:
        assert problem.broken(outcome.chosen) == []
        assert outcome.objective == pytest.approx(problem.value(outcome.chosen))
        assert outcome.bound >= outcome.objective


@QUICK
@given(seeds, st.integers(0, 200), st.integers(0, 40), st.integers(0, 3))
def test_more_is_never_worse(seed: int, money: int, upkeep: int, room: int) -> None:
    """More capital, more a year and more room never lower the best worth, and never make a lawful problem unlawful."""
    problem = random_problem(seed)
    limits = problem.limits
    yearly = None if limits.yearly is None else limits.yearly + upkeep
    before = plan_of(problem)
    after = plan_of(with_limits(problem, budget=limits.budget + money, yearly=yearly, per_site=limits.per_site + room))
    if before is not None:
        assert after is not None
        assert after.objective >= before.objective - 1e-9 * abs(before.objective)


@QUICK
@given(seeds, seeds)
def test_a_camera_more_never_sees_less(seed: int, other: int) -> None:
    """Adding a camera to any plan never lowers coverage, nor the second views, and gains no more the more there stand (each view less its price)."""
    problem, rng = random_problem(seed), np.random.default_rng(other)
    rows = rng.permutation(problem.n_poses)
    few, many, new = np.sort(rows[: len(rows) // 3]), np.sort(rows[: 2 * len(rows) // 3]), rows[-1:]

    def gain(plan: np.ndarray) -> float:
        return problem.value(np.union1d(plan, new)) - problem.value(plan) + float(problem.penalty[np.setdiff1d(new, plan)].sum())

    assert gain(few) >= -1e-9
    if new[0] not in many:
        assert gain(few) >= gain(many) - 1e-9 * max(problem.total, 1.0)


@settings(QUICK, max_examples=4)
@given(st.integers(0, 50))
def test_equal_seeds_give_equal_plans(seed: int) -> None:
    """The same problem, gap and seed give the same plan and bound where time does not cut it short."""
    problem = plain_city(seed, sites=150, budget=600)
    first, again = (solve(problem, gap=0.03, time_limit_s=60.0, seed=seed) for _ in range(2))
    assert first.chosen.tolist() == again.chosen.tolist()
    assert first.bound == again.bound


@QUICK
@given(seeds, st.floats(1e-6, 1e6))
def test_the_unit_of_weight_is_free(seed: int, unit: float) -> None:
    """Weights, second views and privacy prices in another unit: the best worth is that many times as much."""
    problem = random_problem(seed)
    limits = dataclasses.replace(problem.limits, ward_least=unit * problem.limits.ward_least)
    other = dataclasses.replace(problem, weight=unit * problem.weight, second=unit * problem.second, penalty=unit * problem.penalty, limits=limits)
    before, after = plan_of(problem), plan_of(other)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert after.objective == pytest.approx(unit * before.objective, rel=1e-6, abs=1e-9 * unit * problem.total)


@settings(QUICK, max_examples=20)
@given(seeds, st.integers(1, 80), st.integers(1, 10))
def test_more_weight_on_a_part_never_wins_less_of_it(seed: int, weight: int, more: int) -> None:
    """Of plans proven best within equal limits, the one to which a part of the demand, as routes are, weighs more wins no less of that part."""
    problem = random_problem(seed)
    part = np.arange(len(problem.weight)) % 3 == 0
    if problem.limits.ward_least.any():
        problem = with_limits(problem, ward_least=np.zeros(len(problem.limits.ward_least)))
    problem = dataclasses.replace(problem, second=np.where(part, 0.0, problem.second))
    won = []
    for factor in (weight / 100, weight / 100 * (1 + more)):
        plan = plan_of(dataclasses.replace(problem, weight=np.where(part, factor * problem.weight, problem.weight)))
        if plan is None:
            return
        won.append(float(problem.weight[problem.seen(plan.chosen) & part].sum()))
    assert won[1] >= won[0] - 1e-9 * max(problem.total, 1e-300)
