"""How much of homes' frontage, and of zones that must not be viewed, cameras see.

A window is in view where a camera's picture holds it, no building stands between, the camera stands on the outward side of the wall, and a metre
there spans the pixels of the level at which a home counts as seen. All of it is by day, when cameras see farthest.

What a pose sees depends on the window's height, so storey after storey is worked out, a thousand sites at a time: memory stays bounded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from coverage.frontage import Frontage
from coverage.matrix import build_matrix
from coverage.optics import far_m, ground_reach_m, near_m, reach_m
from coverage.poses import Head, Poses
from coverage.sight import Floats, Ints, Sightlines, Walls, cast
from coverage.standing import Standing
from coverage.tilts import tilts
from planning.geometry import first_area
from planning.intrusion import PrivacySettings

CHUNK = 1000


@dataclass(frozen=True)
class CameraPrivacy:
    """What one camera sees: `homes_m` metres of frontage and `zones_m2` of no-view zones; and their shares of all there is."""

    camera: str
    homes_m: float
    homes_share: float
    zones_m2: float
    zones_share: float


@dataclass(frozen=True)
class WardPrivacy:
    """What is in view of one ward's homes: `seen_m` of `total_m` metres of frontage, and the share."""

    ward: str
    seen_m: float
    total_m: float
    share: float


@dataclass(frozen=True, eq=False)
class PrivacyScore:
    """What a group of cameras sees of homes and zones, each metre once.

    `seen_m` of `total_m` metres of frontage and `zones_seen_m2` of `zones_m2`; `cameras`: one a camera in their order; `notes`: what was assumed;
    `storeys_seen`: how many storeys of each point of the frontage are in view (n_points,).
    """

    seen_m: float
    total_m: float
    zones_seen_m2: float
    zones_m2: float
    cameras: tuple[CameraPrivacy, ...]
    notes: tuple[str, ...]
    storeys_seen: Ints

    @property
    def share(self) -> float:
        """The share of all frontage that is in view, 0 where there is none."""
        return self.seen_m / self.total_m if self.total_m > 0 else 0.0


@dataclass(frozen=True, eq=False)
class ZonePoints:
    """A grid over the zones that must not be viewed: points_m (n, 2), what each stands for, m2 (n,), and its zone's row (n,)."""

    points_m: Floats
    m2: Floats
    zone: Ints

    @property
    def total_m2(self) -> float:
        """The area of all zones, overlaps once."""
        return float(self.m2.sum())


def at_height(head: Head, target_m: float, px_per_m: float) -> Head:
    """The same camera, tilt kept, bounded on another target plane and at another level; it sees nothing where near lies past far."""
    rise = head.height_m - target_m
    ground = ground_reach_m(reach_m(head.focal_px, px_per_m), rise)
    near, far = near_m(rise, head.tilt_deg, head.vfov_deg), min(ground, far_m(rise, head.tilt_deg, head.vfov_deg) * (1 + 1e-12))
    return dataclasses.replace(head, rise_m=rise, near_m=near, far_m=max(far, 0.0), slant_m=reach_m(head.focal_px, px_per_m))


def facing(lines: Sightlines, outward_deg: Floats, most_oblique_deg: float) -> Sightlines:
    """The sight lines that meet a wall from its outward side, no more obliquely than allowed; `outward_deg` of each target (n_targets,)."""
    turn = np.abs((lines.bearing_deg - outward_deg[lines.target]) % 360.0 - 180.0)
    return only(lines, turn <= most_oblique_deg)


def only(lines: Sightlines, kept: npt.NDArray[np.bool_]) -> Sightlines:
    """Some of the sight lines (n_lines,)."""
    before = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
    pairs = {field.name: getattr(lines, field.name) for field in dataclasses.fields(lines) if field.name != "start"}
    cut: dict[str, Any] = {name: values[kept] for name, values in pairs.items() if isinstance(values, np.ndarray)}
    return dataclasses.replace(lines, start=before[lines.start], **cut)


