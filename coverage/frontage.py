"""Where homes have windows: points along their outer walls, storey by storey.

    from above                                  from the side
      +----x----x----+      x a point of the      roof ______
      |              |        wall, just             |      |   . window_m + 2 storey_m
      |     home     x        outside, looking       |      |   . window_m + storey_m
      |              |        away from it           |______|   . window_m
      +----x----x----+

A metre of frontage is a metre of one wall on one storey. Walls that a neighbour stands against are none; courts are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from coverage.sight import Floats, Ints
from planning.demand import RESIDENTIAL
from planning.geometry import near_any
from planning.intrusion import PrivacySettings

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Frontage:
    """Points of homes' outer walls.

    points_m: just outside the wall (n, 2); outward_deg: where the wall looks (n,); metres: of wall each stands for (n,); storeys: how many windows
    stand above one another there (n,); building: row of the buildings (n,). Storey k has its windows at `heights_m[k]`. `notes`: what was assumed.
    """

    points_m: Floats
    outward_deg: Floats
    metres: Floats
    storeys: Ints
    building: Ints
    heights_m: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def total_m(self) -> float:
        """Metres of all walls, each storey counted."""
        return float((self.metres * self.storeys).sum())

    def layers(self) -> Iterator[tuple[float, Ints]]:
        """Each storey's window height [m] and the rows that have it."""
        for k, height in enumerate(self.heights_m):
            rows = np.flatnonzero(self.storeys > k).astype(np.int64)
            if len(rows):
                yield height, rows


def build_frontage(buildings: gpd.GeoDataFrame, settings: PrivacySettings, *, step_m: float | None = None) -> Frontage:
    """The frontage of a city's homes.

    Parameters
    ----------
    buildings: under their schema; those of the kinds of `planning.demand.RESIDENTIAL` are homes.
    step_m: distance between points of a wall; that of the settings where None [m].
    """
    home = buildings["kind"].isin(list(RESIDENTIAL)).to_numpy()
    rows = np.flatnonzero(home)
    notes = []
    unsaid = int((buildings["kind"] == "yes").sum())
    if unsaid:
        notes.append(f"{unsaid} of {len(rows)} homes are buildings whose use is not on record; they are assumed to be homes")
    shapes = shapely.orient_polygons(buildings.geometry.to_numpy()[rows])
    ends, row = _walls(shapes)
    length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    pieces = np.maximum(np.round(length / (step_m or settings.step_m)), 1).astype(np.int64)
    wall = np.repeat(np.arange(len(ends)), pieces)
    share = (np.arange(len(wall)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + 0.5) / pieces[wall]
    along = (ends[:, 2:] - ends[:, :2])[wall]
    # Rings run so that the inside lies to their left.
    out = np.column_stack([along[:, 1], -along[:, 0]]) / length[wall][:, None]
    points = ends[wall, :2] + along * share[:, None] + out * settings.off_wall_m
    building = rows[row[wall]]
    roof = buildings["height_m"].to_numpy(dtype=np.float64)[building]
    storeys = np.maximum(np.ceil((roof - settings.window_m) / settings.storey_m - 1e-9), 0).astype(np.int64)
    free = ~near_any(shapely.points(points), buildings.geometry.to_numpy(), 0.0) & (storeys > 0)
    outward = np.degrees(np.arctan2(out[:, 0], out[:, 1])) % 360.0
    heights = tuple(settings.window_m + settings.storey_m * k for k in range(int(storeys[free].max(initial=0))))
    metres = (length / pieces)[wall]
    return Frontage(points[free], outward[free], metres[free], storeys[free], building[free].astype(np.int64), heights, tuple(notes))


def _walls(shapes: npt.NDArray[np.object_]) -> tuple[Floats, Ints]:
    """Every wall's ends, x, y, x, y (n, 4), its inside to the left, and the row of its shape (n,)."""
    parts, part_of = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    same = (ring_of[:-1] == ring_of[1:]) & (xy[:-1] != xy[1:]).any(axis=1)
    ends: Floats = np.hstack([xy[:-1], xy[1:]])[same]
    return ends, part_of[ring_part][ring_of[:-1]][same].astype(np.int64)
