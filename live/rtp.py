"""Pictures out of RTP, as it comes inside RTSP's own connection (RFC 2326, 10.12): the bytes of each picture, without decoding.

    '$' channel length | header, sequence, stamp | a whole NAL unit, several of them, or a piece of one     (RFC 6184, RFC 7798)

Where a packet is missing, its picture is let go, and those after it up to the next keyframe: nothing half received is shown. A stream in which
things stand that no camera sends, and no loss makes, again and again is spoilt, and ends. Reports of the sender (RFC 3550, 6.4.1) tell when, by
the camera's own clock, each picture was taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from live.connection import fault
from live.rtpjpeg import Jpeg

_SINCE_1900 = 2_208_988_800  # seconds from 1900, where NTP begins, to 1970
_MOST_TALK = 262_144
_MOST_CHANNEL = 31  # a camera sends on a few; what comes on a higher one is the middle of something
# How an answer, or a question of the camera, begins; a beginning may be all there is yet.
_TALK = re.compile(rb"RTSP/\d|[A-Z_]{3,20} |[A-Z_]{1,20}\Z|RTSP/\Z")
_MOST_UNIT = 16_000_000
_MICRO = 1_000_000
# So many things that cannot be, within so many packets of video, and the stream is spoilt.
_MOST_ODD, _AMONG = 4, 256


@dataclass(frozen=True, slots=True)
class Taken:
    """One picture: its NAL units, or one JPEG; microseconds of the stream's own time; `camera_s`: when it was taken by the camera's clock, in
    seconds since 1970, None where the camera has not told.
    """

    units: list[bytes]
    stamp_us: int
    camera_s: float | None


class Row:
    """Interleaved bytes of one camera to its pictures.

    Parameters
    ----------
    codec: h264, h265 or jpeg.
    kind: payload type of the video's packets; `rate`: ticks of its clock a second; `channel`: where they come, reports on the next one.
    """

    def __init__(self, codec: str, kind: int, rate: int, channel: int) -> None:
        self._kind, self._rate, self._channel = kind, rate, channel
        self._unit = {"h264": self._unit_h264, "h265": self._unit_h265, "jpeg": self._unit_jpeg}[codec]
        self._keys = {"h264": lambda unit: unit[0] & 31 == 5, "h265": lambda unit: 16 <= unit[0] >> 1 & 63 <= 21}.get(codec, lambda _: True)
        self._jpeg = Jpeg()
        self._rest = b""
        self._units, self._part, self._held = list[bytes](), list[bytes](), 0
        self._next: int | None = None
        self._stamp = self._spoilt = -1
        self._lost = False
        self._turns = self._last = self._odd = self._good = 0
        self._report: tuple[float, int] | None = None
        self.answers: list[bytes] = []

    def take(self, data: bytes) -> list[Taken]:
        """The pictures that are whole with these bytes; what the camera answered in between is added to `answers`. Raises FeedError."""
        if self._rest:
            data = self._rest + data
        at, end, found = 0, len(data), list[Taken]()
        while end - at >= 4:
            if data[at] != 0x24:
                after = self._talk(data, at)
                if after < 0:
                    break
                at = after
                continue
            stop = at + 4 + (data[at + 2] << 8 | data[at + 3])
            if stop > end:
                break
            channel = data[at + 1]
            if channel == self._channel:
                self._packet(data, at + 4, stop, found)
            elif channel == self._channel + 1:
                self._hear(data, at + 4, stop)
            elif channel > _MOST_CHANNEL:
                self._wonder()
            at = stop
        self._rest = data[at:]
        return found

    def _talk(self, data: bytes, at: int) -> int:
        """Take out what the camera says between packets; where it ends, or -1 where it goes on."""
        start = data.find(b"$", at)
        if not _TALK.match(data, at):
            # Some cameras fill up between packets, with one byte again and again.
            after = start if start >= 0 else len(data)
            if data.count(data[at], at, after) < after - at:
                self._wonder()
            return after
        head = data.find(b"\r\n\r\n", at)
        if head < 0:
            if len(data) - at > _MOST_TALK:
                raise fault("feed.broken")
            return -1
        length = 0
        for line in data[at:head].split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length" and value.strip().isdigit():
                length = min(int(value), _MOST_TALK)
        after = head + 4 + length
        if after > len(data):
            return -1
        self.answers.append(data[at:head])
        return after

    def _wonder(self) -> None:
        """Something that cannot be. Raises FeedError where there was much of it lately."""
        self._odd += 1
        if self._odd >= _MOST_ODD:
            raise fault("feed.broken")

    def _packet(self, data: bytes, at: int, stop: int, found: list[Taken]) -> None:
        if stop - at < 12 or data[at] >> 6 != 2:
            self._wonder()
            return
        if data[at + 1] & 0x7F != self._kind:
            return
        self._good += 1
        if self._good % _AMONG == 0:
            self._odd = 0
        flags, marked = data[at], data[at + 1] & 0x80
        number = data[at + 2] << 8 | data[at + 3]
        stamp = int.from_bytes(data[at + 4 : at + 8])
        head = at + 12 + 4 * (flags & 15)
        if flags & 0x10:
            head += 4 + 4 * int.from_bytes(data[head + 2 : head + 4])
        if flags & 0x20:
            stop -= data[stop - 1]
        if stamp != self._stamp:
            # The last packet of the picture before did not say that it was the last.
            self._whole(found)
        if number != self._next and self._next is not None:
            self._lost, self._spoilt = True, stamp
            self._units, self._part, self._held = [], [], 0
            self._jpeg.whole()
        self._next, self._stamp = (number + 1) & 0xFFFF, stamp
        if head < stop:
            self._held += stop - head
            if self._held > _MOST_UNIT:
                raise fault("feed.broken")
            self._unit(data, head, stop)
        if marked:
            self._whole(found)

    def _whole(self, found: list[Taken]) -> None:
        units, stamp = self._units, self._stamp
        self._units, self._part, self._held = [], [], 0
        made = self._jpeg.whole()
        units = units if made is None else [made]
        if not units:
            return
        if self._lost:
            if stamp == self._spoilt or not any(map(self._keys, units)):
                return
            self._lost = False
        if stamp - self._last < -0x80000000:
            self._turns += 1
        elif stamp - self._last > 0x80000000:
            self._turns -= 1
        self._last = stamp
        ticks = stamp + (self._turns << 32)
        camera = None
        if self._report is not None:
            then, ticked = self._report
            camera = then + (((stamp - ticked + 0x80000000) & 0xFFFFFFFF) - 0x80000000) / self._rate
        found.append(Taken(units, ticks * _MICRO // self._rate, camera))

    def _hear(self, data: bytes, at: int, stop: int) -> None:
        """A sender's report; some cameras count from their start instead of telling the time, and are not heard."""
        if stop - at >= 28 and data[at + 1] == 200:
            seconds, parts = int.from_bytes(data[at + 8 : at + 12]), int.from_bytes(data[at + 12 : at + 16])
            if seconds >= _SINCE_1900:
                self._report = (seconds - _SINCE_1900 + parts / 2**32, int.from_bytes(data[at + 16 : at + 20]))

    def _unit_h264(self, data: bytes, head: int, stop: int) -> None:
        kind = data[head] & 31
        if kind == 28 and stop - head > 2:
            mark = data[head + 1]
            self._piece(mark, bytes((data[head] & 0xE0 | mark & 31,)), data[head + 2 : stop])
        elif kind == 24:
            self._several(data, head + 1, stop)
        elif 0 < kind < 24:
            self._units.append(data[head:stop])

    def _unit_h265(self, data: bytes, head: int, stop: int) -> None:
        kind = data[head] >> 1 & 63
        if kind == 49 and stop - head > 3:
            mark = data[head + 2]
            self._piece(mark, bytes((data[head] & 0x81 | (mark & 63) << 1, data[head + 1])), data[head + 3 : stop])
        elif kind == 48:
            self._several(data, head + 2, stop)
        elif kind < 48 and stop - head > 2:
            self._units.append(data[head:stop])

    def _unit_jpeg(self, data: bytes, head: int, stop: int) -> None:
        self._jpeg.add(data[head:stop])

    def _piece(self, mark: int, head: bytes, data: bytes) -> None:
        if mark & 0x80:
            self._part = [head, data]
        elif self._part:
            self._part.append(data)
        if mark & 0x40 and self._part:
            self._units.append(b"".join(self._part))
            self._part = []

    def _several(self, data: bytes, at: int, stop: int) -> None:
        while at + 2 < stop:
            length = data[at] << 8 | data[at + 1]
            if 0 < length <= stop - at - 2:
                self._units.append(data[at + 2 : at + 2 + length])
            at += 2 + length
