"""What is asked of cameras in certain places: who asks what, by how much, and what cannot be asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from planning.catalogue import load_levels, load_recipe
from planning.city import City
from planning.datafile import DATA
from planning.demand import build_demand
from planning.errors import InputError, ScenarioError
from planning.purposes import ask_purposes, load_purposes, main_junctions, parse_purposes
from tests.planning.toy_streets import at, box, frame, line, streets, toy_city

LEVELS = load_levels()


def main_cross(arm_m: float = 200.0, road_class: str = "primary", **more: object) -> City:
    """Four arms that meet at the origin; the eastern one ends at the study area's edge, the others well inside it."""
    tips = (("e", arm_m, 0.0), ("n", 0.0, arm_m), ("w", -arm_m, 0.0), ("s", 0.0, -arm_m))
    roads = streets(*((f"j{name}", "j0", line((x, y), (0, 0))) for name, x, y in tips), road_class=road_class)
    names = ["je", "jn", "jw", "js", "j0"]
    spots = [at(x, y) for _, x, y in tips] + [at(0, 0)]
    junctions = frame("junctions", spots, ids=names, degree=[1, 1, 1, 1, 4], signals=False)
    return toy_city(roads, area=box(-300, -300, arm_m + 4, 300), junctions=junctions, **more)  # type: ignore[arg-type]


def asked(city: City, *wishes: str, level: str = "observation") -> tuple[object, np.ndarray]:
    """The demand with its purposes, and each point's place in the toy's own metres."""
    found = ask_purposes(city, build_demand(city, load_recipe("streets")), wishes, LEVELS, level)
    return found, shapely.get_coordinates(found.geometry.array) - (at(0, 0).x, at(0, 0).y)


def test_points_near_a_main_junction_ask_for_a_face() -> None:
    """Within 20 m of the crossing the face's level, height and steepest view are asked; everywhere else the scenario's level."""
    found, xy = asked(main_cross(), "junctions=face")
    near = np.hypot(*xy.T) <= 20
    face = load_purposes().purposes["face"]
    assert near.any()
    assert (found["purpose"].eq("face").to_numpy() == near).all()
    assert (found["px_per_m"].to_numpy() == np.where(near, 125.0, 62.5)).all()
    assert (found["target_m"].to_numpy() == face.target_m).all()
    assert (found["steep_most_deg"].to_numpy() == np.where(near, face.steep_most_deg, 90.0)).all()
    assert any("ask purpose face: 125 px/m (junctions)" in note for note in found.attrs["notes"])


def test_points_on_the_last_stretch_ask_for_a_plate() -> None:
    """Only the arm that ends at the edge is a way out; its last 100 m ask for a plate, at the plate's height and along the street."""
    found, xy = asked(main_cross(), "gateways=plate")
    last = np.hypot(xy[:, 0] - 200.0, xy[:, 1]) <= 100
    plate = load_purposes().purposes["plate"]
    assert (found["purpose"].eq("plate").to_numpy() == last).all()
    assert (found.loc[last, "target_m"] == plate.target_m).all()
    assert (found.loc[last, "aside_most_deg"] == plate.aside_most_deg).all()
    assert (found.loc[~last, "aside_most_deg"] == 180.0).all()


def test_a_street_s_direction_is_that_of_its_line() -> None:
    """From west to east is 90 deg, from south to north 0, whichever way the line was drawn."""
    found, xy = asked(main_cross())
    away = np.hypot(*xy.T) > 1  # the crossing itself belongs to any of its arms
    level_with = np.abs(xy[:, 1]) < 4
    direction = found["street_deg"].to_numpy()
    np.testing.assert_allclose(direction[away & level_with], 90.0, atol=1e-6)
    np.testing.assert_allclose(np.minimum(direction, 180 - direction)[away & ~level_with], 0.0, atol=1e-6)


