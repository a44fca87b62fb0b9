"""One solve under way: the best plan and the bound so far, and the stages that better them.

Each stage takes what is there and leaves it no worse, so that any can be the last, and the stages can be put together in more than one way: one
budget (optimizer.solve) or many (optimizer.frontier).
"""

from __future__ import annotations

import contextlib
import functools
import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from optimizer import bounds, neighbourhood, program, search, tiles
from optimizer import sets as sets_of_poses
from optimizer.pricing import Evaluation, Prices
from optimizer.problem import Floats, Ints, Limits, Problem
from optimizer.reduce import Core, reduce
from planning.progress import Progress

ROUNDS = 400  # of prices
IDLE = 12  # turns without a better plan, after which patches end
LIKELY = 2  # poses a camera of the plan, with which patches begin
KEPT = 8  # plans the program joins
SHOW_S = 1.0  # between two plans shown


@dataclass(frozen=True, eq=False)
class Interim:
    """An answer that stands while better ones are looked for: rows of the problem's poses, their worth, what no plan can exceed."""

    chosen: Ints
    objective: float
    bound: float


class Run:
    """The state of a solve. `best`: rows of the core, `value` their worth; `bound` what no plan can exceed; `plans` the best so far, latest last."""

    def __init__(self, problem: Problem, core: Core, *, began: float, gap: float, time_limit_s: float, seed: int, progress: Progress) -> None:
        self.problem, self.core, self.wanted, self.seed, self.progress = problem, core, gap, seed, progress
        self.ends = began + time_limit_s
        self.best: Ints | None = None
        self.value = -np.inf
        self.bound = core.base + core.all_weight
        self.plans: list[Ints] = []
        self.dual: bounds.Dual | None = None
        self._lines = [np.array([[core.base + core.all_weight, 0.0]])]
        self.stages: list[tuple[str, float]] = []
        self._mark = began
        self._shown, self._shown_at = (-np.inf, np.inf), -np.inf

    @property
    def left_s(self) -> float:
        """Seconds left."""
        return max(self.ends - time.monotonic(), 0.0)

    @property
    def gap(self) -> float:
        """Bound over value, less 1."""
        return self.bound / self.value - 1 if self.value > 0 else (0.0 if self.bound <= 0 else np.inf)

    @property
    def done(self) -> bool:
        """Whether the wanted gap is reached."""
        return self.best is not None and self.bound - self.value <= max(self.wanted * self.value, 1e-9 * abs(self.bound))

    def offer(self, rows: Ints) -> None:
        """Take this plan where it keeps every rule and is better; what money is left over is spent first."""
        rows = search.fit(self.core, rows)
        chosen = self.chosen(rows)
        value = search.value(self.core, rows)
        if value > self.value and not self.problem.broken(chosen):
            self.best, self.value = rows, value
            self.plans = [*self.plans[1 - KEPT :], rows]

    def chosen(self, rows: Ints) -> Ints:
        """Rows of the full problem, what was fixed beforehand with them, sorted."""
        return np.sort(np.concatenate([self.core.fixed, self.core.pose[rows]])).astype(np.int64)

    @property
    def lines(self) -> Floats:
        """What bounds every budget (n, 2): no plan within a capital budget b [INR] is worth more than the lowest of constant + slope x b."""
        found = np.concatenate(self._lines)
        spent = self.problem.spent(self.core.fixed)[0]
        return np.column_stack([found[:, 0] - found[:, 1] * spent, found[:, 1]])

    def stage(self, name: str) -> None:
        """The stage that just ended took the time since the one before."""
        now = time.monotonic()
        self.stages.append((name, now - self._mark))
        self._mark = now

    def tell(self, share: float) -> None:
        """The gap so far, to whoever waits; and the plan, where it or its bound is better than the last one shown."""
        now, standing = time.monotonic(), (self.value, self.bound)
        if self.best is not None and standing != self._shown and now > self._shown_at + SHOW_S:
            self._shown, self._shown_at = standing, now
            self.progress.show(Interim(self.chosen(self.best), self.value, max(self.bound, self.value)))
        note = f"gap {100 * self.gap:.2f} %" if np.isfinite(self.gap) else ""
        self.progress.step("optimize", share, note)

    def whole(self, time_limit_s: float | None = None) -> None:
        """A small problem: the program over every pose finds the plan and proves it."""
        everything = np.arange(self.core.n_poses)
        limit_s = self.left_s if time_limit_s is None else time_limit_s
        answer = program.solve(self.core, everything, time_limit_s=limit_s, gap=self.wanted, start=self.best)
        if answer.chosen is not None:
            self.offer(answer.chosen)
        if np.isfinite(answer.bound):
            self.bound = min(self.bound, answer.bound)
        self.stage("program")

    def price(self, time_limit_s: float, *, rounds: int = ROUNDS, prices: Prices | None = None) -> bounds.Dual:
        """The prices and their bound; the poses they pick are planned with as they come."""
        core = self.core

        def look(dual: bounds.Dual, lately: Ints) -> float:
            self.bound = min(self.bound, dual.bound)
            pool = lately > 0
            if self.best is not None:
                pool[self.best] = True
            self.offer(search.greedy(core, allowed=pool))
            self.tell(0.1 + 0.2 * dual.rounds / rounds)
            return self.value if np.isfinite(self.value) else core.base

        incumbent = self.value if np.isfinite(self.value) else core.base
        started = search.coverage(core, self.best if self.best is not None else np.empty(0, dtype=np.int64)).astype(np.int64)
        # Half the wanted gap is left to the plan's side.
        self.dual = bounds.lagrangian(core, incumbent, started=started, time_limit_s=time_limit_s, gap=self.wanted / 2, rounds=rounds, look=look,
                                      prices=prices, stopped=lambda: self.progress.stopped)  # fmt: skip
        self.bound = min(self.bound, self.dual.bound)
        self._lines.append(self.dual.lines)
        self.stage("bound")
        self.tell(0.3)
        return self.dual

    def patches(self, prices: Prices, time_limit_s: float, *, turns: int = 10**6) -> None:
        """The plan under prices, patch by patch; then, turn by turn, a part of it pulled down, planned anew, and the best of both taken.

        Each plan is made to fit the limits and offered. `turns` at most, fewer where IDLE of them bring nothing or time is up.
        """
        core, rng = self.core, np.random.default_rng(self.seed)
        current = Evaluation(core)
        current.run(prices)
        plan = self.best if self.best is not None else search.greedy(core)
        ground = neighbourhood.prepare(core, prices, current.hopes, plan)
        began, idle, turn = time.monotonic(), 0, 0

        def go_on() -> bool:
            return not self.progress.stopped and time.monotonic() - began < time_limit_s and not self.done

        def keep(rows: Ints) -> Ints:
            self.offer(rows)
            self.tell(0.3 + 0.4 * min((time.monotonic() - began) / max(time_limit_s, 1e-9), 1.0))
            return rows

        if self.dual is not None and turn < turns:
            # What the prices picked most is quickly planned with, and most of the way.
            likely = self.dual.picks >= max(int(np.sort(self.dual.picks)[-min(LIKELY * len(plan) + 1, core.n_poses)]), 1)
            likely[plan] = True
            plan = neighbourhood.hurry(ground, plan, rng, likely, go_on=go_on, each=keep)
        ground, plan = neighbourhood.settle(ground, plan, rng, go_on=go_on, each=keep)
        while turn < turns and idle < IDLE and go_on():
            ground, before = neighbourhood.steer(ground, plan), self.value
            other = neighbourhood.rebuild(ground, plan, rng, go_on=go_on)
            plan = keep(neighbourhood.join(ground, plan, other, rng, go_on=go_on))
            turn, idle = turn + 1, 0 if self.value > before * (1 + 1e-5) else idle + 1
        self.stage("patches")

    def join(self, time_limit_s: float) -> None:
        """The best plans' sets of poses as one program with every rule a row: the best of all they hold."""
        if len(self.plans) < 2:
            return
        core = self.core
        pool = sets_of_poses.sets_of(core, np.concatenate([sets_of_poses.of_plan(core, rows) for rows in self.plans]))
        begin = sets_of_poses.find(pool, sets_of_poses.of_plan(core, self.plans[-1]))
        answer = program.solve_sets(core, pool, time_limit_s=time_limit_s, gap=1e-5, nodes=200, start=np.sort(begin))
        if answer.chosen is not None:
            self.offer(pool.rows(answer.chosen))
        self.stage("program")
        self.tell(0.75)

    def tiles(self, prices: Prices) -> None:
        """The bound lowered tile by tile at these prices."""
        core, current = self.core, Evaluation(self.core)
        now = current.run(prices)
        plan = self.best if self.best is not None else np.empty(0, dtype=np.int64)
        ground = neighbourhood.prepare(core, prices, current.hopes, plan)
        tiling = tiles.tiling(ground)
        stop = lambda: self.progress.stopped  # noqa: E731
        with contextlib.closing(tiles.lower(ground, current.values, now, tiling=tiling, time_limit_s=self.left_s, stop=stop)) as so_far:
            for done, below in enumerate(so_far):
                self.bound, now = min(self.bound, below), below
                self.tell(0.75 + 0.12 * done / tiling.n)
                if self.done:
                    break
        self._lines.append(np.array([[now - prices.capital * core.budget, prices.capital]]))
        self.stage("tiles")


