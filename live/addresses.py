"""Which camera addresses may be opened at all: the one check between what somebody wrote and a connection.

A host is resolved once, every address it has is judged, and the judged address is the one connected to: a name that changes its mind afterwards
changes nothing. However an address is written (decimal, hexadecimal, octal, IPv4 inside IPv6), it is judged as the number it is.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from live.settings import Settings
from planning.errors import FeedError

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Iterable[str]]
# Where clouds tell machines their own secrets; inside networks a city may well have allowed.
_METADATA = frozenset(map(ip_address, ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")))
_NAT64 = int(ip_address("64:ff9b::"))


@dataclass(frozen=True)
class Place:
    """Where to connect: a judged address and port, and how the camera is to be spoken to. `path` begins with a slash and holds the query."""

    scheme: str
    host: str
    address: Address
    port: int
    path: str

    @property
    def secure(self) -> bool:
        """Whether the connection is by TLS."""
        return self.scheme in {"rtsps", "https"}


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Every address of a host, as the system knows it. Raises OSError where it knows none."""
    return tuple(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def place_of(url: str, settings: Settings, resolver: Resolver = resolve) -> Place:
    """The judged place of a camera's address.

    Raises
    ------
    FeedError: `address.scheme`, `address.credentials`, `address.form`, `address.unknown` where no such host is known, `address.refused` where one of
    its addresses is not in the cameras' networks. None of them tells what may be a password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise FeedError.one("address.form", "The camera's address cannot be read", "Mend the address") from None
    if parts.scheme not in _PORTS:
        raise FeedError.one("address.scheme", "A camera is opened by rtsp, rtsps, http or https only", "Mend the address", parts.scheme)
    if parts.username is not None or parts.password is not None:
        raise FeedError.one("address.credentials", "The address holds a name or a password", "Give them apart: they are sealed", host)
    if not host or any(sign <= " " or sign == "\x7f" for sign in url):
        raise FeedError.one("address.form", "The camera's address has no host, or signs that do not belong in it", "Mend the address", host)
    port = port or _PORTS[parts.scheme]
    try:
        found = tuple(ip_address(text.partition("%")[0]) for text in resolver(unquote(host), port))
    except (OSError, ValueError, UnicodeError):
        found = ()
    if not found:
        raise FeedError.one("address.unknown", "No such host is known", "Check the address and the network's name server", host)
    for address in found:
        if not allowed(address, settings):
            way_out = "If a camera hangs there, add its network to data/live.toml"
            raise FeedError.one("address.refused", "The address is not in the networks of cameras", way_out, host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, host, found[0], port, path)


def allowed(address: Address, settings: Settings) -> bool:
    """Whether an address may be connected to: inside an allowed network, as the address it really means, and never one of the machine's own."""
    inner = meant(address)
    if inner in _METADATA or inner.is_link_local or inner.is_multicast or inner.is_unspecified:
        return False
    if inner.is_loopback:
        return settings.demo
    return any(inner.version == network.version and inner in network for network in settings.networks)


def meant(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one (mapped, compatible, 6to4, Teredo, NAT64), else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    number = int(address)
    if number >> 32 == 0 and number > 1:
        return IPv4Address(number)
    if number & ~0xFFFFFFFF == _NAT64:
        return IPv4Address(number & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def file_of(url: str, settings: Settings) -> Path:
    """The local file of a file feed, for demonstrations only.

    Raises
    ------
    FeedError: `address.file` where demonstrations are not allowed, or there is no such file.
    """
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if not settings.demo or parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not path.is_file():
        raise FeedError.one("address.file", "Files are opened for demonstrations only", "Give the camera's own address", path.name)
    return path
