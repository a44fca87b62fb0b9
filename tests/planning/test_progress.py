"""Long work tells where it stands, stops when asked, shows answers as they come, and runs in a thread."""

from __future__ import annotations

import threading
import time

import pytest

from planning.errors import InputError
from planning.progress import Cancelled, Job, Progress, Step

LONG_S = 20.0


def test_steps_are_told_with_shares_between_nought_and_one() -> None:
    """Each step reaches the listener in order; a share beyond 0 to 1 is brought back."""
    told: list[Step] = []
    progress = Progress(told.append)
    for share in (-0.5, 0.25, 7.0):
        progress.step("work", share, "note")
    assert told == [Step("work", 0.0, "note"), Step("work", 0.25, "note"), Step("work", 1.0, "note")]


def test_a_stop_is_heeded_at_the_next_step() -> None:
    """Once a stop is asked for, the next step raises Cancelled, and nothing more is told."""
    told: list[Step] = []
    progress = Progress(told.append, lambda: len(told) >= 2)
    progress.step("a", 0.1)
    assert not progress.stopped
    progress.step("b", 0.2)
    assert progress.stopped
    with pytest.raises(Cancelled) as caught:
        progress.step("c", 0.3)
    assert caught.value.code == "cancelled"
    assert [step.stage for step in told] == ["a", "b"]


def test_a_part_tells_shares_of_the_whole() -> None:
    """A part from 0.4 to 0.6 that is half done is half of the whole; it stops with the whole."""
    told: list[Step] = []
    part = Progress(told.append, lambda: len(told) > 1).part(0.4, 0.6)
    part.step("inner", 0.5)
    part.part(0.5, 1.0).step("inmost", 0.0)
    assert [step.share for step in told] == pytest.approx([0.5, 0.5])
    with pytest.raises(Cancelled):
        part.step("late", 1.0)


def test_without_a_listener_nothing_is_needed() -> None:
    """Work that nobody listens to goes on."""
    Progress().step("alone", 0.5)
    assert not Progress().stopped


def test_a_job_gives_its_result_and_its_last_step() -> None:
    """A job that ends well has its result, no error, and stands at its last step."""

    def work(progress: Progress) -> int:
        progress.step("half", 0.5)
        return 42

    job = Job(work)
    job.wait(LONG_S)
    assert (job.running, job.result, job.error, job.crash) == (False, 42, None, None)
    assert job.step == Step("half", 0.5)
    assert job.runtime_s >= 0


def test_a_job_keeps_our_errors_apart_from_crashes() -> None:
    """An error of ours is kept to be shown; any other is kept as a crash; neither escapes the thread."""

    def refuse(_: Progress) -> None:
        raise InputError.one("some.code", "what", "way out")

    def crash(_: Progress) -> None:
        raise ZeroDivisionError

    refused, crashed = Job(refuse), Job(crash)
    refused.wait(LONG_S)
    crashed.wait(LONG_S)
    assert refused.error is not None
    assert refused.error.code == "some.code"
    assert refused.crash is None
    assert isinstance(crashed.crash, ZeroDivisionError)
    assert crashed.error is None


def test_a_cancelled_job_ends_with_cancelled() -> None:
    """Cancel asks the work to stop; it ends at its next step without a result. Steps are seen while it runs."""
    going, go_on = threading.Event(), threading.Event()

    def work(progress: Progress) -> int:
        progress.step("first", 0.1)
        going.set()
        go_on.wait(LONG_S)
        progress.step("second", 0.2)
        return 1

    job = Job(work)
    assert going.wait(LONG_S)
    assert job.running
    assert job.step.stage == "first"
    job.wait(0.0)
    assert job.running
    job.cancel()
    go_on.set()
    job.wait(LONG_S)
    assert isinstance(job.error, Cancelled)
    assert job.result is None
    assert job.step.stage == "first"


def test_answers_that_stand_are_handed_out() -> None:
    """A part hands its answers to the whole's listener; another listener may be put in its place, which changes nothing else."""
    shown: list[object] = []
    told: list[Step] = []
    progress = Progress(told.append, show=shown.append)
    progress.part(0.0, 0.5).show("first")
    other: list[object] = []
    through = progress.showing(other.append)
    through.show("second")
    through.step("work", 0.5)
    assert (shown, other) == (["first"], ["second"])
    assert told == [Step("work", 0.5)]


def test_a_job_keeps_the_last_answer_shown() -> None:
    """While it runs and after, the last answer is at hand; before the first there is none."""
    gate = threading.Event()

    def work(progress: Progress) -> str:
        progress.show("early")
        gate.wait(LONG_S)
        progress.show("later")
        return "done"

    job = Job(work)
    while job.shown is None:
        time.sleep(0.01)
    assert (job.shown, job.result) == ("early", None)
    gate.set()
    job.wait(LONG_S)
    assert (job.shown, job.result) == ("later", "done")
    assert Job(lambda progress: None).shown is None
