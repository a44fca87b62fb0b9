"""What runs in the confined process for a draft: the readings of `planning.readings`, and its ground opened as a plan would open it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyproj
import shapely

from coverage.terrain import read_terrain
from planning import readings
from planning.city import TERRAIN, City
from planning.errors import InputError
from planning.progress import Progress


def look(scratch: Path, given: Mapping[str, Any], told: Progress) -> dict[str, Any]:
    """As `planning.readings.look`; a GeoTIFF of ground heights has its notes or faults, once the place is known."""
    said = readings.look(scratch, given, told)
    place = given.get("base") or said["streets"]
    for file in said["files"]:
        if file["layer"] == "terrain" and place:
            try:
                file["told"] = _ground(scratch, Path(given["inside"]) / file["file"], place)
            except InputError as error:
                file["faults"] = [[fault.code, fault.what, fault.way_out, fault.value] for fault in error.faults]
    return said


def collect(scratch: Path, given: Mapping[str, Any], told: Progress) -> dict[str, Any]:
    """As `planning.readings.collect`, refused also where its ground cannot be read.

    Raises
    ------
    InputError: as there, and as `coverage.terrain.read_terrain`.
    """
    said = readings.collect(scratch, given, told.part(0.0, 0.9))
    for name, layer in given["files"]:
        if layer == "terrain":
            said["notes"] += _ground(scratch, Path(given["inside"]) / name, said)
    return said


def _ground(scratch: Path, file: Path, place: Mapping[str, Any]) -> list[str]:
    """The notes on a GeoTIFF as the ground of a city at that place."""
    folder = scratch / "ground"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(file, folder / TERRAIN)
    city = City("draft", "", "", pyproj.CRS.from_user_input(place["crs"]), shapely.from_wkt(place["area"]), {}, folder=folder)
    terrain = read_terrain(city)
    assert terrain is not None
    low, high = float(terrain.height_m.min()), float(terrain.height_m.max())
    return [f"{file.name}: ground heights from {low:.0f} to {high:.0f} m", *terrain.notes]
