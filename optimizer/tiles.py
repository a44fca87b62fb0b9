"""A bound closer than the Lagrangian over sites: the Lagrangian over tiles, each tile's problem solved as a whole.

    L = sum over points that several tiles see of (w - u)+ + (second - u)+  +  what the limits are worth at their prices
        + sum over tiles of the best plan of the tile, where such points are worth u and all others their weight

A point that one tile alone sees needs no price, so what a price loses there (cameras of two sites that each pay for half of the same street) is won
back. The tiles begin from the bound over sites, and each that is solved lowers it by its own share: tiles are independent work, and the bound holds
after each of them. A tile too hard to solve is bounded within a wider tolerance.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from optimizer.branch import Found, Part, choose, part_of
from optimizer.neighbourhood import Ground, patches, sees
from optimizer.pricing import Prices
from optimizer.problem import Flags, Floats, Ints
from optimizer.reduce import Core

SITES = 90  # good sites of a tile
NODES = (1_000, 8_000)  # of a tile, at first and where that did not do
SOLVED = 2e-3  # share of a tile's bound that may lie above its plan
LADDER = (0.1, 0.4, 0.7)  # tolerances tried, as shares of what the tile's bound lies above its plan


@dataclass(frozen=True, eq=False)
class Tiling:
    """`tile` (n_sites,): the tile of each site; `shared` (n_demand,): which points several tiles see; `alone` (n_demand,): the tile of the others, -1
    where no site sees them.
    """

    tile: Ints
    shared: Flags
    alone: Ints
    n: int


def tiling(ground: Ground, *, sites: int = SITES, seed: int = 1) -> Tiling:
    """Tiles of about so many of the ground's sites, grown like patches; every other site of the core joins the tile it shares most with."""
    core = ground.core
    own = np.zeros(len(ground.sites), dtype=np.int64)
    for k, inside in enumerate(patches(ground, sites, np.random.default_rng(seed))):
        own[inside] = k
    own = _join_small(ground, own, sites)
    n = int(own.max(initial=-1)) + 1
    see = sees(core)
    of_tile = sparse.csr_matrix((np.ones(len(own), dtype=np.float32), (own, ground.sites)), shape=(n, len(core.room)))
    pull = (see @ (of_tile @ see).T.tocsr()).tocsr()
    tile = np.asarray(pull.argmax(axis=1)).ravel().astype(np.int64) if n else np.zeros(len(core.room), dtype=np.int64)
    tile[ground.sites] = own
    of_tile = sparse.csr_matrix((np.ones(len(tile), dtype=np.float32), (tile, np.arange(len(tile)))), shape=(max(n, 1), len(tile)))
    seen_by = (of_tile @ see).tocsc()
    tiles_that_see = np.diff(seen_by.indptr)
    alone = np.full(len(core.weight), -1, dtype=np.int64)
    once = tiles_that_see == 1
    alone[once] = seen_by.indices[seen_by.indptr[:-1][once]]
    return Tiling(tile, tiles_that_see > 1, alone, max(n, 1))


