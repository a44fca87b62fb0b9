"""Peers of the optimizer, run in a venv of their own and given the same matrix: spopt's maximal covering, and plain PuLP with HiGHS.

The venv stands in `.venv/peers`, is made on first use and goes with `make clean`. spopt 0.8 needs Python 3.12; below, 0.7 is taken, whose maximal
covering is the same line for line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from optimizer.problem import Ints, Problem
from optimizer.reduce import reduce
from planning.city import ROOT

VENV = ROOT / ".venv" / "peers"
PINS = ("spopt==0.8.0" if sys.version_info >= (3, 12) else "spopt==0.7.0", "pulp==3.3.2", "highspy==1.15.1")


class PeerMissing(RuntimeError):
    """The peer could not be installed or did not answer; says why."""


@dataclass(frozen=True, eq=False)
class Peer:
    """What a peer answered: `chosen` rows of the problem, their `value`, the `bound` it proved (infinite where none), times and peak memory."""

    chosen: Ints
    value: float
    bound: float
    build_s: float
    solve_s: float
    peak_gb: float

    @property
    def gap(self) -> float:
        """The bound over the value, less 1."""
        return self.bound / self.value - 1 if self.value > 0 else np.inf


def installed() -> bool:
    """Whether the venv is there, whole and of these versions."""
    mark = VENV / "pins.txt"
    return mark.is_file() and mark.read_text(encoding="utf-8") == " ".join(PINS)


def install() -> None:
    """Make the venv where it is not there. Raises PeerMissing."""
    if installed():
        return
    python = str(VENV / "bin" / "python")
    commands = ([sys.executable, "-m", "venv", "--clear", str(VENV)], [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PINS])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerMissing(f"{' '.join(PINS)} could not be installed: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]}")
    (VENV / "pins.txt").write_text(" ".join(PINS), encoding="utf-8")


def spopt(problem: Problem, *, time_limit_s: float) -> Peer:
    """What spopt's MCLP finds with PuLP and HiGHS; every pose must cost 1 and no site anything. Raises PeerMissing."""
    rows = {"shape": problem.covers.shape, "indptr": problem.covers.indptr, "indices": problem.covers.indices, "weight": problem.weight}
    answer = _run("mclp", {**rows, "cost": problem.cost}, problem, time_limit_s)
    return _peer(problem, np.array(answer["chosen"], dtype=np.int64), answer)


def plain(problem: Problem, *, time_limit_s: float) -> Peer:
    """The textbook program with PuLP and HiGHS, spared our merging of demand: it is given the merged points. Raises PeerMissing."""
    core = reduce(problem)
    rows = {"shape": (core.n_poses, len(core.weight)), "indptr": core.start, "indices": core.items, "weight": core.weight}
    answer = _run("plain", {**rows, "cost": problem.cost[core.pose]}, problem, time_limit_s)
    return _peer(problem, core.pose[np.array(answer["chosen"], dtype=np.int64)], answer)


def _peer(problem: Problem, chosen: Ints, answer: dict[str, float]) -> Peer:
    broken = problem.broken(chosen)
    if broken:
        raise PeerMissing(f"the peer's plan breaks rules: {broken}")
    bound = np.inf if answer["bound"] is None else answer["bound"]
    return Peer(chosen, problem.value(chosen), bound, answer["build_s"], answer["solve_s"], answer["peak_gb"])


def _run(kind: str, rows: dict[str, object], problem: Problem, time_limit_s: float) -> dict[str, float]:
    """The worker's answer. -P keeps the checkout, whose `coverage` is not the package of that name, out of its way."""
    install()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        np.savez(path, budget=problem.limits.budget, **rows)  # type: ignore[arg-type]
        worker = Path(__file__).with_name("_spopt_worker.py")
        command = [str(VENV / "bin" / "python"), "-P", str(worker), kind, str(path), str(time_limit_s)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode:
        raise PeerMissing(f"the peer failed: {done.stderr.strip().splitlines()[-1:]}")
    answer: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer
