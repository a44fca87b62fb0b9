from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.catalogue import Prices, load_prices
from planning.city import City
from planning.errors import CityError, InputError, ScenarioError
from planning.geometry import first_area, keep_apart, near_any
from planning.sites import HEADS, POLE_HEIGHT_M, build_sites, may_stand, placed_sites, street_bearings
from tests.planning.toy_streets import CRS, EAST, NORTH, at, box, busy_city, cross, frame, line, shuffled, streets, toy_city

PRICES = load_prices()


def priced(**amounts: int) -> Prices:
    """The price list with these heads changed."""
    return Prices(tuple(dataclasses.replace(head, amount_inr=amounts.get(head.key, head.amount_inr)) for head in PRICES.heads))


def xy(sites: gpd.GeoDataFrame) -> np.ndarray:
    """Positions in the toy's own metres."""
    return shapely.get_coordinates(sites.geometry.array) - [EAST, NORTH]


def houses(*boxes: shapely.Polygon, **columns: Any) -> gpd.GeoDataFrame:
    """Buildings of 6 m where nothing else is said."""
    return frame("buildings", boxes, **{"height_m": 6.0, "height_source": "made", **columns})


def notes(sites: gpd.GeoDataFrame) -> str:
    """All notes in one line."""
    return "; ".join(sites.attrs["notes"])


def test_columns_and_ids() -> None:
    """The columns are as documented; ids are unique, sorted, and say kind and place."""
    sites = build_sites(busy_city(), PRICES)
    expected = ["kind", "road", "ward", "max_height_m", "distance_m", *HEADS, "cost_per_m_above_6", "yearly_inr", "cost_inr", "geometry"]
    assert list(sites.columns) == expected
    assert sites.index.is_unique and sites.index.is_monotonic_increasing
    for label, row in sites.iterrows():
        assert label == f"{row['kind'][0]}-{round(row.geometry.x)}-{round(row.geometry.y)}"
    assert set(sites["kind"]) == {"lamp", "pole", "building", "junction", "road"}
    assert all(sites[name].dtype == np.int64 for name in (*HEADS, "cost_per_m_above_6", "yearly_inr", "cost_inr"))
    assert set(sites["road"]) <= {f"r{number}" for number in range(1, 6)} and set(sites["ward"]) == {"w1", "w2"}


def test_sites_do_not_depend_on_row_order() -> None:
    """The same city with its rows in another order has the same sites, ids and costs."""
    city = busy_city()
    one, other = build_sites(city, PRICES), build_sites(shuffled(city), PRICES)
    pd.testing.assert_frame_equal(pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(other.drop(columns="geometry")))
    assert one.geometry.geom_equals_exact(other.geometry, 1e-9).all()


def test_city_is_not_touched() -> None:
    """Building sites leaves the city as it was."""
    city = busy_city()
    before = {layer: table.copy() for layer, table in city.frames.items()}
    build_sites(city, PRICES)
    assert all(city[layer].equals(table) for layer, table in before.items())


def test_corners_of_a_cross() -> None:
    """Four arms of 6 m give four corners, each 0.75 m off both carriageways: at (3.75, 3.75) and its mirror images."""
    sites = build_sites(toy_city(cross(15.0, width_m=6.0)), PRICES, apart_m=1.5)
    assert set(sites["kind"]) == {"junction"}
    assert sorted(map(tuple, xy(sites).round(6).tolist())) == [(-3.75, -3.75), (-3.75, 3.75), (3.75, -3.75), (3.75, 3.75)]


def test_corner_of_unequal_arms_and_straight_side() -> None:
    """A lane of 4 m meets a road of 14 m: corners where the kerbs meet, and one across the road on the bisector of its straight side."""
    roads = streets(
        ("w", "o", line((-18, 0), (0, 0))), ("o", "e", line((0, 0), (18, 0))), ("o", "n", line((0, 0), (0, 18))), width_m=[14.0, 14.0, 4.0]
    )
    found = sorted(map(tuple, xy(build_sites(toy_city(roads), PRICES, apart_m=1.5)).round(6).tolist()))
    assert found == [(-2.75, 7.75), (0.0, -7.75), (2.75, 7.75)]


