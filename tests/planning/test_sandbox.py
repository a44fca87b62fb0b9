"""The confined process: what it gives, and what becomes of tasks that misbehave in it."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.hostile import listening
from planning.city import ROOT
from planning.errors import InputError
from planning.progress import Cancelled, Progress, Step
from planning.sandbox import Answer, limits, run_apart
from tests.planning.prisoner import ANSWERS


def apart(task: str, folder: Path, *, progress: Progress | None = None, bounds: dict[str, float] | None = None, **given: Any) -> Answer:
    """A prisoner's task done apart."""
    scratch = folder / "scratch"
    scratch.mkdir()
    figures = limits().replaced(**(bounds or {}))
    return run_apart(f"tests.planning.prisoner:{task}", given, scratch=scratch, reads=[ROOT / "tests"], progress=progress, bounds=figures)


def refused(task: str, folder: Path, *, bounds: dict[str, float] | None = None, **given: Any) -> str:
    """The code a misbehaving task ends with; the server's own process goes on."""
    with pytest.raises(InputError) as caught:
        apart(task, folder, bounds=bounds, **given)
    assert all(fault.what and fault.way_out for fault in caught.value.faults)
    return caught.value.code


def test_an_answer_comes_back_with_its_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are told, what was given arrives, what libraries print harms nothing, and no secret of the server is passed on."""
    monkeypatch.setenv("CHAUKAS_DATABASE_URL", "postgresql://secret")
    steps: list[Step] = []
    answer = apart("behave", tmp_path, progress=Progress(steps.append), word="शब्द")
    assert answer.value["given"] == {"word": "शब्द"}
    assert Step("tables", 0.5, "half") in steps
    assert {"limits", "audit hook"} <= set(answer.guards)
    assert 0 < answer.peak < limits()["memory"] * 1e6
    assert answer.cpu_s > 0
    assert (tmp_path / "scratch" / "made.txt").read_text(encoding="utf-8") == "made"
    assert not [name for name in answer.value["environment"] if name.startswith("CHAUKAS") or "SECRET" in name]


def test_faults_keep_their_codes(tmp_path: Path) -> None:
    """What a reader refuses is told as it was said."""
    assert refused("refuse", tmp_path, code="file.content") == "file.content"


@pytest.mark.parametrize(
    ("task", "bounds", "given", "code"),
    [
        ("hang", {"wall": 1}, {}, "upload.time"), ("spin", {"cpu": 1}, {}, "upload.time"), ("eat", {"memory": 300}, {}, "upload.memory"),
        ("die", {}, {"signal": int(signal.SIGSEGV)}, "upload.died"), ("die", {}, {"signal": int(signal.SIGABRT)}, "upload.died"),
        ("die", {}, {"signal": 0}, "upload.died"), ("crash", {}, {}, "upload.broken"), ("refuse", {}, {"code": "<script>"}, "upload.answer"),
        ("babble", {}, {"text": "no JSON", "times": 1}, "upload.answer"), ("babble", {}, {"text": "[" * 60_000, "times": 1}, "upload.answer"),
        ("babble", {}, {"text": "x" * 100_000, "times": 20}, "upload.answer"),
        *(("babble", {}, {"text": text, "times": 1}, "upload.answer") for text in ANSWERS),
    ],
)  # fmt: skip
def test_tasks_that_misbehave_are_faults(tmp_path: Path, task: str, bounds: dict[str, float], given: dict[str, Any], code: str) -> None:
    """A process that hangs, spins, eats memory, dies, crashes or says nonsense ends as a fault with a way out."""
    assert refused(task, tmp_path, bounds=bounds, **given) == code


def test_memory_is_bounded(tmp_path: Path) -> None:
    """A task that takes all it can get gets no more than its bound, and the server takes none of it."""
    before = _resident(os.getpid())
    peaks: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            peaks.extend(_resident(int(child)) for child in _children())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert refused("eat", tmp_path, bounds={"memory": 400}) == "upload.memory"
    finally:
        stop.set()
        watcher.join()
    assert max(peaks) < 500e6
    assert _resident(os.getpid()) - before < 50e6


def _children() -> list[str]:
    """Processes this one has started, but for one that is about to become another and still is a copy of this one."""
    own = Path("/proc/self/cmdline").read_bytes()
    return [child for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split() if _command(child) != own]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def test_nothing_is_reached(tmp_path: Path) -> None:
    """Neither Python nor a library in C nor a program opens a connection: the port of this machine stays untouched."""
    with listening() as (url, calls):
        answer = apart("reach", tmp_path, port=int(url.rpartition(":")[2]))
        assert answer.value["python"] == "PermissionError"
        assert answer.value["program"] == "PermissionError"
        if {"no network", "landlock"} & set(answer.guards):
            assert answer.value["library"] == "OSError"
            assert calls == []


def test_files_elsewhere_are_closed(tmp_path: Path) -> None:
    """Beside its own folder nothing is written, and what it was not given is not read; in its folder it works."""
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    answer = apart("touch", tmp_path, secret=str(secret), target=str(tmp_path / "planted"))
    assert answer.value["inside"] == "done"
    assert answer.value["write"] == answer.value["remove"] == "PermissionError"
    if "landlock" in answer.guards:
        assert answer.value["read"] == "PermissionError"
        assert answer.value["read_in_c"] == answer.value["write_in_c"] == "OSError"
        assert not (tmp_path / "planted").exists()
    assert secret.read_text(encoding="utf-8") == "secret"


def test_a_stop_ends_the_process(tmp_path: Path) -> None:
    """Work stopped on request is gone, not left behind."""
    pid = tmp_path / "scratch" / "pid"
    with pytest.raises(Cancelled):
        apart("hang", tmp_path, progress=Progress(stopped=lambda: pid.exists() and bool(pid.read_text(encoding="utf-8"))))
    number = int(pid.read_text(encoding="utf-8"))
    time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
