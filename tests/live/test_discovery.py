"""Devices found by WS-Discovery on loopback, and answers that are not to be trusted."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from live import discovery
from live.discovery import GROUP, Found, find
from live.settings import load_settings
from live.simulated_onvif import OnvifDevice
from live.soap import ADDRESSING, DISCOVERY, envelope, read_xml, text_of
from planning.errors import FeedError

DEMO = load_settings().for_demo()


def test_devices_that_answer_are_told_each_once_by_address() -> None:
    """Address, name, hardware and scopes; the same device asked twice is one."""
    first = OnvifDevice({"main": "rtsp://127.0.0.1:1/a"}, name="नेहरू चौक <b>", serial="A")
    second = OnvifDevice({"main": "rtsp://127.0.0.1:1/b"}, ptz=False, name="Plain", serial="B")
    try:
        at = [f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}", f"127.0.0.1:{first.port}"]
        found = {one.id: one for one in find(DEMO, at=at, seconds=0.4)}
    finally:
        first.stop()
        second.stop()
    assert found == {
        "urn:uuid:A": Found("urn:uuid:A", first.url, "नेहरू चौक <b>", "SIM", ("type/ptz", "Profile/Streaming")),
        "urn:uuid:B": Found("urn:uuid:B", second.url, "Plain", "SIM", ("Profile/Streaming",)),
    }
    assert found["urn:uuid:A"].host == "127.0.0.1"


@contextlib.contextmanager
def answering(said: Callable[[str], list[bytes]]) -> Iterator[str]:
    """An address that answers a search with these; `said` is given the search's own id."""
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", 0))

    def work() -> None:
        data, sender = ear.recvfrom(65_536)
        for one in said(text_of(read_xml(data, 65_536), "MessageID")):
            ear.sendto(one, sender)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{ear.getsockname()[1]}"
    finally:
        thread.join(5)
        ear.close()


def match(asked: str, xaddrs: str, scopes: str = "", id: str = "urn:uuid:x") -> bytes:  # noqa: A002
    """A well-formed answer of one device."""
    inner = f"<a:EndpointReference><a:Address>{id}</a:Address></a:EndpointReference><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{xaddrs}</d:XAddrs>"
    body = f"<d:ProbeMatches><d:ProbeMatch>{inner}</d:ProbeMatch></d:ProbeMatches>"
    return envelope(body, f"<a:RelatesTo>{asked}</a:RelatesTo>", a=ADDRESSING, d=DISCOVERY)


GOOD = "http://127.0.0.1:80/onvif/device_service"


@pytest.mark.parametrize("said", [
    lambda _: [b"", b"noise", b"<a>" * 300, b"\xff" * 60_000], lambda asked: [match("urn:uuid:other", GOOD)],
    lambda asked: [b'<!DOCTYPE x [<!ENTITY a "b">]>' + match(asked, GOOD)[38:]],
    lambda asked: [match(asked, "http://8.8.8.8/onvif/device_service")], lambda asked: [match(asked, "http://evil.example/onvif")],
    lambda asked: [match(asked, "http://169.254.169.254/latest/meta-data")], lambda asked: [match(asked, "file:///etc/passwd")],
    lambda asked: [match(asked, "http://a:b@127.0.0.1/")], lambda asked: [match(asked, "rtsp://127.0.0.1/one")], lambda asked: [match(asked, "")],
], ids=["noise", "other", "doctype", "outside", "name", "metadata", "file", "credentials", "stream", "none"])  # fmt: skip
def test_what_is_no_answer_of_ours_finds_nothing(said: Callable[[str], list[bytes]]) -> None:
    """Noise, an answer to another question, a document type, and addresses that are not those of cameras; no name is looked up."""
    with answering(said) as at:
        assert find(DEMO, at=[at], seconds=0.3) == ()


def test_of_several_addresses_the_sender_s_own_is_taken() -> None:
    """Not one that merely comes first, though cameras might hang there; signs that turn a line or a terminal round are taken out."""
    scopes = "onvif://www.onvif.org/name/a%1b%5b31mb%E2%80%AE onvif://www.onvif.org/hardware/h other://x"
    with answering(lambda asked: [match(asked, f"http://10.0.0.7/ {GOOD}", scopes)]) as at:
        (one,) = find(DEMO, at=[at], seconds=0.3)
    assert (one.url, one.name, one.hardware) == (GOOD, "a[31mb", "h")


def test_a_flood_of_answers_is_bounded() -> None:
    """More devices than are listed end the search."""
    with answering(lambda asked: [match(asked, GOOD, id=f"urn:uuid:{number}") for number in range(1200)]) as at:
        assert 0 < len(find(DEMO, at=[at], seconds=1.5)) <= 1000


@pytest.mark.parametrize(
    "at", ["8.8.8.8", "127.0.0.1", "10.0.0.0/8", "10.0.0.0/21", "cam.example", "169.254.169.254", "239.255.255.250", "10.0.0.1:x", "", "0.0.0.0"]
)
def test_only_addresses_of_cameras_are_searched(at: str) -> None:
    """One outside the allowed networks, a name, the machine's own, a group, and networks too wide are refused before anything is sent."""
    with pytest.raises(FeedError, match=r"discovery\.address"):
        find(load_settings(), at=[at], seconds=0.1)


def test_a_network_is_asked_address_by_address() -> None:
    """The whole of a small one; silence finds nothing, and takes no longer than was said."""
    assert find(DEMO, at=["127.0.0.0/28"], seconds=0.2) == ()


def test_an_interface_that_is_none_is_told() -> None:
    """An address this machine has not."""
    with pytest.raises(FeedError, match=r"discovery\.network"):
        find(DEMO, interface="203.0.113.9", seconds=0.1)


def test_whoever_hears_it_is_asked_where_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the group of WS-Discovery, out of the interface that was named."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("", 0))
        ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1"))
        monkeypatch.setattr(discovery, "PORT", ear.getsockname()[1])
        heard: list[bytes] = []

        def work() -> None:
            data, sender = ear.recvfrom(65_536)
            heard.append(data)
            ear.sendto(match(text_of(read_xml(data, 65_536), "MessageID"), GOOD), sender)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        (one,) = find(DEMO, interface="127.0.0.1", seconds=0.5)
        thread.join(5)
    assert one.url == GOOD
    assert b"NetworkVideoTransmitter" in heard[0]
