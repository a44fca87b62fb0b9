"""Sets of poses of one site see what their poses see, cost what they cost with the site's own, and make up plans."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.reduce import reduce
from optimizer.search import coverage, spent
from optimizer.sets import find, of_plan, sets_of
from tests.optimizer.test_reduce import affordable_keep
from tests.optimizer.toys import random_problem


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_as_sets_is_the_same_plan(seed: int) -> None:
    """Any plan within its sites' room, cut into sets and put together again: equal poses, views and costs."""
    problem = random_problem(seed)
    if not affordable_keep(problem):
        return
    core, rng = reduce(problem), np.random.default_rng(seed)
    own = [np.arange(core.first[s], core.first[s + 1]) for s in range(len(core.room))]
    rows = [rng.choice(some, int(rng.integers(0, room + 1)), replace=False) for some, room in zip(own, core.room, strict=True)]
    plan = np.sort(np.concatenate([*rows, np.empty(0, dtype=np.int64)])).astype(np.int64)
    sets = sets_of(core, of_plan(core, plan))
    every = np.arange(len(sets))
    assert sets.rows(every).tolist() == plan.tolist()
    assert (np.diff(sets.site) > 0).all()
    assert (np.bincount(sets.items, minlength=len(core.weight)) == coverage(core, plan)).all()
    assert (sets.cost.sum(), sets.yearly.sum()) == pytest.approx(spent(core, plan))
    assert sets.penalty.sum() == pytest.approx(core.penalty[plan].sum())
    assert find(sets, of_plan(core, plan)).tolist() == every.tolist()


def test_equal_sets_are_one_whatever_their_order() -> None:
    """The same poses in another order are the same set."""
    core = reduce(random_problem(7))
    site = int(np.argmax(np.diff(core.first)))
    a, b = int(core.first[site]), int(core.first[site]) + 1
    assert len(sets_of(core, np.array([[a, b], [b, a], [a, -1], [-1, a]]))) == 2
