"""A stream sent as single pictures: decoded, masked where a mask is set, encoded as JPEG. For masked cameras, and browsers that can do no better."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from live.feeds import HEADER, Decoder, Frame, frame_of, masked, write_jpeg
from live.nal import Config
from live.settings import Settings
from live.stills import config_of

# Decoding must not starve what else the server does in threads.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="live-jpeg")
V = TypeVar("V", bound=AsyncIterator[object])
Mask = Sequence[Sequence[tuple[float, float]]]


class Taker(Protocol):
    """Who is given what was made."""

    def push(self, told: Config | Frame, /) -> None:
        """What is new, to everyone."""


class Transcoding(Generic[V]):
    """Runs while somebody wants the pictures. `viewer`: its own place among the viewers of the stream."""

    def __init__(self, viewer: V, taker: Taker, mask: Mask, settings: Settings) -> None:
        self.viewer = viewer
        self._taker, self._mask, self._limits = taker, mask, settings.limits
        self._decoder: Decoder | None = None
        self._plain = False
        self._size, self._due, self._number = (0, 0), 0, 0
        self._task = asyncio.create_task(self._run())

    def cancel(self) -> None:
        """End it without waiting for that."""
        self._task.cancel()

    async def stop(self) -> None:
        """End it."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        async for told in self.viewer:
            if isinstance(told, Config):
                self._decoder, self._plain, self._size = Decoder(told), told.codec == "jpeg", (0, 0)
            elif isinstance(told, Frame) and self._decoder is not None:
                made = await loop.run_in_executor(_threads, self._made, self._decoder, told)
                if made is None:
                    continue
                config = config_of(made.data, self._size)
                if config is not None:
                    self._size = (config.width, config.height)
                    self._taker.push(config)
                self._taker.push(made)

    def _made(self, decoder: Decoder, frame: Frame) -> Frame | None:
        """The frame as JPEG; None where it is not due, or cannot be decoded."""
        stamp = HEADER.unpack_from(frame.message)[4]
        # A stamp that went back is that of a stream begun anew.
        due = stamp >= self._due or self._due - stamp > 2_000_000
        if self._plain and not self._mask:
            jpeg = frame.data if due else None
        else:
            picture = decoder.decode(frame.data, wanted=due)
            if picture is not None and self._mask:
                picture = masked(picture, self._mask)
            limits = self._limits
            jpeg = write_jpeg(picture, quality=limits.jpeg_quality, widest_px=limits.jpeg_width_px) if picture is not None else None
        if jpeg is None:
            return None
        # A little early counts as due, so that rates that divide are kept.
        self._due = int(stamp + 900_000 / self._limits.jpeg_fps)
        self._number += 1
        return frame_of(jpeg, key=True, number=self._number, stamp_us=stamp, wall_s=frame.wall_s)