def test_corners_of_slanting_arms() -> None:
    """Where arms of 6 m and 10 m meet at 60 and 120 deg, each corner lies 0.75 m off both kerbs."""
    slant = line((0, 0), (18 * np.cos(np.pi / 3), 18 * np.sin(np.pi / 3)))
    roads = streets(("w", "o", line((-18, 0), (0, 0))), ("o", "e", line((0, 0), (18, 0))), ("o", "n", slant), width_m=[6.0, 6.0, 10.0])
    sites = build_sites(toy_city(roads), PRICES, apart_m=1.5)
    north = sites[xy(sites)[:, 1] > 0]
    assert len(north) == 2
    np.testing.assert_allclose(north.distance(slant), 5.75, atol=1e-6)
    np.testing.assert_allclose(north.geometry.y - NORTH, 3.75, atol=1e-6)


def test_no_corner_at_bends_and_ends() -> None:
    """Where two pieces meet, or one ends, there is no corner; streets shorter than half the step get no kerb site either."""
    with pytest.raises(CityError) as error:
        build_sites(toy_city(streets(("a", "b", line((0, 0), (15, 0))), ("b", "c", line((15, 0), (15, 15))))), PRICES)
    assert error.value.code == "sites.none"


def test_kerbs_alternate() -> None:
    """Along a street sites stand evenly, 0.75 m off alternating kerbs."""
    sites = build_sites(toy_city(streets(("a", "b", line((0, 0), (160, 0))), width_m=8.0)), PRICES, along_m=40.0)
    order = np.argsort(xy(sites)[:, 0])
    np.testing.assert_allclose(xy(sites)[order], [[20, 4.75], [60, -4.75], [100, 4.75], [140, -4.75]], atol=1e-6)
    assert set(sites["max_height_m"]) == {12.0}


def test_kerb_taken_by_a_house() -> None:
    """Where a house stands at the kerb the site goes to the other side; where both sides are built up it is left out and counted."""
    one_side = toy_city(streets(("a", "b", line((0, 0), (40, 0)))), buildings=houses(box(5, 3.2, 35, 20)))
    assert xy(build_sites(one_side, PRICES)).round(6).tolist() == [[20, -3.75]]
    both = toy_city(streets(("a", "b", line((0, 0), (40, 0)))), buildings=houses(box(5, 3.2, 35, 20), box(5, -20, 35, -3.2)))
    with pytest.raises(CityError, match="1 of 1 road places are left out: 1 in or against a building"):
        build_sites(both, PRICES)


def test_no_new_pole_on_bridges_and_in_tunnels() -> None:
    """Along bridges no pole is founded, which is told; tunnels are no streets to stand at."""
    roads = streets(
        *((f"a{k}", f"b{k}", line((0, 60.0 * k), (40, 60.0 * k))) for k in range(3)), bridge=[True, False, False], tunnel=[False, True, False]
    )
    sites = build_sites(toy_city(roads), PRICES)
    assert sites["road"].tolist() == ["r3"]
    assert "1 places along bridges" in notes(sites)


def test_lamps_as_they_stand() -> None:
    """A lamp beside the road stays; one mapped on the carriageway or just inside a wall is taken to stand beside it; one deep inside is left out."""
    lamps = frame("lamps", [at(10, 5), at(40, 1), at(70, 6.5), at(100, 20), at(130, -5)], kind=["lamp", "lamp", "lamp", "lamp", "pole"])
    walls = houses(box(60, 6, 80, 20), box(90, 6, 110, 34))
    sites = build_sites(toy_city(streets(("a", "b", line((0, 0), (150, 0)))), lamps=lamps, buildings=walls), PRICES, along_m=1000)
    lamp = sites[sites["kind"].isin(["lamp", "pole"])]
    found = dict(zip(map(tuple, xy(lamp).round(2).tolist()), lamp["kind"], strict=True))
    assert found == {(10, 5): "lamp", (40, 3.5): "lamp", (70, 5.6): "lamp", (130, -5): "pole"}
    assert set(lamp["max_height_m"]) == {7.0}
    assert "1 of 4 lamp places are left out: 1 in or against a building" in notes(sites)
    assert "2 lamps and poles mapped in a building or on a carriageway" in notes(sites)


