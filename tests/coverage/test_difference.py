"""What one plan sees and another does not."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from coverage.difference import BOTH, GAINED, LOST, NEITHER, difference


def demand(xs: list[float], after: list[bool], weight: list[float], ward: list[str | None]) -> gpd.GeoDataFrame:
    """Points along a line."""
    return gpd.GeoDataFrame(pd.DataFrame({"after": after, "weight": weight, "ward": ward}), geometry=[shapely.Point(x, 0) for x in xs])


FIRST = demand([0, 10, 20, 30], [True, True, False, False], [1, 2, 3, 4], ["w1", "w1", "w2", None])
SECOND = demand([30.2, 20, 10, 0], [True, True, False, True], [40, 30, 20, 10], [None, "w2", "w1", "w1"])


def test_states_worked_by_hand() -> None:
    """Points belong together by place, not by order; weights are the second plan's."""
    found = difference(FIRST, SECOND)
    assert found.state.tolist() == [GAINED, GAINED, LOST, BOTH]
    assert found.weight.tolist() == [40, 30, 20, 10]
    assert [found.share(state) for state in (NEITHER, BOTH, GAINED, LOST)] == pytest.approx([0, 0.1, 0.7, 0.2])
    assert found.common == 1


def test_wards_sum_to_the_whole_and_the_winner_stands_first() -> None:
    """Every weight gained or lost lies in one ward or outside all; who gains most on balance leads."""
    found = difference(FIRST, SECOND)
    assert [(ward.ward, ward.gained, ward.lost) for ward in found.wards()] == [("", 40, 0), ("w2", 30, 0), ("w1", 0, 20)]
    assert sum(ward.gained for ward in found.wards()) == pytest.approx(found.share(GAINED) * found.whole)


def test_turned_round_gains_are_losses() -> None:
    """What the second gains on the first, the first loses on the second."""
    there, back = difference(FIRST, FIRST.assign(after=~FIRST["after"])), difference(FIRST.assign(after=~FIRST["after"]), FIRST)
    assert np.array_equal(there.state == GAINED, back.state == LOST)
    same = difference(FIRST, FIRST)
    assert same.share(GAINED) == same.share(LOST) == 0
    assert same.wards() == ()


def test_points_of_one_plan_alone_are_left_out_and_told() -> None:
    """Plans of other spacing share some points; only these are compared, and their share of the weight is told."""
    other = demand([0, 15], [False, True], [1, 3], ["w1", "w1"])
    found = difference(FIRST, other)
    assert (found.state.tolist(), found.common) == ([LOST], 0.25)
    none = difference(FIRST.iloc[:0], other)
    assert (len(none.state), none.common, none.share(GAINED)) == (0, 0.0, 0.0)
