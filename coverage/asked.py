"""What each target asks of a camera, put into the sight lines to it: pixels a metre, height, how steeply and how far aside it may be seen.

    from the side                           from above
    camera *  height most_m                 street ======= target ===
            \\ steep_deg                                 /  aside_deg
             \\___ target z                             * camera

Seen no steeper than `steep`, a target `ground` away bears mounts up to z + ground tan(steep) above its own ground.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from coverage.sight import Floats, Ints, Sightlines

STEEPEST_DEG = 90.0  # from here on any view will do
ANY_SIDE_DEG = 180.0
SLACK_DEG = 1e-9  # a view at the very limit serves, whichever way it is rounded


@dataclass(frozen=True, eq=False)
class Asked:
    """What targets ask (n_targets,) each: px_per_m, z_m above their ground, steep_most_deg, aside_most_deg, street_deg (NaN off the streets)."""

    px_per_m: Floats
    z_m: Floats
    steep_most_deg: Floats
    aside_most_deg: Floats
    street_deg: Floats

    @classmethod
    def of(cls, demand: gpd.GeoDataFrame) -> Asked:
        """What the points of `planning.purposes.ask_purposes` ask."""
        names = ("px_per_m", "target_m", "steep_most_deg", "aside_most_deg", "street_deg")
        return cls(*(demand[name].to_numpy(dtype=np.float64) for name in names))

    def of_rows(self, rows: Ints) -> Asked:
        """What these targets ask."""
        return Asked(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


def aside_deg(line_deg: Floats, street_deg: Floats) -> Floats:
    """The angle between a line of sight and a street, whichever way along it, 0 to 90; 0 where there is no street (n,)."""
    turn = np.abs((line_deg - street_deg + 90.0) % 180.0 - 90.0)
    return np.where(np.isnan(turn), 0.0, turn)


def meet(lines: Sightlines, asked: Asked, base_z_m: float) -> Sightlines:
    """The sight lines that may serve, with what each target asks of whoever looks along them.

    Parameters
    ----------
    lines: cast to the targets at their own heights.
    base_z_m: the height that heads take their targets to have (`Head.rise_m`) [m].
    """
    target = lines.target
    wide = asked.aside_most_deg[target]
    kept = (wide >= ANY_SIDE_DEG) | (aside_deg(lines.bearing_deg, asked.street_deg[target]) <= wide + SLACK_DEG)
    before = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
    target, ground = target[kept], lines.ground_m[kept]
    fall = np.zeros(len(target)) if lines.drop_m is None else lines.drop_m[kept]
    z, steep = asked.z_m[target], asked.steep_most_deg[target]
    with np.errstate(over="ignore"):
        highest = np.where(steep >= STEEPEST_DEG, np.inf, z - fall + ground * np.tan(np.radians(np.minimum(steep, 89.999) + SLACK_DEG)))
    return dataclasses.replace(
        lines, start=before[lines.start], target=target, bearing_deg=lines.bearing_deg[kept], ground_m=ground, critical_m=lines.critical_m[kept],
        drop_m=fall + base_z_m - z, need_px=asked.px_per_m[target], most_m=highest,
    )  # fmt: skip
