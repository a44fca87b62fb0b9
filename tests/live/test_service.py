"""Live video as one thing an application mounts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from live.service import start
from live.settings import load_settings
from planning.errors import FeedError
from tests.live.pretend import H264, Clock, Opener, deployment, frame, until

SETTINGS = load_settings()


def test_the_watch_holds_some_open_and_looks_at_the_others_in_turn() -> None:
    """The first cameras stay open without a viewer; each other is looked at, its state known, and let go; one that fails keeps nobody waiting."""

    async def test() -> None:
        opener = Opener()
        settings = replace(SETTINGS, limits=replace(SETTINGS.limits, held_open=1), times=replace(SETTINGS.times, look_every_s=0.3, idle_s=0.1))
        cameras = {name: deployment(name, url=f"rtsp://10.0.0.1/{name}") for name in ("held", "look", "none")}
        cameras["none"] = replace(cameras["none"], feed=replace(cameras["none"].feed, url="rtsp://8.8.8.8/none"))

        def opened(feed: object, credentials: object) -> object:
            if "8.8.8.8" in feed.url:  # type: ignore[attr-defined]
                raise FeedError.one("address.refused", "no", "way")
            source = opener(feed, credentials)  # type: ignore[arg-type]
            source.put.put(H264)
            source.put.put(frame(1, key=True))
            return source

        service = start(cameras, audit=lambda *_: None, settings=settings, opener=opened, clock=Clock())  # type: ignore[arg-type]
        async with service.running():
            await until(lambda: service.hub.state("look").name == "live" and service.hub.state("held").name == "live")
            assert service.hub.state("none").code == "address.refused"
            await until(lambda: not service.hub.state("look").pulled)
            assert service.hub.state("held").pulled
            await until(lambda: len(opener.sources["rtsp://10.0.0.1/look"]) > 1)
            assert len(opener.sources["rtsp://10.0.0.1/held"]) == 1
        assert all(source.closed for sources in opener.sources.values() for source in sources)

    asyncio.run(test())


def test_cameras_added_later_are_watched_too() -> None:
    """A deployment that is set while the service runs is opened without a restart."""

    async def test() -> None:
        opener = Opener()
        settings = replace(SETTINGS, times=replace(SETTINGS.times, look_every_s=0.2))
        service = start({}, audit=lambda *_: None, settings=settings, opener=opener, clock=Clock())
        async with service.running():
            service.hub.set({"new": deployment("new")})
            await until(lambda: opener.sources)

    asyncio.run(test())
