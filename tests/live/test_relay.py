"""The one way a stream of RTSP reaches this process."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from live.feeds import FeedOpener
from live.secrets import Credentials
from live.settings import load_settings
from planning.deployed import Feed
from planning.errors import FeedError
from tests.live.rtsp import SDP, answer, options, serving

SETTINGS = load_settings().for_demo()


def _elsewhere(port: int, way: str, request: bytes) -> bytes:
    """How a camera could point to another host, honestly or not."""
    target = f"rtsp://127.0.0.1:{port}/inside"
    if request.startswith(b"OPTIONS"):
        return answer(request, "302 Found", f"Location: {target}") if way == "at once" else options(request)
    if way == "plain":
        return answer(request, "302 Moved Temporarily", f"Location: {target}")
    if way == "split":
        return answer(request, "302 Moved", f"Lo\rcation: {target}")
    if way == "small":
        return answer(request, "301 Moved", f"location: {target}")
    if way == "after data":
        return b"$\x00\x00\x04data" + answer(request, "302 Moved", f"Location: {target}")
    if way == "bare lines":
        return answer(request, "200 OK", "X: y\n\nRTSP/1.0 302 Moved\nLocation: " + target)
    if way == "no place":
        return answer(request, "305 Use Proxy")
    if way == "odd status":
        return answer(request, "0302 Moved", f"Loc: {target}")
    return b"RTSP/1.0 302 Moved\r\nLocation: " + target.encode() + b"\r\n\r\n"


WAYS = ["at once", "plain", "split", "small", "after data", "bare lines", "no place", "odd status", "no number"]


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
        if request.startswith(b"OPTIONS"):
            return options(request)
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
    with serving(lambda request: answer(request, "200 OK", *endless)) as (port, _), pytest.raises(FeedError, match=r"feed\.redirect"):
        FeedOpener(SETTINGS)(Feed("rtsp", f"rtsp://127.0.0.1:{port}/one"), None)
