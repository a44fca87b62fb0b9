"""A network built in phases: nested, lawful, proven, and no worse than either way of finding them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimizer.phases import Phases, Solver, phases
from optimizer.problem import Problem
from optimizer.solve import solve
from planning.errors import Infeasible, ScenarioError
from planning.progress import Cancelled, Progress, Step
from tests.optimizer.exact import by_trying_all
from tests.optimizer.toys import best_value, lawful, problem_of, random_problem, with_limits

SOLVERS = pytest.mark.parametrize(("solver", "block"), [*((by_trying_all, block) for block in range(6)), *((solve, block) for block in range(2))])


def at_budget(problem: Problem, budget: int, *, floors: bool) -> Problem:
    """The problem of one phase."""
    least = problem.limits.ward_least
    return with_limits(problem, budget=budget, ward_least=least if floors else np.zeros(len(least)))


def check_phases(problem: Problem, found: Phases, budgets: list[int], floors: str) -> None:
    """What phases owe: each lawful, holding the one before, its figures its own plan's, its bound no lower than the best at its budget."""
    before: set[int] = set()
    assert [phase.budget for phase in found.phases] == budgets
    for at, phase in enumerate(found.phases):
        own = at_budget(problem, budgets[at], floors=floors == "every" or at == len(budgets) - 1)
        best = best_value(own)
        assert best is not None
        slack = 1e-6 * problem.total
        assert own.broken(phase.chosen) == []
        assert before <= set(phase.chosen.tolist())
        assert set(phase.added.tolist()) == set(phase.chosen.tolist()) - before
        before = set(phase.chosen.tolist())
        assert phase.value == pytest.approx(problem.value(phase.chosen))
        assert (phase.capital, phase.yearly) == problem.spent(phase.chosen)
        assert phase.alone == pytest.approx(best, abs=slack)
        assert phase.bound >= best - slack
        assert 0 <= phase.nesting <= phase.nesting_most
        assert phase.gap == pytest.approx(phase.bound / phase.value - 1 if phase.value > 0 else 0.0)


@SOLVERS
def test_phases_hold_all_they_owe(solver: Solver, block: int) -> None:
    """On 20 problems a block, two or three budgets, floors in the last phase or in every one: the phases are sound, the better way is told, and no
    nested plans are worth more than the bounds say."""
    n_found = 0
    for seed in range(20 * block, 20 * block + 20):
        problem, rng = random_problem(seed, most_poses=8), np.random.default_rng([seed, 17])
        budgets = sorted({int(problem.limits.budget * share) for share in rng.uniform(0.4, 1.5, int(rng.integers(2, 4)))})
        for floors in ("last", "every"):
            owns = [at_budget(problem, budget, floors=floors == "every" or at == len(budgets) - 1) for at, budget in enumerate(budgets)]
            hopeless = any(best_value(own) is None for own in owns)
            try:
                found = phases(problem, budgets, floors=floors, solve=solver, gap=0.0)
            except Infeasible as error:
                assert hopeless or error.code == "phases.nested"
                continue
            assert not hopeless
            n_found += 1
            check_phases(problem, found, budgets, floors)
            total = sum(phase.value for phase in found.phases)
            assert total == pytest.approx(max(value for value in found.sums.values() if value is not None))
            assert found.sums[found.way] == pytest.approx(total)
            if len(budgets) == 2:
                assert total <= best_pair(owns) + 1e-6 * problem.total
    assert n_found > 5


def best_pair(owns: list[Problem]) -> float:
    """The most that two plans, the second holding the first, are worth together, by trying all pairs."""
    (small, values), (large, more) = (lawful(own) for own in owns)
    return max(float(a + b) for x, a in zip(small, values, strict=True) for y, b in zip(large, more, strict=True) if (x <= y).all())


def test_growing_wins_where_little_money_does_much() -> None:
    """6 and 5 for 10 each or 13 for 20: growing has 6 then 11, shrinking nothing then 13."""
    problem = problem_of(np.eye(3, dtype=int), [6.0, 13.0, 5.0], cost=[10, 20, 10])
    found = phases(problem, [10, 20], gap=0.0)
    assert found.way == "grow"
    assert found.sums == pytest.approx({"grow": 17.0, "shrink": 13.0})
    first, second = found.phases
    assert (first.chosen.tolist(), second.chosen.tolist(), second.added.tolist()) == ([0], [0, 2], [2])
    assert (first.nesting, second.nesting, second.nesting_most) == pytest.approx((0.0, 2.0, 2.0))
    assert (second.alone, second.bound, second.gap) == pytest.approx((13.0, 13.0, 13 / 11 - 1))


