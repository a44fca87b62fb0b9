"""What a table's columns mean, found by their headers in English and Hindi, and the places its rows name.

A mapping given by a person always wins; a header that says it whole wins over one that merely has the word in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import shapely

from planning.errors import Fault, InputError
from planning.tables import Table
from planning.tags import DIGITS

NEAR_M = 100.0
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "lat": ("lat", "latitude", "y lat", "gps lat", "gps latitude", "अक्षांश", "अक्षाश"),
    "lon": ("lon", "long", "lng", "longitude", "longtitude", "gps lon", "gps long", "gps longitude", "देशांतर", "देशान्तर", "रेखांश"),
    "x": ("x", "easting", "point x", "x coord", "x coordinate", "coord x", "xcoord"),
    "y": ("y", "northing", "point y", "y coord", "y coordinate", "coord y", "ycoord"),
    "point": (
        "point", "geometry", "wkt", "geom", "the geom", "location 1", "location", "coordinates", "coordinate", "lat long", "latlong", "lat lon",
        "geolocation", "निर्देशांक", "स्थान",
    ),
    "date": (
        "incident date", "crime date", "offence date", "date of occurrence", "occurrence date", "date occurred", "date occ", "occurred on",
        "occurred", "datetime", "date time", "date", "timestamp", "fir date", "report date", "reported date", "date reported", "month", "when",
        "घटना दिनांक", "घटना तिथि", "दिनांक", "दिनाँक", "तारीख", "तिथि",
    ),
    "time": (
        "incident time", "crime time", "time of occurrence", "occurrence time", "time occurred", "time occ", "time", "hour", "घटना समय", "समय",
    ),
    "category": (
        "category", "crime category", "crime type", "offence type", "offense type", "incident type", "primary type", "offence", "offense",
        "crime head", "crime", "description", "crime description", "type", "head", "अपराध का प्रकार", "अपराध", "श्रेणी", "प्रकार", "शीर्ष", "crime code",
    ),
    "direction": ("camera direction", "direction", "bearing", "bearing deg", "azimuth", "heading", "facing", "दिशा"),
    "type": ("camera type", "camera kind", "type", "kind", "type of camera", "कैमरा प्रकार", "प्रकार"),
    "model": ("camera model", "model", "मॉडल"),
    "height": ("mount height", "camera height", "height", "height m", "ऊंचाई", "ऊँचाई"),
    "mount": ("camera mount", "mount", "mounting"),
    "hfov": ("hfov", "hfov deg", "fov", "field of view"),
    "junction": ("junction", "chowk", "camera name", "site name", "location name", "name", "site", "चौक", "नाम", "स्थल"),
    "deployment": ("camera id", "cameraid", "device id", "asset id", "id", "camera no", "camera number", "कैमरा आईडी", "कैमरा क्रमांक", "कैमरा नंबर"),
    "feed": ("feed url", "rtsp url", "stream url", "rtsp", "feed", "url", "stream", "फीड", "स्ट्रीम"),
    "feedkind": ("feed kind", "feed type", "stream type", "protocol", "फीड प्रकार"),
    "onvif": ("onvif url", "onvif address", "onvif", "ऑनविफ"),
    "recorder": ("recorder link", "nvr link", "recorder", "nvr", "रिकॉर्डर"),
    "serial": ("serial number", "serial no", "serial", "sr no of camera", "सीरियल नंबर", "सीरियल"),
    "contractor": ("contractor", "vendor", "agency", "maintained by", "ठेकेदार", "एजेंसी", "संस्था"),
    "repair": ("repair cost", "repair inr", "repair rupees", "मरम्मत खर्च"),
    "repairhours": ("repair hours", "repair h", "मरम्मत घंटे"),
    "installed": ("installed on", "installation date", "date of installation", "install date", "installed", "स्थापना दिनांक", "स्थापित"),
}  # fmt: skip
CRIME = ("lat", "lon", "x", "y", "point", "date", "time", "category")
CAMERA = ("lat", "lon", "x", "y", "point", "direction", "type", "model", "height", "mount", "hfov", "junction")
DEPLOYED = (
    "lat", "lon", "x", "y", "point", "deployment", "direction", "type", "model", "height", "hfov", "junction", "feed", "feedkind", "onvif",
    "recorder", "serial", "contractor", "installed", "repair", "repairhours",
)  # fmt: skip
# Only headers that say these words whole: they stand within too many others.
_WHOLE_ONLY = frozenset({
    "x", "y", "lat", "lon", "long", "type", "kind", "name", "site", "model", "height", "head", "crime", "month", "when", "hour", "location", "point",
    "mount", "प्रकार", "नाम", "id", "feed", "url", "stream", "protocol", "nvr", "installed", "स्थापित", "संस्था", "serial", "सीरियल",
})  # fmt: skip
_PAIR = re.compile(r"\(?\s*([+-]?\d{1,3}(?:\.\d+)?)\s*[,; ]\s*([+-]?\d{1,3}(?:\.\d+)?)\s*\)?")
_WKT = re.compile(r"(?:SRID=\d+;)?\s*POINT\s*Z?\s*\(\s*(\S+)\s+(\S+?)(?:\s+\S+)?\s*\)", re.IGNORECASE)
_DEGREES = re.compile(
    r"([NSEW])?\s*([+-]?\d{1,3}(?:\.\d+)?)\s*[°d:]?\s*(?:(\d{1,2}(?:\.\d+)?)\s*['′:m]\s*)?(?:(\d{1,2}(?:\.\d+)?)\s*(?:[\"″s]|'')?\s*)?([NSEW])?",
    re.IGNORECASE,
)


def normal(header: object) -> str:
    """A header as plain words: "CrimeDate" and "crime_date" are both "crime date"."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(header))
    return " ".join(re.sub(r"[^0-9a-z\u0900-\u0963\u0970-\u097f]+", " ", text.casefold()).split())


