"""A network that stands: repairs and next cameras are the best of all there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimizer.problem import Ints, Problem
from optimizer.repair import Solver, improve, repair
from optimizer.solve import solve
from planning.errors import Infeasible, ScenarioError
from tests.optimizer.exact import by_trying_all, poorly
from tests.optimizer.toys import problem_of, random_problem, with_limits

SOLVERS = pytest.mark.parametrize(("solver", "block"), [*((by_trying_all, block) for block in range(8)), *((solve, block) for block in range(3))])


def network(problem: Problem, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Some cameras that stand, no more at a site than allowed, and which of them are dead, in any order."""
    built: list[int] = []
    for pose in rng.permutation(problem.n_poses)[: int(rng.integers(0, problem.n_poses + 1))]:
        if np.bincount(problem.site[[*built, pose]]).max() <= problem.limits.per_site:
            built.append(int(pose))
    dead = [pose for pose in built if rng.random() < 0.6]
    return np.array(built, dtype=np.int64), rng.permutation(np.array(dead, dtype=np.int64))


def best_repair(problem: Problem, built: Ints, dead: Ints, cost: Ints, budget: int, *, replace: bool) -> float | None:
    """The best value of live, repaired and new cameras, by trying all; None where the live alone cost too much a year."""
    live = [int(pose) for pose in built if pose not in dead]
    price = dict(zip(dead.tolist(), cost.tolist(), strict=True))
    choices = [pose for pose in range(problem.n_poses) if pose not in live and not problem.limits.forbid[pose] and (replace or pose in price)]
    best = None
    for number in range(2 ** len(choices)):
        bought = [pose for bit, pose in enumerate(choices) if number >> bit & 1]
        works = np.array(live + bought, dtype=np.int64)
        new_sites = set(problem.site[bought].tolist()) - set(problem.site[built].tolist())
        spent = sum(price.get(pose, int(problem.cost[pose])) for pose in bought) + sum(int(problem.site_cost[site]) for site in new_sites)
        crowd = np.bincount(problem.site[works], minlength=1).max() if replace else 0
        year = problem.spent(works)[1]
        if spent > budget or crowd > problem.limits.per_site or (problem.limits.yearly is not None and year > problem.limits.yearly):
            continue
        best = max(problem.value(works), best if best is not None else -np.inf)
    return best


@SOLVERS
def test_repairs_agree_with_trying_all(solver: Solver, block: int) -> None:
    """On 15 networks a block, with and without new cameras: the value is the best there is, within the bound; the figures are those of the
    cameras; the steps lead from now to after, each the best per rupee of those left."""
    for seed in range(15 * block, 15 * block + 15):
        problem, rng = random_problem(seed, most_poses=8), np.random.default_rng([seed, 11])
        built, dead = network(problem, rng)
        cost, budget = rng.integers(0, 12, len(dead)), int(rng.integers(0, 40))
        for replace in (False, True):
            best = best_repair(problem, built, dead, cost, budget, replace=replace)
            if best is None:
                with pytest.raises(Infeasible):
                    repair(problem, built, dead, cost, budget, replace=replace, solve=solver)
                continue
            found = repair(problem, built, dead, cost, budget, replace=replace, solve=solver)
            live = np.setdiff1d(built, dead)
            works = np.concatenate([live, found.repaired, found.added])
            assert found.after == pytest.approx(best, abs=1e-9 + 1e-7 * problem.total), seed
            assert found.bound >= best - 1e-6 * problem.total
            assert (found.now, found.after, found.whole) == pytest.approx((problem.value(live), problem.value(works), problem.value(built)))
            assert set(found.repaired) <= set(dead.tolist())
            assert not set(found.added) & set(built.tolist())
            assert replace or not len(found.added)
            assert found.spent <= budget
            assert found.spent == sum(step.capital for step in found.steps)
            assert found.now + sum(step.gain for step in found.steps) == pytest.approx(found.after)
            assert sorted(step.pose for step in found.steps) == sorted([*found.repaired, *found.added])
            price = dict(zip(dead.tolist(), cost.tolist(), strict=True))
            assert all(step.capital == price[step.pose] for step in found.steps if step.pose in price)
            assert set(found.below) == set(np.nonzero(problem.ward_short(problem.seen(works)) > 0)[0])
            check_order(problem, live, found.steps)


def check_order(problem: Problem, live: Ints, steps: Any) -> None:
    """Each step is what it says after those before, and no later one would be more per rupee in its place, their costs as told."""
    plan = live
    for at, step in enumerate(steps):
        assert step.gain == pytest.approx(problem.value(np.append(plan, step.pose)) - problem.value(plan), abs=1e-9)
        assert step.capital == 0 or step.per_rupee == pytest.approx(step.gain / step.capital)
        for later in steps[at + 1 :]:
            gain = problem.value(np.append(plan, later.pose)) - problem.value(plan)
            # A later one's told cost is the least it can be: its site may have been built on the way.
            assert step.capital == 0 or later.capital == 0 or problem.site_cost.any() or step.per_rupee >= gain / later.capital - 1e-9
        plan = np.append(plan, step.pose)


