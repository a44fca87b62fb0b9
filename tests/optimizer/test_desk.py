"""Questions about a city and its plans are answered in cameras, wards and rupees, and the answers are the problem's own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optimizer import desk as ask
from optimizer.desk import Desk
from optimizer.plan import answer, make_plan
from optimizer.survey import Survey
from planning.city import City
from planning.errors import CityError, Infeasible, ScenarioError
from planning.nouns import Plan, Scenario
from tests.town import copy_of


@pytest.fixture(name="desk", scope="module")
def desk_of_the_plan(town: City, plan: Plan, survey: Survey) -> Desk:
    """The desk of the town's plan."""
    return ask.open_plan(town, plan, survey=survey)


def test_a_plan_s_desk_holds_its_cameras(desk: Desk, plan: Plan) -> None:
    """The rows are those of the plan's ids, and their value and cost are the plan's."""
    assert set(desk.ids(desk.chosen)) == {camera.id for camera in plan.cameras}
    assert desk.problem.value(desk.chosen) / desk.whole == pytest.approx(plan.scorecard.after, rel=1e-12)
    assert desk.problem.spent(desk.chosen) == (plan.cost_inr, plan.yearly_inr)


def test_every_id_leads_back_to_its_row(desk: Desk) -> None:
    """Ids and rows are one to one, in any order."""
    rows = np.array([7, 0, len(desk.survey.poses) - 1])
    assert desk.rows(desk.ids(rows)).tolist() == rows.tolist()
    assert len(set(desk.ids(range(len(desk.survey.poses))))) == len(desk.survey.poses)


def test_all_unknown_ids_are_named(desk: Desk) -> None:
    """An unknown site, an unknown pose of a known site and an empty text are each a fault."""
    site = str(desk.survey.sites.index[0])
    with pytest.raises(ScenarioError) as caught:
        desk.rows(["nowhere/x/0@0.0/6", f"{site}/x/0@0.0/6", *desk.ids([3]), ""])
    assert [(fault.code, fault.value) for fault in caught.value.faults] == [
        ("desk.camera", "nowhere/x/0@0.0/6"), ("desk.camera", f"{site}/x/0@0.0/6"), ("desk.camera", ""),
    ]  # fmt: skip


def test_a_plan_of_another_state_of_the_city_has_no_desk(town: City, plan: Plan) -> None:
    """Answers about a city that changed would be wrong."""
    with pytest.raises(CityError) as caught:
        ask.open_plan(copy_of(town, places=town["places"].iloc[:1]), plan)
    assert caught.value.code == "desk.city"


def test_each_budget_buys_what_its_cameras_see(desk: Desk) -> None:
    """Covered, cost and worst ward are worked out from the cameras named; more money is never worse; no plan lies above the bound."""
    points = ask.curve(desk, [40_000, 80_000, 130_000], time_limit_s=20.0)
    for point in points:
        rows = desk.rows(point.cameras)
        assert point.covered == pytest.approx(desk.problem.value(rows) / desk.whole)
        assert (point.cost_inr, point.yearly_inr) == desk.problem.spent(rows)
        assert point.cost_inr <= point.budget_inr
        assert point.covered <= point.bound + 1e-12
        shares = _ward_shares(desk, rows)
        assert point.worst == pytest.approx(min(shares.values()))
        assert shares[point.worst_ward] == pytest.approx(point.worst)
    assert [point.covered for point in points] == sorted(point.covered for point in points)


def _ward_shares(desk: Desk, rows: np.ndarray) -> dict[str, float]:
    seen, limits = desk.problem.seen(rows), desk.problem.limits
    shares = {}
    for ward in range(len(limits.ward_least)):
        inside = desk.problem.ward == ward
        shares[limits.ward_name(ward)] = float(desk.problem.weight[inside & seen].sum() / desk.problem.weight[inside].sum())
    return shares


