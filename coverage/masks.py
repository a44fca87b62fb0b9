"""Which parts of a camera's picture show homes' windows or zones that must not be viewed, as masks to set in the camera.

    the picture                          u = 1/2 + x / (2 tan(HFOV/2)),  v = 1/2 + y / (2 tan(VFOV/2)),  x, y: right and down at depth 1
    (0,0)------------(1,0)
      |   .----.       |                 up to HFOV 120 deg, a pinhole; wider lenses spread the angle evenly:
      |   |mask|       |
      |   '----'       |                 u = 1/2 + turn / HFOV,  v = 1/2 + (depression - tilt) / VFOV
    (0,1)------------(1,1)

The windows of one wall make one convex mask; where a camera holds fewer masks than that, those that grow least by it are joined. A mask hides all it
covers, street too: `hidden_by` tells which points. On terrain a window's height is above the ground before its wall, a zone's above its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

from coverage.frontage import Frontage
from coverage.optics import WIDEST_PINHOLE_DEG
from coverage.privacy import ZonePoints, facing, only
from coverage.sight import Floats, Ints, Sightlines, Walls, cast, ground_under
from coverage.witness import Eyes
from planning.intrusion import PrivacySettings

Flags = npt.NDArray[np.bool_]
_PICTURE = shapely.box(0.0, 0.0, 1.0, 1.0)
_NEAREST_M = 0.05  # what lies nearer before the lens than this is cut off
_SLIVER = 1e-6  # of the picture
Key: TypeAlias = tuple[str, int, int, int]  # why, building or zone, where the wall looks, side of the picture


@dataclass(frozen=True)
class Mask:
    """A convex part of the picture: `why` homes or zones; `corners` (u, v) from 0 to 1, across and down; `box` left, top, right, bottom; `share` of
    the picture; `metres` of frontage behind it, 0 for zones.
    """

    why: str
    corners: tuple[tuple[float, float], ...]
    box: tuple[float, float, float, float]
    share: float
    metres: float


@dataclass(frozen=True)
class CameraMasks:
    """The masks of one camera, the largest first; `share` of the picture they hide together; `known` is False where it is not known where it looks,
    so that no mask can be told; `turns`: a PTZ, whose masks are those of its home view.
    """

    camera: str
    masks: tuple[Mask, ...]
    share: float
    known: bool
    turns: bool


def project(eyes: Eyes, row: int, points_m: Floats, z_m: Floats) -> tuple[Floats, Floats]:
    """Where points lie in a camera's picture.

    Parameters
    ----------
    row: the camera. points_m, z_m: where (n, 2), in the city's CRS, and how high above the ground the camera's pole stands on (n,) [m].

    Returns
    -------
    u, v, (n, 2): 0 to 1 within the picture; depth, (n,): metres before the lens, not above 0 behind it, infinite for lenses wider than a pinhole.
    """
    ways = np.column_stack([points_m - eyes.points_m[row], z_m - eyes.height_m[row]])
    if eyes.hfov_deg[row] > WIDEST_PINHOLE_DEG:
        return _by_angle(eyes, row, ways, None), np.full(len(ways), np.inf)
    return _by_pinhole(eyes, row, _in_frame(eyes, row, ways))


def _in_frame(eyes: Eyes, row: int, ways: Floats) -> Floats:
    """Metres right, down and ahead of the lens (n, 3)."""
    bearing, tilt = np.radians(eyes.bearing_deg[row]), np.radians(eyes.tilt_deg[row])
    sb, cb, st, ct = np.sin(bearing), np.cos(bearing), np.sin(tilt), np.cos(tilt)
    axes = np.array([[cb, -sb, 0.0], [-sb * st, -cb * st, -ct], [sb * ct, cb * ct, -st]])
    framed: Floats = ways @ axes.T
    return framed


def _by_pinhole(eyes: Eyes, row: int, framed: Floats) -> tuple[Floats, Floats]:
    depth = framed[:, 2]
    half = np.tan(np.radians([eyes.hfov_deg[row] / 2, eyes.vfov_deg[row] / 2]))
    with np.errstate(divide="ignore", invalid="ignore"):
        uv = 0.5 + framed[:, :2] / depth[:, None] / (2 * half)
    return uv, depth


def _by_angle(eyes: Eyes, row: int, ways: Floats, about_deg: float | None) -> Floats:
    """u, v by angles (n, 2); turns are counted from `about_deg` where given, so that a shape that passes the back of the camera stays whole."""
    turn = np.degrees(np.arctan2(ways[:, 0], ways[:, 1])) - eyes.bearing_deg[row]
    about = 0.0 if about_deg is None else about_deg
    turn = (turn - about + 180.0) % 360.0 - 180.0 + about
    down = np.degrees(np.arctan2(-ways[:, 2], np.hypot(ways[:, 0], ways[:, 1]))) - eyes.tilt_deg[row]
    return np.column_stack([0.5 + turn / eyes.hfov_deg[row], 0.5 + down / eyes.vfov_deg[row]])


def _outlines(eyes: Eyes, row: int, corners: Floats) -> list[tuple[int, shapely.Geometry]]:
    """The parts of the picture that a convex body of these corners (n, 3), relative to the lens, takes up, each with the side it lies on.

    A body behind a wide lens may be seen at both edges of the picture: such parts, and bodies to the left and right, must not be joined across it.
    """
    if eyes.hfov_deg[row] > WIDEST_PINHOLE_DEG:
        middle = corners.mean(axis=0, keepdims=True)
        about = (np.degrees(np.arctan2(middle[0, 0], middle[0, 1])) - eyes.bearing_deg[row] + 180.0) % 360.0 - 180.0
        uv = _by_angle(eyes, row, corners, float(about))
        turns = [uv + np.array([shift * 360.0 / eyes.hfov_deg[row], 0.0]) for shift in (-1, 0, 1)]
        seen = shapely.intersection(shapely.convex_hull(shapely.multipoints(turns)), _PICTURE)
        return [(round(about / 120.0) + 3 * shift, shape) for shift, shape in zip((-1, 0, 1), seen, strict=True) if shape.area > _SLIVER]
    framed = _before_lens(_in_frame(eyes, row, corners))
    if len(framed) < 3:
        return []
    uv, _ = _by_pinhole(eyes, row, framed)
    shape = shapely.intersection(shapely.convex_hull(shapely.multipoints(uv)), _PICTURE)
    return [(0, shape)] if shape.area > _SLIVER else []


def _before_lens(framed: Floats) -> Floats:
    """The corners before the lens, and where lines from corner to corner pass the plane just before it: their hull is the body's part in front."""
    ahead = framed[:, 2] >= _NEAREST_M
    if ahead.all() or not ahead.any():
        return framed[ahead]
    inside, outside = framed[ahead][:, None, :], framed[~ahead][None, :, :]
    t = (inside[..., 2] - _NEAREST_M) / (inside[..., 2] - outside[..., 2])
    crossing = inside + t[..., None] * (outside - inside)
    return np.vstack([framed[ahead], crossing.reshape(-1, 3)])