def test_repairs_worked_out_by_hand() -> None:
    """Of three dead cameras worth 6, 5 and 4 for 10, 4 and 4, a budget of 10 brings back the two for 9 in all; with new ones allowed a camera on the
    dead pole, no longer in need of a pole, beats them."""
    problem = problem_of(
        np.eye(6, dtype=int), [1.0, 6.0, 5.0, 4.0, 10.0, 20.0], cost=[50, 50, 50, 50, 9, 9], site=[0, 1, 2, 3, 3, 4], site_cost=[5, 5, 5, 5, 7],
        budget=0, per_site=1,
    )  # fmt: skip
    found = repair(problem, [0, 1, 2, 3], [3, 1, 2], [4, 10, 4], 10)
    assert found.repaired.tolist() == [2, 3]
    assert [(step.pose, step.gain, step.capital, step.per_rupee) for step in found.steps] == [(2, 5.0, 4, 1.25), (3, 4.0, 4, 1.0)]
    assert (found.now, found.after, found.whole, found.spent) == (1.0, 10.0, 16.0, 8)
    assert found.gap == pytest.approx(0.0, abs=1e-9)
    new = repair(problem, [0, 1, 2, 3], [3, 1, 2], [4, 10, 4], 10, replace=True)
    assert (new.repaired.tolist(), new.added.tolist(), new.after) == ([], [4], 11.0)
    more = repair(problem, [0, 1, 2, 3], [3, 1, 2], [4, 10, 4], 13, replace=True)
    assert (more.repaired.tolist(), more.added.tolist(), more.spent) == ([2], [4], 13)


def test_nothing_dead_is_nothing_to_do() -> None:
    """A network that works as a whole, or none at all, has no repairs."""
    problem = problem_of(np.eye(2, dtype=int), 1.0, keep=[1], least=[2.0])
    found = repair(problem, [0], [], [], 5)
    assert (found.steps, found.now, found.after, found.whole, found.below) == ((), 1.0, 1.0, 1.0, (0,))
    assert repair(problem, [], [], [], 0).after == 0.0


@pytest.mark.parametrize("replace", [False, True])
def test_more_cameras_than_allowed_stand_at_a_site(replace: bool) -> None:
    """Repairs alone do not ask how many a site may carry; with new cameras the rule must be one that the network keeps."""
    problem = problem_of(np.eye(3, dtype=int), 1.0, site=[0, 0, 0], per_site=1)
    if not replace:
        assert repair(problem, [0, 1, 2], [1, 2], [1, 1], 2).after == 3.0
        return
    with pytest.raises(ScenarioError) as caught:
        repair(problem, [0, 1, 2], [1, 2], [1, 1], 2, replace=True)
    assert caught.value.code == "repair.room"
    assert "3" in caught.value.faults[0].way_out


def singles_of(problem: Problem, built: Ints, budget: int | None) -> dict[int, tuple[float, int, int]]:
    """Gain, capital and yearly cost of every next camera that is allowed, by trying each."""
    found = {}
    cameras = np.bincount(problem.site[built], minlength=len(problem.site_cost))
    for pose in range(problem.n_poses):
        plan = np.append(built, pose)
        gain = problem.value(plan) - problem.value(built)
        capital, year = (after - before for after, before in zip(problem.spent(plan), problem.spent(built), strict=True))
        allowed = pose not in built and not problem.limits.forbid[pose] and cameras[problem.site[pose]] < problem.limits.per_site
        allowed = allowed and (budget is None or capital <= budget)
        if allowed and gain > 1e-9 * problem.total and (problem.limits.yearly is None or problem.spent(plan)[1] <= problem.limits.yearly):
            found[pose] = (gain, capital, year)
    return found


@pytest.mark.parametrize("block", range(6))
def test_next_cameras_agree_with_trying_each(block: int) -> None:
    """On 30 networks a block: all singles that may be, with their figures, in order of value per rupee; once a site the best of each; n of them."""
    for seed in range(30 * block, 30 * block + 30):
        problem, rng = random_problem(seed), np.random.default_rng([seed, 12])
        built, _ = network(problem, rng)
        wanted = singles_of(problem, built, None)
        found = improve(problem, built, n=99, one_a_site=False)
        assert found.plan is None
        assert {single.pose for single in found.singles} == set(wanted), seed
        for single in found.singles:
            gain, capital, year = wanted[single.pose]
            assert (single.gain, single.capital, single.yearly) == pytest.approx((gain, capital, year), abs=1e-9)
            assert single.per_rupee == (pytest.approx(gain / capital) if capital else np.inf)
        worths = [single.per_rupee for single in found.singles]
        assert worths == sorted(worths, reverse=True)
        free = [single.gain for single in found.singles if single.capital == 0]
        assert free == sorted(free, reverse=True)
        sites = improve(problem, built, n=99).singles
        firsts = {}
        for single in found.singles:
            firsts.setdefault(int(problem.site[single.pose]), single)
        assert list(sites) == list(firsts.values())
        assert improve(problem, built, n=2).singles == sites[:2]


