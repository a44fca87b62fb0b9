"""What each camera is for: by the part of the weight it mainly sees, worked by hand."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from coverage.standing import planned
from coverage.written_purpose import WrittenPurpose, written_purposes
from planning.catalogue import PARTS, load_models, load_written_purposes
from planning.city import City
from planning.datafile import DATA
from planning.errors import InputError
from planning.nouns import Plan
from tests.coverage.watching import a_head, houses, stands, walls_of
from tests.planning.toy_streets import CRS, at, box, cross, frame, toy_city

SETTINGS = load_written_purposes()
OPEN = walls_of(houses())
CAMERAS = stands(("e", 0, 0, 90.0, a_head()), ("w", 0, 0, 270.0, a_head()))  # they see from 5.24 m on


def wanted(*rows: tuple[float, float, dict[str, float]], ward: str = "w1", road_class: str | list[str] = "primary") -> gpd.GeoDataFrame:
    """Demand of place in the toy's own metres and amounts by part."""
    data = pd.DataFrame({f"part_{part}": [row[2].get(part, 0.0) for row in rows] for part in PARTS}).astype("float64")
    data = data.assign(target_m=1.6, ward=ward, road_class=road_class)
    return gpd.GeoDataFrame(data, geometry=[at(x, y) for x, y, _ in rows], crs=CRS)


def for_what(demand: gpd.GeoDataFrame, **layers: gpd.GeoDataFrame) -> dict[str, WrittenPurpose]:
    """The purposes of a camera that looks east and one that looks west, by id."""
    city = toy_city(cross(), **layers)
    return {one.camera: one for one in written_purposes(city, OPEN, CAMERAS, demand, SETTINGS)}


def test_the_largest_part_it_sees_is_the_purpose() -> None:
    """East lies crime 60 and roads 30, west roads 10: the one is against crime, a third for roads besides; the other for roads alone."""
    found = for_what(wanted((10, 0, {"crime": 60.0}), (20, 0, {"roads": 30.0}), (-10, 0, {"roads": 10.0})))
    east, west = found["e"], found["w"]
    assert (east.key, east.also, east.weight, east.points) == ("crime", ("roads",), pytest.approx(90), 2)
    assert east.shares == pytest.approx({"crime": 2 / 3, "roads": 1 / 3, "places": 0, "residents": 0, "priority": 0})
    assert east.times == pytest.approx({"crime": (2 / 3) / 0.6, "roads": (1 / 3) / 0.4, "places": 0, "residents": 0, "priority": 0})
    assert (west.key, west.also, west.points, west.road_class, west.wards) == ("roads", (), 1, "primary", ("w1",))


def test_what_it_does_not_see_is_no_purpose() -> None:
    """In the blind zone, beside the picture and behind a house nothing counts: no purpose can be given."""
    demand = wanted((3, 0, {"crime": 60.0}), (0, 10, {"crime": 60.0}), (-20, 0, {"roads": 1.0}))
    walls = walls_of(houses(box(-10, -5, -9, 5)))
    found = written_purposes(toy_city(cross()), walls, CAMERAS, demand, SETTINGS)
    assert [(one.key, one.weight, one.points, one.also) for one in found] == [("none", 0.0, 0, ())] * 2


def test_places_say_the_purpose_more_closely() -> None:
    """Where places weigh most, the kind there is most of near what is seen names it; a kind without words does not, and far ones do not count."""
    demand = wanted((10, 0, {"places": 60.0, "crime": 20.0}), (-10, 0, {"places": 5.0}))
    places = frame("places", [at(12, 5), at(12, 9), at(30, 3), at(15, 0), at(15, 300)], kind=["school", "bank", "bank", "police", "market"])
    found = for_what(demand, places=places)
    assert found["e"].key == "place.bank"
    assert found["e"].places == {"bank": 2, "police": 1, "school": 1}
    assert found["e"].also == ("crime",)
    assert for_what(demand)["w"].key == "places"


def test_the_road_class_is_that_of_most_points() -> None:
    """Two of three points it sees lie on a secondary road."""
    demand = wanted(*((x, 0, {"roads": 1.0}) for x in (10, 15, 20)), road_class=["secondary", "primary", "secondary"])
    assert for_what(demand)["e"].road_class == "secondary"


def test_equal_parts_have_one_order() -> None:
    """Of parts of equal weight the first in the recipe's order is the purpose, the other stands beside it."""
    found = for_what(wanted((10, 0, {"residents": 5.0, "roads": 5.0})))
    assert (found["e"].key, found["e"].also) == ("roads", ("residents",))


def test_priority_zones_are_named() -> None:
    """A zone it looks into is named, by its id where it has no name; other kinds of zone and zones out of view are not."""
    zones = frame("zones", [box(5, -5, 15, 5), box(5, -5, 15, 5), box(-15, -5, -5, 5), box(5, -5, 15, 5)],
                  name=["Market quarter", None, "West", "Hidden"], kind=["priority", "priority", "priority", "no_view"])  # fmt: skip
    found = for_what(wanted((10, 0, {"priority": 5.0})), zones=zones)
    assert (found["e"].key, found["e"].zones) == ("priority", ("Market quarter", "z2"))
    assert found["w"].zones == ()


def test_a_plan_s_cameras_all_have_a_purpose(town: City, plan: Plan) -> None:
    """Every camera a plan buys sees some weight; shares sum to 1, and the weight is that of the points its views hold."""
    cameras = planned(plan.cameras, load_models(), 62.5)
    found = written_purposes(town, walls_of(town["buildings"]), cameras, plan.demand, SETTINGS)
    assert [one.camera for one in found] == [camera.id for camera in plan.cameras]
    for one, camera in zip(found, plan.cameras, strict=True):
        assert one.key != "none"
        assert one.points == camera.sees
        assert sum(one.shares.values()) == pytest.approx(1)
        part = "places" if one.key.startswith("place.") else one.key
        assert one.shares[part] == max(one.shares.values())
        assert one.weight >= camera.gain * 1_000_000 - 1e-6
    assert np.isfinite([list(one.times.values()) for one in found]).all()


def test_every_key_has_words_in_both_languages() -> None:
    """Each part, none, and the kinds of place a recipe gives weight are worded."""
    assert {*PARTS, "none"} <= set(SETTINGS.titles)
    assert {"place.school", "place.market", "place.hospital"} <= set(SETTINGS.titles)
    assert all(english and hindi for english, hindi in SETTINGS.titles.values())


def test_all_faults_of_the_file_are_told_at_once(tmp_path: Path) -> None:
    """A share above 1, a part without words, a place without a Hindi title, an unknown part."""
    text = (DATA / "written_purposes.toml").read_text(encoding="utf-8").replace("second_share = 0.25", "second_share = 25")
    text = text.replace("[part.crime]", "[part.crimes]").replace('title_hi = "बाज़ार में सुरक्षा"', "")
    path = tmp_path / "written_purposes.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_written_purposes(path)
    for piece in ("second_share must lie", "the key crime is missing", "the key crimes is not known", "title_hi is missing"):
        assert piece in str(caught.value)


def test_without_cameras_or_demand_there_is_nothing_to_say() -> None:
    """No cameras have no purposes; without demand none has one."""
    city = toy_city(cross())
    assert written_purposes(city, OPEN, stands(), wanted((10, 0, {"crime": 1.0})), SETTINGS) == ()
    assert [one.key for one in written_purposes(city, OPEN, CAMERAS, wanted().iloc[:0], SETTINGS)] == ["none", "none"]
