"""Line of sight past buildings agrees with exact geometry."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pytest
import shapely

from coverage.sight import CELL_M, Sightlines, Walls, build_walls, cast, critical_height
from planning.city import City

Array = npt.NDArray[np.float64]
FAR_M = 1e6


def frame(shapes: list[shapely.Geometry], heights: list[float] | Array) -> gpd.GeoDataFrame:
    """Footprints with heights."""
    return gpd.GeoDataFrame({"height_m": np.asarray(heights, dtype=float)}, geometry=shapes, crs="EPSG:32644")


def critical(buildings: gpd.GeoDataFrame, start: Array, end: Array, target_m: float = 0.0, origin: tuple[float, float] = (0.0, 0.0)) -> Array:
    """The critical height of each line from `start` to `end` (n, 2), without a limit."""
    walls = build_walls(buildings, origin)
    grid = (walls.ends_m, walls.top_m, walls.cell_start, walls.cell_walls, *walls.shape, *walls.corner_m, CELL_M)
    a, b = start - np.asarray(origin), end - np.asarray(origin)
    return np.array([critical_height(*grid, *p, *q, target_m, np.inf) for p, q in zip(a, b, strict=True)])


def by_shapely(buildings: gpd.GeoDataFrame, start: Array, end: Array, target_m: float) -> Array:
    """The same from shapely's own crossings of each line with each outline, one by one."""
    out = np.full(len(start), -np.inf)
    outlines = shapely.boundary(buildings.geometry.array)
    for i, (p, q) in enumerate(zip(start, end, strict=True)):
        line = shapely.LineString([p, q])
        for outline, roof in zip(outlines, buildings["height_m"], strict=True):
            for xy in shapely.get_coordinates(shapely.intersection(line, outline)):
                t = np.hypot(*(xy - p)) / np.hypot(*(q - p))
                out[i] = max(out[i], (roof - target_m * t) / (1 - t) if t < 1 else (np.inf if roof > target_m else -np.inf))
    return out


def turned(shape: shapely.Geometry, degrees: float, x: float, y: float) -> shapely.Geometry:
    """The shape turned about the origin, then moved."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return shapely.transform(shape, lambda xy: xy @ np.array([[c, s], [-s, c]]) + (x, y))


def random_city(rng: np.random.Generator, east: float = 0.0, north: float = 0.0) -> gpd.GeoDataFrame:
    """Twenty footprints within 120 m: turned boxes, L-shapes, courtyards, and a row of houses that share their walls."""
    kinds = (
        shapely.box(-6, -4, 6, 4),
        shapely.Polygon([(-7, -7), (7, -7), (7, -1), (0, -1), (0, 7), (-7, 7)]),
        shapely.Polygon([(-8, -8), (8, -8), (8, 8), (-8, 8)], [[(-4, -4), (-4, 4), (4, 4), (4, -4)]]),
        shapely.MultiPolygon([shapely.box(-6, -6, -1, 6), shapely.box(2, -3, 6, 3)]),
    )
    shapes = [turned(kinds[k % 4], rng.uniform(0, 360), east + rng.uniform(-60, 60), north + rng.uniform(-60, 60)) for k in range(14)]
    tilt, x, y = rng.uniform(0, 360), east + rng.uniform(-60, 60), north + rng.uniform(-60, 60)
    shapes += [turned(shapely.box(7 * k, 0, 7 * k + 7, 9), tilt, x, y) for k in range(6)]
    return frame(shapes, rng.uniform(2, 20, size=len(shapes)))


def spread(rng: np.random.Generator, n: int, east: float = 0.0, north: float = 0.0) -> Array:
    """Points within 140 m."""
    return rng.uniform(-70, 70, size=(n, 2)) + (east, north)


@pytest.mark.parametrize(("seed", "east", "north"), [(1, 0, 0), (2, 552_341.25, 2_443_120.5), (3, -5_000, -321.7), (4, 0.125, -0.125)])
def test_random_cities_agree_with_shapely(seed: int, east: float, north: float) -> None:
    """On random footprints every critical height equals the one from shapely's crossings, near the origin, far off, and where coordinates are
    negative.
    """
    rng = np.random.default_rng(seed)
    city = random_city(rng, east, north)
    start, end = spread(rng, 250, east, north), spread(rng, 250, east, north)
    found = critical(city, start, end, 1.6, (np.floor(east), np.floor(north)))
    wanted = by_shapely(city, start, end, 1.6)
    assert np.isfinite(wanted).sum() > 150
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_lines_on_a_lattice_block_where_they_enter_and_clear_where_they_stay_away(seed: int) -> None:
    """On whole-metre footprints, with lines through corners, along walls and along cell borders: what passes an inside is blocked, what does not
    touch is clear. A line that only touches may be either."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(-5, 5, size=(25, 2)) * 4
    shapes = [shapely.box(x, y, x + w, y + h) for (x, y), w, h in zip(corners, rng.integers(1, 3, 25) * 4, rng.integers(1, 3, 25) * 4, strict=True)]
    city = frame(shapes, np.full(25, 50.0))
    start, end = rng.integers(-8, 8, size=(1500, 2)) * 4.0, rng.integers(-8, 8, size=(1500, 2)) * 4.0
    apart = (start != end).any(axis=1)
    start, end = start[apart], end[apart]
    solid = shapely.union_all(city.geometry.array)
    lines = shapely.linestrings(np.stack([start, end], axis=1))
    enters = shapely.relate_pattern(lines, solid, "T********") & ~shapely.touches(lines, solid)
    away = shapely.disjoint(lines, solid)
    # A camera or a target that itself touches a wall stands neither in nor out.
    free = shapely.disjoint(shapely.points(start), solid) & shapely.disjoint(shapely.points(end), solid)
    found = critical(city, start, end, 0.0)
    assert (enters & free).sum() > 100
    assert away.sum() > 100
    assert (found[enters & free] >= 50.0).all()
    assert (found[away] == -np.inf).all()


