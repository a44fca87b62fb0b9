"""How finely, how far and how steeply a camera sees."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverage.optics import WIDEST_PINHOLE_DEG, far_m, focal_px, ground_reach_m, near_m, reach_m, tilt_deg

RISES = st.floats(0.1, 38.0)
FIELDS = st.floats(5.0, 120.0)
GROUNDS = st.floats(0.5, 500.0)


def test_a_right_angle_spreads_the_width_over_twice_the_focal_length() -> None:
    """2560 px across 90 deg are a focal length of 1280 px, since tan 45 deg is 1; 1920 px across 60 deg are 1662.77 px."""
    assert focal_px(2560, 90.0) == pytest.approx(1280.0)
    assert focal_px(1920, 60.0) == pytest.approx(960 * math.sqrt(3))


def test_dori_ranges_of_a_full_hd_camera() -> None:
    """IEC 62676-4: at 90 deg 1920 px detect (25 px/m) to 38.4 m, observe (62.5) to 15.36 m, recognise (125) to 7.68 m, identify (250) to 3.84 m."""
    focal = focal_px(1920, 90.0)
    assert [reach_m(focal, level) for level in (25, 62.5, 125, 250)] == pytest.approx([38.4, 15.36, 7.68, 3.84])


@pytest.mark.parametrize("hfov", [24.0, 60.0, 90.0, 110.0])
def test_published_scene_widths_of_axis(hfov: float) -> None:
    """Axis, "Perfect pixel count, use the model": 1920 px identify at 5 px/cm over at most 384 cm of scene, and a loading dock 10 m wide needs
    1250 px at 125 px/m, so 1280 px do: whatever the lens, where its reach ends the picture is so wide.
    """
    for width_px, level, wide_m in ((1920, 500.0, 3.84), (1250, 125.0, 10.0)):
        reach = reach_m(focal_px(width_px, hfov), level)
        assert 2 * reach * math.tan(math.radians(hfov / 2)) == pytest.approx(wide_m)
    dock_m = 10.0 / (2 * math.tan(math.radians(hfov / 2)))  # from where the dock fills the picture
    assert reach_m(focal_px(1280, hfov), 125.0) > dock_m > reach_m(focal_px(1249, hfov), 125.0)


def test_a_published_density_of_a_lens_at_a_distance() -> None:
    """SubC Imaging, "Pixel density": 4056 px across 71 deg see 2.85 m at 2 m, which is 0.70 mm a pixel."""
    assert 1000 * 2.0 / focal_px(4056, 71.0) == pytest.approx(0.70, abs=0.005)
    assert 4056 * 2.0 / focal_px(4056, 71.0) == pytest.approx(2.85, abs=0.005)


def test_a_wide_lens_spreads_its_pixels_over_the_angle() -> None:
    """Beyond 120 deg the density is pixels a radian: all round, 6283 px are 1000 px to the radian."""
    assert focal_px(6283, 360.0) == pytest.approx(6283 / (2 * math.pi))
    assert focal_px(2000, 180.0) == pytest.approx(2000 / math.pi)
    assert focal_px(2000, WIDEST_PINHOLE_DEG) == pytest.approx(1000 / math.tan(math.radians(60)))


@given(st.floats(5.0, 119.0), st.floats(0.1, 1.0))
def test_a_narrower_lens_reaches_farther(hfov: float, less: float) -> None:
    """Turning the zoom in never shortens the reach."""
    assert focal_px(2560, hfov - less) > focal_px(2560, hfov)


def test_ground_reach_is_the_other_leg() -> None:
    """A slant range of 13 m from 5 m above reaches 12 m along the ground; of 4 m, nothing; from below it is the same leg."""
    assert ground_reach_m(13.0, 5.0) == pytest.approx(12.0)
    assert ground_reach_m(4.0, 5.0) == 0.0
    assert ground_reach_m(13.0, -5.0) == pytest.approx(12.0)


def test_near_and_far_by_hand() -> None:
    """4.4 m above the target, tilted 45 deg with a field of 30 deg high: from 4.4 / tan 60 deg to 4.4 / tan 30 deg."""
    assert near_m(4.4, 45.0, 30.0) == pytest.approx(4.4 / math.sqrt(3))
    assert far_m(4.4, 45.0, 30.0) == pytest.approx(4.4 * math.sqrt(3))


def test_the_edges_at_horizon_and_nadir() -> None:
    """An upper edge at the horizon sees without end; a lower edge straight down leaves no blind zone; a camera level with its targets has none
    either.
    """
    assert far_m(4.4, 15.0, 30.0) == math.inf
    assert far_m(4.4, 0.0, 30.0) == math.inf
    assert near_m(4.4, 75.0, 30.0) == 0.0
    assert near_m(0.0, 10.0, 30.0) == 0.0


@given(RISES, FIELDS, GROUNDS)
def test_the_upper_edge_meets_the_reach_or_the_lower_edge_the_nadir(rise: float, vfov: float, ground: float) -> None:
    """Tilted by the rule, the view ends exactly at the reach; where that would pass straight down, the lower edge stops there. Never above the
    horizon.
    """
    tilt = tilt_deg(rise, vfov, ground)
    assert tilt >= 0
    assert tilt + vfov / 2 <= 90 + 1e-9 or tilt == 0
    upper = math.degrees(math.atan2(rise, ground))
    if upper + vfov <= 90:
        assert far_m(rise, tilt, vfov) == pytest.approx(ground, rel=1e-6)
    elif tilt > 0:
        assert near_m(rise, tilt, vfov) == pytest.approx(0.0, abs=1e-9)
    assert near_m(rise, tilt, vfov) <= far_m(rise, tilt, vfov)


@given(RISES, FIELDS, GROUNDS, st.floats(1.0, 5.0))
def test_a_triangle_scaled_is_the_same_triangle(rise: float, vfov: float, ground: float, scale: float) -> None:
    """Twice as high and twice as far is the same tilt and twice the blind zone."""
    tilt = tilt_deg(rise, vfov, ground)
    assert tilt_deg(rise * scale, vfov, ground * scale) == pytest.approx(tilt)
    assert near_m(rise * scale, tilt, vfov) == pytest.approx(scale * near_m(rise, tilt, vfov))


def test_a_camera_below_its_targets_looks_level_and_up() -> None:
    """1 m below the target, level, with 90 deg of height: the upper edge rises 45 deg, so the view begins at 1 m and has no end."""
    assert tilt_deg(-1.0, 90.0, 20.0) == 0.0
    assert near_m(-1.0, 0.0, 90.0) == pytest.approx(1.0)
    assert far_m(-1.0, 0.0, 90.0) == math.inf
    assert near_m(-1.0, 50.0, 90.0) == math.inf


def test_no_reach_looks_straight_down() -> None:
    """With nothing in reach along the ground the lower edge stands at the nadir."""
    assert tilt_deg(4.4, 30.0, 0.0) == pytest.approx(75.0)
