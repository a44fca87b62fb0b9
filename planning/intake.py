"""A real city's files in, one folder per city out: written whole or not at all, with every count told.

osm | place | roads --+-> study area, CRS --+-> roads, junctions, buildings, places, lamps, cameras --+-> City -> folder
crime, cameras, wards, zones, lamps, terrain +-> incidents, cameras, wards, zones, lamps -------------+   rejects.csv, terrain.tif
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from planning import features, streets
from planning.checkup import FEW_BUILDINGS_A_KM2, few_buildings
from planning.city import TERRAIN, City, Source, city_folders
from planning.columns import check_mapping
from planning.errors import CityError, Fault, FileRefused, InputError
from planning.files import atomic_folder, local_file, read_vector
from planning.frames import check, conform, empty
from planning.incidents import Rows, cameras_of, incidents_of, merge_cameras
from planning.osm import fetch_place, read_osm
from planning.progress import Progress
from planning.raw import OSM_LICENCE, RawOsm, from_lines
from planning.tables import Table, harmless, read_table
from planning.wards import Wards, read_wards
from planning.zones import Zones, read_zones

T = TypeVar("T")
AnyPath = str | Path
TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_OURS = frozenset({"city.toml", "city.gpkg", "rejects.csv", TERRAIN})


@dataclass(frozen=True)
class Request:
    """What a person gave for a city; see `import_city`."""

    name: str
    osm: AnyPath | None
    place: str | None
    roads: AnyPath | None
    crime: Sequence[AnyPath]
    cameras: Sequence[AnyPath]
    wards: AnyPath | None
    zones: Sequence[AnyPath]
    lamps: Sequence[AnyPath]
    terrain: AnyPath | None
    mapping: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def meanings(self, path: AnyPath) -> dict[str, str]:
        """What a file's columns mean: the mapping of all files, and its own over it."""
        return {**self.mapping, **self.columns.get(Path(str(path)).name, {})}

    @property
    def layers(self) -> list[tuple[str, AnyPath]]:
        """Every file beside the streets, with the layer it is for."""
        several = (("incidents", self.crime), ("cameras", self.cameras), ("lamps", self.lamps), ("zones", self.zones))
        single = (("wards", self.wards), ("terrain", self.terrain))
        return [*((layer, path) for layer, paths in several for path in paths), *((layer, path) for layer, path in single if path is not None)]


class _Attempts:
    """Runs readers one after the other, keeping every fault, so that all are told at once."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def of(self, work: Callable[..., T], *given: Any, **options: Any) -> T | None:
        """What the work gives; None where it found faults, which are kept."""
        try:
            return work(*given, **options)
        except InputError as error:
            self.faults.extend(error.faults)
            return None

    def settle(self) -> None:
        """Raise all faults kept, if there are any."""
        if self.faults:
            raise InputError(self.faults)


@dataclass
class _Tables:
    """What the tables gave."""

    crime: list[Rows] = field(default_factory=list)
    cameras: list[Rows] = field(default_factory=list)
    lamps: list[tuple[gpd.GeoDataFrame, str]] = field(default_factory=list)
    wards: Wards | None = None
    zones: Zones | None = None

    @property
    def told(self) -> list[str]:
        rows = [line for rows in (*self.crime, *self.cameras) for line in rows.told]
        return [*rows, *(line for _, line in self.lamps), *(self.wards.told if self.wards else ()), *(self.zones.told if self.zones else ())]

    @property
    def rejects(self) -> pd.DataFrame:
        lost = [rows.rejects for rows in (*self.crime, *self.cameras) if len(rows.rejects)]
        return pd.concat(lost, ignore_index=True) if lost else pd.DataFrame()


@dataclass(frozen=True, eq=False)
class Gathered:
    """All that a city's files hold, read and joined, before it is a city: layers in its CRS [m], rows that could not be used, what is told."""

    crs: pyproj.CRS
    area: shapely.Geometry
    frames: Mapping[str, gpd.GeoDataFrame]
    rejects: pd.DataFrame
    sources: tuple[Source, ...]
    notes: tuple[str, ...]


