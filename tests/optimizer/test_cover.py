"""The cheapest plan for a wanted coverage, against every plan of small problems; what it says cannot be undercut is not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optimizer import cover as covering
from optimizer.cover import Covered, cover
from optimizer.problem import Problem
from planning.errors import ChaukasError, Infeasible, ScenarioError
from planning.progress import Cancelled, Progress, Step
from tests.optimizer.toys import Ints, Table, lawful, plain_city, problem_of, random_problem, with_limits


def without_budget(problem: Problem) -> Problem:
    """The problem with money for everything, where only first views count."""
    plain = dataclasses.replace(problem, second=np.zeros(len(problem.weight)), penalty=np.zeros(problem.n_poses))
    return with_limits(plain, budget=10**9)


def priced(problem: Problem) -> tuple[Ints, Table]:
    """Cost and covered weight of every plan that keeps every rule but the budget."""
    plain = without_budget(problem)
    plans, values = lawful(plain)
    return np.array([plain.spent(np.nonzero(plan)[0])[0] for plan in plans], dtype=np.int64), values


def wish(problem: Problem, seed: int, most: float) -> float:
    """All that can be covered in a third of the seeds, else some part of it."""
    return most if seed % 3 == 0 else most * float(np.random.default_rng([seed, 7]).random())


def agrees(problem: Problem, wanted: float, answer: Covered) -> None:
    """The plan keeps every rule, covers the wanted, costs what is said; the bound lies at or below every plan's cost."""
    plain = without_budget(problem)
    costs, values = priced(problem)
    least = int(costs[values >= wanted - 1e-9 * problem.total].min())
    assert plain.broken(answer.chosen) == []
    assert plain.value(answer.chosen) == pytest.approx(answer.covered, rel=1e-12)
    assert answer.covered >= wanted - 1e-9 * problem.total
    assert answer.cost_inr == plain.spent(answer.chosen)[0]
    assert answer.bound_inr <= least <= answer.cost_inr


@pytest.mark.parametrize("seed", range(200))
def test_no_plan_is_cheaper(seed: int) -> None:
    """Of all plans that keep floors, room, yearly budget, kept and forbidden poses, none covers the wanted for less; where none covers it, so it is
    said.
    """
    problem = random_problem(seed)
    costs, values = priced(problem)
    if not len(costs):
        with pytest.raises(Infeasible):
            cover(problem, 0.0, gap=0.0, time_limit_s=5.0)
        return
    wanted = wish(problem, seed, float(values.max()))
    answer = cover(problem, wanted, gap=0.0, time_limit_s=120.0)
    agrees(problem, wanted, answer)
    assert answer.bound_inr == answer.cost_inr
    assert answer.gap == 0.0 and answer.termination == "within gap"
    more = float(values.max()) + 1e-3 * problem.total
    if problem.total > 0:
        with pytest.raises(Infeasible) as caught:
            cover(problem, more, gap=0.0, time_limit_s=5.0)
        assert caught.value.code == "cover.unreachable"


