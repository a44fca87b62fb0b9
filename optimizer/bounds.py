"""An upper bound that certifies a plan: the Lagrangian dual of the coverage rows, with each site's subproblem solved exactly.

    relaxed: demand i counts only where some site sees it      price u[i] in [0, w[i]]
             the two budgets                                   prices a, b per rupee
             the wards' least covered weight                   prices m[ward]: w[i] is then weight[i] + m floor[i]

    L(u, a, b, m) = sum (w[i] - u[i])+ + (second[i] - u[i])+ + a budget + b yearly - sum m least
                    + sum over sites of the best of nothing and max over sets of at most `room` poses of what the set is worth (optimizer.pricing)

Every L bounds every plan from above, whatever the prices; and since only `a budget` knows the budget, each L bounds the plans of every other budget
too. A set's demand is counted once, which is what makes the bound tight: three poses of a pole cannot each claim the same street. All prices move
along the subgradient by Adam's step (Kingma and Ba 2015: momentum over the root of the mean square, so that heavy and light, calm and restless prices
each get a step of their own) with a length that falls to nothing; measured, it comes to the same bound as Polyak's step in half the rounds. Between
full rounds, which alone bound, only the sites near to paying are looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from optimizer.pricing import Evaluation, Prices
from optimizer.problem import Floats, Ints
from optimizer.reduce import Core

FULL = 8  # every so many rounds all sites are looked at
WIDE = 20.0  # points with more than so many times the usual pull have smaller prices
NEAR = 0.3  # sites are near to paying where they lack less than this share of what the picked ones cost on average


@dataclass(frozen=True, eq=False)
class Dual:
    """The best bound found, and what it says of the poses.

    `bound` is in weight, what was fixed beforehand included; `prices` gave it. `picks` (n_poses,): how often each pose was in its site's best set
    near the best prices. `rounds` of prices were tried. `lines` (n, 2): constant and price per rupee of full rounds: at any budget [INR] left after
    what was fixed, constant + price x budget bounds every plan.
    """

    bound: float
    prices: Prices
    picks: Ints
    rounds: int
    lines: Floats = field(default_factory=lambda: np.zeros((0, 2)))

    def bound_at(self, budget: float) -> float:
        """What no plan within this capital budget can exceed, all else as it was."""
        return float((self.lines[:, 0] + self.lines[:, 1] * budget).min(initial=np.inf))


def lagrangian(
    core: Core, incumbent: float, *, started: Ints, time_limit_s: float, gap: float, rounds: int = 400, prices: Prices | None = None,
    look: Callable[[Dual, Ints], float] | None = None, stopped: Callable[[], bool] = lambda: False,
) -> Dual:  # fmt: skip
    """Lower the bound until it is within `gap` of the incumbent, time is up, or the rounds are done.

    Parameters
    ----------
    incumbent: worth of the best plan known; says where the budgets' prices begin and when to stop.
    started: from how many sites that plan sees each point (n_demand,): where the coverage prices begin.
    gap: relative gap at which to stop.
    rounds: over these the step falls to nothing; where time is shorter it falls with the time.
    prices: to begin from, where good ones are known.
    look: called every 50 rounds with the best bound so far and the poses picked since; returns the incumbent's worth, which may have grown.
    """
    began = time.monotonic()
    current, step = Evaluation(core), _Step(core, incumbent)
    prices = step.start(started) if prices is None else step.resume(prices)
    best, best_prices = core.base + core.all_weight, prices
    picks, lately = np.zeros(core.n_poses, dtype=np.int64), np.zeros(core.n_poses, dtype=np.int64)
    lines = [(best, 0.0)]
    awake = np.ones(len(core.room), dtype=bool)
    done, count = 0.0, 0
    while done < 1.0 and not stopped():
        full = count % FULL == 0
        bound = current.run(prices, None if full else awake)
        count += 1
        if full:
            lines.append((current.constant, prices.capital))
            if bound < best:
                best, best_prices = bound, prices
            awake = _near(core, current, prices)
        lately += current.picks
        done = max(count / rounds, (time.monotonic() - began) / max(time_limit_s, 1e-9))
        if count % 50 == 0:
            # Early prices are far off: what they picked counts less and less.
            picks = picks // 2 + lately
            if look is not None:
                incumbent = look(Dual(best, best_prices, picks, count, np.array(lines)), lately)
            lately = np.zeros(core.n_poses, dtype=np.int64)
        if best - incumbent <= gap * incumbent:
            break
        prices = step.move(prices, current, min(done, 1.0))
    return Dual(best, best_prices, picks + lately, count, np.array(lines).reshape(-1, 2))


def _near(core: Core, current: Evaluation, prices: Prices) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The sites whose best set pays, or could soon."""
    opened = max(int((current.best_size > 0).sum()), 1)
    usual = (prices.capital * current.capital + prices.yearly * current.yearly) / opened
    return current.hopes > -NEAR * usual


