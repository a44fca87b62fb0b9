"""The local search finds lawful full coverings, the cheapest of small problems, and the same ones under the same seed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optimizer.reduce import Core, reduce
from optimizer.search import coverage, spent, ward_weight
from optimizer.weighting import Search
from tests.optimizer.test_setcover import cheapest, open_problem
from tests.optimizer.toys import problem_of, random_problem, with_limits

NOTHING = np.empty(0, dtype=np.int64)


def searched(core: Core, seed: int = 1) -> Search:
    """A search that began with no pose and worked for a while."""
    search = Search(core, NOTHING, seed=seed)
    search.run(3_000_000)
    return search


@pytest.mark.parametrize("seed", range(120))
def test_small_coverings_are_the_cheapest(seed: int) -> None:
    """Costs, poles and room included, a short search ends at the cheapest full covering; where there is none it finds none."""
    core = reduce(open_problem(seed))
    search = searched(core)
    best = cheapest(core)
    if not np.isfinite(best):
        assert search.best is None
        return
    assert search.best is not None
    seen = np.unique(np.concatenate([core.items[core.start[p] : core.start[p + 1]] for p in search.best] + [NOTHING]))
    assert len(seen) == len(core.weight)
    assert (np.bincount(core.site[search.best], minlength=len(core.room)) <= core.room).all()
    assert search.cost == spent(core, search.best)[0] == best


@pytest.mark.parametrize("seed", range(120))
def test_part_is_covered_the_cheapest_too(seed: int) -> None:
    """Where part of the weight is wanted, and of each ward its floor, a short search ends at the cheapest plan that has room."""
    problem = dataclasses.replace(random_problem(seed), second=np.zeros(0), penalty=np.zeros(0))
    core = reduce(with_limits(problem, budget=10**9, yearly=None, keep=np.zeros(problem.n_poses, dtype=bool)))
    wanted = core.all_weight * float(np.random.default_rng([seed, 3]).random())
    best, least = np.inf, core.ward_least - 1e-9 * core.all_weight
    for number in range(2**core.n_poses):
        rows = np.nonzero((number >> np.arange(core.n_poses)) & 1)[0]
        seen = coverage(core, rows) > 0
        enough = core.weight[seen].sum() >= wanted - 1e-9 * core.all_weight and (ward_weight(core, seen) >= least).all()
        if enough and (np.bincount(core.site[rows], minlength=len(core.room)) <= core.room).all():
            best = min(best, spent(core, rows)[0])
    search = Search(dataclasses.replace(core, ward_least=least), NOTHING, seed=1, wanted=wanted - 1e-9 * core.all_weight)
    search.run(5_000_000)
    assert search.cost == best


def test_more_work_is_never_worse() -> None:
    """What was found stays while the search goes on, and equal seeds find the same whether worked in one stretch or asked in between."""
    rng = np.random.default_rng(4)
    core = reduce(problem_of(rng.random((120, 90)) < 0.06, 1.0, cost=rng.integers(1, 9, 120)))
    search, again = Search(core, NOTHING, seed=2), Search(core, NOTHING, seed=2)
    costs = []
    for _ in range(10):
        search.run(300_000)
        again.run(300_000)
        costs.append(search.cost)
        assert search.best is not None and again.best is not None
        assert search.best.tolist() == again.best.tolist()
    assert costs == sorted(costs, reverse=True)


def test_it_stops_at_enough() -> None:
    """A covering that is cheap enough ends the search."""
    core = reduce(problem_of([[1, 1], [1, 0], [0, 1]], 1.0, cost=[5, 1, 1]))
    search = Search(core, np.array([0]), seed=1)
    search.run(100_000_000, enough=5.0)
    assert search.cost == 5.0
    search.run(100_000)
    assert search.cost == 2.0


def test_a_whole_pole_may_go() -> None:
    """Three cameras on a pole at 90 give way to three others at 30 each: leaving one by one would never pay."""
    covers = np.vstack([np.eye(3, dtype=int)] * 2)
    core = reduce(problem_of(covers, 1.0, cost=[10] * 3 + [30] * 3, site=[0, 0, 0, 1, 2, 3], site_cost=[90, 0, 0, 0]))
    search = Search(core, np.array([0, 1, 2]), seed=1)
    search.run(1_000_000)
    assert search.cost == 90.0


def test_a_full_site_makes_room() -> None:
    """The one pose a site may carry is exchanged where only another of the site sees what is left."""
    covers = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    core = reduce(problem_of(covers, 1.0, cost=1, site=[0, 0, 1, 2], per_site=1))
    search = Search(core, np.array([0]), seed=1)
    search.run(1_000_000)
    assert search.cost == 3.0
