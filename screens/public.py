"""The public pages of published plans: plain pages with the map, in Hindi and English, for anyone, without Streamlit and without signing in.

    /public/CITY/PLAN                   the page; Hindi, or English with ?lang=en
    /public/CITY/PLAN/layer/STAMP/NAME  a layer of its map

All else of a city stays where it was: a plan that is not published is as if it were not there.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from planning.city import City
from planning.errors import ChaukasError, InputError
from planning.nouns import Plan
from planning.proposals import published_ids
from planning.store import audit_head, open_store
from screens import library
from screens.library import PlanFile, Shelf
from screens.mapdata import city_layer, plan_layer
from screens.page import CITY_LAYERS, PLAN_LAYERS, fault_page, served, with_head
from screens.routes import assets_version
from screens.words import LANGUAGES, words

_SNIFF = {"X-Content-Type-Options": "nosniff"}
_pages: Shelf[str] = Shelf(24)


def public_url(city: City, plan_id: str, language: str = "") -> str:
    """The address of a plan's public page."""
    return f"/public/{quote(library.address(city), safe='')}/{plan_id}" + (f"?lang={language}" if language else "")


def _found(request: Request) -> tuple[City, Plan, PlanFile]:
    """The published plan asked for.

    Raises
    ------
    InputError: `plan.unknown`, whether there is no such city, no such plan, or one that is not published.
    """
    plan_id = request.path_params["plan"]
    unknown = InputError.one("plan.unknown", "There is no such published plan", "Check the address", plan_id)
    try:
        city = library.city(request.path_params["city"])
    except ChaukasError:
        raise unknown from None
    if plan_id not in published_ids(open_store(), library.address(city)):
        raise unknown
    return city, library.plan(city, plan_id), library.plan_path(city, plan_id)


def _page(request: Request) -> Response:
    given = request.query_params.get("lang", "hi")
    language = given if given in LANGUAGES else "hi"
    try:
        city, plan, file = _found(request)
        base = f"{public_url(city, plan.id)}/layer/{file.stamp[0]:x}-{city.digest}"
        urls = {name: f"{base}/{name}" for name in (*CITY_LAYERS, *PLAN_LAYERS)}
        links = tuple((LANGUAGES[code], public_url(city, plan.id, code)) for code in LANGUAGES if code != language)
        key = (city.digest, file.id, file.stamp, language, assets_version())
        text = _pages.get(key, lambda: served(plan, city, file, words(language), urls, links))
    except ChaukasError as error:
        return HTMLResponse(fault_page(error, words(language)), status_code=404, headers={"Cache-Control": "no-store", **_SNIFF})
    text = with_head(text, audit_head(), words(language))
    return HTMLResponse(text, headers={"Cache-Control": "no-cache", **_SNIFF})


def _layer(request: Request) -> Response:
    asked = request.path_params
    try:
        city, plan, file = _found(request)
        if asked["stamp"] != f"{file.stamp[0]:x}-{city.digest}":
            raise InputError.one("map.stale", "This has changed since the page was opened", "Reload the page", asked["stamp"])
        name = asked["name"]
        packed = plan_layer(city, plan, file, PLAN_LAYERS[name]) if name in PLAN_LAYERS else city_layer(city, name)
    except ChaukasError:
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    headers = {"Content-Encoding": "gzip", "Cache-Control": "public, max-age=31536000, immutable", **_SNIFF}
    return Response(packed, media_type="application/json", headers=headers)


def _tidy(request: Request) -> Response:
    """The address with a slash at its end leads to the one without."""
    return RedirectResponse(request.url.path.rstrip("/") + (f"?{request.url.query}" if request.url.query else ""), status_code=308)


def routes() -> list[BaseRoute]:
    """All public addresses. The handlers block on files, so the server runs each in a thread."""
    return [
        Route("/public/{city}/{plan}", _page),
        Route("/public/{city}/{plan}/", _tidy),
        Route("/public/{city}/{plan}/layer/{stamp}/{name}", _layer),
    ]
