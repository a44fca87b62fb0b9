"""Raw shapes to buildings with heights, places, lamps and existing cameras.

Heights: height, else building:levels x 3.2 m, else the median of the known heights of the ten nearest buildings within 200 m where three or more
are known, else 6 m. What share was imputed is told by `height_source`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy.spatial import cKDTree

from planning.frames import conform, empty
from planning.raw import RawOsm, RawShape
from planning.streets import to_metres
from planning.tags import AREA_KEYS, camera_rows, count, metres, place_kind

STOREY_M = 3.2
DEFAULT_HEIGHT_M = 6.0
NEAR_M, NEAREST, KNOWN_AT_LEAST = 200.0, 10, 3
LEAST_FOOTPRINT_M2 = 1.0
SAME_PLACE_M = 50.0
# No wall at street level: a view passes below.
OPEN_BELOW = frozenset({"roof", "carport", "canopy"})


def buildings(raw: RawOsm, area: shapely.Geometry, crs: pyproj.CRS, counts: Counter[str]) -> gpd.GeoDataFrame:
    """Footprints that touch the study area, whole, each with a height [m] and where it comes from.

    A building:part stands beside its building as a row of its own: both block. Faults are mended or left out, and counted.
    """
    kept = [shape for shape in raw.shapes if _blocks(shape, counts)]
    # A relation and the way it is drawn by may both say that they are the building.
    drawn_again = {way for shape in kept for way in shape.outer}
    counts["buildings told by both a relation and its outline"] += sum(shape.id in drawn_again for shape in kept)
    kept = [shape for shape in kept if shape.id not in drawn_again]
    if not kept:
        return empty("buildings", crs)
    shapes = to_metres(crs, np.array([shape.geometry for shape in kept], dtype=object))
    shapes = mended_areas(shapes, counts, "building outlines that crossed themselves, mended")
    frame = gpd.GeoDataFrame(
        {
            "height_m": [_height(shape.tags)[0] for shape in kept],
            "height_source": [_height(shape.tags)[1] for shape in kept],
            "kind": [shape.tags.get("building") or shape.tags.get("building:part") for shape in kept],
            "name": [shape.tags.get("name") for shape in kept],
        },
        index=[shape.id for shape in kept], geometry=shapes, crs=crs,
    )  # fmt: skip
    counts["heights that could not be read"] += sum(_height(shape.tags)[2] for shape in kept)
    small = shapely.area(shapes) < LEAST_FOOTPRINT_M2
    away = ~shapely.intersects(shapes, area)
    twice = pd.Series(shapely.to_wkb(shapely.normalize(shapes))).duplicated().to_numpy()
    counts["buildings outside the study area"] += int((away & ~small).sum())
    counts["buildings below 1 m2"] += int(small.sum())
    counts["buildings drawn twice"] += int((twice & ~small & ~away).sum())
    return conform(with_heights(frame[~(small | away | twice)]), "buildings")


def _blocks(shape: RawShape, counts: Counter[str]) -> bool:
    kinds = [shape.tags[key] for key in AREA_KEYS if shape.tags.get(key, "no") != "no"]
    if not kinds:
        return False
    if shape.geometry.geom_type == "Point":
        counts["buildings drawn as points, without a footprint"] += 1
        return False
    if OPEN_BELOW.intersection(kinds):
        counts["roofs without walls left out"] += 1
        return False
    if shape.tags.get("location") == "underground":
        counts["buildings underground left out"] += 1
        return False
    return True


def _height(tags: Any) -> tuple[float | None, str, bool]:
    """Height [m] or None, its source, and whether something given could not be read."""
    unread = False
    for key, source, read in (("height", "height", metres), ("building:levels", "levels", count)):
        if not tags.get(key):
            continue
        value = read(tags[key])
        height = value * STOREY_M if value is not None and source == "levels" else value
        if height is not None and 0.5 <= height <= 900:
            return height, source, unread
        unread = True
    return None, "default", unread


def with_heights(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A copy whose missing heights are filled: the local median of known ones, else the default."""
    known = frame["height_m"].notna().to_numpy()
    heights = frame["height_m"].to_numpy(dtype=float).copy()
    sources = frame["height_source"].to_numpy(dtype=object).copy()
    places = shapely.get_coordinates(shapely.centroid(frame.geometry.to_numpy()))
    if not known.all() and len(places):
        heights[~known] = DEFAULT_HEIGHT_M
        sources[~known] = "default"
    if known.sum() >= KNOWN_AT_LEAST and not known.all():
        nearest = min(NEAREST, int(known.sum()))
        far, which = cKDTree(places[known]).query(places[~known], k=nearest, distance_upper_bound=NEAR_M)
        near = np.isfinite(far.reshape(-1, nearest))
        found = np.append(heights[known], np.nan)[which.reshape(-1, nearest)]
        enough = near.sum(axis=1) >= KNOWN_AT_LEAST
        filled = np.flatnonzero(~known)[enough]
        if len(filled):
            heights[filled] = np.nanmedian(np.where(near, found, np.nan)[enough], axis=1)
            sources[filled] = "local median"
    return frame.assign(height_m=heights, height_source=sources)


