"""Twenty budgets of the demo city, each with a plan and a bound: `python -m benchmarks.frontier [--quick]`.

The demo city is made data. --quick takes five budgets in 30 s.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.figures import Figures, demo_city
from optimizer.frontier import frontier
from optimizer.phases import phases
from optimizer.plan import make_problem
from optimizer.survey import make_survey
from planning.nouns import Scenario

CRORE = 10_000_000


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 where a figure fell short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    quick = parser.parse_args(arguments).quick
    figures = Figures()
    city = demo_city()
    scenario = Scenario(city=city.name, budget_inr=4 * CRORE)
    problem = make_problem(city, scenario, make_survey(city, scenario))
    count, limit_s = (5, 30.0) if quick else (20, 120.0)
    budgets = [4 * CRORE * (k + 1) // count for k in range(count)]
    frontier(problem, budgets[:1], gap=0.5, time_limit_s=2.0)  # compiles
    began = time.monotonic()
    found = frontier(problem, budgets, gap=0.005, time_limit_s=limit_s)
    taken_s = time.monotonic() - began
    for point in found.points:
        figures.add(f"gap at {point.budget / CRORE:.1f} crore", 100 * point.gap, "%", "<= 0.5")
        figures.add(f"covered at {point.budget / CRORE:.1f} crore", 100 * point.objective / problem.total, "% of weight")
    figures.add(f"worst gap of {count} budgets", max(100 * point.gap for point in found.points), "%", "<= 0.5")
    figures.add(f"{count} budgets", taken_s, "s", f"<= {1.03 * limit_s:g}")
    if not quick:
        nested = phases(problem, [CRORE, 2 * CRORE, 4 * CRORE], time_limit_s=20.0)
        for phase in nested.phases:
            figures.add(f"price of nesting at {phase.budget / CRORE:.0f} crore", 100 * phase.nesting / problem.total, "% of weight")
    return figures.close()


if __name__ == "__main__":
    sys.exit(main())
