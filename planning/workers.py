"""Processes that do tasks, here or where a Dask scheduler runs: the one door to Dask. `planning.team` says who does what.

ChaukasError
└── TeamError             the workers cannot be had, were lost, or die of their task
"""

from __future__ import annotations

import atexit
import logging
import os
import pickle  # nosec B403  # between our own processes
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from planning.errors import ChaukasError

T = TypeVar("T")

TRIES = 6  # workers that one task may kill
JOIN_S = 10.0  # longest wait for a scheduler to answer
# What stands in a worker's environment before it starts: libraries count their threads once, while they load, and the workers share out the cores
# among themselves.
BEFORE_START = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "MALLOC_TRIM_THRESHOLD_": "65536",
    "DASK_LOGGING__DISTRIBUTED": "critical",
}
DASK_SETTINGS: dict[str, Any] = {
    "distributed.nanny.pre-spawn-environ": BEFORE_START,
    **{f"distributed.{who}.http.routes": [] for who in ("scheduler", "worker")},
    "distributed.worker.profile.enabled": False,
    # The nanny sees a worker die; a long task that holds the interpreter is no death.
    "distributed.scheduler.worker-ttl": None,
    # A worker beyond its memory ends, and its task goes to another; one that is paused would wait for ever.
    **{f"distributed.worker.memory.{what}": False for what in ("target", "spill", "pause")},
    # A task travels with its arrays, so that it can be sent again when its worker dies.
    "distributed.admin.large-graph-warning-threshold": "1 TB",
}


class TeamError(ChaukasError):
    """The workers cannot be had, were lost, or die of their task."""


class Pool:
    """Processes that do tasks: a client of Dask, with what may go wrong there told in our words."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @property
    def alive(self) -> bool:
        """Whether the scheduler still talks to us."""
        return bool(self._client.status == "running")

    def count(self) -> int:
        """How many workers there are now; 0 where the scheduler does not say."""
        try:
            return len(self._client.nthreads())
        except OSError:
            return 0

    def errands(self) -> Errands:
        """Nothing in hand yet."""
        return Errands(self._client)


class Errands:
    """Tasks in hand: sent out with a number each, and handed back as they end. Waiting for one, other than Dask's own, can be left at any time."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._numbers: dict[Any, int] = {}
        self._ended = _dask().as_completed(loop=client.loop, with_results=True, raise_errors=False)

    def __len__(self) -> int:
        return len(self._numbers)

    def send(self, number: int, function: Callable[[T], Any], task: T) -> None:
        """Have a task done.

        Raises
        ------
        TeamError: where the scheduler is gone.
        """
        # Bytes, since Dask would look for tasks of its own inside of lists and tuples.
        work = pickle.dumps((function, task), protocol=5)
        if self._client.status != "running":
            raise lost()
        future = self._client.submit(_call, work, pure=False)
        self._numbers[future] = number
        self._ended.add(future)

    def ended(self, wait_s: float) -> tuple[int, Any] | None:
        """Number and result of a task that ended; None where none did within a time [s].

        Raises
        ------
        TeamError: where the task killed one worker after another, or the scheduler is gone.
        What the task raised is raised here.
        """
        with self._ended.thread_condition:
            if not self._ended.has_ready():
                self._ended.thread_condition.wait(wait_s)
        if not self._ended.has_ready():
            return None
        future, outcome = next(self._ended)
        number = self._numbers.pop(future)
        if isinstance(outcome, bytes):
            result = pickle.loads(outcome)  # noqa: S301  # nosec B301  # packed by `_call`
            if isinstance(result, _Raised):
                raise result.kind(*result.given)
            return number, result
        error = outcome[1].with_traceback(outcome[2]) if isinstance(outcome, tuple) else outcome
        if isinstance(error, _dask().KilledWorker):
            what = "A task ended one worker after another; most often it needs more memory than a worker may hold"
            way_out = "Give each worker more memory, take fewer workers, or make the tasks smaller"
            raise TeamError.one("workers.killed", what, way_out, f"task {number}") from error
        if isinstance(error, _dask().CancelledError):
            raise lost() from error
        raise error

    def give_up(self) -> None:
        """Have none of these done that is not being done yet; what they give is not kept."""
        if self._numbers and self._client.status == "running":
            with suppress(OSError):
                self._client.cancel(list(self._numbers))
        self._numbers.clear()


def lost() -> TeamError:
    """The error where those who did the tasks are gone."""
    return TeamError.one("workers.lost", "The scheduler or all of its workers are gone and did not come back", "Start them again, then the work")


@dataclass(frozen=True)
class _Raised:
    """An error on its way from a worker, in its parts: whole, one of ours would lose its words, and one that ends a process would end the worker."""

    kind: type[BaseException]
    given: tuple[Any, ...]


