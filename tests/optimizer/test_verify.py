"""The verifier agrees with honest plans and refuses every other."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pyproj
import pytest
import shapely

from optimizer.plan import make_plan
from optimizer.verify import verify
from planning.city import City
from planning.errors import Disagreement
from planning.nouns import Plan, PlannedCamera, Proof, Scenario, Scorecard
from planning.voices import written_place
from tests.town import WISH, copy_of, on_hills


def with_camera(plan: Plan, **changes: object) -> Plan:
    """The plan with its first camera changed."""
    return dataclasses.replace(plan, cameras=(dataclasses.replace(plan.cameras[0], **changes), *plan.cameras[1:]))  # type: ignore[arg-type]


def renamed(camera: PlannedCamera) -> PlannedCamera:
    """The camera under the id that says what it is."""
    made = f"{camera.site}/{camera.model}/{camera.lens}@{camera.bearing_deg:.1f}/{camera.height_m:g}"
    return dataclasses.replace(camera, id=made)


def turned(plan: Plan) -> Plan:
    """The camera that adds most turned round, under an id that says so."""
    best = max(plan.cameras, key=lambda camera: camera.gain)
    other = renamed(dataclasses.replace(best, bearing_deg=(best.bearing_deg + 180) % 360))
    return dataclasses.replace(plan, cameras=tuple(other if camera is best else camera for camera in plan.cameras))


def with_card(plan: Plan, **changes: object) -> Plan:
    """The plan with another scorecard."""
    return dataclasses.replace(plan, scorecard=dataclasses.replace(plan.scorecard, **changes))  # type: ignore[arg-type]


def with_proof(plan: Plan, **changes: object) -> Plan:
    """The plan with another proof."""
    proof: Proof = dataclasses.replace(plan.proof, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(plan, proof=proof)


def with_wish(plan: Plan, **changes: object) -> Plan:
    """The plan under another wish."""
    return dataclasses.replace(plan, scenario=dataclasses.replace(plan.scenario, **changes))  # type: ignore[arg-type]


def ward_up(plan: Plan, by: float = 0.01) -> Plan:
    """The plan with its worst ward's share stated higher."""
    card: Scorecard = plan.scorecard
    return with_card(plan, wards=tuple(dataclasses.replace(ward, after=ward.after + by) if ward == card.worst else ward for ward in card.wards))


def site_dearer(plan: Plan) -> Plan:
    """The plan with one head of its first site a rupee dearer."""
    (name, amount), *rest = plan.sites[0].heads
    return dataclasses.replace(plan, sites=(dataclasses.replace(plan.sites[0], heads=((name, amount + 1), *rest)), *plan.sites[1:]))


def drawn(plan: Plan, column: str, value: object) -> Plan:
    """The plan with a column of its map's demand points overwritten."""
    demand = plan.demand.copy()
    demand[column] = value
    return dataclasses.replace(plan, demand=demand)


def shifted(plan: Plan) -> Plan:
    """The plan with its map's demand points moved by a metre."""
    demand = plan.demand.copy()
    demand["geometry"] = demand.geometry.translate(1.0, 0.0)
    return dataclasses.replace(plan, demand=demand)