def import_city(
    name: str, *, osm: AnyPath | None = None, place: str | None = None, roads: AnyPath | None = None, crime: Sequence[AnyPath] = (),
    cameras: Sequence[AnyPath] = (), wards: AnyPath | None = None, zones: Sequence[AnyPath] = (), lamps: Sequence[AnyPath] = (),
    terrain: AnyPath | None = None, crs: str | pyproj.CRS | None = None, mapping: Mapping[str, str] | None = None, title: str = "",
    title_hi: str = "", folder: AnyPath | None = None, progress: Progress | None = None,
) -> City:  # fmt: skip
    """Import a city and write its folder; the old folder stays untouched where anything is refused.

    Parameters
    ----------
    name: small letters, digits and hyphens; the folder's name.
    osm, place, roads: where the streets come from, exactly one: an OpenStreetMap file, a place name (online), or a file of street lines.
    crime, cameras, lamps: tables of any column names; `mapping` (meaning -> column) overrides what the headers say.
    wards: a polygon file. zones: polygon files of areas a committee drew. terrain: a GeoTIFF, checked and copied.
    crs: the city's CRS, projected and in metres; the UTM zone of the place where None.
    folder: where to write; the first of the places cities are looked for where None.

    Raises
    ------
    InputError: all faults found in the files, together.
    Cancelled: where `progress` was asked to stop; nothing is written.
    """
    told = progress or Progress()
    request = Request(name, osm, place, roads, crime, cameras, wards, zones, lamps, terrain, mapping or {})
    target = Path(folder) if folder is not None else city_folders()[0] / name
    check_request(request, target)
    gathered = gather(request, crs, told)
    told.step("writing", 0.9)
    return write_city(city_of(gathered, name, title, title_hi), target, gathered.rejects, terrain)


def gather(request: Request, crs: str | pyproj.CRS | None, told: Progress) -> Gathered:
    """Every file of a request read and joined; errors as `import_city`."""
    told.step("streets", 0.05)
    attempts = _Attempts()
    raw = attempts.of(streets_of, request)
    crime_tables = [attempts.of(read_table, path) for path in request.crime]
    camera_tables = [attempts.of(read_table, path) for path in request.cameras]
    attempts.settle()
    assert raw is not None
    city_crs = streets.choose_crs(raw, crs)
    area, how = streets.study_area(raw, city_crs)
    told.step("layers", 0.3)
    frames, counts = _layers(raw, area, city_crs)
    told.step("tables", 0.6)
    tables = _tables(request, [table for table in crime_tables if table], [table for table in camera_tables if table], area, city_crs)
    merged = _join(frames, tables, city_crs)
    faults = [fault for layer, frame in frames.items() for fault in check(frame, layer)]
    if faults:
        raise CityError(faults)
    notes = (how, *_counted(counts), *_heights_note(frames["buildings"], area), *tables.told, *merged)
    return Gathered(city_crs, area, frames, tables.rejects, tuple(_sources(request, raw, tables)), notes)


def gather_more(request: Request, area: shapely.Geometry, crs: pyproj.CRS, told: Progress) -> Gathered:
    """The files of a request beside its streets, read for a city of this study area and CRS; errors as `import_city`."""
    told.step("tables", 0.2)
    attempts = _Attempts()
    crime_tables = [attempts.of(read_table, path) for path in request.crime]
    camera_tables = [attempts.of(read_table, path) for path in request.cameras]
    attempts.settle()
    tables = _tables(request, [table for table in crime_tables if table], [table for table in camera_tables if table], area, crs)
    frames = {layer: empty(layer, crs) for layer in ("incidents", "cameras", "lamps", "wards", "zones")}
    merged = _join(frames, tables, crs)
    return Gathered(crs, area, frames, tables.rejects, tuple(_sources(request, None, tables)), (*tables.told, *merged))


def city_of(gathered: Gathered, name: str, title: str = "", title_hi: str = "") -> City:
    """A city of what was gathered, not yet written."""
    shown = title or name.replace("-", " ").title()
    return City(
        name, shown, title_hi or shown, gathered.crs, gathered.area, gathered.frames, sources=gathered.sources, notes=gathered.notes
    )


def name_faults(name: str) -> list[Fault]:
    """What is wrong with a city's name, which is its folder's too."""
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,60}", name):
        return []
    return [Fault("city.name", "A city's name is small letters, digits and hyphens", "Write it as bilaspur-koni", name[:200])]


