from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from planning.columns import CRIME, check_mapping, find_columns, normal
from planning.errors import InputError
from planning.frames import check, conform
from planning.incidents import Rows, cameras_of, category_of, incidents_of, merge_cameras
from planning.tables import Table
from tests.planning.toy_osm import CRS, LAT, LON, STEP, area, at


def table(header: list[str], *rows: tuple[Any, ...]) -> Table:
    """A table as a reader would give it."""
    return Table("t.csv", pd.DataFrame(rows, columns=header, index=range(2, len(rows) + 2), dtype=object))


def crimes(header: list[str], *rows: tuple[Any, ...], mapping: dict[str, str] | None = None) -> Rows:
    """The incidents of a table in the toy's study area."""
    return incidents_of(table(header, *rows), area(), CRS, mapping=mapping)


def here(number: int = 0) -> tuple[str, str]:
    """Latitude and longitude of a place in the study area, as text."""
    return f"{LAT + number * STEP / 10:.6f}", f"{LON:.6f}"


@pytest.mark.parametrize(
    "header",
    [["Latitude", "Longitude"], ["lat", "lng"], ["अक्षांश", "देशांतर"], ["GPS_Lat", "GPS_Long"], ["Incident Latitude", "Incident Longitude"], ["Y", "X"]],
)
def test_coordinates_by_any_name(header: list[str]) -> None:
    """Columns are found by what their headers mean, in English and Hindi."""
    found = crimes(["id", *header], (1, *here()))
    assert found.frame.geometry.iloc[0].distance(at(0, 0)) < 0.2
    assert found.frame.index.tolist() == ["i2"]
    assert not check(found.frame, "incidents")


def test_hindi_table() -> None:
    """Hindi headers, Devanagari digits, a day-first date: all read."""
    digits = str.maketrans("0123456789", "०१२३४५६७८९")
    lat, lon = (value.translate(digits) for value in here())
    found = crimes(["अक्षांश", "देशांतर", "दिनांक", "समय", "अपराध"], (lat, lon, "१५/०१/२०२४", "१३:३०", "मोटरसाइकिल चोरी"))
    assert found.frame["category"].tolist() == ["vehicle_theft"]
    assert found.frame["when"].tolist() == [pd.Timestamp("2024-01-15 13:30")]


@pytest.mark.parametrize("cell", ["({0}, {1})", "POINT ({1} {0})", "POINT ({0} {1})", "12 Main St ({0}, {1})", "{0};{1}"])
def test_places_in_one_column(cell: str) -> None:
    """A pair or a WKT point in a single column; a point that names latitude first is turned, and this is told."""
    found = crimes(["what", "where is it"], ("theft", cell.format(*here())))
    assert found.frame.geometry.iloc[0].distance(at(0, 0)) < 0.2
    assert ("swapped" in " ".join(found.told)) == (cell == "POINT ({0} {1})")


def test_metres_of_the_city() -> None:
    """X and y within the study area in the city's own CRS need no word; in another CRS they need one."""
    place = at(0.5, 0.5)
    assert crimes(["Easting", "Northing"], (place.x, place.y)).frame.geometry.iloc[0].distance(place) < 1e-6
    step = pyproj.Transformer.from_crs(32644, 32645, always_xy=True)
    x, y = step.transform(place.x, place.y)
    assert crimes(["x", "y"], (x, y), mapping={"crs": "EPSG:32645"}).frame.geometry.iloc[0].distance(place) < 0.01
    with pytest.raises(InputError) as caught:
        crimes(["x", "y"], (x, y))
    assert caught.value.code == "table.crs"


def test_degrees_with_minutes_and_commas() -> None:
    """Degrees with minutes and seconds, and decimal commas, are the numbers they stand for."""
    found = crimes(["lat", "lon"], ("22°05'24\"N", "82°09'00\"E"), ("22,0901", "82,15"))
    assert found.frame.geometry.iloc[0].distance(at(0, 0)) < 0.2
    assert len(found.frame) == 2


def test_swapped_rows_are_mended_and_told() -> None:
    """A row outside as read, inside when its coordinates are swapped, is mended and counted; the others stay as they are."""
    lat, lon = here()
    found = crimes(["lat", "lon", "n"], (lat, lon, 1), (lon, lat, 2), (lon, lat, 3))
    assert len(found.frame) == 3
    assert "2 rows had latitude and longitude swapped" in " ".join(found.told)
    assert all(place.distance(at(0, 0)) < 0.2 for place in found.frame.geometry)


