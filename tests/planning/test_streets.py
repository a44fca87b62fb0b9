from __future__ import annotations

from collections import Counter
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.errors import CityError, InputError
from planning.frames import check
from planning.osm import read_osm
from planning.raw import RawOsm, RawWay, from_lines
from planning.streets import build_streets, choose_crs, road_class, road_width, study_area, utm_of
from tests.planning.toy_osm import CROSSING, CRS, LAT, LON, STEP, area, at, node, way, write


def test_a_crossing_is_four_roads_and_five_junctions(tmp_path: Path) -> None:
    """Ways are split at the node they share; degree and signals are told; lengths are metres."""
    built = build_streets(read_osm(write(tmp_path, *CROSSING)), area(), CRS)
    assert len(built.roads) == 4
    assert built.junctions["degree"].to_dict() == {"n1": 1, "n2": 4, "n3": 1, "n4": 1, "n5": 1}
    assert built.junctions["signals"].to_dict()["n2"]
    assert built.junctions.loc["n2", "name"] == "Toy Chowk"
    assert built.roads.length.sum() == pytest.approx(2 * at(-1, 0).distance(at(0, 0)) + 2 * at(0, 1).distance(at(0, 0)), rel=1e-3)
    assert built.roads["width_m"].to_dict() == {"w10-0": 6.4, "w10-1": 6.4, "w11-0": 5.5, "w11-1": 5.5}
    assert not check(built.roads, "roads") and not check(built.junctions, "junctions")


def test_roads_end_where_the_study_area_ends(tmp_path: Path) -> None:
    """A road that runs far outside is cut at the edge, where it gets a junction of its own; one wholly outside is counted."""
    far = (node(1, -1, 0), node(2, 0, 0), node(3, 500, 0), node(4, 600, 0), node(5, 601, 0))
    raw = read_osm(write(tmp_path, *far, way(10, (1, 2, 3), {"highway": "primary"}), way(11, (4, 5), {"highway": "service"})))
    built = build_streets(raw, area(), CRS)
    assert area().buffer(0.01).covers(shapely.union_all(built.roads.geometry.array))
    assert built.counts["road pieces cut at the edge of the study area"] == 1
    assert built.counts["road pieces outside the study area"] == 1
    assert built.roads["to_junction"].str.startswith("c").sum() == 1
    assert set(built.roads["from_junction"]) | set(built.roads["to_junction"]) == set(built.junctions.index)


def test_a_road_that_leaves_and_comes_back_is_two(tmp_path: Path) -> None:
    """A piece cut in two by the edge of the area becomes two pieces with distinct ends."""
    raw = read_osm(write(tmp_path, node(1, -1, 0), node(2, 3, 0), node(3, 3, 1), node(4, -1, 1), way(10, (1, 2, 3, 4), {"highway": "primary"})))
    built = build_streets(raw, area(), CRS)
    assert len(built.roads) == 2
    assert built.junctions["degree"].tolist() == [1, 1, 1, 1]


def test_doubles_and_points_are_left_out(tmp_path: Path) -> None:
    """A way drawn over another, forwards or back, is one road of the greater class; a way of no length is none; both are counted."""
    over = way(12, (3, 2), {"highway": "footway"})
    still = node(6, 1, 0) + way(13, (3, 6), {"highway": "service"})
    built = build_streets(read_osm(write(tmp_path, *CROSSING, over, still)), area(), CRS)
    assert len(built.roads) == 4
    assert sorted(built.roads["road_class"]) == ["primary", "primary", "residential", "residential"]
    assert built.counts["road pieces drawn twice"] == 1
    assert built.counts["road pieces of no length"] == 1


