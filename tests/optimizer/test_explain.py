"""Why a plan is as it is: every figure is the one found by trying all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimizer.explain import Solver, floor_prices, removed, why
from optimizer.problem import Ints, Problem
from optimizer.solve import solve
from planning.errors import Infeasible, ScenarioError
from tests.optimizer.exact import by_trying_all, poorly, some_plan
from tests.optimizer.toys import best_value, problem_of, random_problem, with_limits


def ward_weights(problem: Problem, rows: Ints) -> list[float]:
    """The covered weight of each ward."""
    seen = problem.seen(rows)
    return [float(problem.weight[seen & (problem.ward == ward)].sum()) for ward in range(len(problem.limits.ward_least))]


@pytest.mark.parametrize("block", range(8))
def test_why_agrees_with_trying_all(block: int) -> None:
    """On 30 problems a block, each camera of a lawful plan: what is lost and saved without it, who else sees its points, and the best lawful
    exchange."""
    for seed in range(30 * block, 30 * block + 30):
        problem = random_problem(seed)
        rows = some_plan(problem, seed)
        for pose in rows if rows is not None else ():
            found = why(problem, rows, int(pose))
            rest = rows[rows != pose]
            assert found.lost == pytest.approx(problem.value(rows) - problem.value(rest), abs=1e-9)
            assert (found.capital, found.yearly) == tuple(a - b for a, b in zip(problem.spent(rows), problem.spent(rest), strict=True))
            assert found.last == (problem.site[pose] not in problem.site[rest])
            view = problem.covers.toarray()[pose]
            others = problem.seen(rest)
            assert found.alone == pytest.approx(problem.weight[view & ~others].sum())
            assert found.shared == pytest.approx(problem.weight[view & others].sum())
            assert (found.alone_points, found.shared_points) == ((view & ~others).sum(), (view & others).sum())
            assert found.kept == problem.limits.keep[pose]
            ways = [np.sort(np.append(rest, q)) for q in range(problem.n_poses) if q not in rows]
            values = {int(np.setdiff1d(way, rest)[0]): problem.value(way) for way in ways if not problem.broken(way)}
            if not values:
                assert found.alternative is None, seed
                continue
            assert found.alternative is not None
            assert found.alternative.value == pytest.approx(max(values.values()), abs=1e-9)
            assert values[found.alternative.pose] == pytest.approx(found.alternative.value, abs=1e-9)
            assert found.alternative.difference == pytest.approx(found.alternative.value - problem.value(rows), abs=1e-9)
            assert (found.alternative.capital, found.alternative.yearly) == problem.spent(np.append(rest, found.alternative.pose))


@pytest.mark.parametrize("block", range(5))
def test_removed_agrees_with_working_it_out(block: int) -> None:
    """On 40 problems a block, any cameras of any plan: value, points, money, sites and wards without them; the plan itself is not touched."""
    for seed in range(40 * block, 40 * block + 40):
        problem, rng = random_problem(seed), np.random.default_rng([seed, 3])
        rows = np.nonzero(rng.random(problem.n_poses) < 0.7)[0]
        gone = rng.permutation(rows[rng.random(len(rows)) < 0.5])
        before = rows.copy()
        found = removed(problem, rows, gone)
        assert rows.tolist() == before.tolist()
        rest = np.setdiff1d(rows, gone)
        assert (found.before, found.after) == pytest.approx((problem.value(rows), problem.value(rest)))
        assert found.points == int(problem.seen(rows).sum()) - int(problem.seen(rest).sum())
        assert (found.capital, found.yearly) == tuple(a - b for a, b in zip(problem.spent(rows), problem.spent(rest), strict=True))
        assert set(found.sites) == set(problem.site[rows].tolist()) - set(problem.site[rest].tolist())
        assert set(found.kept) == set(gone.tolist()) & set(np.nonzero(problem.limits.keep)[0].tolist())
        had, has = ward_weights(problem, rows), ward_weights(problem, rest)
        slack, least = 1e-6 * problem.total, problem.limits.ward_least
        fallen = {w for w in range(len(had)) if had[w] >= least[w] - slack > has[w]}
        assert {ward.ward for ward in found.fallen} == fallen
        assert {ward.ward for ward in found.wards} >= {w for w in range(len(had)) if had[w] > has[w] + 1e-12}
        for ward in found.wards:
            assert (ward.before, ward.after) == pytest.approx((had[ward.ward], has[ward.ward]))


def test_a_camera_worked_out_by_hand() -> None:
    """Two cameras of a pole: the second alone sees 4, shares 2, costs 10 and leaves the pole; in its place the pose for 3 at the full price."""
    covers = [[1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    problem = problem_of(
        covers, [1.0, 2.0, 4.0, 3.0, 9.0], cost=[10, 10, 10, 200], site=[0, 0, 1, 2], site_cost=[50, 30, 0], yearly=1, budget=110, least=[6.5],
        names=("North",),
    )  # fmt: skip
    found = why(problem, [1, 0], 1)
    assert (found.lost, found.capital, found.yearly, found.last) == (4.0, 10, 1, False)
    assert (found.alone, found.shared, found.alone_points, found.shared_points) == (4.0, 2.0, 1, 1)
    assert [ward.name for ward in found.fallen] == ["North"]
    assert found.alternative is None
    free = why(with_limits(problem, ward_least=np.zeros(1)), [0, 1], 1)
    assert free.alternative is not None
    assert (free.alternative.pose, free.alternative.difference, free.alternative.capital) == (2, -1.0, 100)
    assert why(with_limits(problem, keep=np.array([0, 1, 0, 0], dtype=bool)), [0, 1], 1).kept
    assert removed(problem, [0, 1], [0, 1]).capital == 70


def true_prices(problem: Problem) -> dict[int, float]:
    """What dropping each ward's floor alone would give, by trying all."""
    best = best_value(problem)
    assert best is not None
    least = problem.limits.ward_least
    prices = {}
    for ward in range(len(least)):
        free = best_value(with_limits(problem, ward_least=np.where(np.arange(len(least)) == ward, 0.0, least)))
        assert free is not None
        prices[ward] = free - best
    return prices