def test_unusable_rows_go_to_the_rejects() -> None:
    """Every row is either used or rejected, with its number, its reason and its cells."""
    good = [(*here(number), str(number)) for number in range(8)]
    bad = [("", "", "a"), ("nan", "82.15", "b"), ("0", "0", "c"), ("95.2", "200", "d"), ("23.5", "82.15", "e"), (*here(0), "0")]
    found = crimes(["lat", "lon", "n"], *good, *bad)
    assert len(found.frame) == 8
    assert found.rejects["reason"].tolist() == [
        "coordinates missing or no numbers",
        "coordinates missing or no numbers",
        "coordinates of 0, 0",
        "coordinates out of range",
        "outside the study area",
        "the same as an earlier row in every cell",
    ]
    assert found.rejects["row"].tolist() == [10, 11, 12, 13, 14, 15]
    assert found.rejects["n"].tolist() == ["a", "b", "c", "d", "e", "0"]
    assert "8 of 14 rows used" in found.told[-1]


@given(st.lists(st.tuples(st.floats(-100, 100) | st.just(float("nan")), st.floats(-200, 200)), min_size=1, max_size=20))
def test_no_row_vanishes(places: list[tuple[float, float]]) -> None:
    """Used and rejected rows together are all rows, whatever the coordinates."""
    rows = [(LAT, LON + number * 1e-6, number) for number in range(len(places) * 5 + 5)] + [
        (lat, lon, -number) for number, (lat, lon) in enumerate(places, 1)
    ]
    found = crimes(["lat", "lon", "n"], *rows)
    assert len(found.frame) + len(found.rejects) == len(rows)
    assert sorted([*found.rejects["row"], *(int(label[1:]) for label in found.frame.index)]) == list(range(2, len(rows) + 2))


def test_just_outside_is_kept() -> None:
    """Rows up to 100 m outside the study area are kept, those beyond are not."""
    found = crimes(["lat", "lon"], (LAT, LON + 2 * STEP + 90 / 103_000), (LAT, LON + 2 * STEP + 120 / 103_000))
    assert found.frame.index.tolist() == ["i2"]


@pytest.mark.parametrize(
    ("header", "rows", "code"),
    [
        (["street", "what"], [("Main", "theft")], "table.coordinates"),
        (["lat", "lon"], [("north", "east"), ("a", "b"), here()], "table.rejected"),
        (["lat", "lon"], [("51.5", "-0.1"), ("51.6", "-0.1")], "table.outside"),
        (["lat", "lon"], [("0", "0"), ("0", "0"), here()], "table.rejected"),
    ],
)
def test_tables_surely_misread_are_refused(header: list[str], rows: list[tuple[Any, ...]], code: str) -> None:
    """Where most rows fail for one reason, or none lies in the city, the message says which column was read as what."""
    with pytest.raises(InputError) as caught:
        crimes(header, *rows)
    assert caught.value.code == code
    assert all(name in str(caught.value) for name in header)


def test_the_mapping_wins() -> None:
    """A column named by a person is taken over one its header speaks for; an empty one says there is none."""
    lat, lon = here()
    found = crimes(
        ["lat", "lon", "real_lat", "type", "what"], ("1", lon, lat, "A", "theft"), mapping={"lat": "real_lat", "category": "what", "date": ""}
    )
    assert found.frame["category"].tolist() == ["theft"]
    faults = check_mapping({"lat": "nowhere", "colour": "lat"}, {"lat"})
    assert [fault.code for fault in faults] == ["table.mapping", "table.mapping"]


def test_headers_as_words() -> None:
    """Camel case, underscores and punctuation are gaps between words; one column bears one meaning."""
    assert normal("CrimeDate") == normal("crime_date") == normal("Crime-Date ") == "crime date"
    assert normal("जनसंख्या (2011)") == "जनसंख्या 2011"
    columns = find_columns(table(["CrimeDate", "CrimeTime", "CrimeCode", "Description", "Longitude", "Latitude"], ("",) * 6), CRIME, None)
    assert columns == {"lat": "Latitude", "lon": "Longitude", "date": "CrimeDate", "time": "CrimeTime", "category": "Description"}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("LARCENY FROM AUTO", "theft"),
        ("AUTO THEFT", "vehicle_theft"),
        ("Theft of motor vehicle", "vehicle_theft"),
        ("वाहन चोरी", "vehicle_theft"),
        ("चोरी", "theft"),
        ("चेन स्नैचिंग", "chain_snatching"),
        ("ROBBERY - STREET", "robbery"),
        ("लूट", "robbery"),
        ("नकबजनी", "burglary"),
        ("Attempt to murder", "assault"),
        ("हत्या का प्रयास", "assault"),
        ("हत्या", "homicide"),
        ("HOMICIDE", "homicide"),
        ("AGG. ASSAULT", "assault"),
        ("violent-crime", "assault"),
        ("Eve-teasing", "harassment"),
        ("छेड़छाड़", "harassment"),
        ("छेड़छाड़", "harassment"),
        ("SHOOTING", "shooting"),
        ("other-theft", "theft"),
        ("other-crime", "other"),
        ("अन्य", "other"),
        ("", "other"),
        (None, "other"),
        ("Anti-Social Behaviour", "anti social behaviour"),
    ],
)
def test_categories(text: str | None, word: str) -> None:
    """Reported words become the recipe's; the narrower meaning wins; unknown ones stay as reported, in lower case."""
    assert category_of(text) == word


