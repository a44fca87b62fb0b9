"""Solvers of small problems by trying all plans: one exact, one that finds poor plans under loose bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.problem import Ints, Problem
from optimizer.solve import Outcome
from planning.errors import Infeasible
from tests.optimizer.toys import lawful


def by_trying_all(problem: Problem, **options: Any) -> Outcome:
    """The best of all plans, proven."""
    plans, values = lawful(problem)
    return outcome(problem, plans, int(np.argmax(values)) if len(values) else -1, 0.0)


def poorly(problem: Problem, *, seed: int = 1, **options: Any) -> Outcome:
    """Some lawful plan, under a bound somewhat above the best."""
    plans, values = lawful(problem)
    if not len(values):
        return outcome(problem, plans, -1, 0.0)
    rng = np.random.default_rng([seed, len(values)])
    row = int(rng.integers(len(values)))
    return outcome(problem, plans, row, float(values.max() - values[row] + rng.random() * problem.total / 5))


def outcome(problem: Problem, plans: Any, row: int, above: float) -> Outcome:
    """One of these plans with a bound so far above it; row -1 for none."""
    if row < 0:
        raise Infeasible.one("floor.budget", "No plan keeps every rule", "Change a rule")
    chosen = np.nonzero(plans[row])[0].astype(np.int64)
    value = problem.value(chosen)
    return Outcome(chosen, value, value + above, above / value if value > 0 else 0.0, 0.0, "within gap", (), np.array([[value + above, 0.0]]))


def some_plan(problem: Problem, seed: int) -> Ints | None:
    """Some lawful plan of a problem, None where there is none."""
    plans, _ = lawful(problem)
    if not len(plans):
        return None
    return np.nonzero(plans[np.random.default_rng([seed, 7]).integers(len(plans))])[0].astype(np.int64)
