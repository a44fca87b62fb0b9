"""The addresses of live video: a right to look, the stream by WebSocket, single pictures, a picture to take away, states.

    POST /live/token/CAMERA      {"reason"} -> {"token"}        a right to open this camera's picture once, within a minute
    WS   /live/stream/CAMERA     first message: the token; then a configuration, states (JSON) and frames (binary)
    GET  /live/mjpeg/CAMERA      ?token=     JPEG after JPEG, for an <img>
    GET  /live/still/CAMERA      ?token=     one JPEG with place and time below it; its SHA-256 in a header
    GET  /live/status[/CAMERA]   states

A frame is 24 bytes of header (`live.feeds.HEADER`) and the encoded picture. Every view is told to the caller's `audit` when it begins and when it
ends; where that fails nobody looks. No answer holds an address or a password of a camera.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from live.feeds import Frame, write_jpeg
from live.hub import Hub, Viewer
from live.nal import Config
from live.stamp import place_line, stamped, time_line
from live.tokens import Tokens
from live.watch import State
from planning.access import Actor, actor_of
from planning.errors import ChaukasError, FeedError, Forbidden, InputError

NEVER = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_EDGE = b"chaukas-picture"
_WAIT_TOKEN_S = 5.0
_REFUSED, _UNKNOWN = 4403, 4404  # codes a WebSocket is closed with
May = Callable[[Actor, str, str | None], bool]
# actor, camera, began, ended (None when it begins), why; times in seconds since 1970
Audit = Callable[[Actor, str, float, float | None, str], None]


class Live(Protocol):
    """What the routes stand on."""

    hub: Hub
    tokens: Tokens
    audit: Audit
    may: May

    def now(self) -> float:
        """Seconds since 1970."""


def say_state(camera: str, state: State, now: float, hub: Hub) -> dict[str, Any]:
    """A state as the browser reads it; times in seconds since 1970, `age_s` since the last frame."""
    return {
        "kind": "state", "camera": camera, "state": state.name, "since_s": state.since_s, "seen_s": state.seen_s, "code": state.code,
        "pulled": state.pulled, "age_s": None if state.seen_s is None else round(max(0.0, now - state.seen_s), 3), "now_s": now,
        "masked": bool(hub.cameras()[camera].feed.mask) if camera in hub.cameras() else False,
    }  # fmt: skip


def say_config(config: Config, masked: bool) -> dict[str, Any]:
    """A configuration as the browser reads it."""
    return {
        "kind": "config", "codec": config.codec, "string": config.string, "width": config.width, "height": config.height,
        "description": base64.b64encode(config.description).decode(), "masked": masked,
    }  # fmt: skip


def require_ours(request: Request) -> None:
    """Let pass only what a page of this app asks for. Raises Forbidden."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden.one("token.site", "Another site asked for this", "Open the camera from our own page")


