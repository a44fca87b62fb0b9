"""Fast answers keep every rule they can and buy the best block for the money."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.problem import Problem
from optimizer.reduce import reduce
from optimizer.search import coverage, floors_hold, greedy, one_price, value, ward_weight
from tests.optimizer.test_reduce import affordable_keep
from tests.optimizer.toys import best_value, problem_of, random_problem, with_limits


def bought(problem: Problem) -> list[int]:
    """What the greedy chooses, as rows of the problem."""
    core = reduce(problem)
    rows: list[int] = core.pose[greedy(core)].tolist()
    return rows


@pytest.mark.parametrize("seed", range(120))
def test_the_greedy_keeps_every_rule_but_perhaps_a_floor(seed: int) -> None:
    """Budgets, room, kept and forbidden hold in every greedy plan; only a ward's floor may be missed, and then the plan is told to break it."""
    problem = random_problem(seed)
    if not affordable_keep(problem):
        return
    core = reduce(problem)
    rows = greedy(core)
    chosen = np.sort(np.concatenate([core.fixed, core.pose[rows]]))
    broken = problem.broken(chosen)
    assert all("below their floor" in sentence for sentence in broken)
    assert floors_hold(core, rows) == (not broken)
    best = best_value(problem)
    if best is not None and not broken:
        assert problem.value(chosen) <= best * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize("seed", range(60))
def test_the_greedy_leaves_nothing_useful_that_it_could_pay(seed: int) -> None:
    """No pose that would add weight fits into what the greedy left over."""
    problem = random_problem(seed)
    if not affordable_keep(problem):
        return
    core = reduce(problem)
    rows = greedy(core)
    chosen = np.sort(np.concatenate([core.fixed, core.pose[rows]]))
    floors_aside = with_limits(problem, ward_least=np.zeros(len(problem.limits.ward_least)))
    for pose in np.setdiff1d(np.nonzero(~problem.limits.forbid)[0], chosen):
        more = np.sort(np.append(chosen, pose))
        assert floors_aside.broken(more) or problem.value(more) <= problem.value(chosen) + 1e-12


def test_a_pole_shared_by_three_beats_a_lone_camera() -> None:
    """One pole at 90 carries three cameras of 10 that see 3 points each: 9 points for 120. Alone each would look dear beside a lone camera of 40
    for 1.
    """
    covers = np.zeros((4, 10), dtype=int)
    for k in range(3):
        covers[k, 3 * k : 3 * k + 3] = 1
    covers[3, 9] = 1
    problem = problem_of(covers, 1.0, cost=[10, 10, 10, 40], site=[0, 0, 0, 1], site_cost=[90, 0], budget=120)
    assert bought(problem) == [0, 1, 2]


def test_more_cameras_at_a_site_than_sixteen() -> None:
    """A site may carry any number of cameras the limits allow."""
    problem = problem_of(np.eye(40, dtype=int), 1.0, cost=1, site=[0] * 40, site_cost=[5], per_site=1_000_000, budget=35)
    assert len(bought(problem)) == 30


def test_floors_come_first() -> None:
    """The poor ward's only camera is bought before the rich ward's better one."""
    problem = problem_of([[1, 1, 0], [0, 0, 1]], [9.0, 9.0, 1.0], ward=[0, 0, 1], cost=10, budget=10, least=[0.0, 1.0])
    assert bought(problem) == [1]
    assert bought(with_limits(problem, ward_least=np.zeros(2))) == [0]


def test_only_the_allowed_are_bought() -> None:
    """Poses that are not allowed stay out, however good."""
    core = reduce(problem_of(np.eye(3, dtype=int), [3.0, 2.0, 1.0], cost=1, budget=2))
    assert greedy(core, allowed=np.array([False, True, True])).tolist() == [1, 2]


def test_it_goes_on_from_a_plan() -> None:
    """Poses given to start with stay and are paid; the rest of the money is spent on what they leave uncovered."""
    core = reduce(problem_of([[1, 1, 0], [1, 0, 0], [0, 0, 1]], [1.0, 5.0, 3.0], cost=[4, 4, 4], budget=8))
    assert greedy(core, start_with=np.array([1])).tolist() == [0, 1]
    assert greedy(core, start_with=np.array([2])).tolist() == [0, 2]


def test_equal_inputs_give_equal_plans() -> None:
    """The greedy throws no dice."""
    for seed in range(20):
        core = reduce(random_problem(seed))
        assert greedy(core).tolist() == greedy(core).tolist()


def test_coverage_value_and_wards_by_hand() -> None:
    """How often points are seen, what they weigh, and where."""
    core = reduce(problem_of([[1, 1, 0], [0, 1, 1]], [1.0, 2.0, 4.0], ward=[0, 1, -1], least=[1.0, 3.0]))
    both = np.array([0, 1])
    assert coverage(core, both)[core.point].tolist() == [1, 2, 1]
    assert value(core, both) == 7.0
    assert ward_weight(core, coverage(core, both) > 0).tolist() == [1.0, 2.0]
    assert not floors_hold(core, both)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_floors_hold_at_any_scale(scale: float) -> None:
    """A floor missed by half is missed whatever the weights' unit."""
    core = reduce(problem_of([[1, 0], [0, 1]], np.array([1.0, 1.0]) * scale, least=np.array([2.0]) * scale))
    assert not floors_hold(core, np.array([0]))
    assert floors_hold(core, np.array([0, 1]))


def test_one_price_for_two_budgets() -> None:
    """A pose's price is its share of each budget that is limited."""
    core = reduce(problem_of(np.eye(2, dtype=int), 1.0, cost=[5, 10], yearly=[1, 2], budget=100, yearly_budget=10))
    assert one_price(core, core.cost, core.yearly).tolist() == pytest.approx([0.15, 0.3])
    free = reduce(problem_of(np.eye(2, dtype=int), 1.0, cost=[5, 10], yearly=[1, 2], budget=100))
    assert one_price(free, free.cost, free.yearly).tolist() == pytest.approx([0.05, 0.1])
