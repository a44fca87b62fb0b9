"""The gate: every role at every address, and every way around it that is known."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app import app as whole
from benchmarks.browser import way_in
from planning.access import PUBLIC, Actor
from planning.accounts import TERMINAL, add_account, change_roles, find_account, turn_off
from planning.city import ROOT
from planning.errors import InputError
from planning.sessions import digest, end_session, open_session
from planning.store import Store
from screens import gate
from screens.gate import Gate, doors, load_doors
from tests.browser.chromium import answers, free_port
from tests.screens.visitor import HOST, Answer, Visitor, sessions_by_role

SECRET = b"what only some may read"
EVERYBODY = {"public", "member", "planner", "operator", "admin"}
SIGNED_IN = EVERYBODY - {"public"}
PLANS = {"planner", "member", "admin"}
ADMIN = {"admin"}
OPERATOR = {"operator"}
# Every address of the app, and who may have it. Written by hand: data/doors.toml must come to the same.
MAY: dict[str, set[str]] = {
    "/": SIGNED_IN, "/index.html": SIGNED_IN, "/favicon.png": SIGNED_IN, "/manifest.json": SIGNED_IN, "/static/{path:path}": SIGNED_IN,
    "/_stcore/health": EVERYBODY, "/_stcore/host-config": SIGNED_IN, "/_stcore/stream": SIGNED_IN, "/_stcore/metrics": set(),
    "/_stcore/upload_file/{session_id}/{file_id}": PLANS, "/_stcore/bidi-components/{path:path}": SIGNED_IN, "/component/{path:path}": SIGNED_IN,
    "/media/{file_id:path}": SIGNED_IN, "/auth/login": set(), "/auth/logout": set(), "/oauth2callback": set(), "/_stcore/agent/interact": set(),
    "/_stcore/agent/openapi.json": set(), "/_stcore/agent/mcp": set(),
    "/assets/{name}": EVERYBODY, "/assets/{version}/{name}": EVERYBODY, "/map/city/{city}/{digest}/{layer}": SIGNED_IN,
    "/map/plan/{city}/{plan}/{stamp}/{layer}": SIGNED_IN, "/map/ladder/{city}/{ladder}/{stamp}/{layer}": SIGNED_IN,
    "/map/why/{city}/{plan}/{stamp}/{language}/{camera:path}": SIGNED_IN, "/map/draft/{city}/{job}/{number}": SIGNED_IN,
    "/map/hand/{city}/{plan}/{stamp}/{language}": PLANS,
    "/sign-in/oidc": EVERYBODY, "/sign-in/oidc/back": EVERYBODY,
    "/sign-in": EVERYBODY, "/link/{token}": EVERYBODY, "/public": EVERYBODY, "/sign-out": SIGNED_IN, "/account": SIGNED_IN,
    "/suggest": EVERYBODY, "/suggest/{city}": EVERYBODY, "/suggest/{city}/layer/{digest}/{name}": EVERYBODY,
    "/public/{city}/{plan}": EVERYBODY, "/public/{city}/{plan}/": EVERYBODY, "/public/{city}/{plan}/layer/{stamp}/{name}": EVERYBODY,
    "/map/difference/{city}/{first}/{stamp}/{second}/{other}/{layer}": SIGNED_IN,
    "/map/review/{city}/{plan}/{part}/{stamp}/{layer}": SIGNED_IN,
    "/account/password": SIGNED_IN, "/account/sessions": SIGNED_IN, "/accounts": ADMIN, "/accounts/add": ADMIN, "/accounts/change": ADMIN,
    "/operate/{city}/pins": OPERATOR | ADMIN, "/operate/{city}/pins.geojson": OPERATOR | ADMIN, "/operate/{city}/states": OPERATOR | ADMIN,
    "/operate/{city}/see": OPERATOR | ADMIN, "/operate/{city}/blind": OPERATOR | ADMIN, "/operate/{city}/events": OPERATOR | ADMIN,
    "/live/status": OPERATOR | ADMIN, "/live/status/{camera}": OPERATOR | ADMIN, "/operate/{city}/acknowledge": OPERATOR,
    "/operate/{city}/accept": OPERATOR,
    "/operate/{city}/turned": OPERATOR | ADMIN, "/live/aim/{camera}": OPERATOR | ADMIN, "/live/steer/{camera}": OPERATOR | ADMIN,
    "/live/token/{camera}": OPERATOR, "/live/still/{camera}": OPERATOR, "/live/mjpeg/{camera}": OPERATOR, "/live/stream/{camera}": OPERATOR,
}  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


async def vault(scope: Any, receive: Any, send: Any) -> None:
    """An app that gives its secret to whatever reaches it, and keeps a WebSocket open until the other end is gone."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": SECRET})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": SECRET})


