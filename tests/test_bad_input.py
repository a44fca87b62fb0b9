"""Bad input as a user meets it: real files through the command line. Each case is refused by its code with the value met and a way out, or mended
by name; nobody sees a traceback, and nothing is half-written."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

import cli
from planning import city as cities
from planning import files as guarded
from planning import osm
from planning.city import City
from planning.export import read_plan
from tests.planning.toy_osm import CROSSING, CRS, LAT, LON, at, document, node, square, way

QUICK = ("--models", "bullet-4mp", "--gap", "0.1", "--time", "5")
HOUSES = ((0.3, 0.08), (-0.45, 0.1), (0.12, 0.4), (-0.35, -0.3))  # steps from the crossing
INSIDE = (0.35, 0.13)  # in the first house
_BLOCKS = [square(100 + 10 * number, east, north) for number, (east, north) in enumerate(HOUSES)]
PARTS = (
    *CROSSING, *(nodes for nodes, _ in _BLOCKS), *(way(20 + number, ring, {"building": "yes", "height": "9"}) for number, (_, ring) in enumerate(_BLOCKS)),
)  # fmt: skip
CRIMES = "lat,lon,category\n" + "".join(f"{LAT},{LON + step / 20_000:.5f},theft\n" for step in range(-8, 9))
BOW = [[LON - 0.001, LAT - 0.001], [LON + 0.001, LAT + 0.001], [LON + 0.001, LAT - 0.001], [LON - 0.001, LAT + 0.001], [LON - 0.001, LAT - 0.001]]


def ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    """The outline of a rectangle in degrees."""
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


ALL = ring(LON - 0.002, LAT - 0.002, LON + 0.002, LAT + 0.002)


def areas(*rings: list[list[float]], **columns: list[Any]) -> bytes:
    """A GeoJSON file of polygons."""
    features = [
        {
            "type": "Feature",
            "properties": {name: cells[row] for name, cells in columns.items()},
            "geometry": {"type": "Polygon", "coordinates": [shape]},
        }
        for row, shape in enumerate(rings)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def tree(folder: Path) -> dict[str, bytes]:
    """Every file and folder below, with the files' bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


class Desk:
    """A folder with a user's files in `files` and cities in `cities`, and the command line on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        (folder / "files").mkdir()

    def file(self, name: str, content: str | bytes) -> str:
        """A file of this content; its path."""
        path = self.folder / "files" / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def osm(self, *more: str) -> str:
        """The small town as OpenStreetMap XML; its path."""
        return self.file("town.osm", document(*PARTS, *more))

    def refused(self, arguments: list[str], code: str, *words: str) -> str:
        """What a command says that must be refused: status 1, this code, these words, a way out; the folder as it was before."""
        before = tree(self.folder)
        status = cli.main(arguments)
        out, err = self.capsys.readouterr()
        assert status == 1, out + err
        assert out == ""
        assert "Traceback" not in err
        told = [line for line in err.splitlines() if line.startswith("chaukas: ")]
        assert f"[{code}]" in err, err
        for word in words:
            assert word in err, err
        for line in told:
            assert re.fullmatch(r"chaukas: \[(money|[a-z]+\.[a-z]+)\] .+\. \S.+", line), line
        assert tree(self.folder) == before
        return err

    def done(self, arguments: list[str], *words: str) -> str:
        """What a command prints that must go through, with these words among it."""
        status = cli.main(arguments)
        out, err = self.capsys.readouterr()
        assert status == 0, err
        assert "Traceback" not in err
        for word in words:
            assert word in out, out
        return out

    def imported(self, *more: str) -> list[str]:
        """The words of an import of the town with these options."""
        return ["city", "import", "new", "--osm", self.osm(), *more]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town's folder, imported from its file."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "town.osm").write_text(document(*PARTS), encoding="utf-8")
    (folder / "crime.csv").write_text(CRIMES, encoding="utf-8")
    words = ["city", "import", "town", "--osm", str(folder / "town.osm"), "--crime", str(folder / "crime.csv"), "--folder", str(folder / "town")]
    assert cli.main(words) == 0
    return folder / "town"


@pytest.fixture(scope="module")
def planned(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan of the town."""
    path = tmp_path_factory.mktemp("planned") / "plan.gpkg"
    assert cli.main(["plan", str(built), "--budget", "1 lakh", *QUICK, "--out", str(path)]) == 0
    return path


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, built: Path) -> Desk:
    """A desk of one's own, with the town among its cities."""
    monkeypatch.setattr(cities, "ROOT", tmp_path / "elsewhere")
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path / "cities"))
    shutil.copytree(built, tmp_path / "cities" / "town")
    capsys.readouterr()
    return Desk(tmp_path, capsys)


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


