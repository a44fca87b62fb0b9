"""The ground under a line of sight agrees with hand-worked cases and finely sampled profiles."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pytest
import shapely
from scipy.interpolate import RegularGridInterpolator

from coverage.ground import critical_ground, height_on
from coverage.sight import Sightlines, build_walls, cast
from coverage.terrain import Terrain

Array = npt.NDArray[np.float64]
EAST, NORTH = 552_000.0, 2_443_000.0


def critical(grid: Array, start: tuple[float, float], end: tuple[float, float], target_m: float = 0.0, cell: float = 10.0) -> float:
    """The critical height over a grid whose node [0, 0] is the origin, the target above its own ground."""
    base, foot = (height_on(grid, 0.0, 0.0, cell, *p) for p in (start, end))
    return float(critical_ground(grid, 0.0, 0.0, cell, *start, *end, base, foot + target_m, np.inf))


def rough(rng: np.random.Generator, nodes: int = 31, cell: float = 10.0) -> Terrain:
    """Hills of many sizes about the point EAST, NORTH."""
    x, y = np.meshgrid(np.arange(nodes) * cell, np.arange(nodes) * cell)
    hills = sum(6.0 * np.sin(x / s + a) * np.sin(y / s + b) for s, (a, b) in zip((60, 35, 20), rng.uniform(0, 6, (3, 2)), strict=True))
    half = (nodes - 1) * cell / 2
    return Terrain((EAST - half, NORTH - half), cell, 260.0 + hills + rng.uniform(-0.4, 0.4, x.shape))


def houses(rng: np.random.Generator, n: int = 25) -> gpd.GeoDataFrame:
    """Boxes of 8 to 20 m, 3 to 12 m high, about the same point."""
    corner, size = rng.uniform(-120, 110, (n, 2)), rng.uniform(8, 20, (n, 2))
    shapes = [shapely.box(EAST + x, NORTH + y, EAST + x + w, NORTH + h + y) for (x, y), (w, h) in zip(corner, size, strict=True)]
    return gpd.GeoDataFrame({"height_m": rng.uniform(3, 12, n)}, geometry=shapes, crs="EPSG:32644")


def spread(rng: np.random.Generator, n: int) -> Array:
    """Points within 120 m of the middle, each way."""
    return rng.uniform(-120, 120, (n, 2)) + (EAST, NORTH)


def look(terrain: Terrain | None, city: gpd.GeoDataFrame, points: Array, targets: Array, target_m: float = 1.6, highest: float = 40.0) -> Sightlines:
    """All sight lines within 110 m."""
    walls = build_walls(city, (EAST - 200, NORTH - 200), terrain)
    return cast(walls, points, targets, np.full(len(targets), target_m), reach_m=110.0, highest_m=highest)


def seen(lines: Sightlines, height: float) -> set[tuple[int, int]]:
    """Pairs of point and target seen from a mount of this height."""
    point = np.repeat(np.arange(len(lines.start) - 1), np.diff(lines.start))
    visible = lines.critical_m < height
    return set(zip(point[visible].tolist(), lines.target[visible].tolist(), strict=True))


def test_a_ridge_by_hand() -> None:
    """A ridge of 8 m halfway to a face at 1.6 m is looked over from (8 - 0.8) / 0.5 = 14.4 m, whichever way the line runs; at three quarters of the
    way from (8 - 1.2) / 0.25 = 27.2 m; on a plateau of 50 m from as much above the plateau.
    """
    grid = np.zeros((4, 11))
    grid[:, 5] = 8.0
    for ground in (grid, grid + 50.0):
        assert critical(ground, (0.0, 12.0), (100.0, 17.0), 1.6) == pytest.approx(14.4)
        assert critical(ground, (100.0, 12.0), (0.0, 17.0), 1.6) == pytest.approx(14.4)
        assert critical(np.ascontiguousarray(ground.T), (12.0, 0.0), (17.0, 100.0), 1.6) == pytest.approx(14.4)
        assert critical(np.ascontiguousarray(ground.T), (17.0, 100.0), (12.0, 0.0), 1.6) == pytest.approx(14.4)
    steep = np.zeros((4, 13))
    steep[:, 9] = 8.0
    assert critical(steep, (0.0, 5.0), (120.0, 5.0), 1.6) == pytest.approx(27.2)


def test_the_top_of_a_saddle_within_a_cell_by_hand() -> None:
    """Between corners of 0 and 4 m the diagonal is 8 t (1 - t) high. To a target at 2 m the worst place is halfway: (2 - 1) / 0.5 = 2 m. To the
    ground itself the line must come down along the slope that ends there: 8 m.
    """
    saddle = np.array([[0.0, 4.0], [4.0, 0.0]])
    assert critical(saddle, (0.0, 0.0), (10.0, 10.0), 2.0) == pytest.approx(2.0)
    assert critical(saddle, (10.0, 10.0), (0.0, 0.0), 2.0) == pytest.approx(2.0)
    assert critical(saddle, (0.0, 0.0), (10.0, 10.0), 0.0) == pytest.approx(8.0, abs=1e-4)


@pytest.mark.parametrize("target_m", [0.0, 0.8, 1.6])
@pytest.mark.parametrize("height", [0.0, 263.7, 8_000.0])
def test_a_plane_hides_nothing_from_itself(target_m: float, height: float) -> None:
    """On level ground and on any even slope every point sees every other from any mount, along nodes, through them, and anywhere."""
    x, y = np.meshgrid(np.arange(12) * 7.0, np.arange(9) * 7.0)
    rng = np.random.default_rng(1)
    for east, north in ((0.0, 0.0), (0.3, 0.0), (-0.21, 0.4), (1.7, -2.3)):
        plane = height + east * x + north * y
        ends = [(rng.uniform(0, 56, 4)).tolist() for _ in range(60)] + [(rng.integers(0, 8, 4) * 7.0).tolist() for _ in range(60)]
        assert {critical(plane, (a, b), (c, d), target_m, 7.0) for a, b, c, d in ends} == {-np.inf}


def test_the_ground_at_either_end_does_not_hide() -> None:
    """A mount on a peak, and a target on a peak, are not hidden by the peak they stand on, however near the other stands."""
    peak = np.zeros((5, 5))
    peak[2, 2] = 9.0
    assert critical(peak, (20.0, 20.0), (20.3, 20.0), 0.5) == -np.inf
    assert critical(peak, (0.0, 1.0), (20.0, 20.0), 0.0) == -np.inf
    assert critical(peak, (20.0, 20.0), (20.0, 20.0), 0.0) == -np.inf
    # From the peak the foot of its own slope lies on a straight line along the slope: any mount sees it.
    assert critical(peak, (20.0, 20.0), (30.0, 20.0), 0.0) == -np.inf
    # Behind the peak, 10 m from it, a target on the ground is seen from above the line along the slope: 9 m for each 10 m, from 30 m away.
    assert critical(peak, (0.0, 20.0), (30.0, 20.0), 0.0) == pytest.approx(27.0, abs=1e-3)


def test_beyond_the_grid_the_edge_goes_on() -> None:
    """Outside, the ground is as high as at the edge and hides nothing."""
    grid = np.array([[1.0, 2.0], [3.0, 5.0]])
    assert height_on(grid, 0.0, 0.0, 10.0, -5.0, -5.0) == 1.0
    assert height_on(grid, 0.0, 0.0, 10.0, 15.0, 25.0) == 5.0
    assert height_on(grid, 0.0, 0.0, 10.0, 5.0, 5.0) == 2.75
    assert critical(grid, (-30.0, -8.0), (40.0, -8.0), 0.5) == -np.inf


@pytest.mark.parametrize("level", [0.0, 263.7])
def test_flat_terrain_equals_no_terrain(level: float) -> None:
    """On level terrain of any height the pairs are those of no terrain, with the same critical heights; nothing lies lower than anything else."""
    rng = np.random.default_rng(2)
    city, points, targets = houses(rng), spread(rng, 20), spread(rng, 200)
    flat = look(None, city, points, targets)
    level_ground = look(Terrain((EAST - 150, NORTH - 150), 10.0, np.full((31, 31), level)), city, points, targets)
    assert flat.drop_m is None
    assert level_ground.drop_m is not None
    assert not level_ground.drop_m.any()
    for name in ("start", "target", "bearing_deg", "ground_m"):
        assert getattr(flat, name).tolist() == getattr(level_ground, name).tolist()
    np.testing.assert_allclose(level_ground.critical_m, flat.critical_m, atol=1e-9)


def test_ten_thousand_pairs_agree_with_fine_profiles() -> None:
    """On rough ground with houses, 10,000 pairs are seen from 6 m where a profile of 2,000 points stays under the line and no roof reaches it."""
    rng = np.random.default_rng(3)
    terrain, city = rough(rng), houses(rng)
    points, targets = spread(rng, 150), spread(rng, 400)
    lines = look(terrain, city, points, targets, highest=np.inf)
    point = np.repeat(np.arange(150), np.diff(lines.start))
    taken = rng.choice(len(lines), 10_000, replace=False)
    start, end = points[point[taken]], targets[lines.target[taken]]
    axes = [terrain.origin_m[axis] + terrain.cell_m * np.arange(terrain.height_m.shape[1 - axis]) for axis in (1, 0)]
    ground = RegularGridInterpolator(axes, terrain.height_m)
    start_z, end_z = ground(start[:, ::-1]) + 6.0, ground(end[:, ::-1]) + 1.6
    t = np.linspace(0, 1, 2_001)[1:-1]
    hidden = np.zeros(len(taken), dtype=bool)
    for part in np.array_split(np.arange(len(taken)), 20):
        at = start[part, None] + t[None, :, None] * (end - start)[part, None]
        hidden[part] = (ground(at[..., ::-1]) > start_z[part, None] * (1 - t) + end_z[part, None] * t).any(axis=1)
    by_ground = hidden.copy()
    foot = np.array([ground(shapely.get_coordinates(shape)[:, ::-1]).min() for shape in city.geometry])
    sight = shapely.linestrings(np.stack([start, end], axis=1))
    for line, house in zip(*shapely.STRtree(city.geometry.array).query(sight, predicate="intersects"), strict=True):
        chord = shapely.get_coordinates(shapely.intersection(sight[line], shapely.boundary(city.geometry.iloc[house])))
        along = np.hypot(*(chord - start[line]).T) / np.hypot(*(end - start)[line])
        hidden[line] |= bool((foot[house] + city["height_m"].iloc[house] >= start_z[line] * (1 - along) + end_z[line] * along).any())
    sees = lines.critical_m[taken] < 6.0
    assert 1_000 < by_ground.sum() < 8_000
    assert (hidden & ~by_ground).sum() > 500
    assert (sees == ~hidden).mean() >= 0.999
    assert lines.drop_m is not None
    np.testing.assert_allclose(lines.drop_m[taken], start_z - 6.0 - (end_z - 1.6), atol=1e-9)


def test_who_sees_is_seen() -> None:
    """Where a mount of 5 m sees a target at 2 m, a mount of 2 m on the target's place sees a target at 5 m on the mount's."""
    rng = np.random.default_rng(4)
    terrain, city = rough(rng), houses(rng)
    here, there = spread(rng, 60), spread(rng, 60)
    forth, back = look(terrain, city, here, there, 2.0), look(terrain, city, there, here, 5.0)
    assert 200 < len(seen(forth, 5.0)) < 3_000
    assert {(b, a) for a, b in seen(back, 2.0)} == seen(forth, 5.0)


def test_turning_moving_and_lifting_the_world_changes_nothing() -> None:
    """A quarter turn, another place and another height above the sea leave what is seen as it was."""
    rng = np.random.default_rng(5)
    terrain, city, points, targets = rough(rng), houses(rng), spread(rng, 25), spread(rng, 150)
    here = seen(look(terrain, city, points, targets), 6.0)
    assert 300 < len(here) < 3_000

    def turned(xy: Array) -> Array:
        east, north = (xy - (EAST, NORTH)).T
        return np.column_stack([EAST - north, NORTH + east])

    other = Terrain(terrain.origin_m, terrain.cell_m, np.ascontiguousarray(np.rot90(terrain.height_m, -1)))
    round_city = city.set_geometry([shapely.transform(shape, turned) for shape in city.geometry])
    assert seen(look(other, round_city, turned(points), turned(targets)), 6.0) == here
    lifted = Terrain(terrain.origin_m, terrain.cell_m, terrain.height_m + 4_321.5)
    assert seen(look(lifted, city, points, targets), 6.0) == here
    moved = Terrain((terrain.origin_m[0] + 33.25, terrain.origin_m[1] - 7.5), terrain.cell_m, terrain.height_m)
    shifted = city.set_geometry(city.geometry.translate(33.25, -7.5))
    assert seen(look(moved, shifted, points + (33.25, -7.5), targets + (33.25, -7.5)), 6.0) == here


def test_higher_mounts_see_more_and_higher_ground_between_less() -> None:
    """A higher mount takes no pair away; a bank raised between adds none."""
    rng = np.random.default_rng(6)
    terrain, city = rough(rng), houses(rng, 3)
    points, targets = spread(rng, 20) - (70, 0), spread(rng, 120) + (70, 0)
    lines = look(terrain, city, points, targets)
    for low, high in ((1, 3), (3, 6), (6, 12), (12, 39)):
        assert seen(lines, low) <= seen(lines, high)
    bank = terrain.height_m.copy()
    bank[:, 14:17] += 6.0
    free = np.abs(points[:, 0] - EAST) > 25, np.abs(targets[:, 0] - EAST) > 25
    before = seen(look(terrain, city, points[free[0]], targets[free[1]]), 6.0)
    after = seen(look(Terrain(terrain.origin_m, terrain.cell_m, bank), city, points[free[0]], targets[free[1]]), 6.0)
    assert after < before


def test_a_roof_stands_on_the_lowest_corner_of_its_footprint() -> None:
    """On a slope of one in five a house of 6 m and 10 m long reaches 6 m above its lower side."""
    slope = Terrain((EAST, NORTH), 10.0, np.tile(np.arange(6) * 2.0, (6, 1)))
    house = gpd.GeoDataFrame({"height_m": [6.0]}, geometry=[shapely.box(EAST + 20, NORTH + 20, EAST + 30, NORTH + 30)], crs="EPSG:32644")
    assert set(build_walls(house, (EAST, NORTH), slope).top_m) == {4.0 + 6.0}
    # Across the slope, along y, from 10 m before it to 10 m behind; ground at x = 25 is 5 m: (10 - 5 - 1.6 t) / (1 - t) at its far wall, t = 2/3.
    points, targets = np.array([[EAST + 25, NORTH + 10]]), np.array([[EAST + 25, NORTH + 40]])
    lines = look(slope, house, points, targets)
    assert lines.critical_m.tolist() == pytest.approx([(5.0 - 1.6 * 2 / 3) * 3])


def test_no_points_are_no_pairs() -> None:
    """Empty inputs give empty answers on terrain too."""
    rng = np.random.default_rng(7)
    lines = look(rough(rng), houses(rng), np.zeros((0, 2)), spread(rng, 3))
    assert (len(lines), lines.drop_m is not None and len(lines.drop_m)) == (0, 0)
