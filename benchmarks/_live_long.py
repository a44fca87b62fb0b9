"""Faults without end, and viewers who do not read; what is told, how soon, and whether memory stays flat.

Four cameras stand steady, with a viewer each whose frames are counted. Of six others one is killed, one hangs, one comes back with pictures of
another size, one with another password, one with a codec nobody can play, and the bytes of one are spoilt on their way, turn by turn. Each of
these has one viewer on one socket all the while.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import statistics
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from benchmarks._live_viewers import token_of
from benchmarks.figures import Figures
from live.simulated import Cameras

STEADY = 4
FAULTS = ("killed", "hung", "changed", "refused", "codec", "spoilt")
# What a viewer is told of a fault; of the others, that the camera is no longer live.
_TOLD_AS = {"refused": "wrong_password", "codec": "wrong_codec"}
_BEHIND = 20  # the spoilt camera's own port lies so far behind the one where its bytes pass
_SPOILT = 100  # one byte of so many
_SIZES = ((1280, 720), (640, 360))
_TOLD_S = 20.0  # what is not told by then never is


def named(rtsp: int) -> list[str]:
    """The cameras that fail, as the server is told them; each on a port of its own after `rtsp`."""
    return [f"{fault}=rtsp://127.0.0.1:{rtsp + 2 + number}/{fault}" for number, fault in enumerate(FAULTS)]


@dataclass
class _Seen:
    """What one viewer has seen. Times of the monotonic clock [s]."""

    frames: list[float] = field(default_factory=list)
    state: str = ""
    width: int = 0
    state_s: float = 0.0


def endure(figures: Figures, folder: Path, server: int, *, port: int, rtsp: int, minutes: float) -> None:
    """Measure it.

    Parameters
    ----------
    server: the process id of the server of live video, over STEADY cameras at `rtsp` and those of `named`; `port`: where it answers.
    """
    cameras = {fault: _camera(folder, fault, rtsp) for fault in FAULTS}
    steady = Cameras(folder, [f"cam{number}" for number in range(STEADY)], rtsp, frames=60, gstreamer=True)
    try:
        asyncio.run(_Run(figures, folder, server, port, rtsp, cameras).run(60 * minutes))
    finally:
        steady.stop()
        for one in cameras.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.process.pid, signal.SIGCONT)
            one.stop()


def _camera(folder: Path, fault: str, rtsp: int, *, size: int = 0, password: str = "", codec: str = "h264") -> Cameras:
    (width, height), port = _SIZES[size], rtsp + 2 + FAULTS.index(fault) + (_BEHIND if fault == "spoilt" else 0)
    known = {"user": "viewer", "password": password} if password else {}
    return Cameras(folder, [fault], port, frames=60, width=width, height=height, gstreamer=True, codec=codec, **known)  # type: ignore[arg-type]


class _Line:
    """A line between a camera and whoever asks it, on which bytes are spoilt while `spoils` is set."""

    def __init__(self, port: int) -> None:
        self._port, self.spoils, self._dice = port, False, random.Random(1)  # nosec B311

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen for as long as the block lasts."""
        async with await asyncio.start_server(self._join, "127.0.0.1", self._port):
            yield

    async def _join(self, asker: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        # Whoever still passes bytes when all is over is cut off.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            camera, there = await asyncio.open_connection("127.0.0.1", self._port + _BEHIND)
            await asyncio.gather(self._pass(asker, there, False), self._pass(camera, back, True))

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, spoilt: bool) -> None:
        with contextlib.suppress(OSError), contextlib.closing(target):
            while data := bytearray(await source.read(65_536)):
                for _ in range(len(data) // _SPOILT if spoilt and self.spoils else 0):
                    data[self._dice.randrange(len(data))] ^= 1 << self._dice.randrange(8)
                target.write(data)
                await target.drain()


class _Run:
    def __init__(self, figures: Figures, folder: Path, server: int, port: int, rtsp: int, cameras: dict[str, Cameras]) -> None:
        self._figures, self._folder, self._server, self._port, self._rtsp, self._cameras = figures, folder, server, port, rtsp, cameras
        self._told: dict[str, list[float]] = {fault: [] for fault in FAULTS}
        self._back: dict[str, list[float]] = {fault: [] for fault in FAULTS}
        self._memory: list[tuple[float, float]] = []
        self._line = _Line(rtsp + 2 + FAULTS.index("spoilt"))

    async def run(self, seconds: float) -> None:
        """Fault after fault, then the figures."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._line.open())
            steady = [await stack.enter_async_context(self._view(f"cam{number}")) for number in range(STEADY)]
            failing = {fault: await stack.enter_async_context(self._view(fault)) for fault in FAULTS}
            for one in (*steady, *failing.values()):
                await _until(lambda one=one: bool(one.frames), 30.0)  # type: ignore[misc]
            began = time.monotonic()
            remembering = asyncio.create_task(self._remember())
            turn = 0
            while time.monotonic() - began < seconds:
                await self._ignore(f"cam{turn % STEADY}")
                await self._fail(FAULTS[turn % len(FAULTS)], failing, turn)
                turn += 1
            remembering.cancel()
            self._tell(steady, began, time.monotonic(), turn)

    async def _fail(self, fault: str, failing: dict[str, _Seen], turn: int) -> None:
        """One fault: how long until it is told, and from its end until the next picture on the same socket."""
        seen = failing[fault]
        began = await self._begin(fault, turn)
        wrong = _TOLD_AS.get(fault)
        self._told[fault].append(await _until(lambda: seen.state_s > began and (seen.state == wrong if wrong else seen.state != "live"), _TOLD_S))
        await asyncio.sleep(2.0)
        size = (turn // len(FAULTS) + 1) % 2 if fault == "changed" else 0
        ended = await self._end(fault, turn, size)
        wanted = _SIZES[size][0]
        # A change of size is told before its first picture.
        self._back[fault].append(
            await _until(lambda: seen.state == "live" and seen.frames[-1] > max(ended, seen.state_s) and seen.width == wanted, _TOLD_S)
        )
        await asyncio.sleep(2.0)

    async def _begin(self, fault: str, turn: int) -> float:
        """Have it fail; when it did."""
        began = time.monotonic()
        if fault == "hung":
            os.kill(self._cameras[fault].process.pid, signal.SIGSTOP)
        elif fault == "spoilt":
            self._line.spoils = True
        else:
            self._cameras[fault].stop()
        if fault in _TOLD_AS:
            other = {"password": f"turn-{turn}"} if fault == "refused" else {"codec": "vp8"}
            await self._start(fault, **other)
            return time.monotonic()
        return began

    async def _end(self, fault: str, turn: int, size: int) -> float:
        """Mend it; when that was."""
        if fault == "hung":
            os.kill(self._cameras[fault].process.pid, signal.SIGCONT)
        elif fault == "spoilt":
            self._line.spoils = False
        elif fault == "refused":
            await asyncio.to_thread(self._enter, fault, f"turn-{turn}")
        else:
            self._cameras[fault].stop()
            await self._start(fault, size=size)
        return time.monotonic()

    async def _start(self, fault: str, **changed: int | str) -> None:
        self._cameras[fault] = await asyncio.to_thread(_camera, self._folder, fault, self._rtsp, **changed)  # type: ignore[arg-type]

    def _enter(self, camera: str, password: str) -> None:
        """Enter the camera's password at the server."""
        told = json.dumps({"camera": camera, "user": "viewer", "password": password}).encode()
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self._port}/password", told), timeout=10).close()  # nosec B310

    async def _ignore(self, camera: str) -> None:
        """A viewer who asks for a stream, reads nothing of it for a while, and goes."""
        socket = await self._connect(camera, slow=True)
        await asyncio.sleep(3.0)
        socket.transport.abort()

    async def _connect(self, camera: str, *, slow: bool = False) -> ClientConnection:
        token = await asyncio.to_thread(token_of, self._port, camera)
        address = f"ws://127.0.0.1:{self._port}/live/stream/{camera}"
        socket = await connect(address, compression=None, max_size=None, ping_interval=None, max_queue=1 if slow else 16)
        await socket.send(token)
        return socket

    @contextlib.asynccontextmanager
    async def _view(self, camera: str) -> AsyncIterator[_Seen]:
        socket, seen = await self._connect(camera), _Seen()

        async def look() -> None:
            async for message in socket:
                now = time.monotonic()
                if isinstance(message, bytes):
                    seen.frames.append(now)
                    continue
                told = json.loads(message)
                if told["kind"] == "state" and told["state"] != seen.state:
                    seen.state, seen.state_s = told["state"], now
                elif told["kind"] == "config":
                    seen.width = told["width"]

        looking = asyncio.create_task(look())
        try:
            yield seen
        finally:
            looking.cancel()
            await socket.close()

    async def _remember(self) -> None:
        while True:
            text = await asyncio.to_thread(Path(f"/proc/{self._server}/status").read_text, encoding="ascii")
            self._memory.append((time.monotonic(), int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024))
            await asyncio.sleep(2.0)

    def _tell(self, steady: list[_Seen], began: float, ended: float, turns: int) -> None:
        add, minutes = self._figures.add, (ended - began) / 60
        add("long: minutes", minutes, "min")
        add("long: faults, and viewers who did not read", turns, "")
        for fault in FAULTS:
            if self._told[fault]:
                add(f"long: {fault}, told after, longest of {len(self._told[fault])}", max(self._told[fault]), "s", "<= 5")
                add(f"long: {fault}, picture back on the same socket, longest", max(self._back[fault]), "s", "<= 5")
        spans = max(1, int((ended - began) // 10))
        rates = [sum(began + 10 * span <= at < began + 10 * span + 10 for at in one.frames) / 10 for one in steady for span in range(spans)]
        add("long: viewers of other cameras, least frames in any 10 s", min(rates), "a second", ">= 14")
        # The first quarter is left out: pools and caches fill in it.
        times = [began + share * (ended - began) for share in (0.25, 0.5, 0.75)]
        early = statistics.median(held for at, held in self._memory if times[0] <= at < times[1])
        late = statistics.median(held for at, held in self._memory if at >= times[2])
        add("long: memory, second quarter", early, "MB", "<= 250")
        add("long: memory, last quarter against the second", late - early, "MB", "<= 5")


async def _until(true: Callable[[], bool], seconds: float) -> float:
    """Seconds until it is so; `seconds` where it never is."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            return seconds
        await asyncio.sleep(0.02)
    return time.monotonic() - began