def masks_of_cameras(
    walls: Walls, eyes: Eyes, frontage: Frontage, zones: ZonePoints, settings: PrivacySettings, *, px_per_m: float | None = None
) -> tuple[CameraMasks, ...]:
    """Masks for each camera, in their order.

    Parameters
    ----------
    px_per_m: from which density on a home counts as seen; that of a room where None [px/m].
    """
    n = len(eyes.ids)
    shapes: list[dict[Key, list[shapely.Geometry]]] = [{} for _ in range(n)]
    metres: list[dict[Key, float]] = [{} for _ in range(n)]
    px = px_per_m or settings.px_per_m
    base, foot = ground_under(walls, eyes.points_m), ground_under(walls, frontage.points_m)
    for height, rows in frontage.layers():
        lines = facing(_lines(walls, eyes, frontage.points_m[rows], height, px), frontage.outward_deg[rows], settings.most_oblique_deg)
        for camera, target in _pairs(eyes, lines):
            at = rows[target]
            for side, shape in _outlines(eyes, camera, _window(eyes, camera, frontage, int(at), height, foot[at] - base[camera], settings)):
                wall = ("homes", int(frontage.building[at]), round(float(frontage.outward_deg[at]) * 10), side)
                shapes[camera].setdefault(wall, []).append(shape)
                metres[camera][wall] = metres[camera].get(wall, 0.0) + float(frontage.metres[at])
    for camera, target in _pairs(eyes, _lines(walls, eyes, zones.points_m, settings.zone_target_m, settings.zone_px_per_m)):
        for side, shape in _outlines(eyes, camera, _ground(walls, eyes, camera, zones, target, settings)):
            shapes[camera].setdefault(("zones", int(zones.zone[target]), 0, side), []).append(shape)
    return tuple(_gather(eyes, row, shapes[row], metres[row], settings) for row in range(n))


