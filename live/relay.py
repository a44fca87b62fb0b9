"""The one way a stream of RTSP reaches this process: a relay that holds the connection to the judged address and lets no camera send us elsewhere.

    demuxer  <- loopback ->  relay  <- TCP or TLS, the judged address ->  camera

Until the stream plays, whatever the camera says is read before it is passed on: an answer that points to another host ends the connection, so the
demuxer never learns of it. Afterwards bytes pass unread. One thread serves every camera; it gathers for a moment, so that frames pass whole.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import ssl
import threading
import time
from collections import deque

from live.addresses import Place
from live.settings import Settings
from planning.errors import FeedError

_CHUNK = 262_144
_MOST_TALK = 262_144  # bytes a camera may say before it plays
_MOST_WAITING = 8_000_000  # bytes that may wait for the demuxer
_GATHER_S = 0.004
# As the demuxer reads it: a line that begins with Location, or an answer of a status that is none of success, refusal or fault.
_ELSEWHERE = re.compile(rb"(?:\A|\n)\s*location\s*:|(?:\A|\n)RTSP/\S*\s+(?![1245]\d\d\s)\S+\s|RTSP/\S*\s+\+?0*3\d\d\s", re.IGNORECASE)


class Link:
    """One camera's connection through the relay. `port`: where on loopback the demuxer finds it; `elsewhere`: whether the camera pointed away."""

    def __init__(self, camera: socket.socket) -> None:
        self.camera = camera
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self.port: int = self.listener.getsockname()[1]
        self.local: socket.socket | None = None
        self.talk: bytearray | None = bytearray()
        self.waiting = bytearray()
        self.elsewhere = False

    def close(self) -> None:
        """End the connection; the demuxer sees its end at once."""
        _room().ask(self)


class _Relay(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="live-relay", daemon=True)
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._ear.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ, None)
        self._asked: deque[tuple[Link, bool]] = deque()

    def ask(self, link: Link, *, begin: bool = False) -> None:
        """Have a link begun or ended by the relay's thread."""
        self._asked.append((link, begin))
        with contextlib.suppress(OSError):
            self._bell.send(b".")

    def run(self) -> None:
        """Pass bytes for ever."""
        while True:
            talking = False
            for key, mask in self._selector.select():
                link = key.data
                if link is None:
                    self._answer()
                    continue
                talking = talking or link.talk is not None
                try:
                    self._pass(link, key.fileobj, mask)
                except Exception:  # noqa: BLE001 - one camera's fault must not end the relay of all
                    self._end(link)
            if not talking:
                time.sleep(_GATHER_S)

    def _answer(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._ear.recv(4096)
        while self._asked:
            link, begin = self._asked.popleft()
            if begin and link.listener.fileno() >= 0:
                self._selector.register(link.listener, selectors.EVENT_READ, link)
            elif not begin:
                self._end(link)

    def _pass(self, link: Link, which: object, mask: int) -> None:
        if which is link.listener:
            link.local, _ = link.listener.accept()
            self._selector.unregister(link.listener)
            link.listener.close()
            for side in (link.local, link.camera):
                side.setblocking(False)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._selector.register(side, selectors.EVENT_READ, link)
        elif which is link.local:
            if mask & selectors.EVENT_WRITE:
                self._flush(link)
            if mask & selectors.EVENT_READ:
                self._from_demuxer(link)
        else:
            self._from_camera(link)

    def _from_demuxer(self, link: Link) -> None:
        assert link.local is not None
        data = link.local.recv(_CHUNK)
        if not data:
            self._end(link)
            return
        if data.startswith(b"PLAY "):
            link.talk = None
        link.camera.settimeout(1.0)
        link.camera.sendall(data)
        link.camera.setblocking(False)

    def _from_camera(self, link: Link) -> None:
        ended = False
        while True:
            try:
                data = link.camera.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                break
            ended = not data
            if ended or not self._heard(link, data):
                break
            link.waiting += data
            if len(data) < _CHUNK and not isinstance(link.camera, ssl.SSLSocket):
                break
        self._flush(link)
        if ended or link.elsewhere or len(link.waiting) > _MOST_WAITING:
            self._end(link)

    @staticmethod
    def _heard(link: Link, data: bytes) -> bool:
        """Whether what the camera said may be passed on."""
        if link.talk is None:
            return True
        # The demuxer skips carriage returns wherever they stand.
        link.talk += data.replace(b"\r", b"")
        link.elsewhere = len(link.talk) > _MOST_TALK or _ELSEWHERE.search(link.talk) is not None
        return not link.elsewhere

    def _flush(self, link: Link) -> None:
        if link.local is None:
            return
        if link.waiting:
            with contextlib.suppress(BlockingIOError):
                sent = link.local.send(link.waiting)
                del link.waiting[:sent]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.waiting else 0)
        if self._selector.get_key(link.local).events != wanted:
            self._selector.modify(link.local, wanted, link)

    def _end(self, link: Link) -> None:
        for side in (link.listener, link.local, link.camera):
            if side is not None and side.fileno() >= 0:
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(side)
                side.close()


_lock = threading.Lock()
_rooms: list[_Relay] = []


def _room() -> _Relay:
    with _lock:
        if not _rooms:
            _rooms.append(_Relay())
            _rooms[0].start()
        return _rooms[0]


def connect(place: Place, settings: Settings) -> socket.socket:
    """A connection to a judged place, by TLS where its scheme asks for it.

    Raises
    ------
    FeedError: `feed.offline` where nothing answers, `feed.tls` where TLS cannot be agreed on.
    """
    try:
        made = socket.create_connection((str(place.address), place.port), timeout=settings.times.open_s)
    except OSError:
        raise FeedError.one("feed.offline", "The camera does not answer", "Check its power, its link and its address", place.host) from None
    if not place.secure:
        return made
    context = ssl.create_default_context()
    if not settings.verify_tls:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return context.wrap_socket(made, server_hostname=place.host)
    except (OSError, ValueError):
        made.close()
        raise FeedError.one("feed.tls", "No secure connection to the camera", "Check its certificate, or use rtsp", place.host) from None


def relay(place: Place, settings: Settings) -> Link:
    """A link to a judged place, ready for the demuxer. Raises FeedError as `connect`."""
    link = Link(connect(place, settings))
    _room().ask(link, begin=True)
    return link
