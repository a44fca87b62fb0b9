"""Cameras on the ways out: when and how likely they are passed, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from coverage.leaving import Leaving, leave, street_views
from coverage.standing import Standing
from coverage.witness import open_eyes
from planning.catalogue import load_models
from planning.paces import Pace
from planning.walks import street_ways
from tests.coverage.watching import a_head, houses, stands, walls_of
from tests.planning.toy_streets import EAST, NORTH, box, cross

MODELS = load_models()
PACE = Pace("walk", "On foot", "पैदल", 3.6, 7.2, ("motorway",), "made", True)  # 1 to 2 m/s


def ways_out(
    cameras: Standing, x: float, y: float, *, minutes: float = 10.0, night: bool = False, wall: bool = False, tunnel: bool = False
) -> Leaving:  # fmt: skip
    """The ways out of a cross of 200 m arms in 10 m steps, at 1 to 2 m/s; a house hides 15 to 25 m east where asked."""
    ways = street_ways(cross(200.0, tunnel=tunnel), 10.0)
    eyes = open_eyes(cameras, MODELS)
    walls = walls_of(houses(box(109, -30, 110, 30)) if wall else houses())
    views = street_views(walls, eyes, ways, height_m=1.6, least_px_per_m=25.0)
    return leave(eyes, ways, views, EAST + x, NORTH + y, PACE, minutes, night=night)


EASTWARD = ("e", 100.0, 0.0, 90.0, a_head())  # it sees the arm from 105.24 m to 139.76 m: the points at 110, 120 and 130 m


def test_the_window_is_from_the_fastest_at_the_nearest_to_the_slowest_at_the_farthest() -> None:
    """From 30 m east the camera's points lie 80, 90 and 100 m on: 40 s at 2 m/s to 100 s at 1 m/s, passed by the half that goes east."""
    found = ways_out(stands(EASTWARD), 30, 0)
    (one,) = found.passing
    assert (one.camera, one.planned, one.pace) == ("e", False, "walk")
    assert (one.from_s, one.to_s, one.first_m) == pytest.approx((40, 100, 80))
    assert one.chance == pytest.approx(1 / 2)
    assert (one.x_m, one.y_m) == pytest.approx((EAST + 110, NORTH))
    assert one.px_per_m == pytest.approx(1000 / np.hypot(10, 4.4))
    assert found.unseen == pytest.approx(1 / 2)


def test_no_window_ends_after_the_minutes_asked_for() -> None:
    """Within 0.75 minutes, 45 s, 90 m can be gone: two points are reached, and the window ends with the time."""
    (one,) = ways_out(stands(EASTWARD), 30, 0, minutes=0.75).passing
    assert (one.from_s, one.to_s) == pytest.approx((40, 45))
    assert ways_out(stands(EASTWARD), 30, 0, minutes=0.5).passing == ()


def test_points_reached_come_with_their_times() -> None:
    """Within 20 s at 2 m/s, 40 m of street each way; early and late are those of the two paces."""
    found = ways_out(stands(), 0, 0, minutes=1 / 3)
    assert len(found.point) == 1 + 4 * 4
    np.testing.assert_allclose(found.early_s * 2, found.gone_m)
    np.testing.assert_allclose(found.late_s, found.gone_m)
    assert found.unseen == pytest.approx(1)


def test_what_a_house_hides_is_not_passed_in_view() -> None:
    """A house at the first point hides the street behind it."""
    assert ways_out(stands(EASTWARD), 30, 0, wall=True).passing == ()


def test_by_night_only_what_its_light_reaches() -> None:
    """The light reaches 30 m, 29.67 m on the ground: the point 30 m from the camera falls out, and the window ends at 90 m."""
    (one,) = ways_out(stands(EASTWARD), 30, 0, night=True).passing
    assert (one.from_s, one.to_s) == pytest.approx((40, 90))


def test_in_tunnels_nobody_is_seen() -> None:
    """A tunnel is a way out, but no camera above sees into it."""
    assert ways_out(stands(EASTWARD), 30, 0, tunnel=True).passing == ()


def test_roads_left_unseen_are_told_the_likeliest_first() -> None:
    """With a camera on the eastern arm, who leaves from 30 m east unseen ends on one of three others, a sixth each, at its tip."""
    found = ways_out(stands(EASTWARD), 30, 0)
    assert [(one.road, round(one.chance, 6)) for one in found.unseen_on] == [(1, 0.166667), (2, 0.166667), (3, 0.166667)]
    np.testing.assert_allclose([(one.x_m - EAST, one.y_m - NORTH) for one in found.unseen_on], [(0, 200), (-200, 0), (0, -200)], atol=1e-6)
    assert sum(one.chance for one in found.unseen_on) == pytest.approx(found.unseen)
    alone = ways_out(stands(), 30, 0)
    assert (alone.unseen_on[0].road, alone.unseen_on[0].chance) == (0, pytest.approx(1 / 2))


def test_the_likeliest_come_first_then_the_soonest_then_by_id() -> None:
    """A camera over the middle is passed by the half that comes there; one on an arm beyond by a sixth."""
    north = ("n", 0.0, 60.0, 0.0, a_head())
    middle = [(name, -20.0, 0.0, 90.0, a_head(hfov=20.0)) for name in ("m2", "m1")]
    found = ways_out(stands(north, *middle, EASTWARD), 30, 0)
    assert [(one.camera, round(one.chance, 3)) for one in found.passing] == [("m1", 0.5), ("m2", 0.5), ("e", 0.5), ("n", 0.167)]
    assert found.unseen == pytest.approx(0)


def test_the_same_question_has_the_same_answer() -> None:
    """Nothing in it is left to chance."""
    rng = np.random.default_rng(2)
    rows = [(f"c{k}", *rng.uniform(-150, 150, 2), rng.uniform(0, 360), a_head(hfov=120.0)) for k in range(30)]
    first, second = (ways_out(stands(*rows), 30, 0) for _ in range(2))
    assert len(first.passing) > 3
    assert first.passing == second.passing
