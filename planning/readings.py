"""What a draft's files hold: looked at, or read whole, in a confined process; what comes back is checked here.

    draft --- sandbox: look ------> JSON: columns, what they mean, first rows as they are read, what would be left out and why
          --- sandbox: collect ---> layers as plain Parquet and JSON --- checked ---> Gathered ---> City

`look` and `collect` run in the confined process; the rest runs in the server.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from planning import streets
from planning.additions import add_to
from planning.city import City, Source, city_folders, find_city, list_cities
from planning.columns import CAMERA, CRIME, find_columns
from planning.errors import CityError, Fault, InputError
from planning.files import read_vector
from planning.frames import SCHEMAS, check, conform, require_metres
from planning.incidents import Rows, cameras_of, incidents_of
from planning.intake import Gathered, Request, city_of, gather, gather_more, lamps_of, name_faults, streets_of, write_city
from planning.progress import Progress
from planning.sandbox import Answer, limits, run_apart
from planning.tables import Table, read_table
from planning.uploads import COMPANIONS, Draft, find_draft, suffix_of, unpack
from planning.wards import guess_wards, read_wards
from planning.zones import guess_zones, read_zones

SHOWN = 8  # first rows of a table
_LONGEST = 80  # signs of a cell
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "crime": CRIME, "cameras": CAMERA, "wards": ("ward", "population"), "zones": ("kind", "zone", "weight"),
}  # fmt: skip


# In the confined process


def look(scratch: Path, given: Mapping[str, Any], told: Progress) -> dict[str, Any]:
    """What each file holds and how it would be read; a file that cannot be read has its faults in place of that."""
    told.step("streets", 0.05)
    request, names, faults = _request(scratch, given)
    place: tuple[shapely.Geometry, pyproj.CRS] | None = None
    found: dict[str, Any] = {"streets": given.get("known"), "files": []}
    if given.get("base"):
        place = _base(given)
    elif found["streets"]:
        place = shapely.from_wkt(found["streets"]["area"]), pyproj.CRS.from_user_input(found["streets"]["crs"])
    elif request.osm or request.roads:
        try:
            raw = streets_of(request)
            crs = streets.choose_crs(raw, given["crs"] or None)
            area, how = streets.study_area(raw, crs)
            place = area, crs
            middle = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(area.centroid.x, area.centroid.y)
            found["streets"] = {
                "area": area.wkt, "crs": crs.to_string(), "km2": area.area / 1e6, "middle": list(middle), "ways": len(raw.ways),
                "shapes": len(raw.shapes), "how": how, "lost": dict(raw.lost),
            }  # fmt: skip
        except InputError as error:
            faults[Path(str(request.osm or request.roads)).name] = _told(error)
    rest = [(layer, Path(str(path))) for layer, path in request.layers]
    for number, (layer, path) in enumerate(rest):
        told.step("tables", 0.4 + 0.6 * number / len(rest), names.get(path.name, path.name))
        layer_ = {"incidents": "crime"}.get(layer, layer)
        found["files"].append({"file": names[path.name], "layer": layer_, **_looked(layer_, path, request.meanings(path), place)})
    found["faults"] = {names.get(name, name): list_of for name, list_of in faults.items()}
    return found


def collect(scratch: Path, given: Mapping[str, Any], told: Progress) -> dict[str, Any]:
    """Everything read for a city; layers go to the scratch folder as Parquet, the rest into the answer.

    Raises
    ------
    InputError: all faults of all files, as `planning.intake.import_city`.
    """
    request, _, faults = _request(scratch, given)
    if faults:
        raise InputError(Fault(*fault) for of_one in faults.values() for fault in of_one)
    gathered = gather_more(request, *_base(given), told) if given.get("base") else gather(request, given["crs"] or None, told)
    told.step("writing", 0.9)
    for layer, frame in gathered.frames.items():
        plain = pd.DataFrame(frame.drop(columns=frame.geometry.name))
        plain = plain.assign(id=frame.index, geometry=shapely.to_wkb(np.asarray(frame.geometry.array)))
        plain.reset_index(drop=True).to_parquet(scratch / f"{layer}.parquet", index=False)
    text = gathered.rejects.astype(object).where(gathered.rejects.notna(), "").astype(str)
    text.to_parquet(scratch / "rejects.parquet", index=False)
    return {
        "crs": gathered.crs.to_string(), "area": gathered.area.wkt, "layers": list(gathered.frames), "notes": list(gathered.notes),
        "sources": [[source.layer, source.origin, source.licence, source.note] for source in gathered.sources],
    }  # fmt: skip


def _base(given: Mapping[str, Any]) -> tuple[shapely.Geometry, pyproj.CRS]:
    return shapely.from_wkt(given["base"]["area"]), pyproj.CRS.from_user_input(given["base"]["crs"])


def _request(scratch: Path, given: Mapping[str, Any]) -> tuple[Request, dict[str, str], dict[str, list[list[str]]]]:
    """The draft as a request of unpacked files; the name each file was given under; faults of archives by name."""
    found: dict[str, list[Path]] = {}
    names: dict[str, str] = {}
    faults: dict[str, list[list[str]]] = {}
    columns = {}
    for number, (name, layer) in enumerate(given["files"]):
        path = Path(given["inside"]) / name
        if suffix_of(name) == ".zip":
            folder = scratch / f"zip{number}"
            folder.mkdir()
            try:
                path = unpack(path, layer, folder, given["times"])
            except InputError as error:
                faults[name] = _told(error)
                continue
        names[path.name] = name
        found.setdefault(layer, []).append(path)
        columns[path.name] = given["columns"].get(name, {})
    one: dict[str, Path | None] = {layer: next(iter(found.get(layer, [])), None) for layer in ("osm", "roads", "wards", "terrain")}
    several = {layer: found.get(layer, []) for layer in ("crime", "cameras", "lamps", "zones")}
    request = Request(
        name=given["name"], osm=one["osm"], place=None, roads=one["roads"], crime=several["crime"], cameras=several["cameras"],
        wards=one["wards"], zones=several["zones"], lamps=several["lamps"], terrain=one["terrain"], mapping={}, columns=columns,
    )  # fmt: skip
    return request, names, faults


def _told(error: InputError) -> list[list[str]]:
    return [[fault.code, fault.what, fault.way_out, fault.value] for fault in error.faults]


def _looked(layer: str, path: Path, mapping: dict[str, str], place: tuple[shapely.Geometry, pyproj.CRS] | None) -> dict[str, Any]:
    """One file: its columns and their meaning, its first rows as they stand and as they are read, and what is left out."""
    said: dict[str, Any] = {"columns": [], "guess": {}, "rows": [], "read": [], "used": None, "total": None, "lost": {}, "told": [], "faults": []}
    try:
        if layer in {"crime", "cameras"}:
            table = read_table(path)
            _raw_rows(said, table.cells)
            wanted = MEANINGS[layer]
            said["guess"] = find_columns(table, wanted, mapping)
            if place is not None:
                _as_read(said, table, layer, (incidents_of if layer == "crime" else cameras_of)(table, *place, mapping=mapping, prefix=""))
        elif layer in {"wards", "zones"}:
            frame = read_vector(path)
            _raw_rows(said, pd.DataFrame(frame.drop(columns=frame.geometry.name)).set_axis(range(1, len(frame) + 1), axis=0))
            guess = guess_wards(frame) if layer == "wards" else guess_zones(frame)
            said["guess"] = {**guess, **{meaning: column for meaning, column in mapping.items() if column in said["columns"]}}
            said["total"] = len(frame)
            if place is not None:
                drawn = read_wards(path, *place, mapping=mapping) if layer == "wards" else read_zones([path], *place, mapping=mapping)
                said["told"], said["used"] = list(drawn.told), len(drawn.frame)
                plain = drawn.frame.drop(columns="geometry").head(SHOWN)
                said["read"] = [{"row": str(label), **{key: _cell(cell) for key, cell in row.items()}} for label, row in plain.iterrows()]
        elif layer == "lamps" and place is not None:
            lamps, sentence = lamps_of(path, *place)
            said["told"], said["used"] = [sentence], len(lamps)
    except InputError as error:
        said["faults"] = _told(error)
    return said


def _raw_rows(said: dict[str, Any], cells: pd.DataFrame) -> None:
    said["columns"] = [str(name)[:200] for name in cells.columns][:400]
    said["rows"] = [[str(label), *(_cell(cell) for cell in row)] for label, row in zip(cells.index, cells.head(SHOWN).to_numpy(object), strict=False)]


def _cell(cell: Any) -> str:
    if cell is None or cell is pd.NaT or cell is pd.NA or (isinstance(cell, float) and cell != cell):  # noqa: PLR0124  # NaN
        return ""
    text = " ".join(str(cell)[: 2 * _LONGEST].replace("\x00", "").split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _as_read(said: dict[str, Any], table: Table, layer: str, rows: Rows) -> None:
    """The table's first rows as they are read: where, when and what, or why not; and the tally of all rows."""
    lost = dict(zip(rows.rejects.get("row", ()), rows.rejects.get("reason", ()), strict=True))
    step = pyproj.Transformer.from_crs(rows.frame.crs, 4326, always_xy=True)
    by_row: dict[str, pd.Series] = {}
    for label, row in rows.frame.head(4 * SHOWN).iterrows():
        by_row.setdefault(str(label).partition("-")[0], row)
    for number in list(table.cells.index[:SHOWN]):
        row = by_row.get(str(number))
        shown: dict[str, str] = {"row": str(number), "why": str(lost.get(number, ""))}
        if row is not None:
            lon, lat = step.transform(row.geometry.x, row.geometry.y)
            shown |= {"lat": f"{lat:.6f}", "lon": f"{lon:.6f}"}
            keys = ("when", "category") if layer == "crime" else ("kind", "bearing_deg", "height_m", "model")
            shown |= {key: _cell(row[key]) for key in keys}
        said["read"].append(shown)
    said["lost"] = dict(Counter(str(reason) for reason in rows.rejects.get("reason", ())))
    said["total"] = len(table.cells) + len(table.skewed)
    said["used"] = said["total"] - len(rows.rejects)
    said["told"] = list(rows.told)


