"""Cameras deployed: those that already hang, from a table of any columns, and a plan's, once built.

A row that cannot be used is kept aside with its number and every reason; no row is dropped in silence.
"""

from __future__ import annotations

import datetime
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj

from planning.catalogue import load_models
from planning.city import City
from planning.columns import DEPLOYED, check_mapping, find_columns, locate
from planning.datafile import DATA, read_tables
from planning.dates import read_dates
from planning.deployed import NO_FEED, Deployment, Feed
from planning.errors import Fault, InputError
from planning.files import atomic_path
from planning.money import parse_rupees
from planning.nouns import Plan, PlannedCamera
from planning.tables import Table, harmless, read_table
from planning.tags import bearings, metres

ASIDE = "deployments-rejects.csv"
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")


@dataclass(frozen=True, eq=False)
class Arrivals:
    """What a table gave: deployments in its order; rows kept aside (file, row, reason, the cells); what must be said."""

    deployments: tuple[Deployment, ...]
    rejects: pd.DataFrame
    told: tuple[str, ...]


def read_deployments(path: str | Path, city: City, *, mapping: Mapping[str, str] | None = None) -> Arrivals:
    """Existing cameras of a table as deployments.

    Parameters
    ----------
    path: of any kind `planning.tables` reads.
    mapping: meaning -> column, over what the headers say; `crs` for tables of x and y.

    Raises
    ------
    InputError: `table.mapping`; see `planning.tables.read_table` and `planning.columns.locate`.
    """
    table = read_table(path)
    faults = check_mapping(mapping, {str(name) for name in table.cells.columns})
    if faults:
        raise InputError(faults)
    columns = find_columns(table, DEPLOYED, mapping)
    located = locate(table, columns, city.area, city.crs, (mapping or {}).get("crs"))
    lon, lat = pyproj.Transformer.from_crs(city.crs, 4326, always_xy=True).transform(located.places[:, 0], located.places[:, 1])
    used = {meaning: column for meaning, column in columns.items() if meaning not in {"lat", "lon", "x", "y", "point"}}
    told = [*table.told, *located.told]
    told.append(f"{table.origin}: read as deployments, " + (", ".join(f"{key} from “{value}”" for key, value in used.items()) or "places only"))
    days = _days(table, columns, told)
    default_m = float(read_tables(DATA / "standing.toml")[0]["height_m"])
    name, silent = city.folder.name if city.folder else city.name, Counter[str]()
    reasons = [str(reason) for reason in located.reasons]
    found: dict[str, Deployment] = {}
    for row, label in enumerate(table.cells.index):
        if reasons[row]:
            continue
        said = {meaning: _text(table.cells.iloc[row][column]) for meaning, column in columns.items()}
        made = _deployment(name, label, said, (float(lat[row]), float(lon[row])), days[row], default_m, silent)
        if isinstance(made, Deployment) and made.id in found:
            made = f"the id {made.id} is an earlier row's"
        if isinstance(made, Deployment):
            found[made.id] = made
        else:
            reasons[row] = made
    told += [f"{table.origin}: {count} rows {what}" for what, count in silent.items() if count]
    told.append(_tally(table, reasons))
    return Arrivals(tuple(found.values()), _rejects(table, reasons), tuple(told))


def keep_aside(arrivals: Arrivals, folder: Path) -> Path | None:
    """Write the rows that could not be used beside the register; None where there are none, and an earlier file of them is taken away."""
    path = folder / ASIDE
    if not len(arrivals.rejects):
        path.unlink(missing_ok=True)
        return None
    with atomic_path(path) as scratch:
        text = arrivals.rejects.astype(object).where(arrivals.rejects.notna(), "").map(harmless)
        text.to_csv(scratch, index=False, encoding="utf-8-sig")
    return path


def _text(cell: Any) -> str:
    return "" if cell is None or (isinstance(cell, float) and math.isnan(cell)) else " ".join(str(cell).split())


def _days(table: Table, columns: Mapping[str, str], told: list[str]) -> list[datetime.date | None]:
    if "installed" not in columns:
        return [None] * len(table.cells)
    dates = read_dates(table.cells[columns["installed"]], None, table.origin)
    told += dates.told
    return [None if pd.isna(day) else day.date() for day in dates.when]


def _deployment(
    city: str, label: object, said: Mapping[str, str], place: tuple[float, float], day: datetime.date | None, default_m: float, silent: Counter[str]
) -> Deployment | str:
    """The row's deployment, or why there is none."""
    aims = bearings(said.get("direction", ""))
    height, width = metres(said.get("height", "")), metres(said.get("hfov", "").rstrip("°"))
    # A list of cameras numbers a dome by its kind where it names no model; its kind then says what it can do.
    model = said.get("model") or said.get("type", "")
    silent["have no direction that can be read; nobody knows where those cameras look"] += len(aims) != 1
    silent[f"have no height; {default_m:g} m is taken, as data/standing.toml says"] += height is None
    silent["name a model the catalogue lacks; those cameras are taken by their kind"] += model not in load_models()
    silent["have no feed; those cameras were never seen"] += not said.get("feed")
    faults: list[Fault] = []
    feed, made, repair, hours = NO_FEED, None, said.get("repair", ""), said.get("repairhours", "")
    try:
        feed = read_feed(said.get("feed", ""), said.get("feedkind", ""), said.get("recorder", ""))
    except InputError as error:
        faults += error.faults
    try:
        cost, work = parse_rupees(repair) if repair else None, _hours(hours) if hours else None
        made = Deployment(
            repair_inr=cost, repair_h=work,
            id=as_id(said.get("deployment") or f"k{label}"), city=city, title=said.get("junction") or said.get("deployment") or f"k{label}",
            lat=round(place[0], 7), lon=round(place[1], 7), bearing_deg=aims[0][0] if len(aims) == 1 else None,
            height_m=default_m if height is None else height, model=model, feed=feed, serial=said.get("serial", ""),
            contractor=said.get("contractor", ""), installed_on=day, hfov_deg=width if width is not None and 0 < width <= 360 else None,
            onvif=said.get("onvif", ""),
        )  # fmt: skip
    except InputError as error:
        faults += error.faults
    why = "; ".join(f"{fault.what} ({fault.value})" if fault.value else fault.what for fault in faults)
    return made if made is not None and not faults else why


