"""Plans out and in: GeoPackage (whole, readable again), GeoJSON, KML, CSV and OpenStreetMap XML (the cameras), DXF and XLSX.

Files are replaced whole or not at all.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree  # nosec B405  # written here, never read

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from planning.bill import write_bill
from planning.catalogue import load_models
from planning.city import MADE_NOTE, MADE_NOTE_HI, City
from planning.drawing import write_drawing
from planning.errors import ChaukasError, Fault, FileRefused, InputError
from planning.files import atomic_path, local_file
from planning.nouns import Plan, PlannedCamera, PlannedSite, Proof, Scenario, Scorecard, WardScore
from planning.styles import styles_table
from planning.writing import one_line

VERSION = 1
SUFFIXES = (".gpkg", ".geojson", ".csv", ".kml", ".osm", ".dxf", ".xlsx")
_FORMULA = re.compile(r"\s*[=+\-@]|[\t\r\n]")
_HEAD_COLUMNS = [field.name for field in dataclasses.fields(PlannedCamera)]


def write_plan(plan: Plan, city: City, path: str | Path, *, extra: Mapping[str, gpd.GeoDataFrame] = MappingProxyType({})) -> None:
    """Write a plan by the path's suffix.

    Parameters
    ----------
    path: .gpkg holds the whole plan, readable by `read_plan`; .geojson and .kml hold the cameras in WGS 84; .csv holds the cameras with a byte-order
    mark, so that spreadsheets show Hindi, and longitude and latitude; .osm holds them as proposed surveillance nodes; .dxf is a drawing in the city's
    metres; .xlsx is the bill of quantities.
    extra: further layers of the GeoPackage, such as the network's.

    Raises
    ------
    InputError: `export.kind`, for any other suffix; `export.failed`, where the file cannot be written. What stood there stays.
    """
    target = Path(path)
    writers: dict[str, Callable[[Plan, City, Path], None]] = {
        ".gpkg": lambda plan, city, scratch: _write_gpkg(plan, city, scratch, extra), ".geojson": _write_geojson, ".csv": _write_csv,
        ".kml": _write_kml, ".osm": _write_osm, ".dxf": write_drawing, ".xlsx": write_bill,
    }  # fmt: skip
    if target.suffix.lower() not in writers:
        raise InputError.one("export.kind", "Plans are not written in this kind of file", f"Choose one of {', '.join(SUFFIXES)}", target.name)
    try:
        with atomic_path(target) as scratch:
            writers[target.suffix.lower()](plan, city, scratch)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError.one("export.failed", f"The file could not be written: {error}", "Check the folder and the space left", target) from None


def target_faults(paths: Sequence[str | Path], *, also: Sequence[str] = ()) -> list[Fault]:
    """What is wrong with files to write plans to, told before the work: their kind, a folder in their place, no folder to write them in.

    Parameters
    ----------
    also: suffixes that can be written beyond those of `write_plan`.
    """
    faults = []
    for path in paths:
        target = Path(path)
        if target.suffix.lower() not in (*SUFFIXES, *also):
            way_out = f"Choose one of {', '.join((*SUFFIXES, *also))}"
            faults.append(Fault("export.kind", "Plans are not written in this kind of file", way_out, target.name or "no name"))
            continue
        folder = next(parent for parent in target.absolute().parents if parent.exists())
        if target.is_dir():
            faults.append(Fault("export.failed", "The file could not be written: a folder stands in its place", "Choose another name", str(target)))
        elif not folder.is_dir() or not os.access(folder, os.W_OK):
            what = f"The file could not be written: {folder} is no folder you may write to"
            faults.append(Fault("export.failed", what, "Choose another folder", str(target)))
    return faults


def layers(plan: Plan, city: City) -> dict[str, gpd.GeoDataFrame]:
    """The plan as frames in the city's CRS: cameras, sites, fields_of_view, existing, existing_views, demand."""
    rows = [dataclasses.asdict(camera) for camera in plan.cameras]
    cameras = pd.DataFrame(rows, columns=_HEAD_COLUMNS)
    points = gpd.points_from_xy(cameras["x_m"].astype(float), cameras["y_m"].astype(float), crs=city.crs)
    sites = pd.DataFrame(
        [
            {"id": site.id, "kind": site.kind, "cost_inr": site.cost_inr, "yearly_inr": site.yearly_inr,
            **{f"cost_{head}": amount for head, amount in site.heads}}
            for site in plan.sites
        ],
        columns=["id", "kind", "cost_inr", "yearly_inr", *sorted({f"cost_{head}" for site in plan.sites for head, _ in site.heads})],
    )  # fmt: skip
    for name in sites.columns.difference(["id", "kind"]):
        sites[name] = sites[name].fillna(0).astype("int64")
    planned = plan.views["planned"].to_numpy(dtype=bool)
    return {
        "cameras": gpd.GeoDataFrame(cameras, geometry=points),
        "fields_of_view": plan.views[planned].reset_index(drop=True),
        "existing": city["cameras"].rename_axis("id").reset_index(),
        "existing_views": plan.views[~planned].reset_index(drop=True),
        "sites": gpd.GeoDataFrame(sites, geometry=gpd.points_from_xy([s.x_m for s in plan.sites], [s.y_m for s in plan.sites], crs=city.crs)),
        "demand": plan.demand.rename_axis("id").reset_index(),
    }