def test_building_corner_looks_at_the_junction() -> None:
    """Of a house at a crossing the corner nearest the junction is taken, 0.4 m off the wall on the bisector, as high as the roof and a metre."""
    city = toy_city(cross(100.0), buildings=houses(box(6, 6, 26, 26), height_m=8.0))
    sites = build_sites(city, PRICES, along_m=1000)
    wall = sites[sites["kind"] == "building"]
    off = 6 - 0.4 / np.sqrt(2)
    np.testing.assert_allclose(xy(wall), [[off, off]], atol=1e-6)
    assert wall["max_height_m"].tolist() == [9.0]
    assert wall.geometry.distance(city["buildings"].geometry.iloc[0]).iloc[0] == pytest.approx(0.4)


def test_no_building_corner_behind_another() -> None:
    """A corner that does not see the junction, of a house too low, or farther than 15 m from it is no site."""
    screen, behind, low, far = box(5, 5, 12, 12), box(9, 9, 10.5, 10.5), box(-14, 6, -6, 14), box(30, 30, 40, 40)
    city = toy_city(cross(100.0), buildings=houses(screen, behind, low, far, height_m=[6.0, 6.0, 2.0, 6.0]))
    sites = build_sites(city, PRICES, along_m=1000)
    assert (sites["kind"] == "building").sum() == 1
    assert "1 buildings lower than 2.5 m" in notes(sites)


def test_low_building_does_not_displace_a_pole() -> None:
    """At a corner a wall high enough for a mount at 6 m takes the place of a new pole; a lower one gives way to it."""
    for height, kinds in ((6.0, {"building"}), (3.1, {"junction"})):
        city = toy_city(cross(15.0), buildings=houses(box(4.5, 4.5, 20, 20), height_m=height))
        sites = build_sites(city, PRICES, apart_m=3.0)
        near = sites[np.hypot(*(xy(sites) - 4).T) < 3]
        assert set(near["kind"]) == kinds, height


def test_nobody_stands_where_none_may() -> None:
    """Every site lies outside footprints, carriageways and no_mount zones, inside the study area, and at least apart_m from the next."""
    city = busy_city()
    sites = build_sites(city, PRICES)
    shapes = sites.geometry.to_numpy()
    assert city["buildings"].geometry.distance(shapely.multipoints(shapely.get_coordinates(shapes))).min() > 0.14
    for road in city["roads"].itertuples():
        assert shapely.distance(shapes, road.geometry).min() >= road.width_m / 2 + 0.29
    zone = city["zones"].query("kind == 'no_mount'").geometry.iloc[0]
    assert not sites.geometry.intersects(zone).any() and sites.geometry.within(city.area).all()
    gaps = shapely.distance(shapes[:, None], shapes[None, :]) + np.eye(len(shapes)) * 1e9
    assert gaps.min() >= 6.0
    assert "in a no_mount zone" in notes(sites)


@settings(max_examples=25)
@given(
    corners=st.lists(st.tuples(st.floats(-80, 80), st.floats(-80, 80), st.floats(3, 40), st.floats(3, 40), st.floats(0, 90)), max_size=6),
    lamps=st.lists(st.tuples(st.floats(-90, 90), st.floats(-90, 90)), max_size=5), width=st.floats(3, 20),
)  # fmt: skip
def test_any_small_city(corners: list[tuple[float, ...]], lamps: list[tuple[float, float]], width: float) -> None:
    """Whatever houses and lamps stand where, no site is in a footprint or on a carriageway, ids are unique, and costs add up."""
    shapes = [shapely.affinity.rotate(box(x, y, x + w, y + d), turn) for x, y, w, d, turn in corners]
    city = toy_city(cross(90.0, width_m=width), buildings=houses(*shapes), lamps=frame("lamps", [at(*spot) for spot in lamps], kind="lamp"))
    try:
        sites = build_sites(city, PRICES)
    except CityError as error:
        assert error.code == "sites.none"
        return
    assert not any(sites.geometry.intersects(shape).any() for shape in shapes)
    assert all((sites.distance(road) > width / 2).all() for road in city["roads"].geometry)
    assert sites.index.is_unique
    assert (sites[list(HEADS)].sum(axis=1) == sites["cost_inr"]).all()


# ---- costs ---------------------------------------------------------------------------------------------------------------------------------------