# In the server


@contextmanager
def _scratch(draft: Draft) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="work.", dir=draft.folder))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _given(draft: Draft) -> dict[str, Any]:
    given: dict[str, Any] = {
        "files": [[name, layer] for name, layer in draft.main if suffix_of(name) not in COMPANIONS], "inside": str(draft.inside.resolve()),
        "columns": {name: dict(mapped) for name, mapped in draft.columns.items()}, "name": draft.name or "new", "crs": draft.crs,
        "times": limits()["unpacked"],
    }  # fmt: skip
    if draft.city:
        city = City.load(find_city(draft.city))
        given["base"] = {"area": city.area.wkt, "crs": city.crs.to_string()}
    return given


def look_at(draft: Draft, *, task: str = "planning.readings:look", progress: Progress | None = None) -> Draft:
    """The draft with what its files were found to hold, under `seen`; nothing is read again where nothing changed.

    Raises
    ------
    InputError: see `planning.sandbox.run_apart`.
    """
    state, of_streets = draft.state, streets_state(draft)
    if draft.seen.get("state") == state:
        return draft
    given = _given(draft)
    if draft.seen.get("streets_state") == of_streets:
        given["known"] = draft.seen.get("streets")
    with _scratch(draft) as scratch:
        answer = run_apart(task, given, scratch=scratch, reads=[draft.inside], progress=progress)
    seen = answer.value
    if not isinstance(seen, dict) or not isinstance(seen.get("files"), list):
        raise InputError.one("upload.answer", "Reading ended with an answer that makes no sense", "Try again; if it happens again, report it")
    # Whoever prepares it may have gone on meanwhile: what they changed stays.
    return find_draft(draft.token).changed(seen={**seen, "state": state, "streets_state": of_streets})


