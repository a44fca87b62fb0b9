"""One camera by RTSP (RFC 2326) over its one connection: asked what it has, set up and played, by TCP or TLS to the judged address.

    DESCRIBE -> (401, asked again with the answer to its challenge) -> SETUP of the first video -> PLAY -> packets ('$'), answers in between

Whatever the camera says, nobody else is asked: an answer that points to another address ends it, and other hosts in a description are only words.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from live.addresses import Place
from live.connection import authorization, connect, fault
from live.rtp import Row, Taken
from live.secrets import Credentials
from live.settings import Settings

CHUNK = 262_144
_MOST_TALK = 262_144  # bytes a camera may say before it plays
_CODECS = {"h264": "h264", "h265": "h265", "hevc": "h265", "jpeg": "jpeg"}
_SESSION_S = 60.0


@dataclass(frozen=True)
class Media:
    """The video of a description. `kind`: its payload type; `rate`: ticks a second; `sets`: parameter sets told ahead, as NAL units."""

    codec: str
    kind: int
    rate: int
    control: str
    sets: tuple[bytes, ...]


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: dict[str, list[str]]
    body: bytes

    def first(self, name: str) -> str:
        """The first header of a name, empty where there is none."""
        return self.headers.get(name, [""])[0]


class Playing:
    """A camera that plays. `media`: what it sends; `socket`: where from, to be read by one thread at a time."""

    def __init__(self, place: Place, credentials: Credentials | None, settings: Settings) -> None:
        self._place, self._credentials = place, credentials
        host = f"[{place.host}]" if ":" in place.host else place.host
        self._url = f"{place.scheme}://{host}:{place.port}{place.path}"
        self._number, self._said, self._session = 0, list[str](), ""
        self._talk, self._early = b"", b""
        self._control, self._every_s, self._due, self._asked_again = self._url, _SESSION_S / 2, 0.0, False
        self.socket = connect(place, settings)
        try:
            self.socket.settimeout(settings.times.read_s)
            self.media, channel = self._begin()
            self._row = Row(self.media.codec, self.media.kind, self.media.rate, channel)
        except (TimeoutError, ssl.SSLWantReadError):
            self.close()
            raise fault("feed.stalled", place.host) from None
        except (OSError, ValueError):
            self.close()
            raise fault("feed.offline", place.host) from None
        except BaseException:
            self.close()
            raise

    def take(self, data: bytes) -> list[Taken]:
        """The pictures that are whole with bytes from the socket. Raises FeedError where the camera says that it ends or points elsewhere."""
        if self._early:
            data, self._early = self._early + data, b""
        found = self._row.take(data)
        if self._row.answers:
            said, self._row.answers = self._row.answers, []
            for head in said:
                self._heard(head)
        return found

    def read(self) -> bytes:
        """The next bytes, waited for. Raises FeedError."""
        try:
            data = self.socket.recv(CHUNK)
        except TimeoutError:
            raise fault("feed.stalled", self._place.host) from None
        except (OSError, ValueError):
            data = b""
        if not data:
            raise fault("feed.ended", self._place.host)
        return data

    @property
    def host(self) -> str:
        """The host, without credentials."""
        return self._place.host

    def keep_alive(self, now: float) -> None:
        """Tell the camera that somebody still looks, where it is time to. `now`: of the monotonic clock [s]."""
        if now >= self._due:
            self._due, self._asked_again = now + self._every_s, False
            self._keep()

    def _keep(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._send("OPTIONS", self._control)

    def interrupt(self) -> None:
        """End a wait for the camera, from any thread."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the camera."""
        if self._session:
            with contextlib.suppress(OSError, ValueError):
                self._send("TEARDOWN", self._control)
        self.interrupt()
        self.socket.close()

    def _begin(self) -> tuple[Media, int]:
        told = self._ask("DESCRIBE", self._url, "Accept: application/sdp")
        media = media_of(told.body.decode("utf-8", "replace"))
        if media is None:
            raise fault("feed.codec" if b"m=video" in told.body else "feed.broken", self._place.host)
        base = told.first("content-base") or told.first("content-location") or self._url
        self._control = base
        set_up = self._ask("SETUP", joined(base, media.control), "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        self._session, _, rest = set_up.first("session").partition(";")
        timeout = re.search(r"timeout\s*=\s*(\d+)", rest)
        self._every_s = max(5.0, (float(timeout[1]) if timeout else _SESSION_S) / 2)
        channel = re.search(r"interleaved\s*=\s*(\d+)", set_up.first("transport"))
        self._ask("PLAY", base, "Range: npt=0.000-")
        self._early, self._talk = self._early + self._talk, b""
        self._due = time.monotonic() + self._every_s
        return media, int(channel[1]) if channel else 0

    def _ask(self, method: str, target: str, *headers: str) -> _Answer:
        """Ask and wait for the answer; once more where the camera challenges. Raises FeedError."""
        for _ in range(2):
            self._send(method, target, *headers)
            answer = self._answer()
            if answer.status != 401 or self._credentials is None or not answer.headers.get("www-authenticate"):
                break
            self._said = answer.headers["www-authenticate"]
        if answer.status == 200:
            return answer
        code = {401: "feed.password", 403: "feed.password", 415: "feed.codec", 461: "feed.path"}.get(answer.status)
        raise fault(code or {3: "feed.redirect", 4: "feed.path"}.get(answer.status // 100, "feed.offline"), self._place.host)

    def _send(self, method: str, target: str, *headers: str) -> None:
        self._number += 1
        lines = [f"{method} {target} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: chaukas", *headers]
        if self._session:
            lines.append(f"Session: {self._session}")
        if self._said and self._credentials is not None:
            lines.append(f"Authorization: {authorization(self._said, self._credentials, method, target)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def _answer(self) -> _Answer:
        while True:
            while self._talk.startswith(b"$"):
                # What plays before its answer is kept.
                while len(self._talk) < 4 or len(self._talk) < 4 + int.from_bytes(self._talk[2:4]):
                    self._more()
                size = 4 + int.from_bytes(self._talk[2:4])
                self._early, self._talk = self._early + self._talk[:size], self._talk[size:]
            if b"\r\n\r\n" in self._talk:
                head, _, rest = self._talk.partition(b"\r\n\r\n")
                answer = answer_of(head)
                if answer is None:
                    raise fault("feed.broken", self._place.host)
                length = answer.first("content-length")
                size = int(length) if length.isdigit() else 0
                self._talk = rest
                while len(self._talk) < size:
                    self._more()
                body, self._talk = self._talk[:size], self._talk[size:]
                return _Answer(answer.status, answer.headers, body)
            self._more()

    def _more(self) -> None:
        data = self.socket.recv(CHUNK)
        if not data:
            raise fault("feed.offline", self._place.host)
        self._talk += data
        if len(self._talk) + len(self._early) > _MOST_TALK:
            raise fault("feed.broken", self._place.host)

    def _heard(self, head: bytes) -> None:
        """What the camera says while it plays: a challenge is answered next time, and pointing elsewhere ends it."""
        answer = answer_of(head)
        if answer is None:
            if head.startswith(b"REDIRECT"):
                raise fault("feed.redirect", self._place.host)
        elif 300 <= answer.status < 400:
            raise fault("feed.redirect", self._place.host)
        elif answer.status == 401 and answer.headers.get("www-authenticate") and not self._asked_again:
            self._said, self._asked_again = answer.headers["www-authenticate"], True
            self._keep()


def answer_of(head: bytes) -> _Answer | None:
    """An answer's status and headers, None where the bytes begin none."""
    lines = head.decode("latin-1").replace("\r", "").split("\n")
    began = re.match(r"RTSP/\S+\s+\+?0*(\d{1,9})\b", lines[0])
    if not began:
        return None
    headers: dict[str, list[str]] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), []).append(value.strip())
    return _Answer(int(began[1]), headers, b"")


def joined(base: str, control: str) -> str:
    """Where a part of a description is asked for, as cameras mean it: below its base, even where the base has a query."""
    if not control or control == "*":
        return base
    if urlsplit(control).scheme in {"rtsp", "rtsps"}:
        return control
    return f"{base}{'' if base.endswith('/') else '/'}{control}"


def media_of(description: str) -> Media | None:
    """The first video we know of a description (RFC 8866); None where there is none."""
    for section in re.split(r"^m=", description.replace("\r", ""), flags=re.MULTILINE)[1:]:
        first, *lines = section.split("\n")
        words = first.split()
        if len(words) < 4 or words[0] != "video":
            continue
        told = [line[2:].partition(":")[::2] for line in lines if line.startswith("a=")]
        control = next((value.strip() for name, value in told if name == "control"), "")
        names = {"26": "JPEG/90000"} | {kind: named for name, value in told if name == "rtpmap" for kind, _, named in [value.strip().partition(" ")]}
        for kind in words[3:]:
            name, _, rest = names.get(kind, "").partition("/")
            rate = rest.partition("/")[0].strip()
            codec = _CODECS.get(name.strip().lower())
            if codec is not None and kind.isdigit():
                rules = next((value.strip()[len(kind) :] for way, value in told if way == "fmtp" and value.strip().startswith(f"{kind} ")), "")
                return Media(codec, int(kind), int(rate) if rate.isdigit() and int(rate) else 90_000, control, _sets(rules))
    return None


def _sets(rules: str) -> tuple[bytes, ...]:
    """The parameter sets of a description's line."""
    found = []
    for name in ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets"):
        told = re.search(rf"{name}\s*=\s*([^;\s]+)", rules)
        for text in told[1].split(",") if told else ():
            with contextlib.suppress(binascii.Error, ValueError):
                found.append(base64.b64decode(text + "=" * (-len(text) % 4)))
    return tuple(unit for unit in found if unit)
