"""Branch and price finds the best of all choices, and its bound holds however early it stops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from optimizer.branch import Part, choose, part_of
from optimizer.reduce import reduce
from tests.optimizer.test_reduce import affordable_keep
from tests.optimizer.toys import Ints, random_problem

NOTHING = np.empty(0, dtype=np.int64)


def random_part(seed: int) -> Part:
    """A few sites with a few poses each over a few points, some seen twice with gain."""
    rng = np.random.default_rng(seed)
    n_sites, n_points = int(rng.integers(1, 5)), int(rng.integers(2, 14))
    counts = rng.integers(1, 5, n_sites)
    n = int(counts.sum())
    rows = [np.nonzero(rng.random(n_points) < 0.35)[0] for _ in range(n)]
    weight = rng.uniform(0.1, 5, n_points)
    return Part(
        np.concatenate([[0], np.cumsum(counts)]), rng.uniform(0, 3, n), rng.uniform(0, 3, n_sites) * (rng.random() < 0.7),
        np.minimum(rng.integers(1, 4, n_sites), counts), np.concatenate([[0], np.cumsum([len(r) for r in rows])]),
        np.concatenate(rows).astype(np.int64), weight, weight * rng.random(n_points) * (rng.random() < 0.5), np.arange(n), np.arange(n_points),
    )  # fmt: skip


def worth(part: Part, chosen: Ints) -> float:
    """What poses are worth, from the arrays."""
    site = np.repeat(np.arange(len(part.room)), np.diff(part.first))
    views = np.zeros(len(part.weight), dtype=int)
    for s in np.unique(site[chosen]):
        seen = [part.items[part.start[p] : part.start[p + 1]] for p in chosen[site[chosen] == s]]
        views[np.unique(np.concatenate(seen))] += 1
    return float(part.weight[views > 0].sum() + part.second[views > 1].sum() - part.price[chosen].sum() - part.entry[np.unique(site[chosen])].sum())


def best_of_all(part: Part) -> float:
    """By trying every choice."""
    own = [range(part.first[s], part.first[s + 1]) for s in range(len(part.room))]
    choices = [[c for size in range(int(room) + 1) for c in itertools.combinations(rows, size)] for rows, room in zip(own, part.room, strict=True)]
    return max(worth(part, np.array(sum(pick, ()), dtype=np.int64)) for pick in itertools.product(*choices))


@pytest.mark.parametrize("block", range(20))
def test_it_agrees_with_trying_all(block: int) -> None:
    """Given nodes enough, the plan is the best there is and the bound says so; the poses are worth what is stated and fit their sites."""
    for seed in range(10 * block, 10 * block + 10):
        part = random_part(seed)
        best = best_of_all(part)
        for share in (0.0, 0.5, 1.0):
            found = choose(part, share * part.weight, begin=NOTHING, nodes=20_000, tolerance=1e-7)
            assert found.value == pytest.approx(best, abs=1e-6), seed
            assert worth(part, found.chosen) == pytest.approx(found.value, abs=1e-9)
            assert best - 1e-9 <= found.bound <= best + 1e-6
            site = np.repeat(np.arange(len(part.room)), np.diff(part.first))
            assert (np.bincount(site[found.chosen], minlength=len(part.room)) <= part.room).all()


@pytest.mark.parametrize("nodes", [1, 2, 5, 20])
def test_its_bound_holds_however_early_it_stops(nodes: int) -> None:
    """After few nodes the bound is no lower than the best of all choices, and the plan no better."""
    for seed in range(200, 260):
        part = random_part(seed)
        best = best_of_all(part)
        found = choose(part, 0.5 * part.weight, begin=NOTHING, nodes=nodes, tolerance=1e-7)
        assert found.bound >= best - 1e-9
        assert found.value <= best + 1e-9
        assert found.nodes <= nodes


@pytest.mark.parametrize("tolerance", [0.1, 1.0, 10.0])
def test_a_tolerance_is_told_in_the_bound(tolerance: float) -> None:
    """Where small differences are not worth a node, the bound stands that much higher, and holds."""
    for seed in range(300, 330):
        part = random_part(seed)
        found = choose(part, 0.5 * part.weight, begin=NOTHING, nodes=20_000, tolerance=tolerance)
        assert found.bound >= best_of_all(part) - 1e-9
        assert found.bound == pytest.approx(found.value + tolerance)


def test_it_is_never_worse_than_where_it_begins() -> None:
    """Begun from the best choice, one node is enough to keep it."""
    for seed in range(400, 430):
        part = random_part(seed)
        best = choose(part, 0.5 * part.weight, begin=NOTHING, nodes=20_000, tolerance=1e-7)
        again = choose(part, np.zeros(len(part.weight)), begin=best.chosen, nodes=1, tolerance=1e-7)
        assert again.value >= best.value - 1e-9


@pytest.mark.parametrize("seed", range(60))
def test_a_part_of_a_core_loses_nothing(seed: int) -> None:
    """Dropping poses that cannot pay and merging points that are seen alike changes no best choice: the part of all sites at prices is worth what
    trying all plans of the core at those prices gives."""
    problem = random_problem(seed, most_poses=8)
    if not affordable_keep(problem):
        return
    core = reduce(problem)
    rng = np.random.default_rng(seed)
    price, entry = rng.uniform(0, 4, core.n_poses), rng.uniform(0, 4, len(core.room))
    part = part_of(core, np.arange(len(core.room)), core.weight, core.second, price, entry)
    whole = Part(core.first, price, entry, core.room, core.start, core.items.astype(np.int64), core.weight, core.second, np.arange(core.n_poses),
                 np.arange(len(core.weight)))  # fmt: skip
    best = best_of_all(whole)
    found = choose(part, 0.5 * part.weight, begin=NOTHING, nodes=20_000, tolerance=1e-7) if len(part.price) else None
    assert (found.value if found else 0.0) == pytest.approx(best, abs=1e-6)
    if found:
        assert worth(whole, found.chosen) == pytest.approx(best, abs=1e-6)
