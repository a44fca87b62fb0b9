"""A task in a process of its own, behind walls: what people's files do there, they do to nobody else.

The process has limits of memory, time and disk and no network (`planning.confined` puts the walls up and tells which stand). What comes back is
plain JSON, checked here, and files in the scratch folder that the caller checks; nothing is ever unpickled. A process that dies, hangs or eats up its
memory is a fault with a code and a way out, and the server lives on.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import selectors
import signal
import subprocess  # nosec B404  # our own words, no shell
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from planning import confined
from planning.datafile import DATA
from planning.errors import Fault, InputError
from planning.figures import Figures, load_figures
from planning.files import MEGABYTE, other_drivers
from planning.progress import Progress

_MEGABYTES = ("MB", 1, 100_000)
WANTED: Mapping[str, tuple[str, float, float]] = {
    "osm": _MEGABYTES, "areas": _MEGABYTES, "table": _MEGABYTES, "terrain": _MEGABYTES, "files": ("files", 1, 1_000), "together": _MEGABYTES,
    "drafts": ("drafts", 1, 10_000), "keep": ("h", 1, 10_000), "unpacked": ("times", 1, 10_000), "memory": ("MB", 300, 100_000),
    "cpu": ("s", 1, 100_000), "wall": ("s", 1, 100_000), "written": _MEGABYTES, "at_once": ("processes", 1, 64),
}  # fmt: skip
_MOST_SAID = 32 * MEGABYTE
_CODE = re.compile(r"[a-z]+\.[a-z]+|money|cancelled")
_WAIT_S = 0.1
_LAST_S = 3.0


@dataclass(frozen=True)
class Answer:
    """What a task gave: plain JSON, its peak of resident memory [bytes], computing time [s], and the walls that stood."""

    value: Any
    peak: int
    cpu_s: float
    guards: tuple[str, ...]


@lru_cache(maxsize=1)
def limits() -> Figures:
    """The figures of data/uploads.toml, read once."""
    return load_figures(DATA / "uploads.toml", WANTED)


@lru_cache(maxsize=1)
def _turns() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(int(limits()["at_once"]))


def run_apart(
    task: str, given: Mapping[str, Any], *, scratch: Path, reads: Sequence[Path] = (), progress: Progress | None = None, bounds: Figures | None = None
) -> Answer:
    """Do a task in a confined process.

    Parameters
    ----------
    task: "module:function" of ours; it is called with the scratch folder, `given` and a Progress, and gives what JSON can say.
    given: its parameters, as JSON.
    scratch: an existing empty folder, the only one the task may write; it holds what the task wrote.
    reads: files and folders the task may read beside our own code.
    bounds: other figures than those of data/uploads.toml.

    Raises
    ------
    InputError: the task's own faults; `upload.memory`, `upload.time`, `upload.died`, `upload.broken`, `upload.answer` where it gave none.
    Cancelled: where `progress` was asked to stop; the process is gone then.
    """
    told = progress or Progress()
    figures = bounds or limits()
    turns = _turns()
    while not turns.acquire(timeout=_WAIT_S):
        told.step("waiting", 0.0)
    try:
        scratch = scratch.resolve()
        job = {
            "task": task, "given": dict(given), "scratch": str(scratch), "reads": [str(path.resolve()) for path in reads],
            "limits": {"memory": int(figures["memory"] * MEGABYTE), "written": int(figures["written"] * MEGABYTE), "cpu": int(figures["cpu"])},
        }  # fmt: skip
        (scratch / "job.json").write_text(json.dumps(job), encoding="utf-8")
        return _Run(scratch, figures).answer(told)
    finally:
        turns.release()


class _Run:
    """One process, from its start to its answer."""

    def __init__(self, scratch: Path, figures: Figures) -> None:
        self.figures, self.scratch = figures, scratch
        self.guards: tuple[str, ...] = ()
        self.said: dict[str, Any] = {}
        self.peak = 0

    def answer(self, told: Progress) -> Answer:
        command = [sys.executable, "-I", "-W", "ignore", str(confined.__file__), str(self.scratch / "job.json")]
        with (self.scratch / "stderr.txt").open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603  # nosec B603  # our own interpreter and script
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=self.scratch, env=_environment(self.scratch),
                start_new_session=True,
            )  # fmt: skip
        ended = ""
        try:
            ended = self._listen(process, told)
            until = time.monotonic() + _LAST_S
            # It is about to end: how it ends says why it did.
            while not self.said and not ended and time.monotonic() < until:
                if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                    break
                time.sleep(0.01)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.stdout is not None
            process.stdout.close()
        # A process begins with its parent's peak in this count: what it does not pass is not its own.
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cpu_s, peak = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 if used.ru_maxrss > own else self.peak
        self._refuse(ended, process.returncode, cpu_s, peak)
        return Answer(self.said["answer"], peak, cpu_s, self.guards)

    def _listen(self, process: subprocess.Popen[bytes], told: Progress) -> str:
        """Take lines until the process ends; why it must be ended, where it must."""
        until = time.monotonic() + self.figures["wall"]
        for line in _lines(process):
            told.step(*self._stood)
            if time.monotonic() > until:
                return "time"
            if line is None:
                continue
            if line == b"":
                return "answer"
            if not self._take(line):
                return "answer"
            if self.said:
                return ""
        return ""

    _stood: tuple[str, float, str] = ("reading", 0.0, "")

    def _take(self, line: bytes) -> bool:
        """Whether a line is one of those a task may say."""
        try:
            said = json.loads(line)
            (kind, value), = said.items()
            if kind == "guards":
                self.guards = tuple(str(name)[:40] for name in value)
            elif kind == "step":
                self._stood = (str(value[0])[:40], float(value[1]), str(value[2])[:200])
            elif kind == "faults":
                self.said = {kind: [Fault(_code(code), str(what)[:2_000], str(way)[:500], str(met)[:300]) for code, what, way, met in value]}
            elif kind == "peak":
                self.peak = int(value)
            elif kind in {"answer", "crash", "out_of"}:
                self.said = {kind: value}
            else:
                return False
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
            return False
        return True

    def _refuse(self, ended: str, status: int, cpu_s: float, peak: int) -> None:
        """Raise what stands in place of an answer; nothing where there is one."""
        if "faults" in self.said:
            raise InputError(self.said["faults"] or [Fault("upload.answer", "Reading ended without an answer", "Try again")])
        if "answer" in self.said:
            return
        most = self.figures["memory"] * MEGABYTE
        if self.said.get("out_of") == "memory" or (status in _ABORTS and peak > 0.6 * most):
            what = f"Reading these files takes more than the {most / MEGABYTE:,.0f} MB of memory there are for it"
            raise InputError.one("upload.memory", what, "Cut the files to the study area, and check that they are what they seem")
        if ended == "time" or status == -signal.SIGXCPU or (status == -signal.SIGKILL and cpu_s >= self.figures["cpu"]):
            what = f"Reading these files takes longer than the {self.figures['cpu']:,.0f} s there are for it"
            raise InputError.one("upload.time", what, "Cut the files to the study area, and check that they are what they seem")
        if "crash" in self.said:
            way_out = "Export the files again; if it happens again, report it with this text"
            raise InputError.one("upload.broken", "The files could not be read to their end", way_out, str(self.said["crash"])[:300])
        if ended == "answer":
            raise InputError.one("upload.answer", "Reading ended with an answer that makes no sense", "Try again; if it happens again, report it")
        name = signal.Signals(-status).name if status < 0 else f"status {status}"
        raise InputError.one("upload.died", "A file brought down the process that read it", "Export it again from its source", name)


_ABORTS = frozenset({-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGKILL, -signal.SIGBUS, -signal.SIGTRAP})


def _code(code: object) -> str:
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ValueError(code)
    return code


def _lines(process: subprocess.Popen[bytes]) -> Iterator[bytes | None]:
    """Whole lines as they come; None where none came for a moment; an empty line where far too much was said."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    kept, said = b"", 0
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not ready.select(_WAIT_S):
                yield None
                continue
            piece = process.stdout.read(1 << 16)
            if piece is None:
                continue
            if not piece:
                return
            said += len(piece)
            if said > _MOST_SAID:
                yield b""
                return
            *whole, kept = (kept + piece).split(b"\n")
            yield from (line for line in whole if line)
            yield None


def _environment(scratch: Path) -> dict[str, str]:
    """What the process is told of this one: no address of a store, no secret, one thread a library."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "PROJ_DATA", "PROJ_LIB", "LD_LIBRARY_PATH") if name in os.environ}
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "GDAL_NUM_THREADS"), "1")
    return {
        **kept, **one, "HOME": str(scratch), "TMPDIR": str(scratch), "NUMBA_CACHE_DIR": str(scratch), "MPLCONFIGDIR": str(scratch),
        "OGR_SKIP": ",".join(other_drivers()), "OGR_SQLITE_LOAD_EXTENSIONS": "NO", "OGR_SQLITE_STATIC_VIRTUAL_OGR": "NO", "GDAL_PAM_ENABLED": "NO",
        "GDAL_DISABLE_READDIR_ON_OPEN": "FALSE", "PROJ_NETWORK": "OFF", "OGR_GEOJSON_MAX_OBJ_SIZE": "50", "MALLOC_ARENA_MAX": "2",
    }  # fmt: skip
