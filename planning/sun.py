"""Sunrise, sunset and whether it is night, by the formulas of NOAA's solar calculator (after Meeus, Astronomical Algorithms, 1991).

         noon                   the sun's centre stands `zenith_deg` from straight up when it rises or sets: 90 deg, and 0.833 deg more for the
      .---*---.                 air's refraction and the sun's own radius
     /    |    \\
    /   zenith  \\               cos(hour angle) = (cos zenith - sin latitude sin declination) / (cos latitude cos declination)
---*------o------*---
  rise  observer  set           a degree of hour angle is 4 minutes

Times are local clock times without an offset, in a zone given as hours ahead of UTC. Good to a minute between the polar circles, 1950 to 2100.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

RISES_DEG = 90.833
_EPOCH = datetime.datetime(2000, 1, 1, 12)  # J2000.0, Julian day 2451545


@dataclass(frozen=True)
class SunTimes:
    """Of one day: when the sun rises and sets by the local clock (None where it does not), and its elevation and whether it is night at one time."""

    sunrise: datetime.datetime | None
    sunset: datetime.datetime | None
    elevation_deg: float
    night: bool


def sun_times(when: datetime.datetime, lat: float, lon: float, zone_h: float) -> SunTimes:
    """The sun on the day of `when`, and at that time.

    Parameters
    ----------
    when: local clock time. lat, lon: of the place, WGS84 [deg]. zone_h: hours the clock is ahead of UTC [h].
    """
    elevation = _elevation(when, lat, lon, zone_h)
    rise, fall = (_crossing(when, lat, lon, zone_h, side) for side in (-1, 1))
    return SunTimes(rise, fall, elevation, elevation < 90.0 - RISES_DEG)


def _declination_and_time(when: datetime.datetime, zone_h: float) -> tuple[float, float]:
    """The sun's declination [deg] and the equation of time [minutes]."""
    days = (when - datetime.timedelta(hours=zone_h) - _EPOCH) / datetime.timedelta(days=1)
    c = days / 36_525
    mean = math.radians((280.46646 + c * (36_000.76983 + c * 0.0003032)) % 360)
    anomaly = math.radians(357.52911 + c * (35_999.05029 - 0.0001537 * c))
    eccentricity = 0.016708634 - c * (0.000042037 + 0.0000001267 * c)
    centre = (
        math.sin(anomaly) * (1.914602 - c * (0.004817 + 0.000014 * c))
        + math.sin(2 * anomaly) * (0.019993 - 0.000101 * c)
        + math.sin(3 * anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * c)
    apparent = mean + math.radians(centre - 0.00569 - 0.00478 * math.sin(node))
    tilt = 23 + (26 + (21.448 - c * (46.815 + c * (0.00059 - c * 0.001813))) / 60) / 60
    oblique = math.radians(tilt + 0.00256 * math.cos(node))
    declination = math.degrees(math.asin(math.sin(oblique) * math.sin(apparent)))
    y = math.tan(oblique / 2) ** 2
    equation = (
        y * math.sin(2 * mean)
        - 2 * eccentricity * math.sin(anomaly)
        + 4 * eccentricity * y * math.sin(anomaly) * math.cos(2 * mean)
        - 0.5 * y * y * math.sin(4 * mean)
        - 1.25 * eccentricity * eccentricity * math.sin(2 * anomaly)
    )
    return declination, 4 * math.degrees(equation)


def _elevation(when: datetime.datetime, lat: float, lon: float, zone_h: float) -> float:
    """How high the sun's centre stands, without refraction [deg]."""
    declination, equation = _declination_and_time(when, zone_h)
    minutes = (when - datetime.datetime.combine(when.date(), datetime.time())) / datetime.timedelta(minutes=1)
    turn = math.radians((minutes + equation + 4 * lon - 60 * zone_h) / 4 - 180)
    up, down = math.radians(lat), math.radians(declination)
    return math.degrees(math.asin(min(1.0, max(-1.0, math.sin(up) * math.sin(down) + math.cos(up) * math.cos(down) * math.cos(turn)))))


def _crossing(when: datetime.datetime, lat: float, lon: float, zone_h: float, side: int) -> datetime.datetime | None:
    """The sunrise (side -1) or sunset (side 1) of the day of `when`, worked out again at the time found, since the sun moves meanwhile."""
    midnight = datetime.datetime.combine(when.date(), datetime.time())
    at = midnight + datetime.timedelta(hours=12)
    for _ in range(3):
        declination, equation = _declination_and_time(at, zone_h)
        up, down = math.radians(lat), math.radians(declination)
        bottom = math.cos(up) * math.cos(down)
        if bottom < 1e-9:
            return None
        cosine = (math.cos(math.radians(RISES_DEG)) - math.sin(up) * math.sin(down)) / bottom
        if abs(cosine) > 1:
            return None
        noon = 720 - 4 * lon - equation + 60 * zone_h
        at = midnight + datetime.timedelta(minutes=noon + side * 4 * math.degrees(math.acos(cosine)))
    return at.replace(microsecond=0)
