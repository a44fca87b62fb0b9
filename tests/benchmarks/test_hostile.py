"""Hostile files through the one door: each meets the code it must, nothing is reached, nobody dies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.hostile import Met, Outcome, run_all
from benchmarks.hostile_files import ARCHIVES, DOOR, NAMES, READ, Case
from planning.sandbox import limits
from planning.uploads import safe_name


@pytest.fixture(name="outcome", scope="module")
def everything_sent() -> Outcome:
    """Every hostile file, sent once."""
    marker = Path("/tmp/chaukas-was-here")
    assert not marker.exists()
    found = run_all()
    assert not marker.exists()
    return found


@pytest.fixture(name="met", scope="module")
def by_case(outcome: Outcome) -> dict[Case, Met]:
    """What became of each."""
    return {one.case: one for one in outcome.met}


@pytest.mark.parametrize("case", [*DOOR, *ARCHIVES, *READ], ids=lambda case: f"{case.layer}: {case.what}")
def test_a_hostile_file_meets_its_code(met: dict[Case, Met], case: Case) -> None:
    """It is refused by its code with a sentence and a way out, or read harmlessly where that is what must happen."""
    found = met[case]
    assert found.right, (found.codes, found.said)
    assert found.at_door == (case in DOOR)


def test_there_are_many_and_nothing_was_reached(outcome: Outcome) -> None:
    """At least forty files; one process read all that passed the door, within its memory, and no address was called."""
    assert len(outcome.met) >= 40
    assert not outcome.wrong
    assert outcome.calls == 0
    assert outcome.peak < limits()["memory"] * 1e6 / 3
    assert os.getpid()


@pytest.mark.parametrize(("given", "kept"), NAMES.items(), ids=range(len(NAMES)))
def test_names_are_made_safe(given: str, kept: str) -> None:
    """No path, control, direction mark or markup is left of a name, and the same name stays the same."""
    assert safe_name(given) == kept
    assert safe_name(kept) == kept
    assert len(kept.encode()) <= 120
    assert kept == Path(kept).name