def _call(work: bytes) -> bytes:
    """Do a task in a worker. Bytes in and out: what cannot be pickled is told at once, and arrays can be written to as in one process."""
    if "numba" not in sys.modules:
        os.environ["NUMBA_NUM_THREADS"] = "1"
    elif os.environ.get("NUMBA_NUM_THREADS") != "1":
        # The script that every worker imports loaded it: too late for the environment.
        sys.modules["numba"].set_num_threads(1)
    function, task = pickle.loads(work)  # noqa: S301  # nosec B301  # packed by `Errands.send`
    try:
        return pickle.dumps(function(task), protocol=5)
    except ChaukasError as error:
        return pickle.dumps(_Raised(type(error), (error.faults,)))
    except (SystemExit, KeyboardInterrupt) as error:
        return pickle.dumps(_Raised(type(error), error.args))


@cache
def _dask() -> Any:
    """Dask, loaded when first needed and set up as we need it, once for the process."""
    import dask

    # Dask puts its folders on the path of imports: they stand where nobody else of the machine can write.
    scratch = tempfile.mkdtemp(prefix="chaukas-workers-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    dask.config.set({**DASK_SETTINGS, "temporary-directory": scratch})
    import distributed

    # A killed worker, a stop and a closing pool are told by errors, not by the log.
    for name in ("distributed", "distributed.client", "distributed.gc", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return distributed


@cache
def _environment() -> dict[str, str | None]:
    """What stood in the environment, before the first pool, under the names that Dask writes there."""
    return {name: os.environ.get(name) for name in (*BEFORE_START, "PYTHONHASHSEED", "__DASK_PARENT_PID")}


@contextmanager
def pool_here(workers: int, memory_bytes: int) -> Iterator[Pool]:
    """Processes started on this machine, listening on its loopback only, one thread and at most `memory_bytes` [bytes] each; ended with the block.

    Raises
    ------
    TeamError: where they do not start.
    """
    dask, before = _dask(), _environment()
    try:
        os.environ.update(BEFORE_START)
        cluster = _cluster(dask, workers, memory_bytes)
        with cluster, dask.Client(cluster, set_as_default=False) as client:
            try:
                yield Pool(client)
            finally:
                _end(cluster)
    finally:
        # Ours has only lent these to the workers; left there they would slow down what loads later.
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _cluster(dask: Any, workers: int, memory_bytes: int) -> Any:
    try:
        return dask.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=memory_bytes,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            scheduler_kwargs={"allowed_failures": TRIES - 1, "dashboard_address": "127.0.0.1:0"},
        )
    except Exception as error:
        way_out = "Take fewer, or none; see that memory is left, and that a script asks for them under its `if __name__ == '__main__'` only"
        raise TeamError.one("workers.start", "The workers did not start", way_out, error) from error


def _end(cluster: Any) -> None:
    """End the workers outright: asked politely, they would first finish what nobody waits for any more."""
    for nanny in cluster.workers.values():
        nanny.close_gracefully()
        if nanny.pid:
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGKILL)


@contextmanager
def pool_at(address: str) -> Iterator[Pool]:
    """The workers of a scheduler that runs elsewhere; they go on after the block.

    Raises
    ------
    TeamError: where it does not answer, has no workers, or has some that cannot do our work.
    """
    dask = _dask()
    try:
        _knock(address)
        client = dask.Client(address, timeout=JOIN_S, set_as_default=False)
    except Exception as error:
        way_out = "Start one with `dask scheduler`, or correct the address; see that a firewall lets its port through"
        raise TeamError.one("workers.unreachable", f"No Dask scheduler answers ({error})", way_out, address) from error
    with client:
        try:
            _look_over(client, address)
        except OSError as error:
            raise lost() from error
        yield Pool(client)


def _knock(address: str) -> None:
    """Raise OSError where no Dask scheduler greets whoever comes: Dask itself would wait for ever for the greeting of anything else."""
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=JOIN_S) as door:
        greeting = b""
        while b"pickle-protocol" not in greeting:
            heard = door.recv(4096)
            greeting += heard
            if not heard or len(greeting) > 4096:
                raise ConnectionError("something else answers")


def _look_over(client: Any, address: str) -> None:
    """Raise TeamError where a scheduler has no workers, or one with several threads or another version of ours."""
    try:
        client.wait_for_workers(1, timeout=JOIN_S)
    except TimeoutError as error:
        way_out = f"Start some with `dask worker {address} --nthreads 1`"
        raise TeamError.one("workers.none", "The scheduler has no workers", way_out, address) from error
    if crowded := [worker for worker, threads in client.nthreads().items() if threads > 1]:
        # Neither numba's threads nor the solver may be entered twice at once within a process.
        way_out = "Start each with --nthreads 1, and as many as there are cores"
        raise TeamError.one("workers.threads", "A worker has several threads", way_out, crowded[0])
    if foreign := [worker for worker, code in client.run(_code, on_error="return").items() if code != _code()]:
        raise TeamError.one("workers.foreign", "A worker has not this version of Chaukas", "Install this version where the workers run", foreign[0])


@cache
def _code() -> str:
    """The digest of the code that computes: another version would give other results."""
    digest = sha256()
    for room in ("planning", "coverage", "optimizer"):
        for path in sorted((Path(__file__).parents[1] / room).glob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