class _Desk:
    """The handlers, with what they stand on."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def _allowed(self, actor: Actor, camera: str) -> None:
        """Let pass only who may look at a camera there is. Raises Forbidden, FeedError."""
        if not self._live.may(actor, "live.view", camera):
            raise Forbidden.one("access.forbidden", "You have no right to do this", "Ask for the right to this camera", f"live.view {camera}")
        self._live.hub.state(camera)

    async def token(self, request: Request) -> Response:
        """A right to look, for who may."""
        camera, actor = request.path_params["camera"], actor_of(request.scope)
        require_ours(request)
        self._allowed(actor, camera)
        body = (await request.body())[:4096]
        try:
            reason = str(json.loads(body or b"{}").get("reason", ""))
        except (ValueError, AttributeError):
            reason = ""
        token = self._live.tokens.give(actor, camera, reason)
        return JSONResponse({"token": token, "masked": bool(self._live.hub.cameras()[camera].feed.mask)}, headers=NEVER)

    async def status(self, request: Request) -> Response:
        """States of every camera, or of one."""
        actor, hub, now = actor_of(request.scope), self._live.hub, self._live.now()
        wanted = request.path_params.get("camera")
        if not self._live.may(actor, "live.read", wanted):
            raise Forbidden.one("access.forbidden", "You have no right to do this", "Ask an operator", "live.read")
        if wanted is not None:
            return JSONResponse(say_state(wanted, hub.state(wanted), now, hub), headers=NEVER)
        said = {camera: say_state(camera, state, now, hub) for camera, state in hub.states().items()}
        return JSONResponse({"now_s": now, "cameras": said}, headers=NEVER)

    async def still(self, request: Request) -> Response:
        """A picture to take away."""
        camera, actor = request.path_params["camera"], actor_of(request.scope)
        why = self._enter(request, actor, camera)
        async with self._noted(actor, camera, why):
            times = self._live.hub.settings.times
            found = await self._live.hub.still(camera, times.open_s + times.read_s)
        if found is None:
            raise FeedError.one("feed.offline", "The camera gives no picture now", "Try again later", camera)
        picture, wall = found
        deployment = self._live.hub.cameras()[camera]
        masked = ("*",) if deployment.feed.mask else ()
        lines = (" · ".join(filter(None, (deployment.title, camera, *masked))), f"{time_line(wall)} · {place_line(deployment.lat, deployment.lon)}")
        jpeg = await asyncio.to_thread(lambda: write_jpeg(stamped(picture, lines), quality=92))
        name = f"{camera.replace(':', '-')}-{int(wall)}.jpg"
        headers = {
            **NEVER, "X-Content-SHA256": hashlib.sha256(jpeg).hexdigest(), "X-Received": time_line(wall), "Content-Encoding": "identity",
            "X-Masked": "1" if masked else "0", "Content-Disposition": f'inline; filename="{name}"',
        }  # fmt: skip
        return Response(jpeg, media_type="image/jpeg", headers=headers)

    async def mjpeg(self, request: Request) -> Response:
        """Pictures without end, for an <img>; the row ends when the camera is lost, so that nothing old stays on."""
        camera, actor = request.path_params["camera"], actor_of(request.scope)
        why = self._enter(request, actor, camera)

        async def parts() -> AsyncIterator[bytes]:
            async with self._noted(actor, camera, why), self._live.hub.view(camera, jpeg=True) as viewer, self._rechecked(actor, camera, viewer):
                shown = False
                async for told in viewer:
                    if isinstance(told, Frame):
                        shown = True
                        head = b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (_EDGE, len(told.data))
                        yield head + told.data + b"\r\n"
                    elif isinstance(told, State) and told.name != "live" and (shown or told.code):
                        return

        headers = {**NEVER, "Content-Encoding": "identity"}
        return StreamingResponse(parts(), media_type=f"multipart/x-mixed-replace; boundary={_EDGE.decode()}", headers=headers)

    async def stream(self, socket: WebSocket, send: Send) -> None:
        """The stream, for a player. `send`: what the socket itself sends by; frames go that way, as the socket asks more of each message."""
        camera, actor = socket.path_params["camera"], actor_of(socket.scope)
        origin = socket.headers.get("origin")
        await socket.accept()
        try:
            if origin is not None and urlsplit(origin).netloc != socket.headers.get("host"):
                raise Forbidden.one("token.site", "Another site asked for this", "Open the camera from our own page")
            async with asyncio.timeout(_WAIT_TOKEN_S):
                token = await socket.receive_text()
            self._allowed(actor, camera)
            why = self._live.tokens.take(token, actor, camera)
            jpeg = socket.query_params.get("as") == "jpeg"
            async with self._noted(actor, camera, why), self._live.hub.view(camera, jpeg=jpeg) as viewer, self._rechecked(actor, camera, viewer):
                await self._serve(socket, send, camera, viewer)
            await socket.close(_REFUSED if viewer.closed else 1000)
        except (WebSocketDisconnect, TimeoutError, KeyError):
            return
        except ChaukasError as error:
            await _close(socket, error)

    async def _serve(self, socket: WebSocket, send: Send, camera: str, viewer: Viewer) -> None:
        """Send until either side ends."""
        sending = asyncio.ensure_future(self._send(socket, send, camera, viewer))
        listening = asyncio.ensure_future(_until_gone(socket))
        try:
            await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, listening):
                task.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)
        if not listening.cancelled() or (not sending.cancelled() and isinstance(sending.exception(), OSError)):
            raise WebSocketDisconnect

    async def _send(self, socket: WebSocket, send: Send, camera: str, viewer: Viewer) -> None:
        hub = self._live.hub
        async for told in viewer:
            if isinstance(told, Frame):
                await send({"type": "websocket.send", "bytes": told.message})
            elif isinstance(told, Config):
                await socket.send_text(json.dumps(say_config(told, bool(hub.cameras()[camera].feed.mask))))
            else:
                await socket.send_text(json.dumps(say_state(camera, told, self._live.now(), hub)))

    def _enter(self, request: Request, actor: Actor, camera: str) -> str:
        """The reason of a view whose token is in the query. Raises Forbidden, FeedError."""
        self._allowed(actor, camera)
        return self._live.tokens.take(request.query_params.get("token", ""), actor, camera)

    @asynccontextmanager
    async def _noted(self, actor: Actor, camera: str, why: str) -> AsyncIterator[None]:
        """A view, told when it begins and when it ends."""
        began = self._live.now()
        await asyncio.to_thread(self._live.audit, actor, camera, began, None, why)
        try:
            yield
        finally:
            await asyncio.shield(asyncio.to_thread(self._live.audit, actor, camera, began, self._live.now(), why))

    @asynccontextmanager
    async def _rechecked(self, actor: Actor, camera: str, viewer: Viewer) -> AsyncIterator[None]:
        """A view that ends when its right is taken away."""

        async def check() -> None:
            while True:
                await asyncio.sleep(self._live.hub.settings.times.recheck_s)
                if not await asyncio.to_thread(self._live.may, actor, "live.view", camera):
                    viewer.close()
                    return

        task = asyncio.create_task(check())
        try:
            yield
        finally:
            task.cancel()


class _Stream:
    """The stream's address as an application of its own."""

    def __init__(self, desk: _Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._desk.stream(WebSocket(scope, receive, send), send)


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        continue


async def _close(socket: WebSocket, error: ChaukasError) -> None:
    await socket.send_text(json.dumps({"kind": "end", "code": error.code}))
    await socket.close(_REFUSED if isinstance(error, Forbidden) else _UNKNOWN)


def told(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The handler, with what it refuses told as faults."""

    async def answer(request: Request) -> Response:
        try:
            return await work(request)
        except Forbidden as error:
            return _faults(error, 403)
        except ChaukasError as error:
            return _faults(error, 404 if error.code == "live.unknown" else 400 if isinstance(error, InputError) else 503)

    return answer


def _faults(error: ChaukasError, status: int) -> Response:
    faults = [{"code": fault.code, "what": fault.what, "way_out": fault.way_out} for fault in error.faults]
    return JSONResponse({"faults": faults}, status_code=status, headers=NEVER)


def routes(live: Live) -> list[BaseRoute]:
    """All addresses of live video."""
    desk = _Desk(live)
    return [
        Route("/live/token/{camera}", told(desk.token), methods=["POST"]),
        Route("/live/status", told(desk.status)),
        Route("/live/status/{camera}", told(desk.status)),
        Route("/live/still/{camera}", told(desk.still)),
        Route("/live/mjpeg/{camera}", told(desk.mjpeg)),
        WebSocketRoute("/live/stream/{camera}", _Stream(desk)),
    ]
