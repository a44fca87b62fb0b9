"""The area a camera sees, drawn for a map."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely

from coverage.poses import Head, Poses, make_head
from coverage.sight import build_walls
from coverage.terrain import Terrain
from coverage.views import view_areas
from planning.nouns import CameraModel, Lens


def head(hfov: float, near: float, far: float) -> Head:
    """A head at 6 m."""
    return Head("m", 0, hfov, 60.0, 6.0, 30.0, 4.4, near, far, far, 1_000.0, 9_000, 1_404)


def area(made: Head, bearing: float, *houses: shapely.Geometry, x: float = 552_000.0, y: float = 2_443_000.0) -> shapely.Geometry:
    """The view of one camera among houses of 9 m, given around the camera."""
    shapes = [shapely.transform(house, lambda xy: xy + (x, y)) for house in houses]
    walls = build_walls(gpd.GeoDataFrame({"height_m": [9.0] * len(shapes)}, geometry=shapes, crs="EPSG:32644"), (x - 7, y + 3))
    poses = Poses((made,), np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int32), np.array([bearing]))
    (found,) = view_areas(walls, np.array([[x, y]]), poses, target_m=1.6)
    return shapely.transform(found, lambda xy: xy - (x, y))


@pytest.mark.parametrize(("hfov", "near", "far"), [(90.0, 5.0, 30.0), (60.0, 0.0, 40.0), (360.0, 5.0, 30.0), (360.0, 0.0, 30.0), (200.0, 3.0, 25.0)])
def test_in_the_open_it_is_a_piece_of_a_ring(hfov: float, near: float, far: float) -> None:
    """Without walls the area is that of the ring's sector, a little less for its straight edges, and valid."""
    found = area(head(hfov, near, far), 77.0)
    assert found.is_valid
    assert found.area == pytest.approx(np.pi * (far**2 - near**2) * hfov / 360, rel=2e-3)


def test_it_looks_where_it_is_aimed() -> None:
    """Bearing 90 is east: a sector of 60 deg lies within 30 deg of it, from near to far."""
    found = area(head(60.0, 5.0, 30.0), 90.0)
    assert found.bounds == pytest.approx((5 * np.cos(np.radians(30)), -15.0, 30.0, 15.0), abs=0.05)
    assert found.contains(shapely.Point(20, 0))
    assert not found.contains(shapely.Point(-20, 0))


def test_a_wall_casts_a_shadow() -> None:
    """Behind a high wall nothing is drawn, before it all; the edge is right to a few centimetres."""
    found = area(head(60.0, 2.0, 30.0), 0.0, shapely.box(-40, 12, 40, 14))
    assert found.bounds[3] == pytest.approx(12.0, abs=0.1)
    assert found.contains(shapely.Point(0, 11.5))
    assert not found.intersects(shapely.box(-40, 12.1, 40, 40))


def test_a_view_walled_in_is_empty() -> None:
    """A wall nearer than the blind zone's end leaves nothing to draw."""
    assert area(head(60.0, 8.0, 30.0), 0.0, shapely.box(-40, 3, 40, 4)).is_empty


def test_one_area_a_pose_in_order() -> None:
    """Many poses give an area each, in their order; none give none."""
    walls = build_walls(gpd.GeoDataFrame({"height_m": []}, geometry=[], crs="EPSG:32644"), (0.0, 0.0))
    heads = (head(60.0, 2.0, 30.0), head(360.0, 2.0, 10.0))
    points = np.array([[0.0, 0.0], [100.0, 0.0]])
    poses = Poses(heads, np.array([0, 1, 1], dtype=np.int32), np.array([0, 1, 0], dtype=np.int32), np.array([0.0, 0.0, 180.0]))
    found = view_areas(walls, points, poses, target_m=1.6)
    assert [shapely.contains_xy(shape, x, y) for shape, x, y in zip(found, (0, 100, 100), (20, 9, -20), strict=True)] == [True] * 3
    none = Poses(heads, np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32), np.empty(0))
    assert view_areas(walls, points, none, target_m=1.6) == []


def on(terrain: Terrain, made: Head, bearing: float, *houses: shapely.Geometry) -> shapely.Geometry:
    """The view of one camera at the origin, its tilt that of its head, on this ground, among houses of 9 m."""
    walls = build_walls(gpd.GeoDataFrame({"height_m": [9.0] * len(houses)}, geometry=list(houses), crs="EPSG:32644"), (-7.0, 3.0), terrain)
    poses = Poses((made,), np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int32), np.array([bearing]), np.array([made.tilt_deg]))
    (found,) = view_areas(walls, np.array([[0.0, 0.0]]), poses, target_m=1.6)
    return found


def ground(height: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Terrain:
    """Ground of this height, in nodes 5 m apart, 100 m each way."""
    x, y = np.meshgrid(np.arange(41) * 5.0 - 100, np.arange(41) * 5.0 - 100)
    return Terrain((-100.0, -100.0), 5.0, height(x, y) + np.zeros(x.shape))


def test_on_level_ground_it_is_the_flat_city_s_view() -> None:
    """Level terrain draws what no terrain draws, shadows included, to the centimetres it is bisected to."""
    model = CameraModel("m", "m", "m", "fixed", 2560, 1440, (Lens(90, 50),), 30.0, 9_000, 1_404, 7.0, 4.0, "test")
    made = make_head(model, 0, 6.0, 62.5)
    assert made is not None
    house = shapely.box(-6, 9, 2, 14)
    flat, level = area(made, 10.0, house, x=0.0, y=0.0), on(ground(lambda x, y: x * 0 + 263.7), made, 10.0, house)
    assert level.is_valid
    assert level.symmetric_difference(flat).area < 0.02 * flat.area


def test_downhill_the_view_begins_later_and_uphill_earlier() -> None:
    """From 6 m with the picture's lower edge 45 deg down, faces are seen from 4.4 m on the level; where the ground falls one in four, from 4.4 / 0.75
    on, where it rises, from 4.4 / 1.25 on.
    """
    made = dataclasses.replace(head(60.0, 4.4, 40.0), tilt_deg=25.0, vfov_deg=40.0, slant_m=40.0)
    for fall, wanted in ((0.0, 4.4), (0.25, 4.4 / 0.75), (-0.25, 4.4 / 1.25)):
        found = on(ground(lambda x, y, fall=fall: 250 - fall * np.hypot(x, y)), made, 0.0)
        assert shapely.distance(found, shapely.Point(0, 0)) == pytest.approx(wanted, abs=0.3)


def test_a_bank_casts_a_shadow() -> None:
    """Behind a bank higher than the mount nothing is drawn; in front of it all."""
    made = dataclasses.replace(head(60.0, 2.0, 60.0), tilt_deg=10.0, vfov_deg=60.0, slant_m=60.0)
    found = on(ground(lambda x, y: 250 + 12.0 * np.maximum(1 - np.abs(y - 30) / 5, 0)), made, 0.0)
    assert found.contains(shapely.Point(0, 24))
    assert found.bounds[3] < 31.0
