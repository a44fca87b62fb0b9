"""Plans for a row of budgets, each holding the one before."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optimizer.desk import Desk, open_desk
from optimizer.ladder import make_ladder, nest
from optimizer.survey import Survey
from planning.city import City
from planning.errors import ScenarioError
from planning.ladders import Ladder
from planning.nouns import Scenario
from tests.optimizer.exact import by_trying_all
from tests.optimizer.toys import random_problem

BUDGETS = (30_000, 60_000, 90_000, 130_000)


@pytest.fixture(name="desk", scope="module")
def desk_of_the_town(town: City, survey: Survey, wish: Scenario) -> Desk:
    """The town under its wish."""
    return open_desk(town, wish, survey=survey)


@pytest.fixture(name="ladder", scope="module")
def ladder_of_the_town(desk: Desk) -> Ladder:
    """Four budgets."""
    return make_ladder(desk, BUDGETS, time_limit_s=20.0)


def rows_at(desk: Desk, ladder: Ladder, rung: int) -> np.ndarray:
    """The rows of the cameras a rung holds."""
    return desk.rows([camera.id for camera, entered in zip(ladder.cameras, ladder.entered, strict=True) if entered <= rung])


def test_each_rung_s_figures_are_those_of_its_cameras(desk: Desk, ladder: Ladder) -> None:
    """Cost, number, coverage and worst ward are worked out from the cameras entered so far; each keeps its budget."""
    assert [rung.budget_inr for rung in ladder.rungs] == list(BUDGETS)
    for number, rung in enumerate(ladder.rungs):
        rows = rows_at(desk, ladder, number)
        assert rung.cameras == len(rows)
        assert (rung.cost_inr, rung.yearly_inr) == desk.problem.spent(rows)
        assert rung.cost_inr <= rung.budget_inr
        assert rung.covered == pytest.approx(desk.problem.value(rows) / desk.whole)
        assert not dataclasses.replace(desk.problem, limits=dataclasses.replace(desk.problem.limits, budget=rung.budget_inr)).broken(rows)


def test_no_rung_is_better_than_its_budget_s_best(ladder: Ladder) -> None:
    """Nesting costs 0 or more, the bound lies above both, and the largest budget's plan is its best."""
    for rung in ladder.rungs:
        assert rung.covered <= rung.best + 1e-12
        assert rung.best <= rung.bound + 1e-12
        assert rung.nesting >= -1e-12
    assert ladder.rungs[-1].nesting == pytest.approx(0.0, abs=1e-12)
    assert [rung.covered for rung in ladder.rungs] == sorted(rung.covered for rung in ladder.rungs)


def test_points_say_from_which_rung_they_are_seen(desk: Desk, ladder: Ladder) -> None:
    """At every rung the points seen so far are those of its cameras, and their weight is its coverage."""
    for number, rung in enumerate(ladder.rungs):
        seen = ladder.seen_from <= number
        assert (seen == desk.problem.seen(rows_at(desk, ladder, number))).all()
        assert ladder.weight[seen].sum() / ladder.weight.sum() == pytest.approx(rung.covered)
    assert ((ladder.seen_from == -1) == (desk.problem.already > 0)).all()
    assert ladder.before == pytest.approx(ladder.weight[ladder.seen_from == -1].sum() / ladder.weight.sum())


def test_kept_cameras_stand_from_the_first_rung(town: City, survey: Survey, wish: Scenario, ladder: Ladder) -> None:
    """What must be in the plan is in every part of it."""
    kept = max(ladder.cameras, key=lambda camera: camera.cost_inr).id
    asked = dataclasses.replace(wish, keep=(kept,))
    made = make_ladder(open_desk(town, asked, survey=survey), BUDGETS[1:], time_limit_s=10.0)
    assert dict(zip((camera.id for camera in made.cameras), made.entered, strict=True))[kept] == 0


def test_the_floor_holds_at_the_top(town: City, survey: Survey, wish: Scenario) -> None:
    """The largest budget's plan reaches every ward's floor, though smaller ones may not."""
    asked = dataclasses.replace(wish, ward_floor=0.2)
    ladder = make_ladder(open_desk(town, asked, survey=survey), BUDGETS, time_limit_s=10.0)
    assert ladder.rungs[-1].worst >= 0.2 - 1e-6
    assert ladder.rungs[0].worst < 0.2


def test_budgets_must_ascend(desk: Desk) -> None:
    """A row of budgets is refused as the frontier refuses it."""
    with pytest.raises(ScenarioError) as caught:
        make_ladder(desk, (60_000, 30_000))
    assert caught.value.code == "frontier.budgets"


@pytest.mark.parametrize("seed", range(12))
def test_each_part_is_the_best_that_its_budget_pays(seed: int) -> None:
    """On small problems, by trying every subset: the part kept is within a thousandth of the best part of the next larger plan."""
    problem = random_problem(seed)
    limits = dataclasses.replace(problem.limits, ward_least=np.zeros(len(problem.limits.ward_least)), keep=np.zeros(problem.n_poses, dtype=bool))
    problem = dataclasses.replace(problem, limits=limits)
    top = by_trying_all(problem).chosen
    budgets = sorted({max(int(limits.budget * share), 1) for share in (0.3, 0.6, 1.0)})
    plans = nest(problem, top, budgets)
    for larger, smaller, budget in zip(plans[1:], plans, budgets, strict=False):
        assert set(smaller) <= set(larger)
        barred = np.ones(problem.n_poses, dtype=bool)
        barred[larger] = False
        within = dataclasses.replace(problem, limits=dataclasses.replace(limits, budget=budget, forbid=limits.forbid | barred))
        assert not within.broken(smaller)
        assert problem.value(smaller) >= by_trying_all(within).objective / 1.001 - 1e-9
