"""Files in and out: allow-listed, size-capped reading of what others wrote, and atomic writing of what we write.

Reading is refused before a driver sees the file: an OGR VRT named wards.geojson would read local files and the network.
"""

from __future__ import annotations

import contextlib
import glob
import mmap
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from planning.errors import FileRefused

if TYPE_CHECKING:
    import geopandas as gpd

MEGABYTE = 1_000_000
# suffix -> (OGR driver, the bytes a file of that kind begins with, largest size [bytes])
VECTOR_KINDS: dict[str, tuple[str, tuple[bytes, ...], int]] = {
    ".gpkg": ("GPKG", (b"SQLite format 3\x00",), 2_000 * MEGABYTE),
    ".geojson": ("GeoJSON", (b"{",), 300 * MEGABYTE),
    ".json": ("GeoJSON", (b"{",), 300 * MEGABYTE),
    ".shp": ("ESRI Shapefile", (b"\x00\x00\x27\x0a",), 500 * MEGABYTE),
}
PARQUET_MAGIC = b"PAR1"
# TopoJSON, STAC items, Esri JSON and their like begin with a brace too, and some of their drivers open further files and addresses.
_GEOJSON_TYPE = re.compile(rb'"type"\s*:\s*"(FeatureCollection|Feature|GeometryCollection|(?:Multi)?(?:Point|LineString|Polygon))"')
_OTHER_JSON = re.compile(rb'"type"\s*:\s*"(Topology|Catalog|Collection)"|"stac_version"|"esri(?:GeometryType|FieldType)')
# A CRS that is to be fetched from an address: the driver would go there.
_CRS_ELSEWHERE = re.compile(rb'"crs"\s*:\s*\{[^{}]*(?:\{[^{}]*)?"(?:href|url)"\s*:', re.IGNORECASE)
# No address a file names is reached: whatever a driver would fetch goes to a port of this machine that throws everything away.
_NOWHERE = {"GDAL_HTTP_PROXY": "127.0.0.1:9", "GDAL_HTTPS_PROXY": "127.0.0.1:9", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}"}
# What in a database's own schema reaches for other files, programs or endless rows.
_ACTIVE = re.compile(
    r"\b(load_extension|readfile|writefile|fts3_tokenizer|fsdir|zipfile|zeroblob|randomblob|edit)\s*\(|\bvirtual(ogr|shape|text|xl)\b"
    r"|\battach\s+(database\b|')|with\s+recursive|\bgenerated\s+always\b|\bas\s*\([^)]*\)\s*(stored|virtual)\b",
    re.IGNORECASE,
)
MOST_CELLS = 20_000_000  # of a table; whatever a small packed file claims


@lru_cache(maxsize=1)
def other_drivers() -> tuple[str, ...]:
    """Vector drivers that no reader of ours asks for, sorted, among them those that follow addresses and other files."""
    import pyogrio

    return tuple(sorted(set(pyogrio.list_drivers()) - {driver for driver, _, _ in VECTOR_KINDS.values()}))


def local_file(path: str | Path, *, largest: int = 2_000 * MEGABYTE) -> Path:
    """The absolute path of an existing, non-empty, regular local file no larger than `largest` [bytes].

    Raises
    ------
    FileRefused: a URL, a GDAL virtual path, nothing there, a folder, not readable, empty, too large.
    """
    text = str(path)
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]+:", text) or text.startswith("/vsi") or "\x00" in text:
        raise FileRefused.one("file.remote", "Only local files are read", "Download it, then give its path", text)
    try:
        found = Path(text).expanduser()
        if not found.exists():
            raise FileRefused.one("file.missing", "There is no such file", "Check the path", text)
        found = found.resolve()
        if not found.is_file():
            raise FileRefused.one("file.kind", "This is not a regular file", "Give the file itself", text)
    except (OSError, RuntimeError) as error:  # a name too long, a folder closed to us, a home that is not there
        raise FileRefused.one("file.unreadable", f"The path cannot be followed: {error}", "Check the path and your rights to it", text) from None
    if not os.access(found, os.R_OK):
        raise FileRefused.one("file.unreadable", "You may not read this file", "Ask its owner for the right to read it", text)
    size = found.stat().st_size
    if size == 0:
        raise FileRefused.one("file.empty", "The file is empty", "Export it again", text)
    if size > largest:
        cap = f"The file has {size / MEGABYTE:.0f} MB; {largest / MEGABYTE:.0f} MB is the most we read"
        raise FileRefused.one("file.size", cap, "Cut it to the study area first", text)
    return found


