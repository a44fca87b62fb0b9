"""One worker a feed, for as long as somebody wants it: open it, pass on what it sends, and where it ends say so once, wait, and try again.

    never_seen -> live <-> stale -> offline | wrong_password | wrong_codec -> live ...

The worker knows nothing of viewers. Waits grow from try to try and differ by chance, so that a hundred cameras behind one switch do not all come
back in the same moment.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from live.feeds import Clock, Frame, Source
from live.nal import Config
from live.settings import Times
from planning.errors import ChaukasError

STATES = ("live", "stale", "offline", "wrong_password", "wrong_codec", "never_seen")
_STATE_OF = {"feed.password": "wrong_password", "secret.seal": "wrong_password", "feed.codec": "wrong_codec"}  # pragma: allowlist secret
_log = logging.getLogger("chaukas.live")


@dataclass(frozen=True)
class State:
    """What is known of a camera. `since_s`: when it came to be so; `seen_s`: when its last frame was received, None where none was; `code`: of the
    fault, empty where there is none; `pulled`: whether it is being watched now, else this is what the last look found. Times in seconds since 1970.
    """

    name: str
    since_s: float
    seen_s: float | None = None
    code: str = ""
    pulled: bool = False


@dataclass(frozen=True)
class Down:
    """A feed has ended, or could not be opened. `code`: of the fault."""

    code: str

    @property
    def state(self) -> str:
        """The state of a camera whose feed ended so."""
        return _STATE_OF.get(self.code, "offline")


Heard = Config | Frame | Down


class _GoneError(Exception):
    """Nobody listens any more."""


class Worker(threading.Thread):
    """Pulls one camera until stopped.

    Parameters
    ----------
    connect: opens the feed; raises FeedError.
    tell: is told each configuration, frame and end, in this thread; raises RuntimeError where nobody listens any more.
    """

    def __init__(self, camera: str, connect: Callable[[], Source], tell: Callable[[Heard], None], times: Times, clock: Clock) -> None:
        super().__init__(name=f"live-{camera}", daemon=True)
        self._camera, self._connect, self._tell, self._times, self._clock = camera, connect, tell, times, clock
        self._halt = threading.Event()
        self._source: Source | None = None
        self._said = ""

    def stop(self) -> None:
        """Ask it to end; a wait for the next frame ends too."""
        self._halt.set()
        source = self._source
        if source is not None:
            source.close()

    def run(self) -> None:
        """Once, log, wait, again."""
        wait = self._times.retry_first_s
        while not self._halt.is_set():
            try:
                seen, code = self._once()
            except _GoneError:
                return
            if self._halt.is_set():
                return
            if code != self._said:
                _log.warning("camera %s: %s", self._camera, code)
                self._said = code
            wait = self._times.retry_first_s if seen else min(2 * wait, self._times.retry_most_s)
            locked = _STATE_OF.get(code) == "wrong_password"
            self._clock.wait(self._halt, (self._times.locked_s if locked else wait) * random.uniform(0.6, 1.0))  # noqa: S311  # nosec B311

    def _once(self) -> tuple[bool, str]:
        """Pull until it ends; whether a frame was seen, and the fault's code."""
        seen = False

        def hear(heard: Config | Frame) -> None:
            nonlocal seen
            if self._halt.is_set():
                raise _GoneError
            if not seen and isinstance(heard, Frame):
                seen = True
                if self._said:
                    _log.warning("camera %s: live again", self._camera)
                    self._said = ""
            self._say(heard)

        try:
            source = self._source = self._connect()
            try:
                source.pour(hear)
            finally:
                self._source = None
                source.close()
            code = "feed.ended"
        except _GoneError:
            raise
        except ChaukasError as error:
            code = error.code
        except Exception as error:  # noqa: BLE001 - a worker outlives every fault; its kind is told, its words may hold what must not be
            _log.error("camera %s: %s", self._camera, type(error).__name__)
            code = "feed.broken"
        if not self._halt.is_set():
            self._say(Down(code))
        return seen, code

    def _say(self, heard: Heard) -> None:
        try:
            self._tell(heard)
        except RuntimeError:
            raise _GoneError from None
