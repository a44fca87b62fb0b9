"""Many cities, one budget: each city a task of its own, the money shared out by a coordinator that knows only their curves.

A city's curve is what `frontier` says of it: plans at a few budgets, and the lines that bound every budget. The coordinator gives each next rupee to
the city whose bound rises most with it (Fox 1966: for concave curves that is the best there is), and sums the bounds into one for the region: no
division of the money can lie above it. Then each city is planned at its share. Effort is counted in turns of the search, not in seconds, so the
answer does not depend on how many workers there are, which of them did what, or whether one died on the way.
"""

from __future__ import annotations

import dataclasses
import itertools
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.frontier import frontier
from optimizer.plan import finish, make_problem
from optimizer.problem import Floats
from optimizer.solve import solve
from optimizer.survey import make_survey
from planning.city import City
from planning.errors import Fault, ScenarioError
from planning.nouns import Plan, Scenario
from planning.progress import Progress
from planning.team import Crew, Team

SHARES = (0.4, 0.7, 1.0, 1.4, 2.0)  # of its even share, at which a city's curve is taken
TURNS = 2  # of the search, at each budget
PATIENCE_S = 86_400.0


@dataclass(frozen=True)
class Member:
    """One city of a region: its folder, and the wish, whose budget is the region's."""

    folder: str
    scenario: Scenario


@dataclass(frozen=True, eq=False)
class Curve:
    """A city's answer to the coordinator. `budgets` [INR], `values` (n,) of its plans; `lines` (m, 2): constant and slope of bounds; `before`: worth
    without a rupee; `weight` all there is; sizes and the worker's peak memory [bytes] for the record.
    """

    budgets: tuple[int, ...]
    values: tuple[float, ...]
    lines: Floats
    before: float
    weight: float
    n_demand: int
    n_poses: int
    peak_bytes: int

    def bound(self, budget: float) -> float:
        """What no plan of the city within this budget can exceed."""
        return float((self.lines[:, 0] + self.lines[:, 1] * budget).min())


@dataclass(frozen=True, eq=False)
class RegionPlan:
    """A plan for each city, in the region's order; each city's share [INR]; the region's worth, bound and gap; poses chosen from; runtime [s]; the
    largest memory any one process used [bytes].
    """

    plans: tuple[Plan, ...]
    shares: tuple[int, ...]
    objective: float
    bound: float
    gap: float
    n_poses: int
    runtime_s: float
    peak_bytes: int


def plan_region(members: Sequence[Member], budget: int, *, crew: Crew = Crew(), progress: Progress = Progress()) -> RegionPlan:  # noqa: B008
    """The best plans found for many cities that share one capital budget.

    Parameters
    ----------
    members: no two of one folder; yearly budgets and floors hold in each city by itself.
    budget: [INR], for all of them.
    crew: who does the work.

    Raises
    ------
    ScenarioError: `region.members` where there are none or one is there twice, `region.budget` where the budget is not above 0; as `make_plan`.
    Infeasible: as `solve`, in a city at its least share.
    """
    began = time.monotonic()
    _check(members, budget)
    even = budget / len(members)
    budgets = [max(int(share * even), 1) for share in SHARES]
    with crew.open() as team:
        curves = team.ordered(_curve, [(member, budgets) for member in members], stage="curves", progress=progress.part(0.0, 0.55))
        shares, _ = share_out(curves, budget, least=budgets[0])
        outcomes = _plans(team, members, shares, progress.part(0.55, 1.0))
    # The plans' own lines are closer at their shares than the curves were.
    better = [dataclasses.replace(curve, lines=np.vstack([curve.lines, lines])) for curve, (_, lines, _, _) in zip(curves, outcomes, strict=True)]
    _, bound = share_out(better, budget, least=0)
    objective = sum(value for _, _, value, _ in outcomes)
    bound = max(bound, objective)
    peak = max([curve.peak_bytes for curve in curves] + [peak for _, _, _, peak in outcomes])
    return RegionPlan(
        tuple(plan for plan, _, _, _ in outcomes), tuple(shares), objective, bound, bound / objective - 1 if objective > 0 else 0.0,
        sum(curve.n_poses for curve in curves), time.monotonic() - began, peak,
    )  # fmt: skip


