"""Crime tables to incidents, camera tables to existing cameras, whatever their columns are called. No row is dropped in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy.spatial import cKDTree

from planning.catalogue import load_models
from planning.columns import CAMERA, CRIME, find_columns, locate
from planning.dates import read_dates
from planning.frames import conform
from planning.raw import OSM_LICENCE
from planning.tables import Table, read_table
from planning.tags import bearings, camera_kind, camera_rows, metres

OTHER = "other"
# The recipe's words, each with what reports call it; the first that fits wins, so the narrower words stand before the wider.
CATEGORIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("theft", ("theft from", "larceny from", "from auto", "from motor vehicle", "वाहन से चोरी")),
    ("vehicle_theft", (
        "vehicle theft", "auto theft", "automobile theft", "car theft", "bike theft", "two wheeler theft", "theft of motor", "theft of vehicle",
        "stolen vehicle", "vehicle crime", "mv theft", "वाहन चोरी", "गाड़ी चोरी", "मोटरसाइकिल चोरी", "बाइक चोरी",
    )),
    ("chain_snatching", ("snatch", "चेन", "झपट", "छीन")),
    ("burglary", (
        "burglar", "house break", "housebreak", "break in", "breaking and entering", "break & enter", "house theft",
        "सेंध", "गृहभेदन", "गृह भेदन", "नकबजनी",
    )),
    ("robbery", ("robber", "dacoit", "mugging", "loot", "लूट", "डकैती")),
    ("assault", ("attempted murder", "attempt to murder", "attempt murder", "हत्या का प्रयास", "हत्या के प्रयास")),
    ("homicide", ("homicide", "murder", "manslaughter", "हत्या")),
    ("shooting", ("shoot", "firearm discharge", "shots fired", "गोली")),
    ("arson", ("arson", "आगजनी")),
    ("harassment", ("harass", "molest", "eve teas", "stalk", "modesty", "छेड़", "छेड\u093c")),
    ("assault", (
        "assault", "battery", "rape", "hurt", "violent", "violence", "affray", "riot", "मारपीट", "बलवा", "हमला", "दुष्कर्म", "बलात्कार",
    )),
    ("theft", ("theft", "larceny", "steal", "stolen", "shoplift", "pick pocket", "pickpocket", "चोरी")),
)  # fmt: skip
_OTHER_WORDS = frozenset({"other", "others", "other crime", "other offences", "other offenses", "miscellaneous", "misc", "अन्य"})
SAME_CAMERA_M = 2.0
SAME_BEARING_DEG = 10.0
_TAG_COLUMNS = ("man_made", "surveillance", "surveillance:type", "camera:type", "camera:direction")


@dataclass(frozen=True, eq=False)
class Rows:
    """What a table gave: rows in the layer's schema, rows that could not be used (file, row, reason, the cells), what must be said, the licence."""

    frame: gpd.GeoDataFrame
    rejects: pd.DataFrame
    told: tuple[str, ...]
    licence: str = ""


def category_of(raw: object) -> str:
    """The recipe's word for a reported category; the reported text in lower case where none fits, "other" where it is empty."""
    text = " ".join(str(raw if raw is not None else "").casefold().replace("_", " ").replace("-", " ").replace("/", " ").split())
    if not text or text in _OTHER_WORDS:
        return OTHER
    return next((word for word, names in CATEGORIES if any(name in text for name in names)), text)


def read_incidents(path: str | Path, area: shapely.Geometry, crs: pyproj.CRS, *, mapping: Mapping[str, str] | None = None, prefix: str = "i") -> Rows:
    """Incidents of a crime table (CSV, XLSX, GeoJSON, GeoPackage, shapefile, Parquet) in the study area.

    Parameters
    ----------
    area: the study area in `crs` [m]; rows up to 100 m outside are kept.
    mapping: meaning -> column, over what the headers say; `crs` for tables of x and y.
    prefix: what the ids begin with; the row's number in the file follows.

    Raises
    ------
    InputError: see `planning.tables.read_table` and `planning.columns.locate`.
    """
    return incidents_of(read_table(path), area, crs, mapping=mapping, prefix=prefix)


