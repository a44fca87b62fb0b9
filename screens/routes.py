"""The map's own addresses: vendored scripts and styles, city and plan layers. Nothing else of the disk can be asked for.

Layers carry the digest of what they are made of in their address, so a browser may keep them for ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from planning.city import ROOT, City
from planning.errors import ChaukasError, InputError
from screens import byhand, jobs, library, mapdata
from screens.library import PlanFile
from screens.why import why
from screens.words import Words, words

_COMPONENT = Path(__file__).parent / "component"
_BASEMAP = ROOT / "data" / "basemap"
ASSETS: dict[str, tuple[Path, str]] = {
    "leaflet.js": (_BASEMAP / "leaflet" / "leaflet.js", "text/javascript"),
    "leaflet.css": (_BASEMAP / "leaflet" / "leaflet.css", "text/css"),
    "map.js": (_COMPONENT / "map.js", "text/javascript"),
    "fetched.js": (_COMPONENT / "fetched.js", "text/javascript"),
    "layers.js": (_COMPONENT / "layers.js", "text/javascript"),
    "slider.js": (_COMPONENT / "slider.js", "text/javascript"),
    "hand.js": (_COMPONENT / "hand.js", "text/javascript"),
    "hand_form.js": (_COMPONENT / "hand_form.js", "text/javascript"),
    "panel.js": (_COMPONENT / "panel.js", "text/javascript"),
    "page.js": (_COMPONENT / "page.js", "text/javascript"),
    "suggest.js": (_COMPONENT / "suggest.js", "text/javascript"),
    "page.css": (_COMPONENT / "page.css", "text/css"),
    "player.js": (_COMPONENT / "player.js", "text/javascript"),
    "ways.js": (_COMPONENT / "ways.js", "text/javascript"),
    "mp4.js": (_COMPONENT / "mp4.js", "text/javascript"),
    "operate.js": (_COMPONENT / "operate.js", "text/javascript"),
    "operate_lists.js": (_COMPONENT / "operate_lists.js", "text/javascript"),
    "review.js": (_COMPONENT / "review.js", "text/javascript"),
    "operate_find.js": (_COMPONENT / "operate_find.js", "text/javascript"),
    "steer.js": (_COMPONENT / "steer.js", "text/javascript"),
    "signs.js": (_COMPONENT / "signs.js", "text/javascript"),
    "operate.css": (_COMPONENT / "operate.css", "text/css"),
    "notes.js": (_COMPONENT / "notes.js", "text/javascript"),
    "map.css": (_COMPONENT / "map.css", "text/css"),
    "noto-sans-devanagari.woff2": (_BASEMAP / "fonts" / "noto-sans-devanagari.woff2", "font/woff2"),
}
_LARGEST_ASKED = 20_000  # bytes
_FOR_EVER = "public, max-age=31536000, immutable"


@lru_cache(maxsize=1)
def assets_version() -> str:
    """Twelve hex digits over every asset: one version for all, since they import each other."""
    taken = hashlib.sha256()
    for path, _ in ASSETS.values():
        taken.update(path.read_bytes())
    return taken.hexdigest()[:12]


def asset_url(name: str) -> str:
    """The address of an asset, with the version in its path so that what it imports beside it has the same."""
    return f"/assets/{assets_version()}/{name}"


def city_url(city: City, layer: str) -> str:
    """The address of a city's layer."""
    return f"/map/city/{quote(library.address(city), safe='')}/{city.digest}/{layer}"


def plan_url(city: City, file: PlanFile, layer: str) -> str:
    """The address of a plan's layer."""
    return f"/map/plan/{quote(library.address(city), safe='')}/{file.id}/{file.stamp[0]:x}/{layer}"


def ladder_url(city: City, file: PlanFile, layer: str) -> str:
    """The address of a ladder's layer."""
    return f"/map/ladder/{quote(library.address(city), safe='')}/{file.id}/{file.stamp[0]:x}/{layer}"


