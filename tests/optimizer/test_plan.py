"""From a city and a wish to a verified plan."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import shapely

from coverage.band import Sizes
from optimizer.plan import make_plan, make_problem, with_band
from optimizer.survey import Survey, make_survey
from planning.catalogue import NO_PURPOSE, load_written_purposes
from planning.city import City
from planning.errors import Infeasible, ScenarioError
from planning.frames import HEIGHT_SOURCES
from planning.nouns import Draft, Plan, Scenario
from planning.progress import Cancelled, Progress, Step
from tests.planning.toy_streets import at, frame
from tests.town import copy_of, make_town, on_hills


def changed(wish: Scenario, **changes: object) -> Scenario:
    """The wish with these changes."""
    return dataclasses.replace(wish, **changes)  # type: ignore[arg-type]


def test_a_plan_is_verified_and_within_its_limits(plan: Plan, wish: Scenario) -> None:
    """The plan is verified, costs no more than allowed, sees more than before, and its proof is consistent."""
    assert plan.verified
    assert 0 < plan.cost_inr <= wish.budget_inr
    assert plan.scorecard.before < plan.scorecard.after <= plan.proof.bound + 1e-12
    assert plan.proof.covered == pytest.approx(plan.scorecard.after, rel=1e-12)
    assert plan.proof.gap == pytest.approx(plan.proof.bound / plan.proof.covered - 1, abs=1e-9)
    assert plan.proof.gap <= 1e-6
    assert plan.made
    assert [name for name, _ in plan.stages_s[-2:]] == ["verify", "band"]


def test_its_figures_are_those_of_its_demand(plan: Plan, town: City) -> None:
    """Coverage is the weight of the points marked as seen; wards' shares are their own points'; seen before is seen after."""
    weight = plan.demand["weight"].to_numpy()
    before, after = plan.demand["before"].to_numpy(dtype=bool), plan.demand["after"].to_numpy(dtype=bool)
    assert plan.scorecard.before == pytest.approx(weight[before].sum() / weight.sum())
    assert plan.scorecard.after == pytest.approx(weight[after].sum() / weight.sum())
    assert (after >= before).all()
    names = dict(zip(town["wards"].index, town["wards"]["name"], strict=True))
    for ward in plan.scorecard.wards:
        inside = plan.demand["ward"].map(names).eq(ward.ward).to_numpy()
        assert ward.weight == pytest.approx(weight[inside].sum())
        assert ward.after == pytest.approx(weight[inside & after].sum() / weight[inside].sum())
    assert plan.scorecard.worst == min(plan.scorecard.wards, key=lambda ward: ward.after)


def test_a_camera_s_gain_is_what_is_lost_without_it(plan: Plan, town: City, survey: Survey, wish: Scenario) -> None:
    """Leaving one camera out costs exactly its gain; it sees as many points as it says."""
    problem = make_problem(town, wish, survey)
    ids = {survey.camera_id(pose): pose for pose in range(len(survey.poses))}
    chosen = np.array([ids[camera.id] for camera in plan.cameras])
    for k, camera in enumerate(plan.cameras):
        lost = problem.value(chosen) - problem.value(np.delete(chosen, k))
        assert camera.gain == pytest.approx(lost / problem.total, abs=1e-12)
        assert camera.sees == survey.matrix.px_per_m[chosen[k]].nnz


def test_each_camera_and_site_has_its_view_and_cost(plan: Plan) -> None:
    """Views are one area a camera, existing ones first; each site is there once and each camera's site is there."""
    planned = plan.views["planned"].to_numpy(dtype=bool)
    assert plan.views["camera"][planned].tolist() == [camera.id for camera in plan.cameras]
    assert sorted(site.id for site in plan.sites) == sorted({camera.site for camera in plan.cameras})
    assert plan.cost_inr == sum(camera.cost_inr for camera in plan.cameras) + sum(amount for site in plan.sites for _, amount in site.heads)
    assert shapely.is_valid(plan.views.geometry.to_numpy()).all()


