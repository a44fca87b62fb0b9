"""Why a plan is as it is: what each camera is worth, what would be without it, which rules bind, and what each ward's floor costs.

All is worked out by the problem's own value, cost and rules, so it holds for any plan, not only for the best.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer import gains
from optimizer.problem import Ints, Problem
from optimizer.solve import Outcome, solve
from planning.errors import Fault, ScenarioError
from planning.progress import Progress

Rows = Sequence[int] | npt.NDArray[Any]
Solver = Callable[..., Outcome]


@dataclass(frozen=True)
class Alternative:
    """Another plan that keeps every rule: `pose` in it instead; its `value`; `difference` to the plan's, below 0 where it is worse; its cost
    [INR, INR/year].
    """

    pose: int
    value: float
    difference: float
    capital: int
    yearly: int


@dataclass(frozen=True)
class WardChange:
    """A ward's covered weight before and after, its floor, and whether it falls below the floor by this; `ward` is its row."""

    ward: int
    name: str
    before: float
    after: float
    least: float
    falls: bool


@dataclass(frozen=True)
class Removed:
    """What a plan loses without some of its cameras.

    `before`, `after`: its value; `points`: how many demand points are seen no more; `capital`, `yearly`: what is saved [INR, INR/year]; `sites`: rows
    of sites that no longer carry a camera; `kept`: rows of those that had to be kept; `wards`: those whose covered weight changes.
    """

    before: float
    after: float
    points: int
    capital: int
    yearly: int
    sites: tuple[int, ...]
    kept: tuple[int, ...]
    wards: tuple[WardChange, ...]

    @property
    def fallen(self) -> tuple[WardChange, ...]:
        """The wards that fall below their floor."""
        return tuple(ward for ward in self.wards if ward.falls)


@dataclass(frozen=True)
class Why:
    """Why a camera is in the plan.

    `lost`: value lost without it; `capital`, `yearly`: saved without it, its site's too where it is the `last` there [INR, INR/year]; `alone`,
    `shared`: first-view weight of what only it sees, and of what others see too, and `alone_points`, `shared_points` how many points these are;
    `kept`: whether the rules ask for it; `fallen`: wards that would fall below their floor; `alternative`: the best other pose in its place, None
    where none keeps every rule, as where it must be kept.
    """

    pose: int
    lost: float
    capital: int
    yearly: int
    last: bool
    alone: float
    shared: float
    alone_points: int
    shared_points: int
    kept: bool
    fallen: tuple[WardChange, ...]
    alternative: Alternative | None


@dataclass(frozen=True)
class FloorPrice:
    """What a ward's floor costs the rest: `difference` of the plans' values without and with it; the true price lies from `least` to `most`."""

    ward: int
    name: str
    floor: float
    difference: float
    least: float
    most: float


def why(problem: Problem, chosen: Rows, pose: int) -> Why:
    """Why this camera is in the plan, and what would come in its place.

    Parameters
    ----------
    chosen: the plan, rows of poses.
    pose: one of them.

    Raises
    ------
    ScenarioError: `rows.unknown`, `rows.twice`, `explain.pose` where the plan has no such camera.
    """
    rows = _checked(problem, chosen, [pose])
    rest = rows[rows != pose]
    gone = _removed(problem, rows, rest)
    others = problem.already.copy()
    _, point = gains.entries_of(problem, rest)
    others += np.bincount(point, minlength=len(others)).astype(others.dtype)
    seen = problem.covers.indices[problem.covers.indptr[pose] : problem.covers.indptr[pose + 1]]
    weight, alone = problem.weight[seen], others[seen] == 0
    other = gains.best_addition(problem, rest, barred=[pose])
    return Why(
        pose=int(pose), lost=gone.before - gone.after, capital=gone.capital, yearly=gone.yearly, last=len(gone.sites) > 0,
        alone=float(weight[alone].sum()), shared=float(weight[~alone].sum()), alone_points=int(alone.sum()), shared_points=int((~alone).sum()),
        kept=len(gone.kept) > 0, fallen=gone.fallen, alternative=None if other is None else _alternative(problem, rows, rest, other),
    )  # fmt: skip


def removed(problem: Problem, chosen: Rows, poses: Rows) -> Removed:
    """What happens to coverage, wards and money when these cameras are removed from the plan.

    Parameters
    ----------
    chosen, poses: rows; `poses` lie within `chosen`.

    Raises
    ------
    ScenarioError: `rows.unknown`, `rows.twice`, `explain.pose` where the plan has no such camera.
    """
    rows = _checked(problem, chosen, poses)
    return _removed(problem, rows, np.setdiff1d(rows, np.asarray(poses, dtype=np.int64)))


