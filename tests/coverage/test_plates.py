"""Where plates are read: a camera on a pole beside a straight road."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pytest
import shapely

from coverage.optics import focal_px
from coverage.plates import plate_reads
from coverage.poses import Poses, make_head
from coverage.sight import build_walls
from coverage.terrain import Terrain
from coverage.tilts import tilts
from planning.catalogue import load_models
from planning.movement import load_movement_figures

FIGURES = load_movement_figures()
ANPR = load_models()["anpr-2mp"]
OPEN = build_walls(gpd.GeoDataFrame({"height_m": []}, geometry=[], crs="EPSG:32644"), (0.0, 0.0))


def poses_of(*bearings: float, height_m: float = 4.0) -> Poses:
    """Plate cameras at the origin, tilted for plates at 250 px/m."""
    head = make_head(ANPR, 0, height_m, 250.0, target_m=0.8)
    assert head is not None
    n = len(bearings)
    return Poses((head,), np.zeros(n, dtype=np.int32), np.zeros(n, dtype=np.int32), np.array(bearings, dtype=np.float64))


def read(poses: Poses, places: list[tuple[float, float]], headings: list[float], figures: object = FIGURES, walls: object = OPEN) -> list[list[bool]]:
    """Which places each pose reads."""
    found = plate_reads(walls, np.zeros((1, 2)), poses, np.array(places, dtype=float), np.array(headings, dtype=float), figures)  # type: ignore[arg-type]
    assert found.dtype == bool
    table: list[list[bool]] = found.toarray().tolist()
    return table


def test_reach_and_steepness_bound_the_road_that_is_read() -> None:
    """Along a road straight ahead plates are read from where the view is no steeper than 30 deg and in the picture out to focal / 250 px/m."""
    poses = poses_of(0.0)
    head = poses.heads[0]
    slant = focal_px(1920, 30.0) / 250
    far = math.sqrt(slant**2 - 3.2**2)
    lower = min(head.tilt_deg + head.vfov_deg / 2, 30.0)
    near = 3.2 / math.tan(math.radians(lower))
    assert near < far - 1
    places = [(0.0, near - 0.05), (0.0, near + 0.05), (0.0, far - 0.05), (0.0, far + 0.05)]
    assert read(poses, places, [180.0] * 4) == [[False, True, True, False]]


def test_a_steep_view_reads_nothing() -> None:
    """With the limit lowered to 18 deg the nearer places fall out."""
    poses = poses_of(0.0)
    y = 3.2 / math.tan(math.radians(20.0))
    assert read(poses, [(0.0, y)], [180.0]) == [[True]]
    assert read(poses, [(0.0, y)], [180.0], FIGURES.replaced(plate_vertical_deg=18)) == [[False]]


def test_the_way_driven_decides() -> None:
    """Toward the camera within 20 deg the front plate, away from it within 20 deg the rear one, where rear plates count; across it neither."""
    poses, here = poses_of(0.0), (0.0, 11.0)
    headings = [180.0, 161.0, 159.0, 200.0, 201.0, 0.0, 340.0, 339.0, 90.0]
    assert read(poses, [here] * 9, headings) == [[True, True, False, True, False, True, True, False, False]]
    assert read(poses, [here] * 9, headings, FIGURES.replaced(plate_rear=0)) == [[True, True, False, True, False, False, False, False, False]]


def test_what_lies_beside_or_behind_the_picture_is_not_read() -> None:
    """A camera turned 16 deg away from a place, with a view of 30 deg, does not read it; turned 14 deg it does; one behind its back is not read."""
    place = (0.0, 11.0)
    assert read(poses_of(16.0, 14.0, 344.0, 346.0, 180.0), [place], [180.0]) == [[False], [True], [False], [True], [False]]


def test_a_wall_hides_the_plate() -> None:
    """A house between camera and plate blocks it, a low wall under the line of sight does not."""
    for height, seen in ((5.0, False), (1.0, True)):
        house = gpd.GeoDataFrame({"height_m": [height]}, geometry=[shapely.box(-3, 4, 3, 6)], crs="EPSG:32644")
        assert read(poses_of(0.0), [(0.0, 11.0)], [180.0], walls=build_walls(house, (0.0, 0.0))) == [[seen]], height


def test_a_higher_mount_of_the_same_pole_sees_over_a_wall() -> None:
    """Two cameras on one pole, the lower behind a wall that the upper looks over: each is asked for itself."""
    heads = [make_head(ANPR, 0, height, 250.0, target_m=0.8) for height in (3.0, 6.0)]
    poses = Poses(tuple(head for head in heads if head), np.zeros(2, dtype=np.int32), np.arange(2).astype(np.int32), np.zeros(2))
    wall = gpd.GeoDataFrame({"height_m": [2.6]}, geometry=[shapely.box(-3, 4, 3, 4.5)], crs="EPSG:32644")
    assert read(poses, [(0.0, 11.0)], [180.0]) == [[True], [True]]
    assert read(poses, [(0.0, 11.0)], [180.0], walls=build_walls(wall, (0.0, 0.0))) == [[False], [True]]


def test_on_a_slope_the_plate_lies_lower_or_higher() -> None:
    """Where the road falls away 1 in 4 a plate 11 m ahead lies 2.75 m lower, at 28 deg, beyond a limit of 25; where it rises the camera looks up
    along it and reads one that a level tilt would lose above its picture.
    """
    x = np.arange(-50.0, 51.0, 1.0)
    none = gpd.GeoDataFrame({"height_m": []}, geometry=[], crs="EPSG:32644")
    ground = [Terrain((-50.0, -50.0), 1.0, np.tile(rise * x[:, None], (1, 101))) for rise in (-0.25, 0.25)]
    down, up = (build_walls(none, (0.0, 0.0), terrain) for terrain in ground)
    poses, limit = poses_of(0.0), FIGURES.replaced(plate_vertical_deg=25)
    assert read(poses, [(0.0, 11.0)], [180.0], limit) == [[True]]
    assert read(poses, [(0.0, 11.0)], [180.0], limit, down) == [[False]]
    shallow = math.degrees(math.atan2(3.2 - 2.75, 11.0))
    assert abs(shallow - poses.heads[0].tilt_deg) > poses.heads[0].vfov_deg / 2
    assert abs(shallow - tilts(up.terrain, np.zeros((1, 2)), poses)[0]) < poses.heads[0].vfov_deg / 2
    assert read(poses, [(0.0, 11.0)], [180.0], limit, up) == [[True]]


def test_a_turned_scene_reads_the_same() -> None:
    """Turned about the camera by any angle, places, headings and bearings together, the same plates are read."""
    rng = np.random.default_rng(3)
    places, headings = rng.uniform(-15, 15, (60, 2)), rng.uniform(0, 360, 60)
    expected = read(poses_of(10.0), list(map(tuple, places)), list(headings))
    assert any(expected[0])
    for turn in (37.0, 90.0, 211.0):
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        turned = places @ np.array([[c, -s], [s, c]])  # clockwise
        assert read(poses_of((10.0 + turn) % 360), list(map(tuple, turned)), list((headings + turn) % 360)) == expected


@pytest.mark.parametrize("places", [[], [(0.0, 11.0)]])
def test_nothing_to_read_is_an_empty_table(places: list[tuple[float, float]]) -> None:
    """Without places or poses the table has no entry and its right shape."""
    found = plate_reads(OPEN, np.zeros((1, 2)), poses_of(), np.array(places).reshape(-1, 2), np.zeros(len(places)), FIGURES)
    assert found.shape == (0, len(places))
    found = plate_reads(OPEN, np.zeros((1, 2)), poses_of(0.0), np.zeros((0, 2)), np.zeros(0), FIGURES)
    assert found.shape == (1, 0)
