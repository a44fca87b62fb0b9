"""Where the rules cannot hold: the least single changes are the least there are, and none is left out."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from optimizer import solve as strategy
from optimizer.change import Change, Solver, least_change
from optimizer.problem import Problem
from optimizer.solve import solve
from planning.errors import Infeasible
from planning.progress import Cancelled, Progress, Step
from tests.optimizer.exact import by_trying_all
from tests.optimizer.toys import best_value, plain_city, problem_of, random_problem, with_limits

MUCH = 10**6
SOLVERS = pytest.mark.parametrize(("solver", "block"), [*((by_trying_all, block) for block in range(8)), *((solve, block) for block in range(3))])


def holds(problem: Problem, **limits: Any) -> bool:
    """Whether a plan keeps every rule under changed limits, by trying all."""
    return best_value(with_limits(problem, **limits)) is not None


def floors_at(problem: Problem, share: float, ward: int | None) -> Any:
    """The floors with all, or one, brought to a share."""
    least = problem.limits.ward_least
    return np.where((np.arange(len(least)) == ward) if ward is not None else True, share * least, least)


def without(problem: Problem, kind: str, poses: Any) -> Any:
    """The flags with these poses let go."""
    flags = getattr(problem.limits, kind).copy()
    flags[list(poses)] = False
    return flags


def possible(problem: Problem) -> Iterator[tuple[str, int | None]]:
    """Every kind of single change that would do, by trying all with the rule given up."""
    limits, had = problem.limits, problem.already > 0
    for kind in ("budget", "yearly", "per_site"):
        if getattr(limits, kind) is not None and holds(problem, **{kind: MUCH}):
            yield kind, None
    lacking = [w for w, least in enumerate(limits.ward_least) if problem.weight[had & (problem.ward == w)].sum() < least]
    if lacking and holds(problem, ward_least=0 * limits.ward_least):
        yield "floors", None
    for ward in lacking:
        if holds(problem, ward_least=floors_at(problem, 0.0, ward)):
            yield "floor", ward
    for kind in ("keep", "forbid"):
        if getattr(limits, kind).any() and holds(problem, **{kind: np.zeros(problem.n_poses, dtype=bool)}):
            yield kind, None


def check_least(problem: Problem, change: Change) -> None:
    """With the change a plan keeps every rule, the one told among them; with a little less of it none does."""
    kind, limits = change.kind, problem.limits
    assert change.proven
    if kind in {"budget", "yearly", "per_site"}:
        changed = {kind: int(change.needed)}
        assert change.now == getattr(limits, kind) < change.needed == change.bound
        assert not holds(problem, **{kind: int(change.needed) - 1})
    elif kind in {"floors", "floor"}:
        changed = {"ward_least": floors_at(problem, change.needed, change.ward)}
        assert 0 <= change.needed < change.now == 1.0
        # A floor forgives a millionth of all weight as rounding.
        asked = limits.ward_least[limits.ward_least > 0] if change.ward is None else limits.ward_least[[change.ward]]
        slack = 1e-5 + 5e-6 * problem.total / asked.min()
        assert not holds(problem, ward_least=floors_at(problem, change.bound + slack, change.ward))
        assert change.bound - change.needed < slack
    else:
        changed = {kind: without(problem, kind, change.poses)}
        flags = np.nonzero(getattr(limits, kind))[0]
        assert (change.now, change.needed) == (len(flags), len(flags) - len(change.poses))
        fewer = itertools.combinations(flags, len(change.poses) - 1)
        assert not any(holds(problem, **{kind: without(problem, kind, poses)}) for poses in fewer)
    assert holds(problem, **changed)
    assert with_limits(problem, **changed).broken(change.chosen) == []


@SOLVERS
def test_changes_agree_with_trying_all(solver: Solver, block: int) -> None:
    """On 40 problems a block: none where the rules hold; else each change is enough and the least, and every kind that would do is told."""
    for seed in range(40 * block, 40 * block + 40):
        problem = random_problem(seed, most_poses=8)
        wanted = set(possible(problem))
        if best_value(problem) is not None:
            assert least_change(problem, solve=solver) == []
            continue
        if not wanted:
            with pytest.raises(Infeasible) as caught:
                least_change(problem, solve=solver)
            assert caught.value.code == "change.several"
            continue
        found = least_change(problem, solve=solver)
        assert sorted((change.kind, change.ward or 0) for change in found) == sorted((kind, ward or 0) for kind, ward in wanted), seed
        for change in found:
            check_least(problem, change)


@pytest.mark.parametrize("scale", [1e-7, 1e9])
@pytest.mark.parametrize("seed", [22, 43, 62, 63, 90, 97])
def test_the_unit_of_weight_does_not_matter(seed: int, scale: float) -> None:
    """Weights of 1e-7 and of 1e9 need the same changes as weights of 1."""
    plain, scaled = (random_problem(seed, most_poses=8, scale=unit) for unit in (1.0, scale))
    if best_value(plain) is None and not set(possible(plain)):
        return
    one, other = least_change(plain), least_change(scaled)
    assert [(change.kind, change.ward, change.poses, change.proven) for change in one] == [
        (change.kind, change.ward, change.poses, change.proven) for change in other
    ]
    assert [change.needed for change in one] == pytest.approx([change.needed for change in other], abs=1e-4)


def test_a_budget_too_small_for_two_wards() -> None:
    """Cameras of 10 on poles of 5, one a ward, money for one: 30 would do, or half of all floors' sum in neither; one ward's floor must go."""
    problem = problem_of(np.eye(2, dtype=int), 4.0, ward=[0, 1], cost=10, site_cost=5, budget=20, least=[2.0, 3.0], names=("North", "South"))
    found = {(change.kind, change.ward): change for change in least_change(problem)}
    assert set(found) == {("budget", None), ("floors", None), ("floor", 0), ("floor", 1)}
    assert (found["budget", None].now, found["budget", None].needed) == (20, 30)
    assert found["budget", None].chosen.tolist() == [0, 1]
    assert [found[key].needed for key in (("floors", None), ("floor", 0), ("floor", 1))] == pytest.approx([0.0, 0.0, 0.0], abs=1e-5)


def test_kept_forbidden_room_and_upkeep_by_hand() -> None:
    """Each rule that alone stands in the way is told with its least change."""
    kept = problem_of(np.eye(4, dtype=int), 1.0, cost=[9, 4, 6, 5], budget=10, keep=[0, 1, 2])
    (budget, keep) = least_change(kept)
    assert (budget.kind, budget.needed) == ("budget", 19)
    assert (keep.kind, keep.now, keep.needed, keep.poses) == ("keep", 3, 2, (0,))
    barred = problem_of(np.eye(3, dtype=int), 1.0, forbid=[0, 1, 2], least=[2.0])
    forbid = {change.kind: change for change in least_change(barred)}["forbid"]
    assert (forbid.now, forbid.needed, len(forbid.poses)) == (3, 1, 2)
    full = problem_of(np.eye(3, dtype=int), 1.0, site=[0, 0, 0], per_site=1, least=[3.0])
    room = {change.kind: change for change in least_change(full)}["per_site"]
    assert (room.now, room.needed) == (1, 3)
    dear = problem_of(np.eye(2, dtype=int), 1.0, yearly=7, site_yearly=1, yearly_budget=9, least=[2.0])
    yearly = {change.kind: change for change in least_change(dear)}["yearly"]
    assert (yearly.now, yearly.needed, yearly.bound, yearly.proven) == (9, 16, 16, True)


def test_two_rules_in_the_way_are_told_as_such() -> None:
    """Where the money and the room are both too small no single change of either does; given up floors do, unless kept cameras are in the way too."""
    problem = problem_of(np.eye(2, dtype=int), 1.0, cost=10, site=[0, 0], per_site=1, budget=10, least=[2.0])
    assert {change.kind for change in least_change(problem)} == {"floors", "floor"}
    with pytest.raises(Infeasible) as caught:
        least_change(with_limits(problem, budget=9, keep=np.array([True, False])))
    assert caught.value.code == "change.several"


@pytest.mark.parametrize("seed", range(6))
def test_large_problems_get_changes_that_do(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tries are no proofs, each change still lets the plan told keep every rule, and bounds are never beyond the truth."""
    monkeypatch.setattr(strategy, "SMALL", 0)
    problem = random_problem(11 + seed, most_poses=8)
    if best_value(problem) is not None:
        assert least_change(problem, try_s=0.3) == []
        return
    try:
        found = least_change(problem, try_s=0.3)
    except Infeasible as error:
        assert error.code == "change.several"
        return
    monkeypatch.undo()
    least = {(change.kind, change.ward): change for change in least_change(problem)}
    for change in found:
        true = least[change.kind, change.ward].needed
        rises = change.kind in {"budget", "yearly", "per_site"}
        assert change.needed >= true - 1e-9 if rises else change.needed <= true + 1e-6
        assert change.bound <= true + 1e-9 if rises else change.bound >= true - 1e-4
        if change.proven:
            assert change.needed == pytest.approx(true, abs=1e-4)


