"""A ward file to the wards layer: names and residents found by meaning, rings mended, clipped to the study area."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from planning.columns import normal, numbers
from planning.errors import CityError, FileRefused
from planning.features import areas_only, mended_areas
from planning.files import read_vector
from planning.frames import conform

LEAST_WARD_M2 = 100.0
MOST_PEOPLE = 1e9
_NAMES = (
    "ward name", "kgisward name", "kgis ward name", "name", "वार्ड का नाम", "वार्ड नाम", "वार्ड", "नाम",
    "ward", "ward no", "ward number", "wardno", "label", "nbrdesc", "neighborhood", "neighbourhood", "zone", "division", "district",
)  # fmt: skip
_PEOPLE = ("population", "pop", "tot p", "total population", "residents", "people", "जनसंख्या", "आबादी", "pop 2011", "pop2011", "totpop")


@dataclass(frozen=True, eq=False)
class Wards:
    """Wards in their schema, and what was found and mended."""

    frame: gpd.GeoDataFrame
    told: tuple[str, ...]


def read_wards(path: str | Path, area: shapely.Geometry, crs: pyproj.CRS, *, mapping: Mapping[str, str] | None = None) -> Wards:
    """Wards of a polygon file (GeoJSON, GeoPackage, shapefile, GeoParquet), clipped to the study area.

    Parameters
    ----------
    area: the study area in `crs` [m].
    mapping: `ward` and `population` -> column, over what the headers say.

    Raises
    ------
    FileRefused: see `planning.files.read_vector`; `wards.crs` when the file does not say its CRS, `wards.areas` when it holds no polygon,
        `wards.mapping` when a mapped column is not there.
    CityError: `wards.far` when no ward touches the study area, naming both extents.
    """
    name = Path(str(path)).name
    told: list[str] = []
    counts: Counter[str] = Counter()
    raw = _polygons(read_vector(path), name, mapping, counts)
    names, people = _names(raw, mapping, told, name), _people(raw, mapping, told, name)
    given = np.asarray(raw.geometry.array)
    crossed = ~shapely.is_valid(given)
    sound = gpd.GeoSeries(mended_areas(given, Counter(), ""), crs=raw.crs).to_crs(crs)
    shapes = mended_areas(np.asarray(sound.array), counts, "mended again after reprojection")
    touching = shapely.intersects(shapes, area)
    if not touching.any():
        what = f"No ward of {name} touches the study area: wards lie at {say_extent(shapes, crs)}, streets at {say_extent(np.array([area]), crs)}"
        raise CityError.one("wards.far", what, "Give this city's wards, or a file whose stated CRS is right", raw.crs.to_string())
    if (crossed & touching).any():
        mended = [str(label) for label in names[crossed & touching]]
        told.append(f"{name}: {len(mended)} wards whose outline crossed itself were mended: {say_some(mended)}")
    frame = _clipped(gpd.GeoDataFrame({"name": names, "population": people}, geometry=shapes, crs=crs), area, counts, told, name)
    frame = _unique(frame, told, name)
    overlap = float(frame.area.sum() - shapely.union_all(np.asarray(frame.geometry.array)).area)
    if overlap > LEAST_WARD_M2:
        told.append(f"{name}: wards overlap by {overlap:,.0f} m2 together")
    told.append(f"{name}: {len(frame)} wards used" + "".join(f"; {number} {what}" for what, number in counts.items() if number))
    return Wards(conform(frame, "wards"), tuple(told))


def _polygons(raw: gpd.GeoDataFrame, origin: str, mapping: Mapping[str, str] | None, counts: Counter[str]) -> gpd.GeoDataFrame:
    """The rows that are areas, of a file that says its CRS and has the columns mapped."""
    if raw.crs is None:
        way_out = "Put its .prj beside it, or save it as GeoJSON in WGS84 or as GeoPackage"
        raise FileRefused.one("wards.crs", f"The ward file {origin} does not say its CRS", way_out, origin)
    lacking = [column for key in ("ward", "population") if (column := (mapping or {}).get(key)) and column not in raw.columns]
    if lacking:
        shown = ", ".join(str(column) for column in raw.columns if column != raw.geometry.name)
        raise FileRefused.one("wards.mapping", f"The ward file {origin} has no such column; it has: {shown}", "Name one of these", ", ".join(lacking))
    drawn = shapely.get_type_id(np.asarray(raw.geometry.array))
    polygons = ((drawn == 3) | (drawn == 6)) & ~raw.geometry.is_empty.to_numpy()
    if not polygons.any():
        raise FileRefused.one("wards.areas", f"The ward file {origin} holds no polygons", "Give a layer of ward areas", origin)
    counts["rows without a polygon left out"] += int((~polygons).sum())
    return raw[polygons].reset_index(drop=True)


def _clipped(wards: gpd.GeoDataFrame, area: shapely.Geometry, counts: Counter[str], told: list[str], origin: str) -> gpd.GeoDataFrame:
    """Wards cut to the study area; residents go with the share of the land that stays, and slivers are left out."""
    clipped = np.array([areas_only(shape) for shape in shapely.intersection(np.asarray(wards.geometry.array), area)], dtype=object)
    size, whole = shapely.area(clipped), wards.area.to_numpy()
    kept = size >= LEAST_WARD_M2
    counts["whose outline holds no area left out"] += int((whole == 0).sum())
    counts["outside the study area left out"] += int(((size == 0) & (whole > 0)).sum())
    counts["slivers under 100 m2 left out"] += int(((size > 0) & ~kept).sum())
    if not kept.any():
        raise CityError.one("wards.far", f"No ward of {origin} has more than 100 m2 in the study area", "Give this city's wards", origin)
    share = np.divide(size, whole, out=np.ones_like(size), where=whole > 0)
    cut = kept & (share < 0.999)
    people = wards["population"].to_numpy()
    counts["cut at the edge of the study area"] += int(cut.sum())
    if np.isfinite(people[cut]).any():
        told.append(f"{origin}: residents of wards cut at the edge were taken by the share of their area inside")
    return wards.assign(population=np.where(cut, np.round(people * share), people)).set_geometry(gpd.GeoSeries(clipped, crs=wards.crs))[kept]


def guess_wards(frame: gpd.GeoDataFrame) -> dict[str, str]:
    """Which columns would be read as a ward's name and its residents, by their headers."""
    found = {"ward": _column(frame, _NAMES), "population": _column(frame, _PEOPLE)}
    return {meaning: column for meaning, column in found.items() if column}


