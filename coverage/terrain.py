"""Ground heights: the GeoTIFF of a city's folder, brought to the city's CRS as a square grid of nodes.

    terrain.tif --> window over the study area --> masked, in metres --> bilinear to the city's CRS --> holes filled, and told --> Terrain
    any CRS, north-up or turned, any nodata                              nodes on the pixels' middles where the CRS is the same

The heights are taken as those of the bare ground (DTM). A surface model (DSM) has the roofs in it already; where one is likely the notes warn.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from coverage.ground import heights_on
from planning.city import City
from planning.errors import ChaukasError, CityError, Fault

Floats = npt.NDArray[np.float64]

MARGIN_M = 200.0  # beyond the study area's box
MOST_NODES = 16_000_000  # finer terrain is averaged to so many
MOST_FILLED = 0.2  # share of the study area
LOWEST_M, HIGHEST_M = -450.0, 9_000.0  # beside the Dead Sea, on the Himalaya
DSM_STEP_M = 1.0  # footprints that stand so much above the ground around are roofs, by the median
_LOOKED_AT = 2_000  # footprints
_MOST_RIM = 300_000  # nodes around holes; beyond, planes between them take minutes
_DSM_WORDS = re.compile(
    r"(?<![A-Za-z])(DSM|surface model|Copernicus|GLO-?30|GLO-?90|SRTM|AW3D30|ALOS|NASADEM|ASTER|GDEM)(?![A-Za-z])", re.IGNORECASE
)
_UNITS_M = {"": 1.0, "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "meters": 1.0, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048}


@dataclass(frozen=True, eq=False)
class Terrain:
    """The bare ground as heights at the nodes of a square grid, bilinear between them.

    `origin_m`: where node [0, 0], the most south-western, stands in the city's CRS [m]; `cell_m`: from node to node; `height_m` (rows, columns), rows
    to the north; `filled`: share of the study area whose heights were filled in; `notes`: what was assumed, filled or is odd.
    """

    origin_m: tuple[float, float]
    cell_m: float
    height_m: Floats
    filled: float = 0.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        grid = np.ascontiguousarray(self.height_m, dtype=np.float64)
        if grid.ndim != 2 or min(grid.shape) < 2 or not np.isfinite(grid).all() or not (np.isfinite(self.cell_m) and self.cell_m > 0):
            what = "Ground heights are no grid of two rows and columns of finite numbers"
            raise CityError.one("terrain.grid", what, "Give a GeoTIFF that covers the study area", f"{grid.shape}, cells of {self.cell_m} m")
        object.__setattr__(self, "height_m", grid)

    def height_at(self, points_m: Floats) -> Floats:
        """Ground heights (n,) at points (n, 2) in the city's CRS [m]; beyond the grid those of its edge."""
        points = np.ascontiguousarray(points_m, dtype=np.float64).reshape(-1, 2)
        found: Floats = heights_on(self.height_m, *self.origin_m, self.cell_m, points)
        return found


def read_terrain(city: City) -> Terrain | None:
    """The ground of a city; None where its folder has no terrain, which is flat ground.

    Raises
    ------
    CityError: `terrain.unreadable`, `terrain.bands`, `terrain.crs`, `terrain.units`, `terrain.place`, `terrain.heights`, `terrain.holes`.
    """
    if city.terrain_file is None:
        return None
    import rasterio

    try:
        with (
            warnings.catch_warnings(),
            # No file beside it is read, and nothing but a GeoTIFF is opened.
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO"),
            rasterio.open(city.terrain_file, driver="GTiff") as source,
        ):
            warnings.simplefilter("ignore")
            unit_m = _checked(source)
            origin, cell = _frame(source, city)
            values, transform = _read(source, city, cell)
            heights = _warped(source.crs, values * unit_m, transform, city, origin, cell)
            inside = _inside(city.area, heights.shape, origin, cell)
            told = [*source.tags().values(), *source.tags(1).values(), source.descriptions[0] or ""]
    except ChaukasError:
        raise
    except Exception as error:  # noqa: BLE001  # no foreign exception crosses this door
        raise CityError.one("terrain.unreadable", f"The terrain cannot be read: {error}", "Export it again as a GeoTIFF", "terrain.tif") from None
    filled = _check_heights(heights, inside)
    terrain = Terrain(origin, cell, _whole(heights), filled)
    names = [taken.origin for taken in city.sources if taken.layer == "terrain"]
    notes = tuple(_notes(terrain, names, told, city["buildings"], unit_m))
    return Terrain(origin, cell, terrain.height_m, filled, notes)


