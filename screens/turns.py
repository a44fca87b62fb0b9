"""Pages take turns at being drawn. More at once would draw none the sooner, since Python runs one at a time, and would keep the server from all else
it answers. Work that takes long steps aside, so that nobody waits for it but who asked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2


class Turns:
    """So many threads at work at once; the others wait."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = threading.Semaphore(at_once)
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a turn, and hold it."""
        self._free.acquire()
        self._mine.held = True
        try:
            yield
        finally:
            self._mine.held = False
            self._free.release()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others have this thread's turn meanwhile; a thread that holds none just goes on."""
        if not getattr(self._mine, "held", False):
            yield
            return
        self._mine.held = False
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()
            self._mine.held = True


DRAWING = Turns()
