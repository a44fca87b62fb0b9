"""The page on which people without an account suggest a camera, or none: plain, in Hindi and English, for phones.

    /suggest                               the cities that are open to everybody
    /suggest/CITY                          the form with its map; a place can be typed as well, and without script must be
    /suggest/CITY/layer/DIGEST/NAME        a layer of that map

A city that no administrator opened is as if it were not there. What is sent waits until a planner shows it. A form carries a token that belongs to a
cookie of this page, so that no other page can send one; neither says who someone is.
"""

from __future__ import annotations

import hmac
import secrets
from html import escape
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from coverage.who_saw import read_place
from planning.access import actor_of
from planning.catalogue import load_models
from planning.city import City
from planning.errors import ChaukasError, Fault, Forbidden, InputError
from planning.store import open_store
from planning.suggestions import BODY_MOST, is_open, open_cities, shown_suggestions, suggest
from screens import library
from screens.acting import day_of
from screens.forms import Fields, door, one, read_form, wrong
from screens.gate import is_secure
from screens.mapdata import city_layer
from screens.maps import map_data
from screens.page import quiet_json
from screens.routes import asset_url
from screens.sheet import anchor, area, field, form, page, section, table, text
from screens.words import Words

LAYERS = ("roads", "buildings", "wards")
COOKIE = "chaukas-suggest"
MOST = 200  # shown suggestions on the map, the newest
_POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data:", "font-src 'self'",
        "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip
_key = secrets.token_bytes(32)  # of this process: a form that outlives it is opened anew


def _token(cookie: str) -> str:
    """The token of forms sent with this cookie."""
    return hmac.new(_key, cookie.encode(), "sha256").hexdigest()


def _city(request: Request) -> City:
    """The open city asked for.

    Raises
    ------
    InputError: `suggest.closed`, whether there is no such city or it is not open.
    """
    name = request.path_params["city"]
    closed = InputError.one("suggest.closed", "Nobody can suggest anything here now", "Ask those who run this app", name)
    try:
        city = library.city(name)
    except ChaukasError:
        raise closed from None
    if not is_open(open_store(), library.address(city)):
        raise closed
    return city


@door
async def _list(request: Request, said: Words) -> Response:
    return await run_in_threadpool(_list_sheet, said)


def _list_sheet(said: Words) -> Response:
    known = set(library.cities())
    names = [name for name in open_cities(open_store()) if name in known]
    links = [anchor(f"{_at(name)}?lang={said.language}", library.city_title(name, said.hindi)) for name in names]
    listed = table([said.say("gate.plan_city")], [[link] for link in links]) if links else text(said.say("suggest.none"))
    return page(said, said.say("suggest.title"), section(listed), _ways(said), at="/suggest")


def _at(name: str) -> str:
    """The address of a city's page."""
    return f"/suggest/{quote(name, safe='')}"


@door
async def _form(request: Request, said: Words) -> Response:
    cookie = _cookie(request) or secrets.token_urlsafe(24)
    thanks = section(text(said.say("suggest.thanks")), kind="told") if "thanks" in request.query_params else ""
    answer = await run_in_threadpool(lambda: _sheet(_city(request), said, cookie, thanks))
    return _with_cookie(answer, request, cookie)


def _cookie(request: Request) -> str:
    """The cookie of this page that came along; empty where it is none of ours."""
    found = request.cookies.get(COOKIE, "")
    return found if 20 <= len(found) <= 64 and found.isascii() else ""


def _with_cookie(answer: Response, request: Request, cookie: str) -> Response:
    answer.set_cookie(COOKIE, cookie, path="/suggest", secure=is_secure(request.scope), httponly=True, samesite="strict")
    return answer


