"""One camera by RTSP over its one connection."""

from __future__ import annotations

import datetime
import hashlib
import re
import ssl
import time
from base64 import b64encode
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from live.addresses import place_of
from live.feeds import FeedOpener
from live.rtsp import Media, Playing, joined, media_of
from live.secrets import Credentials
from live.settings import load_settings
from planning.deployed import Feed
from planning.errors import FeedError
from tests.live.rtsp import SDP, answer, options, serving

SETTINGS = load_settings().for_demo()


def _elsewhere(port: int, way: str, request: bytes) -> bytes:
    """How a camera could point to another host, honestly or not."""
    target = f"rtsp://127.0.0.1:{port}/inside"
    if way == "at set up" and request.startswith(b"DESCRIBE"):
        return answer(request, "200 OK", "Content-Type: application/sdp", body=SDP)
    if way in {"plain", "at set up"}:
        return answer(request, "302 Moved Temporarily", f"Location: {target}")
    if way == "split":
        return answer(request, "302 Moved", f"Lo\rcation: {target}")
    if way == "small":
        return answer(request, "301 Moved", f"location: {target}")
    if way == "after data":
        return b"$\x00\x00\x04data" + answer(request, "302 Moved", f"Location: {target}")
    if way == "bare lines":
        return answer(request, "302 Moved", "X: y\n\nRTSP/1.0 200 OK\nLocation: " + target)
    if way == "no place":
        return answer(request, "305 Use Proxy")
    if way == "odd status":
        return answer(request, "0302 Moved", f"Loc: {target}")
    return b"RTSP/1.0 302 Moved\r\nLocation: " + target.encode() + b"\r\n\r\n"


WAYS = ["at set up", "plain", "split", "small", "after data", "bare lines", "no place", "odd status", "no number"]


@pytest.mark.parametrize("way", WAYS)
def test_a_camera_that_points_elsewhere_is_refused_and_nobody_else_is_asked(way: str) -> None:
    """However an answer points to another host, the host is never connected to, and the fault says so."""
    with serving(options) as (inside, asked), serving(lambda request: _elsewhere(inside, way, request)) as (port, heard):
        with pytest.raises(FeedError) as told:
            FeedOpener(SETTINGS)(Feed("rtsp", f"rtsp://127.0.0.1:{port}/one"), Credentials("viewer", "hunter2"))
        assert heard
        assert asked == []
    assert told.value.code == "feed.redirect"
    assert "hunter2" not in str(told.value)


def test_what_another_host_is_named_in_does_not_matter_in_a_description() -> None:
    """A description may name other hosts, as many cameras' do: the stream is still asked for over the one connection."""

    def reply(request: bytes) -> bytes:
        if request.startswith(b"DESCRIBE"):
            body = SDP.replace(b"track1", f"rtsp://127.0.0.1:{inside}/track1".encode()).replace(b"s=x", b"s=RTSP/RTP stream from IPNC")
            return answer(request, "200 OK", "Content-Type: application/sdp", f"Content-Base: rtsp://127.0.0.1:{inside}/", body=body)
        return answer(request, "454 Session Not Found")

    with serving(options) as (inside, asked), serving(reply) as (port, heard):
        with pytest.raises(FeedError) as told:
            FeedOpener(SETTINGS)(Feed("rtsp", f"rtsp://127.0.0.1:{port}/one"), None)
        assert any(request.startswith(b"SETUP") for request in heard)
        assert asked == []
    assert told.value.code != "feed.redirect"


@pytest.fixture(name="tls", scope="module")
def own_certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A certificate that nobody but its owner signed, as cameras have."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")]), datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    path = tmp_path_factory.mktemp("tls") / "camera.pem"
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_what_is_said_over_tls_is_read_as_well(tls: ssl.SSLContext) -> None:
    """A camera that points elsewhere over TLS is refused too; where certificates are asked for, one that nobody knows is, before anything is said."""
    with serving(options) as (inside, asked), serving(lambda request: _elsewhere(inside, "plain", request), tls) as (port, heard):
        with pytest.raises(FeedError, match=r"feed\.redirect"):
            FeedOpener(SETTINGS)(Feed("rtsp", f"rtsps://127.0.0.1:{port}/one"), None)
        said = len(heard)
        assert said
        with pytest.raises(FeedError, match=r"feed\.tls"):
            FeedOpener(replace(SETTINGS, verify_tls=True))(Feed("rtsp", f"rtsps://127.0.0.1:{port}/one"), None)
        assert (asked, len(heard)) == ([], said)


def test_a_camera_that_talks_without_end_is_refused() -> None:
    """More than a quarter of a megabyte before anything plays ends the connection."""
    endless = [f"X-{number}: {'y' * 1000}" for number in range(400)]
    with serving(lambda request: answer(request, "200 OK", *endless)) as (port, _), pytest.raises(FeedError, match=r"feed\.broken"):
        FeedOpener(SETTINGS)(Feed("rtsp", f"rtsp://127.0.0.1:{port}/one"), None)


def packet(number: int, stamp: int, payload: bytes, *, marked: bool = True) -> bytes:
    """An interleaved packet of RTP."""
    head = bytes((0x80, 96 | 0x80 * marked)) + number.to_bytes(2) + stamp.to_bytes(4) + b"\0\0\0\1"
    return b"$\0" + (len(head) + len(payload)).to_bytes(2) + head + payload


