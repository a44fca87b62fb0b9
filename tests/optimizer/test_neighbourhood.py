"""Planning a patch anew under prices never loses, leaves the rest as it stands, and reaches what trying all reaches."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from optimizer import neighbourhood
from optimizer.neighbourhood import Ground, Standing, grow, next_size, patches, prepare, sweep
from optimizer.pricing import Evaluation, Prices
from optimizer.reduce import Core, reduce
from optimizer.search import coverage, greedy, spent, value
from tests.optimizer.toys import problem_of


def street(n_sites: int = 40, *, seed: int = 3, floor: float = 0.0, second: float = 0.0) -> Core:
    """A street of sites, three poses each, that see overlapping stretches of demand in two wards."""
    rng = np.random.default_rng(seed)
    n_demand = 4 * n_sites
    covers = np.zeros((3 * n_sites, n_demand), dtype=bool)
    for pose in range(len(covers)):
        first = 4 * (pose // 3) + int(rng.integers(-4, 4))
        covers[pose, max(first, 0) : max(first, 0) + int(rng.integers(2, 7))] = True
    weight = rng.uniform(1, 9, n_demand)
    ward = (np.arange(n_demand) >= n_demand // 2).astype(np.int64)
    totals = np.bincount(ward, weights=weight)
    return reduce(
        problem_of(
            covers, weight, cost=rng.integers(5, 15, len(covers)), site=np.arange(len(covers)) // 3, site_cost=rng.integers(5, 40, n_sites),
            yearly=rng.integers(1, 4, len(covers)), site_yearly=2, budget=400, yearly_budget=70, per_site=2, ward=ward, least=totals * floor,
            second=second * weight, penalty=rng.uniform(0, 2, len(covers)),
        )
    )  # fmt: skip


def ground_of(core: Core, *, rupee: float = 0.3, ward: float = 0.0) -> Ground:
    """The ground at some prices, every site in it."""
    prices = Prices(np.full(len(core.weight), 0.5), rupee, 0.1, np.where(core.ward_least > 0, ward, 0.0))
    now = Evaluation(core)
    now.run(prices)
    return prepare(core, prices, np.full(len(core.room), np.inf), greedy(core))


def worth(ground: Ground, rows: np.ndarray) -> float:
    """What a plan is worth at the ground's prices, worked out from the arrays."""
    core, prices = ground.core, ground.prices
    views = coverage(core, rows)
    capital, yearly = spent(core, rows)
    seen = prices.weight(core)[views > 0].sum() + core.second[views > 1].sum() - core.penalty[rows].sum()
    return float(seen - prices.capital * capital - prices.yearly * yearly)


def test_sites_are_near_where_they_see_the_same_demand() -> None:
    """Two sites are neighbours exactly where a pose of one and a pose of the other see a common point."""
    core = street(6)
    ground = ground_of(core)
    sees = [
        {int(core.items[k]) for p in range(core.first[s], core.first[s + 1]) for k in range(core.start[p], core.start[p + 1])} for s in ground.sites
    ]
    for one, other in itertools.product(range(len(sees)), repeat=2):
        assert bool(ground.near[one, other] > 0) == bool(sees[one] & sees[other])


def test_patches_hold_every_site_once() -> None:
    """They share no site, leave none out, and none is larger than asked; one that is grown is of one piece."""
    ground = ground_of(street())
    for seed in range(5):
        given = list(patches(ground, 7, np.random.default_rng(seed)))
        assert (np.sum(given, axis=0) == 1).all()
        assert max(int(inside.sum()) for inside in given) <= 7
    first = grow(ground, 20, 7, np.zeros(len(ground.sites), dtype=bool))
    assert first[20]
    assert np.ptp(np.nonzero(first)[0]) < 14


def test_patches_side_by_side_share_nothing() -> None:
    """Two patches planned at a time have no demand in common."""
    ground = ground_of(street())
    for pair in neighbourhood._apart(ground, list(patches(ground, 5, np.random.default_rng(2)))):
        assert 1 <= len(pair) <= 2
        if len(pair) == 2:
            assert ground.near[pair[0]][:, pair[1]].nnz == 0


@pytest.mark.parametrize("second", [0.0, 0.6])
@pytest.mark.parametrize("seed", range(12))
def test_a_patch_is_planned_as_well_as_by_trying_all(seed: int, second: float) -> None:
    """A patch of four sites planned anew is worth what the best of all choices there is, the rest as it stands; its bound holds."""
    core = street(12, seed=seed, second=second)
    ground = ground_of(core, ward=0.3)
    plan = greedy(core)
    inside = np.zeros(len(ground.sites), dtype=bool)
    inside[4:8] = True
    among = np.isin(core.site, ground.sites[inside])
    stays = plan[~among[plan]]
    standing = Standing(ground, plan)
    found = standing.replan(inside, plan[among[plan]], nodes=5_000)
    assert (standing.views == coverage(core, stays)).all()
    assert among[found.chosen].all()
    own = [np.nonzero(core.site == s)[0] for s in ground.sites[inside]]
    choices = [[()] + [c for size in (1, 2) if size <= core.room[s] for c in itertools.combinations(rows, size)]
               for s, rows in zip(ground.sites[inside], own, strict=True)]  # fmt: skip
    best = max(worth(ground, np.sort(np.concatenate([stays, np.array(sum(pick, ()), dtype=np.int64)]))) for pick in itertools.product(*choices))
    again = worth(ground, np.sort(np.concatenate([stays, found.chosen])))
    assert best - 0.04 * ground.unit <= again <= best * (1 + 1e-9)
    assert again + found.bound - found.value >= best * (1 - 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_a_sweep_never_loses(seed: int) -> None:
    """After each sweep the plan is worth no less at the prices; from a poor plan it gains."""
    core = street(seed=seed, second=0.3)
    ground = ground_of(core)
    rng = np.random.default_rng(seed)
    plan = np.empty(0, dtype=np.int64)
    before = worth(ground, plan)
    for _ in range(3):
        plan, open_ended = sweep(ground, plan, 10, rng)
        assert worth(ground, plan) >= before - 1e-9
        assert 0 <= open_ended <= 1
        before = worth(ground, plan)
    assert (np.diff(plan) > 0).all()
    assert (np.bincount(core.site[plan], minlength=len(core.room)) <= core.room).all()
    assert value(core, plan) > 0


def test_equal_seeds_give_equal_sweeps() -> None:
    """A sweep depends on nothing but the ground, the plan and the seed."""
    core = street()
    first, again = (sweep(ground_of(core), greedy(core), 9, np.random.default_rng(5))[0] for _ in range(2))
    assert first.tolist() == again.tolist()


def test_a_sweep_stops_when_told() -> None:
    """Told to stop, what is planned so far is the plan."""
    core = street()
    plan, _ = sweep(ground_of(core), greedy(core), 9, np.random.default_rng(5), go_on=lambda: False)
    assert plan.tolist() == greedy(core).tolist()


def test_patches_grow_while_they_are_easy() -> None:
    """Larger where all end, smaller where many do not, within limits."""
    assert (next_size(60, 0.0), next_size(60, 0.1), next_size(60, 0.5)) == (75, 60, 48)
    assert (next_size(150, 0.0), next_size(40, 1.0)) == (150, 40)
