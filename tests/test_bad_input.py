"""Troublesome files through the command line: refused by code with the value and a way out, or mended by name; nothing is half-written."""

from __future__ import annotations

import gzip
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

import cli
from planning import files as guarded
from planning import osm
from planning.city import City
from tests.desk import ALL, BOW, CRIMES, HOUSES, INSIDE, PARTS, QUICK, Desk, areas, built_town, desk_of_ones_own, ring, tree  # noqa: F401  # fixtures
from tests.planning.toy_osm import CRS, LAT, LON, at, document, node, way

# Coordinates and CRS


@pytest.mark.parametrize(
    ("crs", "code"),
    [("EPSG:4326", "crs.degrees"), ("EPSG:2223", "crs.unit"), ("EPSG:32618", "crs.far"), ("EPSG:3857", "crs.far"), ("EPSG:0", "crs.unknown"),
     ("", "crs.unknown"), ("metres", "crs.unknown")],
)  # fmt: skip
def test_a_crs_that_cannot_be_the_citys(desk: Desk, crs: str, code: str) -> None:
    """Degrees, feet, another place's metres, no real metres, and what is no CRS are refused, naming it."""
    desk.refused(desk.imported("--crs", crs), code, crs)


@pytest.mark.parametrize("option", ["--wards", "--zones", "--lamps", "--crime", "--cameras", "--roads"])
def test_a_file_without_a_crs(desk: Desk, option: str) -> None:
    """A shapefile without its .prj is refused by name; the way out says what to add."""
    shape: Any = shapely.box(0, 0, 1, 1) if option in {"--wards", "--zones"} else shapely.LineString([(0, 0), (1, 1)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that there is no CRS is what is wanted
        gpd.GeoDataFrame({"name": ["A"]}, geometry=[shape]).to_file(desk.folder / "files" / "bare.shp")
    path = str(desk.folder / "files" / "bare.shp")
    words = ["city", "import", "new", "--roads", path] if option == "--roads" else desk.imported(option, path)
    code = {"--crime": "table.crs", "--cameras": "table.crs"}.get(option, f"{option[2:]}.crs")
    desk.refused(words, code, "bare.shp", ".prj" if option != "--lamps" else "GeoJSON")


def test_metres_that_say_to_be_degrees(desk: Desk) -> None:
    """Areas in metres in a GeoJSON, and in another zone's CRS, lie elsewhere: refused with both extents."""
    metres = areas([[point.x, point.y] for point in (at(-1, -1), at(1, -1), at(1, 1), at(-1, -1))], kind=["area"], name=["A"])
    desk.refused(desk.imported("--wards", desk.file("w.geojson", metres)), "wards.far", "82.1", "w.geojson")
    box = gpd.GeoDataFrame({"kind": ["area"]}, geometry=[shapely.box(at(-1, -1).x, at(-1, -1).y, at(1, 1).x, at(1, 1).y)], crs=32643)
    box.to_file(desk.folder / "files" / "z.gpkg")
    desk.refused(desk.imported("--zones", str(desk.folder / "files" / "z.gpkg")), "zones.far", "82.1", "76.1", "EPSG:32643")


@pytest.mark.parametrize(("turned", "straight"), [(2, 1), (3, 0)])
def test_swapped_coordinates_are_mended_by_name(desk: Desk, turned: int, straight: int) -> None:
    """Rows whose latitude stands under longitude are swapped back, counted and told, be it some or all."""
    rows = [f"{LON + row / 10_000:.5f},{LAT},theft" for row in range(turned)] + [f"{LAT},{LON - 0.0001},theft"] * straight
    path = desk.file("turned.csv", "\n".join(["lat,lon,category", *rows, ""]))
    desk.done(desk.imported("--crime", path), f"turned.csv: {turned} rows had latitude and longitude swapped; they were swapped back")
    assert len(City.load(desk.folder / "cities" / "new")["incidents"]) == 3


@pytest.mark.parametrize("option", ["--wards", "--zones"])
def test_areas_with_swapped_coordinates_are_refused_with_both_extents(desk: Desk, option: str) -> None:
    """Areas are not turned by guess: what was met and where the streets lie is told."""
    turned = areas([[lat, lon] for lon, lat in ALL], name=["A"], kind=["area"])
    desk.refused(
        desk.imported(option, desk.file("t.geojson", turned)), f"{option[2:]}.far", "82.148 to 82.152 N", "82.148 to 82.152 E, 22.088 to 22.092 N"
    )


@pytest.mark.parametrize("option", ["--wards", "--zones", "--lamps", "--roads"])
@pytest.mark.parametrize("suffix", [".gpkg", ".geojson"])
@pytest.mark.parametrize("odd", ["nan", "inf", "1e308", "-1e19"])
def test_shapes_with_impossible_coordinates_are_left_out_and_counted(desk: Desk, option: str, suffix: str, odd: str) -> None:
    """One shape with a coordinate that is no number, or past all measure, beside a sound one is left out and counted; the sound one arrives."""
    west, east = (LON - 0.001, LAT), (LON + 0.001, LAT)
    broken, sound = {
        "--lamps": (f"POINT ({odd} 22.09)", f"POINT ({LON} {LAT})"),
        "--roads": (f"LINESTRING ({LON} {LAT}, {odd} {odd})", f"LINESTRING ({west[0]} {west[1]}, {east[0]} {east[1]})"),
    }.get(option, (f"POLYGON (({LON} {LAT}, {odd} {LAT}, {LON} {odd}, {LON} {LAT}))", shapely.Polygon(ALL).wkt))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the driver grumbles about what is wanted here
        frame = gpd.GeoDataFrame({"name": ["B", "S"], "kind": ["area"] * 2}, geometry=list(shapely.from_wkt([broken, sound])), crs=4326)
        frame.to_file(desk.folder / "files" / f"odd{suffix}")
    path = str(desk.folder / "files" / f"odd{suffix}")
    words = ["city", "import", "new", "--roads", path, "--crs", "EPSG:32644"] if option == "--roads" else desk.imported(option, path)
    desk.done(words, {"--lamps": "1 of 2 lamps", "--roads": "1 rows of the road file without a line"}.get(option, "left out"))
    city = City.load(desk.folder / "cities" / "new")
    assert len(city[option[2:]]) == 1


def test_coordinates_that_are_no_numbers(desk: Desk) -> None:
    """NaN, infinite, empty and worded coordinates are rejected row by row with the reason; a table of nothing else is refused."""
    cells = ("nan,nan", "inf,82.15", ",", "north,east", "1e400,1e400", "-1e308,1e308")
    good = [f"{LAT},{LON + step / 10_000:.5f},theft" for step in range(-9, 9)]
    desk.done(desk.imported("--crime", desk.file("some.csv", "\n".join(["lat,lon,category", *good, *(f"{cell},theft" for cell in cells), ""]))))
    rejects = pd.read_csv(desk.folder / "cities" / "new" / "rejects.csv", encoding="utf-8-sig")
    assert rejects["row"].tolist() == [20, 21, 22, 23, 24, 25]
    assert set(rejects["reason"]) == {"coordinates missing or no numbers", "coordinates out of range"}
    shutil.rmtree(desk.folder / "cities" / "new")
    only = "lat,lon,category\n" + "".join(f"{cell},theft\n" for cell in cells[:4])
    desk.refused(desk.imported("--crime", desk.file("only.csv", only)), "table.rejected", "4 of 4 rows of only.csv", "coordinates missing")


@pytest.mark.parametrize("place", ['lat="nan" lon="nan"', 'lat="1e400" lon="0"', 'lat="91" lon="181"', 'lat="x" lon="y"', 'lat="" lon=""', ""])
def test_a_street_node_without_a_place(desk: Desk, place: str) -> None:
    """A node nobody can place is either refused as damaged or left out and counted; the street keeps its other nodes."""
    text = document(*PARTS, f'<node id="900" {place}/>', way(901, (1, 2, 900), {"highway": "residential"}))
    words = ["city", "import", "new", "--osm", desk.file("odd.osm", text)]
    before = tree(desk.folder)
    if cli.main(words) == 0:
        assert "nodes" in desk.capsys.readouterr().out
    else:
        err = desk.capsys.readouterr().err
        assert "[osm.unreadable]" in err and "odd.osm" in err
        assert tree(desk.folder) == before


# Files that are empty, cut short, or not what they claim


def whole(kind: str, folder: Path) -> tuple[str, bytes]:
    """The option and the bytes of a sound file of a kind."""
    path = folder / f"sound{kind}"
    points = gpd.GeoDataFrame({"category": ["theft"] * 50}, geometry=[at(step / 50, 0) for step in range(50)], crs=CRS)
    if kind in {".osm", ".osm.gz", ".osm.bz2", ".osm.pbf"}:
        plain = folder / "plain.osm"
        plain.write_text(document(*PARTS), encoding="utf-8")
        if kind == ".osm":
            return "--osm", plain.read_bytes()
        import osmium

        with osmium.SimpleWriter(str(path)) as writer:
            for found in osmium.FileProcessor(str(plain)):
                writer.add(found)
        return "--osm", path.read_bytes()
    if kind == ".xlsx":
        book = openpyxl.Workbook()
        assert book.active is not None
        for row in csv_rows():
            book.active.append(row)
        book.save(path)
    elif kind == ".parquet":
        pd.DataFrame(csv_rows()[1:], columns=["lat", "lon", "category"]).to_parquet(path)
    elif kind == ".geojson":
        points.to_crs(4326).to_file(path)
    else:
        points.to_file(path)
    return "--crime", path.read_bytes()


def csv_rows() -> list[list[str]]:
    """The crimes as rows of text."""
    return [line.split(",") for line in CRIMES.splitlines()]


CUT = (".osm", ".osm.gz", ".osm.bz2", ".osm.pbf", ".gpkg", ".xlsx", ".parquet", ".geojson", ".shp")


@pytest.mark.parametrize("kind", CUT)
def test_empty_and_truncated_files(desk: Desk, kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file of no bytes, and a sound one cut at a quarter, half, and just before its end, is refused by name, whatever its kind."""
    option, data = whole(kind, tmp_path_factory.mktemp("whole"))
    for share in (0.0, 0.25, 0.5, 0.99):
        name = f"cut{kind}"
        path = desk.file(name, data[: int(len(data) * share)])
        words = ["city", "import", "new", "--osm", path] if option == "--osm" else desk.imported(option, path)
        desk.refused(words, "" if share else "file.empty", name)


@pytest.mark.parametrize(
    ("option", "name", "content", "code"),
    [
        ("--wards", "vrt.geojson", b'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/hosts</SrcDataSource></OGRVRTLayer>',
         "file.content"),
        ("--zones", "areas.vrt", b"<OGRVRTDataSource/>", "file.kind"),
        ("--crime", "nul.csv", b"lat,lon\n22.09,\x0082.15\n", "file.content"),
        ("--crime", "late.csv", CRIMES.encode() * 200 + b"22.09,82.15,\x00\n", "file.content"),
        ("--crime", "picture.xlsx", b"\x89PNG\r\n\x1a\n" + bytes(40), "file.content"),
        ("--wards", "nul.geojson", b'{"type": "FeatureCollection", "features": [\x00\x00]}', "file.unreadable"),
        ("--wards", "esri.json", b'{"geometryType": "x", "esriGeometryType": 1, "type": "Feature"}', "file.content"),
        ("--osm", "nul.osm", b'<?xml version="1.0"?><osm version="0.6">\x00\x00</osm>', "osm.unreadable"),
        ("--osm", "page.osm", b"<!DOCTYPE html><html></html>", "osm.content"),
        ("--osm", "late.osm", b'<?xml version="1.0"?><!-- <osm ' + b"x" * 5000 + b' --><!DOCTYPE osm [<!ENTITY a "b">]><osm version="0.6">&a;</osm>',
         "osm.unreadable"),
        ("--osm", "bomb.osm", b'<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><osm version="0.6">&b;</osm>',
         "osm.entities"),
        ("--osm", "none.osm", b'<?xml version="1.0"?><osm version="0.6"></osm>', "osm.empty"),
    ],
)  # fmt: skip
def test_files_that_are_not_what_they_claim(desk: Desk, option: str, name: str, content: bytes, code: str) -> None:
    """VRT under another name, NUL bytes, pictures, other JSON, pages and XML entities never reach a driver that would follow them."""
    path = desk.file(name, content)
    desk.refused(["city", "import", "new", "--osm", path] if option == "--osm" else desk.imported(option, path), code, name)


@pytest.mark.parametrize("option", ["--osm", "--roads", "--crime", "--cameras", "--lamps", "--wards", "--zones", "--terrain"])
@pytest.mark.parametrize(
    "path", ["https://example.org/a.geojson", "/vsicurl/https://example.org/a.geojson", "/vsizip/a.zip/b.geojson", "s3://a/b.osm"]
)
def test_addresses_and_virtual_paths(desk: Desk, option: str, path: str) -> None:
    """Only local files are read, whichever option names them."""
    words = ["city", "import", "new", option, path] if option in {"--osm", "--roads"} else desk.imported(option, path)
    desk.refused(words, "file.remote", path)


def test_bombs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are too large, or unpack to more than is read, are refused before they are unpacked whole."""
    monkeypatch.setattr(osm, "LARGEST_UNPACKED", 2_000_000)
    packed = gzip.compress(document(*PARTS).encode().replace(b"</osm>", b" " * 5_000_000 + b"</osm>"))
    assert len(packed) < 20_000
    desk.refused(["city", "import", "new", "--osm", desk.file("bomb.osm.gz", packed)], "osm.size", "bomb.osm.gz")
    monkeypatch.setattr(guarded, "VECTOR_KINDS", {".geojson": ("GeoJSON", (b"{",), 100)})
    desk.refused(desk.imported("--wards", desk.file("wide.geojson", areas(ALL, name=["A"]))), "file.size", "wide.geojson")
    path = desk.folder / "files" / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b" " * 3_000_000)
    monkeypatch.setattr("planning.tables.MEGABYTE", 1_000)
    desk.refused(desk.imported("--crime", str(path)), "file.size", "bomb.xlsx")


# Rows that are odd


def test_a_ward_that_crosses_itself_is_mended_by_name(desk: Desk) -> None:
    """The bow tie is made two triangles, named on the way in and in the check."""
    words = desk.imported("--wards", desk.file("w.geojson", areas(BOW, name=["Bow"])))
    desk.done(words, "1 wards whose outline crossed itself were mended: Bow")
    desk.done(["city", "check", "new"], "1 wards whose outline crossed itself were mended: Bow")
    assert City.load(desk.folder / "cities" / "new")["wards"].geometry.is_valid.all()


def test_ids_that_stand_twice(desk: Desk) -> None:
    """Streets, houses, wards and cameras of one id or name become rows of their own ids, or one where they are the same; it is told."""
    again = (node(1, -1, 0), way(10, (1, 2, 3), {"highway": "primary"}), way(20, (100, 101, 102, 103, 100), {"building": "yes"}))
    path = desk.file("twice.osm", document(*PARTS, *again))
    wards = desk.file(
        "w.geojson", areas(ring(LON - 0.002, LAT - 0.002, LON, LAT + 0.002), ring(LON, LAT - 0.002, LON + 0.002, LAT + 0.002), name=["A", "A"])
    )
    cameras = desk.file("c.csv", f"id,lat,lon,direction\n7,{LAT},{LON},90\n7,{LAT},{LON},90\n7,{LAT + 0.0005},{LON},\n")
    desk.done(
        ["city", "import", "new", "--osm", path, "--wards", wards, "--cameras", cameras], "ward names that stood more than once were numbered: A"
    )
    city = City.load(desk.folder / "cities" / "new")
    assert all(frame.index.is_unique for frame in city.frames.values())
    assert city["wards"]["name"].tolist() == ["A", "A (2)"]
    assert len(city["cameras"]) == 2
    assert len(city["buildings"]) == len(HOUSES)


def test_a_camera_inside_a_building(desk: Desk) -> None:
    """The check names the camera; planning hangs it on the nearest wall, outside, and says so."""
    east, north = INSIDE
    cameras = desk.file("c.csv", f"lat,lon,direction,height\n{LAT + north / 1000:.6f},{LON + east / 1000:.6f},180,4\n")
    words = desk.imported("--cameras", cameras)
    desk.done(words, "1 stand inside a building's outline, as k")
    desk.done(["city", "check", "new"], "! cameras: 1 stand inside a building's outline, as k")
    desk.done(["plan", "new", "--budget", "1 lakh", *QUICK], "1 existing cameras are recorded inside a building and were moved to just outside")


def test_huge_numbers_in_every_column(desk: Desk) -> None:
    """Numbers past all measure in heights, angles, residents and dates are no reason to fail: they count as not known, or are refused by name."""
    cameras = desk.file("c.csv", f"lat,lon,direction,height,hfov\n{LAT},{LON},1e308,1e308,1e308\n{LAT},{LON + 0.0005},-1e999,-5,nan\n")
    crime = desk.file("crime.csv", CRIMES.replace("category", "category,date").replace("theft", "theft,99999999999999999999"))
    wards = desk.file("w.geojson", areas(ALL, name=["A" * 300], population=[1e308]))
    tall = way(70, (100, 101, 102, 103, 100), {"building": "yes", "height": "1e308", "building:levels": "99999999999"})
    wide = way(71, (1, 2), {"highway": "service", "width": "1e400", "lanes": "99999999999999999999999"})
    path = desk.file("huge.osm", document(*PARTS, tall, wide))
    desk.done(["city", "import", "new", "--osm", path, "--cameras", cameras, "--crime", crime, "--wards", wards])
    city = City.load(desk.folder / "cities" / "new")
    assert city["buildings"]["height_m"].max() < 900
    assert city["roads"]["width_m"].max() <= 100
    assert not (city["cameras"]["height_m"] > 100).any()
    desk.done(["plan", "new", "--budget", "1 lakh", *QUICK], "verified       yes")


def test_hindi_headers_are_understood(desk: Desk) -> None:
    """A police table in Hindi is read without a mapping, Devanagari digits too."""
    digits = str.maketrans("0123456789", "०१२३४५६७८९")
    rows = "".join(f"{LAT},{LON},चोरी,03/02/2025\n".translate(digits) for _ in range(2))
    desk.done(desk.imported("--crime", desk.file("अपराध.csv", "अक्षांश,देशांतर,अपराध,दिनांक\n" + rows.replace("चोरी", "लूट", 1))), "“अक्षांश”", "“अपराध”")
    incidents = City.load(desk.folder / "cities" / "new")["incidents"]
    assert len(incidents) == 2
    assert incidents["when"].notna().all()


def test_cells_like_formulas_stay_text(desk: Desk) -> None:
    """What a spreadsheet would run is written to rejects.csv with an apostrophe before it; numbers stay numbers."""
    bad = ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1"]
    lines = "".join(f'{LAT},,"{cell.replace(chr(34), chr(34) * 2)}"\n' for cell in bad)
    desk.done(desk.imported("--crime", desk.file("f.csv", CRIMES + lines + "-5,,theft\n")))
    text = pd.read_csv(desk.folder / "cities" / "new" / "rejects.csv", encoding="utf-8-sig", dtype=str, keep_default_na=False)
    assert [cell for cell in text["category"] if cell != "theft"] == [f"'{cell}" for cell in bad]
    assert text["lat"].iloc[-1] == "-5"
