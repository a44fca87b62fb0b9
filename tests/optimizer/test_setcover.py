"""Reductions keep the cheapest full covering; the bound lies below it; what is dropped by it is in no cheaper plan."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optimizer import program
from optimizer.problem import Problem
from optimizer.reduce import Core, reduce
from optimizer.search import spent, value
from optimizer.setcover import all_seen, lower_bound, seers_of, shrink, undominated, without
from tests.optimizer.test_reduce import affordable_keep
from tests.optimizer.toys import best_value, lawful, problem_of, random_problem, with_limits


def open_problem(seed: int) -> Problem:
    """A random problem with poses and demand enough, of first views only, with nothing to limit it but the sites' room."""
    drawn = random_problem(seed, most_poses=12)
    plain = dataclasses.replace(drawn, second=np.zeros(len(drawn.weight)), penalty=np.zeros(drawn.n_poses))
    return with_limits(plain, budget=10**9, yearly=None, ward_least=np.zeros(len(drawn.limits.ward_least)), keep=np.zeros(drawn.n_poses, dtype=bool))


def cheapest(core: Core) -> float:
    """The least a full covering of the core costs beyond what is fixed, by trying all; infinite where there is none."""
    best = np.inf
    for number in range(2**core.n_poses):
        rows = np.nonzero((number >> np.arange(core.n_poses)) & 1)[0]
        seen = np.zeros(len(core.weight), dtype=bool)
        for p in rows:
            seen[core.items[core.start[p] : core.start[p + 1]]] = True
        if seen.all() and (np.bincount(core.site[rows], minlength=len(core.room)) <= core.room).all():
            best = min(best, spent(core, rows)[0])
    return best


@pytest.mark.parametrize("seed", range(120))
def test_the_cheapest_full_covering_stays_as_cheap(seed: int) -> None:
    """Whatever falls out or is taken, the least a full covering costs is the same."""
    problem = open_problem(seed)
    core = reduce(problem)
    small = shrink(core)
    assert small.n_poses <= core.n_poses and len(small.weight) <= len(core.weight)
    assert small.base + small.all_weight == pytest.approx(core.base + core.all_weight)
    assert problem.spent(small.fixed)[0] + cheapest(small) == pytest.approx(cheapest(core))


@pytest.mark.parametrize("seed", range(120))
def test_a_reduced_core_is_a_core(seed: int) -> None:
    """Rows stay in order, poses see what they saw of the points that are left, and points know what became of them."""
    problem = open_problem(seed)
    small = shrink(reduce(problem))
    assert (np.diff(small.pose) > 0).all()
    assert (problem.site[small.pose] == problem.site[small.pose][small.first[:-1]][small.site]).all() if small.n_poses else True
    covers = problem.covers.toarray()
    for row, pose in enumerate(small.pose):
        seen = np.unique(small.point[covers[pose]])
        assert np.array_equal(seen[seen >= 0], np.sort(small.items[small.start[row] : small.start[row + 1]]))


@pytest.mark.parametrize("seed", range(120))
def test_no_covering_costs_less_than_the_bound(seed: int) -> None:
    """The bound holds, and so does what a pose's use would lift it by: no covering with the pose costs less than both."""
    problem = open_problem(seed)
    core = shrink(reduce(problem))
    best = cheapest(core)
    if not core.n_poses or not np.isfinite(best) or not len(core.weight):
        return
    dual = lower_bound(core, best, time_limit_s=10.0, enough=lambda bound: False, rounds=200)
    assert dual.bound <= best + 1e-9
    for pose in range(core.n_poses):
        # The best with the pose is the best of all where leaving it out is dearer.
        if cheapest(without(core, np.arange(core.n_poses) == pose)) > best + 1e-9:
            assert dual.bound + dual.lift[pose] <= best + 1e-9