def _views(
    walls: Walls, sites_m: Floats, poses: Poses, targets_m: Floats, target_z: float, px_per_m: float, outward: tuple[Floats, float] | None, chunk: int
) -> Iterator[tuple[Ints, Ints]]:
    """Which pose sees which target, as rows of poses and of targets, some sites at a time."""
    heads = tuple(at_height(head, target_z, px_per_m) for head in poses.heads)
    tilt = tilts(walls.terrain, sites_m, poses)
    # On terrain a target may lie as high as the mount: then the whole range counts.
    far = np.array([head.slant_m if walls.terrain is not None else head.far_m if head.near_m <= head.far_m else 0.0 for head in heads])
    live = np.flatnonzero(far[poses.head] > 0)
    live = live[np.argsort(poses.site[live], kind="stable")]
    if not len(live) or not len(targets_m):
        return
    sites, first = np.unique(poses.site[live], return_index=True)
    ends = np.append(first, len(live))
    height = np.array([head.height_m for head in heads])
    reach, top = np.maximum.reduceat(far[poses.head[live]], first), np.maximum.reduceat(height[poses.head[live]], first)
    z = np.full(len(targets_m), target_z)
    for begin in range(0, len(sites), chunk):
        last = min(begin + chunk, len(sites))
        rows = live[ends[begin] : ends[last]]
        lines = cast(walls, sites_m[sites[begin:last]], targets_m, z, reach_m=reach[begin:last], highest_m=top[begin:last] + 1e-9)
        if outward is not None:
            lines = facing(lines, *outward)
        own = np.repeat(np.arange(last - begin, dtype=np.int32), np.diff(ends[begin : last + 1])).astype(np.int32)
        seen = build_matrix(lines, Poses(heads, own, poses.head[rows], poses.bearing_deg[rows], tilt[rows]), len(targets_m)).px_per_m
        yield np.repeat(rows, np.diff(seen.indptr)), seen.indices.astype(np.int64)


def frontage_of_poses(
    walls: Walls, sites_m: Floats, poses: Poses, frontage: Frontage, settings: PrivacySettings, *, px_per_m: float | None = None, chunk: int = CHUNK
) -> Floats:
    """Metres of homes' frontage that each pose sees (n_poses,); times a price it is the optimizer's `Problem.penalty`.

    Parameters
    ----------
    sites_m: where the poses' sites are (n_sites, 2) [m].
    px_per_m: from which density on a home counts as seen; that of a room where None [px/m].
    chunk: sites at a time.
    """
    metres = np.zeros(len(poses))
    px = px_per_m or settings.px_per_m
    for height, rows in frontage.layers():
        outward = (frontage.outward_deg[rows], settings.most_oblique_deg)
        for pose, target in _views(walls, sites_m, poses, frontage.points_m[rows], height, px, outward, chunk):
            metres += np.bincount(pose, weights=frontage.metres[rows][target], minlength=len(poses))
    return metres