def review_url(city: City, file: PlanFile, part: str, stamp: tuple[int, int], layer: str) -> str:
    """The address of a layer of a plan's review; `stamp` is the part's own file's."""
    return f"/map/review/{quote(library.address(city), safe='')}/{file.id}/{part}/{stamp[0]:x}/{layer}"


def difference_url(city: City, first: PlanFile, second: PlanFile, layer: str) -> str:
    """The address of a layer of what changes from one plan to another."""
    plans = "/".join(f"{file.id}/{file.stamp[0]:x}" for file in (first, second))
    return f"/map/difference/{quote(library.address(city), safe='')}/{plans}/{layer}"


def draft_url(city: City, job_id: str, number: int) -> str:
    """The address of the cameras of a plan that is being made; `number` is another for each draft, so that a browser asks again."""
    return f"/map/draft/{quote(library.address(city), safe='')}/{job_id}/{number}"


def _asset(request: Request) -> Response:
    name, version = request.path_params["name"], request.path_params.get("version")
    if name not in ASSETS:
        return _missing(InputError.one("asset.unknown", "There is no such asset", "Reload the page", name))
    path, kind = ASSETS[name]
    kept = _FOR_EVER if version == assets_version() else "public, max-age=3600"
    return Response(path.read_bytes(), media_type=kind, headers={"Cache-Control": kept, "X-Content-Type-Options": "nosniff"})


Answerer = Callable[[Request], Response]


def _told(work: Answerer) -> Answerer:
    """The handler, with what it refuses told as faults."""

    @wraps(work)
    def answer(request: Request) -> Response:
        try:
            return work(request)
        except ChaukasError as error:
            return _missing(error)

    return answer


def _require(fresh: bool, stamp: str) -> None:
    if not fresh:
        raise InputError.one("map.stale", "This has changed since the page was opened", "Reload the page", stamp)


@_told
def _city_layer(request: Request) -> Response:
    city, digest = library.city(request.path_params["city"]), request.path_params["digest"]
    _require(digest == city.digest, digest)
    return _packed(mapdata.city_layer(city, request.path_params["layer"]))


@_told
def _plan_layer(request: Request) -> Response:
    city, stamp = library.city(request.path_params["city"]), request.path_params["stamp"]
    file = library.plan_path(city, request.path_params["plan"])
    _require(stamp == f"{file.stamp[0]:x}", stamp)
    return _packed(mapdata.plan_layer(city, library.plan(city, file.id), file, request.path_params["layer"]))


@_told
def _difference_layer(request: Request) -> Response:
    city, asked = library.city(request.path_params["city"]), request.path_params
    files = [library.plan_path(city, asked[name]) for name in ("first", "second")]
    for file, stamp in zip(files, (asked["stamp"], asked["other"]), strict=True):
        _require(stamp == f"{file.stamp[0]:x}", stamp)
    first, second = ((library.plan(city, file.id), file) for file in files)
    return _packed(mapdata.difference_layer(city, first, second, asked["layer"]))


@_told
def _ladder_layer(request: Request) -> Response:
    city, stamp = library.city(request.path_params["city"]), request.path_params["stamp"]
    file = library.ladder_path(city, request.path_params["ladder"])
    _require(stamp == f"{file.stamp[0]:x}", stamp)
    return _packed(mapdata.ladder_layer(city, library.ladder(city, file.id), file, request.path_params["layer"]))


@_told
def _review_layer(request: Request) -> Response:
    city, asked = library.city(request.path_params["city"]), request.path_params
    file = library.plan_path(city, asked["plan"])
    found = library.review(library.plan(city, file.id), file, asked["part"])
    if found is None:
        raise InputError.one("review.none", "This was not worked out yet", "Open the Review screen of the plan", asked["part"])
    review, stamp = found
    _require(asked["stamp"] == f"{stamp[0]:x}", asked["stamp"])
    return _packed(mapdata.review_layer(city, review, stamp, asked["layer"]))


