"""Routes out of a town that a plan weighs: a town of two clusters, two ways out and one bridge; and small problems solved by trying all."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import sparse

from optimizer.handwork import open_bench
from optimizer.interception import Flow, flow_notes, flow_of, lay_flow, with_routes
from optimizer.plan import make_plan, make_problem
from optimizer.solve import solve
from optimizer.survey import Survey, make_survey
from optimizer.verify import verify
from optimizer.verify_routes import routes_read
from optimizer.verify_sight import Camera
from planning.city import City
from planning.errors import CityError, Disagreement, Infeasible, ScenarioError
from planning.export import read_plan, write_plan
from planning.movement import interception
from planning.nouns import Plan, Scenario
from screens.words import words
from tests.optimizer.toys import best_value, random_problem
from tests.planning.toy_streets import EAST, NORTH, at, box, frame, line, streets, toy_city
from tests.town import copy_of, on_hills

ONE = Scenario(city="toy", budget_inr=75_000, models=("bullet-4mp", "varifocal-8mp"), gap=0.0, time_limit_s=20.0, cameras_per_site=1)


def bridge_town() -> City:
    """Incidents gather alike at two ends in the west; both ways out lie in the east, and one bridge joins the two sides."""
    lanes = streets(("ja", "jc", line((0, 0), (-250, 200))), ("ja", "jd", line((0, 0), (-250, -200))), width_m=7.0)
    bridge = streets(("ja", "jb", line((0, 0), (200, 0))), width_m=7.0, bridge=True, road_class="tertiary")
    out = streets(("jb", "je", line((200, 0), (400, 150))), ("jb", "jf", line((200, 0), (400, -150))), width_m=7.0, road_class="tertiary")
    roads = pd.concat([lanes, bridge, out])
    roads.index = [f"r{number}" for number in range(len(roads))]
    places = [at(-248, 196), at(-240, 192), at(-247, -197), at(-241, -191)]
    crimes = frame("incidents", places, category="theft", when=pd.Timestamp("2025-03-01"))
    ends = {"ja": (0, 0), "jb": (200, 0), "jc": (-250, 200), "jd": (-250, -200), "je": (400, 150), "jf": (400, -150)}
    junctions = frame("junctions", [at(*xy) for xy in ends.values()], ids=list(ends), degree=[3, 3, 1, 1, 1, 1])
    return toy_city(roads, area=box(-300, -250, 400, 250), incidents=crimes, junctions=junctions)


@pytest.fixture(name="river", scope="module")
def town_with_a_bridge() -> City:
    """The town with the bridge; nobody changes it."""
    return bridge_town()


@pytest.fixture(name="ground_survey", scope="module")
def survey_of_the_river(river: City) -> Survey:
    """It surveyed: one survey serves every weight of routes."""
    return make_survey(river, ONE)


@pytest.fixture(name="weighed", scope="module")
def plan_that_weighs_routes(river: City, ground_survey: Survey) -> Plan:
    """Its plan, half of whose worth is routes."""
    return make_plan(river, dataclasses.replace(ONE, movement_percent=50), survey=ground_survey)


def planned(city: City, survey: Survey | None, **asked: Any) -> Plan:
    """A verified plan of one camera's money that asks more."""
    return make_plan(city, dataclasses.replace(ONE, **asked), survey=survey)


def read_share(city: City, survey: Survey, plan: Plan) -> float:
    """The share of routes on which the plan's cameras read plates, by what the survey's poses read."""
    flow = flow_of(city, survey.ground)
    points = shapely.get_coordinates(survey.sites.geometry.array)
    read = flow.read_by(survey.walls, points, survey.poses, by_night=False)
    rows = [survey.row(camera.id) for camera in plan.cameras]
    return flow.routes.share(read[rows])


def codes(plan: Plan, city: City) -> set[str]:
    """What the verifier says against a plan."""
    with pytest.raises(Disagreement) as caught:
        verify(plan, city)
    return {fault.code for fault in caught.value.faults}


def test_all_routes_of_the_town_pass_the_bridge(river: City, ground_survey: Survey) -> None:
    """Two clusters that weigh alike and two ways out: four routes, each over the bridge eastward, none westward."""
    routes = flow_of(river, ground_survey.ground).routes
    assert len(routes) == 4
    assert np.bincount(routes.start, weights=routes.weight).tolist() == pytest.approx([0.5, 0.5])
    xy = routes.place_xy - (EAST, NORTH)
    on = (xy[:, 0] > 5) & (xy[:, 0] < 195)
    assert set(np.round(routes.heading_deg[on])) == {90.0}
    assert (np.diff(routes.passes[:, np.flatnonzero(on)].indptr) == on.sum()).all()


