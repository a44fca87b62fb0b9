"""Which cameras see a place, and why the others do not: hand-worked, and the same as the coverage matrix."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import shapely

from coverage.matrix import build_matrix
from coverage.poses import EYE_M
from coverage.sight import Walls, cast
from coverage.standing import Standing, stand
from coverage.witness import Miss, Sighting, open_eyes, witness
from planning.catalogue import load_levels, load_models
from planning.city import City
from tests.coverage.watching import a_head, houses, stands, walls_of
from tests.planning.toy_streets import EAST, NORTH, box

MODELS, LEVELS = load_models(), load_levels()
OPEN = walls_of(houses())
OLD = {key: level for key, level in LEVELS.items() if not key.startswith("2025")}


def ask(
    cameras: Standing, x: float, y: float, *, walls: Walls = OPEN, night: bool = False, heights: tuple[float, ...] = (1.6,), near: float = 150.0
) -> tuple[tuple[Sighting, ...], tuple[Miss, ...]]:  # fmt: skip
    """Who sees a point of the toy's own metres, under the levels of 2014."""
    eyes = open_eyes(cameras, MODELS)
    return witness(walls, eyes, np.array([[EAST + x, NORTH + y]]), heights, OLD, night=night, missed_within_m=near)


def reasons(cameras: Standing, x: float, y: float, **more: object) -> tuple[str, ...]:
    """Why the only camera misses the place."""
    seen, missed = ask(cameras, x, y, **more)  # type: ignore[arg-type]
    assert not seen
    return missed[0].reasons


def test_a_sighting_worked_by_hand() -> None:
    """30 m east and 4.4 m below the lens a metre spans 1000 / sqrt(30² + 4.4²) pixels: 32.98, detection and no more."""
    (one,), missed = ask(stands(("a", 0, 0, 80.0, a_head())), 30, 0)
    assert not missed
    assert one.px_per_m == pytest.approx(1000 / math.sqrt(900 + 4.4**2), rel=1e-9)
    assert one.levels == ("detection",)
    assert (one.distance_m, one.bearing_deg, one.off_axis_deg) == (pytest.approx(30), pytest.approx(90), pytest.approx(10))
    assert (one.camera, one.planned, one.model, one.seen, one.tried, one.turns) == ("a", False, "bullet-4mp", 1, 1, False)


def test_levels_are_those_reached_from_the_coarsest() -> None:
    """At 8 m, 109.5 px/m: detection and observation; recognition asks 125."""
    (one,), _ = ask(stands(("a", 0, 0, 90.0, a_head())), 8, 0)
    assert one.px_per_m == pytest.approx(109.53, abs=0.01)
    assert one.levels == ("detection", "observation")


def test_out_of_reach() -> None:
    """1000 px at 25 px/m reach 40 m of slant: 39.7 m on the ground is within it, 39.8 m is not."""
    edge = math.sqrt(40**2 - 4.4**2)
    camera = stands(("a", 0, 0, 90.0, a_head()))
    assert ask(camera, edge - 0.01, 0)[0]
    assert reasons(camera, edge + 0.01, 0) == ("reach",)


@pytest.mark.parametrize(("degrees", "inside"), [(29.9, True), (-29.9, True), (30.1, False), (-30.1, False), (180.0, False)])
@pytest.mark.parametrize("bearing", [0.0, 90.0, 350.0])
def test_beside_the_picture(bearing: float, degrees: float, inside: bool) -> None:
    """A picture of 60 deg holds 30 deg to either side, past north too."""
    turn = math.radians(bearing + degrees)
    seen, missed = ask(stands(("a", 0, 0, bearing, a_head())), 20 * math.sin(turn), 20 * math.cos(turn))
    assert bool(seen) == inside
    assert inside or missed[0].reasons == ("outside",)


def test_the_blind_zone_at_its_foot() -> None:
    """The lower edge looks 40 deg down: 4.4 m below the lens that is 5.24 m away."""
    camera, edge = stands(("a", 0, 0, 90.0, a_head())), 4.4 / math.tan(math.radians(40))
    assert ask(camera, edge + 0.01, 0)[0]
    assert reasons(camera, edge - 0.01, 0) == ("blind",)


