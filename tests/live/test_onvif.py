"""ONVIF devices asked and steered: the real library against a simulated device, and against devices that mean ill."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import pytest

from live.onvif import Aim, Device, device
from live.onvif_line import bare, service_address
from live.secrets import Credentials
from live.settings import Settings, load_settings
from live.simulated_onvif import OnvifDevice
from live.soap import envelope, write_xml
from planning.errors import FeedError

SETTINGS = load_settings().for_demo()
TIMES = replace(SETTINGS.times, open_s=1.0, read_s=0.5, device_s=2.0)
SETTINGS = replace(SETTINGS, times=TIMES, limits=replace(SETTINGS.limits, device_bytes=60_000))
GOOD = Credentials("viewer", "hunter2")
STREAM = "rtsp://127.0.0.1:8554/one"
T = TypeVar("T")


@pytest.fixture(scope="module")
def camera() -> Iterator[OnvifDevice]:
    """A PTZ camera that asks for a password."""
    made = OnvifDevice({"main": STREAM, "small": "rtsp://127.0.0.1:8554/two"}, credentials=GOOD)
    yield made
    made.stop()


def ask(url: str, work: Callable[[Device], Awaitable[T]], credentials: Credentials | None = GOOD, settings: Settings = SETTINGS) -> T:
    """What a device answers."""

    async def run() -> T:
        async with device(url, credentials, settings) as found:
            return await work(found)

    return asyncio.run(run())


def refusal(url: str, credentials: Credentials | None = GOOD, work: Callable[[Device], Awaitable[object]] = lambda one: one.profiles()) -> FeedError:
    """The error with which a device is given up; it tells no credentials."""
    with pytest.raises(FeedError) as refused:
        ask(url, work, credentials)
    assert "hunter2" not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return refused.value


def test_a_device_tells_itself_its_profiles_and_its_streams(camera: OnvifDevice) -> None:
    """Maker and serial; each profile with codec, size, rate and address; that it can be steered."""

    async def work(found: Device) -> None:
        about, profiles = await found.about(), await found.profiles()
        assert (about.maker, about.serial) == ("Chaukas (simulated)", "SIM-1")
        assert [(one.name, one.codec, one.width, one.height, one.fps, one.stream) for one in profiles] == [
            ("main", "H264", 1280, 720, 15.0, STREAM), ("small", "H264", 1280, 720, 15.0, "rtsp://127.0.0.1:8554/two"),
        ]  # fmt: skip
        assert all(one.ptz and one.snapshot == "" for one in profiles)
        assert await found.steered() == profiles[0].token
        assert "hunter2" not in repr(found)

    ask(camera.url, work)


def test_a_head_is_moved_in_every_way_and_tells_where_it_looks(camera: OnvifDevice) -> None:
    """A movement ends by itself, or when told; a step, a place and a preset are reached; a preset that is none is the device's refusal."""

    async def work(found: Device) -> None:
        profile = await found.steered()

        async def until(pan: float) -> Aim:
            for _ in range(100):
                aim = await found.aim(profile)
                if abs(aim.pan_deg - pan) < 0.01 and not aim.moving:
                    return aim
                await asyncio.sleep(0.02)
            raise AssertionError(await found.aim(profile))

        await found.move(profile, 1.0, 0.0, 0.0, seconds=0.2)
        assert (await found.aim(profile)).moving
        assert await until(18.0)
        await found.move(profile, -1.0, 0.0, 0.0, seconds=60.0)
        await found.stop(profile)
        here = (await found.aim(profile)).pan_deg
        await asyncio.sleep(0.05)
        assert (await found.aim(profile)).pan_deg == here
        await found.turn_to(profile, Aim(-9.0, 4.5, 0.1))
        assert (await until(-9.0)).zoom == pytest.approx(0.1)
        await found.step(profile, 18.0, 4.5)
        assert (await until(9.0)).tilt_deg == pytest.approx(9.0, abs=0.01)
        presets = await found.presets(profile)
        assert [(one.token, one.name) for one in presets][:1] == [("home", "Home")]
        await found.go(profile, "home")
        await until(0.0)
        with pytest.raises(FeedError, match=r"onvif\.fault"):
            await found.go(profile, "nowhere")

    ask(camera.url, work)


