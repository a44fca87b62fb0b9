"""Raw ways to roads and junctions: left out by class, split where they meet, clipped to the study area, given a width.

way 1  o-----o-----o-----o          roads       n1 == n3, n3 == n4, n3 == n6
       1     2     3     4    ->    junctions   n1 (degree 1), n3 (3), n4 (1), n6 (1)
                   |                n2 is only a bend
way 2              o-----o  5, 6
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy.spatial import cKDTree

from planning.errors import CityError, InputError
from planning.frames import ROAD_CLASSES, conform, require_metres
from planning.raw import RawOsm
from planning.tags import count, metres

LANE_M = 3.2
# Carriageway widths [m] where neither width nor lanes are given: assumptions, one carriageway each.
CLASS_WIDTH_M: Mapping[str, float] = {
    "motorway": 10.5, "trunk": 10.5, "primary": 9.0, "secondary": 7.5, "tertiary": 7.0, "residential": 5.5, "unclassified": 5.5,
    "living_street": 4.5, "service": 4.0, "pedestrian": 5.0, "footway": 2.0, "track": 3.0,
}  # fmt: skip
LINK_WIDTH_M = 5.5
MARGIN_M = 25.0
SIGNAL_REACH_M = 30.0
# UTM stays within 0.1 % of real lengths in its zone; a CRS that is 1 % off was made for another place (Web Mercator is 8 % off in Bilaspur).
_LARGEST_STRETCH = 1.01
_FAR_OUT = 3.0  # Tukey's far-out fences: beyond three spreads of the middle half


@dataclass(frozen=True, eq=False)
class Streets:
    """Roads and junctions in the city's CRS, and what was left out or mended on the way, by reason."""

    roads: gpd.GeoDataFrame
    junctions: gpd.GeoDataFrame
    counts: Counter[str] = field(default_factory=Counter)


def utm_of(longitude: float, latitude: float) -> pyproj.CRS:
    """The UTM zone of a place [deg], as EPSG:326zz in the north and EPSG:327zz in the south."""
    zone = min(max(math.floor((longitude + 180) / 6) + 1, 1), 60)
    return pyproj.CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


def choose_crs(raw: RawOsm, wanted: str | pyproj.CRS | None) -> pyproj.CRS:
    """The city's CRS: the one wanted, else the UTM zone of the middle of the data.

    Raises
    ------
    CityError: `crs.unknown` when it is no CRS; `crs.degrees`, `crs.unit`.
    """
    if wanted is None:
        places = np.array(list(raw.locations.values()))
        middle = raw.bounds.centroid.coords[0] if raw.bounds is not None and _holds_roads(raw) else np.median(places, axis=0)
        return utm_of(float(middle[0]), float(middle[1]))
    try:
        crs = pyproj.CRS.from_user_input(wanted)
    except pyproj.exceptions.CRSError:
        raise CityError.one("crs.unknown", "This is no CRS we know", "Write it as EPSG:32644", wanted) from None
    return require_metres(crs, "The CRS wanted for the city")


def _holds_roads(raw: RawOsm) -> bool:
    places = np.array(list(raw.locations.values()))
    return bool(shapely.contains_xy(raw.bounds, places[:, 0], places[:, 1]).any())


def to_metres(crs: pyproj.CRS, geometry: Any) -> Any:
    """Geometry (one, or an array of them) in degrees of WGS84, in the city's CRS [m]."""
    step = pyproj.Transformer.from_crs(4326, crs, always_xy=True)
    return shapely.transform(geometry, lambda places: np.column_stack(step.transform(places[:, 0], places[:, 1])))


def study_area(raw: RawOsm, crs: pyproj.CRS) -> tuple[shapely.Geometry, str]:
    """The study area in the city's CRS [m], and the sentence that says how it was found.

    The file's own bounds where it states them and roads lie in them; else the box of the road nodes, with those far out (beyond three times the
    spread of the middle half, Tukey 1977) left aside, and a margin.

    Raises
    ------
    CityError: `crs.far` when the CRS cannot draw the place.
    """
    if raw.bounds is not None and _holds_roads(raw):
        area = shapely.make_valid(to_metres(crs, shapely.segmentize(raw.bounds, 0.01)))
        told = "The study area is the one the source states"
    else:
        places = shapely.get_coordinates(to_metres(crs, shapely.points(list(raw.locations.values()))))
        first, third = np.quantile(places, [0.25, 0.75], axis=0)
        spread = np.maximum(third - first, 100.0)
        inside = ((places >= first - _FAR_OUT * spread) & (places <= third + _FAR_OUT * spread)).all(axis=1)
        (west, south), (east, north) = places[inside].min(axis=0), places[inside].max(axis=0)
        area = shapely.box(west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M)
        aside = int((~inside).sum())
        told = "The source states no bounds: the study area is the box of its road nodes" + (
            f", {aside} far outlying ones left aside" if aside else ""
        )
    stretch = _stretch(area, crs) if np.isfinite(area.bounds).all() and area.area >= 1 else math.inf
    if not 1 / _LARGEST_STRETCH <= stretch <= _LARGEST_STRETCH:
        what = f"The city's CRS is not made for this place: its metres there are {stretch:.3f} times real ones"
        raise CityError.one("crs.far", what, "Leave --crs out to take the UTM zone of the place", crs.to_string())
    return area, told


