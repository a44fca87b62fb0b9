"""The one door for files that come from people: named safely, sized and typed on the way in, unpacked with care, kept as a draft until imported.

    bytes, name, layer --- name made safe, kind and size allowed, first bytes --- draft folder --- planning.readings (a confined process)
                                                                                  draft.json: files, what columns mean, titles, CRS

A draft is found by its token alone, so it survives a reload of the page and belongs to whoever has the address. What a file really holds is found out
in the confined process; here only its first bytes are looked at.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import stat
import time
import unicodedata
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from planning import osm
from planning.city import ROOT
from planning.errors import FileRefused, InputError
from planning.files import MEGABYTE, VECTOR_KINDS, atomic_path
from planning.intake import TIFF_MAGIC
from planning.sandbox import limits
from planning.tables import KINDS as TABLE_KINDS

_SHAPES = (*VECTOR_KINDS, ".parquet", ".geoparquet", ".zip")
COMPANIONS = (".shx", ".dbf", ".prj", ".cpg")
_ARCHIVES = (".zip", ".gz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz", ".zst", ".kmz", ".jar", ".iso")
_ZIP, _SQLITE, _PARQUET = (b"PK\x03\x04",), (b"SQLite format 3\x00",), (b"PAR1",)
_MAGIC: Mapping[str, tuple[bytes, ...]] = {
    ".zip": _ZIP, ".xlsx": _ZIP, ".gpkg": _SQLITE, ".parquet": _PARQUET, ".geoparquet": _PARQUET, ".shp": (b"\x00\x00\x27\x0a",),
    ".shx": (b"\x00\x00\x27\x0a",), ".gz": (b"\x1f\x8b",), ".bz2": (b"BZh",), ".tif": TIFF_MAGIC, ".tiff": TIFF_MAGIC,
    ".geojson": (b"{",), ".json": (b"{",), ".osm": (b"<",), ".xml": (b"<",),
}  # fmt: skip
_MOST_MEMBERS = 64
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_VERSION = 1


@dataclass(frozen=True)
class Layer:
    """What may be given for a layer: kinds of files, the key of their largest size, and whether several files make it."""

    suffixes: tuple[str, ...]
    limit: str
    several: bool = False


LAYERS: Mapping[str, Layer] = {
    "osm": Layer(tuple(osm.KINDS), "osm"), "roads": Layer(_SHAPES, "areas"), "crime": Layer((*TABLE_KINDS, ".zip"), "table", several=True),
    "cameras": Layer((*TABLE_KINDS, ".zip"), "table", several=True), "wards": Layer(_SHAPES, "areas"),
    "lamps": Layer(_SHAPES, "areas", several=True), "zones": Layer(_SHAPES, "areas", several=True), "terrain": Layer((".tif", ".tiff"), "terrain"),
}  # fmt: skip


def safe_name(name: str) -> str:
    """A file's name that is one: letters, digits and . - _ ( ) of any script, no path, no control or direction marks, at most 120 bytes."""
    text = unicodedata.normalize("NFC", name[:2_000].replace("\\", "/").rstrip("/").rpartition("/")[2])
    kept = [sign if sign.isalnum() or unicodedata.category(sign) in {"Mn", "Mc"} or sign in ".-_() " else "_" for sign in text if _shown(sign)]
    plain = " ".join("".join(kept).split()).lstrip(". -")
    suffix = suffix_of(plain)
    stem = plain.removesuffix(plain[len(plain) - len(suffix) :]) if suffix else plain
    while len(stem.encode()) > 120 - len(suffix):
        stem = stem[:-1]
    return f"{stem.strip('. ') or 'file'}{suffix}"


def _shown(sign: str) -> bool:
    return not unicodedata.category(sign).startswith("C") or sign in "\t\n"


def suffix_of(name: str) -> str:
    """The suffix in small letters; two of them where they belong together, as .osm.pbf."""
    small = name.lower()
    double = next((suffix for suffix in osm.KINDS if suffix.count(".") == 2 and small.endswith(suffix)), "")
    return double or Path(small).suffix[:12]


def check_file(layer: str, name: str, data: bytes) -> None:
    """Refuse a file before anything reads it.

    Raises
    ------
    FileRefused: `upload.layer`, `upload.kind`, `upload.empty`, `upload.size`, `upload.content`.
    """
    if layer not in LAYERS:
        raise FileRefused.one("upload.layer", "There is no such layer", f"Known are {', '.join(LAYERS)}", layer)
    suffix, kinds = suffix_of(name), LAYERS[layer].suffixes
    if suffix not in kinds and not (suffix in COMPANIONS and ".shp" in kinds):
        raise FileRefused.one("upload.kind", "This kind of file is not taken here", f"Give one of {', '.join(kinds)}", name)
    if not data:
        raise FileRefused.one("upload.empty", "The file is empty", "Export it again", name)
    most = limits()[LAYERS[layer].limit]
    if len(data) > most * MEGABYTE:
        what = f"The file has {len(data) / MEGABYTE:,.0f} MB; {most:,.0f} MB is the most taken here"
        raise FileRefused.one("upload.size", what, "Cut it to the study area first", name)
    head = data[:4_096].removeprefix(b"\xef\xbb\xbf")
    magics = _MAGIC.get(f".{suffix.rpartition('.')[2]}", ())
    spaced = head.lstrip(b" \t\r\n") if magics in {(b"{",), (b"<",)} else head
    text = suffix in {".csv", ".tsv", ".txt", ".prj", ".cpg"} and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if (magics and not spaced.startswith(magics)) or (text and b"\x00" in head) or (suffix.endswith(".pbf") and b"OSMHeader" not in head[:64]):
        raise FileRefused.one("upload.content", "The content is not what the name says", "Export it again from its source", name)


