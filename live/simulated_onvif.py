"""A simulated ONVIF device on this machine, for demonstrations and tests: profiles that point to a stream, a head that turns as time goes by.

It checks what real devices check: user, proof of the password with its time, and that no proof comes twice. It answers a search by WS-Discovery too.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from live.onvif_line import SERVICE
from live.secrets import Credentials
from live.soap import ADDRESSING, DISCOVERY, NETWORK, body_of, envelope, found, read_xml, text_of
from planning.errors import ChaukasError, FeedError

RATE = 0.5  # of half a circle, or of the whole zoom, a second at full speed
PRESETS = {"home": ("Home", (0.0, 0.0, 0.0)), "east": ("90 to the right", (0.5, 0.0, 0.0)), "near": ("Close up", (-0.25, -0.2, 0.6))}
_SPACES = {
    "tds": "http://www.onvif.org/ver10/device/wsdl", "trt": "http://www.onvif.org/ver10/media/wsdl", "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "tt": "http://www.onvif.org/ver10/schema", "ter": "http://www.onvif.org/ver10/error",
}  # fmt: skip
_LARGEST, _FRESH_S = 100_000, 5.0
_OPEN = "GetSystemDateAndTime"


class Head:
    """What turns: pan, tilt and zoom as a device tells them (-1 to 1, -1 to 1, 0 to 1), moved by time alone. Pan goes round without end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._at, self._speed = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
        self._goal: list[float] | None = None
        self._since, self._until = clock(), 0.0

    def aim(self) -> tuple[tuple[float, float, float], bool]:
        """Where it looks now, and whether it moves."""
        with self._lock:
            self._settle()
            pan, tilt, zoom = self._at
            return (pan, tilt, zoom), self._goal is not None or any(self._speed)

    def run(self, speed: Sequence[float], seconds: float) -> None:
        """Move at shares of full speed for so long."""
        with self._lock:
            self._settle()
            self._goal, self._speed, self._until = None, [min(1.0, max(-1.0, one)) for one in speed], self._since + seconds

    def go(self, goal: Sequence[float], *, by: bool = False) -> None:
        """Turn to a place; with `by` by so much."""
        with self._lock:
            self._settle()
            wanted = [here + one for here, one in zip(self._at, goal, strict=True)] if by else list(goal)
            self._goal = [min(high, max(low, one)) for one, low, high in zip(wanted, (-1.0, -1.0, 0.0), (1.0, 1.0, 1.0), strict=True)]
            self._speed = [0.0, 0.0, 0.0]

    def stop(self) -> None:
        """Stand still."""
        with self._lock:
            self._settle()
            self._goal, self._speed = None, [0.0, 0.0, 0.0]

    def _settle(self) -> None:
        """Bring where it looks up to now."""
        now, since = self._clock(), self._since
        self._since = now
        if self._goal is not None:
            most = RATE * (now - since)
            self._at = [here + min(most, max(-most, goal - here)) for here, goal in zip(self._at, self._goal, strict=True)]
            self._goal = None if self._at == self._goal else self._goal
            return
        spent = max(0.0, min(now, self._until) - since)
        pan, tilt, zoom = (here + speed * RATE * spent for here, speed in zip(self._at, self._speed, strict=True))
        self._at = [(pan + 1.0) % 2.0 - 1.0 if abs(pan) > 1.0 else pan, min(1.0, max(-1.0, tilt)), min(1.0, max(0.0, zoom))]
        if now >= self._until:
            self._speed = [0.0, 0.0, 0.0]