def test_a_ring_and_a_spur() -> None:
    """A closed way is split where a spur leaves it; a ring nothing leaves from ends where it begins."""
    places = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (-1, -1)}
    where = {number: (LON + east * STEP, LAT + north * STEP) for number, (east, north) in places.items()}
    ring = RawWay(10, {"highway": "tertiary"}, ((1, 2, 3, 4, 1),))
    alone = build_streets(RawOsm("toy", where, (ring,), (), None), area(), CRS)
    assert alone.roads[["from_junction", "to_junction"]].to_numpy().tolist() == [["n1", "n1"]]
    joined = build_streets(RawOsm("toy", where, (ring, RawWay(11, {"highway": "service"}, ((5, 3),))), (), None), area(), CRS)
    assert joined.junctions["degree"].to_dict() == {"n1": 2, "n3": 3, "n5": 1}


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"highway": "motorway_link"}, "motorway"),
        ({"highway": "road"}, "unclassified"),
        ({"highway": "steps"}, None),
        ({"highway": "cycleway"}, None),
        ({"highway": "construction"}, None),
        ({"highway": "proposed"}, None),
        ({"highway": "pedestrian", "area": "yes"}, None),
        ({"highway": "footway", "footway": "sidewalk"}, None),
        ({"highway": "footway", "indoor": "yes"}, None),
        ({"highway": "footway"}, "footway"),
    ],
)
def test_classes(tags: dict[str, str], kind: str | None) -> None:
    """A link is of its road's class; what is no street to watch is left out with a reason."""
    found, why = road_class(tags)
    assert found == kind
    assert bool(why) == (kind is None)


@pytest.mark.parametrize(
    ("tags", "width", "how"),
    [
        ({"width": "24 ft"}, 7.3152, "width"),
        ({"width": "7,5 m", "lanes": "4"}, 7.5, "width"),
        ({"width": "0.2", "lanes": "2"}, 6.4, "lanes"),
        ({"width": "wide"}, 9.0, "class"),
        ({"lanes": "0"}, 9.0, "class"),
        ({"highway": "primary_link"}, 5.5, "class"),
        ({"width": "900"}, 9.0, "class"),
    ],
)
def test_widths(tags: dict[str, str], width: float, how: str) -> None:
    """Width first, then lanes of 3.2 m, then the class; a width no street has is not believed."""
    assert road_width({"highway": "primary", **tags}, "primary") == (pytest.approx(width), how)


def test_passages_through_buildings_are_no_tunnels(tmp_path: Path) -> None:
    """tunnel=building_passage is open at both ends; tunnel=yes is hidden from above; bridge=no is no bridge."""
    ways = (
        way(12, (1, 4), {"highway": "service", "tunnel": "building_passage"}),
        way(13, (4, 3), {"highway": "service", "tunnel": "yes"}),
        way(14, (3, 5), {"highway": "service", "bridge": "no"}),
        way(15, (5, 1), {"highway": "service", "bridge": "viaduct"}),
    )
    roads = build_streets(read_osm(write(tmp_path, *CROSSING, *ways)), area(), CRS).roads
    assert roads["tunnel"].loc[["w12-0", "w13-0"]].tolist() == [False, True]
    assert roads["bridge"].loc[["w14-0", "w15-0"]].tolist() == [False, True]


def test_names_in_the_order_of_trust(tmp_path: Path) -> None:
    """The name as signed; the English or Hindi one only where there is none."""
    ways = (way(12, (1, 4), {"highway": "service", "name:hi": "गली", "name:en": "Lane"}), way(13, (4, 3), {"highway": "service", "name:hi": "गली"}))
    roads = build_streets(read_osm(write(tmp_path, *CROSSING, *ways)), area(), CRS).roads
    assert roads["name"].loc[["w10-0", "w12-0", "w13-0"]].tolist() == ["Toy Road", "Lane", "गली"]


def test_signals_on_the_approach_belong_to_the_junction(tmp_path: Path) -> None:
    """A signal 20 m before a crossing marks the crossing; one far from any is counted."""
    more = (node(7, 0.2, 0, {"highway": "traffic_signals"}), node(8, 1.5, 1.5, {"highway": "traffic_signals"}))
    plain = [part.replace("traffic_signals", "none") for part in CROSSING]
    built = build_streets(read_osm(write(tmp_path, *plain, *more)), area(), CRS)
    assert built.junctions.index[built.junctions["signals"]].tolist() == ["n2"]
    assert built.counts["traffic signals near no junction"] == 1


def test_no_road_in_the_area_is_an_error(tmp_path: Path) -> None:
    """A file of steps only has no street to plan."""
    raw = read_osm(write(tmp_path, *CROSSING[:5], way(10, (1, 2, 3), {"highway": "steps"})))
    with pytest.raises(InputError) as caught:
        build_streets(raw, area(), CRS)
    assert caught.value.code == "osm.outside"