@pytest.mark.parametrize("seed", range(120))
def test_no_plan_for_a_part_costs_less_than_its_bound(seed: int) -> None:
    """Where part is wanted, and floors besides, no plan costs less than the bound, nor one with a pose less than what it lifts it to."""
    problem = dataclasses.replace(random_problem(seed), second=np.zeros(0), penalty=np.zeros(0))
    problem = with_limits(problem, budget=10**9, yearly=None, keep=np.zeros(problem.n_poses, dtype=bool))
    plans, values = lawful(problem)
    if not len(plans) or not reduce(problem).n_poses:
        return
    core, wanted = reduce(problem), float(values.max()) * float(np.random.default_rng([seed, 5]).random())
    enough = plans[values >= wanted]
    costs = np.array([float(problem.spent(np.nonzero(plan)[0])[0]) for plan in enough])
    dual = lower_bound(core, float(costs.min()), wanted - core.base, time_limit_s=10.0, enough=lambda bound: False, rounds=200)
    slack = 1e-6 * (1.0 + costs.min())
    assert dual.bound <= costs.min() + slack
    for row, pose in enumerate(core.pose):
        assert dual.bound + dual.lift[row] <= costs[enough[:, pose] == 1].min(initial=np.inf) + slack


@pytest.mark.parametrize("seed", range(100))
def test_the_best_plan_of_every_budget_stays_as_good(seed: int) -> None:
    """Poses that another outdoes are not missed: under budgets, floors and privacy prices the best plan covers as much; second views keep all."""
    problem = random_problem(seed)
    best = best_value(problem)
    if best is None or not affordable_keep(problem):
        return
    core = reduce(problem)
    left = undominated(core)
    if core.second.any():
        assert left is core
        return
    answer = program.solve(left, np.arange(left.n_poses), time_limit_s=10.0, gap=0.0)
    assert answer.chosen is not None
    assert value(left, answer.chosen) == pytest.approx(best, rel=1e-6, abs=1e-9)


def test_the_bound_is_tight_where_points_share_no_pose() -> None:
    """Each point's cheapest pose is needed: the bound is their sum."""
    core = reduce(problem_of([[1, 0], [1, 0], [0, 1]], 1.0, cost=[3, 5, 4]))
    assert lower_bound(core, 7.0, time_limit_s=10.0, enough=lambda bound: False).bound == pytest.approx(7.0, rel=1e-3)


def test_three_poses_of_a_pole_pay_it_together() -> None:
    """The bound pays a pole once and whole: 90 for the pole and 10 for each of three cameras."""
    core = reduce(problem_of(np.eye(3, dtype=int), 1.0, cost=10, site=[0, 0, 0], site_cost=[90]))
    assert lower_bound(core, 120.0, time_limit_s=10.0, enough=lambda bound: False).bound == pytest.approx(120.0, rel=1e-3)


def test_dominated_and_forced_by_hand() -> None:
    """The first pose alone sees the first point and is taken; of the other two the cheaper sees the same, and so all is decided."""
    core = shrink(reduce(problem_of([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], 1.0, cost=[5, 4, 3])))
    assert (core.fixed.tolist(), core.n_poses, len(core.weight)) == ([0, 2], 0, 0)


def test_a_dear_pole_does_not_push_out_a_cheap_camera() -> None:
    """A pose that sees more but brings a pole of its own to pay stays beside the pose that sees less."""
    core = shrink(reduce(problem_of([[1, 1, 0], [1, 1, 1], [0, 0, 1]], 1.0, cost=[5, 4, 5], site_cost=[0, 9, 0])))
    assert core.n_poses == 3


def test_points_nobody_may_see_any_more() -> None:
    """Where two points need two poses of a site with room for one, no full covering is left."""
    core = reduce(problem_of(np.eye(2, dtype=int), 1.0, site=[0, 0], per_site=1))
    assert all_seen(core)
    assert not np.isfinite(cheapest(shrink(core)))


def test_who_sees_a_point() -> None:
    """Poses by point are points by pose turned round."""
    problem = open_problem(5)
    core = reduce(problem)
    start, seers = seers_of(core)
    pairs = {(int(p), i) for i in range(len(core.weight)) for p in seers[start[i] : start[i + 1]]}
    assert pairs == {(p, int(i)) for p in range(core.n_poses) for i in core.items[core.start[p] : core.start[p + 1]]}
