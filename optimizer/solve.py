"""The strategy, in one straight line: reduce, search, bound, program; each can be the last when time is up.

The bound always belongs to the full problem, rules included: it comes from the Lagrangian over every pose, or from the program where that held every
pose. What is returned is never worse than the greedy plan.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import numpy as np

from optimizer import bounds, neighbourhood, program, search
from optimizer.problem import Ints, Problem
from optimizer.reduce import Core, reduce
from planning.errors import Fault, Infeasible
from planning.money import say_rupees
from planning.workers import Progress

SMALL = 400  # poses up to which the whole problem is one quick program
WHOLE = 3_000  # poses up to which the program after the bound holds them all, and so may lower the bound too
POOL = 1_000  # poses the first program chooses from: those the prices picked most
SHARE_BOUND = 0.4  # of the time goes to the bound at most


@dataclass(frozen=True, eq=False)
class Outcome:
    """The answer and its proof.

    `chosen`: rows of the problem's poses, sorted; `objective`, `bound`: covered weight, and what no plan can exceed; `gap` = bound / objective - 1;
    `termination`: `within gap` or `time limit` or `no better found`; `stages_s`: seconds each stage took.
    """

    chosen: Ints
    objective: float
    bound: float
    gap: float
    runtime_s: float
    termination: str
    stages_s: tuple[tuple[str, float], ...]


class _Run:
    """One solve under way: the best plan so far, the bound so far, and the clock."""

    def __init__(self, problem: Problem, core: Core, *, began: float, gap: float, time_limit_s: float, seed: int, progress: Progress) -> None:
        self.problem, self.core, self.wanted, self.seed, self.progress = problem, core, gap, seed, progress
        self.ends = began + time_limit_s
        self.best: Ints | None = None
        self.value = -np.inf
        self.bound = core.base + float(core.weight.sum())
        self.stages: list[tuple[str, float]] = []
        self._mark = began

    @property
    def left_s(self) -> float:
        return max(self.ends - time.monotonic(), 0.0)

    @property
    def gap(self) -> float:
        return self.bound / self.value - 1 if self.value > 0 else (0.0 if self.bound <= 0 else np.inf)

    @property
    def done(self) -> bool:
        return self.best is not None and self.bound - self.value <= max(self.wanted * self.value, 1e-9 * abs(self.bound))

    def offer(self, rows: Ints) -> None:
        """Take this plan where it keeps every rule and is better; what money is left over is spent first."""
        rows = search.greedy(self.core, start_with=rows)
        chosen = np.sort(np.concatenate([self.core.fixed, self.core.pose[rows]]))
        value = search.value(self.core, rows)
        if value > self.value and not self.problem.broken(chosen):
            self.best, self.value = rows, value

    def stage(self, name: str) -> None:
        """The stage that just ended took the time since the one before."""
        now = time.monotonic()
        self.stages.append((name, now - self._mark))
        self._mark = now

    def tell(self, share: float) -> None:
        """The gap so far, to whoever waits."""
        note = f"gap {100 * self.gap:.2f} %" if np.isfinite(self.gap) else ""
        self.progress.step("optimize", share, note)


def solve(problem: Problem, *, gap: float = 0.005, time_limit_s: float = 45.0, seed: int = 1, progress: Progress = Progress()) -> Outcome:  # noqa: B008
    """The best plan found in the time, with a bound that holds for every plan.

    Parameters
    ----------
    gap: relative gap at which to stop early.
    time_limit_s: for the whole solve [s].
    seed: of the neighbourhood search; equal seeds and enough time give equal plans.
    progress: told the gap; may stop the work.

    Raises
    ------
    Infeasible: `floor.unreachable` where a ward's floor lies above what all poses together could see, `floor.budget` where no plan within the budget
    was found that reaches all floors, `keep.budget`, `keep.site` where the kept cameras alone break a limit.
    """
    began = time.monotonic()
    _check_kept(problem)
    core = reduce(problem)
    _check_floors(problem)
    if not _within_reach(problem, core):
        raise _no_plan(problem, core)
    run = _Run(problem, core, began=began, gap=gap, time_limit_s=time_limit_s, seed=seed, progress=progress)
    run.stage("reduce")
    run.offer(search.greedy(core))
    run.stage("greedy")
    run.tell(0.1)
    if not run.done and core.n_poses > SMALL:
        _bound_and_merge(run)
    elif not run.done:
        _whole(run)
    if run.best is None:
        raise _no_plan(problem, core)
    chosen = np.sort(np.concatenate([core.fixed, core.pose[run.best]])).astype(np.int64)
    bound = max(run.bound, run.value)
    ended = "within gap" if run.done else "time limit" if run.left_s <= 0.5 else "no better found"
    return Outcome(chosen, run.value, bound, bound / run.value - 1 if run.value > 0 else 0.0, time.monotonic() - began, ended, tuple(run.stages))


def _whole(run: _Run) -> None:
    """A small problem: the program over every pose finds the plan and proves it."""
    everything = np.arange(run.core.n_poses)
    answer = program.solve(run.core, everything, time_limit_s=run.left_s, gap=run.wanted, start=run.best)
    if answer.chosen is not None:
        run.offer(answer.chosen)
    if np.isfinite(answer.bound):
        run.bound = min(run.bound, answer.bound)
    run.stage("program")


def _bound_and_merge(run: _Run) -> None:
    """Prices first; then a program over the poses they picked, which joins the best parts of many plans; then patches of town."""
    core = run.core
    budget_s = run.left_s

    def look(dual: bounds.Dual, lately: Ints) -> float:
        run.bound = min(run.bound, dual.bound)
        pool = lately > 0
        if run.best is not None:
            pool[run.best] = True
        run.offer(search.greedy(core, allowed=pool))
        run.tell(0.1 + 0.5 * (1 - run.left_s / max(budget_s, 1e-9)))
        return run.value if np.isfinite(run.value) else core.base

    incumbent = run.value if np.isfinite(run.value) else core.base
    started = search.coverage(core, run.best if run.best is not None else np.empty(0, dtype=np.int64)).astype(np.int64)
    # Half the wanted gap is left to the plan's side.
    dual = bounds.lagrangian(core, incumbent, started=started, time_limit_s=SHARE_BOUND * budget_s, gap=run.wanted / 2, look=look,
                             stopped=lambda: run.progress.stopped)  # fmt: skip
    run.bound = min(run.bound, dual.bound)
    run.stage("bound")
    run.tell(0.7)
    if run.done or run.left_s < 0.5 or not dual.picks.any():
        return
    if core.n_poses <= WHOLE:
        _whole(run)
        return
    often = np.sort(dual.picks[dual.picks > 0])[::-1]
    pool = _with(run, np.nonzero(dual.picks >= often[min(POOL, len(often)) - 1])[0])
    answer = program.solve(core, pool, time_limit_s=0.5 * run.left_s, gap=run.wanted / 4, start=run.best)
    if answer.chosen is not None:
        run.offer(answer.chosen)
    run.stage("program")
    run.tell(0.75)
    _patches(run, _with(run, np.nonzero(dual.picks > 0)[0]))
    run.stage("neighbourhoods")


def _with(run: _Run, rows: Ints) -> Ints:
    """These rows and those of the best plan, sorted."""
    return np.unique(rows if run.best is None else np.concatenate([rows, run.best]))


def _patches(run: _Run, candidates: Ints) -> None:
    """Patch by patch, until the gap or the time is reached."""
    if run.best is None:
        return
    ground = neighbourhood.prepare(run.core, candidates)
    rng = np.random.default_rng(run.seed)
    began_s = run.left_s
    while not run.done and run.left_s > 0.3:
        again = neighbourhood.replan(run.core, ground, run.best, neighbourhood.patch(ground, rng), time_limit_s=run.left_s)
        if again is not None:
            run.offer(again)
        run.tell(0.75 + 0.25 * (1 - run.left_s / began_s))


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
    return not (problem.ward_short(problem.seen(np.concatenate([core.fixed, core.pose]))) > 0).any()


def _check_floors(problem: Problem) -> None:
    """Floors no budget could reach: what all allowed poses together see falls short."""
    least = problem.limits.ward_least
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


def _no_plan(problem: Problem, core: Core) -> Infeasible:
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
