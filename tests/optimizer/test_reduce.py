"""Reductions are exact: fewer rows, the same best plan."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from optimizer.problem import Problem
from optimizer.reduce import Core, reduce
from optimizer.search import floors_hold, value
from tests.optimizer.toys import best_value, lawful, problem_of, random_problem

SEEDS = range(60)


def affordable_keep(problem: Problem) -> bool:
    """Whether the kept poses alone break no limit: what a solve checks before it reduces."""
    kept = np.nonzero(problem.limits.keep)[0]
    capital, year = problem.spent(kept)
    fits = capital <= problem.limits.budget and (problem.limits.yearly is None or year <= problem.limits.yearly)
    return fits and bool(np.bincount(problem.site[kept], minlength=1).max() <= problem.limits.per_site)


def plans_of(core: Core) -> npt.NDArray[np.int64]:
    """All plans of a core as 0/1 rows."""
    return (np.arange(2**core.n_poses)[:, None] >> np.arange(core.n_poses)) & 1


def fits(core: Core, rows: npt.NDArray[np.int64]) -> bool:
    """Whether a plan of the core keeps the core's own limits."""
    site = np.repeat(np.arange(len(core.room)), np.diff(core.first))
    used = np.bincount(site[rows], minlength=len(core.room))
    capital = core.cost[rows].sum() + core.site_cost[used > 0].sum()
    year = core.yearly[rows].sum() + core.site_yearly[used > 0].sum()
    return bool(capital <= core.budget and year <= core.yearly_left and (used <= core.room).all() and floors_hold(core, rows))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_core_has_the_same_best_plan(seed: int) -> None:
    """Trying all plans of the core gives the best value of the full problem, and each of its plans has the same value and keeps the rules there."""
    problem = random_problem(seed, most_poses=8)
    if not affordable_keep(problem):
        return
    core = reduce(problem)
    best = None
    for plan in plans_of(core):
        rows = np.nonzero(plan)[0]
        chosen = np.sort(np.concatenate([core.fixed, core.pose[rows]]))
        assert value(core, rows) == pytest.approx(problem.value(chosen))
        assert fits(core, rows) == (not problem.broken(chosen))
        if fits(core, rows):
            best = max(best if best is not None else -np.inf, value(core, rows))
    wanted = best_value(problem)
    assert (best is None) == (wanted is None)
    assert best == wanted or best == pytest.approx(wanted)


def test_merged_points_are_those_seen_alike_in_a_ward() -> None:
    """Points seen by the same poses in the same ward are one with their weights summed; other wards stay apart; the unseen and the covered fall
    out.
    """
    covers = [[1, 1, 1, 0, 1, 1], [1, 1, 1, 0, 0, 1]]
    problem = problem_of(covers, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0], ward=[0, 0, 1, 0, 0, 0], already=[False] * 5 + [True], least=[0.0, 0.0])
    core = reduce(problem)
    assert sorted(core.weight.tolist()) == [3.0, 4.0, 16.0]
    assert core.point[0] == core.point[1] != core.point[2]
    assert core.point[[3, 5]].tolist() == [-1, -1]
    assert core.base == 32.0
    assert core.weight[core.point[[0, 2, 4]]].tolist() == [3.0, 4.0, 16.0]
    assert core.ward[core.point[[0, 2, 4]]].tolist() == [0, 1, 0]


def test_a_dominated_pose_falls_out_only_at_its_own_site() -> None:
    """A pose that sees no more than another of its site and costs no less is gone; one that is cheaper, cheaper a year, or elsewhere stays."""
    covers = [[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1]]
    problem = problem_of(covers, 1.0, cost=[5, 5, 4, 6, 6, 5], yearly=[5, 5, 6, 4, 5, 5], site=[0, 0, 0, 0, 0, 1])
    assert reduce(problem).pose.tolist() == [0, 2, 3, 5]


def test_twins_leave_one() -> None:
    """Of two equal poses one stays."""
    assert len(reduce(problem_of([[1, 1], [1, 1]], 1.0, site=[0, 0])).pose) == 1


def test_kept_poses_are_spent_and_their_sites_open() -> None:
    """What is kept is paid: budget and room shrink, its site costs nothing more, what it sees is covered; the pose is no longer a choice."""
    problem = problem_of(
        [[1, 1, 0], [0, 1, 1], [0, 0, 1]], [1.0, 2.0, 4.0], cost=[5, 6, 7], site=[0, 0, 1], site_cost=[50, 60], yearly=2, site_yearly=3, budget=200,
        yearly_budget=20, per_site=3, keep=[0], least=[5.0],
    )  # fmt: skip
    core = reduce(problem)
    assert (core.budget, core.yearly_left, core.base) == (145.0, 15.0, 3.0)
    assert core.fixed.tolist() == [0]
    assert core.pose.tolist() == [1, 2]
    assert core.site_cost.tolist() == [0.0, 60.0]
    assert core.room.tolist() == [1, 1]
    assert core.ward_least.tolist() == [2.0]


def test_what_cannot_be_paid_even_alone_is_no_choice() -> None:
    """A pose whose cost with its site's passes a budget, or that is forbidden, or whose site is full, falls out."""
    covers = np.eye(5, dtype=int)
    problem = problem_of(covers, 1.0, cost=[5, 9, 5, 5, 5], site_cost=[0, 2, 0, 0, 0], yearly=[1, 1, 9, 1, 1], budget=10, yearly_budget=8, forbid=[3])
    assert reduce(problem).pose.tolist() == [0, 4]
    full = problem_of(np.eye(3, dtype=int), 1.0, site=[0, 0, 1], per_site=1, keep=[0])
    assert reduce(full).pose.tolist() == [2]


def test_nothing_left_is_an_empty_core() -> None:
    """Where every pose is forbidden the core is empty and worth what stands already."""
    problem = problem_of([[1, 0], [0, 1]], [1.0, 2.0], already=[False, True], forbid=[0, 1])
    core = reduce(problem)
    assert (core.n_poses, len(core.weight), core.base) == (0, 0, 2.0)
    assert value(core, np.empty(0, dtype=np.int64)) == 2.0


def test_the_full_problem_is_untouched() -> None:
    """Reducing changes nothing in the problem it reduces."""
    for seed in range(10):
        problem = random_problem(seed)
        before = problem.digest
        reduce(problem)
        del problem.__dict__["digest"]
        assert problem.digest == before


def test_some_seeds_have_lawful_plans_and_some_have_none() -> None:
    """The random problems above are of both sorts, else they would prove little."""
    kinds = [len(lawful(random_problem(seed, most_poses=8))[0]) > 0 for seed in SEEDS]
    assert 15 < sum(kinds) < 58
