"""The addresses by which cameras are steered.

    GET  /live/aim/CAMERA      where it looks (null where it does not tell), who steers it, whether who asks may; ?presets=1: the places it keeps
    POST /live/steer/CAMERA    {"do": "move", "pan", "tilt", "zoom"} | {"do": "stop"} | {"do": "go", "preset"} | {"do": "let_go"}

A movement lasts a second unless it is sent again. No answer holds an address or a password of a camera.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from live.hub import Hub
from live.routes import NEVER, May, require_ours, told
from live.steering import Seen, Steering, bearing_of
from planning.access import Actor, actor_of
from planning.errors import FeedError, Forbidden, InputError

_LARGEST = 2000  # bytes of a command


class Steered(Protocol):
    """What the routes stand on."""

    hub: Hub
    steering: Steering
    may: May

    def now(self) -> float:
        """Seconds since 1970."""


class _Desk:
    """The handlers, with what they stand on."""

    def __init__(self, live: Steered) -> None:
        self._live = live

    async def aim(self, request: Request) -> Response:
        """Where a camera looks."""
        camera, actor = request.path_params["camera"], actor_of(request.scope)
        await self._allowed(actor, "live.read", camera)
        said: dict[str, Any] = {}
        if "presets" in request.query_params:
            said["presets"] = [[one.token, one.name] for one in await self._live.steering.presets(camera)]
        try:
            seen = await self._live.steering.look(camera)
        except FeedError as error:
            if error.code != "onvif.position":
                raise
            seen = None  # it can be steered all the same
            said["aim"] = None
        may = await asyncio.to_thread(self._live.may, actor, "live.steer", camera)
        return self._say(actor, camera, seen, {**said, "may": may})

    async def steer(self, request: Request) -> Response:
        """A command."""
        camera, actor = request.path_params["camera"], actor_of(request.scope)
        require_ours(request)
        await self._allowed(actor, "live.steer", camera)
        said, steering = await _read(request), self._live.steering
        if said.get("do") == "move":
            await steering.move(actor, camera, *(_number(said.get(name, 0)) for name in ("pan", "tilt", "zoom")))
        elif said.get("do") == "stop":
            await steering.stop(actor, camera)
        elif said.get("do") == "go":
            await steering.go(actor, camera, str(said.get("preset", ""))[:200])
        elif said.get("do") == "let_go":
            steering.let_go(actor, camera)
        else:
            raise _no_command(said.get("do", ""))
        return self._say(actor, camera, None, {"may": True})

    async def _allowed(self, actor: Actor, action: str, camera: str) -> None:
        if not await asyncio.to_thread(self._live.may, actor, action, camera):
            raise Forbidden.one("access.forbidden", "You have no right to do this", "Ask for the right to this camera", f"{action} {camera}")
        self._live.hub.state(camera)

    def _say(self, actor: Actor, camera: str, seen: Seen | None, more: dict[str, Any]) -> Response:
        holder, now = self._live.steering.holder(camera), self._live.now()
        held = None if holder is None else {"name": holder.name, "mine": holder.id == actor.id, "left_s": round(holder.until_s - now, 1)}
        said: dict[str, Any] = {"camera": camera, "holder": held, **more}
        if seen is not None:
            aim = seen.aim
            said["aim"] = {"pan": round(aim.pan_deg, 1), "tilt": round(aim.tilt_deg, 1), "zoom": round(aim.zoom, 3), "moving": aim.moving}
            said |= {"bearing": bearing_of(self._live.hub.cameras()[camera], aim), "age_s": round(max(0.0, now - seen.at_s), 2)}
        return JSONResponse(said, headers=NEVER)


def _no_command(value: object) -> InputError:
    return InputError.one("steer.form", "This is no command to a camera", "Steer it from the Operate screen", value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _no_command(value)
    return float(value)


async def _read(request: Request) -> dict[str, Any]:
    """The command sent, a small object of JSON. Raises InputError."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST:
            raise _no_command(f"{len(body)} bytes")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    # A page of another host may send a form, never JSON.
    if not isinstance(said, dict) or request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise _no_command(request.headers.get("content-type", ""))
    return said


def routes(live: Steered) -> list[BaseRoute]:
    """All addresses of steering."""
    desk = _Desk(live)
    return [Route("/live/aim/{camera}", told(desk.aim)), Route("/live/steer/{camera}", told(desk.steer), methods=["POST"])]