FORGERIES: dict[str, tuple[Callable[[Plan], Plan], str]] = {
    "moved by 1 m": (lambda plan: with_camera(plan, x_m=plan.cameras[0].x_m + 1.0), "verify.place"),
    "turned by 30 deg": (lambda plan: with_camera(plan, bearing_deg=(plan.cameras[0].bearing_deg + 30) % 360), "verify.camera"),
    "turned round under a new id": (turned, "verify.after"),
    "raised by 2 m": (lambda plan: with_camera(plan, height_m=8.0), "verify.camera"),
    "above its site's ceiling": (lambda plan: with_camera(plan, height_m=39.0), "verify.place"),
    "tilted to the sky": (lambda plan: with_camera(plan, tilt_deg=-60.0), "verify.after"),
    "another model": (lambda plan: with_camera(plan, model="dome-5mp"), "verify.camera"),
    "a model that is not sold": (lambda plan: with_camera(plan, model="wonder"), "verify.camera"),
    "a lens that is not there": (lambda plan: with_camera(plan, lens=9), "verify.camera"),
    "a wider lens than sold": (lambda plan: with_camera(plan, hfov_deg=170.0), "verify.camera"),
    "cheaper": (lambda plan: with_camera(plan, cost_inr=plan.cameras[0].cost_inr - 1), "verify.cost"),
    "cheaper a year": (lambda plan: with_camera(plan, yearly_inr=0), "verify.cost"),
    "at a site of no city": (lambda plan: with_camera(plan, site="j-1-1"), "verify.site"),
    "bearing no number": (lambda plan: with_camera(plan, bearing_deg=math.nan), "verify.camera"),
    "height no number": (lambda plan: with_camera(plan, height_m=math.nan), "verify.camera"),
    "place without end": (lambda plan: with_camera(plan, x_m=math.inf), "verify.camera"),
    "site a rupee dearer": (site_dearer, "verify.cost"),
    "site left out": (lambda plan: dataclasses.replace(plan, sites=plan.sites[1:]), "verify.site"),
    "site twice": (lambda plan: dataclasses.replace(plan, sites=(*plan.sites, plan.sites[0])), "verify.site"),
    "camera left out": (lambda plan: dataclasses.replace(plan, cameras=plan.cameras[1:]), "verify.after"),
    "camera twice": (lambda plan: dataclasses.replace(plan, cameras=(*plan.cameras, plan.cameras[0])), "verify.camera"),
    "coverage overstated": (lambda plan: with_card(plan, after=plan.scorecard.after + 0.001), "verify.after"),
    "coverage before overstated": (lambda plan: with_card(plan, before=plan.scorecard.before + 0.001), "verify.before"),
    "coverage no number": (lambda plan: with_card(plan, after=math.nan), "verify.after"),
    "coverage proven otherwise": (lambda plan: with_proof(plan, covered=plan.proof.covered + 0.001), "verify.covered"),
    "bound below coverage": (lambda plan: with_proof(plan, bound=plan.proof.covered - 0.001), "verify.bound"),
    "bound no number": (lambda plan: with_proof(plan, bound=math.nan), "verify.bound"),
    "ward overstated": (ward_up, "verify.ward"),
    "ward left out": (lambda plan: with_card(plan, wards=plan.scorecard.wards[1:]), "verify.ward"),
    "budget passed": (lambda plan: with_wish(plan, budget_inr=plan.cost_inr - 1), "verify.budget"),
    "yearly budget passed": (lambda plan: with_wish(plan, yearly_inr=plan.yearly_inr - 1), "verify.budget"),
    "too many at a site": (lambda plan: with_wish(plan, cameras_per_site=1), "verify.site"),
    "below the floor": (lambda plan: with_wish(plan, ward_floor=1.0), "verify.ward"),
    "kept one missing": (lambda plan: with_wish(plan, keep=("gone",)), "verify.camera"),
    "forbidden one there": (lambda plan: with_wish(plan, forbid=(plan.sites[0].id,)), "verify.camera"),
    "a level nobody knows": (lambda plan: with_wish(plan, level="vaguely"), "verify.camera"),
    "all drawn as seen": (lambda plan: drawn(plan, "after", True), "verify.map"),
    "nothing drawn as seen today": (lambda plan: drawn(plan, "before", ~plan.demand["before"].astype(bool)), "verify.map"),
    "heavy points drawn light": (lambda plan: drawn(plan, "weight", plan.demand["weight"] * 0.9), "verify.map"),
    "weights no number": (lambda plan: drawn(plan, "weight", math.nan), "verify.map"),
    "demand points moved": (shifted, "verify.map"),
    "demand points left out": (lambda plan: dataclasses.replace(plan, demand=plan.demand.iloc[1:]), "verify.map"),
    "another state of the city": (lambda plan: dataclasses.replace(plan, city_digest="0" * 16), "verify.city"),
}  # fmt: skip


def test_an_honest_plan_agrees(plan: Plan, town: City) -> None:
    """What the verifier finds is what the plan says, to the rupee and to a millionth of the weight."""
    found = verify(plan, town)
    assert (found.cost_inr, found.yearly_inr) == (plan.cost_inr, plan.yearly_inr)
    assert found.before == pytest.approx(plan.scorecard.before, abs=1e-6)
    assert found.after == pytest.approx(plan.scorecard.after, abs=1e-6)


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_plan_is_refused(name: str, plan: Plan, town: City) -> None:
    """Whatever is altered, the plan is refused with the fault that names it, what is stated and what was found."""
    forge, code = FORGERIES[name]
    with pytest.raises(Disagreement) as caught:
        verify(forge(plan), town)
    assert code in {fault.code for fault in caught.value.faults}
    assert all(fault.way_out for fault in caught.value.faults)


def test_all_that_differs_is_told_at_once(plan: Plan, town: City) -> None:
    """A plan wrong in coverage, ward, cost and place is told all four."""
    wrong = site_dearer(with_camera(ward_up(with_card(plan, after=0.999)), y_m=plan.cameras[0].y_m - 2))
    with pytest.raises(Disagreement) as caught:
        verify(wrong, town)
    assert {"verify.after", "verify.ward", "verify.cost", "verify.place"} <= {fault.code for fault in caught.value.faults}


def test_a_house_moved_after_planning_is_another_city(plan: Plan, town: City) -> None:
    """The digest guards the layers: a house a centimetre taller is another state of the city."""
    houses = town["buildings"].copy()
    houses.iloc[0, houses.columns.get_loc("height_m")] += 0.01
    with pytest.raises(Disagreement) as caught:
        verify(plan, copy_of(town, buildings=houses))
    assert caught.value.code == "verify.city"


