"""Long work: told about as it goes, stopped on request, run beside the caller.

`Progress` is handed down into the work; `Job` runs one piece of work in a thread. The heavy kernels release the interpreter, so a page stays quick.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from planning.errors import ChaukasError

T = TypeVar("T")


class Cancelled(ChaukasError):
    """The work was stopped on request; nothing of it was kept."""


@dataclass(frozen=True)
class Step:
    """Where long work stands: the stage's key, the share done of the whole [0-1], a note such as "gap 1.2 %"."""

    stage: str
    share: float
    note: str = ""


class Progress:
    """What long work calls as it goes on.

    `tell` gets each step; the work is stopped where `stopped` says so; `show` gets answers that already stand while better ones are looked for.
    """

    def __init__(
        self, tell: Callable[[Step], None] = lambda step: None, stopped: Callable[[], bool] = lambda: False,
        show: Callable[[object], None] = lambda answer: None,
    ) -> None:  # fmt: skip
        self._tell = tell
        self._stopped = stopped
        self._show = show

    @property
    def stopped(self) -> bool:
        """Whether a stop was asked for."""
        return self._stopped()

    def part(self, first: float, last: float) -> Progress:
        """A progress for one part of the work: its shares from 0 to 1 are told as shares from `first` to `last` of the whole."""

        def tell(step: Step) -> None:
            self._tell(Step(step.stage, first + (last - first) * step.share, step.note))

        return Progress(tell, self._stopped, self._show)

    def showing(self, show: Callable[[object], None]) -> Progress:
        """The same progress, its answers handed to `show` instead."""
        return Progress(self._tell, self._stopped, show)

    def show(self, answer: object) -> None:
        """Hand out an answer that stands by now."""
        self._show(answer)

    def step(self, stage: str, share: float, note: str = "") -> None:
        """Tell where the work stands.

        Raises
        ------
        Cancelled: where a stop was asked for.
        """
        if self._stopped():
            raise Cancelled.one("cancelled", "Stopped on request", "Start again when you wish", stage)
        self._tell(Step(stage, min(max(share, 0.0), 1.0), note))


class Job(Generic[T]):
    """One piece of work in a thread of its own: `step` and the last answer `shown` now, `result` or `error` in the end.

    `begun`: each stage as it first began, and when by the monotonic clock [s].
    """

    def __init__(self, work: Callable[[Progress], T]) -> None:
        self.step = Step("waiting", 0.0)
        self.shown: object = None
        self.result: T | None = None
        self.error: ChaukasError | None = None
        self.crash: BaseException | None = None
        self.started = time.monotonic()
        self.begun: list[tuple[str, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[Progress], T]) -> None:
        try:
            self.result = work(Progress(self._note, self._stop.is_set, self._keep))
        except ChaukasError as error:
            self.error = error
        except BaseException as crash:  # noqa: BLE001  # told to the person who waits, not lost with the thread
            self.crash = crash

    def _note(self, step: Step) -> None:
        if all(step.stage != stage for stage, _ in self.begun):
            self.begun.append((step.stage, time.monotonic()))
        self.step = step

    def _keep(self, answer: object) -> None:
        self.shown = answer

    @property
    def running(self) -> bool:
        """Whether the work still goes on."""
        return self._thread.is_alive()

    @property
    def runtime_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def cancel(self) -> None:
        """Ask the work to stop at its next step."""
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the work ended or the time is up."""
        self._thread.join(timeout_s)
