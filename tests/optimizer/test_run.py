"""The stages are ready before a clock starts."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from benchmarks.instances import town
from optimizer import solve as strategy
from planning.city import ROOT

# What is compiled, by function and kinds of arguments, before and after a solve and a covering that pass every stage.
LEFT_OVER = """
import gc
import time
from benchmarks.instances import poles
from optimizer import search
from optimizer.cover import _go_through, cover
from optimizer.reduce import reduce
from optimizer.run import Run, make_ready
from planning.progress import Progress

def compiled():
    return {(one.py_func.__qualname__, str(kinds)) for one in gc.get_objects() if type(one) is type(search._gain) for kinds in one.signatures}

make_ready(Progress())
_go_through()
before = compiled()
problem = poles(1500, 200, cameras=20)
core = reduce(problem)
run = Run(problem, core, began=time.monotonic(), gap=0.0, time_limit_s=12.0, seed=1, progress=Progress())
run.offer(search.greedy(core))
dual = run.price(3.0)
run.patches(dual.prices, 3.0, turns=1)
run.join(3.0)
run.tiles(dual.prices)
cover(problem, 0.5 * problem.total, gap=0.0, time_limit_s=4.0)
print(len(before), sorted(compiled() - before))
"""


def test_nothing_is_compiled_once_the_clock_runs() -> None:
    """After it is made ready, a solve or a covering through every stage compiles nothing."""
    told = subprocess.run([sys.executable, "-c", LEFT_OVER], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    count, _, rest = told.partition(" ")
    assert int(count) >= 10  # those called from Python; what they call is in them
    assert rest == "[]"


def test_the_clock_starts_when_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it takes to get ready is no part of a solve's time."""
    now = [1000.0]
    monkeypatch.setattr(strategy, "make_ready", lambda progress: now.__setitem__(0, now[0] + 500.0))
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    outcome = strategy.solve(town(6_000, 3_600, cameras=20), gap=0.1, time_limit_s=45.0)
    assert outcome.gap <= 0.1
    assert outcome.runtime_s == 0.0