def _column(frame: gpd.GeoDataFrame, names: tuple[str, ...]) -> str | None:
    headers = [str(header) for header in frame.columns if header != frame.geometry.name]
    words = {header: normal(header) for header in headers}
    exact = [header for name in names for header in headers if words[header] == name]
    within = [header for name in names if len(name) > 3 for header in headers if name in words[header] and not words[header].endswith(("id", "code"))]
    return next((header for header in (*exact, *within) if frame[header].notna().any()), None)


def _names(frame: gpd.GeoDataFrame, mapping: Mapping[str, str] | None, told: list[str], origin: str) -> pd.Series:
    given = (mapping or {}).get("ward")
    column = given if given in frame.columns else _column(frame, _NAMES)
    if column is None:
        texts = [name for name in frame.columns if name != frame.geometry.name and frame[name].map(lambda cell: isinstance(cell, str)).mean() > 0.5]
        column = texts[0] if texts else None
    told.append(f"{origin}: ward names were read from “{column}”" if column else f"{origin}: no column of ward names was found; wards are numbered")
    numbered = pd.Series([f"Ward {number}" for number in range(1, len(frame) + 1)], index=frame.index, dtype=object)
    if column is None:
        return numbered
    texts = frame[column].map(lambda cell: " ".join(str(cell).split()).removesuffix(".0") if pd.notna(cell) else "")
    return texts.astype(object).where(texts != "", numbered)


def _people(frame: gpd.GeoDataFrame, mapping: Mapping[str, str] | None, told: list[str], origin: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    given = (mapping or {}).get("population")
    column = given if given in frame.columns else _column(frame, _PEOPLE)
    if column is None:
        return np.full(len(frame), np.nan)
    told.append(f"{origin}: residents were read from “{column}”")
    texts = frame[column].map(lambda cell: cell.replace(",", "") if isinstance(cell, str) else cell)
    found = numbers(texts)
    wrong = np.isfinite(found) & ~((found >= 0) & (found <= MOST_PEOPLE))
    if wrong.any():
        met = say_some([str(cell) for cell in texts[wrong]])
        told.append(f"{origin}: residents of {int(wrong.sum())} wards are no number of people and count as not known: {met}")
    return np.where(wrong, np.nan, found)


def _unique(frame: gpd.GeoDataFrame, told: list[str], origin: str) -> gpd.GeoDataFrame:
    """Names told apart, so that no two wards are one in a table of wards."""
    again = frame.groupby("name").cumcount()
    doubled = sorted(set(frame.loc[again > 0, "name"]))
    if doubled:
        told.append(f"{origin}: ward names that stood more than once were numbered: {say_some(doubled)}")
        frame = frame.assign(name=[f"{label} ({number + 1})" if number else label for label, number in zip(frame["name"], again, strict=True)])
    return frame.set_axis([f"ward{number + 1}" for number in frame.index], axis=0)


def say_extent(shapes: np.ndarray[tuple[int], np.dtype[np.object_]], crs: pyproj.CRS) -> str:
    """Where shapes of a CRS lie, in degrees, as a message says it."""
    west, south, east, north = shapely.total_bounds(shapes)
    if not np.isfinite([west, south, east, north]).all():
        return "no place this CRS can draw"
    low_lon, low_lat, high_lon, high_lat = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform_bounds(west, south, east, north)
    return f"{low_lon:.3f} to {high_lon:.3f} E, {low_lat:.3f} to {high_lat:.3f} N"


def say_some(names: list[str]) -> str:
    """The first five of a list, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
