"""The register of deployments: which cameras hang in a city. Rows of the store; what earlier versions kept as a file is taken in once."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from planning.city import find_city
from planning.deployed import Deployment, Feed
from planning.errors import ChaukasError, InputError
from planning.files import local_file
from planning.former import KeptInStore
from planning.store import Row, Store, Writing, new_id, now, open_store

_LARGEST = 50_000_000


class Register(KeptInStore):
    """Deployments as rows of the store. A city's are read once for each change of them, by whichever process that was."""

    former = "deployments.csv"

    def __init__(self, store: Callable[[], Store] = open_store, folder: Callable[[str], Path] = find_city, by: str = "") -> None:
        super().__init__(store, folder, by)
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[str, tuple[Deployment, ...]]] = {}

    def list(self, city: str) -> tuple[Deployment, ...]:
        """Every deployment of a city, by id.

        Raises
        ------
        CityError: `city.unknown`. InputError: `register.unreadable`, where the file of an earlier version is damaged. StoreError.
        """
        name, store = self._opened(city), self._store()
        with store.read() as tx:
            mark = tx.one("settings", id=_mark(name))
            stamp = "" if mark is None else str(mark["value"])
            with self._lock:
                kept = self._kept.get((store.name, name))
            if kept is None or kept[0] != stamp:
                kept = (stamp, tuple(sorted(map(_deployment, tx.rows("deployments", city=name)), key=lambda one: one.id)))
                with self._lock:
                    self._kept[store.name, name] = kept
        return kept[1]

    def put(self, *deployments: Deployment) -> None:
        """Keep deployments, each in place of an earlier one of its id, all with one line of the audit; those that are as they were stay so.

        Raises
        ------
        InputError: `deployment.taken` where a camera of another city has the id; then none is kept. Else as `list`.
        """
        if not deployments:
            return
        cities = sorted({one.city for one in deployments})
        for city in cities:
            self._opened(city)
        with self._store().write(self._by, "live.deploy", ", ".join(cities), {"cameras": len(deployments)}) as tx:
            _put(tx, deployments)

    @staticmethod
    def _fill(tx: Writing, path: Path) -> int:
        """The cameras of a register's file that the store does not hold yet; how many."""
        city = path.parent.name
        known = {row["id"] for row in tx.rows("deployments", city=city)}
        found = tuple(dataclasses.replace(one, city=city) for one in _read(path) if one.id not in known)
        _put(tx, found)
        return len(found)


def _put(tx: Writing, deployments: tuple[Deployment, ...]) -> None:
    cities = {one.city for one in deployments}
    before = {row["id"]: row for city in cities for row in tx.rows("deployments", city=city)}
    elsewhere = {row["id"]: row["city"] for row in tx.rows("deployments", id=tuple({one.id for one in deployments} - set(before)))}
    fresh: dict[str, Row] = {}
    for one in deployments:
        row, old = _row(one), before.get(one.id)
        where = fresh.get(one.id, old or {}).get("city") or elsewhere.get(one.id, one.city)
        if where != one.city:
            raise InputError.one("deployment.taken", f"The id is that of a camera in {where}", "Give the camera another id", one.id)
        if old is None:
            fresh[one.id] = {**row, "changed_at": now()}
        elif any(old[key] != value for key, value in row.items()):
            tx.change("deployments", one.id, **row, changed_at=now())
            before[one.id] = row
    tx.add_all("deployments", fresh.values())
    for city in cities:
        told = {"value": new_id(), "changed_at": now()}
        if tx.one("settings", id=_mark(city)) is None:
            tx.add("settings", {"id": _mark(city), **told})
        else:
            tx.change("settings", _mark(city), **told)


def _mark(city: str) -> str:
    """Where it stands which state of a city's register is the latest."""
    return f"deployments/{city}"[:128]


def _row(one: Deployment) -> Row:
    row = {field.name: getattr(one, field.name) for field in dataclasses.fields(one) if field.name != "feed"}
    row |= {"feed_kind": one.feed.kind, "feed_url": one.feed.url, "recorder": one.feed.recorder, "notes": list(one.notes)}
    row["feed_mask"] = [[list(point) for point in ring] for ring in one.feed.mask]
    row["installed_on"] = one.installed_on.isoformat() if one.installed_on else None
    return row


def _deployment(row: Row) -> Deployment:
    own = {key: value for key, value in row.items() if not key.startswith("feed_") and key not in {"recorder", "changed_at"}}
    day = datetime.date.fromisoformat(own["installed_on"]) if own["installed_on"] else None
    feed = Feed(row["feed_kind"], row["feed_url"], _rings(row["feed_mask"]), row["recorder"])
    return Deployment(**{**own, "notes": tuple(own["notes"]), "installed_on": day, "feed": feed})


def _rings(mask: Any) -> tuple[tuple[tuple[float, float], ...], ...]:
    return tuple(tuple((float(x), float(y)) for x, y in ring) for ring in mask)


def _read(path: Path) -> tuple[Deployment, ...]:
    found = local_file(path, largest=_LARGEST)
    try:
        with found.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream, strict=True))
        return tuple(_of_cells({key: value.removeprefix("'") for key, value in row.items()}) for row in rows)
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error, ChaukasError) as error:
        way_out = "Put the file right, or take it away and deploy the cameras again"
        raise InputError.one("register.unreadable", f"The register of deployments is damaged: {error}", way_out, path) from None


def _of_cells(row: Mapping[str, str]) -> Deployment:
    def number(key: str) -> float | None:
        return float(row[key]) if row[key] else None

    day = datetime.date.fromisoformat(row["installed_on"]) if row["installed_on"] else None
    mask = _rings(json.loads(row["feed_mask"] or "[]"))
    return Deployment(
        id=row["id"], city=row["city"], title=row["title"], lat=float(row["lat"]), lon=float(row["lon"]), bearing_deg=number("bearing_deg"),
        height_m=float(row["height_m"]), model=row["model"], feed=Feed(row["feed_kind"], row["feed_url"], mask, row["recorder"]),
        serial=row["serial"], contractor=row["contractor"], installed_on=day,
        plan=row["plan"], planned=row["planned"], notes=tuple(json.loads(row["notes"] or "[]")), hfov_deg=number("hfov_deg"),
        # Registers of before have no such columns.
        onvif=row.get("onvif") or "", repair_inr=int(row["repair_inr"]) if row.get("repair_inr") else None,
        repair_h=float(row["repair_h"]) if row.get("repair_h") else None,
    )  # fmt: skip
