from __future__ import annotations

import dataclasses
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.catalogue import PARTS, Recipe, load_recipe
from planning.demand import TOTAL, build_demand
from planning.errors import CityError, ScenarioError
from tests.planning.toy_streets import EAST, NORTH, at, box, busy_city, cross, frame, line, shuffled, streets, toy_city

BALANCED = load_recipe("balanced")
STREETS = load_recipe("streets")


def only(part: str, **more: Any) -> Recipe:
    """The balanced recipe with all weight on one part."""
    return dataclasses.replace(BALANCED, shares={name: float(name == part) for name in PARTS}, **more)


def xy(demand: gpd.GeoDataFrame) -> np.ndarray:
    """Positions in the toy's own metres."""
    return shapely.get_coordinates(demand.geometry.array) - [EAST, NORTH]


def street(length: float, **columns: Any) -> gpd.GeoDataFrame:
    """One straight street eastward."""
    return streets(("a", "b", line((0, 0), (length, 0))), **columns)


def test_columns_and_sums() -> None:
    """The columns are as documented, weights are the sums of their parts, and all together 1,000,000 in the recipe's shares."""
    demand = build_demand(busy_city(), BALANCED)
    assert list(demand.columns) == ["kind", "road", "road_class", "ward", "target_m", *(f"part_{part}" for part in PARTS), "weight", "geometry"]
    parts = demand[[f"part_{part}" for part in PARTS]]
    np.testing.assert_allclose(demand["weight"], parts.sum(axis=1))
    assert demand["weight"].sum() == pytest.approx(TOTAL)
    for part in PARTS:
        assert demand[f"part_{part}"].sum() == pytest.approx(TOTAL * BALANCED.shares[part])
    assert (parts >= 0).all(axis=None)
    assert set(demand["kind"]) == {"road", "place", "area"}
    assert set(demand["ward"]) == {"w1", "w2"}
    assert demand.index.is_unique and demand.index[0] == "d0000001"
    assert set(demand["target_m"]) == {1.6}


def test_equal_spacing() -> None:
    """A street is cut into equal cells with a point in the middle of each: 95 m at 10 m are ten points 9.5 m apart."""
    demand = build_demand(toy_city(street(95)), STREETS)
    np.testing.assert_allclose(xy(demand), [[4.75 + 9.5 * number, 0] for number in range(10)], atol=1e-6)
    np.testing.assert_allclose(demand["weight"], TOTAL / 10)


@settings(max_examples=25)
@given(length=st.floats(0.5, 400), spacing=st.floats(1, 60))
def test_spacing_of_any_street(length: float, spacing: float) -> None:
    """Whatever the length, points lie evenly and no farther apart than one and a half steps; a way shorter than the step has one, in its middle."""
    along = np.sort(xy(build_demand(toy_city(street(length)), STREETS, spacing_m=spacing))[:, 0])
    if length < spacing:
        assert along == pytest.approx([length / 2], abs=1e-5)
    gaps = np.diff(along)
    assert np.all(gaps < 1.5 * spacing + 1e-6)
    np.testing.assert_allclose(gaps, length / len(along), atol=1e-5)


def test_wide_roads_have_both_edges() -> None:
    """A road wider than the recipe's setting is sampled at both edges, a metre inside; together they weigh what the axis would."""
    wide = build_demand(toy_city(street(100, width_m=16.0)), STREETS)
    assert sorted(set(xy(wide)[:, 1].round(6))) == [-7.0, 7.0]
    assert len(wide) == 20
    assert len(build_demand(toy_city(street(100, width_m=12.0)), STREETS)) == 10


def test_class_weights_and_length() -> None:
    """A metre of road weighs by its class: 100 m of primary against 100 m of track as the recipe says."""
    roads = pd.concat([street(100, road_class="primary"), streets(("c", "d", line((0, 50), (100, 50))), road_class="track")])
    roads.index = pd.Index(["p", "t"], dtype=object)
    by_road = build_demand(toy_city(roads), only("roads")).groupby("road")["weight"].sum()
    assert by_road["p"] / by_road["t"] == pytest.approx(BALANCED.road_weights["primary"] / BALANCED.road_weights["track"])


