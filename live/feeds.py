"""Pictures of cameras as they come: the one door to PyAV and OpenCV.

A `Source` gives the configuration of a stream and then its frames, still encoded: nothing is decoded to be looked at by a browser. Decoding to a
picture, for health, snapshots, masks and browsers that can do no better, is here as well. No error of PyAV passes this door: they hold addresses
with passwords.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import av
import av.error
import cv2
import numpy as np
import numpy.typing as npt
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext

from live import stills
from live.addresses import Place, Resolver, file_of, place_of, resolve
from live.connection import fault
from live.nal import H264, H265, Config, Track, split
from live.pump import pour
from live.rtp import Taken
from live.rtsp import Playing
from live.secrets import Credentials
from live.settings import Settings
from planning.deployed import Feed

Picture = npt.NDArray[np.uint8]  # (height, width, 3), blue, green, red
# version, key, two unused; number; microseconds of the stream's own time; receipt in seconds since 1970
HEADER = struct.Struct(">BBHIqd")
_TRACKS = {"h264": H264, "h265": H265}
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame as it goes to viewers. `message`: header and data in one; `wall_s`: when it was received; `camera_s`: when it
    was taken by the camera's own clock, None where the camera does not tell. Both in seconds since 1970.
    """

    key: bool
    wall_s: float
    message: bytes
    camera_s: float | None = None

    @property
    def data(self) -> bytes:
        """The frame without its header."""
        return self.message[HEADER.size :]


class Source(Protocol):
    """A camera that is being pulled."""

    def __iter__(self) -> Iterator[Config | Frame]:
        """Its configuration whenever it is new, and its frames; FeedError where it ends."""

    def pour(self, tell: Callable[[Config | Frame], None]) -> None:
        """Pass on the same until it ends, in whatever thread; what `tell` raises ends it and is raised here."""
        for heard in self:
            tell(heard)

    def close(self) -> None:
        """Let go of it; may be asked from another thread, to end a wait."""


class Opener(Protocol):
    """Who opens a feed. Raises FeedError where it cannot be opened."""

    def __call__(self, feed: Feed, credentials: Credentials | None) -> Source:
        """A source of the feed."""


class Clock(Protocol):
    """Time, so that tests can make their own."""

    def now(self) -> float:
        """Seconds since 1970."""

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait so long or until stopped; whether it was stopped."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait so long or until stopped; whether it was stopped."""
        return stop.wait(seconds)


def frame_of(data: bytes, *, key: bool, number: int, stamp_us: int, wall_s: float, camera_s: float | None = None) -> Frame:
    """A frame with its header."""
    return Frame(key, wall_s, HEADER.pack(1, key, 0, number & 0xFFFFFFFF, stamp_us, wall_s) + data, camera_s)


class FeedOpener:
    """Opens feeds of every kind under the settings' rules."""

    def __init__(self, settings: Settings, clock: Clock | None = None, resolver: Resolver = resolve) -> None:
        self._settings, self._clock, self._resolver = settings, clock or SystemClock(), resolver

    def __call__(self, feed: Feed, credentials: Credentials | None) -> Source:
        """A source of the feed. Raises FeedError."""
        if feed.kind == "file":
            return _FileSource(str(file_of(feed.url, self._settings)), self._clock)
        place = place_of(feed.url, self._settings, self._resolver)
        if feed.kind == "rtsp":
            return _RtspSource(place, credentials, self._settings, self._clock)
        pictures = stills.open_stills(place, credentials, self._settings, many=feed.kind == "mjpeg")
        return _StillSource(pictures, self._settings, self._clock)


class _Frames:
    """Encoded pictures of one stream to its configurations and frames. `codec`: h264, h265 or jpeg; `ahead`: its parameter sets, where told ahead."""

    def __init__(self, codec: str, ahead: bytes, clock: Clock) -> None:
        self._track: Track | None = _TRACKS[codec](ahead) if codec in _TRACKS else None
        self._clock, self._number, self._size = clock, 0, (0, 0)

    def of(self, units: list[bytes], stamp_us: int, camera_s: float | None = None) -> Iterator[Config | Frame]:
        """What a picture's NAL units, or its one JPEG, amount to."""
        wall = self._clock.now()
        if self._track is not None:
            found, config = self._track.frames(units, stamp_us), self._track.config()
        else:
            found, config = [(units[0], True, stamp_us)], stills.config_of(units[0], self._size)
        if config is not None:
            self._size = (config.width, config.height)
            yield config
        for made, key, stamp in found:
            self._number += 1
            yield frame_of(made, key=key, number=self._number, stamp_us=stamp, wall_s=wall, camera_s=camera_s)