def test_no_line_slips_between_houses_that_share_a_corner() -> None:
    """In a row of houses, lines aimed exactly at the shared corners and along the shared walls are blocked."""
    row = frame([shapely.box(10 * k, 0, 10 * k + 10, 10) for k in range(5)], [9.0] * 5)
    start = np.array([[15.0, -20.0], [20.0, -20.0], [0.0, -10.0], [45.0, 25.0]])
    end = np.array([[25.0, 20.0], [20.0, 30.0], [30.0, 20.0], [35.0, -5.0]])
    assert (critical(row, start, end) >= 9.0).all()


def test_critical_height_by_hand() -> None:
    """A wall of 6 m halfway to a face at 1.6 m is looked over from (6 - 0.8) / 0.5 = 10.4 m; three quarters of the way, from (6 - 1.2) / 0.25 =
    19.2 m.
    """
    thin = frame([shapely.box(10, -5, 10 + 1e-9, 5)], [6.0])
    assert critical(thin, np.array([[0.0, 0.1]]), np.array([[20.0, 0.1]]), 1.6)[0] == pytest.approx(10.4)
    assert critical(thin, np.array([[-20.0, 0.1]]), np.array([[20.0, 0.1]]), 1.6)[0] == pytest.approx(19.2)
    assert critical(thin, np.array([[0.0, 8.0]]), np.array([[20.0, 8.0]]), 1.6)[0] == -np.inf


def test_a_courtyard_hides_and_is_seen_within() -> None:
    """A target in a courtyard is seen from the court at any height, from the street only over the roofs."""
    court = frame([shapely.Polygon([(0, 0), (30, 0), (30, 30), (0, 30)], [[(10, 10), (10, 20), (20, 20), (20, 10)]])], [6.0])
    start, end = np.array([[11.0, 12.0], [-10.0, 15.0]]), np.array([[19.0, 17.0], [15.0, 15.0]])
    found = critical(court, start, end, 0.0)
    assert found[0] == -np.inf
    assert found[1] == pytest.approx(6.0 / (1 - 20 / 25))  # the inner wall, 20 of 25 m on, hides most


def test_a_target_at_the_foot_of_its_wall() -> None:
    """A target on the far side's wall itself is hidden from any height; one a metre before the near wall is not hidden at all."""
    block = frame([shapely.box(10, -5, 20, 5)], [6.0])
    start = np.array([[0.0, 0.3], [0.0, 0.3]])
    end = np.array([[20.0, 0.3], [9.0, 0.3]])
    assert critical(block, start, end).tolist() == [np.inf, -np.inf]


