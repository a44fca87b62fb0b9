"""What dead cameras cost the city: worked by hand, and recomputed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse

from live.blindness import Vision, blindness, look_around, repair_order, seen_by
from planning.city import City
from planning.deploy import deploy
from planning.deployed import Deployment
from planning.nouns import Plan

# Four points worth 5, 3, 2, 1; cameras a and b see the same two, c sees one more, d sees what a does.
SEEN = sparse.csr_matrix(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 0]], dtype=bool))
WEIGHT = np.array([5.0, 3.0, 2.0, 1.0])


@pytest.fixture(scope="module")
def hung(plan: Plan) -> tuple[Deployment, ...]:
    """The town's plan, built."""
    return tuple(deploy(plan, camera.id) for camera in plan.cameras)


@pytest.fixture(scope="module")
def vision(town: City, hung: tuple[Deployment, ...]) -> Vision:
    """What each of its cameras sees."""
    return look_around(town, hung)


def test_two_dead_cameras_that_see_the_same_lose_it_once() -> None:
    """Either alone loses nothing; both lose 3 where d still sees the first point; the second repair brings nothing."""
    everyone = np.arange(4)
    for dead, lost in (([0], 0.0), ([1], 0.0), ([0, 1], 3.0), ([0, 1, 3], 8.0), ([2], 3.0)):
        left = np.setdiff1d(everyone, dead)
        assert WEIGHT[seen_by(SEEN, everyone) & ~seen_by(SEEN, left)].sum() == lost
    order = repair_order(SEEN, WEIGHT, np.array([0, 1, 3]), np.ones(3))
    assert order == [(0, 8.0, 8.0), (1, 0.0, 8.0), (3, 0.0, 5.0)]


def test_the_order_weighs_what_a_repair_costs() -> None:
    """At a tenth of the cost the camera that brings less comes first; the dear one then brings what is left."""
    order = repair_order(SEEN, WEIGHT, np.array([0, 1, 3]), np.array([1000.0, 1000.0, 100.0]))
    assert order == [(3, 5.0, 5.0), (0, 3.0, 8.0), (1, 0.0, 8.0)]


def test_each_step_is_the_best_there_is() -> None:
    """On random networks no other camera would have brought more for its cost, and the gains add up to all that was lost."""
    random = np.random.default_rng(3)
    for _ in range(30):
        seen = sparse.csr_matrix(random.random((9, 40)) < 0.2)
        weight, cost, down = random.random(40), random.uniform(1, 9, 6), np.sort(random.choice(9, 6, replace=False))
        order = repair_order(seen, weight, down, cost)
        up = list(np.setdiff1d(np.arange(9), down))
        price = dict(zip(down.tolist(), cost, strict=True))
        for row, gain, _ in order:
            before = seen_by(seen, np.array(up, dtype=int))
            brings = {camera: float(weight[seen_by(seen, np.array([*up, camera])) & ~before].sum()) for camera in price if camera not in up}
            assert gain == pytest.approx(brings[row])
            assert gain / price[row] >= max(more / price[camera] for camera, more in brings.items()) - 1e-12
            up.append(row)
        assert sum(gain for _, gain, _ in order) == pytest.approx(
            weight[seen_by(seen, np.arange(9)) & ~seen_by(seen, np.setdiff1d(np.arange(9), down))].sum()
        )


def test_what_is_lost_agrees_with_a_city_without_the_dead_cameras(town: City, hung: tuple[Deployment, ...], vision: Vision) -> None:
    """Looked at anew with only those that work: the same share is in view, and the wards' shares are those counted anew."""
    for dead in itertools.islice(itertools.combinations([one.id for one in hung], 2), 0, None, 5):
        found = blindness(vision, town, dead)
        anew = look_around(town, [one for one in hung if one.id not in dead])
        mask = seen_by(anew.seen, np.arange(len(anew.ids)))
        assert found.now == pytest.approx(anew.weight[mask].sum() / anew.weight.sum())
        assert found.lost == pytest.approx(sum(step.gain for step in found.repairs))
        for ward in found.wards:
            mine = anew.demand["ward"].to_numpy(object) == ward.ward
            assert ward.now == pytest.approx(anew.weight[mine & mask].sum() / anew.weight[mine].sum())


def test_the_plan_s_own_figures_come_out_when_all_work(plan: Plan, vision: Vision) -> None:
    """The built plan sees what the plan said its new cameras see."""
    mask = seen_by(vision.seen, np.arange(len(vision.ids)))
    planned = plan.demand["after"].to_numpy(bool) & ~plan.demand["before"].to_numpy(bool)
    assert (mask[planned]).all()
    assert not (mask & ~plan.demand["after"].to_numpy(bool)).any()


def test_streets_lost_are_those_of_the_lost_points(town: City, hung: tuple[Deployment, ...], vision: Vision) -> None:
    """All cameras down: every stretch once seen is named with its weight, together all that streets had; none down: nothing is lost."""
    found = blindness(vision, town, [one.id for one in hung])
    assert found.now == 0
    on_road = vision.demand["road"].to_numpy(object) != ""
    mask = seen_by(vision.seen, np.arange(len(vision.ids)))
    assert sum(street.share for street in found.streets) == pytest.approx(vision.weight[mask & on_road].sum() / vision.weight.sum())
    shares = [street.share for street in found.streets]
    assert shares == sorted(shares, reverse=True)
    nothing = blindness(vision, town, ["none of ours"])
    assert (nothing.lost, nothing.streets, nothing.wards, nothing.repairs) == (0, (), (), ())