def check_request(request: Request, target: Path) -> None:
    """Refuse a request that cannot be carried out before anything is read."""
    attempts = _Attempts()
    faults = attempts.faults
    faults += name_faults(request.name)
    given = [source for source in (request.osm, request.place, request.roads) if source is not None]
    if len(given) != 1:
        way_out = "Give one of --osm FILE, --place NAME, --roads FILE"
        faults.append(Fault("city.streets", "A city's streets come from one source", way_out, f"{len(given)} given"))
    paths = [path for path in (request.osm, request.roads) if path is not None] + [path for _, path in request.layers]
    found = [attempts.of(local_file, path) for path in paths]
    twice = sorted({path.name for path in found if path is not None and found.count(path) > 1})
    if twice:
        faults.append(Fault("city.twice", "A file was given more than once", "Give each file once", ", ".join(twice)))
    if target.exists() and not (target.is_dir() and ((target / "city.toml").is_file() or not any(target.iterdir()))):
        faults.append(Fault("city.taken", "Something else than a city stands there already", "Choose another folder with --folder", str(target)))
    if request.terrain is not None and not faults:
        attempts.of(_check_terrain, request.terrain)
    attempts.settle()


def _check_terrain(path: AnyPath) -> Path:
    found = local_file(path)
    with found.open("rb") as stream:
        head = stream.read(4)
    if found.suffix.lower() not in {".tif", ".tiff"} or head not in TIFF_MAGIC:
        raise FileRefused.one("terrain.kind", "The terrain is no GeoTIFF", "Give a .tif of ground heights", found.name)
    return found


def streets_of(request: Request) -> RawOsm:
    """The streets a request names, as their source draws them; errors as `import_city`."""
    if request.osm is not None:
        return read_osm(request.osm)
    if request.place is not None:
        return fetch_place(request.place)
    assert request.roads is not None
    return from_lines(read_vector(request.roads), Path(str(request.roads)).name)


def _layers(raw: RawOsm, area: shapely.Geometry, crs: pyproj.CRS) -> tuple[dict[str, gpd.GeoDataFrame], Counter[str]]:
    """The layers the street source gives, and what was left out or mended."""
    built = streets.build_streets(raw, area, crs)
    counts: Counter[str] = Counter()
    counts.update(raw.lost)
    counts.update(built.counts)
    frames = {
        "roads": built.roads, "junctions": built.junctions, "buildings": features.buildings(raw, area, crs, counts),
        "places": features.places(raw, area, crs, counts), "lamps": features.lamps(raw, area, crs, counts),
        "cameras": features.cameras(raw, area, crs, counts),
    }  # fmt: skip
    return frames, counts


def _tables(request: Request, crime: list[Table], cameras: list[Table], area: shapely.Geometry, crs: pyproj.CRS) -> _Tables:
    """What the tables say of the study area; the faults of all of them are raised together."""
    attempts = _Attempts()
    headers = {str(name) for table in (*crime, *cameras) for name in table.cells.columns}
    attempts.faults += check_mapping(request.mapping, headers if crime or cameras else None)
    for table in (*crime, *cameras):
        attempts.faults += check_mapping(request.columns.get(table.origin), set(map(str, table.cells.columns)))
    found = _Tables()
    for tables, reader, letter, into in ((crime, incidents_of, "i", found.crime), (cameras, cameras_of, "k", found.cameras)):
        for number, table in enumerate(tables, 1):
            prefix = f"{letter}{number}-" if len(tables) > 1 else letter
            rows = attempts.of(reader, table, area, crs, mapping=request.meanings(table.origin), prefix=prefix)
            into.extend([rows] if rows is not None else [])
    for path in request.lamps:
        points = attempts.of(lamps_of, path, area, crs)
        found.lamps += [points] if points is not None else []
    if request.wards is not None:
        found.wards = attempts.of(read_wards, request.wards, area, crs, mapping=request.meanings(request.wards))
    if request.zones:
        named = {key: name for path in request.zones for key, name in request.meanings(path).items()}
        found.zones = attempts.of(read_zones, request.zones, area, crs, mapping=named)
    attempts.settle()
    return found


def lamps_of(path: AnyPath, area: shapely.Geometry, crs: pyproj.CRS) -> tuple[gpd.GeoDataFrame, str]:
    """Lamps and poles of a point file, and the sentence of how many; rows with tags of something else are left out."""
    name = Path(str(path)).name
    frame = read_vector(path)
    if frame.crs is None:
        raise FileRefused.one("lamps.crs", f"The lamp file {name} does not say its CRS", "Save it as GeoJSON in WGS84", name)
    points = np.asarray(frame.to_crs(crs).geometry.array)
    tags = [features.lamp_kind(row) for row in frame.drop(columns=frame.geometry.name).to_dict("records")]
    kinds = np.array(tags if any(tags) else ["lamp"] * len(frame), dtype=object)
    known = np.array([kind is not None for kind in kinds], dtype=bool)
    used = (shapely.get_type_id(points) == 0) & shapely.intersects(points, area) & known
    rows = [f"l{number + 1}" for number in np.flatnonzero(used)]
    lamps = conform(gpd.GeoDataFrame({"kind": kinds[used]}, index=rows, geometry=points[used], crs=crs), "lamps")
    return lamps, f"{name}: {int(used.sum()):,} of {len(frame):,} lamps and poles used; the others are no lamps or lie outside the study area"


