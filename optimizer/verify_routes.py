"""The verifier's own reading of plates: on which routes out of the city some camera reads one.

The routes are laid again from the city. Which places a route passes is not taken from them but found from their drawn lines; and every camera's
places are asked one by one: angle to the way driven, angle below the horizon, pixels over slant range, and shapely's own intersection of the line of
sight with each footprint's outline, over sampled ground.
"""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely

from coverage.decks import raised
from coverage.sight import Floats, Ints
from coverage.terrain import Terrain
from optimizer.profiles import heights, over_ground, roofs
from optimizer.verify_sight import ANGLE_SLACK_DEG, Camera, clear_of_roofs
from planning.city import City
from planning.figures import Figures
from planning.movement import Routes, load_movement_figures, routes_of_demand

ON_LINE_M = 0.05  # so near to a route's line is on it


def routes_read(groups: Sequence[list[Camera]], city: City, demand: gpd.GeoDataFrame, terrain: Terrain | None) -> list[float]:
    """The share of likely routes out, by weight, on which at least one plate is read: by the first group of cameras, by it and the second, and so on.

    Parameters
    ----------
    demand: of `planning.demand`, as the scenario weighs it.
    """
    figures = load_movement_figures()
    routes = routes_of_demand(city, demand, figures)
    points = shapely.points(routes.place_xy)
    lines = routes.lines().geometry.to_numpy()
    line, place = shapely.STRtree(points).query(lines, predicate="dwithin", distance=ON_LINE_M)
    along = _driven_along(lines[line], points[place], routes.heading_deg[place])
    line, place = line[along], place[along]
    read, shares = np.zeros(len(points), dtype=bool), []
    for cameras in groups:
        read[_read(cameras, city, routes, figures, terrain)] = True
        shares.append(float(routes.weight[np.unique(line[read[place]])].sum()))
    return shares


def _driven_along(lines: np.ndarray, points: np.ndarray, heading_deg: Floats) -> np.ndarray:
    """Whether each line is driven past its point in about this way, and not against it (n,)."""
    at = shapely.line_locate_point(lines, points)
    ends = [shapely.get_coordinates(shapely.line_interpolate_point(lines, np.clip(at + step, 0.0, shapely.length(lines)))) for step in (-0.1, 0.1)]
    dx, dy = (ends[1] - ends[0]).reshape(-1, 2).T
    found: np.ndarray = dx * np.sin(np.radians(heading_deg)) + dy * np.cos(np.radians(heading_deg)) > 0
    return found


def _read(cameras: list[Camera], city: City, routes: Routes, figures: Figures, terrain: Terrain | None) -> Ints:
    """Rows of the places on routes at which some camera reads the plate of a vehicle that drives that way."""
    at = routes.place_xy
    if not cameras or not len(at):
        return np.empty(0, dtype=np.int64)
    target_z = heights(terrain, at) + figures["plate_height_m"]
    if terrain is not None:
        target_z = target_z + raised(terrain, city["roads"], at, routes.roads.index.to_numpy(object)[routes.place_edge])
    mounts = np.array([(camera.x_m, camera.y_m) for camera in cameras], dtype=np.float64)
    mount_z = heights(terrain, mounts) + np.array([camera.height_m for camera in cameras])
    near = shapely.STRtree(shapely.points(at))
    rows = [
        _in_picture(camera, here, float(z), at, target_z, routes.heading_deg, figures, near)
        for camera, here, z in zip(cameras, mounts, mount_z, strict=True)
    ]
    owner, row = np.repeat(np.arange(len(cameras)), [len(found) for found in rows]), np.concatenate(rows)
    start, start_z = mounts[owner], mount_z[owner]
    clear = np.nonzero(clear_of_roofs(start, at[row], start_z, target_z[row], city["buildings"], roofs(terrain, city["buildings"])))[0]
    clear = clear[over_ground(terrain, start[clear], at[row[clear]], start_z[clear], target_z[row[clear]])]
    return np.unique(row[clear]).astype(np.int64)


def _in_picture(
    camera: Camera, here: Floats, z: float, at: Floats, target_z: Floats, heading_deg: Floats, figures: Figures, near: shapely.STRtree
) -> Ints:  # fmt: skip
    """Rows of the places whose plates lie in a camera's picture, fine enough, not too steep and straight enough; walls and ground left aside."""
    reach = min(camera.focal_px / figures["plate_px_per_m"], camera.most_m)
    rows = np.asarray(near.query(shapely.Point(here), predicate="dwithin", distance=reach + 0.001), dtype=np.int64)
    dx, dy = (at[rows] - here).T
    ground, rise = np.hypot(dx, dy), z - target_z[rows]
    away, below = np.degrees(np.arctan2(dx, dy)), np.degrees(np.arctan2(rise, ground))
    off = np.abs((away - camera.bearing_deg + 180) % 360 - 180)
    inside = (off <= camera.hfov_deg / 2 + ANGLE_SLACK_DEG) & (np.abs(below - camera.tilt_deg) <= camera.vfov_deg / 2 + ANGLE_SLACK_DEG)
    fine = np.hypot(ground, rise) <= reach * (1 + 1e-9)
    level = np.abs(below) <= figures["plate_vertical_deg"] + ANGLE_SLACK_DEG
    # The angle between the way driven and the line of sight: 1 straight away from the camera, -1 straight toward it.
    cosine = np.cos(np.radians(heading_deg[rows] - away))
    least = np.cos(np.radians(figures["plate_horizontal_deg"] + ANGLE_SLACK_DEG))
    straight = (cosine <= -least) | ((cosine >= least) & (figures["plate_rear"] == 1))
    found: Ints = rows[inside & fine & level & straight]
    return found