def test_the_camera_stands_at_the_bridge_where_routes_weigh_and_not_where_they_do_not(river: City, ground_survey: Survey, weighed: Plan) -> None:
    """With money for one camera: weighed at nothing it stands where incidents are; at half, on the ends of the bridge, where it reads every route."""
    plain = planned(river, ground_survey)
    (one,), (other,) = plain.cameras, weighed.cameras
    assert one.x_m < EAST - 100
    assert read_share(river, ground_survey, plain) < 0.8
    assert EAST - 30 < other.x_m < EAST + 230
    assert abs(other.y_m - NORTH) < 30
    assert (weighed.scorecard.routes_before, weighed.scorecard.routes_after) == (0.0, pytest.approx(1.0))
    assert weighed.scorecard.after < plain.scorecard.after
    assert (plain.scorecard.routes_before, plain.scorecard.routes_after) == (None, None)
    assert weighed.proof.worth == pytest.approx(0.5 * weighed.proof.covered + 0.5)
    assert weighed.proof.worth <= weighed.proof.bound + 1e-9
    assert weighed.proof.gap == pytest.approx(0.0, abs=1e-6)
    assert any("4 likely routes out have 50 %" in note for note in weighed.assumptions)
    assert other.sees == int(ground_survey.matrix.px_per_m[ground_survey.row(other.id)].nnz)


def test_a_camera_that_stands_counts(river: City) -> None:
    """A plate camera that looks along the bridge reads every plate before anything is planned; the plan then goes where it would without routes."""
    spot = at(21.5, 4)
    there = copy_of(river, cameras=frame("cameras", [spot], kind=["anpr"], bearing_deg=[107.0], hfov_deg=[28.0], height_m=[5.0], source="toy"))
    survey = make_survey(there, ONE)
    plan = planned(there, survey, movement_percent=50)
    assert plan.scorecard.routes_before == pytest.approx(1.0)
    assert plan.scorecard.routes_after == pytest.approx(1.0)
    assert [camera.id for camera in plan.cameras] == [camera.id for camera in planned(there, survey).cameras]


def test_what_is_stated_of_routes_is_refused_where_it_is_not_so(river: City, weighed: Plan) -> None:
    """The verifier reads the plates itself: other shares, another weight, a camera turned away, routes told that weigh nothing."""
    plan = weighed
    assert verify(plan, river).after == pytest.approx(plan.scorecard.after)
    card, proof = plan.scorecard, plan.proof
    for false in (
        dataclasses.replace(plan, scorecard=dataclasses.replace(card, routes_after=0.9)),
        dataclasses.replace(plan, scorecard=dataclasses.replace(card, routes_before=None)),
        dataclasses.replace(plan, proof=dataclasses.replace(proof, movement=0.4)),
        dataclasses.replace(plan, proof=dataclasses.replace(proof, routes=0.5)),
        dataclasses.replace(plan, scenario=dataclasses.replace(plan.scenario, movement_percent=0)),
        dataclasses.replace(plan, cameras=(dataclasses.replace(plan.cameras[0], bearing_deg=(plan.cameras[0].bearing_deg + 90) % 360),)),
    ):
        assert "verify.routes" in codes(false, river)


def test_a_plan_comes_back_from_its_file_with_its_routes(river: City, weighed: Plan, tmp_path: Path) -> None:
    """Written and read, it says the same and verifies; its wish has an id of its own, and one that weighs no routes keeps the id it had."""
    plan = weighed
    write_plan(plan, river, tmp_path / "plan.gpkg")
    again = read_plan(tmp_path / "plan.gpkg")
    assert (again.scenario, again.scorecard, again.proof, again.id) == (plan.scenario, plan.scorecard, plan.proof, plan.id)
    assert verify(again, river).cost_inr == plan.cost_inr
    assert Scenario.from_json(plan.scenario.to_json()) == plan.scenario
    assert len({dataclasses.replace(ONE, movement_percent=n).id for n in (0, 10, 20)}) == 3
    assert dataclasses.replace(ONE, movement_percent=0).id == ONE.id


