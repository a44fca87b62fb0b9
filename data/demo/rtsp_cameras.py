"""Simulated cameras over RTSP, for demonstrations, tests and measurements: run by the system's own Python, which has GStreamer's server.

    /usr/bin/python3 rtsp_cameras.py --port 8554 --clip clip.h264 --fps 15 cam1 cam2 …

Each name is a mount: rtsp://127.0.0.1:8554/cam1. A clip is a raw H.264 file whose frames begin with access unit delimiters, shown over and over.
Without a clip each mount draws its own pictures, the milliseconds of the clock burnt in as a row of black and white squares, and encodes them as
they come; vp8 only so.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

_DELIMITER = b"\0\0\0\1\x09"
_WIDTH, _HEIGHT, _SQUARE, _BITS = 1280, 720, 48, 24
_CLIP = "( appsrc name=source is-live=true format=time do-timestamp=true caps={caps} ! {parse} ! {pay} name=pay0 pt=96 config-interval=-1 )"
_DRAWN = (
    "( appsrc name=source is-live=true format=time do-timestamp=true caps=video/x-raw,format=I420,width=1280,height=720,framerate={fps}/1 "
    "! {encode} name=pay0 pt=96 )"
)
_ENCODE = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=2000 key-int-max={group} sliced-threads=false threads=1 "
    "! rtph264pay config-interval=-1",
    "vp8": "vp8enc deadline=1 cpu-used=16 target-bitrate=2000000 keyframe-max-dist={group} ! rtpvp8pay",
}


class Cameras:
    """The sources of every mount that somebody watches, fed together."""

    def __init__(self, frames: list[bytes], fps: int) -> None:
        self._frames, self._fps = frames, fps
        self._sources: dict[Any, int] = {}
        self._lock = threading.Lock()
        self._grey = bytes(range(16, 236)) * (_WIDTH * (_HEIGHT - _SQUARE) // 220 + 2)
        threading.Thread(target=self._feed, daemon=True).start()

    def configure(self, _: Any, media: Any) -> None:
        """Take a mount's source in, once its media stands."""
        source = media.get_element().get_by_name("source")
        with self._lock:
            self._sources[source] = 0
        media.connect("unprepared", lambda *_: self._leave(source))

    def _leave(self, source: Any) -> None:
        with self._lock:
            self._sources.pop(source, None)

    def _feed(self) -> None:
        due = time.monotonic()
        while True:
            due += 1 / self._fps
            time.sleep(max(0.0, due - time.monotonic()))
            with self._lock:
                sources = dict(self._sources)
                for source in sources:
                    self._sources[source] += 1
            for source, number in sources.items():
                data = self._frames[number % len(self._frames)] if self._frames else self._drawn()
                # One that is just being set up takes nothing yet; it leaves when its media does.
                source.emit("push-buffer", Gst.Buffer.new_wrapped(data))

    def _drawn(self) -> bytes:
        now = int(time.time() * 1000) & ((1 << _BITS) - 1)
        row = b"".join((b"\xeb" if now >> bit & 1 else b"\x10") * _SQUARE for bit in reversed(range(_BITS))).ljust(_WIDTH, b"\x80")
        shift = now // 40 % 220
        luma = row * _SQUARE + self._grey[shift : shift + _WIDTH * (_HEIGHT - _SQUARE)]
        return luma + b"\x80" * (_WIDTH * _HEIGHT // 2)


def main() -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--codec", choices=("h264", "h265", "vp8"), default="h264")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("mounts", nargs="+")
    options = parser.parse_args()
    Gst.init(None)
    delimiter = _DELIMITER if options.codec == "h264" else b"\0\0\0\1\x46"
    frames = [delimiter + part for part in options.clip.read_bytes().split(delimiter)[1:]] if options.clip else []
    caps = f"video/x-{options.codec},stream-format=byte-stream,alignment=au,framerate={options.fps}/1"
    launch = _CLIP.format(caps=caps, parse=f"{options.codec}parse", pay=f"rtp{options.codec}pay") if frames else _DRAWN.format(
        fps=options.fps, encode=_ENCODE[options.codec].format(group=2 * options.fps)
    )  # fmt: skip
    cameras = Cameras(frames, options.fps)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(options.port))
    pool = GstRtspServer.RTSPThreadPool()
    pool.set_max_threads(-1)
    server.set_thread_pool(pool)
    if options.user:
        _lock(server, options.user, options.password)
    for mount in options.mounts:
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch)
        factory.set_shared(True)
        factory.connect("media-configure", cameras.configure)
        if options.user:
            _grant(factory)
        server.get_mount_points().add_factory(f"/{mount}", factory)
    if not server.attach(None):
        return 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    GLib.MainLoop().run()
    return 0


def _lock(server: Any, user: str, password: str) -> None:
    """Only this user may watch."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)


def _grant(factory: Any) -> None:
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    sys.exit(main())
