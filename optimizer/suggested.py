"""Why a place that people asked for is not in a plan, as far as sites and rupees go: could any camera have seen it, and was it worth its money.

no_site    no place for a camera lies within the longest reach
hidden     sites lie within reach, but buildings or the picture's edges hide the place from every camera offered there
barred     cameras could see it, but each is forbidden by the wish, or its site is full
nothing    the best of them would add nothing that is not in view already
fits       the best of them could be added for what the budget leaves
worth      it would add less for a rupee than the least of the cameras bought
money      it is worth its rupees, but what the budget leaves does not pay for it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from coverage.matrix import build_matrix
from coverage.poses import EYE_M, farthest_m
from coverage.sight import Floats, cast
from optimizer import gains
from optimizer.desk import Desk
from planning.catalogue import load_levels

REASONS = ("no_site", "hidden", "barred", "nothing", "fits", "worth", "money")
LAKH = 100_000


@dataclass(frozen=True)
class Chance:
    """What stood in the way of a place.

    `key`: one of `REASONS`. `sites`: how many lie within the longest reach; `camera`: the best that would see it, by what it adds for a rupee, with
    its `px_per_m` there and its cost, its site's included [INR]. Shares of all weight: `gain` it would add, `per_lakh` for each lakh of its cost;
    `least_per_lakh`: what the least of the cameras bought adds for a lakh of what it costs. `left_inr`: what the budget leaves.
    """

    key: str
    sites: int
    camera: str = ""
    px_per_m: float = 0.0
    cost_inr: int = 0
    gain: float = 0.0
    per_lakh: float = 0.0
    least_per_lakh: float = 0.0
    left_inr: int = 0


def chances(desk: Desk, points_m: Floats | Sequence[tuple[float, float]]) -> tuple[Chance, ...]:
    """What stood in the way of each place.

    Parameters
    ----------
    desk: a plan's. points_m: places in the city's CRS (n, 2) [m].
    """
    survey, problem = desk.survey, desk.problem
    points = np.asarray(points_m, dtype=np.float64).reshape(-1, 2)
    if not len(points):
        return ()
    sites = shapely.get_coordinates(survey.sites.geometry.array).astype(np.float64)
    heads = survey.poses.heads
    reach = farthest_m(heads, survey.walls)
    highest = np.minimum(survey.sites["max_height_m"].to_numpy(dtype=np.float64), max(head.height_m for head in heads)) + 1e-9
    lines = cast(survey.walls, sites, points, np.full(len(points), EYE_M), reach_m=reach, highest_m=highest)
    seen = build_matrix(lines, survey.poses, len(points)).px_per_m.tocsc()
    level = load_levels()[desk.scenario.level].px_per_m * (1 - 1e-6)
    added, least = gains.additions(problem, desk.chosen), _least_per_rupee(desk)
    found = []
    for k, point in enumerate(points):
        rows, px = seen.indices[seen.indptr[k] : seen.indptr[k + 1]], seen.data[seen.indptr[k] : seen.indptr[k + 1]]
        rows, px = rows[px >= level], px[px >= level]
        near = int((np.hypot(*(sites - point).T) <= reach).sum())
        allowed = added.free[rows] & added.room[rows]
        if not near or not len(rows) or not allowed.any():
            found.append(Chance("no_site" if not near else "hidden" if not len(rows) else "barred", near))
            continue
        rows, px = rows[allowed], px[allowed]
        best = int(np.argmax(added.gain[rows] / np.maximum(added.capital[rows], 1)))
        found.append(_judge(desk, added, int(rows[best]), float(px[best]), near, least))
    return tuple(found)


def _judge(desk: Desk, added: gains.Additions, row: int, px: float, near: int, least: float) -> Chance:
    gain, cost = float(added.gain[row]), int(added.capital[row])
    ratio = gain / max(cost, 1)
    if gain <= gains.ROUNDING * desk.problem.total:
        key = "nothing"
    elif bool(added.payable[row]):
        key = "fits"
    else:
        key = "worth" if ratio < least else "money"
    per = LAKH / desk.whole
    return Chance(key, near, desk.ids([row])[0], px, cost, gain / desk.whole, ratio * per, least * per, int(added.left))


def _least_per_rupee(desk: Desk) -> float:
    """The least that a camera bought adds for a rupee, the rupees those that would be saved without it; kept cameras are left aside, 0 where none."""
    problem, chosen = desk.problem, desk.chosen
    if not len(chosen):
        return 0.0
    alone = np.bincount(problem.site[chosen], minlength=len(problem.site_cost))[problem.site[chosen]] == 1
    saved = problem.cost[chosen] + problem.site_cost[problem.site[chosen]] * alone
    free = ~problem.limits.keep[chosen]
    ratios = gains.losses(problem, chosen)[free] / np.maximum(saved[free], 1)
    return float(ratios.min()) if len(ratios) else 0.0
