"""Live video in a process of its own, to be measured: `python -m benchmarks._live_server PORT RTSP-PORT COUNT HELD [NAME=URL...]`.

COUNT cameras, cam0 and on, each a mount of the simulated cameras at RTSP-PORT, and those named; HELD of them are held open. The page at /
plays what its address asks for; at /password a camera's password is entered.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from live.secrets import Credentials, Sealer
from live.service import start
from live.settings import load_settings
from planning.access import Actor
from planning.datafile import DATA
from planning.deployed import Deployment, Feed

PAGE = """<!doctype html><meta charset="utf-8"><title>Live</title><body style="margin:0"><div id="host"></div>
<script type="module">
import { play, wall } from '/component/player.js';
window.play = (camera, only) => { window.one?.close(); window.one = play(document.getElementById('host'), { camera, only }); };
window.wall = (names) => { window.one = wall(document.getElementById('host'), names.map((camera) => ({ camera }))); };
window.ready = true;
</script>"""


class Operator:
    """Middleware: whoever asks is an operator, as the gate would write it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] in {"http", "websocket"}:
            scope["chaukas.actor"] = Actor("operator", "Operator", ("operator",))
        await self._app(scope, receive, send)


class _Vault(dict[str, bytes]):
    """Seals in memory."""

    def put(self, deployment: str, token: bytes) -> None:
        """Keep a seal."""
        self[deployment] = token


def _page(_: Request) -> Response:
    return HTMLResponse(PAGE)


def _component(request: Request) -> Response:
    return FileResponse(DATA.parent / "screens" / "component" / str(request.path_params["name"]), media_type="text/javascript")


def main(port: int, rtsp: int, count: int, held: int, *named: str) -> None:
    """Serve until stopped."""
    settings = load_settings()
    settings = replace(settings, limits=replace(settings.limits, held_open=held), times=replace(settings.times, idle_s=1.0, look_every_s=3600.0))
    urls = {f"cam{number}": f"rtsp://127.0.0.1:{rtsp}/cam{number}" for number in range(count)} | dict(one.split("=", 1) for one in named)
    deployments = {
        name: Deployment(name, "bilaspur", f"Camera {name}", 22.09, 82.15, 0.0, 6.0, "bullet-4mp", Feed("rtsp", url)) for name, url in urls.items()
    }
    vault, sealer = _Vault(), Sealer(secrets.token_bytes(32))
    service = start(deployments, audit=lambda *_: None, settings=settings, demo=True, vault=vault, sealer=lambda: sealer)

    async def enter(request: Request) -> Response:
        told = await request.json()
        vault.put(told["camera"], sealer.seal(told["camera"], Credentials(told["user"], told["password"])))
        service.hub.retry(told["camera"])
        return Response()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    routes = [*service.routes(), Route("/", _page), Route("/component/{name}", _component), Route("/password", enter, methods=["POST"])]
    app = Starlette(routes=routes, middleware=[Middleware(Operator)], lifespan=lifespan)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", ws_per_message_deflate=False, timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