def test_the_box_of_the_roads_leaves_the_far_out_aside(tmp_path: Path) -> None:
    """Without stated bounds the area is the box of the road nodes; a node in another state does not stretch it."""
    nodes = [node(number, number % 10, number // 10) for number in range(100)]
    rows = [way(200 + row, range(row * 10, row * 10 + 10), {"highway": "service"}) for row in range(10)]
    raw = read_osm(write(tmp_path, *nodes, *rows, node(900, 5000, 0), way(300, (99, 900), {"highway": "trunk"}), bounds=False))
    found, told = study_area(raw, CRS)
    assert "1 far outlying" in told
    width = found.bounds[2] - found.bounds[0]
    assert width == pytest.approx(at(9, 0).distance(at(0, 0)) + 50, rel=0.01)


def test_bounds_without_a_road_are_not_believed(tmp_path: Path) -> None:
    """Stated bounds in which no road lies give way to the roads."""
    away = [part.replace('lat="22.0', 'lat="23.0') for part in CROSSING]
    raw = read_osm(write(tmp_path, *away))
    found, told = study_area(raw, choose_crs(raw, None))
    assert "states no bounds" in told
    assert found.area > 10_000


@pytest.mark.parametrize(
    ("wanted", "code"), [("EPSG:4326", "crs.degrees"), ("EPSG:2223", "crs.unit"), ("EPSG:99999999", "crs.unknown"), ("our own", "crs.unknown")]
)
def test_unfit_crs(tmp_path: Path, wanted: str, code: str) -> None:
    """Degrees, feet and words are refused as a city's CRS, each with its way out."""
    with pytest.raises(CityError) as caught:
        choose_crs(read_osm(write(tmp_path, *CROSSING)), wanted)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("place", "code"), [((82.15, 22.09), 32644), ((-76.6, 39.3), 32618), ((151.2, -33.9), 32756), ((-180, 1), 32601), ((180, 1), 32660)]
)
def test_utm_zones(place: tuple[float, float], code: int) -> None:
    """Bilaspur lies in 44 north, Sydney in 56 south; the ends of the earth stay in zones that are."""
    assert utm_of(*place).to_epsg() == code


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=6), min_size=1, max_size=6))
def test_a_network_holds_together(refs: list[list[int]]) -> None:
    """Whatever ways are drawn over nine nodes, each road's ends are junctions at its ends, and degrees count its ends."""
    where = {number: (LON + (number % 3) * STEP, LAT + (number // 3) * STEP * 0.5) for number in range(1, 10)}
    ways = tuple(RawWay(number, {"highway": "service"}, (tuple(run),)) for number, run in enumerate(refs, 1))
    try:
        built = build_streets(RawOsm("drawn", where, ways, (), None), area(), CRS)
    except InputError:
        return
    ends = Counter([*built.roads["from_junction"], *built.roads["to_junction"]])
    assert dict(ends) == built.junctions["degree"].to_dict()
    for row in built.roads.itertuples():
        assert shapely.get_point(row.geometry, 0).distance(built.junctions.geometry[row.from_junction]) < 1e-6
        assert shapely.get_point(row.geometry, -1).distance(built.junctions.geometry[row.to_junction]) < 1e-6
    assert not check(built.roads, "roads")


def test_street_lines_of_any_file() -> None:
    """Lines of a plain file meet where their ends agree, whatever CRS they came in; rows without a line are counted."""
    lines = [shapely.LineString([at(-1, 0), at(0, 0)]), shapely.LineString([at(0, 0), at(1, 0)]), shapely.LineString([at(0, 0), at(0, 1)]), None]
    frame = gpd.GeoDataFrame({"Name": ["a", "b", None, "d"]}, geometry=lines, crs=CRS).to_crs(2223)
    raw = from_lines(frame, "lines.gpkg")
    built = build_streets(raw, area(), CRS)
    assert sorted(built.junctions["degree"]) == [1, 1, 1, 3]
    assert set(built.roads["osm_id"]) == {0}
    assert built.roads["name"].dropna().tolist() == ["a", "b"]
    assert raw.lost["rows of the road file without a line"] == 1


def test_street_lines_without_crs() -> None:
    """Lines of an unknown CRS are refused."""
    with pytest.raises(InputError) as caught:
        from_lines(gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 1)])]), "lines.shp")
    assert caught.value.code == "roads.crs"