@pytest.mark.parametrize("off_s", [-400 * 86_400.0, 7200.0])
def test_a_device_whose_clock_is_wrong_is_asked_by_its_own_time(off_s: float) -> None:
    """The proof of the password holds the device's time, and how far it is off is told."""
    made = OnvifDevice({"main": STREAM}, credentials=GOOD, clock_off_s=off_s)
    try:

        async def work(found: Device) -> float:
            await found.about()
            return found.clock_off_s

        assert ask(made.url, work) == pytest.approx(off_s, abs=3)
    finally:
        made.stop()


def test_wrong_passwords_and_none_are_refused_and_repeated_nowhere(camera: OnvifDevice, caplog: pytest.LogCaptureFixture) -> None:
    """The error names the host alone; nothing is logged; the library's own logging is not turned on for the process."""
    with caplog.at_level(logging.DEBUG):
        for credentials in (Credentials("viewer", "hunter3"), Credentials("other", "hunter2"), None):
            assert refusal(camera.url, credentials).code == "feed.password"
    assert "hunter" not in caplog.text
    assert "viewer" not in caplog.text
    assert logging.getLogger("onvif").level == logging.CRITICAL


def test_a_camera_without_a_head_cannot_be_steered() -> None:
    """It tells its streams, and says that it lacks the rest."""
    made = OnvifDevice({"main": STREAM}, ptz=False)
    try:
        assert [one.ptz for one in ask(made.url, lambda one: one.profiles(), None)] == [False]
        assert refusal(made.url, None, lambda one: one.steered()).code == "onvif.lacks"
        assert refusal(made.url, None, lambda one: one.aim("profile0")).code == "onvif.lacks"
    finally:
        made.stop()


class Liar(OnvifDevice):
    """A device whose answers to some operations are given by the test."""

    def __init__(self, lies: dict[str, Callable[[OnvifDevice], bytes]], streams: dict[str, str] | None = None) -> None:
        self.lies = lies
        super().__init__(streams or {"main": STREAM})

    def answer(self, operation: str, asked: Any) -> bytes | None:
        """A lie, or the truth."""
        return self.lies[operation](self) if operation in self.lies else super().answer(operation, asked)


@contextlib.contextmanager
def liar(streams: dict[str, str] | None = None, **lies: Callable[[OnvifDevice], bytes] | bytes) -> Iterator[str]:
    """The address of such a device."""
    made = Liar({name: (lambda _, said=said: said) if isinstance(said, bytes) else said for name, said in lies.items()}, streams)
    try:
        yield made.url
    finally:
        made.stop()


def services(xaddr: str) -> bytes:
    """An answer that sends to another address for the pictures."""
    version = '<v:Version><t:Major>2</t:Major><t:Minor>0</t:Minor></v:Version>'
    row = f"<v:Service><v:Namespace>http://www.onvif.org/ver10/media/wsdl</v:Namespace><v:XAddr>{xaddr}</v:XAddr>{version}</v:Service>"
    return envelope(
        f"<v:GetServicesResponse>{row}</v:GetServicesResponse>", v="http://www.onvif.org/ver10/device/wsdl", t="http://www.onvif.org/ver10/schema"
    )


@pytest.mark.parametrize(("url", "code"), [
    ("http://192.168.7.7/onvif/media", "onvif.elsewhere"), ("http://8.8.8.8/onvif/media", "address.refused"),
    ("http://169.254.169.254/latest", "address.refused"), ("http://evil.example/onvif/media", "address.unknown"),
    ("http://127.0.0.2:1/onvif/media", "onvif.elsewhere"), ("file:///etc/passwd", "onvif.answer"), ("gopher://127.0.0.1/x", "onvif.answer"),
    ("http://[::1/x", "onvif.answer"),
])  # fmt: skip
def test_a_device_cannot_send_us_elsewhere(url: str, code: str) -> None:
    """A service at another host, allowed or not, at a name, or of another kind is not asked: the password's digest would go there."""
    with liar(GetServices=services(url)) as address:
        assert refusal(address, None).code == code


@pytest.mark.parametrize(("url", "code"), [
    ("rtsp://192.168.7.7/one", "onvif.elsewhere"), ("rtsp://8.8.8.8/one", "address.refused"), ("rtsp://evil.example/one", "address.unknown"),
    ("file:///etc/passwd", "onvif.answer"), ("javascript:alert(1)", "onvif.answer"),
])  # fmt: skip
def test_a_stream_elsewhere_is_refused(url: str, code: str) -> None:
    """The address of a stream is judged as a typed one is, and must be the device's own."""
    with liar({"main": url}) as address:
        assert refusal(address, None).code == code


