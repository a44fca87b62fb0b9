"""A city: one folder with its layers, its settings and its digest.

    data/cities/NAME/
        city.toml     name, title, CRS, whether it is made, sources, notes, digest
        city.gpkg     one layer a frame, and `area`, the study area
        terrain.tif   ground heights (where they were given)
        rejects.csv   rows that could not be used, with the reason (where there are some)
        plans/        plans of this city
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from planning.errors import ChaukasError, CityError
from planning.files import atomic_path, local_file
from planning.frames import SCHEMAS, conform, empty, require_metres

VERSION = 1
TERRAIN = "terrain.tif"
ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / "data" / "cities", ROOT / "data" / "demo")  # where cities lie, besides $CHAUKAS_CITIES
MADE_NOTE = "Made data, not surveyed"
MADE_NOTE_HI = "बनावटी आँकड़े, सर्वेक्षण नहीं"


@dataclass(frozen=True)
class Source:
    """Where a layer came from: a file or place, its licence where known, and what was done with it."""

    layer: str
    origin: str
    licence: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class City:
    """A city's layers, all in one projected CRS in metres, under the schemas of `planning.frames`.

    `made` says that the data is invented; it is shown wherever the city is. `area` is the study area. `notes` are sentences about what was
    imputed or is odd.
    """

    name: str
    title: str
    title_hi: str
    crs: pyproj.CRS
    area: shapely.Geometry
    frames: Mapping[str, gpd.GeoDataFrame]
    made: bool = False
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
    folder: Path | None = field(default=None, compare=False)
    digest: str = ""

    def __post_init__(self) -> None:
        require_metres(self.crs, f"City {self.name}")
        unknown = sorted(set(self.frames) - set(SCHEMAS))
        if unknown:
            raise CityError.one("city.layer", "These layers are not known", f"Known are {', '.join(SCHEMAS)}", ", ".join(unknown))
        full = {layer: conform(self.frames[layer], layer) if layer in self.frames else empty(layer, self.crs) for layer in SCHEMAS}
        for layer, frame in full.items():
            if frame.crs is None or pyproj.CRS(frame.crs) != self.crs:
                raise CityError.one("crs.differs", f"{layer} is not in the city's CRS", f"Reproject it to {self.crs.to_string()}", frame.crs)
        object.__setattr__(self, "frames", full)
        if not self.digest:
            object.__setattr__(self, "digest", digest_of(full, self.area, self.terrain_file))

    def __getitem__(self, layer: str) -> gpd.GeoDataFrame:
        """The frame of a layer; empty where the city has none."""
        return self.frames[layer]

    @property
    def terrain_file(self) -> Path | None:
        """The GeoTIFF of ground heights in the city's folder; None where there is none and the ground is taken as flat."""
        path = self.folder / TERRAIN if self.folder is not None else None
        return path if path is not None and path.is_file() else None

    @classmethod
    def load(cls, folder: str | Path) -> City:
        """The city of a folder.

        Raises
        ------
        CityError: no city there, an unknown version, or layers that are not those its digest was taken of.
        """
        folder = Path(folder)
        settings = read_settings(folder)
        try:
            crs = pyproj.CRS.from_user_input(settings["crs"])
            sources = tuple(Source(**row) for row in settings.get("source", []))
            notes = tuple(str(note) for note in settings.get("notes", []))
            with warnings.catch_warnings():
                # What the driver grumbles about shows in what it reads.
                warnings.simplefilter("ignore")
                book = local_file(folder / "city.gpkg")
                present = {str(row[0]) for row in gpd.list_layers(book).itertuples(index=False)}
                area = gpd.read_file(book, layer="area").geometry.iloc[0]
                frames = {}
                for layer in SCHEMAS:
                    if layer in present:
                        read = gpd.read_file(book, layer=layer, use_arrow=True).set_index("id")
                        frames[layer] = conform(read.set_crs(crs, allow_override=True), layer)
        except ChaukasError:
            raise
        except Exception as error:  # noqa: BLE001  # no foreign exception crosses this door
            raise CityError.one("city.unreadable", f"The city cannot be read: {error}", "Import it again", folder) from None
        city = cls(
            name=str(settings["name"]), title=str(settings["title"]), title_hi=str(settings["title_hi"]), crs=crs, area=area, frames=frames,
            made=bool(settings["made"]), sources=sources, notes=notes, folder=folder,
        )  # fmt: skip
        if city.digest != settings["digest"]:
            raise CityError.one("city.digest", "The city's layers were changed by hand after import", "Import it again from its sources", folder)
        return city

    def save(self, folder: str | Path) -> City:
        """Write the folder; each file is replaced whole, and the terrain goes along. Returns the city as of that folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        terrain, target = self.terrain_file, folder / TERRAIN
        if terrain is None:
            target.unlink(missing_ok=True)
        elif not (target.exists() and terrain.samefile(target)):
            with atomic_path(target) as scratch:
                shutil.copyfile(terrain, scratch)
        with atomic_path(folder / "city.gpkg") as scratch:
            gpd.GeoDataFrame(geometry=[self.area], crs=self.crs).to_file(scratch, layer="area", driver="GPKG")
            for layer, frame in self.frames.items():
                if len(frame):
                    frame.rename_axis("id").reset_index().to_file(scratch, layer=layer, driver="GPKG")
        with atomic_path(folder / "city.toml") as scratch:
            scratch.write_text(self._settings(), encoding="utf-8")
        return City(**{**{name: getattr(self, name) for name in self.__dataclass_fields__}, "folder": folder})

    def _settings(self) -> str:
        def quoted(text: str) -> str:
            import json

            return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

        lines = [
            f"version = {VERSION}",
            f"name = {quoted(self.name)}",
            f"title = {quoted(self.title)}",
            f"title_hi = {quoted(self.title_hi)}",
            f"crs = {quoted(self.crs.to_string())}",
            f"made = {str(self.made).lower()}",
            f"digest = {quoted(self.digest)}",
            "notes = [" + ", ".join(quoted(note) for note in self.notes) + "]",
        ]
        for source in self.sources:
            rows = (("layer", source.layer), ("origin", source.origin), ("licence", source.licence), ("note", source.note))
            lines += ["", "[[source]]", *(f"{key} = {quoted(value)}" for key, value in rows)]
        return "\n".join(lines) + "\n"


def read_settings(folder: Path) -> dict[str, Any]:
    """A city folder's city.toml, checked for version.

    Raises
    ------
    CityError: `city.missing`, `city.toml` or `city.version`.
    """
    path = folder / "city.toml"
    if not path.is_file():
        raise CityError.one("city.missing", "There is no city in this folder", "Make one with: chaukas city import NAME --osm FILE", folder)
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CityError.one("city.toml", f"city.toml cannot be read: {error}", "Import the city again", path) from None
    if settings.get("version") != VERSION:
        raise CityError.one("city.version", "This city was written by another version", "Import it again", settings.get("version"))
    missing = [key for key in ("name", "title", "title_hi", "crs", "made", "digest") if key not in settings]
    if missing:
        raise CityError.one("city.toml", "city.toml lacks settings", "Import the city again", ", ".join(missing))
    return settings


def digest_of(frames: Mapping[str, gpd.GeoDataFrame], area: shapely.Geometry, terrain: Path | None = None) -> str:
    """Sixteen hex digits of the SHA-256 over ids, columns and geometry (to 1 mm), independent of file format, and the terrain's file as it stands."""
    # Drivers may turn rings round on the way: the digest takes them oriented.
    outline = np.round(shapely.get_coordinates(shapely.orient_polygons(area)) * 1000).astype("int64")
    taken = hashlib.sha256(outline.tobytes())
    for layer in sorted(frames):
        frame = frames[layer]
        if not len(frame):
            continue
        taken.update(layer.encode())
        shapes = shapely.orient_polygons(frame.geometry.array)
        coordinates = np.round(shapely.get_coordinates(shapes) * 1000).astype("int64")
        taken.update(coordinates.tobytes() + shapely.get_num_coordinates(shapes).tobytes())
        plain = pd.DataFrame(frame.drop(columns=frame.geometry.name)).copy()
        for name in plain.select_dtypes("float").columns:
            plain[name] = plain[name].round(6)
        plain = plain.astype(object).where(plain.notna(), None)
        taken.update(pd.util.hash_pandas_object(plain.astype(str), index=True).to_numpy().tobytes())
    if terrain is not None:
        with terrain.open("rb") as stream:
            taken.update(hashlib.file_digest(stream, "sha256").digest())
    return taken.hexdigest()[:16]


def city_folders() -> tuple[Path, ...]:
    """Where cities are looked for: $CHAUKAS_CITIES, data/cities, data/demo."""
    named = os.environ.get("CHAUKAS_CITIES")
    return (*((Path(named),) if named else ()), *FOLDERS)


def find_city(name: str) -> Path:
    """The folder of a city, by its name or by a path to it.

    Raises
    ------
    CityError: `city.unknown`, naming the cities there are.
    """
    if "/" in name or name.startswith("."):
        if (Path(name) / "city.toml").is_file():
            return Path(name)
    else:
        for parent in city_folders():
            if (parent / name / "city.toml").is_file():
                return parent / name
    known = ", ".join(sorted(list_cities())) or "none yet"
    raise CityError.one(
        "city.unknown", f"There is no city of this name (known: {known})", "Import one with: chaukas city import NAME --osm FILE", name
    )


def list_cities() -> dict[str, Path]:
    """Every city by its folder's name; the first place looked wins."""
    found: dict[str, Path] = {}
    for parent in city_folders():
        for settings in sorted(parent.glob("*/city.toml")):
            found.setdefault(settings.parent.name, settings.parent)
    return found
