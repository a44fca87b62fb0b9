"""What the gate costs and how fast it shuts: `python -m benchmarks.gate [--quick]`.

The real app on loopback over no city. Sessions are ended in the store one after another while WebSockets of twenty pages are open: how long until the
server closed theirs; the same while a hundred pages opened just before are drawn. Then what a password costs to try, and what a request costs with a
session beside one without. --quick ends fewer.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from benchmarks.browser import way_in
from benchmarks.figures import Figures
from planning.accounts import find_account
from planning.city import ROOT
from planning.passwords import fits, hash_password
from planning.sessions import digest, end_session, open_session
from planning.store import Store

_PAGES, _CROWD = 20, 100  # open at once


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 where a figure fell short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sessions")
    times = 20 if parser.parse_args(arguments).quick else 100
    figures = Figures()
    with tempfile.TemporaryDirectory() as name, socket.socket() as probe:
        folder = Path(name)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = [sys.executable, str(ROOT / "cli.py"), "app", "--port", str(port)]
        environment = {**os.environ, "CHAUKAS_CITIES": name, "CHAUKAS_STATE": name}
        environment.pop("CHAUKAS_DATABASE_URL", None)
        with (folder / "log").open("wb") as stream:
            server = subprocess.Popen(command, env=environment, stdout=stream, stderr=subprocess.STDOUT)
        try:
            way_in(f"http://127.0.0.1:{port}", folder / "log")
            store = Store(f"sqlite:///{folder / 'chaukas.db'}", folder)
            _revoked(figures, store, port, times)
            _revoked_in_a_crowd(figures, store, port, 10 if times < 100 else 30)
            _requests(figures, store, port, times)
            store.engine.dispose()
        finally:
            server.terminate()
            server.wait(20)
    _passwords(figures)
    return figures.close()


def _token(store: Store) -> str:
    account = find_account(store, "admin")["id"]
    with store.write("benchmark", "session.begin", account) as tx:
        return open_session(tx, account)


def _open(stack: ExitStack, port: int, token: str) -> ClientConnection:
    address = f"127.0.0.1:{port}"
    opened: ClientConnection = stack.enter_context(
        connect(
            f"ws://{address}/_stcore/stream", origin=Origin(f"http://{address}"), subprotocols=[Subprotocol("streamlit")],
            additional_headers={"Cookie": f"chaukas={token}"}, ping_interval=None, close_timeout=1,
        )
    )  # fmt: skip
    return opened


def _revoked(figures: Figures, store: Store, port: int, times: int) -> None:
    took: list[float] = []
    while len(took) < times:
        with ExitStack() as stack:
            opened = {token: _open(stack, port, token) for token in [_token(store) for _ in range(_PAGES)]}
            time.sleep(3)  # the pages are drawn
            took += [_ended(store, token, one) for token, one in opened.items()]
    figures.add("session ended to its WebSocket closed, median", float(np.median(took)), "s")
    figures.add("session ended to its WebSocket closed, slowest", max(took), "s", "<= 1")


def _revoked_in_a_crowd(figures: Figures, store: Store, port: int, times: int) -> None:
    """Each page asks to be drawn, as a browser's does; sessions end from then on, while the server draws."""
    asked = BackMsg()
    asked.rerun_script.query_string = ""
    with ExitStack() as stack:
        opened = {token: _open(stack, port, token) for token in [_token(store) for _ in range(_CROWD)]}
        for one in opened.values():
            one.send(asked.SerializeToString())
        took = [_ended(store, token, one) for token, one in list(opened.items())[:times]]
    figures.add(f"the same as {_CROWD} pages are drawn, median", float(np.median(took)), "s")
    figures.add(f"the same as {_CROWD} pages are drawn, slowest", max(took), "s", "<= 1")


def _ended(store: Store, token: str, opened: ClientConnection) -> float:
    """Seconds from the end of a session to the end of its WebSocket."""
    end_session(store, "benchmark", digest(token))
    began = time.perf_counter()
    try:
        while True:
            opened.recv(timeout=30)
    except ConnectionClosed:
        return time.perf_counter() - began


def _requests(figures: Figures, store: Store, port: int, times: int) -> None:
    for name, headers in (("without", {}), ("with", {"Cookie": f"chaukas={_token(store)}"})):
        took = []
        for _ in range(2 * times):
            began = time.perf_counter()
            with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/_stcore/health", headers=headers), timeout=30) as answer:
                answer.read()
            took.append(time.perf_counter() - began)
        figures.add(f"a request {name} a session, median", 1000 * float(np.median(took)), "ms")


def _passwords(figures: Figures) -> None:
    kept, took = hash_password("tulsi chai subah"), []
    for _ in range(20):
        began = time.perf_counter()
        fits(kept, "wrong")
        took.append(time.perf_counter() - began)
    figures.add("a password tried, median", 1000 * float(np.median(took)), "ms")


if __name__ == "__main__":
    sys.exit(main())
