"""The strategy: the best plan with its proof, or the reason why there is none."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer import solve as strategy
from optimizer.problem import Problem
from optimizer.reduce import reduce
from optimizer.search import greedy, value
from optimizer.solve import Outcome, solve
from planning.errors import Infeasible
from planning.progress import Cancelled, Progress, Step
from tests.optimizer.test_reduce import affordable_keep
from tests.optimizer.toys import best_value, plain_city, problem_of, random_problem, with_limits


def why_not(problem: Problem) -> str:
    """The code of the reason for which a problem without a lawful plan must be refused."""
    if not affordable_keep(problem):
        kept = np.nonzero(problem.limits.keep)[0]
        capital, year = problem.spent(kept)
        dear = capital > problem.limits.budget or (problem.limits.yearly is not None and year > problem.limits.yearly)
        return "keep.budget" if dear else "keep.site"
    everything = problem.seen(np.nonzero(~problem.limits.forbid)[0])
    return "floor.unreachable" if (problem.ward_short(everything) > 0).any() else "floor.budget"


def check_sound(problem: Problem, outcome: Outcome) -> None:
    """What every outcome owes: rules kept, its figures its own plan's, its bound no lower."""
    assert problem.broken(outcome.chosen) == []
    assert outcome.objective == pytest.approx(problem.value(outcome.chosen), rel=1e-12)
    assert outcome.bound >= outcome.objective
    assert outcome.gap == pytest.approx(outcome.bound / outcome.objective - 1 if outcome.objective > 0 else 0.0, abs=1e-12)
    assert (np.diff(outcome.chosen) > 0).all()


@pytest.mark.parametrize("block", range(10))
def test_it_agrees_with_trying_all(block: int) -> None:
    """On 100 problems a block, with every rule drawn now and then (two budgets, site costs, room, keep, forbid, floors, standing cameras, second
    views, privacy prices), the value at gap 0 is the best of all plans; where there is none, the refusal says the right reason.
    """
    for seed in range(1_000 + 100 * block, 1_100 + 100 * block):
        problem = random_problem(seed)
        best = best_value(problem)
        if best is None:
            with pytest.raises(Infeasible) as caught:
                solve(problem, gap=0.0, time_limit_s=20.0)
            assert caught.value.code == why_not(problem), seed
            continue
        outcome = solve(problem, gap=0.0, time_limit_s=20.0)
        check_sound(problem, outcome)
        assert outcome.objective == pytest.approx(best, rel=1e-9, abs=1e-12), seed
        assert outcome.bound >= best - 1e-9 * abs(best)
        assert outcome.termination == "within gap", seed


