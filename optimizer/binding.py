"""Which rules a plan runs up against, and what would be had without them: budgets, room, forbidden and kept cameras, wards' floors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer import gains
from optimizer.gains import Additions
from optimizer.problem import Flags, Floats, Ints, Problem
from planning.errors import ScenarioError

Rows = Sequence[int] | npt.NDArray[Any]


@dataclass(frozen=True)
class BudgetBinds:
    """A budget that cannot pay any camera that would add value.

    `kind`: `capital` [INR] or `yearly` [INR/year]; `left` of it; `needed` by the cheapest such camera, `pose`, which would add `gain`.
    """

    kind: str
    left: int
    needed: int
    pose: int
    gain: float


@dataclass(frozen=True)
class RoomBinds:
    """A full site that shuts out a camera nothing else shuts out: `pose` is the one of it that would add most, `gain` for `capital`, `yearly`."""

    site: int
    cameras: int
    pose: int
    gain: float
    capital: int
    yearly: int


@dataclass(frozen=True)
class ForbidBinds:
    """A forbidden camera that would add value.

    `gain` as one more camera for `capital`, `yearly`; `fits`: whether money and room are left for it; `out`, `exchange`: the one camera best taken
    out for it and what the plan would win by that, rules kept, None and 0 where no exchange wins.
    """

    pose: int
    gain: float
    capital: int
    yearly: int
    fits: bool
    out: int | None
    exchange: float


@dataclass(frozen=True)
class KeptBinds:
    """A kept camera worth less than another use of its money.

    `lost`: value lost without it; `capital`: what it frees [INR]; `instead`: poses that money, with what is left over, would buy; `gain`: what the
    plan would win by that. Another use may win more still.
    """

    pose: int
    lost: float
    capital: int
    instead: tuple[int, ...]
    gain: float


@dataclass(frozen=True)
class FloorBinds:
    """A ward that hardly reaches its floor: what is covered, how much of it is above the floor, and the cameras any one of which it cannot lose."""

    ward: int
    name: str
    least: float
    covered: float
    slack: float
    pillars: tuple[int, ...]


@dataclass(frozen=True)
class Binding:
    """The rules that bind, each kind the worst first."""

    budgets: tuple[BudgetBinds, ...]
    rooms: tuple[RoomBinds, ...]
    forbidden: tuple[ForbidBinds, ...]
    kept: tuple[KeptBinds, ...]
    floors: tuple[FloorBinds, ...]


def binding(problem: Problem, chosen: Rows, *, most: int = 5, slack: float = 0.05) -> Binding:
    """Which rules bind in this plan.

    Parameters
    ----------
    chosen: the plan, rows of poses.
    most: how many rooms, forbidden and kept cameras are told of; of the kept, those with the least value per rupee are tried.
    slack: a floor binds where less than this share of it is covered beyond it.

    Raises
    ------
    ScenarioError: `rows.unknown`, `rows.twice`.
    """
    rows, faults = gains.rows_of(problem, chosen, "the plan's cameras")
    if faults:
        raise ScenarioError(faults)
    added = gains.additions(problem, rows)
    worth = gains.useful(problem, added.gain)
    lost = gains.losses(problem, rows)
    return Binding(
        budgets=_budgets(problem, added, worth), rooms=_rooms(problem, rows, added, worth, most),
        forbidden=_forbidden(problem, rows, added, worth, lost, most), kept=_kept(problem, rows, lost, most), floors=_floors(problem, rows, slack),
    )  # fmt: skip


def _budgets(problem: Problem, added: Additions, worth: Flags) -> tuple[BudgetBinds, ...]:
    wanted = np.nonzero(worth & added.free & added.room)[0]
    if not len(wanted):
        return ()
    found = []
    for kind, cost, left in (("capital", added.capital, added.left), ("yearly", added.yearly, added.left_yearly)):
        pose = int(wanted[np.lexsort((-added.gain[wanted], cost[wanted]))[0]])
        if cost[pose] > left:
            found.append(BudgetBinds(kind, int(left), int(cost[pose]), pose, float(added.gain[pose])))
    return tuple(found)


def _rooms(problem: Problem, rows: Ints, added: Additions, worth: Flags, most: int) -> tuple[RoomBinds, ...]:
    barred = np.nonzero(worth & added.free & ~added.room & added.payable)[0]
    barred = barred[np.argsort(-added.gain[barred], kind="stable")]
    _, first = np.unique(problem.site[barred], return_index=True)
    cameras = np.bincount(problem.site[rows], minlength=len(problem.site_cost))
    return tuple(
        RoomBinds(int(problem.site[p]), int(cameras[problem.site[p]]), int(p), float(added.gain[p]), int(added.capital[p]), int(added.yearly[p]))
        for p in barred[np.sort(first)[:most]]
    )


def _forbidden(problem: Problem, rows: Ints, added: Additions, worth: Flags, lost: Floats, most: int) -> tuple[ForbidBinds, ...]:
    inside = np.zeros(problem.n_poses, dtype=bool)
    inside[rows] = True
    barred = np.nonzero(worth & problem.limits.forbid & ~inside)[0]
    found = []
    for pose in barred[np.argsort(-added.gain[barred], kind="stable")][:most]:
        forbid = problem.limits.forbid.copy()
        forbid[pose] = False
        allowed = dataclasses.replace(problem, limits=dataclasses.replace(problem.limits, forbid=forbid))
        out, win = best_exchange(allowed, rows, int(pose), lost)
        fits = bool(added.payable[pose] & added.room[pose])
        figures = (float(added.gain[pose]), int(added.capital[pose]), int(added.yearly[pose]), fits)
        found.append(ForbidBinds(int(pose), *figures, out, win))
    return tuple(found)


def best_exchange(problem: Problem, rows: Ints, pose: int, lost: Floats) -> tuple[int | None, float]:
    """The camera best taken out of the plan for another pose, rules kept, and the value won; None and 0 where no exchange wins.

    Parameters
    ----------
    rows: the plan.
    lost: of `gains.losses` (n_rows,).
    """
    ways = np.nonzero(~problem.limits.keep[rows] & _money_for(problem, rows, pose))[0]
    point = problem.covers.indices[problem.covers.indptr[pose] : problem.covers.indptr[pose + 1]]
    shares = np.asarray(problem.covers[rows][:, point].sum(axis=1)).reshape(-1) > 0
    now = problem.value(rows)
    win = problem.value(np.append(rows, pose)) - now - lost
    # Where the two share a view, what one loses the other may win: worked out singly.
    for way in ways[shares[ways]]:
        win[way] = problem.value(np.append(np.delete(rows, way), pose)) - now
    for way in ways[np.argsort(-win[ways], kind="stable")]:
        if not gains.useful(problem, win[way : way + 1])[0]:
            break
        if not problem.broken(np.append(np.delete(rows, way), pose)):
            return int(rows[way]), float(win[way])
    return None, 0.0


def _money_for(problem: Problem, rows: Ints, pose: int) -> Flags:
    """Which of the plan's cameras free enough money and room for the pose (n_rows,)."""
    limits, here = problem.limits, problem.site[rows] == problem.site[pose]
    cameras = np.bincount(problem.site[rows], minlength=len(problem.site_cost))
    last = (cameras[problem.site[rows]] == 1) & ~here
    enters = 0 if here.any() else 1
    fits: Flags = (cameras[problem.site[pose]] < limits.per_site) | here
    for spent, own, at_site, limit in zip(
        problem.spent(rows), (problem.cost, problem.yearly), (problem.site_cost, problem.site_yearly), (limits.budget, limits.yearly), strict=True
    ):
        if limit is not None:
            frees = own[rows] + at_site[problem.site[rows]] * last
            fits = fits & (spent - frees + own[pose] + enters * at_site[problem.site[pose]] <= limit)
    return fits