@pytest.mark.parametrize("solver", [by_trying_all, poorly, solve], ids=["exact", "poor", "real"])
def test_the_price_of_a_floor_lies_within_what_is_proven(solver: Solver) -> None:
    """On 400 problems, 60 with the real solver, the true price of each floor lies between the figures given, whatever plans and bounds the
    solver finds; exact ones give it."""
    n_asked = 0
    for seed in range(60 if solver is solve else 400):
        problem = random_problem(seed)
        if best_value(problem) is None:
            continue
        true, slack = true_prices(problem), 1e-6 * problem.total
        prices = floor_prices(problem, solve=solver, gap=0.0)
        had = ward_weights(problem, np.empty(0, dtype=np.int64))
        asked = {ward for ward, least in enumerate(problem.limits.ward_least) if had[ward] < least}
        assert {price.ward for price in prices} == asked
        assert all(true[ward] <= slack for ward in set(true) - asked)
        for price in prices:
            n_asked += 1
            assert price.least - slack <= true[price.ward] <= price.most + slack, seed
            assert 0 <= price.least <= price.most + slack
            assert 0 <= price.difference <= price.most + slack
            if solver is not poorly:
                assert price.difference == pytest.approx(true[price.ward], abs=1e-6 * problem.total)
        assert [price.difference for price in prices] == sorted((price.difference for price in prices), reverse=True)
    assert n_asked > (10 if solver is solve else 50)


def test_a_floor_that_costs_the_best_street() -> None:
    """Money for one camera: the north's floor takes it from 9 in the south to 2, so its price is 7; where no plan reaches the floors there is
    none."""
    problem = problem_of(np.eye(2, dtype=int), [2.0, 9.0], ward=[0, 1], cost=10, budget=10, least=[1.0, 0.0], names=("North", "South"))
    (price,) = floor_prices(problem)
    assert (price.ward, price.name, price.floor) == (0, "North", 1.0)
    assert (price.difference, price.least, price.most) == pytest.approx((7.0, 7.0, 7.0))
    with pytest.raises(Infeasible):
        floor_prices(with_limits(problem, ward_least=np.ones(2)))


@pytest.mark.parametrize(
    ("chosen", "poses", "codes"),
    [([0, 0, 9], [1, 5], ["rows.unknown", "rows.twice", "rows.unknown", "explain.pose"]), ([0], [1], ["explain.pose"]),
     ([0.5], [0], ["rows.unknown", "explain.pose"])],
)  # fmt: skip
def test_all_that_is_wrong_with_a_question_is_told_at_once(chosen: Any, poses: Any, codes: list[str]) -> None:
    """Unknown rows, repeats and cameras that are not in the plan are faults of one refusal."""
    problem = problem_of(np.eye(3, dtype=int), 1.0)
    with pytest.raises(ScenarioError) as caught:
        removed(problem, chosen, poses)
    assert [fault.code for fault in caught.value.faults] == codes
    with pytest.raises(ScenarioError):
        why(problem, chosen, poses[0])