def test_shrinking_wins_where_the_first_best_stands_in_the_way() -> None:
    """The best single camera sees 6 points, but the best two see 10 without it: growing has 6 then 8, shrinking 5 then 10."""
    covers = np.zeros((3, 10), dtype=int)
    for pose, points in enumerate(([0, 1, 2, 3, 4, 5], [0, 1, 2, 6, 7], [3, 4, 5, 8, 9])):
        covers[pose, points] = 1
    found = phases(problem_of(covers, 1.0, cost=10), [10, 20], gap=0.0)
    assert found.way == "shrink"
    assert found.sums == pytest.approx({"grow": 14.0, "shrink": 15.0})
    assert [phase.value for phase in found.phases] == pytest.approx([5.0, 10.0])
    assert found.phases[0].nesting == pytest.approx(1.0)


def test_floors_may_wait_for_the_last_phase() -> None:
    """A floor that the first budget cannot reach is asked in the last phase only; asked in every phase it is refused."""
    problem = problem_of(np.eye(2, dtype=int), [9.0, 1.0], ward=[0, 1], cost=10, least=[0.0, 1.0])
    found = phases(problem, [10, 20], gap=0.0)
    assert [phase.chosen.tolist() for phase in found.phases] == [[0], [0, 1]]
    every = phases(problem, [10, 20], floors="every", gap=0.0)
    assert [phase.chosen.tolist() for phase in every.phases] == [[1], [0, 1]]
    with pytest.raises(Infeasible):
        phases(with_limits(problem, ward_least=np.array([9.0, 1.0])), [10, 20], floors="every", gap=0.0)


def test_growing_may_fail_where_shrinking_does_not() -> None:
    """Where the first phase's best leaves no money for the last phase's floor, the other way is taken; where both fail the refusal says so."""
    problem = problem_of(np.eye(3, dtype=int), [9.0, 1.0, 2.0], ward=[0, 1, 1], cost=[10, 10, 12], least=[0.0, 2.0], budget=0)
    found = phases(problem, [10, 12], gap=0.0)
    assert (found.way, found.sums["grow"]) == ("shrink", None)
    assert [phase.chosen.tolist() for phase in found.phases] == [[], [2]]
    apart = problem_of(
        [[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]], 1.0, ward=[0, 1, 0, 1], cost=[10, 11, 11], least=[1.0, 1.0], budget=0, per_site=1, site=[0, 1, 1],
        yearly=1, yearly_budget=1,
    )  # fmt: skip
    assert phases(apart, [10, 11], floors="every", gap=0.0).phases[0].chosen.tolist() == [0]

    def stubborn(problem: Problem, **options: Any) -> Any:
        if problem.limits.keep.any() or problem.limits.forbid.any():
            raise Infeasible.one("floor.budget", "No", "No")
        return by_trying_all(problem)

    with pytest.raises(Infeasible) as caught:
        phases(apart, [10, 11], solve=stubborn)
    assert caught.value.code == "phases.nested"


def test_one_budget_is_one_plan() -> None:
    """A single phase is the plan of its budget, nothing lost by nesting."""
    found = phases(problem_of(np.eye(3, dtype=int), [1.0, 2.0, 3.0], cost=10), [20], gap=0.0)
    (phase,) = found.phases
    assert (phase.value, phase.nesting, found.way) == (5.0, 0.0, "grow")


@pytest.mark.parametrize("budgets", [[], [20, 10], [10, 10], [10, 20.0], [-1, 5], [True, 5], ["1", "2"], [None]])
def test_budgets_that_do_not_grow_are_refused(budgets: Any) -> None:
    """No budgets, falling or equal ones, fractions, debts and words are refused, together with an unknown wish for floors."""
    with pytest.raises(ScenarioError) as caught:
        phases(problem_of(np.eye(2, dtype=int), 1.0), budgets, floors="first")
    assert [fault.code for fault in caught.value.faults] == ["phases.budgets", "phases.floors"]


def test_it_tells_and_stops_when_asked() -> None:
    """Steps are told in order from 0 to 1; asked to stop, the work ends."""
    problem = problem_of(np.eye(3, dtype=int), 1.0, cost=10)
    told: list[Step] = []
    phases(problem, [10, 20, 30], progress=Progress(told.append))
    assert [step.share for step in told] == sorted(step.share for step in told)
    assert len(told) == 7
    with pytest.raises(Cancelled):
        phases(problem, [10], progress=Progress(stopped=lambda: True))
