"""Forms of plain pages: what they send, read up to a few kilobytes; what is refused, told as a page; and where one may go on to."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from planning.errors import ChaukasError, Forbidden, InputError
from planning.oidc import service
from planning.sessions import Session, is_form_of
from screens.gate import session_in
from screens.sheet import anchor, page, section, text
from screens.words import Words, words

_LARGEST = 16_384  # bytes of a form
_INSIDE = re.compile(r"/(?![/\\])[^\\\x00-\x1f\x7f]{0,2000}")

Answerer = Callable[[Request, Words], Awaitable[Response]]
Fields = dict[str, list[str]]


def inside(address: str) -> str:
    """An address to go on to, if it is one of this app; the first page else."""
    return address if _INSIDE.fullmatch(address) else "/"


def door(work: Answerer) -> Callable[[Request], Awaitable[Response]]:
    """The handler with the words of the visitor's language, and what it refuses told as a page."""

    @wraps(work)
    async def answer(request: Request) -> Response:
        said = words(request.query_params.get("lang") or _language(request.query_params.get("next", "")))
        try:
            return await work(request, said)
        except ChaukasError as error:
            status = 403 if isinstance(error, Forbidden) else 400
            home = section(anchor("/", said.say("gate.home")))
            return page(said, said.say("gate.refused"), wrong(error, said), home, at="/sign-in", status=status)

    return answer


def _language(address: str) -> str:
    return parse_qs(urlsplit(address).query).get("lang", ["hi"])[0]


def wrong(error: ChaukasError, said: Words) -> str:
    """What was refused, as a box."""
    return section(*(text(said.fault(fault)) for fault in error.faults), kind="wrong")


async def read_form(request: Request, *, token: bool = True) -> Fields:
    """What a form says.

    Raises
    ------
    InputError: it is no form, or too large. Forbidden: it does not carry the session's token.
    """
    body = bytearray()
    async for chunk in request.stream():
        body.extend(chunk)
        if len(body) > _LARGEST:
            raise InputError.one("form.large", "The form is too large", "Write less", len(body))
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise InputError.one("form.unreadable", "This is no form of ours", "Reload the page, then try again") from None
    if token and not is_form_of(session_asked(request), one(found, "csrf")):
        raise Forbidden.one("form.token", "The form does not belong to this sign-in", "Reload the page, then try again")
    return found


def one(fields: Fields, name: str) -> str:
    """The first value of a field; empty where there is none."""
    return fields.get(name, [""])[0]


def session_asked(request: Request) -> Session:
    """The session the request came with.

    Raises
    ------
    Forbidden: `gate.nobody`.
    """
    session = session_in(request.scope)
    if session is None:
        raise Forbidden.one("gate.nobody", "You are not signed in", "Sign in at /sign-in")
    return session


def agent_of(request: Request) -> str:
    """What the browser says it is."""
    return " ".join(request.headers.get("user-agent", "").split())


def offer(said: Words, back: str) -> str:
    """The way to sign in by another service, where one is set up."""
    try:
        found = service()
    except ChaukasError as error:
        return wrong(error, said)
    if found is None:
        return ""
    return section(anchor(f"/sign-in/oidc?next={quote(back, safe='')}&lang={said.language}", said.say("oidc.enter", title=found.title)))
