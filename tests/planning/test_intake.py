from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from planning.checkup import check_city
from planning.city import City, Source
from planning.errors import ChaukasError
from planning.frames import SCHEMAS, check
from planning.intake import import_city
from planning.progress import Cancelled, Progress
from tests.planning.test_osm import helsinki
from tests.planning.toy_osm import CROSSING, CRS, LAT, LON, STEP, at, node, square, way, write

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared(*names: str) -> list[Path]:
    """Files of the real cities beside the checkout; the test is skipped by name where they are not there."""
    paths = [SHARED / name for name in names]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    return paths


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """A whole small city's files."""
    inside = tmp_path / "in"
    inside.mkdir()
    nodes, ring = square(100, 0.5, 0.5)
    camera = node(60, 0.1, 0.1, {"man_made": "surveillance", "camera:type": "dome", "camera:direction": "90"})
    lamp = node(61, 0.2, 0.1, {"highway": "street_lamp"})
    osm = write(inside, *CROSSING, nodes, way(20, ring, {"building": "yes", "building:levels": "3"}), camera, lamp)
    rows = [f"{LAT + number * STEP / 10:.6f},{LON:.6f},2024-01-{number + 1:02},Theft" for number in range(9)]
    (inside / "crime.csv").write_text("\n".join(["lat,lon,date,category", *rows, "nowhere,82,=1+2,x", ""]), encoding="utf-8")
    place = f"{LAT + 0.1 * STEP:.7f},{LON + 0.1 * STEP:.7f}"
    (inside / "cameras.csv").write_text(f"lat,lon,direction,type\n{place},92,dome\n{LAT},{LON},180,fixed\n", encoding="utf-8")
    wards = gpd.GeoDataFrame(
        {"name": ["West", "East"], "population": [100, 200]},
        geometry=[shapely.Polygon([at(west, -2), at(west + 2, -2), at(west + 2, 2), at(west, 2)]) for west in (-2, 0)],
        crs=CRS,
    )
    wards.to_crs(4326).to_file(inside / "wards.geojson")
    lamps = gpd.GeoDataFrame({"id": [1, 2]}, geometry=[at(0, 0.5), at(9, 9)], crs=CRS)
    lamps.to_crs(4326).to_file(inside / "lamps.geojson")
    (inside / "ground.tif").write_bytes(b"II*\x00" + bytes(60))
    return {
        "osm": osm,
        "crime": [inside / "crime.csv"],
        "cameras": [inside / "cameras.csv"],
        "wards": inside / "wards.geojson",
        "lamps": [inside / "lamps.geojson"],
        "terrain": inside / "ground.tif",
    }


def test_a_whole_city(files: dict[str, Any], tmp_path: Path) -> None:
    """Every file's rows arrive in their layer, sound, and the folder reads back as the same city."""
    steps: list[float] = []
    city = import_city("toy", **files, title="Toy", folder=tmp_path / "toy", progress=Progress(lambda step: steps.append(step.share)))
    assert {layer: len(frame) for layer, frame in city.frames.items()} == {
        "roads": 4,
        "junctions": 5,
        "buildings": 1,
        "wards": 2,
        "zones": 0,
        "places": 0,
        "incidents": 9,
        "cameras": 2,
        "lamps": 2,
    }
    assert not [fault for layer in SCHEMAS for fault in check(city[layer], layer)]
    assert "1 cameras stood in two sources and were made one" in city.notes
    assert Source("wards", "wards.geojson", "", "licence not stated in the file") in city.sources
    assert city.sources[0].licence.startswith("ODbL")
    again = City.load(tmp_path / "toy")
    assert (again.digest, again.notes, again.sources) == (city.digest, city.notes, city.sources)
    assert (tmp_path / "toy" / "terrain.tif").read_bytes() == files["terrain"].read_bytes()
    assert steps == sorted(steps)
    assert str(tmp_path) not in (tmp_path / "toy" / "city.toml").read_text(encoding="utf-8")


def test_rejects_are_written_with_their_cells(files: dict[str, Any], tmp_path: Path) -> None:
    """A row that cannot be used stands in rejects.csv with file, number, reason and cells; a formula in it stays text."""
    import_city("toy", **files, folder=tmp_path / "toy")
    rejects = pd.read_csv(tmp_path / "toy" / "rejects.csv", encoding="utf-8-sig")
    assert rejects[["file", "row", "reason"]].to_numpy().tolist() == [["crime.csv", 11, "coordinates missing or no numbers"]]
    assert rejects["date"].tolist() == ["'=1+2"]


