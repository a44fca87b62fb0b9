"""The strategy, in one straight line; every stage can be the last when time is up.

    reduce -> greedy -> bound (prices) -> patches (under those prices) -> program (joins the plans found, every rule a row) -> tiles (closer bound)

The bound always belongs to the full problem, rules included: it comes from the Lagrangian over every pose, by site or by tile, or from the program
where that held every pose. What is returned is never worse than the greedy plan.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import numpy as np

from optimizer import search
from optimizer.problem import Floats, Ints, Problem
from optimizer.reduce import Core, reduce
from optimizer.run import Run, make_ready
from planning.errors import Fault, Infeasible
from planning.money import say_rupees
from planning.progress import Progress

SMALL = 400  # poses up to which the whole problem is one quick program
WHOLE = 3_000  # poses up to which the program after the bound holds them all, and so may lower the bound too
IDLE_TURNS = 10**6  # of the search: as many as time allows
SHARE_BOUND, SHARE_PATCHES, SHARE_PROGRAM = 0.4, 0.45, 0.05  # of the time goes to each at most


@dataclass(frozen=True, eq=False)
class Outcome:
    """The answer and its proof.

    `chosen`: rows of the problem's poses, sorted; `objective`, `bound`: covered weight, and what no plan can exceed; `gap` = bound / objective - 1;
    `termination`: `within gap` or `time limit` or `no better found`; `stages_s`: seconds each stage took;
    `lines` (n, 2): no plan within any capital budget b [INR] is worth more than the lowest of constant + slope x b.
    """

    chosen: Ints
    objective: float
    bound: float
    gap: float
    runtime_s: float
    termination: str
    stages_s: tuple[tuple[str, float], ...]
    lines: Floats


def solve(
    problem: Problem, *, gap: float = 0.005, time_limit_s: float = 45.0, seed: int = 1, turns: int | None = None,
    progress: Progress = Progress(),  # noqa: B008
) -> Outcome:  # fmt: skip
    """The best plan found in the time, with a bound that holds for every plan.

    Parameters
    ----------
    gap: relative gap at which to stop early.
    time_limit_s: for the whole solve [s]; what a machine's first run takes to compile the code does not count.
    seed: of the neighbourhood search; equal seeds and enough time give equal plans.
    turns: of the search at most, so that equal input ends equally on any machine whose time does not run out.
    progress: told the gap; may stop the work.

    Raises
    ------
    Infeasible: `floor.unreachable` where a ward's floor lies above what all poses together could see, `floor.budget` where no plan within the budget
    was found that reaches all floors, `keep.budget`, `keep.site` where the kept cameras alone break a limit.
    """
    if problem.covers.shape[0] > SMALL:
        make_ready(progress)
    began = time.monotonic()
    check_feasible(problem)
    core = reduce(problem)
    if not _within_reach(problem, core):
        raise no_plan(problem, core)
    run = Run(problem, core, began=began, gap=gap, time_limit_s=time_limit_s, seed=seed, progress=progress)
    run.stage("reduce")
    run.offer(search.greedy(core))
    run.stage("greedy")
    run.tell(0.1)
    if not run.done and core.n_poses > SMALL:
        _large(run, turns)
    elif not run.done:
        run.whole()
    if run.best is None:
        raise no_plan(problem, core)
    chosen = run.chosen(run.best)
    bound = max(run.bound, run.value)
    ended = "within gap" if run.done else "time limit" if run.left_s <= 0.5 else "no better found"
    left_over = bound / run.value - 1 if run.value > 0 else 0.0
    return Outcome(chosen, run.value, bound, left_over, time.monotonic() - began, ended, tuple(run.stages), run.lines)


def _large(run: Run, turns: int | None) -> None:
    """Prices first; then the plan improved under them, patch by patch; the plans found joined; and the bound closed tile by tile."""
    whole_s = run.left_s
    if run.core.n_poses <= WHOLE:
        # Many a middling problem is a short program; the prices have their turn where it is not.
        run.whole(0.1 * whole_s)
        if run.done:
            return
    dual = run.price(SHARE_BOUND * whole_s)
    if run.done or run.left_s < 0.2 or not dual.picks.any():
        return
    # What the bound left of its time goes to patches and tiles alike.
    run.patches(dual.prices, SHARE_PATCHES / (1 - SHARE_BOUND) * run.left_s, turns=IDLE_TURNS if turns is None else turns)
    if not run.done:
        run.join(min(SHARE_PROGRAM * whole_s, run.left_s))
    if not run.done and run.left_s > 0.1:
        run.tiles(dual.prices)
    if not run.done and run.left_s > 0.2 and run.core.n_poses <= WHOLE:
        run.whole()


def check_feasible(problem: Problem) -> None:
    """Refuse what no plan could hold: kept cameras that break a limit, floors beyond what all poses see.

    Raises
    ------
    Infeasible: as `solve`.
    """
    _check_kept(problem)
    _check_floors(problem)


def _check_kept(problem: Problem) -> None:
    limits = problem.limits
    fixed = np.nonzero(limits.keep)[0]
    capital, yearly = problem.spent(fixed)
    faults = []
    if capital > limits.budget:
        value = f"{say_rupees(capital)} of {say_rupees(limits.budget)}"
        faults.append(Fault("keep.budget", "The kept cameras alone cost more than the budget", "Keep fewer, or raise the budget", value))
    if limits.yearly is not None and yearly > limits.yearly:
        value = f"{say_rupees(yearly)} of {say_rupees(limits.yearly)} a year"
        faults.append(Fault("keep.budget", "The kept cameras alone cost more a year than allowed", "Keep fewer, or raise the yearly budget", value))
    most = int(np.bincount(problem.site[fixed]).max(initial=0)) if len(fixed) else 0
    if most > limits.per_site:
        faults.append(Fault("keep.site", f"{most} kept cameras share a site", "Allow more cameras a site, or keep fewer", str(limits.per_site)))
    if faults:
        raise Infeasible(faults)


def _within_reach(problem: Problem, core: Core) -> bool:
    """Whether all poses together that can be paid singly reach every floor."""
    if not problem.limits.ward_least.any():
        return True
    return not (problem.ward_short(problem.seen(np.concatenate([core.fixed, core.pose]))) > 0).any()


def _check_floors(problem: Problem) -> None:
    """Floors no budget could reach: what all allowed poses together see falls short."""
    least = problem.limits.ward_least
    if not least.any():
        return
    seen = problem.seen(np.nonzero(~problem.limits.forbid)[0])
    lacks = problem.ward_short(seen)
    short = np.nonzero(lacks > 0)[0]
    if not len(short):
        return
    inside = problem.ward >= 0
    totals = np.bincount(problem.ward[inside], weights=problem.weight[inside], minlength=len(least))
    totals = np.where(totals > 0, totals, 1.0)
    most = (least - lacks) / totals
    raise Infeasible(
        Fault(
            "floor.unreachable",
            f"{problem.limits.ward_name(int(w))}: all allowed cameras together could cover {100 * most[w]:.1f} % of it",
            f"Lower the floor to {100 * float(most[short].min()):.0f} %, or allow more models or heights, or a coarser level",
            f"{100 * least[w] / totals[w]:.1f} %",
        )
        for w in short
    )


def no_plan(problem: Problem, core: Core) -> Infeasible:
    """Say which wards stay short, and the largest share of every floor for which the greedy search finds a plan."""
    limits = problem.limits
    short = problem.ward_short(problem.seen(np.concatenate([core.fixed, core.pose[search.greedy(core)]])))
    low, high = 0.0, 1.0
    already = limits.ward_least - core.ward_least
    for _ in range(8):
        middle = (low + high) / 2
        easier = dataclasses.replace(core, ward_least=np.maximum(limits.ward_least * middle - already, 0.0))
        low, high = (middle, high) if search.floors_hold(easier, search.greedy(easier)) else (low, middle)
    wards = ", ".join(limits.ward_name(int(w)) for w in np.nonzero(short > 0)[0][:10])
    what = f"No plan within the budget was found that reaches every ward's floor; still short: {wards}"
    lower = (
        f", or lower the floor to {100 * low:.0f} % of what was asked: there a plan was found" if low >= 0.005 else "; no lower floor helped either"
    )
    way_out = f"Raise the budget{lower}"
    return Infeasible.one("floor.budget", what, way_out, f"{int((short > 0).sum())} wards")
