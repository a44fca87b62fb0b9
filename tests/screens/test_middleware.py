"""What answers pass on their way out."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
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


def test_a_script_goes_out_packed_and_says_so() -> None:
    """The body unpacks to the script, its length is that of what is sent, other headers stay; a second request gets the same."""
    app = serving(script())
    for _ in range(2):
        status, headers, body = ask(app, "/static/js/a.1f.js", accept_encoding="gzip, br")
        assert status == 200
        assert headers["content-encoding"] == "gzip"
        assert int(headers["content-length"]) == len(body) < len(SCRIPT)
        assert (headers["cache-control"], headers["vary"]) == ("immutable", "Accept-Encoding")
        assert gzip.decompress(body) == SCRIPT


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/js/a.js", {}), ("/static/js/a.js", {"accept_encoding": "br"}), ("/static/media/a.woff2", {"accept_encoding": "gzip"}),
        ("/map/a.js", {"accept_encoding": "gzip"}), ("/static/js/a.js", {"accept_encoding": "gzip", "range": "bytes=0-9"}),
    ],
)
def test_other_requests_pass_as_they_are(path: str, headers: dict[str, str]) -> None:
    """Browsers that take no gzip, files packed already, other addresses and parts of files are left alone."""
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