def test_the_same_files_give_the_same_city(files: dict[str, Any], tmp_path: Path) -> None:
    """Importing twice gives one digest."""
    assert import_city("toy", **files, folder=tmp_path / "a").digest == import_city("toy", **files, folder=tmp_path / "b").digest


def test_other_terrain_is_another_city(files: dict[str, Any], tmp_path: Path) -> None:
    """The digest of an import follows the terrain's file, and the imported city knows where it lies."""
    hilly = import_city("toy", **files, folder=tmp_path / "a")
    assert hilly.terrain_file == tmp_path / "a" / "terrain.tif"
    flat = import_city("toy", **{**files, "terrain": None}, folder=tmp_path / "a")
    assert flat.terrain_file is None
    files["terrain"].write_bytes(b"II*\x00" + bytes(61))
    other = import_city("toy", **files, folder=tmp_path / "a")
    assert len({hilly.digest, flat.digest, other.digest}) == 3
    assert City.load(tmp_path / "a").digest == other.digest


def test_plans_outlive_a_new_import(files: dict[str, Any], tmp_path: Path) -> None:
    """Importing a city again keeps the plans in its folder, and drops what the new import has not."""
    import_city("toy", **files, folder=tmp_path / "toy")
    (tmp_path / "toy" / "plans").mkdir()
    (tmp_path / "toy" / "plans" / "one.gpkg").write_text("kept", encoding="utf-8")
    import_city("toy", osm=files["osm"], folder=tmp_path / "toy")
    assert (tmp_path / "toy" / "plans" / "one.gpkg").read_text(encoding="utf-8") == "kept"
    assert not (tmp_path / "toy" / "terrain.tif").exists()


def test_roads_of_a_line_file(tmp_path: Path) -> None:
    """Streets of a plain line file, in feet, become a city in metres."""
    found = importlib.util.find_spec("libpysal")
    assert found is not None and found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "examples" / "geodanet"
    city = import_city("geodanet", roads=folder / "streets.shp", crime=[folder / "crimes.shp"], folder=tmp_path / "geodanet")
    assert len(city["roads"]) >= 293
    assert len(city["incidents"]) == 287
    assert city.crs.axis_info[0].unit_name == "metre"


def test_a_cancelled_import_writes_nothing(files: dict[str, Any], tmp_path: Path) -> None:
    """Stopped on request, at any step, leaves no folder and no litter."""
    for allowed in range(4):
        seen: list[str] = []
        progress = Progress(lambda step, seen=seen: seen.append(step.stage), lambda seen=seen, allowed=allowed: len(seen) >= allowed)  # type: ignore[misc]
        with pytest.raises(Cancelled):
            import_city("toy", **files, folder=tmp_path / "out" / "toy", progress=progress)
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