def _lines(walls: Walls, eyes: Eyes, targets_m: Floats, z_m: float, px_per_m: float) -> Sightlines:
    """Sight lines from each camera to what it could see at this density wherever it looked."""
    slant = np.where(eyes.known, np.nan_to_num(eyes.focal_px / px_per_m), 0.0)
    level = np.sqrt(np.maximum(slant**2 - np.nan_to_num(eyes.height_m - z_m) ** 2, 0.0))
    reach = level if walls.terrain is None else slant
    lines = cast(walls, eyes.points_m, targets_m, np.full(len(targets_m), z_m), reach_m=reach, highest_m=np.nan_to_num(eyes.height_m))
    if lines.drop_m is None:
        return lines
    camera = np.repeat(np.arange(len(eyes.ids)), np.diff(lines.start))
    return only(lines, np.hypot(lines.ground_m, eyes.height_m[camera] + lines.drop_m - z_m) <= slant[camera] * (1 + 1e-12))


def _pairs(eyes: Eyes, lines: Sightlines) -> list[tuple[int, int]]:
    """Camera and target of each sight line of cameras known to look somewhere, in order of both."""
    camera = np.repeat(np.arange(len(lines.start) - 1, dtype=np.int64), np.diff(lines.start))
    known = eyes.known[camera]
    order: Ints = np.lexsort((lines.target[known], camera[known])).astype(np.int64)
    return list(zip(camera[known][order].tolist(), lines.target[known][order].tolist(), strict=True))


def _window(eyes: Eyes, row: int, frontage: Frontage, at: int, height: float, foot: float, settings: PrivacySettings) -> Floats:
    """The corners of the piece of wall a frontage point stands for, relative to the lens (4, 3); its ground is `foot` above the camera's."""
    outward = np.radians(frontage.outward_deg[at])
    half = np.array([np.cos(outward), -np.sin(outward)]) * frontage.metres[at] / 2
    middle = frontage.points_m[at] - eyes.points_m[row]
    lens = eyes.height_m[row] - foot
    low, high = max(height - settings.below_m, 0.0) - lens, height + settings.above_m - lens
    return np.array([[*(middle + side * half), z] for side in (-1, 1) for z in (low, high)])


def _ground(walls: Walls, eyes: Eyes, row: int, zones: ZonePoints, at: int, settings: PrivacySettings) -> Floats:
    """The corners of a block about a zone's grid point, relative to the lens (8, 3); blocks overlap, since a zone reaches past its last point."""
    corners = zones.points_m[at] + settings.zone_step_m * np.array([(a, b) for a in (-1, 1) for b in (-1, 1)])
    foot = ground_under(walls, corners) - ground_under(walls, eyes.points_m[row : row + 1]) - eyes.height_m[row]
    return np.vstack([np.column_stack([corners - eyes.points_m[row], foot + above]) for above in (0.0, settings.zone_m)])