def test_undated_rows_stay() -> None:
    """A row whose date cannot be read is used, undated, and counted."""
    found = crimes(["lat", "lon", "date"], (*here(1), "31/02/2024"), (*here(2), ""), (*here(3), "2024-01-05"))
    assert found.frame["when"].isna().tolist() == [True, True, False]
    assert "2 rows have no date that can be read (1 of them hold one)" in " ".join(found.told)


def test_camera_table() -> None:
    """Direction, type, height and mount by any name; several directions are several cameras; an unreadable one stays without a bearing."""
    header = ["Camera ID", "latitude", "longitude", "Direction", "Camera Type", "Height", "RegistrationType", "Chowk"]
    rows = [
        (1, *here(1), "NE", "Dome", "6 m", "fixed", "A"),
        (2, *here(2), "90;180", "PTZ", "20 ft", "", "B"),
        (3, *here(3), "the gate", "", "high", "", ""),
    ]
    found = cameras_of(table(header, *rows), area(), CRS)
    assert found.frame["bearing_deg"].tolist()[:3] == [45, 90, 180]
    assert np.isnan(found.frame["bearing_deg"].iloc[3])
    assert found.frame["kind"].tolist() == ["dome", "ptz", "ptz", "unknown"]
    assert found.frame["height_m"].tolist()[:2] == pytest.approx([6, 6.096])
    assert found.frame["junction"].tolist()[0] == "A"
    assert "1 directions could not be read" in " ".join(found.told)
    assert not check(found.frame, "cameras")


def test_camera_table_of_map_tags() -> None:
    """A table with OpenStreetMap's columns is read as its tags; guards and things that are no camera go to the rejects."""
    header = ["man_made", "surveillance:type", "camera:type", "camera:direction", "lat", "lon"]
    rows = [
        ("surveillance", "camera", "panning", "350-10", *here(1)),
        ("surveillance", "guard", None, None, *here(2)),
        (None, None, None, None, *here(3)),
        ("surveillance", "ALPR", None, "", *here(4)),
    ]
    found = cameras_of(table(header, *rows), area(), CRS)
    assert found.frame[["kind", "bearing_deg", "hfov_deg"]].iloc[0].tolist() == ["ptz", 0, 20]
    assert found.frame["kind"].iloc[1] == "anpr"
    assert len(found.rejects) == 2
    assert found.licence.startswith("ODbL")


def camera(name: str, source: str, east_m: float, bearing: float | None) -> gpd.GeoDataFrame:
    """One camera."""
    place = shapely.Point(at(0, 0).x + east_m, at(0, 0).y)
    return conform(
        gpd.GeoDataFrame({"kind": ["fixed"], "bearing_deg": [bearing], "source": [source]}, index=[name], geometry=[place], crs=CRS), "cameras"
    )


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (camera("b", "list", 1.5, 95), {"a"}),
        (camera("b", "list", 1.5, None), {"a"}),
        (camera("b", "list", 1.5, 120), {"a", "b"}),
        (camera("b", "list", 2.5, 90), {"a", "b"}),
        (camera("b", "map", 0.0, 90), {"a", "b"}),
    ],
)
def test_doubles_of_two_sources(other: gpd.GeoDataFrame, kept: set[str]) -> None:
    """One camera in two sources is one; two on one pole looking two ways, or two of one source, stay two."""
    merged, number = merge_cameras([camera("a", "map", 0, 90), other])
    assert set(merged.index) == kept
    assert number == 2 - len(kept)


def test_the_double_that_says_more_stays() -> None:
    """Of two rows for one camera the one with a bearing stays; equal ids of two files are told apart."""
    merged, _ = merge_cameras([camera("a", "map", 0, None), camera("b", "list", 0, 90)])
    assert merged.index.tolist() == ["b"]
    assert merge_cameras([camera("a", "map", 0, 0), camera("a", "list", 50, 0)])[0].index.tolist() == ["a", "a~1"]


def test_reads_from_disk(tmp_path: Path) -> None:
    """The whole way from a CSV file."""
    from planning.incidents import read_cameras, read_incidents

    lat, lon = here()
    path = tmp_path / "c.csv"
    path.write_text(f"lat,lon,category\n{lat},{lon},Theft\n", encoding="utf-8")
    assert read_incidents(path, area(), CRS).frame["category"].tolist() == ["theft"]
    assert read_cameras(path, area(), CRS).frame["kind"].tolist() == ["unknown"]
