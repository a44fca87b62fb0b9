from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from planning.errors import CityError, FileRefused
from planning.frames import check
from planning.wards import read_wards
from tests.planning.toy_osm import CRS, area, at


def block(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A rectangle in steps from the crossing, in the city's CRS."""
    return shapely.Polygon([at(west, south), at(east, south), at(east, north), at(west, north)])


def write(folder: Path, shapes: list[shapely.Geometry], columns: dict[str, list[Any]], crs: Any = 4326, name: str = "wards.geojson") -> Path:
    """A ward file."""
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)
    frame = frame.to_crs(crs) if crs is not None else frame.set_crs(None, allow_override=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a file without CRS is what one test wants
        frame.to_file(folder / name)
    return folder / name


def test_names_and_residents_by_meaning(tmp_path: Path) -> None:
    """Names and residents are found by their headers; a ward cut in half keeps half its residents."""
    columns = {"KGISWardCode": ["2003001", "2003002"], "KGISWardName": ["Kota", "Sarkanda"], "TOT_P": ["1,000", "500"]}
    wards = read_wards(write(tmp_path, [block(0, -2, 4, 2), block(-2, -2, 0, 2)], columns), area(), CRS)
    assert wards.frame["name"].tolist() == ["Kota", "Sarkanda"]
    assert wards.frame["population"].tolist() == pytest.approx([500, 500], rel=0.02)
    assert "share of their area" in " ".join(wards.told)
    assert not check(wards.frame, "wards")
    assert area().buffer(0.01).covers(shapely.union_all(wards.frame.geometry.array))


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ({"वार्ड का नाम": ["कोटा"]}, ["कोटा"]), ({"OBJECTID": [7], "remark": ["North"]}, ["North"]), ({"OBJECTID": [7]}, ["Ward 1"]),
        ({"ward_no": [7.0]}, ["7"]), ({"name": [""]}, ["Ward 1"]), ({"WARD_NAME": ["  A   B "]}, ["A B"]),
    ],
)  # fmt: skip
def test_wards_always_have_names(tmp_path: Path, columns: dict[str, list[Any]], names: list[str]) -> None:
    """A Hindi header, the first column of text, a number: some name is always there."""
    assert read_wards(write(tmp_path, [block(-2, -2, 2, 2)], columns), area(), CRS).frame["name"].tolist() == names


def test_residents_that_are_no_number_of_people(tmp_path: Path) -> None:
    """Fewer than none and more than the world count as not known, and are told with their values."""
    columns = {"name": list("ABCD"), "population": ["-5", "1e308", "", "2,000"]}
    wards = read_wards(write(tmp_path, [block(west, -1, west + 1, 1) for west in (-2, -1, 0, 1)], columns), area(), CRS)
    assert wards.frame["population"].isna().tolist() == [True, True, True, False]
    assert "residents of 2 wards are no number of people and count as not known: -5, 1e308" in " ".join(wards.told)


def test_a_ward_that_crosses_itself_is_mended_by_name(tmp_path: Path) -> None:
    """A bow tie becomes its two triangles, and the note names it."""
    bow = shapely.Polygon([at(-1, -1), at(1, 1), at(1, -1), at(-1, 1)])
    wards = read_wards(write(tmp_path, [bow, block(1, -2, 2, 2)], {"name": ["Tie", "East"]}), area(), CRS)
    assert wards.frame.geometry.is_valid.all()
    assert "1 wards whose outline crossed itself were mended: Tie" in " ".join(wards.told)
    assert wards.frame.area.iloc[0] == pytest.approx(block(-1, -1, 1, 1).area / 2, rel=0.01)


def test_doubled_names_overlaps_and_slivers(tmp_path: Path) -> None:
    """Names are told apart; overlaps are noted; slivers and wards elsewhere are left out and counted."""
    shapes = [block(-2, -2, 0.5, 2), block(0, -2, 2, 2), block(1.999, 0, 2.5, 0.01), block(10, 10, 11, 11)]
    wards = read_wards(write(tmp_path, shapes, {"name": ["A", "A", "B", "C"]}), area(), CRS)
    assert wards.frame["name"].tolist() == ["A", "A (2)"]
    told = " ".join(wards.told)
    assert "overlap by" in told and "1 slivers under 100 m2 left out" in told and "1 outside the study area left out" in told


def test_wards_of_another_crs_are_reprojected(tmp_path: Path) -> None:
    """A GeoPackage in another zone lies where it should."""
    path = write(tmp_path, [block(-1, -1, 1, 1)], {"name": ["A"]}, crs=32645, name="wards.gpkg")
    assert read_wards(path, area(), CRS).frame.geometry.iloc[0].centroid.distance(block(-1, -1, 1, 1).centroid) < 0.01


def test_hostile_wards(tmp_path: Path) -> None:
    """No CRS, no areas, another city, a column that is not there: each refused under its code, naming what was met."""
    cases = [
        (write(tmp_path, [block(-1, -1, 1, 1)], {"name": ["A"]}, crs=None, name="bare.shp"), None, FileRefused, "wards.crs", ".prj"),
        (write(tmp_path, [at(0, 0)], {"name": ["A"]}, name="points.geojson"), None, FileRefused, "wards.areas", "points.geojson"),
        (write(tmp_path, [block(500, 0, 501, 1)], {"name": ["A"]}, name="far.geojson"), None, CityError, "wards.far", "82.1"),
        (write(tmp_path, [block(-1, -1, 1, 1)], {"name": ["A"]}), {"ward": "title"}, FileRefused, "wards.mapping", "title"),
    ]
    for path, mapping, kind, code, word in cases:
        with pytest.raises(kind) as caught:
            read_wards(path, area(), CRS, mapping=mapping)
        assert caught.value.code == code
        assert word in str(caught.value)


def test_metres_said_to_be_degrees_are_refused(tmp_path: Path) -> None:
    """GeoJSON means WGS84: one that holds metres lies nowhere near the streets, and says so."""
    path = tmp_path / "wrong.geojson"
    plain = shapely.to_geojson(block(-1, -1, 1, 1))
    path.write_text('{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": ' + plain + "}]}", encoding="utf-8")
    with pytest.raises(CityError) as caught:
        read_wards(path, area(), CRS)
    assert caught.value.code == "wards.far"