def test_tunnels_out_bridges_in() -> None:
    """Tunnels are left out and counted, bridges kept."""
    roads = streets(("a", "b", line((0, 0), (100, 0))), ("c", "d", line((0, 50), (100, 50))), tunnel=[True, False], bridge=[False, True])
    demand = build_demand(toy_city(roads), STREETS)
    assert set(demand["road"]) == {"r2"}
    assert "1 street pieces in tunnels are left out" in demand.attrs["notes"]


def test_close_points_at_junctions_merge() -> None:
    """Points nearer than a third of the spacing are merged, and their weight with them."""
    angle = np.radians(20)
    roads = streets(("o", "a", line((0, 0), (100, 0))), ("o", "b", line((0, 0), (100 * np.cos(angle), 100 * np.sin(angle)))))
    demand = build_demand(toy_city(roads), STREETS)
    apart = shapely.STRtree(demand.geometry.array).query(demand.geometry.array, predicate="dwithin", distance=10 / 3 - 1e-6)
    assert np.all(apart[0] == apart[1])
    # 5 m out the arms lie 1.7 m apart: one point of twice the weight; 15 m out 5.2 m: two.
    assert len(demand) == 19
    assert demand["weight"].max() == pytest.approx(2 * demand["weight"].min())
    assert demand["weight"].sum() == pytest.approx(TOTAL)
    assert any("1 points nearer than 3.3 m" in note for note in demand.attrs["notes"])


def test_ids_and_weights_do_not_depend_on_row_order() -> None:
    """The same city with its rows in another order has the same demand, id by id."""
    city = busy_city()
    one, other = build_demand(city, BALANCED), build_demand(shuffled(city), BALANCED)
    assert one.index.tolist() == other.index.tolist()
    assert one.geometry.geom_equals(other.geometry).all()
    pd.testing.assert_frame_equal(one.drop(columns="geometry"), other.drop(columns="geometry"), check_like=False)


def test_city_is_not_touched() -> None:
    """Building demand leaves the city as it was."""
    city = busy_city()
    before = {layer: table.copy() for layer, table in city.frames.items()}
    build_demand(city, BALANCED)
    for layer, table in before.items():
        assert city[layer].equals(table), layer


def test_parts_without_data_give_their_share() -> None:
    """With streets and incidents only, crime and roads share all in the ratio of 35 to 20, and the notes tell each part that gave."""
    city = toy_city(cross(), incidents=frame("incidents", [at(50, 2)], category="theft", when=None))
    demand = build_demand(city, BALANCED)
    assert demand["part_crime"].sum() == pytest.approx(TOTAL * 0.35 / 0.55)
    assert demand["part_roads"].sum() == pytest.approx(TOTAL * 0.2 / 0.55)
    for part in ("places", "residents", "priority"):
        assert demand[f"part_{part}"].sum() == 0
        assert any(note.startswith(f"No data for {part}") for note in demand.attrs["notes"])


def test_severity_decay_and_snap() -> None:
    """A robbery weighs six thefts; an incident one half-life older half as much; one 61 m from every street nothing, and it is counted."""
    roads = streets(*((f"a{k}", f"b{k}", line((0, 500.0 * k), (800, 500.0 * k))) for k in range(-1, 2)))
    new, old = pd.Timestamp("2025-06-01"), pd.Timestamp("2024-06-01")  # 365 days
    spots, kinds = [at(400, -500), at(400, 0), at(400, 500), at(400, 561)], ["theft", "robbery", "theft", "robbery"]
    city = toy_city(roads, incidents=frame("incidents", spots, category=kinds, when=[new, old, old, new]))
    demand = build_demand(city, only("crime"))
    by_road = demand.groupby("road")["weight"].sum()
    np.testing.assert_allclose(by_road[["r1", "r2", "r3"]], TOTAL * np.array([1, 3, 0.5]) / 4.5)
    assert any(note.startswith("1 of 4 incidents lie more than 60 m") for note in demand.attrs["notes"])


def test_undated_and_unnamed_incidents() -> None:
    """An undated incident weighs like the average dated one, an unnamed category as other; both are counted."""
    roads = streets(("a", "b", line((0, 0), (800, 0))), ("c", "d", line((0, 500), (800, 500))))
    when = [pd.Timestamp("2025-06-01"), pd.Timestamp("2024-06-01"), None]
    city = toy_city(roads, incidents=frame("incidents", [at(400, 0), at(400, 0), at(400, 500)], category=["theft", "theft", "piracy"], when=when))
    demand = build_demand(city, only("crime"))
    by_road = demand.groupby("road")["weight"].sum()
    np.testing.assert_allclose(by_road[["r1", "r2"]], TOTAL * np.array([1.5, 0.75]) / 2.25)
    notes = " ".join(demand.attrs["notes"])
    assert "1 incidents have no date" in notes and "1 incidents of categories" in notes