def seen(lines: Sightlines, height: float) -> set[tuple[int, int]]:
    """Pairs of point and target seen from a mount of this height."""
    point = np.repeat(np.arange(len(lines.start) - 1), np.diff(lines.start))
    visible = lines.critical_m < height
    return set(zip(point[visible].tolist(), lines.target[visible].tolist(), strict=True))


def look(city: gpd.GeoDataFrame, points: Array, targets: Array, *, highest: float = 30.0, reach: float = 90.0) -> Sightlines:
    """All sight lines to faces at 1.6 m."""
    return cast(build_walls(city, (0.0, 0.0)), points, targets, np.full(len(targets), 1.6), reach_m=reach, highest_m=highest)


def test_cast_lists_every_pair_in_reach_by_bearing() -> None:
    """Pairs are all those in reach that the highest mount sees, sorted by bearing, with the bearing and distance of plain trigonometry."""
    rng = np.random.default_rng(8)
    city, points, targets = random_city(rng), spread(rng, 12), spread(rng, 150)
    lines = look(city, points, targets)
    heights = by_shapely(city, np.repeat(points, 150, axis=0), np.tile(targets, (12, 1)), 1.6).reshape(12, 150)
    away = np.hypot(*(targets[None] - points[:, None]).transpose(2, 0, 1))
    assert seen(lines, np.inf) == set(zip(*(part.tolist() for part in np.nonzero((away <= 90) & (heights < 30))), strict=True))
    for p in range(12):
        run = slice(lines.start[p], lines.start[p + 1])
        east, north = (targets[lines.target[run]] - points[p]).T
        np.testing.assert_allclose(lines.bearing_deg[run], np.degrees(np.arctan2(east, north)) % 360, atol=1e-9)
        np.testing.assert_allclose(lines.ground_m[run], np.hypot(east, north))
        assert (np.diff(lines.bearing_deg[run]) >= 0).all()


@pytest.mark.parametrize("reach", [5.0, 31.9, 64.0])
def test_each_point_has_its_own_reach_and_height(reach: float) -> None:
    """Reach and highest mount given for each point act as if each point were cast alone."""
    rng = np.random.default_rng(9)
    city, points, targets = random_city(rng), spread(rng, 6), spread(rng, 90)
    reaches, heights = np.linspace(reach, 80, 6), np.linspace(3, 25, 6)
    together = look(city, points, targets, reach=reaches, highest=heights)  # type: ignore[arg-type]
    for p in range(6):
        alone = look(city, points[p : p + 1], targets, reach=float(reaches[p]), highest=float(heights[p]))
        run = slice(together.start[p], together.start[p + 1])
        assert together.target[run].tolist() == alone.target.tolist()
        assert together.critical_m[run].tolist() == alone.critical_m.tolist()


def test_turning_and_moving_the_world_changes_nothing() -> None:
    """What is seen stays when the world is turned by 90 deg or moved by whole cells or parts of them."""
    rng = np.random.default_rng(10)
    city, points, targets = random_city(rng), spread(rng, 15), spread(rng, 120)
    here = seen(look(city, points, targets), 6.0)
    assert 50 < len(here) < 15 * 120
    for degrees, x, y in ((90, 0, 0), (180, 0, 0), (270, 0, 0), (0, 100, -300), (0, 3.7, 0.21), (90, -1000.3, 77)):
        moved = frame([turned(shape, degrees, x, y) for shape in city.geometry], city["height_m"])
        there = [shapely.get_coordinates([turned(shapely.Point(p), degrees, x, y) for p in group]) for group in (points, targets)]
        assert seen(look(moved, *there), 6.0) == here


def test_a_building_more_never_shows_more() -> None:
    """Adding buildings one by one takes pairs away and adds none; a higher mount adds pairs and takes none away."""
    rng = np.random.default_rng(11)
    city, points, targets = random_city(rng), spread(rng, 10), spread(rng, 80)
    before = seen(look(city.iloc[:0], points, targets), 6.0)
    for count in (1, 5, 10, len(city)):
        now = seen(look(city.iloc[:count], points, targets), 6.0)
        assert now <= before
        before = now
    lines = look(city, points, targets)
    for low, high in ((2, 4), (4, 6), (6, 12), (12, 29)):
        assert seen(lines, low) <= seen(lines, high)
    assert seen(lines, 2) < seen(lines, 29)