def test_credentials_in_a_stream_s_address_are_taken_out() -> None:
    """Before the host and in the query; what else stands there stays as it is."""
    with liar({"main": "rtsp://admin:hunter2@127.0.0.1:8554/one?channel=1&user=admin&password=hunter2"}) as address:  # pragma: allowlist secret
        (one,) = ask(address, lambda found: found.profiles(), None)
    assert one.stream == "rtsp://127.0.0.1:8554/one?channel=1"
    assert bare("rtsp://127.0.0.1/a%20b?x=1&y") == "rtsp://127.0.0.1/a%20b?x=1&y"


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
    f'<!ENTITY a{number + 1} "{f"&a{number or str()};" * 10}">'.encode() for number in range(12)
) + b']><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>&a12;</s:Body></s:Envelope>'  # fmt: skip
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "http://127.0.0.1:1/evil.dtd"><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>'
FILE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><x>&f;</x>'


@pytest.mark.parametrize("said", [
    b"", b"<html>hello", b"{}", b"\x00\xff\xfe", LAUGHS, OUTSIDE, FILE, b"<a>" * 20_000, envelope("<x/>") + b" " * 60_000,
    "<?xml version='1.0' encoding='utf-16'?><!DOCTYPE x [<!ENTITY a 'b'>]><x/>".encode("utf-16"), envelope("<x/>"), envelope(""),
    envelope("<v:GetProfilesResponse/>", v="http://www.onvif.org/ver10/media/wsdl"),
], ids=["nothing", "page", "json", "noise", "laughs", "outside", "file", "deep", "large", "wide", "strange", "hollow", "none"])  # fmt: skip
def test_answers_that_are_none_are_refused_in_words(said: bytes) -> None:
    """No answer, broken or endless XML, entities that grow or fetch, depth, size: an error of ours or no profile, and nothing is fetched."""
    with liar(GetProfiles=said) as address:
        if said == envelope("<v:GetProfilesResponse/>", v="http://www.onvif.org/ver10/media/wsdl"):
            assert ask(address, lambda found: found.profiles(), None) == ()
        else:
            assert refusal(address, None).code == "onvif.answer"


NOWHERE = "<p:GetStatusResponse><p:PTZStatus><t:UtcTime>2026-01-01T00:00:00Z</t:UtcTime></p:PTZStatus></p:GetStatusResponse>"


def status(body: str) -> bytes:
    """An answer to where a camera looks."""
    return envelope(body, p="http://www.onvif.org/ver20/ptz/wsdl", t="http://www.onvif.org/ver10/schema")


def test_a_camera_that_does_not_tell_where_it_looks_is_steered_all_the_same() -> None:
    """It is said so, and it moves; one without zoom is sent none, for some refuse the whole for it; degrees are taken as degrees."""
    with liar(GetStatus=status(NOWHERE)) as address:
        assert refusal(address, None, lambda one: one.aim("profile0")).code == "onvif.position"
        ask(address, lambda one: one.move("profile0", 1.0, 0.0, 0.0, seconds=0.1), None)
    space = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/SphericalPositionSpaceDegrees"
    at = f'<t:Position><t:PanTilt x="-33.5" y="4" space="{space}"/></t:Position>'
    sent: list[bytes] = []
    with liar(GetStatus=status(f"<p:GetStatusResponse><p:PTZStatus>{at}</p:PTZStatus></p:GetStatusResponse>")) as address:

        async def work(found: Device) -> None:
            assert await found.aim("profile0") == Aim(-33.5, 4.0, 0.0, False)
            line = found._services["ptz"].transport
            post = line.post_xml

            async def kept(url: str, message: Any, headers: Any) -> Any:
                sent.append(write_xml(message))
                return await post(url, message, headers)

            line.post_xml = kept
            await found.move("profile0", 1.0, 0.0, 0.0, seconds=0.1)
            await found.turn_to("profile0", Aim(18.0, 0.0, 0.5))

        ask(address, work, None)
    assert len(sent) == 2
    assert all(b"PanTilt" in message and b"Zoom" not in message for message in sent)


