"""Writers killed in the midst of their work, and whether anything they had acknowledged is lost: forked, so that a thousand kills take a minute.

Each writer writes one thing after another: an account and a link of it in one change. Once the change is kept it says so by one short append to a
file of its own. What was said must be there, whole; what was not said is there whole or not at all.
"""

from __future__ import annotations

import itertools
import os
import random
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from planning.audit import Break
from planning.errors import ChaukasError
from planning.store import Store, now

WRITERS = 4
_FIRST_S, _LAST_S = 0.01, 0.4  # when a writer is killed, after its start


@dataclass(frozen=True)
class Kills:
    """What was found after so many kills: changes acknowledged, those of them lost, changes kept in part, and where the audit breaks."""

    kills: int
    acknowledged: int
    lost: int
    torn: int
    broken: Break | None


def kill_writers(url: str, folder: Path, kills: int, *, seed: int = 1) -> Kills:
    """Four writers at once, killed and begun anew until `kills` of them died.

    Parameters
    ----------
    url, folder: of an empty store that is made ready here.
    """
    store = Store(url, folder).ready()
    _change(store, "first")
    # Forked with no connection open, but with every statement compiled: a writer begins to write within milliseconds.
    store.engine.dispose()
    draws = random.Random(seed)
    living = {_begin(store, number): draws.uniform(_FIRST_S, _LAST_S) + time.monotonic() for number in range(WRITERS)}
    died, begun = 0, WRITERS
    while died < kills:
        time.sleep(0.001)
        for process, due in list(living.items()):
            if time.monotonic() >= due and died < kills:
                stop(process)
                del living[process]
                died += 1
                living[_begin(store, begun)] = draws.uniform(_FIRST_S, _LAST_S) + time.monotonic()
                begun += 1
    for process in living:
        stop(process)
    return _found(store, died)


def _wait(process: int) -> None:
    _, status = os.waitpid(process, 0)
    if status:
        raise RuntimeError(f"a writer ended with {os.waitstatus_to_exitcode(status)}")


def stop(process: int) -> None:
    """Kill a process with no chance to tidy up, and wait for its end."""
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def forked(work: Callable[[], None]) -> int:
    """Do the work in a forked process that ends with it; its id."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def _begin(store: Store, number: int) -> int:
    return forked(lambda: _write(store, number))


def _write(store: Store, number: int) -> None:
    said = os.open(store.folder / f"said.{number}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for k in itertools.count():
        _change(store, f"{number}-{k}")
        os.write(said, f"{number}-{k}\n".encode())


def _change(store: Store, name: str) -> None:
    with store.write("writer", "account.made", name) as tx:
        account = tx.add("accounts", {"name": name, "title": "x" * 2_000, "roles": ["member"], "created_at": now()})
        tx.add("links", {"account": account, "created_at": now(), "expires_at": now()})


def _found(store: Store, kills: int) -> Kills:
    with store.read() as tx:
        accounts, linked = tx.rows("accounts"), {row["account"] for row in tx.rows("links")}
    names = {row["name"] for row in accounts}
    said = {name for path in store.folder.glob("said.*") for name in path.read_text().split()}
    torn = sum(row["id"] not in linked for row in accounts) + len(linked - {row["id"] for row in accounts})
    _, broken = store.verify()
    store.engine.dispose()
    return Kills(kills, len(said), len(said - names), torn, broken)


def kill_exports(
    write: Callable[[int], None], whole: Callable[[], bool], folder: Path, kills: int, *, seconds: float = float("inf"), seed: int = 1
) -> tuple[int, int, int]:  # fmt: skip
    """Writers of one file, killed in the midst of it.

    Parameters
    ----------
    write: writes the file with the first content (0) or the second (1), only ever in a forked process: what it calls may start threads, which no
    fork takes along. whole: whether the file that stands has one of both, whole. seconds: after which no more are killed.

    Returns
    -------
    How many were killed, how many kills met a writer at work (its scratch file was left behind), and after how many the file was not whole.
    """
    _wait(forked(lambda: write(0)))
    began = time.monotonic()
    _wait(forked(lambda: write(1)))
    took_s = time.monotonic() - began
    draws = random.Random(seed)
    done = met = spoilt = 0
    until = time.monotonic() + seconds
    while done < kills and time.monotonic() < until:
        done += 1
        process = forked(lambda: _over_and_over(write))
        time.sleep(draws.uniform(0.0, 3.0 * took_s))
        stop(process)
        litter = [path for path in folder.iterdir() if ".part" in path.name]
        met += bool(litter)
        spoilt += not whole()
        for path in litter:
            path.unlink()
    return done, met, spoilt


def _over_and_over(write: Callable[[int], None]) -> None:
    for k in itertools.count():
        write(k % 2)


def fill_disk(write: Callable[[], None], most_bytes: int) -> str:
    """What a writer was told whose files may grow no further than so many bytes; "" where it was not refused.

    In a forked process, since the limit cannot be taken back; the system's own refusal is EFBIG, met where a full disk's ENOSPC is met.
    """
    reader, writer = os.pipe()

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        try:
            write()
        except ChaukasError as error:
            os.write(writer, str(error).encode()[:2_000])

    process = forked(work)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        said = stream.read().decode()
    _, status = os.waitpid(process, 0)
    return said if os.waitstatus_to_exitcode(status) == 0 else f"the writer ended with {os.waitstatus_to_exitcode(status)}"