class _RtspSource(Source):
    """A camera that plays over RTSP."""

    def __init__(self, place: Place, credentials: Credentials | None, settings: Settings, clock: Clock) -> None:
        self._read_s, self._begun = settings.times.read_s, False
        self._playing = Playing(place, credentials, settings)
        media = self._playing.media
        self._frames = _Frames(media.codec, b"".join(b"\0\0\0\1" + unit for unit in media.sets), clock)

    def __iter__(self) -> Iterator[Config | Frame]:
        self._begun, data = True, b""
        try:
            while True:
                for one in self._playing.take(data):
                    yield from self._frames.of(one.units, one.stamp_us, one.camera_s)
                self._playing.keep_alive(time.monotonic())
                data = self._playing.read()
        finally:
            self._playing.close()

    def pour(self, tell: Callable[[Config | Frame], None]) -> None:
        """Pass on what it sends, in the thread that reads every camera; FeedError where it ends."""

        def hear(taken: list[Taken]) -> None:
            for one in taken:
                for heard in self._frames.of(one.units, one.stamp_us, one.camera_s):
                    tell(heard)

        self._begun = True
        try:
            pour(self._playing, hear, self._read_s)
        finally:
            self._playing.close()

    def close(self) -> None:
        """End the connection, which ends a wait for the next packet."""
        if self._begun:
            self._playing.interrupt()
        else:
            self._playing.close()


