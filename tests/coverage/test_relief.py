"""Rasters on terrain say of a cell what the line of sight over the ground says."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.interpolate import RegularGridInterpolator

from coverage.area import Grid, count_and_best, hidden_cells
from coverage.gaps import NO_COUNT, make_rasters
from coverage.matrix import build_matrix
from coverage.poses import Head, Poses
from coverage.sight import Floats, Walls, build_walls, cast
from coverage.standing import Standing
from coverage.terrain import Terrain
from tests.coverage.test_ground import EAST, NORTH, houses, rough, spread

GRID = Grid.over((EAST - 120, NORTH - 120, EAST + 120, NORTH + 120), 2.0)
NOTHING = gpd.GeoDataFrame({"height_m": []}, geometry=[], crs="EPSG:32644")


def walls_on(terrain: Terrain | None, city: gpd.GeoDataFrame = NOTHING) -> Walls:
    """What blocks about the point EAST, NORTH."""
    return build_walls(city, (EAST - 200, NORTH - 200), terrain)


def cameras(rng: np.random.Generator, n: int) -> Standing:
    """Cameras of several heights, ranges, tilts and widths, one of them all round."""
    height, far, tilt, wide = rng.uniform(3, 12, n), rng.uniform(30, 110, n), rng.uniform(0, 40, n), rng.choice([30.0, 90.0, 200.0], n)
    wide[0] = 360.0
    heads = tuple(
        Head("m", 0, float(w), 50.0, float(h), float(t), float(h) - 1.6, 0.0, float(f), float(f), 1_000.0, 9_000, 1_404)
        for h, f, t, w in zip(height, far, tilt, wide, strict=True)
    )
    rows = np.arange(n, dtype=np.int32)
    return Standing(tuple(map(str, rows)), spread(rng, n), Poses(heads, rows, rows, rng.uniform(0, 360, n)), ())


def cells(grid: Grid) -> Floats:
    """Where the cells' middles are (n, 2), row by row."""
    return np.stack(np.meshgrid(*grid.middles()), axis=-1).reshape(-1, 2)


def test_ten_thousand_pairs_of_camera_and_cell_agree_with_fine_profiles() -> None:
    """On rough ground with houses a cell is hidden from a mount of 6 m where a profile of 2,000 points meets the ground, or a roof reaches it."""
    rng = np.random.default_rng(3)
    terrain, city = rough(rng), houses(rng)
    walls, points, xy = walls_on(terrain, city), spread(rng, 40), cells(GRID)
    start, end, sees = [], [], []
    for point in points:
        dark = hidden_cells(walls, point, GRID, height_m=6.0, target_m=1.6, far_m=110.0).ravel()
        taken = rng.choice(np.flatnonzero(np.hypot(*(xy - point).T) <= 110.0), 250, replace=False)
        start.append(np.tile(point, (250, 1)))
        end.append(xy[taken])
        sees.append(dark[taken] == 0)
    a, b, seen = np.concatenate(start), np.concatenate(end), np.concatenate(sees)
    axes = [terrain.origin_m[axis] + terrain.cell_m * np.arange(terrain.height_m.shape[1 - axis]) for axis in (1, 0)]
    ground = RegularGridInterpolator(axes, terrain.height_m)
    a_z, b_z = ground(a[:, ::-1]) + 6.0, ground(b[:, ::-1]) + 1.6
    t = np.linspace(0, 1, 2_001)[1:-1]
    hidden = np.zeros(len(a), dtype=bool)
    for part in np.array_split(np.arange(len(a)), 20):
        at = a[part, None] + t[None, :, None] * (b - a)[part, None]
        hidden[part] = (ground(at[..., ::-1]) > a_z[part, None] * (1 - t) + b_z[part, None] * t).any(axis=1)
    by_ground = hidden.copy()
    sight, outlines = shapely.linestrings(np.stack([a, b], axis=1)), shapely.boundary(city.geometry.array)
    foot = np.array([ground(shapely.get_coordinates(shape)[:, ::-1]).min() for shape in city.geometry])
    for line, house in zip(*shapely.STRtree(outlines).query(sight, predicate="intersects"), strict=True):
        chord = shapely.get_coordinates(shapely.intersection(sight[line], outlines[house]))
        along = np.hypot(*(chord - a[line]).T) / np.hypot(*(b - a)[line])
        hidden[line] |= bool((foot[house] + city["height_m"].iloc[house] >= a_z[line] * (1 - along) + b_z[line] * along).any())
    assert 1_000 < by_ground.sum() < 8_000
    assert (hidden & ~by_ground).sum() > 500
    assert (seen == ~hidden).mean() >= 0.999


