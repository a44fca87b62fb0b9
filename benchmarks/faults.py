"""What is lost when things go wrong: `python -m benchmarks.faults [--quick] [--part NAME] [--minutes M] [--processes N]`.

Writers of the store killed on SQLite and on a real PostgreSQL server, exports and planning runs killed, disks filled up, tampered databases and
tampered plans. Everything runs on a made town; nothing but counts is measured, so a loaded machine changes no figure. --quick does fewer of each.
A part can be run by itself in full; kills of exports and tampered plans end after --minutes with the counts they came to.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks import exported
from benchmarks.figures import Figures
from benchmarks.kills import Kills, fill_disk, forked, kill_exports, kill_writers
from benchmarks.mutants import accepted
from optimizer.plan import make_plan
from planning.city import ROOT, City
from planning.errors import ChaukasError
from planning.export import read_plan
from planning.nouns import Plan
from planning.store import Store
from tests.databases import fresh_database, postgresql, with_a_hand_in
from tests.town import WISH, make_town

_PARTS = ("writers", "tampering", "disk", "exports", "runs", "mutants")
_CHUNK = 75  # tampered plans a process is given at once: five of each way
_GOES_ON_BYTES = 60_000  # what a store on a filling disk may still write


def main() -> int:
    """Run, print, and say whether something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--part", action="append", choices=_PARTS, help="only this; may be given again")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="for the kills of exports, and again for the tampered plans")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that verify tampered plans (default: one a core)")
    options = parser.parse_args()
    quick, parts = options.quick, options.part or _PARTS
    figures = Figures()
    town = make_town()
    plans = [make_plan(town, WISH), make_plan(town, dataclasses.replace(WISH, budget_inr=WISH.budget_inr // 2))]
    if {"writers", "tampering"} & set(parts):
        with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder)) as server:
            if "writers" in parts:
                _writers(figures, Path(folder), server, quick=quick)
            if "tampering" in parts:
                _tampering(figures, Path(folder), server)
    if "disk" in parts:
        _full_disk(figures)
    if "exports" in parts:
        _exports(figures, plans, town, kills=3 if quick else 100, seconds=60 * options.minutes)
    if "runs" in parts:
        _runs(figures, town, kills=2 if quick else 12)
    if "mutants" in parts:
        _mutants(figures, plans[0], town, 75 if quick else 10_000, options.processes, 60 * options.minutes)
    return figures.close()


def _writers(figures: Figures, folder: Path, server: str, *, quick: bool) -> None:
    for name, url, kills in (
        ("SQLite", f"sqlite:///{folder / 'kills' / 'chaukas.db'}", 60 if quick else 1_000),
        ("PostgreSQL", fresh_database(server), 10 if quick else 100),
    ):
        room = folder / name
        room.mkdir()
        found = kill_writers(url, room, kills)
        _tell_kills(figures, name, found)


def _tell_kills(figures: Figures, name: str, found: Kills) -> None:
    figures.add(f"{name}: writers killed, four at work", found.kills, "kills")
    figures.add(f"{name}: changes acknowledged", found.acknowledged, "changes", ">= 1")
    figures.add(f"{name}: acknowledged and lost", found.lost, "changes", "<= 0")
    figures.add(f"{name}: kept in part", found.torn, "changes", "<= 0")
    figures.add(f"{name}: breaks of the audit", int(found.broken is not None), "breaks", "<= 0")


def _tampering(figures: Figures, folder: Path, server: str) -> None:
    for name, url in (("SQLite", f"sqlite:///{folder / 'hand' / 'chaukas.db'}"), ("PostgreSQL", fresh_database(server))):
        located = with_a_hand_in(url, folder / f"hand {name}")
        figures.add(f"{name}: ways of tampering located at their line", sum(located.values()), f"of {len(located)}", f">= {len(located)}")


def _full_disk(figures: Figures) -> None:
    """A store whose files may grow no further: changes are refused in words, and those before stand."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/chaukas.db", Path(folder)).ready()
        store.engine.dispose()

        def fill() -> None:
            for k in range(10_000):
                with store.write("writer", "constituency.filled", str(k)) as tx:
                    tx.add("members", {"city": "toy", "name": "x" * 500, "constituency": "traders", "created_at": str(k)})

        said = fill_disk(fill, max(path.stat().st_size for path in Path(folder).iterdir()) + _GOES_ON_BYTES)
        with store.read() as tx:
            kept = len(tx.rows("members"))
        head, broken = store.verify()
        store.engine.dispose()
    figures.add("full disk: the store refused in words", int(said.startswith("[store.")), "yes", ">= 1")
    figures.add("full disk: changes before it that are whole in the audit", kept, "changes", ">= 1")
    figures.add("full disk: breaks of the audit", int(broken is not None or head.seq != kept), "breaks", "<= 0")


def _exports(figures: Figures, plans: list[Plan], town: City, kills: int, seconds: float) -> None:
    done = met = spoilt = refused = 0
    for kind in exported.KINDS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = folder / f"plan.{kind}"
            known = [_content(plan, town, path) for plan in plans]
            # The loop variables are bound anew: a forked writer would see the last ones.
            found = kill_exports(
                lambda k, path=path: exported.write(plans[k], town, path),  # type: ignore[misc]
                exported.whole(path, known), folder, kills, seconds=seconds / len(exported.KINDS),
            )  # fmt: skip
            before = path.read_bytes()
            said = fill_disk(lambda path=path: exported.write(plans[0], town, path), len(before) // 2)  # type: ignore[misc]
            done, met, spoilt = (sum(pair) for pair in zip((done, met, spoilt), found, strict=True))
            refused += said.startswith("[export.failed]") and path.read_bytes() == before and len(list(folder.iterdir())) == 1
    figures.add(f"exports of {len(exported.KINDS)} kinds: killed", done, "kills")
    figures.add("exports: killed in the midst of a file", met, "kills")
    figures.add("exports: files neither old nor new after a kill", spoilt, "files", "<= 0")
    figures.add("exports: kinds that refuse a full disk and keep the old file", refused, f"of {len(exported.KINDS)}", f">= {len(exported.KINDS)}")


def _content(plan: Plan, town: City, path: Path) -> Any:
    process = forked(lambda: exported.write(plan, town, path))
    os.waitpid(process, 0)
    return exported.content(path)


def _runs(figures: Figures, town: City, kills: int) -> None:
    """`chaukas plan` killed at any moment: what lies in the plans folder is whole, and planning again gives the plan."""
    draws = random.Random(1)
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "toy"
        town.save(folder)
        command = [sys.executable, str(ROOT / "cli.py"), "plan", str(folder), "--budget", str(WISH.budget_inr)]
        began = time.monotonic()
        last = subprocess.run(command, capture_output=True, check=False).returncode
        took_s = time.monotonic() - began
        for _ in range(kills):
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                time.sleep(draws.uniform(0.3, 1.1) * took_s)
                process.kill()
            bad += _unreadable(folder / "plans")
        again = subprocess.run(command, capture_output=True, check=False).returncode
        bad += _unreadable(folder / "plans")
    figures.add("planning runs killed", kills, "kills")
    figures.add("planning runs: files of the plans folder that are not whole", bad, "files", "<= 0")
    figures.add("planning runs: planned again after the last kill", int(last == again == 0), "yes", ">= 1")


def _unreadable(folder: Path) -> int:
    bad = 0
    for path in folder.glob("[!.]*"):
        try:
            read_plan(path)
        except ChaukasError:
            bad += 1
    return bad


def _mutants(figures: Figures, plan: Plan, town: City, number: int, processes: int, seconds: float) -> None:
    """Each tampered plan is shown to the verifier as it is; processes share the plans out in chunks, each drawn from a seed of its own."""
    began, done, passed = time.monotonic(), 0, list[str]()
    chunks = [(plan, town, min(_CHUNK, number - first), seed) for seed, first in enumerate(range(0, number, _CHUNK))]
    with _pool(processes) as pool:
        for count, names in pool.imap_unordered(_judged, chunks):
            done, passed = done + count, passed + names
            if time.monotonic() - began > seconds:
                break
    figures.add("plans tampered with", done, "plans")
    figures.add("tampered plans that the verifier let pass", len(passed), "plans", "<= 0")
    for name in sorted(set(passed)):
        print(f"  let pass: {name}")


def _judged(chunk: tuple[Plan, City, int, int]) -> tuple[int, list[str]]:
    """How many of a chunk were shown to the verifier, and the names of those it let pass."""
    plan, town, number, seed = chunk
    return number, accepted(plan, town, number, seed)


@contextmanager
def _pool(workers: int) -> Iterator[Any]:
    pool = get_context("spawn").Pool(workers)
    try:
        yield pool
    finally:
        pool.terminate()
        pool.join()


if __name__ == "__main__":
    sys.exit(main())
