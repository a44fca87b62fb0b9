"""A made region of ten cities on a cluster of two workers: `python -m benchmarks.region [--quick]`.

The cities are the made demo city under ten names, each with seven tenths of its incidents drawn anew, surveyed finely enough to have about 200,000
demand points, and with models that give about 100,000 poses: two million and a million in all. The memory is that of this process and every process
below it, added up twice a second. --quick takes two cities, coarsely surveyed, and kills no worker.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.figures import Figures, demo_city
from optimizer.region import Member, RegionPlan, plan_region
from planning.nouns import Scenario
from planning.team import Crew

CRORE = 10_000_000


def make_cities(folder: Path, count: int) -> list[Path]:
    """The made demo city under so many names, each with seven tenths of its incidents, drawn anew; those that stand already are left."""
    demo, made = demo_city(), []
    for k in range(count):
        target = folder / f"made{k}"
        if not (target / "city.toml").is_file():
            incidents = demo["incidents"].sample(frac=0.7, random_state=k)
            dataclasses.replace(demo, name=f"made{k}", frames={**demo.frames, "incidents": incidents.sort_index()}, digest="").save(target)
        made.append(target)
    return made


def processes_below(pid: int) -> list[int]:
    """All processes below this one (Linux)."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                parents.setdefault(int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
        except (OSError, IndexError):
            continue
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def memory_bytes(pid: int) -> int:
    """What a process holds, its shared pages counted in part (proportional set size)."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1_024 * int(line.split()[1])
    except OSError:
        pass
    return 0


class Watch:
    """Adds up memory while it stands; kills one worker after `kill_after_s`, where that is given."""

    def __init__(self, kill_after_s: float | None = None) -> None:
        self.most, self.killed = 0, 0
        self._kill_at = None if kill_after_s is None else time.monotonic() + kill_after_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.5):
            below = processes_below(os.getpid())
            self.most = max(self.most, sum(memory_bytes(pid) for pid in [os.getpid(), *below]))
            if self._kill_at is not None and not self.killed and time.monotonic() > self._kill_at:
                self.killed = self._kill(below)

    def _kill(self, below: list[int]) -> int:
        for pid in sorted(below, key=memory_bytes, reverse=True):
            try:
                if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
                    return pid
            except OSError:
                continue
        return 0


def answer(found: RegionPlan) -> tuple[object, ...]:
    """What must be equal between runs."""
    return (found.shares, found.objective, found.bound, [[camera.id for camera in plan.cameras] for plan in found.plans])


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 where a figure fell short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "chaukas-region", help="where the made cities are kept")
    options = parser.parse_args(arguments)
    figures = Figures()
    count, spacing_m, models = (2, 20.0, ("bullet-4mp",)) if options.quick else (10, 2.55, ("bullet-4mp", "dome-5mp"))
    folders = make_cities(options.folder, count)
    members = [
        Member(str(folder), Scenario(city=folder.name, budget_inr=1, models=models, spacing_m=spacing_m, gap=0.005)) for folder in folders
    ]
    budget = count * 2 * CRORE
    with Watch() as watch:
        found = plan_region(members, budget, crew=Crew(workers=2))
    demand = sum(len(plan.demand) for plan in found.plans)
    figures.add(f"{count} cities: demand points", demand, "")
    figures.add(f"{count} cities: poses", found.n_poses, "")
    figures.add(f"{count} cities on 2 workers", found.runtime_s, "s", "<= 900")
    figures.add(f"{count} cities: certified gap", 100 * found.gap, "%", "<= 2")
    figures.add(f"{count} cities: memory in all", watch.most / 1e9, "GB", "<= 6")
    if not options.quick:
        with Watch(kill_after_s=found.runtime_s / 3) as again:
            killed = plan_region(members, budget, crew=Crew(workers=2))
        figures.add("workers killed midway", float(again.killed > 0), "", ">= 1")
        figures.add("same answer with a worker killed", float(answer(found) == answer(killed)), "", ">= 1")
        figures.add("with a worker killed", killed.runtime_s, "s", "<= 900")
    return figures.close()


if __name__ == "__main__":
    sys.exit(main())