@pytest.mark.parametrize("seed", range(2_000, 2_050))
def test_the_way_of_large_problems_is_sound(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By prices and merging, as large problems go: never above the best plan, never below the greedy, the bound never below the best."""
    monkeypatch.setattr(strategy, "SMALL", 0)
    problem = random_problem(seed)
    best = best_value(problem)
    if best is None:
        with pytest.raises(Infeasible) as caught:
            solve(problem, gap=0.0, time_limit_s=3.0)
        assert caught.value.code == why_not(problem)
        return
    outcome = solve(problem, gap=0.01, time_limit_s=3.0)
    check_sound(problem, outcome)
    core = reduce(problem)
    rows = greedy(core)
    if not problem.broken(np.sort(np.concatenate([core.fixed, core.pose[rows]]))):
        assert outcome.objective >= value(core, rows) * (1 - 1e-12)
    assert outcome.objective <= best * (1 + 1e-9)
    assert outcome.bound >= best * (1 - 1e-9)


@pytest.mark.parametrize("scale", [1e-7, 1e9])
@pytest.mark.parametrize("seed", range(8))
def test_the_unit_of_weight_does_not_matter(seed: int, scale: float) -> None:
    """Weights of 1e-7 and of 1e9 give plans of the same worth as weights of 1."""
    plain, scaled = random_problem(seed), random_problem(seed, scale=scale)
    best = best_value(plain)
    if best is None:
        with pytest.raises(Infeasible):
            solve(scaled, gap=0.0)
        return
    outcome = solve(scaled, gap=0.0)
    check_sound(scaled, outcome)
    assert outcome.objective == pytest.approx(best * scale, rel=1e-9)


def test_more_money_never_gives_less() -> None:
    """At gap 0 a larger budget, capital or yearly, and more room at a site never lower the value."""
    rng = np.random.default_rng(8)
    base = problem_of(
        rng.random((12, 40)) < 0.2, rng.random(40), cost=rng.integers(5, 15, 12), site=np.repeat(np.arange(4), 3), site_cost=[10, 20, 5, 0], yearly=2,
        budget=30,
    )  # fmt: skip
    for name, steps in (("budget", (20, 30, 45, 70, 200)), ("yearly", (2, 4, 7, 12, 30)), ("per_site", (1, 2, 3))):
        values = [solve(with_limits(base, **{name: step}), gap=0.0).objective for step in steps]
        assert values == sorted(values)
    assert solve(with_limits(base, budget=10_000), gap=0.0).objective == pytest.approx(base.value(np.arange(12)))


def test_equal_inputs_give_equal_plans() -> None:
    """The same problem solved twice has the same plan and bound, by the small and by the large way, where time does not cut it short."""
    small = plain_city(3, sites=60, budget=300)
    for problem in (small, plain_city(9)):
        first, again = (solve(problem, gap=0.02, time_limit_s=30.0) for _ in range(2))
        assert first.chosen.tolist() == again.chosen.tolist()
        assert first.bound == pytest.approx(again.bound)
        check_sound(problem, first)
        assert first.termination == "within gap"


def test_hardly_any_time_is_still_a_plan_with_a_true_bound() -> None:
    """After 0.05 s there is a lawful plan, no worse than the greedy, under a bound that a longer solve does not pass."""
    problem = plain_city(10, sites=300, budget=1_500)
    outcome = solve(problem, gap=0.0, time_limit_s=0.05)
    check_sound(problem, outcome)
    core = reduce(problem)
    assert outcome.objective >= value(core, greedy(core)) * (1 - 1e-12)
    assert outcome.bound >= solve(problem, gap=0.01, time_limit_s=20.0).objective
    small = plain_city(11, sites=60, budget=300)
    check_sound(small, solve(small, gap=0.0, time_limit_s=1e-9))


def test_an_unreachable_floor_names_its_wards() -> None:
    """Every ward that no allowed camera could lift to its floor is a fault of its own, with its name, what it could reach and what would do."""
    problem = problem_of(
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], [1.0, 1.0, 1.0, 1.0], ward=[0, 1, 1, 2], cost=1, forbid=[2], least=[1.0, 1.5, 0.5],
        names=("North", "South", "पूर्व"),
    )  # fmt: skip
    with pytest.raises(Infeasible) as caught:
        solve(problem)
    assert [fault.code for fault in caught.value.faults] == ["floor.unreachable"] * 2
    told = [fault.what for fault in caught.value.faults]
    assert "South" in told[0]
    assert "50.0 %" in told[0]
    assert "पूर्व" in told[1]
    assert "0.0 %" in told[1]


def test_a_floor_too_dear_names_wards_and_a_floor_that_would_do() -> None:
    """Where the money is short, not the sight, the refusal says so: also where not even one camera there can be paid."""
    problem = problem_of(np.eye(4, dtype=int), 1.0, ward=[0, 0, 1, 1], cost=10, budget=20, least=[2.0, 2.0], names=("North", "South"))
    with pytest.raises(Infeasible) as caught:
        solve(problem)
    assert caught.value.code == "floor.budget"
    assert "North" in str(caught.value) or "South" in str(caught.value)
    assert "50 %" in caught.value.faults[0].way_out
    with pytest.raises(Infeasible) as caught:
        solve(with_limits(problem, budget=9))
    assert caught.value.code == "floor.budget"


def test_kept_cameras_that_break_limits_are_told_together() -> None:
    """Too dear at once, too dear a year and too many at a site are three faults of one refusal."""
    problem = problem_of(np.eye(3, dtype=int), 1.0, cost=10, yearly=5, site=[0, 0, 0], budget=15, yearly_budget=9, per_site=1, keep=[0, 1])
    with pytest.raises(Infeasible) as caught:
        solve(problem)
    assert [fault.code for fault in caught.value.faults] == ["keep.budget", "keep.budget", "keep.site"]
    assert "₹20 of ₹15" in str(caught.value)


def test_nothing_to_win_is_an_answer() -> None:
    """Where all is covered, weighs nothing, or is forbidden the plan is empty and proven."""
    for problem in (
        problem_of(np.eye(2, dtype=int), 1.0, already=True), problem_of(np.eye(2, dtype=int), 0.0),
        problem_of(np.eye(2, dtype=int), 1.0, forbid=[0, 1]),
        problem_of(np.eye(2, dtype=int), 1.0, cost=10, budget=5),
    ):  # fmt: skip
        outcome = solve(problem)
        assert len(outcome.chosen) == 0
        assert outcome.gap == pytest.approx(0.0)
        assert outcome.termination == "within gap"


def test_it_tells_and_stops_when_asked() -> None:
    """Steps are told on the way; asked to stop, the work ends with Cancelled."""
    problem = plain_city(12)
    told: list[Step] = []
    solve(problem, gap=0.05, time_limit_s=5.0, progress=Progress(told.append))
    assert told
    assert all(0 <= step.share <= 1 for step in told)
    with pytest.raises(Cancelled):
        solve(problem, gap=0.0, time_limit_s=5.0, progress=Progress(told.append, lambda: True))
