"""Many cities under one budget: money shared out by their curves, a bound of every division, the same answer however it is worked."""

from __future__ import annotations

import dataclasses
import itertools
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from optimizer import region as module
from optimizer.region import Curve, Member, RegionPlan, plan_region, share_out
from planning.errors import ScenarioError
from planning.nouns import Scenario
from planning.progress import Progress, Step
from planning.team import Crew
from tests.town import WISH, copy_of, make_town


def curve_of(*lines: tuple[float, float]) -> Curve:
    """A curve with these lines and nothing else of note."""
    return Curve((), (), np.array(lines), 0.0, 0.0, 0, 0, 0)


def test_money_goes_where_the_bound_rises_most_by_hand() -> None:
    """One city is worth 3 a rupee up to 10 and nothing beyond, the other 2 a rupee up to 20 and 1 beyond: of 40 rupees 10 and 30, worth 30 and 50."""
    shares, bound = share_out([curve_of((0.0, 3.0), (30.0, 0.0)), curve_of((0.0, 2.0), (20.0, 1.0))], 40, least=0)
    assert shares == [10, 30]
    assert bound == pytest.approx(80.0)


@pytest.mark.parametrize("seed", range(30))
def test_no_division_lies_above_the_bound(seed: int) -> None:
    """Trying divisions of the money in small steps, none has a higher sum of bounds; the shares are a division and reach it."""
    rng = np.random.default_rng(seed)
    lines = [list(zip(rng.uniform(0, 50, 4).tolist(), rng.uniform(0, 3, 4).tolist(), strict=True)) for _ in range(3)]
    curves = [curve_of(*some, (60.0, 0.0)) for some in lines]
    shares, bound = share_out(curves, 60, least=5)
    assert sum(shares) <= 60 and min(shares) >= 5
    best = max(
        sum(curve.bound(float(b)) for curve, b in zip(curves, division, strict=True))
        for division in itertools.product(range(5, 51, 3), repeat=3)
        if sum(division) <= 60
    )
    assert bound >= best - 1e-9
    assert sum(curve.bound(float(b)) for curve, b in zip(curves, shares, strict=True)) >= bound - 3 * 3.0


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Member]:
    """Three towns on disk: the same streets, with other crime and so other demand."""
    town, found = make_town(), []
    for k in range(3):
        incidents = town["incidents"]
        folder = tmp_path_factory.mktemp("region") / f"toy{k}"
        copy_of(dataclasses.replace(town, name=f"toy{k}"), incidents=incidents.iloc[: len(incidents) - 3 * k]).save(folder)
        found.append(Member(str(folder), dataclasses.replace(WISH, city=f"toy{k}", gap=0.001)))
    return found


def same(one: RegionPlan, other: RegionPlan) -> bool:
    """Whether two answers say the same."""
    cameras = [[camera.id for plan in found.plans for camera in plan.cameras] for found in (one, other)]
    return (one.shares, one.objective, one.bound, cameras[0]) == (other.shares, other.objective, other.bound, cameras[1])


@pytest.fixture(name="found", scope="module")
def in_one_process(members: list[Member]) -> RegionPlan:
    """The region planned without workers."""
    return plan_region(members, 300_000)


def test_a_region_is_planned_within_its_budget_under_its_bound(members: list[Member], found: RegionPlan) -> None:
    """The plans are verified, cost no more than the region's budget in all, and no single city planned alone with its share passes the bound."""
    assert sum(plan.cost_inr for plan in found.plans) <= sum(found.shares) <= 300_000
    assert all(plan.verified for plan in found.plans)
    assert found.objective <= found.bound
    assert found.gap == pytest.approx(found.bound / found.objective - 1)
    more = plan_region(members, 450_000)
    assert more.objective >= found.objective
    assert more.bound >= found.bound


def test_two_workers_say_what_one_process_says_though_one_is_killed(members: list[Member], found: RegionPlan) -> None:
    """On a local cluster of two, with a worker killed on the way, the shares, the cameras, the worth and the bound are those of one process."""
    killed: list[int] = []

    def tell(step: Step) -> None:
        # The first city's curve is there, others are being worked on.
        for pid, command in [] if killed or step.note != "1 / 3" else _children(os.getpid()):
            if b"spawn_main" in command:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
                return

    together = plan_region(members, 300_000, crew=Crew(workers=2), progress=Progress(tell))
    assert killed
    assert same(found, together)


def _children(pid: int) -> list[tuple[int, bytes]]:
    """Processes below this one and their command lines."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append((int(folder.name), (folder / "cmdline").read_bytes()))
                found += _children(int(folder.name))
        except (OSError, IndexError):
            continue
    return found


def test_what_makes_no_region_is_refused_together() -> None:
    """No city, or one twice, and no money."""
    wish = Scenario(city="x", budget_inr=1)
    with pytest.raises(ScenarioError) as caught:
        plan_region([], 0)
    assert [fault.code for fault in caught.value.faults] == ["region.members", "region.budget"]
    with pytest.raises(ScenarioError) as caught:
        plan_region([Member("a", wish), Member("a", wish)], 5)
    assert [fault.code for fault in caught.value.faults] == ["region.members"]
    assert "a" in str(caught.value)


def test_the_corners_of_a_curve_are_where_its_lowest_line_changes() -> None:
    """Three lines whose lowest changes at 4 and 10."""
    lines = np.array([[0.0, 3.0], [8.0, 1.0], [13.0, 0.5], [99.0, 0.2]])
    assert module._corners(lines, 0.0, 30.0) == pytest.approx([0.0, 4.0, 10.0, 30.0])
