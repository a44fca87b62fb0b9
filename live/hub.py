"""One pull a camera, any number of viewers: each gets the last group of pictures at once, then every frame as it comes.

    worker (thread) -> channel -> fan -> viewer, viewer, ...
                          \\-> transcoding -> fan -> viewer, ...     where a mask is set, or a browser can do no better

Everything but the workers lives in one event loop, so nothing here is locked. A viewer who is too slow loses what waits and goes on at the next
keyframe; nobody else notices. When a camera is lost its kept pictures are dropped: nothing old can be taken for now. Of a camera with a mask only
the masked pictures leave the hub.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace

from live.feeds import Clock, Frame, Opener, Picture, Source, SystemClock, masked, picture_of
from live.nal import Config
from live.secrets import Credentials
from live.settings import Settings
from live.transcode import Transcoding
from live.watch import Down, Heard, State, Worker
from planning.deployed import Deployment
from planning.errors import FeedError

_TICK_S = 0.25
Told = Config | Frame | State
Listener = Callable[[str, State], None]


class Viewer:
    """One who looks: what waits to be sent, bounded. `lost`: frames that were dropped."""

    def __init__(self, limit: int) -> None:
        self._limit, self._waiting, self._frames = limit, deque[Told](), 0
        # Who waits for the next one. A future alone: an event makes one for each wait as well, and more.
        self._bell: asyncio.Future[None] | None = None
        self._at_key = False
        self.closed = False
        self.lost = 0

    def offer(self, told: Told) -> None:
        """Take what is new; too much of it, and frames that wait are dropped up to the next keyframe."""
        if isinstance(told, Frame):
            if not self._at_key and not told.key:
                self.lost += 1
                return
            if self._frames >= self._limit:
                self.lost += self._frames
                self._waiting = deque(one for one in self._waiting if not isinstance(one, Frame))
                self._frames = 0
                self._at_key = told.key
                if not told.key:
                    self.lost += 1
                    return
            self._at_key = True
            self._frames += 1
        self._waiting.append(told)
        self._ring()

    def restart(self) -> None:
        """Forget frames that wait: the camera is gone, and they are old."""
        self._waiting = deque(one for one in self._waiting if not isinstance(one, Frame))
        self._frames, self._at_key = 0, False

    def close(self) -> None:
        """End the viewer's row."""
        self.closed = True
        self._ring()

    def _ring(self) -> None:
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    def __aiter__(self) -> AsyncIterator[Told]:
        return self

    async def __anext__(self) -> Told:
        """The next to send; ends when the camera is taken away."""
        while not self._waiting:
            if self.closed:
                raise StopAsyncIteration
            self._bell = asyncio.get_running_loop().create_future()
            try:
                await self._bell
            finally:
                self._bell = None
        told = self._waiting.popleft()
        if isinstance(told, Frame):
            self._frames -= 1
        return told


class Fan:
    """Viewers of one stream, its configuration and its last group of pictures."""

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.limits
        self.config: Config | None = None
        self.group: list[Frame] = []
        self._bytes = 0
        self.viewers: set[Viewer] = set()

    def join(self, state: State) -> Viewer:
        """A new viewer, with the state and all that is kept."""
        if len(self.viewers) >= self._limits.viewers:
            raise FeedError.one("live.full", "As many people as can be look at this camera", "Try again later")
        viewer = Viewer(max(self._limits.queue_frames, len(self.group) + 1))
        kept: list[Told] = [state, *([self.config] if self.config is not None else []), *self.group]
        for told in kept:
            viewer.offer(told)
        self.viewers.add(viewer)
        return viewer

    def push(self, told: Told) -> None:
        """What is new, to everyone."""
        if isinstance(told, Config):
            self.config, self.group, self._bytes = told, [], 0
        elif isinstance(told, Frame):
            self._keep(told)
        for viewer in self.viewers:
            viewer.offer(told)

    def clear(self) -> None:
        """Drop what is kept, here and with every viewer."""
        self.group, self._bytes, self.config = [], 0, None
        for viewer in self.viewers:
            viewer.restart()

    def _keep(self, frame: Frame) -> None:
        if frame.key:
            self.group, self._bytes = [], 0
        elif not self.group:
            return
        self.group.append(frame)
        self._bytes += len(frame.message)
        if len(self.group) > self._limits.group_frames or self._bytes > self._limits.group_bytes:
            self.group, self._bytes = [], 0


