"""What is lost when things go wrong: `python -m benchmarks.faults [--quick]`.

Writers of the store killed on SQLite and on a real PostgreSQL server, exports and planning runs killed, disks filled up, tampered databases and
tampered plans. Everything runs on a made town; nothing but counts is measured, so a loaded machine changes no figure. --quick does fewer of each.
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

_GOES_ON_BYTES = 60_000  # what a store on a filling disk may still write


def main() -> int:
    """Run, print, and say whether something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    quick = parser.parse_args().quick
    figures = Figures()
    town = make_town()
    plans = [make_plan(town, WISH), make_plan(town, dataclasses.replace(WISH, budget_inr=WISH.budget_inr // 2))]
    with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder)) as server:
        _writers(figures, Path(folder), server, quick=quick)
        _tampering(figures, Path(folder), server)
    _full_disk(figures)
    _exports(figures, plans, town, kills=3 if quick else 100)
    _runs(figures, town, kills=2 if quick else 12)
    _mutants(figures, plans[0], town, number=75 if quick else 10_000)
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


def _exports(figures: Figures, plans: list[Plan], town: City, kills: int) -> None:
    met = spoilt = refused = 0
    for kind in exported.KINDS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = folder / f"plan.{kind}"
            known = [_content(plan, town, path) for plan in plans]
            # The loop variables are bound anew: a forked writer would see the last ones.
            one, all_spoilt = kill_exports(lambda k, path=path: exported.write(plans[k], town, path), exported.whole(path, known), folder, kills)  # type: ignore[misc]
            before = path.read_bytes()
            said = fill_disk(lambda path=path: exported.write(plans[0], town, path), len(before) // 2)  # type: ignore[misc]
            met, spoilt = met + one, spoilt + all_spoilt
            refused += said.startswith("[export.failed]") and path.read_bytes() == before and len(list(folder.iterdir())) == 1
    figures.add(f"exports of {len(exported.KINDS)} kinds: killed", kills * len(exported.KINDS), "kills")
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


def _mutants(figures: Figures, plan: Plan, town: City, number: int) -> None:
    workers = os.cpu_count() or 1
    share = -(-number // workers)
    with _pool(workers) as pool:
        passed = [name for names in pool.starmap(accepted, [(plan, town, share, seed) for seed in range(workers)]) for name in names]
    figures.add("plans tampered with", share * workers, "plans")
    figures.add("tampered plans that the verifier let pass", len(passed), "plans", "<= 0")
    for name in sorted(set(passed)):
        print(f"  let pass: {name}")


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