def test_a_later_wish_wins_where_places_meet() -> None:
    """A point that lies at a junction and in a priority zone asks what is asked last."""
    zones = frame("zones", [box(-10, -10, 10, 10)], kind="priority")
    city = main_cross(zones=zones)
    demand = build_demand(city, load_recipe("balanced"))
    for wishes, last in ((("junctions=face", "priority=plate"), "plate"), (("priority=plate", "junctions=face"), "face")):
        found = ask_purposes(city, demand, wishes, LEVELS, "observation")
        inside = demand["part_priority"].to_numpy() > 0
        assert inside.any()
        assert (found["purpose"][inside] == last).all()


def test_the_level_is_of_the_scenario_s_edition() -> None:
    """A scenario at a level of the 2025 edition asks the purpose's level of that edition."""
    found, _ = asked(main_cross(), "junctions=face", level="2025.outline")
    assert set(found["px_per_m"]) == {40.0, LEVELS["2025.perceive"].px_per_m}


def test_small_crossings_are_no_main_junctions() -> None:
    """Residential streets that cross without signals ask nothing, and the wish is refused; signals make a main junction of them."""
    with pytest.raises(ScenarioError) as caught:
        asked(main_cross(road_class="residential"), "junctions=face")
    assert (caught.value.code, caught.value.faults[0].value) == ("scenario.purpose", "junctions=face")
    city = main_cross(road_class="residential")
    signals = city["junctions"].assign(signals=[False] * 4 + [True])
    assert len(main_junctions(city, city["roads"].iloc[:0], 3)) == 0
    found, xy = asked(toy_city(city["roads"], area=city.area, junctions=signals), "junctions=face")
    assert (found["purpose"].eq("face").to_numpy() == (np.hypot(*xy.T) <= 20)).all()


def test_a_street_s_end_inside_the_city_is_no_way_out() -> None:
    """Where no main street reaches the edge, nothing asks for a plate, and the wish is refused."""
    city = main_cross()
    inside = toy_city(city["roads"], area=box(-400, -400, 400, 400), junctions=city["junctions"])
    with pytest.raises(ScenarioError) as caught:
        asked(inside, "gateways=plate")
    assert (caught.value.code, caught.value.faults[0].value) == ("scenario.purpose", "gateways=plate")


def test_nothing_asked_leaves_the_demand_as_it_was() -> None:
    """Without wishes each point asks the scenario's level at its own height, from any side; the given frame stays untouched."""
    demand = build_demand(main_cross(), load_recipe("streets"))
    before = demand.copy()
    found = ask_purposes(main_cross(), demand, (), LEVELS, "recognition")
    assert found["purpose"].eq("street").all()
    assert (found["px_per_m"] == 125.0).all()
    assert found["target_m"].equals(demand["target_m"])
    assert demand.equals(before)


def test_all_bad_wishes_are_told_together() -> None:
    """An unknown place, an unknown purpose, a wish without a sign and a place asked twice are each a fault."""
    wishes = ["moon=face", "junctions=smile", "junctions", "gateways=plate", "gateways=face"]
    with pytest.raises(ScenarioError) as caught:
        parse_purposes(wishes, load_purposes())
    assert [fault.value for fault in caught.value.faults] == ["moon=face", "junctions=smile", "junctions", "gateways=face"]


def test_a_damaged_file_is_refused_with_every_fault(tmp_path: Path) -> None:
    """A missing key, a figure out of bounds, an unknown class and an unknown table are told together."""
    text = (DATA / "purposes.toml").read_text(encoding="utf-8")
    text = text.replace('title = "Know a face"\n', "").replace("steep_most_deg = 30.0", "steep_most_deg = 300.0")
    text = text.replace('"motorway", ', '"canal", ', 1)
    (tmp_path / "p.toml").write_text(text + "\n[other]\nx = 1\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_purposes(tmp_path / "p.toml")
    told = " ".join(str(fault) for fault in caught.value.faults)
    for word in ("title is missing", "steep_most_deg must lie between", "canal", "other is not known"):
        assert word in told
