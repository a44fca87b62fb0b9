"""Devices of ONVIF found by WS-Discovery: one question by UDP to everybody in reach or to given addresses, and answers looked at with care.

Whoever hears the question may answer, and with anything: an answer counts only where it comes from the cameras' networks, answers this very
question, and names an address there. Names in answers are not looked up.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import unquote, urlsplit

from live.addresses import Address, allowed, place_of
from live.settings import Settings
from live.soap import ADDRESSING, DISCOVERY, NETWORK, envelope, found, read_xml, text_of, word
from planning.errors import FeedError

GROUP, PORT = "239.255.255.250", 3702
_LARGEST, _MOST, _WIDEST = 65_507, 1000, 1024  # bytes of an answer; devices; addresses of one network asked
_ACTION = "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe"
_TO = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
_SCOPE = "onvif://www.onvif.org/"
_ROWS = 20  # scopes told of one device


@dataclass(frozen=True)
class Found:
    """A device that answered: its own id, the address of its service, the name and hardware it goes by, and the rest it says of itself."""

    id: str
    url: str
    name: str
    hardware: str
    scopes: tuple[str, ...]

    @property
    def host(self) -> str:
        """The address alone."""
        return urlsplit(self.url).hostname or ""


def find(settings: Settings, *, at: Sequence[str] = (), interface: str = "", seconds: float = 3.0) -> tuple[Found, ...]:
    """The devices that answer within a time, by address.

    Parameters
    ----------
    at: who is asked: addresses, with a port or without, and networks of up to 1,024 addresses; everybody in reach where none is given.
    interface: this machine's own address in the network that is asked, where it has several.

    Raises
    ------
    FeedError: `discovery.address` where one is none, is not in the cameras' networks, or a network is too wide; `discovery.network` where nobody
    can be asked.
    """
    targets = [target for text in at for target in _targets(text, settings)] or [(GROUP, PORT)]
    asked = f"urn:uuid:{uuid.uuid4()}"
    devices: dict[str, Found] = {}
    with contextlib.ExitStack() as stack:
        sockets = {family: stack.enter_context(_open(family, interface)) for family in dict.fromkeys(_family(host) for host, _ in targets)}
        sent = 0
        for host, port in targets:
            with contextlib.suppress(OSError):
                sent += bool(sockets[_family(host)].sendto(_question(asked), (host, port)))
        if not sent:
            raise FeedError.one("discovery.network", "Nobody could be asked", "Check the network, or name addresses", len(targets))
        until = time.monotonic() + seconds
        for data, sender in _heard(list(sockets.values()), until):
            for one in _answers(data, sender, asked, settings):
                devices.setdefault(one.id, one)
            if len(devices) >= _MOST:
                break
    return tuple(sorted(devices.values(), key=lambda one: (_order(one.host), one.url)))


def _targets(text: str, settings: Settings) -> Iterable[tuple[str, int]]:
    """Who is meant by an address or a network, each allowed."""
    try:
        if "/" in text:
            network = ip_network(text)
            addresses: list[Address] = list(network.hosts()) if network.num_addresses <= _WIDEST else []
            port = PORT
        else:
            parts = urlsplit(f"//{text}")
            addresses, port = [ip_address(parts.hostname or "")], parts.port or PORT
    except ValueError:
        addresses, port = [], 0
    if not addresses or not all(allowed(address, settings) for address in addresses):
        way_out = "Give addresses or networks of up to 1,024 addresses that data/live.toml allows"
        raise FeedError.one("discovery.address", "This is no address of cameras", way_out, text)
    return [(str(address), port) for address in addresses]


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _open(family: socket.AddressFamily, interface: str) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            if interface:
                made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
                made.bind((interface, 0))
        return made
    except OSError:
        made.close()
        raise FeedError.one("discovery.network", "This machine has no such address", "Give one of its own", interface) from None


def _question(asked: str) -> bytes:
    header = f"<a:MessageID>{asked}</a:MessageID><a:To>{_TO}</a:To><a:Action>{_ACTION}</a:Action>"
    return envelope("<d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe>", header, a=ADDRESSING, d=DISCOVERY, dn=NETWORK)


def _heard(ears: Sequence[socket.socket], until: float) -> Iterable[tuple[bytes, str]]:
    """What comes in until then, with who sent it."""
    while (left := until - time.monotonic()) > 0:
        for ear in select.select(ears, [], [], left)[0]:
            # Where nobody listens some systems say so by an error here; others may still answer.
            with contextlib.suppress(OSError):
                data, sender = ear.recvfrom(_LARGEST)
                yield data, str(sender[0]).partition("%")[0]


def _answers(data: bytes, sender: str, asked: str, settings: Settings) -> Iterable[Found]:
    """The devices an answer tells of, none where it is not to be trusted."""
    if not allowed(ip_address(sender), settings):
        return
    try:
        root = read_xml(data, _LARGEST, sender)
    except FeedError:
        return
    if text_of(root, "RelatesTo") != asked:
        return
    for match in list(found(root, "ProbeMatch"))[:_ROWS]:
        url = _address(text_of(match, "XAddrs").split(), sender, settings)
        if url:
            yield _device(match, url)


def _address(told: Sequence[str], sender: str, settings: Settings) -> str:
    """Of the addresses a device tells, the first that is the sender's own, else the first that is allowed; empty where none is."""
    good: list[tuple[bool, str]] = []
    for url in told[:_ROWS]:
        with contextlib.suppress(FeedError, ValueError):
            place = place_of(url, settings, lambda host, _: (host,))
            if place.scheme in {"http", "https"}:
                good.append((place.address == ip_address(sender), url))
    return max(good, key=lambda one: one[0])[1] if good else ""


def _device(match: Any, url: str) -> Found:
    scopes = [word(unquote(scope.removeprefix(_SCOPE))) for scope in text_of(match, "Scopes").split() if scope.startswith(_SCOPE)]
    told = {scope.partition("/")[0]: scope.partition("/")[2] for scope in reversed(scopes)}
    rest = tuple(scope for scope in scopes if scope.partition("/")[0] not in {"name", "hardware"})[:_ROWS]
    return Found(text_of(match, "Address", 200) or url, url, told.get("name", ""), told.get("hardware", ""), rest)


def _order(host: str) -> tuple[int, int]:
    address = ip_address(host)
    return address.version, int(address)
