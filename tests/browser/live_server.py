"""Serves live video with the player on a page: python live_server.py PORT CAMERAS, the cameras as JSON. Whoever asks is an operator."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

PAGE = """<!doctype html><meta charset="utf-8"><title>Live</title><body style="margin:0;width:640px"><div id="host"></div>
<script type="module">
import { play, wall } from '/component/player.js';
Object.assign(window, { play, wall, host: document.getElementById('host') });
</script>"""

if __name__ == "__main__":
    import uvicorn
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
    from starlette.routing import Route

    from benchmarks._live_server import Operator
    from live.service import start
    from live.settings import load_settings
    from planning.deployed import Deployment, Feed
    from screens.middleware import StayHome
    from screens.routes import ASSETS

    settings = load_settings()
    settings = replace(settings, times=replace(settings.times, idle_s=2.0), limits=replace(settings.limits, held_open=0))
    mask = (((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)
    cameras = {
        name: Deployment(name, "toy", name, 22.09, 82.15, 0.0, 6.0, "m", Feed("rtsp", url, mask if name == "masked" else ()))
        for name, url in json.loads(sys.argv[2]).items()
    }
    views: list[list[object]] = []
    service = start(cameras, audit=lambda actor, *told: views.append([actor.id, *told]), settings=settings, demo=True)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        """Run the service."""
        async with service.running():
            yield

    def component(request: Request) -> Response:
        """One of the player's scripts, or its type face."""
        return FileResponse(ASSETS[request.path_params["name"]][0], media_type=ASSETS[request.path_params["name"]][1])

    routes = [
        *service.routes(), Route("/", lambda _: HTMLResponse(PAGE)), Route("/component/{name}", component),
        Route("/views", lambda _: JSONResponse(views)), Route("/_stcore/health", lambda _: Response("ok")),
        Route("/favicon.ico", lambda _: Response()),
    ]  # fmt: skip
    app = Starlette(routes=routes, middleware=[Middleware(StayHome), Middleware(Operator)], lifespan=lifespan)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", ws_per_message_deflate=False, timeout_graceful_shutdown=2)
