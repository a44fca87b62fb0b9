"""Visitors without a server: requests and WebSockets handed to an app as a server would, and an account of each role to ask as."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote, urlencode

from planning.access import roles
from planning.accounts import TERMINAL, add_account
from planning.sessions import open_session
from planning.store import Store

HOST = "127.0.0.1:8501"


@dataclass
class Answer:
    """Status, headers (the last of each name) and body of an answer; every Set-Cookie apart."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass
class Visitor:
    """Someone who asks `app`; keeps the cookies that are set, as a browser does.

    `server`: at which address of the machine the request comes in.
    """

    app: Any
    cookies: dict[str, str] = field(default_factory=dict)
    scheme: str = "http"
    server: tuple[str, int | None] = ("127.0.0.1", 8501)

    def scope(self, kind: str, method: str, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """The scope of a request."""
        path, _, query = url.partition("?")
        given = {"host": HOST, **({"cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}), **headers}
        scheme = self.scheme if kind == "http" else {"http": "ws", "https": "wss"}[self.scheme]
        made = {
            "type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": scheme, "path": unquote(path), "raw_path": path.encode(),
            "root_path": "", "query_string": query.encode(), "server": self.server, "client": ("127.0.0.1", 1),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items() if value],
        }  # fmt: skip
        return {**made, "method": method} if kind == "http" else {**made, "subprotocols": []}

    def ask(self, url: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        """One request; names of headers with _ for -."""
        sent: list[dict[str, Any]] = []
        asked: list[bool] = []

        async def receive() -> dict[str, Any]:
            if asked:
                await asyncio.sleep(60)  # nobody hangs up
            asked.append(True)
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = self.scope("http", method, url, {name.replace("_", "-"): value for name, value in headers.items()})
        asyncio.run(self.app(scope, receive, send))
        pairs = [(key.decode(), value.decode("latin-1")) for key, value in sent[0]["headers"]]
        set_cookies = [value for key, value in pairs if key == "set-cookie"]
        for text in set_cookies:
            for name, morsel in SimpleCookie(text).items():
                self.cookies[name] = morsel.value
        self.cookies = {name: value for name, value in self.cookies.items() if value}
        return Answer(sent[0]["status"], dict(pairs), b"".join(message.get("body", b"") for message in sent[1:]), set_cookies)

    def post(self, url: str, fields: Mapping[str, Any], **headers: str) -> Answer:
        """A form sent from a page of the same host."""
        said = {"origin": f"{self.scheme}://{HOST}", "content_type": "application/x-www-form-urlencoded", **headers}
        return self.ask(url, "POST", urlencode(fields, doseq=True).encode(), **said)

    def socket(self, url: str, **headers: str) -> list[dict[str, Any]]:
        """What a WebSocket is sent until it is closed or has been hung up on."""
        return asyncio.run(self._socket(url, {name.replace("_", "-"): value for name, value in headers.items()}))

    async def _socket(self, url: str, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        coming = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}])

        async def receive() -> dict[str, Any]:
            return next(coming)

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(self.scope("websocket", "", url, {"origin": f"{self.scheme}://{HOST}", **headers}), receive, send)
        return sent


def sessions_by_role(store: Store) -> dict[str, str]:
    """The token of a session of one account for each role, by role; the public has none."""
    tokens = {"public": ""}
    for role in roles():
        if role != "public":
            account = add_account(store, TERMINAL, f"the-{role}", title=role.title(), roles=[role])
            with store.write("test", "session.begin", account) as tx:
                tx.change("accounts", account, password="kept")  # pragma: allowlist secret  # no hash: nobody signs in by it
                tokens[role] = open_session(tx, account)
    return tokens