def _join(frames: dict[str, gpd.GeoDataFrame], tables: _Tables, crs: pyproj.CRS) -> tuple[str, ...]:
    """Put what the tables gave beside what the map gave; says how many cameras stood in both."""
    frames["incidents"] = together([rows.frame for rows in tables.crime], "incidents", crs)
    frames["lamps"] = together([frames["lamps"], *(lamps for lamps, _ in tables.lamps)], "lamps", crs)
    if tables.wards is not None:
        frames["wards"] = tables.wards.frame
    if tables.zones is not None:
        frames["zones"] = tables.zones.frame
    found = [frame for frame in (frames["cameras"], *(rows.frame for rows in tables.cameras)) if len(frame)]
    if not found:
        return ()
    frames["cameras"], merged = merge_cameras(found)
    return (f"{merged} cameras stood in two sources and were made one",) if merged else ()


def together(frames: list[gpd.GeoDataFrame], layer: str, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Frames of one layer as one; an id that stands again gets a number behind it."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return empty(layer, crs)
    joined = pd.concat(filled)
    again = joined.groupby(level=0).cumcount()
    return conform(joined.set_axis([f"{label}~{number}" if number else label for label, number in zip(joined.index, again, strict=True)]), layer)


def _counted(counts: Counter[str]) -> list[str]:
    """What was left out or mended, as sentences, the most frequent first."""
    left_out = "left out: "
    return [
        f"{number:,} ways left out, {what.removeprefix(left_out)}" if what.startswith(left_out) else f"{number:,} {what}"
        for what, number in counts.most_common()
        if number
    ]


def _heights_note(buildings: gpd.GeoDataFrame, area: shapely.Geometry) -> list[str]:
    notes = []
    if len(buildings):
        imputed = buildings["height_source"].isin(["local median", "default"]).mean()
        notes.append(f"Heights of {imputed:.1%} of the buildings were imputed")
    if len(buildings) < FEW_BUILDINGS_A_KM2 * area.area / 1e6:
        sentence = few_buildings(len(buildings), area.area)
        notes.append(sentence[0].upper() + sentence[1:])
    return notes


def _sources(request: Request, raw: RawOsm | None, tables: _Tables) -> list[Source]:
    """Where each layer came from: names of files, never their paths; without `raw` those beside the streets alone."""
    first = [] if raw is None else [Source("roads", raw.origin)]
    if raw is not None and request.roads is None:
        first = [Source("streets, buildings, places, lamps, cameras", raw.origin, OSM_LICENCE)]
    licences = dict(zip(map(str, request.cameras), (rows.licence for rows in tables.cameras), strict=True))
    rest = [Source(layer, Path(str(path)).name, licences.get(str(path), "") if layer == "cameras" else "") for layer, path in request.layers]
    return [*first, *(source if source.licence else replace(source, note="licence not stated in the file") for source in rest)]


def write_city(city: City, target: Path, rejects: pd.DataFrame, terrain: AnyPath | None) -> City:
    """The whole folder at once; plans of an earlier import, and files that are none of ours, are carried over.

    Raises
    ------
    CityError: `city.write`, where the system refused.
    """
    try:
        with atomic_folder(target) as scratch:
            if terrain is not None:
                shutil.copyfile(_check_terrain(terrain), scratch / TERRAIN)
            city = replace(city, folder=scratch, digest="").save(scratch)
            if len(rejects):
                text = rejects.astype(object).where(rejects.notna(), "").map(harmless)
                text.to_csv(scratch / "rejects.csv", index=False, encoding="utf-8-sig")
            for kept in target.iterdir() if target.is_dir() else ():
                if kept.name not in _OURS:
                    (shutil.copytree if kept.is_dir() else shutil.copyfile)(kept, scratch / kept.name)
    except (OSError, RuntimeError, ValueError) as error:
        raise CityError.one("city.write", f"The city cannot be written: {error}", "Choose a folder you may write to", target) from None
    return replace(city, folder=target)