SPS, PPS = bytes.fromhex("6742c01fda014016e840000003004000000f03c60ca8"), bytes.fromhex("68ce0fc8")
KEY = b"\x65\x88\x84\x01\x02"
TOLD = SDP.replace(b"a=control", b"a=fmtp:96 packetization-mode=1; sprop-parameter-sets=" + b64encode(SPS) + b"," + b64encode(PPS) + b"\r\na=control")


def _digest(request: bytes, method: bytes, nonce: bytes) -> bool:
    """Whether a request proves the password to a nonce."""
    md5 = lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest().encode()  # noqa: E731
    uri = re.search(rb'uri="([^"]*)"', request)
    if uri is None or request.split(b" ")[1] != uri[1]:
        return False
    proof = md5(md5(b"viewer:door:hunter2") + b":" + nonce + b":" + md5(method + b":" + uri[1]))
    return b'response="' + proof + b'"' in request and b"hunter2" not in request


class Strict:
    """A camera that asks for a proof, forgets who does not speak, and asks for a new proof while it plays."""

    def __init__(self, timeout: int) -> None:
        self.timeout, self.nonce, self.proven, self.alive = timeout, b"one", list[bytes](), list[bytes]()

    def __call__(self, request: bytes) -> bytes:
        """The answer to a request."""
        method = request.split(b" ")[0]
        if not _digest(request, method, self.nonce):
            return answer(request, "401 Unauthorized", f'WWW-Authenticate: Digest realm="door", nonce="{self.nonce.decode()}"')
        self.proven.append(method)
        if method == b"DESCRIBE":
            return answer(request, "200 OK", "Content-Base: rtsp://camera/one/", body=TOLD)
        if method == b"SETUP":
            assert b"rtsp://camera/one/track1" in request
            return answer(request, "200 OK", f"Session: 7;timeout={self.timeout}", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        assert b"Session: 7" in request
        if method == b"PLAY":
            self.nonce = b"two"
            return packet(1, 0, KEY) + answer(request, "200 OK") + packet(2, 3000, KEY)
        return answer(request, "200 OK") + packet(3, 6000, KEY)


def test_a_camera_that_asks_for_proof_gets_it_for_every_request_and_is_kept_alive() -> None:
    """Each request is proven anew, a new challenge while it plays is answered, what plays before its answer is kept, and letting go is told."""
    camera = Strict(10)
    with serving(camera) as (port, heard):
        playing = Playing(place_of(f"rtsp://127.0.0.1:{port}/one", SETTINGS), Credentials("viewer", "hunter2"), SETTINGS)
        found = playing.take(b"")
        while len(found) < 2:
            found += playing.take(playing.read())
        playing.keep_alive(time.monotonic())
        assert [request for request in heard if request.startswith(b"OPTIONS")] == []
        playing.keep_alive(time.monotonic() + 5.1)
        while len(found) < 3:
            found += playing.take(playing.read())
        playing.close()
    assert [(one.units, one.stamp_us) for one in found] == [([KEY], 0), ([KEY], 33_333), ([KEY], 66_666)]
    assert (playing.media.codec, playing.media.sets) == ("h264", (SPS, PPS))
    assert camera.proven[:4] == [b"DESCRIBE", b"SETUP", b"PLAY", b"OPTIONS"]
    assert heard[-1].startswith(b"TEARDOWN")


def test_a_camera_that_points_elsewhere_while_it_plays_is_ended() -> None:
    """An answer or a request that moves a playing camera to another address ends it as a redirect."""
    for said in (b"RTSP/1.0 302 Moved\r\nLocation: rtsp://10.0.0.9/\r\n\r\n", b"REDIRECT rtsp://10.0.0.9/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"):
        with serving(Strict(60)) as (port, _):
            playing = Playing(place_of(f"rtsp://127.0.0.1:{port}/one", SETTINGS), Credentials("viewer", "hunter2"), SETTINGS)
            assert playing.take(packet(2, 0, KEY))
            with pytest.raises(FeedError, match=r"feed\.redirect"):
                playing.take(said)
            playing.close()


def test_the_video_of_a_description_is_found_among_others() -> None:
    """Sound and what we do not know are passed over; the rate, the control and the parameter sets are those of the video; JPEG needs no map."""
    text = (
        "v=0\r\nm=audio 0 RTP/AVP 0\r\na=control:sound\r\nm=video 0 RTP/AVP 97 98\r\na=rtpmap:97 VP8/90000\r\na=rtpmap:98 H265/48000\r\n"
        "a=fmtp:98 sprop-vps=QAE=; sprop-sps=QgE=;sprop-pps=RAE=\r\na=control:trackID=2\r\n"
    )
    assert media_of(text) == Media("h265", 98, 48_000, "trackID=2", (b"@\1", b"B\1", b"D\1"))
    assert media_of("m=video 0 RTP/AVP 26\n") == Media("jpeg", 26, 90_000, "", ())
    assert media_of("m=video 0 RTP/AVP 97\na=rtpmap:97 VP8/90000\n") is None
    assert media_of("no description") is None
    assert joined("rtsp://a/one?x=1", "trackID=2") == "rtsp://a/one?x=1/trackID=2"
    assert joined("rtsp://a/one/", "*") == "rtsp://a/one/"
    assert joined("rtsp://a/", "rtsp://b/two") == "rtsp://b/two"