def _write_gpkg(plan: Plan, city: City, scratch: Path, extra: Mapping[str, gpd.GeoDataFrame]) -> None:
    written = {name: frame for name, frame in {**layers(plan, city), **extra}.items() if len(frame) or name == "cameras"}
    for name, frame in written.items():
        frame.to_file(scratch, layer=name, driver="GPKG", VERSION="1.2")  # as older QGIS reads it
    import pyogrio

    pyogrio.write_dataframe(styles_table(list(written)), scratch, layer="layer_styles", driver="GPKG", append=True)
    frame = pd.DataFrame({"key": ["plan"], "value": [json.dumps(_settings(plan, city), ensure_ascii=False)]})
    pyogrio.write_dataframe(frame, scratch, layer="chaukas_plan", driver="GPKG", append=True)


def _settings(plan: Plan, city: City) -> dict[str, Any]:
    """All of a plan that is no layer."""
    return {
        "version": VERSION, "id": plan.id, "city": city.name, "city_digest": plan.city_digest, "made": plan.made, "verified": plan.verified,
        "label": f"{MADE_NOTE} / {MADE_NOTE_HI}" if plan.made else "", "scenario": plan.scenario.to_json(), "proof": dataclasses.asdict(plan.proof),
        "before": plan.scorecard.before, "after": plan.scorecard.after, "low": plan.scorecard.low, "high": plan.scorecard.high,
        "routes_before": plan.scorecard.routes_before, "routes_after": plan.scorecard.routes_after,
        "wards": [dataclasses.asdict(ward) for ward in plan.scorecard.wards],
        "stages_s": plan.stages_s, "assumptions": plan.assumptions, "cost_inr": plan.cost_inr, "yearly_inr": plan.yearly_inr,
    }  # fmt: skip


def _lonlat(plan: Plan, city: City) -> gpd.GeoDataFrame:
    """The cameras in WGS 84 with what makes them up; the made label in a column of its own, so that it travels with each row."""
    cameras: gpd.GeoDataFrame = layers(plan, city)["cameras"].to_crs("EPSG:4326")
    cameras.insert(1, "city", city.title)
    cameras["plan"] = plan.id
    cameras["note"] = f"{MADE_NOTE} / {MADE_NOTE_HI}" if plan.made else ""
    return cameras


def _write_geojson(plan: Plan, city: City, scratch: Path) -> None:
    _through_memory(_lonlat(plan, city).drop(columns=["x_m", "y_m"]), scratch, driver="GeoJSON", layer=f"chaukas-{plan.id}", RFC7946="YES")


