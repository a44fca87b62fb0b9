"""What every answer passes on its way out: headers that keep browsers on this host and pages out of strangers' frames, and packing of what the server
would send unpacked.
"""

from __future__ import annotations

import gzip
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
_HTTPS_ONLY = "max-age=31536000"
_PACKED = (".js", ".css", ".svg", ".ttf", ".json", ".map")
_KEPT = 400  # packed files; Streamlit has some 200
_LEAST = 500  # bytes, below which packing gains nothing


class StayHome:
    """Middleware: every answer forbids the browser to ask any other host for anything, to guess at types, and to show our pages inside others'.

    An answer that says so itself, and more strictly, is left as it is. Under https the browser is told to come by https only.
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
                for name, value in _ADDED.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers["strict-transport-security"] = _HTTPS_ONLY
                message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, with_policy)


class PackStatic:
    """Middleware: Streamlit's own scripts and styles, which it sends as they are, go out gzipped; each is packed once.

    Their names hold a digest of their content, so what was packed under a name stays true of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._shelf: Shelf[bytes] = Shelf(_KEPT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; hold a static file's answer back until it is whole, and send it packed."""
        wanted = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith("/static/") and scope["path"].endswith(_PACKED)
        if not wanted or "gzip" not in Headers(scope=scope).get("accept-encoding", "") or "range" in Headers(scope=scope):
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
            await self._send(scope["path"], start, bytes(body), send)

        await self._app(scope, receive, hold)

    async def _send(self, path: str, start: MutableMapping[str, Any], body: bytes, send: Send) -> None:
        headers = MutableHeaders(raw=list(start["headers"]))
        if start["status"] == 200 and len(body) >= _LEAST and "content-encoding" not in headers:
            body = self._shelf.get((path, len(body)), lambda: gzip.compress(body, compresslevel=9, mtime=0))
            headers["content-encoding"], headers["content-length"] = "gzip", str(len(body))
            headers.add_vary_header("Accept-Encoding")
        await send({**start, "headers": headers.raw})
        await send({"type": "http.response.body", "body": body})