def incidents_of(table: Table, area: shapely.Geometry, crs: pyproj.CRS, *, mapping: Mapping[str, str] | None = None, prefix: str = "i") -> Rows:
    """Like `read_incidents`, of a table that was read."""
    columns = find_columns(table, CRIME, mapping)
    located = locate(table, columns, area, crs, (mapping or {}).get("crs"))
    reasons = _with_doubles(table, located.reasons)
    kept = reasons == ""
    told = [*table.told, *located.told]
    categories = pd.Series(OTHER, index=table.cells.index, dtype=object)
    if "category" in columns:
        raw = table.cells[columns["category"]]
        known = {cell: category_of(cell) for cell in raw.map(str).unique()}
        categories = raw.map(lambda cell: OTHER if cell is None else known[str(cell)])
        told.append(f"{table.origin}: category was read from “{columns['category']}”")
    else:
        told.append(f"{table.origin}: no column of categories was found; all rows count as “{OTHER}”")
    when = pd.Series(pd.NaT, index=table.cells.index, dtype="datetime64[us]")
    if "date" in columns:
        dates = read_dates(table.cells[columns["date"]], table.cells[columns["time"]] if "time" in columns else None, table.origin)
        when = dates.when
        told += [f"{table.origin}: dates were read from “{columns['date']}”", *dates.told]
        missing = int(when[kept].isna().sum())
        if missing:
            told.append(
                f"{table.origin}: {missing} rows have no date that can be read ({int(dates.bad[kept].sum())} of them hold one); they stay, undated"
            )
    else:
        told.append(f"{table.origin}: no column of dates was found; its rows are undated")
    frame = gpd.GeoDataFrame(
        {"category": categories[kept].to_numpy(), "when": when[kept].to_numpy()},
        index=[f"{prefix}{row}" for row in table.cells.index[kept]], geometry=shapely.points(located.places[kept]), crs=crs,
    )  # fmt: skip
    return Rows(conform(frame, "incidents"), _rejects(table, reasons), tuple(told + _tally(table, reasons)))