def _write_kml(plan: Plan, city: City, scratch: Path) -> None:
    frame = _lonlat(plan, city)
    # One line of what is shown: XML has no place for control signs.
    said = [one_line(f"{c.model}, {c.height_m:g} m, {c.bearing_deg:.1f} deg, {c.hfov_deg:g} deg, {c.ward}") for c in plan.cameras]
    places = gpd.GeoDataFrame({"Name": [one_line(c.id) for c in plan.cameras], "Description": said}, geometry=frame.geometry, crs=frame.crs)
    _through_memory(places, scratch, driver="KML", layer=f"chaukas_{plan.id}")


def _through_memory(frame: gpd.GeoDataFrame, scratch: Path, **options: str) -> None:
    """Written by GDAL to memory and from there to the disk: on a full disk its KML driver says nothing and leaves half a file."""
    held = io.BytesIO()
    pyogrio.write_dataframe(frame, held, **options)
    scratch.write_bytes(held.getvalue())


def _write_osm(plan: Plan, city: City, scratch: Path) -> None:
    """Nodes with OpenStreetMap's tags for surveillance, each key with the prefix for what is proposed: they do not stand yet."""
    root = ElementTree.Element("osm", version="0.6", generator="chaukas", upload="never")
    models = load_models()
    for number, (camera, place) in enumerate(zip(plan.cameras, _lonlat(plan, city).geometry, strict=True), 1):
        node = ElementTree.SubElement(root, "node", id=str(-number), lat=f"{place.y:.7f}", lon=f"{place.x:.7f}", visible="true")
        kind = models[camera.model].kind if camera.model in models else "fixed"
        tags = {
            "proposed:man_made": "surveillance", "surveillance": "public", "surveillance:type": "ALPR" if kind == "anpr" else "camera",
            "camera:type": {"dome": "dome", "ptz": "panning"}.get(kind, "fixed"), "camera:direction": f"{camera.bearing_deg:.0f}",
            "height": f"{camera.height_m:g}", "ref": one_line(camera.id), **({"note": MADE_NOTE} if plan.made else {}),
        }  # fmt: skip
        for key, value in tags.items():
            ElementTree.SubElement(node, "tag", k=key, v=value)
    ElementTree.ElementTree(root).write(scratch, encoding="utf-8", xml_declaration=True)


