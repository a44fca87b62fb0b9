"""The register of deployments: which cameras hang in a city. A file in the city's folder, until a store takes its place."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from planning.city import find_city, list_cities
from planning.deployed import Deployment, Feed
from planning.errors import ChaukasError, InputError
from planning.files import atomic_path, held, local_file
from planning.tables import harmless

FILE = "deployments.csv"
_LARGEST = 50_000_000
_COLUMNS = (
    "id", "city", "title", "lat", "lon", "bearing_deg", "height_m", "hfov_deg", "model", "feed_kind", "feed_url", "feed_mask", "recorder", "serial",
    "contractor", "installed_on", "plan", "planned", "notes", "onvif", "repair_inr", "repair_h",
)  # fmt: skip


class Register(Protocol):
    """Where deployments are kept."""

    def list(self, city: str) -> tuple[Deployment, ...]:
        """Every deployment of a city, by id."""

    def get(self, id: str) -> Deployment:  # noqa: A002
        """The deployment of an id; InputError `deployment.unknown` where there is none."""

    def put(self, *deployments: Deployment) -> None:
        """Keep deployments, each in place of an earlier one of its id and city; InputError `deployment.taken` where another city has the id."""


class FolderRegister:
    """Deployments in `deployments.csv` of each city's folder, replaced whole or not at all; one writer at a time, over processes too."""

    def __init__(self, folder: Callable[[str], Path] = find_city, cities: Callable[[], Any] = list_cities) -> None:
        self._folder, self._cities = folder, cities
        self._lock = threading.Lock()
        self._kept: dict[Path, tuple[tuple[int, int], tuple[Deployment, ...]]] = {}

    def list(self, city: str) -> tuple[Deployment, ...]:
        """Every deployment of a city, by id.

        Raises
        ------
        CityError: `city.unknown`. InputError: `register.unreadable`, where the file is damaged.
        """
        path = self._folder(city) / FILE
        try:
            status = path.stat()
        except FileNotFoundError:
            return ()
        stamp = (status.st_mtime_ns, status.st_size)
        with self._lock:
            kept = self._kept.get(path)
        if kept is None or kept[0] != stamp:
            kept = (stamp, _read(path))
            with self._lock:
                self._kept[path] = kept
        return kept[1]

    def get(self, id: str) -> Deployment:  # noqa: A002
        """The deployment of an id, whichever city it hangs in.

        Raises
        ------
        InputError: `deployment.unknown`.
        """
        found = self._find(id)
        if found is None:
            raise InputError.one("deployment.unknown", "No camera of this id is deployed", "See chaukas live list CITY", id)
        return found

    def put(self, *deployments: Deployment) -> None:
        """Keep deployments.

        Raises
        ------
        InputError: `deployment.taken`; then none is kept.
        """
        by_city: dict[str, dict[str, Deployment]] = {}
        for one in deployments:
            other = self._find(one.id, but=one.city)
            if other is not None:
                raise InputError.one("deployment.taken", f"The id is that of a camera in {other.city}", "Give the camera another id", one.id)
            by_city.setdefault(one.city, {})[one.id] = one
        for city, fresh in by_city.items():
            path = self._folder(city) / FILE
            with held(path):
                merged = {one.id: one for one in _read(path)} if path.exists() else {}
                _write(path, {**merged, **fresh})

    def _find(self, id: str, but: str = "") -> Deployment | None:  # noqa: A002
        for city in self._cities():
            if city != but:
                found = next((one for one in self.list(city) if one.id == id), None)
                if found is not None:
                    return found
        return None


def _write(path: Path, deployments: dict[str, Deployment]) -> None:
    with atomic_path(path) as scratch, scratch.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\r\n")
        writer.writeheader()
        for _, one in sorted(deployments.items()):
            writer.writerow({key: _quoted(value) for key, value in _row(one).items()})


def _row(one: Deployment) -> dict[str, str]:
    row = {field.name: getattr(one, field.name) for field in dataclasses.fields(one) if field.name != "feed"}
    row |= {"feed_kind": one.feed.kind, "feed_url": one.feed.url, "recorder": one.feed.recorder}
    row["feed_mask"] = json.dumps(one.feed.mask) if one.feed.mask else ""
    row["notes"] = json.dumps(one.notes, ensure_ascii=False) if one.notes else ""
    return {key: "" if value is None else str(value) for key, value in row.items()}


def _quoted(text: str) -> str:
    """A text as it stands in the file: an apostrophe before what a spreadsheet would run, and before another apostrophe."""
    return f"'{text}" if text.startswith("'") else harmless(text)


def _read(path: Path) -> tuple[Deployment, ...]:
    found = local_file(path, largest=_LARGEST)
    try:
        with found.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream, strict=True))
        return tuple(_of_row({key: value.removeprefix("'") for key, value in row.items()}) for row in rows)
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error, ChaukasError) as error:
        way_out = "Put the file right, or take it away and deploy the cameras again"
        raise InputError.one("register.unreadable", f"The register of deployments is damaged: {error}", way_out, path) from None


def _of_row(row: dict[str, str]) -> Deployment:
    def number(key: str) -> float | None:
        return float(row[key]) if row[key] else None

    day = datetime.date.fromisoformat(row["installed_on"]) if row["installed_on"] else None
    mask = tuple(tuple((float(x), float(y)) for x, y in ring) for ring in json.loads(row["feed_mask"] or "[]"))
    return Deployment(
        id=row["id"], city=row["city"], title=row["title"], lat=float(row["lat"]), lon=float(row["lon"]), bearing_deg=number("bearing_deg"),
        height_m=float(row["height_m"]), model=row["model"], feed=Feed(row["feed_kind"], row["feed_url"], mask, row["recorder"]),
        serial=row["serial"], contractor=row["contractor"], installed_on=day,
        plan=row["plan"], planned=row["planned"], notes=tuple(json.loads(row["notes"] or "[]")), hfov_deg=number("hfov_deg"),
        # Registers of before have no such columns.
        onvif=row.get("onvif") or "", repair_inr=int(row["repair_inr"]) if row.get("repair_inr") else None,
        repair_h=float(row["repair_h"]) if row.get("repair_h") else None,
    )  # fmt: skip
