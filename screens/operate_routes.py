"""The addresses of the operators' map: what is drawn, states as they are now, who sees a place, what is lost, and events.

    GET  /operate/CITY/pins          pins, areas in view, places to search for; the same as long as `stamp` is
    GET  /operate/CITY/states        the state of every camera, asked for every two seconds
    GET  /operate/CITY/pins.geojson  pins with their states, for other maps
    GET  /operate/CITY/turned        ?camera=&bearing=   what a camera that can be steered sees when it is turned there
    GET  /operate/CITY/see           ?lat=&lon=   the cameras that see a place, the sharpest first
    GET  /operate/CITY/blind         ?by=inr|hours   what is out of view because cameras are down, and which to repair first for a rupee or an hour
    GET  /operate/CITY/events        what befell the cameras, the newest first
    POST /operate/CITY/acknowledge   {"event", "note"}
    POST /operate/CITY/accept        {"camera"}   how it looks now is how it shall look
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import numpy as np
import shapely
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from coverage.who_saw import who_saw
from live.pins import counts, geojson, pins
from live.uptime import Event
from planning.access import actor_of
from planning.city import City
from planning.errors import ChaukasError, Forbidden, InputError
from planning.store import open_store
from screens import library, mapdata
from screens.control import Control, Scene, control, require_operate

_FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_MOST_EVENTS, _MOST_PLACES, _MOST_ROWS = 200, 4000, 50
_LARGEST = 20_000  # bytes of a note with its event
Answer = Callable[[Request, Control, Scene], dict[str, Any]]


def _answered(action: str) -> Callable[[Answer], Callable[[Request], Response]]:
    """The handler for who may do `action`, over the city asked for; what it refuses is told as faults."""

    def around(work: Answer) -> Callable[[Request], Response]:
        @wraps(work)
        def answer(request: Request) -> Response:
            try:
                require_operate(actor_of(request.scope), action)
                here = control()
                return JSONResponse(work(request, here, here.scene(library.city(request.path_params["city"]))), headers=_FRESH)
            except ChaukasError as error:
                return _refusal(error)

        return answer

    return around


def _refusal(error: ChaukasError) -> Response:
    faults = [{"code": fault.code, "what": fault.what, "way_out": fault.way_out} for fault in error.faults]
    status = 403 if isinstance(error, Forbidden) else 404 if error.code == "city.unknown" else 400
    return JSONResponse({"faults": faults}, status_code=status, headers=_FRESH)


@_answered("live.read")
def _pins(_: Request, here: Control, scene: Scene) -> dict[str, Any]:
    """All that stays as it is until the deployments change."""
    areas = here.areas(scene)
    return {"stamp": scene.stamp, "pins": pins(scene.deployments), "areas": mapdata.pack_areas(scene.city, areas), "places": _places(scene)}


def _places(scene: Scene) -> list[tuple[str, float, float]]:
    """Names to search for, each with latitude and longitude: junctions of existing cameras, and where two named streets meet."""
    city = scene.city
    named: dict[str, tuple[float, float]] = {}
    cameras = city["cameras"]
    for name, point in zip(cameras["junction"], cameras.geometry, strict=True):
        if isinstance(name, str) and name:
            named.setdefault(name, (point.x, point.y))
    named |= {name: xy for name, xy in _crossings(city).items() if name not in named}
    names = sorted(named)[:_MOST_PLACES]
    if not names:
        return []
    lon, lat = mapdata.to_degrees(city, np.array([named[name] for name in names]))
    return [(name, round(float(y), 6), round(float(x), 6)) for name, x, y in zip(names, lon, lat, strict=True)]


def _crossings(city: City) -> dict[str, tuple[float, float]]:
    roads = city["roads"]
    at: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    lines = roads.geometry.to_numpy()
    ends = (shapely.get_coordinates(shapely.get_point(lines, 0)), shapely.get_coordinates(shapely.get_point(lines, -1)))
    for row, (name, first, last) in enumerate(zip(roads["name"], roads["from_junction"], roads["to_junction"], strict=True)):
        if isinstance(name, str) and name:
            for junction, end in ((first, ends[0]), (last, ends[1])):
                at[str(junction)][name] = (float(end[row, 0]), float(end[row, 1]))
    return {" × ".join(sorted(streets)[:3]): next(iter(streets.values())) for streets in at.values() if len(streets) > 1}


@_answered("live.read")
def _states(_: Request, here: Control, scene: Scene) -> dict[str, Any]:
    """The states now. A browser that hears nothing more must call them old itself."""
    states = here.states(scene)
    measures = {camera: status.measure for camera, status in here.statuses(scene).items() if status.measure}
    told = {camera: [state, round(since_s, 1)] for camera, (state, since_s) in states.items()}
    clocks = {camera: round(status.clock_s) for camera, status in here.statuses(scene).items() if status.clock_s is not None}
    return {
        "clocks": clocks,
        "now_s": here.service.now(), "stamp": scene.stamp, "states": told, "measures": measures,
        "counts": counts([state for state, _ in states.values()]), "aims": here.aims(scene),
    }  # fmt: skip


@_answered("live.read")
def _geojson(_: Request, here: Control, scene: Scene) -> dict[str, Any]:
    return geojson(scene.deployments, here.statuses(scene), here.service.now())


@_answered("live.read")
def _turned(request: Request, here: Control, scene: Scene) -> dict[str, Any]:
    """What one camera sees when it is turned to a bearing."""
    try:
        bearing = float(request.query_params["bearing"])
    except (KeyError, ValueError):
        bearing = -1.0
    if not 0 <= bearing < 360:
        given = str(request.url.query)[:80]
        raise InputError.one("deployment.bearing", "A bearing lies from 0 up to 360 degrees", "Reload the page", given)
    return mapdata.pack_areas(scene.city, here.turned(scene, request.query_params.get("camera", ""), bearing))


@_answered("live.read")
def _see(request: Request, here: Control, scene: Scene) -> dict[str, Any]:
    """The cameras that see a place now, by pixels a metre; those that are down are told with the others."""
    try:
        lat, lon = (float(request.query_params[name]) for name in ("lat", "lon"))
    except (KeyError, ValueError):
        given = str(request.url.query)[:80]
        raise InputError.one("witness.place", "This is no place", "Give lat and lon in degrees, as 22.0900 and 82.1500", given) from None
    ready, states = here.ready(scene), here.states(scene)
    found = who_saw(scene.city, ready.cameras, lat, lon, datetime.now(UTC), minutes=0, ready=ready)
    titles = {one.id: one.title or one.id for one in scene.deployments}
    cameras = [
        {
            "camera": one.camera, "title": titles[one.camera], "px_per_m": round(one.px_per_m, 1), "levels": one.levels,
            "distance_m": round(one.distance_m, 1), "turns": one.turns, "state": states[one.camera][0],
        }
        for one in found.seen
    ]  # fmt: skip
    return {"lat": lat, "lon": lon, "moved_m": round(found.moved_m, 1), "night": found.sun.night, "cameras": cameras}


@_answered("live.read")
def _blind(request: Request, here: Control, scene: Scene) -> dict[str, Any]:
    """What is lost now: shares of all weight, streets, wards, and the order of repairs."""
    unit = "hours" if request.query_params.get("by") == "hours" else "inr"
    if not scene.deployments:
        return {"before": 0.0, "now": 0.0, "lost": 0.0, "down": [], "streets": [], "wards": [], "repairs": [], "by": unit}
    found, takes = here.blind(scene, unit)
    titles = {one.id: one.title or one.id for one in scene.deployments}
    streets = []
    for street in found.streets[:_MOST_ROWS]:
        middle = street.line.interpolate(0.5, normalized=True)
        lon, lat = mapdata.to_degrees(scene.city, np.array([[middle.x, middle.y]]))
        row = {"name": street.name, "class": street.road_class, "ward": street.ward, "length_m": round(street.length_m), "share": street.share}
        streets.append({**row, "lat": float(lat[0]), "lon": float(lon[0])})
    wards = [{"name": ward.name, "before": ward.before, "now": ward.now} for ward in found.wards[:_MOST_ROWS]]
    repairs = [
        {
            "camera": one.camera, "title": titles[one.camera], "gain": one.gain, "alone": one.alone, "inr": takes[one.camera].inr,
            "hours": takes[one.camera].hours,
        }
        for one in found.repairs[:_MOST_ROWS]
    ]  # fmt: skip
    return {
        "by": unit, "before": found.before, "now": found.now, "lost": found.lost, "down": list(takes),
        "streets": streets, "wards": wards, "repairs": repairs,
    }  # fmt: skip


@_answered("live.read")
def _events(_: Request, here: Control, scene: Scene) -> dict[str, Any]:
    """Events that are no plain watching, the newest first."""
    titles = {one.id: one.title or one.id for one in scene.deployments}
    found = here.log.latest(library.address(scene.city), titles, _MOST_EVENTS)
    return {"events": [_event(one, titles[one.camera]) for one in found]}


def _event(event: Event, title: str) -> dict[str, Any]:
    seen = event.acknowledged
    return {
        "id": event.id, "camera": event.camera, "title": title, "state": event.state, "since": event.since.isoformat(),
        "until": event.until.isoformat() if event.until else None, "measure": event.measure,
        "acknowledged": {"by": seen.by, "note": seen.note, "at": seen.at.isoformat()} if seen else None,
    }  # fmt: skip


@_answered("live.acknowledge")
def _noted(request: Request, here: Control, scene: Scene) -> dict[str, Any]:
    """Write an acknowledgement."""
    try:
        body = json.loads(request.state.body)
        event, note = str(body["event"]), str(body["note"])
    except (ValueError, KeyError, TypeError):
        raise InputError.one("event.note", "An acknowledgement needs a note", "Write what is done about it, in up to 2,000 letters") from None
    record = here.log.acknowledge(library.address(scene.city), event, by=actor_of(request.scope), note=note, at=datetime.now(UTC))
    return {"event": record.event, "at": record.at.isoformat()}


@_answered("live.accept")
def _camera_asked(request: Request, _: Control, scene: Scene) -> dict[str, Any]:
    """The camera whose view is to be accepted, one of the city's."""
    try:
        camera = str(json.loads(request.state.body)["camera"])
    except (ValueError, KeyError, TypeError):
        camera = ""
    if camera not in {one.id for one in scene.deployments}:
        raise InputError.one("deployment.unknown", "No camera of this id is deployed", "Reload the page", camera[:80])
    return {"camera": camera}


