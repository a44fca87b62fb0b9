"""The one door to OpenStreetMap: a file or a place name in, raw roads, areas and points out, in degrees of WGS84.

    file --- kind told by its first bytes --- pass 1: relations -> which ways they need
         |                                    pass 2: ways      -> tags and node numbers
         |                                    pass 3: nodes     -> where those nodes lie, and points of use
         +-> RawOsm
    place --- osmnx (Nominatim, Overpass; answers kept in data/cache) --- RawOsm

Three passes read any order of nodes, ways and relations, and files cut from larger ones: a way whose nodes are missing keeps the runs of nodes
that are there, and what was lost is counted.
"""

from __future__ import annotations

import bz2
import gzip
import math
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import shapely

from planning.errors import FileRefused, InputError
from planning.files import MEGABYTE, local_file
from planning.raw import RawOsm, RawShape, RawWay, numbered, runs
from planning.tags import AREA_KEYS, place_kind

# suffix -> the format osmium is told, so that it never guesses from a name
KINDS = {".osm.pbf": "pbf", ".pbf": "pbf", ".osm.gz": "osm.gz", ".osm.bz2": "osm.bz2", ".osm.xml": "osm", ".osm": "osm", ".xml": "osm"}
LARGEST = 500 * MEGABYTE
LARGEST_UNPACKED = 4_000 * MEGABYTE
ROAD_KEY = "highway"
PLACE_KEYS = ("amenity", "railway", "shop", "public_transport")
POINT_KEYS = (*PLACE_KEYS, "highway", "junction", "man_made", "power", "building", "surveillance")
_CACHE = Path(__file__).resolve().parent.parent / "data" / "cache"
_LARGEST_PLACE_KM2 = 2_500.0


def kind_of(path: str | Path) -> tuple[Path, str]:
    """The checked path and osmium's name of its format, told by suffix and proven by its first bytes.

    Raises
    ------
    FileRefused: not local, not a kind of OSM file we read, content that is not what the name says, or a document type (entities) in XML.
    """
    found = local_file(path, largest=LARGEST)
    name = found.name.lower()
    kind = next((KINDS[suffix] for suffix in KINDS if name.endswith(suffix)), None)
    if kind is None:
        raise FileRefused.one("osm.kind", "This is not a kind of OpenStreetMap file we read", f"Give one of {', '.join(KINDS)}", found.name)
    with found.open("rb") as stream:
        head = stream.read(16)
    magic = {"osm.gz": b"\x1f\x8b", "osm.bz2": b"BZh"}.get(kind, b"")
    if not head.startswith(magic) or (kind == "pbf" and b"OSMHeader" not in head):
        raise FileRefused.one("osm.content", f"The content is not {kind}, whatever the name says", "Download it again from its source", found.name)
    if kind != "pbf":
        _check_xml(found, kind)
    return found, kind


def _check_xml(found: Path, kind: str) -> None:
    """Refuse what is no OSM XML, holds a document type, or unpacks past all measure; it is read in pieces, never whole."""
    opener: Mapping[str, Any] = {"osm.gz": gzip.open, "osm.bz2": bz2.open}
    size, tail = 0, b""
    try:
        with opener.get(kind, Path.open)(found, "rb") as stream:
            head = stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
            if not head.startswith((b"<?xml", b"<osm")) or b"<osm" not in head:
                raise FileRefused.one("osm.content", "The content is no OpenStreetMap XML", "Give a file that begins with <osm", found.name)
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                raise FileRefused.one("osm.entities", "The file declares a document type or entities", "Give plain OpenStreetMap XML", found.name)
            size = len(head)
            for piece in _pieces(stream):
                size += len(piece)
                tail = (tail + piece)[-64:]
                if size > LARGEST_UNPACKED:
                    raise FileRefused.one("osm.size", "The file unpacks to more than we read", "Cut it to the study area first", found.name)
    except (OSError, EOFError, ValueError) as error:
        raise FileRefused.one("osm.truncated", f"The file ends too early or is damaged: {error}", "Download it again", found.name) from None
    if not (tail or head).rstrip().endswith((b"</osm>", b"/>", b"-->")):
        raise FileRefused.one("osm.truncated", "The file ends too early: it has no closing </osm>", "Download it again", found.name)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(1 << 20):
        yield piece


def read_osm(path: str | Path) -> RawOsm:
    """Roads, areas and points of an OSM file (.osm, .osm.xml, .osm.gz, .osm.bz2, .osm.pbf).

    Raises
    ------
    FileRefused: see `kind_of`; also truncated or damaged files (`osm.truncated`), and files without a single usable road (`osm.empty`).
    """
    found, kind = kind_of(path)
    import osmium

    try:
        raw = _Reading(osmium, osmium.io.File(str(found), kind)).raw(found.name)
    except (RuntimeError, ValueError, OverflowError, osmium.InvalidLocationError) as error:
        cut = any(word in str(error).casefold() for word in ("eof", "unclosed", "no element", "truncated", "read failed", "close failed"))
        what = "The file ends too early" if cut else "The file cannot be read as OpenStreetMap data"
        raise FileRefused.one("osm.truncated" if cut else "osm.unreadable", f"{what}: {error}", "Download it again", found.name) from None
    if not raw.ways:
        raise FileRefused.one(
            "osm.empty", "The file holds no road with nodes to draw it", "Give an extract with highway ways and their nodes", found.name
        )
    return raw


