"""The verifier's profiles know the ground by their own way."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from coverage.ground import critical_ground, height_on
from coverage.sight import build_walls
from coverage.terrain import Terrain
from optimizer.profiles import heights, over_ground, roofs


def rough(seed: int, cell: float = 6.0) -> Terrain:
    """A grid of 30 by 40 nodes of uneven ground."""
    rng = np.random.default_rng(seed)
    return Terrain((100.0, -50.0), cell, 300 + rng.normal(0, 1.2, (30, 40)).cumsum(axis=0))


def test_without_terrain_all_is_level() -> None:
    """Heights are 0, roofs are buildings' heights, and every line is clear."""
    city = gpd.GeoDataFrame({"height_m": [4.0]}, geometry=[shapely.box(0, 0, 5, 5)], crs="EPSG:32644")
    points = np.array([[0.0, 0.0], [9.0, 9.0]])
    assert heights(None, points).tolist() == [0.0, 0.0]
    assert roofs(None, city).tolist() == [4.0]
    assert over_ground(None, points, points[::-1], np.zeros(2), np.zeros(2)).all()


def test_heights_are_those_of_the_walk() -> None:
    """Scipy's heights are the walk's, within the grid and beyond its edge."""
    terrain = rough(1)
    points = np.random.default_rng(2).uniform((50, -100), (400, 200), (500, 2))
    wanted = [height_on(terrain.height_m, *terrain.origin_m, terrain.cell_m, *point) for point in points]
    np.testing.assert_allclose(heights(terrain, points), wanted, atol=1e-9)


def test_roofs_are_those_of_the_walls() -> None:
    """A footprint's roof stands above its lowest corner, courts and parts included, whatever the frame's index."""
    shapes = [
        shapely.Polygon([(120, 0), (160, 0), (160, 40), (120, 40)], [[(130, 10), (130, 30), (150, 30), (150, 10)]]),
        shapely.MultiPolygon([shapely.box(180, -20, 190, -10), shapely.box(200, 20, 230, 60)]), shapely.Polygon([(240, 0), (260, 5), (250, 30)]),
    ]  # fmt: skip
    city = gpd.GeoDataFrame({"height_m": [3.0, 4.0, 5.0]}, geometry=shapes, index=["b", "c", "a"], crs="EPSG:32644")
    for seed in range(3):
        walls = build_walls(city, (0.0, 0.0), rough(seed))
        np.testing.assert_allclose(sorted(set(walls.top_m.round(9))), sorted(roofs(rough(seed), city).round(9)))


def test_a_ridge_by_hand() -> None:
    """A ridge of 8 m halfway to a face at 1.6 m is looked over from 14.4 m, not from less; a pit is looked across from anywhere."""
    grid = np.zeros((4, 11))
    grid[:, 5] = 8.0
    start, end = np.array([[0.0, 13.0]]), np.array([[100.0, 17.0]])
    for sign, height, clear in ((1, 14.39, False), (1, 14.41, True), (-1, 0.1, True)):
        assert over_ground(Terrain((0.0, 0.0), 10.0, sign * grid), start, end, np.array([height]), np.array([1.6])).tolist() == [clear]


@pytest.mark.parametrize("target_m", [0.0, 1.6])
def test_a_plane_hides_nothing_and_touches_are_no_blocks(target_m: float) -> None:
    """On an even slope all lines are clear, also those that end on the ground."""
    x, y = np.meshgrid(np.arange(20) * 5.0, np.arange(20) * 5.0)
    plane = Terrain((0.0, 0.0), 5.0, 250 + 0.3 * x - 0.7 * y)
    ends = np.random.default_rng(3).uniform(0, 95, (2, 300, 2))
    assert over_ground(plane, *ends, heights(plane, ends[0]) + 3.0, heights(plane, ends[1]) + target_m).all()


@pytest.mark.parametrize("target_m", [0.0, 1.6])
def test_profiles_agree_with_the_walk(target_m: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """On rough ground clear lines are those of the walk, in one go and in many."""
    terrain, rng = rough(4), np.random.default_rng(5)
    start, end = rng.uniform((105, -45), (330, 120), (2, 3_000, 2))
    base, foot = heights(terrain, start), heights(terrain, end)
    clear = over_ground(terrain, start, end, base + 5.0, foot + target_m)
    walk = [
        critical_ground(terrain.height_m, *terrain.origin_m, terrain.cell_m, *p, *q, g, f + target_m, np.inf) < 5.0
        for p, q, g, f in zip(start, end, base, foot, strict=True)
    ]
    assert 300 < clear.sum() < 2_700
    assert (clear == walk).mean() > 0.999
    monkeypatch.setattr("optimizer.profiles.AT_ONCE", 50_000)
    assert (over_ground(terrain, start, end, base + 5.0, foot + target_m) == clear).all()
