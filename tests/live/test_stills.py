"""JPEG pictures of cameras over HTTP."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from live.feeds import FeedOpener, Frame
from live.nal import Config
from live.secrets import Credentials
from live.settings import load_settings
from live.stills import size_of_jpeg
from planning.deployed import Feed
from planning.errors import FeedError
from tests.live.pretend import jpeg

SETTINGS = load_settings().for_demo()
SETTINGS = replace(SETTINGS, times=replace(SETTINGS.times, still_every_s=0.05, read_s=2.0), limits=replace(SETTINGS.limits, picture_bytes=20_000))
GOOD = Credentials("viewer", "hunter2")


class Camera(BaseHTTPRequestHandler):
    """A camera's web server."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer by the path."""
        self.asked.append(self.path)
        path, told = self.path, self.headers.get("Authorization", "")
        if path.startswith("/basic") and not told.startswith("Basic dmlld2VyOmh1bnRlcjI="):
            self._refuse("Basic", 'realm="cam"')
        elif path.startswith("/digest") and not self._right(told):
            self._refuse("Digest", 'realm="cam", nonce="n0", qop="auth", algorithm=' + ("SHA-256" if "sha" in path else "MD5"))
        elif path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", "/still")
            self.end_headers()
        elif path.startswith("/many"):
            self._many(told_lengths="bare" not in path)
        elif path.startswith("/missing"):
            self.send_error(404)
        else:
            self._one({"/text": b"no picture", "/large": b"\xff\xd8" + b"x" * 30_000}.get(path, jpeg(120)))

    def _refuse(self, scheme: str, rest: str) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", f"{scheme} {rest}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _right(self, told: str) -> bool:
        fields = {key: quoted or bare for key, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', told)}
        if not fields:
            return False
        made = hashlib.sha256 if "sha" in self.path else hashlib.md5
        first, second = made(b"viewer:cam:hunter2").hexdigest(), made(f"GET:{self.path}".encode()).hexdigest()
        text = f"{first}:n0:{fields['nc']}:{fields['cnonce']}:auth:{second}"
        return fields["response"] == made(text.encode()).hexdigest()

    def _one(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _many(self, *, told_lengths: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=x")
        self.end_headers()
        for shade in (10, 60, 110):
            data = jpeg(shade)
            length = f"Content-Length: {len(data)}\r\n" if told_lengths else ""
            self.wfile.write(f"--x\r\nContent-Type: image/jpeg\r\n{length}\r\n".encode() + data + b"\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(name="camera")
def web_camera() -> Iterator[str]:
    """The address of a camera's web server."""
    Camera.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Camera) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
    thread.join(5)


def take(kind: str, url: str, count: int, credentials: Credentials | None = None) -> list[Config | bytes]:
    """The first configurations and pictures of a feed."""
    found: list[Config | bytes] = []
    source = FeedOpener(SETTINGS)(Feed(kind, url), credentials)
    try:
        for heard in source:
            found.append(heard.data if isinstance(heard, Frame) else heard)
            if len(found) == count:
                break
    finally:
        source.close()
    return found


@pytest.mark.parametrize(("path", "credentials"), [("/still", None), ("/basic", GOOD), ("/digest", GOOD), ("/digest-sha?x=1", GOOD)])
def test_single_pictures_are_fetched_as_the_camera_wants_to_be_asked(camera: str, path: str, credentials: Credentials | None) -> None:
    """Openly, by Basic and by Digest of both kinds; each fetch is a frame, and the size is told once."""
    assert take("snapshot", camera + path, 3, credentials) == [Config("jpeg", "jpeg", 64, 48), jpeg(120), jpeg(120)]


@pytest.mark.parametrize("path", ["/many", "/many-bare"])
def test_a_row_of_pictures_is_taken_apart(camera: str, path: str) -> None:
    """Each part of the camera's row is a frame, whether or not it tells its length; the row's end is told."""
    assert take("mjpeg", camera + path, 4)[1:] == [jpeg(10), jpeg(60), jpeg(110)]
    with pytest.raises(FeedError, match=r"feed\.(ended|offline)"):
        take("mjpeg", camera + path, 9)


@pytest.mark.parametrize(("path", "credentials", "code"), [
    ("/basic", None, "feed.password"), ("/basic", Credentials("viewer", "wr0ng"), "feed.password"),
    ("/digest", Credentials("viewer", "wr0ng"), "feed.password"),    ("/away", GOOD, "feed.redirect"),
    ("/missing", None, "feed.answer"), ("/text", None, "feed.broken"),
    ("/large", None, "feed.broken"),
])  # fmt: skip
def test_what_is_no_picture_is_told(camera: str, path: str, credentials: Credentials | None, code: str) -> None:
    """A refused password, an answer that points elsewhere and is not followed, a missing, false or oversized picture: each has its code."""
    with pytest.raises(FeedError) as told:
        take("snapshot", camera + path, 2, credentials)
    assert told.value.code == code
    assert "wr0ng" not in str(told.value) and "hunter2" not in str(told.value)
    assert "/still" not in Camera.asked


def test_a_jpeg_s_size_is_read_from_its_header() -> None:
    """Width and height come from the frame header; what is no JPEG, or cut short, has none."""
    assert size_of_jpeg(jpeg(1)) == (64, 48)
    assert size_of_jpeg(b"") is None
    assert size_of_jpeg(b"\xff\xd8\xff\xe0\x00") is None
