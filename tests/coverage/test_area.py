"""Cells in view are those that the line of sight says, cell for cell."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from coverage.area import Grid, count_and_best, hidden_cells
from coverage.poses import Head, Poses
from coverage.sight import CELL_M, Floats, Walls, build_walls, critical_height
from coverage.standing import Standing
from planning.errors import InputError


def head(hfov: float = 360.0, near: float = 0.0, far: float = 40.0, height: float = 6.0) -> Head:
    """A head at a height, for targets at 1.6 m."""
    return Head("m", 0, hfov, 60.0, height, 30.0, height - 1.6, near, far, far, 1_000.0, 9_000, 1_404)


def stand_at(points: object, bearings: list[float], heads: list[Head]) -> Standing:
    """Cameras at points, each with its head and bearing."""
    n = len(heads)
    rows = np.arange(n, dtype=np.int32)
    return Standing(
        tuple(f"c{k}" for k in range(n)), np.array(points, float).reshape(-1, 2), Poses(tuple(heads), rows, rows, np.array(bearings, float)), ()
    )


def houses(shapes: list[shapely.Geometry], heights: list[float], origin: tuple[float, float] = (0.0, 0.0)) -> Walls:
    """The walls of footprints."""
    return build_walls(gpd.GeoDataFrame({"height_m": heights}, geometry=shapes, crs="EPSG:32644"), origin)


def by_walking(walls: Walls, point: Floats, grid: Grid, height: float, target: float, far: float) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The same answer by a walk to each cell."""
    of_walls = (walls.ends_m, walls.top_m, walls.cell_start, walls.cell_walls, *walls.shape, *walls.corner_m, CELL_M)
    px, py = point - np.asarray(walls.origin_m)
    found = np.zeros((grid.rows, grid.columns), np.uint8)
    xs, ys = grid.middles()
    for row, y in enumerate(ys - walls.origin_m[1]):
        for column, x in enumerate(xs - walls.origin_m[0]):
            if np.hypot(x - px, y - py) <= far:
                found[row, column] = critical_height(*of_walls, px, py, x, y, target, height) >= height
    return found


def test_a_wall_s_shadow_worked_by_hand() -> None:
    """A house from y 10 to 12, x -5 to 5, 4 m high: seen from 6 m, targets of 1.6 m are hidden from its front up to 4.4 / 2 = 2.2 times its back."""
    walls = houses([shapely.box(-5, 10, 5, 12)], [4.0])
    grid = Grid.over((-30, -30, 30, 30), 1.0)
    dark = hidden_cells(walls, np.array([0.0, 0.0]), grid, height_m=6.0, target_m=1.6, far_m=40.0)
    column, row_of = 30, lambda y: int(grid.north_m - y)  # x from 0 to 1; the row from y - 1 to y
    seen = [bool(dark[row_of(y), column]) for y in range(1, 31)]
    assert [y for y, hidden in zip(range(1, 31), seen, strict=True) if hidden] == list(range(11, 27))  # middles 10.5 to 25.5; 12 x 2.2 = 26.4
    assert dark[:, 45].sum() == 0 or dark[row_of(5), 45] == 0
    assert not dark[30:].any()


def test_a_wall_as_high_as_the_mount_hides_all_behind_it() -> None:
    """Its shadow has no end: half of the wedge's cells beyond, mirrored on both sides."""
    walls = houses([shapely.box(-5, 10, 5, 12)], [6.0])
    grid = Grid.over((-40, -40, 40, 40), 1.0)
    dark = hidden_cells(walls, np.array([0.0, 0.0]), grid, height_m=6.0, target_m=1.6, far_m=39.0)
    assert (dark == dark[:, ::-1]).all()
    xs, ys = grid.middles()
    inside = (ys[:, None] >= 10) & (np.abs(xs) < ys[:, None] / 2) & (np.hypot(xs, ys[:, None]) <= 39)
    # Beside the house its side walls are in the wedge of its front corners.
    assert (dark.astype(bool) == inside).all()


@pytest.mark.parametrize("seed", range(12))
def test_every_cell_is_as_the_walk_says(seed: int) -> None:
    """Random towns of houses and courts, on whole metres and off them, cameras above and below roofs and targets: not one cell differs."""
    rng = np.random.default_rng(seed)
    origin = (552_000.0, 2_443_000.0) if seed % 2 else (0.0, 0.0)
    shapes = []
    for x, y, wide, deep in zip(*rng.uniform(-60, 60, (2, 40)), *rng.uniform(2, 14, (2, 40)), strict=True):
        box = shapely.box(x, y, x + wide, y + deep)
        if seed % 3 == 0:
            box = shapely.box(*np.round(box.bounds))
        elif seed % 3 == 1:
            box = shapely.affinity.rotate(box, float(rng.uniform(0, 90)))
        if not box.area:
            continue
        shapes.append(shapely.transform(box, lambda xy: xy + origin))
    walls = houses(shapes, list(rng.choice([1.0, 1.5, 3.1, 5.9, 6.0, 9.0], len(shapes))), origin)
    grid = Grid.over((origin[0] - 50, origin[1] - 50, origin[0] + 50, origin[1] + 50), 1.0 if seed % 2 == 0 else 1.7)
    for _ in range(3):
        point = rng.uniform(-20, 20, 2)
        point = (np.round(point * 2) / 2 if seed % 3 == 0 else point) + origin
        for height, target in ((6.0, 1.6), (6.0, 0.0), (1.2, 1.6), (1.6, 1.6)):
            found = hidden_cells(walls, point, grid, height_m=height, target_m=target, far_m=45.0)
            assert (found == by_walking(walls, point, grid, height, target, 45.0)).all()


