"""What the map draws, as small as it can be sent: whole quarters of a metre on the web's Mercator plane, each point as the step from the one before.

A pack of shapes is {"origin": [x, y], "sizes": [points of each], "steps": [dx, dy, dx, dy, …]}; the first step starts at the origin, and the
steps run on from shape to shape. Everything is JSON, gzipped once and kept.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from coverage.difference import Difference, difference
from planning.city import City
from planning.errors import InputError
from planning.frames import ROAD_CLASSES
from planning.ladders import Ladder
from planning.nouns import Draft, Plan, PlannedCamera
from planning.reviews import Review
from screens.library import PlanFile, Shelf

UNIT_M = 0.25
WEIGHT_STEPS = 4
_packed: Shelf[bytes] = Shelf(96)
_differences: Shelf[Difference] = Shelf(8)


def city_layer(city: City, layer: str) -> bytes:
    """A city's layer, gzipped.

    Parameters
    ----------
    layer: roads, buildings, wards or cameras.

    Raises
    ------
    InputError: `map.layer`, when it is none of these.
    """
    makers: dict[str, Callable[[City], dict[str, Any]]] = {"roads": _roads, "buildings": _buildings, "wards": _wards, "cameras": _existing}
    if layer not in makers:
        raise InputError.one("map.layer", "There is no such layer", f"Ask for one of {', '.join(makers)}", layer)
    return _packed.get((city.digest, layer), lambda: _zip(makers[layer](city)))


def plan_layer(city: City, plan: Plan, file: PlanFile, layer: str) -> bytes:
    """A plan's layer, gzipped.

    Parameters
    ----------
    layer: cameras, demand, views (what planned cameras see) or existing_views.

    Raises
    ------
    InputError: `map.layer`, when it is none of these.
    """
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "cameras": lambda: _planned(city, plan),
        "demand": lambda: _demand(city, plan),
        "views": lambda: _views(city, plan, planned=True),
        "existing_views": lambda: _views(city, plan, planned=False),
    }
    if layer not in makers:
        raise InputError.one("map.layer", "There is no such layer", f"Ask for one of {', '.join(makers)}", layer)
    return _packed.get((city.digest, plan.id, file.stamp, layer), lambda: _zip(makers[layer]()))


def ladder_layer(city: City, ladder: Ladder, file: PlanFile, layer: str) -> bytes:
    """A ladder's layer, gzipped.

    Parameters
    ----------
    layer: cameras, each with the rung that first holds it, or demand, each point's state 1 more than the rung that first sees it, 0 where existing
    cameras do.

    Raises
    ------
    InputError: `map.layer`, when it is neither.
    """
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "cameras": lambda: {**_planned(city, ladder), "entered": list(ladder.entered)},
        "demand": lambda: _marked(city, ladder.points_m, ladder.weight, ladder.seen_from + 1),
    }
    if layer not in makers:
        raise InputError.one("map.layer", "There is no such layer", f"Ask for one of {', '.join(makers)}", layer)
    return _packed.get((city.digest, ladder.id, file.stamp, f"ladder {layer}"), lambda: _zip(makers[layer]()))


def difference_of(first: tuple[Plan, PlanFile], second: tuple[Plan, PlanFile]) -> Difference:
    """What changes from one plan to another, worked out once while their files stay the same."""
    key = tuple((file.id, file.stamp) for _, file in (first, second))
    return _differences.get(key, lambda: difference(first[0].demand, second[0].demand))


def difference_layer(city: City, first: tuple[Plan, PlanFile], second: tuple[Plan, PlanFile], layer: str) -> bytes:
    """A layer of what changes from one plan to another, gzipped.

    Parameters
    ----------
    layer: demand, each point's state as in `coverage.difference`, or cameras, each with its side: 0 in both, 1 in the first alone, 2 in the second.

    Raises
    ------
    InputError: `map.layer`, when it is neither.
    """

    def demand() -> dict[str, Any]:
        found = difference_of(first, second)
        return _marked(city, found.points_m, found.weight, found.state)

    makers: dict[str, Callable[[], dict[str, Any]]] = {"demand": demand, "cameras": lambda: _both(city, first[0], second[0])}
    if layer not in makers:
        raise InputError.one("map.layer", "There is no such layer", f"Ask for one of {', '.join(makers)}", layer)
    key = (city.digest, first[1].id, first[1].stamp, second[1].id, second[1].stamp, f"difference {layer}")
    return _packed.get(key, lambda: _zip(makers[layer]()))


def review_layer(city: City, review: Review, stamp: tuple[int, int], layer: str) -> bytes:
    """A layer of a plan's review, gzipped.

    Parameters
    ----------
    stamp: of the file the part is kept in.
    layer: stretches or areas, each shape with its row, and the rows; or network, each shape with its kind, whether it is overloaded and its load, and
    where the command centre is.

    Raises
    ------
    InputError: `map.layer`, when it is none of this part's.
    """
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "gaps": {"stretches": lambda: _lost(city, review, "stretches"), "areas": lambda: _lost(city, review, "areas")},
        "network": {"network": lambda: _network(city, review)},
    }.get(review.part, {})
    if layer not in makers:
        raise InputError.one("map.layer", "There is no such layer", f"Ask for one of {', '.join(makers)}", layer)
    return _packed.get((city.digest, review.plan, stamp, f"review {layer}"), lambda: _zip(makers[layer]()))


def _shapes_of(city: City, review: Review, table: str) -> tuple[dict[str, Any], list[int]]:
    """The shapes of a table's rows as a pack, and the row of each."""
    every = review.shapes[table]
    rings = [np.asarray(ring, dtype=float) for rings in every for ring in rings]
    rows = [row for row, rings in enumerate(every) for _ in rings]
    points = np.concatenate(rings) if rings else np.zeros((0, 2))
    return _pack(city, points, np.array([len(ring) for ring in rings], dtype=int)), rows


