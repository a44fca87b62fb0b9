"""One worker a feed."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from live.settings import load_settings
from live.watch import Down, Heard, Worker
from planning.errors import FeedError
from tests.live.pretend import H264, Clock, Source, frame

TIMES = load_settings().times


def test_waits_grow_and_differ_and_a_good_try_starts_them_anew(caplog: pytest.LogCaptureFixture) -> None:
    """Once, log, wait, again: the same fault is logged once, waits grow to their bound with chance in them, and are short again after a frame."""
    clock, told = Clock(), list[Heard]()
    tries = 0

    def connect() -> Source:
        nonlocal tries
        tries += 1
        if tries == 9:
            source = Source()
            for heard in (H264, frame(0, key=True), FeedError.one("feed.ended", "over", "wait")):
                source.put.put(heard)
            return source
        raise FeedError.one("feed.offline", "no", "wait")

    with caplog.at_level(logging.WARNING):
        worker = Worker("cam", connect, told.append, TIMES, clock)
        worker.start()
        end = time.monotonic() + 10
        while len(clock.waits) < 11 and time.monotonic() < end:
            time.sleep(0.01)
        worker.stop()
        worker.join(5)
    assert not worker.is_alive()
    assert 0.6 * 2 * TIMES.retry_first_s <= clock.waits[0] <= 2 * TIMES.retry_first_s
    assert max(clock.waits) <= TIMES.retry_most_s
    assert len({round(wait, 6) for wait in clock.waits[4:8]}) > 1
    assert clock.waits[8] <= TIMES.retry_first_s
    lines = [record.getMessage() for record in caplog.records]
    assert lines[:4] == ["camera cam: feed.offline", "camera cam: live again", "camera cam: feed.ended", "camera cam: feed.offline"]
    assert [heard.code for heard in told if isinstance(heard, Down)][7:10] == ["feed.offline", "feed.ended", "feed.offline"]


def test_a_worker_outlives_faults_that_are_not_ours_and_repeats_none_of_their_words(caplog: pytest.LogCaptureFixture) -> None:
    """A library's error with an address in it ends one try, is told by its kind alone, and the next try is made."""
    clock, told = Clock(), list[Heard]()

    def connect() -> Source:
        raise ZeroDivisionError("rtsp://viewer:hunter2@10.0.0.1/")  # pragma: allowlist secret

    worker = Worker("cam", connect, told.append, TIMES, clock)
    worker.start()
    end = time.monotonic() + 10
    while len(told) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    worker.stop()
    worker.join(5)
    assert {heard.code for heard in told if isinstance(heard, Down)} == {"feed.broken"}
    assert "ZeroDivisionError" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_worker_whose_listener_is_gone_ends() -> None:
    """Where nobody listens any more the worker ends by itself, and lets go of its camera."""
    source, ended = Source(), threading.Event()
    source.put.put(H264)

    def tell(_: Heard) -> None:
        ended.set()
        raise RuntimeError("the loop is closed")

    worker = Worker("cam", lambda: source, tell, TIMES, Clock())
    worker.start()
    worker.join(5)
    assert ended.is_set()
    assert not worker.is_alive()
    assert source.closed
