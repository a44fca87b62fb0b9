"""A plan changed by hand: scored exactly, planned again around, kept as a plan of its own, verified."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely

from optimizer.handwork import Bench, keep_handmade, open_bench
from optimizer.plan import make_plan
from optimizer.survey import Survey
from optimizer.verify import verify
from planning.bill import write_bill
from planning.city import City
from planning.errors import CityError, Disagreement, ScenarioError
from planning.export import read_plan, write_plan
from planning.handmade import HAND_MADE, Edit, Handmade, around, camera_id
from planning.nouns import Plan, Scenario
from tests.planning.toy_streets import at
from tests.town import copy_of

FREE = (round(at(-30, 9).x), round(at(-30, 9).y))


@pytest.fixture(name="bench", scope="module")
def bench_of_the_plan(town: City, plan: Plan) -> Bench:
    """The town's plan on its bench."""
    return open_bench(town, plan)


def ids(plan: Plan) -> list[str]:
    """The plan's cameras."""
    return [camera.id for camera in plan.cameras]


def changed(plan: Plan) -> Handmade:
    """The camera that adds most moved to a place set by hand and turned; the one that adds least taken away."""
    best, least = (pick(plan.cameras, key=lambda camera: camera.gain) for pick in (max, min))
    moved = camera_id(f"h-{FREE[0]}-{FREE[1]}", best.model, best.lens, 265.0, 6.0)
    return Handmade(plan.id).then(Edit(best.id, moved)).then(Edit(least.id, ""))


def test_an_unchanged_plan_scores_as_it_was_made(bench: Bench, plan: Plan) -> None:
    """On the bench a plan has the same cameras, sites, coverage by ward and cost as when it was planned, and breaks no rule."""
    found = bench.score(ids(plan))
    assert [dataclasses.replace(camera, purpose="") for camera in plan.cameras] == list(found.cameras)
    assert set(found.sites) == set(plan.sites)
    assert (found.cost_inr, found.yearly_inr) == (plan.cost_inr, plan.yearly_inr)
    assert (found.card.before, found.card.after) == pytest.approx((plan.scorecard.before, plan.scorecard.after), abs=1e-12)
    assert found.card.wards == plan.scorecard.wards
    assert (found.seen == plan.demand["after"].to_numpy()).all()
    assert found.broken == ()


def test_a_change_is_scored_as_a_plan_of_those_cameras_would_be(bench: Bench, town: City, plan: Plan, survey: Survey) -> None:
    """What the bench says of moved, turned and missing cameras is what the verified plan of exactly those cameras says."""
    made = changed(plan)
    scored = bench.score(made.applied(ids(plan)))
    wish = dataclasses.replace(around(plan.scenario, ids(plan), made), budget_inr=300_000, time_limit_s=2.0)
    kept = keep_handmade(town, wish, made.applied(ids(plan)))
    assert kept.verified
    assert {camera.id for camera in kept.cameras} == set(made.applied(ids(plan)))
    assert scored.card.after == pytest.approx(kept.scorecard.after, abs=1e-12)
    assert scored.card.wards == kept.scorecard.wards
    assert (scored.cost_inr, scored.yearly_inr) == (kept.cost_inr, kept.yearly_inr)
    assert (scored.seen == kept.demand["after"].to_numpy()).all()


def test_a_hand_made_plan_is_a_plan_like_any_other(town: City, plan: Plan, tmp_path: Path) -> None:
    """Its status says how it was made, its bound is no less than it is worth and no less than any plan of the same wish; written, read and billed."""
    made = changed(plan)
    wish = dataclasses.replace(around(plan.scenario, ids(plan), made), budget_inr=145_000, time_limit_s=3.0, title="Ours")
    kept = keep_handmade(town, wish, made.applied(ids(plan)))
    best = make_plan(town, wish)
    assert kept.proof.status == HAND_MADE
    assert "by hand" in kept.proof.how
    assert kept.scenario.id == best.scenario.id
    assert kept.scorecard.after <= best.scorecard.after + 1e-9
    assert kept.proof.bound >= best.scorecard.after - 1e-9
    assert kept.proof.gap == pytest.approx(kept.proof.bound / kept.proof.worth - 1)
    assert any("set by hand" in note for note in kept.assumptions)
    write_plan(kept, town, tmp_path / "kept.gpkg")
    again = read_plan(tmp_path / "kept.gpkg")
    assert again.id == kept.id
    assert verify(again, town).after == pytest.approx(kept.scorecard.after, abs=1e-4)
    write_bill(kept, town, tmp_path / "kept.xlsx")
    assert (tmp_path / "kept.xlsx").stat().st_size > 1_000