def read_vector(path: str | Path, *, layer: str | None = None) -> gpd.GeoDataFrame:
    """A vector file of an allowed kind, as it stands.

    Parameters
    ----------
    path: GeoPackage, GeoJSON, Shapefile or GeoParquet, told by suffix and by its first bytes.
    layer: the layer of a GeoPackage; its first where None.

    Raises
    ------
    FileRefused: not local, not of an allowed kind, its content not what its name says, truncated, or without geometry.
    """
    import geopandas as gpd
    import pyogrio

    text = str(path)
    suffix = Path(text).suffix.lower()
    if suffix in {".parquet", ".geoparquet"}:
        return _read_geoparquet(local_file(path, largest=500 * MEGABYTE))
    if suffix not in VECTOR_KINDS:
        kinds = ", ".join([*VECTOR_KINDS, ".parquet"])
        raise FileRefused.one("file.kind", "This kind of file is not read", f"Convert it to one of {kinds}", text)
    driver, magics, largest = VECTOR_KINDS[suffix]
    found = local_file(path, largest=largest)
    with found.open("rb") as stream:
        head = stream.read(65_536).removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n" if driver == "GeoJSON" else b"")
    known = any(head.startswith(magic) for magic in magics)
    if not known or (driver == "GeoJSON" and (not _GEOJSON_TYPE.search(head) or _OTHER_JSON.search(head[:4096]))):
        raise FileRefused.one("file.content", f"The content is not {driver}, whatever the name says", "Export it again from its source", text)
    if driver == "GeoJSON":
        with found.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if _CRS_ELSEWHERE.search(content):
                raise FileRefused.one("file.remote", "The file's CRS is to be fetched from an address", "Save it as GeoJSON in WGS84", text)
    os.environ.update(_NOWHERE, OGR_SQLITE_LOAD_EXTENSIONS="NO")
    views = _check_database(found, text) if driver == "GPKG" else frozenset()
    try:
        with warnings.catch_warnings():
            # What the driver grumbles about a row shows in the row itself: no geometry, or one the callers mend and count.
            warnings.simplefilter("ignore")
            names = [str(name) for name in pyogrio.list_layers(found)[:, 0]]
            if layer is not None and layer not in names:
                raise FileRefused.one("file.layer", f"The file has no layer {layer}; it has {', '.join(names)}", "Name one of these", text)
            chosen = layer if layer is not None else names[0]
            if chosen in views:
                raise FileRefused.one("file.active", "The layer is a view, not a table", "Save the layer as a new GeoPackage", text)
            opened = pyogrio.read_info(found, layer=chosen)["driver"]
            if opened != driver:
                raise FileRefused.one("file.content", f"The content is {opened}, the name says {driver}", "Export it again from its source", text)
            frame = pyogrio.read_dataframe(found, layer=chosen, on_invalid="ignore")
    except FileRefused:
        raise
    except Exception as error:  # noqa: BLE001  # no foreign exception crosses this door
        raise FileRefused.one("file.unreadable", f"The file cannot be read: {error}", "It may be cut short; export it again", text) from None
    if not isinstance(frame, gpd.GeoDataFrame):
        raise FileRefused.one("file.geometry", "The file holds no geometry", "Give a layer with points, lines or areas", text)
    if frame.empty:
        raise FileRefused.one("file.rows", "The file holds no rows", "Export it again, with its rows", text)
    return frame


