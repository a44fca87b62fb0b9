"""Real problems with known answers: the plan found is the best there is, and is proven so.

York: listed buildings and crimes of the package maxcovr. São José dos Campos: maximal covering after Lorena and Pereira (2002). Camera placement: the
competition of GECCO 2020, whose best known answers are 7 cameras for AC_01 and 20 for AC_10.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from optimizer.cover import cover
from optimizer.problem import Problem
from optimizer.solve import solve
from tests.optimizer.known import counted, gecco, lorena, york
from tests.optimizer.toys import problem_of

# How much the best plan covers, by the places' number, radius and how many of them are chosen.
SJC = {
    (324, 800, 5): 12_152, (324, 1200, 5): 12_152, (324, 150, 40): 10_443,
    (402, 800, 5): 15_970, (402, 1200, 5): 15_984, (402, 150, 40): 12_675,
    (500, 800, 5): 18_859, (500, 1200, 5): 19_707, (500, 150, 40): 13_340,
    (708, 800, 5): 21_486, (708, 1200, 5): 24_142, (708, 150, 40): 15_020,
    (818, 800, 5): 24_531, (818, 1200, 5): 28_513, (818, 150, 40): 17_066,
}  # fmt: skip


def proven(problem: Problem, best: int) -> None:
    """`solve` finds a plan worth this much and proves that none is worth one more; a plan for that much costs no less than the budget buys."""
    outcome = solve(problem, gap=0.0, time_limit_s=120.0)
    assert problem.broken(outcome.chosen) == []
    assert outcome.objective == problem.value(outcome.chosen) == pytest.approx(best)
    assert outcome.objective <= outcome.bound * (1 + 1e-9)
    assert outcome.bound - outcome.objective < 1


@pytest.mark.shared
def test_york_as_it_stands() -> None:
    """The 71 cameras on buildings of grade I see 339 of 1,814 crimes; 2,873 buildings are free."""
    problem = york(0)
    assert problem.covers.shape == (2_873, 1_814)
    assert problem.value(np.empty(0, dtype=np.int64)) == 339


@pytest.mark.shared
@pytest.mark.parametrize(("count", "best"), [(20, 540), (40, 618), (60, 659), (80, 679), (100, 693)])
def test_york(count: int, best: int) -> None:
    """So many cameras more, so many crimes within 100 m of one, and not one more."""
    proven(york(count), best)


@pytest.mark.shared
@pytest.mark.parametrize(("n", "radius", "count"), SJC)
def test_sao_jose_dos_campos(n: int, radius: int, count: int) -> None:
    """So many of so many places serve so much demand within the radius, and none serve more."""
    problem = lorena(n, radius=radius, count=count)
    assert problem.covers.shape == (n, n)
    proven(problem, SJC[n, radius, count])


@pytest.mark.shared
def test_seven_cameras_see_all_of_ac_01() -> None:
    """Seven cameras see all 605 samples, proven: six do not."""
    problem = gecco("AC_01")
    answer = cover(problem, problem.total, gap=0.0, time_limit_s=200.0)
    assert problem.covers.shape == (2_904, 605)
    assert problem.seen(answer.chosen).all()
    assert (answer.cost_inr, answer.bound_inr) == (7, 7)


@pytest.mark.shared
def test_twenty_cameras_see_all_of_ac_10() -> None:
    """Twenty cameras see all 605 samples, as many as the best known; fewer than 16 are proven not to."""
    problem = gecco("AC_10")
    answer = cover(problem, problem.total, gap=0.0, time_limit_s=15.0)
    assert problem.seen(answer.chosen).all()
    assert answer.cost_inr == 20
    assert 16 <= answer.bound_inr <= 20


@pytest.mark.shared
@pytest.mark.parametrize(("count", "best"), [(20, 540), (60, 659)])
def test_york_asked_from_the_other_side(count: int, best: int) -> None:
    """What so many cameras cover at best needs so many."""
    problem = york(count)
    answer = cover(problem, float(best), gap=0.0, time_limit_s=120.0)
    assert answer.covered >= best
    assert answer.cost_inr == answer.bound_inr <= count
    assert solve(york(answer.cost_inr - 1), gap=0.0, time_limit_s=120.0).bound < best


@pytest.mark.parametrize("side", [3, 4, 5])
def test_rows_and_columns_of_a_square(side: int) -> None:
    """Each pose sees a row or a column of a square: all rows, or all columns, see everything, and nothing cheaper does."""
    at = np.arange(side * side)
    lines = [at // side == row for row in range(side)] + [at % side == column for column in range(side)]
    assert cover(problem_of(lines, 1.0), float(side * side), gap=0.0).cost_inr == side
    # Two crossing lines share a point; two that run alongside do not.
    assert solve(problem_of(lines, 1.0, budget=2), gap=0.0).objective == 2 * side


@pytest.mark.parametrize(("n", "line", "least"), [(7, (0, 1, 3), 3), (13, (0, 1, 3, 9), 4)])
def test_lines_of_a_projective_plane(n: int, line: tuple[int, ...], least: int) -> None:
    """Any two lines of a projective plane meet: all lines through one point see all points, and no fewer do (3 of 7, 4 of 13)."""
    covers = np.array([[(point - turn) % n in line for point in range(n)] for turn in range(n)])
    answer = cover(problem_of(covers, 1.0), float(n), gap=0.0)
    assert (answer.cost_inr, answer.bound_inr) == (least, least)


def test_a_counted_problem() -> None:
    """Instances of the literature count places: each costs one, and as many as the budget says are chosen."""
    problem = counted(sparse.csr_matrix(np.eye(3, dtype=bool)), np.array([3, 1, 2]), count=2, already=np.array([0]))
    assert solve(problem, gap=0.0).objective == 6.0