def _with_doubles(table: Table, reasons: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    doubled = table.cells.astype(str).duplicated().to_numpy().copy()
    if table.points is not None:
        doubled &= pd.DataFrame(table.points).duplicated().to_numpy()
    return np.where((reasons == "") & doubled, "the same as an earlier row in every cell", reasons)


def _rejects(table: Table, reasons: np.ndarray[Any, Any]) -> pd.DataFrame:
    lost = reasons != ""
    frame = table.cells[lost].copy()
    frame.insert(0, "reason", reasons[lost])
    frame.insert(0, "row", table.cells.index[lost])
    frame.insert(0, "file", table.origin)
    if table.skewed:
        more = [{"file": table.origin, "row": row, "reason": "more cells than the header", "cells": " | ".join(cells)} for row, cells in table.skewed]
        frame = pd.concat([frame, pd.DataFrame(more)], ignore_index=True)
    return frame.reset_index(drop=True)


def _tally(table: Table, reasons: np.ndarray[Any, Any]) -> list[str]:
    total = len(reasons) + len(table.skewed)
    counts = Counter(str(reason) for reason in reasons if reason)
    if table.skewed:
        counts["more cells than the header"] = len(table.skewed)
    used = total - sum(counts.values())
    return [f"{table.origin}: {used} of {total} rows used" + "".join(f"; {number} left out, {reason}" for reason, number in counts.most_common())]


def read_cameras(path: str | Path, area: shapely.Geometry, crs: pyproj.CRS, *, mapping: Mapping[str, str] | None = None, prefix: str = "k") -> Rows:
    """Existing cameras of a table, or of features with OpenStreetMap's surveillance tags; a row with several directions is several cameras.

    Parameters and errors as for `read_incidents`.
    """
    return cameras_of(read_table(path), area, crs, mapping=mapping, prefix=prefix)


def cameras_of(table: Table, area: shapely.Geometry, crs: pyproj.CRS, *, mapping: Mapping[str, str] | None = None, prefix: str = "k") -> Rows:
    """Like `read_cameras`, of a table that was read."""
    columns = find_columns(table, CAMERA, mapping)
    located = locate(table, columns, area, crs, (mapping or {}).get("crs"))
    reasons = _with_doubles(table, located.reasons)
    tagged = sum(name in table.cells.columns for name in _TAG_COLUMNS) >= 2
    told = [*table.told, *located.told]
    if tagged:
        told.append(f"{table.origin}: columns were read as OpenStreetMap's surveillance tags")
    else:
        used = {meaning: column for meaning, column in columns.items() if meaning not in {"lat", "lon", "x", "y", "point"}}
        told.append(f"{table.origin}: read as cameras, " + (", ".join(f"{key} from “{value}”" for key, value in used.items()) or "places only"))
    rows: list[dict[str, Any]] = []
    for number in np.flatnonzero(reasons == ""):
        label = table.cells.index[number]
        cells = {key: value for key, value in table.cells.iloc[number].items() if value is not None and str(value).strip()}
        found = _tagged(cells) if tagged else list(_camera(cells, columns))
        if isinstance(found, str):
            reasons[number] = f"no camera of ours: {found}"
            continue
        place = shapely.Point(located.places[number])
        rows += [{"id": f"{prefix}{label}-{turn}" if turn else f"{prefix}{label}", **row, "geometry": place} for turn, row in enumerate(found)]
    if not rows:
        return Rows(conform(gpd.GeoDataFrame(geometry=[], crs=crs), "cameras"), _rejects(table, reasons), tuple(told + _tally(table, reasons)))
    frame = gpd.GeoDataFrame(pd.DataFrame(rows).set_index("id"), geometry="geometry", crs=crs)
    frame["source"] = table.origin
    if "model" not in frame:
        frame["model"] = None
    strange = frame["model"].notna() & ~frame["model"].isin(list(load_models()))
    if strange.any():
        names = ", ".join(sorted({str(name) for name in frame.loc[strange, "model"]})[:5])
        told.append(f"{table.origin}: {int(strange.sum())} cameras name a model the catalogue lacks ({names}); they are taken by their kind")
        frame["model"] = frame["model"].astype(object).where(~strange, None)
    unread = sum(1 for row in rows if row.get("unread"))
    if unread:
        told.append(f"{table.origin}: {unread} directions could not be read; those cameras stay, without a bearing")
    return Rows(conform(frame, "cameras"), _rejects(table, reasons), tuple(told + _tally(table, reasons)), OSM_LICENCE if tagged else "")


def _tagged(cells: Mapping[str, Any]) -> list[dict[str, Any]] | str:
    if str(cells.get("man_made", "surveillance")) != "surveillance":
        return f"man_made={cells['man_made']}"
    if not any(key in cells for key in ("man_made", "surveillance:type", "camera:type")):
        return "nothing says that it is a camera"
    found = camera_rows(cells)
    return found if isinstance(found, str) else list(found)


def _camera(cells: Mapping[str, Any], columns: Mapping[str, str]) -> list[dict[str, Any]]:
    said = {meaning: cells.get(column) for meaning, column in columns.items()}
    direction = said.get("direction")
    turns: list[tuple[float | None, float | None]] = list(bearings(direction)) if direction is not None else []
    height = metres(said["height"]) if said.get("height") is not None else None
    width = metres(str(said["hfov"]).rstrip("°")) if said.get("hfov") is not None else None
    return [
        {
            "kind": camera_kind(said.get("type"), said.get("model")), "bearing_deg": bearing,
            "hfov_deg": spread if spread is not None else width if width is not None and 0 < width <= 360 else None,
            "height_m": height if height is not None and height <= 100 else None, "mount": said.get("mount"), "model": said.get("model"),
            "junction": said.get("junction"), "unread": direction is not None and not turns,
        }
        for bearing, spread in turns or [(None, None)]
    ]  # fmt: skip


def merge_cameras(frames: list[gpd.GeoDataFrame]) -> tuple[gpd.GeoDataFrame, int]:
    """Cameras of several sources as one layer, and how many stood in two of them.

    Two rows of different sources are one camera when they stand within 2 m and look within 10 degrees of each other, or one of them does not say
    where it looks; the row that says more stays.
    """
    cameras = pd.concat(frames)
    if cameras.index.has_duplicates:
        again = cameras.groupby(level=0).cumcount()
        cameras.index = pd.Index([f"{label}~{number}" if number else str(label) for label, number in zip(cameras.index, again, strict=True)])
    places = shapely.get_coordinates(cameras.geometry.array)
    bearing = cameras["bearing_deg"].to_numpy(dtype=float)
    source = cameras["source"].to_numpy()
    says = cameras.notna().sum(axis=1).to_numpy()
    gone: set[int] = set()
    for one, other in sorted(cKDTree(places).query_pairs(SAME_CAMERA_M)) if len(places) else []:
        apart = abs((bearing[one] - bearing[other] + 180) % 360 - 180)
        if source[one] == source[other] or apart > SAME_BEARING_DEG or {one, other} & gone:
            continue
        gone.add(one if says[other] > says[one] else other)
    kept = [number for number in range(len(cameras)) if number not in gone]
    return conform(cameras.iloc[kept], "cameras"), len(gone)
