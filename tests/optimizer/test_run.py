"""The stages are ready before a clock starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.instances import town
from optimizer import solve as strategy
from planning.city import ROOT
from planning.progress import Progress

# What is compiled, by function and kinds of arguments, before and after a solve that passes every stage.
LEFT_OVER = """
import gc
import time
from benchmarks.instances import poles
from optimizer import search
from optimizer.reduce import reduce
from optimizer.run import Run, make_ready
from planning.progress import Progress

def compiled():
    return {(one.py_func.__qualname__, str(kinds)) for one in gc.get_objects() if type(one) is type(search._gain) for kinds in one.signatures}

make_ready(Progress())
before = compiled()
problem = poles(1500, 200, cameras=20)
core = reduce(problem)
run = Run(problem, core, began=time.monotonic(), gap=0.0, time_limit_s=12.0, seed=1, progress=Progress())
run.offer(search.greedy(core))
dual = run.price(3.0)
run.patches(dual.prices, 3.0, turns=1)
run.join(3.0)
run.tiles(dual.prices)
print(len(before), sorted(compiled() - before))
"""


def test_nothing_is_compiled_once_the_clock_runs() -> None:
    """After it is made ready, a solve through every stage compiles nothing."""
    told = subprocess.run([sys.executable, "-c", LEFT_OVER], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    count, _, rest = told.partition(" ")
    assert int(count) >= 10  # those called from Python; what they call is in them
    assert rest == "[]"


@pytest.mark.parametrize(("took_s", "planned"), [(0.0, False), (60.0, True)])
def test_the_time_of_compiling_is_given_back(monkeypatch: pytest.MonkeyPatch, took_s: float, planned: bool) -> None:
    """What it took to get ready is added to the time a plan is given."""
    monkeypatch.setattr(strategy, "make_ready", lambda progress, share: took_s)
    outcome = strategy.solve(town(6_000, 3_600, cameras=20), gap=0.1, time_limit_s=1e-6, progress=Progress())
    assert bool(outcome.gap <= 0.1) is planned
