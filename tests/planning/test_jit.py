"""The one door to numba, which must not mistake our `coverage` for coverage.py."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from planning.city import ROOT
from planning.jit import jit, parallel_jit, prange, threads


@jit
def _sum_of_squares(values: Any) -> float:
    total = 0.0
    for value in values:
        total += value * value
    return total


@parallel_jit
def _squares(values: Any, out: Any) -> None:
    for i in prange(len(values)):
        out[i] = values[i] * values[i]


def test_compiled_code_computes_as_written() -> None:
    """A compiled function gives what Python gives, in the order written: no reordering of a float sum."""
    values = np.random.default_rng(1).random(1_001) * 10.0 ** (np.arange(1_001) % 17)
    total = 0.0
    for value in values:
        total += value * value
    assert _sum_of_squares(values) == total


def test_a_parallel_loop_fills_every_row() -> None:
    """Each iteration owns what it writes, however many threads there are."""
    values, out = np.arange(10_007, dtype=float), np.zeros(10_007)
    _squares(values, out)
    assert (out == values * values).all()
    assert threads() >= 1


@pytest.mark.parametrize("first", ["coverage.optics", "planning.jit", "coverage.sight"])
def test_our_coverage_is_ours_whatever_comes_first(first: str) -> None:
    """In a fresh interpreter, from whichever side numba is reached, `coverage` is our folder before and after, and a kernel compiles."""
    code = (
        f"import importlib; importlib.import_module({first!r})\n"
        "import coverage, coverage.sight, planning.jit\n"
        "from pathlib import Path\n"
        f"assert Path(coverage.__file__).parent == Path({str(ROOT / 'coverage')!r}), coverage.__file__\n"
        "import coverage.optics as again; assert again.focal_px(2560, 90.0) > 1279\n"
        "print(planning.jit.threads())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1