def test_above_the_picture() -> None:
    """Tilted 30 deg the upper edge looks 10 deg down: a face is in it up to 24.95 m, a plate, 0.8 m lower, up to 29.49 m."""
    camera = stands(("a", 0, 0, 90.0, a_head(tilt=30.0)))
    assert ask(camera, 24.9, 0)[0]
    assert reasons(camera, 25.0, 0) == ("outside",)
    (one,), _ = ask(camera, 25.0, 0, heights=(1.6, 0.8))
    assert (one.seen, one.tried) == (1, 2)


def test_blocked_by_a_house_says_from_which_height_it_would_be_clear() -> None:
    """A roof of 9 m that ends 16 m of 30 m away hides the place from every mount up to (9 - 1.6 t) / (1 - t), t = 16/30: 17.46 m."""
    walls = walls_of(houses(box(14, -5, 16, 5)))
    _, (one,) = ask(stands(("a", 0, 0, 90.0, a_head())), 30, 0, walls=walls)
    t = 16 / 30
    assert one.reasons == ("blocked",)
    assert one.clear_from_m == pytest.approx((9 - 1.6 * t) / (1 - t))
    for height, clear in ((17.4, False), (17.5, True)):
        assert bool(ask(stands(("a", 0, 0, 90.0, a_head(height=height, tilt=30.0))), 30, 0, walls=walls)[0]) == clear


def test_by_night_only_its_own_light() -> None:
    """The bullet's light reaches 30 m of slant: 29.67 m on the ground; by day the same place is seen."""
    camera, edge = stands(("a", 0, 0, 90.0, a_head())), math.sqrt(MODELS["bullet-4mp"].night_range_m ** 2 - 4.4**2)
    assert ask(camera, edge - 0.01, 0, night=True)[0]
    assert reasons(camera, edge + 0.01, 0, night=True) == ("dark",)
    assert ask(camera, edge + 0.01, 0)[0]


def test_all_reasons_are_told_in_one_order() -> None:
    """Far behind a camera, by night and behind a house: blocked, out of reach, outside the picture and dark."""
    walls = walls_of(houses(box(-30, -5, -20, 5)))
    assert reasons(stands(("a", 0, 0, 90.0, a_head())), -60, 0, walls=walls, night=True) == ("blocked", "reach", "outside", "dark")


def test_the_best_come_first_and_the_nearest_misses() -> None:
    """Sightings by pixels a metre, misses by distance; equals by id; cameras beyond the circle are not told."""
    rows = [("b", 0, 0, 90.0, a_head()), ("a", 0, 0, 90.0, a_head()), ("c", 10, 0, 90.0, a_head()), ("z", 25, 0, 0.0, a_head())]
    rows += [("y", 20, 0, 270.0, a_head()), ("far", 500, 0, 90.0, a_head())]
    seen, missed = ask(stands(*rows), 30, 0)
    assert [one.camera for one in seen] == ["c", "a", "b"]
    assert [one.camera for one in missed] == ["z", "y"]


def test_a_place_counts_where_any_point_around_it_is_seen() -> None:
    """A camera that sees one of two points sees the place, at that point's figures; the other is counted among those tried."""
    eyes = open_eyes(stands(("a", 0, 0, 90.0, a_head())), MODELS)
    points = np.array([[EAST + 3, NORTH], [EAST + 8, NORTH]])
    (one,), missed = witness(OPEN, eyes, points, (1.6,), OLD)
    assert (one.seen, one.tried, one.distance_m) == (1, 2, pytest.approx(8))
    assert not missed


def test_a_miss_is_told_by_the_point_it_comes_nearest_to_seeing() -> None:
    """Of a place in the blind zone behind the lens and a point before it that only a house hides, the house is the reason."""
    eyes = open_eyes(stands(("a", 0, 0, 90.0, a_head())), MODELS)
    points = np.array([[EAST - 3, NORTH], [EAST + 20, NORTH]])
    seen, (one,) = witness(walls_of(houses(box(10, -5, 12, 5))), eyes, points, (1.6,), OLD)
    assert not seen
    assert (one.reasons, one.distance_m) == (("blocked",), pytest.approx(20))