def find_columns(table: Table, wanted: tuple[str, ...], mapping: Mapping[str, str] | None) -> dict[str, str]:
    """Which column bears which meaning: the mapping's word first, then the best header; a column bears one meaning.

    Parameters
    ----------
    wanted: meanings looked for, `CRIME` or `CAMERA`.
    mapping: meaning -> column; an empty column says that there is none; meanings of other tables and columns this table has not are passed over.
    """
    headers = [str(name) for name in table.cells.columns]
    found: dict[str, str] = {}
    for meaning, column in (mapping or {}).items():
        if meaning in wanted and (column == "" or column in headers):
            found[meaning] = column
    taken = set(found.values())
    for exact in (True, False):
        for meaning in wanted:
            if meaning in found:
                continue
            ranks = [(rank, number) for number, header in enumerate(headers) if (rank := _rank(header, meaning, exact, taken)) is not None]
            best = min(ranks, default=None)
            if best is not None:
                found[meaning] = headers[best[1]]
                taken.add(headers[best[1]])
    return {meaning: column for meaning, column in found.items() if column}


def _rank(header: str, meaning: str, exact: bool, taken: set[str]) -> int | None:
    if header in taken:
        return None
    words = normal(header)
    names = MEANINGS[meaning]
    if exact:
        return names.index(words) if words in names else None
    parts = f" {words} "
    return next((rank for rank, name in enumerate(names) if name not in _WHOLE_ONLY and f" {name} " in parts), None)


def check_mapping(mapping: Mapping[str, str] | None, headers: set[str] | None) -> list[Fault]:
    """Faults of a mapping against all the tables given (None where none was): a meaning we do not know, a column no table has."""
    faults = []
    others = {"crs", "ward", "population", "kind", "zone", "weight"}
    for meaning, column in (mapping or {}).items():
        if meaning not in MEANINGS and meaning not in others:
            faults.append(
                Fault("table.mapping", "The mapping names a meaning we do not know", f"Known are {', '.join([*MEANINGS, *sorted(others)])}", meaning)
            )
        elif meaning not in others and column and headers is not None and column not in headers:
            shown = ", ".join(sorted(headers)[:40])
            faults.append(Fault("table.mapping", f"No table has the column mapped as {meaning}; columns are: {shown}", "Name one of these", column))
    return faults


