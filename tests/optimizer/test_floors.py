"""What a floor for every ward costs in rupees, against every plan of small problems."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from optimizer.floors import floor_costs
from planning.errors import Infeasible, ScenarioError
from tests.optimizer.test_cover import without_budget
from tests.optimizer.toys import lawful, problem_of, random_problem, with_limits

FLOORS = (0.3, 0.6, 0.9)


@pytest.mark.parametrize("seed", range(40))
def test_each_step_against_every_plan(seed: int) -> None:
    """The cost is that of the cheapest plan of all that covers the wanted with the floor, or there is none; the bound lies at or below it; costs only
    rise with the floor; the true price of each step lies where it is said to.
    """
    problem = with_limits(random_problem(seed), ward_least=np.zeros(len(random_problem(seed).limits.ward_least)))
    plain = without_budget(problem)
    plans, values = lawful(plain)
    if not len(plans):
        return
    rows = [np.nonzero(plan)[0] for plan in plans]
    wanted = 0.4 * float(values.max())
    totals = np.bincount(problem.ward[problem.ward >= 0], weights=problem.weight[problem.ward >= 0], minlength=len(problem.limits.ward_least))
    steps = floor_costs(problem, wanted, FLOORS, gap=0.0, time_limit_s=20.0)
    assert [step.floor for step in steps] == [0.0, *FLOORS]
    best = []
    for step in steps:
        floored = dataclasses.replace(plain, limits=dataclasses.replace(plain.limits, ward_least=totals * step.floor))
        costs = [
            plain.spent(chosen)[0] for chosen, value in zip(rows, values, strict=True)
            if value >= wanted - 1e-9 * problem.total and not (floored.ward_short(floored.seen(chosen)) > 0).any()
        ]  # fmt: skip
        best.append(min(costs, default=None))
        assert step.cost_inr == best[-1]
        assert best[-1] is None or step.least_inr <= best[-1]
        assert (step.why_not == "") == (best[-1] is not None)
    for (before, less), (after, more) in itertools.pairwise(zip(steps, best, strict=True)):
        if less is None or more is None:
            assert after.price_inr is None
            continue
        true = (more - less) / (100 * (after.floor - before.floor))
        assert after.price_least_inr is not None
        assert after.price_most_inr is not None
        assert after.price_least_inr - 1e-6 <= true <= after.price_most_inr + 1e-6
        assert after.price_inr == pytest.approx(true)


def test_worked_by_hand() -> None:
    """Two wards of weight 10; the cheap camera sees all of one, the dear one all of the other: any floor buys the dear one too."""
    problem = problem_of([[1, 0], [0, 1]], [10, 10], cost=[5, 30], ward=[0, 1], least=[0, 0], names=("A", "B"))
    free, floored = floor_costs(problem, 10, [0.1], gap=0.0)
    assert (free.cost_inr, floored.cost_inr, floored.price_inr) == (5, 35, 3.0)
    assert (free.least_inr, floored.least_inr) == (5, 35)


def test_a_plan_at_hand_is_not_undercut_by_luck() -> None:
    """A known plan that is cheaper than what the search found is taken, at its own floor and below."""
    problem = problem_of([[1, 0], [0, 1]], [10, 10], cost=[5, 30], ward=[0, 1], least=[0, 0])

    def dear(*args: object, **options: object) -> object:
        from optimizer.cover import cover

        found = cover(*args, **options)  # type: ignore[arg-type]
        return dataclasses.replace(found, cost_inr=99, bound_inr=1, chosen=np.zeros(0, dtype=np.int64))

    free, floored = floor_costs(problem, 10, [0.5], known=[np.array([0, 1])], cover=dear)  # type: ignore[arg-type]
    assert (free.cost_inr, floored.cost_inr, floored.price_inr) == (35, 35, 0.0)
    assert (floored.price_least_inr, floored.price_most_inr) == (0.0, pytest.approx(34 / 50))


def test_what_cannot_be_asked_is_refused() -> None:
    """Floors that are no shares are told together; a coverage out of reach is no matter of floors."""
    problem = problem_of([[1, 0]], [10, 10], ward=[0, 1], least=[0, 0])
    with pytest.raises(ScenarioError) as caught:
        floor_costs(problem, 5, [-0.1, 1.5])
    assert [fault.code for fault in caught.value.faults] == ["floors.share"] * 2
    with pytest.raises(Infeasible):
        floor_costs(problem, 15, [0.1])