class Seen:
    """An app that keeps the scope of what reaches it."""

    def __init__(self, **headers: str) -> None:
        self.scope: dict[str, Any] = {}
        self._headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with the headers given."""
        self.scope = scope
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": SECRET})


@pytest.fixture(name="house", scope="module")
def store_of_the_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of these tests."""
    folder = tmp_path_factory.mktemp("house")
    made = Store(f"sqlite:///{folder / 'chaukas.db'}", folder).ready()
    yield made
    made.engine.dispose()


@pytest.fixture(name="tokens", scope="module")
def sessions(house: Store) -> dict[str, str]:
    """A session of each role."""
    return sessions_by_role(house)


def visitor(house: Store, token: str = "", inner: Any = vault, **more: Any) -> Visitor:
    """Someone with this session's cookie at a gate before `inner`."""
    return Visitor(Gate(inner, lambda: house), {"chaukas": token} if token else {}, **more)


def filled(path: str) -> str:
    """An address with something in place of what it leaves open."""
    return re.sub(r"\{[^}]*\}", "x", path)


def test_every_route_of_the_app_has_its_door_and_every_door_its_route() -> None:
    """A new address without an entry fails here, in the table above and in data/doors.toml."""
    routes = whole._build_starlette_app().routes
    # Streamlit's files lie under one mount, without routes of their own.
    paths = {route.path for route in routes if not isinstance(route, Mount)}  # type: ignore[attr-defined]
    files = {"/", "/index.html", "/favicon.png", "/manifest.json", "/static/{path:path}"}
    assert paths | files == set(MAY)
    assert {door.path for door in doors()} == set(MAY)


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_each_role_gets_what_it_may_and_not_a_byte_of_the_rest(house: Store, tokens: dict[str, str], role: str) -> None:
    """Every address by every method and as a WebSocket."""
    asks = visitor(house, tokens[role])
    for path, who in MAY.items():
        for method in METHODS:
            answer = asks.ask(filled(path), method, origin=f"http://{HOST}")
            assert (SECRET in answer.body) == (role in who), (path, method)
            assert answer.status == (200 if role in who else 404 if not who else 401 if role == "public" else 403), (path, method)
        sent = asks.socket(filled(path))
        assert any(message.get("bytes") == SECRET for message in sent) == (role in who), path
        if role not in who:
            assert [message["type"] for message in sent] == ["websocket.close"], path


@pytest.mark.parametrize(
    "url",
    [
        "/nowhere", "//map/city/x/x/x", "/MAP/city/x/x/x", "/map/city/x/x/x/", "/map", "/assets/../map/city/x/x/x", "/assets/x/y/../../map",
        "/static", "/sign-in/../", "/sign-in%2f..%2f", "/_stcore/health/../stream", "/%2e%2e/map/city/x/x/x", "/public/../map/city/x/x/x",
        "/assets//x", "/link/x/../../map/city/x/x/x", "/_stcore/health%00", "/_stcore/stream%20", "/sign-in;x=/map",
    ],
)
def test_no_spelling_of_an_address_gets_around_its_door(house: Store, url: str) -> None:
    """What is none of our addresses, however near, is closed to whoever is not signed in."""
    for method in ("GET", "POST"):
        answer = visitor(house).ask(url, method, origin=f"http://{HOST}")
        assert SECRET not in answer.body
        assert answer.status in {401, 404}