def test_planning_again_keeps_what_was_made_by_hand(town: City, survey: Survey, plan: Plan) -> None:
    """The new plan holds the moved camera as it was set and not the one taken away; it is verified, and within the budget."""
    made = changed(plan)
    wish = around(plan.scenario, ids(plan), made)
    again = make_plan(town, dataclasses.replace(wish, time_limit_s=5.0), survey=survey)
    assert made.edits[0].now in ids(again)
    assert made.edits[0].was != made.edits[0].now
    assert made.edits[1].was not in ids(again)
    assert again.verified
    assert again.cost_inr <= wish.budget_inr


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (lambda camera: {"x_m": camera.x_m + 0.4}, "verify.place"), (lambda camera: {"bearing_deg": camera.bearing_deg + 5}, "verify.camera"),
        (lambda camera: {"height_m": 14.0, "id": camera.id.replace("/6", "/14")}, "verify.place"),
        (lambda camera: {"cost_inr": camera.cost_inr - 1}, "verify.cost"),
    ],
)  # fmt: skip
def test_the_verifier_refuses_a_tampered_hand_made_camera(town: City, kept: Plan, tamper: Callable[..., dict[str, object]], code: str) -> None:
    """A hand-made camera that stands, looks, hangs or costs otherwise than its id and the price list say is found out."""
    ours = next(camera for camera in kept.cameras if camera.site.startswith("h-"))
    other = dataclasses.replace(ours, **tamper(ours))  # type: ignore[arg-type]
    bad = dataclasses.replace(kept, cameras=tuple(other if camera is ours else camera for camera in kept.cameras))
    with pytest.raises(Disagreement) as caught:
        verify(bad, town)
    assert code in {fault.code for fault in caught.value.faults}