@pytest.mark.parametrize("seed", range(60))
def test_the_way_of_large_problems_agrees_too(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search, bound and budgets tried one by one, as large problems need them: the cheapest plan of small ones, and a bound no plan goes below."""
    for name in ("SMALL", "PROVABLE", "DECIDED"):
        monkeypatch.setattr(covering, name, -1)
    problem = random_problem(seed)
    costs, values = priced(problem)
    if not len(costs):
        return
    wanted = wish(problem, seed, float(values.max()))
    answer = cover(problem, wanted, gap=0.0, time_limit_s=3.0)
    agrees(problem, wanted, answer)
    assert answer.cost_inr == int(costs[values >= wanted - 1e-9 * problem.total].min())


@pytest.mark.parametrize("seed", range(40))
def test_full_coverings_of_the_search_are_the_cheapest(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everything is to be seen and nothing limits the plan, the local search alone finds the cheapest plan of small problems."""
    for name in ("SMALL", "PROVABLE"):
        monkeypatch.setattr(covering, name, -1)
    drawn = random_problem(1_000 + seed, most_poses=12)
    problem = with_limits(drawn, yearly=None, ward_least=np.zeros(len(drawn.limits.ward_least)), per_site=99)
    costs, values = priced(problem)
    answer = cover(problem, float(values.max()), gap=0.0, time_limit_s=5.0)
    agrees(problem, float(values.max()), answer)
    assert answer.cost_inr == int(costs[values >= values.max() - 1e-9 * problem.total].min())


def test_two_poses_where_the_greedy_takes_three() -> None:
    """The pose that sees most is in no cheapest covering."""
    covers = [[1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 1, 0], [0, 0, 1, 1, 0, 1]]
    assert cover(problem_of(covers, 1.0, cost=10), 6.0).chosen.tolist() == [1, 2]


def test_a_site_is_paid_once() -> None:
    """Three poses of one pole at 90 see all for 120; each alone, on poles of their own, would cost 150."""
    covers = np.vstack([np.eye(3, dtype=int)] * 2)
    problem = problem_of(covers, 1.0, cost=[10] * 3 + [50] * 3, site=[0, 0, 0, 1, 2, 3], site_cost=[90, 0, 0, 0])
    assert cover(problem, 3.0).chosen.tolist() == [0, 1, 2]
    assert cover(problem, 2.0).cost_inr == 100


def test_the_budget_is_not_looked_at() -> None:
    """What the wanted costs may lie above the problem's budget; the problem stays as it was."""
    problem = problem_of(np.eye(3, dtype=int), 1.0, cost=10, budget=5)
    before = problem.digest
    assert cover(problem, 3.0).cost_inr == 30
    assert problem.digest == before


def test_nothing_is_bought_where_cameras_stand() -> None:
    """What existing and kept cameras see already costs nothing more."""
    problem = problem_of(np.eye(3, dtype=int), 1.0, cost=10, already=[1, 0, 0], keep=[1])
    answer = cover(problem, 2.0)
    assert (answer.chosen.tolist(), answer.cost_inr, answer.bound_inr, answer.gap) == ([1], 10, 10, 0.0)
    free = cover(problem_of(np.eye(2, dtype=int), 1.0, cost=10, already=[1, 0]), 1.0)
    assert (free.chosen.tolist(), free.cost_inr, free.bound_inr, free.gap) == ([], 0, 0, 0.0)


def test_second_views_and_privacy_are_not_coverage() -> None:
    """A point seen twice counts once, and a privacy price takes no coverage away."""
    problem = problem_of([[1, 0], [1, 0], [0, 1]], 2.0, cost=[1, 1, 9], second=2.0, penalty=1.5)
    assert cover(problem, 4.0).chosen.tolist() in ([0, 2], [1, 2])


def test_what_cannot_be_reached_is_told_with_what_can() -> None:
    """The message names the most that can be covered: by all poses, or by as many as have room."""
    with pytest.raises(Infeasible) as caught:
        cover(problem_of([[1, 1, 0]], 1.0), 3.0)
    assert caught.value.code == "cover.unreachable"
    assert "could cover 2," in str(caught.value) and "66.7 %" in str(caught.value) and "Want 2 or less" in str(caught.value)
    with pytest.raises(Infeasible) as caught:
        cover(problem_of(np.eye(3, dtype=int), 1.0, site=[0, 0, 0], per_site=2), 3.0)
    assert caught.value.code == "cover.unreachable"
    assert "could cover 2," in str(caught.value)


@pytest.mark.parametrize("wanted", [-1.0, float("nan"), float("inf")])
def test_a_wish_must_be_a_weight(wanted: float) -> None:
    """Numbers below 0 and what is no number are refused."""
    with pytest.raises(ScenarioError) as caught:
        cover(problem_of([[1]], 1.0), wanted)
    assert caught.value.code == "cover.wanted"


def test_kept_cameras_that_break_a_rule_are_told() -> None:
    """Kept cameras may cost any capital, not more a year than allowed, nor share a site beyond its room."""
    problem = problem_of(np.eye(2, dtype=int), 1.0, cost=10, yearly=3, keep=[0, 1], budget=1, yearly_budget=5)
    with pytest.raises(ChaukasError) as caught:
        cover(problem, 2.0)
    assert caught.value.code == "keep.budget"
    assert cover(with_limits(problem, yearly=None), 2.0).cost_inr == 20


@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
def test_a_town_is_covered_within_a_gap(share: float) -> None:
    """Some hundred sites that hold three of four cameras: what is wanted is covered by the rules, at a cost near the bound."""
    problem = plain_city(3, sites=110)
    wanted = share * problem.value(np.arange(problem.n_poses))
    answer = cover(problem, wanted, gap=0.03, time_limit_s=60.0)
    assert without_budget(problem).broken(answer.chosen) == []
    assert answer.covered >= wanted * (1 - 1e-9)
    assert answer.bound_inr <= answer.cost_inr <= 1.03 * answer.bound_inr


def test_equal_seeds_give_equal_plans() -> None:
    """The search is counted in steps: the same seed ends at the same plan."""
    rng = np.random.default_rng(4)
    problem = problem_of(rng.random((500, 30)) < 0.1, 1.0, cost=rng.integers(50, 90, 500))
    first, again = (cover(problem, 30.0, gap=0.0, time_limit_s=60.0, seed=7) for _ in range(2))
    assert first.chosen.tolist() == again.chosen.tolist()
    assert first.termination == "within gap"


def test_it_tells_how_far_it_is_and_stops_on_request() -> None:
    """Shares never fall, the gap is told, and a stop ends the work."""
    rng = np.random.default_rng(4)
    problem = problem_of(rng.random((500, 60)) < 0.06, 1.0, cost=rng.integers(50, 90, 500))
    steps: list[Step] = []
    cover(problem, 50.0, gap=0.05, time_limit_s=20.0, progress=Progress(steps.append))
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and {step.stage for step in steps} == {"optimize: compile", "optimize"}
    assert any(step.note.startswith("gap ") for step in steps)
    with pytest.raises(Cancelled):
        cover(problem, 50.0, gap=0.0, time_limit_s=20.0, progress=Progress(stopped=lambda: True))
