from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from planning.checkup import check_city, connected_share
from planning.city import City
from planning.frames import conform
from planning.raw import RawOsm, RawWay
from planning.streets import build_streets
from tests.planning.toy_osm import CRS, LAT, LON, STEP, area, at


def city() -> City:
    """Two roads that do not meet, of equal length; a camera in a house, an incident far off."""
    where = {number: (LON + east * STEP, LAT + north * STEP) for number, (east, north) in enumerate(((-1, 0), (0, 0), (-1, 1), (0, 1)), 1)}
    ways = (RawWay(1, {"highway": "primary", "name": "A"}, ((1, 2),)), RawWay(2, {"highway": "service"}, ((3, 4),)))
    streets = build_streets(RawOsm("toy", where, ways, (), None), area(), CRS)
    frames = {
        "roads": streets.roads,
        "junctions": streets.junctions,
        "buildings": gpd.GeoDataFrame({"height_m": [6.0], "height_source": ["default"]}, index=["b"], geometry=[at(0, 0).buffer(20)], crs=CRS),
        "cameras": gpd.GeoDataFrame({"kind": ["dome"], "source": ["toy"]}, index=["k1"], geometry=[at(0, 0)], crs=CRS),
        "incidents": gpd.GeoDataFrame(
            {"category": ["theft", "theft"], "when": [pd.Timestamp("2024-01-05"), pd.NaT]},
            index=["i1", "i2"],
            geometry=[at(0, 0.01), at(1.9, -1.9)],
            crs=CRS,
        ),
        "wards": gpd.GeoDataFrame(
            {"name": ["full", "bare"], "population": [10, None]},
            index=["1", "2"],
            geometry=[at(-0.5, 0.5).buffer(120), at(1.5, -1.5).buffer(20)],
            crs=CRS,
        ),
    }
    return City("toy", "Toy", "टॉय", CRS, area(), {layer: conform(frame, layer) for layer, frame in frames.items()})


def lines(city: City, *, odd: bool) -> str:
    """What the check says, odd or not."""
    return "\n".join(str(finding) for finding in check_city(city) if finding.odd == odd)


def test_what_is_odd_is_marked() -> None:
    """Each oddity is found, with its number, and marked; what is plain is not."""
    odd = lines(city(), odd=True)
    for words in (
        "50.0% of the length hangs together",
        "only 1 buildings",
        "1 have no date",
        "1 lie more than 100 m from any road",
        "0 with a bearing, 1 without",
        "1 stand inside a building's outline, as k1",
        "1 without a road: bare",
    ):
        assert words in odd
    plain = lines(city(), odd=False)
    for words in ("theft 2", "from 2024-01-05 to 2024-01-05", "default 100.0%", "50% without a name", "EPSG:32644"):
        assert words in plain


def test_a_made_city_says_so_first() -> None:
    """Made data is the first thing said."""
    assert "Made data" in str(check_city(replace(city(), made=True))[0])


def test_a_road_to_nowhere() -> None:
    """A road whose junction is not there is odd; the city's own frames stay untouched."""
    whole = city()
    before = whole["junctions"].copy()
    broken = replace(whole, frames={**whole.frames, "junctions": whole["junctions"].iloc[1:]}, digest="")
    assert "1 name a junction that is not there" in lines(broken, odd=True)
    assert whole["junctions"].equals(before)


def test_an_empty_city() -> None:
    """Without roads nothing can be planned, and the check still ends."""
    assert "nothing can be planned" in lines(City("bare", "Bare", "", CRS, shapely.box(0, 0, 100, 100), {}), odd=True)


def test_connected_share_by_length() -> None:
    """The share is of length, not of pieces."""
    roads = city()["roads"]
    assert connected_share(roads) == pytest.approx(0.5, abs=0.01)
    joined = roads.assign(to_junction="n9")
    assert connected_share(joined) == 1.0
