"""Unseen streets as lines."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from coverage.stretches import unseen_stretches
from optimizer.survey import Survey
from planning.city import City


def streets(*rows: tuple[str | None, str, str, list[tuple[float, float]]]) -> gpd.GeoDataFrame:
    """Pieces of street: name, start, end, corners; all residential."""
    index = [f"r{number}" for number in range(len(rows))]
    names, starts, ends = ([row[k] for row in rows] for k in range(3))
    table = {"name": names, "road_class": "residential", "from_junction": starts, "to_junction": ends}
    return gpd.GeoDataFrame(pd.DataFrame(table, index=index), geometry=[shapely.LineString(row[3]) for row in rows], crs=32644)


def points(*rows: tuple[str, float, float, float, str]) -> gpd.GeoDataFrame:
    """Demand: road, x, y, weight, ward."""
    table = {"road": [row[0] for row in rows], "weight": [row[3] for row in rows], "ward": [row[4] for row in rows]}
    return gpd.GeoDataFrame(pd.DataFrame(table), geometry=[shapely.Point(row[1], row[2]) for row in rows], crs=32644)


def test_runs_reach_half_way_to_what_is_seen() -> None:
    """Points at 5, 15 … 95 of which 35, 45 and 85 are unseen: stretches 30 to 50 and 80 to 90, the heavier first."""
    demand = points(*[("r0", 10.0 * k + 5, 0.0, 1.0 + 5 * (k == 8), "w") for k in range(10)])
    seen = np.ones(10, bool)
    seen[[3, 4, 8]] = False
    found = unseen_stretches(demand, streets(("Main", "a", "b", [(0, 0), (100, 0)])), seen)
    assert found["weight"].tolist() == [6.0, 2.0]
    assert [line.bounds for line in found.geometry] == [(80, 0, 90, 0), (30, 0, 50, 0)]
    assert found["length_m"].tolist() == [10.0, 20.0]
    assert found["points"].tolist() == [1, 2]
    assert found.index.tolist() == ["g0001", "g0002"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_street_goes_on_over_its_pieces_whichever_way_they_are_drawn(turned: bool) -> None:
    """Two pieces of one name, a side street between them: one stretch of both, the side street one of its own."""
    second = ("Main", "c", "b", [(100, 0), (50, 0)]) if turned else ("Main", "b", "c", [(50, 0), (100, 0)])
    roads = streets(("Main", "a", "b", [(0, 0), (50, 0)]), second, (None, "b", "d", [(50, 0), (50, 30)]))
    demand = points(("r0", 25, 0, 1, "w1"), ("r1", 75, 0, 3, "w2"), ("r2", 50, 15, 1, "w1"))
    found = unseen_stretches(demand, roads, np.zeros(3, bool))
    assert found["length_m"].tolist() == [100.0, 30.0]
    assert found["weight"].tolist() == [4.0, 1.0]
    assert found["ward"].tolist() == ["w2", "w1"]
    assert found["name"].tolist() == ["Main", None]
    assert sorted(found["roads"].iloc[0].split()) == ["r0", "r1"]
    assert found.geometry.iloc[0].is_simple
    assert (found.geometry.geom_type == "LineString").all()


def test_unnamed_pieces_are_one_only_where_no_third_meets_them() -> None:
    """At a plain joint they are one street; at a junction of three nobody can say which goes on."""
    two = streets((None, "a", "b", [(0, 0), (50, 0)]), (None, "b", "c", [(50, 0), (100, 0)]))
    demand = points(("r0", 25, 0, 1, "w"), ("r1", 75, 0, 1, "w"))
    assert len(unseen_stretches(demand, two, np.zeros(2, bool))) == 1
    three = streets((None, "a", "b", [(0, 0), (50, 0)]), (None, "b", "c", [(50, 0), (100, 0)]), (None, "b", "d", [(50, 0), (50, 30)]))
    assert len(unseen_stretches(demand, three, np.zeros(2, bool))) == 2


def test_a_ring_of_pieces_is_one_line() -> None:
    """A street around a block has no loose end and is one closed line."""
    corners = [(0.0, 0.0), (40.0, 0.0), (40.0, 40.0), (0.0, 40.0)]
    roads = streets(*[("Ring", f"j{k}", f"j{(k + 1) % 4}", [corners[k], corners[(k + 1) % 4]]) for k in range(4)])
    demand = points(("r0", 20, 0, 1, "w"), ("r1", 40, 20, 1, "w"), ("r2", 20, 40, 1, "w"), ("r3", 0, 20, 1, "w"))
    (line,) = unseen_stretches(demand, roads, np.zeros(4, bool)).geometry
    assert line.is_closed
    assert line.length == 160


def test_one_edge_of_a_wide_road_counts_with_its_own_weight() -> None:
    """Two points abreast, one seen: the place is out of view, and what is lost is the other's weight."""
    demand = points(("r0", 10, 5, 2, "w"), ("r0", 10, -5, 7, "w"), ("r0", 30, 5, 2, "w"), ("r0", 30, -5, 7, "w"))
    found = unseen_stretches(demand, streets(("Main", "a", "b", [(0, 0), (40, 0)])), np.array([False, True, True, True]))
    assert found[["weight", "length_m", "points"]].to_numpy().tolist() == [[2.0, 20.0, 1]]


def test_a_town_s_stretches_hold_every_unseen_weight_once(town: City, survey: Survey) -> None:
    """All weight lost on streets, no more and no less; each line lies on its streets."""
    found = unseen_stretches(survey.demand, town["roads"], survey.before)
    lost = survey.demand[~survey.before & (survey.demand["road"] != "")]
    assert found["weight"].sum() == pytest.approx(lost["weight"].sum())
    assert found["points"].sum() == (lost["weight"] > 0).sum()
    assert found["weight"].is_monotonic_decreasing
    near = shapely.union_all(town["roads"].geometry.array).buffer(0.01)
    assert all(near.contains(line) for line in found.geometry)
    assert found["length_m"].sum() <= town["roads"].length.sum() + 1e-6


def test_all_seen_is_no_stretch() -> None:
    """Where all is seen, or there is no demand, the frame is empty and has its columns."""
    roads = streets(("Main", "a", "b", [(0, 0), (100, 0)]))
    for demand in (points(("r0", 5, 0, 1, "w")), points(("r0", 5, 0, 1, "w")).iloc[:0]):
        found = unseen_stretches(demand, roads, np.ones(len(demand), bool))
        assert len(found) == 0
        assert {"weight", "length_m", "ward"} <= set(found.columns)
