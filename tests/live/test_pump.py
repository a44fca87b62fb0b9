"""All cameras that play, read by one thread."""

from __future__ import annotations

import socket
import threading
import time

from live.pump import pour
from live.rtp import Row, Taken
from live.rtsp import Playing
from planning.errors import FeedError
from tests.live.test_rtp import rtp

UNIT = b"\x65\x88\x84"


class Pair(Playing):
    """A camera that plays whatever the test sends it."""

    def __init__(self, early: bytes = b"") -> None:
        self.camera, self.socket = socket.socketpair()
        self._row, self._early, self.kept = Row("h264", 96, 90_000, 2), early, 0

    @property
    def host(self) -> str:
        """Where it is."""
        return "camera"

    def keep_alive(self, now: float) -> None:
        """Count instead of asking."""
        self.kept += 1

    def end(self) -> None:
        """Let go of both ends."""
        self.camera.close()
        self.socket.close()


class Poured(threading.Thread):
    """One camera's way through the pump, with what it heard and how it ended."""

    def __init__(self, pair: Pair, read_s: float = 30.0, fail: BaseException | None = None) -> None:
        super().__init__(daemon=True)
        self.pair, self.read_s, self.fail = pair, read_s, fail
        self.heard, self.why, self.threads = list[Taken](), list[BaseException](), set[int]()
        self.start()

    def run(self) -> None:
        """Pour until it ends."""
        try:
            pour(self.pair, self._hear, self.read_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self.why.append(error)

    def _hear(self, taken: list[Taken]) -> None:
        if taken and self.fail is not None:
            raise self.fail
        self.heard += taken
        self.threads.add(threading.get_ident())

    def wait(self, count: int) -> None:
        """Wait until so many pictures came."""
        end = time.monotonic() + 8
        while len(self.heard) < count:
            assert time.monotonic() < end
            time.sleep(0.005)


def test_one_thread_reads_every_camera_and_each_ends_alone() -> None:
    """One thread brings the pictures of many, what came early too; one that ends, one that is silent and one whose listener fails take none along."""
    pours = [Poured(Pair(rtp(0, 0, UNIT, marked=True))) for _ in range(4)]
    quiet, failing = Poured(Pair(), read_s=0.2), Poured(Pair(), fail=KeyError("mine"))
    for one in pours:
        one.pair.camera.sendall(rtp(1, 3000, UNIT, marked=True))
    failing.pair.camera.sendall(rtp(1, 3000, UNIT, marked=True))
    for one in pours:
        one.wait(2)
    assert len(set.union(*(one.threads for one in pours))) == 1
    assert threading.get_ident() not in pours[0].threads
    pours[0].pair.camera.close()
    for one in (pours[0], quiet, failing):
        one.join(8)
        assert not one.is_alive()
    assert isinstance(pours[0].why[0], FeedError) and pours[0].why[0].code == "feed.ended"
    assert isinstance(quiet.why[0], FeedError) and quiet.why[0].code == "feed.stalled"
    assert isinstance(failing.why[0], KeyError)
    pours[1].pair.camera.sendall(rtp(2, 6000, UNIT, marked=True))
    pours[1].wait(3)
    assert pours[1].pair.kept > 0
    for one in pours[1:]:
        one.pair.interrupt()
    for one in (*pours, quiet, failing):
        one.join(8)
        assert not one.is_alive()
        one.pair.end()
