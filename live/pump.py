"""All cameras that play, read by one thread: it wakes, waits a moment so that pictures are whole, reads every camera that has sent, and passes on.

    camera, camera, ... -> pump (one thread) -> what each camera's listener makes of its pictures

A thread a camera would wake for every packet and wait for the others' turns. A camera that is silent too long, ends or cannot be read ends alone.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable

from live.connection import fault
from live.rtp import Taken
from live.rtsp import CHUNK, Playing

_GATHER_S = 0.004
_LOOK_S = 0.5
_MOST_READS = 64  # of one camera in one turn, so that none keeps the others waiting


class _Pour:
    """One camera's way through the pump."""

    def __init__(self, playing: Playing, hear: Callable[[list[Taken]], None], read_s: float) -> None:
        self.playing, self.hear, self.read_s = playing, hear, read_s
        self.ended = threading.Event()
        self.why: BaseException | None = None
        self.heard_s = time.monotonic()

    def read(self) -> list[Taken]:
        """The pictures that have come. Raises what ends it."""
        found, source = list[Taken](), self.playing.socket
        secure = isinstance(source, ssl.SSLSocket)
        for _ in range(_MOST_READS):
            try:
                data = source.recv(CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                break
            except (OSError, ValueError):
                data = b""
            if not data:
                raise fault("feed.ended", self.playing.host)
            self.heard_s = time.monotonic()
            found += self.playing.take(data)
            if len(data) < CHUNK and not secure:
                break
        return found


class _Pump(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="live-pump", daemon=True)
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._ear.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ, None)
        self._asked: deque[_Pour] = deque()
        self._pours: set[_Pour] = set()

    def begin(self, pour: _Pour) -> None:
        """Have a camera read by the pump's thread."""
        self._asked.append(pour)
        with contextlib.suppress(BlockingIOError):
            self._bell.send(b".")

    def run(self) -> None:
        """Read for ever."""
        look = time.monotonic() + _LOOK_S
        while True:
            if self._selector.select(_LOOK_S if self._pours else None):
                time.sleep(_GATHER_S)
                self._turn()
            now = time.monotonic()
            if now >= look:
                look = now + _LOOK_S
                for pour in list(self._pours):
                    if now - pour.heard_s > pour.read_s:
                        self._end(pour, fault("feed.stalled", pour.playing.host))
                    else:
                        pour.playing.keep_alive(now)

    def _turn(self) -> None:
        found = []
        for key, _ in self._selector.select(0):
            pour = key.data
            if pour is None:
                self._take_in()
                continue
            try:
                taken = pour.read()
            except Exception as error:  # noqa: BLE001 - one camera's fault must not end the pump of all
                self._end(pour, error)
                continue
            if taken:
                found.append((pour, taken))
        for pour, taken in found:
            try:
                pour.hear(taken)
            except Exception as error:  # noqa: BLE001 - nor must its listener's
                self._end(pour, error)

    def _take_in(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._ear.recv(4096)
        while self._asked:
            pour = self._asked.popleft()
            try:
                pour.playing.socket.setblocking(False)
                self._selector.register(pour.playing.socket, selectors.EVENT_READ, pour)
            except (OSError, ValueError):
                self._end(pour, fault("feed.ended", pour.playing.host))
                continue
            self._pours.add(pour)
            # What came together with the answer waits for no event.
            try:
                pour.hear(pour.playing.take(b"") + pour.read())
            except Exception as error:  # noqa: BLE001 - as above
                self._end(pour, error)

    def _end(self, pour: _Pour, why: BaseException) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(pour.playing.socket)
        self._pours.discard(pour)
        pour.why = why
        pour.ended.set()


_lock = threading.Lock()
_rooms: list[_Pump] = []


def pour(playing: Playing, hear: Callable[[list[Taken]], None], read_s: float) -> None:
    """Have `hear` told of a camera's pictures, in the pump's thread, until the camera ends or is interrupted.

    Raises
    ------
    FeedError: the camera ended, was silent for `read_s` [s], or cannot be read. What `hear` raises is raised here.
    """
    with _lock:
        if not _rooms:
            _rooms.append(_Pump())
            _rooms[0].start()
        pump = _rooms[0]
    made = _Pour(playing, hear, read_s)
    pump.begin(made)
    made.ended.wait()
    if made.why is not None:
        raise made.why
