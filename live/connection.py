"""What every connection to a camera shares: TCP or TLS to the judged address, the answer to what the camera asks for, and its faults in words."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import socket
import ssl
from collections.abc import Callable, Sequence

from live.addresses import Place
from live.secrets import Credentials
from live.settings import Settings
from planning.errors import FeedError

_HASHES: dict[str, Callable[[bytes], str]] = {
    # Cameras speak MD5 here; it guards a password on a camera's own network and nothing of ours.
    "md5": lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest(),
    "sha-256": lambda text: hashlib.sha256(text).hexdigest(),
}
_FAULTS = {
    "feed.password": ("The camera refuses this name and password", "Enter the right ones"),
    "feed.path": ("The camera has no such stream", "Mend the path of the address"),
    "feed.stalled": ("The camera has stopped sending", "It is tried again by itself"),
    "feed.offline": ("The camera does not answer", "Check its power, its link and its address"),
    "feed.broken": ("What the camera sends cannot be read", "Check that the address is that of a video stream"),
    "feed.redirect": ("The camera points to another address", "Give the address where its pictures really are"),
    "feed.ended": ("The stream has ended", "It is tried again by itself"),
    "feed.codec": ("The camera sends video that no browser plays", "Set it to H.264"),
    "feed.tls": ("No secure connection to the camera", "Check its certificate, or use rtsp"),
}


def fault(code: str, where: str = "") -> FeedError:
    """The error of a feed that failed in a known way; `where` must hold no credentials."""
    return FeedError.one(code, *_FAULTS[code], where)


def connect(place: Place, settings: Settings) -> socket.socket:
    """A connection to a judged place, by TLS where its scheme asks for it.

    Raises
    ------
    FeedError: `feed.offline` where nothing answers, `feed.tls` where TLS cannot be agreed on.
    """
    try:
        made = socket.create_connection((str(place.address), place.port), timeout=settings.times.open_s)
    except OSError:
        raise fault("feed.offline", place.host) from None
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not place.secure:
        return made
    context = ssl.create_default_context()
    if not settings.verify_tls:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return context.wrap_socket(made, server_hostname=place.host)
    except (OSError, ValueError):
        made.close()
        raise fault("feed.tls", place.host) from None


def authorization(said: Sequence[str], credentials: Credentials, method: str, target: str) -> str:
    """The header that answers what a camera asked for, Basic or Digest (RFC 7616). `said`: its challenges; `target`: as the request names it."""
    for challenge in said:
        scheme, _, rest = challenge.strip().partition(" ")
        if scheme.lower() != "digest":
            continue
        told = {key.lower(): quoted or bare for key, quoted, bare in re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))', rest)}
        digest = _HASHES.get(told.get("algorithm", "MD5").lower())
        if digest is None:
            continue
        realm, nonce, once = told.get("realm", ""), told.get("nonce", ""), secrets.token_hex(8)
        first = digest(f"{credentials.user}:{realm}:{credentials.password}".encode())
        second = digest(f"{method}:{target}".encode())
        grouped = "auth" in told.get("qop", "")
        answer = digest(f"{first}:{nonce}:00000001:{once}:auth:{second}".encode() if grouped else f"{first}:{nonce}:{second}".encode())
        parts = [f'username="{credentials.user}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{target}"', f'response="{answer}"']
        parts += ["qop=auth", "nc=00000001", f'cnonce="{once}"'] if grouped else []
        parts += [f"{key}={told[key]}" if key == "algorithm" else f'{key}="{told[key]}"' for key in ("algorithm", "opaque") if key in told]
        return "Digest " + ", ".join(parts)
    return "Basic " + base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()
