"""Files to verified plan on the demo city, by stage; and what finer bearings buy.

The whole is the real command in a process of its own, and its file is verified by another. The bearings are compared by the same greedy search and
the same money, so that only the choice of poses differs.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figures, demo_city
from coverage.poses import Aim
from optimizer import search
from optimizer.plan import make_problem
from optimizer.reduce import reduce
from optimizer.survey import make_survey
from planning.city import ROOT, City
from planning.export import read_plan
from planning.nouns import Scenario

BUDGET = 20_000_000
AIMS = (
    ("4 even bearings", Aim(streets=False, best=0, fan=4)),
    ("8 even bearings", Aim(streets=False, best=0, fan=8)),
    ("12 even bearings", Aim(streets=False, best=0, fan=12)),
    ("24 even bearings", Aim(streets=False, best=0, fan=24)),
    ("72 even bearings", Aim(streets=False, best=0, fan=72)),
    ("along the streets", Aim(streets=True, best=0, fan=0)),
    ("best sweep", Aim(streets=False, best=1, fan=0)),
    ("streets and 3 best sweeps (as planned)", Aim()),
)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="15 s for the optimizer, four ways of aiming")
    options = parser.parse_args(arguments)
    figures = Figures()
    city = demo_city()
    _whole(figures, city, 15.0 if options.quick else 45.0)
    aims = [AIMS[row] for row in (1, 3, 5, 7)] if options.quick else AIMS
    _bearings(figures, city, aims)
    return figures.close()


def _whole(figures: Figures, city: City, time_limit_s: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "plan.gpkg"
        chaukas = [sys.executable, str(ROOT / "cli.py")]
        command = [*chaukas, "plan", city.name, "--budget", "2crore", "--out", str(out), "--time", str(time_limit_s)]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        whole = time.perf_counter() - began
        plan = read_plan(out)
        began = time.perf_counter()
        said = subprocess.run([*chaukas, "verify", str(out)], check=True, capture_output=True, text=True).stdout
        verify = time.perf_counter() - began
    for stage, seconds in plan.stages_s:
        figures.add(f"stage {stage}", seconds, "s")
    figures.add("chaukas plan bilaspur --budget 2crore, whole process", whole, "s", "<= 90")
    figures.add("chaukas verify, whole process", verify, "s")
    figures.add("cameras", len(plan.cameras), "cameras")
    figures.add("sites", len(plan.sites), "sites")
    figures.add("spent of the budget", 100 * plan.cost_inr / BUDGET, "%", "<= 100")
    figures.add("coverage before", 100 * plan.scorecard.before, "%")
    figures.add("coverage after", 100 * plan.scorecard.after, "%")
    figures.add("no plan can exceed", 100 * plan.proof.bound, "%")
    figures.add("certified gap", 100 * plan.proof.gap, "%")
    found = re.search(r"([\d.]+) % after", said)
    assert found is not None
    figures.add("stated less verified coverage, absolute", abs(100 * plan.scorecard.after - float(found[1])), "% points", "<= 0.01")


def _bearings(figures: Figures, city: City, aims: list[tuple[str, Aim]] | tuple[tuple[str, Aim], ...]) -> None:
    """Coverage by the greedy search at one budget, for each way of aiming."""
    scenario = Scenario(city.name, BUDGET)
    for name, aim in aims:
        survey = make_survey(city, scenario, aim=aim)
        problem = make_problem(city, scenario, survey)
        core = reduce(problem)
        figures.add(f"greedy coverage, {name}", 100 * search.value(core, search.greedy(core)) / problem.total, "%")
        figures.add(f"poses, {name}", len(survey.poses) / 1e3, "thousand")


if __name__ == "__main__":
    sys.exit(main())
