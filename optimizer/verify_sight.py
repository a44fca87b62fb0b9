"""The verifier's own way of seeing: every camera's targets asked one by one, past each footprint's outline by shapely, over sampled ground."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse

from coverage.decks import raised
from coverage.sight import Floats
from coverage.standing import stand
from coverage.terrain import Terrain
from coverage.tilts import tilts
from optimizer.profiles import heights, over_ground, roofs, tilt_over
from planning.catalogue import load_models
from planning.city import City

ANGLE_SLACK_DEG = 1e-6
TILT_SLACK_DEG = 0.1  # nobody aims a camera finer


@dataclass(frozen=True)
class Camera:
    """What a line of sight needs to know of a camera; `most_m` is how far it sees at all, as by night."""

    x_m: float
    y_m: float
    height_m: float
    bearing_deg: float
    tilt_deg: float
    hfov_deg: float
    vfov_deg: float
    focal_px: float
    most_m: float


def standing_cameras(city: City, terrain: Terrain | None, least_px: float, *, by_night: bool, target_m: float) -> list[Camera]:
    """The cameras that stand, as they are taken to be at this level."""
    models = load_models()
    standing = stand(city["cameras"], city["buildings"], models, least_px, by_night=by_night, target_m=target_m)
    cameras = []
    tilt = tilts(terrain, standing.points_m, standing.poses)
    for row, site in enumerate(standing.poses.site):
        head = standing.poses.heads[standing.poses.head[row]]
        x, y = standing.points_m[site]
        most = models[head.model].night_range_m if by_night else np.inf
        aim = (float(standing.poses.bearing_deg[row]), float(tilt[row]), head.hfov_deg, head.vfov_deg)
        cameras.append(Camera(float(x), float(y), head.height_m, *aim, head.focal_px, float(most)))
    return cameras


def sees(cameras: list[Camera], city: City, demand: gpd.GeoDataFrame, terrain: Terrain | None) -> sparse.csr_matrix:
    """Which camera meets what each demand point asks, csr bool (n_cameras, n_demand).

    Parameters
    ----------
    demand: with `target_m`, `px_per_m`, `steep_most_deg`, `aside_most_deg` and `street_deg`, as of `planning.purposes`.
    """
    at = shapely.get_coordinates(demand.geometry.array)
    target_z = heights(terrain, at) + demand["target_m"].to_numpy(dtype=np.float64)
    if terrain is not None:
        on_street = (demand["kind"] == "road").to_numpy()
        target_z[on_street] += raised(terrain, city["roads"], at[on_street], demand["road"].to_numpy(object)[on_street])
    empty = sparse.csr_matrix((len(cameras), len(demand)), dtype=bool)
    if not cameras or not len(demand):
        return empty
    asked = {name: demand[name].to_numpy(dtype=np.float64) for name in ("px_per_m", "steep_most_deg", "aside_most_deg", "street_deg")}
    near = shapely.STRtree(demand.geometry.array)
    mounts = np.array([(camera.x_m, camera.y_m) for camera in cameras], dtype=np.float64)
    mount_z = heights(terrain, mounts) + np.array([camera.height_m for camera in cameras])
    rows = [_in_picture(camera, here, z, at, target_z, asked, near) for camera, here, z in zip(cameras, mounts, mount_z, strict=True)]
    owner, row = np.repeat(np.arange(len(cameras)), [len(found) for found in rows]), np.concatenate(rows)
    start, start_z = mounts[owner], mount_z[owner]
    clear = np.nonzero(clear_of_roofs(start, at[row], start_z, target_z[row], city["buildings"], roofs(terrain, city["buildings"])))[0]
    clear = clear[over_ground(terrain, start[clear], at[row[clear]], start_z[clear], target_z[row[clear]])]
    return sparse.csr_matrix((np.ones(len(clear), dtype=bool), (owner[clear], row[clear])), shape=empty.shape)


def tilted_otherwise(cameras: list[Camera], terrain: Terrain | None, least_px: float, target_m: float) -> list[tuple[int, float]]:
    """On terrain: rows of the cameras whose tilt is not what the ground along their bearing asks, each with that tilt [deg]."""
    found = []
    for row, camera in enumerate(cameras if terrain is not None else ()):
        slant, lens = min(camera.focal_px / least_px, camera.most_m), camera.vfov_deg
        own = tilt_over(terrain, (camera.x_m, camera.y_m), camera.bearing_deg, camera.height_m, target_m, lens, slant)
        if camera.hfov_deg < 360.0 and not abs(own - camera.tilt_deg) <= TILT_SLACK_DEG:
            found.append((row, own))
    return found


def _in_picture(
    camera: Camera, here: Floats, z: float, at: Floats, target_z: Floats, asked: dict[str, Floats], near: shapely.STRtree
) -> np.ndarray:
    """Rows of the points that lie in a camera's picture, near enough, not too steep and not too far aside; walls and ground left aside."""
    reach = min(camera.focal_px / float(asked["px_per_m"].min()), camera.most_m)
    rows = np.asarray(near.query(shapely.Point(here), predicate="dwithin", distance=reach + 0.001))
    dx, dy = (at[rows] - here).T
    ground, rise = np.hypot(dx, dy), z - target_z[rows]
    away = np.degrees(np.arctan2(dx, dy))
    off = np.abs((away - camera.bearing_deg + 180) % 360 - 180)
    below = np.degrees(np.arctan2(rise, ground))
    inside = (off <= camera.hfov_deg / 2 + ANGLE_SLACK_DEG) & (np.abs(below - camera.tilt_deg) <= camera.vfov_deg / 2 + ANGLE_SLACK_DEG)
    slant = np.hypot(ground, rise)
    fine = slant <= np.minimum(camera.focal_px / asked["px_per_m"][rows], camera.most_m) * (1 + 1e-9)
    level = below <= asked["steep_most_deg"][rows] + ANGLE_SLACK_DEG
    # Along the street, whichever way it is walked: the smaller angle between two lines.
    cosine = np.abs(np.cos(np.radians(away - asked["street_deg"][rows])))
    aside = np.degrees(np.arccos(np.clip(np.where(np.isnan(cosine), 1.0, cosine), 0.0, 1.0)))
    straight = (asked["aside_most_deg"][rows] >= 180.0) | (aside <= asked["aside_most_deg"][rows] + ANGLE_SLACK_DEG)
    found: np.ndarray = rows[inside & fine & level & straight]
    return found


