"""Which cameras someone who leaves a place may pass, and when.

    place x----->----[ seen by A ]---->----[ seen by B ]--->      from: at the fastest pace at the nearest point the camera sees
              street points, each reached after d metres          to:   at the slowest pace at the farthest, no later than the time asked for

Which street points a camera sees does not depend on the place, so it is worked out once for all questions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coverage.sight import Floats, Ints, Walls, cast
from coverage.witness import Eyes, look
from planning.paces import Pace
from planning.walks import Walk, Ways, chance_to_pass, chance_unseen, ends_unseen, walk_from

Flags = npt.NDArray[np.bool_]
MOST_ROADS = 20  # told of those left unseen
_M_A_MINUTE = 1000.0 / 60.0  # of one km/h


@dataclass(frozen=True, eq=False)
class StreetViews:
    """Which street points each camera sees by day: rows by camera, `start` (n_cameras + 1,), `point`, `px_per_m`, and `dark`, seen by day only."""

    start: Ints
    point: Ints
    px_per_m: Floats
    dark: Flags


@dataclass(frozen=True)
class Passing:
    """A camera on a way out.

    `from_s`, `to_s` [s] after leaving; `chance` to pass it where every turn is equally likely; `first_m`: metres along the streets to where it sees
    first; `px_per_m`: at the point it sees best; `road`: the row of Roads on which it sees first; `x_m`, `y_m`: that point.
    """

    camera: str
    planned: bool
    model: str
    pace: str
    from_s: float
    to_s: float
    chance: float
    first_m: float
    px_per_m: float
    road: int
    x_m: float
    y_m: float


@dataclass(frozen=True)
class Unseen:
    """A road on which someone may be at the end of the time without having passed any camera.

    `chance`: of all who leave; `road`: row of Roads; `x_m`, `y_m`: its likeliest point.
    """

    chance: float
    road: int
    x_m: float
    y_m: float


@dataclass(frozen=True, eq=False)
class Leaving:
    """The ways out at one pace.

    `passing`: cameras, the most likely passed first; `unseen`: the chance to be gone for the whole time without passing any, and `unseen_on` which
    roads, the likeliest first; `point` and `gone_m` (n_reached,): the street points reached, in order of distance; `early_s`, `late_s`: when, at the
    fastest and at the slowest pace [s].
    """

    pace: Pace
    passing: tuple[Passing, ...]
    unseen: float
    unseen_on: tuple[Unseen, ...]
    point: Ints
    gone_m: Floats
    early_s: Floats
    late_s: Floats


def street_views(walls: Walls, eyes: Eyes, ways: Ways, *, height_m: float, least_px_per_m: float) -> StreetViews:
    """What each camera sees of the streets; nothing in tunnels.

    Parameters
    ----------
    height_m: of who walks there [m]. least_px_per_m: the coarsest level [px/m].
    """
    targets = ways.points_m
    z = np.full(len(targets), height_m)
    reach = np.nan_to_num(eyes.focal_px / least_px_per_m) + 1.0
    lines = cast(walls, eyes.points_m, targets, z, reach_m=reach, highest_m=np.nan_to_num(eyes.height_m))
    camera = np.repeat(np.arange(len(eyes.ids), dtype=np.int64), np.diff(lines.start))
    point = lines.target.astype(np.int64)
    drop = 0.0 if lines.drop_m is None else lines.drop_m
    seen_by = look(eyes, camera, targets[point], z[point], least_px_per_m=least_px_per_m, night=True, drop_m=drop)
    sees = ~(seen_by.too_far | seen_by.aside | seen_by.below) & ~ways.tunnel[ways.road[point]]
    start = np.concatenate([[0], np.cumsum(np.bincount(camera[sees], minlength=len(eyes.ids)))]).astype(np.int64)
    return StreetViews(start, point[sees], seen_by.px_per_m[sees], seen_by.dark[sees])


def leave(eyes: Eyes, ways: Ways, views: StreetViews, x_m: float, y_m: float, pace: Pace, minutes: float, *, night: bool) -> Leaving:
    """The cameras someone may pass who leaves a place at some pace.

    Parameters
    ----------
    x_m, y_m: the place, in the city's CRS [m].
    minutes: how long after to look.
    night: whether cameras see by their own light only.
    """
    fast, slow = pace.fast_kmh * _M_A_MINUTE, pace.slow_kmh * _M_A_MINUTE
    walk = walk_from(ways, x_m, y_m, most_m=fast * minutes, not_on=pace.not_on)
    gone = walk.gone_m[walk.order]
    camera = np.repeat(np.arange(len(eyes.ids), dtype=np.int64), np.diff(views.start))
    kept = np.isfinite(walk.gone_m[views.point]) & ~(views.dark & night)
    camera, point, px = camera[kept], views.point[kept], views.px_per_m[kept]
    passing = _passings(eyes, ways, walk, camera, point, px, pace, minutes)
    seen = np.zeros(len(ways.points_m), bool)
    seen[point] = True
    return Leaving(pace, passing, chance_unseen(walk, seen), _unseen_on(ways, walk, seen), walk.order, gone, gone / fast * 60.0, gone / slow * 60.0)


def _unseen_on(ways: Ways, walk: Walk, seen: Flags) -> tuple[Unseen, ...]:
    chance = ends_unseen(walk, seen)
    points = np.flatnonzero(chance)
    points = points[np.lexsort((points, -np.round(chance[points], 12)))]
    total = np.bincount(ways.road[points], weights=chance[points], minlength=len(ways.lines))
    roads, first = np.unique(ways.road[points], return_index=True)
    likeliest = sorted(zip(roads, points[first], strict=True), key=lambda one: (-round(float(total[one[0]]), 12), int(one[0])))[:MOST_ROADS]
    return tuple(Unseen(float(total[road]), int(road), float(ways.points_m[at, 0]), float(ways.points_m[at, 1])) for road, at in likeliest)


def _passings(
    eyes: Eyes, ways: Ways, walk: Walk, camera: Ints, point: Ints, px: Floats, pace: Pace, minutes: float
) -> tuple[Passing, ...]:  # fmt: skip
    if not len(camera):
        return ()
    # Within a camera by distance, then by point: the first of its rows is where it sees first.
    order = np.lexsort((point, walk.gone_m[point], camera))
    camera, point, px = camera[order], point[order], px[order]
    rows, start = np.unique(camera, return_index=True)
    ends = np.append(start, len(camera))
    chance = chance_to_pass(walk, ends, point)
    gone, best = walk.gone_m[point], np.maximum.reduceat(px, start)
    early, late = 60.0 / (pace.fast_kmh * _M_A_MINUTE), 60.0 / (pace.slow_kmh * _M_A_MINUTE)
    found = []
    for k, row in enumerate(rows):
        first, near, far = int(point[start[k]]), float(gone[start[k]]), float(gone[ends[k + 1] - 1])
        found.append(
            Passing(
                eyes.ids[row], bool(eyes.planned[row]), eyes.models[row], pace.key, near * early, min(far * late, minutes * 60.0), float(chance[k]),
                near, float(best[k]), int(ways.road[first]), float(ways.points_m[first, 0]), float(ways.points_m[first, 1]),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-round(one.chance, 9), round(one.from_s, 6), one.camera)))
