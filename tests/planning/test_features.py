from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from planning import features
from planning.frames import check
from planning.osm import read_osm
from planning.raw import RawOsm
from tests.planning.toy_osm import CROSSING, CRS, area, at, node, relation, square, way, write


def houses(folder: Path, *tags: dict[str, str], apart: float = 0.2) -> RawOsm:
    """Houses in a row, each with its tags."""
    parts = []
    for number, told in enumerate(tags):
        nodes, ring = square(100 + 10 * number, -1.5 + apart * number, 0.5, 0.1)
        parts += [nodes, way(1000 + number, ring, told)]
    return read_osm(write(folder, *CROSSING, *parts))


def test_heights_in_the_order_of_trust(tmp_path: Path) -> None:
    """height, else levels x 3.2 m, else the median of three or more known ones near, else 6 m."""
    tags = ({"height": "10 m"}, {"building:levels": "5"}, {"height": "40 ft"}, {}, {"height": "tall", "building:levels": "2"})
    raw = houses(tmp_path, *({"building": "yes", **told} for told in tags))
    counts: Counter[str] = Counter()
    found = features.buildings(raw, area(), CRS, counts)
    assert found["height_m"].tolist() == pytest.approx([10, 16, 12.192, (10 + 12.192) / 2, 6.4])
    assert found["height_source"].tolist() == ["height", "levels", "height", "local median", "levels"]
    assert counts["heights that could not be read"] == 1
    assert not check(found, "buildings")


def test_two_known_heights_are_too_few(tmp_path: Path) -> None:
    """Below three known neighbours the default of 6 m stands, and says so."""
    found = features.buildings(
        houses(tmp_path, {"building": "yes", "height": "20"}, {"building": "yes", "height": "20"}, {"building": "yes"}), area(), CRS, Counter()
    )
    assert found["height_m"].tolist() == [20, 20, 6]
    assert found["height_source"].iloc[2] == "default"


def test_heights_far_away_tell_nothing(tmp_path: Path) -> None:
    """Known heights beyond 200 m do not fill one here."""
    known = [{"building": "yes", "height": "20"}] * 3
    near = features.buildings(houses(tmp_path, *known, {"building": "yes"}), area(), CRS, Counter())
    assert near["height_source"].iloc[3] == "local median"
    nodes, ring = square(200, 1.5, 0.5)
    parts = [square(100 + 10 * number, -1.5 + 0.2 * number, 0.5) for number in range(3)]
    drawn = [corner + way(1000 + number, outline, {"building": "yes", "height": "20"}) for number, (corner, outline) in enumerate(parts)]
    lone = features.buildings(read_osm(write(tmp_path, *CROSSING, *drawn, nodes, way(1010, ring, {"building": "yes"}))), area(), CRS, Counter())
    assert lone.loc["w1010", "height_source"] == "default"


def test_what_does_not_block_is_left_out_and_counted(tmp_path: Path) -> None:
    """Roofs on posts, underground halls, points and demolished ones (building=no) block no view."""
    raw = houses(
        tmp_path, {"building": "roof"}, {"building": "yes", "location": "underground"}, {"building": "no"}, {"building:part": "yes", "height": "30"}
    )
    raw = RawOsm(
        raw.origin,
        raw.locations,
        raw.ways,
        (*raw.shapes, *read_osm(write(tmp_path, *CROSSING, node(50, 1, 1, {"building": "hut"}))).shapes),
        raw.bounds,
    )
    counts: Counter[str] = Counter()
    found = features.buildings(raw, area(), CRS, counts)
    assert found["height_m"].tolist() == [30]
    assert (
        counts["roofs without walls left out"]
        == counts["buildings underground left out"]
        == counts["buildings drawn as points, without a footprint"]
        == 1
    )


def test_a_bow_tie_is_mended(tmp_path: Path) -> None:
    """An outline that crosses itself becomes a sound shape of its two triangles, and is counted."""
    nodes = (node(100, 0.5, 0.5), node(101, 0.7, 0.7), node(102, 0.7, 0.5), node(103, 0.5, 0.7))
    counts: Counter[str] = Counter()
    found = features.buildings(
        read_osm(write(tmp_path, *CROSSING, *nodes, way(20, (100, 101, 102, 103, 100), {"building": "yes"}))), area(), CRS, counts
    )
    assert counts["building outlines that crossed themselves, mended"] == 1
    assert found.geometry.is_valid.all()
    # Two triangles of a quarter of the square each.
    assert found.area.sum() == pytest.approx(0.5 * at(0.5, 0.5).distance(at(0.7, 0.5)) * at(0.5, 0.5).distance(at(0.5, 0.7)), rel=0.01)


def test_an_outline_told_twice_is_one_building(tmp_path: Path) -> None:
    """A relation and its own outer way that both say building are one; a way drawn twice is one."""
    nodes, ring = square(100, 0.5, 0.5)
    parts = (
        way(20, ring, {"building": "yes"}),
        relation(5, ((20, "outer"),), {"building": "yes", "height": "12"}),
        way(21, ring, {"building": "yes"}),
    )
    counts: Counter[str] = Counter()
    found = features.buildings(read_osm(write(tmp_path, *CROSSING, nodes, *parts)), area(), CRS, counts)
    assert found.index.tolist() in (["w21"], ["r5"])
    assert counts["buildings told by both a relation and its outline"] == counts["buildings drawn twice"] == 1


def test_buildings_at_the_edge_stay_whole(tmp_path: Path) -> None:
    """A building half outside still blocks as a whole; one outside is counted."""
    edge, ring = square(100, 1.95, 0, 0.1)
    away, other = square(110, 5, 0, 0.1)
    counts: Counter[str] = Counter()
    raw = read_osm(write(tmp_path, *CROSSING, edge, away, way(20, ring, {"building": "yes"}), way(21, other, {"building": "yes"})))
    found = features.buildings(raw, area(), CRS, counts)
    assert found.index.tolist() == ["w20"]
    assert found.area.iloc[0] > 1.5 * found.intersection(area()).area.iloc[0]
    assert counts["buildings outside the study area"] == 1


def test_places_lamps_and_cameras(tmp_path: Path) -> None:
    """A school mapped as point and as area is one place; a lamp is a lamp; a camera of two directions is two rows."""
    nodes, ring = square(100, 0.5, 0.5)
    more = (
        node(50, 0.55, 0.55, {"amenity": "school", "name": "Toy School"}),
        way(20, ring, {"amenity": "school", "name": "Toy School"}),
        node(51, 1, 1, {"highway": "street_lamp"}),
        node(52, 1.1, 1, {"power": "pole"}),
        node(53, 9, 9, {"power": "pole"}),
        node(54, 0.1, 0.1, {"man_made": "surveillance", "direction": "N;90"}),
        node(55, 0.2, 0.1, {"man_made": "surveillance", "surveillance:type": "guard"}),
    )
    raw = read_osm(write(tmp_path, *CROSSING, nodes, *more))
    counts: Counter[str] = Counter()
    assert len(features.places(raw, area(), CRS, counts)) == 1
    assert counts["places mapped twice, made one"] == 1
    assert features.lamps(raw, area(), CRS, counts)["kind"].to_dict() == {"n51": "lamp", "n52": "pole"}
    assert counts["lamps outside the study area"] == 1
    cameras = features.cameras(raw, area(), CRS, counts)
    assert cameras["bearing_deg"].to_dict() == {"n54": 0, "n54-1": 90}
    assert counts["surveillance left out: surveillance:type=guard"] == 1
    assert not check(cameras, "cameras")
