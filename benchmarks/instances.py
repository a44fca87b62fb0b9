"""Made problems for the optimizer's benchmarks. MADE, not surveyed: no town looks like this one; what is like a town's is how views overlap.

A jittered grid of streets; demand close by close along them, its weight lognormal, heavier on main streets and around a few busy places; poses on
the same streets. A camera sees a wedge of ground. In `town` nothing stands in it; in `poles` houses cut it short, street by street less than across,
so that dearer cameras of a pole often see no more than cheaper ones.

    ======\\=======/======
    . . . .\\ . . / . . .      reach_m, hfov_deg of its model
    ========\\===/========
             cam

The same arguments and seed give the same problem, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from optimizer.problem import Floats, Ints, Limits, Problem

REACH_M = np.array([40.0, 55.0, 75.0])  # of the three models
HFOV_DEG = np.array([90.0, 75.0, 60.0])
COST_INR = np.array([12_000, 22_000, 45_000])
CAMERA_INR, WITH_POLE_INR = 25_000, 26_000  # what a camera of a good plan costs with its fitting, and with its part of a pole
BLOCK_M = 60.0  # between streets: views overlap along and across them; where that is rarer the problem is nearly one of intervals, and easy
SECTORS = 24  # directions round a pole; in each a house stands nearer or farther
HOUSES_M, STREET_M = 22.0, 40.0  # mean clear sight past the first few metres to houses, and past as much again along a street
PAIRS = 2_000_000  # pairs of pose and demand looked at in one go: bounds the memory


@dataclass(frozen=True, eq=False)
class _Streets:
    """Straight pieces from `start` to `end` (n, 2) [m]; `heavy` (n,): how much more demand weighs there."""

    start: Floats
    end: Floats
    heavy: Floats


def town(n_demand: int, n_poses: int, *, cameras: int, spacing_m: float = 0.4, equal: bool = False, seed: int = 1) -> Problem:
    """A problem without pole costs: each pose is a site of its own that costs nothing; its cost is the model's and the fitting's at its spot.

    Parameters
    ----------
    cameras: how many the budget buys, roughly.
    spacing_m: between demand points along a street [m]; with the number of points it sets the town's size.
    equal: every camera costs 1, so the budget is a count.
    """
    rng = np.random.default_rng([seed, n_demand, n_poses])
    streets = _lay(rng, n_demand * spacing_m)
    points, weight = _demand(rng, streets, n_demand)
    stands, _ = _stand(rng, streets, n_poses)
    bearing = rng.uniform(0.0, 2 * np.pi, n_poses)
    model = rng.choice(len(REACH_M), n_poses, p=(0.4, 0.35, 0.25))
    of = [np.nonzero(model == kind)[0] for kind in range(len(REACH_M))]
    clear = np.full((n_poses, SECTORS), np.inf)
    parts = [_look(points, stands[rows], bearing[rows, None], clear[rows], kind) for kind, rows in enumerate(of)]
    covers = sparse.vstack(parts, format="csr")[np.argsort(np.concatenate(of))]
    cost = COST_INR[model] + rng.integers(4, 25, n_poses) * 1_000
    if equal:
        cost = np.ones_like(cost)
    free = np.zeros(n_poses, dtype=np.int64)
    return _problem(covers, weight, cost, np.arange(n_poses), free, cameras if equal else cameras * CAMERA_INR, per_site=1)


def poles(n_demand: int, n_poles: int, *, cameras: int, spacing_m: float = 2.0, seed: int = 1) -> Problem:
    """A problem with pole costs: three cameras a pole at most; a pole offers six or seven bearings of each model and costs one to three cameras.

    Parameters
    ----------
    cameras: how many the budget buys, roughly, each with its part of a pole.
    spacing_m: between demand points along a street [m]; with the number of points it sets the town's size.
    """
    rng = np.random.default_rng([seed, n_demand, n_poles])
    streets = _lay(rng, n_demand * spacing_m)
    points, weight = _demand(rng, streets, n_demand)
    stands, ahead = _stand(rng, streets, n_poles)
    clear = _clear(rng, ahead)
    turns = np.where(rng.random(n_poles) < 0.25, 7, 6)
    turn = np.arange(7)[None, :]
    at = ahead[:, None] + 2 * np.pi * turn / turns[:, None] + rng.normal(0.0, 0.1, (n_poles, 7))
    kinds = len(REACH_M)
    covers = sparse.vstack([_look(points, stands, at, clear, kind) for kind in range(kinds)], format="csr")
    # The matrix comes model by model; poses go pole by pole, without the seventh bearing where there are six.
    site, kind, slot = (row.ravel() for row in np.indices((n_poles, kinds, 7)))
    there = slot < turns[site]
    site, kind, slot = site[there], kind[there], slot[there]
    covers = covers[(kind * n_poles + site) * 7 + slot]
    pole = rng.choice([15_000, 30_000, 60_000], n_poles, p=(0.3, 0.4, 0.3)) + rng.integers(0, 6, n_poles) * 1_000
    return _problem(covers, weight, COST_INR[kind], site, pole, cameras * WITH_POLE_INR, per_site=3)


def _problem(covers: sparse.csr_matrix, weight: Floats, cost: Ints, site: Ints, site_cost: Ints, budget: int, *, per_site: int) -> Problem:
    """The arrays as a problem with one budget: no yearly costs, no wards, nothing kept or forbidden, nothing seen already."""
    n_poses, n_demand = covers.shape
    none = np.zeros(n_poses, dtype=bool)
    limits = Limits(budget, None, per_site, keep=none, forbid=none, ward_least=np.empty(0))
    return Problem(
        covers=covers, weight=weight, already=np.zeros(n_demand, dtype=np.int64), ward=np.full(n_demand, -1, dtype=np.int64),
        cost=cost.astype(np.int64), yearly=np.zeros(n_poses, dtype=np.int64), site=site.astype(np.int64), site_cost=site_cost.astype(np.int64),
        site_yearly=np.zeros(len(site_cost), dtype=np.int64), limits=limits,
    )  # fmt: skip


def _lay(rng: np.random.Generator, length_m: float) -> _Streets:
    """About so many metres of streets: a grid with moved crossings, some of its least streets missing; every sixth is a main street."""
    n = max(int(np.sqrt(length_m / (2 * BLOCK_M * 0.92))), 2)
    crossing = np.stack(np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0), indexing="ij"), axis=-1) * BLOCK_M
    crossing += rng.normal(0.0, 0.12 * BLOCK_M, crossing.shape)
    line = np.arange(n + 1)
    heavy = np.where(line % 6 == 3, 3.0, np.where(line % 2 == 1, 1.5, 1.0))
    start = np.concatenate([crossing[:-1].reshape(-1, 2), crossing[:, :-1].reshape(-1, 2)])
    end = np.concatenate([crossing[1:].reshape(-1, 2), crossing[:, 1:].reshape(-1, 2)])
    weight = np.concatenate([np.tile(heavy, n), np.repeat(heavy, n)])
    kept = (weight > 1.0) | (rng.random(len(weight)) < 0.85)
    return _Streets(start[kept], end[kept], weight[kept])


def _along(rng: np.random.Generator, streets: _Streets, n: int) -> tuple[Floats, Ints]:
    """So many places at even steps along all streets, each moved a little: where (n, 2) [m], and on which street (n,)."""
    length = np.hypot(*(streets.end - streets.start).T)
    until = np.cumsum(length)
    at = (np.arange(n) + 0.5 + rng.uniform(-0.4, 0.4, n)) * until[-1] / n
    street = np.minimum(np.searchsorted(until, at), len(length) - 1)
    part = ((at - until[street]) / length[street] + 1)[:, None]
    return streets.start[street] * (1 - part) + streets.end[street] * part, street


def _demand(rng: np.random.Generator, streets: _Streets, n: int) -> tuple[Floats, Floats]:
    """Points on the carriageway and the footways (n, 2) [m] with their weights (n,)."""
    points, street = _along(rng, streets, n)
    points = points + rng.uniform(-5.0, 5.0, points.shape)
    weight = rng.lognormal(0.0, 0.7, n) * streets.heavy[street]
    low, high = points.min(axis=0), points.max(axis=0)
    for _ in range(8):
        away = np.hypot(*(points - rng.uniform(low, high)).T)
        weight *= 1.0 + 2.0 * np.exp(-0.5 * (away / rng.uniform(150.0, 500.0)) ** 2)
    return points, weight


def _stand(rng: np.random.Generator, streets: _Streets, n: int) -> tuple[Floats, Floats]:
    """So many places on the footways, evenly along all streets (n, 2) [m], and where their street leads (n,) [rad clockwise from north]."""
    xy, street = _along(rng, streets, n)
    east, north = (streets.end[street] - streets.start[street]).T
    ahead = np.arctan2(east, north)
    side = rng.choice([-4.0, 4.0], n)
    return xy + side[:, None] * np.column_stack([np.cos(ahead), -np.sin(ahead)]), ahead


def _clear(rng: np.random.Generator, ahead: Floats) -> Floats:
    """How far houses let one see from each stand in each sector (n_stands, SECTORS) [m]: far along its street, elsewhere to the next house."""
    middle = (np.arange(SECTORS) + 0.5) * 2 * np.pi / SECTORS
    street = np.abs(np.sin(middle - ahead[:, None])) < np.sin(2 * np.pi / SECTORS)
    further = rng.exponential(1.0, (len(ahead), SECTORS))
    return np.where(street, STREET_M * (1 + further), 6.0 + HOUSES_M * further)


def _look(points: Floats, stands: Floats, bearing_rad: Floats, clear_m: Floats, kind: int) -> sparse.csr_matrix:
    """What cameras of one model see: csr bool (n_stands * n_bearings, n_demand), stand after stand.

    `stands` (n_stands, 2) [m]; `bearing_rad` (n_stands, n_bearings), clockwise from north; `clear_m` (n_stands, SECTORS); `kind`: which model.
    """
    n, turns = bearing_rad.shape
    centre, radius = stands, float(REACH_M[kind])
    if turns == 1:
        # A wedge lies within the smaller circle through its three corners: fewer pairs to look at.
        radius /= 2 * float(np.cos(np.radians(HFOV_DEG[kind] / 2)))
        centre = centre + radius * np.column_stack([np.sin(bearing_rad[:, 0]), np.cos(bearing_rad[:, 0])])
    tree = cKDTree(points)
    near = np.cumsum(tree.query_ball_point(centre, radius, return_length=True))
    cuts = np.unique(np.append(np.searchsorted(near, np.arange(PAIRS, near[-1], PAIRS)) + 1, n))
    parts = []
    for first, last in zip([0, *cuts[:-1]], cuts, strict=True):
        pairs = cKDTree(centre[first:last]).sparse_distance_matrix(tree, radius, output_type="ndarray")
        row, seen = _see(points, stands, bearing_rad, clear_m, kind, pairs["i"] + first, pairs["j"])
        shape = ((last - first) * turns, len(points))
        parts.append(sparse.csr_matrix((np.ones(len(row), dtype=bool), (row - first * turns, seen)), shape=shape))
    covers = sparse.vstack(parts, format="csr")
    covers.sort_indices()
    return covers


def _see(points: Floats, stands: Floats, bearing_rad: Floats, clear_m: Floats, kind: int, stand: Ints, point: Ints) -> tuple[Ints, Ints]:
    """Of these pairs of stand and point, the poses and points where one sees the other."""
    gone = (points[point] - stands[stand]).astype(np.float32)
    away, azimuth = np.hypot(*gone.T), np.arctan2(*gone.T)
    sector = np.floor(azimuth * (SECTORS / (2 * np.pi))).astype(np.int64) % SECTORS
    within = away <= np.minimum(REACH_M[kind], clear_m[stand, sector])
    stand, point, azimuth = stand[within], point[within], azimuth[within]
    turn, rows, seen = np.float32(2 * np.pi), [], []
    for slot in range(bearing_rad.shape[1]):
        off = np.abs((azimuth - bearing_rad[stand, slot].astype(np.float32) + turn / 2) % turn - turn / 2)
        sees = off <= np.radians(HFOV_DEG[kind] / 2)
        rows.append(stand[sees] * bearing_rad.shape[1] + slot)
        seen.append(point[sees])
    return np.concatenate(rows), np.concatenate(seen)
