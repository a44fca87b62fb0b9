"""What one camera more or less means is what the problem's own value, cost and rules say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimizer.gains import additions, best_addition, gains, losses, may_add, rows_of
from tests.optimizer.toys import problem_of, random_problem


def with_one_more(rows: Any, pose: int) -> Any:
    """The plan with this pose too."""
    return np.sort(np.append(rows, pose))


@pytest.mark.parametrize("block", range(10))
def test_gains_losses_and_rules_agree_with_the_problem(block: int) -> None:
    """On 30 problems a block and any plan, lawful or not: gain, loss, cost and lawfulness of each pose more or less are those of the problem."""
    for seed in range(30 * block, 30 * block + 30):
        problem, rng = random_problem(seed), np.random.default_rng(seed)
        rows = np.nonzero(rng.random(problem.n_poses) < rng.random())[0]
        now, spent = problem.value(rows), problem.spent(rows)
        added = additions(problem, rows)
        lawful = may_add(problem, rows, added)
        for pose in range(problem.n_poses):
            if pose in rows:
                assert added.gain[pose] == 0.0
                assert not lawful[pose]
                continue
            plan = with_one_more(rows, pose)
            assert added.gain[pose] == pytest.approx(problem.value(plan) - now, abs=1e-9)
            capital, yearly = problem.spent(plan)
            assert (added.capital[pose], added.yearly[pose]) == (capital - spent[0], yearly - spent[1])
            assert lawful[pose] == (not problem.broken(plan)), seed
        lost = losses(problem, rows)
        assert lost == pytest.approx([now - problem.value(np.delete(rows, at)) for at in range(len(rows))], abs=1e-9)


def test_a_second_view_is_one_of_another_site() -> None:
    """A camera of the same pole adds nothing at a point its neighbour sees; one of another pole adds the second view, a third nothing."""
    problem = problem_of(np.ones((4, 1), dtype=int), 5.0, site=[0, 0, 1, 2], second=2.0, penalty=[0, 0, 0, 0.5])
    assert gains(problem, np.array([0])).tolist() == [0.0, 0.0, 2.0, 1.5]
    assert gains(problem, np.array([0, 2])).tolist() == [0.0, 0.0, 0.0, -0.5]
    assert losses(problem, np.array([0, 1, 2])).tolist() == [0.0, 0.0, 2.0]
    assert losses(problem, np.array([0, 2])).tolist() == [2.0, 2.0]
    seen = problem_of(np.ones((1, 2), dtype=int), 5.0, second=2.0, already=[1, 2])
    assert gains(seen, np.empty(0, dtype=np.int64)).tolist() == [2.0]


def test_the_best_addition_is_lawful_and_no_barred_one() -> None:
    """Of the poses the money pays the one that adds most is taken; barred and forbidden ones are passed over; none is an answer."""
    problem = problem_of(np.triu(np.ones((4, 4), dtype=int)), 1.0, cost=[9, 5, 5, 5], budget=8, forbid=[1])
    nothing = np.empty(0, dtype=np.int64)
    assert best_addition(problem, nothing) == 2
    assert best_addition(problem, nothing, barred=[2]) == 3
    assert best_addition(problem, np.array([2])) is None


@pytest.mark.parametrize("rows", [[-1], [3], [0.5], [[0]], [True, False, True], ["a"], [None], [[0], [1, 2]], [10**30], float("nan")])
def test_what_is_no_row_is_told(rows: Any) -> None:
    """Rows outside, fractions, tables, flags, words and nothing are `rows.unknown`, never another library's error."""
    problem = problem_of(np.eye(3, dtype=int), 1.0)
    found, faults = rows_of(problem, rows, "the cameras")
    assert [fault.code for fault in faults] == ["rows.unknown"]
    assert "the cameras" in faults[0].what
    assert ((found >= 0) & (found < 3)).all()


def test_rows_are_sorted_and_repeats_are_told() -> None:
    """A plan may come in any order; what is wrong twice is told twice."""
    problem = problem_of(np.eye(3, dtype=int), 1.0)
    assert rows_of(problem, [2, 0], "x")[0].tolist() == [0, 2]
    assert rows_of(problem, [], "x")[0].size == 0
    assert [fault.code for fault in rows_of(problem, [2, 2, 9], "x")[1]] == ["rows.unknown", "rows.twice"]