GEOJSON = '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "A"}, "geometry": %s}]}'
ELSEWHERE = GEOJSON % json.dumps({"type": "Polygon", "coordinates": [[[-76, 39], [-75, 39], [-75, 40], [-76, 40], [-76, 39]]]})
# what is given in place of a sound file: its name, its content, the code it is refused under
FAULTY: list[tuple[str, str, bytes | None, str]] = [
    ("osm", "bomb.osm", b'<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY a "a">]><osm version="0.6"></osm>', "osm.entities"),
    ("osm", "cut.osm", b'<?xml version="1.0"?><osm version="0.6"><node id="1" lat="1" lon="2">', "osm.truncated"),
    ("osm", "page.osm", b"<html></html>", "osm.content"),
    ("osm", "no.osm.pbf", b"OSM", "osm.content"),
    ("osm", "gone.osm", None, "file.missing"),
    ("osm", "void.osm", b"", "file.empty"),
    ("crime", "wards.vrt", b"<OGRVRTDataSource/>", "file.kind"),
    ("crime", "vrt.geojson", b"<OGRVRTDataSource><OGRVRTLayer/></OGRVRTDataSource>", "file.content"),
    ("crime", "empty.csv", b"lat,lon\n", "table.empty"),
    ("crime", "else.csv", b"lat,lon\n51.5,-0.1\n", "table.outside"),
    ("crime", "words.csv", b"street,town\nMain,Toy\n", "table.coordinates"),
    ("crime", "nan.csv", b"lat,lon\nnan,nan\nnan,nan\n", "table.rejected"),
    ("crime", "metres.csv", b"x,y\n1200000,900000\n", "table.crs"),
    ("crime", "noise.xlsx", b"PK\x03\x04" + bytes(50), "file.unreadable"),
    ("crime", "noise.parquet", b"PAR1" + bytes(50), "file.content"),
    ("crime", "zero.csv", b"lat,lon\n0,0\n0,0\n", "table.rejected"),
    ("cameras", "gone.csv", None, "file.missing"),
    ("cameras", "else.csv", b"lat,lon\n51.5,-0.1\n", "table.outside"),
    ("cameras", "binary.csv", b"\x00\x01\x02lat,lon\n", "file.content"),
    ("wards", "else.geojson", ELSEWHERE.encode(), "wards.far"),
    ("wards", "point.geojson", (GEOJSON % '{"type": "Point", "coordinates": [82.15, 22.09]}').encode(), "wards.areas"),
    ("wards", "void.geojson", b'{"type": "FeatureCollection", "features": []}', "file.rows"),
    ("wards", "cut.geojson", ELSEWHERE.encode()[:150], "file.unreadable"),
    ("wards", "fake.gpkg", b"not a database", "file.content"),
    ("wards", "noise.gpkg", b"SQLite format 3\x00" + bytes(100), "file.unreadable"),
    ("wards", "wards.kml", b"<kml/>", "file.kind"),
    ("lamps", "stac.json", b'{"type": "Feature", "stac_version": "1.0.0"}', "file.content"),
    ("terrain", "ground.tif", b"<html></html>", "terrain.kind"),
    ("terrain", "ground.vrt", b"II*\x00", "terrain.kind"),
]


@pytest.mark.parametrize(("part", "name", "content", "code"), FAULTY, ids=[f"{part}-{name}" for part, name, _, _ in FAULTY])
def test_faulty_files_leave_nothing_behind(files: dict[str, Any], tmp_path: Path, part: str, name: str, content: bytes | None, code: str) -> None:
    """One faulty file refuses the import under its code, with its way out; nothing is written, and an earlier city stays as it was."""
    standing = tmp_path / "out" / "toy" / "city.toml"
    standing.parent.mkdir(parents=True)
    standing.write_text("an earlier city", encoding="utf-8")
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    given = {**files, part: path if part in {"osm", "wards", "terrain"} else [path]}
    with pytest.raises(ChaukasError) as caught:
        import_city("toy", **given, folder=tmp_path / "out" / "toy")
    assert [fault.code for fault in caught.value.faults] == [code]
    assert all(fault.way_out for fault in caught.value.faults)
    assert [found.relative_to(tmp_path).as_posix() for found in sorted((tmp_path / "out").rglob("*"))] == ["out/toy", "out/toy/city.toml"]
    assert standing.read_text(encoding="utf-8") == "an earlier city"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "../etc"}, "city.name"),
        ({"name": "Toy City"}, "city.name"),
        ({"name": ""}, "city.name"),
        ({"osm": None}, "city.streets"),
        ({"place": "Toy"}, "city.streets"),
        ({"crs": "EPSG:4326"}, "crs.degrees"),
        ({"crs": "EPSG:2223"}, "crs.unit"),
        ({"crs": "UTM"}, "crs.unknown"),
        ({"mapping": {"lat": "nowhere"}}, "table.mapping"),
        ({"mapping": {"colour": "lat"}}, "table.mapping"),
        ({"osm": "https://example.org/a.osm"}, "file.remote"),
        ({"wards": "/vsizip/a.zip/wards.geojson"}, "file.remote"),
        ({"crs": "EPSG:3857"}, "crs.far"),
        ({"crs": "EPSG:32618"}, "crs.far"),
    ],
)
def test_requests_that_cannot_be_carried_out(files: dict[str, Any], tmp_path: Path, change: dict[str, Any], code: str) -> None:
    """A name that is a path, two sources of streets, a CRS in degrees or feet, a mapping to nothing, an address: refused, nothing written."""
    with pytest.raises(ChaukasError) as caught:
        import_city(**{"name": "toy", **files, "folder": tmp_path / "toy", **change})
    assert caught.value.code == code
    assert not (tmp_path / "toy").exists()