def test_a_page_leads_to_the_sign_in_and_back(house: Store) -> None:
    """A browser that asks for a page is sent to sign in; the way back holds the whole address and can leave the app by no sign in it."""
    answer = visitor(house).ask("/?city=toy&next=//evil.example", accept="text/html")
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in?next=%2F%3Fcity%3Dtoy%26next%3D%2F%2Fevil.example")
    assert answer.headers["cache-control"] == "no-store"
    split = visitor(house).ask("/map/city/a%0d%0aset-cookie:x=1/x/x", accept="text/html")
    assert "set-cookie" not in split.headers
    assert "\r" not in split.headers["location"]


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"origin": "null"}, {"origin": "http://evil.example"}, {"origin": f"https://{HOST}"}, {"origin": "http://127.0.0.1"},
        {"origin": f"http://{HOST}.evil.example"}, {"origin": f"http://evil.example/{HOST}"}, {"origin": f"http://x@{HOST}"},
        {"referer": "http://evil.example/"}, {"origin": "http://evil.example", "referer": f"http://{HOST}/"}, {"origin": "", "referer": ""},
    ],
)  # fmt: skip
def test_what_changes_something_comes_from_our_own_pages(house: Store, tokens: dict[str, str], headers: dict[str, str]) -> None:
    """Another origin, one that only looks like ours, and none: refused for every method that changes something and for WebSockets."""
    asks = visitor(house, tokens["admin"])
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = asks.ask("/accounts/add", method, **headers)
        assert answer.status == 403
        assert b"gate.origin" in answer.body
    sent = asks.socket("/_stcore/stream", **{"origin": "", **headers})
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_our_own_pages_are_known_by_origin_or_referer_and_by_scheme(house: Store, tokens: dict[str, str]) -> None:
    """Under https the origin is https, and the cookie one that only this host can set."""
    assert visitor(house, tokens["admin"]).ask("/accounts/add", "POST", referer=f"http://{HOST}/accounts").status == 200
    safe = visitor(house, tokens["admin"], scheme="https")
    assert safe.ask("/account").status == 401
    safe.cookies = {"__Host-chaukas": tokens["admin"]}
    assert safe.ask("/accounts/add", "POST", origin=f"https://{HOST}").status == 200
    assert safe.ask("/accounts/add", "POST", origin=f"http://{HOST}").status == 403


def test_the_app_sees_the_actor_and_never_the_cookie(house: Store, tokens: dict[str, str]) -> None:
    """Actor and session stand in the scope, the session's id in its header; the cookie is taken out, others stay; a header from outside counts for
    nothing.
    """
    inner = Seen()
    asks = visitor(house, tokens["planner"], inner)
    asks.cookies["_streamlit_xsrf"] = "x"
    asks.ask("/account", x_chaukas_session="forged")
    headers = dict(inner.scope["headers"])
    account = find_account(house, "the-planner")["id"]
    assert inner.scope["chaukas.actor"] == Actor(account, "Planner", ("planner",))
    assert headers[b"cookie"] == b"_streamlit_xsrf=x"
    assert headers[b"x-chaukas-session"] == digest(tokens["planner"]).encode()
    assert [name for name, _ in inner.scope["headers"]].count(b"x-chaukas-session") == 1
    visitor(house, "", inner).ask("/public", x_chaukas_session=digest(tokens["admin"]))
    assert inner.scope["chaukas.actor"] == PUBLIC
    assert b"x-chaukas-session" not in dict(inner.scope["headers"])