def test_phases_keep_what_was_built(desk: Desk) -> None:
    """Each phase holds the one before, adds what it says, and its nesting is the difference to a plan of its own."""
    first, last = ask.phased(desk, [60_000, 130_000], time_limit_s=10.0)
    assert set(first.now.cameras) <= set(last.now.cameras)
    assert set(last.added) == set(last.now.cameras) - set(first.now.cameras)
    assert first.added == first.now.cameras
    for phase in (first, last):
        assert 0 <= phase.nesting <= phase.nesting_most + 1e-12
        assert phase.now.covered + phase.nesting_most == pytest.approx(phase.now.bound)


def test_a_camera_s_reasons_are_its_gain(desk: Desk, plan: Plan) -> None:
    """What is lost without a camera is the gain the plan states; a camera outside the plan has no reasons."""
    for camera in plan.cameras:
        found = ask.reasons(desk, camera.id)
        assert found.lost / desk.whole == pytest.approx(camera.gain, abs=1e-12)
        assert found.lost == pytest.approx(ask.without(desk, [camera.id]).before - ask.without(desk, [camera.id]).after)
    other = next(row for row in range(len(desk.survey.poses)) if row not in desk.chosen)
    with pytest.raises(ScenarioError) as caught:
        ask.reasons(desk, desk.ids([other])[0])
    assert caught.value.code == "explain.pose"


def test_next_cameras_are_not_in_the_plan_and_add_what_they_say(desk: Desk) -> None:
    """Each next camera's gain is the value with it less the value without."""
    found = ask.next_cameras(desk, n=4)
    assert 0 < len(found.singles) <= 4
    now = desk.problem.value(desk.chosen)
    for step in found.singles:
        assert step.pose not in desk.chosen
        assert step.gain == pytest.approx(desk.problem.value(np.append(desk.chosen, step.pose)) - now)


def test_repairs_stay_within_their_budget(desk: Desk, plan: Plan) -> None:
    """With money for one of two dead cameras, one is brought back: the one that adds more."""
    dead = [camera.id for camera in sorted(plan.cameras, key=lambda camera: camera.gain)[-2:]]
    found = ask.repairs(desk, dead, [3000, 3000], budget_inr=5000)
    assert found.spent == 3000
    live = np.setdiff1d(desk.chosen, desk.rows(dead))
    gains = [desk.problem.value(np.append(live, row)) for row in desk.rows(dead)]
    assert found.after == pytest.approx(max(gains))


def test_the_cheapest_plan_for_a_share(town: City, survey: Survey, wish: Scenario, plan: Plan) -> None:
    """It covers the share, costs no less than its proof allows, is verified, and spends less than the plan that covers more."""
    share = 0.5 * (plan.scorecard.before + plan.scorecard.after)
    found = make_plan(town, dataclasses.replace(wish, wanted_share=share), survey=survey)
    assert found.verified
    assert share - 1e-9 <= found.scorecard.after < plan.scorecard.after
    assert found.proof.least_inr is not None
    assert found.proof.least_inr <= found.cost_inr < plan.cost_inr
    assert found.proof.gap == pytest.approx(found.cost_inr / found.proof.least_inr - 1)


def test_a_share_the_budget_cannot_pay_is_refused_with_its_price(desk: Desk, wish: Scenario, plan: Plan) -> None:
    """The refusal names a budget that would do."""
    asked = dataclasses.replace(wish, wanted_share=plan.scorecard.after + 0.05, budget_inr=plan.cost_inr)
    with pytest.raises(Infeasible) as caught:
        answer(desk.problem, asked)
    assert caught.value.code == "cover.budget"
    assert "Give ₹" in caught.value.faults[0].way_out


def test_a_wanted_share_of_nought_leaves_the_scenario_as_it_was(wish: Scenario) -> None:
    """Plans made before the wish was known keep their ids; with a share the id is another."""
    assert dataclasses.replace(wish, wanted_share=0.0).id == wish.id != dataclasses.replace(wish, wanted_share=0.4).id
    with pytest.raises(ScenarioError) as caught:
        dataclasses.replace(wish, wanted_share=1.5)
    assert caught.value.code == "scenario.share"
