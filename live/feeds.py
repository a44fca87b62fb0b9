"""Pictures of cameras as they come: the one door to PyAV and OpenCV.

A `Source` gives the configuration of a stream and then its frames, still encoded: nothing is decoded to be looked at by a browser. Decoding to a
picture, for health, snapshots, masks and browsers that can do no better, is here as well. No error of PyAV passes this door: they hold addresses
with passwords.
"""

from __future__ import annotations

import contextlib
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

import av
import av.error
import cv2
import numpy as np
import numpy.typing as npt
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext

from live import stills
from live.addresses import Place, Resolver, file_of, place_of, resolve
from live.nal import H264, H265, Config, Track
from live.relay import relay
from live.secrets import Credentials
from live.settings import Settings
from planning.deployed import Feed
from planning.errors import FeedError

Picture = npt.NDArray[np.uint8]  # (height, width, 3), blue, green, red
# version, key, two unused; number; microseconds of the stream's own time; receipt in seconds since 1970
HEADER = struct.Struct(">BBHIqd")
_TRACKS = {"h264": H264, "hevc": H265}
_MICRO = 1_000_000
_RTSP = {
    "rtsp_transport": "tcp", "allowed_media_types": "video", "analyzeduration": "0", "probesize": "32", "flags": "low_delay",
    "max_delay": "0", "reorder_queue_size": "0", "protocol_whitelist": "rtsp,rtp,tcp,udp",
}  # fmt: skip
_FOUND = {
    "feed.password": ("The camera refuses this name and password", "Enter the right ones"),
    "feed.path": ("The camera has no such stream", "Mend the path of the address"),
    "feed.stalled": ("The camera has stopped sending", "It is tried again by itself"),
    "feed.offline": ("The camera does not answer", "Check its power, its link and its address"),
    "feed.broken": ("What the camera sends cannot be read", "Check that the address is that of a video stream"),
    "feed.redirect": ("The camera points to another address", "Give the address where its pictures really are"),
    "feed.ended": ("The stream has ended", "It is tried again by itself"),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame as it goes to viewers. `message`: header and data in one; `wall_s`: when it was received, in seconds since 1970."""

    key: bool
    wall_s: float
    message: bytes

    @property
    def data(self) -> bytes:
        """The frame without its header."""
        return self.message[HEADER.size :]


class Source(Protocol):
    """A camera that is being pulled."""

    def __iter__(self) -> Iterator[Config | Frame]:
        """Its configuration whenever it is new, and its frames; FeedError where it ends."""

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


def frame_of(data: bytes, *, key: bool, number: int, stamp_us: int, wall_s: float) -> Frame:
    """A frame with its header."""
    return Frame(key, wall_s, HEADER.pack(1, key, 0, number & 0xFFFFFFFF, stamp_us, wall_s) + data)


def fault(code: str, where: str = "") -> FeedError:
    """The error of a feed that failed in a known way; `where` must hold no credentials."""
    return FeedError.one(code, *_FOUND[code], where)


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


class _Demuxed:
    """What RTSP and files share: packets to frames."""

    def __init__(self, container: av.container.InputContainer, clock: Clock, where: str) -> None:
        self._container, self._clock, self._where, self._number, self._last = container, clock, where, 0, 0
        if not container.streams.video:
            container.close()
            raise FeedError.one("feed.codec", "The stream holds no video we know", "Set the camera to H.264", where)
        self._stream = container.streams.video[0]
        self.codec = self._stream.codec_context.name
        self._track: Track | None = None
        if self.codec in _TRACKS:
            self._track = _TRACKS[self.codec](bytes(self._stream.codec_context.extradata or b""))
        elif self.codec != "mjpeg":
            container.close()
            raise FeedError.one("feed.codec", "The camera sends video that no browser plays", "Set it to H.264", self.codec)
        self._size = (0, 0)

    def _frames(self, packet: av.Packet[av.VideoStream], stamp_us: int) -> Iterator[Config | Frame]:
        data, wall = bytes(packet), self._clock.now()
        if self._track is not None:
            found, config = self._track.frames(data, stamp_us), self._track.config()
        else:
            found, config = [(data, True, stamp_us)], stills.config_of(data, self._size)
        if config is not None:
            self._size = (config.width, config.height)
            yield config
        for made, key, stamp in found:
            self._number += 1
            yield frame_of(made, key=key, number=self._number, stamp_us=stamp, wall_s=wall)

    def _stamp(self, packet: av.Packet[av.VideoStream]) -> int:
        pts = packet.pts if packet.pts is not None else packet.dts
        # A demuxer that was given no time to look knows no stamp of the first packet.
        self._last = int(pts * packet.time_base * _MICRO) if pts is not None and packet.time_base else self._last
        return self._last


class _RtspSource(_Demuxed):
    def __init__(self, place: Place, credentials: Credentials | None, settings: Settings, clock: Clock) -> None:
        self._link = relay(place, settings)
        self._host = place.host
        user = f"{quote(credentials.user, safe='')}:{quote(credentials.password, safe='')}@" if credentials else ""
        times = settings.times
        options = {**_RTSP, "timeout": str(int(times.read_s * _MICRO))}
        try:
            with _plain(self):
                url = f"rtsp://{user}127.0.0.1:{self._link.port}{place.path}"
                container = av.open(url, format="rtsp", options=options, timeout=(times.open_s, times.read_s))
            super().__init__(container, clock, place.host)
        except BaseException:
            self._link.close()
            raise

    def __iter__(self) -> Iterator[Config | Frame]:
        try:
            with _plain(self):
                for packet in self._container.demux(self._stream):
                    if packet.size:
                        yield from self._frames(packet, self._stamp(packet))
            raise fault("feed.ended", self._host)
        finally:
            self._link.close()
            self._container.close()

    def close(self) -> None:
        """End the connection, which ends a wait for the next packet."""
        self._link.close()

    @property
    def elsewhere(self) -> bool:
        """Whether the camera pointed to another host."""
        return self._link.elsewhere

    @property
    def host(self) -> str:
        """The host, without credentials."""
        return self._host


@contextlib.contextmanager
def _plain(source: _RtspSource) -> Iterator[None]:
    """PyAV's errors turned into ours, by their kind alone."""
    try:
        yield
    except (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError):
        code = "feed.password"
    except (av.error.HTTPNotFoundError, av.error.HTTPClientError):
        code = "feed.path"
    except (av.error.ExitError, av.error.TimeoutError):
        code = "feed.stalled"
    except av.error.InvalidDataError:
        code = "feed.broken"
    except (av.error.FFmpegError, OSError, ValueError):
        code = "feed.offline"
    else:
        return
    raise fault("feed.redirect" if source.elsewhere else code, source.host)


class _FileSource(_Demuxed):
    """A file shown over and over at its own speed."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path, self._stop = path, threading.Event()
        super().__init__(self._open(), clock, "")

    def _open(self) -> av.container.InputContainer:
        try:
            return av.open(self._path, options={"protocol_whitelist": "file"})
        except (av.error.FFmpegError, OSError, ValueError):
            raise fault("feed.broken") from None

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
                    yield from self._frames(packet, base + self._stamp(packet))
                    if self._clock.wait(self._stop, pause):
                        break
            except (av.error.FFmpegError, OSError):
                raise fault("feed.broken") from None
            finally:
                self._container.close()
            base += last + int(pause * _MICRO)
            self._container = self._open()
            self._stream = self._container.streams.video[0]
        self._container.close()

    def close(self) -> None:
        """End the wait for the next frame."""
        self._stop.set()


class _StillSource:
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
                yield frame_of(data, key=True, number=number, stamp_us=int(wall * _MICRO), wall_s=wall)
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
