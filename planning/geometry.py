"""Small geometry on many shapes at once: places along lines, points in areas, points kept apart.

start o------x------> end        x lies `position` metres from the start; the normal points to the left
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from planning.jit import jit

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Shapes: TypeAlias = npt.NDArray[np.object_]


def along(lines: Shapes, position_m: Floats) -> tuple[Floats, Floats]:
    """The point of each line at a position, and the unit normal to its left there. Both (n, 2)."""
    where = shapely.get_coordinates(shapely.line_interpolate_point(lines, position_m))
    length = shapely.length(lines)
    back = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(position_m - 0.5, 0.0)))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.minimum(position_m + 0.5, length)))
    way = ahead - back
    size = np.hypot(way[:, 0], way[:, 1])
    way = way / np.where(size > 0, size, 1.0)[:, None]
    return where, np.stack([-way[:, 1], way[:, 0]], axis=1)


def first_area(points: Shapes, areas: Shapes) -> Ints:
    """The first area in order that each point lies in or on the edge of, -1 where none. Shape (n_points,)."""
    found = np.full(len(points), len(areas), np.int64)
    if len(points) and len(areas):
        shapely.prepare(areas)
        which, inside = shapely.STRtree(points).query(areas, predicate="intersects")
        np.minimum.at(found, inside, which)
    return np.where(found < len(areas), found, -1)


def near_any(points: Shapes, shapes: Shapes, distance_m: float | Floats) -> Bools:
    """Whether each point lies within a distance of any shape; `distance_m` is one for all or one a shape [m]. Shape (n_points,)."""
    near = np.zeros(len(points), bool)
    if len(points) and len(shapes):
        _, found = shapely.STRtree(points).query(shapes, predicate="dwithin", distance=distance_m)
        near[found] = True
    return near


def keep_apart(xy: Floats, radius_m: float | Floats) -> Ints:
    """Thin points given in order of preference: a point is kept where no kept one before it lies within its radius.

    Parameters
    ----------
    xy: positions, the most wanted first, (n, 2). radius_m: how far each must be from what is kept before it, one for all or one a point [m].

    Returns
    -------
    For each point the kept point that stands for it, the nearest of several; its own number where it is kept itself. Shape (n,).
    """
    stands = np.arange(len(xy), dtype=np.int64)
    radius = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), len(xy))
    if len(xy) > 1:
        pairs = cKDTree(xy).query_pairs(float(radius.max()), output_type="ndarray").astype(np.int64)  # each pair is (preferred, other)
        gap = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T)
        pairs = pairs[gap <= radius[pairs[:, 1]]]
        _thin(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))], np.ascontiguousarray(xy, dtype=np.float64), stands)
    return stands


@jit
def _thin(pairs: Ints, xy: Floats, stands: Ints) -> None:
    """Walk the pairs by preferred point; a point is decided before any pair in which it is the preferred one comes up."""
    best = np.full(len(xy), np.inf)
    for k in range(len(pairs)):
        first, other = pairs[k, 0], pairs[k, 1]
        if stands[first] == first:
            gap = (xy[first, 0] - xy[other, 0]) ** 2 + (xy[first, 1] - xy[other, 1]) ** 2
            if gap < best[other]:
                best[other], stands[other] = gap, first