def test_a_town_s_budget_is_bracketed() -> None:
    """In a town whose floors the money cannot reach, the budget found pays a plan and lies between the proven bound and twice that, however short the
    tries."""
    town = plain_city(4, sites=250, budget=300)
    inside = town.weight.sum()
    town = with_limits(dataclasses.replace(town, ward=np.zeros(len(town.weight), dtype=np.int64)), ward_least=np.array([0.4 * inside]))
    budget = {change.kind: change for change in least_change(town, time_limit_s=20.0, try_s=0.5)}["budget"]
    assert with_limits(town, budget=int(budget.needed)).broken(budget.chosen) == []
    assert 300 < budget.bound <= budget.needed <= 2 * budget.bound


def test_without_time_nothing_is_claimed() -> None:
    """When the time is up at once, no change is told."""
    problem = problem_of(np.eye(2, dtype=int), 4.0, ward=[0, 1], cost=10, budget=15, least=[2.0, 3.0])
    with pytest.raises(Infeasible) as caught:
        least_change(problem, time_limit_s=0.0)
    assert caught.value.code == "change.several"


def test_it_tells_and_stops_when_asked() -> None:
    """Steps are told; asked to stop, the work ends."""
    problem = problem_of(np.eye(2, dtype=int), 4.0, ward=[0, 1], cost=10, budget=15, least=[2.0, 3.0])
    told: list[Step] = []
    least_change(problem, progress=Progress(told.append))
    assert [step.stage for step in told] == ["change"] * 7
    with pytest.raises(Cancelled):
        least_change(problem, progress=Progress(stopped=lambda: True))