def _stretch(area: shapely.Geometry, crs: pyproj.CRS) -> float:
    """How much longer the area's diagonal is in the CRS than on the ellipsoid; 1 where metres are metres, inf where it cannot be told."""
    west, south, east, north = area.bounds
    lon, lat = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform([west, east], [south, north])
    _, _, real = pyproj.Geod(ellps="WGS84").inv(lon[0], lat[0], lon[1], lat[1])
    return math.hypot(east - west, north - south) / real if real > 0 and math.isfinite(real) else math.inf


def road_class(tags: Mapping[str, str]) -> tuple[str | None, str]:
    """Our class of a way, or None and why it is left out."""
    kind = tags.get("highway", "").removesuffix("_link")
    if kind == "road":
        kind = "unclassified"
    if kind not in ROAD_CLASSES:
        return None, f"highway={kind[:30]}"
    if tags.get("area") == "yes":
        return None, "squares drawn as areas"
    if tags.get("indoor", "no") != "no":
        return None, "ways indoors"
    if tags.get("footway") in {"sidewalk", "crossing", "traffic_island"}:
        return None, "sidewalks and crossings beside a road that is there itself"
    return kind, ""


def road_width(tags: Mapping[str, str], kind: str) -> tuple[float, str]:
    """The carriageway's width [m] and where it comes from: width, lanes or class."""
    for key in ("width", "width:carriageway", "est_width"):
        given = metres(tags[key]) if key in tags else None
        if given is not None and 1 <= given <= 100:
            return given, "width"
    lanes = count(tags["lanes"]) if "lanes" in tags else None
    if lanes is not None and 1 <= lanes <= 20:
        return lanes * LANE_M, "lanes"
    link = tags.get("highway", "").endswith("_link")
    return min(CLASS_WIDTH_M[kind], LINK_WIDTH_M) if link else CLASS_WIDTH_M[kind], "class"


def build_streets(raw: RawOsm, area: shapely.Geometry, crs: pyproj.CRS) -> Streets:
    """Roads and junctions of the study area.

    Parameters
    ----------
    raw: what `planning.osm` read, in degrees.
    area: the study area in `crs` [m].

    Raises
    ------
    InputError: `osm.outside` when no road lies in the study area.
    """
    counts: Counter[str] = Counter()
    pieces = _pieces(raw, crs, counts)
    pieces = _clipped(_distinct(pieces, counts), area, counts)
    if pieces.empty:
        way_out = "Check that the extract and the study area belong together"
        raise InputError.one("osm.outside", "No road of a class we plan for lies in the study area", way_out, raw.origin)
    roads = conform(gpd.GeoDataFrame(pieces, geometry="geometry", crs=crs), "roads")
    return Streets(roads, _junctions(roads, raw, crs, counts), counts)


def _pieces(raw: RawOsm, crs: pyproj.CRS, counts: Counter[str]) -> pd.DataFrame:
    """Kept ways, split at each node that two of them, or one of them twice, run through."""
    kept = []
    for way in raw.ways:
        kind, why = road_class(way.tags)
        if kind is None:
            counts[f"left out: {why}"] += 1
        else:
            kept.append((way, kind))
    uses = Counter(node for way, _ in kept for run in way.runs for node in run)
    numbers = list(raw.locations)
    at = dict(zip(numbers, shapely.get_coordinates(to_metres(crs, shapely.points([raw.locations[number] for number in numbers]))), strict=True))
    rows = []
    for way, kind in kept:
        width, how = road_width(way.tags, kind)
        counts[f"width by {how}"] += 1
        name = next((way.tags[key] for key in ("name", "name:en", "name:hi") if way.tags.get(key)), None)
        bridge = way.tags.get("bridge", "no") != "no"
        tunnel = way.tags.get("tunnel", "no") not in {"no", "building_passage"}
        nodes = (piece for run in way.runs for piece in _split(run, uses))
        for number, piece in enumerate(nodes):
            line = np.array([at[node] for node in piece])
            rows.append(
                (
                    f"w{abs(way.id)}-{number}",
                    name,
                    kind,
                    width,
                    f"n{piece[0]}",
                    f"n{piece[-1]}",
                    bridge,
                    tunnel,
                    max(way.id, 0),
                    shapely.LineString(line),
                )
            )
    columns = ["id", "name", "road_class", "width_m", "from_junction", "to_junction", "bridge", "tunnel", "osm_id", "geometry"]
    return pd.DataFrame(rows, columns=columns).set_index("id")


def _split(run: tuple[int, ...], uses: Mapping[int, int]) -> Iterator[tuple[int, ...]]:
    start = 0
    for place in range(1, len(run)):
        if place == len(run) - 1 or uses[run[place]] > 1:
            yield run[start : place + 1]
            start = place