def _lost(city: City, review: Review, table: str) -> dict[str, Any]:
    wards = ward_names(city)
    pack, rows = _shapes_of(city, review, table)
    told = [
        {
            "name": row.get("name", ""), "road_class": row.get("road_class", ""), "ward": wards.get(str(row["ward"]), row["ward"]),
            "size": round(float(str(row["length_m" if table == "stretches" else "area_m2"])), 1), "share": round(float(str(row["share"])), 7),
        }
        for row in review.tables[table]
    ]  # fmt: skip
    return {**pack, "rows": rows, "told": told}


def _network(city: City, review: Review) -> dict[str, Any]:
    pack, rows = _shapes_of(city, review, "segments")
    segments = review.tables["segments"]
    centre = _mercator(city, np.array([[review.facts["centre_x_m"], review.facts["centre_y_m"]]]))[0]
    return {
        **pack, "kinds": [segments[row]["kind"] for row in rows], "over": [int(bool(segments[row]["over"])) for row in rows],
        "load": [round(float(str(segments[row]["load_mbps"])), 1) for row in rows], "centre": np.round(centre, 1).tolist(),
    }  # fmt: skip


def hand_layers(city: City, plan: Plan, came: Draft, shapes: Sequence[shapely.Geometry], seen: np.ndarray) -> dict[str, Any]:
    """What the map draws over a plan changed by hand.

    Parameters
    ----------
    came: the cameras that are not the plan's, with every site they may stand at. shapes: what each of them sees.
    seen: which demand is seen now (n_demand,); told are the points gained and lost, as numbers in the plan's layer of demand.
    """
    rings, rows = _rings(np.array(list(shapes), dtype=object))
    views = {**_pack_shapes(city, shapely.simplify(rings, 0.2)), "cameras": [came.cameras[row].id for row in rows]}
    order = _order(plan.demand["weight"].to_numpy(dtype=float))[1]
    before, now = plan.demand["after"].to_numpy(dtype=bool)[order], seen[order]
    gained, lost = np.flatnonzero(now & ~before).tolist(), np.flatnonzero(before & ~now).tolist()
    return {"planned": _planned(city, came), "views": views, "gained": gained, "lost": lost}


def draft_layer(city: City, draft: Draft) -> bytes:
    """The cameras of a plan that is being made, gzipped."""
    return _zip(_planned(city, draft))


def bounds(city: City) -> list[list[float]]:
    """The study area's [[south, west], [north, east]] in degrees."""
    west, south, east, north = gpd.GeoSeries([city.area], crs=city.crs).to_crs(4326).total_bounds
    return [[float(south), float(west)], [float(north), float(east)]]


