"""The ground of the made city: its outline, its river and railway, and the gentle bend laid over everything.

Streets are drawn on a flat sheet, in metres from the centre, with straight strokes; the sheet is then bent by a smooth field, so that nothing
stays ruler straight and everything still meets where it met.

        flat sheet                       bent sheet
     +---+---+---+                     ,--+---+--,
     |   |   |   |      bend()        /  /   |   |
     +---+---+---+    --------->     +--+---+'--+'
     |   |   |   |                   |  |   |   |
     +---+---+---+                    '-+--,+---+
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

SEED = 2209
CRS = "EPSG:32644"
CENTRE_LON_LAT = (82.15, 22.09)
HALF_EAST_M, HALF_NORTH_M = 2480.0, 2230.0
RIVER_HALF_M, RAIL_HALF_M = 52.0, 20.0

# Control points as shares of the half extents, east and north.
RIVER = ((-0.60, 1.30), (-0.50, 0.78), (-0.60, 0.38), (-0.46, 0.00), (-0.55, -0.35), (-0.36, -0.72), (-0.14, -1.30))
RAILWAY = ((1.35, -0.24), (0.82, -0.38), (0.40, -0.50), (0.00, -0.57), (-0.45, -0.62), (-0.90, -0.58), (-1.35, -0.52))
STATION = (0.40, -0.455)
CORE = (0.03, 0.07)

Floats = NDArray[np.float64]


def stream(subject: str) -> np.random.Generator:
    """The random numbers of one subject, so that a change in one leaves the others as they were."""
    return np.random.default_rng([SEED, *subject.encode()])


def to_mm(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Shapes whose coordinates are whole millimetres, so that they are the same before and after a file.

    The rounding is plain: shapely's own precision would cling to a shape and change what later operations make of it.
    """
    rounded: NDArray[np.object_] = shapely.transform(shapes, lambda points: np.round(points, 3))
    return rounded


@dataclass(frozen=True, eq=False)
class Ground:
    """The sheet: flat shapes in metres from the centre, and the field that bends them into the city's CRS.

    `waves` has shape (n, 6): amplitude east [m], amplitude north [m], wave vector east and north [rad/m], two phases [rad].
    """

    scale: float
    origin: tuple[float, float]
    outline: shapely.Polygon
    river: shapely.Polygon
    railway: shapely.Polygon
    waves: Floats

    @cached_property
    def area(self) -> shapely.Polygon:
        """The study area in the city's CRS."""
        return to_mm(self.bend(np.array([self.outline], dtype=object)))[0]

    @cached_property
    def barrier(self) -> shapely.Geometry:
        """River and railway together, flat: only bridges cross it."""
        return self.river.union(self.railway)

    def spot(self, share: tuple[float, float]) -> tuple[float, float]:
        """Metres from the centre of a control point given as shares of the half extents."""
        return share[0] * HALF_EAST_M * self.scale, share[1] * HALF_NORTH_M * self.scale

    def curve(self, shares: tuple[tuple[float, float], ...], *, closed: bool = False, step_m: float = 45.0) -> shapely.LineString:
        """A smooth flat line through control points."""
        points = np.array([self.spot(share) for share in (*shares, shares[0])] if closed else [self.spot(share) for share in shares])
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        spline = CubicSpline(along, points, bc_type="periodic" if closed else "natural")
        return shapely.LineString(spline(np.linspace(0.0, along[-1], max(8, int(along[-1] / step_m)))))

    def coreness(self, flat: Floats) -> Floats:
        """Distance from the old core as a share of the half extents; `flat` has shape (n, 2), the answer (n,)."""
        east = flat[:, 0] / (HALF_EAST_M * self.scale) - CORE[0]
        north = flat[:, 1] / (HALF_NORTH_M * self.scale) - CORE[1]
        distance: Floats = np.hypot(east, north)
        return distance

    def bend_points(self, flat: Floats) -> Floats:
        """Flat points (n, 2) [m from the centre] in the city's CRS (n, 2) [m]."""
        turn = flat @ self.waves[:, 2:4].T
        east = flat[:, 0] + np.sin(turn + self.waves[:, 4]) @ self.waves[:, 0]
        north = flat[:, 1] + np.sin(turn + self.waves[:, 5]) @ self.waves[:, 1]
        return np.column_stack([east + self.origin[0], north + self.origin[1]])

    def bend(self, shapes: NDArray[np.object_], step_m: float = 14.0) -> NDArray[np.object_]:
        """Flat shapes, cut into steps and bent into the city's CRS."""
        bent: NDArray[np.object_] = shapely.transform(shapely.segmentize(shapes, step_m), self.bend_points)
        return bent

    def bend_one(self, shape: shapely.Geometry, step_m: float = 14.0) -> shapely.Geometry:
        """One flat shape bent into the city's CRS."""
        return self.bend(np.array([shape], dtype=object), step_m)[0]


def make_ground(scale: float) -> Ground:
    """The ground at a scale: 1 is the whole city, 0.3 a small one of the same make."""
    east, north = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(*CENTRE_LON_LAT)
    bare = Ground(scale, (round(east), round(north)), shapely.Polygon(), shapely.Polygon(), shapely.Polygon(), _waves())
    outline = _outline(scale)
    river = bare.curve(RIVER).buffer(RIVER_HALF_M).intersection(outline)
    railway = bare.curve(RAILWAY).buffer(RAIL_HALF_M).union(_station_yard(bare)).intersection(outline)
    return Ground(scale, bare.origin, outline, river, railway, bare.waves)


def _outline(scale: float) -> shapely.Polygon:
    turn = np.linspace(0.0, 2 * math.pi, 97)[:-1]
    power = 3.4
    radius = (np.abs(np.cos(turn)) ** power + np.abs(np.sin(turn)) ** power) ** (-1 / power)
    radius *= 0.975 + 0.030 * np.sin(3 * turn + 0.6) + 0.022 * np.sin(5 * turn + 2.1) + 0.014 * np.sin(11 * turn + 4.0)
    return shapely.Polygon(np.column_stack([radius * np.cos(turn) * HALF_EAST_M * scale, radius * np.sin(turn) * HALF_NORTH_M * scale]))


def _station_yard(bare: Ground) -> shapely.Geometry:
    line = bare.curve(RAILWAY)
    middle = line.project(shapely.Point(bare.spot(STATION)))
    return shapely.ops.substring(line, middle - 330 * bare.scale, middle + 330 * bare.scale).buffer(RAIL_HALF_M + 22.0, cap_style="square")


def _waves() -> Floats:
    rng = stream("waves")
    rows = []
    for length_m, amplitude_m, count in ((1900.0, 46.0, 3), (700.0, 13.0, 4), (260.0, 3.6, 5), (110.0, 0.9, 5)):
        for _ in range(count):
            heading, length = rng.uniform(0, 2 * math.pi), length_m * rng.uniform(0.8, 1.25)
            amplitude = amplitude_m * rng.uniform(0.6, 1.1, 2)
            wave = 2 * math.pi / length
            rows.append([*amplitude, wave * math.cos(heading), wave * math.sin(heading), *rng.uniform(0, 2 * math.pi, 2)])
    return np.array(rows)