def _check(members: Sequence[Member], budget: int) -> None:
    faults = []
    if not members:
        faults.append(Fault("region.members", "There is no city", "Give at least one", ""))
    folders = [member.folder for member in members]
    twice = sorted({folder for folder in folders if folders.count(folder) > 1})
    if twice:
        faults.append(Fault("region.members", "A city is there twice", "Give each once", ", ".join(twice)))
    if budget <= 0:
        faults.append(Fault("region.budget", "The budget must be above 0", "Give an amount such as 20crore", str(budget)))
    if faults:
        raise ScenarioError(faults)


def share_out(curves: Sequence[Curve], budget: int, *, least: int) -> tuple[list[int], float]:
    """Each city's share [INR], at least `least`, and a bound on the sum of their worths under any division of the budget.

    The lowest of a city's lines is concave in money, so giving each next rupee where it raises the bound most is exact; the shares follow from it.
    """
    pieces = []
    shares = [float(least)] * len(curves)
    bound = 0.0
    for row, curve in enumerate(curves):
        at = _corners(curve.lines, float(least), float(budget))
        bound += curve.bound(float(least))
        pieces += [((curve.bound(b) - curve.bound(a)) / (b - a), row, b - a) for a, b in itertools.pairwise(at) if b > a]
    left = float(budget - least * len(curves))
    for slope, row, width in sorted(pieces, key=lambda piece: (-piece[0], piece[1])):
        taken = min(width, left)
        if taken <= 0 or slope <= 0:
            break
        shares[row] += taken
        bound += slope * taken
        left -= taken
    return [int(share) for share in shares], bound


def _corners(lines: Floats, first: float, last: float) -> list[float]:
    """Where the lowest of the lines changes, between two budgets, these included."""
    values = lines[:, 0] + lines[:, 1] * first
    low = lines[np.lexsort((lines[:, 1], values))[0]]
    corners = [first]
    while True:
        # The next line to be lowest is the flatter one that is met first; the loop ends since each is flatter than the one before.
        flatter = lines[lines[:, 1] < low[1]]
        meets = np.maximum((flatter[:, 0] - low[0]) / (low[1] - flatter[:, 1]), corners[-1])
        if not len(meets) or meets.min() >= last:
            return [*corners, last]
        row = int(np.lexsort((flatter[:, 1], meets))[0])
        corners.append(float(meets[row]))
        low = flatter[row]


def _curve(task: tuple[Member, list[int]]) -> Curve:
    """A city's curve; the survey is the task's own and goes with it."""
    member, budgets = task
    city = City.load(member.folder)
    problem = make_problem(city, dataclasses.replace(member.scenario, budget_inr=budgets[-1]), make_survey(city, member.scenario))
    found = frontier(problem, budgets, gap=member.scenario.gap, time_limit_s=PATIENCE_S, seed=member.scenario.seed, turns=TURNS)
    kept = np.nonzero(problem.limits.keep)[0]
    return Curve(
        tuple(budgets), tuple(point.objective for point in found.points), _envelope(found.lines, float(budgets[-1])), problem.value(kept),
        problem.total, len(problem.weight), problem.n_poses, peak_bytes(),
    )  # fmt: skip


def _envelope(lines: Floats, most: float) -> Floats:
    """Those of the lines that are lowest somewhere, on a fine grid of budgets."""
    at = np.linspace(0.0, 2 * most, 2_000)
    lowest = (lines[:, :1] + lines[:, 1:] * at).argmin(axis=0)
    kept: Floats = lines[np.unique(lowest)]
    return kept


def peak_bytes() -> int:
    """The most memory this process has used."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1_024 * most


def _plans(team: Team, members: Sequence[Member], shares: list[int], progress: Progress) -> list[tuple[Plan, Floats, float, int]]:
    tasks = [
        dataclasses.replace(member, scenario=dataclasses.replace(member.scenario, budget_inr=share, time_limit_s=PATIENCE_S))
        for member, share in zip(members, shares, strict=True)
    ]
    return team.ordered(_plan, tasks, stage="plans", progress=progress)


def _plan(member: Member) -> tuple[Plan, Floats, float, int]:
    """A city's plan at its share, verified; a line that bounds it, its worth, and the worker's peak memory."""
    began, scenario = time.monotonic(), member.scenario
    city = City.load(member.folder)
    survey = make_survey(city, scenario)
    problem = make_problem(city, scenario, survey)
    outcome = solve(problem, gap=scenario.gap, time_limit_s=scenario.time_limit_s, seed=scenario.seed, turns=TURNS)
    return finish(city, scenario, survey, problem, outcome, began=began), outcome.lines, outcome.objective, peak_bytes()
