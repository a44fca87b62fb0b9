"""Where a camera reads number plates: fine enough, in the picture, in sight, and neither too steep nor too much from the side.

    from above            way driven                    from the side
                  camera                                   camera *
                   o \\  horizontal <= 20 deg                      |\\  vertical <= 30 deg at the plate
                      \\                                          |  \\___
           plate [====] ---> heading                      ground +------[plate] 0.8 m

The front plate is read where the vehicle drives toward the camera, the rear plate where it drives away.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from coverage.poses import Poses
from coverage.sight import Floats, Ints, Walls, cast
from coverage.tilts import tilts
from planning.figures import Figures
from planning.jit import jit


def plate_reads(
    walls: Walls, points_m: Floats, poses: Poses, places_m: Floats, heading_deg: Floats, figures: Figures, *, deck_m: Floats | None = None,
    most_m: Floats | None = None,
) -> sparse.csr_matrix:  # fmt: skip
    """At which places each pose reads the plate of a vehicle that drives that way.

    Parameters
    ----------
    walls: what blocks. points_m: where poses stand (n_points, 2), rows as `poses.site` names them, in the city's CRS [m].
    places_m, heading_deg: places (n_places, 2) [m] and ways driven there (n_places,) [deg clockwise from north].
    figures: of data/traffic.toml: plate_px_per_m, plate_height_m, plate_vertical_deg, plate_horizontal_deg, plate_rear.
    deck_m: how high above the terrain each place's street lies (n_places,), as on a bridge; nowhere where None [m].
    most_m: how far each head sees at all (n_heads,), as by night; any distance where None [m].

    Returns
    -------
    csr bool (n_poses, n_places).
    """
    n_places, heads = len(places_m), poses.heads
    if not len(poses) or not n_places:
        return sparse.csr_matrix((len(poses), n_places), dtype=bool)
    slant = np.array([head.focal_px for head in heads]) / figures["plate_px_per_m"]
    slant = slant if most_m is None else np.minimum(slant, most_m)
    height = np.array([head.height_m for head in heads])
    top = np.zeros(len(points_m))
    np.maximum.at(top, poses.site, height[poses.head])
    reach = np.zeros(len(points_m))
    np.maximum.at(reach, poses.site, slant[poses.head])
    plate = figures["plate_height_m"]
    lines = cast(walls, points_m, places_m, np.full(n_places, plate), reach_m=reach, highest_m=top + 1e-9, deck_m=deck_m)
    view = [np.array([getattr(head, name) for head in heads]) for name in ("hfov_deg", "vfov_deg")]
    tilt = tilts(walls.terrain, points_m, poses)
    limits = np.array([figures["plate_vertical_deg"], figures["plate_horizontal_deg"]])
    counts, columns = _read(
        lines.start, lines.target, lines.bearing_deg, lines.ground_m, lines.critical_m, poses.site, poses.head, poses.bearing_deg.copy(), view[0],
        view[1], tilt, height, height - plate, lines.drop_m is not None, lines.drops[1], slant, np.array(heading_deg, dtype=np.float64), limits,
        figures["plate_rear"] == 1,
    )  # fmt: skip
    indptr: Ints = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    reads = sparse.csr_matrix((np.ones(len(columns), dtype=bool), columns, indptr), shape=(len(poses), n_places))
    reads.sort_indices()
    return reads


@jit
def _turn(a: float, b: float) -> float:
    """The angle between two bearings, 0 to 180 deg."""
    return abs((a - b + 180.0) % 360.0 - 180.0)


@jit
def _read(
    start: Any, target: Any, line_bearing: Any, ground: Any, critical: Any, site: Any, head: Any, bearing: Any, hfov: Any, vfov: Any, tilt: Any,
    height: Any, level: Any, sloped: bool, drop: Any, slant: Any, heading: Any, limits: Any, rear: bool,
) -> Any:  # fmt: skip
    """How many places each pose reads at, and which, pose by pose."""
    counts = np.zeros(len(site), dtype=np.int64)
    columns = [np.int64(0)]
    columns.pop()
    slack = 1e-9
    most_down, most_aside = limits[0], limits[1]
    for pose in range(len(site)):
        h = head[pose]
        for k in range(start[site[pose]], start[site[pose] + 1]):
            rise = level[h] + drop[k] if sloped else level[h]
            if critical[k] >= height[h] or np.hypot(ground[k], rise) > slant[h] * (1 + slack):
                continue
            if _turn(line_bearing[k], bearing[pose]) > hfov[h] / 2 + slack:
                continue
            below = np.degrees(np.arctan2(rise, ground[k]))
            if abs(below - tilt[pose]) > vfov[h] / 2 + slack or abs(below) > most_down + slack:
                continue
            aside = _turn(heading[target[k]], line_bearing[k])  # 0 where it drives straight away from the camera, 180 straight toward it
            if 180.0 - aside <= most_aside + slack or (rear and aside <= most_aside + slack):
                columns.append(np.int64(target[k]))
                counts[pose] += 1
    return counts, np.array(columns, dtype=np.int64)