def unpack(archive: Path, layer: str, folder: Path, times: float) -> Path:
    """The one data file of a zip (a shapefile with its parts counts as one), written to an empty folder under the zip's own name.

    Parameters
    ----------
    times: the most it may unpack to, as a multiple of its own size.

    Raises
    ------
    FileRefused: `archive.damaged`, `archive.path`, `archive.locked`, `archive.nested`, `archive.bomb`, `archive.content`.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [member for member in packed.infolist() if not member.is_dir()]
            _check_members(members, archive, times)
            return _take(packed, members, archive, layer, folder)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, RuntimeError, ValueError, UnicodeError) as error:
        if isinstance(error, InputError):
            raise
        raise FileRefused.one("archive.damaged", f"The zip cannot be read: {error}", "Pack it again", archive.name) from None


def _check_members(members: list[zipfile.ZipInfo], archive: Path, times: float) -> None:
    def refuse(code: str, what: str, way_out: str, value: str) -> NoReturn:
        raise FileRefused.one(code, what, way_out, f"{archive.name}: {value}")

    if len(members) > _MOST_MEMBERS:
        refuse("archive.bomb", f"The zip holds more than {_MOST_MEMBERS} files", "Pack only the file that is meant", f"{len(members):,}")
    for member in members:
        # What zipfile cut off behind a NUL would be another name than the one shown.
        parts = member.orig_filename.replace("\\", "/").split("/")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if ".." in parts or parts[0] == "" or ":" in parts[0] or "\x00" in member.orig_filename or kind not in {0, stat.S_IFREG}:
            what = "The zip holds a path that leads out of it, or a link"
            refuse("archive.path", what, "Pack the files themselves", safe_name(member.orig_filename))
        if member.flag_bits & 1:
            refuse("archive.locked", "The zip is locked with a password", "Pack it without one", safe_name(member.filename))
        if member.filename.lower().endswith(_ARCHIVES):
            refuse("archive.nested", "The zip holds an archive", "Pack the files themselves", safe_name(member.filename))
    size = sum(member.file_size for member in members)
    if size > max(times * archive.stat().st_size, MEGABYTE) or size > limits()["written"] * MEGABYTE:
        refuse("archive.bomb", "The zip unpacks to far more than it should", "Pack only the file that is meant", f"{size / MEGABYTE:,.0f} MB")


def _take(packed: zipfile.ZipFile, members: list[zipfile.ZipInfo], archive: Path, layer: str, folder: Path) -> Path:
    kinds = [suffix for suffix in LAYERS[layer].suffixes if suffix != ".zip"]
    plain = [member for member in members if not member.filename.startswith("__MACOSX/")]
    data = [member for member in plain if suffix_of(member.filename) in kinds]
    if len(data) != 1:
        found = ", ".join(safe_name(member.filename) for member in data[:5]) or "none"
        what = f"The zip holds {len(data)} files that could be meant; it must hold one"
        raise FileRefused.one("archive.content", what, f"Pack one of {', '.join(kinds)}", f"{archive.name}: {found}")
    main = Path(data[0].filename)
    beside = [member for member in plain if Path(member.filename).stem == main.stem and suffix_of(member.filename) in COMPANIONS]
    for member in (*data, *(beside if main.suffix.lower() == ".shp" else ())):
        with packed.open(member) as source, (folder / f"{archive.stem}{suffix_of(member.filename)}").open("xb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    return folder / f"{archive.stem}{suffix_of(main.name)}"


@dataclass(frozen=True)
class Draft:
    """An import being prepared, as its folder holds it; every change gives the draft as of then.

    `files`: (name, layer) of each file, companions of shapefiles among them. `columns`: file -> meaning -> column. `city`: the city to add to, ""
    for a new one. `seen`: what the last look at the files found, and the state of the draft it was taken of.
    """

    token: str
    files: tuple[tuple[str, str], ...] = ()
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    city: str = ""
    name: str = ""
    title: str = ""
    title_hi: str = ""
    crs: str = ""
    step: int = 1
    seen: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return drafts_folder() / self.token

    @property
    def inside(self) -> Path:
        """Where its files lie."""
        return self.folder / "files"

    @property
    def main(self) -> list[tuple[str, str]]:
        """(name, layer) of each file that is one, parts of shapefiles left aside, in the order of layers."""
        found = [(name, layer) for name, layer in self.files if suffix_of(name) not in COMPANIONS]
        return sorted(found, key=lambda file: (list(LAYERS).index(file[1]), file[0]))

    @property
    def state(self) -> str:
        """What a look at the files depends on, as text."""
        sizes = [(name, layer, (self.inside / name).stat().st_mtime_ns) for name, layer in self.files if (self.inside / name).is_file()]
        return json.dumps([sorted(sizes), self.columns, self.city, self.crs], sort_keys=True)

    def changed(self, **fields: Any) -> Draft:
        """The draft with these fields, written."""
        draft = replace(self, **fields)
        said = {name: getattr(draft, name) for name in draft.__dataclass_fields__ if name != "token"}
        with atomic_path(draft.folder / "draft.json") as scratch:
            scratch.write_text(json.dumps({"version": _VERSION, **said}, ensure_ascii=False), encoding="utf-8")
        return draft

    def add(self, layer: str, name: str, data: bytes) -> Draft:
        """The draft with one more file; one of the same name and layer is replaced, as is the one file of a layer that has only one.

        Raises
        ------
        FileRefused: see `check_file`; `upload.twice`, `upload.many`, `upload.together`.
        """
        plain = safe_name(name)
        check_file(layer, plain, data)
        if any(held == plain and other != layer for held, other in self.files):
            raise FileRefused.one("upload.twice", "A file of this name is given for another layer", "Rename it, or remove the other", plain)
        gone = {"osm": ("osm", "roads"), "roads": ("osm", "roads")}.get(layer, (layer,))
        draft = self
        if not LAYERS[layer].several and suffix_of(plain) not in COMPANIONS:
            for held, other in self.main:
                draft = draft.remove(held) if other in gone and Path(held).stem != Path(plain).stem else draft
        most = limits()
        files = tuple(file for file in draft.files if file[0] != plain)
        if len(files) >= most["files"]:
            raise FileRefused.one("upload.many", f"An import takes at most {most['files']:.0f} files", "Remove some first", plain)
        if sum((self.inside / held).stat().st_size for held, _ in files) + len(data) > most["together"] * MEGABYTE:
            what = f"The files have more than {most['together']:,.0f} MB together"
            raise FileRefused.one("upload.together", what, "Cut them to the study area first", plain)
        with atomic_path(draft.inside / plain) as scratch:
            scratch.write_bytes(data)
        return draft.changed(files=(*files, (plain, layer)))

    def remove(self, name: str) -> Draft:
        """The draft without a file, the parts of a shapefile with it."""
        parts = [held for held, _ in self.files if held == name or (Path(held).stem == Path(name).stem and suffix_of(held) in COMPANIONS)]
        for held in parts:
            (self.inside / held).unlink(missing_ok=True)
        columns = {held: mapped for held, mapped in self.columns.items() if held not in parts}
        return self.changed(files=tuple(file for file in self.files if file[0] not in parts), columns=columns)

    def drop(self) -> None:
        """Remove the draft with its files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def drafts_folder() -> Path:
    """Where drafts lie: $CHAUKAS_UPLOADS, else data/uploads."""
    return Path(os.environ.get("CHAUKAS_UPLOADS") or ROOT / "data" / "uploads")