async def _accept(request: Request) -> Response:
    """Take how a camera looks now for how it shall look, with a line of the audit before; where that cannot be written all stays as it was."""
    refused = await _taken(request)
    if refused is not None:
        return refused
    asked = await run_in_threadpool(_camera_asked, request)
    if asked.status_code != 200:
        return asked
    camera, actor = json.loads(bytes(asked.body))["camera"], actor_of(request.scope)

    def write() -> None:
        with open_store().write(actor.id, "live.accept", camera, {"city": request.path_params["city"]}):
            pass

    if await control().rounds.accept(camera, write):
        return asked
    return _refusal(InputError.one("reference.none", "The camera shows nothing now", "Try again when its picture is live", camera))


async def _acknowledge(request: Request) -> Response:
    """Take in a small note from our own page, then write it in a thread."""
    refused = await _taken(request)
    return refused if refused is not None else await run_in_threadpool(_noted, request)


async def _taken(request: Request) -> Response | None:
    """Take in a small body from our own page; a refusal where it is none."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return JSONResponse({"faults": []}, status_code=403, headers=_FRESH)
    taken = b""
    async for part in request.stream():
        taken += part
        if len(taken) > _LARGEST:
            return JSONResponse({"faults": []}, status_code=413, headers=_FRESH)
    request.state.body = taken
    return None


def routes() -> list[BaseRoute]:
    """All addresses of the operators' map, and those of live video. The handlers block, so the server runs each in a thread."""
    return [
        Route("/operate/{city}/pins", _pins),
        Route("/operate/{city}/pins.geojson", _geojson),
        Route("/operate/{city}/states", _states),
        Route("/operate/{city}/turned", _turned),
        Route("/operate/{city}/see", _see),
        Route("/operate/{city}/blind", _blind),
        Route("/operate/{city}/events", _events),
        Route("/operate/{city}/acknowledge", _acknowledge, methods=["POST"]),
        Route("/operate/{city}/accept", _accept, methods=["POST"]),
        *control().service.routes(),
    ]
