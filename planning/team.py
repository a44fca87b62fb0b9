"""Who does many tasks: this process, processes of this machine, or the workers of a Dask scheduler.

    with Crew(workers=2).open() as team:
        for index, result in team.run(function, tasks):
            ...

The same tasks give the same results whoever does them; only the order in which they end differs.
"""

from __future__ import annotations

import operator
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from planning.errors import Fault, InputError
from planning.progress import Progress
from planning.workers import Errands, Pool, lost, pool_at, pool_here

T = TypeVar("T")
R = TypeVar("R")

MOST_WORKERS, LEAST_BYTES = 256, 512_000_000
AHEAD = 2  # tasks in hand for each worker: one being done, one that waits
LOST_S = 60.0  # longest wait while no worker is left
POLL_S, LOOK_S = 0.2, 5.0  # from one look to the next: for a stop on request, for workers


@dataclass(frozen=True)
class Crew:
    """What was wished.

    Attributes
    ----------
    workers: processes to start on this machine, of one thread each; 0: this process does the tasks itself. They are reached from this machine only,
        but by every account of it
    scheduler: tcp://host:port of a Dask scheduler whose workers do the tasks; empty: none. Whoever reaches it can run code as its workers do, and
        nothing on the way is encrypted: it belongs on a network of your own
    memory_bytes: most that each started worker may hold [bytes]; one beyond it ends, and its task is done again. A scheduler's workers have limits
        of their own

    Raises
    ------
    InputError: with every fault found.
    """

    workers: int = 0
    scheduler: str = ""
    memory_bytes: int = 2_000_000_000

    def __post_init__(self) -> None:
        if faults := list(_faults(self)):
            raise InputError(faults)

    @contextmanager
    def open(self) -> Iterator[Team]:
        """The team; what it started is ended with the block.

        A script that asks for workers keeps its doings under ``if __name__ == "__main__"``, since each worker imports it.

        Raises
        ------
        TeamError: where the workers do not start, or the scheduler does not answer, has none, or has some that cannot do our work.
        """
        if self.scheduler:
            with pool_at(self.scheduler) as pool:
                yield Team(pool)
        elif self.workers:
            with pool_here(self.workers, self.memory_bytes) as pool:
                yield Team(pool)
        else:
            yield Team()


def _faults(crew: Crew) -> Iterator[Fault]:
    if not isinstance(crew.workers, int) or not 0 <= crew.workers <= MOST_WORKERS:
        what = f"Workers are a whole number from 0 to {MOST_WORKERS}"
        yield Fault("workers.count", what, "Give as many as the machine has cores", str(crew.workers)[:200])
    address = str(crew.scheduler)
    form = re.fullmatch(r"tcp://(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})", address, re.ASCII)
    if address and not (form and 0 < int(form[1]) < 65536):
        shown = re.sub(r"//.*@", "//…@", address)[:200]
        yield Fault("workers.scheduler", "A scheduler's address has the form tcp://host:port", "Give it as the scheduler prints it", shown)
    if crew.scheduler and crew.workers:
        yield Fault(
            "workers.both", "Workers of this machine and those of a scheduler are both asked for", "Give one of the two", str(crew.workers)[:200]
        )
    if not isinstance(crew.memory_bytes, int) or crew.memory_bytes < LEAST_BYTES:
        what = f"A worker needs at least {LEAST_BYTES} bytes of memory to start"
        yield Fault("workers.memory", what, "Give 2000000000 or more", str(crew.memory_bytes)[:200])


class Team:
    """Those who do the tasks. A task is done again where its worker died before the result was handed in; each result is handed on once."""

    def __init__(self, pool: Pool | None = None) -> None:
        self._pool = pool
        self._workers = max(pool.count(), 1) if pool else 1

    def run(
        self, function: Callable[[T], R], tasks: Iterable[T], *, stage: str = "tasks", progress: Progress | None = None, total: int | None = None
    ) -> Iterator[tuple[int, R]]:
        """Each task's number, from 0, and its result as soon as it is there, in any order.

        Parameters
        ----------
        function: one of the top level of a module that the workers have too; it, the task and the result travel pickled
        tasks: taken only as workers are free for them, so that few are held at once
        stage: what the steps are told under
        progress: gets a step with each result; asked several times a second for a stop, which gives up what is not done
        total: how many tasks, for the share done; asked of `tasks` where not given

        Raises
        ------
        Cancelled: where a stop was asked for.
        TeamError: where the workers are lost, or a task kills one worker after another.
        What the function raises is raised here, whoever does the tasks.
        """
        progress = progress or Progress()
        total = operator.length_hint(tasks) if total is None else total
        progress.step(stage, 0.0)
        heed = partial(_heed, progress, stage)
        with closing(self._spread(self._pool, function, tasks, heed) if self._pool else _alone(function, tasks, heed)) as results:
            for done, (index, result) in enumerate(results, 1):
                progress.step(stage, done / total if total else 0.0, f"{done} / {total}" if total else str(done))
                yield index, result

    def ordered(
        self, function: Callable[[T], R], tasks: Iterable[T], *, stage: str = "tasks", progress: Progress | None = None, total: int | None = None
    ) -> list[R]:
        """The results in the order of the tasks; the rest as for `run`."""
        results = dict(self.run(function, tasks, stage=stage, progress=progress, total=total))
        return [results[index] for index in range(len(results))]

    def _spread(self, pool: Pool, function: Callable[[T], R], tasks: Iterable[T], heed: Callable[[], None]) -> Generator[tuple[int, R], None, None]:
        numbered, errands = enumerate(tasks), pool.errands()
        try:
            while True:
                heed()
                for number, task in islice(numbered, max(AHEAD * self._workers - len(errands), 0)):
                    errands.send(number, function, task)
                if not errands:
                    return
                yield self._next(pool, errands, heed)
        finally:
            errands.give_up()

    def _next(self, pool: Pool, errands: Errands, heed: Callable[[], None]) -> tuple[int, Any]:
        """Number and result of a task that ended; waited for, with a look now and then for a stop on request and for the workers."""
        looked = seen = time.monotonic()
        while True:
            if ended := errands.ended(POLL_S):
                return ended
            heed()
            now = time.monotonic()
            if now - looked > LOOK_S:
                looked = now
                if there := pool.count():
                    self._workers, seen = there, now
            if not pool.alive or now - seen > LOST_S:
                raise lost()


def _alone(function: Callable[[T], R], tasks: Iterable[T], heed: Callable[[], None]) -> Generator[tuple[int, R], None, None]:
    for index, task in enumerate(tasks):
        heed()
        yield index, function(task)


def _heed(progress: Progress, stage: str) -> None:
    """Raise Cancelled where a stop was asked for; tell nothing where not."""
    if progress.stopped:
        progress.step(stage, 0.0)