@dataclass(frozen=True, eq=False)
class Located:
    """Where a table's rows lie: coordinates in the city's CRS [m], shape (rows, 2), NaN where none; why a row cannot be used, "" where it can."""

    places: np.ndarray[Any, np.dtype[np.float64]]
    reasons: np.ndarray[Any, np.dtype[np.object_]]
    told: tuple[str, ...]


def locate(table: Table, columns: Mapping[str, str], area: shapely.Geometry, crs: pyproj.CRS, table_crs: str | None = None) -> Located:
    """The rows' places in the city's CRS, each checked against the study area and 100 m around it.

    Rows outside as read but inside with the two coordinates swapped are mended, and this is told.

    Raises
    ------
    InputError: `table.coordinates` when no column holds coordinates, `table.crs` when they are metres of an unknown CRS, `table.rejected` when more
    than half of the rows could not be used for one reason, `table.outside` when none lies in the study area.
    """
    first, second, told, how = _pairs(table, columns)
    known = np.isfinite(first) & np.isfinite(second)
    degrees = table_crs is None and (how != "x and y" or not known.any() or _within_degrees(first[known], second[known]) > 0.5)
    source = pyproj.CRS(4326) if degrees else _table_crs(table, table_crs, crs, area, first[known], second[known])
    near = area.buffer(NEAR_M)
    shapely.prepare(near)
    places, inside = _project(first, second, source, crs, near)
    turned, turned_inside = _project(second, first, source, crs, near)
    swapped = known & ~inside & turned_inside
    places[swapped] = turned[swapped]
    reasons = np.full(len(table.cells), "", dtype=object)
    reasons[~(inside | swapped)] = "outside the study area"
    if degrees:
        sane = ((np.abs(first) <= 180) & (np.abs(second) <= 90)) | ((np.abs(second) <= 180) & (np.abs(first) <= 90))
        reasons[known & ~sane & ~swapped] = "coordinates out of range"
    reasons[known & (first == 0) & (second == 0)] = "coordinates of 0, 0"
    reasons[known & ((first == 0) != (second == 0)) & ~(inside | swapped)] = "a coordinate of 0"
    reasons[~known] = "coordinates missing or no numbers"
    notes = [f"{table.origin}: {told}"]
    if swapped.any():
        notes.append(f"{table.origin}: {int(swapped.sum())} rows had latitude and longitude swapped; they were swapped back")
    _refuse_ruin(table, told, reasons, first, second, area, crs)
    return Located(places, reasons, tuple(notes))


def _within_degrees(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    return float(((np.abs(first) <= 180) & (np.abs(second) <= 180)).mean())


def _table_crs(
    table: Table, wanted: str | None, crs: pyproj.CRS, area: shapely.Geometry, first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]
) -> pyproj.CRS:
    if wanted is not None:
        try:
            return pyproj.CRS.from_user_input(wanted)
        except pyproj.exceptions.CRSError:
            raise InputError.one("crs.unknown", "The mapping's crs is no CRS we know", "Write it as EPSG:32644", wanted) from None
    if shapely.contains_xy(area.buffer(NEAR_M), first, second).any():
        return crs
    met = f"{first[0]:g}, {second[0]:g}" if len(first) else ""
    raise InputError.one(
        "table.crs", f"{table.origin} holds x and y in no CRS we can tell", 'Say which in the mapping, as {"crs": "EPSG:32644"}', met
    )


def _project(
    x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], source: pyproj.CRS, crs: pyproj.CRS, near: shapely.Geometry
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    places = np.column_stack(pyproj.Transformer.from_crs(source, crs, always_xy=True).transform(x, y))
    places[~np.isfinite(places).all(axis=1)] = np.nan
    return places, shapely.contains_xy(near, places[:, 0], places[:, 1])


def _refuse_ruin(
    table: Table,
    told: str,
    reasons: np.ndarray[Any, Any],
    first: np.ndarray[Any, Any],
    second: np.ndarray[Any, Any],
    area: shapely.Geometry,
    crs: pyproj.CRS,
) -> None:
    """Refuse a table that was surely misread: rows lost for one reason are the majority, or none lies where the city is."""
    tally = Counter(reason for reason in reasons if reason)
    for reason, number in tally.items():
        if reason != "outside the study area" and number * 2 > len(reasons):
            way_out = 'Name the right columns with a mapping such as {"lat": "…", "lon": "…"}'
            raise InputError.one("table.rejected", f"{number} of {len(reasons)} rows of {table.origin} have {reason}; {told}", way_out)
    if len(reasons) and all(reasons):
        known = np.isfinite(first) & np.isfinite(second)
        met = _box(first[known], second[known]) if known.any() else "nothing"
        west, south, east, north = _degrees_of(area, crs)
        city = f"{west:.4f} to {east:.4f} E, {south:.4f} to {north:.4f} N"
        what = f"No row of {table.origin} lies in the study area ({city}); {told}, and lies at {met}"
        raise InputError.one("table.outside", what, "Give the table of this city, or name its columns and crs with a mapping")


def _box(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> str:
    return f"{first.min():.4f} to {first.max():.4f}, {second.min():.4f} to {second.max():.4f}"


def _degrees_of(area: shapely.Geometry, crs: pyproj.CRS) -> tuple[float, float, float, float]:
    """The area's extent in degrees: west, south, east, north."""
    west, south, east, north = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform_bounds(*area.bounds)
    return west, south, east, north


def _pairs(table: Table, columns: Mapping[str, str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], str, str]:
    """Longitude or x, latitude or y, NaN where none; the sentence that says where they were read, and which way."""
    if "lat" in columns and "lon" in columns:
        told = f"latitude was read from “{columns['lat']}”, longitude from “{columns['lon']}”"
        return numbers(table.cells[columns["lon"]]), numbers(table.cells[columns["lat"]]), told, "degrees"
    if table.points is not None:
        return table.points[:, 0], table.points[:, 1], "places were read from the points themselves", "degrees"
    if "x" in columns and "y" in columns:
        told = f"x was read from “{columns['x']}”, y from “{columns['y']}”"
        return numbers(table.cells[columns["x"]]), numbers(table.cells[columns["y"]]), told, "x and y"
    for name in [columns[key] for key in ("point",) if key in columns] + [str(name) for name in table.cells.columns]:
        pairs = [_pair(cell) for cell in table.cells[name]]
        if sum(pair is not None for pair in pairs) * 2 > len(pairs):
            both = np.array([pair or (np.nan, np.nan) for pair in pairs], dtype=float)
            return both[:, 0], both[:, 1], f"places were read from “{name}”", "degrees"
    headers = ", ".join(str(name) for name in table.cells.columns)
    way_out = 'Name them with a mapping such as {"lat": "…", "lon": "…"}'
    raise InputError.one("table.coordinates", f"No columns of {table.origin} are known to hold places; its columns are: {headers}", way_out)


def _pair(cell: Any) -> tuple[float, float] | None:
    """Longitude and latitude of "(22.09, 82.15)", which names latitude first, or of "POINT (82.15 22.09)"."""
    text = str(cell if cell is not None else "").translate(DIGITS).strip()
    try:
        if match := _WKT.fullmatch(text):
            return float(match[1]), float(match[2])
    except ValueError:
        return None
    match = _PAIR.fullmatch(text) or re.search(r"\(\s*([+-]?\d{1,3}\.\d+)\s*,\s*([+-]?\d{1,3}\.\d+)\s*\)\s*$", text)
    return (float(match[2]), float(match[1])) if match else None


def numbers(cells: pd.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Finite numbers of cells, NaN elsewhere: decimal points or commas, Devanagari digits, and degrees with minutes and seconds."""
    texts = cells.astype(object).where(cells.notna(), "").astype(str).str.translate(DIGITS).str.strip()
    found: np.ndarray[Any, np.dtype[np.float64]] = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=float).copy()
    for row in np.flatnonzero(~np.isfinite(found)):
        found[row] = _degrees(texts.iloc[row])
    return found


def _degrees(text: str) -> float:
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        return float(text.replace(",", "."))
    match = _DEGREES.fullmatch(text)
    if match is None or not (match[1] or match[3] or match[5] or "°" in text):
        return float("nan")
    size = abs(float(match[2])) + float(match[3] or 0) / 60 + float(match[4] or 0) / 3600
    return -size if match[2].startswith("-") or (match[1] or match[5] or "").upper() in {"S", "W"} else size
