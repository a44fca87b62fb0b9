"""Plans being made on the server."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from planning.city import City
from planning.errors import Infeasible, InputError
from planning.nouns import Draft, Plan, Scenario
from planning.progress import Progress
from screens import jobs
from screens.jobs import Desk, outcome
from screens.library import Shelf
from tests.screens.toy import fake_make_plan, save_toy, toy_city, toy_plan
from tests.town import WISH


@pytest.fixture
def city(tmp_path: Path) -> City:
    """The toy city in a folder, without plans."""
    return save_toy(tmp_path, plans=False)


def gated(gate: threading.Event, began: threading.Semaphore) -> Callable[..., Plan]:
    """A planner that says it began, then waits at a gate, watching for a stop."""

    def plan(city: City, scenario: Scenario, *, progress: Progress) -> Plan:
        began.release()
        while not gate.wait(0.02):
            progress.step("solve", 0.5, "gap 1 %")
        return toy_plan(city, scenario)

    return plan


def test_a_plan_is_made_and_kept(city: City) -> None:
    """The finished job gives the plan's id, and its file stands in the city's folder."""
    job = Desk(fake_make_plan).start(city, Scenario("toy", 1_000_000, time_limit_s=0.1))
    job.job.wait(20)
    assert outcome(job) is None
    assert job.job.result == toy_plan(city, Scenario("toy", 1_000_000, time_limit_s=0.1)).id
    assert city.folder is not None
    assert (city.folder / "plans" / f"{job.job.result}.gpkg").is_file()


def test_the_same_wish_is_one_job(city: City) -> None:
    """Asking again while it runs gives the running job, found by city and scenario from anywhere; another wish is another job."""
    gate, began = threading.Event(), threading.Semaphore(0)
    desk = Desk(gated(gate, began))
    first = desk.start(city, Scenario("toy", 1_000_000))
    assert desk.start(city, Scenario("toy", 1_000_000, title="other words")) is first
    assert desk.find("toy", first.id) is first
    assert desk.find("elsewhere", first.id) is None
    second = desk.start(city, Scenario("toy", 2_000_000))
    assert second is not first
    assert desk.running("toy") == [first, second]
    gate.set()
    for job in (first, second):
        job.job.wait(20)
    assert desk.running("toy") == []


def test_two_at_once_and_the_third_waits(city: City) -> None:
    """Two plans are made together; a third waits, says so, and comes to its turn."""
    gate, began = threading.Event(), threading.Semaphore(0)
    desk = Desk(gated(gate, began))
    jobs = [desk.start(city, Scenario("toy", 1_000_000 * (i + 1))) for i in range(2)]
    assert began.acquire(timeout=10)
    assert began.acquire(timeout=10)
    third = desk.start(city, Scenario("toy", 9_000_000))
    assert not began.acquire(timeout=0.5)
    assert third.step.stage == "waiting"
    assert third.job.running
    gate.set()
    for job in (*jobs, third):
        job.job.wait(20)
        assert outcome(job) is None


def test_a_stop_ends_the_work_and_writes_nothing(city: City) -> None:
    """A stopped job, whether it works or waits, says it was stopped, leaves no file and gives its turn back."""
    gate, began = threading.Event(), threading.Semaphore(0)
    desk = Desk(gated(gate, began), at_once=1)
    working = desk.start(city, Scenario("toy", 1_000_000))
    assert began.acquire(timeout=10)
    waiting = desk.start(city, Scenario("toy", 2_000_000))
    for job in (waiting, working):
        job.job.cancel()
        job.job.wait(10)
        error = outcome(job)
        assert error is not None
        assert error.code == "cancelled"
    assert city.folder is not None
    assert not list((city.folder / "plans").glob("*"))
    gate.set()
    again = desk.start(city, Scenario("toy", 1_000_000))
    again.job.wait(20)
    assert outcome(again) is None


def test_our_errors_and_others_are_told_in_words(city: City) -> None:
    """An error of ours passes as it is; a foreign one becomes one of ours that names it."""

    def infeasible(city: City, scenario: Scenario, *, progress: Progress) -> Plan:
        raise Infeasible.one("floor.high", "The floor cannot be reached", "Lower it", 0.9)

    def crashing(city: City, scenario: Scenario, *, progress: Progress) -> Plan:
        raise ZeroDivisionError("by nought")

    codes = []
    for planner in (infeasible, crashing):
        job = Desk(planner).start(city, Scenario("toy", 1_000_000))
        job.job.wait(10)
        error = outcome(job)
        assert error is not None
        codes.append(error.code)
        assert error.faults[0].way_out
    assert codes == ["floor.high", "plan.crash"]
    assert "by nought" in error.faults[0].value


def test_an_ended_job_can_be_forgotten_but_a_running_one_cannot(city: City) -> None:
    """Forgetting drops what ended; what runs stays findable."""
    gate, began = threading.Event(), threading.Semaphore(0)
    desk = Desk(gated(gate, began))
    job = desk.start(city, Scenario("toy", 1_000_000))
    desk.forget(job)
    assert desk.find("toy", job.id) is job
    gate.set()
    job.job.wait(20)
    desk.forget(job)
    assert desk.find("toy", job.id) is None


def test_a_city_without_a_folder_is_refused() -> None:
    """There is nowhere to keep the plan: said before the work, not after."""
    with pytest.raises(InputError, match="folder"):
        Desk().start(toy_city(), Scenario("toy", 1_000_000))


def test_a_draft_is_at_hand_while_the_plan_is_made(city: City) -> None:
    """Before the first there is none; then the last one shown; anything else that is shown is no draft."""
    gate, shown = threading.Event(), threading.Event()
    draft = Draft((), (), 0.2, 0.25)

    def plan(city: City, scenario: Scenario, *, progress: Progress) -> Plan:
        progress.show("no draft")
        progress.show(draft)
        shown.set()
        gate.wait(20)
        return toy_plan(city, scenario)

    job = Desk(plan).start(city, Scenario("toy", 1_000_000))
    assert shown.wait(20)
    assert job.draft is draft
    assert draft.gap == pytest.approx(0.25)
    gate.set()
    job.job.wait(20)
    assert outcome(job) is None


def test_another_budget_begins_on_the_last_survey(town: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second wish that differs only in money is planned without surveying again, and shows drafts of its own."""
    monkeypatch.setattr(jobs, "_surveys", Shelf(1))
    told: list[list[str]] = []
    for budget in (60_000, 130_000):
        steps: list[str] = []
        drafts: list[object] = []
        progress = Progress(lambda step, steps=steps: steps.append(step.stage), show=drafts.append)
        plan = Desk()._planner(town, dataclasses.replace(WISH, budget_inr=budget), progress=progress)
        assert plan.cost_inr <= budget
        assert all(isinstance(draft, Draft) for draft in drafts)
        told.append(steps)
    assert "sight" in told[0]
    assert "sight" not in told[1]