def test_costs_by_hand() -> None:
    """A kerb site 20.75 m from the nearest wall and 60 m along the street from the police station, head by head."""
    prices = priced(
        pole_base=6000, pole_per_m=1000, foundation=3000, junction_box=2500, power_base=1500, power_per_m=60, power_most=12_000, fibre_base=2000,
        fibre_per_m=50, radio_link=14_000, yearly_power=1500, yearly_link=2400, yearly_pole=600,
    )  # fmt: skip
    city = toy_city(
        streets(("a", "b", line((0, 0), (40, 0))), ("b", "c", line((40, 0), (100, 0)))),
        zones=frame("zones", [box(45, -50, 100, 50)], kind="no_mount"),
        buildings=houses(box(10, -37, 30, -17)), places=frame("places", [at(80, 30)], kind="police"),
    )  # fmt: skip
    (site,) = build_sites(city, prices).to_dict("records")
    assert site["geometry"].y - NORTH == pytest.approx(3.75)
    assert site["distance_m"] == pytest.approx(60)
    assert [site[head] for head in HEADS] == [8000, 3000, 2500, round(1500 + 60 * 20.75), 2000 + 50 * 60, 0]
    assert site["cost_inr"] == 8000 + 3000 + 2500 + 2745 + 5000
    assert (site["cost_per_m_above_6"], site["yearly_inr"]) == (1000, 4500)


def test_costs_of_what_stands_already() -> None:
    """A lamp and a wall pay no pole, no foundation and no cable; a wall pays bracket and consent, a lamp its arm."""
    city = toy_city(cross(100.0), buildings=houses(box(6, 6, 26, 26)), lamps=frame("lamps", [at(50, -5)], kind="lamp"))
    prices = priced(
        junction_box=10, power_base=200, wall_bracket=3000, owner_consent=500, attach_lamp=7000, yearly_power=1, yearly_link=20, yearly_attached=300
    )
    sites = build_sites(city, prices).set_index("kind")
    for kind, mount in (("building", 3500), ("lamp", 7000)):
        row = sites.loc[kind]
        assert (row["cost_pole"], row["cost_foundation"], row["cost_box"], row["cost_power"], row["cost_mount"]) == (0, 0, 10, 200, mount)
        assert (row["cost_per_m_above_6"], row["yearly_inr"]) == (0, 321)


def test_power_and_links_are_capped() -> None:
    """Power never costs more than its cap, even where nothing stands to take it from; a link never more than a radio's."""
    city = toy_city(streets(("a", "b", line((0, 0), (40, 0)))), places=frame("places", [at(0, 5)], kind="police"))
    row = build_sites(city, priced(power_most=9999, fibre_base=5, fibre_per_m=1000, radio_link=777)).iloc[0]
    assert (row["cost_power"], row["cost_backhaul"]) == (9999, 777)
    assert build_sites(city, priced(power_per_m=0, power_base=5)).iloc[0]["cost_power"] == 5


def test_links_run_to_what_is_there() -> None:
    """Links run to junctions of standing cameras, not to cameras of others; without them to police stations; else to the area's centre."""
    roads = streets(("a", "b", line((0, 0), (400, 0))))
    police = frame("places", [at(400, 10), at(200, 0)], kind=["police", "school"])
    ours = frame("cameras", [at(0, 5), at(100, 5)], kind="fixed", source="made", junction=["J", None])
    area = box(0, -50, 400, 50)
    for layers, least, told in (
        ({"places": police, "cameras": ours}, 0.0, "cameras that already stand"),
        ({"places": police}, 400.0, "police stations"), ({}, 200.0, "centre"),
    ):  # fmt: skip
        sites = build_sites(toy_city(roads, area=area, **layers), PRICES)
        np.testing.assert_allclose(sites["distance_m"], np.abs(xy(sites)[:, 0] - least), atol=1e-6)
        assert told in notes(sites)


def test_streets_cut_off_take_a_radio() -> None:
    """Where no street leads to the network the distance is as the crow flies, the link is a radio, and this is counted."""
    roads = streets(("a", "b", line((0, 0), (40, 0))), ("c", "d", line((0, 100), (40, 100))))
    sites = build_sites(toy_city(roads, places=frame("places", [at(20, 0)], kind="police")), priced(fibre_base=1, fibre_per_m=0))
    cut = sites[sites["road"] == "r2"].iloc[0]
    assert cut["cost_backhaul"] == PRICES["radio_link"] and 90 < cut["distance_m"] < 110
    assert "1 sites lie on streets cut off" in notes(sites)
    assert sites[sites["road"] == "r1"]["cost_backhaul"].tolist() == [1]


