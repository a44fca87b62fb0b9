"""Streets and shapes as their sources draw them, in degrees of WGS84, before they become a city's layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from planning.errors import InputError

OSM_LICENCE = "ODbL 1.0, © OpenStreetMap contributors"


@dataclass(frozen=True)
class RawWay:
    """A road way: its tags, and the runs of its nodes that the file holds, as node numbers, each of two or more."""

    id: int
    tags: Mapping[str, str]
    runs: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class RawShape:
    """A point or area of use: its id ("n12", "w34", "r56"), tags and geometry in degrees of WGS84 (a closed ring may cross itself).

    `outer` holds the ids of the ways a relation is drawn by, which may bear the same tags again.
    """

    id: str
    tags: Mapping[str, str]
    geometry: shapely.Geometry
    outer: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RawOsm:
    """What a file or a place holds that a city needs.

    `locations` gives longitude and latitude [deg] of each road node; `bounds` is the study area, where the file states one; `lost` counts what
    could not be used, by reason.
    """

    origin: str
    locations: Mapping[int, tuple[float, float]]
    ways: tuple[RawWay, ...]
    shapes: tuple[RawShape, ...]
    bounds: shapely.Geometry | None
    lost: Counter[str] = field(default_factory=Counter)


def runs(refs: Iterable[int], where: Mapping[int, Any]) -> Iterator[tuple[int, ...]]:
    """Runs of two or more following nodes that are there; a node named twice in a row counts once."""
    run: list[int] = []
    for ref in refs:
        if ref in where:
            if not run or run[-1] != ref:
                run.append(ref)
        else:
            if len(run) > 1:
                yield tuple(run)
            run = []
    if len(run) > 1:
        yield tuple(run)


def numbered(line: shapely.LineString, numbers: dict[tuple[float, float], int]) -> Iterator[tuple[int, ...]]:
    """The line as a run of node numbers, new ones given as they come."""
    places = [(round(x, 7), round(y, 7)) for x, y in shapely.get_coordinates(line).tolist()]
    refs = [numbers.setdefault(at, len(numbers) + 1) for at in places]
    return runs(refs, dict.fromkeys(refs))


def from_lines(lines: gpd.GeoDataFrame, origin: str) -> RawOsm:
    """A frame of road lines of any file, as raw data: lines meet where their vertices agree to 1e-7 degrees (about a centimetre).

    Parameters
    ----------
    lines: GeoDataFrame with a CRS; columns `highway`, `name`, `width`, `lanes`, `bridge`, `tunnel` are read as the OSM tags, others left.

    Raises
    ------
    InputError: `roads.crs` without a CRS, `roads.lines` without a line.
    """
    if lines.crs is None:
        raise InputError.one("roads.crs", "The road file has no CRS", "Add its .prj, or write it as GeoPackage with its CRS", origin)
    numbers: dict[tuple[float, float], int] = {}
    ways: list[RawWay] = []
    kept = {str(name).casefold(): name for name in lines.columns}
    tags = [kept[name] for name in ("highway", "name", "width", "lanes", "bridge", "tunnel") if name in kept]
    shapes = shapely.force_2d(lines.to_crs(4326).geometry.array)
    lost: Counter[str] = Counter()
    for row, geometry in enumerate(shapes):
        lines_of = [part for part in shapely.get_parts(geometry) if part.geom_type == "LineString"] if geometry else []
        parts = [part for part in lines_of if (np.abs(shapely.get_coordinates(part)) <= (180, 90)).all()]
        if not parts:
            lost["rows of the road file without a line"] += 1
        told = {str(name).casefold(): str(lines[name].iloc[row]) for name in tags if lines[name].notna().iloc[row]}
        found = tuple(run for part in parts for run in numbered(part, numbers))
        if found:
            ways.append(RawWay(-1 - row, {"highway": "unclassified", **told}, found))
    if not ways:
        raise InputError.one("roads.lines", "The road file holds no line", "Give a layer of street lines", origin)
    return RawOsm(origin, {number: at for at, number in numbers.items()}, tuple(ways), (), None, lost)
