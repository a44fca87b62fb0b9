"""Files of the areas a committee drew to the zones layer: kinds, names and weights found by meaning, rings mended, all faults told at once."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from planning.columns import normal
from planning.errors import CityError, Fault, FileRefused, InputError
from planning.features import mended_areas
from planning.files import read_vector
from planning.frames import ZONE_KINDS, conform, empty
from planning.tags import DIGITS
from planning.wards import say_extent, say_some

LARGEST_WEIGHT = 1e6
# meaning -> headers that bear it, the surest first; they are compared as `planning.columns.normal` writes them
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "kind": (
        "kind", "zone kind", "zone type", "type", "type of zone", "rule", "purpose", "use", "category", "class", "zone",
        "क्षेत्र प्रकार", "क्षेत्र का प्रकार", "प्रकार", "नियम", "श्रेणी",
    ),
    "zone": ("name", "zone name", "area name", "title", "label", "zone", "क्षेत्र का नाम", "क्षेत्र नाम", "नाम", "शीर्षक"),
    "weight": ("weight", "zone weight", "importance", "priority weight", "factor", "भार", "वज़न", "वजन", "महत्व", "महत्त्व"),
}  # fmt: skip
_WORDS: Mapping[str, tuple[str, ...]] = {
    "priority": (
        "priority", "priority zone", "priority area", "high priority", "hotspot", "hot spot",
        "प्राथमिकता", "प्राथमिकता क्षेत्र", "प्राथमिक", "प्राथमिक क्षेत्र",
    ),
    "area": (
        "area", "area zone", "watch", "watched area", "watch area", "open area", "open ground", "क्षेत्र", "निगरानी", "निगरानी क्षेत्र", "मैदान", "खुला मैदान",
    ),
    "no_mount": (
        "no mount", "nomount", "no mounts", "no mounting", "no mount zone", "no pole", "no poles",
        "खंभा नहीं", "खम्भा नहीं", "खंभे नहीं", "खम्भे नहीं", "बिना खंभा", "खंभा वर्जित", "खंभा निषेध",
    ),
    "no_view": (
        "no view", "noview", "no viewing", "no view zone", "private", "privacy", "privacy zone",
        "निजता", "निजता क्षेत्र", "निजी", "निजी क्षेत्र", "गोपनीय", "गोपनीयता", "देखना नहीं", "देखना वर्जित", "दृश्य नहीं",
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Zones:
    """Zones in their schema, and what was found and mended."""

    frame: gpd.GeoDataFrame
    told: tuple[str, ...]


def read_zones(paths: Sequence[str | Path], area: shapely.Geometry, crs: pyproj.CRS, *, mapping: Mapping[str, str] | None = None) -> Zones:
    """Zones of polygon files (GeoJSON, GeoPackage, shapefile, GeoParquet); those that touch the study area are kept whole, the others counted.

    Nothing is cut, since only the part inside the study area bears on a plan. A zone without a weight weighs 1.

    Parameters
    ----------
    area: the study area in `crs` [m].
    mapping: `kind`, `zone` (its name) and `weight` -> column, over what the headers say; it holds for each file that has the column.

    Raises
    ------
    InputError: all faults of all files, together: those of `planning.files.read_vector`; `zones.crs` when a file does not say its CRS;
        `zones.areas` when it holds no polygon; `zones.column` when no column says what kind its zones are; `zones.kind` and `zones.weight`
        with the values met and their rows; `zones.far` when no zone touches the study area, naming both extents; `zones.mapping` when no file has
        a mapped column.
    """
    faults: list[Fault] = []
    opened: list[tuple[str, gpd.GeoDataFrame]] = []
    for path in paths:
        try:
            opened.append((Path(str(path)).name, read_vector(path)))
        except InputError as error:
            faults.extend(error.faults)
    faults += _mapping_faults(opened, mapping or {})
    frames: list[gpd.GeoDataFrame] = []
    told: list[str] = []
    for number, (name, raw) in enumerate(opened, 1):
        try:
            frame, sentences = _zones(raw, name, area, crs, mapping or {})
        except InputError as error:
            faults.extend(error.faults)
            continue
        told += sentences
        frames.append(frame.set_axis([f"z{number}-{row}" if len(opened) > 1 else f"z{row}" for row in frame.index], axis=0))
    if faults:
        raise InputError(faults)
    return Zones(conform(pd.concat(frames), "zones") if frames else empty("zones", crs), tuple(told))


def _mapping_faults(opened: list[tuple[str, gpd.GeoDataFrame]], mapping: Mapping[str, str]) -> list[Fault]:
    headers = {header for _, frame in opened for header in _plain_columns(frame)}
    lacking = [f"{meaning}={mapping[meaning]}" for meaning in _HEADERS if mapping.get(meaning) and mapping[meaning] not in headers]
    if not opened or not lacking:
        return []
    shown = ", ".join(sorted(headers)) or "none"
    return [Fault("zones.mapping", f"No zone file has such a column; columns are: {shown}", "Name one of these", ", ".join(lacking))]


def _zones(
    raw: gpd.GeoDataFrame, name: str, area: shapely.Geometry, crs: pyproj.CRS, mapping: Mapping[str, str]
) -> tuple[gpd.GeoDataFrame, list[str]]:  # fmt: skip
    """The zones of one file, indexed by row number from 1, and what is told of them."""
    counts: Counter[str] = Counter()
    raw = _polygons(raw, name, counts)
    kinds, weights, told = _meanings(raw, name, mapping)
    given = np.asarray(raw.geometry.array)
    crossed = ~shapely.is_valid(given)
    sound = gpd.GeoSeries(mended_areas(given, Counter(), ""), crs=raw.crs).to_crs(crs)
    shapes = mended_areas(np.asarray(sound.array), counts, "mended again after reprojection")
    touching = shapely.area(shapely.intersection(shapes, area)) > 0
    if not touching.any():
        what = f"No zone of {name} touches the study area: zones lie at {say_extent(shapes, crs)}, streets at {say_extent(np.array([area]), crs)}"
        raise CityError.one("zones.far", what, "Give this city's zones, or a file whose stated CRS is right", raw.crs.to_string())
    column = _column(raw, "zone", mapping, skip=kinds.name)
    names = _texts(raw[column]) if column else pd.Series("", index=raw.index, dtype=object)
    told += [f"{name}: zone names were read from “{column}”"] if column else []
    mended = [names[row] or f"row {row}" for row in raw.index[crossed & touching]]
    if mended:
        told.append(f"{name}: {len(mended)} zones whose outline crossed itself were mended: {say_some(mended)}")
    hollow = shapely.is_empty(shapes)
    counts["whose outline holds no area left out"] += int(hollow.sum())
    counts["outside the study area left out"] += int((~touching & ~hollow).sum())
    frame = gpd.GeoDataFrame({"kind": kinds, "name": names.where(names != "", None), "weight": weights}, geometry=shapes, crs=crs)[touching]
    beyond = int((~shapely.covered_by(np.asarray(frame.geometry.array), area)).sum())
    counts["that reach past the study area kept whole"] += beyond
    parts = ", ".join(f"{number} {kind}" for kind in ZONE_KINDS if (number := int((frame["kind"] == kind).sum())))
    told.append(f"{name}: {len(frame)} zones used ({parts})" + "".join(f"; {number} {what}" for what, number in counts.items() if number))
    return frame, told


def _polygons(raw: gpd.GeoDataFrame, origin: str, counts: Counter[str]) -> gpd.GeoDataFrame:
    """The rows that are areas, indexed by row number from 1, of a file that says its CRS."""
    if raw.crs is None:
        way_out = "Put its .prj beside it, or save it as GeoJSON in WGS84 or as GeoPackage"
        raise FileRefused.one("zones.crs", f"The zone file {origin} does not say its CRS", way_out, origin)
    drawn = shapely.get_type_id(np.asarray(raw.geometry.array))
    polygons = ((drawn == 3) | (drawn == 6)) & ~raw.geometry.is_empty.to_numpy()
    if not polygons.any():
        raise FileRefused.one("zones.areas", f"The zone file {origin} holds no polygons", "Give a layer of areas", origin)
    counts["rows without a polygon left out"] += int((~polygons).sum())
    return raw.set_axis(range(1, len(raw) + 1), axis=0)[polygons]


def _meanings(raw: gpd.GeoDataFrame, origin: str, mapping: Mapping[str, str]) -> tuple[pd.Series, pd.Series, list[str]]:
    """Each zone's kind, its series named after the column, and its weight; the faults of both are raised together."""
    column = _column(raw, "kind", mapping)
    if column is None:
        shown = ", ".join(_plain_columns(raw)) or "none"
        what = f"No column of {origin} says what kind its zones are; its columns are: {shown}"
        raise FileRefused.one("zones.column", what, f"Add a column kind of {', '.join(ZONE_KINDS)}, or name it with --map kind=COLUMN", origin)
    texts = _texts(raw[column])
    kinds = texts.map(_kind).rename(column)
    told = [f"{origin}: kinds of zones were read from “{column}”"]
    faults = []
    if kinds.isna().any():
        way_out = f"Write one of {', '.join(ZONE_KINDS)} (प्राथमिकता, क्षेत्र, खंभा नहीं, निजता), or name the right column with --map kind=COLUMN"
        faults.append(Fault("zones.kind", f"{origin}: these kinds of zones in “{column}” are not known", way_out, _rows(texts[kinds.isna()])))
    weights = pd.Series(1.0, index=raw.index)
    if heavy := _column(raw, "weight", mapping, skip=column):
        said = _texts(raw[heavy])
        weights = said.map(_weight)
        told.append(f"{origin}: weights were read from “{heavy}”" + (f"; {n} zones without one weigh 1" if (n := int((said == "").sum())) else ""))
        wrong = ~weights.between(0, LARGEST_WEIGHT)
        if wrong.any():
            what = f"{origin}: weights in “{heavy}” are no numbers from 0 to {LARGEST_WEIGHT:,.0f}"
            faults.append(Fault("zones.weight", what, "Write 1 for an ordinary priority zone, 2 for one of twice its weight", _rows(said[wrong])))
    if faults:
        raise InputError(faults)
    return kinds, weights, told


