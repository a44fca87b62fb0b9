"""Cameras made by hand for tests of witnesses and privacy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import shapely

from coverage.poses import Head, Poses
from coverage.sight import Walls, build_walls
from coverage.standing import Standing
from coverage.terrain import Terrain
from tests.planning.toy_streets import EAST, NORTH, frame

MODEL = "bullet-4mp"


def a_head(
    *, model: str = MODEL, hfov: float = 60.0, vfov: float = 40.0, height: float = 6.0, tilt: float = 20.0, focal: float = 1000.0
) -> Head:  # fmt: skip
    """A head whose optics are plain numbers; its bounds on the ground are those of a target of 1.6 m."""
    rise = height - 1.6
    near = rise / np.tan(np.radians(tilt + vfov / 2)) if tilt + vfov / 2 < 90 else 0.0
    far = rise / np.tan(np.radians(tilt - vfov / 2)) if tilt > vfov / 2 else 1e6
    return Head(model, 0, hfov, vfov, height, tilt, rise, near, far, 1e6, focal, 1, 1)


def stands(*rows: tuple[str, float, float, float, Head]) -> Standing:
    """Cameras of id, place in the toy's own metres, bearing and head, tilted as the head is."""
    n = len(rows)
    poses = Poses(
        tuple(row[4] for row in rows), np.arange(n, dtype=np.int32), np.arange(n, dtype=np.int32), np.array([row[3] for row in rows], dtype=float),
        np.array([row[4].tilt_deg for row in rows], dtype=float),
    )
    points = np.array([(EAST + row[1], NORTH + row[2]) for row in rows], dtype=float).reshape(-1, 2)
    return Standing(tuple(row[0] for row in rows), points, poses, ())


def houses(*shapes: shapely.Geometry, height: float | Sequence[float] = 9.0, kind: str | Sequence[str] = "house") -> gpd.GeoDataFrame:
    """Houses of these heights and kinds."""
    heights = [height] * len(shapes) if isinstance(height, (int, float)) else list(height)
    kinds = [kind] * len(shapes) if isinstance(kind, str) else list(kind)
    return frame("buildings", shapes, height_m=heights, kind=kinds, height_source="made")


def walls_of(buildings: gpd.GeoDataFrame, terrain: Terrain | None = None) -> Walls:
    """Their walls, and the ground they stand on."""
    return build_walls(buildings, (EAST - 500, NORTH - 500), terrain)


def ground_of(height: Callable[[np.ndarray, np.ndarray], object], cell_m: float = 4.0) -> Terrain:
    """Ground of this height in the toy's own metres, 300 m each way."""
    x, y = np.meshgrid(*[np.arange(-300.0, 300.1, cell_m)] * 2)
    return Terrain((EAST - 300, NORTH - 300), cell_m, np.asarray(height(x, y), dtype=float) + np.zeros(x.shape))