def new_draft(city: str = "") -> Draft:
    """A draft of nothing yet; those not touched for long are swept first.

    Raises
    ------
    InputError: `upload.busy` where as many drafts are kept as may be.
    """
    home = drafts_folder()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    oldest = time.time() - limits()["keep"] * 3_600
    kept = 0
    for found in home.iterdir():
        if not _TOKEN.fullmatch(found.name):
            continue
        with contextlib.suppress(OSError):
            if max(found.stat().st_mtime, (found / "files").stat().st_mtime) < oldest:
                shutil.rmtree(found, ignore_errors=True)
                continue
        kept += 1
    if kept >= limits()["drafts"]:
        raise InputError.one("upload.busy", "Too many imports are being prepared", "Finish or throw away one of them", kept)
    draft = Draft(secrets.token_urlsafe(16), city=city)
    draft.inside.mkdir(parents=True)
    return draft.changed()


def find_draft(token: str) -> Draft:
    """The draft of a token.

    Raises
    ------
    InputError: `upload.draft` where there is none, or it cannot be read.
    """
    path = drafts_folder() / token / "draft.json"
    try:
        if not _TOKEN.fullmatch(token):
            raise ValueError(token[:40])
        said = json.loads(path.read_text(encoding="utf-8"))
        if said.pop("version") != _VERSION:
            raise ValueError("version")
        return Draft(token, **{**said, "files": tuple((str(name), str(layer)) for name, layer in said["files"])})
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        raise InputError.one("upload.draft", "This import is not there any more", "Begin a new one") from None