def _checked(source: Any) -> float:
    """Metres in a unit of its heights; what cannot be a grid of ground heights is refused, all faults at once."""
    from rasterio.enums import ColorInterp

    faults = []
    bands = [kind for kind in source.colorinterp if kind != ColorInterp.alpha]
    if len(bands) != 1 or bands[0] == ColorInterp.palette or np.dtype(source.dtypes[0]).kind not in "iuf":
        what = "The terrain is a picture, not one band of heights"
        faults.append(Fault("terrain.bands", what, "Give a GeoTIFF of one band", f"{source.count} bands of {source.dtypes[0]}"))
    if source.crs is None:
        faults.append(Fault("terrain.crs", "The terrain has no CRS", "Set it: gdal_edit -a_srs EPSG:32644", "none"))
    if source.transform.is_identity or not abs(source.transform.determinant) > 0:
        faults.append(Fault("terrain.place", "The terrain does not say where it lies", "Georeference it first", str(tuple(source.transform)[:6])))
    unit = (source.units[0] or "").strip().lower()
    if unit not in _UNITS_M:
        faults.append(Fault("terrain.units", "The terrain's heights are in a unit that is not known", "Convert them to metres", unit[:60]))
    if faults:
        raise CityError(faults)
    return _UNITS_M[unit]


def _frame(source: Any, city: City) -> tuple[tuple[float, float], float]:
    """Where the grid's first node stands and how far its nodes are apart: as the pixels are where that is possible, so that no height is moved."""
    west, south, east, north = city.area.bounds
    west, south, east, north = west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M
    turn = source.transform
    to_city = pyproj.Transformer.from_crs(source.crs.to_wkt(), city.crs, always_xy=True)
    to_source = pyproj.Transformer.from_crs(city.crs, source.crs.to_wkt(), always_xy=True)
    column, row = _apply(~turn, *to_source.transform((west + east) / 2, (south + north) / 2))
    here, right, down = (np.array(to_city.transform(*_apply(turn, column + c, row + r))) for c, r in ((0, 0), (1, 0), (0, 1)))
    native = float(min(np.hypot(*(right - here)), np.hypot(*(down - here))))
    if not (np.isfinite(native) and native > 0):
        raise CityError.one("terrain.crs", "The terrain's CRS cannot be brought to the city's", "Check its CRS and its place", source.crs.to_string())
    cell = max(native, float(np.sqrt((east - west) * (north - south) / MOST_NODES)))
    square = turn.b == turn.d == 0 and abs(abs(turn.a) - abs(turn.e)) < 1e-9 * abs(turn.a)
    if square and cell == native and pyproj.CRS(source.crs.to_wkt()) == city.crs:
        x, y = turn.c + turn.a / 2, turn.f + turn.e / 2
        return (x + float(np.floor((west - x) / cell)) * cell, y + float(np.floor((south - y) / cell)) * cell), cell
    return (float(np.floor(west)), float(np.floor(south))), cell


def _shape(city: City, origin: tuple[float, float], cell: float) -> tuple[int, int]:
    _, _, east, north = city.area.bounds
    return int(np.ceil((north + MARGIN_M - origin[1]) / cell)) + 1, int(np.ceil((east + MARGIN_M - origin[0]) / cell)) + 1