def test_swapped_coordinates_are_mended_by_name(desk: Desk) -> None:
    """Rows whose latitude stands under longitude are swapped back, counted and told; a whole table so is, too."""
    turned = f"lat,lon,category\n{LON},{LAT},theft\n{LON},{LAT},robbery\n{LAT},{LON},theft\n"
    desk.done(
        desk.imported("--crime", desk.file("turned.csv", turned)), "turned.csv: 2 rows had latitude and longitude swapped; they were swapped back"
    )
    assert len(City.load(desk.folder / "cities" / "new")["incidents"]) == 3


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
        tree(desk.folder)
        err = desk.refused(words, "file.empty" if not share else "", name) if not share else refused_somehow(desk, words)
        assert name in err


def refused_somehow(desk: Desk, words: list[str]) -> str:
    """What a refused command says, whatever its code."""
    before = tree(desk.folder)
    status = cli.main(words)
    out, err = desk.capsys.readouterr()
    assert status == 1, out + err
    assert out == "" and "Traceback" not in err
    assert re.search(r"^chaukas: \[[a-z]+\.[a-z]+\] ", err, re.MULTILINE)
    assert tree(desk.folder) == before
    return err


@pytest.mark.parametrize(
    ("option", "name", "content", "code"),
    [
        ("--wards", "vrt.geojson", b'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>',
         "file.content"),
        ("--zones", "areas.vrt", b"<OGRVRTDataSource/>", "file.kind"),
        ("--crime", "nul.csv", b"lat,lon\n22.09,\x0082.15\n", "file.content"),
        ("--crime", "late.csv", CRIMES.encode() + b"22.09,82.15,\x00" * 9000, "table.outside"),
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
    out = desk.done(
        desk.imported("--wards", desk.file("w.geojson", areas(BOW, name=["Bow"]))), "1 wards whose outline crossed itself were mended: Bow"
    )
    assert "coverage" not in out
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


# The wish


@pytest.mark.parametrize(
    ("text", "code"),
    [("0", "scenario.budget"), ("NaN", "money"), ("inf", "money"), ("-inf", "money"), ("-5", "money"), ("1,00", "money"), ("", "money"), ("lots", "money"),
     ("1.5", "money"), ("1e99", "money"), ("१०,००", "money"), ("2 croar", "money"), ("\x00", "money")],
)  # fmt: skip
@pytest.mark.parametrize("option", ["--budget", "--yearly"])
def test_amounts_that_are_none(desk: Desk, option: str, text: str, code: str) -> None:
    """No amount, nothing, or an amount grouped in no known way: refused with what was written."""
    budget = [] if option == "--budget" else ["--budget", "1 lakh"]
    desk.refused(["plan", "town", *budget, f"{option}={text}"], code, f"(got: {text})" if text else "[money]")


@pytest.mark.parametrize("text", ["1,00,000", "१०००००", "₹ १,००,०००", "1 लाख"])
def test_amounts_as_people_write_them(desk: Desk, text: str) -> None:
    """Indian grouping, Devanagari digits and words are the same lakh."""
    out = str(desk.folder / "plan.gpkg")
    desk.done(["plan", "town", "--budget", text, "--out", out, *QUICK], "of ₹1,00,000")
    assert read_plan(out).scenario.budget_inr == 100_000


def test_too_little_for_one_camera(desk: Desk) -> None:
    """A budget below the cheapest camera is refused with that price, and that price buys one; a yearly budget likewise."""
    err = desk.refused(["plan", "town", "--budget", "500", "--yearly", "5", *QUICK], "scenario.cheapest", "₹500", "₹5", "a year")
    least = re.findall(r"Give at least (₹[\d,]+)", err)
    assert len(least) == 2
    desk.done(["plan", "town", "--budget", least[0], "--yearly", least[1], *QUICK], "cameras        1 at 1 sites")


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        (["--ward-floor", "150%"], "scenario.floor", "1.5"), (["--ward-floor", "-1"], "scenario.floor", "-1"),
        (["--ward-floor", "20%"], "scenario.floor", "ward"), (["--ward-floor", "half"], "scenario.floor", "half"),
        (["--heights", "0"], "scenario.height", "0.0"), (["--heights", "nan"], "scenario.height", "nan"), (["--heights", "6,inf"], "scenario.height", "inf"),
        (["--heights", ""], "scenario.height", "()"), (["--heights", "six"], "scenario.height", "six"),
        (["--spacing", "0"], "scenario.spacing", "0.0"), (["--spacing", "nan"], "scenario.spacing", "nan"), (["--spacing", "-inf"], "scenario.spacing", "-inf"),
        (["--per-site", "0"], "scenario.site", "0"), (["--per-site", "-3"], "scenario.site", "-3"), (["--per-site", "99999999999999999999"], "scenario.site", "9"),
        (["--time", "0"], "scenario.time", "0.0"), (["--time", "nan"], "scenario.time", "nan"), (["--time", "-1"], "scenario.time", "-1"),
        (["--gap", "nan"], "scenario.gap", "nan"), (["--gap", "1"], "scenario.gap", "1.0"),
        (["--keep", "j-1-1/bullet-4mp/0@90.0/6"], "scenario.keep", "j-1-1/bullet-4mp/0@90.0/6"), (["--keep", "nobody"], "scenario.keep", "nobody"),
        (["--forbid", "j-1-1"], "scenario.forbid", "j-1-1"), (["--forbid", ""], "scenario.forbid", "forbid"),
        (["--out", "plan.pdf"], "export.kind", "plan.pdf"), (["--out", "plan"], "export.kind", "plan"), (["--out", ""], "export.kind", ".gpkg"),
    ],
)  # fmt: skip
def test_wishes_that_make_no_sense(desk: Desk, more: list[str], code: str, word: str) -> None:
    """Each setting out of its bounds is refused by its code, naming the value."""
    desk.refused(["plan", "town", "--budget", "1 lakh", *QUICK, *(f"{more[0]}={value}" for value in more[1:])], code, word)