def test_crime_spreads_along_streets() -> None:
    """Density lies where the kernel reaches along the street, most at the incident, none beyond 150 m, none across the block."""
    roads = streets(("a", "b", line((0, 0), (800, 0))), ("c", "d", line((0, 20), (800, 20))))
    city = toy_city(roads, incidents=frame("incidents", [at(405, 0)], category="theft", when=None))
    demand = build_demand(city, only("crime"))
    where, weight = xy(demand), demand["weight"].to_numpy()
    assert where[weight.argmax()].tolist() == pytest.approx([405, 0], abs=1e-6)
    assert set(demand["road"][weight > 0]) == {"r1"}
    assert np.abs(where[weight > 0, 0] - 405).max() <= 155


def test_places_lie_on_the_street_side() -> None:
    """A kind with a point of its own has it at the kerb that faces the place, with its share of the weight; another kind has none."""
    city = toy_city(street(300), places=frame("places", [at(100, 40), at(200, -40), at(150, 130)], kind=["school", "police", "school"]))
    demand = build_demand(city, only("places", place_own_share=0.25))
    own = demand[demand["kind"] == "place"]
    np.testing.assert_allclose(xy(own), [[100, 3.5]], atol=1e-6)
    school, police = BALANCED.place_weights["school"], BALANCED.place_weights["police"]
    assert own["weight"].iloc[0] == pytest.approx(TOTAL * 0.25 * school / (school + police))
    assert own["road"].tolist() == ["r1"]
    assert any(note.startswith("1 of 3 places lie more than 100 m") for note in demand.attrs["notes"])


def test_place_with_a_house_at_the_kerb() -> None:
    """Where the kerb lies in a footprint the place's point goes to the street's middle."""
    house = frame("buildings", [box(90, 2, 120, 30)], height_m=5.0, height_source="made")
    city = toy_city(street(300), places=frame("places", [at(105, 40)], kind="school"), buildings=house)
    demand = build_demand(city, only("places"))
    own = demand[demand["kind"] == "place"]
    np.testing.assert_allclose(xy(own), [[105, 0]], atol=1e-6)


def test_area_grid() -> None:
    """A zone of kind area gets a grid at the recipe's spacing outside footprints; overlapping zones share it; other kinds get none."""
    zones = [box(0, 100, 90, 190), box(45, 100, 90, 190), box(200, 100, 300, 200)]
    house = frame("buildings", [box(0, 100, 45, 190)], height_m=6.0, height_source="made")
    city = toy_city(street(100), zones=frame("zones", zones, kind=["area", "area", "priority"]), buildings=house)
    area = build_demand(city, BALANCED).query("kind == 'area'")
    where = xy(area)
    assert len(area) == 18  # half of 90 x 90 m at 15 m
    assert np.all(where[:, 0] > 45) and set(area["road"]) == {""}
    assert set(np.diff(np.unique(where[:, 0].round(3))).round(3)) == {15.0}


def test_area_too_large_for_its_grid() -> None:
    """A zone that would make more points than anyone can plan with is refused with the way out."""
    city = toy_city(street(100), zones=frame("zones", [box(-1000, -1000, 1000, 1000)], kind="area"))
    with pytest.raises(CityError, match="spacing") as error:
        build_demand(city, dataclasses.replace(BALANCED, area_spacing_m=1.0))
    assert error.value.code == "demand.area"


def test_residents_follow_volume_within_their_ward() -> None:
    """A ward's people are spread by the volume of its homes: twice the height holds twice; a shop holds none; the other ward keeps its own sum."""
    houses = [box(20, 5, 30, 15), box(120, 5, 130, 15), box(70, 5, 80, 15), box(-130, 5, -120, 15)]
    city = toy_city(
        streets(("a", "o", line((-200, 0), (0, 0))), ("o", "b", line((0, 0), (200, 0)))),
        buildings=frame("buildings", houses, height_m=[6.0, 3.0, 9.0, 3.0], height_source="made", kind=["house", "yes", "retail", "yes"]),
        wards=frame("wards", [box(-500, -500, 0, 500), box(0, -500, 500, 500)], name=["W", "E"], population=[100.0, 300.0]),
    )
    demand = build_demand(city, only("residents", nearest_points=1))
    lived = demand[demand["weight"] > 0].copy()
    lived["x"] = xy(lived)[:, 0]
    by_x = lived.sort_values("x")
    np.testing.assert_allclose(by_x["x"], [-125, 25, 125], atol=1e-6)
    np.testing.assert_allclose(by_x["weight"], TOTAL * np.array([100, 200, 100]) / 400)


