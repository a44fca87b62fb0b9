"""Tasks that misbehave in the confined process, each in its own way."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from planning.errors import FileRefused
from planning.progress import Progress

Given = Mapping[str, Any]


def behave(scratch: Path, given: Given, told: Progress) -> Any:
    """Does its work, and chats on the side."""
    told.step("tables", 0.5, "half")
    sys.stdout.write("a library that prints\n")
    sys.stderr.write("and grumbles\n")
    (scratch / "made.txt").write_text("made", encoding="utf-8")
    return {"given": dict(given), "environment": sorted(os.environ)}


def refuse(scratch: Path, given: Given, told: Progress) -> Any:
    """Finds a fault, of a code that may be none."""
    raise FileRefused.one(given["code"], "The file is <b>bad</b>", "Give another", "it")


def hang(scratch: Path, given: Given, told: Progress) -> Any:
    """Waits for ever."""
    (scratch / "pid").write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(3_600)


def spin(scratch: Path, given: Given, told: Progress) -> Any:
    """Computes for ever."""
    while True:
        pass


def eat(scratch: Path, given: Given, told: Progress) -> Any:
    """Takes all the memory there is."""
    kept = []
    while True:
        kept.append(bytearray(20_000_000))


def die(scratch: Path, given: Given, told: Progress) -> Any:
    """Ends by a signal, or without a word."""
    if given["signal"]:
        os.kill(os.getpid(), given["signal"])
    os._exit(7)


def crash(scratch: Path, given: Given, told: Progress) -> Any:
    """Meets an error nobody thought of."""
    raise KeyError("what?")


def babble(scratch: Path, given: Given, told: Progress) -> Any:
    """Says what it must not, where its answers go."""
    for handle in range(3, 20):
        try:
            while given["text"]:
                os.write(handle, given["text"].encode() * given["times"] + b"\n")
                if given["times"] == 1:
                    break
        except OSError:
            continue
    return 1


def reach(scratch: Path, given: Given, told: Progress) -> Any:
    """Tries to reach a port of this machine: as Python does, as a library in C does, and through a program."""

    def python() -> None:
        socket.create_connection(("127.0.0.1", given["port"]), 2).close()

    def library() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        handle = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
        place = struct.pack("<H", socket.AF_INET) + struct.pack(">H", given["port"]) + bytes([127, 0, 0, 1]) + bytes(8)
        if libc.connect(handle, place, len(place)) != 0:
            raise OSError(ctypes.get_errno())

    def program() -> None:
        subprocess.run([sys.executable, "-c", f"import socket; socket.create_connection(('127.0.0.1', {given['port']}))"], check=True)

    return tried(python, library, program)


def tried(*ways: Callable[[], None]) -> dict[str, str]:
    """What became of each way: "done", or the error's name."""
    found = {}
    for way in ways:
        try:
            way()
            found[way.__name__] = "done"
        except Exception as error:  # noqa: BLE001  # whatever stopped it
            found[way.__name__] = type(error).__name__
    return found


def touch(scratch: Path, given: Given, told: Progress) -> Any:
    """Tries to read a secret, and to write beside its folder, as Python does and as a library in C does."""
    libc = ctypes.CDLL(None, use_errno=True)
    secret, target = Path(given["secret"]), Path(given["target"])

    def read() -> None:
        secret.read_bytes()

    def read_in_c() -> None:
        if libc.open(str(secret).encode(), os.O_RDONLY) < 0:
            raise OSError(ctypes.get_errno())

    def write() -> None:
        target.write_bytes(b"x")

    def write_in_c() -> None:
        if libc.open(str(target).encode(), os.O_WRONLY | os.O_CREAT, 0o600) < 0:
            raise OSError(ctypes.get_errno())

    def remove() -> None:
        secret.unlink()

    def inside() -> None:
        (scratch / "ok").write_bytes(b"x")
        (scratch / "ok").unlink()

    return tried(read, read_in_c, write, write_in_c, remove, inside)


SEGMENT = int(signal.SIGSEGV)
ANSWERS = [json.dumps(text) for text in ({"answer": 1, "more": 2}, {"strange": 1}, [1], {"step": ["a"]}, {"faults": [["Bad code", "a", "b", "c"]]})]