def _write_csv(plan: Plan, city: City, scratch: Path) -> None:
    frame = _lonlat(plan, city)
    table = pd.DataFrame(frame.drop(columns="geometry"))
    table.insert(2, "longitude", np.round(frame.geometry.x, 7))
    table.insert(3, "latitude", np.round(frame.geometry.y, 7))
    for name in table.columns:
        if table[name].dtype == object or str(table[name].dtype).startswith("str"):
            # A spreadsheet would run a cell that begins like a formula.
            table[name] = ["'" + cell if isinstance(cell, str) and _FORMULA.match(cell) else cell for cell in table[name]]
    # With both of these ending a row, a cell that holds either of them is quoted.
    table.to_csv(scratch, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def read_plan(path: str | Path) -> Plan:
    """The plan a GeoPackage of ours holds.

    Raises
    ------
    FileRefused: `plan.kind` for other files, `plan.version` for another version's, `plan.unreadable` for a damaged one.
    """
    found = local_file(path)
    data = _read_settings(found)
    try:
        with warnings.catch_warnings():
            # What the driver grumbles about shows in what it reads.
            warnings.simplefilter("ignore")
            return _plan_of(data, found)
    except ChaukasError:
        raise
    except Exception as error:  # noqa: BLE001  # no foreign exception crosses this door
        raise FileRefused.one("plan.unreadable", f"The plan is damaged: {error!r}", "Plan again", path) from None


def _read_settings(found: Path) -> dict[str, Any]:
    """What `_settings` wrote, of this version."""
    import pyogrio

    way_out = "Give the .gpkg that `chaukas plan --out` wrote"
    with found.open("rb") as stream:
        if stream.read(15) != b"SQLite format 3":
            raise FileRefused.one("plan.kind", "This is not a plan of ours", way_out, found)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = pyogrio.read_dataframe(found, layer="chaukas_plan", read_geometry=False)
        data: dict[str, Any] = json.loads(str(table.loc[table["key"] == "plan", "value"].iloc[0]))
        version = data["version"]
    except Exception as error:  # noqa: BLE001  # no foreign exception crosses this door
        raise FileRefused.one("plan.kind", f"This is not a plan of ours: {error}", way_out, found) from None
    if version != VERSION:
        raise FileRefused.one("plan.version", "This plan was written by another version", "Plan again", version)
    return data


def _plan_of(data: dict[str, Any], found: Path) -> Plan:
    present = {str(name) for name in gpd.list_layers(found)["name"]}
    views = [gpd.read_file(found, layer=name) for name in ("existing_views", "fields_of_view") if name in present]
    demand = gpd.read_file(found, layer="demand", use_arrow=True).set_index("id")
    no_views = gpd.GeoDataFrame({"camera": [], "planned": []}, geometry=[], crs=demand.crs)
    return Plan(
        scenario=Scenario.from_json(data["scenario"]), city_digest=str(data["city_digest"]), made=bool(data["made"]), demand=demand,
        views=gpd.GeoDataFrame(pd.concat(views, ignore_index=True), crs=demand.crs) if views else no_views,
        cameras=tuple(_camera(row) for row in _rows(found, "cameras", present)),
        sites=tuple(_site(row) for row in _rows(found, "sites", present)),
        scorecard=Scorecard(
            float(data["before"]), float(data["after"]), tuple(WardScore(**row) for row in data["wards"]), data.get("low"), data.get("high"),
            data.get("routes_before"), data.get("routes_after"),
        ),
        proof=Proof(**data["proof"]), stages_s=tuple((str(name), float(seconds)) for name, seconds in data["stages_s"]),
        assumptions=tuple(str(text) for text in data["assumptions"]), verified=bool(data["verified"]),
    )  # fmt: skip


def _rows(found: Path, layer: str, present: set[str]) -> list[dict[str, Any]]:
    """A layer's rows with the place as x_m, y_m: what is verified is what an engineer sees on the map."""
    if layer not in present:
        return []
    frame = gpd.read_file(found, layer=layer)
    frame["x_m"], frame["y_m"] = frame.geometry.x.astype(float), frame.geometry.y.astype(float)
    rows: list[dict[str, Any]] = pd.DataFrame(frame.drop(columns="geometry")).astype(object).to_dict("records")
    return [{name: "" if cell is None or cell != cell else cell for name, cell in row.items()} for row in rows]  # noqa: PLR0124  # NaN


def _camera(row: dict[str, Any]) -> PlannedCamera:
    """The row as a camera; ValueError where a cell is not of its field's type, TypeError where columns are missing or unknown."""
    kinds = {"str": str, "int": int, "float": float}
    types = {field.name: kinds[str(field.type)] for field in dataclasses.fields(PlannedCamera)}
    return PlannedCamera(**{name: types[name](cell) if name in types else cell for name, cell in row.items()})


def _site(row: dict[str, Any]) -> PlannedSite:
    heads = tuple(
        (name.removeprefix("cost_"), int(row[name])) for name in sorted(row) if name.startswith("cost_") and name != "cost_inr" and row[name]
    )
    return PlannedSite(str(row["id"]), str(row["kind"]), float(row["x_m"]), float(row["y_m"]), heads, int(row["yearly_inr"]))


def plan_city(path: str | Path) -> str:
    """The name of the city a plan of ours was made for; errors as `read_plan`."""
    data = _read_settings(local_file(path))
    if "city" not in data:
        raise FileRefused.one("plan.unreadable", "The plan is damaged: it names no city", "Plan again", path)
    return str(data["city"])
