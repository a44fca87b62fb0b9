"""The gate: one middleware that every request and every WebSocket passes before anything else of the app.

    cookie -> session -> actor;  address -> right (data/doors.toml);  may the actor?  -> on to the app, with the actor in scope["chaukas.actor"]

What changes something must come from a page of this host (its Origin says so). The session's cookie goes no further than here: the app is handed the
session, and scripts its id. A WebSocket whose session ended, or whose account's rights changed, is closed within a second.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from re import Pattern
from typing import TypeVar
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from planning.access import PUBLIC, actions, may
from planning.accounts import anybody
from planning.datafile import DATA, Table, read_tables, refuse
from planning.errors import ChaukasError, Fault, Forbidden
from planning.sessions import Session, digest, sessions_of
from planning.store import Store, open_store
from screens.who import HEADER
from screens.words import LANGUAGES, words

OPEN, SIGNED_IN, CLOSED = "open", "signed_in", "closed"
_FRESH_S = 0.25  # a session looked up this long ago need not be looked up again; a second is what may pass after its end
_LOOK_S = 0.15  # between looks after the sessions of open sockets
_OUT = "\n".join(words(language).say("gate.out") for language in LANGUAGES)
_PACE_S = 0.05  # between two new pages that begin to be drawn: a hundred at once would leave the server no turn for anything else
_PAGES = "/_stcore/stream"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_GONE = 4401  # close code of a WebSocket whose session ended

T = TypeVar("T")


@dataclass(frozen=True)
class Door:
    """One address as a pattern, and the right it asks for."""

    path: str
    right: str
    pattern: Pattern[str]


def load_doors(path: str | Path = DATA / "doors.toml") -> tuple[Door, ...]:
    """The doors, those with most letters of their own first, so that the closest fits first.

    Raises
    ------
    InputError: every fault of the file: a right that no role knows, an address told twice.
    """
    data, faults = read_tables(path)
    found: dict[str, Door] = {}
    for right, content in data.items():
        table = Table(right, content, faults)
        if right not in {OPEN, SIGNED_IN, CLOSED} | actions():
            table.fault("door.right", "this is no right of data/roles.toml", right)
        for address in table.texts("paths"):
            if address in found:
                table.fault("door.twice", "this address is told twice", address)
            found[address] = Door(address, right, compile_path(address)[0])
        table.close()
    refuse(faults, found, path)
    return tuple(sorted(found.values(), key=lambda door: (-len(door.path.split("{")[0]), door.path.count("{"), door.path)))


@lru_cache(maxsize=1)
def doors() -> tuple[Door, ...]:
    """The house's doors, read once."""
    return load_doors()


def right_of(path: str) -> str:
    """The right an address asks for; `closed` where there is no door."""
    return next((door.right for door in doors() if door.pattern.match(path)), CLOSED)


def cookie_name(secure: bool) -> str:
    """The name of the session's cookie: under https one that only this very host can set."""
    return "__Host-chaukas" if secure else "chaukas"


def is_secure(scope: Scope) -> bool:
    """Whether the request came over https (or a proxy that is trusted says so)."""
    return scope.get("scheme") in {"https", "wss"}


def set_session(answer: Response, scope: Scope, token: str) -> Response:
    """The answer with the session's cookie; an empty token takes it away."""
    secure = is_secure(scope)
    answer.set_cookie(cookie_name(secure), token, path="/", secure=secure, httponly=True, samesite="lax", max_age=None if token else 0)
    return answer


def session_in(scope: Scope) -> Session | None:
    """The session the gate found."""
    found = scope.get("chaukas.session")
    return found if isinstance(found, Session) else None


