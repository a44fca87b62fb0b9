"""The line to an ONVIF device: messages to the judged address alone, answers bounded and sound; its addresses, numbers and refusals made ours."""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from live.addresses import Place
from live.settings import Settings
from live.soap import body_of, read_xml, unreadable, write_xml
from planning.errors import FeedError

SERVICE = "/onvif/device_service"
_CREDENTIAL = re.compile(r"(?i)^(user(name)?|usr|login|pass(word|wd)?|pwd|auth|token)$")
_REFUSED = ("notauthorized", "failedauthentication", "invalidsecurity", "sender not authorized", "not authorized")


def service_address(text: str) -> str:
    """The address of a device's service: of `onvif://HOST[:PORT]`, of a web address without a path, or as it stands."""
    parts = urlsplit(text)
    scheme = "http" if parts.scheme == "onvif" else parts.scheme
    return urlunsplit((scheme, parts.netloc, SERVICE if parts.path in {"", "/"} else parts.path, parts.query, ""))


def bare(url: str) -> str:
    """An address without what may be credentials, before its host or in its query."""
    parts = urlsplit(url)
    kept = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if not _CREDENTIAL.match(key)]
    query = parts.query if len(kept) == len(parse_qsl(parts.query, keep_blank_values=True)) else urlencode(kept)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


@dataclass(frozen=True)
class Answer:
    """An answer as zeep takes it."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]
    encoding: str = "utf-8"


class Line:
    """zeep's way to a device: to the judged address, no redirect followed, bounded."""

    cache = None

    def __init__(self, session: Any, place: Place, settings: Settings) -> None:
        self._session, self._place, self._settings = session, place, settings

    async def post_xml(self, address: str, message: Any, headers: Mapping[str, str]) -> Answer:
        """Send a message; the answer, read whole and found to be sound. Raises FeedError, TimeoutError and what aiohttp raises."""
        parts, place = urlsplit(address), self._place
        host = f"[{place.address}]" if place.address.version == 6 else str(place.address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        url = f"{parts.scheme}://{host}:{port}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        sent = {**headers, "Host": parts.netloc.rpartition("@")[2], "Accept-Encoding": "identity"}
        more = {"ssl": _trust(self._settings), "server_hostname": place.host} if parts.scheme == "https" else {}
        async with self._session.post(url, data=write_xml(message), headers=sent, allow_redirects=False, **more) as answer:
            if 300 <= answer.status < 400:
                raise FeedError.one("feed.redirect", "The device points to another address", "Give that address", place.host)
            if answer.status in {401, 403}:
                raise password_refused(place.host)
            most = self._settings.limits.device_bytes
            content = bytearray()
            async for part in answer.content.iter_chunked(65_536):
                content += part
                if len(content) > most:
                    raise unreadable(place.host)
        root = read_xml(bytes(content), most, place.host)
        if body_of(root) not in {f"{body_of(message)}Response", "Fault"}:
            raise unreadable(place.host)
        return Answer(answer.status, write_xml(root), {"Content-Type": "application/soap+xml"})

    async def aclose(self) -> None:
        """Nothing of its own: the session is the device's."""


def _trust(settings: Settings) -> Any:
    return ssl.create_default_context() if settings.verify_tls else False


def password_refused(host: str) -> FeedError:
    """The error of a device that refuses name and password."""
    return FeedError.one("feed.password", "The camera refuses this name and password", "Enter the right ones", host)


def offline(host: str) -> FeedError:
    """The error of a device that cannot be reached."""
    return FeedError.one("feed.offline", "The camera does not answer", "Check its power, its link and its address", host)


def refuses_password(fault: Any) -> bool:
    """Whether a device refused because of who asked: told by the fault's codes, and by its words where a device gives no code."""
    codes = " ".join([str(fault.code), *(str(getattr(one, "localname", one)) for one in fault.subcodes or ()), str(fault.message)]).casefold()
    return any(sign in codes for sign in _REFUSED)


def lacks(what: str, host: str) -> FeedError:
    """The error of a device without the service `ptz` or `media`."""
    said = {"ptz": "The camera cannot be steered by ONVIF", "media": "The device tells no streams by ONVIF"}
    return FeedError.one("onvif.lacks", said[what], "Check its model and its settings", host)


def finite(value: Any) -> float:
    """A number a device told. Raises ValueError, TypeError where it is none that can be meant."""
    number = float(value)
    if not math.isfinite(number) or abs(number) > 1e6:
        raise ValueError(number)
    return number


def position(what: str, pan_deg: float, tilt_deg: float, zoom: float) -> dict[str, Any]:
    """A position or a translation in the generic spaces, which every device knows."""
    spaces = {name: f"http://www.onvif.org/ver10/tptz/{name}Spaces/{what}GenericSpace" for name in ("PanTilt", "Zoom")}
    turn = {"x": pan_deg / 180.0, "y": tilt_deg / 90.0, "space": spaces["PanTilt"]}
    return {"PanTilt": turn, "Zoom": {"x": zoom, "space": spaces["Zoom"]}}
