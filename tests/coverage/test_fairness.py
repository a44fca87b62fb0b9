"""How evenly coverage is spread."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from coverage.fairness import fairness, gini


def test_gini_worked_by_hand() -> None:
    """Alike is 0; all in one of n is 1 - 1/n; 1 and 3 is 1/4; nothing anywhere is alike too."""
    assert gini(np.array([0.3, 0.3, 0.3]), np.ones(3)) == pytest.approx(0)
    assert gini(np.array([0.0, 0.0, 0.0, 1.0]), np.ones(4)) == pytest.approx(0.75)
    assert gini(np.array([1.0, 3.0]), np.ones(2)) == pytest.approx(0.25)
    assert gini(np.zeros(3), np.ones(3)) == 0
    assert gini(np.zeros(0), np.zeros(0)) == 0


def test_gini_by_residents_is_as_if_each_were_a_ward() -> None:
    """A ward of three residents counts like three wards of one; order and scale do not matter; the double sum agrees."""
    assert gini(np.array([0.2, 0.8]), np.array([3.0, 1.0])) == pytest.approx(gini(np.array([0.2, 0.2, 0.2, 0.8]), np.ones(4)))
    rng = np.random.default_rng(3)
    x, p = rng.random(20), rng.random(20)
    plain = (p[:, None] * p[None] * np.abs(x[:, None] - x[None])).sum() / (2 * p.sum() * (p * x).sum())
    assert gini(x, p) == pytest.approx(plain)
    assert gini(x[::-1], 7 * p[::-1]) == pytest.approx(plain)
    assert gini(5 * x, p) == pytest.approx(plain)


def city(population: list[float]) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Three wards, the last without weight; a point outside them all."""
    wards = gpd.GeoDataFrame({"name": ["A", "B", "C"], "population": population}, index=["w1", "w2", "w3"], geometry=[shapely.box(0, 0, 1, 1)] * 3)
    table = {"ward": ["w1", "w1", "w2", "w2", ""], "weight": [1.0, 3.0, 2.0, 2.0, 9.0], "part_residents": [1.0, 1.0, 4.0, 2.0, 0.0]}
    return gpd.GeoDataFrame(pd.DataFrame(table), geometry=[shapely.Point(0, 0)] * 5), wards


def test_wards_and_residents_worked_by_hand() -> None:
    """Coverage of each ward's own weight, weight covered a resident, the share of residents in view, and the least covered ward."""
    demand, wards = city([10.0, 30.0, 5.0])
    found = fairness(demand, wards, np.array([False, True, True, False, True]))
    assert [(ward.ward, ward.coverage, ward.covered_per_resident) for ward in found.wards] == [("w1", 0.75, 0.3), ("w2", 0.5, 2 / 30)]
    assert found.residents == pytest.approx(5 / 8)
    assert found.least is not None
    assert found.least.ward == "w2"
    assert found.unknown == 0
    assert found.gini == pytest.approx((0.25 * 0.75 * 0.25) / (0.25 * 0.75 + 0.75 * 0.5))


def test_a_ward_without_population_counts_like_the_average() -> None:
    """One known ward: both count alike; none known: likewise; the number not known is told."""
    seen = np.array([False, True, True, False, True])
    plain = gini(np.array([0.75, 0.5]), np.ones(2))
    for population, unknown in (([10.0, np.nan, 5.0], 1), ([np.nan] * 3, 2)):
        demand, wards = city(population)
        found = fairness(demand, wards, seen)
        assert (found.gini, found.unknown) == (pytest.approx(plain), unknown)


def test_a_city_without_wards_has_no_least() -> None:
    """No wards: nothing to compare, and residents still count."""
    demand, wards = city([1.0, 1.0, 1.0])
    found = fairness(demand, wards.iloc[:0], np.ones(5, bool))
    assert found.wards == ()
    assert found.least is None
    assert (found.gini, found.residents) == (0.0, 1.0)
