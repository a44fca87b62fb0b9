"""More files for a city that stands: its streets stay, what the files hold is put beside it or in its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from planning.city import City
from planning.errors import CityError
from planning.frames import check
from planning.incidents import merge_cameras
from planning.intake import Gathered, together, write_city


def extended(city: City, more: Gathered) -> City:
    """The city with what more files hold: incidents, cameras and lamps beside its own, wards and zones in place of its own.

    Raises
    ------
    CityError: `city.source` where a file of this name was read for the same layer before, `frame` faults where the layers do not hold together.
    """
    known = {(source.layer, source.origin) for source in city.sources}
    beside = [source for source in more.sources if source.layer in {"incidents", "cameras", "lamps"}]
    again = sorted(source.origin for source in beside if (source.layer, source.origin) in known)
    if again:
        raise CityError.one("city.source", "A file of this name is in the city already", "Give only new rows, under another name", ", ".join(again))
    frames = dict(city.frames)
    for layer in ("incidents", "lamps"):
        frames[layer] = together([city[layer], more.frames[layer]], layer, city.crs)
    found = [frame for frame in (city["cameras"], more.frames["cameras"]) if len(frame)]
    merged = 0
    if found:
        frames["cameras"], merged = merge_cameras(found)
    new = {layer for layer in ("wards", "zones") if len(more.frames[layer])}
    frames |= {layer: more.frames[layer] for layer in new}
    faults = [fault for layer, frame in frames.items() for fault in check(frame, layer)]
    if faults:
        raise CityError(faults)
    told = (f"{merged} cameras stood in two sources and were made one",) if merged else ()
    sources = (*(source for source in city.sources if source.layer not in new), *more.sources)
    return replace(city, frames=frames, sources=sources, notes=(*city.notes, *more.notes, *told), digest="")


def add_to(city: City, more: Gathered, terrain: Path | None = None) -> City:
    """Write the city with what more files hold to its own folder; its plans stay, and so do the rows left out before.

    Raises
    ------
    CityError: see `extended`; `city.folder` for a city without one, `city.write` where the system refused.
    """
    if city.folder is None:
        raise CityError.one("city.folder", "This city has no folder to keep it in", "Save the city first", city.name)
    old = city.folder / "rejects.csv"
    lost = [pd.read_csv(old, dtype=str, keep_default_na=False, encoding="utf-8-sig")] if old.is_file() else []
    rejects = pd.concat([*lost, more.rejects], ignore_index=True) if lost else more.rejects
    return write_city(extended(city, more), city.folder, rejects, terrain or city.terrain_file)
