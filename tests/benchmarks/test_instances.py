"""The made problems of the optimizer's benchmarks: the same every time, and made as they say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.instances import COST_INR, HFOV_DEG, REACH_M, SECTORS, _look, poles, town


def test_the_same_seed_gives_the_same_problem() -> None:
    """Two runs of a benchmark measure one problem; another seed makes another."""
    assert town(900, 90, cameras=5).digest == town(900, 90, cameras=5).digest
    assert town(900, 90, cameras=5).digest != town(900, 90, cameras=5, seed=2).digest
    assert poles(900, 20, cameras=5).digest == poles(900, 20, cameras=5).digest
    assert poles(900, 20, cameras=5).digest != poles(900, 20, cameras=5, seed=2).digest


def test_in_a_town_each_pose_is_a_site_that_costs_nothing() -> None:
    """Only cameras cost, each its model and its fitting; with equal costs the budget is a count."""
    problem = town(2_000, 300, cameras=10)
    assert problem.covers.shape == (300, 2_000)
    assert (problem.site == np.arange(300)).all()
    assert not problem.site_cost.any()
    assert len(np.unique(problem.cost)) > 10
    assert problem.cost.min() >= COST_INR.min()
    counted = town(2_000, 300, cameras=10, equal=True)
    assert (counted.cost == 1).all()
    assert counted.limits.budget == 10
    assert (counted.covers != problem.covers).nnz == 0


def test_a_pole_offers_every_model_at_six_or_seven_bearings() -> None:
    """Poles cost one to three cameras and carry three; their poses are 18 or 21, a third of each model."""
    problem = poles(2_000, 60, cameras=10)
    offered = np.bincount(problem.site)
    assert set(offered) == {18, 21}
    assert all((problem.cost == cost).sum() == problem.n_poses / 3 for cost in COST_INR)
    assert problem.limits.per_site == 3
    assert problem.site_cost.min() >= COST_INR[0]
    assert problem.site_cost.max() <= 3 * COST_INR[1]


@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("turns", [1, 4])
def test_a_camera_sees_what_lies_in_its_reach_and_angle_before_the_houses(kind: int, turns: int) -> None:
    """The matrix is that of every pair tried by the cosine of the angle between its gaze and the point, and of no point behind a house."""
    rng = np.random.default_rng(3)
    points, stands = rng.uniform(0, 300, (800, 2)), rng.uniform(0, 300, (25, 2))
    bearing, clear = rng.uniform(-7, 7, (25, turns)), rng.uniform(20, 120, (25, SECTORS))
    covers = _look(points, stands, bearing, clear, kind)
    gone = points[None] - stands[:, None]
    away = np.hypot(gone[..., 0], gone[..., 1])
    sector = (np.degrees(np.arctan2(gone[..., 0], gone[..., 1])) % 360 // (360 / SECTORS)).astype(int)
    reached = away <= np.minimum(REACH_M[kind], np.take_along_axis(clear, sector, axis=1))
    for turn in range(turns):
        gaze = np.column_stack([np.sin(bearing[:, turn]), np.cos(bearing[:, turn])])
        ahead = (gone * gaze[:, None]).sum(axis=2)
        sees = reached & (ahead >= away * np.cos(np.radians(HFOV_DEG[kind] / 2)))
        assert sees.any()
        assert (covers[turn::turns].toarray() == sees).all()


def test_matrices_are_sorted_and_without_doubles() -> None:
    """What a pose sees is named once and in order, as the solver wants it."""
    for problem in (town(3_000, 400, cameras=10), poles(3_000, 40, cameras=10)):
        assert problem.covers.has_canonical_format
        assert problem.covers.dtype == bool
        assert np.diff(problem.covers.indptr).mean() > 10
