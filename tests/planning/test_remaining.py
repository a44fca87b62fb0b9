"""How much longer work may take."""

from __future__ import annotations

import itertools

import pytest

from planning.remaining import Phase, eased, phases_of, remaining_s, rounded

PHASES = (Phase("survey", 10.0), Phase("search", 40.0, limit=True), Phase("proof", 6.0))


def test_nothing_is_said_before_the_work_begins() -> None:
    """While a job waits for its turn no time is told."""
    assert remaining_s(PHASES, [], 5.0) is None
    assert remaining_s(PHASES, [("waiting", 0.0)], 5.0) is None


def test_on_pace_it_counts_down_by_the_clock() -> None:
    """Where every stage takes what is expected, each second takes one second off, down to 0 at the end."""
    begun = [("waiting", 0.0), ("survey", 2.0), ("search", 12.0), ("proof", 52.0)]
    for now in range(2, 59):
        so_far = [stage for stage in begun if stage[1] <= now]
        assert remaining_s(PHASES, so_far, float(now)) == pytest.approx(58 - now)


def test_a_slow_machine_slows_what_is_left_but_no_time_limit() -> None:
    """A survey that took twice as long makes the proof twice as long; the search keeps its limit; a pace beyond reason is not believed."""
    assert remaining_s(PHASES, [("survey", 0.0), ("search", 20.0)], 20.0) == pytest.approx(40 + 2 * 6)
    assert remaining_s(PHASES, [("survey", 0.0), ("search", 900.0)], 900.0) == pytest.approx(40 + 5 * 6)
    assert remaining_s(PHASES, [("survey", 0.0), ("search", 0.0)], 0.0) == pytest.approx(40 + 0.3 * 6)


def test_a_survey_at_hand_is_skipped() -> None:
    """Work that begins with the search has no more than that and the proof before it; stages within a phase change nothing."""
    assert remaining_s(PHASES, [("search", 0.0), ("nest", 3.0)], 10.0) == pytest.approx(30 + 6)


def test_an_overrun_promises_no_end_at_once() -> None:
    """Past what was expected some of what it took is still to come; never less than what comes after."""
    assert remaining_s(PHASES, [("search", 0.0)], 60.0) == pytest.approx(0.2 * 20 + 6)
    assert remaining_s(PHASES, [("search", 0.0)], 40.0) == pytest.approx(6)


def test_what_is_told_never_leaps_up() -> None:
    """Less is believed at once; a rise is told by a quarter of it at a look, and reached in the end."""
    assert eased(None, 0.0, 30.0) == 30.0
    assert eased(30.0, 1.0, 12.0) == 12.0
    told = [20.0]
    for _ in range(40):
        told.append(eased(told[-1], 0.5, 60.0))
    assert all(after - before <= 0.25 * 40.5 for before, after in itertools.pairwise(told))
    assert told[-1] == pytest.approx(60, abs=2)


def test_seconds_as_people_say_them() -> None:
    """Steps of five seconds, then minutes; the last seconds are a few."""
    assert [rounded(value) for value in (0.0, 7.9, 8.0, 31.0, 57.0, 58.0, 91.0, 3000.0)] == [
        (0, "soon"), (0, "soon"), (10, "s"), (30, "s"), (55, "s"), (1, "min"), (2, "min"), (50, "min"),
    ]  # fmt: skip


def test_a_plan_made_before_says_what_stages_take() -> None:
    """Measured seconds stand in for the usual ones; work without a proof ends with its search."""
    found = {phase.stage: phase.seconds for phase in phases_of(45.0, {"sight": 99.0, "optimize: bound": 3.0})}
    assert (found["sight"], found["optimize"], found["demand"]) == (99.0, 45.0, 4.0)
    assert [phase.stage for phase in phases_of(45.0, search="floors", proof=False)][-1] == "floors"
