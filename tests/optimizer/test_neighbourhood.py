"""Planning a patch anew leaves the rest as it stands and keeps every rule."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer import neighbourhood
from optimizer.neighbourhood import patch, prepare, replan
from optimizer.reduce import Core, reduce
from optimizer.search import floors_hold, greedy, value
from tests.optimizer.toys import problem_of


def street(n_sites: int = 40, *, seed: int = 3, floor: float = 0.0) -> Core:
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
        )
    )  # fmt: skip


def spent(core: Core, rows: np.ndarray) -> tuple[float, float]:
    """Capital and yearly cost of rows of the core, each site once."""
    site = np.repeat(np.arange(len(core.room)), np.diff(core.first))
    built = np.unique(site[rows])
    return float(core.cost[rows].sum() + core.site_cost[built].sum()), float(core.yearly[rows].sum() + core.site_yearly[built].sum())


def test_sites_are_near_where_they_see_the_same_demand() -> None:
    """Two sites are neighbours exactly where a pose of one and a pose of the other see a common point."""
    core = street(6)
    ground = prepare(core, np.arange(core.n_poses))
    sees = [
        {int(core.items[k]) for p in range(core.first[s], core.first[s + 1]) for k in range(core.start[p], core.start[p + 1])} for s in ground.sites
    ]
    for one in range(len(sees)):
        for other in range(len(sees)):
            assert bool(ground.near[one, other] > 0) == bool(sees[one] & sees[other])


def test_a_patch_holds_about_as_many_candidates_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It grows until the quota is met, and no further than by the last site of each seed."""
    monkeypatch.setattr(neighbourhood, "POSES", 20)
    ground = prepare(street(), np.arange(street().n_poses))
    for seed in range(20):
        inside = patch(ground, np.random.default_rng(seed))
        held = int(np.isin(ground.site, np.nonzero(inside)[0]).sum())
        assert 20 <= held <= 20 + 2 * 3


def test_a_patch_of_everything_ends() -> None:
    """Where there are fewer candidates than asked, the patch is the whole ground."""
    core = street(5)
    assert patch(prepare(core, np.arange(core.n_poses)), np.random.default_rng(1)).all()


@pytest.mark.parametrize("floor", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(8))
def test_a_patch_planned_anew_keeps_the_rest_and_every_rule(seed: int, floor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Poses outside the patch stay; budgets, room and floors hold; the value does not fall by more than the program's own gap."""
    monkeypatch.setattr(neighbourhood, "POSES", 40)
    core = street(seed=seed, floor=floor)
    plan = greedy(core)
    assert floors_hold(core, plan)
    ground = prepare(core, np.arange(core.n_poses))
    site = np.repeat(np.arange(len(core.room)), np.diff(core.first))
    inside = patch(ground, np.random.default_rng(seed))
    again = replan(core, ground, plan, inside, time_limit_s=10.0)
    assert again is not None
    outside = ~np.isin(site, ground.sites[inside])
    assert set(plan[outside[plan]]) == set(again[outside[again]])
    capital, yearly = spent(core, again)
    assert capital <= core.budget and yearly <= core.yearly_left
    assert np.bincount(site[again]).max() <= 2
    assert floors_hold(core, again)
    assert value(core, again) >= value(core, plan) * (1 - neighbourhood.GAP)


def test_a_poor_patch_is_mended() -> None:
    """From a plan that leaves all the money, a patch of everything comes to the best plan there is, to within the program's gap."""
    core = street(10)
    nothing = np.empty(0, dtype=np.int64)
    ground = prepare(core, np.arange(core.n_poses))
    again = replan(core, ground, nothing, np.ones(len(ground.sites), dtype=bool), time_limit_s=10.0)
    assert again is not None
    assert value(core, again) >= value(core, greedy(core)) * (1 - neighbourhood.GAP)


def test_equal_seeds_give_equal_patches() -> None:
    """The patches depend on nothing but the ground and the seed."""
    ground = prepare(street(), np.arange(street().n_poses))
    assert (patch(ground, np.random.default_rng(5)) == patch(ground, np.random.default_rng(5))).all()