def test_the_verifier_refuses_hand_made_places_that_may_not_be(town: City, kept: Plan) -> None:
    """A plan whose place set by hand the wish does not name, costs less than a new pole, or lies where no pole may stand is refused."""
    ours = next(site for site in kept.sites if site.kind == "hand")
    cheap = dataclasses.replace(ours, heads=tuple((name, amount // 2) for name, amount in ours.heads))
    unnamed = dataclasses.replace(kept, scenario=dataclasses.replace(kept.scenario, keep=()))
    cheaper = dataclasses.replace(kept, sites=tuple(cheap if site is ours else site for site in kept.sites))
    for bad, code in ((unnamed, "verify.site"), (cheaper, "verify.cost")):
        with pytest.raises(Disagreement) as caught:
            verify(bad, town)
        assert code in {fault.code for fault in caught.value.faults}
    street = at(-80, 1)
    wild = f"h-{round(street.x)}-{round(street.y)}/bullet-4mp/0@0.0/6"
    with pytest.raises(ScenarioError) as refused:
        verify(dataclasses.replace(kept, scenario=dataclasses.replace(kept.scenario, keep=(*kept.scenario.keep, wild))), town)
    assert refused.value.code == "sites.placed"


@pytest.fixture(name="kept", scope="module")
def a_kept_plan(town: City, plan: Plan) -> Plan:
    """The changed plan, kept."""
    made = changed(plan)
    wish = dataclasses.replace(around(plan.scenario, ids(plan), made), budget_inr=145_000, time_limit_s=2.0)
    return keep_handmade(town, wish, made.applied(ids(plan)))


def test_rules_that_are_broken_are_told_and_no_such_plan_is_kept(town: City, plan: Plan, survey: Survey) -> None:
    """Budget, yearly budget, room at a site, wards' floors, the share wanted: each is told with what is found and what is allowed."""
    first = plan.cameras[0]
    crowd = [camera_id(first.site, first.model, first.lens, 10.0 * k, 6.0) for k in range(4)]
    tight = {"budget_inr": 40_000, "yearly_inr": 5_000, "cameras_per_site": 3, "ward_floor": 0.9, "wanted_share": 0.95}
    bench = open_bench(town, dataclasses.replace(plan, scenario=dataclasses.replace(plan.scenario, **tight)))  # type: ignore[arg-type]
    found = bench.score(crowd)
    told = {(rule.rule, rule.name) for rule in found.broken}
    assert {("budget", ""), ("yearly", ""), ("room", first.site), ("share", "")} <= told
    assert sum(rule == "floor" for rule, _ in told) >= 1
    by_rule = {rule.rule: rule for rule in found.broken}
    assert (by_rule["budget"].found, by_rule["budget"].allowed) == (found.cost_inr, 40_000)
    assert (by_rule["room"].found, by_rule["room"].allowed) == (4, 3)
    wish = dataclasses.replace(plan.scenario, keep=tuple(crowd), budget_inr=40_000)
    with pytest.raises(ScenarioError) as caught:
        keep_handmade(town, wish, crowd)
    assert caught.value.code == "hand.rules"


def test_a_camera_that_sees_a_zone_it_must_not_is_told(town: City, plan: Plan) -> None:
    """Where no camera may see a no-view zone, one turned upon it breaks a rule; turned away it does not."""
    ours = camera_id(f"h-{FREE[0]}-{FREE[1]}", "bullet-4mp", 0, 265.0, 6.0)
    west = shapely.box(FREE[0] - 25, FREE[1] - 12, FREE[0] - 10, FREE[1])
    zones = town["zones"].copy()
    zones.loc["keep-out"] = {**zones.iloc[0].to_dict(), "kind": "no_view", "geometry": west}
    city = copy_of(town, zones=zones)
    lent = dataclasses.replace(plan, city_digest=city.digest, scenario=dataclasses.replace(plan.scenario, no_view=True))
    bench = open_bench(city, lent)
    assert [(rule.rule, rule.name) for rule in bench.score([ours]).broken] == [("no_view", ours)]
    assert bench.score([ours.replace("@265.0", "@85.0")]).broken == ()


def test_a_camera_set_down_stands_at_a_site_near_by_or_on_a_new_pole(bench: Bench, town: City, survey: Survey) -> None:
    """Within 3 m of a site it is that site; elsewhere the nearest whole metre where a pole may stand; deep in a house nothing will do."""
    x, y = (float(value) for value in shapely.get_coordinates(survey.sites.geometry.iloc[4])[0])
    assert bench.spot(x + 1.5, y - 1.5) == survey.sites.index[4]
    assert bench.spot(FREE[0] + 0.2, FREE[1] - 0.3) == f"h-{FREE[0]}-{FREE[1]}"
    street = at(-100, 1.5)
    label = bench.spot(street.x, street.y)
    if label.startswith("h-"):
        with pytest.raises(ScenarioError) as caught:
            bench.score([f"{label}/bullet-4mp/0@0.0/6"])
        assert caught.value.code == "sites.placed"
    kerb = at(-100, 4.2)
    assert np.hypot(*(np.array(_xy(bench, bench.spot(kerb.x, kerb.y))) - (kerb.x, kerb.y))) <= 4.5


def _xy(bench: Bench, label: str) -> tuple[float, float]:
    bench.score([f"{label}/bullet-4mp/0@0.0/6"])
    point = bench.sites.geometry.loc[label]
    return float(point.x), float(point.y)


def test_an_added_camera_is_turned_to_where_it_adds_most(bench: Bench, plan: Plan) -> None:
    """No bearing of a fan of whole degrees adds more to the others than the one that is offered."""
    label = f"h-{FREE[0]}-{FREE[1]}"
    others = ids(plan)[:1]
    best = bench.best_bearing(label, "varifocal-4mp", 1, 6.0, others)

    def worth(bearing: float) -> float:
        return bench.score([*others, camera_id(label, "varifocal-4mp", 1, bearing, 6.0)]).card.after

    assert worth(best) >= max(worth(float(bearing)) for bearing in range(0, 360, 10)) - 1e-12


def test_a_bench_is_for_its_own_state_of_the_city(town: City, plan: Plan) -> None:
    """A plan made for another state of the city is not changed by hand."""
    with pytest.raises(CityError) as caught:
        open_bench(copy_of(town, places=town["places"].iloc[:1]), plan)
    assert caught.value.code == "desk.city"


def test_no_camera_at_all_is_scored_too(bench: Bench, plan: Plan) -> None:
    """With every camera taken away what is left is what existing cameras see, for nothing."""
    found = bench.score([])
    assert found.card.after == pytest.approx(plan.scorecard.before)
    assert (found.cost_inr, found.yearly_inr, found.sites) == (0, 0, ())


def test_privacy_and_second_views_count_as_in_a_plan(town: City, plan: Plan) -> None:
    """What homes in view cost and second views are worth is on the bench what it is in the verified plan."""
    wish = dataclasses.replace(plan.scenario, privacy=0.01, second_view=0.5, budget_inr=300_000, time_limit_s=2.0)
    bench = open_bench(town, dataclasses.replace(plan, scenario=wish))
    made = changed(plan)
    cameras = made.applied(ids(plan))
    scored = bench.score(cameras)
    kept = keep_handmade(town, around(wish, ids(plan), made), cameras)
    assert scored.privacy == pytest.approx(kept.proof.privacy, abs=1e-12)
    assert scored.privacy > 0
    assert scored.second == pytest.approx(kept.proof.second, abs=1e-12)


def test_the_wish_of_the_plan_is_not_touched(plan: Plan, wish: Scenario) -> None:
    """Changing by hand makes other wishes; the plan keeps its own."""
    around(plan.scenario, ids(plan), changed(plan))
    assert plan.scenario == wish
