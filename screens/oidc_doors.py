"""Signing in by another service, where one is set up: the way there, the way back, and what stands on the sign-in page.

The browser is known again by a cookie of its own, so that a way back that somebody else began signs nobody in.
"""

from __future__ import annotations

import secrets
import threading

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from planning.errors import Forbidden
from planning.identities import enter
from planning.oidc import WAIT_S, SignIns, service
from planning.store import open_store
from screens.doors import sign_in_sheet, signed_in
from screens.forms import agent_of, door, inside, wrong
from screens.gate import is_secure
from screens.words import Words, words

COOKIE = "chaukas-oidc"
_kept: list[SignIns] = []
_lock = threading.Lock()


def _sign_ins() -> SignIns:
    """The sign-ins by the service that is set up.

    Raises
    ------
    Forbidden: `oidc.off`, where none is. InputError: as `service`.
    """
    found = service()
    if found is None:
        raise Forbidden.one("oidc.off", "Sign-in by another service is not set up", "Sign in with a name and a password")
    with _lock:
        if not _kept or _kept[0].service != found:
            _kept[:] = [SignIns(found)]
        return _kept[0]


@door
async def _begin(request: Request, said: Words) -> Response:
    # The cookie says the language too: the service sends people back to one address.
    back, browser = inside(request.query_params.get("next", "/")), f"{said.language}.{secrets.token_urlsafe(24)}"
    onward = await run_in_threadpool(lambda: _sign_ins().begin(browser, back))
    answer = RedirectResponse(onward, 303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    # Lax, since the way back begins on the service's page.
    answer.set_cookie(
        COOKIE, browser, path="/sign-in/oidc", secure=is_secure(request.scope), httponly=True, samesite="lax", max_age=int(WAIT_S)
    )
    return answer


@door
async def _back(request: Request, said: Words) -> Response:
    browser, given = request.cookies.get(COOKIE, ""), dict(request.query_params)
    said = words(browser.partition(".")[0])

    def work() -> tuple[str, str]:
        claims, onward = _sign_ins().finish(browser, given)
        return enter(open_store(), claims, agent_of(request)), onward

    try:
        token, onward = await run_in_threadpool(work)
    except Forbidden as error:
        answer = await run_in_threadpool(sign_in_sheet, said, "/", wrong(error, said), status=403)
    else:
        answer = await signed_in(request, token, onward)
    answer.delete_cookie(COOKIE, path="/sign-in/oidc")
    return answer


def routes() -> list[BaseRoute]:
    """The addresses of signing in by another service."""
    return [Route("/sign-in/oidc", _begin, methods=["GET"]), Route("/sign-in/oidc/back", _back, methods=["GET"])]
