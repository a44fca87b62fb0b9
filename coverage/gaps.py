"""What a plan, or the cameras alive now, does not see: rasters of the study area, and the areas where most weight is unseen.

Gap areas come from unseen demand, not from unseen cells: most unseen cells are yards and fields that nobody asked to watch, while demand says
where people are. The rasters answer the other question, what is in view at one spot.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
import rasterio.features
import rasterio.shutil
import shapely
from rasterio.io import MemoryFile
from scipy.spatial import cKDTree

from coverage.area import Counts, Densities, Grid, count_and_best
from coverage.matrix import build_matrix
from coverage.poses import farthest_m
from coverage.sight import Floats, Walls, cast
from coverage.standing import Standing
from planning.errors import InputError
from planning.files import atomic_path
from planning.geometry import Bools, Ints

NO_COUNT = 65_535
NO_DENSITY = -1.0
MOST_CELLS = 400_000_000
ACROSS_M = 150.0
LINK_M = 25.0


@dataclass(frozen=True, eq=False)
class Rasters:
    """Per cell how many cameras see it (`NO_COUNT` in buildings and outside the study area) and the best density [px/m] (`NO_DENSITY` there)."""

    grid: Grid
    crs: pyproj.CRS
    count: Counts
    px_per_m: Densities

    def write(self, folder: str | Path) -> tuple[Path, Path]:
        """Write cameras.tif and px_per_m.tif as cloud-optimised GeoTIFFs, each replaced whole; returns their paths."""
        paths = Path(folder) / "cameras.tif", Path(folder) / "px_per_m.tif"
        _write(paths[0], self.count, float(NO_COUNT), 2, self.grid, self.crs)
        _write(paths[1], self.px_per_m, NO_DENSITY, 3, self.grid, self.crs)
        return paths


def make_rasters(
    walls: Walls, standing: Standing, buildings: gpd.GeoDataFrame, area: shapely.Geometry, *, target_m: float, cell_m: float = 1.0
) -> Rasters:  # fmt: skip
    """What the cameras see of the study area, cell by cell; a cell counts by its middle, where the target stands on the ground of the walls' terrain.

    Parameters
    ----------
    walls, buildings: what blocks, and whose cells are not street level; the frame's CRS is the rasters'.
    standing: the cameras, planned or standing.
    area: the study area [m].
    target_m: height of what is to be seen above ground [m].
    cell_m: side of a cell [m].

    Raises
    ------
    InputError: `grid.cells`, where cells are too small, too large or too many.
    """
    grid = Grid.over(area.bounds, cell_m)
    if grid.rows * grid.columns > MOST_CELLS:
        what = f"The study area has {grid.rows * grid.columns / 1e6:.0f} million cells; {MOST_CELLS / 1e6:.0f} million is the most"
        raise InputError.one("grid.cells", what, "Take larger cells", f"{cell_m:g} m")
    shape, transform = (grid.rows, grid.columns), _transform(grid)
    off = rasterio.features.rasterize([(area, 0)], out_shape=shape, transform=transform, fill=1, dtype="uint8")
    if len(buildings):
        rasterio.features.rasterize([(shape_, 1) for shape_ in buildings.geometry.array], out=off, transform=transform)
    count, best = count_and_best(walls, standing, grid, target_m=target_m, off=off)
    count[off == 1], best[off == 1] = NO_COUNT, NO_DENSITY
    return Rasters(grid, pyproj.CRS(buildings.crs), count, best)


def _transform(grid: Grid) -> rasterio.Affine:
    return rasterio.Affine(grid.cell_m, 0.0, grid.west_m, 0.0, -grid.cell_m, grid.north_m)


def _write(path: Path, values: npt.NDArray[np.generic], nodata: float, predictor: int, grid: Grid, crs: pyproj.CRS) -> None:
    transform = _transform(grid)
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"), MemoryFile() as memory, atomic_path(path) as scratch:
        with memory.open(
            driver="GTiff", height=grid.rows, width=grid.columns, count=1, dtype=values.dtype, nodata=nodata, crs=crs.to_wkt(), transform=transform,
            tiled=True, bigtiff="IF_SAFER",
        ) as plain:  # fmt: skip
            plain.write(values, 1)
        with memory.open() as plain:
            # An overview keeps a cell as it is: averages of counts would be no counts.
            rasterio.shutil.copy(
                plain, scratch, driver="COG", compress="DEFLATE", level=1, predictor=predictor, overview_resampling="nearest", bigtiff="IF_SAFER"
            )


def times_seen(walls: Walls, standing: Standing, demand: gpd.GeoDataFrame, *, deck_m: Floats | None = None) -> Ints:
    """How many of the cameras see each demand point (n_demand,); `deck_m` of `coverage.decks`, where there is terrain."""
    if not len(standing.poses) or not len(demand):
        return np.zeros(len(demand), dtype=np.int64)
    heads = standing.poses.heads
    lines = cast(
        walls, standing.points_m, shapely.get_coordinates(demand.geometry.array), demand["target_m"].to_numpy(np.float64),
        reach_m=farthest_m(heads, walls), highest_m=max(head.height_m for head in heads) + 1e-9, deck_m=deck_m,
    )  # fmt: skip
    return np.asarray(build_matrix(lines, standing.poses, len(demand)).px_per_m.getnnz(axis=0), dtype=np.int64)


def gap_areas(demand: gpd.GeoDataFrame, seen: Bools, *, across_m: float = ACROSS_M, link_m: float = LINK_M, most: int = 50) -> gpd.GeoDataFrame:
    """The areas at most `across_m` wide where most weight is unseen, heaviest first.

    Again and again the disc with the most unseen weight is taken, and of it what hangs together with its middle; so an area has a size that a few
    cameras can serve, where all unseen streets together would be one area as large as the city.

    Parameters
    ----------
    demand: points with weight and ward.
    seen: which points are seen (n_demand,).
    across_m: width of a disc [m]. link_m: points nearer than this hang together [m]. most: how many areas at most.

    Returns
    -------
    Polygons with index a001 …, and the columns weight, area_m2, points, ward (the one with the most of the weight).
    """
    lost = demand[~seen & (demand["weight"].to_numpy(np.float64) > 0)]
    xy, weight = shapely.get_coordinates(lost.geometry.array), lost["weight"].to_numpy(np.float64)
    rows: list[tuple[float, int, str]] = []
    shapes: list[shapely.Geometry] = []
    if len(lost):
        tree = cKDTree(xy)
        near = tree.query_ball_point(xy, across_m / 2, return_sorted=True)
        left = np.ones(len(xy), bool)
        sums = np.array([weight[found].sum() for found in near])
        while len(rows) < most and left.any():
            middle = int(np.argmax(np.where(left, sums, -1.0)))
            inside = np.array([point for point in near[middle] if left[point]], dtype=np.int64)
            taken = inside[_hangs_on(xy[inside], int(np.flatnonzero(inside == middle)[0]), link_m)]
            left[taken] = False
            for point in taken:
                sums[near[point]] -= weight[point]
            shapes.append(shapely.simplify(shapely.union_all(shapely.buffer(shapely.points(xy[taken]), link_m / 2 + 0.5)), 1.0))
            rows.append((float(weight[taken].sum()), len(taken), _heaviest(lost["ward"].to_numpy(object)[taken], weight[taken])))
    order = sorted(range(len(rows)), key=lambda row: (-rows[row][0], row))
    index = [f"a{number:03d}" for number in range(1, len(rows) + 1)]
    columns = {
        "weight": np.array([rows[row][0] for row in order], dtype=np.float64), "area_m2": np.array([shapes[row].area for row in order], np.float64),
        "points": np.array([rows[row][1] for row in order], np.int64), "ward": np.array([rows[row][2] for row in order], dtype=object),
    }  # fmt: skip
    return gpd.GeoDataFrame(columns, index=index, geometry=[shapes[row] for row in order], crs=demand.crs)


def _hangs_on(xy: npt.NDArray[np.float64], middle: int, link_m: float) -> Bools:
    """Which points are joined to the middle one by steps of at most `link_m`."""
    tree, found, ask = cKDTree(xy), np.zeros(len(xy), bool), [middle]
    found[middle] = True
    while ask:
        near = np.unique(np.concatenate([np.asarray(some, dtype=np.int64) for some in tree.query_ball_point(xy[ask], link_m)]))
        ask = [int(point) for point in near[~found[near]]]
        found[near] = True
    return found


def _heaviest(labels: npt.NDArray[np.object_], weight: npt.NDArray[np.float64]) -> str:
    """The label with the most weight; the first by name where several have."""
    totals = {str(label): float(weight[labels == label].sum()) for label in np.unique(labels.astype(str))}
    return min(totals, key=lambda label: (-totals[label], label))