class Gate:
    """Middleware: lets pass what the actor may, and nothing else."""

    def __init__(self, app: ASGIApp, store: Callable[[], Store] = open_store) -> None:
        self._app, self._store = app, store
        self._kept: dict[str, tuple[float, Session | None]] = {}
        self._watched: dict[asyncio.Event, Session] = {}
        self._watcher: asyncio.Task[None] | None = None
        self._anybody = False
        self._next_page = 0.0
        # Threads of its own: requests that keep the server's busy must not put off the end of a session.
        self._threads = ThreadPoolExecutor(2, "gate")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer why not."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        try:
            session = await self._session(scope)
            refusal = None if is_local(scope) else await self._nobody_yet()
        except ChaukasError as error:
            await _answer(scope, receive, send, JSONResponse(_told(error), 503))
            return
        refusal = refusal or _refusal(scope, session)
        if refusal is not None:
            await _answer(scope, receive, send, refusal)
            return
        inner = _handed_on(scope, session)
        if scope["type"] == "websocket":
            await self._socket(inner, receive, send, session)
        else:
            await self._request(inner, receive, send, session)

    async def _request(self, scope: Scope, receive: Receive, send: Send, session: Session | None) -> None:
        gated = right_of(_path(scope)) != OPEN

        async def passed(message: Message) -> None:
            if message["type"] == "http.response.start" and gated:
                message = {**message, "headers": _kept_private(message)}
            elif session is not None and message.get("more_body") and not await self._still(session):
                raise OSError("the session ended")  # a stream is cut off where it stands
            await send(message)

        await self._app(scope, receive, passed)

    async def _socket(self, scope: Scope, receive: Receive, send: Send, session: Session | None) -> None:
        gone = asyncio.Event()
        if session is not None:
            self._watch(gone, session)
        fresh = _path(scope) == _PAGES

        async def received() -> Message:
            nonlocal fresh
            coming, ended = asyncio.ensure_future(receive()), asyncio.ensure_future(gone.wait())
            try:
                await asyncio.wait({coming, ended}, return_when=asyncio.FIRST_COMPLETED)
                if fresh and coming.done() and coming.result()["type"] == "websocket.receive":
                    fresh = False
                    await asyncio.wait({ended}, timeout=self._turn())
                if gone.is_set():
                    return {"type": "websocket.disconnect", "code": _GONE, "reason": "the session ended"}
                return coming.result()
            finally:
                for task in (coming, ended):
                    task.cancel()

        async def passed(message: Message) -> None:
            if gone.is_set():
                raise OSError("the session ended")
            await send(message)

        closing = asyncio.ensure_future(_close_when(gone, send))
        try:
            await self._app(scope, received, passed)
        finally:
            closing.cancel()
            self._watched.pop(gone, None)

    def _turn(self) -> float:
        """Seconds until a new page may begin to be drawn."""
        moment = time.monotonic()
        mine = max(moment, self._next_page)
        self._next_page = mine + _PACE_S
        return mine - moment

    def _watch(self, gone: asyncio.Event, session: Session) -> None:
        self._watched[gone] = session
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.ensure_future(self._look_after())

    async def _look_after(self) -> None:
        """Look after all open sockets together; where the store cannot be asked, none stays open."""
        while self._watched:
            await asyncio.sleep(_LOOK_S)
            asked = dict(self._watched)
            try:
                found = await self._found({session.id for session in asked.values()})
            except ChaukasError:
                found = {}
            for gone, session in asked.items():
                if session.id not in found or found[session.id].actor != session.actor:
                    gone.set()
                    self._watched.pop(gone, None)

    async def _session(self, scope: Scope) -> Session | None:
        header = Headers(scope=scope).get("cookie", "")
        token = cookie_parser(header).get(cookie_name(is_secure(scope)), "")
        return await self._fresh(digest(token)) if token else None

    async def _still(self, session: Session) -> bool:
        found = await self._fresh(session.id)
        return found is not None and found.actor == session.actor

    async def _fresh(self, session_id: str) -> Session | None:
        moment = time.monotonic()
        kept = self._kept.get(session_id)
        if kept is None or moment - kept[0] > _FRESH_S:
            found = (await self._found({session_id})).get(session_id)
            self._kept = {key: value for key, value in self._kept.items() if moment - value[0] <= _FRESH_S}
            kept = self._kept[session_id] = (moment, found)
        return kept[1]

    async def _found(self, ids: set[str]) -> Mapping[str, Session]:
        return await self._threaded(lambda: sessions_of(self._store(), ids))

    async def _nobody_yet(self) -> Response | None:
        """A refusal while nobody has a password and the request came over the network."""
        self._anybody = self._anybody or await self._threaded(lambda: anybody(self._store()))
        if self._anybody:
            return None
        what, way_out = "Nobody has set a password yet, so only this machine itself is answered", "On it, open the link that chaukas app prints"
        return JSONResponse(_told(Forbidden.one("gate.open", what, way_out)), 503)

    async def _threaded(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def is_local(scope: Scope) -> bool:
    """Whether a request came in at this machine's own address, which nobody else can reach."""
    host, port = scope.get("server") or (None, 0)
    if port is None:
        return True  # a socket in the file system, which has rights of its own
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _path(scope: Scope) -> str:
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root) else path


