"""The problem's arrays are checked once, and its rules are plain sums."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from planning.errors import ScenarioError
from tests.optimizer.toys import every_plan, lawful, problem_of, random_problem, with_limits

COVERS = [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]


def test_value_counts_each_point_once() -> None:
    """Two poses that share a point cover it once; what existing cameras see counts without any pose."""
    problem = problem_of(COVERS, [1.0, 2.0, 4.0, 8.0], already=[False, False, False, True])
    assert problem.value(np.array([], dtype=np.int64)) == 8.0
    assert problem.value(np.array([0, 1])) == 15.0
    assert problem.seen(np.array([0])).tolist() == [True, True, False, True]


def test_a_site_is_paid_once() -> None:
    """Two cameras at a pole pay the pole once; at two poles, both."""
    problem = problem_of(COVERS, 1.0, cost=[3, 4, 5], site=[0, 0, 1], site_cost=[100, 200], yearly=[1, 1, 1], site_yearly=[10, 20])
    assert problem.spent(np.array([0, 1])) == (107, 12)
    assert problem.spent(np.array([0, 2])) == (308, 32)
    assert problem.spent(np.array([], dtype=np.int64)) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "chosen", "words"),
    [
        ({}, [0, 2], ""),
        ({"budget": 9}, [0, 2], "above the budget 9"),
        ({"yearly": 1}, [0, 2], "yearly cost 2 above 1"),
        ({"per_site": 1}, [0, 1], "2 cameras at one site"),
        ({"keep": np.array([True, False, False])}, [1], "1 kept cameras are missing"),
        ({"forbid": np.array([False, True, False])}, [1], "1 forbidden cameras"),
        ({"ward_least": np.array([2.0])}, [2], "1 wards below"),
        ({}, [0, 0], "chosen twice"),
    ],
)
def test_each_broken_rule_is_a_sentence(changes: dict[str, object], chosen: list[int], words: str) -> None:
    """A plan that breaks one rule is told that rule alone."""
    problem = with_limits(problem_of(COVERS, 1.0, cost=5, site=[0, 0, 1], yearly=1), **changes)
    found = problem.broken(np.array(chosen))
    assert len(found) == (1 if words else 0)
    assert words in "".join(found)


@pytest.mark.parametrize("seed", range(20))
def test_broken_agrees_with_the_tables(seed: int) -> None:
    """Over all plans of a problem, no rule is broken exactly for the plans that are lawful by plain sums."""
    problem = random_problem(seed, most_poses=7)
    plans, _ = every_plan(problem)
    found = [row.tolist() for row in plans if not problem.broken(np.nonzero(row)[0])]
    assert found == [row.tolist() for row in lawful(problem)[0]]


def test_all_faults_of_the_arrays_come_at_once() -> None:
    """Lengths first, since nothing else can be read while they differ; then every wrong value together."""
    good = problem_of(COVERS, 1.0)
    with pytest.raises(ScenarioError) as caught:
        dataclasses.replace(good, weight=np.ones(3), cost=np.ones(2, dtype=np.int64), ward=np.zeros(9, dtype=np.int64))
    assert len(caught.value.faults) == 3
    bad = {
        "weight": np.array([1.0, -1.0, np.nan, 1.0]), "cost": np.array([1, -1, 1]), "yearly": np.array([1.0, 1.0, 1.0]),
        "site": np.array([2, 1, 3]), "ward": np.array([0, 1, 0, -2]),
    }  # fmt: skip
    with pytest.raises(ScenarioError) as caught:
        dataclasses.replace(good, **bad)  # type: ignore[arg-type]
    told = str(caught.value)
    for words in (
        "weight is negative or not finite",
        "cost must be whole rupees",
        "yearly must be",
        "site that is not there",
        "not sorted",
        "a ward that",
    ):
        assert words in told
    assert {fault.code for fault in caught.value.faults} == {"problem.arrays"}


@pytest.mark.parametrize(
    "changes",
    [
        {"budget": -1}, {"yearly": -1}, {"per_site": 0}, {"ward_least": np.array([np.nan])}, {"ward_least": np.array([-1.0])},
        {"keep": np.array([True, False, False]), "forbid": np.array([True, False, False])},
    ],
)  # fmt: skip
def test_limits_that_allow_nothing_are_faults(changes: dict[str, object]) -> None:
    """Negative money, no room, a floor that is no number, and a pose both kept and forbidden are refused."""
    with pytest.raises(ScenarioError) as caught:
        with_limits(problem_of(COVERS, 1.0), **changes)
    assert caught.value.code == "problem.arrays"


def test_a_ward_must_be_one_of_those_with_a_floor_row() -> None:
    """Demand in a ward beyond the floors' rows is refused, though there be no wards at all."""
    with pytest.raises(ScenarioError):
        problem_of(COVERS, 1.0, ward=0, least=())
    assert problem_of(COVERS, 1.0, ward=-1, least=()).broken(np.array([0])) == []


def test_the_digest_follows_every_array_and_limit() -> None:
    """Changing any one thing changes the digest; building the same again does not."""
    base = problem_of(COVERS, [1.0, 2.0, 4.0, 8.0], site=[0, 0, 1])
    others = [
        problem_of(COVERS[::-1], [1.0, 2.0, 4.0, 8.0], site=[0, 0, 1]), problem_of(COVERS, [1.0, 2.0, 4.0, 9.0], site=[0, 0, 1]),
        problem_of(COVERS, [1.0, 2.0, 4.0, 8.0], site=[0, 1, 1]), problem_of(COVERS, [1.0, 2.0, 4.0, 8.0], site=[0, 0, 1], keep=[1]),
        problem_of(COVERS, [1.0, 2.0, 4.0, 8.0], site=[0, 0, 1], forbid=[1]),
        *(with_limits(base, **{name: value}) for name, value in (("budget", 7), ("yearly", 7), ("per_site", 2), ("ward_least", np.array([1.0])))),
        *(dataclasses.replace(base, **{name: getattr(base, name) + 1}) for name in ("cost", "yearly", "site_cost", "site_yearly")),
        dataclasses.replace(base, already=base.already + 1), dataclasses.replace(base, ward=base.ward - 1),
    ]  # fmt: skip
    digests = {problem.digest for problem in (base, *others)}
    assert len(digests) == 1 + len(others)
    assert problem_of(COVERS, [1.0, 2.0, 4.0, 8.0], site=[0, 0, 1]).digest == base.digest
