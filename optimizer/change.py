"""Where the rules cannot hold together: which one change of one rule alone would let them, and how large it must be.

A change is looked for by bisection: each try is a program that is either solved or proven impossible, and each plan found says itself how little it
needs. Which kept cameras to give up, and which forbidden ones to allow, is one plan of an elastic problem, where each such camera counts more than
all weight together. Up to `solve.SMALL` poses, reductions made, tries are proofs; beyond, what is found is enough but perhaps not the least, and a
try proves something only where all floors' weight together lies above a bound.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from optimizer import gains, program, search
from optimizer import solve as strategy
from optimizer.problem import Floats, Ints, Limits, Problem
from optimizer.reduce import reduce
from optimizer.solve import Outcome
from planning.errors import Infeasible
from planning.progress import Progress

Solver = Callable[..., Outcome]
ANY = 1e9  # gap at which any plan is good enough
FINE = 1e-6  # shares of floors nearer than this are one
COARSE = 0.005  # the same, and for budgets, where tries are no proofs


@dataclass(frozen=True)
class Change:
    """One change of one rule that lets all others hold.

    `kind` is `budget` [INR], `yearly` [INR/year], `floors` (all floors, as share of what was asked), `floor` (one ward's, `ward` its row, likewise),
    `per_site` (cameras), `keep` (how many kept cameras can stay; `poses` go) or `forbid` (how many can stay forbidden; `poses` are allowed). `now`:
    what was asked; `needed`: what would do; `bound`: nothing nearer to `now` than this would do; `proven`: `needed` is the least change; `chosen`: a
    plan that then keeps every rule.
    """

    kind: str
    ward: int | None
    now: float
    needed: float
    bound: float
    proven: bool
    poses: tuple[int, ...] = ()
    chosen: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64), compare=False, repr=False)


def least_change(
    problem: Problem, *, solve: Solver = strategy.solve, time_limit_s: float = 120.0, try_s: float = 5.0, seed: int = 1,
    progress: Progress = Progress(),  # noqa: B008
) -> list[Change]:  # fmt: skip
    """Every single change that would do, the least of its kind; nothing where the rules hold as they are.

    Parameters
    ----------
    solve: what finds plans and bounds; takes `gap`, `time_limit_s`, `seed`.
    time_limit_s: for all tries [s], an equal part for each kind; when it is up, the best found so far is told, unproven, and what was not tried is
    left out.
    try_s: for one try [s].

    Raises
    ------
    Infeasible: `change.several` where no change of one rule alone was found that would do.
    """
    run = _Tries(problem, solve, time.monotonic() + time_limit_s, try_s, seed)
    plan, sure = run.find(problem.limits)
    if plan is not None:
        return []
    changes: list[Change] = []
    stages: tuple[tuple[str, Callable[[], list[Change]]], ...] = (
        ("budget", lambda: _money(run, "budget", sure)), ("yearly", lambda: _money(run, "yearly", sure)),
        ("floors", lambda: _floors(run, None, sure)), ("per_site", lambda: _room(run, sure)), ("keep", lambda: _keep(run)),
        ("forbid", lambda: _forbid(run)),
        ("floor", lambda: [change for ward in run.lacking for change in _floors(run, int(ward), sure)]),
    )  # fmt: skip
    ends = run.ends
    for number, (kind, look) in enumerate(stages):
        progress.step("change", number / len(stages), kind)
        # What one kind leaves of its time is for the others.
        run.ends = time.monotonic() + (ends - time.monotonic()) / (len(stages) - number)
        changes += look()
    if any(not problem.broken(change.chosen) for change in changes):
        # What the first try missed, a later one found: the rules hold.
        return []
    if not changes:
        what = "No change of one rule alone was found that lets the others hold"
        raise Infeasible.one("change.several", what, "Change two rules at once, such as the budget and the floors", f"{problem.n_poses} poses")
    return changes


class _Tries:
    """Tries of one problem: each finds a plan, proves that there is none, or neither."""

    def __init__(self, problem: Problem, solve: Solver, ends: float, try_s: float, seed: int) -> None:
        self.problem, self.solve, self.ends, self.try_s, self.seed = problem, solve, ends, try_s, seed
        least = problem.limits.ward_least
        self.kept = np.nonzero(problem.limits.keep)[0]
        self.lacking = np.nonzero((least > 0) & (gains.ward_weight(problem, problem.already > 0) < least))[0]
        # Whether there is a plan hangs on floors, money and room alone.
        asked = np.zeros(len(least) + 1, dtype=bool)
        asked[:-1] = least > 0
        weight = np.where(asked[problem.ward], problem.weight, 0.0)
        self.light = dataclasses.replace(problem, weight=weight, second=np.zeros(len(weight)), penalty=np.zeros(problem.n_poses))
        self.small = True

    @property
    def left_s(self) -> float:
        """What is left for the next try [s]."""
        return min(self.ends - time.monotonic(), self.try_s)

    @property
    def coarse(self) -> float:
        """How near, as a share, is near enough."""
        return 0.0 if self.small else COARSE

    @property
    def passes(self) -> tuple[bool, ...]:
        """Whether tries are quick, pass by pass: where they are no proofs the greedy's come first."""
        return (False,) if self.small else (True, False)

    def find(self, limits: Limits, *, quick: bool = False) -> tuple[Ints | None, bool]:
        """A plan within these limits; where there is none, whether that is proven. A quick try of a large problem is the greedy's alone."""
        problem = dataclasses.replace(self.light, limits=limits)
        over = dataclasses.replace(self.light, limits=dataclasses.replace(limits, ward_least=np.zeros(len(limits.ward_least))))
        if over.broken(self.kept):
            return None, True
        if self.left_s <= 0:
            return None, False
        core = reduce(problem)
        if core.n_poses <= strategy.SMALL:
            answer = program.solve(core, np.arange(core.n_poses), time_limit_s=self.left_s, gap=ANY)
            if answer.chosen is None:
                return None, answer.status == "infeasible"
            plan = np.sort(np.concatenate([core.fixed, core.pose[answer.chosen]])).astype(np.int64)
            return (None, True) if problem.broken(plan) else (plan, True)
        self.small = False
        if quick:
            plan = np.sort(np.concatenate([core.fixed, core.pose[search.greedy(core)]])).astype(np.int64)
            return (None, False) if problem.broken(plan) else (plan, True)
        try:
            return self.solve(problem, gap=ANY, time_limit_s=self.left_s, seed=self.seed).chosen, True
        except Infeasible as error:
            return self._relaxed(problem) if error.code == "floor.budget" else (None, True)

    def _relaxed(self, problem: Problem) -> tuple[Ints | None, bool]:
        """The same where each ward's floor is no rule, but all floors' weight is to be seen: where the bound is below it, there is no plan."""
        none = np.zeros(len(problem.limits.ward_least))
        outcome = self.elastic(dataclasses.replace(problem, limits=dataclasses.replace(problem.limits, ward_least=none)), COARSE)
        if outcome is None:
            return None, False
        if not problem.broken(outcome.chosen):
            return outcome.chosen, True
        had = gains.ward_weight(problem, problem.already > 0)
        wanted = float(np.maximum(problem.limits.ward_least, had).sum()) - 1e-6 * problem.total * len(none)
        return None, outcome.bound < wanted

    def elastic(self, problem: Problem, gap: float) -> Outcome | None:
        """The answer of an elastic problem, None where it has no plan or the time is up."""
        if self.left_s <= 0:
            return None
        try:
            return self.solve(problem, gap=gap, time_limit_s=self.left_s, seed=self.seed)
        except Infeasible:
            return None


@dataclass
class _Bracket:
    """Between what is too little and what is enough: up to `tried` nothing was found, up to `proven` there is nothing, `needed` has a plan."""

    tried: int
    proven: int
    needed: int
    plan: Ints


def _enough(run: _Tries, at: Callable[[int], Limits], used: Callable[[Ints], int], bracket: _Bracket, more: int, most: int, step: int) -> bool:
    """Whether a plan is found with ever more, each time twice as much more as before, up to `most`; the bracket then says what it needs."""
    for quick in run.passes:
        amount, further = bracket.tried, more
        while amount < most and run.left_s > 0:
            amount, further = min(amount + further, most), 2 * further
            plan, sure = run.find(at(amount), quick=quick)
            if plan is not None:
                bracket.needed, bracket.plan = used(plan), plan
                return True
            if sure:
                bracket.tried = bracket.proven = max(bracket.proven, amount // step * step)
    return False


def _least(run: _Tries, at: Callable[[int], Limits], used: Callable[[Ints], int], bracket: _Bracket, step: int) -> None:
    """Bring what is needed down, in whole steps, as far as plans are found."""
    for quick in run.passes:
        low = bracket.tried
        while bracket.needed - low > max(step, run.coarse * bracket.needed):
            middle = max((low + bracket.needed) // 2 // step * step, low + step)
            plan, sure = run.find(at(middle), quick=quick)
            if plan is not None:
                bracket.needed, bracket.plan = used(plan), plan
            else:
                low = middle
                bracket.proven = middle if sure else bracket.proven


def _money(run: _Tries, kind: str, sure: bool) -> list[Change]:
    """The least budget, or yearly budget, that pays a plan."""
    problem, limits = run.problem, run.problem.limits
    now = limits.budget if kind == "budget" else limits.yearly
    if now is None:
        return []
    own, at_site = (problem.cost, problem.site_cost) if kind == "budget" else (problem.yearly, problem.site_yearly)
    step = max(int(np.gcd.reduce(np.concatenate([own, at_site, [0]]))), 1)
    allowed = np.nonzero(~limits.forbid)[0]
    most = int(own[allowed].sum() + at_site[np.unique(problem.site[allowed])].sum())

    def at(amount: int) -> Limits:
        return dataclasses.replace(limits, budget=amount) if kind == "budget" else dataclasses.replace(limits, yearly=amount)

    def used(plan: Ints) -> int:
        return problem.spent(plan)[0 if kind == "budget" else 1]

    # Below the floor of money there is no plan; nor, where that was proven, with what is asked.
    proven = max(_money_floor(problem, run.kept, own, at_site), now + 1 if sure else 0) - 1
    proven = proven // step * step
    bracket = _Bracket(max(proven, now // step * step), proven, 0, run.kept)
    if not _enough(run, at, used, bracket, max(bracket.tried, step), most, step):
        return []
    _least(run, at, used, bracket, step)
    bound = min(bracket.proven + step, bracket.needed)
    return [Change(kind, None, now, bracket.needed, bound, bound == bracket.needed, chosen=bracket.plan)]


def _money_floor(problem: Problem, kept: Ints, own: Ints, at_site: Ints) -> int:
    """What no plan that reaches the floors can cost less than [INR].

    Each camera gives at most what it sees of lacking wards, for its cost and its part of its site's; the cheapest such cameras, the last in part,
    that together give what all wards lack cost no more than any plan.
    """
    seen = problem.seen(kept)
    lack = problem.ward_short(seen)
    built = np.zeros(len(at_site), dtype=bool)
    built[problem.site[kept]] = True
    spent = int(own[kept].sum() + at_site[built].sum())
    asked = np.append(lack > 0, False)
    worth = np.where(asked[problem.ward] & ~seen, problem.weight, 0.0)
    gain = np.minimum(problem.covers @ worth, lack.sum()) * ~problem.limits.forbid
    price = own + np.where(built, 0, at_site)[problem.site] / problem.limits.per_site
    able = np.nonzero(gain > 0)[0]
    able = able[np.argsort(price[able] / gain[able], kind="stable")]
    # What rounding forgives a ward is not asked here.
    wanted = float(lack.sum()) - 1e-6 * problem.total * int((lack > 0).sum())
    running = np.concatenate([[0.0], np.cumsum(gain[able])])
    part = np.clip((wanted - running[:-1]) / np.maximum(gain[able], 1e-300), 0.0, 1.0)
    return spent + max(math.ceil(float(price[able] @ part) * (1 - 1e-9) - 1e-9), 0)


def _floors(run: _Tries, ward: int | None, sure: bool) -> list[Change]:
    """The largest share of all lacking floors, or of one ward's, that holds."""
    limits, problem = run.problem.limits, run.problem
    if not len(run.lacking):
        return []
    scaled = limits.ward_least > 0 if ward is None else np.arange(len(limits.ward_least)) == ward

    def at(share: float) -> Limits:
        return dataclasses.replace(limits, ward_least=np.where(scaled, share * limits.ward_least, limits.ward_least))

    def reached(plan: Ints) -> float:
        covered: Floats = gains.ward_weight(problem, problem.seen(plan))
        return float((covered[scaled] / limits.ward_least[scaled]).min())

    plan, _ = run.find(at(0.0))
    if plan is None:
        return []
    # What a floor forgives as rounding is no step.
    forgiven = 2e-6 * problem.total / float(limits.ward_least[scaled].min())
    low, high, proven, near = reached(plan), 1.0, 1.0 if sure else np.inf, max(FINE, run.coarse, forgiven)
    for quick in run.passes:
        top, turn = high, True
        while top - low > near:
            # By turns half way, and just beyond the best: there most often nothing is left to find.
            middle = (low + top) / 2 if turn else low + near
            turn = not turn
            better, proof = run.find(at(middle), quick=quick)
            if better is not None and reached(better) > low:
                low, plan = reached(better), better
            else:
                top, proven = middle, min(proven, middle) if proof else proven
    kind = "floors" if ward is None else "floor"
    return [Change(kind, ward, 1.0, min(low, 1.0), min(proven, 1.0), proven - low <= 2 * max(FINE, forgiven), chosen=plan)]


def _room(run: _Tries, sure: bool) -> list[Change]:
    """The least number of cameras a site that lets a plan be."""
    problem, limits = run.problem, run.problem.limits
    most = int(np.bincount(problem.site[~limits.forbid], minlength=1).max())
    if most <= limits.per_site:
        return []

    def at(cameras: int) -> Limits:
        return dataclasses.replace(limits, per_site=cameras)

    def used(plan: Ints) -> int:
        return int(np.bincount(problem.site[plan], minlength=1).max())

    bracket = _Bracket(limits.per_site, limits.per_site if sure else 0, 0, run.kept)
    if not _enough(run, at, used, bracket, 1, most, 1):
        return []
    _least(run, at, used, bracket, 1)
    bound = min(bracket.proven + 1, bracket.needed)
    return [Change("per_site", None, limits.per_site, bracket.needed, bound, bound == bracket.needed, chosen=bracket.plan)]


def _with_points(problem: Problem, covers: sparse.csr_matrix, weight: float, already: int) -> Problem:
    """The problem with more demand of no ward, each point of this weight, seen beforehand from so many places."""

    def grown(array: npt.NDArray[Any], value: float) -> npt.NDArray[Any]:
        return np.concatenate([array, np.full(covers.shape[1], value, dtype=array.dtype)])

    return dataclasses.replace(
        problem, covers=sparse.hstack([problem.covers, covers], format="csr", dtype=bool), weight=grown(problem.weight, weight),
        already=grown(problem.already, already), ward=grown(problem.ward, -1), second=grown(problem.second, 0.0),
    )  # fmt: skip


def _keep(run: _Tries) -> list[Change]:
    """The fewest kept cameras to give up: each is a point of its own that only it sees, worth more than all else."""
    n, limits = len(run.kept), run.problem.limits
    if not n:
        return []
    heavy = 2 * float(run.light.weight.sum()) or 1.0
    own = sparse.csr_matrix((np.ones(n, dtype=bool), (run.kept, np.arange(n))), shape=(run.problem.n_poses, n))
    derived = _with_points(run.light, own, heavy, 0)
    none = np.zeros(run.problem.n_poses, dtype=bool)
    # Within this gap one camera more is still told from one less.
    outcome = run.elastic(dataclasses.replace(derived, limits=dataclasses.replace(limits, keep=none)), 0.25 / (n + 1))
    if outcome is None:
        return []
    gone = np.setdiff1d(run.kept, outcome.chosen)
    stay = n - len(gone)
    keep = limits.keep.copy()
    keep[gone] = False
    if dataclasses.replace(run.problem, limits=dataclasses.replace(limits, keep=keep)).broken(outcome.chosen):
        return []
    bound = min(max(math.floor(outcome.bound / heavy * (1 + 1e-9)), stay), n)
    return [Change("keep", None, n, stay, bound, bound == stay, tuple(gone.tolist()), outcome.chosen)]


def _forbid(run: _Tries) -> list[Change]:
    """The fewest forbidden cameras to allow: each costs more than all weight, and one point seen beforehand keeps the value above 0."""
    limits = run.problem.limits
    barred = np.nonzero(limits.forbid)[0]
    n = len(barred)
    if not n:
        return []
    heavy = 2 * float(run.light.weight.sum()) or 1.0
    ground = heavy * (n + 1)
    derived = _with_points(run.light, sparse.csr_matrix((run.problem.n_poses, 1), dtype=bool), ground, 1)
    limits_free = dataclasses.replace(limits, forbid=np.zeros(run.problem.n_poses, dtype=bool))
    outcome = run.elastic(dataclasses.replace(derived, penalty=np.where(limits.forbid, heavy, 0.0), limits=limits_free), 0.25 / (n + 2))
    if outcome is None:
        return []
    used = np.intersect1d(barred, outcome.chosen)
    forbid = limits.forbid.copy()
    forbid[used] = False
    if dataclasses.replace(run.problem, limits=dataclasses.replace(limits, forbid=forbid)).broken(outcome.chosen):
        return []
    # No plan is worth more than the bound, so none has fewer forbidden cameras than this.
    fewest = min(max(math.ceil((ground - outcome.bound) / heavy * (1 - 1e-9)), 0), len(used))
    return [Change("forbid", None, n, n - len(used), n - fewest, fewest == len(used), tuple(used.tolist()), outcome.chosen)]