def _refusal(scope: Scope, session: Session | None) -> Response | None:
    """Why a request may not pass; None where it may."""
    right = right_of(_path(scope))
    if right == CLOSED:
        return JSONResponse(_told(Forbidden.one("gate.none", "There is nothing at this address", "Go to the first page")), 404)
    if (scope["type"] == "websocket" or scope["method"] not in _SAFE) and not _is_ours(scope):
        what = "This did not come from a page of this app"
        return JSONResponse(_told(Forbidden.one("gate.origin", what, "Open the app at its own address, then try again")), 403)
    if right == OPEN or (right == SIGNED_IN and session is not None):
        return None
    if right != SIGNED_IN and may(session.actor if session is not None else PUBLIC, right):
        return None
    if session is None and scope["type"] == "http" and scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", ""):
        back = _path(scope) + ("?" + scope["query_string"].decode("latin-1") if scope.get("query_string") else "")
        return RedirectResponse("/sign-in?next=" + quote(back, safe=""), 303)
    if session is None and _path(scope).startswith("/_stcore/"):
        return PlainTextResponse(_OUT, 401)  # Streamlit shows it as it stands over a page whose session ended
    if session is None:
        return JSONResponse(_told(Forbidden.one("gate.nobody", "You are not signed in", "Sign in at /sign-in")), 401)
    return JSONResponse(_told(Forbidden.one("access.forbidden", "You have no right to do this", "Ask an administrator", right)), 403)


def _is_ours(scope: Scope) -> bool:
    """Whether a request says that it came from a page of this host: by its Origin, else its Referer; one that says neither did not."""
    headers = Headers(scope=scope)
    said = urlsplit(headers.get("origin") or headers.get("referer") or "")
    return said.scheme == ("https" if is_secure(scope) else "http") and bool(said.netloc) and said.netloc == headers.get("host")


def _handed_on(scope: Scope, session: Session | None) -> Scope:
    """The request as the app sees it: without the session's cookie, with its id in a header that nobody outside can set, and with the actor."""
    names = {cookie_name(True), cookie_name(False)}

    def others(cookies: bytes) -> bytes:
        return ";".join(part for part in cookies.decode("latin-1").split(";") if part.split("=")[0].strip() not in names).strip().encode("latin-1")

    given = [(name, value) for name, value in scope["headers"] if name != HEADER.encode()]
    headers = [(name, others(value) if name == b"cookie" else value) for name, value in given]
    if session is not None:
        headers.append((HEADER.encode(), session.id.encode()))
    return {**scope, "headers": headers, "chaukas.session": session, "chaukas.actor": session.actor if session is not None else PUBLIC}


def _kept_private(message: Message) -> list[tuple[bytes, bytes]]:
    """The headers of what not everybody may have: kept by one's own browser at most, and only where the answer allows it."""
    headers = MutableHeaders(raw=list(message.get("headers", [])))
    kept = headers.get("cache-control")
    headers["cache-control"] = "no-store" if kept is None else kept.replace("public", "private")
    return headers.raw


def _told(error: ChaukasError) -> dict[str, list[dict[str, str]]]:
    def words(fault: Fault) -> dict[str, str]:
        return {"code": fault.code, "what": fault.what, "way_out": fault.way_out}

    return {"faults": [words(fault) for fault in error.faults]}


async def _answer(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _GONE, "reason": ""})
        return
    answer.headers["cache-control"] = "no-store"
    await answer(scope, receive, send)


async def _close_when(gone: asyncio.Event, send: Send) -> None:
    await gone.wait()
    await send({"type": "websocket.close", "code": _GONE, "reason": "the session ended"})
