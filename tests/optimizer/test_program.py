"""The integer program says every rule by name, and its answer is a plan."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from optimizer.program import RULES, build, build_sets, describe, solve, solve_sets
from optimizer.reduce import reduce
from optimizer.search import greedy, value
from optimizer.sets import sets_of
from tests.optimizer.test_reduce import affordable_keep
from tests.optimizer.toys import best_value, problem_of, random_problem


def every(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """All rows."""
    return np.arange(n, dtype=np.int64)


def test_every_constraint_has_a_name_and_a_sentence() -> None:
    """Each rule of the program appears by its name where it applies, and every constraint has the rule's sentence; all rules are used."""
    problem = problem_of(
        [[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1]], 1.0, cost=5, site=[0, 0, 0, 1], site_cost=3, yearly=1, budget=19, yearly_budget=3,
        per_site=2,
        least=[2.0], second=0.5,
    )  # fmt: skip
    core = reduce(problem)
    program, x, z = build(core, every(core.n_poses))
    told = describe(program)
    assert len(told) == len(program.constraints())
    assert {name.split("__")[0] for name in told} == set(RULES) - {"one_set"}
    pairs = sets_of(core, np.array([[0, -1], [1, -1], [0, 2], [3, -1]]))
    assert {name.split("__")[0] for name in describe(build_sets(core, pairs)[0])} == set(RULES) - {"open", "room", "sees", "built"}
    assert all(told[name] == RULES[name.split("__")[0]] for name in told)
    assert (len(x), len(z)) == (4, 2)


def test_rules_that_do_not_bind_are_left_out() -> None:
    """Without a yearly budget, floors, or more poses than room, their rows are not there."""
    core = reduce(problem_of(np.eye(3, dtype=int), 1.0))
    names = {name.split("__")[0] for name in describe(build(core, every(3))[0])}
    assert names == {"capital_budget", "open", "cover"}


@pytest.mark.parametrize("seed", range(60))
def test_its_answer_is_the_best_and_its_bound_holds(seed: int) -> None:
    """Over all poses, to a gap of nothing, with or without a start: the best value by trying all, proven; impossible where no plan is lawful."""
    problem = random_problem(seed, scale=(1.0, 1e-7, 1e9)[seed % 3])
    if not affordable_keep(problem):
        return
    core = reduce(problem)
    if not core.n_poses:
        return
    best = best_value(problem)
    start = greedy(core)
    sound = not problem.broken(np.sort(np.concatenate([core.fixed, core.pose[start]])))
    answer = solve(core, every(core.n_poses), time_limit_s=20.0, gap=0.0, start=start if sound and seed % 2 else None)
    if best is None:
        assert (answer.chosen, answer.status) == (None, "infeasible")
        return
    assert answer.chosen is not None
    assert answer.status == "optimal"
    assert value(core, answer.chosen) == pytest.approx(best, rel=1e-9)
    assert answer.bound >= best - 1e-9 * abs(best)
    assert answer.bound == pytest.approx(best, rel=1e-6)


def test_three_thirds_of_a_pole_do_not_see() -> None:
    """Per pole the program says what it sees, so its bound is tight where the usual model's is not: one pole of 30 with three cameras of 0 on a
    budget of 20 buys nothing."""
    core = reduce(problem_of([[1], [1], [1]], 1.0, cost=[0, 1, 2], yearly=[2, 1, 0], site=[0, 0, 0], site_cost=[30], budget=30))
    answer = solve(core, every(core.n_poses), time_limit_s=5.0, gap=0.0)
    assert answer.chosen is not None
    assert len(answer.chosen) == 1


def test_a_part_of_the_poses() -> None:
    """Only the rows given are chosen from."""
    core = reduce(problem_of(np.eye(4, dtype=int), [4.0, 3.0, 2.0, 1.0], cost=1, budget=2))
    answer = solve(core, np.array([1, 2, 3]), time_limit_s=5.0, gap=0.0, start=np.array([3]))
    assert answer.chosen is not None
    assert answer.chosen.tolist() == [1, 2]


def test_no_poses_are_an_answer() -> None:
    """Nothing to choose from is the plan without cameras."""
    core = reduce(problem_of([[1, 1]], 1.0, forbid=[0]))
    answer = solve(core, every(0), time_limit_s=5.0, gap=0.0)
    assert answer.chosen is not None
    assert (len(answer.chosen), answer.status) == (0, "optimal")


def test_no_time_is_no_answer_or_a_plan() -> None:
    """Out of time the answer is a sound plan or none, never a made-up one, and its bound still holds."""
    rng = np.random.default_rng(3)
    problem = problem_of(rng.random((60, 200)) < 0.1, rng.random(200), cost=10, site=np.repeat(np.arange(20), 3), site_cost=20, budget=200)
    core = reduce(problem)
    answer = solve(core, every(core.n_poses), time_limit_s=0.0, gap=0.0)
    if answer.chosen is not None:
        assert not problem.broken(core.pose[answer.chosen])
    assert answer.bound >= value(core, greedy(core))


@pytest.mark.parametrize("seed", range(60))
def test_over_all_sets_it_says_the_same_as_over_poses(seed: int) -> None:
    """Every set of a site's poses listed, the program over sets has the best value by trying all, with every rule switched on."""
    problem = random_problem(seed, most_poses=8)
    best = best_value(problem)
    if not affordable_keep(problem):
        return
    core = reduce(problem)
    room = int(core.room.max(initial=1))
    rows = []
    for s in range(len(core.room)):
        own = range(core.first[s], core.first[s + 1])
        rows += [list(c) + [-1] * (room - len(c)) for size in range(1, int(core.room[s]) + 1) for c in itertools.combinations(own, size)]
    if not rows:
        return
    sets = sets_of(core, np.array(rows))
    answer = solve_sets(core, sets, time_limit_s=20.0, gap=0.0)
    assert (answer.chosen is None) == (best is None)
    if answer.chosen is not None and best is not None:
        assert value(core, sets.rows(answer.chosen)) == pytest.approx(best, rel=1e-9)
        assert answer.bound == pytest.approx(best, rel=1e-6)
