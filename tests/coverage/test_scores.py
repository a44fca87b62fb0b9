"""The scorecard by groups."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from coverage.scores import Night, Score, by_crime, by_hour, by_place_kind, by_road_class, by_ward, load_night, nearest_point
from planning.errors import ScenarioError

BEFORE, AFTER = np.array([True, False, False, False]), np.array([True, True, False, False])


@pytest.fixture
def demand() -> gpd.GeoDataFrame:
    """Four points 100 m apart on a line; the last in no ward and on no street."""
    table = {"ward": ["w2", "w2", "w1", ""], "road_class": ["primary", "service", "primary", ""], "weight": [1.0, 3.0, 2.0, 4.0]}
    return gpd.GeoDataFrame(pd.DataFrame(table), geometry=[shapely.Point(100 * k, 0) for k in range(4)], crs=32644)


def at(column: str, values: list[str], x: list[float], when: list[str | None] | None = None) -> gpd.GeoDataFrame:
    """Points at x with a label, and times where given."""
    table = pd.DataFrame({column: values})
    if when is not None:
        table["when"] = pd.to_datetime(pd.Series(when), format="ISO8601")
    return gpd.GeoDataFrame(table, geometry=[shapely.Point(value, 5) for value in x], crs=32644)


def test_wards_and_classes_are_shares_of_their_own_weight(demand: gpd.GeoDataFrame) -> None:
    """Worked by hand; points of no ward or street are in no group."""
    assert by_ward(demand, BEFORE, AFTER) == (Score("w1", 2.0, 0.0, 0.0), Score("w2", 4.0, 0.25, 1.0))
    assert by_road_class(demand, BEFORE, AFTER) == (Score("primary", 3.0, 1 / 3, 1 / 3), Score("service", 3.0, 0.0, 1.0))


def test_places_and_incidents_are_shares_of_their_number(demand: gpd.GeoDataFrame) -> None:
    """Each by its nearest point; one too far from all is counted and not in view."""
    places = at("kind", ["school", "school", "bank", "bank"], [0, 110, 205, 5_000])
    assert by_place_kind(demand, places, BEFORE, AFTER, snap_m=100) == (Score("bank", 2.0, 0.0, 0.0), Score("school", 2.0, 0.5, 1.0))
    incidents = at("category", ["theft", "theft", "theft", "robbery"], [3, 101, 150.5, 99])
    assert by_crime(demand, incidents, BEFORE, AFTER, snap_m=60) == (Score("robbery", 1.0, 0.0, 1.0), Score("theft", 3.0, 1 / 3, 2 / 3))


def test_at_night_the_night_s_reach_counts(demand: gpd.GeoDataFrame) -> None:
    """The same street at 17:59 by day's reach, at 18:00 and 05:59 by night's, at 06:00 by day's again; without a time no hour is guessed."""
    times = ["2025-01-01 17:59", "2025-01-02 18:00", "2025-01-03 05:59", "2025-01-04 06:00", None, "2025-01-05"]
    incidents = at("category", ["theft"] * 6, [100.0] * 6, times)
    nothing = np.zeros(4, bool)
    found = by_hour(demand, incidents, (BEFORE, AFTER), (nothing, nothing), hours=Night(18, 6, "test"), snap_m=60)
    assert found == (Score("05", 1.0, 0.0, 0.0), Score("06", 1.0, 0.0, 1.0), Score("17", 1.0, 0.0, 1.0), Score("18", 1.0, 0.0, 0.0))


def test_night_passes_midnight_or_not() -> None:
    """From 18 to 6 are twelve hours; from 1 to 4 are three."""
    assert [hour for hour in range(24) if hour in Night(18, 6, "")] == [0, 1, 2, 3, 4, 5, 18, 19, 20, 21, 22, 23]
    assert [hour for hour in range(24) if hour in Night(1, 4, "")] == [1, 2, 3]


def test_the_file_says_it_is_assumed_and_faults_are_told(tmp_path: Path) -> None:
    """The shipped hours are marked as assumed; hours that are none are refused."""
    assert load_night().source.startswith("assumed")
    for text in ("night_from = 24\nnight_until = 6", "night_from = 6\nnight_until = 6", 'night_from = "six"\nnight_until = 6', "version = 1"):
        (tmp_path / "hours.toml").write_text(text)
        with pytest.raises(ScenarioError, match=r"night\.hours"):
            load_night(tmp_path / "hours.toml")


def test_empty_tables_have_no_groups(demand: gpd.GeoDataFrame) -> None:
    """No incidents, no places or no demand give empty answers."""
    none = at("category", [], [], [])
    assert by_crime(demand, none, BEFORE, AFTER, snap_m=60) == ()
    assert nearest_point(at("kind", ["bank"], [0]), demand.iloc[:0], snap_m=60).tolist() == [-1]
    assert by_ward(demand.iloc[:0], BEFORE[:0], AFTER[:0]) == ()
