"""Tilt on a slope: worked by hand looking up, down and along; the matrix, the drawing, the raster and the verifier agree on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely

from coverage.area import Grid, count_and_best
from coverage.matrix import build_matrix
from coverage.poses import Aim, Head, Poses, make_head, make_poses
from coverage.sight import Floats, Walls, build_walls, cast
from coverage.standing import Standing
from coverage.terrain import Terrain
from coverage.tilts import spans, tilts
from coverage.views import view_areas
from coverage.witness import open_eyes
from optimizer.profiles import tilt_over
from planning.catalogue import load_models
from tests.coverage.test_ground import rough

MODELS = load_models()
UP, ALONG, DOWN, BACK = 90.0, 0.0, 270.0, 180.0
NOTHING = gpd.GeoDataFrame({"height_m": []}, geometry=[], crs="EPSG:32644")
HERE = np.zeros((1, 2))


def ground(height: Callable[[Floats, Floats], object], cell: float = 10.0, half: float = 200.0) -> Terrain:
    """Ground of this height about the origin."""
    x, y = np.meshgrid(*[np.arange(-half, half + cell / 2, cell)] * 2)
    return Terrain((-half, -half), cell, np.asarray(height(x, y), dtype=float) + np.zeros(x.shape))


def a_head(*, height: float = 6.0, vfov: float = 24.0, slant: float = 60.0, hfov: float = 40.0) -> Head:
    """A head that reaches 60 m, as it hangs on level ground."""
    rise = height - 1.6
    far = float(np.sqrt(slant**2 - rise**2))
    tilt = float(np.degrees(np.arctan2(rise, far))) + vfov / 2
    near = float(rise / np.tan(np.radians(tilt + vfov / 2)))
    return Head("bullet-4mp", 0, hfov, vfov, height, tilt, rise, near, far, slant, 62.5 * slant, 9_000, 1_404)


def looking(head: Head, *bearings: float) -> Poses:
    """One pose a bearing, all at the origin."""
    none = np.zeros(len(bearings), dtype=np.int32)
    return Poses((head,), none, none, np.array(bearings))


def end_on(slope: float, rise: float, slant: float) -> float:
    """How far off a target on a plane that rises by `slope` a metre is at the end of the range: d^2 + (rise - slope d)^2 = slant^2."""
    a, b, c = 1 + slope**2, -2 * slope * rise, rise**2 - slant**2
    return float((-b + np.sqrt(b * b - 4 * a * c)) / (2 * a))


@pytest.mark.parametrize("slope", [0.05, 0.2])
def test_on_a_plane_up_down_and_along(slope: float) -> None:
    """The upper edge meets the target at the end of the range: at d it is rise - slope d below looking up, rise + slope d looking down, and looking
    along the slope, either way, it is that of level ground. The near edge, tilt + VFOV/2 down, meets it at d = rise / (tan(down) + slope).
    """
    head, terrain = a_head(), ground(lambda x, y: 263.0 + slope * x)
    found = tilts(terrain, HERE, looking(head, UP, DOWN, ALONG, BACK))
    near, far = spans(terrain, HERE, looking(head, UP, DOWN, ALONG, BACK))
    for k, rising in enumerate((slope, -slope, 0.0, 0.0)):
        end = end_on(rising, 4.4, 60.0)
        tilt = float(np.degrees(np.arctan2(4.4 - rising * end, end))) + 12.0
        assert found[k] == pytest.approx(tilt, abs=1e-9)
        assert far[k] == pytest.approx(end, abs=1e-6)
        assert near[k] == pytest.approx(4.4 / (np.tan(np.radians(tilt + 12.0)) + rising), abs=1e-6)
    assert found[2:] == pytest.approx([head.tilt_deg] * 2, abs=1e-9)
    assert found[0] < head.tilt_deg - 2 < head.tilt_deg + 2 < found[1]
    # A slope turns the whole view about the pole, nearly: what is gained above is about what is gained below.
    assert head.tilt_deg - found[0] == pytest.approx(found[1] - head.tilt_deg, rel=0.1)


def test_a_slope_of_one_in_twenty_in_figures() -> None:
    """6 m up, VFOV 24 deg, 60 m of range: level 16.21 deg; up a slope of 5 % 13.34 deg, down it 19.05 deg."""
    found = tilts(ground(lambda x, y: 0.05 * x), HERE, looking(a_head(), ALONG, UP, DOWN))
    assert found.tolist() == pytest.approx([16.206, 13.347, 19.064], abs=0.01)


@pytest.mark.parametrize("level", [0.0, 263.7])
def test_level_terrain_asks_the_tilt_of_flat_ground(level: float) -> None:
    """On level ground of any height every model's every head keeps its tilt and its bounds, however high it hangs."""
    terrain = ground(lambda x, y: level)
    for height in (3.0, 6.0, 12.0):
        heads = [made for model in MODELS.values() for k in range(len(model.lenses)) if (made := make_head(model, k, height, 62.5)) is not None]
        rows = np.arange(len(heads), dtype=np.int32)
        poses = Poses(tuple(heads), np.zeros(len(heads), dtype=np.int32), rows, rows * 31.0 % 360)
        assert tilts(terrain, HERE, poses) == pytest.approx(tilts(None, HERE, poses), abs=1e-9)
        for found, given in zip(spans(terrain, HERE, poses), spans(None, HERE, poses), strict=True):
            assert found == pytest.approx(given, abs=1e-4)