def test_a_camera_on_a_wall_is_as_the_walk_says() -> None:
    """A mount exactly on a wall, or at its corner, has no before and behind: each cell is asked, and the answer is the walk's."""
    walls = houses([shapely.box(0, 0, 10, 8), shapely.box(-20, 5, -10, 9)], [9.0, 4.0])
    grid = Grid.over((-30, -30, 30, 30), 1.0)
    for point in ((5.0, 8.0), (0.0, 0.0), (10.0, 3.3)):
        at = np.array(point)
        found = hidden_cells(walls, at, grid, height_m=6.0, target_m=1.6, far_m=28.0)
        assert (found == by_walking(walls, at, grid, 6.0, 1.6, 28.0)).all()


def test_in_the_open_near_far_and_bearing_decide() -> None:
    """Looking east 90 deg wide from 5 to 20 m: cells whose middle is there, with focal / slant range as density; two cameras count twice."""
    grid = Grid.over((-30, -30, 30, 30), 1.0)
    cameras = stand_at([(0.3, 0.2), (0.3, 0.2)], [90.0, 90.0], [head(90.0, 5.0, 20.0), head(90.0, 5.0, 12.0)])
    count, best = count_and_best(houses([], []), cameras, grid, target_m=1.6)
    xs, ys = grid.middles()
    away, up = xs[None] - 0.3, ys[:, None] - 0.2
    ground = np.hypot(away, up)
    sector = (np.abs(up) <= away) & (ground >= 5)
    assert (count == (sector & (ground <= 20)).astype(int) + (sector & (ground <= 12))).all()
    assert best[sector & (ground <= 20)] == pytest.approx((1_000 / np.hypot(ground, 4.4))[sector & (ground <= 20)], rel=1e-6)
    assert (best[count == 0] == 0).all()


def test_a_view_across_north_is_one_view() -> None:
    """A sector that passes north is whole; turned by a quarter it sees the same, turned."""
    grid = Grid.over((-20, -20, 20, 20), 1.0)
    north, _ = count_and_best(houses([], []), stand_at([(0, 0)], [0.0], [head(80.0, 3.0, 18.0)]), grid, target_m=1.6)
    east, _ = count_and_best(houses([], []), stand_at([(0, 0)], [90.0], [head(80.0, 3.0, 18.0)]), grid, target_m=1.6)
    assert north.sum() > 100
    assert (np.rot90(north, -1) == east).all()
    assert (north == north[:, ::-1]).all()


def test_many_cameras_over_many_bands_add_up() -> None:
    """A raster of many bands of rows is the sum of each camera's own cells, also where views leave the raster."""
    rng = np.random.default_rng(5)
    shapes = [shapely.box(x, y, x + 7, y + 9) for x, y in rng.uniform(0, 400, (150, 2))]
    walls = houses(shapes, list(rng.uniform(2, 9, len(shapes))))
    grid = Grid.over((0, 0, 410, 420), 1.0)
    points = rng.uniform(-20, 430, (12, 2))
    heads = [head(360.0, 0.0, float(far)) for far in rng.uniform(20, 60, 12)]
    count, best = count_and_best(walls, stand_at(points, [0.0] * 12, heads), grid, target_m=1.6)
    xs, ys = grid.middles()
    total = np.zeros_like(count)
    for point, made in zip(points, heads, strict=True):
        near = np.hypot(xs[None] - point[0], ys[:, None] - point[1]) <= made.far_m
        total += near & (hidden_cells(walls, point, grid, height_m=6.0, target_m=1.6, far_m=made.far_m) == 0)
    assert (count == total).all()
    assert ((best > 0) == (count > 0)).all()


def test_no_cameras_see_nothing() -> None:
    """Without cameras every cell is 0."""
    count, best = count_and_best(houses([], []), stand_at(np.zeros((0, 2)), [], []), Grid.over((0, 0, 5, 5), 1.0), target_m=1.6)
    assert not count.any()
    assert not best.any()


@pytest.mark.parametrize("cell", [0.0, -1.0, np.nan, 1e3])
def test_cells_out_of_measure_are_refused(cell: float) -> None:
    """A side that is no length, or none of use, is told."""
    with pytest.raises(InputError, match=r"grid\.cells"):
        Grid.over((0, 0, 10, 10), cell)


def test_a_camera_within_a_tall_building_and_beside_one_is_as_the_walk_says() -> None:
    """Only walls that face the camera are drawn, but from within, on a wall, in a court or at a corner all of them: each cell as the walk says."""
    ring = shapely.Polygon([(-20, -20), (20, -20), (20, 20), (-20, 20)], [[(-8, -8), (8, -8), (8, 8), (-8, 8)]])
    other = shapely.Polygon([(30, -5), (45, 3), (32, 12)])
    spots = [(0.3, 0.2), (14.1, 0.7), (24.6, 1.1), (20.0, 3.0), (20.0, 20.0), (33.1, 2.2), (-31.0, -30.0), (8.0, 0.0)]
    grid = Grid.over((-60.0, -60.0, 60.0, 60.0), 1.5)
    for shapes in ([ring, other], [shapely.reverse(ring), shapely.reverse(other)]):
        walls = houses(shapes, [9.0, 7.0])
        for spot in spots:
            point = np.array(spot)
            hidden = hidden_cells(walls, point, grid, height_m=6.0, target_m=1.6, far_m=58.0)
            assert (hidden == by_walking(walls, point, grid, 6.0, 1.6, 58.0)).all(), spot