def test_what_is_assumed_of_routes_is_told_in_hindi(river: City, ground_survey: Survey) -> None:
    """How many routes weigh how much, what they are, and that ways out with a purpose of their own count besides."""
    wish = dataclasses.replace(ONE, movement_percent=20, purposes=("gateways=plate",))
    told = flow_notes(wish, flow_of(river, ground_survey.ground))
    assert len(told) == 3
    assert len(flow_notes(dataclasses.replace(wish, purposes=()), flow_of(river, ground_survey.ground))) == 2
    assert [note for note in told if not re.search(r"[ऀ-ॿ]", words("hi").note(note))] == []


def test_changed_by_hand_it_is_scored_as_it_was_planned(river: City, weighed: Plan) -> None:
    """On the bench the plan reads what it read; without its camera, what stands reads nothing."""
    plan = weighed
    bench = open_bench(river, plan)
    found = bench.score([camera.id for camera in plan.cameras])
    assert (found.card.routes_before, found.card.routes_after) == (plan.scorecard.routes_before, plan.scorecard.routes_after)
    assert [dataclasses.replace(camera, purpose="") for camera in plan.cameras] == list(found.cameras)
    assert len(found.weight) == len(found.seen) == len(plan.demand)
    assert bench.score([]).card.routes_after == 0.0


def test_the_cheapest_plan_for_a_share_counts_routes_with_their_weight(river: City, ground_survey: Survey) -> None:
    """Half the share that is wanted may come from routes: one camera at the bridge is half of all; the verifier counts alike."""
    plan = planned(river, ground_survey, movement_percent=50, wanted_share=0.5, budget_inr=10**8, time_limit_s=2.0)
    assert plan.verified
    assert 0.5 * plan.scorecard.after + 0.5 * (plan.scorecard.routes_after or 0.0) >= 0.5 - 1e-6
    assert codes(dataclasses.replace(plan, scenario=dataclasses.replace(plan.scenario, wanted_share=0.99)), river) == {"verify.after"}


def test_by_night_plates_are_read_no_farther_than_the_camera_sees(river: City, ground_survey: Survey) -> None:
    """A head whose night range ends before its pixels do reads less by night; what it reads by night it reads by day."""
    flow = flow_of(river, ground_survey.ground)
    points = shapely.get_coordinates(ground_survey.sites.geometry.array)
    day, night = (flow.read_by(ground_survey.walls, points, ground_survey.poses, by_night=dark) for dark in (False, True))
    assert (day.astype(int) - night.astype(int)).min() >= 0
    plan = make_plan(river, dataclasses.replace(ONE, by_night=True, movement_percent=50))
    assert plan.verified


def test_on_hills_plates_on_the_bridge_lie_on_its_deck(river: City, tmp_path: Path) -> None:
    """Where the river's bed lies 12 m below the banks, plates on the bridge are read on the deck: the plan is verified over the sampled ground."""
    valley = on_hills(river, tmp_path, lambda x, _: 262.0 - 12.0 * np.clip(1 - np.abs(x - 100) / 60, 0, 1) + 0.001 * x)
    survey = make_survey(valley, ONE)
    flow = lay_flow(valley, survey.demand, survey.walls)
    middle = np.abs(flow.routes.place_xy[:, 0] - EAST - 100) < 10
    assert flow.deck_m is not None
    assert flow.deck_m[middle].min() > 9
    plan = planned(valley, survey, movement_percent=50)
    assert plan.scorecard.routes_after == pytest.approx(1.0)


@pytest.mark.parametrize("percent", [-1, 91, 2.5, True])
def test_a_weight_that_is_no_whole_percentage_is_refused(percent: Any) -> None:
    """0 to 90 whole percent, and the way out is told."""
    with pytest.raises(ScenarioError) as caught:
        dataclasses.replace(ONE, movement_percent=percent)
    assert caught.value.code == "scenario.movement"
    assert caught.value.faults[0].way_out == "Give 10"


def test_a_town_without_a_way_out_is_told(river: City) -> None:
    """Streets that end inside the study area lead nowhere: routes cannot weigh, and nothing is planned."""
    shut = copy_of(river, roads=river["roads"].assign(road_class="residential"))
    with pytest.raises(CityError) as caught:
        planned(shut, None, movement_percent=20)
    assert caught.value.code == "movement.gateways"
    assert planned(shut, None).verified