def test_points_around_a_place_may_lie_within_reach_where_it_does_not() -> None:
    """The place lies 42 m off, beyond the 39.8 m of the coarsest level; a point 3 m nearer is seen, misses told or not."""
    eyes = open_eyes(stands(("a", 0, 0, 90.0, a_head())), MODELS)
    points = np.array([[EAST + 42, NORTH], [EAST + 39, NORTH]])
    (one,), _ = witness(OPEN, eyes, points, (1.6,), OLD, missed_within_m=0.0)
    assert one.distance_m == pytest.approx(39)


def test_a_camera_that_looks_nobody_knows_where_has_no_axis() -> None:
    """Taken to look all round it sees behind itself, without an angle off its axis; a PTZ is marked as one that turns."""
    rows = [("a", 0, 0, 0.0, a_head(hfov=360.0)), ("p", 0, 5, 180.0, a_head(model="ptz-2mp"))]
    seen, _ = ask(stands(*rows), 0, -20)
    assert {one.camera: (one.off_axis_deg is None, one.turns) for one in seen} == {"a": (True, False), "p": (False, True)}


def test_a_camera_that_reaches_nothing_is_told_as_out_of_reach() -> None:
    """A camera without a pose keeps its place among those that miss."""
    full = stands(("a", 0, 0, 90.0, a_head()), ("high", 0, 3, 90.0, a_head()))
    without = replace(full, poses=replace(stands(("a", 0, 0, 90.0, a_head())).poses, heads=full.poses.heads))
    seen, missed = ask(without, 20, 0)
    assert [one.camera for one in seen] == ["a"]
    assert [(one.camera, one.reasons) for one in missed] == [("high", ("reach",))]


def test_no_cameras_no_witness() -> None:
    """Without cameras nobody sees and nobody misses."""
    assert ask(stands(), 0, 0) == ((), ())


def test_turning_the_world_turns_nothing_but_bearings() -> None:
    """Place and cameras turned together about a point give the same pixels, distances and angles off the axis."""
    rng = np.random.default_rng(5)
    rows = [(f"c{k}", *rng.uniform(-30, 30, 2), rng.uniform(0, 360), a_head(hfov=100.0)) for k in range(40)]
    seen, missed = ask(stands(*rows), 0, 0)
    turn = math.radians(37.0)
    c, s = math.cos(turn), math.sin(turn)
    turned = [(name, x * c + y * s, y * c - x * s, (bearing + 37.0) % 360, head) for name, x, y, bearing, head in rows]
    seen_then, missed_then = ask(stands(*turned), 0, 0)
    assert len(seen) > 2
    assert [one.camera for one in seen] == [one.camera for one in seen_then]
    assert [(one.camera, one.reasons) for one in missed] == [(one.camera, one.reasons) for one in missed_then]
    for before, after in zip(seen, seen_then, strict=True):
        assert after.px_per_m == pytest.approx(before.px_per_m)
        assert after.off_axis_deg == pytest.approx(before.off_axis_deg, abs=1e-6)
        assert (after.bearing_deg - before.bearing_deg) % 360 == pytest.approx(37.0)


def test_it_agrees_with_the_coverage_matrix(town: City) -> None:
    """At the level the cameras stand at, whoever sees a point by the matrix is a witness with the same pixels a metre, and nobody else is."""
    px = LEVELS["observation"].px_per_m
    cameras = stand(town["cameras"], town["buildings"], MODELS, px)
    walls = walls_of(town["buildings"])
    xy = np.random.default_rng(3).uniform((-160, -100), (150, 120), size=(1200, 2)) + (EAST, NORTH)
    solid = shapely.union_all(town["buildings"].geometry.array)
    xy = xy[~shapely.intersects_xy(solid, xy[:, 0], xy[:, 1])]
    lines = cast(walls, cameras.points_m, xy, np.full(len(xy), EYE_M), reach_m=200.0, highest_m=9.0)
    matrix = build_matrix(lines, cameras.poses, len(xy)).px_per_m.toarray()
    eyes = open_eyes(cameras, MODELS)
    pairs = 0
    for row in range(len(xy)):
        seen, _ = witness(walls, eyes, xy[[row]], (EYE_M,), {"observation": LEVELS["observation"]})
        found = {one.camera: one.px_per_m for one in seen}
        wanted = {cameras.ids[cameras.poses.site[pose]]: matrix[pose, row] for pose in np.flatnonzero(matrix[:, row])}
        assert found == pytest.approx(wanted, rel=1e-5)
        pairs += len(wanted)
    assert pairs > 20