@pytest.mark.parametrize("at", ['x="nan" y="0"', 'x="INF" y="0"', 'x="1e30" y="0"', 'x="a" y="0"'])
def test_where_it_looks_is_a_number_or_an_error(at: str) -> None:
    """Nothing that is none reaches the map."""
    body = f"<p:GetStatusResponse><p:PTZStatus><t:Position><t:PanTilt {at}/></t:Position></p:PTZStatus></p:GetStatusResponse>"
    with liar(GetStatus=status(body)) as address:
        assert refusal(address, None, lambda one: one.aim("profile0")).code == "onvif.answer"


class Web(BaseHTTPRequestHandler):
    """A web server that is no device: it redirects, refuses, promises more than it sends, packs a bomb, or sends drop by drop."""

    def do_POST(self) -> None:
        """Answer by the path."""
        if self.path == "/away":
            self.send_response(307)
            self.send_header("Location", "http://127.0.0.1:1/onvif/device_service")
            self.end_headers()
        elif self.path == "/refused":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="cam"')
            self.end_headers()
        elif self.path == "/digest":
            self._digest()
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "500")
            self.end_headers()
            self.wfile.write(b"<a>")
        elif self.path == "/packed":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            import gzip

            self.wfile.write(gzip.compress(b" " * 10_000_000))
        elif self.path == "/drops":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not self.server.done.wait(0.1):  # type: ignore[attr-defined]
                    self.wfile.write(b" ")
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not self.server.done.is_set():  # type: ignore[attr-defined]
                    self.wfile.write(b" " * 65_536)

    def _digest(self) -> None:
        told = self.headers.get("Authorization", "")
        self.rfile.read(int(self.headers["Content-Length"]))
        if not told.startswith("Digest "):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Digest realm="cam", nonce="n0", qop="auth", algorithm=MD5')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.told.append(told)  # type: ignore[attr-defined]
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture(scope="module")
def web() -> Iterator[ThreadingHTTPServer]:
    """Such a server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.daemon_threads = True
    server.done, server.told = threading.Event(), []  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
    thread.start()
    yield server
    server.done.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize(("path", "code"), [
    ("away", "feed.redirect"), ("refused", "feed.password"), ("short", "onvif.answer"), ("packed", "onvif.answer"), ("drops", "feed.stalled"),
    ("endless", "onvif.answer"), ("digest", "onvif.answer"), ("other", "feed.offline"),
])  # fmt: skip
def test_a_web_server_that_is_no_device_is_told_from_one(web: ThreadingHTTPServer, path: str, code: str) -> None:
    """A redirect is not followed; packed, endless and dripping answers end within bounds of size and time."""
    assert refusal(f"http://127.0.0.1:{web.server_address[1]}/{path}").code == code


def test_a_device_that_asks_for_a_digest_by_http_gets_one(web: ThreadingHTTPServer) -> None:
    """Newer devices ask so; the password itself is never sent."""
    refusal(f"http://127.0.0.1:{web.server_address[1]}/digest")
    told = web.told[-1]  # type: ignore[attr-defined]
    assert 'username="viewer"' in told
    assert "hunter2" not in told


def test_a_device_that_hangs_or_is_not_there_is_given_up() -> None:
    """One that takes the connection and says nothing, and one that takes none."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert refusal(f"http://127.0.0.1:{silent.getsockname()[1]}/").code == "feed.stalled"
        port = silent.getsockname()[1]
    assert refusal(f"http://127.0.0.1:{port}/").code == "feed.offline"


@pytest.mark.parametrize(("url", "code"), [
    ("http://8.8.8.8/", "address.refused"), ("onvif://2130706433:80", "address.refused"), ("rtsp://10.0.0.1/", "address.scheme"),
    ("onvif://admin:hunter2@10.0.0.1", "address.credentials"), ("onvif://", "address.form"),  # pragma: allowlist secret
])  # fmt: skip
def test_only_addresses_of_cameras_are_asked(url: str, code: str) -> None:
    """However they are written, and never with a password in them."""
    with pytest.raises(FeedError) as refused:
        ask(url, lambda one: one.about(), settings=load_settings())
    assert refused.value.code == code
    assert "hunter2" not in str(refused.value)


def test_an_address_without_a_path_is_that_of_the_service() -> None:
    """As every device has it; a path that is given stays."""
    assert service_address("onvif://10.0.0.1:8080") == "http://10.0.0.1:8080/onvif/device_service"
    assert service_address("https://cam.example/") == "https://cam.example/onvif/device_service"
    assert service_address("http://10.0.0.1/onvif/other") == "http://10.0.0.1/onvif/other"
