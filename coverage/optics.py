"""How finely, how far and how steeply a camera sees.

From the side, flat ground, heights above it [m]; dh = mount height - target height:

    camera *---------------------------- horizon
           |\\ \\__ tilt - VFOV/2
        dh | \\    \\____ far
           |  \\         \\____
    target +---\\-------------\\----> distance
             near            far

    near = dh / tan(tilt + VFOV/2)      far = dh / tan(tilt - VFOV/2), without end where tilt <= VFOV/2

From above: f_px = width_px / (2 tan(HFOV/2)); at slant range R a metre spans f_px / R pixels (IEC 62676-4).
"""

from __future__ import annotations

import math

WIDEST_PINHOLE_DEG = 120.0


def focal_px(width_px: int, hfov_deg: float) -> float:
    """Focal length in pixels [px].

    Up to 120 deg the pinhole's, W / (2 tan(HFOV/2)), which is the density in the picture's middle, its least. Wider lenses are built to spread the
    pixels evenly over the angle: W / HFOV [rad].

    Parameters
    ----------
    width_px: pixels across the picture [px].
    hfov_deg: horizontal field of view, above 0 and up to 360 [deg].
    """
    if hfov_deg <= WIDEST_PINHOLE_DEG:
        return width_px / (2 * math.tan(math.radians(hfov_deg) / 2))
    return width_px / math.radians(hfov_deg)


def reach_m(focal: float, px_per_m: float) -> float:
    """The longest slant range at which a metre still spans `px_per_m` pixels: f_px / level [m]."""
    return focal / px_per_m


def ground_reach_m(slant_m: float, rise_m: float) -> float:
    """Horizontal distance of a target at slant range `slant_m`, seen from `rise_m` above it; 0 where it lies out of range [m]."""
    return math.sqrt(max(slant_m * slant_m - rise_m * rise_m, 0.0))


def tilt_deg(rise_m: float, vfov_deg: float, ground_m: float) -> float:
    """The tilt below the horizon that puts the picture's upper edge on a target at `ground_m` [deg].

    No picture is spent on what lies beyond reach, so the blind zone at the pole's foot is the smallest that keeps the reach. Never beyond straight
    down: the lower edge stops at the nadir. A camera below its targets looks level: tilted lower it would lose the near ones.

    Parameters
    ----------
    rise_m: mount height less target height [m].
    vfov_deg: vertical field of view [deg].
    ground_m: horizontal reach [m].
    """
    if rise_m < 0:
        return 0.0
    upper = math.degrees(math.atan2(rise_m, ground_m)) if ground_m > 0 else 90.0
    return max(min(upper + vfov_deg / 2, 90.0 - vfov_deg / 2), 0.0)


def near_m(rise_m: float, tilt: float, vfov_deg: float) -> float:
    """Where the view begins on the target plane: dh / tan(tilt + VFOV/2); 0 where the lower edge passes straight down [m].

    From below the target plane it is the upper edge that the nearest targets pass; infinite where that looks at or below the horizon.
    """
    if rise_m < 0:
        upper = vfov_deg / 2 - tilt
        return -rise_m / math.tan(math.radians(upper)) if upper > 0 else math.inf
    lower = tilt + vfov_deg / 2
    if lower >= 90.0 or rise_m == 0:
        return 0.0
    return rise_m / math.tan(math.radians(lower))


def far_m(rise_m: float, tilt: float, vfov_deg: float) -> float:
    """Where the view ends on the target plane: dh / tan(tilt - VFOV/2); infinite where the upper edge looks at or above the horizon [m]."""
    upper = tilt - vfov_deg / 2
    if upper <= 0:
        return math.inf
    return rise_m / math.tan(math.radians(upper))
