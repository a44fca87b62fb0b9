"""What a scenario may ask beyond coverage, planned and verified: purposes, second views, a price on homes in view, no-view zones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from optimizer.extras import homes_in_view, second_views, sees_no_view
from optimizer.ground import views_from
from optimizer.plan import make_plan, make_problem
from optimizer.survey import Survey, make_survey
from optimizer.verify import verify
from planning.city import City
from planning.errors import Disagreement, ScenarioError
from planning.nouns import Plan, Scenario
from tests.planning.toy_streets import at, box, frame
from tests.town import copy_of


def planned(town: City, wish: Scenario, **asked: Any) -> Plan:
    """A verified plan that asks more."""
    return make_plan(town, dataclasses.replace(wish, gap=0.001, **asked))


def codes(plan: Plan, city: City) -> set[str]:
    """What the verifier says against a plan."""
    with pytest.raises(Disagreement) as caught:
        verify(plan, city)
    return {fault.code for fault in caught.value.faults}


@pytest.fixture(name="crossing", scope="module")
def town_with_a_main_junction(town: City) -> City:
    """The town, its streets primary and its crossing with signals, so that faces are asked for there and plates at its ends."""
    spots = {"j0": (0, 0), "jw": (-160, 3), "je": (150, 4), "jn": (1, 130), "js": (2, -120), "jf": (139, 51)}
    junctions = frame("junctions", [at(*xy) for xy in spots.values()], ids=list(spots), degree=[4, 1, 2, 1, 1, 1], signals=[True] + [False] * 5)
    return copy_of(town, junctions=junctions, roads=town["roads"].assign(road_class="primary"))


def test_a_face_is_asked_at_the_junction_and_the_plan_is_verified(crossing: City, wish: Scenario) -> None:
    """The junction's points ask 125 px/m: what the plan sees there it sees that finely, by the verifier's own way too; elsewhere nothing changes."""
    plan = planned(crossing, wish, purposes=("junctions=face",))
    assert plan.verified
    faces = (plan.demand["purpose"] == "face").to_numpy()
    assert 0 < faces.sum() < len(faces)
    assert any("ask purpose face" in note for note in plan.assumptions)
    survey = make_survey(crossing, plan.scenario)
    bare = make_survey(crossing, wish)
    rows = np.flatnonzero(faces)
    finest = np.asarray(survey.matrix.px_per_m[:, rows].max(axis=1).todense()).ravel()
    assert finest[finest > 0].min() >= 125.0 * (1 - 1e-6)
    coarse = np.asarray(bare.matrix.px_per_m[:, rows].max(axis=1).todense()).ravel()
    assert ((coarse > 0) & (coarse < 125)).any()


def test_the_verifier_finds_a_purpose_that_is_not_met(crossing: City, wish: Scenario) -> None:
    """A plan made without the purpose and then said to have had it is refused where its junction is not seen finely enough."""
    plan = planned(crossing, wish)
    asked = dataclasses.replace(plan, scenario=dataclasses.replace(plan.scenario, purposes=("junctions=face",)))
    assert codes(asked, crossing) & {"verify.after", "verify.before", "verify.map"}


def test_a_second_view_counts_from_another_place(town: City, wish: Scenario) -> None:
    """With second views asked for, priority points are seen twice where that pays; the proof states them, and a false statement is found."""
    plan = planned(town, wish, second_view=0.9, budget_inr=200_000)
    assert plan.proof.second > 0
    assert plan.proof.worth == pytest.approx(plan.proof.covered + plan.proof.second)
    assert plan.proof.worth <= plan.proof.bound + 1e-12
    assert plan.proof.gap == pytest.approx(plan.proof.bound / plan.proof.worth - 1, abs=1e-9)
    false = dataclasses.replace(plan, proof=dataclasses.replace(plan.proof, second=plan.proof.second + 0.01))
    assert "verify.second" in codes(false, town)


def test_second_views_are_those_of_priority_zones(survey: Survey, wish: Scenario) -> None:
    """Only points in a priority zone have one, a share of their own weight; a city without such a zone is told."""
    worth = second_views(dataclasses.replace(wish, second_view=0.5), survey.demand)
    inside = survey.demand["part_priority"].to_numpy() > 0
    np.testing.assert_allclose(worth, np.where(inside, 0.5, 0.0) * survey.demand["weight"].to_numpy())
    with pytest.raises(ScenarioError) as caught:
        second_views(dataclasses.replace(wish, second_view=0.5), survey.demand.assign(part_priority=0.0))
    assert caught.value.code == "scenario.second"


def test_cameras_of_one_pole_are_one_place() -> None:
    """Two cameras within a metre that see a point are one view of it; a third elsewhere is the second."""
    from scipy import sparse

    seen = sparse.csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1]], dtype=float))
    assert views_from(np.array([[10.2, 5.1], [10.4, 4.9], [40.0, 5.0]]), seen).tolist() == [2, 1, 1]


def test_a_price_on_homes_turns_cameras_away_from_them(town: City, wish: Scenario) -> None:
    """Dearer homes are seen less; the price stated is that of the cameras chosen, and a false statement is found."""
    plans = [planned(town, wish, privacy=price) for price in (0.0, 0.3)]

    def metres(plan: Plan) -> float:
        survey = make_survey(town, plan.scenario)
        rows = [survey.row(camera.id) for camera in plan.cameras]
        every = homes_in_view(town, survey.walls, shapely.get_coordinates(survey.sites.geometry.array), survey.poses)
        return float(every[rows].sum())

    assert metres(plans[1]) < metres(plans[0])
    assert plans[0].proof.privacy == 0
    assert plans[1].proof.privacy == pytest.approx(0.3 * metres(plans[1]) / 1000)
    assert plans[1].proof.worth <= plans[1].proof.bound + 1e-12
    false = dataclasses.replace(plans[1], proof=dataclasses.replace(plans[1].proof, privacy=0.0))
    assert "verify.privacy" in codes(false, town)


def test_no_camera_sees_a_zone_it_must_not(town: City, wish: Scenario) -> None:
    """With the ban no chosen camera sees the zone, though without it some would; a plan that breaks the ban is found."""
    zones = pd.concat([town["zones"], frame("zones", [box(-12, 20, 12, 50)], ids=["zq"], kind="no_view")])
    city = copy_of(town, zones=zones)
    free, banned = planned(city, wish), planned(city, wish, no_view=True)
    survey = make_survey(city, wish)
    blind = ~sees_no_view(city, survey.walls, shapely.get_coordinates(survey.sites.geometry.array), survey.poses)
    assert all(blind[survey.row(camera.id)] for camera in banned.cameras)
    assert not all(blind[survey.row(camera.id)] for camera in free.cameras)
    assert (make_problem(city, banned.scenario, survey).limits.forbid == ~blind).all()
    assert "verify.zone" in codes(dataclasses.replace(free, scenario=dataclasses.replace(free.scenario, no_view=True)), city)


@pytest.mark.parametrize(("asked", "code"), [({"second_view": 1.5}, "scenario.second"), ({"privacy": -1.0}, "scenario.privacy")])
def test_wishes_out_of_bounds_are_refused(wish: Scenario, asked: dict[str, Any], code: str) -> None:
    """A share is from 0 to 1."""
    with pytest.raises(ScenarioError) as caught:
        dataclasses.replace(wish, **asked)
    assert caught.value.code == code


def test_what_is_not_asked_leaves_the_scenario_as_it_was(wish: Scenario) -> None:
    """Ids of plans made before stay; each wish makes another scenario."""
    assert dataclasses.replace(wish, purposes=(), second_view=0.0, privacy=0.0, no_view=False).id == wish.id
    more = [{"purposes": ("junctions=face",)}, {"second_view": 0.5}, {"privacy": 0.1}, {"no_view": True}]
    assert len({dataclasses.replace(wish, **one).id for one in more} | {wish.id}) == 5  # type: ignore[arg-type]