def from_osm(city: City) -> bool:
    """Whether a source of the city names OpenStreetMap, whose credit then belongs on its maps."""
    said = " ".join(f"{source.origin} {source.licence} {source.note}" for source in city.sources).casefold()
    return "openstreetmap" in said or "odbl" in said


def _zip(content: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(), compresslevel=6, mtime=0)


def _mercator(city: City, points: np.ndarray) -> np.ndarray:
    """Web Mercator metres (n, 2) of points (n, 2) in the city's CRS."""
    turn = pyproj.Transformer.from_crs(city.crs, 3857, always_xy=True)
    x, y = turn.transform(points[:, 0], points[:, 1])
    return np.column_stack([x, y])


def to_degrees(city: City, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes [deg] of points (n, 2) in the city's CRS."""
    lon, lat = pyproj.Transformer.from_crs(city.crs, 4326, always_xy=True).transform(points[:, 0], points[:, 1])
    return lon, lat


def pack_areas(city: City, areas: Mapping[str, shapely.Geometry]) -> dict[str, Any]:
    """What cameras see, by the camera's id, as a pack of shapes with `cameras`."""
    ids, shapes = list(areas), np.array(list(areas.values()), dtype=object)
    rings, rows = _rings(shapes) if len(shapes) else (shapes, np.empty(0, dtype=int))
    return {**_pack_shapes(city, shapely.simplify(rings, 0.2)), "cameras": [ids[row] for row in rows]}


def _pack(city: City, points: np.ndarray, sizes: np.ndarray | None = None) -> dict[str, Any]:
    if not len(points):
        return {"origin": [0, 0], "sizes": [], "steps": []}
    plane = _mercator(city, points)
    origin = np.floor(plane.min(axis=0))
    whole = np.rint((plane - origin) / UNIT_M).astype(np.int64)
    steps = np.diff(whole, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    pack: dict[str, Any] = {"origin": origin.tolist(), "steps": steps.ravel().tolist()}
    return pack if sizes is None else {**pack, "sizes": sizes.tolist()}


def _pack_shapes(city: City, shapes: np.ndarray) -> dict[str, Any]:
    return _pack(city, shapely.get_coordinates(shapes), shapely.get_num_coordinates(shapes))


def _rings(areas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every ring of polygons and multipolygons, and the row each belongs to."""
    parts, row_of_part = shapely.get_parts(areas, return_index=True)
    polygons = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part_of_ring = shapely.get_rings(parts[polygons], return_index=True)
    return rings, row_of_part[polygons][part_of_ring]


def _roads(city: City) -> dict[str, Any]:
    frame = city["roads"]
    rank = {name: number for number, name in enumerate(ROAD_CLASSES)}
    return {**_pack_shapes(city, np.asarray(frame.geometry.array)), "classes": [rank.get(name, len(rank)) for name in frame["road_class"]]}


def _buildings(city: City) -> dict[str, Any]:
    rings, _ = _rings(np.asarray(city["buildings"].geometry.array))
    return _pack_shapes(city, rings)


def _wards(city: City) -> dict[str, Any]:
    frame = city["wards"]
    rings, rows = _rings(np.asarray(frame.geometry.array))
    centres = shapely.get_coordinates(shapely.point_on_surface(np.asarray(frame.geometry.array)))
    return {
        **_pack_shapes(city, rings), "rows": rows.tolist(), "names": [str(name) for name in frame["name"]],
        "centres": np.round(_mercator(city, centres), 1).tolist() if len(frame) else [],
    }  # fmt: skip


def _existing(city: City) -> dict[str, Any]:
    frame = city["cameras"]
    rows = [
        {
            "id": str(label), "kind": row.kind, "bearing": _known(row.bearing_deg), "hfov": _known(row.hfov_deg), "height": _known(row.height_m),
            "mount": row.mount, "model": row.model, "place": row.junction, "source": row.source,
        }
        for label, row in zip(frame.index, frame.drop(columns=frame.geometry.name).itertuples(index=False), strict=True)
    ]  # fmt: skip
    return {**_pack(city, shapely.get_coordinates(frame.geometry.array)), "rows": rows}


def _planned(city: City, plan: Plan | Draft | Ladder) -> dict[str, Any]:
    wards = ward_names(city)
    site_cost = {site.id: site.cost_inr for site in plan.sites}
    rows = [
        {
            "id": camera.id, "site": camera.site, "model": camera.model, "bearing": round(camera.bearing_deg, 1), "hfov": camera.hfov_deg,
            "tilt": round(camera.tilt_deg, 1), "height": camera.height_m, "reach": round(camera.reach_m, 1), "cost": camera.cost_inr,
            "yearly": camera.yearly_inr, "site_cost": site_cost.get(camera.site, 0), "ward": wards.get(camera.ward, camera.ward), "sees": camera.sees,
            "gain": round(camera.gain, 6),
        }
        for camera in plan.cameras
    ]  # fmt: skip
    points = np.array([(camera.x_m, camera.y_m) for camera in plan.cameras], dtype=float).reshape(-1, 2)
    return {**_pack(city, points), "rows": rows}


def only_in(plan: Plan, other: Plan) -> list[PlannedCamera]:
    """The cameras of `plan` that `other` does not place alike: same spot to 0.1 m, model, lens, height, bearing and tilt to 1 deg."""
    there = {_pose(camera) for camera in other.cameras}
    return [camera for camera in plan.cameras if _pose(camera) not in there]


def _pose(camera: PlannedCamera) -> tuple[object, ...]:
    return (
        round(camera.x_m, 1), round(camera.y_m, 1), camera.model, round(camera.hfov_deg, 1), round(camera.height_m, 1),
        round(camera.bearing_deg) % 360, round(camera.tilt_deg),
    )  # fmt: skip


def _both(city: City, first: Plan, second: Plan) -> dict[str, Any]:
    """The cameras of both plans, each once: the second's, then those of the first alone."""
    gone, new = only_in(first, second), {id(camera) for camera in only_in(second, first)}
    packs = _planned(city, dataclasses.replace(second, cameras=(*second.cameras, *gone), sites=tuple({*second.sites, *first.sites})))
    return {**packs, "sides": [*(2 if id(camera) in new else 0 for camera in second.cameras), *(1 for _ in gone)]}


def _demand(city: City, plan: Plan) -> dict[str, Any]:
    """The plan's points by state: 0 unseen, 1 seen already, 2 seen by the plan."""
    frame = plan.demand
    before, after = frame["before"].to_numpy(dtype=bool), frame["after"].to_numpy(dtype=bool)
    points = shapely.get_coordinates(frame.geometry.array)
    return _marked(city, points, frame["weight"].to_numpy(dtype=float), np.where(before, 1, np.where(after, 2, 0)))


def _marked(city: City, points_m: np.ndarray, weight: np.ndarray, state: np.ndarray) -> dict[str, Any]:
    """Points with one number each: 4 times its state and its step of weight (0 light … 3 heavy)."""
    step, order = _order(weight)
    return {**_pack(city, points_m[order]), "marks": (state * WEIGHT_STEPS + step)[order].astype(int).tolist()}


def _order(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each point's step of weight, and the order in which points are sent."""
    heavy = weight[weight > 0]
    cuts = np.quantile(heavy, [0.5, 0.8, 0.95]) if len(heavy) else np.zeros(3)
    step = np.searchsorted(cuts, weight, side="right")
    # Heaviest last, so that they lie on top; within a step along the frame's order, which keeps the steps short.
    return step, np.argsort(step, kind="stable")


def _views(city: City, plan: Plan, *, planned: bool) -> dict[str, Any]:
    frame = plan.views[plan.views["planned"].to_numpy(dtype=bool) == planned]
    rings, rows = _rings(np.asarray(frame.geometry.array))
    cameras = [str(camera) for camera in frame["camera"]]
    return {**_pack_shapes(city, shapely.simplify(rings, 0.2)), "cameras": [cameras[row] for row in rows]}


def ward_names(city: City) -> dict[str, str]:
    """A ward's name by its id."""
    return {str(label): str(name) for label, name in city["wards"]["name"].items()}


def _known(value: float) -> float | None:
    return round(float(value), 1) if math.isfinite(value) else None