def _sheet(city: City, said: Words, cookie: str, *parts: str, place: str = "", body: str = "", status: int = 200) -> Response:
    name = library.address(city)
    at = _at(name)
    shown = shown_suggestions(open_store(), name)[:MOST]
    fields = [
        field("place", said.say("suggest.place"), value=place),
        area("body", said.say("suggest.body", most=said.number(BODY_MOST)), value=body, most=BODY_MOST),
    ]
    sent = form(f"{at}?lang={said.language}", fields, said.say("suggest.send"), hidden={"token": _token(cookie)})
    rows = [[escape(day_of(str(row["created_at"]))), escape(f"{row['lat']:.5f}, {row['lon']:.5f}"), escape(str(row["body"]))] for row in shown]
    heads = [said.say("decide.column.day"), said.say("pin.where"), said.say("pin.column.body")]
    told = {**map_data(city, said, load_models(), listed=False, height=360), "urls": _urls(city), "notes": _notes(shown, said)}
    title = said.pick(city.title, city.title_hi)
    return page(
        said, f"{title}: {said.say('suggest.title')}", *parts,
        section(text(said.say("suggest.how")), '<div id="map" hidden></div>', f"<noscript>{text(said.say('suggest.no_script'))}</noscript>", sent),
        section(text(said.say("suggest.privacy"), "small")),
        section(table(heads, rows), heading=said.say("suggest.shown")) if rows else "",
        _ways(said),
        f'<script type="application/json" id="chaukas">{quiet_json(told)}</script><script type="module" src="{asset_url("suggest.js")}"></script>',
        at=at, status=status, policy=_POLICY,
    )  # fmt: skip


def _ways(said: Words) -> str:
    return section(anchor(f"/public?lang={said.language}", said.say("gate.public")))


def _urls(city: City) -> dict[str, str]:
    base = f"{_at(library.address(city))}/layer/{city.digest}"
    return {name: f"{base}/{name}" for name in LAYERS if len(city[name])}


def _notes(shown: list[dict[str, Any]], said: Words) -> dict[str, Any]:
    items = [
        {
            "id": row["id"], "lat": row["lat"], "lon": row["lon"], "text": row["body"], "kind": "shown", "mark": "!",
            "label": said.say("pin.number", n=number), "answer": "",
        }
        for number, row in enumerate(shown, 1)
    ]  # fmt: skip
    return {"items": items, "placing": True, "chosen": None, "here": said.say("pin.here")}


@door
async def _send(request: Request, said: Words) -> Response:
    given = await read_form(request, token=False)
    cookie = _cookie(request)
    if cookie and hmac.compare_digest(_token(cookie).encode(), one(given, "token").encode()):
        return await run_in_threadpool(_put, request, said, given, cookie)
    # What was typed is not lost: it comes back in a form that can be sent.
    cookie = secrets.token_urlsafe(24)
    stale = wrong(Forbidden.one("suggest.token", "This form is too old, or came from elsewhere", "Send it once more"), said)
    typed = {"place": one(given, "place")[:100], "body": one(given, "body")[:BODY_MOST]}
    answer = await run_in_threadpool(lambda: _sheet(_city(request), said, cookie, stale, **typed, status=403))
    return _with_cookie(answer, request, cookie)


def _put(request: Request, said: Words, given: Fields, cookie: str) -> Response:
    city, place, body = _city(request), one(given, "place"), one(given, "body")
    address = request.client.host if request.client is not None else ""
    try:
        suggest(open_store(), actor_of(request.scope), city, *_read(place), body, address=address)
    except InputError as error:
        often = any(fault.code == "pin.often" for fault in error.faults)
        return _sheet(city, said, cookie, wrong(error, said), place=place[:100], body=body[:BODY_MOST], status=429 if often else 400)
    return RedirectResponse(f"{_at(library.address(city))}?lang={said.language}&thanks=1", 303)


def _read(place: str) -> tuple[float, float]:
    """Latitude and longitude [deg] of what was typed; errors as `read_place`, in the words of this page."""
    try:
        return read_place(place)
    except ChaukasError:
        raise InputError([Fault("pin.place", "This is no place", "Click a place on the map", place[:60])]) from None


def _layer(request: Request) -> Response:
    try:
        city, asked = _city(request), request.path_params
        if asked["digest"] != city.digest or asked["name"] not in LAYERS:
            raise InputError.one("map.stale", "This has changed since the page was opened", "Reload the page", asked["digest"])
        packed = city_layer(city, asked["name"])
    except ChaukasError:
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    headers = {"Content-Encoding": "gzip", "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(packed, media_type="application/json", headers=headers)


def routes() -> list[BaseRoute]:
    """All addresses of suggestions by everybody."""
    return [
        Route("/suggest", _list, methods=["GET"]),
        Route("/suggest/{city}", _form, methods=["GET"]), Route("/suggest/{city}", _send, methods=["POST"]),
        Route("/suggest/{city}/layer/{digest}/{name}", _layer, methods=["GET"]),
    ]  # fmt: skip