def test_all_faults_are_told_at_once(files: dict[str, Any], tmp_path: Path) -> None:
    """A bad crime table and bad wards are both named in one error; so are a bad street file and a bad table."""
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "bad.geojson").write_text(ELSEWHERE, encoding="utf-8")
    (tmp_path / "bad.osm").write_text("<html>", encoding="utf-8")
    (tmp_path / "void.csv").write_text("lat,lon\n", encoding="utf-8")
    with pytest.raises(ChaukasError) as caught:
        import_city("toy", **{**files, "crime": [tmp_path / "bad.csv"], "wards": tmp_path / "bad.geojson"}, folder=tmp_path / "toy")
    assert [fault.code for fault in caught.value.faults] == ["table.coordinates", "wards.far"]
    with pytest.raises(ChaukasError) as caught:
        import_city("toy", osm=tmp_path / "bad.osm", crime=[tmp_path / "void.csv"], folder=tmp_path / "toy")
    assert [fault.code for fault in caught.value.faults] == ["osm.content", "table.empty"]
    with pytest.raises(ChaukasError) as caught:
        import_city("A B", osm=files["osm"], crime=[tmp_path / "gone.csv", files["crime"][0], files["crime"][0]], folder=tmp_path / "toy")
    assert [fault.code for fault in caught.value.faults] == ["city.name", "file.missing", "city.twice"]


def test_helsinki(tmp_path: Path) -> None:
    """The clipped extract becomes a sound city with buildings, lamps and cameras; what was lost is told."""
    city = import_city("helsinki", osm=helsinki(), folder=tmp_path / "helsinki")
    assert len(city["roads"]) > 2_000 and len(city["buildings"]) > 450 and len(city["lamps"]) > 500 and len(city["cameras"]) > 150
    assert not [fault for layer in SCHEMAS for fault in check(city[layer], layer)]
    assert any("road nodes missing" in note for note in city.notes)
    assert city.crs.to_epsg() == 32635
    assert any(finding.odd for finding in check_city(city))


@pytest.mark.shared
def test_baltimore(tmp_path: Path) -> None:
    """Streets, buildings, crimes, police cameras and neighbourhoods of Baltimore; every row used or rejected."""
    osm, crime, cameras, wards = shared(
        *(
            f"baltimore/{name}"
            for name in ("baltimore.osm.pbf", "crimes_2018_burglary_arson_shooting_homicide.csv", "CCTV_Locations.csv", "neighborhoods.geojson")
        )
    )
    city = import_city("baltimore", osm=osm, crime=[crime], cameras=[cameras], wards=wards, folder=tmp_path / "baltimore")
    rejects = pd.read_csv(tmp_path / "baltimore" / "rejects.csv", encoding="utf-8-sig", low_memory=False)
    assert len(city["incidents"]) + (rejects["file"] == crime.name).sum() == 7_309
    assert len(city["cameras"]) + (rejects["file"] == cameras.name).sum() == 614
    assert set(city["incidents"]["category"]) == {"burglary", "arson", "shooting", "homicide"}
    assert len(city["cameras"]) > 100 and len(city["wards"]) > 40 and len(city["roads"]) > 8_000


@pytest.mark.shared
def test_bengaluru(tmp_path: Path) -> None:
    """A crawled answer without bounds, cameras with directions, lamps and wards of Bengaluru."""
    osm, cameras, lamps, wards = shared(
        *(
            f"bengaluru/{name}"
            for name in (
                "bengaluru_central_drive.osm",
                "osm_surveillance_nodes_in_streets_bbox.geojson",
                "osm_street_lamps.geojson",
                "BBMP_wards_243.geojson",
            )
        )
    )
    city = import_city("bengaluru", osm=osm, cameras=[cameras], lamps=[lamps], wards=wards, folder=tmp_path / "bengaluru")
    assert len(city["wards"]) == 45
    assert city["cameras"]["bearing_deg"].notna().sum() == 437
    assert city["roads"].length.sum() == pytest.approx(510_000, rel=0.02)


@pytest.mark.shared
def test_koni(tmp_path: Path) -> None:
    """The smallest real case: 7 roads of 3.3 km, in zone 44 north."""
    (osm,) = shared("bilaspur-koni/koni_roads.osm")
    city = import_city("koni", osm=osm, folder=tmp_path / "koni")
    assert city.crs.to_epsg() == 32644
    assert city["roads"]["osm_id"].nunique() == 7
    assert city["roads"].length.sum() == pytest.approx(3_300, rel=0.03)
