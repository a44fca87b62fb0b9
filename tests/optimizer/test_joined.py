"""A plan whose sites pay for the network they need."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from optimizer.grid import lay_grid, poles_of
from optimizer.joined import Joined, joining_costs, plan_with_grid
from optimizer.lines import Poles, load_grid_figures
from optimizer.survey import Survey
from optimizer.verify import verify
from planning.catalogue import load_prices
from planning.city import City
from planning.errors import Disagreement, Infeasible, ScenarioError
from planning.export import read_plan, write_plan
from planning.nouns import Scenario
from tests.planning.toy_streets import EAST, NORTH
from tests.town import on_hills

CENTRE = (EAST + 140.0, NORTH + 12.0)
FIGURES = load_grid_figures()


@pytest.fixture(scope="module")
def joined(town: City, survey: Survey, wish: Scenario) -> Joined:
    """The toy town's plan with its network; the centre is at the east end."""
    return plan_with_grid(town, wish, centre_m=CENTRE, survey=survey)


def test_cameras_sites_and_network_are_within_the_budget(joined: Joined, wish: Scenario) -> None:
    """The plan's cost is cameras, sites without their own links, and the whole grid, to the rupee, and no more than allowed."""
    plan, grid = joined.plan, joined.grid
    heads = [(name, amount) for site in plan.sites for name, amount in site.heads]
    rest = sum(amount for name, amount in heads if name != "grid")
    assert "backhaul" not in dict(heads)
    assert sum(amount for name, amount in heads if name == "grid") == grid.cost_inr
    assert plan.cost_inr == sum(camera.cost_inr for camera in plan.cameras) + rest + grid.cost_inr <= wish.budget_inr
    assert plan.verified
    assert plan.proof.covered <= plan.proof.bound
    assert {label for label, _ in grid.shares_inr.items()} == {site.id for site in plan.sites}


def test_the_plan_kept_is_the_best_round_that_fits(joined: Joined, wish: Scenario) -> None:
    """Every round tells what was stated and found; the plan is the best of those within the budget."""
    assert all(done.fits == (done.total_inr <= wish.budget_inr) for done in joined.rounds)
    assert joined.plan.proof.covered == max(done.covered for done in joined.rounds if done.fits)
    last = joined.rounds[-1]
    assert joined.agreed == (abs(last.stated_inr - last.grid_inr) <= 0.02 * last.grid_inr)


def test_the_verifier_refuses_a_network_that_is_not_paid(joined: Joined, town: City) -> None:
    """A share a rupee too low, a grid of other poles, or shares of no grid at all: refused. Another centre lays another grid and is refused too."""
    plan, first = joined.plan, joined.plan.sites[0]
    heads = tuple((name, amount - (name == "grid")) for name, amount in first.heads)
    cheap = dataclasses.replace(plan, sites=(dataclasses.replace(first, heads=heads), *plan.sites[1:]))
    other = dataclasses.replace(joined.grid, segments=joined.grid.segments.iloc[:-1])
    for wrong, grid in ((cheap, joined.grid), (plan, other), (plan, None)):
        with pytest.raises(Disagreement) as caught:
            verify(wrong, town, grid=grid)
        assert {fault.code for fault in caught.value.faults} <= {"verify.cost", "verify.grid"}
    assert verify(plan, town, grid=joined.grid).cost_inr == plan.cost_inr


def test_a_plan_read_back_is_verified_with_its_network_laid_again(town: City, survey: Survey, wish: Scenario, tmp_path: Path) -> None:
    """With the assumed centre the same network is laid again from the plan's file, and the figures agree."""
    made = plan_with_grid(town, wish, survey=survey, rounds=2)
    path = tmp_path / "plan.gpkg"
    write_plan(made.plan, town, path)
    again = read_plan(path)
    assert lay_grid(town, poles_of(again)).shares_inr == made.grid.shares_inr
    assert verify(again, town).cost_inr == made.plan.cost_inr


def test_joining_costs_are_what_a_further_pole_adds(joined: Joined, survey: Survey, town: City) -> None:
    """Laid anew with one more site, the grid costs at most what was said of that site, and the stub is at least paid."""
    prices, figures = load_prices(), FIGURES.replaced(wireless_range_m=0)
    base = poles_of(joined.plan)
    grid = lay_grid(town, base, figures=figures, centre_m=CENTRE)
    cost = joining_costs(survey, grid, prices, figures)
    assert (cost >= prices["fibre_base"]).all()
    xy = np.column_stack([survey.sites.geometry.x, survey.sites.geometry.y])
    for row in range(0, len(xy), 7):
        if survey.sites.index[row] in base.ids:
            continue
        more = Poles(
            (*base.ids, "new"), np.vstack([base.xy, xy[row]]), np.append(base.height_m, 6.0), np.append(base.mbps, 4.0), np.append(base.cameras, 1)
        )
        added = lay_grid(town, more, figures=figures, centre_m=CENTRE).cost_inr - grid.cost_inr
        assert added <= cost[row] + 3 * prices["fibre_per_m"]  # whole metres are taken piece by piece


def test_a_budget_the_network_exceeds_is_refused(town: City, survey: Survey, wish: Scenario) -> None:
    """A budget that buys a camera by its site's own link, but not the fibre to a far centre, is refused with what would be needed."""
    with pytest.raises((Infeasible, ScenarioError)) as caught:
        plan_with_grid(
            town, dataclasses.replace(wish, budget_inr=24_000), centre_m=(EAST + 139.0, NORTH + 60.0), survey=survey,
            figures=FIGURES.replaced(wireless_range_m=0), rounds=2,
        )  # fmt: skip
    assert caught.value.code in {"grid.budget", "scenario.cheapest"}
    assert "₹" in str(caught.value)


def test_a_plan_without_cameras_has_a_network_that_costs_nothing(town: City, survey: Survey, wish: Scenario) -> None:
    """With every site forbidden plan and grid are empty, agree, and are verified."""
    empty = plan_with_grid(town, dataclasses.replace(wish, forbid=tuple(survey.sites.index)), survey=survey)
    assert (empty.plan.cameras, empty.plan.cost_inr, empty.grid.cost_inr, len(empty.grid.segments)) == ((), 0, 0, 0)
    assert empty.agreed
    assert empty.plan.verified


def test_no_round_that_fits_goes_beyond_the_bound(joined: Joined) -> None:
    """The bound holds for every plan met whose network is within the budget, and for the plan kept."""
    assert all(done.covered <= joined.plan.proof.bound + 1e-9 for done in joined.rounds if done.fits)
    assert joined.plan.proof.gap == pytest.approx(joined.plan.proof.bound / joined.plan.proof.covered - 1)


def test_on_terrain_the_network_is_laid_and_verified_by_the_same_ground(town: City, wish: Scenario, tmp_path: Path) -> None:
    """On hills the plan's network, its being laid again from the file, and the verifier agree."""
    hilly = on_hills(town, tmp_path)
    made = plan_with_grid(hilly, wish, rounds=2)
    write_plan(made.plan, hilly, tmp_path / "plan.gpkg")
    assert verify(read_plan(tmp_path / "plan.gpkg"), hilly).cost_inr == made.plan.cost_inr