def test_without_buildings_only_reach_counts() -> None:
    """In an open field every target in reach is seen, from any height."""
    rng = np.random.default_rng(12)
    points, targets = spread(rng, 5), spread(rng, 60)
    lines = look(frame([], []), points, targets, reach=40.0)
    assert (lines.critical_m == -np.inf).all()
    assert len(lines) == int((np.hypot(*(targets[None] - points[:, None]).transpose(2, 0, 1)) <= 40).sum())


@pytest.mark.parametrize(("n_points", "n_targets"), [(0, 5), (5, 0), (0, 0)])
def test_empty_inputs_give_empty_answers(n_points: int, n_targets: int) -> None:
    """No points or no targets are no pairs, with a row start for each point."""
    lines = look(frame([shapely.box(0, 0, 5, 5)], [4.0]), np.zeros((n_points, 2)), np.zeros((n_targets, 2)))
    assert len(lines) == 0
    assert lines.start.tolist() == [0] * (n_points + 1)


def test_a_target_under_the_camera_is_seen() -> None:
    """A target exactly below the mount has no wall between."""
    lines = look(frame([shapely.box(5, 5, 9, 9)], [9.0]), np.array([[1.0, 1.0]]), np.array([[1.0, 1.0]]))
    assert lines.ground_m.tolist() == [0.0]
    assert lines.critical_m.tolist() == [-np.inf]


def test_the_demo_city_agrees_with_shapely(demo: City) -> None:
    """Among the houses of a whole city, lines of up to 90 m are clear from 6 m exactly where shapely finds no roof in their way."""
    houses = demo["buildings"]
    rng = np.random.default_rng(13)
    corners = shapely.get_coordinates(shapely.get_point(shapely.get_exterior_ring(shapely.get_geometry(houses.geometry.array, 0)), 0))
    middle = corners[rng.integers(0, len(corners), 1_500)]
    start, end = middle + rng.uniform(-45, 45, middle.shape), middle + rng.uniform(-45, 45, middle.shape)
    origin = (float(np.floor(demo.area.bounds[0])), float(np.floor(demo.area.bounds[1])))
    clear = critical(houses, start, end, 1.6, origin) < 6.0
    lines = shapely.linestrings(np.stack([start, end], axis=1))
    blocked = np.zeros(len(lines), dtype=bool)
    for line, house in zip(*shapely.STRtree(houses.geometry.array).query(lines, predicate="intersects"), strict=True):
        roof = houses["height_m"].iloc[house]
        for xy in shapely.get_coordinates(shapely.intersection(lines[line], shapely.boundary(houses.geometry.iloc[house]))):
            t = np.hypot(*(xy - start[line])) / np.hypot(*(end[line] - start[line]))
            blocked[line] |= bool(roof >= 6.0 * (1 - t) + 1.6 * t)
    assert 300 < clear.sum() < 1_200
    assert (clear == ~blocked).all()


def test_every_wall_of_every_ring_is_in_the_grid() -> None:
    """Outer rings, courts and each part of a multipolygon give their walls, doubled corners none; every wall is in the cell of each of its points."""
    shapes = [
        shapely.Polygon([(0, 0), (30, 0), (30, 30), (0, 30)], [[(10, 10), (10, 20), (20, 20), (20, 10)]]),
        shapely.MultiPolygon([shapely.box(40, 0, 45, 5), shapely.box(50, 0, 55, 5)]),
        shapely.Polygon([(60, 0), (60, 0), (70, 3), (64, 9)]),
    ]
    walls: Walls = build_walls(frame(shapes, [3.0, 4.0, 5.0]), (0.0, 0.0))
    assert len(walls) == 8 + 8 + 3
    assert sorted(set(walls.top_m)) == [3.0, 4.0, 5.0]
    for wall, (x1, y1, x2, y2) in enumerate(walls.ends_m):
        for along in np.linspace(0, 1, 37):
            column = int((x1 + along * (x2 - x1) - walls.corner_m[0]) // CELL_M)
            row = int((y1 + along * (y2 - y1) - walls.corner_m[1]) // CELL_M)
            cell = row * walls.shape[1] + column
            assert wall in walls.cell_walls[walls.cell_start[cell] : walls.cell_start[cell + 1]]