def test_the_city_is_untouched(town: City, survey: Survey, wish: Scenario) -> None:
    """Planning changes no layer of the city it plans, nor its digest."""
    fresh = make_town()
    before = {layer: table.copy() for layer, table in fresh.frames.items()}
    make_plan(fresh, wish)
    for layer, table in fresh.frames.items():
        assert table.equals(before[layer]), layer
        assert table.crs == before[layer].crs
    assert fresh.digest == town.digest == copy_of(fresh).digest


def test_equal_wishes_give_equal_plans(plan: Plan, town: City, wish: Scenario) -> None:
    """Planned again from the city's files the plan is the same, to its id."""
    again = make_plan(make_town(), wish)
    assert again.id == plan.id
    assert again.cameras == plan.cameras
    assert again.sites == plan.sites
    assert again.scorecard == plan.scorecard


def test_the_budget_must_buy_the_cheapest_camera(town: City, survey: Survey, wish: Scenario) -> None:
    """Below the cheapest camera with its site the wish is refused with that price; at it, one camera is planned. So it is with the yearly budget."""
    with pytest.raises(ScenarioError) as caught:
        make_plan(town, changed(wish, budget_inr=1, yearly_inr=1), survey=survey)
    assert [fault.code for fault in caught.value.faults] == ["scenario.cheapest"] * 2
    problem = make_problem(town, wish, survey)
    sees = np.diff(problem.covers.indptr) > 0
    cheapest = int((problem.cost + problem.site_cost[problem.site])[sees].min())
    assert f"{cheapest % 1000:03d}" in caught.value.faults[0].way_out
    with pytest.raises(ScenarioError):
        make_plan(town, changed(wish, budget_inr=cheapest - 1), survey=survey)
    assert len(make_plan(town, changed(wish, budget_inr=cheapest), survey=survey).cameras) == 1


