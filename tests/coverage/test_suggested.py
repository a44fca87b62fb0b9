"""What a plan answers to a place, checked by a walk of one's own."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from coverage.suggested import KINDS, Lookout, answer_pins, look_out, to_metres
from planning.catalogue import load_levels
from planning.city import City
from planning.nouns import Plan
from tests.planning.toy_streets import frame
from tests.town import copy_of


@pytest.fixture(name="lookout", scope="module")
def town_lookout(town: City, plan: Plan) -> Lookout:
    """The town with its plan."""
    return look_out(town, plan)


def degrees(city: City, x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of a place in metres."""
    lon, lat = pyproj.Transformer.from_crs(city.crs, 4326, always_xy=True).transform(x, y)
    return float(lat), float(lon)


def test_answers_agree_with_the_plan_s_own_demand(town: City, plan: Plan, lookout: Lookout) -> None:
    """A street point is already seen where existing cameras see it, included where the plan alone does, and not where nobody does."""
    demand = plan.demand[plan.demand["kind"] == "road"] if "kind" in plan.demand else plan.demand
    z = demand["target_m"].to_numpy(float)
    demand = demand[np.isclose(z, 1.6)]
    inside = town["buildings"].geometry.union_all()
    demand = demand[~demand.geometry.within(inside).to_numpy(bool)]
    places = [degrees(town, point.x, point.y) for point in demand.geometry]
    wanted = np.where(demand["before"].to_numpy(bool), "already", np.where(demand["after"].to_numpy(bool), "included", "not"))
    found = np.array([one.key for one in answer_pins(lookout, places)])
    assert len(demand) > 30
    assert set(wanted) == set(KINDS)
    # The way to degrees and back moves a place by less than a millimetre: it may tip one on an edge.
    assert (found != wanted).sum() <= 1


def test_an_answer_names_cameras_with_pixels_or_the_nearest_with_reasons(town: City, plan: Plan, lookout: Lookout) -> None:
    """Seen at the plan's level by cameras that are there; missed by others, each with a reason, the nearest first."""
    least = load_levels()[plan.scenario.level].px_per_m
    ids = {camera.id for camera in plan.cameras}
    places = [degrees(town, point.x, point.y) for point in plan.demand.geometry[::5]]
    for one in answer_pins(lookout, places):
        assert (one.key == "not") == (not one.seen)
        assert all(sight.px_per_m >= least * (1 - 1e-9) and sight.planned == (sight.camera in ids) for sight in one.seen)
        assert all(miss.reasons for miss in one.missed)
        assert [miss.distance_m for miss in one.missed] == sorted(miss.distance_m for miss in one.missed)


def test_a_zone_that_bears_on_a_place_is_told(town: City, plan: Plan) -> None:
    """No_view before no_mount; others bear on nothing; and so it is where the city has no zones."""
    x, y = town.area.centroid.x, town.area.centroid.y
    place = [degrees(town, x, y)]
    box = shapely.box(x - 5, y - 5, x + 5, y + 5)

    def zone_with(*kinds: str) -> str:
        zones = gpd.GeoDataFrame(frame("zones", [box] * len(kinds), kind=list(kinds), weight=1.0))
        return answer_pins(look_out(copy_of(town, zones=zones), plan), place)[0].zone

    assert zone_with("priority", "area") == ""
    assert zone_with("no_mount") == "no_mount"
    assert zone_with("no_mount", "no_view") == "no_view"


def test_a_pin_on_a_house_is_asked_beside_it(town: City, plan: Plan, lookout: Lookout) -> None:
    """It is moved to just outside the nearest wall; a pin in the open stays."""
    house = town["buildings"].geometry.iloc[0]
    (moved,) = to_metres(town, [degrees(town, house.centroid.x, house.centroid.y)])
    assert 0 < house.distance(shapely.Point(moved)) < 0.5
    corner = town.area.bounds[:2]
    (kept,) = to_metres(town, [degrees(town, corner[0] + 1, corner[1] + 1)])
    assert np.hypot(kept[0] - corner[0] - 1, kept[1] - corner[1] - 1) < 0.001
    assert answer_pins(lookout, []) == ()


def test_a_plan_without_cameras_includes_nothing(town: City, plan: Plan) -> None:
    """What existing cameras see stays already seen."""
    empty = dataclasses.replace(plan, cameras=(), sites=())
    places = [degrees(town, point.x, point.y) for point in plan.demand.geometry[::7]]
    assert {one.key for one in answer_pins(look_out(town, empty), places)} <= {"already", "not"}
