"""A made crossroads near Bilaspur's centre, written as OpenStreetMap XML by hand: about 200 m across."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyproj
import shapely

LON, LAT = 82.15, 22.09
STEP = 0.001  # degrees: about 103 m east, 111 m north
CRS = pyproj.CRS(32644)

Tags = Mapping[str, str]


def node(number: int, east: float, north: float, tags: Tags | None = None) -> str:
    """A node `east`, `north` steps from the crossing."""
    place = f'id="{number}" lat="{LAT + north * STEP:.7f}" lon="{LON + east * STEP:.7f}"'
    return f"<node {place}>{told(tags or {})}</node>"


def way(number: int, refs: Iterable[int], tags: Tags) -> str:
    """A way through nodes."""
    nodes = "".join(f'<nd ref="{ref}"/>' for ref in refs)
    return f'<way id="{number}">{nodes}{told(tags)}</way>'


def relation(number: int, members: Iterable[tuple[int, str]], tags: Tags) -> str:
    """A multipolygon of ways."""
    parts = "".join(f'<member type="way" ref="{ref}" role="{role}"/>' for ref, role in members)
    return f'<relation id="{number}">{parts}{told({"type": "multipolygon", **tags})}</relation>'


def quoted(value: object) -> str:
    """An XML attribute's value."""
    return '"' + str(value).replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;") + '"'


def told(tags: Tags) -> str:
    """Tags."""
    return "".join(f"<tag k={quoted(key)} v={quoted(value)}/>" for key, value in tags.items())


def document(*parts: str, bounds: bool = True) -> str:
    """The whole file; its bounds reach two steps from the crossing."""
    low_lat, high_lat, low_lon, high_lon = LAT - 2 * STEP, LAT + 2 * STEP, LON - 2 * STEP, LON + 2 * STEP
    box = f'<bounds minlat="{low_lat}" minlon="{low_lon}" maxlat="{high_lat}" maxlon="{high_lon}"/>' if bounds else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6">{box}{"".join(parts)}</osm>'


def write(folder: Path, *parts: str, name: str = "toy.osm", bounds: bool = True) -> Path:
    """The file, written."""
    path = folder / name
    path.write_text(document(*parts, bounds=bounds), encoding="utf-8")
    return path


CROSSING = (
    node(1, -1, 0), node(2, 0, 0, {"highway": "traffic_signals", "name": "Toy Chowk"}), node(3, 1, 0), node(4, 0, 1), node(5, 0, -1),
    way(10, (1, 2, 3), {"highway": "primary", "name": "Toy Road", "lanes": "2"}), way(11, (4, 2, 5), {"highway": "residential"}),
)  # fmt: skip


def square(first: int, east: float, north: float, size: float = 0.1) -> tuple[str, tuple[int, ...]]:
    """Four nodes of a square, numbered from `first`, and its closed ring."""
    corners = ((0, 0), (size, 0), (size, size), (0, size))
    nodes = "".join(node(first + number, east + x, north + y) for number, (x, y) in enumerate(corners))
    return nodes, (first, first + 1, first + 2, first + 3, first)


def at(east: float, north: float) -> shapely.Point:
    """A place in steps from the crossing, in the city's CRS [m]."""
    step = pyproj.Transformer.from_crs(4326, CRS, always_xy=True)
    return shapely.Point(step.transform(LON + east * STEP, LAT + north * STEP))


def area() -> shapely.Geometry:
    """The study area the file's bounds state, in the city's CRS [m]."""
    step = pyproj.Transformer.from_crs(4326, CRS, always_xy=True)
    corners = [(-2, -2), (2, -2), (2, 2), (-2, 2)]
    return shapely.Polygon([step.transform(LON + east * STEP, LAT + north * STEP) for east, north in corners])