def mended_areas(shapes: np.ndarray[Any, Any], counts: Counter[str], told: str) -> np.ndarray[Any, Any]:
    """Areas made valid, without Z and the points and lines that mending leaves over; empty where no area is left or the CRS cannot draw it."""
    shapes = shapely.force_2d(np.asarray(shapes, dtype=object))
    places, owner = shapely.get_coordinates(shapes, return_index=True)
    shapes[shapely.is_missing(shapes)] = shapely.Polygon()
    shapes[owner[~np.isfinite(places).all(axis=1)]] = shapely.Polygon()  # bounds would pass over a single NaN
    faulty = ~shapely.is_valid(shapes)
    counts[told] += int(faulty.sum())
    if faulty.any():
        shapes[faulty] = [_mended(shape) for shape in shapes[faulty]]
    return shapes


def _mended(shape: shapely.Geometry) -> shapely.Geometry:
    try:
        return areas_only(shapely.make_valid(shape))
    except shapely.errors.GEOSException:
        # Coordinates past all measure: no area can be told from them.
        return shapely.Polygon()


def areas_only(shape: shapely.Geometry) -> shapely.Geometry:
    """The areas of a geometry, one Polygon or MultiPolygon; an empty Polygon where there are none."""
    parts = [part for piece in shapely.get_parts(shape) for part in shapely.get_parts(piece) if part.geom_type == "Polygon" and part.area > 0]
    if not parts:
        return shapely.Polygon()
    return parts[0] if len(parts) == 1 else shapely.make_valid(shapely.MultiPolygon(parts))


def places(raw: RawOsm, area: shapely.Geometry, crs: pyproj.CRS, counts: Counter[str]) -> gpd.GeoDataFrame:
    """Where people gather, as points; an area stands for itself by a point inside it. One place mapped twice is one row."""
    rows = [(shape, kind) for shape in raw.shapes if (kind := place_kind(shape.tags)) is not None]
    frame = _points([shape for shape, _ in rows], crs)
    frame["kind"] = [kind for _, kind in rows]
    frame["name"] = [shape.tags.get("name") or shape.tags.get("name:en") or shape.tags.get("name:hi") for shape, _ in rows]
    frame = _inside(frame, area, counts, "places")
    again: set[str] = set()
    for _, group in frame.dropna(subset="name").groupby(["kind", "name"]):
        if len(group) > 1:
            for one, other in cKDTree(shapely.get_coordinates(group.geometry.array)).query_pairs(SAME_PLACE_M):
                again.add(str(group.index[max(one, other)]))
    counts["places mapped twice, made one"] += len(again)
    return conform(frame[~frame.index.isin(again)], "places")


def lamps(raw: RawOsm, area: shapely.Geometry, crs: pyproj.CRS, counts: Counter[str]) -> gpd.GeoDataFrame:
    """Street lamps and poles."""
    rows = [(shape, kind) for shape in raw.shapes if shape.geometry.geom_type == "Point" and (kind := lamp_kind(shape.tags)) is not None]
    frame = _points([shape for shape, _ in rows], crs)
    frame["kind"] = [kind for _, kind in rows]
    return conform(_inside(frame, area, counts, "lamps"), "lamps")


def lamp_kind(tags: Any) -> str | None:
    """Whether tags make a lamp or a pole a camera could use."""
    if tags.get("highway") == "street_lamp":
        return "lamp"
    return "pole" if tags.get("man_made") == "utility_pole" or tags.get("power") == "pole" else None


def cameras(raw: RawOsm, area: shapely.Geometry, crs: pyproj.CRS, counts: Counter[str]) -> gpd.GeoDataFrame:
    """Existing cameras of man_made=surveillance, one row for each direction."""
    return camera_frame([shape for shape in raw.shapes if shape.tags.get("man_made") == "surveillance"], area, crs, counts, raw.origin)


def camera_frame(shapes: Iterable[RawShape], area: shapely.Geometry, crs: pyproj.CRS, counts: Counter[str], origin: str) -> gpd.GeoDataFrame:
    """Surveillance features, of a map or of a table with such tags, as the cameras layer in the study area."""
    kept: list[tuple[RawShape, dict[str, Any]]] = []
    for shape in shapes:
        rows = camera_rows(shape.tags)
        if isinstance(rows, str):
            counts[f"surveillance left out: {rows}"] += 1
        else:
            kept += [(RawShape(f"{shape.id}-{number}" if number else shape.id, shape.tags, shape.geometry), row) for number, row in enumerate(rows)]
    frame = _points([shape for shape, _ in kept], crs)
    for column in ("kind", "bearing_deg", "hfov_deg", "height_m", "mount", "junction"):
        frame[column] = [row[column] for _, row in kept]
    frame["source"] = origin
    return conform(_inside(frame, area, counts, "cameras"), "cameras")


def _points(shapes: list[RawShape], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    if not shapes:
        return gpd.GeoDataFrame(geometry=[], crs=crs)
    found = to_metres(crs, np.array([shape.geometry for shape in shapes], dtype=object))
    return gpd.GeoDataFrame(index=[shape.id for shape in shapes], geometry=shapely.point_on_surface(shapely.make_valid(found)), crs=crs)


def _inside(frame: gpd.GeoDataFrame, area: shapely.Geometry, counts: Counter[str], what: str) -> gpd.GeoDataFrame:
    within = shapely.intersects(area, frame.geometry.to_numpy())
    counts[f"{what} outside the study area"] += int((~within).sum())
    return frame[within]