def _check_database(found: Path, text: str) -> frozenset[str]:
    """The views of a GeoPackage, whose schema must hold nothing that reaches beyond the file; the file is not changed.

    Raises
    ------
    FileRefused: `file.active`, `file.unreadable`.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{found.as_uri()}?mode=ro&immutable=1", uri=True)) as book:
            book.execute("PRAGMA trusted_schema = OFF")
            parts = [(str(kind), str(name), str(sql or "")) for kind, name, sql in book.execute("SELECT type, name, sql FROM sqlite_master")]
    except sqlite3.Error as error:
        raise FileRefused.one("file.unreadable", f"The file cannot be read: {error}", "It may be cut short; export it again", text) from None
    for _, name, sql in parts:
        virtual = re.match(r"\s*create\s+virtual\s+table\s+.*?\busing\s+(\w+)", sql, re.IGNORECASE | re.DOTALL)
        if _ACTIVE.search(sql) or (virtual and virtual[1].casefold() != "rtree"):
            what = "The GeoPackage holds what reaches beyond plain tables"
            raise FileRefused.one("file.active", what, "Save the layer as a new GeoPackage", f"{found.name}: {name}")
    return frozenset(name for kind, name, _ in parts if kind == "view")


def check_parquet(found: Path) -> None:
    """Refuse a Parquet file that unpacks to more cells than are read, however small it is packed.

    Raises
    ------
    FileRefused: `table.large`.
    """
    import pyarrow.parquet

    told = pyarrow.parquet.read_metadata(found)
    cells = told.num_rows * max(told.num_columns, 1)
    if cells > MOST_CELLS:
        raise FileRefused.one("table.large", f"The table has {cells:,} cells; {MOST_CELLS:,} is the most we read", "Cut it first", found.name)


def _read_geoparquet(found: Path) -> gpd.GeoDataFrame:
    import geopandas as gpd

    with found.open("rb") as stream:
        head = stream.read(4)
        stream.seek(-4, os.SEEK_END)
        tail = stream.read(4)
    if head != PARQUET_MAGIC or tail != PARQUET_MAGIC:
        raise FileRefused.one("file.content", "The content is not Parquet, or is cut short", "Export it again", found)
    try:
        check_parquet(found)
        return gpd.read_parquet(found)
    except FileRefused:
        raise
    except Exception as error:  # noqa: BLE001  # no foreign exception crosses this door
        raise FileRefused.one("file.unreadable", f"The file cannot be read: {error}", "Write it as GeoParquet", found) from None


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A scratch path beside `path` that replaces it, synced, when the block ends well; on any error the old file stays and the scratch is gone.

    Litter of writers that were killed is swept, once it is an hour old.
    """
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    scratch = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.part{target.suffix}")
    try:
        yield scratch
        with scratch.open("rb+") as stream:
            os.fsync(stream.fileno())
        scratch.replace(target)
        _sync_one(target.parent)
    finally:
        for litter in target.parent.glob(f"{glob.escape(scratch.name)}*"):
            litter.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Like `atomic_path` for a whole folder: the old folder is moved aside and removed only after the new one stands, synced.

    A writer killed between the two moves leaves the old folder aside; the next writer puts it back before it begins.
    """
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    _restore(target)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    aside = scratch.with_name(scratch.name + ".old")
    try:
        yield scratch
        scratch.chmod(0o755)
        _sync(scratch)
        if target.exists():
            target.replace(aside)
        try:
            scratch.replace(target)
            _sync_one(target.parent)
        except OSError:
            if aside.exists():
                aside.replace(target)
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Every file and folder below, on the disk."""
    for found in (*folder.rglob("*"), folder):
        _sync_one(found)


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _restore(target: Path) -> None:
    """Put back a folder that a killed writer left aside, and sweep its litter once it is an hour old."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[^.]+\.part(\.old)?")
    litter = [found for found in target.parent.iterdir() if pattern.fullmatch(found.name)]
    aside = [found for found in litter if found.suffix == ".old"]
    if not target.exists() and aside:
        max(aside, key=lambda found: found.stat().st_mtime).replace(target)
    for found in litter:
        with contextlib.suppress(OSError):
            if time.time() - found.stat().st_mtime > 3_600:
                shutil.rmtree(found, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Remove scratch files of this target that no living writer touches."""
    for litter in target.parent.glob(f".{glob.escape(target.stem)}.*.part{glob.escape(target.suffix)}*"):
        with contextlib.suppress(OSError):
            if time.time() - litter.stat().st_mtime > 3_600:
                litter.unlink()