def why_url(city: City, file: PlanFile, said: Words) -> str:
    """Where a camera's reasons are told, its id put at the end."""
    return f"/map/why/{quote(library.address(city), safe='')}/{file.id}/{file.stamp[0]:x}/{said.language}/"


@_told
def _why(request: Request) -> Response:
    city = library.city(request.path_params["city"])
    plan = library.plan(city, request.path_params["plan"])
    rows = why(city, plan, request.path_params["camera"], words(request.path_params["language"]))
    return JSONResponse({"rows": rows}, headers={"Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"})


def hand_url(city: City, file: PlanFile, said: Words) -> str:
    """Where changes by hand are asked for."""
    return f"/map/hand/{quote(library.address(city), safe='')}/{file.id}/{file.stamp[0]:x}/{said.language}"


async def _hand(request: Request) -> Response:
    said = words(request.path_params["language"])
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_ASKED:
            break
    # A page of another host may send a form, never JSON.
    told = request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"

    def work() -> dict[str, Any]:
        if not told or len(body) > _LARGEST_ASKED:
            raise InputError.one("hand.ask", "Changes are asked for as JSON", "Reload the page", request.headers.get("content-type", ""))
        try:
            asked = json.loads(bytes(body))
        except (ValueError, RecursionError) as error:
            raise InputError.one("hand.ask", "This is no JSON", "Reload the page", error) from None
        if not isinstance(asked, dict):
            raise InputError.one("hand.ask", "A change is an object", "Reload the page", type(asked).__name__)
        city = library.city(request.path_params["city"])
        file = library.plan_path(city, request.path_params["plan"])
        _require(request.path_params["stamp"] == f"{file.stamp[0]:x}", request.path_params["stamp"])
        return byhand.change(city, library.plan(city, file.id), asked, said)

    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    try:
        answer = await run_in_threadpool(work)
    except ChaukasError as error:
        return JSONResponse({"faults": [said.fault(fault) for fault in error.faults]}, status_code=422, headers=headers)
    return JSONResponse(answer, headers=headers)


@_told
def _draft(request: Request) -> Response:
    city = library.city(request.path_params["city"])
    job = jobs.desk.find(city.name, request.path_params["job"])
    draft = job.draft if job is not None else None
    if draft is None:
        raise InputError.one("map.draft", "This plan is not being made now", "Reload the page", request.path_params["job"])
    # The latest, whatever its number: the browser may ask while a better one takes its place.
    return _packed(mapdata.draft_layer(city, draft), kept="no-store")


def _packed(content: bytes, kept: str = _FOR_EVER) -> Response:
    headers = {"Content-Encoding": "gzip", "Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="application/json", headers=headers)


def _missing(error: ChaukasError) -> Response:
    faults = [{"code": fault.code, "what": fault.what, "way_out": fault.way_out} for fault in error.faults]
    return JSONResponse({"faults": faults}, status_code=404, headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})


def routes() -> list[BaseRoute]:
    """All addresses of the map. The handlers block on files, so the server runs each in a thread."""
    return [
        Route("/assets/{name}", _asset),
        Route("/assets/{version}/{name}", _asset),
        Route("/map/city/{city}/{digest}/{layer}", _city_layer),
        Route("/map/plan/{city}/{plan}/{stamp}/{layer}", _plan_layer),
        Route("/map/difference/{city}/{first}/{stamp}/{second}/{other}/{layer}", _difference_layer),
        Route("/map/ladder/{city}/{ladder}/{stamp}/{layer}", _ladder_layer),
        Route("/map/review/{city}/{plan}/{part}/{stamp}/{layer}", _review_layer),
        Route("/map/why/{city}/{plan}/{stamp}/{language}/{camera:path}", _why),
        Route("/map/hand/{city}/{plan}/{stamp}/{language}", _hand, methods=["POST"]),
        Route("/map/draft/{city}/{job}/{number}", _draft),
    ]
