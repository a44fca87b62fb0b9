"""Which rules bind: each figure is the one found by trying all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimizer.binding import binding
from optimizer.problem import Ints, Problem
from planning.errors import ScenarioError
from tests.optimizer.exact import some_plan
from tests.optimizer.toys import lawful, problem_of, random_problem, with_limits

MANY = 99


def plans_of(seed: int) -> list[tuple[Problem, Ints]]:
    """A problem with some lawful plan and with its best one; none where no plan is lawful."""
    problem = random_problem(seed)
    rows = some_plan(problem, seed)
    if rows is None:
        return []
    plans, values = lawful(problem)
    return [(problem, rows), (problem, np.nonzero(plans[int(np.argmax(values))])[0])]


def gain_of(problem: Problem, rows: Ints, pose: int) -> float:
    """The value one more pose adds."""
    return problem.value(np.append(rows, pose)) - problem.value(rows)


def without(problem: Problem, kind: str, pose: int) -> Problem:
    """The problem with this pose no longer kept or forbidden."""
    flags = getattr(problem.limits, kind).copy()
    flags[pose] = False
    return with_limits(problem, **{kind: flags})


CASES = [(problem, rows) for seed in range(260) for problem, rows in plans_of(seed)]
BLOCKS = [CASES[start : start + 40] for start in range(0, len(CASES), 40)]


@pytest.mark.parametrize("cases", BLOCKS)
def test_budgets_bind_where_they_cannot_pay_the_cheapest_gain(cases: list[tuple[Problem, Ints]]) -> None:
    """A budget is told of where every pose that would add value, is allowed and has room costs more than is left; the cheapest is named."""
    for problem, rows in cases:
        cameras = np.bincount(problem.site[rows], minlength=len(problem.site_cost))
        wanted = [
            pose for pose in range(problem.n_poses)
            if pose not in rows and not problem.limits.forbid[pose] and cameras[problem.site[pose]] < problem.limits.per_site
            and gain_of(problem, rows, pose) > 1e-9 * problem.total
        ]  # fmt: skip
        told = {budget.kind: budget for budget in binding(problem, rows).budgets}
        for which, (kind, limit) in enumerate((("capital", problem.limits.budget), ("yearly", problem.limits.yearly))):
            needs = {pose: problem.spent(np.append(rows, pose))[which] - problem.spent(rows)[which] for pose in wanted}
            left = np.inf if limit is None else limit - problem.spent(rows)[which]
            assert (kind in told) == (bool(needs) and min(needs.values()) > left)
            if kind in told:
                found = told[kind]
                assert (found.left, found.needed) == (left, min(needs.values()))
                assert needs[found.pose] == found.needed
                assert found.gain == pytest.approx(gain_of(problem, rows, found.pose), abs=1e-9)


@pytest.mark.parametrize("cases", BLOCKS)
def test_rooms_bind_where_a_pose_is_shut_out_by_room_alone(cases: list[tuple[Problem, Ints]]) -> None:
    """A full site is told of where one more camera there would add value and keep every other rule; the best such is named, best site first."""
    for problem, rows in cases:
        roomy = with_limits(problem, per_site=MANY)
        best: dict[int, float] = {}
        for pose in np.setdiff1d(np.arange(problem.n_poses), rows):
            plan, gain = np.sort(np.append(rows, pose)), gain_of(problem, rows, int(pose))
            if gain > 1e-9 * problem.total and problem.broken(plan) and not roomy.broken(plan):
                best[int(problem.site[pose])] = max(best.get(int(problem.site[pose]), 0.0), gain)
        found = binding(problem, rows, most=MANY).rooms
        assert {room.site: room.gain for room in found} == pytest.approx(best, abs=1e-9)
        assert [room.gain for room in found] == sorted((room.gain for room in found), reverse=True)
        for room in found:
            assert room.cameras == problem.limits.per_site
            spent, more = problem.spent(rows), problem.spent(np.append(rows, room.pose))
            assert (room.capital, room.yearly) == (more[0] - spent[0], more[1] - spent[1])


@pytest.mark.parametrize("cases", BLOCKS)
def test_forbidden_cameras_are_judged_as_one_more_and_in_exchange(cases: list[tuple[Problem, Ints]]) -> None:
    """Every forbidden pose that would add value is told of, with whether it fits and the best exchange that keeps the rules, had it been allowed."""
    for problem, rows in cases:
        found = {item.pose: item for item in binding(problem, rows, most=MANY).forbidden}
        barred = [int(pose) for pose in np.nonzero(problem.limits.forbid)[0]]
        assert set(found) == {pose for pose in barred if gain_of(problem, rows, pose) > 1e-9 * problem.total}
        for pose, item in found.items():
            allowed = without(problem, "forbid", pose)
            assert item.gain == pytest.approx(gain_of(problem, rows, pose), abs=1e-9)
            assert item.fits == (not allowed.broken(np.append(rows, pose)))
            ways = [np.append(np.delete(rows, at), pose) for at in range(len(rows))]
            wins = [problem.value(way) - problem.value(rows) for way in ways if not allowed.broken(way)]
            best = max([win for win in wins if win > 1e-9 * problem.total], default=0.0)
            assert item.exchange == pytest.approx(best, abs=1e-9)
            assert (item.out is None) == (best == 0.0)
            if item.out is not None:
                way = np.append(rows[rows != item.out], pose)
                assert not allowed.broken(way)
                assert problem.value(way) - problem.value(rows) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("cases", BLOCKS)
def test_a_kept_camera_binds_where_its_money_does_more(cases: list[tuple[Problem, Ints]]) -> None:
    """What is told instead of a kept pose keeps every rule and wins as much as said, no less than the best single exchange; a kept pose that is not
    told of has no exchange that wins."""
    for problem, rows in cases:
        found = {item.pose: item for item in binding(problem, rows, most=MANY).kept}
        for pose in np.nonzero(problem.limits.keep)[0]:
            free, rest = without(problem, "keep", int(pose)), rows[rows != pose]
            ways = [np.append(rest, other) for other in range(problem.n_poses) if other not in rows]
            best = max([problem.value(way) - problem.value(rows) for way in ways if not free.broken(way)], default=0.0)
            if int(pose) not in found:
                assert best <= 1e-9 * problem.total
                continue
            item = found[int(pose)]
            plan = np.concatenate([rest, np.array(item.instead, dtype=np.int64)])
            assert not free.broken(plan)
            assert pose not in item.instead
            assert item.gain == pytest.approx(problem.value(plan) - problem.value(rows), abs=1e-9)
            assert item.gain >= best - 1e-9
            assert item.lost == pytest.approx(problem.value(rows) - problem.value(rest), abs=1e-9)
            assert item.capital == problem.spent(rows)[0] - problem.spent(rest)[0]


@pytest.mark.parametrize("cases", BLOCKS)
def test_floors_bind_where_little_is_covered_beyond(cases: list[tuple[Problem, Ints]]) -> None:
    """A ward is told of where the plan lifts it to its floor and no more than the slack beyond; its pillars are the cameras it cannot lose."""
    for problem, rows in cases:
        for slack in (0.05, 1.0):
            found = {item.ward: item for item in binding(problem, rows, slack=slack).floors}
            for ward, least in enumerate(problem.limits.ward_least):
                inside = problem.ward == ward
                had = float(problem.weight[(problem.already > 0) & inside].sum())
                covered = float(problem.weight[problem.seen(rows) & inside].sum())
                assert (ward in found) == (least > 0 and had < least and covered - least <= slack * least)
                if ward in found:
                    pillars = {pose for pose in rows if problem.ward_short(problem.seen(rows[rows != pose]))[ward] > 0}
                    assert set(found[ward].pillars) == pillars
                    assert found[ward].slack == pytest.approx(covered - least)


def test_a_plan_worked_out_by_hand() -> None:
    """Ten rupees are left, the cheapest gain with room needs 15; the pole is full, its third camera barred by room alone; a good camera is forbidden;
    the kept one sees a backyard."""
    covers = np.eye(6, dtype=int)
    problem = problem_of(
        covers, [5.0, 1.0, 4.0, 30.0, 3.0, 9.0], cost=[10, 10, 10, 10, 50, 10], site=[0, 0, 0, 1, 2, 3], site_cost=[0, 0, 0, 5], budget=30,
        per_site=2, keep=[1], forbid=[3], ward=[0, 1, 1, 1, 1, 1], least=[5.0, 0.0], names=("North", "South"),
    )  # fmt: skip
    found = binding(problem, [0, 1])
    (budget,) = found.budgets
    assert (budget.kind, budget.left, budget.needed, budget.pose, budget.gain) == ("capital", 10, 15, 5, 9.0)
    assert [(room.site, room.cameras, room.pose, room.gain, room.capital) for room in found.rooms] == [(0, 2, 2, 4.0, 10)]
    (forbidden,) = found.forbidden
    # The kept one may not go for it; the other may not, since the north would fall.
    assert (forbidden.pose, forbidden.gain, forbidden.fits, forbidden.out, forbidden.exchange) == (3, 30.0, True, None, 0.0)
    (kept,) = found.kept
    assert (kept.pose, kept.lost, kept.capital) == (1, 1.0, 10)
    assert kept.gain == 8.0
    assert kept.instead == (5,)
    (floor,) = found.floors
    assert (floor.name, floor.least, floor.covered, floor.slack, floor.pillars) == ("North", 5.0, 5.0, 0.0, (0,))


@pytest.mark.parametrize(("rows", "codes"), [([0, 0, 7], ["rows.unknown", "rows.twice"]), (["x"], ["rows.unknown"])])
def test_what_is_no_plan_is_refused(rows: Any, codes: list[str]) -> None:
    """All that is wrong with the rows is told at once."""
    with pytest.raises(ScenarioError) as caught:
        binding(problem_of(np.eye(3, dtype=int), 1.0), rows)
    assert [fault.code for fault in caught.value.faults] == codes
