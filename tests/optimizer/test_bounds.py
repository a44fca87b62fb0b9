"""The Lagrangian bound lies above every lawful plan, whatever the prices, and comes close."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optimizer import program
from optimizer.bounds import Dual, lagrangian
from optimizer.pricing import Evaluation, Prices
from optimizer.problem import Ints
from optimizer.reduce import Core, reduce
from optimizer.search import coverage, greedy, value
from tests.optimizer.test_reduce import affordable_keep
from tests.optimizer.toys import best_value, plain_city, problem_of, random_problem, with_limits


def bound_of(core: Core, incumbent: float, *, rounds: int = 60, gap: float = 0.0) -> Dual:
    """The bound from the greedy's own start."""
    return lagrangian(core, incumbent, started=coverage(core, greedy(core)), time_limit_s=20.0, gap=gap, rounds=rounds)


@pytest.mark.parametrize("seed", range(120))
def test_it_never_lies_below_the_best_plan(seed: int) -> None:
    """After any number of rounds, at any scale of weights, with floors, two budgets and kept cameras, the bound is at least the best plan's
    weight.
    """
    scale = (1.0, 1e-7, 1e9)[seed % 3]
    problem = random_problem(seed, scale=scale)
    best = best_value(problem)
    if best is None or not affordable_keep(problem):
        return
    core = reduce(problem)
    for rounds in (1, 7, 60):
        dual = bound_of(core, core.base, rounds=rounds)
        assert dual.bound >= best - 1e-12 * abs(best)
        assert dual.bound_at(core.budget) == pytest.approx(dual.bound)


@pytest.mark.parametrize("seed", range(80))
def test_every_price_bounds(seed: int) -> None:
    """Whatever the prices on coverage, rupees and wards, the Lagrangian lies above every lawful plan; what the sites spent and saw is told."""
    problem = random_problem(seed)
    best = best_value(problem)
    if best is None or not affordable_keep(problem):
        return
    core, rng = reduce(problem), np.random.default_rng(seed)
    now = Evaluation(core)
    for _ in range(20):
        rupee = float(rng.choice([0.0, 0.05, 0.5, 5.0]) * rng.random())
        year = float(rng.random()) if np.isfinite(core.yearly_left) else 0.0
        ward = np.where(core.ward_least > 0, rng.choice([0.0, 1.0, 30.0]) * rng.random(len(core.ward_least)), 0.0)
        bound = now.run(Prices(rng.random(len(core.weight)), rupee, year, ward))
        assert bound >= best - 1e-12 * abs(best)
        rows = np.nonzero(now.picks)[0]
        assert now.capital == pytest.approx(problem.spent(np.concatenate([core.fixed, core.pose[rows]]))[0] - problem.spent(core.fixed)[0])
        site = np.repeat(np.arange(len(core.room)), np.diff(core.first))
        seers = [{int(site[p]) for p in rows if i in core.items[core.start[p] : core.start[p + 1]]} for i in range(len(core.weight))]
        assert now.seen.tolist() == [len(sites) for sites in seers]


def test_a_floor_s_price_by_hand() -> None:
    """The budget buys one camera; the poor ward's floor asks for the one worth 1, not the one worth 10. At 10 a rupee and 20 for the floor, L is
    10 for the budget, 11 for the poor ward's camera (21 less 10), 0 for the rich one's, less 20 for the floor: 1, which is the best plan."""
    core = reduce(problem_of([[1, 0], [0, 1]], [10.0, 1.0], ward=[0, 1], cost=1, budget=1, least=[0.0, 1.0]))
    now = Evaluation(core)
    bound = now.run(Prices(np.ones(2), 10.0, 0.0, np.array([0.0, 20.0])))
    assert (bound, now.capital) == (pytest.approx(1.0), 1.0)


def test_one_pole_one_budget_is_tight() -> None:
    """Where the budget pays for everything, the bound falls to all that can be seen: to within a thousandth."""
    core = reduce(problem_of(np.eye(6, dtype=int), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], cost=2, budget=12))
    assert bound_of(core, 21.0, rounds=200, gap=1e-4).bound == pytest.approx(21.0, rel=2e-3)


def test_it_comes_near_on_a_middling_problem() -> None:
    """Where cameras see pieces of a plain, the bound lies within 1 % of a plan that the program proves to be within 1 % of the best."""
    problem = plain_city(4, sites=60, budget=600)
    core = reduce(problem)
    start = greedy(core)
    answer = program.solve(core, np.arange(core.n_poses), time_limit_s=20.0, gap=0.01, start=start)
    assert answer.chosen is not None
    best = value(core, answer.chosen)
    assert best <= bound_of(core, best, rounds=400).bound <= 1.01 * best
    assert answer.bound <= 1.0101 * best


def test_it_stops_within_the_gap_and_tells_as_it_goes() -> None:
    """It looks up every 50 rounds with a bound that only falls, and stops once the bound is near enough to the incumbent, or when asked to."""
    rng = np.random.default_rng(6)
    core = reduce(problem_of(rng.random((30, 200)) < 0.1, 1.0, cost=10, budget=80))
    told: list[float] = []

    def look(dual: Dual, lately: Ints) -> float:
        assert len(lately) == core.n_poses
        told.append(dual.bound)
        return 0.0

    whole = lagrangian(core, 0.0, started=np.zeros(len(core.weight)), time_limit_s=20.0, gap=0.0, rounds=200, look=look)
    assert len(told) == 4
    assert told == sorted(told, reverse=True)
    assert whole.bound <= told[-1]
    assert whole.picks.shape == (core.n_poses,)
    assert bound_of(core, whole.bound / 1.5, gap=0.6, rounds=200).rounds < 200
    stopped = lagrangian(core, 0.0, started=np.zeros(len(core.weight)), time_limit_s=20.0, gap=0.0, stopped=lambda: True)
    assert (stopped.rounds, stopped.bound) == (0, core.base + core.weight.sum())


@pytest.mark.parametrize("seed", range(40))
def test_one_price_bounds_every_budget(seed: int) -> None:
    """The lines of one solve lie above the best plan of every other capital budget, small or large."""
    problem = random_problem(seed)
    if best_value(problem) is None or not affordable_keep(problem):
        return
    core = reduce(with_limits(problem, budget=10**9))
    spent = problem.spent(core.fixed)[0]
    dual = bound_of(dataclasses.replace(core, budget=float(problem.limits.budget - spent)), core.base, rounds=40)
    for budget in (problem.limits.budget // 2, problem.limits.budget, 3 * problem.limits.budget):
        best = best_value(with_limits(problem, budget=budget))
        assert best is None or dual.bound_at(float(budget - spent)) >= best - 1e-9 * abs(best)


def test_no_time_is_still_a_bound() -> None:
    """With no time at all one round is done and its bound holds."""
    core = reduce(problem_of(np.eye(3, dtype=int), 1.0, cost=1, budget=2))
    assert lagrangian(core, 2.0, started=np.zeros(3), time_limit_s=0.0, gap=0.0).bound >= 2.0
