"""One pull a camera, any number of viewers."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import tracemalloc
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from live.feeds import Frame
from live.hub import Hub, Viewer
from live.settings import Settings, load_settings
from live.watch import State
from planning.errors import FeedError
from tests.live.pretend import H264, JPEG, Clock, Opener, deployment, frame, jpeg, until

SETTINGS = load_settings()
MASK = (((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)


def run(test: Callable[[Hub, Opener, Clock], Coroutine[Any, Any, None]], settings: Settings = SETTINGS, **more: Any) -> None:
    """A test in an event loop with a running hub of one camera."""

    async def whole() -> None:
        opener, clock = Opener(), Clock()
        hub = Hub(opener, settings, lambda _: None, clock)
        hub.set({"cam": deployment("cam", **more)})
        async with hub.running():
            await test(hub, opener, clock)
        assert all(source.closed for sources in opener.sources.values() for source in sources)

    asyncio.run(whole())


async def numbers(viewer: Viewer, count: int) -> list[bytes]:
    """The data of the next frames."""
    found: list[bytes] = []
    async with asyncio.timeout(5):
        async for told in viewer:
            if isinstance(told, Frame):
                found.append(told.data)
                if len(found) == count:
                    break
    return found


async def state(viewer: Viewer, name: str) -> State:
    """The next state of that name; frames in between are passed over."""
    async with asyncio.timeout(5):
        async for told in viewer:
            if isinstance(told, State) and told.name == name:
                return told
    raise AssertionError(name)


def test_a_latecomer_gets_the_last_group_at_once_and_all_share_one_pull() -> None:
    """Whoever joins gets configuration and frames from the last keyframe on, in order, then what comes; the camera is opened once."""

    async def test(hub: Hub, opener: Opener, _: Clock) -> None:
        async with hub.view("cam") as first:
            await until(lambda: opener.sources)
            put = opener.last().put.put
            put(H264)
            for number in range(8):
                put(frame(number, key=number in (0, 5), data=b"%d" % number))
            assert await numbers(first, 8) == [b"%d" % number for number in range(8)]
            async with hub.view("cam") as second:
                assert hub.viewing("cam") == 2
                heard = [await anext(second) for _ in range(2)]
                assert isinstance(heard[0], State)
                assert heard[1] == H264
                put(frame(8, data=b"8"))
                assert await numbers(second, 4) == [b"5", b"6", b"7", b"8"]
        assert sum(map(len, opener.sources.values())) == 1
        assert hub.viewing("cam") == 0

    run(test)


def test_a_slow_viewer_is_taken_to_the_next_keyframe_and_nobody_else_notices() -> None:
    """What waits for one who does not take it stays bounded, goes on at a keyframe, and the others miss no frame."""

    async def test(hub: Hub, opener: Opener, _: Clock) -> None:
        async with hub.view("cam") as slow, hub.view("cam") as quick:
            await until(lambda: opener.sources)
            put = opener.last().put.put
            put(H264)
            for begin in range(0, 200, 10):
                for number in range(begin, begin + 10):
                    put(frame(number, key=number % 50 == 0, data=b"%d" % number))
                assert await numbers(quick, 10) == [b"%d" % number for number in range(begin, begin + 10)]
            assert slow.lost > 0
            assert len(slow._waiting) <= settings.limits.queue_frames + 3
            for number in (200, 201):
                put(frame(number, key=number == 200, data=b"%d" % number))
            assert await numbers(slow, 2) == [b"200", b"201"]

    settings = replace(SETTINGS, limits=replace(SETTINGS.limits, queue_frames=20))
    run(test, settings)


def test_a_lost_camera_leaves_nothing_old() -> None:
    """When a camera is lost its viewers hear so at once, frames that wait and the kept group are dropped, and it comes back on the same viewer."""

    async def test(hub: Hub, opener: Opener, clock: Clock) -> None:
        async with hub.view("cam") as viewer:
            await until(lambda: opener.sources)
            first = opener.last()
            for heard in (H264, frame(0, key=True, data=b"old"), frame(1, data=b"old"), FeedError.one("feed.offline", "gone", "wait")):
                first.put.put(heard)
            lost = await state(viewer, "offline")
            assert lost.code == "feed.offline"
            async with hub.view("cam") as late:
                assert not [told for told in late._waiting if isinstance(told, Frame)]
            await until(lambda: opener.last() is not first)
            put = opener.last().put.put
            put(replace(H264, width=128))
            put(frame(0, key=True, data=b"new"))
            heard = [await anext(viewer) for _ in range(3)]
            assert [getattr(one, "data", None) for one in heard if isinstance(one, Frame)] == [b"new"]
            assert replace(H264, width=128) in heard
            assert hub.state("cam").name == "live"
            assert hub.state("cam").since_s >= lost.since_s
        assert clock.waits

    run(test)


@pytest.mark.parametrize(
    ("code", "name"),
    [("feed.password", "wrong_password"), ("secret.seal", "wrong_password"), ("feed.codec", "wrong_codec"), ("feed.offline", "never_seen")],
)
def test_states_say_why(code: str, name: str) -> None:
    """A refused password and an unknown codec are told apart; a camera that never gave a frame was never seen. Passwords are not tried often."""

    async def test(hub: Hub, opener: Opener, clock: Clock) -> None:
        opener.refuse = FeedError.one(code, "no", "way")
        assert (await hub.looked("cam", 5)).name == name
        assert hub.state("cam").code == code
        await until(lambda: clock.waits)
        times = SETTINGS.times
        assert (clock.waits[0] > times.retry_most_s) == (name == "wrong_password")
        opener.refuse = None
        hub.retry("cam")
        await until(lambda: opener.sources)
        for heard in (H264, frame(0, key=True)):
            opener.last().put.put(heard)
        await until(lambda: hub.state("cam").name == "live")

    run(test)


def test_silence_is_stale_before_it_is_offline() -> None:
    """A camera that is connected and sends nothing is no longer called live after three seconds, and is live again with its next frame."""

    async def test(hub: Hub, opener: Opener, clock: Clock) -> None:
        changes: list[str] = []
        hub.listen(lambda _, state: changes.append(state.name))
        async with hub.view("cam") as viewer:
            await until(lambda: opener.sources)
            put = opener.last().put.put
            put(H264)
            put(frame(0, key=True))
            await state(viewer, "live")
            clock.ahead += SETTINGS.times.stale_s + 0.5
            assert (await state(viewer, "stale")).code == "feed.stalled"
            put(frame(1, wall_s=clock.now()))
            await state(viewer, "live")
        assert changes == ["live", "stale", "live"]

    run(test)


def test_a_camera_nobody_wants_is_let_go() -> None:
    """After a while without viewers the pull ends, the state says that it is no longer watched, and a click opens it anew."""

    async def test(hub: Hub, opener: Opener, clock: Clock) -> None:
        async with hub.view("cam"):
            await until(lambda: opener.sources)
            opener.last().put.put(H264)
            opener.last().put.put(frame(0, key=True))
            await until(lambda: hub.state("cam").name == "live")
        assert not opener.last().closed
        clock.ahead += 1.5
        await until(lambda: opener.last().closed)
        assert (hub.state("cam").name, hub.state("cam").pulled) == ("live", False)
        async with hub.view("cam") as viewer:
            assert not [told for told in viewer._waiting if isinstance(told, Frame)]
            await until(lambda: len(opener.sources["rtsp://10.0.0.1/one"]) == 2)

    run(test, replace(SETTINGS, times=replace(SETTINGS.times, idle_s=1.0)))


def test_what_is_kept_is_bounded() -> None:
    """A stream without keyframes does not fill the memory: its group is dropped, and latecomers wait for a keyframe."""

    async def test(hub: Hub, opener: Opener, _: Clock) -> None:
        async with hub.view("cam") as viewer:
            await until(lambda: opener.sources)
            put = opener.last().put.put
            put(H264)
            taken = asyncio.create_task(numbers(viewer, 51))
            for number in range(51):
                put(frame(number, key=number == 0, data=b"%d" % number))
            await taken
            async with hub.view("cam") as late:
                put(frame(51, data=b"51"))
                put(frame(52, key=True, data=b"52"))
                assert await numbers(late, 1) == [b"52"]

    run(test, replace(SETTINGS, limits=replace(SETTINGS.limits, group_frames=50)))


def test_only_so_many_look_at_one_camera() -> None:
    """One viewer too many is refused, and there is room again when another leaves."""

    async def test(hub: Hub, _: Opener, __: Clock) -> None:
        async with hub.view("cam"):
            with pytest.raises(FeedError, match=r"live\.full"):
                async with hub.view("cam"):
                    pass
        async with hub.view("cam"):
            assert hub.viewing("cam") == 1
        with pytest.raises(FeedError, match=r"live\.unknown"):
            hub.state("other")

    run(test, replace(SETTINGS, limits=replace(SETTINGS.limits, viewers=1)))


def test_of_a_masked_camera_only_masked_pictures_leave_the_hub() -> None:
    """Stream and single picture alike are covered where the mask lies, whatever was asked for; the rest is as the camera sent it."""
    from live.feeds import read_picture

    async def test(hub: Hub, opener: Opener, _: Clock) -> None:
        for asked in (False, True):
            async with hub.view("cam", jpeg=asked) as viewer:
                await until(lambda: opener.sources)
                opener.last().put.put(JPEG)
                opener.last().put.put(frame(1, key=True, data=jpeg(220)))
                (data,) = await numbers(viewer, 1)
                picture = read_picture(data)
                assert picture is not None
                assert data != jpeg(220)
                assert picture[:, :28].max() < 80
                assert picture[:, 36:].min() > 180
        found = await hub.still("cam", 5)
        assert found is not None
        assert found[0][:, :30].max() < 80

    run(test, mask=MASK)


def test_a_mask_that_is_set_ends_the_views_without_it() -> None:
    """Whoever looked before begins anew, and then gets masked pictures only."""

    async def test(hub: Hub, opener: Opener, _: Clock) -> None:
        async with hub.view("cam") as viewer:
            await until(lambda: opener.sources)
            opener.last().put.put(JPEG)
            opener.last().put.put(frame(1, key=True, data=jpeg(220)))
            await numbers(viewer, 1)
            hub.set({"cam": deployment("cam", mask=MASK)})
            assert viewer.closed
            with pytest.raises(StopAsyncIteration):
                while True:
                    await anext(viewer)
        hub.set({})
        with pytest.raises(FeedError, match=r"live\.unknown"):
            async with hub.view("cam"):
                pass

    run(test)


def test_a_keyframe_is_had_without_a_viewer() -> None:
    """Health asks for the latest keyframe and gets it; of a camera that gives none it gets nothing, and waits no longer than it said."""

    async def test(hub: Hub, opener: Opener, _: Clock) -> None:
        asked = asyncio.create_task(hub.keyframe("cam", 5))
        await until(lambda: opener.sources)
        opener.last().put.put(JPEG)
        opener.last().put.put(frame(1, key=True, data=jpeg(9)))
        found = await asked
        assert found is not None
        assert found[0] == JPEG
        assert found[1].data == jpeg(9)
        opener.last().put.put(FeedError.one("feed.ended", "over", "wait"))
        await until(lambda: hub.state("cam").name == "offline")
        assert await hub.keyframe("cam", 0.05) is None

    run(test)


def test_faults_without_end_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    """Streams break off and come back in another size, viewers read nothing and go: after many rounds memory and threads are as before."""
    # What is logged would be kept for the test.
    caplog.set_level(logging.CRITICAL, logger="chaukas.live")

    async def test(hub: Hub, opener: Opener, clock: Clock) -> None:
        async def faults(rounds: int) -> int:
            for number in range(rounds):
                await until(lambda: opener.sources and opener.last().put.empty() and not opener.last().closed)
                source = opener.last()
                put = source.put.put
                put(replace(H264, width=64 + 16 * (number % 2)))
                async with hub.view("cam"), hub.view("cam", jpeg=number % 4 == 0):
                    for place in range(60):
                        put(frame(place, key=place % 30 == 0, data=b"%04d" % number * 500))
                    await numbers(steady, 60)
                    put(FeedError.one("feed.ended", "over", "wait"))
                    await state(steady, "offline")
                await until(lambda source=source: opener.last() is not source)
                opener.sources["rtsp://10.0.0.1/one"] = opener.sources["rtsp://10.0.0.1/one"][-1:]
                opener.asked.clear()
                clock.waits.clear()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        async with hub.view("cam") as steady:
            tracemalloc.start()
            try:
                before = await faults(6)
                threads = threading.active_count()
                after = await faults(24)
            finally:
                tracemalloc.stop()
            assert after - before < 50_000, after - before
            assert threading.active_count() <= threads + 1

    run(test)
