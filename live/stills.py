"""JPEG pictures of cameras over HTTP: one at a time, or a row of them without end. No answer that points elsewhere is followed.

Credentials are given as the camera asks for them, Basic or Digest (RFC 7616), in a header and never in an address.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
from email.utils import parsedate_to_datetime

from live.addresses import Place
from live.connection import authorization, connect
from live.nal import Config
from live.secrets import Credentials
from live.settings import Settings
from planning.errors import FeedError

_LINE = 8192


class Stills:
    """Pictures of one camera, one `fetch` each. `many`: the camera sends them by itself."""

    def __init__(self, place: Place, credentials: Credentials | None, settings: Settings, *, many: bool) -> None:
        self.many = many
        self.camera_s: float | None = None  # when the camera said it sent the last picture, by its own clock [s since 1970]
        self._place, self._credentials, self._settings = place, credentials, settings
        self._answer: http.client.HTTPResponse | None = None
        self._connection: http.client.HTTPConnection | None = None
        if many:
            self._ask()

    def fetch(self) -> bytes:
        """The next picture's JPEG.

        Raises
        ------
        FeedError: `feed.offline`, `feed.password`, `feed.redirect`, `feed.answer`, `feed.broken`.
        """
        try:
            if self.many:
                return self._next()
            answer = self._ask()
            self.camera_s = _date(answer.headers.get("Date", ""))
            data = answer.read(self._settings.limits.picture_bytes + 1)
            self.close()
        except (OSError, http.client.HTTPException, ValueError):
            raise FeedError.one("feed.offline", "The camera has stopped sending", "It is tried again by itself", self._place.host) from None
        return self._checked(data)

    def interrupt(self) -> None:
        """End a wait for the camera, from another thread."""
        made = self._connection
        if made is not None and made.sock is not None:
            with contextlib.suppress(OSError):
                made.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection."""
        answer, self._answer = self._answer, None
        self.interrupt()
        made, self._connection = self._connection, None
        if made is not None:
            made.close()
        if answer is not None:
            answer.close()

    def _checked(self, data: bytes) -> bytes:
        if not data.startswith(b"\xff\xd8") or len(data) > self._settings.limits.picture_bytes:
            raise FeedError.one("feed.broken", "What the camera sends is no JPEG, or too large", "Mend its address", self._place.host)
        return data

    def _ask(self) -> http.client.HTTPResponse:
        try:
            return self._answered()
        except FeedError:
            self.close()
            raise

    def _answered(self) -> http.client.HTTPResponse:
        answer = self._request("")
        if answer.status == 401 and self._credentials is not None:
            said = answer.headers.get_all("WWW-Authenticate") or []
            answer = self._request(authorization(said, self._credentials, "GET", self._place.path))
        if answer.status in {401, 403}:
            raise FeedError.one("feed.password", "The camera refuses this name and password", "Enter the right ones", self._place.host)
        if 300 <= answer.status < 400:
            raise FeedError.one("feed.redirect", "The camera points to another address", "Give that address", self._place.host)
        if answer.status != 200:
            raise FeedError.one("feed.answer", "The camera answers, but gives no picture", "Mend the path of the address", answer.status)
        return answer

    def _request(self, authorization: str) -> http.client.HTTPResponse:
        self.close()
        made = http.client.HTTPConnection(self._place.host, self._place.port)
        made.sock = connect(self._place, self._settings)
        made.sock.settimeout(self._settings.times.read_s)
        self._connection = made
        headers = {"Accept": "image/jpeg, multipart/x-mixed-replace", "Connection": "close"}
        try:
            made.request("GET", self._place.path, headers={**headers, **({"Authorization": authorization} if authorization else {})})
            self._answer = made.getresponse()
            return self._answer
        except (OSError, http.client.HTTPException, ValueError):
            raise FeedError.one("feed.offline", "The camera does not answer", "Check its power and its link", self._place.host) from None

    def _next(self) -> bytes:
        answer = self._answer
        if answer is None:
            raise FeedError.one("feed.ended", "The stream has ended", "It is tried again by itself", self._place.host)
        length, lines = 0, 0
        while True:
            line = answer.readline(_LINE)
            lines += 1
            if not line or lines > 100:
                raise FeedError.one("feed.ended", "The stream has ended", "It is tried again by itself", self._place.host)
            name, _, value = line.decode("latin-1").partition(":")
            if name.strip().lower() == "content-length" and value.strip().isdigit():
                length = int(value)
            if not line.strip() and length:
                break
            if line.startswith(b"\xff\xd8"):
                return self._checked(self._until_end(line))
        if length > self._settings.limits.picture_bytes:
            return self._checked(b"")
        return self._checked(answer.read(length))

    def _until_end(self, begun: bytes) -> bytes:
        """A picture whose length nobody told: up to its end mark."""
        data = bytearray(begun)
        answer = self._answer
        assert answer is not None
        while b"\xff\xd9" not in data[-_LINE - 2 :] and len(data) <= self._settings.limits.picture_bytes:
            more = answer.readline(_LINE)
            if not more:
                break
            data += more
        return bytes(data[: data.rfind(b"\xff\xd9") + 2])


def _date(text: str) -> float | None:
    """A moment as HTTP writes it; half a second is added, which it leaves out on average. None where there is none."""
    try:
        return parsedate_to_datetime(text).timestamp() + 0.5
    except (ValueError, TypeError, OverflowError):
        return None


def open_stills(place: Place, credentials: Credentials | None, settings: Settings, *, many: bool) -> Stills:
    """Pictures of a judged place. Raises FeedError as `Stills.fetch`."""
    return Stills(place, credentials, settings, many=many)


def config_of(data: bytes, size: tuple[int, int]) -> Config | None:
    """The configuration of a JPEG where its size differs from `size`, else None."""
    found = size_of_jpeg(data)
    return Config("jpeg", "jpeg", *found) if found is not None and found != size else None


def size_of_jpeg(data: bytes) -> tuple[int, int] | None:
    """Width and height [px] of a JPEG, from its frame header; None where there is none."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        mark = data[at + 1]
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