class _Reading:
    """Three passes over one file."""

    def __init__(self, osmium: Any, file: Any) -> None:
        self.osmium, self.file = osmium, file
        self.lost: Counter[str] = Counter()
        self.roads: dict[int, tuple[dict[str, str], list[int]]] = {}
        self.areas: dict[int, tuple[dict[str, str], list[int]]] = {}
        self.members: dict[int, list[int]] = {}
        self.relations: list[tuple[int, dict[str, str], list[tuple[int, str]]]] = []
        self.points: list[RawShape] = []

    def raw(self, origin: str) -> RawOsm:
        """All three passes, then shapes from the nodes found."""
        osm = self.osmium.osm
        for relation in self._objects(osm.RELATION, *AREA_KEYS, *PLACE_KEYS):
            self._relation(relation)
        wanted = {way for _, _, members in self.relations for way, _ in members}
        for way in self.osmium.FileProcessor(self.file, osm.WAY):
            self._way(way, wanted)
        where = self._nodes()
        ways = tuple(self._road_ways(where))
        shapes = (*self.points, *self._way_areas(where), *self._relation_areas(where))
        used = {node for way in ways for run in way.runs for node in run}
        locations = {node: where[node] for node in used}
        return RawOsm(origin, locations, ways, shapes, self._bounds(), self.lost)

    def _objects(self, entities: Any, *keys: str) -> Iterator[Any]:
        yield from self.osmium.FileProcessor(self.file, entities).with_filter(self.osmium.filter.KeyFilter(*keys))

    def _bounds(self) -> shapely.Geometry | None:
        with self.osmium.io.Reader(self.file, self.osmium.osm.NOTHING) as reader:
            box = reader.header().box()
        if not box.valid():
            return None
        low, high = box.bottom_left, box.top_right
        return shapely.box(low.lon, low.lat, high.lon, high.lat) if low.lon < high.lon and low.lat < high.lat else None

    def _relation(self, relation: Any) -> None:
        tags = dict(relation.tags)
        if tags.get("type") != "multipolygon" or relation.deleted or not _is_area(tags):
            return
        members = [(member.ref, member.role) for member in relation.members if member.type == "w"]
        self.relations.append((relation.id, tags, members))

    def _way(self, way: Any, wanted: set[int]) -> None:
        known = way.id in wanted
        road = ROAD_KEY in way.tags
        if not (known or road or any(key in way.tags for key in (*AREA_KEYS, *PLACE_KEYS))) or way.deleted:
            return
        refs, tags = [node.ref for node in way.nodes], dict(way.tags)
        if known:
            self.members[way.id] = refs
        if road:
            self.roads[way.id] = (tags, refs)
        if _is_area(tags):
            self.areas[way.id] = (tags, refs)

    def _nodes(self) -> dict[int, tuple[float, float]]:
        needed = {ref for _, refs in (*self.roads.values(), *self.areas.values()) for ref in refs}
        needed.update(ref for refs in self.members.values() for ref in refs)
        where: dict[int, tuple[float, float]] = {}
        for node in self.osmium.FileProcessor(self.file, self.osmium.osm.NODE):
            tagged = len(node.tags) > 0 and any(key in node.tags for key in POINT_KEYS)
            if not tagged and node.id not in needed:
                continue
            # Latitude and longitude of exactly 0 is how broken coordinates are read, far out at sea.
            if node.deleted or not node.location.valid() or node.location.x == node.location.y == 0:
                self.lost["nodes without a place on earth"] += 1
                continue
            where[node.id] = (node.location.lon, node.location.lat)
            if tagged:
                self.points.append(RawShape(f"n{node.id}", dict(node.tags), shapely.Point(where[node.id])))
        return where

    def _road_ways(self, where: Mapping[int, tuple[float, float]]) -> Iterator[RawWay]:
        for number, (tags, refs) in self.roads.items():
            found = list(runs(refs, where))
            missing = sum(ref not in where for ref in refs)
            if missing:
                self.lost["road nodes missing from the file"] += missing
                self.lost["roads cut short where nodes are missing" if found else "roads without nodes in the file"] += 1
            elif not found:
                self.lost["roads of a single node"] += 1
            if found:
                yield RawWay(number, tags, tuple(found))

    def _way_areas(self, where: Mapping[int, tuple[float, float]]) -> Iterator[RawShape]:
        for number, (tags, refs) in self.areas.items():
            if any(ref not in where for ref in refs):
                self.lost["building and place outlines with missing nodes"] += 1
            elif len(refs) < 4 or refs[0] != refs[-1]:
                self.lost["building and place outlines not closed"] += 1
            else:
                yield RawShape(f"w{number}", tags, shapely.Polygon([where[ref] for ref in refs]))

    def _relation_areas(self, where: Mapping[int, tuple[float, float]]) -> Iterator[RawShape]:
        for number, tags, members in self.relations:
            outer = self._rings([way for way, role in members if role != "inner"], where)
            inner = self._rings([way for way, role in members if role == "inner"], where)
            if outer.is_empty:
                self.lost["building and place relations with missing or unclosed outlines"] += 1
                continue
            yield RawShape(f"r{number}", tags, shapely.difference(outer, inner), tuple(f"w{way}" for way, role in members if role != "inner"))

    def _rings(self, ways: Iterable[int], where: Mapping[int, tuple[float, float]]) -> shapely.Geometry:
        lines = []
        for way in ways:
            places = [where[ref] for ref in self.members.get(way, []) if ref in where]
            if len(places) > 1 and len(places) == len(self.members[way]):
                lines.append(shapely.LineString(places))
        faces = shapely.polygonize([shapely.node(shapely.MultiLineString(lines))]) if lines else shapely.GeometryCollection()
        return shapely.union_all(shapely.get_parts(faces))


