"""What answers pass on their way out."""

from __future__ import annotations

import asyncio
import gzip
import io
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
import streamlit
from fontTools.ttLib import TTFont
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp

from screens.middleware import PackStatic, StayHome

SCRIPT = b"export const answer = 42;\n" * 200


def ask(app: ASGIApp, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    sent: list[Any] = []

    asked: list[bool] = []

    async def receive() -> dict[str, Any]:
        if asked:
            await asyncio.sleep(60)  # nobody hangs up
        asked.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "headers": given, "query_string": b"", "http_version": "1.1"}
    asyncio.run(app(scope, receive, send))
    names = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], names, b"".join(message.get("body", b"") for message in sent[1:])


def serving(answer: Response) -> PackStatic:
    """A server that always gives this answer, packed where it should be."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(scope, receive, send)

    return PackStatic(app)


def script() -> Response:
    """A script of Streamlit's."""
    return Response(SCRIPT, media_type="text/javascript", headers={"cache-control": "immutable"})


@pytest.mark.parametrize(
    ("taken", "encoding", "unpack"), [("gzip, deflate, br, zstd", "br", brotli.decompress), ("gzip, deflate", "gzip", gzip.decompress)]
)
def test_a_script_goes_out_packed_and_says_so(taken: str, encoding: str, unpack: Callable[[bytes], bytes]) -> None:
    """The body unpacks to the script, its length is that of what is sent, other headers stay; a second request gets the same."""
    app = serving(script())
    for _ in range(2):
        status, headers, body = ask(app, "/static/js/a.1f.js", accept_encoding=taken)
        assert status == 200
        assert headers["content-encoding"] == encoding
        assert int(headers["content-length"]) == len(body) < len(SCRIPT)
        assert (headers["cache-control"], headers["vary"]) == ("immutable", "Accept-Encoding")
        assert unpack(body) == SCRIPT


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/js/a.js", {}), ("/static/js/a.js", {"accept_encoding": "zstd"}), ("/static/media/a.woff2", {"accept_encoding": "gzip"}),
        ("/map/a.js", {"accept_encoding": "gzip"}), ("/static/js/a.js", {"accept_encoding": "gzip", "range": "bytes=0-9"}),
    ],
)
def test_other_requests_pass_as_they_are(path: str, headers: dict[str, str]) -> None:
    """Browsers that take neither packing, files packed already, other addresses and parts of files are left alone."""
    _, names, body = ask(serving(script()), path, **headers)
    assert "content-encoding" not in names
    assert body == SCRIPT


def test_short_missing_and_packed_answers_are_not_packed() -> None:
    """A few bytes, a fault, and what is packed already go out as they are."""
    for answer, body in (
        (PlainTextResponse("short"), b"short"), (PlainTextResponse("x" * 9000, status_code=404), b"x" * 9000),
        (Response(b"z" * 9000, headers={"content-encoding": "br"}), b"z" * 9000),
    ):  # fmt: skip
        _, names, found = ask(serving(answer), "/static/js/a.js", accept_encoding="gzip")
        assert names.get("content-encoding") != "gzip"
        assert found == body


def test_an_answer_in_parts_is_packed_whole() -> None:
    """A streamed file is held until its end."""

    async def parts() -> Any:
        for at in range(0, len(SCRIPT), 1000):
            yield SCRIPT[at : at + 1000]

    _, names, body = ask(serving(StreamingResponse(parts())), "/static/js/a.js", accept_encoding="gzip")
    assert gzip.decompress(body) == SCRIPT
    assert int(names["content-length"]) == len(body)


def test_every_answer_forbids_other_hosts() -> None:
    """The policy is on each answer, of whatever status."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("no", status_code=500)(Request(scope).scope, receive, send)

    status, headers, _ = ask(StayHome(app), "/")
    assert status == 500
    assert "default-src 'self'" in headers["content-security-policy"]


PAGE = b"""<head><link
      rel="preload"
      href="./static/media/SourceSansVF-Upright.ttf.x.woff2"
      as="font"
      crossorigin
    />
<link rel="modulepreload" href="./static/js/a.js"></head>""" + b" " * 500


@pytest.mark.parametrize(
    ("kind", "status", "whole"),
    [
        ("text/javascript", 200, False), ("text/css; charset=utf-8", 200, False), ("font/woff2", 200, False), ("text/html", 200, True),
        ("image/svg+xml", 200, True), ("application/json", 200, True), ("text/javascript", 404, True),
    ],
)  # fmt: skip
def test_what_is_no_page_carries_no_policy_of_its_own(kind: str, status: int, whole: bool) -> None:
    """Scripts, styles and typefaces forbid guessing at their type and other sites' use; whatever a browser might show as a page says all."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Response(b"x", status, media_type=kind)(scope, receive, send)

    _, headers, _ = ask(StayHome(app), "/static/a")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert ("content-security-policy" in headers) is whole
    assert ("permissions-policy" in headers) is whole


def test_the_page_asks_for_no_typeface_ahead_that_it_does_not_use() -> None:
    """Scripts are still asked for ahead; who takes no packing gets the page as it is."""
    page = Response(PAGE, media_type="text/html")
    _, headers, body = ask(serving(page), "/", accept_encoding="br")
    assert headers["content-encoding"] == "br"
    assert b"SourceSans" not in brotli.decompress(body)
    assert b"modulepreload" in brotli.decompress(body)
    assert ask(serving(Response(PAGE, media_type="text/html")), "/")[2] == PAGE


def test_the_icons_sent_are_ours_under_any_name_streamlit_gives_them() -> None:
    """A font that holds fewer icons goes out in place of the whole one."""
    _, headers, body = ask(serving(Response(b"the whole font")), "/static/media/MaterialSymbols-Rounded.nEdyypZU.woff2")
    assert headers["content-type"] == "font/woff2"
    assert "immutable" in headers["cache-control"]
    assert body[:4] == b"wOF2"
    assert len(body) < 100_000
    assert ask(serving(Response(b"another")), "/static/media/SourceCodeVF.woff2")[2] == b"another"


def test_streamlit_s_typeface_is_not_sent() -> None:
    """A browser that lacks a sign takes it from its own fonts, and does not fetch a typeface for it."""
    assert ask(serving(Response(b"the typeface")), "/static/media/SourceSansVF-Upright.ttf.x.woff2")[::2] == (404, b"")


def test_every_icon_a_page_can_show_is_among_those_sent() -> None:
    """Whatever Streamlit's scripts or our screens write as an icon has its picture, in the font sent.

    Else run: python data/basemap/make_icons.py.
    """
    root = Path(__file__).resolve().parents[2]
    make = runpy.run_path(str(root / "data" / "basemap" / "make_icons.py"))
    (scripts,) = [Path(streamlit.__file__).parent / "static" / "static" / "js"]
    asked = {name for path in (root / "screens").glob("*.py") for name in re.findall(r":material/([a-z0-9_]+):", path.read_text("utf-8"))}
    asked |= {name for path in scripts.glob("index.*.js") for name in re.findall(r":material/([a-z0-9_]+):", path.read_text("utf-8"))}
    whole = make["ligatures"](TTFont(make["whole_font"]()))
    sent = make["ligatures"](TTFont(io.BytesIO(ask(serving(Response()), "/static/media/MaterialSymbols-Rounded.x.woff2")[2])))
    assert asked & set(whole)
    assert asked & set(whole) <= set(sent)
    assert make["wanted"]() & set(whole) <= set(sent)