def clear_of_roofs(start: Floats, end: Floats, start_z: Floats, end_z: Floats, buildings: gpd.GeoDataFrame, tops: Floats) -> np.ndarray:
    """Whether each line of sight clears every roof it passes (n_lines,), by shapely."""
    clear = np.ones(len(start), dtype=bool)
    if not len(buildings) or not len(start):
        return clear
    lines = shapely.linestrings(np.stack([start, end], axis=1))
    outlines = shapely.boundary(buildings.geometry.array)
    line, building = shapely.STRtree(outlines).query(lines, predicate="intersects")
    roof = tops[building]
    # A roof at or above both ends blocks wherever it is crossed; only lower ones need the crossing itself.
    tall = roof >= np.maximum(start_z, end_z)[line]
    clear[line[tall]] = False
    line, building, roof = line[~tall & clear[line]], building[~tall & clear[line]], roof[~tall & clear[line]]
    crossing = shapely.intersection(lines[line], outlines[building])
    xy, of = shapely.get_coordinates(crossing, return_index=True)
    owner = line[of]
    length = np.hypot(*(end[owner] - start[owner]).T)
    t = np.hypot(*(xy - start[owner]).T) / np.maximum(length, 1e-12)
    blocked = roof[of] >= start_z[owner] * (1 - t) + end_z[owner] * t
    clear[owner[blocked]] = False
    return clear