def streets_state(draft: Draft) -> str:
    """What the study area depends on, as text."""
    return "|".join(f"{name}:{(draft.inside / name).stat().st_mtime_ns}" for name, layer in draft.main if layer in {"osm", "roads"}) + draft.crs


def check_draft(draft: Draft) -> list[Fault]:
    """What is still missing before a draft can be imported."""
    faults = []
    layers = {layer for _, layer in draft.files}
    if not draft.city:
        if not layers & {"osm", "roads"}:
            faults.append(Fault("upload.streets", "The streets are missing", "Give an OpenStreetMap file or a file of street lines"))
        faults += name_faults(draft.name)
        if draft.crs and not re.fullmatch(r"EPSG:\d{4,6}", draft.crs):
            faults.append(Fault("upload.crs", "This is no CRS's number", "Write it as EPSG:32644, or leave it empty", draft.crs[:60]))
        if draft.name in list_cities():
            way_out = "Choose another name, or add the files to that city"
            faults.append(Fault("upload.taken", "A city of this name is there already", way_out, draft.name))
    elif not layers - {"osm", "roads"}:
        faults.append(Fault("upload.nothing", "There is no file to add", "Give at least one"))
    return faults


def gathered_of(folder: Path, said: Any) -> Gathered:
    """What `collect` left in its scratch folder, every part checked.

    Raises
    ------
    InputError: `upload.answer` where it is not what it must be; faults of layers that do not hold together.
    """
    import pyarrow.parquet

    def table(name: str) -> pd.DataFrame:
        path = folder / f"{name}.parquet"
        if path.is_symlink() or not path.is_file():
            raise ValueError(name)
        return pyarrow.parquet.read_table(path, memory_map=False).to_pandas(ignore_metadata=True)

    try:
        crs = require_metres(pyproj.CRS.from_user_input(str(said["crs"])[:20_000]), "The city")
        area = shapely.from_wkt(str(said["area"]))
        frames = {}
        for layer in said["layers"]:
            if layer not in SCHEMAS:
                raise ValueError(layer)
            plain = table(layer)
            geometry = shapely.from_wkb(plain["geometry"].to_numpy())
            frames[layer] = conform(gpd.GeoDataFrame(plain.drop(columns=["geometry", "id"]), geometry=geometry, crs=crs).set_axis(plain["id"]), layer)
        sources = tuple(Source(*(str(part)[:500] for part in row)) for row in said["sources"])
        gathered = Gathered(crs, area, frames, table("rejects"), sources, tuple(str(note)[:2_000] for note in said["notes"]))
    except Exception as error:  # noqa: BLE001  # whatever a process gone wrong left there
        what = "Reading ended with an answer that makes no sense"
        raise InputError.one("upload.answer", what, "Try again; if it happens again, report it", f"{type(error).__name__}: {error}"[:200]) from None
    faults = [fault for layer, frame in gathered.frames.items() for fault in check(frame, layer)]
    if faults:
        raise CityError(faults)
    return gathered


def import_draft(draft: Draft, *, task: str = "planning.readings:collect", progress: Progress | None = None) -> tuple[City, Answer]:
    """Import a draft's files through the confined process, as a new city or into the one it names; the city as written, and how the process went.

    Raises
    ------
    InputError: what is missing, what the files' readers refused, what the process ended of. Cancelled: on request; nothing is written.
    """
    faults = check_draft(draft)
    if faults:
        raise InputError(faults)
    told = progress or Progress()
    terrain = next((draft.inside / name for name, layer in draft.main if layer == "terrain"), None)
    with _scratch(draft) as scratch:
        answer = run_apart(task, _given(draft), scratch=scratch, reads=[draft.inside], progress=told.part(0.0, 0.9))
        gathered = gathered_of(scratch, answer.value)
        told.step("writing", 0.95)
        if draft.city:
            return add_to(City.load(find_city(draft.city)), gathered, terrain), answer
        city = city_of(gathered, draft.name, draft.title, draft.title_hi)
        return write_city(city, city_folders()[0] / draft.name, gathered.rejects, terrain), answer