class _FileSource(Source):
    """A file shown over and over at its own speed."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path, self._clock, self._stop, self._last = path, clock, threading.Event(), 0
        self._container, self._stream = self._open()
        codec = {"hevc": "h265", "mjpeg": "jpeg"}.get(name := self._stream.codec_context.name, name)
        if codec not in (*_TRACKS, "jpeg"):
            self._container.close()
            raise fault("feed.codec", name)
        self._frames = _Frames(codec, bytes(self._stream.codec_context.extradata or b""), clock)
        self._units: Callable[[bytes], list[bytes]] = split if codec in _TRACKS else lambda data: [data]

    def _open(self) -> tuple[av.container.InputContainer, av.VideoStream]:
        try:
            made = av.open(self._path, options={"protocol_whitelist": "file"})
        except (av.error.FFmpegError, OSError, ValueError):
            raise fault("feed.broken") from None
        if not made.streams.video:
            made.close()
            raise fault("feed.codec")
        return made, made.streams.video[0]

    def _stamp(self, packet: av.Packet[av.VideoStream]) -> int:
        pts = packet.pts if packet.pts is not None else packet.dts
        self._last = int(pts * packet.time_base * _MICRO) if pts is not None and packet.time_base else self._last
        return self._last

    def __iter__(self) -> Iterator[Config | Frame]:
        rate = self._stream.average_rate
        pause, base = 1.0 / float(rate) if rate else 0.04, 0
        while not self._stop.is_set():
            last = 0
            try:
                for packet in self._container.demux(self._stream):
                    if not packet.size:
                        continue
                    last = max(last, self._stamp(packet))
                    yield from self._frames.of(self._units(bytes(packet)), base + self._stamp(packet))
                    if self._clock.wait(self._stop, pause):
                        break
            except (av.error.FFmpegError, OSError):
                raise fault("feed.broken") from None
            finally:
                self._container.close()
            base += last + int(pause * _MICRO)
            self._container, self._stream = self._open()
        self._container.close()

    def close(self) -> None:
        """End the wait for the next frame."""
        self._stop.set()


class _StillSource(Source):
    """JPEG pictures over HTTP, each a frame of its own."""

    def __init__(self, pictures: stills.Stills, settings: Settings, clock: Clock) -> None:
        self._pictures, self._settings, self._clock, self._stop = pictures, settings, clock, threading.Event()

    def __iter__(self) -> Iterator[Config | Frame]:
        number, size = 0, (0, 0)
        try:
            while not self._stop.is_set():
                data = self._pictures.fetch()
                wall = self._clock.now()
                config = stills.config_of(data, size)
                if config is not None:
                    size = (config.width, config.height)
                    yield config
                number += 1
                yield frame_of(data, key=True, number=number, stamp_us=int(wall * _MICRO), wall_s=wall, camera_s=self._pictures.camera_s)
                if not self._pictures.many:
                    self._clock.wait(self._stop, self._settings.times.still_every_s)
        finally:
            self._pictures.close()

    def close(self) -> None:
        """End the connection."""
        self._stop.set()
        self._pictures.interrupt()


class Decoder:
    """Encoded frames to pictures, in order."""

    def __init__(self, config: Config) -> None:
        self._context: VideoCodecContext | None = None
        if config.codec != "jpeg":
            made = CodecContext.create({"h264": "h264", "h265": "hevc"}[config.codec], "r")
            assert isinstance(made, VideoCodecContext)
            made.extradata = config.description or None
            made.thread_count = 1
            made.options = {"flags": "low_delay"}
            self._context = made

    def decode(self, data: bytes, *, wanted: bool = True) -> Picture | None:
        """The picture of a frame; None where it cannot be decoded, is not `wanted`, or comes with a later one."""
        if self._context is None:
            return read_picture(data) if wanted else None
        try:
            found = self._context.decode(av.Packet(data))
        except (av.error.FFmpegError, ValueError):
            return None
        return np.asarray(found[-1].to_ndarray(format="bgr24"), dtype=np.uint8) if found and wanted else None

    def rest(self) -> Picture | None:
        """The last picture that was still held back."""
        if self._context is None:
            return None
        try:
            found = self._context.decode(None)
        except (av.error.FFmpegError, ValueError):
            return None
        return np.asarray(found[-1].to_ndarray(format="bgr24"), dtype=np.uint8) if found else None


def picture_of(config: Config, frames: Sequence[Frame]) -> Picture | None:
    """The last picture of frames that begin with a keyframe; None where nothing can be decoded."""
    decoder, last = Decoder(config), None
    for number, frame in enumerate(frames):
        found = decoder.decode(frame.data, wanted=number >= len(frames) - 4)
        last = found if found is not None else last
    rest = decoder.rest()
    return rest if rest is not None else last


def read_picture(data: bytes) -> Picture | None:
    """A JPEG decoded; None where it cannot be."""
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return np.asarray(found, dtype=np.uint8) if found is not None else None


def write_jpeg(picture: Picture, *, quality: int = 75, widest_px: int = 0) -> bytes:
    """A picture as JPEG, made smaller where it is wider than `widest_px` and that is not 0."""
    if widest_px and picture.shape[1] > widest_px:
        size = (widest_px, max(1, round(picture.shape[0] * widest_px / picture.shape[1])))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    _, found = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(found)


def masked(picture: Picture, mask: Sequence[Sequence[tuple[float, float]]]) -> Picture:
    """A copy of the picture with the polygons, in shares of width and height, filled."""
    height, width = picture.shape[:2]
    rings = [np.array([(round(x * width), round(y * height)) for x, y in ring], dtype=np.int32) for ring in mask]
    made = picture.copy()
    for ring in rings:
        cv2.fillPoly(made, [ring], (48, 48, 48))
    return made


def write_clip(path: str, pictures: Iterator[Picture], *, fps: int, group: int, codec: str = "h264") -> None:
    """Pictures encoded to a file, its kind told by the name's end (.mp4; .h264 and .h265 raw). `group`: frames to a keyframe."""
    rules = f"aud=1:threads=1:sliced-threads=0:repeat-headers=1:bframes=0:scenecut=0:keyint={group}:min-keyint={group}:log-level=0"
    own = {"x264-params": rules.replace(":log-level=0", "")} if codec == "h264" else {"x265-params": rules.replace(":threads=1:sliced-threads=0", "")}
    with av.open(path, "w") as target:
        stream = target.add_stream({"h264": "libx264", "h265": "libx265"}.get(codec, codec), rate=fps)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "ultrafast", "tune": "zerolatency", **own} if codec in {"h264", "h265"} else {}
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        target.mux(stream.encode(None))