def _read(source: Any, city: City, cell: float) -> tuple[Floats, Any]:
    """The pixels over the study area and its margin, NaN where masked; averaged down where they are many more than the grid's nodes."""
    from rasterio.enums import ColorInterp, Resampling
    from rasterio.transform import Affine
    from rasterio.windows import Window

    rim = shapely.segmentize(shapely.box(*city.area.bounds).buffer(MARGIN_M + 2 * cell, join_style="mitre"), 500.0)
    x, y = pyproj.Transformer.from_crs(city.crs, source.crs.to_wkt(), always_xy=True).transform(*shapely.get_coordinates(rim).T)
    known = np.isfinite(x) & np.isfinite(y)
    columns, rows = _apply(~source.transform, x[known], y[known]) if known.any() else (np.full(1, -9.0), np.full(1, -9.0))
    first_c, last_c = max(int(np.floor(columns.min())) - 2, 0), min(int(np.ceil(columns.max())) + 2, source.width)
    first_r, last_r = max(int(np.floor(rows.min())) - 2, 0), min(int(np.ceil(rows.max())) + 2, source.height)
    if first_c >= last_c or first_r >= last_r:
        raise CityError.one("terrain.place", "The terrain does not lie where the city does", "Give the terrain of this city", tuple(source.bounds))
    window = Window(first_c, first_r, last_c - first_c, last_r - first_r)
    shrink = max(np.sqrt(window.width * window.height / (2.0 * MOST_NODES)), 1.0)
    shape = max(int(window.height / shrink), 1), max(int(window.width / shrink), 1)
    read = source.read(1, window=window, out_shape=shape, masked=True, resampling=Resampling.average if shrink > 1 else Resampling.nearest)
    values = np.ma.filled(read.astype(np.float64), np.nan) * source.scales[0] + source.offsets[0]
    values[~np.isfinite(values)] = np.nan
    for band, kind in enumerate(source.colorinterp, 1):
        if kind == ColorInterp.alpha:  # its mask leaves out what is transparent by whole numbers only
            values[source.read(band, window=window, out_shape=shape) == 0] = np.nan
    wide, high, at = window.width / shape[1], window.height / shape[0], source.window_transform(window)
    return values, Affine(at.a * wide, at.b * high, at.c, at.d * wide, at.e * high, at.f)


def _apply(transform: Any, columns: Any, rows: Any) -> tuple[Any, Any]:
    """Where pixels lie; spelled out, since affine's own sign for it changes between its versions."""
    return transform.a * columns + transform.b * rows + transform.c, transform.d * columns + transform.e * rows + transform.f


def _north_up(origin: tuple[float, float], cell: float, rows: int) -> Any:
    """The grid as rasterio counts it: rows from the north, a node in the middle of each pixel."""
    from rasterio.transform import Affine

    return Affine(cell, 0.0, origin[0] - cell / 2, 0.0, -cell, origin[1] + (rows - 0.5) * cell)


def _warped(crs: Any, values: Floats, transform: Any, city: City, origin: tuple[float, float], cell: float) -> Floats:
    from rasterio.warp import Resampling, reproject

    rows, columns = _shape(city, origin, cell)
    out = np.full((rows, columns), np.nan)
    reproject(
        values, out, src_transform=transform, src_crs=crs, src_nodata=np.nan, dst_transform=_north_up(origin, cell, rows), dst_crs=city.crs.to_wkt(),
        dst_nodata=np.nan, resampling=Resampling.bilinear,
    )  # fmt: skip
    return np.ascontiguousarray(out[::-1])


def _inside(area: shapely.Geometry, shape: tuple[int, int], origin: tuple[float, float], cell: float) -> npt.NDArray[np.bool_]:
    """Which nodes' cells the study area touches (rows, columns)."""
    from rasterio.features import rasterize

    burnt = rasterize([(area, 1)], out_shape=shape, transform=_north_up(origin, cell, shape[0]), fill=0, all_touched=True, dtype="uint8")
    return np.ascontiguousarray(burnt[::-1]).astype(bool)


