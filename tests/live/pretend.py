"""Cameras that are not there: sources fed by the test, a clock that is set by hand, and an application around a service."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
import warnings
from collections.abc import AsyncIterator, Iterator

import numpy as np
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from live import feeds
from live.feeds import Frame, frame_of, write_jpeg
from live.nal import Config
from live.secrets import Credentials
from live.service import Service
from planning.access import PUBLIC, Actor
from planning.deployed import Deployment, Feed
from planning.errors import FeedError

JPEG = Config("jpeg", "jpeg", 64, 48)
H264 = Config("h264", "avc1.42c01f", 64, 48, b"\x01")
with warnings.catch_warnings():
    # It asks for a package that is not pinned; the one that is serves as well.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["TestClient"]
OPERATOR = Actor("anna", "Anna", ("operator",))


def deployment(camera: str, *, mask: tuple[tuple[tuple[float, float], ...], ...] = (), url: str = "rtsp://10.0.0.1/one") -> Deployment:
    """A camera at a made place."""
    return Deployment(camera, "toy", f"नेहरू चौक {camera}", 22.09, 82.15, 0.0, 6.0, "bullet-4mp", Feed("rtsp", url, mask))


def frame(number: int, *, key: bool = False, wall_s: float | None = None, data: bytes = b"data") -> Frame:
    """A frame of a made stream, 15 a second."""
    return frame_of(data, key=key, number=number, stamp_us=number * 66_667, wall_s=time.time() if wall_s is None else wall_s)


def jpeg(shade: int) -> bytes:
    """A plain picture of 64 x 48."""
    return write_jpeg(np.full((48, 64, 3), shade, dtype=np.uint8), quality=95)


class Source(feeds.Source):
    """A source that gives what the test puts in: configurations, frames, and an error that ends it."""

    def __init__(self) -> None:
        self.put: queue.SimpleQueue[Config | Frame | FeedError | None] = queue.SimpleQueue()
        self.closed = False

    def __iter__(self) -> Iterator[Config | Frame]:
        while (heard := self.put.get()) is not None:
            if isinstance(heard, FeedError):
                raise heard
            yield heard

    def close(self) -> None:
        """End it."""
        self.closed = True
        self.put.put(None)


class Opener:
    """Opens sources, and keeps them for the test; `refuse` is raised instead while it is set."""

    def __init__(self) -> None:
        self.sources: dict[str, list[Source]] = {}
        self.asked: list[Credentials | None] = []
        self.refuse: FeedError | None = None

    def __call__(self, feed: Feed, credentials: Credentials | None) -> Source:
        self.asked.append(credentials)
        if self.refuse is not None:
            raise self.refuse
        made = Source()
        self.sources.setdefault(feed.url, []).append(made)
        return made

    def last(self, url: str = "rtsp://10.0.0.1/one") -> Source:
        """The newest source of an address."""
        return self.sources[url][-1]


class Clock:
    """The machine's time moved by the test; waits end at once, and are kept."""

    def __init__(self) -> None:
        self.ahead, self.waits = 0.0, list[float]()

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.ahead

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Keep the wait; a moment passes so that nothing spins."""
        self.waits.append(seconds)
        return stop.wait(0.005)


async def until(true: object, seconds: float = 8.0) -> None:
    """Wait until a function without arguments says yes; AssertionError where it never does."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.01)


def application(service: Service, actors: dict[str, Actor]) -> Starlette:
    """An application whose gate takes the actor's name from a header, or from the query."""

    class Gate:
        def __init__(self, app: ASGIApp) -> None:
            self._app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] in {"http", "websocket"}:
                name = dict(scope["headers"]).get(b"x-actor", b"").decode()
                scope["chaukas.actor"] = actors.get(name, PUBLIC)
            await self._app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    return Starlette(routes=service.routes(), middleware=[Middleware(Gate)], lifespan=lifespan)
