"""RTSP servers of a few lines that misbehave on purpose, each in a thread."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"


def answer(request: bytes, status: str = "200 OK", *headers: str, body: bytes = b"") -> bytes:
    """An answer with the request's number."""
    number = next((line for line in request.split(b"\r\n") if line.lower().startswith(b"cseq")), b"CSeq: 1").decode()
    lines = [f"RTSP/1.0 {status}", number, *headers, *([f"Content-Length: {len(body)}"] if body else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


def options(request: bytes) -> bytes:
    """The answer to what a demuxer asks first."""
    return answer(request, "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY")


@contextlib.contextmanager
def serving(reply: Callable[[bytes], bytes], tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers each request by `reply`, over TLS where a context is given; its port, and what it was sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError), tls.wrap_socket(connection, server_side=True) if tls else connection as spoken:
                while data := spoken.recv(65536):
                    heard.append(data)
                    spoken.sendall(reply(data))

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
