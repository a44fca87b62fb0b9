"""The browser of the machine, and the real server over toy cities."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "test-output"


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(cities: Path, log: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], str]:
    """The app in a process of its own, and its address once it answers.

    Raises
    ------
    RuntimeError: it ended or did not answer within a minute; the message holds what it said.
    """
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("toy_server.py")), str(port)]
    with log.open("wb") as stream:
        server = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT, env={**environment, "CHAUKAS_CITIES": str(cities)})
    if answers(server, port):
        return server, f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(10)
    raise RuntimeError(f"The app did not start:\n{log.read_text(encoding='utf-8')}")


def answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the app answers on this port within a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False