def test_ward_without_homes() -> None:
    """A ward without homes marked spreads its people over all its buildings; one without buildings along its streets; each is told."""
    city = toy_city(
        streets(("a", "o", line((-200, 0), (0, 0))), ("o", "b", line((0, 0), (200, 0)))),
        buildings=frame("buildings", [box(20, 5, 30, 15)], height_m=6.0, height_source="made", kind="retail"),
        wards=frame(
            "wards", [box(-500, -500, 0, 500), box(0, -500, 500, 500), box(0, 500, 500, 900)], name=["W", "E", "N"], population=[100.0, 300.0, 50.0]
        ),
    )
    demand = build_demand(city, only("residents"))
    by_ward = demand.groupby("ward")["weight"].sum()
    np.testing.assert_allclose(by_ward[["w1", "w2"]], TOTAL * np.array([100, 300]) / 400)
    west = demand[demand["ward"] == "w1"]["weight"]
    assert west.max() == pytest.approx(west.min())
    assert "1 wards have residents but neither building nor street; they weigh nothing" in demand.attrs["notes"]


def test_wards_without_population() -> None:
    """Where no ward has a population, volume alone counts and this is told; a single ward without one is taken at the others' rate."""
    houses = frame("buildings", [box(-30, 5, -20, 15), box(20, 5, 30, 15)], height_m=[3.0, 6.0], height_source="made")
    roads = streets(("a", "o", line((-200, 0), (0, 0))), ("o", "b", line((0, 0), (200, 0))))
    halves = [box(-500, -500, 0, 500), box(0, -500, 500, 500)]
    for population, told in (([None, None], "by building volume alone"), ([100.0, None], "1 wards without a population")):
        city = toy_city(roads, buildings=houses, wards=frame("wards", halves, name=["W", "E"], population=population))
        demand = build_demand(city, only("residents"))
        np.testing.assert_allclose(demand.groupby("ward")["weight"].sum()[["w1", "w2"]], TOTAL * np.array([1, 2]) / 3)
        assert any(told in note for note in demand.attrs["notes"])


def test_thinly_mapped_buildings() -> None:
    """One house on a kilometre of street does not draw a whole ward's people to it: they go along the streets; without a count they are no part."""
    house = frame("buildings", [box(20, 5, 30, 15)], height_m=6.0, height_source="made")
    wards = frame("wards", [box(-500, -500, 1500, 500)], name="W", population=[900.0])
    demand = build_demand(toy_city(street(1000), buildings=house, wards=wards, area=box(-500, -500, 1500, 500)), only("residents"))
    assert demand["weight"].max() == pytest.approx(demand["weight"].min())
    assert any(note.startswith("1 wards with no or too few buildings") for note in demand.attrs["notes"])
    demand = build_demand(toy_city(street(1000), buildings=house, area=box(-500, -500, 1500, 500)), BALANCED)
    assert demand["part_residents"].sum() == 0
    assert any("too few to say where people live" in note for note in demand.attrs["notes"])


def test_priority_multiplies() -> None:
    """Priority goes to points inside its zones only, in proportion to what they weigh otherwise and to the zone's weight; overlaps add."""
    zones = frame("zones", [box(0, -10, 50, 10), box(50, -10, 100, 10), box(90, -10, 100, 10)], kind="priority", weight=[1.0, 3.0, 2.0])
    demand = build_demand(toy_city(street(200), zones=zones), BALANCED)
    where, part = xy(demand)[:, 0], demand["part_priority"].to_numpy()
    unit = part[0]
    np.testing.assert_allclose(part[where < 50], unit)
    np.testing.assert_allclose(part[(where > 50) & (where < 90)], 3 * unit)
    np.testing.assert_allclose(part[(where > 90) & (where < 100)], 5 * unit)
    assert part[where > 100].sum() == 0 and part.sum() == pytest.approx(TOTAL / 3)