def test_a_stub_beside_the_station_is_not_the_network() -> None:
    """A police station nearest to a yard that no street joins is reached over the connected street beside it; so is a centre, however far."""
    roads = streets(("a", "b", line((0, 0), (300, 0))), ("c", "d", line((140, 20), (160, 20))))
    station = frame("places", [at(150, 25)], kind="police")
    for layers, area in (({"places": station}, None), ({}, box(-200, -360, 500, 400))):
        sites = build_sites(toy_city(roads, area=area, **layers), PRICES)
        ours = sites[sites["road"] == "r1"]
        np.testing.assert_allclose(ours["distance_m"], np.abs(xy(ours)[:, 0] - 150), atol=1e-6)


@pytest.mark.parametrize("more", [{"along_m": 0}, {"along_m": float("nan")}, {"apart_m": 0}, {"apart_m": float("inf")}])
def test_spacing_is_checked(more: dict[str, float]) -> None:
    """Spacings that are none are refused."""
    with pytest.raises(ScenarioError) as error:
        build_sites(toy_city(cross()), PRICES, **more)
    assert error.value.code == "sites.spacing"


def test_nowhere_to_stand() -> None:
    """A city without streets above ground, or forbidden altogether, is refused with the reason."""
    with pytest.raises(CityError) as error:
        build_sites(toy_city(cross(tunnel=True)), PRICES)
    assert error.value.code == "sites.streets"
    with pytest.raises(CityError, match="no_mount") as error:
        build_sites(toy_city(cross(), zones=frame("zones", [box(-500, -500, 500, 500)], kind="no_mount")), PRICES)
    assert error.value.code == "sites.none"


# ---- bearings ------------------------------------------------------------------------------------------------------------------------------------


def site_frame(*rows: tuple[float, float, str]) -> gpd.GeoDataFrame:
    """Sites at a place, on a road."""
    return gpd.GeoDataFrame({"road": [road for _, _, road in rows]}, geometry=[at(x, y) for x, y, _ in rows], crs=CRS)


def bearings(sites: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, **more: float) -> list[list[float]]:
    """The bearings of each site."""
    indptr, degrees = street_bearings(sites, roads, **more)
    return [part.tolist() for part in np.split(degrees, indptr[1:-1])]


def test_bearings_at_a_corner() -> None:
    """From the corner of a cross each arm is looked along toward its point 40 m on: worked by hand from (5, 5)."""
    toward = [np.degrees(np.arctan2(x - 5, y - 5)) % 360 for x, y in ((40, 0), (0, 40), (-40, 0), (0, -40))]
    (found,) = bearings(site_frame((5, 5, "r1")), cross(100.0))
    # Its own road is the eastern arm: along it the foot lies 5 m from the junction, so the way out aims 45 m on; the way in is
    # left to the other arms.
    out = np.degrees(np.arctan2(40.0, -5.0)) % 360
    assert found == sorted({round(bearing) for bearing in [*toward, out]})


def test_bearings_along_a_street() -> None:
    """In the middle of a street it is looked both ways, no farther than its ends, and no junction is near."""
    (found,) = bearings(site_frame((100, 5, "r1")), cross(200.0))
    assert found == sorted([round(np.degrees(np.arctan2(40, -5))), round(np.degrees(np.arctan2(-40, -5)) % 360)])


def test_bearings_reach() -> None:
    """Arms of a junction count within the reach given, not beyond."""
    sites = site_frame((25, 5, "r1"))
    assert len(bearings(sites, cross(100.0), within_m=30.0)[0]) > len(bearings(sites, cross(100.0), within_m=20.0)[0]) == 2


def test_bearings_of_a_stub() -> None:
    """A street too short for a look either way still has its longer way."""
    (found,) = bearings(site_frame((2, 3, "r1")), streets(("a", "b", line((0, 0), (5, 0)))))
    assert found and all(90 < bearing < 270 for bearing in found)


def test_bearings_shape_and_faults() -> None:
    """CSR: one run a site, sorted, whole degrees below 360, unique; an unknown road is refused; no site, no bearing."""
    city = busy_city()
    sites = build_sites(city, PRICES)
    indptr, degrees = street_bearings(sites, city["roads"])
    assert indptr.shape == (len(sites) + 1,) and indptr[0] == 0 and indptr[-1] == len(degrees)
    for first, last in itertools.pairwise(indptr):
        run = degrees[first:last]
        assert len(run) and np.all(np.diff(run) >= 1) and run.min() >= 0 and run.max() < 360 and np.all(run == np.rint(run))
    with pytest.raises(InputError) as error:
        street_bearings(site_frame((0, 5, "nowhere")), city["roads"])
    assert error.value.code == "bearings.road"
    empty_indptr, empty_degrees = street_bearings(sites.iloc[:0], city["roads"])
    assert empty_indptr.tolist() == [0] and empty_degrees.shape == (0,)


