"""A real city's files in, one folder per city out: written whole or not at all, with every count told.

osm | place | roads --+-> study area, CRS --+-> roads, junctions, buildings, places, lamps, cameras --+-> City -> folder
crime, cameras, wards, lamps, terrain ------+-> incidents, cameras, wards ---------------------------+   rejects.csv, terrain.tif
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from planning import features, osm, streets
from planning.city import City, Source, city_folders
from planning.columns import check_mapping
from planning.errors import CityError, Fault, FileRefused, InputError
from planning.files import atomic_folder, local_file, read_vector
from planning.frames import check, conform
from planning.incidents import Rows, cameras_of, incidents_of, merge_cameras
from planning.tables import Table, read_table
from planning.wards import Wards, read_wards
from planning.workers import Progress

T = TypeVar("T")
Files = Sequence[str | Path]
TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_FORMULA = re.compile(r"^[=+\-@\t\r](?![\d.]+$)")


def import_city(
    name: str, *, osm: str | Path | None = None, place: str | None = None, roads: str | Path | None = None, crime: Files = (), cameras: Files = (),
    wards: str | Path | None = None, lamps: Files = (), terrain: str | Path | None = None, crs: str | None = None,
    mapping: Mapping[str, str] | None = None, title: str = "", title_hi: str = "", folder: str | Path | None = None, progress: Progress | None = None,
) -> City:  # fmt: skip
    """Import a city and write its folder; the old folder stays untouched where anything is refused.

    Parameters
    ----------
    name: small letters, digits and hyphens; the folder's name.
    osm, place, roads: where the streets come from, exactly one: an OpenStreetMap file, a place name (online), or a file of street lines.
    crime, cameras, lamps: tables of any column names; `mapping` (meaning -> column) overrides what the headers say.
    wards: a polygon file; terrain: a GeoTIFF, checked and copied.
    crs: the city's CRS, projected and in metres; the UTM zone of the place where None.
    folder: where to write; the first of the places cities are looked for where None.

    Raises
    ------
    InputError: all faults found in the files, together.
    """
    told = progress or Progress()
    target = Path(folder) if folder is not None else city_folders()[0] / name
    _check_request(name, osm, place, roads, terrain)
    told.step("streets", 0.05)
    raw = _raw(osm, place, roads)
    city_crs = streets.choose_crs(raw, crs)
    area, how = streets.study_area(raw, city_crs)
    built = streets.build_streets(raw, area, city_crs)
    told.step("buildings", 0.35)
    counts: Counter[str] = Counter(built.counts)
    counts.update(raw.lost)
    frames = {
        "roads": built.roads, "junctions": built.junctions, "buildings": features.buildings(raw, area, city_crs, counts),
        "places": features.places(raw, area, city_crs, counts), "lamps": features.lamps(raw, area, city_crs, counts),
    }  # fmt: skip
    mapped = features.cameras(raw, area, city_crs, counts)
    told.step("tables", 0.55)
    tables = _tables(crime, cameras, lamps, wards, area, city_crs, mapping)
    told.step("layers", 0.8)
    frames["incidents"] = _together([rows.frame for rows in tables.crime], "incidents", city_crs)
    found = [frame for frame in (mapped, *(rows.frame for rows in tables.cameras)) if len(frame)]
    frames["cameras"], merged = merge_cameras(found) if found else (conform(mapped, "cameras"), 0)
    frames["lamps"] = _together([frames["lamps"], *tables.lamps], "lamps", city_crs)
    if tables.wards is not None:
        frames["wards"] = tables.wards.frame
    faults = [fault for layer, frame in frames.items() for fault in check(frame, layer)]
    if faults:
        raise CityError(faults)
    notes = [how, *_counted(counts), *_heights_note(frames["buildings"]), *tables.told]
    notes += [f"{merged} cameras stood in two sources and were made one"] if merged else []
    sources = _sources(raw, roads, crime, cameras, lamps, wards, terrain)
    city = City(name, title or name.replace("-", " ").title(), title_hi, city_crs, area, frames, sources=tuple(sources), notes=tuple(notes))
    told.step("writing", 0.9)
    return _write(city, target, tables.rejects, terrain)


class _Tables:
    """What the tables gave, and every fault they had."""

    def __init__(self) -> None:
        self.crime: list[Rows] = []
        self.cameras: list[Rows] = []
        self.lamps: list[gpd.GeoDataFrame] = []
        self.wards: Wards | None = None
        self.lamps_told: list[str] = []

    @property
    def told(self) -> list[str]:
        """What every reader said, in order."""
        rows = [line for rows in (*self.crime, *self.cameras) for line in rows.told]
        return [*rows, *self.lamps_told, *(self.wards.told if self.wards else ())]

    @property
    def rejects(self) -> pd.DataFrame:
        """Rows that could not be used, of all tables."""
        lost = [rows.rejects for rows in (*self.crime, *self.cameras) if len(rows.rejects)]
        return pd.concat(lost, ignore_index=True) if lost else pd.DataFrame()


def _check_request(name: str, osm_file: object, place: object, roads: object, terrain: str | Path | None) -> None:
    faults = []
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,60}", name):
        faults.append(Fault("city.name", "A city's name is small letters, digits and hyphens", "Write it as bilaspur-koni", name[:200]))
    given = [source for source in (osm_file, place, roads) if source is not None]
    if len(given) != 1:
        way_out = "Give one of --osm FILE, --place NAME, --roads FILE"
        faults.append(Fault("city.streets", "A city's streets come from one source", way_out, f"{len(given)} given"))
    if terrain is not None:
        faults += _faults_of(lambda: _check_terrain(terrain))
    if faults:
        raise InputError(faults)


def _check_terrain(path: str | Path) -> Path:
    found = local_file(path)
    with found.open("rb") as stream:
        head = stream.read(4)
    if found.suffix.lower() not in {".tif", ".tiff"} or head not in TIFF_MAGIC:
        raise FileRefused.one("terrain.kind", "The terrain is no GeoTIFF", "Give a .tif of ground heights", found.name)
    return found


def _raw(osm_file: str | Path | None, place: str | None, roads: str | Path | None) -> osm.RawOsm:
    if osm_file is not None:
        return osm.read_osm(osm_file)
    if place is not None:
        return osm.fetch_place(place)
    assert roads is not None
    return osm.from_lines(read_vector(roads), Path(str(roads)).name)


def _faults_of(work: Callable[[], object]) -> list[Fault]:
    try:
        work()
    except InputError as error:
        return list(error.faults)
    return []


def _tables(
    crime: Files, cameras: Files, lamps: Files, wards: str | Path | None, area: shapely.Geometry, crs: pyproj.CRS, mapping: Mapping[str, str] | None
) -> _Tables:
    """Read every table; the faults of all of them are raised together."""
    found, faults = _Tables(), []

    def attempt(work: Callable[[], T]) -> T | None:
        try:
            return work()
        except InputError as error:
            faults.extend(error.faults)
            return None

    crime_tables = [attempt(lambda path=path: read_table(path)) for path in crime]  # type: ignore[misc]
    camera_tables = [attempt(lambda path=path: read_table(path)) for path in cameras]  # type: ignore[misc]
    headers = {str(name) for table in (*crime_tables, *camera_tables) if table is not None for name in table.cells.columns}
    tabular = {meaning: column for meaning, column in (mapping or {}).items() if meaning not in {"ward", "population"}}
    faults += check_mapping(tabular, headers) if crime_tables or camera_tables else []
    for number, table in enumerate(crime_tables, 1):
        rows = _rows(attempt, incidents_of, table, area, crs, tabular, f"i{number}-" if len(crime_tables) > 1 else "i")
        found.crime += [rows] if rows is not None else []
    for number, table in enumerate(camera_tables, 1):
        rows = _rows(attempt, cameras_of, table, area, crs, tabular, f"k{number}-" if len(camera_tables) > 1 else "k")
        found.cameras += [rows] if rows is not None else []
    for path in lamps:
        points = attempt(lambda path=path: _lamps(path, area, crs, found.lamps_told))  # type: ignore[misc]
        found.lamps += [points] if points is not None else []
    if wards is not None:
        found.wards = attempt(lambda: read_wards(wards, area, crs, mapping=mapping))
    if faults:
        raise InputError(faults)
    return found


def _rows(
    attempt: Callable[[Callable[[], Rows]], Rows | None], reader: Callable[..., Rows], table: Table | None, area: shapely.Geometry, crs: pyproj.CRS,
    mapping: Mapping[str, str], prefix: str,
) -> Rows | None:  # fmt: skip
    return attempt(lambda: reader(table, area, crs, mapping=mapping, prefix=prefix)) if table is not None else None


def _lamps(path: str | Path, area: shapely.Geometry, crs: pyproj.CRS, told: list[str]) -> gpd.GeoDataFrame:
    """Lamps and poles of a point file; rows with tags of something else are left out."""
    name = Path(str(path)).name
    frame = read_vector(path)
    if frame.crs is None:
        raise FileRefused.one("lamps.crs", f"The lamp file {name} does not say its CRS", "Save it as GeoJSON in WGS84", name)
    points = np.asarray(frame.to_crs(crs).geometry.array)
    tags = [features.lamp_kind(row) for row in frame.drop(columns=frame.geometry.name).to_dict("records")]
    kinds = np.array(tags if any(tags) else ["lamp"] * len(frame), dtype=object)
    inside = (shapely.get_type_id(points) == 0) & shapely.intersects(points, area) & (kinds != None)  # noqa: E711
    told.append(f"{name}: {int(inside.sum())} of {len(frame)} lamps and poles used; the others are no lamps or lie outside the study area")
    rows = [f"l{number + 1}" for number in np.flatnonzero(inside)]
    return conform(gpd.GeoDataFrame({"kind": kinds[inside]}, index=rows, geometry=points[inside], crs=crs), "lamps")


def _together(frames: list[gpd.GeoDataFrame], layer: str, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return conform(gpd.GeoDataFrame(geometry=[], crs=crs), layer)
    joined = pd.concat(filled)
    if joined.index.has_duplicates:
        again = joined.groupby(level=0).cumcount()
        joined.index = pd.Index([f"{label}~{number}" if number else str(label) for label, number in zip(joined.index, again, strict=True)])
    return conform(joined, layer)


def _counted(counts: Counter[str]) -> list[str]:
    return [
        f"{number:,} {what}" if not what.startswith("left out: ") else f"{number:,} ways left out: {what[10:]}"
        for what, number in counts.items()
        if number
    ]


def _heights_note(buildings: gpd.GeoDataFrame) -> list[str]:
    if buildings.empty:
        return ["There are no buildings: nothing blocks a view, so coverage is overstated"]
    imputed = buildings["height_source"].isin(["local median", "default"]).mean()
    return [f"Heights of {imputed:.0%} of the buildings were imputed"]


def _sources(
    raw: osm.RawOsm, roads: object, crime: Files, cameras: Files, lamps: Files, wards: str | Path | None, terrain: str | Path | None
) -> list[Source]:
    licence = "" if roads is not None else osm.LICENCE
    sources = [Source("streets, buildings, places, lamps, cameras" if roads is None else "roads", raw.origin, licence)]
    named = (*(("incidents", path) for path in crime), *(("cameras", path) for path in cameras), *(("lamps", path) for path in lamps),
             *((("wards", wards),) if wards is not None else ()), *((("terrain", terrain),) if terrain is not None else ()))  # fmt: skip
    return sources + [Source(layer, Path(str(path)).name, "", "licence not stated in the file") for layer, path in named]


def _write(city: City, target: Path, rejects: pd.DataFrame, terrain: str | Path | None) -> City:
    """The whole folder at once; plans of an earlier import are carried over."""
    try:
        with atomic_folder(target) as scratch:
            city.save(scratch)
            if len(rejects):
                text = rejects.astype(object).where(rejects.notna(), "").map(_harmless)
                text.to_csv(scratch / "rejects.csv", index=False, encoding="utf-8-sig")
            if terrain is not None:
                shutil.copyfile(_check_terrain(terrain), scratch / "terrain.tif")
            if (target / "plans").is_dir():
                shutil.copytree(target / "plans", scratch / "plans")
    except OSError as error:
        raise CityError.one("city.write", f"The city cannot be written: {error.strerror}", "Choose a folder you may write to", target) from None
    return replace(city, folder=target)


def _harmless(cell: object) -> str:
    """A cell's text; one that a spreadsheet would take for a formula gets an apostrophe before."""
    text = str(cell)
    return f"'{text}" if _FORMULA.match(text) else text