def _kind(text: str) -> str | None:
    words = normal(text)
    return next((kind for kind, known in _WORDS.items() if any(words == normal(_composed(word)) for word in known)), None)


def _weight(text: str) -> float:
    """The number written, 1 for an empty cell, NaN for what is none; 1,000 is none, since it may mean a thousand or one."""
    plain = text.translate(DIGITS).casefold()
    if not plain or not re.fullmatch(r"[+-]?\d+(?:\.\d*|,(?!\d{3}$)\d+)?(?:e[+-]?\d+)?", plain):
        return float("nan") if plain else 1.0
    return float(plain.replace(",", "."))


def guess_zones(raw: gpd.GeoDataFrame) -> dict[str, str]:
    """Which columns would be read as a zone's kind, name and weight, by their headers."""
    kind = _column(raw, "kind", {})
    found = {"kind": kind, "zone": _column(raw, "zone", {}, skip=kind), "weight": _column(raw, "weight", {}, skip=kind)}
    return {meaning: column for meaning, column in found.items() if column}


def _column(raw: gpd.GeoDataFrame, meaning: str, mapping: Mapping[str, str], skip: object = None) -> str | None:
    """The column of a meaning: the mapping's, else the first header that bears it; for kinds the one whose cells say most kinds we know."""
    headers = [header for header in _plain_columns(raw) if header != skip]
    if mapping.get(meaning) in headers:
        return mapping[meaning]
    found = [header for name in _HEADERS[meaning] for header in headers if normal(_composed(header)) == normal(_composed(name))]
    filled = [header for header in found if raw[header].notna().any()]
    if meaning == "kind" and filled:
        return max(filled, key=lambda header: int(_texts(raw[header]).map(_kind).notna().sum()))
    return filled[0] if filled else None


def _plain_columns(raw: gpd.GeoDataFrame) -> list[str]:
    return [str(header) for header in raw.columns if header != raw.geometry.name]


def _composed(text: object) -> str:
    # Composed and decomposed nukta are the same word to a reader.
    return unicodedata.normalize("NFC", str(text))


def _texts(cells: pd.Series) -> pd.Series:
    """Cells as people see them, without needless blanks; "" where empty."""

    def text(cell: Any) -> str:
        return "" if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)) else " ".join(_composed(cell).split())

    return pd.Series([text(cell) for cell in cells], index=cells.index, dtype=object)


def _rows(cells: pd.Series) -> str:
    """Values with the rows they stand in, as “park” in row 3, 7; the first ten values and five rows of each."""
    groups = [(str(value), [str(row) for row in rows]) for value, rows in cells.groupby(cells, sort=False).groups.items()]
    shown = [f"{f'“{value[:60]}”' if value else 'nothing'} in row {say_some(rows)}" for value, rows in groups[:10]]
    return "; ".join(shown) + (f"; and {len(groups) - 10} more values" if len(groups) > 10 else "")