def test_what_not_everybody_may_have_is_kept_by_nobody_else(house: Store, tokens: dict[str, str]) -> None:
    """Behind a door shared caches keep nothing: public becomes private, silence no-store; open addresses are left as they are."""
    for given, kept in (("public, max-age=31536000, immutable", "private, max-age=31536000, immutable"), ("no-store", "no-store")):
        inner = Seen(cache_control=given)
        assert visitor(house, tokens["member"], inner).ask("/map/city/x/x/x").headers["cache-control"] == kept
        assert visitor(house, "", inner).ask("/assets/x").headers["cache-control"] == given
    assert visitor(house, tokens["member"], Seen()).ask("/").headers["cache-control"] == "no-store"


def test_until_somebody_has_a_password_only_this_machine_is_answered(tmp_path: Path) -> None:
    """At an address others can reach every request is refused with the way out; at a loopback one, mapped or not, and at a socket file, it is not."""
    empty = Store(f"sqlite:///{tmp_path / 'c.db'}", tmp_path).ready()
    for server in (("192.168.1.7", 80), ("0.0.0.0", 80), ("chaukas.example", 443), ("::", 80), (None, 80)):
        asks = visitor(empty, server=server)
        answer = asks.ask("/assets/x")
        assert answer.status == 503
        assert b"open the link that chaukas app prints" in answer.body
        assert [message["type"] for message in asks.socket("/_stcore/stream")] == ["websocket.close"]
    for server in (("127.0.0.1", 80), ("127.8.8.8", 80), ("::1", 80), ("::ffff:127.0.0.1", 80), ("/run/chaukas.sock", None)):
        assert visitor(empty, server=server).ask("/assets/x").status == 200
    sessions_by_role(empty)
    assert visitor(empty, server=("192.168.1.7", 80)).ask("/assets/x").status == 200
    empty.engine.dispose()