def on_routes(flow: Flow, seed: int) -> tuple[Any, sparse.csr_matrix]:
    """A small random problem with every rule now and then, and which of the four routes each of its poses reads."""
    problem, rng = random_problem(seed), np.random.default_rng([seed, 5])
    return problem, sparse.csr_matrix(rng.random((problem.n_poses, len(flow.routes))) < 0.25)


def test_small_problems_with_routes_are_solved_as_by_trying_all(river: City, ground_survey: Survey) -> None:
    """Rows of routes are the share of all weight that was said; the best plan is that of all plans tried, its bound no lower; floors stay."""
    flow = dataclasses.replace(flow_of(river, ground_survey.ground), already=np.array([0, 1, 0, 0]))
    solved = 0
    for seed in range(60):
        bare, read = on_routes(flow, seed)
        percent = (5, 20, 60, 90)[seed % 4]
        problem = with_routes(bare, dataclasses.replace(ONE, movement_percent=percent), flow, read)
        n = len(bare.weight)
        assert problem.weight[n:].sum() == pytest.approx(percent / 100 * problem.whole)
        assert (problem.weight[:n] == bare.weight).all()
        assert (problem.limits.ward_least == bare.limits.ward_least).all()
        best = best_value(problem)
        try:
            found = solve(problem, gap=0.0, time_limit_s=5.0)
        except Infeasible:
            assert best is None
            continue
        assert best is not None
        assert found.objective == pytest.approx(best)
        assert found.bound >= best - 1e-9 * problem.total
        solved += 1
    assert solved > 30


def test_more_weight_never_lowers_the_share_of_routes_read(river: City, ground_survey: Survey) -> None:
    """Of plans proven best for equal budgets, the one that weighs routes more reads no less of them, and covers no more."""
    flow = flow_of(river, ground_survey.ground)
    for seed in range(12):
        bare, read = on_routes(flow, seed)
        shares, rest = [], []
        for percent in (2, 10, 40, 80):
            problem = with_routes(bare, dataclasses.replace(ONE, movement_percent=percent), flow, read)
            try:
                chosen = solve(problem, gap=0.0, time_limit_s=5.0).chosen
            except Infeasible:
                break
            shares.append(flow.routes.share(read[chosen]))
            rest.append(bare.value(chosen))
        assert (np.diff(shares) >= -1e-9).all(), seed
        assert (np.diff(rest) <= 1e-6 * max(bare.total, 1e-300)).all(), seed


def test_the_planner_and_the_verifier_read_the_same_plates(river: City, ground_survey: Survey) -> None:
    """Every fiftieth pose of the town alone: the share of routes that the planner's walk says is what the verifier finds from drawn lines."""
    flow, poses = flow_of(river, ground_survey.ground), ground_survey.poses
    points = shapely.get_coordinates(ground_survey.sites.geometry.array)
    read = flow.read_by(ground_survey.walls, points, poses, by_night=False)
    some = np.flatnonzero(read.getnnz(axis=1) > 0)
    rows = np.unique(np.concatenate([np.arange(0, len(poses), 50), some[:: max(len(some) // 40, 1)]]))
    shares = []
    for row in rows:
        head, (x, y) = poses.heads[poses.head[row]], points[poses.site[row]]
        camera = Camera(
            float(x), float(y), head.height_m, float(poses.bearing_deg[row]), head.tilt_deg, head.hfov_deg, head.vfov_deg, head.focal_px, np.inf
        )
        shares.append(flow.routes.share(read[[row]]))
        assert routes_read([[camera]], river, ground_survey.demand, None) == pytest.approx([shares[-1]]), ground_survey.camera_id(int(row))
    assert 0.0 in shares
    assert set(np.round(shares, 6)) == {0.0, 0.5, 1.0}
    assert interception(sparse.csr_matrix((1, len(flow.routes.place_xy)), dtype=bool), flow.routes).nnz == 0


def test_one_survey_serves_every_weight(river: City, ground_survey: Survey) -> None:
    """Weights of routes change the problem's last rows alone; at nothing there are none."""
    problems = [make_problem(river, dataclasses.replace(ONE, movement_percent=n), ground_survey) for n in (0, 20, 50)]
    n = len(ground_survey.demand)
    assert [len(problem.weight) - n for problem in problems] == [0, 4, 4]
    assert [float(problem.weight[n:].sum() / problem.whole) for problem in problems[1:]] == pytest.approx([0.2, 0.5])
    assert all((problem.ward[n:] == -1).all() for problem in problems)
