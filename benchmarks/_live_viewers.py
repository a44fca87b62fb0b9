"""Viewers of live video in a process of their own: `python -m benchmarks._live_viewers PORT SECONDS CAMERA...`, one viewer a camera named.

They take frames as a browser does and decode nothing. Prints `ready` once each has a frame, and at the end the frames a viewer had a second: least,
mean.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request

from websockets.asyncio.client import connect


def token_of(port: int, camera: str) -> str:
    """A right to look at a camera, from the server at a port."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/live/token/{camera}", data=b"{}", method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.load(answer)["token"])


class Count:
    """Frames of one viewer."""

    def __init__(self) -> None:
        self.frames = 0
        self.first = asyncio.Event()


async def _look(port: int, camera: str, count: Count) -> None:
    token = await asyncio.to_thread(token_of, port, camera)
    async with connect(f"ws://127.0.0.1:{port}/live/stream/{camera}", compression=None, max_size=None) as socket:
        await socket.send(token)
        async for message in socket:
            if isinstance(message, bytes):
                count.frames += 1
                count.first.set()


async def _all(port: int, seconds: float, cameras: list[str]) -> None:
    counts = [Count() for _ in cameras]
    tasks = [asyncio.create_task(_look(port, camera, count)) for camera, count in zip(cameras, counts, strict=True)]
    await asyncio.gather(*(count.first.wait() for count in counts))
    print("ready", flush=True)
    before, began = [count.frames for count in counts], time.monotonic()
    await asyncio.sleep(seconds)
    spent = time.monotonic() - began
    rates = [(count.frames - start) / spent for count, start in zip(counts, before, strict=True)]
    print(f"{min(rates):.2f} {sum(rates) / len(rates):.2f}", flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(_all(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