def zone_points(zones: gpd.GeoDataFrame, settings: PrivacySettings) -> ZonePoints:
    """A grid over the zones of kind no_view; a zone smaller than its step has one point; where zones overlap the first has the ground."""
    step = settings.zone_step_m
    points, m2, owner = [np.zeros((0, 2))], [np.zeros(0)], [np.zeros(0, np.int64)]
    taken = shapely.Polygon()
    for row in np.flatnonzero((zones["kind"] == "no_view").to_numpy()):
        shape = shapely.difference(zones.geometry.iloc[row], taken)
        taken = shapely.union(taken, shape)
        if shape.area <= 0:
            continue
        x1, y1, x2, y2 = shape.bounds
        x, y = np.meshgrid((np.arange(x1 // step, x2 // step + 1) + 0.5) * step, (np.arange(y1 // step, y2 // step + 1) + 0.5) * step)
        xy = np.column_stack([x.ravel(), y.ravel()])
        shapely.prepare(shape)
        xy = xy[shapely.intersects_xy(shape, xy[:, 0], xy[:, 1])]
        if not len(xy):
            xy = shapely.get_coordinates(shapely.point_on_surface(shape))
        points.append(xy)
        m2.append(np.full(len(xy), shape.area / len(xy)))
        owner.append(np.full(len(xy), row, np.int64))
    return ZonePoints(np.concatenate(points), np.concatenate(m2), np.concatenate(owner))


def zones_of_poses(walls: Walls, sites_m: Floats, poses: Poses, zones: ZonePoints, settings: PrivacySettings, *, chunk: int = CHUNK) -> Floats:
    """Square metres of no-view zones that each pose sees (n_poses,): above 0 it may be banned, or priced as a penalty."""
    seen = np.zeros(len(poses))
    for pose, target in _views(walls, sites_m, poses, zones.points_m, settings.zone_target_m, settings.zone_px_per_m, None, chunk):
        seen += np.bincount(pose, weights=zones.m2[target], minlength=len(poses))
    return seen


def privacy_of_cameras(
    walls: Walls, cameras: Standing, frontage: Frontage, zones: ZonePoints, settings: PrivacySettings, *, px_per_m: float | None = None
) -> PrivacyScore:
    """What cameras that stand, or a plan's, see of homes and of no-view zones.

    Parameters
    ----------
    px_per_m: from which density on a home counts as seen; that of a room where None [px/m].
    """
    n, poses = len(cameras.ids), cameras.poses
    px = px_per_m or settings.px_per_m
    homes, ground = np.zeros(n), np.zeros(n)
    storeys_seen = np.zeros(len(frontage.metres), np.int64)
    for height, rows in frontage.layers():
        outward = (frontage.outward_deg[rows], settings.most_oblique_deg)
        storey = np.zeros(len(rows), bool)
        for pose, target in _views(walls, cameras.points_m, poses, frontage.points_m[rows], height, px, outward, CHUNK):
            homes += np.bincount(poses.site[pose], weights=frontage.metres[rows][target], minlength=n)
            storey[target] = True
        storeys_seen[rows[storey]] += 1
    looked_at = np.zeros(len(zones.m2), bool)
    for pose, target in _views(walls, cameras.points_m, poses, zones.points_m, settings.zone_target_m, settings.zone_px_per_m, None, CHUNK):
        ground += np.bincount(poses.site[pose], weights=zones.m2[target], minlength=n)
        looked_at[target] = True
    total, area = frontage.total_m, zones.total_m2
    each = tuple(
        CameraPrivacy(label, float(metres), float(metres / total) if total else 0.0, float(m2), float(m2 / area) if area else 0.0)
        for label, metres, m2 in zip(cameras.ids, homes, ground, strict=True)
    )
    notes = (*frontage.notes, *settings.assumptions)
    seen_m = float((frontage.metres * storeys_seen).sum())
    return PrivacyScore(seen_m, total, float(zones.m2[looked_at].sum()), area, each, notes, storeys_seen)


def privacy_by_ward(score: PrivacyScore, frontage: Frontage, wards: gpd.GeoDataFrame) -> tuple[WardPrivacy, ...]:
    """What is in view of each ward's homes, in the wards' order; walls outside every ward count in none."""
    ward = first_area(shapely.points(frontage.points_m), wards.geometry.to_numpy())
    inside = ward >= 0
    total = np.bincount(ward[inside], weights=(frontage.metres * frontage.storeys)[inside], minlength=len(wards))
    seen = np.bincount(ward[inside], weights=(frontage.metres * score.storeys_seen)[inside], minlength=len(wards))
    rows = zip(wards.index, seen, total, strict=True)
    return tuple(WardPrivacy(str(label), float(m), float(whole), float(m / whole) if whole else 0.0) for label, m, whole in rows)