def _hours(text: str) -> float:
    """Hours as people write them. Raises InputError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:h|hours?|घंटे)?", text.strip())
    if found is None:
        raise InputError.one("deployment.repair", "This is no number of hours", "Write hours as 4 or 1.5", text)
    return float(found[1])


def read_feed(url: str, kind: str = "", recorder: str = "") -> Feed:
    """The feed of an address, its kind told by the address where no kind is given; an http address is one picture at a time unless it says otherwise.

    Raises
    ------
    InputError: `feed.kind`, `feed.url`, `feed.credentials`; the message holds no credentials.
    """
    kind, scheme = kind.strip().casefold(), url.partition(":")[0].casefold()
    if not url and not kind:
        return Feed(NO_FEED.kind, NO_FEED.url, recorder=recorder)
    if not kind:
        guess = "mjpeg" if re.search(r"mjpe?g|video", url, re.IGNORECASE) else "snapshot"
        kind = {"rtsp": "rtsp", "rtsps": "rtsp", "http": guess, "https": guess, "file": "file"}.get(scheme, "rtsp")
    return Feed(kind, url, recorder=recorder)


def as_id(text: str) -> str:
    """An id of a name: what an id may not hold becomes a hyphen."""
    return "".join(sign if sign.isalnum() or sign in "-_.:" else "-" for sign in text.strip())[:80]


def _rejects(table: Table, reasons: list[str]) -> pd.DataFrame:
    """Rows kept aside, any credentials in them taken out: they would lie open in a file."""
    lost = np.array([bool(reason) for reason in reasons], dtype=bool)
    frame = table.cells[lost].astype(object).map(lambda cell: _CREDENTIALS.sub("***@", cell) if isinstance(cell, str) else cell)
    frame.insert(0, "reason", [reason for reason in reasons if reason])
    frame.insert(0, "row", table.cells.index[lost])
    frame.insert(0, "file", table.origin)
    skewed = [
        {"file": table.origin, "row": row, "reason": "more cells than the header", "cells": _CREDENTIALS.sub("***@", " | ".join(cells))}
        for row, cells in table.skewed
    ]
    return pd.concat([frame, pd.DataFrame(skewed)], ignore_index=True) if skewed else frame.reset_index(drop=True)


def _tally(table: Table, reasons: list[str]) -> str:
    lost = sum(map(bool, reasons)) + len(table.skewed)
    return f"{table.origin}: {len(reasons) + len(table.skewed) - lost} of {len(reasons) + len(table.skewed)} rows used, {lost} kept aside"


def deploy(
    plan: Plan, camera: str, feed: Feed = NO_FEED, *, id: str = "", title: str = "", place: tuple[float, float] | None = None,  # noqa: A002
    bearing_deg: float | None = None, height_m: float | None = None, serial: str = "", contractor: str = "",
    installed_on: datetime.date | None = None,
) -> Deployment:  # fmt: skip
    """A planned camera as built; how far it was built elsewhere or turned otherwise than planned is noted.

    Parameters
    ----------
    camera: the planned camera's id.
    id, title: the planned camera's own where empty, an id's forbidden signs replaced.
    place: latitude and longitude as built [deg]; as planned where None.
    bearing_deg, height_m: as built; as planned where None [deg, m].

    Raises
    ------
    InputError: `deployment.planned` where the plan has no such camera; what `Deployment` refuses.
    """
    found = next((one for one in plan.cameras if one.id == camera), None)
    if found is None:
        some = ", ".join(one.id for one in plan.cameras[:3])
        raise InputError.one("deployment.planned", f"The plan {plan.id} has no such camera", f"Give an id of the plan, such as {some}", camera)
    turn = pyproj.Transformer.from_crs(plan.demand.crs, 4326, always_xy=True)
    lon, lat = turn.transform(found.x_m, found.y_m)
    built = (round(lat, 7), round(lon, 7)) if place is None else place
    aim = found.bearing_deg % 360 if bearing_deg is None else bearing_deg
    return Deployment(
        id=id or as_id(camera), city=plan.scenario.city, title=title or camera, lat=built[0], lon=built[1], bearing_deg=aim,
        height_m=found.height_m if height_m is None else height_m, model=found.model, feed=feed, serial=serial, contractor=contractor,
        installed_on=installed_on, plan=plan.id, planned=camera, notes=_apart(found, turn, built, aim), hfov_deg=found.hfov_deg,
    )  # fmt: skip


def _apart(planned: PlannedCamera, turn: pyproj.Transformer, built: tuple[float, float], aim: float) -> tuple[str, ...]:
    """How the camera was built otherwise than planned: from half a metre and one degree on."""
    x, y = turn.transform(built[1], built[0], direction="INVERSE")
    off_m = math.hypot(x - planned.x_m, y - planned.y_m)
    off_deg = abs((aim - planned.bearing_deg + 180) % 360 - 180)
    notes = []
    if off_m >= 0.5:
        notes.append(f"Built {off_m:.1f} m from where it was planned")
    if off_deg >= 1:
        notes.append(f"Looks {off_deg:.0f} degrees aside of where it was planned to look")
    return tuple(notes)
