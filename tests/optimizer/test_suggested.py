"""What stood in the way of a place that people asked for."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import shapely

from optimizer import gains
from optimizer.desk import Desk, open_plan
from optimizer.suggested import REASONS, chances
from optimizer.survey import Survey
from planning.city import City
from planning.nouns import Plan


@pytest.fixture(name="desk", scope="module")
def plan_desk(town: City, plan: Plan, survey: Survey) -> Desk:
    """The town's plan on its desk."""
    return open_plan(town, plan, survey=survey)


def points_of(plan: Plan) -> Any:
    """The plan's demand points (n, 2) [m]."""
    return shapely.get_coordinates(plan.demand.geometry.array)


def test_the_best_camera_is_the_best_of_all_that_see_the_place(desk: Desk, plan: Plan) -> None:
    """The matrix says which poses see a point: none that is allowed adds more for a rupee, and reasons follow from the figures."""
    points, problem = points_of(plan), desk.problem
    added = gains.additions(problem, desk.chosen)
    level = plan.demand["target_m"].to_numpy(float)
    found = chances(desk, points)
    assert len(found) == len(points)
    tried = 0
    covers = problem.covers.tocsc()
    for k, one in enumerate(found):
        assert one.key in REASONS
        rows = covers.indices[covers.indptr[k] : covers.indptr[k + 1]]
        if not np.isclose(level[k], 1.6):
            continue
        allowed = rows[added.free[rows] & added.room[rows]]
        assert bool(one.camera) == bool(len(allowed)), k
        if not len(allowed):
            assert one.key in ("no_site", "hidden", "barred")
            continue
        tried += 1
        ratios = added.gain[allowed] / added.capital[allowed]
        assert one.per_lakh == pytest.approx(ratios.max() * 100_000 / desk.whole)
        assert one.gain * desk.whole == pytest.approx(one.per_lakh * desk.whole * one.cost_inr / 100_000)
        if one.key == "fits":
            assert one.cost_inr <= one.left_inr
        if one.key in ("worth", "money"):
            assert (one.per_lakh < one.least_per_lakh) == (one.key == "worth")
    assert tried > 20


def test_the_last_camera_bought_is_the_least_for_a_rupee(desk: Desk) -> None:
    """No camera of the plan adds less for what it saves."""
    (one,) = chances(desk, points_of_first(desk))
    problem = desk.problem
    for row in desk.chosen:
        rest = desk.chosen[desk.chosen != row]
        saved = problem.spent(desk.chosen)[0] - problem.spent(rest)[0]
        lost = problem.value(desk.chosen) - problem.value(rest)
        assert lost / saved * 100_000 / desk.whole >= one.least_per_lakh - 1e-12


def points_of_first(desk: Desk) -> Any:
    """A point that a camera could be bought for."""
    points = shapely.get_coordinates(desk.survey.demand.geometry.array)
    found = chances(desk, points)
    return points[[k for k, one in enumerate(found) if one.camera][:1]]


def test_a_place_far_from_every_site_has_none(desk: Desk, town: City) -> None:
    """A kilometre away no site is in reach."""
    (one,) = chances(desk, [(town.area.bounds[0] - 1000, town.area.bounds[1])])
    assert (one.key, one.sites, one.camera) == ("no_site", 0, "")
    assert chances(desk, []) == ()


def test_what_is_forbidden_is_barred(desk: Desk) -> None:
    """With every pose forbidden, whatever could be seen is barred and nothing is offered."""
    limits = dataclasses.replace(
        desk.problem.limits, forbid=np.ones(desk.problem.n_poses, dtype=bool), keep=np.zeros(desk.problem.n_poses, dtype=bool)
    )
    barred = dataclasses.replace(desk, problem=dataclasses.replace(desk.problem, limits=limits))
    (one,) = chances(barred, points_of_first(desk))
    assert (one.key, one.camera) == ("barred", "")


def test_with_more_money_a_useful_camera_fits(desk: Desk) -> None:
    """The same place is paid for once the budget leaves enough."""
    limits = dataclasses.replace(desk.problem.limits, budget=desk.problem.limits.budget + 10_000_000)
    rich = dataclasses.replace(desk, problem=dataclasses.replace(desk.problem, limits=limits))
    found = chances(rich, shapely.get_coordinates(desk.survey.demand.geometry.array))
    assert {one.key for one in found if one.camera} <= {"fits", "nothing"}
    assert any(one.key == "fits" and one.gain > 0 for one in found)