def _gather(
    eyes: Eyes, row: int, shapes: dict[Key, list[shapely.Geometry]], metres: dict[Key, float],
    settings: PrivacySettings,
) -> CameraMasks:  # fmt: skip
    keys = sorted(shapes)
    hulls = [shapely.convex_hull(shapely.union_all(shapes[key])) for key in keys]
    grown = [shapely.intersection(shapely.buffer(hull, settings.margin, join_style="mitre"), _PICTURE) for hull in hulls]
    joined = _join(grown, [(key[0], metres.get(key, 0.0)) for key in keys], settings.most_masks)
    masks = sorted((_mask(shape, why, length) for shape, why, length in joined), key=lambda mask: (-round(mask.share, 6), mask.corners))
    whole = float(shapely.area(shapely.union_all([shape for shape, _, _ in joined])))
    return CameraMasks(eyes.ids[row], tuple(masks), whole, bool(eyes.known[row]), bool(eyes.turns[row]))


def _join(
    shapes: Sequence[shapely.Geometry], what: Sequence[tuple[str, float]], most: int
) -> list[tuple[shapely.Geometry, str, float]]:  # fmt: skip
    """At most `most` convex shapes that cover all given; each time the two are joined whose hull adds least."""
    left, told = np.array(shapes, dtype=object), list(what)
    alive = np.ones(len(left), bool)
    added = np.full((len(left), len(left)), np.inf)
    for row in range(len(left)):
        _price(left, added, row, np.arange(row))
    while alive.sum() > 1:
        best = int(np.argmin(np.round(added, 9)))
        a, b = sorted(divmod(best, len(left)))
        if alive.sum() <= most and added.flat[best] > _SLIVER:
            break
        left[a] = shapely.convex_hull(shapely.union(left[a], left[b]))
        told[a] = (told[a][0] if told[a][0] == told[b][0] else "zones", told[a][1] + told[b][1])
        alive[b] = False
        added[b, :] = added[:, b] = np.inf
        _price(left, added, a, np.setdiff1d(np.flatnonzero(alive), [a]))
    return [(left[row], *told[row]) for row in np.flatnonzero(alive)]


def _price(shapes: npt.NDArray[np.object_], added: Floats, row: int, others: Ints) -> None:
    """What joining a shape with each of the others would add, written once, under the higher of both rows."""
    both = shapely.union(shapes[row], shapes[others])
    added[np.maximum(others, row), np.minimum(others, row)] = shapely.area(shapely.convex_hull(both)) - shapely.area(both)


def _mask(shape: shapely.Geometry, why: str, metres: float) -> Mask:
    corners = shapely.get_coordinates(shapely.convex_hull(shape))[:-1]
    # From the top left corner on, so that equal masks are written alike.
    start = int(np.lexsort((corners[:, 0], corners[:, 1]))[0])
    corners = np.roll(corners, -start, axis=0)
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    written = tuple((float(u), float(v)) for u, v in corners)
    return Mask(why, written, (float(left), float(top), float(right), float(bottom)), float(shape.area), metres)


def hidden_by(eyes: Eyes, row: int, masks: Sequence[Mask], points_m: Floats, z_m: Floats) -> Flags:
    """Which of the points that a camera sees would lie behind its masks (n,)."""
    uv, depth = project(eyes, row, points_m, z_m)
    if not masks:
        return np.zeros(len(points_m), bool)
    cover = shapely.union_all([shapely.Polygon(mask.corners) for mask in masks])
    shapely.prepare(cover)
    ahead = depth > 0
    hidden: Flags = np.zeros(len(points_m), bool)
    hidden[ahead] = shapely.intersects_xy(cover, uv[ahead, 0], uv[ahead, 1])
    return hidden
