"""Simulated cameras over RTSP on this machine, for demonstrations and tests: GStreamer's server where the system has it, else one in Python alone.

Their pictures are made, and say so: a number that counts the frames stands on each, in figures and as a row of black and white squares.
"""

from __future__ import annotations

import contextlib
import importlib.util
import select
import socket
import subprocess  # nosec B404  # runs the simulated cameras
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from live.feeds import Picture, write_clip
from live.stamp import stamped
from planning.datafile import DATA
from planning.errors import FeedError

SYSTEM_PYTHON = "/usr/bin/python3"
BITS = 16
_SCRIPT = DATA / "demo" / "rtsp_cameras.py"
# It writes what it does to standard output, which nobody reads.
_PLAIN = """
import asyncio, os, sys
told = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
from aio_rtsp_toolkit.server import RtspServer
async def main():
    server = RtspServer(sys.argv[1], "127.0.0.1", int(sys.argv[2]))
    await server.start()
    os.write(told, b"ready\\n")
    await server.serve_forever()
asyncio.run(main())
"""


@lru_cache(maxsize=1)
def has_gstreamer() -> bool:
    """Whether the system's Python has GStreamer's RTSP server."""
    asked = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run([SYSTEM_PYTHON, "-c", asked], capture_output=True, timeout=20, check=False).returncode == 0  # noqa: S603  # nosec B603
    return False


def pictures(count: int, *, width: int = 1280, height: int = 720, title: str = "", seed: int = 0) -> Iterator[Picture]:
    """Made pictures: a street of blocks that moves by, the frame's number below it, and at the top as 16 squares, highest bit first."""
    made = np.random.default_rng(seed)
    small = made.integers(40, 220, (max(2, height // 40), max(2, width // 40), 3), dtype=np.uint8)
    street = np.kron(small, np.ones((40, 40, 1), dtype=np.uint8))[:height, :width]
    street = np.pad(street, ((0, height - street.shape[0]), (0, width - street.shape[1]), (0, 0)), mode="edge")
    square = width // BITS
    for number in range(count):
        picture = np.roll(street, number * 8, axis=1).copy()
        for bit in range(BITS):
            picture[:square, bit * square : (bit + 1) * square] = 235 if number >> (BITS - 1 - bit) & 1 else 16
        band = stamped(picture[:1], (f"{title} {number:05d}".strip(),))[1:]
        picture[height - len(band) :] = band
        yield picture


def number_of(picture: Picture) -> int:
    """The number burnt into a made picture, read off its squares."""
    square = picture.shape[1] // BITS
    row = picture[square // 2, square // 2 :: square, 1][:BITS]
    return int("".join("1" if value > 125 else "0" for value in row), 2)


def _require_free(port: int) -> None:
    """Refuse a port that is none or is taken: some servers start on it all the same, and nobody can reach them."""
    with socket.socket() as probe:
        # A port whose last server just stopped is free for the next one, though its old connections still fade.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise FeedError.one("simulated.start", "The simulated cameras did not start", "Choose another port", port) from None


class Cameras:
    """Simulated cameras in a process of their own, all showing one clip; with the codec vp8 GStreamer's draw as they go. `urls` by name."""

    def __init__(
        self, folder: Path, names: Sequence[str], port: int, *, fps: int = 15, group: int = 30, frames: int = 90, width: int = 1280,
        height: int = 720, user: str = "", password: str = "", gstreamer: bool | None = None, codec: str = "h264",
    ) -> None:  # fmt: skip
        real = has_gstreamer() if gstreamer is None else gstreamer
        if not real and importlib.util.find_spec("aio_rtsp_toolkit") is None:
            way_out = "Install gir1.2-gst-rtsp-server-1.0 and python3-gi, or the packages of requirements-dev.lock"
            raise FeedError.one("simulated.server", "No server for simulated cameras is installed", way_out)
        _require_free(port)
        clip = folder / f"clip-{width}x{height}-{fps}-{group}-{frames}.{codec if real else 'mp4'}"
        drawn = real and codec == "vp8"
        if not drawn and not clip.exists():
            write_clip(str(clip), pictures(frames, width=width, height=height, title="simulated"), fps=fps, group=group, codec=codec)
        if real:
            self.urls = {name: f"rtsp://127.0.0.1:{port}/{name}" for name in names}
            access = ["--user", user, "--password", password] if user else []
            shown = ["--codec", codec, "--fps", str(fps), *([] if drawn else ["--clip", str(clip)])]
            command = [SYSTEM_PYTHON, str(_SCRIPT), "--port", str(port), *shown, *access, *names]
        else:
            self.urls = {name: f"rtsp://127.0.0.1:{port}/{clip.name}/play_count_0?camera={name}" for name in names}
            command = [sys.executable, "-c", _PLAIN, str(folder), str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603  # nosec B603
        self._await(port)

    def _await(self, port: int) -> None:
        """Wait until it says that it listens."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        if not ready or self.process.stdout.readline() != b"ready\n":
            self.stop()
            raise FeedError.one("simulated.start", "The simulated cameras did not start", "Choose another port", port)

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()