def test_a_plan_across_a_new_wall_is_refused(plan: Plan, town: City) -> None:
    """With the digest forged too, a city whose houses stand twice as high and wide gives another coverage: the verifier looks for itself."""
    houses = town["buildings"].copy()
    houses["height_m"] = 60.0
    houses["geometry"] = houses.geometry.buffer(4.0)
    other = copy_of(town, buildings=houses)
    with pytest.raises(Disagreement) as caught:
        verify(dataclasses.replace(plan, city_digest=other.digest), other)
    assert "verify.after" in {fault.code for fault in caught.value.faults}


def test_it_changes_nothing(plan: Plan, town: City) -> None:
    """Neither plan nor city is touched."""
    before, demand = {layer: table.copy() for layer, table in town.frames.items()}, plan.demand.copy()
    verify(plan, town)
    assert plan.demand.equals(demand)
    assert all(table.equals(before[layer]) for layer, table in town.frames.items())


@pytest.mark.parametrize("seed", range(6))
def test_planner_and_verifier_agree_on_many_wishes(seed: int, town: City, wish: Scenario) -> None:
    """Two ways of working it out, one answer: over levels, heights, recipes, night and models, coverage agrees to a millionth of the weight."""
    rng = np.random.default_rng(seed)
    other = dataclasses.replace(
        wish, level=str(rng.choice(["detection", "observation", "recognition"])), mount_heights_m=(float(rng.choice([3.5, 4.5, 6.0, 9.0])),),
        recipe=str(rng.choice(["balanced", "crime", "residents", "streets"])), by_night=bool(rng.random() < 0.3),
        spacing_m=float(rng.choice([7.0, 10.0])),
        models=tuple(rng.choice(["bullet-4mp", "varifocal-8mp", "dome-5mp", "ptz-2mp"], 2, replace=False)), gap=0.05,
        cameras_per_site=int(rng.integers(1, 4)),
        budget_inr=250_000,
    )  # fmt: skip
    plan = make_plan(town, other)
    assert verify(plan, town).after == pytest.approx(plan.scorecard.after, abs=1e-6)


@pytest.fixture(scope="module")
def hilly(town: City, tmp_path_factory: pytest.TempPathFactory) -> City:
    """The town on rolling ground with a bank across a street."""
    return on_hills(town, tmp_path_factory.mktemp("hills"))


@pytest.mark.parametrize("heights_m", [(6.0,), (4.0, 9.0)])
def test_a_plan_on_terrain_verifies(hilly: City, wish: Scenario, heights_m: tuple[float, ...]) -> None:
    """A city with terrain is planned and verified end to end, at one mount height and with a choice of two."""
    made = make_plan(hilly, dataclasses.replace(wish, mount_heights_m=heights_m))
    found = verify(made, hilly)
    assert found.after == pytest.approx(made.scorecard.after, abs=1e-9)
    assert 0.1 < found.after < 1
    assert any("taken as bare ground" in note for note in made.assumptions)
    drawn = made.views.geometry
    assert drawn.is_valid.all()
    assert len(made.views) >= len(made.cameras)
    # What is drawn is what is counted, but for what is seen beyond the first thing that hides.
    counted = made.demand[made.demand["after"]]
    assert shapely.intersects(counted.geometry.to_numpy(), shapely.buffer(drawn.union_all(), 0.5)).mean() > 0.8
    unseen = made.demand[~made.demand["after"]]
    assert not shapely.intersects(unseen.geometry.to_numpy(), shapely.buffer(drawn.union_all(), -0.5)).any()


def test_a_plan_made_on_the_flat_is_refused_on_hills(town: City, hilly: City, plan: Plan) -> None:
    """What a flat city's plan states does not hold where the ground hides some of it; nor is it a plan of that city."""
    with pytest.raises(Disagreement) as caught:
        verify(plan, hilly)
    assert caught.value.code == "verify.city"
    with pytest.raises(Disagreement) as caught:
        verify(dataclasses.replace(plan, city_digest=hilly.digest), hilly)
    assert {"verify.before", "verify.after"} & {fault.code for fault in caught.value.faults}


def test_a_plan_with_suggestions_is_worked_out_again_from_its_own_places(town: City) -> None:
    """It verifies from what it holds; with another weight or other places than it was made with, it is refused."""
    spots = shapely.get_coordinates(town["places"].geometry.array)
    first, other = (written_place(*reversed(pyproj.Transformer.from_crs(town.crs, 4326, always_xy=True).transform(*spot))) for spot in spots[:2])
    wish = dataclasses.replace(WISH, suggestions_percent=30, suggestions=(first,), time_limit_s=5.0)
    plan = make_plan(town, wish)
    assert plan.verified
    assert any("1 accepted suggestions" in note for note in plan.assumptions)
    assert "part_suggestions" in plan.demand
    for changes in ({"suggestions_percent": 5}, {"suggestions": (other,)}, {"suggestions": (first, other)}):
        with pytest.raises(Disagreement):
            verify(with_wish(plan, **changes), town)
