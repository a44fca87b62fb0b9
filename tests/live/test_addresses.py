"""Which addresses may be opened."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.addresses import allowed, file_of, place_of
from live.settings import load_settings
from planning.errors import FeedError

SETTINGS = load_settings()
# The loopback address and others in every way of writing that resolvers know, and names that lead there.
FORBIDDEN = [
    "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "017700000001", "localhost", "[::1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::127.0.0.1]", "0.0.0.0", "0", "[::]", "169.254.169.254", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[fe80::1]", "169.254.1.1", "224.0.0.1", "255.255.255.255", "8.8.8.8", "1.1.1.1",
    "[2001:4860:4860::8888]",
    "100.100.100.200", "168.63.129.16", "[fd00:ec2::254]", "172.32.0.1", "192.167.255.255", "11.0.0.1", "127.0.0.1%2e", "%31%32%37.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", FORBIDDEN)
def test_no_address_outside_the_cameras_networks_is_opened(host: str) -> None:
    """However it is written, an address that is not a camera's is refused before anything is sent."""
    with pytest.raises(FeedError) as told:
        place_of(f"rtsp://{host}:554/one", SETTINGS)
    assert told.value.code in {"address.refused", "address.unknown", "address.form"}


@pytest.mark.parametrize("host", ["10.1.2.3", "172.16.0.9", "172.31.255.1", "192.168.1.64", "3232235876", "0xC0A80164", "[fd00::12]"])
def test_cameras_networks_are_opened_however_an_address_is_written(host: str) -> None:
    """An address of an allowed network is judged by its number, and that number is what is connected to."""
    place = place_of(f"rtsp://{host}/Streaming/Channels/101?profile=1", SETTINGS)
    assert any(place.address.version == network.version and place.address in network for network in SETTINGS.networks)
    assert (place.port, place.path) == (554, "/Streaming/Channels/101?profile=1")


@pytest.mark.parametrize("url", [
    "file:///etc/passwd", "concat:rtsp://10.0.0.1/|file:///etc/passwd", "ftp://10.0.0.1/", "gopher://10.0.0.1/", "tcp://10.0.0.1:1", "pipe:0",
    "/etc/passwd", "", "rtmp://10.0.0.1/", "crypto:file:///etc/passwd", "udp://10.0.0.1:1", "rtsp+unix:///x",
])  # fmt: skip
def test_only_the_protocols_of_cameras_are_spoken(url: str) -> None:
    """Whatever else a demuxer could open is refused by its scheme."""
    with pytest.raises(FeedError) as told:
        place_of(url, SETTINGS)
    assert told.value.code in {"address.scheme", "address.form"}


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://root:hunter2@10.0.0.1/",  # pragma: allowlist secret
        "rtsp://:hunter2@10.0.0.1/", "http://hunter2@10.0.0.1/", "rtsp://10.0.0.1:hunter2/",
    ],
)
def test_an_address_with_credentials_is_refused_and_they_are_not_told(url: str) -> None:
    """The error holds nothing that stood before the host, nor what stands for a port."""
    with pytest.raises(FeedError) as told:
        place_of(url, SETTINGS)
    assert "hunter2" not in str(told.value)


def test_a_name_is_judged_by_every_address_it_has() -> None:
    """One address that is not a camera's is enough to refuse a name with two."""
    with pytest.raises(FeedError, match=r"address\.refused"):
        place_of("rtsp://cam.example/", SETTINGS, lambda *_: ("10.0.0.1", "127.0.0.1"))
    assert str(place_of("rtsp://cam.example/", SETTINGS, lambda *_: ("10.0.0.1", "10.0.0.2")).address) == "10.0.0.1"


def test_a_name_is_resolved_once() -> None:
    """A name that leads elsewhere when asked again is connected to at the address that was judged."""
    answers = iter([("10.0.0.7",), ("127.0.0.1",)])
    assert str(place_of("rtsp://cam.example/", SETTINGS, lambda *_: next(answers)).address) == "10.0.0.7"
    assert next(answers) == ("127.0.0.1",)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_inside_ipv6(address: object) -> None:
    """Mapped, translated and tunnelled, an address is allowed exactly where it is allowed itself."""
    plain = ip_address(str(address))
    number = int(plain)
    forms = [ip_address((0xFFFF << 32) | number), ip_address(int(ip_address("64:ff9b::")) | number), ip_address((0x2002 << 112) | (number << 80))]
    assert {allowed(form, SETTINGS) for form in forms} == {allowed(plain, SETTINGS)}


def test_even_an_allowed_network_gives_no_link_local_or_metadata_address() -> None:
    """A city that allows everything still opens no address a machine keeps for itself."""
    open_to_all = dataclasses.replace(SETTINGS, networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    for text in ("127.0.0.1", "169.254.169.254", "100.100.100.200", "0.0.0.0", "::1", "fe80::1", "::ffff:127.0.0.1", "224.0.0.1"):
        assert not allowed(ip_address(text), open_to_all), text
    assert allowed(ip_address("8.8.8.8"), open_to_all)


def test_files_and_loopback_are_for_demonstrations(tmp_path: Path) -> None:
    """A file feed opens only where the caller says it is a demonstration, and so does loopback."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"x")
    with pytest.raises(FeedError, match=r"address\.file"):
        file_of(clip.as_uri(), SETTINGS)
    assert file_of(clip.as_uri(), SETTINGS.for_demo()) == clip
    for wrong in (f"file://evil{clip}", "file:///nowhere", f"http://localhost{clip}"):
        with pytest.raises(FeedError, match=r"address\.file"):
            file_of(wrong, SETTINGS.for_demo())
    assert place_of("rtsp://127.0.0.1:8554/x", SETTINGS.for_demo()).port == 8554