def test_over_a_hump_the_hump_decides() -> None:
    """A hump of 3 m 30 m off stands highest: its face is 4.4 - 3 = 1.4 m below the mount, 2.67 deg below the horizon."""
    hump = ground(lambda x, y: np.maximum(0.0, 3.0 * (1 - np.abs(x - 30) / 10)))
    assert tilts(hump, HERE, looking(a_head(), UP))[0] == pytest.approx(np.degrees(np.arctan2(1.4, 30.0)) + 12.0, abs=0.01)
    assert tilts(hump, HERE, looking(a_head(), DOWN))[0] == pytest.approx(a_head().tilt_deg, abs=1e-9)


def test_a_steep_slope_is_looked_up() -> None:
    """Up a slope of 40 % a narrow lens looks above the horizon; below targets on level ground a low mount looks level; all round keeps its tilt."""
    steep = ground(lambda x, y: 0.4 * x)
    assert tilts(steep, HERE, looking(a_head(vfov=10.0), UP))[0] < -5
    low = dataclasses.replace(a_head(), height_m=1.0, rise_m=-0.6, tilt_deg=0.0)
    found = tilts(steep, HERE, looking(low, UP, ALONG, DOWN))
    assert found.tolist() == pytest.approx([-np.degrees(np.arctan(0.4)), 0.0, np.degrees(np.arctan(0.4))], abs=1e-6)
    assert tilts(steep, HERE, looking(a_head(hfov=360.0), UP)).tolist() == [a_head().tilt_deg]
    set_by_hand = dataclasses.replace(looking(a_head(), UP), tilt_deg=np.array([33.0]))
    assert tilts(steep, HERE, set_by_hand).tolist() == [33.0]


def test_the_verifier_s_own_way_agrees() -> None:
    """On rough ground a profile with a point every 2 cm asks the same tilt, to a twentieth of a degree."""
    rng = np.random.default_rng(6)
    terrain, head = rough(rng), a_head()
    points = rng.uniform(-60, 60, (150, 2)) + np.asarray(terrain.origin_m) + 150
    rows = np.arange(150, dtype=np.int32)
    poses = Poses((head,), rows, np.zeros(150, dtype=np.int32), rng.uniform(0, 360, 150))
    own = [tilt_over(terrain, (x, y), bearing, 6.0, 1.6, 24.0, 60.0) for (x, y), bearing in zip(points, poses.bearing_deg, strict=True)]
    found = tilts(terrain, points, poses)
    assert np.abs(found - own).max() < 0.05
    assert found.std() > 3


@pytest.mark.parametrize("bearing", [UP, ALONG, DOWN])
def test_matrix_raster_drawing_and_witness_take_the_same_tilt(bearing: float) -> None:
    """On a slope of 12 % targets ahead are seen from the near to the far edge of that tilt, in the matrix, in a raster, in what is drawn, and by what
    a witness is asked of.
    """
    terrain, head = ground(lambda x, y: 50.0 + 0.12 * x), a_head()
    walls: Walls = build_walls(NOTHING, (-200.0, -200.0), terrain)
    poses = looking(head, bearing)
    near, far = (float(span[0]) for span in spans(terrain, HERE, poses))
    way = np.array([np.sin(np.radians(bearing)), np.cos(np.radians(bearing))])
    away = np.arange(0.25, 75.0, 0.5)
    lines = cast(walls, HERE, away[:, None] * way, np.full(len(away), 1.6), reach_m=80.0, highest_m=6.1)
    seen = build_matrix(lines, poses, len(away)).px_per_m.toarray()[0] > 0
    assert (seen == ((away >= near) & (away <= far))).all()
    grid = Grid.over((-80.0, -80.0, 80.0, 80.0), 1.0)
    there = Standing(("a",), HERE, poses, ())
    count, _ = count_and_best(walls, there, grid, target_m=1.6)
    x, y = np.meshgrid(*grid.middles())
    (drawn,) = view_areas(walls, HERE, poses, target_m=1.6)
    inside = shapely.contains_xy(shapely.buffer(drawn, -0.7), x, y)
    assert (count[inside] == 1).all()
    assert (count[~shapely.contains_xy(shapely.buffer(drawn, 0.7), x, y)] == 0).all()
    ahead = shapely.intersection(drawn, shapely.LineString([(0, 0), 90 * way]))
    assert [shapely.distance(ahead, shapely.Point(0, 0)), ahead.length] == pytest.approx([near, far - near], abs=0.2)
    assert open_eyes(there, MODELS, terrain=terrain).tilt_deg[0] == tilts(terrain, HERE, poses)[0]


def test_up_a_slope_a_camera_is_aimed_at_what_level_tilt_would_lose() -> None:
    """A face 50 m off, 20 m up a slope, is above the picture of a level tilt: bearings are offered there all the same, and see it."""
    terrain, head = ground(lambda x, y: 0.4 * x), dataclasses.replace(a_head(vfov=20.0))
    walls = build_walls(NOTHING, (-200.0, -200.0), terrain)
    targets = np.array([[50.0, 2.0]])
    lines = cast(walls, HERE, targets, np.array([1.6]), reach_m=60.0, highest_m=6.1)
    none = (np.zeros(2, dtype=np.int64), np.empty(0))
    poses = make_poses(lines, (head,), np.ones(1), np.array([9.0]), none, Aim(streets=False, best=1))
    assert len(poses) == 1
    assert build_matrix(lines, poses, 1).px_per_m.nnz == 1
    level = dataclasses.replace(poses, tilt_deg=np.array([head.tilt_deg]))
    assert build_matrix(lines, level, 1).px_per_m.nnz == 0
