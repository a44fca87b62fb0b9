"""Where cameras could be placed for a back-test: the same poses and sight as a plan has, and costs that count cameras."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from coverage.standing import load_defaults
from optimizer.field import Field, aimed_field, all_round_field, targets_of
from optimizer.plan import make_problem
from optimizer.survey import Survey
from planning.city import City
from planning.nouns import Scenario


@pytest.fixture(scope="module")
def aimed(town: City, survey: Survey, wish: Scenario) -> Field:
    """The town's poses, four cameras for everybody."""
    return aimed_field(town, wish, survey, 4)


def test_a_field_sees_what_the_plan_s_matrix_says(survey: Survey, aimed: Field) -> None:
    """On the demand points themselves, every pose sees what the survey found, also when only some are asked."""
    rows = np.arange(len(survey.poses))
    assert (aimed.seen(targets_of(survey), rows) != aimed.problem.covers).nnz == 0
    some = np.array([7, 3, len(rows) - 1])
    assert (aimed.seen(targets_of(survey), some) != aimed.problem.covers[some]).nnz == 0
    assert aimed.seen(targets_of(survey), rows[:0]).shape == (0, len(survey.demand))


def test_by_number_a_camera_costs_one_and_a_site_nothing(town: City, survey: Survey, wish: Scenario, aimed: Field) -> None:
    """Any four cameras cost four, however many poles; without a number the costs are the catalogue's, and the budget the scenario's."""
    assert set(aimed.problem.cost) == {1}
    assert aimed.problem.spent(np.arange(9)) == (9, 0)
    assert (aimed.problem.limits.budget, aimed.problem.limits.yearly) == (4, None)
    priced = aimed_field(town, wish, survey, None).problem
    assert priced.digest == make_problem(town, wish, survey).digest


def test_the_best_aim_of_a_site_sees_the_most(aimed: Field) -> None:
    """One pose a site, none that sees nothing, each seeing as much weight as any of its site."""
    rows = aimed.best_aims()
    worth = aimed.problem.covers @ aimed.problem.weight
    assert len(np.unique(aimed.problem.site[rows])) == len(rows)
    for row in rows:
        assert worth[row] == worth[aimed.problem.site == aimed.problem.site[row]].max() > 0


def test_all_round_cameras_are_those_of_silent_records(town: City, survey: Survey, wish: Scenario) -> None:
    """One pose a site, all round, at the height assumed of standing cameras; sites that carry no such mount are forbidden."""
    low = survey.sites.copy()
    low.loc[low.index[0], "max_height_m"] = 3.0
    field = all_round_field(town, wish, dataclasses.replace(survey, sites=low), 5)
    heads = {(head.hfov_deg, head.height_m) for head in field.poses.heads}
    assert heads == {(360.0, load_defaults()["height_m"])}
    assert field.poses.site.tolist() == list(range(len(low)))
    assert np.flatnonzero(field.problem.limits.forbid).tolist() == [0]
    assert 0 not in field.problem.site[field.best_aims()]


def test_junction_sites_stand_at_junctions(survey: Survey, aimed: Field) -> None:
    """Each site that stands for a junction is within 30 m of where streets begin or end; the town's six ends have at most one each."""
    ends = np.array([(-160, 3), (0, 0), (150, 4), (1, 130), (2, -120), (139, 51)]) + (550_000, 2_440_000)
    points = aimed.points_m[aimed.junction]
    assert 1 <= len(points) <= len(ends)
    assert (np.hypot(*(points[:, None] - ends[None]).transpose(2, 0, 1)).min(axis=1) <= 30).all()