# ---- small geometry ------------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(spots=st.lists(st.tuples(st.floats(0, 20), st.floats(0, 20)), max_size=20), radius=st.floats(0.5, 8))
def test_keep_apart(spots: list[tuple[float, float]], radius: float) -> None:
    """A point is kept exactly where no kept one before it lies within the radius; a dropped one names the nearest kept one before it."""
    points = np.array(spots, dtype=float).reshape(-1, 2)
    stands = keep_apart(points, radius)
    kept: list[int] = []
    for number, point in enumerate(points):
        gaps = [float(np.hypot(*(points[other] - point))) for other in kept]
        if any(gap <= radius for gap in gaps):
            assert stands[number] in kept and np.hypot(*(points[stands[number]] - point)) == pytest.approx(min(gaps))
        else:
            assert stands[number] == number
            kept.append(number)


def test_keep_apart_with_a_radius_each() -> None:
    """Each point asks for its own room: 5 m off the first, one that asks for 4 stays and one that asks for 6 goes."""
    points = np.array([[0.0, 0.0], [5.0, 0.0], [-5.0, 0.0]])
    assert keep_apart(points, np.array([9.0, 4.0, 6.0])).tolist() == [0, 1, 0]


def test_first_area_and_near_any() -> None:
    """A point on two areas' border belongs to the first; distances may differ by shape; nothing is near nothing."""
    points = np.array([at(0, 0), at(5, 0), at(50, 0)], dtype=object)
    areas = np.array([box(0, -5, 10, 5), box(-10, -5, 0, 5)], dtype=object)
    assert first_area(points, areas).tolist() == [0, 0, -1]
    assert near_any(points, np.array([at(7, 0), at(47, 0)], dtype=object), np.array([2.5, 2.0])).tolist() == [False, True, False]
    assert not near_any(points, areas[:0], 5.0).any() and first_area(points, areas[:0]).tolist() == [-1, -1, -1]


def test_a_place_set_by_hand_is_a_site_of_its_own(town: City) -> None:
    """It stands at its whole metre as a new pole at the price list's cost, says so in the notes, and leaves every other site as it was."""
    prices = PRICES
    before = build_sites(town, prices)
    x, y = round(at(-30, 9).x), round(at(-30, 9).y)
    found = build_sites(town, prices, placed=[(x, y), (x, y)])
    label = f"h-{x}-{y}"
    assert found.drop(index=label).equals(before)
    row = found.loc[label]
    assert (row["kind"], row.geometry.x, row.geometry.y, row["max_height_m"]) == ("hand", x, y, POLE_HEIGHT_M)
    assert row["cost_pole"] == prices["pole_base"] + 2 * prices["pole_per_m"]
    assert row["cost_inr"] == sum(row[head] for head in HEADS)
    assert any("set by hand" in note for note in found.attrs["notes"])
    alone = placed_sites(town, prices, [(x, y)])
    assert alone.drop(columns="geometry").equals(found.loc[[label]].drop(columns="geometry"))


def test_no_place_is_set_where_no_pole_may_stand(town: City) -> None:
    """On a carriageway, in a house, in a no_mount zone or outside the area: every such place is a fault that says why."""
    spots = [at(-80, 1), at(-131.3, 23.7), at(160, -17), at(900, 0)]
    rounded = [(round(spot.x), round(spot.y)) for spot in spots]
    assert not may_stand(town, np.array(rounded, dtype=float)).any()
    with pytest.raises(ScenarioError) as caught:
        build_sites(town, PRICES, placed=rounded)
    told = {fault.value: fault.what for fault in caught.value.faults}
    assert {fault.code for fault in caught.value.faults} == {"sites.placed"}
    for (x, y), why in zip(rounded, ("on a carriageway", "in or against a building", "in a no_mount zone", "outside the study area"), strict=True):
        assert why in told[f"h-{x}-{y}"]