def test_the_yearly_budget_holds(plan: Plan, town: City, survey: Survey, wish: Scenario) -> None:
    """With half of what the free plan costs a year, the plan keeps to it and sees less."""
    less = make_plan(town, changed(wish, yearly_inr=plan.yearly_inr // 2), survey=survey)
    assert less.yearly_inr <= plan.yearly_inr // 2
    assert less.scorecard.after < plan.scorecard.after


def test_a_ward_floor_holds_or_is_refused_by_name(plan: Plan, town: City, survey: Survey, wish: Scenario) -> None:
    """A floor above the worst ward's share lifts every ward to it; one beyond what can be seen or paid is refused, naming wards."""
    worst = plan.scorecard.worst
    assert worst is not None
    floor = worst.after + 0.02
    lifted = make_plan(town, changed(wish, ward_floor=floor), survey=survey)
    assert all(ward.after >= floor - 1e-6 for ward in lifted.scorecard.wards)
    assert lifted.scorecard.after <= plan.scorecard.after + 1e-9
    with pytest.raises(Infeasible) as caught:
        make_plan(town, changed(wish, ward_floor=1.0), survey=survey)
    assert caught.value.code in {"floor.budget", "floor.unreachable"}
    assert any(name in str(caught.value) for name in town["wards"]["name"])


def test_a_kept_camera_stays_and_keeps_its_id(plan: Plan, town: City, survey: Survey, wish: Scenario) -> None:
    """Kept cameras are in the next plan under the same ids; keeping all of a plan with its money gives that plan again."""
    kept = tuple(camera.id for camera in plan.cameras)
    again = make_plan(town, changed(wish, keep=kept))
    assert {camera.id for camera in again.cameras} >= set(kept)
    assert again.scorecard.after == pytest.approx(plan.scorecard.after)
    pole = survey.sites.index[(survey.sites["max_height_m"] >= 9).to_numpy()][0]
    odd = f"{pole}/bullet-4mp/0@33.3/9"  # neither bearing nor height was offered
    forced = make_plan(town, changed(wish, keep=(odd,)))
    assert odd in {camera.id for camera in forced.cameras}
    assert {camera.height_m for camera in forced.cameras if camera.id != odd} <= {6.0}
    assert forced.scorecard.after <= plan.scorecard.after + 1e-9


def test_forbidden_sites_and_cameras_stay_out(plan: Plan, town: City, survey: Survey, wish: Scenario) -> None:
    """A forbidden site carries nothing and a forbidden camera is not chosen; a kept camera at a forbidden site is the exception."""
    site, camera = plan.sites[0].id, plan.cameras[-1].id
    without = make_plan(town, changed(wish, forbid=(site, camera)), survey=survey)
    assert site not in {made.site for made in without.cameras}
    assert camera not in {made.id for made in without.cameras}
    own = next(made.id for made in plan.cameras if made.site == site)
    only = make_plan(town, changed(wish, forbid=(site,), keep=(own,)))
    assert [made.id for made in only.cameras if made.site == site] == [own]


def test_unknown_ids_in_the_lists_are_faults(town: City, survey: Survey, wish: Scenario) -> None:
    """Forbidden ids that name neither site nor camera are faults, all at once; a camera of a known site that is not offered is simply not there."""
    with pytest.raises(ScenarioError) as caught:
        make_plan(town, changed(wish, forbid=("x-1-1", "y/bullet-4mp/0@1.0/6")), survey=survey)
    assert [(fault.code, fault.value) for fault in caught.value.faults] == [("scenario.forbid", "x-1-1"), ("scenario.forbid", "y/bullet-4mp/0@1.0/6")]
    assert make_plan(town, changed(wish, forbid=(f"{survey.sites.index[0]}/dome-5mp/0@1.0/6",)), survey=survey).verified


def test_higher_mounts_pay_for_their_metres(town: City, wish: Scenario) -> None:
    """A new pole of 9 m costs three metres more than one of 6 m; what is planned agrees with the verifier's own sum."""
    high = make_plan(town, changed(wish, mount_heights_m=(9.0,), budget_inr=200_000))
    assert high.verified
    assert {camera.height_m for camera in high.cameras} == {9.0}
    assert all(camera.cost_inr > 9_000 for camera in high.cameras if camera.model == "bullet-4mp")


def test_forbidding_everything_is_an_empty_plan(town: City, survey: Survey, wish: Scenario) -> None:
    """Without a single site left the plan has no camera, sees what was seen before, and is verified."""
    empty = make_plan(town, changed(wish, forbid=tuple(survey.sites.index)), survey=survey)
    assert (empty.cameras, empty.sites, empty.cost_inr) == ((), (), 0)
    assert empty.scorecard.after == empty.scorecard.before
    assert empty.verified


def test_cities_that_lack_layers_are_planned(town: City, wish: Scenario) -> None:
    """Without buildings, wards, cameras, incidents, lamps or places a city has a verified plan all the same."""
    bare = copy_of(town, **{layer: town[layer].iloc[:0] for layer in ("buildings", "wards", "cameras", "incidents", "lamps", "places", "zones")})
    found = make_plan(bare, wish)
    assert found.verified
    assert found.scorecard.wards == ()
    assert found.scorecard.before == 0.0


def test_it_tells_every_stage_and_stops_when_asked(town: City, wish: Scenario) -> None:
    """Progress runs from the survey to done without going back; a stop is heeded at whichever step."""
    told: list[Step] = []
    make_plan(town, wish, progress=Progress(told.append))
    assert told[0].stage == "demand"
    assert told[-1] == Step("done", 1.0)
    assert [step.share for step in told] == sorted(step.share for step in told)
    for stop in range(0, len(told), 2):
        heard: list[Step] = []
        with pytest.raises(Cancelled):
            make_plan(town, wish, progress=Progress(heard.append, lambda heard=heard, stop=stop: len(heard) >= stop))  # type: ignore[misc]


def test_drafts_are_shown_on_the_way(town: City, survey: Survey, wish: Scenario) -> None:
    """What is shown before the end is a plan within the budget with a bound no lower than it, each nearer to it than the one before."""
    drafts: list[object] = []
    plan = make_plan(town, wish, survey=survey, progress=Progress(show=drafts.append))
    shown = [draft for draft in drafts if isinstance(draft, Draft)]
    assert len(shown) == len(drafts) >= 1
    for draft in shown:
        assert 0 < draft.cost_inr <= wish.budget_inr
        assert plan.scorecard.before < draft.covered <= draft.bound
        assert draft.gap == pytest.approx(draft.bound / draft.covered - 1)
        assert {camera.site for camera in draft.cameras} == {site.id for site in draft.sites}
        assert draft.covered <= plan.proof.covered + 1e-12
    assert [draft.gap for draft in shown] == sorted({draft.gap for draft in shown}, reverse=True)
    assert [draft.covered for draft in shown] == sorted(draft.covered for draft in shown)


def test_a_plan_has_the_band_of_its_coverage(plan: Plan, town: City, survey: Survey) -> None:
    """The band is of the plan's own cameras, the same under the same seed; each point's share of draws is there."""
    card = plan.scorecard
    assert card.low is not None
    assert card.high is not None
    assert 0 < card.low <= card.high <= 1
    share = plan.demand["seen_share"].to_numpy()
    assert ((share >= 0) & (share <= 1)).all()
    after = plan.demand["after"].to_numpy(dtype=bool)
    assert share[after].mean() > 0.7
    assert share[~after].mean() < 0.1
    again = with_band(town, survey, dataclasses.replace(plan, scorecard=dataclasses.replace(card, low=None, high=None)))
    assert (again.scorecard.low, again.scorecard.high) == (card.low, card.high)


@pytest.mark.parametrize("asked", [(), ("junctions=face",)], ids=["alike", "purposes"])
def test_without_errors_the_band_is_what_the_plan_counts(
    town: City, wish: Scenario, asked: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On hills with a bridge, whether points ask alike or not: errors of size 0 give the plan's own coverage in every draw, those assumed a band."""
    spots = {"j0": (0, 0), "jw": (-160, 3), "je": (150, 4), "jn": (1, 130), "js": (2, -120), "jf": (139, 51)}
    junctions = frame("junctions", [at(*xy) for xy in spots.values()], ids=list(spots), degree=[4, 1, 2, 1, 1, 1], signals=[True] + [False] * 5)
    roads = town["roads"].assign(road_class="primary", bridge=[True, False, False, False, False])
    hilly = on_hills(copy_of(town, junctions=junctions, roads=roads), tmp_path)
    made = make_plan(hilly, changed(wish, gap=0.02, purposes=asked))
    card = made.scorecard
    assert card.low is not None
    assert card.high is not None
    assert 0 < card.low < card.high < 1
    assert card.low < card.after
    assert made.demand["seen_share"][made.demand["after"]].mean() > 0.6
    sure = Sizes(0.0, dict.fromkeys(HEIGHT_SOURCES, 0.0), 0.0, 0.0, 0.0, 0.0)
    monkeypatch.setattr("coverage.band.load_sizes", lambda: sure)
    same = with_band(hilly, make_survey(hilly, made.scenario), made, draws=2)
    assert (same.scorecard.low, same.scorecard.high) == pytest.approx((card.after, card.after), abs=1e-12)
    assert (same.demand["seen_share"] == made.demand["after"]).all()


def test_each_camera_has_a_written_purpose(plan: Plan) -> None:
    """Its key is one that has words; a camera that sees something has one that says what."""
    titles = load_written_purposes().titles
    assert all(camera.purpose in titles for camera in plan.cameras)
    assert all(camera.purpose != NO_PURPOSE for camera in plan.cameras if camera.sees)