def make_ready(progress: Progress) -> None:
    """Every stage run once on a tiny problem, before a clock starts: on a machine's first run it compiles the code, for a minute or more, which must
    not eat the time a plan is given.
    """
    progress.step("optimize: compile", 0.0)
    _go_through()


@functools.cache
def _go_through() -> None:
    problem = tiny_problem()
    core = reduce(problem)
    forever, never = 1e6, -1.0  # seconds; a gap that is not reached, so that no stage is left out
    run = Run(problem, core, began=time.monotonic(), gap=never, time_limit_s=forever, seed=1, progress=Progress())
    run.offer(search.greedy(core))
    dual = run.price(forever, rounds=6)
    run.patches(dual.prices, forever, turns=2)
    run.plans = [*run.plans, *run.plans]  # two of them are joined
    run.join(forever)
    run.tiles(dual.prices)


def tiny_problem() -> Problem:
    """Eight poles of three cameras, at most two of them taken, over sixty points in two wards, with every rule a problem may have."""
    rng = np.random.default_rng(1)
    n_sites, a_site, n_demand = 8, 3, 60
    site = np.repeat(np.arange(n_sites), a_site)
    points, poles = rng.random((n_demand, 2)), rng.random((n_sites, 2))
    near = ((points[None] - poles[site][:, None]) ** 2).sum(axis=2) < 0.12
    none = np.zeros(len(site), dtype=bool)
    limits = Limits(budget=120, yearly=60, per_site=2, keep=none, forbid=none, ward_least=np.ones(2))
    return Problem(
        covers=sparse.csr_matrix(near & (rng.random(near.shape) < 0.6)), weight=1 + rng.random(n_demand), already=np.zeros(n_demand, dtype=np.int64),
        ward=np.arange(n_demand) % 2, cost=rng.integers(20, 40, len(site)), yearly=rng.integers(5, 9, len(site)), site=site,
        site_cost=np.full(n_sites, 15), site_yearly=np.ones(n_sites, dtype=np.int64), limits=limits, second=np.full(n_demand, 0.1),
        penalty=np.full(len(site), 0.01),
    )  # fmt: skip