def _check_heights(heights: Floats, inside: npt.NDArray[np.bool_]) -> float:
    """The share of the study area without a height; garbage and too many holes are refused."""
    known = np.isfinite(heights)
    if not known[inside].any():
        raise CityError.one("terrain.place", "The terrain has no height anywhere in the study area", "Give the terrain of this city", "no data")
    low, high = float(heights[known].min()), float(heights[known].max())
    if low < LOWEST_M or high > HIGHEST_M:
        what = f"Ground heights go from {low:g} to {high:g} m, which no ground does"
        raise CityError.one("terrain.heights", what, "Name what stands for no data: gdal_edit -a_nodata VALUE", f"{low:g}, {high:g}")
    share = float(1.0 - known[inside].mean())
    if share > MOST_FILLED:
        what = f"{share:.0%} of the study area have no ground height; {MOST_FILLED:.0%} at most are filled in"
        raise CityError.one("terrain.holes", what, "Give terrain without such holes, or import the city without it", f"{share:.3f}")
    return share


def _whole(heights: Floats) -> Floats:
    """Holes filled linearly between the heights around them, so that a slope goes on; beyond the last height, or where there are too many, by the
    nearest.
    """
    from scipy.interpolate import LinearNDInterpolator
    from scipy.ndimage import binary_dilation, distance_transform_edt

    hole = np.isnan(heights)
    if not hole.any():
        return heights
    out = heights.copy()
    rim = np.argwhere(binary_dilation(hole, np.ones((3, 3))) & ~hole)
    wanted = np.argwhere(hole)
    if len(rim) <= _MOST_RIM and np.linalg.matrix_rank(rim - rim[0]) == 2:
        out[hole] = LinearNDInterpolator(rim, heights[tuple(rim.T)])(wanted)
    left = np.isnan(out)
    if left.any():
        nearest = distance_transform_edt(hole, return_distances=False, return_indices=True)
        out[left] = heights[tuple(nearest[:, left])]
    return out


def _notes(terrain: Terrain, names: list[str], told: list[str], buildings: gpd.GeoDataFrame, unit_m: float) -> Iterator[str]:
    grid = terrain.height_m
    span = f"from {grid.min():.0f} to {grid.max():.0f} m"
    yield f"The ground is that of the terrain file, in cells of {terrain.cell_m:.1f} m, {span}, taken as bare ground without roofs"
    if unit_m != 1.0:
        yield f"The terrain's heights were in feet and were taken times {unit_m:g}"
    if terrain.filled > 0:
        share = f"{terrain.filled:.1%}" if terrain.filled >= 0.001 else "Less than 0.1%"
        how = "filled linearly between those around, beyond the last, or where holes are very many, by the nearest"
        yield f"{share} of the study area had no ground height: {how}"
    found = [match[0] for match in map(_DSM_WORDS.search, (*names, *map(str, told))) if match]
    step = _footprints_above(terrain, buildings)
    if found or step >= DSM_STEP_M:
        why = f"it is called {found[0]}" if found else f"under footprints it stands {step:.1f} m above the ground around, by the median"
        yield f"The terrain is likely a surface model, which has the roofs in it ({why}): buildings block twice; give bare ground (DTM)"


def _footprints_above(terrain: Terrain, buildings: gpd.GeoDataFrame) -> float:
    """How much higher the ground in footprints lies than around them, by the median [m]; 0 where there are too few free-standing ones to tell."""
    shapes = np.asarray(buildings.geometry.array)
    tree = shapely.STRtree(shapes)
    shapes = shapes[:: max(len(shapes) // _LOOKED_AT, 1)]
    if not len(shapes):
        return 0.0
    middle = terrain.height_at(shapely.get_coordinates(shapely.point_on_surface(shapes)))
    rings = shapely.get_exterior_ring(shapely.convex_hull(shapely.buffer(shapes, max(terrain.cell_m, 4.0))))
    around = shapely.line_interpolate_point(np.repeat(rings, 16), np.tile(np.arange(16) / 16, len(rings)), normalized=True)
    free = np.ones(len(around), dtype=bool)
    free[tree.query(around, predicate="intersects")[0]] = False
    heights = np.where(free, terrain.height_at(shapely.get_coordinates(around)), np.nan).reshape(-1, 16)
    enough = np.isfinite(heights).sum(axis=1) >= 4
    return float(np.median(middle[enough] - np.nanmedian(heights[enough], axis=1))) if enough.sum() >= 10 else 0.0