def floor_prices(
    problem: Problem, *, solve: Solver = solve, outcome: Outcome | None = None, gap: float = 0.005, time_limit_s: float = 5.0, seed: int = 1,
    progress: Progress = Progress(),  # noqa: B008
) -> tuple[FloorPrice, ...]:  # fmt: skip
    """How much more a plan could be worth if one ward's floor alone were dropped, ward by ward, dearest first.

    A floor that existing cameras meet costs nothing and is not asked about. What both solves prove closes the true price in: it is at least the value
    found without the floor less the bound with it, at most the bound without less the value with, and never below 0.

    Parameters
    ----------
    solve: what finds plans and bounds; takes `gap`, `time_limit_s`, `seed`.
    outcome: the answer with all floors, where it is at hand.
    time_limit_s: for each plan [s].

    Raises
    ------
    Infeasible: where no plan with all floors was found.
    """
    options: dict[str, Any] = {"gap": gap, "time_limit_s": time_limit_s, "seed": seed}
    full = outcome if outcome is not None else solve(problem, **options)
    least = problem.limits.ward_least
    had = gains.ward_weight(problem, problem.already > 0)
    asked = np.nonzero((least > 0) & (had < least))[0]
    found = []
    for number, ward in enumerate(asked):
        progress.step("floors", number / len(asked), problem.limits.ward_name(int(ward)))
        dropped = np.where(np.arange(len(least)) == ward, 0.0, least)
        free = solve(dataclasses.replace(problem, limits=dataclasses.replace(problem.limits, ward_least=dropped)), **options)
        # The plan with the floor keeps all rules without it too, and the bound without it holds with it.
        value, bound = float(max(free.objective, full.objective)), float(min(full.bound, free.bound))
        price = FloorPrice(
            ward=int(ward), name=problem.limits.ward_name(int(ward)), floor=float(least[ward]), difference=float(value - full.objective),
            least=max(value - bound, 0.0), most=float(max(free.bound, value) - full.objective),
        )  # fmt: skip
        found.append(price)
    return tuple(sorted(found, key=lambda price: (-price.difference, price.ward)))


def _checked(problem: Problem, chosen: Rows, poses: Rows) -> Ints:
    """The plan's rows, sorted; all that is wrong with either list told at once."""
    rows, faults = gains.rows_of(problem, chosen, "the plan's cameras")
    asked, more = gains.rows_of(problem, poses, "the cameras asked about")
    faults += more
    strange = np.setdiff1d(asked, rows)
    if len(strange):
        value = ", ".join(map(str, strange[:10]))
        faults.append(Fault("explain.pose", "A camera asked about is not in the plan", "Ask about the plan's own cameras", value))
    if faults:
        raise ScenarioError(faults)
    return rows


def _removed(problem: Problem, rows: Ints, rest: Ints) -> Removed:
    limits = problem.limits
    gone = np.setdiff1d(rows, rest)
    seen, still = problem.seen(rows), problem.seen(rest)
    capital, yearly = problem.spent(rows)
    capital_rest, yearly_rest = problem.spent(rest)
    before, after = gains.ward_weight(problem, seen), gains.ward_weight(problem, still)
    falls = (problem.ward_short(still) > 0) & ~(problem.ward_short(seen) > 0)
    lost = np.bincount(problem.ward[seen & ~still & (problem.ward >= 0)], minlength=len(limits.ward_least)) > 0
    wards = tuple(
        WardChange(int(w), limits.ward_name(int(w)), float(before[w]), float(after[w]), float(limits.ward_least[w]), bool(falls[w]))
        for w in np.nonzero(lost)[0]
    )
    return Removed(
        before=problem.value(rows), after=problem.value(rest), points=int((seen & ~still).sum()), capital=capital - capital_rest,
        yearly=yearly - yearly_rest, sites=tuple(np.setdiff1d(problem.site[rows], problem.site[rest]).tolist()),
        kept=tuple(gone[limits.keep[gone]].tolist()), wards=wards,
    )  # fmt: skip


def _alternative(problem: Problem, rows: Ints, rest: Ints, pose: int) -> Alternative:
    plan = np.sort(np.append(rest, pose))
    value = problem.value(plan)
    return Alternative(pose, value, value - problem.value(rows), *problem.spent(plan))