def test_priority_leaves_the_rest_in_proportion() -> None:
    """Within one zone a point that weighs three times as much otherwise gets three times the priority."""
    roads = streets(("a", "b", line((0, 0), (100, 0))), ("c", "d", line((0, 50), (100, 50))), road_class=["primary", "service"])
    demand = build_demand(toy_city(roads, zones=frame("zones", [box(-50, -50, 200, 200)], kind="priority")), BALANCED)
    np.testing.assert_allclose(demand["part_priority"] / demand["part_roads"], BALANCED.shares["priority"] / BALANCED.shares["roads"])
    assert demand["part_roads"].max() == pytest.approx(3 * demand["part_roads"].min())


def test_points_out_of_walls_zones_and_area() -> None:
    """No demand stands in a footprint, in a no_view zone or outside the study area; what was left out is counted."""
    city = toy_city(
        street(200, width_m=14.0), area=box(-10, -50, 150, 50),
        buildings=frame("buildings", [box(20, 4, 40, 20), box(60, -20, 80, 20)], height_m=6.0, height_source="made"),
        zones=frame("zones", [box(100, -10, 120, 10)], kind="no_view"),
    )  # fmt: skip
    demand = build_demand(city, STREETS)
    for shape in (box(20, 4, 40, 20), box(60, -20, 80, 20), box(100, -10, 120, 10)):
        assert not demand.geometry.intersects(shape).any()
    assert demand.geometry.within(box(-10, -50, 150, 50)).all()
    assert (np.isclose(xy(demand)[:, 1], 0) & (xy(demand)[:, 0] < 40)).sum() == 2  # the edge points of the first house went to the axis
    notes = " ".join(demand.attrs["notes"])
    assert "4 street points under buildings" in notes and "4 points in zones" in notes and "10 points outside the study area" in notes
    assert demand["weight"].sum() == pytest.approx(TOTAL)


@pytest.mark.parametrize("spacing", [0, -1, 201, float("nan"), float("inf")])
def test_spacing_is_checked(spacing: float) -> None:
    """A spacing that is none is refused."""
    with pytest.raises(ScenarioError) as error:
        build_demand(toy_city(street(100)), BALANCED, spacing_m=spacing)
    assert error.value.code == "demand.spacing"


def test_nothing_to_see() -> None:
    """A city without streets, without data for the recipe, or hidden altogether is refused with the reason."""
    with pytest.raises(CityError, match="no street") as error:
        build_demand(toy_city(street(100, tunnel=True)), BALANCED)
    assert error.value.code == "demand.streets"
    with pytest.raises(CityError, match="crime") as error:
        build_demand(toy_city(street(100)), only("crime"))
    assert error.value.code == "demand.nothing"
    with pytest.raises(CityError, match="not be viewed") as error:
        build_demand(toy_city(street(100), zones=frame("zones", [box(-50, -50, 200, 50)], kind="no_view")), STREETS)
    assert error.value.code == "demand.nothing"


@settings(max_examples=20)
@given(data=st.data())
def test_sums_hold_for_any_small_city(data: st.DataObject) -> None:
    """Whatever lies where, weights sum to 1,000,000, are finite, not negative, and each point's weight is the sum of its parts."""
    spots = st.tuples(st.floats(-300, 300), st.floats(-300, 300))
    incidents = [at(*spot) for spot in data.draw(st.lists(spots, max_size=6))]
    places = [at(*spot) for spot in data.draw(st.lists(spots, max_size=4))]
    houses = [box(x, y, x + 9, y + 14) for x, y in data.draw(st.lists(spots, max_size=6))]
    city = toy_city(
        cross(250.0, width_m=data.draw(st.sampled_from([4.0, 15.0]))),
        incidents=frame("incidents", incidents, category="theft", when=None), places=frame("places", places, kind="school"),
        buildings=frame("buildings", houses, height_m=5.0, height_source="made"),
    )  # fmt: skip
    demand = build_demand(city, BALANCED)
    parts = demand[[f"part_{part}" for part in PARTS]].to_numpy()
    assert np.isfinite(parts).all() and (parts >= 0).all()
    assert demand["weight"].sum() == pytest.approx(TOTAL)
    assert demand.index.is_unique