def _kept(problem: Problem, rows: Ints, lost: Floats, most: int) -> tuple[KeptBinds, ...]:
    held = np.nonzero(problem.limits.keep[rows])[0]
    spent, _ = problem.spent(rows)
    frees = np.array([spent - problem.spent(np.delete(rows, at))[0] for at in held])
    found = []
    for at in held[np.argsort(lost[held] / np.maximum(frees, 1), kind="stable")][:most]:
        pose, rest = int(rows[at]), np.delete(rows, at)
        keep = problem.limits.keep.copy()
        keep[pose] = False
        free = dataclasses.replace(problem, limits=dataclasses.replace(problem.limits, keep=keep))
        plan = _refilled(free, rest, pose)
        gain = free.value(plan) - problem.value(rows) if plan is not None else 0.0
        if plan is not None and gain > gains.ROUNDING * problem.total:
            found.append(KeptBinds(pose, float(lost[at]), spent - problem.spent(rest)[0], tuple(np.setdiff1d(plan, rest).tolist()), gain))
    return tuple(sorted(found, key=lambda kept: (-kept.gain, kept.pose)))


def _refilled(problem: Problem, rest: Ints, out: int) -> Ints | None:
    """The better of two ways to fill the plan up without this pose: the best single camera, or the most value per share of the budgets again and
    again; None where neither keeps every rule.
    """
    one = gains.best_addition(problem, rest, barred=[out])
    ways = [rest] + ([] if one is None else [np.sort(np.append(rest, one))])
    plan = rest
    while True:
        added = gains.additions(problem, plan)
        able = gains.useful(problem, added.gain) & added.free & added.room & added.payable
        able[out] = False
        if not able.any():
            break
        price = added.capital / max(problem.limits.budget, 1)
        if problem.limits.yearly is not None:
            price = price + added.yearly / max(problem.limits.yearly, 1)
        plan = np.sort(np.append(plan, np.argmax(np.where(able, added.gain / np.maximum(price, 1e-12), -np.inf))))
    ways = [way for way in (*ways, plan) if not problem.broken(way)]
    return max(ways, key=problem.value) if ways else None


def _floors(problem: Problem, rows: Ints, slack: float) -> tuple[FloorBinds, ...]:
    least = problem.limits.ward_least
    had, covered = gains.ward_weight(problem, problem.already > 0), gains.ward_weight(problem, problem.seen(rows))
    tight = np.nonzero((least > 0) & (had < least) & (covered - least <= slack * least))[0]
    place, point = gains.entries_of(problem, rows)
    times = problem.already + np.bincount(point, minlength=len(problem.weight))
    tolerance = 1e-6 * max(problem.total, 1e-300)
    found = []
    for ward in tight:
        own = (times[point] == 1) & (problem.ward[point] == ward)
        holds = np.bincount(place[own], weights=problem.weight[point[own]], minlength=len(rows))
        pillars = rows[(holds > 0) & (least[ward] - (covered[ward] - holds) > tolerance)]
        figures = (float(least[ward]), float(covered[ward]), float(covered[ward] - least[ward]))
        found.append(FloorBinds(int(ward), problem.limits.ward_name(int(ward)), *figures, tuple(pillars.tolist())))
    return tuple(sorted(found, key=lambda floor: (floor.slack / floor.least, floor.ward)))