def _is_area(tags: Mapping[str, str]) -> bool:
    return any(tags.get(key, "no") != "no" for key in AREA_KEYS) or place_kind(tags) is not None


def fetch_place(place: str) -> RawOsm:
    """Roads, areas and points of a place, by its name, from OpenStreetMap's own services; answers are kept in data/cache.

    Raises
    ------
    InputError: `place.offline` without a network, `place.unknown`, `place.area` when the name stands for no area, `place.size`, `place.refused`
    when a service answers with an error.
    """
    import osmnx
    import requests

    kept = {name: getattr(osmnx.settings, name) for name in ("use_cache", "cache_folder", "requests_timeout", "log_console", "useful_tags_way")}
    try:
        osmnx.settings.use_cache, osmnx.settings.cache_folder, osmnx.settings.requests_timeout = True, str(_CACHE), 60
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            area = _place_area(osmnx, place)
            found = osmnx.features_from_polygon(area, dict.fromkeys((ROAD_KEY, *AREA_KEYS, *POINT_KEYS), True))
    except requests.exceptions.RequestException as error:
        way_out = "Connect and try again, or give a file with --osm FILE"
        raise InputError.one("place.offline", f"OpenStreetMap cannot be reached ({type(error).__name__})", way_out, place) from None
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  # no foreign exception crosses this door
        code = "place.unknown" if type(error).__name__ == "InsufficientResponseError" else "place.refused"
        what = "OpenStreetMap knows no such place, or nothing there" if code == "place.unknown" else f"OpenStreetMap did not answer: {error}"
        raise InputError.one(code, what, "Write it as “Bilaspur, Chhattisgarh, India”, or give a file with --osm FILE", place) from None
    finally:
        for name, value in kept.items():
            setattr(osmnx.settings, name, value)
    return _from_features(found, area, f"OpenStreetMap, {place}")


def _place_area(osmnx: Any, place: str) -> shapely.Geometry:
    """The outline of a place, in degrees."""
    try:
        area = osmnx.geocode_to_gdf(place).geometry.iloc[0]
    except TypeError:
        # osmnx's word for a name that stands for no area.
        raise InputError.one("place.area", "This name stands for a point, not an area", "Name a town, a ward or a district", place) from None
    # One degree is 111.32 km; good to a few per mille, which is enough for a cap.
    km2 = area.area * 111.32**2 * math.cos(math.radians(area.centroid.y))
    if km2 > _LARGEST_PLACE_KM2:
        what = f"The place has {km2:,.0f} km2; {_LARGEST_PLACE_KM2:,.0f} is the most we fetch"
        raise InputError.one("place.size", what, "Name a smaller one", place)
    return area


def _from_features(found: Any, area: shapely.Geometry, origin: str) -> RawOsm:
    """The frame osmnx gives (index: element, id), as raw data: nodes are numbered by their coordinates, which OSM keeps to 1e-7 degrees."""
    numbers: dict[tuple[float, float], int] = {}
    ways: list[RawWay] = []
    shapes: list[RawShape] = []
    columns = [str(name) for name in found.columns if name != "geometry"]
    for (element, number), geometry, *cells in zip(found.index, found.geometry, *(found[name] for name in columns), strict=True):
        tags = {name: cell for name, cell in zip(columns, cells, strict=True) if isinstance(cell, str)}
        if element == "way" and geometry.geom_type == "LineString" and ROAD_KEY in tags:
            ways.append(RawWay(int(number), tags, tuple(numbered(geometry, numbers))))
        elif geometry.geom_type in {"Point", "Polygon", "MultiPolygon"}:
            shapes.append(RawShape(f"{element[0]}{number}", tags, geometry))
    if not ways:
        raise InputError.one("place.unknown", "OpenStreetMap has no road there", "Name a larger place", origin)
    return RawOsm(origin, {number: at for at, number in numbers.items()}, tuple(ways), tuple(shapes), area)