def test_rasters_are_what_the_sight_walk_counts() -> None:
    """Twelve cameras of all kinds: each cell's count and best density are those of sight lines cast to its middle; not one cell differs."""
    rng = np.random.default_rng(4)
    terrain, city = rough(rng), houses(rng)
    walls, there, xy = walls_on(terrain, city), cameras(rng, 12), cells(GRID)
    lines = cast(walls, there.points_m, xy, np.full(len(xy), 1.6), reach_m=110.0, highest_m=12.1)
    seen = build_matrix(lines, there.poses, len(xy)).px_per_m.toarray()
    count, best = count_and_best(walls, there, GRID, target_m=1.6)
    assert (count.ravel() == (seen > 0).sum(axis=0)).all()
    assert best.ravel() == pytest.approx(seen.max(axis=0), rel=1e-6)
    assert count.max() > 2
    assert 0.1 < (count > 0).mean() < 0.9
    rasters = make_rasters(walls, there, city, shapely.box(EAST - 100, NORTH - 100, EAST + 100, NORTH + 100), target_m=1.6, cell_m=2.0)
    inner = count[10:-10, 10:-10]
    known = rasters.count != NO_COUNT
    assert 0.5 < known.mean() < 1
    assert (rasters.count[known] == inner[known]).all()


@pytest.mark.parametrize("level", [0.0, 263.7])
def test_on_level_terrain_rasters_are_those_of_flat_ground(level: float) -> None:
    """Level terrain of any height gives what no terrain gives, cell for cell."""
    rng = np.random.default_rng(5)
    city, there = houses(rng), cameras(rng, 10)
    # As made for level ground: the upper edge meets a target at the end of the range.
    heads = []
    for head in there.poses.heads:
        far = float(np.sqrt(head.slant_m**2 - head.rise_m**2))
        tilt = float(np.degrees(np.arctan2(head.rise_m, far))) + 25.0
        heads.append(dataclasses.replace(head, tilt_deg=tilt, near_m=float(head.rise_m / np.tan(np.radians(tilt + 25.0))), far_m=far))
    there = dataclasses.replace(there, poses=Poses(tuple(heads), there.poses.site, there.poses.head, there.poses.bearing_deg))
    flat, best = count_and_best(walls_on(None, city), there, GRID, target_m=1.6)
    ground = Terrain((EAST - 150, NORTH - 150), 10.0, np.full((31, 31), level))
    found, density = count_and_best(walls_on(ground, city), there, GRID, target_m=1.6)
    assert (found == flat).all()
    assert density == pytest.approx(best, rel=1e-6)
    assert flat.max() > 2
    for walls in (walls_on(None, city), walls_on(ground, city)):
        dark = hidden_cells(walls, there.points_m[0], GRID, height_m=6.0, target_m=1.6, far_m=90.0)
        assert (dark == hidden_cells(walls_on(None, city), there.points_m[0], GRID, height_m=6.0, target_m=1.6, far_m=90.0)).all()


def test_a_ridge_hides_what_lies_behind_it() -> None:
    """A ridge of 8 m runs north to south 50 m east of a mount of 6 m: the line over it rises, so behind it nothing is seen, before it everything."""
    heights = np.zeros((31, 31))
    heights[:, 20] = 8.0  # x = 50, from 40 up and down to 60
    walls = walls_on(Terrain((EAST - 150, NORTH - 150), 10.0, heights))
    dark = hidden_cells(walls, np.array([EAST, NORTH]), GRID, height_m=6.0, target_m=1.6, far_m=110.0)
    x, y = (cells(GRID) - (EAST, NORTH)).T
    near = np.hypot(x, y) <= 110.0
    hidden = dark.ravel() == 1
    assert not hidden[near & (x < 50)].any()
    # A face just behind the ridge still stands above the line over it: at x it is 8 - 0.8 (x - 50) + 1.6 high, the line 6 + 2 x / 50.
    behind = near & (x > 52)
    assert hidden[behind].all()
    assert hidden[near & (x > 50) & (x < 51.5)].sum() == 0
    assert (dark == dark[::-1]).all()


def test_a_camera_on_a_hill_looks_over_a_house() -> None:
    """Behind a house of 4 m, 20 to 22 m away, a mount of 6 m sees faces again from 22 x 4.4 / 2 = 48.4 m on; on a hill of 4 m that ends 10 m before
    the house, from 22 x 8.4 / 6 = 30.8 m on.
    """
    house = gpd.GeoDataFrame({"height_m": [4.0]}, geometry=[shapely.box(EAST + 20, NORTH - 90, EAST + 22, NORTH + 90)], crs="EPSG:32644")
    heights = np.zeros((31, 31))
    hill = heights.copy()
    hill[:, :16] = 4.0  # up to x = 0, down to 0 at x = 10
    row = int((GRID.north_m - NORTH) / GRID.cell_m)
    for ground, again in ((heights, 48.4), (hill, 30.8)):
        walls = walls_on(Terrain((EAST - 150, NORTH - 150), 10.0, ground), house)
        dark = hidden_cells(walls, np.array([EAST, NORTH]), GRID, height_m=6.0, target_m=1.6, far_m=110.0)
        x = GRID.middles()[0] - EAST
        shade = x[(dark[row] == 1) & (x > 22)]
        assert shade.min() < 24
        assert abs(shade.max() - again) < 2.0