def test_a_store_that_cannot_be_asked_lets_nobody_in(house: Store, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken database is no open door."""

    def broken(*_: object) -> None:
        raise InputError.one("store.failed", "The database refused", "Check it")

    monkeypatch.setattr(gate, "sessions_of", broken)
    answer = visitor(house, tokens["admin"]).ask("/account")
    assert answer.status == 503
    assert SECRET not in answer.body


def open_socket(house: Store, token: str, change: Any) -> list[dict[str, Any]]:
    """What a WebSocket nobody hangs up is sent, when `change` is made once it is open."""

    async def run() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        opened, never = asyncio.Event(), asyncio.Event()
        first = iter([{"type": "websocket.connect"}])

        async def receive() -> dict[str, Any]:
            for message in first:
                return message
            await never.wait()
            raise AssertionError

        async def send(message: Any) -> None:
            sent.append(message)
            if message.get("bytes") == SECRET:
                opened.set()

        asks = visitor(house, token)
        work = asyncio.create_task(asks.app(asks.scope("websocket", "", "/_stcore/stream", {"origin": f"http://{HOST}"}), receive, send))
        await asyncio.wait_for(opened.wait(), 30)
        change()
        await asyncio.wait_for(work, 30)
        return sent

    return asyncio.run(run())


@pytest.mark.parametrize("how", ["ended", "off", "roles"])
def test_an_open_socket_is_closed_when_its_session_ends_or_its_rights_change(house: Store, how: str) -> None:
    """Sign-out or revocation, an account turned off, other roles: the socket is closed from here, and the app behind learns that it is."""
    store = house
    account = add_account(store, TERMINAL, f"leaver-{how}", roles=["planner"])
    with store.write("test", "session.begin", account) as tx:
        token = open_session(tx, account)
    change = {
        "ended": lambda: end_session(store, "test", digest(token)), "off": lambda: turn_off(store, TERMINAL, account),
        "roles": lambda: change_roles(store, TERMINAL, account, ["member"]),
    }[how]  # fmt: skip
    sent = open_socket(store, token, change)
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert sent[-1]["code"] == 4401


def test_new_pages_begin_one_after_another(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that come at once are let begin a pace apart; one that comes later need not wait, and the pages before it are not held up."""
    at = [100.0]
    shut = Gate(vault, lambda: house)
    monkeypatch.setattr(gate.time, "monotonic", lambda: at[0])
    assert [round(shut._turn(), 3) for _ in range(3)] == [0.0, gate._PACE_S, 2 * gate._PACE_S]
    at[0] += 1.0
    assert shut._turn() == 0.0


def test_a_page_that_waits_for_its_turn_is_out_when_its_session_ends(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket whose first message is held back does not wait for its turn to be closed, and the app behind never gets that message."""
    account = add_account(house, TERMINAL, "waiter", roles=["planner"])
    with house.write("test", "session.begin", account) as tx:
        token = open_session(tx, account)
    heard: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        heard.append((await receive())["type"])

    async def run() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        coming = iter([{"type": "websocket.connect"}, {"type": "websocket.receive", "bytes": b"draw"}])

        async def receive() -> dict[str, Any]:
            message = next(coming)
            if message["type"] == "websocket.receive":
                end_session(house, "test", digest(token))
            return message

        async def send(message: Any) -> None:
            sent.append(message)

        asks = visitor(house, token, inner)
        asks.app._next_page = gate.time.monotonic() + 3_600
        work = asks.app(asks.scope("websocket", "", "/_stcore/stream", {"origin": f"http://{HOST}"}), receive, send)
        await asyncio.wait_for(work, 30)
        return sent

    sent = asyncio.run(run())
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert heard == ["websocket.disconnect"]


def test_a_stream_of_an_ended_session_is_cut_off(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long answer, such as pictures one after another, stops where the session ends."""
    account = add_account(house, TERMINAL, "watcher", roles=["member"])
    with house.write("test", "session.begin", account) as tx:
        token = open_session(tx, account)
    monkeypatch.setattr(gate, "_FRESH_S", 0.0)

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        end_session(house, "test", digest(token))
        await send({"type": "http.response.body", "body": SECRET, "more_body": True})

    with pytest.raises(OSError, match="the session ended"):
        visitor(house, token, stream).ask("/media/x")


def test_every_fault_of_the_doors_is_told(tmp_path: Path) -> None:
    """A right nobody knows, an address told twice and a strange key are told together."""
    path = tmp_path / "doors.toml"
    path.write_text('version = 1\n[open]\npaths = ["/a"]\n["plan.reed"]\npaths = ["/a"]\nmethods = []\n', encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_doors(path)
    assert {fault.code for fault in refused.value.faults} == {"door.right", "door.twice", "catalogue.unknown"}


def test_a_revoked_session_is_out_on_the_real_server(tmp_path: Path) -> None:
    """The real app, a real WebSocket of Streamlit's, and a session ended from a terminal: the socket is closed and nothing is served any more."""
    port = free_port()
    environment = {**os.environ, "CHAUKAS_STATE": str(tmp_path / "state"), "CHAUKAS_CITIES": str(tmp_path)}
    log, cli, address = tmp_path / "log", str(ROOT / "cli.py"), f"http://127.0.0.1:{port}"
    with log.open("wb") as stream:
        server = subprocess.Popen([sys.executable, cli, "app", "--port", str(port)], stdout=stream, stderr=subprocess.STDOUT, env=environment)
    try:
        assert answers(server, port)
        (cookie,) = way_in(address, log)
        sent = {"Cookie": f"{cookie['name']}={cookie['value']}"}
        with connect(f"ws://127.0.0.1:{port}/_stcore/stream", additional_headers=sent, origin=address, subprotocols=["streamlit"]) as socket:  # type: ignore[arg-type,list-item]
            subprocess.run([sys.executable, cli, "session", "revoke", "--account", "admin"], check=True, env=environment, capture_output=True)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    socket.recv(timeout=30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        assert asked(address, sent) == 401
    finally:
        server.terminate()
        server.wait(20)


def asked(address: str, headers: dict[str, str]) -> int:
    """The status of the first page."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_answer_of_a_visitor_is_whole() -> None:
    """The helper of these tests reads what is sent, so that an empty body is one."""
    answer: Answer = Visitor(vault).ask("/")
    assert (answer.status, answer.body) == (200, SECRET)