def test_all_unknown_names_are_told_at_once(desk: Desk) -> None:
    """Unknown models, level, recipe and kept camera are told together, with those there are."""
    words = ["plan", "town", "--budget", "1 lakh", "--models", "wonder,bullet-4mp,magic", "--level", "vaguely", "--recipe", "../../etc/passwd"]
    err = desk.refused(words, "scenario.model", "wonder", "magic", "vaguely", "../../etc/passwd", "bullet-4mp", "observation", "balanced")
    assert "[scenario.level]" in err and "[recipe.unknown]" in err


def test_all_unreadable_settings_are_told_at_once(desk: Desk) -> None:
    """Amounts, floor, heights, file kinds and figures out of bounds are told together, a line each."""
    words = ["plan", "town", "--budget", "1,00", "--yearly", "NaN", "--ward-floor", "half", "--heights", "six", "--out", "a.pdf", "--spacing", "0"]
    err = desk.refused(words, "money", "1,00", "NaN", "half", "six", "a.pdf", "0.0")
    assert len(err.splitlines()) == 6


@pytest.mark.parametrize("words", [["--spacing", "wide"], ["--per-site", "2.5"], ["--time", "१०s"], ["--gap", "small"]])
def test_letters_where_a_number_belongs(desk: Desk, words: list[str]) -> None:
    """The command's own refusal, status 2, names the value."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["plan", "town", "--budget", "1 lakh", *words])
    assert caught.value.code == 2
    assert words[1] in desk.capsys.readouterr().err


# Where to write, and what was written before


def test_an_out_in_a_new_folder_is_made(desk: Desk) -> None:
    """A folder that does not exist is made for the plan."""
    target = desk.folder / "new" / "folder" / "plan.csv"
    desk.done(["plan", "town", "--budget", "1 lakh", *QUICK, "--out", str(target)], str(target))
    assert [path.name for path in target.parent.iterdir()] == ["plan.csv"]


@pytest.mark.parametrize("name", ["taken.gpkg", "files/note.txt/plan.csv", "taken.gpkg/../nul\x00.gpkg"])
def test_an_out_that_cannot_be_written(desk: Desk, name: str) -> None:
    """A target that is a folder, lies under a file, or has no possible name is refused before the work, and no other target is written either."""
    (desk.folder / "taken.gpkg").mkdir()
    desk.file("note.txt", "mine")
    good = str(desk.folder / "good.csv")
    err = desk.refused(
        ["plan", "town", "--budget", "1 lakh", *QUICK, "--out", good, "--out", str(desk.folder / name)], "export.failed", Path(name).name
    )
    assert "verify" not in err


@pytest.mark.parametrize("where", ["files/note.txt/new", "files/note.txt"])
def test_a_city_that_cannot_be_written(desk: Desk, where: str) -> None:
    """A city folder under a file, or in the place of one, is refused and the file stays."""
    desk.file("note.txt", "mine")
    desk.refused([*desk.imported(), "--folder", str(desk.folder / where)], "city.write", "note.txt")


def test_what_is_no_plan(desk: Desk, planned: Path) -> None:
    """Random bytes, a database of others, a city's book, a plan cut short, a folder and nothing: none is verified or exported."""
    data = planned.read_bytes()
    noise = np.random.default_rng(7).bytes(5_000)
    cases = [
        (desk.file("noise.gpkg", noise), "plan.kind"), (desk.file("begun.gpkg", b"SQLite format 3\x00" + noise), "plan.kind"),
        (desk.file("void.gpkg", b""), "file.empty"), (desk.file("cut.gpkg", data[: len(data) // 2]), "plan."), (str(desk.folder / "files"), "file.kind"),
        (str(desk.folder / "cities" / "town" / "city.gpkg"), "plan.kind"), (str(desk.folder / "none.gpkg"), "file.missing"),
    ]  # fmt: skip
    for path, code in cases:
        for words in (["verify", path], ["export", path, str(desk.folder / "out.csv")]):
            assert f"[{code}" in refused_somehow(desk, words)


def test_a_plan_of_another_state_of_the_city(desk: Desk, planned: Path) -> None:
    """Once the city was imported with other files, the old plan is neither verified nor exported for it."""
    path = desk.file("plan.gpkg", planned.read_bytes())
    desk.done(["verify", path], "agrees")
    desk.done(["city", "import", "town", "--osm", desk.osm()])
    desk.refused(["verify", path], "verify.city", "Plan again")
    desk.refused(["export", path, str(desk.folder / "out.csv")], "export.city", "Plan again")
    shutil.rmtree(desk.folder / "cities" / "town")
    desk.refused(["verify", path], "city.unknown", "town")


DAMAGE = {
    "cut": ("city.toml", lambda text: text[: len(text) // 3], "city."),
    "empty": ("city.toml", lambda text: "", "city."),
    "no toml": ("city.toml", lambda text: "{" + text, "city.toml"),
    "version": ("city.toml", lambda text: text.replace("version = 1", "version = 99"), "city.version"),
    "no digest": ("city.toml", lambda text: re.sub(r"digest = .*\n", "", text), "city.toml"),
    "digest": ("city.toml", lambda text: re.sub(r'digest = "....', 'digest = "0000', text), "city.digest"),
    "crs": ("city.toml", lambda text: text.replace("EPSG:32644", "EPSG:99999999"), "city.unreadable"),
    "degrees": ("city.toml", lambda text: text.replace("EPSG:32644", "EPSG:4326"), "crs.degrees"),
    "notes": ("city.toml", lambda text: re.sub(r"notes = .*\n", "notes = 5\n", text), "city.unreadable"),
    "source": ("city.toml", lambda text: text.replace("[[source]]", "[[source]]\ncolour = 1"), "city.unreadable"),
    "nested": ("city.toml", lambda text: text + "x = " + "[" * 5000 + "]" * 5000, "city.toml"),
}  # fmt: skip


@pytest.mark.parametrize("harm", DAMAGE)
def test_a_city_whose_settings_are_damaged(desk: Desk, harm: str) -> None:
    """A city.toml cut short, of another version, or with values that cannot be is refused for planning and checking alike."""
    name, change, code = DAMAGE[harm]
    path = desk.folder / "cities" / "town" / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    for words in (["plan", "town", "--budget", "1 lakh", *QUICK], ["city", "check", "town"]):
        assert f"[{code}" in refused_somehow(desk, words)


def test_a_city_whose_book_is_damaged(desk: Desk) -> None:
    """Wherever bytes of city.gpkg were lost or changed, the city is refused, or loads as it was."""
    book = desk.folder / "cities" / "town" / "city.gpkg"
    data = book.read_bytes()
    rng = np.random.default_rng(11)
    for _ in range(12):
        harmed = bytearray(data)
        start = int(rng.integers(0, len(data) - 600))
        harmed[start : start + 600] = rng.bytes(600)
        book.write_bytes(bytes(harmed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the driver may grumble
            status = cli.main(["city", "check", "town"])
        out, err = desk.capsys.readouterr()
        assert status in {0, 1} and "Traceback" not in err
        if status:
            assert re.match(r"chaukas: \[(city|file|crs)\.[a-z]+\]", err), err
    book.write_bytes(data[: len(data) // 2])
    assert "[city." in refused_somehow(desk, ["plan", "town", "--budget", "1 lakh", *QUICK])
    book.unlink()
    desk.refused(["plan", "town", "--budget", "1 lakh", *QUICK], "file.missing", "city.gpkg")