def _join_small(ground: Ground, own: Ints, sites: int) -> Ints:
    """Fragments join the neighbour they share most with, while that stays small enough."""
    for _ in range(3):
        n = int(own.max(initial=-1)) + 1
        counts = np.bincount(own, minlength=n)
        member = sparse.csr_matrix((np.ones(len(own), dtype=np.float32), (own, np.arange(len(own)))), shape=(n, len(own)))
        between = (member @ ground.near @ member.T).tocsr()
        for k in np.nonzero((counts > 0) & (counts < sites // 2))[0]:
            rows, weights = between.indices[between.indptr[k] : between.indptr[k + 1]], between.data[between.indptr[k] : between.indptr[k + 1]]
            fits = (rows != k) & (counts[rows] > 0) & (counts[rows] + counts[k] <= 1.5 * sites)
            if fits.any():
                into = int(rows[fits][weights[fits].argmax()])
                own[own == k] = into
                counts[into] += counts[k]
                counts[k] = 0
        _, own = np.unique(own, return_inverse=True)
        own = own.reshape(-1)
    return own


def _tile_part(core: Core, prices: Prices, tiles: Tiling, k: int, u: Floats, weight: Floats) -> Part:
    worth = np.where(tiles.shared, u, weight)
    # Of a shared point each view counts at its price, a second one too where it is worth anything at all.
    second = np.where(tiles.shared, np.where(core.second > 0, u, 0.0), core.second)
    return part_of(core, np.nonzero(tiles.tile == k)[0], worth, second, prices.of_poses(core), prices.of_sites(core))


def _solve_tile(
    part: Part, share: Floats, above: float, begin: Ints, *, nodes: int, stop: Callable[[], bool], halt: Ints
) -> tuple[float, Found]:
    """The lowest bound proven of a tile whose bound over sites is `above`, and its best plan; `begin` rows of the part to begin from."""
    best = choose(part, share * part.weight, begin=begin, nodes=30, tolerance=1e-3 * above, halt=halt)
    bound = min(above, best.bound)
    for tolerance in LADDER:
        if stop() or bound - best.value <= SOLVED * above:
            break
        begin = np.nonzero(np.isin(part.pose, best.chosen))[0]
        best = choose(part, share * part.weight, begin=begin, nodes=nodes, tolerance=tolerance * (bound - best.value), halt=halt)
        if best.bound < bound - 1e-9 * abs(bound):
            return best.bound, best
    return bound, best


def lower(
    ground: Ground, values: Floats, bound: float, *, tiling: Tiling, time_limit_s: float = 1e6, stop: Callable[[], bool] = lambda: False
) -> Generator[float]:
    """The bound after each tile, lower and lower; tiles that are too hard are tried again, for longer, when all others are done.

    Parameters
    ----------
    values: each site's best at the ground's prices (n_sites,), of `pricing.Evaluation`.
    bound: what they prove together.
    """
    core, prices = ground.core, ground.prices
    weight = prices.weight(core)
    u = prices.share * weight
    open_weight = weight - u + np.maximum(core.second - u, 0.0)
    above = np.bincount(tiling.tile, weights=values, minlength=tiling.n)
    inside = tiling.alone >= 0
    above += np.bincount(tiling.alone[inside], weights=open_weight[inside], minlength=tiling.n)
    below, slack, plans = above.copy(), above.copy(), [np.empty(0, dtype=np.int64)] * tiling.n
    halt = np.zeros(1, dtype=np.int64)

    def enough() -> bool:
        return stop() or bool(halt[0])

    def work(job: tuple[int, int]) -> tuple[float, Found | None]:
        k, nodes = job
        if enough():
            return float(below[k]), None
        part = _tile_part(core, prices, tiling, k, u, weight)
        if not len(part.price):
            return 0.0, None
        share = np.where(tiling.shared, 1.0, prices.share)[part.point]
        begin = np.nonzero(np.isin(part.pose, plans[k]))[0]
        return _solve_tile(part, share, float(below[k]), begin, nodes=nodes, stop=enough, halt=halt)

    def stop_all() -> None:
        halt[0] = 1

    timer, pool = threading.Timer(max(time_limit_s, 0.0), stop_all), ThreadPoolExecutor(2)
    timer.daemon = True
    timer.start()
    try:
        waiting = [int(k) for k in np.argsort(-above, kind="stable")]
        for nodes in NODES:
            for k, (now, found) in zip(waiting, pool.map(work, [(k, nodes) for k in waiting]), strict=True):
                bound -= max(float(below[k]) - now, 0.0)
                below[k] = min(now, below[k])
                plans[k] = plans[k] if found is None else found.chosen
                slack[k] = below[k] - (now if found is None else found.value)
                yield bound
            waiting = [k for k in sorted(waiting, key=lambda row: -slack[row]) if slack[k] > SOLVED * below[k]]
    finally:
        # Whoever has enough of it stops the tiles under way.
        stop_all()
        timer.cancel()
        pool.shutdown(cancel_futures=True)
