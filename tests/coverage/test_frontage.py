"""Points of homes' outer walls, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from coverage.frontage import Frontage, build_frontage
from planning.intrusion import load_privacy
from tests.coverage.watching import houses
from tests.planning.toy_streets import EAST, NORTH, box

SETTINGS = load_privacy()


def around(frontage: Frontage) -> dict[float, float]:
    """Metres of wall by the side they look to, each storey once."""
    sides = np.unique(np.round(frontage.outward_deg, 6))
    return {float(side): float(frontage.metres[np.isclose(frontage.outward_deg, side)].sum()) for side in sides}


def test_a_house_has_four_walls_of_two_storeys() -> None:
    """20 by 10 m under a roof of 6 m: 60 m of wall, windows at 1.5 and 4.7 m, 120 m of frontage; each wall looks away from the house."""
    found = build_frontage(houses(box(0, 0, 20, 10), height=6.0), SETTINGS)
    assert around(found) == pytest.approx({0.0: 20, 90.0: 10, 180.0: 20, 270.0: 10})
    assert found.total_m == pytest.approx(120)
    assert found.heights_m == pytest.approx((1.5, 4.7))
    assert len(found.metres) == 30
    step = np.column_stack([np.sin(np.radians(found.outward_deg)), np.cos(np.radians(found.outward_deg))])
    outline = box(0, 0, 20, 10)
    np.testing.assert_allclose(shapely.distance(outline, shapely.points(found.points_m)), 0.1, atol=1e-6)
    np.testing.assert_allclose(shapely.distance(outline, shapely.points(found.points_m + step)), 1.1, atol=1e-6)


def test_rings_drawn_the_other_way_round_are_the_same_walls() -> None:
    """Which way an outline was drawn does not turn a house inside out."""
    turned = shapely.Polygon(list(box(0, 0, 20, 10).exterior.coords)[::-1])
    assert around(build_frontage(houses(turned), SETTINGS)) == pytest.approx({0.0: 20, 90.0: 10, 180.0: 20, 270.0: 10})


@pytest.mark.parametrize(("roof", "storeys"), [(1.5, 0), (1.6, 1), (4.7, 1), (4.8, 2), (7.9, 2), (9.0, 3), (44.4, 14)])
def test_storeys_are_windows_below_the_roof(roof: float, storeys: int) -> None:
    """Windows at 1.5 m and every 3.2 m above it, as long as they lie below the roof."""
    found = build_frontage(houses(box(0, 0, 20, 10), height=roof), SETTINGS)
    assert found.total_m == pytest.approx(60 * storeys)
    assert [len(rows) for _, rows in found.layers()] == [30] * storeys
    assert len(found.metres) == (30 if storeys else 0)


def test_party_walls_are_no_frontage() -> None:
    """Two houses wall to wall have the outline of one of 20 by 10 m; a shop next door hides a wall as well, but has no frontage itself."""
    for kind in (["house", "house"], ["house", "commercial"]):
        found = build_frontage(houses(box(0, 0, 10, 10), box(10, 0, 20, 10), kind=kind, height=4.0), SETTINGS)
        assert found.total_m == pytest.approx(60 if kind[1] == "house" else 30)


def test_courts_have_windows_too() -> None:
    """The walls of a court look into it."""
    ring = shapely.Polygon(box(0, 0, 30, 30).exterior, [box(10, 10, 20, 20).exterior])
    found = build_frontage(houses(ring, height=4.0), SETTINGS)
    assert found.total_m == pytest.approx(120 + 40)
    inner = np.hypot(*(found.points_m - (EAST + 15, NORTH + 15)).T) < 8
    step = np.column_stack([np.sin(np.radians(found.outward_deg)), np.cos(np.radians(found.outward_deg))])[inner]
    assert inner.sum() == 20
    assert shapely.contains(box(10, 10, 20, 20), shapely.points(found.points_m[inner] + step)).all()


def test_homes_of_many_parts() -> None:
    """Each part of a multipolygon has its walls."""
    found = build_frontage(houses(shapely.MultiPolygon([box(0, 0, 10, 10), box(20, 0, 30, 10)]), height=4.0), SETTINGS)
    assert found.total_m == pytest.approx(80)
    assert set(found.building.tolist()) == {0}


def test_only_homes_count_and_unsaid_ones_are_told() -> None:
    """A school has no frontage; a building whose use is not on record is assumed to be a home, and that is said."""
    kinds = ["house", "yes", "school"]
    found = build_frontage(houses(box(0, 0, 10, 10), box(50, 0, 60, 10), box(100, 0, 110, 10), kind=kinds, height=4.0), SETTINGS)
    assert set(found.building.tolist()) == {0, 1}
    assert found.notes == ("1 of 2 homes are buildings whose use is not on record; they are assumed to be homes",)


def test_a_coarser_step_keeps_the_metres() -> None:
    """Fewer points stand for the same walls; a wall shorter than the step has one."""
    fine, coarse = (build_frontage(houses(box(0, 0, 21, 0.7)), SETTINGS, step_m=step) for step in (1.0, 7.0))
    assert fine.total_m == pytest.approx(coarse.total_m)
    assert len(coarse.metres) == 3 + 3 + 1 + 1


def test_no_homes_no_frontage() -> None:
    """A city without buildings, or without homes, has none."""
    for buildings in (houses(), houses(box(0, 0, 9, 9), kind="commercial")):
        found = build_frontage(buildings, SETTINGS)
        assert (found.total_m, found.heights_m, list(found.layers())) == (0.0, (), [])