def _distinct(pieces: pd.DataFrame, counts: Counter[str]) -> pd.DataFrame:
    """Without pieces of no length, and without the lesser of two drawn over each other."""
    shapes = pieces["geometry"].to_numpy()
    sound = np.isfinite(shapely.bounds(shapes)).all(axis=1) if len(shapes) else np.zeros(0, dtype=bool)
    long = shapely.length(shapes) > 0.01
    counts["road pieces of no length"] += int((sound & ~long).sum())
    counts["road pieces the CRS cannot draw"] += int((~sound).sum())
    pieces = pieces[sound & long]
    drawn = pd.Series(shapely.to_wkb(shapely.normalize(pieces["geometry"].to_numpy())), index=pieces.index)
    rank = pieces["road_class"].map({kind: number for number, kind in enumerate(ROAD_CLASSES)})
    first = drawn[rank.sort_values(kind="stable").index]
    doubled = first.duplicated().reindex(pieces.index)
    counts["road pieces drawn twice"] += int(doubled.sum())
    return pieces[~doubled.astype(bool)]


def _clipped(pieces: pd.DataFrame, area: shapely.Geometry, counts: Counter[str]) -> pd.DataFrame:
    """Pieces inside the area; those that cross its edge end in a junction of their own there."""
    shapely.prepare(area)
    shapes = pieces["geometry"].to_numpy()
    whole, touching = shapely.covered_by(shapes, area), shapely.intersects(shapes, area)
    counts["road pieces outside the study area"] += int((~touching).sum())
    rows = []
    for label, row in pieces[touching & ~whole].iterrows():
        line = row["geometry"]
        start, end = shapely.get_point(line, 0), shapely.get_point(line, -1)
        parts = [part for part in shapely.get_parts(shapely.intersection(line, area)) if part.geom_type == "LineString" and part.length > 0.5]
        counts["road pieces cut at the edge of the study area"] += bool(parts)
        for number, part in enumerate(_joined(parts)):
            first = row["from_junction"] if shapely.get_point(part, 0).distance(start) < 1e-6 else f"c{label}-{number}a"
            last = row["to_junction"] if shapely.get_point(part, -1).distance(end) < 1e-6 else f"c{label}-{number}b"
            rows.append({**row, "id": f"{label}-{number}", "geometry": part, "from_junction": first, "to_junction": last})
    inside = pieces[whole]
    return pd.concat([inside, pd.DataFrame(rows).set_index("id")]) if rows else inside


def _joined(parts: list[shapely.LineString]) -> list[shapely.LineString]:
    """The parts in their own direction, pieces that a clip parted at a vertex of the edge joined again."""
    merged = shapely.line_merge(shapely.MultiLineString(parts), directed=True) if parts else None
    return list(shapely.get_parts(merged)) if merged is not None else []


def _junctions(roads: gpd.GeoDataFrame, raw: RawOsm, crs: pyproj.CRS, counts: Counter[str]) -> gpd.GeoDataFrame:
    """One junction where road ends meet, with degree, traffic signals and name."""
    shapes = roads.geometry.to_numpy()
    ends = pd.concat([roads["from_junction"], roads["to_junction"]], ignore_index=True)
    places = pd.Series(np.concatenate([shapely.get_point(shapes, 0), shapely.get_point(shapes, -1)]))
    degree = ends.value_counts(sort=False)
    where = places.groupby(ends, sort=False).first()
    frame = pd.DataFrame({"degree": degree.reindex(where.index), "signals": False, "name": None}, index=where.index)
    _tell_signals(frame, where, raw, crs, counts)
    return conform(gpd.GeoDataFrame(frame, geometry=np.array(where.tolist()), crs=crs), "junctions")


def _tell_signals(frame: pd.DataFrame, where: pd.Series, raw: RawOsm, crs: pyproj.CRS, counts: Counter[str]) -> None:
    """Signals and names of nodes, given to the junction they are, else (signals often stand on the approach) to the nearest one of three arms."""
    crossings = frame.index[frame["degree"] >= 3]
    tree = cKDTree(shapely.get_coordinates(np.array(where.loc[crossings].tolist()))) if len(crossings) else None
    signals = [shape for shape in raw.shapes if shape.id[0] == "n" and shape.tags.get("highway") == "traffic_signals"]
    for shape in raw.shapes:
        named = shape.tags.get("name") and (shape.tags.get("highway") in {"traffic_signals", "mini_roundabout"} or "junction" in shape.tags)
        if named and shape.id in frame.index:
            frame.loc[shape.id, "name"] = shape.tags["name"]
    if not signals:
        return
    places = shapely.get_coordinates(to_metres(crs, np.array([shape.geometry for shape in signals])))
    for shape, place in zip(signals, places, strict=True):
        if shape.id in frame.index and frame.loc[shape.id, "degree"] >= 3:
            frame.loc[shape.id, "signals"] = True
        elif tree is not None and (near := tree.query(place, distance_upper_bound=SIGNAL_REACH_M))[0] <= SIGNAL_REACH_M:
            frame.loc[crossings[near[1]], "signals"] = True
        elif shape.id in frame.index:
            frame.loc[shape.id, "signals"] = True
        else:
            counts["traffic signals near no junction"] += 1