class OnvifDevice:
    """A device at a port of 127.0.0.1, from birth to `stop`.

    Parameters
    ----------
    streams: the address of each profile's stream by its name. port: 0 for any that is free; searches are answered at the same port of UDP.
    credentials: None where it asks for none. ptz: whether it has a head. clock_off_s: how far its clock is ahead [s].

    Raises
    ------
    FeedError: `simulated.start`, where the port is taken.
    """

    def __init__(
        self, streams: Mapping[str, str], port: int = 0, *, credentials: Credentials | None = None, ptz: bool = True, clock_off_s: float = 0.0,
        name: str = "Simulated", serial: str = "SIM-1",
    ) -> None:  # fmt: skip
        self.streams, self.ptz, self.name, self.serial, self.head = dict(streams), ptz, name, serial, Head()
        self.asked: list[str] = []
        self._credentials, self._off = credentials, timedelta(seconds=clock_off_s)
        self._proofs: set[str] = set()
        device = self

        class Asked(_Request):
            """A request to this device."""

            owner = device

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Asked)
            self.port = int(self._server.server_address[1])
            self._ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._ear.bind(("127.0.0.1", self.port))
        except (OSError, OverflowError):
            raise FeedError.one("simulated.start", "The simulated cameras did not start", "Choose another port", port) from None
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.port}{SERVICE}"
        self._threads = [threading.Thread(target=work, daemon=True) for work in (lambda: self._server.serve_forever(0.05), self._listen)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        with contextlib.suppress(OSError):
            self._ear.shutdown(socket.SHUT_RDWR)
        self._ear.close()
        for thread in self._threads:
            thread.join(5)

    def now(self) -> datetime:
        """The device's own time."""
        return datetime.now(UTC) + self._off

    def answer(self, operation: str, asked: Any) -> bytes | None:
        """The message that answers an operation; None where the device does not know it."""
        made = _DEVICE.get(operation) or (_PTZ.get(operation) if self.ptz else None)
        return envelope(made(self, asked), **_SPACES) if made is not None else None

    def knows(self, asked: Any) -> bool:
        """Whether a request proves the password: a digest over a time within five seconds of the device's own, and a number that came only once."""
        if self._credentials is None:
            return True
        nonce, created = text_of(asked, "Nonce"), text_of(asked, "Created")
        with contextlib.suppress(ValueError):
            told = base64.b64decode(nonce) + created.encode() + self._credentials.password.encode()
            wanted = base64.b64encode(hashlib.sha1(told, usedforsecurity=False).digest()).decode()  # ONVIF's own proof
            near = abs(datetime.fromisoformat(created) - self.now()) <= timedelta(seconds=_FRESH_S)
            right = hmac.compare_digest(text_of(asked, "Password"), wanted) and text_of(asked, "Username") == self._credentials.user
            if near and right and nonce not in self._proofs:
                self._proofs.add(nonce)
                return True
        return False

    def _listen(self) -> None:
        """Answer searches until stopped."""
        while True:
            try:
                data, sender = self._ear.recvfrom(65_536)
            except OSError:
                return
            if not data:
                return
            with contextlib.suppress(ChaukasError, OSError):
                self._ear.sendto(self.match(text_of(read_xml(data, _LARGEST), "MessageID")), sender)

    def match(self, asked: str) -> bytes:
        """The message that answers a search."""
        scopes = (f"name/{self.name}", "hardware/SIM", *(("type/ptz",) if self.ptz else ()), "Profile/Streaming")
        told = " ".join(f"onvif://www.onvif.org/{scope.replace(' ', '%20')}" for scope in scopes)
        body = f"<d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:{escape(self.serial)}</a:Address></a:EndpointReference>"
        body += f"<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{escape(told)}</d:Scopes><d:XAddrs>{escape(self.url)}</d:XAddrs>"
        body += "<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches>"
        header = f"<a:RelatesTo>{escape(asked)}</a:RelatesTo><a:Action>{DISCOVERY}/ProbeMatches</a:Action>"
        return envelope(body, header, a=ADDRESSING, d=DISCOVERY, dn=NETWORK)


class _Request(BaseHTTPRequestHandler):
    """One request; the operation is the first element of its body."""

    owner: OnvifDevice

    def do_POST(self) -> None:
        """Answer a message, or a fault."""
        device = self.owner
        try:
            asked = read_xml(self.rfile.read(min(_LARGEST, int(self.headers.get("Content-Length", 0)))), _LARGEST)
            operation = body_of(asked)
            body = next(found(asked, operation))
        except (ChaukasError, ValueError, StopIteration):
            self.send_error(400)
            return
        device.asked.append(operation)
        if operation != _OPEN and not device.knows(asked):
            self._send(400, _fault("ter:NotAuthorized", "Sender not Authorized"))
            return
        try:
            made = device.answer(operation, body)
        except (ValueError, KeyError):
            self._send(400, _fault("ter:InvalidArgVal", "Argument Value Invalid"))
            return
        if made is None:
            self._send(500, _fault("ter:ActionNotSupported", "Optional Action Not Implemented"))
        else:
            self._send(200, made)

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is Python's
        """Nothing: nobody reads it."""


def _fault(code: str, reason: str) -> bytes:
    value = f"<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code>"
    return envelope(f'<s:Fault>{value}<s:Reason><s:Text xml:lang="en">{escape(reason)}</s:Text></s:Reason></s:Fault>', **_SPACES)


def _number(asked: Any, name: str, key: str) -> float:
    first = next(found(asked, name), None)
    return float(first.get(key, 0)) if first is not None else 0.0


def _vector(asked: Any) -> list[float]:
    return [_number(asked, "PanTilt", "x"), _number(asked, "PanTilt", "y"), _number(asked, "Zoom", "x")]


def _seconds(text: str) -> float:
    """Of a duration such as PT1M or PT0.5S; ten where none is told."""
    told = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", text or "PT10S")
    if told is None:
        raise ValueError(text)
    return sum(float(part or 0) * worth for part, worth in zip(told.groups(), (3600.0, 60.0, 1.0), strict=True))


def _time(device: OnvifDevice, _: Any) -> str:
    now = device.now()
    clock = f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second></tt:Time>"
    day = f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
    told = f"<tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>{clock}{day}</tt:UTCDateTime>"
    return f"<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>{told}</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"


def _about(device: OnvifDevice, _: Any) -> str:
    said = {"Manufacturer": "Chaukas (simulated)", "Model": device.name, "FirmwareVersion": "1.0", "SerialNumber": device.serial, "HardwareId": "SIM"}
    inner = "".join(f"<tds:{key}>{escape(value)}</tds:{key}>" for key, value in said.items())
    return f"<tds:GetDeviceInformationResponse>{inner}</tds:GetDeviceInformationResponse>"


def _services(device: OnvifDevice, _: Any) -> str:
    offered = ("tds", "trt", "tptz") if device.ptz else ("tds", "trt")
    version = "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version>"
    at = f"<tds:XAddr>{device.url}</tds:XAddr>{version}"
    rows = (f"<tds:Service><tds:Namespace>{_SPACES[one]}</tds:Namespace>{at}</tds:Service>" for one in offered)
    return f"<tds:GetServicesResponse>{''.join(rows)}</tds:GetServicesResponse>"


def _profiles(device: OnvifDevice, _: Any) -> str:
    rows = []
    for number, name in enumerate(device.streams):
        size = "<tt:Resolution><tt:Width>1280</tt:Width><tt:Height>720</tt:Height></tt:Resolution><tt:Quality>5</tt:Quality>"
        rate = "<tt:FrameRateLimit>15</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>2000</tt:BitrateLimit>"
        video = f"<tt:Name>{escape(name)}</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>{size}"
        video += f"<tt:RateControl>{rate}</tt:RateControl>"
        head = "<tt:Name>head</tt:Name><tt:UseCount>1</tt:UseCount><tt:NodeToken>node</tt:NodeToken>"
        steered = f'<tt:PTZConfiguration token="head">{head}</tt:PTZConfiguration>' if device.ptz else ""
        encoder = f'<tt:VideoEncoderConfiguration token="video{number}">{video}</tt:VideoEncoderConfiguration>'
        rows.append(f'<trt:Profiles token="profile{number}" fixed="true"><tt:Name>{escape(name)}</tt:Name>{encoder}{steered}</trt:Profiles>')
    return f"<trt:GetProfilesResponse>{''.join(rows)}</trt:GetProfilesResponse>"


def _stream(device: OnvifDevice, asked: Any) -> str:
    url = list(device.streams.values())[int(text_of(asked, "ProfileToken").removeprefix("profile"))]
    more = "".join(f"<tt:{name}>false</tt:{name}>" for name in ("InvalidAfterConnect", "InvalidAfterReboot")) + "<tt:Timeout>PT0S</tt:Timeout>"
    return f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{escape(url)}</tt:Uri>{more}</trt:MediaUri></trt:GetStreamUriResponse>"


def _status(device: OnvifDevice, _: Any) -> str:
    (pan, tilt, zoom), moving = device.head.aim()
    said = "MOVING" if moving else "IDLE"
    at = f'<tt:Position><tt:PanTilt x="{pan:.6f}" y="{tilt:.6f}"/><tt:Zoom x="{zoom:.6f}"/></tt:Position>'
    move = f"<tt:MoveStatus><tt:PanTilt>{said}</tt:PanTilt><tt:Zoom>{said}</tt:Zoom></tt:MoveStatus>"
    told = f"{at}{move}<tt:UtcTime>{device.now():%Y-%m-%dT%H:%M:%SZ}</tt:UtcTime>"
    return f"<tptz:GetStatusResponse><tptz:PTZStatus>{told}</tptz:PTZStatus></tptz:GetStatusResponse>"


def _presets(_: OnvifDevice, __: Any) -> str:
    rows = (f'<tptz:Preset token="{token}"><tt:Name>{escape(name)}</tt:Name></tptz:Preset>' for token, (name, _) in PRESETS.items())
    return f"<tptz:GetPresetsResponse>{''.join(rows)}</tptz:GetPresetsResponse>"


def _continuous(device: OnvifDevice, asked: Any) -> str:
    device.head.run(_vector(asked), _seconds(text_of(asked, "Timeout")))
    return "<tptz:ContinuousMoveResponse/>"


def _relative(device: OnvifDevice, asked: Any) -> str:
    device.head.go(_vector(asked), by=True)
    return "<tptz:RelativeMoveResponse/>"


def _absolute(device: OnvifDevice, asked: Any) -> str:
    device.head.go(_vector(asked))
    return "<tptz:AbsoluteMoveResponse/>"


def _stop(device: OnvifDevice, _: Any) -> str:
    device.head.stop()
    return "<tptz:StopResponse/>"


def _goto(device: OnvifDevice, asked: Any) -> str:
    device.head.go(PRESETS[text_of(asked, "PresetToken")][1])
    return "<tptz:GotoPresetResponse/>"


_DEVICE: dict[str, Callable[[OnvifDevice, Any], str]] = {
    _OPEN: _time, "GetDeviceInformation": _about, "GetServices": _services, "GetProfiles": _profiles, "GetStreamUri": _stream,
}  # fmt: skip
_PTZ: dict[str, Callable[[OnvifDevice, Any], str]] = {
    "GetStatus": _status, "GetPresets": _presets, "ContinuousMove": _continuous, "RelativeMove": _relative, "AbsoluteMove": _absolute, "Stop": _stop,
    "GotoPreset": _goto,
}  # fmt: skip