class _Step:
    """Moves the prices; keeps the running means it needs. The few prices of budgets and floors move by the same rule in steps of their own size."""

    LENGTH, FEW = 0.05, 0.2

    def __init__(self, core: Core, incumbent: float) -> None:
        self.core, self.count, self.reach, self.few_length = core, 0, 1.0, self.FEW
        self.shares, self.few = Means(len(core.weight), 0.8, 0.99, 1e-3), Means(2 + len(core.ward_least), 0.9, 0.95, 0.02)
        won = max(incumbent - core.base, 1e-6 * core.all_weight)
        # Half of what a rupee buys in the known plan, since the last rupee buys less than the first; shared where two budgets bind.
        yearly_too = np.isfinite(core.yearly_left)
        self.unit_capital = (0.25 if yearly_too else 0.5) * won / max(core.budget, 1.0)
        self.unit_yearly = 0.25 * won / max(core.yearly_left, 1.0) if yearly_too else 0.0

        self.won, self.scale = won, _scales(core)

    def start(self, started: Ints) -> Prices:
        """Prices where a greedy plan saw each point from so many sites; points of far more pull than usual begin at nothing."""
        # They come nearly free: what a rupee buys is the rest.
        free = float((self.core.weight * (1 - self.scale))[started > 0].sum())
        paid = max(1 - free / self.won, 0.1) if self.won > 0 else 1.0
        self.unit_capital, self.unit_yearly = paid * self.unit_capital, paid * self.unit_yearly
        share = np.where(self.scale < 1, 0.0, np.where(started > 0, 0.5, 1.0))
        return Prices(share, self.unit_capital, self.unit_yearly, np.zeros(len(self.core.ward_least)))

    def resume(self, prices: Prices) -> Prices:
        """Good prices: from here by shorter steps."""
        self.reach, self.few_length = 0.7, 0.05
        return prices

    def move(self, prices: Prices, current: Evaluation, done: float) -> Prices:
        """The next prices after a round; `done` [0-1] of the way."""
        core, length = self.core, self.reach * (1 - done) ** 1.5
        self.count += 1
        seen = current.seen
        wanted = 1.0 + (core.second > prices.share * prices.weight(core))
        share = np.clip(prices.share - self.LENGTH * length * self.scale * self.shares.step(seen - wanted), 0.0, 1.0)
        has = core.ward_least > 0
        inside = core.ward >= 0
        got = np.bincount(core.ward[inside], weights=(core.floor * np.minimum(seen, 1.0))[inside], minlength=len(has))
        lack = np.where(has, np.clip((core.ward_least - got) / np.maximum(core.ward_least, 1e-9), -1.0, 1.0), 0.0)
        limited = np.isfinite(core.yearly_left)
        over = (current.capital - core.budget) / max(core.budget, 1.0)
        over_yearly = (current.yearly - core.yearly_left) / max(core.yearly_left, 1.0) if limited else 0.0
        few = self.few_length * length * self.few.step(np.concatenate([np.clip([over, over_yearly], -1.0, 1.0), lack]))
        return Prices(
            share,
            max(prices.capital + 2 * self.unit_capital * few[0], 0.0),
            max(prices.yearly + 2 * self.unit_yearly * few[1], 0.0) if limited else 0.0,
            np.where(has, np.clip(prices.ward + few[2:], 0.0, 50.0), 0.0),
        )


def _scales(core: Core) -> Floats:
    """The size of a point's price as a share of its weight (n_demand,): 1, but for points with far more pull than usual: weight times poses that see.

    Hundreds of poses may see such a point, as they read plates on a route out of the city, and one of them is enough: its price is next to nothing,
    and at a larger one all their sites would be bought for it.
    """
    pull = core.weight * np.bincount(core.items, minlength=len(core.weight))
    there = pull > 0
    scale = np.ones(len(pull))
    if there.any():
        scale[there] = np.minimum(1.0, WIDE * np.median(pull[there]) / pull[there])
    return scale


class Means:
    """Running means of slopes and of their squares (Adam)."""

    def __init__(self, n: int, momentum: float, memory: float, least: float) -> None:
        self.momentum, self.memory, self.least, self.count = momentum, memory, least, 0
        self.mean, self.square = np.zeros(n), np.zeros(n)

    def step(self, slope: Floats) -> Floats:
        """The mean slope over its usual size."""
        self.count += 1
        self.mean = self.momentum * self.mean + (1 - self.momentum) * slope
        self.square = self.memory * self.square + (1 - self.memory) * slope * slope
        level = np.sqrt(self.square / (1 - self.memory**self.count)) + self.least
        moved: Floats = self.mean / (1 - self.momentum**self.count) / level
        return moved