class Channel:
    """One camera: its worker while somebody wants it, its state, and who looks."""

    def __init__(self, deployment: Deployment, settings: Settings) -> None:
        self.deployment, self.fan = deployment, Fan(settings)
        self.state = State("never_seen", 0.0)
        self.worker: Worker | None = None
        self.leases = 0
        self.idle_since = float("-inf")
        self.transcoding: Transcoding[Viewer] | None = None
        self.pictures = Fan(settings)
        self.changed = asyncio.Event()


class Hub:
    """Every camera of a city.

    Parameters
    ----------
    credentials: of a deployment's id, None where it needs none; called in the workers' threads, may raise FeedError.
    """

    def __init__(self, opener: Opener, settings: Settings, credentials: Callable[[str], Credentials | None], clock: Clock | None = None) -> None:
        self._opener, self.settings, self._credentials, self._clock = opener, settings, credentials, clock or SystemClock()
        self._channels: dict[str, Channel] = {}
        self._listeners: list[Listener] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._post: deque[tuple[str, Channel, Worker, Heard]] = deque()
        self._rung = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run in this event loop; afterwards every camera is let go."""
        self._loop, self._rung = asyncio.get_running_loop(), False
        ticker = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker
            workers = [worker for channel in self._channels.values() if (worker := self._end(channel))]
            self._loop = None
            await asyncio.gather(*(asyncio.to_thread(worker.join, 5.0) for worker in workers))

    def set(self, deployments: Mapping[str, Deployment]) -> None:
        """Which cameras there are; one whose feed has changed is opened anew, one that is gone loses its viewers."""
        for camera in [camera for camera in self._channels if camera not in deployments]:
            channel = self._channels.pop(camera)
            self._end(channel)
            for viewer in (*channel.fan.viewers, *channel.pictures.viewers):
                viewer.close()
        for camera, deployment in deployments.items():
            channel = self._channels.setdefault(camera, Channel(deployment, self.settings))
            before, channel.deployment = channel.deployment, deployment
            if before.feed != deployment.feed:
                if before.feed.mask != deployment.feed.mask:
                    # Whoever looks begins anew, so that nobody goes on without the mask.
                    if channel.transcoding is not None:
                        channel.transcoding.cancel()
                        channel.fan.viewers.discard(channel.transcoding.viewer)
                        channel.transcoding = None
                    for viewer in (*channel.fan.viewers, *channel.pictures.viewers):
                        viewer.close()
                self.retry(camera)

    def listen(self, listener: Listener) -> None:
        """Be told of every change of a camera's state, in the event loop."""
        self._listeners.append(listener)

    def cameras(self) -> Mapping[str, Deployment]:
        """The deployments by id."""
        return {camera: channel.deployment for camera, channel in self._channels.items()}

    def states(self) -> dict[str, State]:
        """The state of every camera."""
        return {camera: channel.state for camera, channel in self._channels.items()}

    def state(self, camera: str) -> State:
        """The state of a camera. Raises FeedError where there is none."""
        return self._channel(camera).state

    def viewing(self, camera: str) -> int:
        """How many look at a camera now."""
        channel = self._channel(camera)
        return len(channel.fan.viewers) + len(channel.pictures.viewers) - (channel.transcoding is not None)

    def retry(self, camera: str) -> None:
        """Open a camera anew at once, as after its password was entered."""
        channel = self._channel(camera)
        if self._end(channel) is not None:
            self._begin(camera, channel)

    @contextlib.contextmanager
    def lease(self, camera: str) -> Iterator[None]:
        """Have a camera pulled for as long as the block lasts."""
        channel = self._channel(camera)
        channel.leases += 1
        self._begin(camera, channel)
        try:
            yield
        finally:
            channel.leases -= 1

    @contextlib.asynccontextmanager
    async def view(self, camera: str, *, jpeg: bool = False) -> AsyncIterator[Viewer]:
        """Look at a camera: its stream, or single pictures where `jpeg` is asked for or a mask is set. Raises FeedError."""
        channel = self._channel(camera)
        with self.lease(camera):
            fan = channel.pictures if jpeg or channel.deployment.feed.mask else channel.fan
            viewer = fan.join(channel.state)
            if fan is channel.pictures and channel.transcoding is None:
                channel.transcoding = Transcoding(self._join_raw(channel), channel.pictures, channel.deployment.feed.mask, self.settings)
            try:
                yield viewer
            finally:
                fan.viewers.discard(viewer)
                channel.idle_since = self._clock.now()
                if not channel.pictures.viewers and channel.transcoding is not None:
                    ended, channel.transcoding = channel.transcoding, None
                    channel.fan.viewers.discard(ended.viewer)
                    channel.pictures.clear()
                    await ended.stop()

    async def keyframe(self, camera: str, wait_s: float) -> tuple[Config, Frame] | None:
        """The latest keyframe of a camera as it comes, unmasked: for this machine's own judgement of its health, and never to be shown."""
        found = await self._group(self._channel(camera), camera, wait_s)
        return (found[0], found[1][0]) if found else None

    async def still(self, camera: str, wait_s: float) -> tuple[Picture, float] | None:
        """The latest picture, masked where a mask is set, and when it was received; None where none comes within `wait_s`."""
        channel = self._channel(camera)
        found = await self._group(channel, camera, wait_s)
        if found is None:
            return None
        config, frames = found
        picture = await asyncio.to_thread(picture_of, config, frames)
        mask = channel.deployment.feed.mask
        return None if picture is None else (masked(picture, mask) if mask else picture, frames[-1].wall_s)

    async def looked(self, camera: str, wait_s: float) -> State:
        """The state of a camera after a look at it: as soon as it is live, or its feed has failed."""
        channel = self._channel(camera)
        with self.lease(camera), contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while not (channel.state.pulled and (channel.fan.group or channel.state.code)):
                    channel.changed.clear()
                    await channel.changed.wait()
        return channel.state

    async def _group(self, channel: Channel, camera: str, wait_s: float) -> tuple[Config, list[Frame]] | None:
        with self.lease(camera):
            if channel.state.name != "live" or not channel.fan.group:
                await self.looked(camera, wait_s)
            if channel.state.name != "live" or not channel.fan.group or channel.fan.config is None:
                return None
            return channel.fan.config, list(channel.fan.group)

    def _join_raw(self, channel: Channel) -> Viewer:
        return channel.fan.join(channel.state)

    def _channel(self, camera: str) -> Channel:
        if camera not in self._channels:
            raise FeedError.one("live.unknown", "There is no such camera", "Choose one from the map", camera)
        return self._channels[camera]

    def _begin(self, camera: str, channel: Channel) -> None:
        if channel.worker is not None or self._loop is None or channel.deployment.feed.kind == "none":
            return
        loop = self._loop

        def connect() -> Source:
            return self._opener(channel.deployment.feed, self._credentials(camera))

        def tell(heard: Heard) -> None:
            if self._loop is not loop:
                raise RuntimeError("nobody listens")
            self._post.append((camera, channel, worker, heard))
            # Whoever comes first rings; what others put in until the loop looks needs no bell of its own.
            if not self._rung:
                self._rung = True
                loop.call_soon_threadsafe(self._collect)

        worker = channel.worker = Worker(camera, connect, tell, self.settings.times, self._clock)
        channel.state = replace(channel.state, pulled=True, code="")
        worker.start()

    def _collect(self) -> None:
        self._rung = False
        while self._post:
            self._hear(*self._post.popleft())

    def _end(self, channel: Channel) -> Worker | None:
        worker, channel.worker = channel.worker, None
        if worker is not None:
            worker.stop()
            self._drop(channel)
            channel.state = replace(channel.state, pulled=False)
        return worker

    @staticmethod
    def _drop(channel: Channel) -> None:
        channel.fan.clear()
        channel.pictures.clear()

    def _hear(self, camera: str, channel: Channel, worker: threading.Thread, heard: Heard) -> None:
        if channel.worker is not worker:
            return
        if isinstance(heard, Down):
            self._drop(channel)
            never = channel.state.name == "never_seen" and heard.state == "offline"
            self._change(camera, channel, replace(channel.state, name="never_seen" if never else heard.state, code=heard.code))
            return
        if isinstance(heard, Frame):
            seen = replace(channel.state, seen_s=heard.wall_s)
            channel.state = seen
            if seen.name != "live":
                self._change(camera, channel, replace(seen, name="live", code=""))
        channel.fan.push(heard)
        if isinstance(heard, Frame) and heard.key:
            channel.changed.set()

    def _change(self, camera: str, channel: Channel, state: State) -> None:
        before = channel.state
        if (before.name, before.code) != (state.name, state.code):
            state = replace(state, since_s=self._clock.now())
        if before == state:
            return
        channel.state = state
        channel.changed.set()
        for fan in (channel.fan, channel.pictures):
            fan.push(state)
        if before.name != state.name:
            for listener in self._listeners:
                listener(camera, state)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            now, times = self._clock.now(), self.settings.times
            for camera, channel in list(self._channels.items()):
                state = channel.state
                if state.name == "live" and state.pulled and state.seen_s is not None and now - state.seen_s > times.stale_s:
                    self._change(camera, channel, replace(state, name="stale", code="feed.stalled"))
                if channel.worker is not None and channel.leases == 0 and now - channel.idle_since > times.idle_s:
                    self._end(channel)
