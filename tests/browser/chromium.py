"""The browser of the machine, and the real server over toy cities."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from benchmarks.browser import way_in

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "test-output"
# What is expected may take this long on a busy machine; a test says how long only where it takes longer than that.
expect.set_options(timeout=30_000)


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_ways_in: dict[str, list[dict[str, str]]] = {}


def start_server(cities: Path, log: Path, environment: dict[str, str], program: str = "") -> tuple[subprocess.Popen[bytes], str]:
    """The app in a process of its own, and its address once it answers; its first administrator is let in, for `open_page`.

    Parameters
    ----------
    log: where it says what it says; its state lies beside it. program: with its words; PORT stands for the port (default: the toy server).

    Raises
    ------
    RuntimeError: it ended or did not answer within two minutes; the message holds what it said.
    """
    port = free_port()
    command = (program or f"{Path(__file__).with_name('toy_server.py')} PORT").replace("PORT", str(port)).split()
    made = {**environment, "CHAUKAS_CITIES": str(cities), "CHAUKAS_STATE": str(log.with_suffix(".state"))}
    with log.open("wb") as stream:
        server = subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT, env=made)
    address = f"http://127.0.0.1:{port}"
    if answers(server, port):
        _ways_in[address] = way_in(address, log)
        return server, address
    server.terminate()
    server.wait(10)
    raise RuntimeError(f"The app did not start:\n{log.read_text(encoding='utf-8')}")


def open_page(browser: Browser, address: str, **settings: Any) -> Page:
    """A page of a context of its own, signed in at a server that `start_server` started."""
    context = browser.new_context(**settings)
    context.add_cookies(_ways_in[address])
    return context.new_page()


def answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the app answers on this port within two minutes."""
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False
