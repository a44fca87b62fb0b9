"""The cheapest plan that covers what is wanted: `solve` asked from the other side.

    minimise   capital cost of the chosen poses, a site's paid once
    subject to covered weight >= wanted, existing cameras included, and all rules of the problem but its capital budget

Weight counts once, from the first view; second views and privacy prices say what is best for a budget and are not looked at here.

Where all that can be seen is wanted, it is a set covering: reductions, local search with row weights, Lagrangian bound (`setcover`, `weighting`).
Where part is, the same bound says where the budget lies, and `solve` what single budgets cover: what falls a little short is made up, what has more
than enough is spared. A program proves small problems.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import time
from dataclasses import dataclass

import numpy as np

from optimizer import program, search, setcover
from optimizer import solve as strategy
from optimizer.problem import Ints, Problem
from optimizer.reduce import Core, reduce
from optimizer.run import make_ready, tiny_problem
from optimizer.weighting import Search
from planning.errors import Infeasible, ScenarioError
from planning.money import say_rupees
from planning.progress import Progress

SMALL = 400  # poses up to which the program alone is quick
PROVABLE = 100_000  # pairs of pose and point up to which a program has a chance to prove a full covering
DECIDED = 30_000  # and where part is wanted
ROUNDING = 1e-9  # of all weight: less is no shortfall
PATIENCE = 2_000_000_000  # elementary steps of the local search without a cheaper plan
SHARE_BOUND = 0.3  # of the time goes to the bound at most
STRIDE = 100_000_000  # elementary steps between two looks at the clock
BRIEF = 0.002  # of PATIENCE, for small problems


@dataclass(frozen=True, eq=False)
class Covered:
    """The plan and its proof.

    `chosen`: rows of the problem's poses, sorted; `cost_inr`: their capital cost; `bound_inr`: no plan that covers the wanted costs less; `gap` =
    cost / bound - 1, infinite where only the bound is 0; `covered`: weight seen; `termination`: `within gap` or `time limit` or `no better found`;
    `stages_s`: seconds each stage took.
    """

    chosen: Ints
    cost_inr: int
    bound_inr: int
    gap: float
    covered: float
    runtime_s: float
    termination: str
    stages_s: tuple[tuple[str, float], ...]


class _Run:
    """One search under way: the cheapest plan so far, the bound so far, and the clock. Costs count from nothing, what is kept included [INR]."""

    def __init__(self, problem: Problem, wanted: float, *, gap: float, time_limit_s: float, seed: int, progress: Progress) -> None:
        self.problem, self.wanted, self.gap, self.seed, self.progress = problem, wanted, gap, seed, progress
        self.least = wanted - ROUNDING * max(problem.total, 1e-300)
        self.began = self._mark = time.monotonic()
        self.ends = self.began + time_limit_s
        self.core = setcover.undominated(reduce(problem))
        self.kept = problem.spent(self.core.fixed)[0]
        # Every plan costs what is kept and some multiple of this.
        self.grain = max(int(np.gcd.reduce(np.concatenate([self.core.cost, self.core.site_cost]).astype(np.int64))), 1) if self.core.n_poses else 1
        self.best: Ints | None = None
        self.cost, self.bound = math.inf, self.kept
        self.stages: list[tuple[str, float]] = []
        self._share = 0.0

    @property
    def left_s(self) -> float:
        return max(self.ends - time.monotonic(), 0.0)

    @property
    def done(self) -> bool:
        return self.cost - self.bound <= self.gap * self.bound

    def offer(self, chosen: Ints) -> None:
        """Take this plan (rows of the problem) where it keeps every rule, covers the wanted and is cheaper."""
        chosen = np.sort(chosen).astype(np.int64)
        cost = self.problem.spent(chosen)[0]
        if cost < self.cost and self.problem.value(chosen) >= self.least and not self.problem.broken(chosen):
            self.best, self.cost = chosen, cost

    def offer_rows(self, core: Core, rows: Ints) -> None:
        """Take this plan of a core."""
        self.offer(np.concatenate([core.fixed, core.pose[rows]]))

    def prove(self, cost: float) -> None:
        """No plan costs less than this: the next cost there can be is the bound."""
        if np.isfinite(cost):
            steps = math.ceil((cost * (1 - 1e-12) - self.kept) / self.grain - 1e-6)
            self.bound = max(self.bound, self.kept + self.grain * steps)

    def stage(self, name: str, share: float) -> None:
        """The stage that just ended; how far the whole is."""
        now = time.monotonic()
        self.stages.append((name, now - self._mark))
        self._mark, self._share = now, share
        self.tell()

    def tell(self) -> None:
        """The gap so far, to whoever waits."""
        note = f"gap {100 * (self.cost / self.bound - 1):.2f} %" if self.bound and np.isfinite(self.cost) else ""
        self.progress.step("optimize", self._share, note)


def cover(
    problem: Problem, wanted: float, *, gap: float = 0.005, time_limit_s: float = 45.0, seed: int = 1, progress: Progress = Progress(),  # noqa: B008
) -> Covered:  # fmt: skip
    """The cheapest plan found that covers the wanted weight, with a cost no plan can go below.

    Parameters
    ----------
    wanted: least covered weight, existing cameras included. The capital budget of the problem is not looked at.
    gap: relative gap at which to stop early.
    time_limit_s: for the whole search [s]; compiling does not count, as in `solve`.
    seed: of the local search; equal seeds and enough time give equal plans.
    progress: told the gap; may stop the work.

    Raises
    ------
    ScenarioError: `cover.wanted` where the wanted weight is negative or no number.
    Infeasible: `cover.unreachable` where all allowed poses together, or all that the other rules let stand together, see less; `cover.not_found`
    where no such plan was found and none proven impossible; `floor.unreachable`, `floor.budget`, `keep.budget`, `keep.site` as `solve`.
    """
    if not (np.isfinite(wanted) and wanted >= 0):
        raise ScenarioError.one("cover.wanted", "The coverage wanted is no weight", "Give a number from 0 up", wanted)
    free = _loosened(problem)
    strategy.check_feasible(free)
    if free.n_poses > SMALL:
        make_ready(progress)
        _go_through()
    run = _Run(free, wanted, gap=gap, time_limit_s=time_limit_s, seed=seed, progress=progress)
    core = run.core
    reach = core.base + core.all_weight
    if reach < run.least:
        raise _unreachable(wanted, reach, free.total)
    run.offer(core.fixed)
    run.stage("reduce", 0.05)
    if not run.done and core.n_poses <= SMALL:
        _seek(run, core, _buy(run), BRIEF)
        _prove(run, core)
        run.stage("program", 0.9)
    elif not run.done:
        everything = reach - core.weight.min(initial=np.inf) < run.least
        if everything:
            _all(run)
        # The set covering does not look at yearly cost.
        if not run.done and (not everything or run.best is None or np.isfinite(core.yearly_left)):
            _part(run)
    if run.best is None:
        raise _not_found(run)
    return _told(run)


@functools.cache
def _go_through() -> None:
    """What is compiled of a covering, run once on a tiny problem, as `make_ready` runs the stages of `solve`."""
    core = setcover.shrink(setcover.undominated(reduce(_loosened(tiny_problem()))))
    for wanted in (math.inf, 0.5 * core.all_weight):
        Search(core, search.greedy(_alike(core)), seed=1, wanted=wanted).run(1_000)
        setcover.lower_bound(core, 100.0, wanted, time_limit_s=60.0, enough=lambda _: False, rounds=5)


def _loosened(problem: Problem) -> Problem:
    """The problem with money for everything and nothing to win but first views."""
    everything = int(problem.cost.sum() + problem.site_cost.sum())
    limits = dataclasses.replace(problem.limits, budget=everything)
    return dataclasses.replace(problem, limits=limits, second=np.zeros(len(problem.weight)), penalty=np.zeros(problem.n_poses))


def _told(run: _Run) -> Covered:
    chosen = run.best if run.best is not None else np.empty(0, dtype=np.int64)
    cost = run.problem.spent(chosen)[0]
    gap = cost / run.bound - 1 if run.bound > 0 else (math.inf if cost else 0.0)
    ended = "within gap" if run.done else "time limit" if run.left_s <= 0.5 else "no better found"
    return Covered(chosen, cost, run.bound, gap, run.problem.value(chosen), time.monotonic() - run.began, ended, tuple(run.stages))


def _unreachable(wanted: float, reach: float, total: float) -> Infeasible:
    share = 100 / max(total, 1e-300)
    what = f"All allowed cameras together could cover {reach:.6g}, which is {share * reach:.1f} % of all there is to see"
    way_out = f"Want {reach:.6g} or less, or allow more sites, models, heights or cameras a site, or a coarser level"
    return Infeasible.one("cover.unreachable", what, way_out, f"{wanted:.6g}, {share * wanted:.1f} %")


def _not_found(run: _Run) -> Infeasible:
    """Say how much a plan with money for everything covers; rooms and yearly budgets may forbid the rest."""
    most = strategy.solve(run.problem, gap=0.0, time_limit_s=max(run.left_s, 5.0), seed=run.seed, progress=run.progress)
    if most.bound < run.least:
        return _unreachable(run.wanted, most.objective, run.problem.total)
    cost = say_rupees(run.problem.spent(most.chosen)[0])
    what = f"No plan was found that covers so much; one was found that covers {most.objective:.6g}, for {cost}"
    return Infeasible.one("cover.not_found", what, f"Want {most.objective:.6g} or less, or give more time", f"{run.wanted:.6g}")


def _prove(run: _Run, core: Core) -> None:
    """The program over every pose of a core: the cheapest plan and its proof, as far as time goes."""
    if not core.n_poses or run.left_s < 0.1:
        return
    start = None
    if run.best is not None:
        rows = np.nonzero(np.isin(core.pose, run.best))[0]
        start = rows if len(rows) + len(core.fixed) == len(run.best) else None
    answer = _cheapest(core, run.wanted, run.grain, start=start, time_limit_s=run.left_s, gap=run.gap)
    paid = run.problem.spent(core.fixed)[0]
    if answer.chosen is not None:
        run.offer_rows(core, answer.chosen)
        # A reduced core may hold dearer plans only; HiGHS is exact to about that.
        run.prove(min(paid + answer.bound * (1 - 1e-7), run.cost))
    elif answer.status == "infeasible" and run.best is not None:
        run.prove(run.cost)


def _cheapest(core: Core, wanted: float, grain: float, *, start: Ints | None, time_limit_s: float, gap: float) -> program.Answer:
    """The cheapest rows of the core that cover the wanted weight; `bound` is of what they cost [INR]."""
    problem, x, z = program.build(core, np.arange(core.n_poses))
    left = wanted - core.base
    if left > core.all_weight - core.weight.min(initial=np.inf) * (1 - ROUNDING):
        # Every point then; a row that asks for nearly all its terms can give leads HiGHS astray.
        for variable in problem.variables():
            if variable.name.startswith("y_"):
                variable.lowBound = 1
    elif left > 0:
        problem += problem.objective >= left * program._scale(core), "wanted"
    # Costs in grains are small whole numbers, of which the solver makes use.
    problem.setObjective(-sum([x[p] * (core.cost[p] / grain) for p in x] + [z[s] * (core.site_cost[s] / grain) for s in z]))
    begin = {}
    if start is not None:
        inside, built = set(start.tolist()), set(core.site[start].tolist())
        begin = {variable.name: float(row in rows) for variables, rows in ((x, inside), (z, built)) for row, variable in variables.items()}
    # Read as if all weight were a million: the objective is not scaled.
    plain = dataclasses.replace(core, weight=np.full(1, 1e6), second=np.zeros(1), base=0.0)
    rows = np.array(list(x), dtype=np.int64)
    answer = program._answer(problem, list(x.values()), rows, begin, plain, time_limit_s=time_limit_s, gap=gap)
    return dataclasses.replace(answer, bound=-answer.bound * grain)


def _all(run: _Run) -> None:
    """Everything is wanted that can be seen: set covering."""
    core = setcover.shrink(run.core)
    run.stage("reduce further", 0.1)
    if not len(core.weight):
        run.offer(core.fixed)
        run.prove(run.problem.spent(core.fixed)[0])
    if run.done:
        return
    if not setcover.all_seen(core):
        raise _not_found(run)
    _seek(run, core, search.greedy(_alike(core)), 0.1, whole=True)
    run.stage("search", 0.2)
    paid = run.problem.spent(core.fixed)[0]
    known = run.cost if run.best is not None else paid + float(core.cost.sum() + core.site_cost.sum())

    def enough(bound: float) -> bool:
        run.prove(min(paid + bound, run.cost))
        return run.done or run.progress.stopped

    if run.done:
        return
    dual = setcover.lower_bound(core, known - paid, time_limit_s=SHARE_BOUND * run.left_s, enough=enough)
    run.stage("bound", 0.4)
    if run.done:
        return
    # Such poses are in no plan that is cheaper than the best by a grain.
    useless = paid + dual.bound + dual.lift > run.cost - (1 - 1e-6) * run.grain
    smaller = setcover.shrink(setcover.without(core, useless))
    if not setcover.all_seen(smaller):
        run.prove(run.cost)
        return
    provable = len(smaller.items) <= PROVABLE
    _seek(run, smaller, search.greedy(_alike(smaller)), 1.0 if provable else 20.0, whole=True)
    run.stage("search on", 0.7)
    if not run.done and provable:
        _prove(run, smaller)
        run.stage("program", 0.9)


def _seek(run: _Run, core: Core, plan: Ints, share: float, *, whole: bool = False) -> None:
    """The local search from a plan (rows of the core) until it finds nothing more for so long (`share` of PATIENCE), or time is up.

    What a plan lacks is made up first, what it has too much is spared.
    """
    paid = run.problem.spent(core.fixed)[0]
    seeking = Search(core, plan, seed=run.seed, wanted=math.inf if whole else run.least - core.base)
    patience, told, stride = 0.0, math.inf, int(min(STRIDE, share * PATIENCE))
    while patience < share * PATIENCE and run.left_s > 0.3 and not run.done:
        seeking.run(stride, enough=run.bound - paid)
        patience = patience + stride if seeking.cost >= told else 0
        told = seeking.cost
        if seeking.best is not None:
            run.offer_rows(core, seeking.best)
        run.tell()


def _alike(core: Core) -> Core:
    """The core where each point counts the same and years cost nothing: what the greedy then buys covers all."""
    return dataclasses.replace(core, weight=np.ones(len(core.weight)), yearly_left=np.inf)


def _part(run: _Run) -> None:
    """Less is wanted than can be seen: the budget is sought that just suffices."""
    core = run.core
    if not core.n_poses:
        return
    _seek(run, core, _buy(run), 0.2)
    run.stage("search", 0.2)

    def enough(bound: float) -> bool:
        run.prove(min(run.kept + bound, run.cost))
        return run.done or run.progress.stopped

    known = min(run.cost - run.kept, core.budget)
    dual = setcover.lower_bound(core, known, run.least - core.base, time_limit_s=SHARE_BOUND * run.left_s, enough=enough)
    run.stage("bound", 0.4)
    core = setcover.without(core, run.kept + dual.bound + dual.lift > run.cost - (1 - 1e-6) * run.grain)
    if core.base + core.all_weight < run.least:
        run.prove(run.cost)
    if run.done:
        return
    if len(core.items) <= DECIDED:
        run.ends, ends = time.monotonic() + 0.5 * run.left_s, run.ends
        _prove(run, core)
        run.ends = ends
        run.stage("program", 0.6)
    _budgets(run, core, dual.price)
    run.stage("budgets", 0.8)
    if not run.done and run.best is not None:
        _seek(run, run.core, np.nonzero(np.isin(run.core.pose, run.best))[0], 20.0)
        run.stage("search on", 0.95)


def _buy(run: _Run) -> Ints:
    """The greedy plan at the least budget at which it covers the wanted, by halving; with money for everything where it never does."""
    core = run.core
    low, high = 0.0, core.budget
    best = search.greedy(core)
    while high - low > max(run.grain, 0.01 * low):
        middle = (low + high) / 2
        rows = search.greedy(dataclasses.replace(core, budget=middle))
        if search.value(core, rows) >= run.least and search.floors_hold(core, rows):
            best, high = rows, min(middle, search.spent(core, rows)[0])
        else:
            low = middle
        run.tell()
    run.offer_rows(core, best)
    return best


def _budgets(run: _Run, core: Core, price: float) -> None:
    """What `solve` covers for single budgets, near the bound first, then where by the price [INR per weight] it would just suffice.

    Half of the time goes to it; the local search makes up what falls a little short.
    """
    limits, ends = run.problem.limits, 0.5 * run.left_s
    barred = ~limits.keep
    barred[core.pose] = False
    tried: set[int] = set()
    budget, quiet = 1.005 * run.bound, Progress(stopped=lambda: run.progress.stopped)
    while not run.done and run.left_s > max(ends, 0.5):
        step = _untried(run, tried, budget)
        if step is None:
            return
        tried.add(step)
        exact = run.kept + run.grain * step
        problem = dataclasses.replace(run.problem, limits=dataclasses.replace(limits, budget=exact, forbid=barred))
        try:
            found = strategy.solve(problem, gap=run.gap / 10, time_limit_s=max(0.6 * (run.left_s - ends), 0.5), seed=run.seed, progress=quiet)
        except Infeasible:
            budget = (exact + min(run.cost, 2.0 * exact + run.grain)) / 2
            continue
        if found.bound < run.least:
            run.prove(min(exact + run.grain, run.cost))
        _seek(run, core, np.searchsorted(core.pose, np.setdiff1d(found.chosen, core.fixed)), 0.1)
        budget = exact + (run.least - found.objective) * price


def _untried(run: _Run, tried: set[int], budget: float) -> int | None:
    """The budget nearest to this between the bound and the best plan's cost, in grains above what is kept; where it was tried, the middle of the
    widest stretch that was not; None where there is none.
    """
    top = min(run.cost - run.kept, run.core.budget + run.grain)
    first, last = (run.bound - run.kept) // run.grain, int(top) // run.grain
    step = min(max(int((budget - run.kept) // run.grain), first), last - 1)
    if step not in tried:
        return step
    around = sorted({*tried, first - 1, last})
    width, k = max((after - before, k) for k, (before, after) in enumerate(itertools.pairwise(around)))
    return around[k] + width // 2 if width > 1 else None
