from __future__ import annotations

import io
import zipfile
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

from planning.errors import FileRefused
from planning.tables import read_table

ROWS = "अपराध{0}lat{0}lon\nचोरी{0}22.09{0}82.15\nलूट{0}22.08{0}82.14\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encodings_and_separators(tmp_path: Path, encoding: str, separator: str) -> None:
    """Each encoding and separator gives the same cells, and the row numbers a person sees in the file."""
    path = tmp_path / "crime.csv"
    path.write_bytes(ROWS.format(separator).encode(encoding))
    cells = read_table(path).cells
    assert cells.columns.tolist() == ["अपराध", "lat", "lon"]
    assert cells["अपराध"].tolist() == ["चोरी", "लूट"]
    assert cells.index.tolist() == [2, 3]


def test_western_text(tmp_path: Path) -> None:
    """Text that is no UTF-8 is read as cp1252, and this is told."""
    path = tmp_path / "crime.csv"
    path.write_bytes("street,lat,lon\nCafé,1,2\n".encode("cp1252"))
    table = read_table(path)
    assert table.cells["street"].tolist() == ["Café"]
    assert "cp1252" in table.told[0]


def test_quotes_hold_separators_and_lines(tmp_path: Path) -> None:
    """A quoted cell may hold commas and line ends; blank lines are passed over; the row keeps its number."""
    path = tmp_path / "crime.csv"
    path.write_text('\nnote,lat,lon\n"a, b\nc",1,2\n\nd,3\n', encoding="utf-8")
    cells = read_table(path).cells
    assert cells["note"].tolist() == ["a, b\nc", "d"]
    assert cells["lon"].tolist() == ["2", ""]


def test_rows_longer_than_the_header_are_kept_apart(tmp_path: Path) -> None:
    """A row with more cells than the header cannot be trusted: it is kept apart with its number; doubled headers are told apart."""
    path = tmp_path / "crime.csv"
    path.write_text("lat,lat,lon\n1,2,3\n1,2,3,4\n5,6,7,\n", encoding="utf-8")
    table = read_table(path)
    assert table.cells.columns.tolist() == ["lat", "lat (2)", "lon"]
    assert table.cells.index.tolist() == [2, 4]
    assert table.skewed == ((3, ("1", "2", "3", "4")),)


def test_workbook(tmp_path: Path) -> None:
    """The first sheet with rows is read, with its dates and numbers as they are; other sheets are named."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "empty"
    for name in ("FIR", "old"):
        sheet = book.create_sheet(name)
        sheet.append(["दिनांक", "lat", "lon"])
        sheet.append([pd.Timestamp("2024-01-05").to_pydatetime(), 22.09, 82.15])
    book.save(tmp_path / "crime.xlsx")
    table = read_table(tmp_path / "crime.xlsx")
    assert table.cells.iloc[0].tolist() == [pd.Timestamp("2024-01-05"), 22.09, 82.15]
    assert "“FIR”" in table.told[0] and "old" in table.told[0]


def test_points_and_parquet(tmp_path: Path) -> None:
    """Points are reprojected to degrees; a feature that is no point has none; plain Parquet has cells only."""
    shapes = [shapely.Point(2445000, 620000), shapely.LineString([(0, 0), (1, 1)])]
    frame = gpd.GeoDataFrame({"kind": ["a", "b"]}, geometry=[shapely.Point(82.15, 22.09), shapes[1]], crs=4326)
    frame.to_file(tmp_path / "p.geojson")
    frame.to_crs(32644).to_parquet(tmp_path / "p.parquet")
    for name in ("p.geojson", "p.parquet"):
        table = read_table(tmp_path / name)
        assert table.points is not None
        assert table.points[0] == pytest.approx([82.15, 22.09])
        assert pd.isna(table.points[1]).all()
    pd.DataFrame({"lat": [1.0], "when": [pd.Timestamp("2024-01-05")]}).to_parquet(tmp_path / "plain.parquet")
    assert read_table(tmp_path / "plain.parquet").points is None


def packed(name: str) -> bytes:
    """A zip archive that is no workbook."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")  # of no time of day, so that every run collects the same tests
    return buffer.getvalue()


HOSTILE = [
    ("t.csv", b"", "file.empty"),
    ("t.csv", b"\n\n  \n", "table.empty"),
    ("t.csv", b"lat,lon\n", "table.empty"),
    ("t.csv", b"one column\nonly\n", "table.columns"),
    ("t.csv", b"PK\x03\x04\x00\x00lat,lon\n", "file.content"),
    ("t.csv", b"\xff\xfe\x00", "table.encoding"),
    ("t.csv", b'lat,lon\n"' + b"x" * 200_000 + b'",2\n', "table.unreadable"),
    ("t.xlsx", b"lat,lon\n1,2\n", "file.content"),
    ("t.xlsx", packed("readme.txt"), "file.unreadable"),
    ("t.xlsx", packed("readme.txt")[:40], "file.unreadable"),
    ("t.parquet", b"PAR1", "file.content"),
    ("t.parquet", b"PAR1" + b"\x00" * 40 + b"PAR1", "file.unreadable"),
    ("t.geojson", b'{"type": "Topology", "objects": {}}', "file.content"),
    ("t.geojson", b'{"type": "FeatureCollection", "features": [', "file.unreadable"),
    ("t.geojson", b'{"type": "FeatureCollection", "features": []}', "file.rows"),
    ("t.xls", b"\xd0\xcf\x11\xe0", "file.kind"),
    ("t.vrt", b"<OGRVRTDataSource/>", "file.kind"),
]


@pytest.mark.parametrize(("name", "content", "code"), HOSTILE)
def test_hostile_tables(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    """What is not a table of its kind is refused under a stable code."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileRefused) as caught:
        read_table(path)
    assert caught.value.code == code


def test_an_unpacking_workbook_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook that unpacks to more than the cap is refused before it is unpacked."""
    import planning.tables

    monkeypatch.setattr(planning.tables, "MEGABYTE", 1)
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", " " * 100_000)
    with pytest.raises(FileRefused) as caught:
        read_table(tmp_path / "t.xlsx")
    assert caught.value.code == "file.size"
