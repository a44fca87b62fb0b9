"""The bound over tiles lies above every lawful plan and no higher than the bound over sites."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer import tiles
from optimizer.neighbourhood import Ground, prepare
from optimizer.pricing import Evaluation, Prices
from optimizer.reduce import Core, reduce
from optimizer.search import greedy
from tests.optimizer.test_reduce import affordable_keep
from tests.optimizer.toys import best_value, plain_city, random_problem


def ground_of(core: Core, prices: Prices) -> tuple[Ground, Evaluation, float]:
    """The ground at these prices with every site in it, and the bound over sites."""
    now = Evaluation(core)
    bound = now.run(prices)
    return prepare(core, prices, np.full(len(core.room), np.inf), greedy(core)), now, bound


@pytest.mark.parametrize("seed", range(80))
def test_it_never_lies_below_the_best_plan(seed: int) -> None:
    """At any prices, with second views, floors, privacy and two budgets, however the town is cut into tiles, after every tile."""
    problem = random_problem(seed)
    best = best_value(problem)
    if best is None or not affordable_keep(problem):
        return
    core, rng = reduce(problem), np.random.default_rng(seed)
    if not core.n_poses:
        return
    for size in (1, 2, 4):
        ward = np.where(core.ward_least > 0, rng.random(len(core.ward_least)), 0.0)
        yearly = float(rng.random()) if np.isfinite(core.yearly_left) else 0.0
        ground, now, above = ground_of(core, Prices(rng.random(len(core.weight)), float(rng.random()), yearly, ward))
        before = above
        for bound in tiles.lower(ground, now.values, above, tiling=tiles.tiling(ground, sites=size)):
            assert best - 1e-9 * abs(best) <= bound <= before + 1e-9 * abs(before)
            before = bound


def test_every_site_is_in_one_tile_and_points_are_told_apart() -> None:
    """`shared` are the points that sites of two tiles or more can see; of the others the tile is named."""
    core = reduce(plain_city(3, sites=60))
    ground, _, _ = ground_of(core, Prices(np.full(len(core.weight), 0.5), 0.1, 0.0, np.zeros(1)))
    tiling = tiles.tiling(ground, sites=10)
    assert tiling.tile.min() >= 0 and tiling.tile.max() < tiling.n
    for i in range(0, len(core.weight), 7):
        seers = {int(tiling.tile[core.site[p]]) for p in range(core.n_poses) if i in core.items[core.start[p] : core.start[p + 1]]}
        assert bool(tiling.shared[i]) == (len(seers) > 1)
        assert int(tiling.alone[i]) == (next(iter(seers)) if len(seers) == 1 else -1)


def test_it_closes_part_of_the_gap() -> None:
    """At middling prices the bound falls with the tiles, and does not depend on how often it is asked."""
    core = reduce(plain_city(4, sites=200, budget=500))
    ground, now, above = ground_of(core, Prices(np.full(len(core.weight), 0.5), 0.05, 0.0, np.zeros(1)))
    first, again = (list(tiles.lower(ground, now.values, above, tiling=tiles.tiling(ground, sites=30))) for _ in range(2))
    assert first[-1] < above
    assert first == again


def test_it_stops_when_told() -> None:
    """Without time, or told to stop, no tile is solved and the bound is the one over sites."""
    core = reduce(plain_city(5, sites=60))
    ground, now, above = ground_of(core, Prices(np.full(len(core.weight), 0.5), 0.1, 0.0, np.zeros(1)))
    tiling = tiles.tiling(ground, sites=10)
    assert min(tiles.lower(ground, now.values, above, tiling=tiling, stop=lambda: True)) == above