@SOLVERS
def test_the_best_plan_on_what_stands_agrees_with_trying_all(solver: Solver, block: int) -> None:
    """On 15 networks a block: within the money for new cameras and every rule of the problem, the plan is the best that holds what stands."""
    for seed in range(15 * block, 15 * block + 15):
        problem, rng = random_problem(seed), np.random.default_rng([seed, 13])
        built, _ = network(problem, rng)
        budget = int(rng.integers(0, 60))
        # What stands is allowed and paid; the money is for the rest.
        held = np.isin(np.arange(problem.n_poses), built)
        limits = {"budget": 10**6, "keep": problem.limits.keep | held, "forbid": problem.limits.forbid & ~held}
        rules = with_limits(problem, **limits)
        best, before = None, problem.spent(built)[0]
        for number in range(2**problem.n_poses):
            plan = np.nonzero(number >> np.arange(problem.n_poses) & 1)[0]
            if problem.spent(plan)[0] - before <= budget and not rules.broken(plan):
                best = max(problem.value(plan), best if best is not None else -np.inf)
        if best is None:
            with pytest.raises(Infeasible):
                improve(problem, built, budget=budget, solve=solver, gap=0.0)
            continue
        found = improve(problem, built, budget=budget, n=99, one_a_site=False, solve=solver, gap=0.0)
        assert found.plan is not None
        assert found.plan.objective == pytest.approx(best, abs=1e-9 + 1e-7 * problem.total), seed
        assert found.plan.bound >= best - 1e-6 * problem.total
        assert set(built.tolist()) <= set(found.plan.chosen.tolist())
        assert {single.pose for single in found.singles} == set(singles_of(problem, built, budget))


def test_all_that_is_wrong_with_a_network_is_told_at_once() -> None:
    """Unknown and repeated rows, dead cameras that do not stand, costs and budgets that are no rupees are faults of one refusal; nothing is
    solved."""
    problem = problem_of(np.eye(4, dtype=int), 1.0)
    with pytest.raises(ScenarioError) as caught:
        repair(problem, [0, 1, 1, 8], [2, 9], [1], -5, solve=poorly)
    assert [fault.code for fault in caught.value.faults] == [
        "rows.unknown", "rows.twice", "rows.unknown", "repair.dead", "repair.cost", "repair.budget",
    ]  # fmt: skip
    with pytest.raises(ScenarioError) as caught:
        improve(problem, [4], budget=0.5)  # type: ignore[arg-type]
    assert [fault.code for fault in caught.value.faults] == ["rows.unknown", "repair.budget"]


@pytest.mark.parametrize("cost", [[1.5], [-1], [1, 2], [[1]], ["1"], [True], [[1], [2, 3]], [float("nan")]])
def test_costs_that_are_no_rupees_are_refused(cost: Any) -> None:
    """Fractions, debts, words, flags and the wrong number of costs are `repair.cost`."""
    with pytest.raises(ScenarioError) as caught:
        repair(problem_of(np.eye(2, dtype=int), 1.0), [0, 1], [1], cost, 5)
    assert [fault.code for fault in caught.value.faults] == ["repair.cost"]


@pytest.mark.parametrize("budget", [-1, 1.0, True, "5", None, float("nan")])
def test_budgets_that_are_no_rupees_are_refused(budget: Any) -> None:
    """Debts, fractions, flags, words and nothing are `repair.budget`."""
    with pytest.raises(ScenarioError) as caught:
        repair(problem_of(np.eye(2, dtype=int), 1.0), [0, 1], [1], [1], budget)
    assert [fault.code for fault in caught.value.faults] == ["repair.budget"]


def test_the_network_and_the_problem_stay_as_they_are() -> None:
    """Nothing handed in is changed."""
    problem = problem_of(np.eye(4, dtype=int), 1.0, cost=5, site_cost=3, budget=7, forbid=[1])
    before = problem.digest
    built, dead = np.array([3, 1, 0]), np.array([0, 3])
    repair(problem, built, dead, np.array([1, 2]), 2)
    improve(problem, built, budget=9)
    assert (built.tolist(), dead.tolist()) == ([3, 1, 0], [0, 3])
    assert problem.cost.tolist() == [5] * 4
    assert with_limits(problem).digest == before
