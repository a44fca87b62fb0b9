"""What every answer passes on its way out: headers that keep browsers on this host and pages out of strangers' frames, and packing of what the server
would send unpacked.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import Any

import brotli
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from planning.city import ROOT
from screens.library import Shelf

# Streamlit needs inline and evaluated script; what this forbids is any other host.
_POLICY = "; ".join(
    (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:", "connect-src 'self' data: blob:", "object-src 'none'",
        "frame-ancestors 'self'", "form-action 'self'", "base-uri 'self'",
    )
)  # fmt: skip
_ADDED = {
    "content-security-policy": _POLICY, "referrer-policy": "same-origin", "x-content-type-options": "nosniff", "x-frame-options": "SAMEORIGIN",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(self), payment=(), usb=(), serial=(), hid=(), midi=(), display-capture=()",
}  # fmt: skip
# What no browser shows as a page: a policy of its own would only weigh, and a first visit fetches a hundred and fifty of them.
_PARTS = ("text/javascript", "application/javascript", "text/css", "font/")
_FOR_PARTS = {"x-content-type-options", "cross-origin-resource-policy"}
_HTTPS_ONLY = "max-age=31536000"
# The best first. Brotli above step 9 takes seconds for what comes out a twelfth smaller.
_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=9), "gzip": lambda body: gzip.compress(body, compresslevel=9, mtime=0)
}  # fmt: skip
_ICONS = re.compile(r"/static/media/MaterialSymbols-Rounded[^/]*\.woff2")
_TYPEFACE = re.compile(r"/static/media/SourceSansVF[^/]*\.woff2")
_AHEAD = re.compile(rb"<link[^>]*rel=\"preload\"[^>]*as=\"font\"[^>]*>")
_PACKED = (".js", ".css", ".svg", ".ttf", ".json", ".map")
_KEPT = 400  # packed files; Streamlit has some 200
_LEAST = 500  # bytes, below which packing gains nothing


class StayHome:
    """Middleware: every answer forbids the browser to ask any other host for anything, to guess at types, and to show our pages inside others'.

    An answer that says so itself, and more strictly, is left as it is; scripts, styles and typefaces, which are no pages, say the least. Under https
    the browser is told to come by https only.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with what is missing added to the answer's headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", [])))
                part = message["status"] == 200 and headers.get("content-type", "").startswith(_PARTS)
                for name, value in _ADDED.items():
                    if not part or name in _FOR_PARTS:
                        headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers["strict-transport-security"] = _HTTPS_ONLY
                message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, with_policy)


class PackStatic:
    """Middleware: Streamlit's own page, scripts and styles, which it sends as they are, go out packed; each is packed once.

    A script's name holds a digest of its content, so what was packed under a name stays true of it. Of its font of icons only those a page can show
    are sent (`data/basemap/make_icons.py`). Its typeface stands last in every list of ours and would be fetched for a single sign that no other has:
    it is neither asked for ahead nor sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._shelf: Shelf[bytes] = Shelf(_KEPT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; hold back the answer of what is to be packed until it is whole, and send it packed."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        path, headers = str(scope["path"]), Headers(scope=scope)
        if _ICONS.fullmatch(path):
            kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
            await Response(_icons(), media_type="font/woff2", headers=kept)(scope, receive, send)
            return
        if _TYPEFACE.fullmatch(path):
            await Response(status_code=404, headers={"Cache-Control": "public, max-age=86400"})(scope, receive, send)
            return
        encoding = _encoding(headers)
        wanted = path == "/" or (path.startswith(("/static/", "/assets/")) and path.endswith(_PACKED))
        if not wanted or not encoding or "range" in headers:
            await self._app(scope, receive, send)
            return
        start: MutableMapping[str, Any] = {}
        body = bytearray()

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            await self._send(path, encoding, start, bytes(body), send)

        # What stands further in would pack it as well as it can, which is not as well as this.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._app({**scope, "headers": plain}, receive, hold)

    async def _send(self, path: str, encoding: str, start: MutableMapping[str, Any], body: bytes, send: Send) -> None:
        headers = MutableHeaders(raw=list(start["headers"]))
        if start["status"] == 200 and len(body) >= _LEAST and "content-encoding" not in headers:
            if path == "/":
                body = _PACKERS[encoding](_AHEAD.sub(b"", body))
            else:
                body = self._shelf.get((path, encoding, len(body)), lambda: _PACKERS[encoding](body))
            headers["content-encoding"], headers["content-length"] = encoding, str(len(body))
            headers.add_vary_header("Accept-Encoding")
        await send({**start, "headers": headers.raw})
        await send({"type": "http.response.body", "body": body})


def _encoding(headers: Headers) -> str:
    """The best packing a browser says it takes; empty where it takes none. Over plain http browsers take gzip only, but on their own machine."""
    taken = {part.partition(";")[0].strip() for part in headers.get("accept-encoding", "").split(",")}
    return next((name for name in _PACKERS if name in taken), "")


@lru_cache(maxsize=1)
def _icons() -> bytes:
    return (ROOT / "data" / "basemap" / "fonts" / "icons.woff2").read_bytes()
