"""A plan being built, site by site."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.errors import ChaukasError, Forbidden
from planning.nouns import Plan
from planning.store import Store
from planning.works import STATES, Standing, Step, advance, progress, read_steps, standings, wards_of, works_of
from tests.planning.seats import Hall, open_hall
from tests.planning.test_payments import approve

SITES = ("s1", "s2", "s3")
DUE = datetime.date(2026, 3, 1)


def day(k: int) -> datetime.date:
    """A day of January 2026."""
    return datetime.date(2026, 1, k)


def codes_of(work: Any) -> list[str]:
    """The codes of what this is refused with, sorted."""
    with pytest.raises(ChaukasError) as refused:
        work()
    return sorted(fault.code for fault in refused.value.faults)


def stand(hall: Hall) -> dict[str, Standing]:
    """Where the hall's sites stand."""
    with hall.store.read() as tx:
        return standings(SITES, works_of(tx, hall.plan))


def do(hall: Hall, *steps: Step) -> None:
    """The steps, written by the planner."""
    advance(hall.store, hall.planner, hall.plan, SITES, steps)


@pytest.fixture(name="built")
def approved_hall(hall: Hall) -> Hall:
    """A hall whose plan is approved."""
    approve(hall)
    return hall


def test_a_site_goes_from_order_to_live_step_by_step(store: Store, cities: object) -> None:
    """On either database; each step has its day, and the audit is whole."""
    hall = open_hall(store, cities)  # type: ignore[arg-type]
    assert codes_of(lambda: do(hall, Step("s1", "ordered", day(1), due=DUE))) == ["works.unapproved"]
    approve(hall)
    do(hall, Step("s1", "ordered", day(1), phase=2, due=DUE), Step("s2", "ordered", day(1), due=DUE))
    for k, state in enumerate(STATES[2:], 2):
        do(hall, Step("s1", state, day(k)))
    found = stand(hall)
    assert found["s1"] == Standing("s1", "live", day(4), 2, DUE, 4)
    assert (found["s2"].state, found["s3"].state) == ("ordered", "planned")
    assert store.verify()[1] is None


def test_no_step_is_skipped_or_taken_twice(built: Hall) -> None:
    """From planned straight to installed, and ordered again, are refused; nothing of the lot is kept where one is at fault."""
    assert codes_of(lambda: do(built, Step("s1", "ordered", day(1), due=DUE), Step("s2", "installed", day(1)))) == ["works.skip"]
    assert stand(built)["s1"].state == "planned"
    do(built, Step("s1", "ordered", day(1), due=DUE))
    assert codes_of(lambda: do(built, Step("s1", "ordered", day(2), due=DUE))) == ["works.skip"]


def test_going_back_asks_for_a_note_and_keeps_the_past(built: Hall) -> None:
    """A failed test goes back to installed with a note; back to planned the order is off."""
    do(built, Step("s1", "ordered", day(1), due=DUE))
    do(built, Step("s1", "installed", day(2)))
    do(built, Step("s1", "tested", day(3)))
    assert codes_of(lambda: do(built, Step("s1", "installed", day(4)))) == ["works.back"]
    do(built, Step("s1", "installed", day(4), "Picture is dark"))
    do(built, Step("s1", "planned", day(5), "Contract ended"))
    assert stand(built)["s1"] == Standing("s1", "planned", day(5), None, None, 5)
    with built.store.read() as tx:
        assert [row["state"] for row in works_of(tx, built.plan)] == ["ordered", "installed", "tested", "installed", "planned"]


def test_all_faults_of_a_step_are_told(built: Hall) -> None:
    """No such site, no such state; an order without its day and for phase 0; a day before the step before, and one to come."""
    assert codes_of(lambda: do(built, Step("s9", "ordered", day(1)), Step("s1", "sunk", day(1)))) == ["works.site", "works.state"]
    assert codes_of(lambda: do(built, Step("s1", "ordered", None, "x" * 501, 0))) == ["works.day", "works.due", "works.note", "works.phase"]
    do(built, Step("s1", "ordered", day(9), due=DUE))
    assert codes_of(lambda: do(built, Step("s1", "installed", day(8)))) == ["works.day"]
    assert codes_of(lambda: do(built, Step("s1", "installed", datetime.date(2199, 1, 1)))) == ["works.day"]
    assert codes_of(lambda: do(built)) == ["works.site"]


def test_members_read_work_and_do_not_write_it(built: Hall) -> None:
    """The right is the planner's."""
    with pytest.raises(Forbidden):
        advance(built.store, built.members["M0"], built.plan, SITES, [Step("s1", "ordered", day(1), due=DUE)])


def test_overdue_is_what_was_ordered_for_an_earlier_day_and_is_not_live(built: Hall) -> None:
    """By ward; on the day itself it is not late yet, and once live never."""
    do(built, Step("s1", "ordered", day(1), due=day(20)), Step("s2", "ordered", day(1), due=day(20)))
    for k, state in enumerate(STATES[2:], 2):
        do(built, Step("s2", state, day(k)))
    group = {"s1": "West", "s2": "West", "s3": "East"}
    late = progress(stand(built).values(), group, day(21))
    assert [(one.name, one.sites, one.overdue) for one in late] == [("East", 1, 0), ("West", 2, 1)]
    assert dict(late[1].by_state) == {"planned": 0, "ordered": 1, "installed": 0, "tested": 0, "live": 1}
    assert [one.overdue for one in progress(stand(built).values(), group, day(20))] == [0, 0]


@given(st.lists(st.tuples(st.sampled_from(SITES), st.sampled_from(STATES)), max_size=25))
def test_every_site_is_in_one_state_whatever_happened(events: list[tuple[str, str]]) -> None:
    """The last row says it, in whatever order rows come, and groups hold each site once."""
    rows = [
        {"site": site, "step": k, "state": state, "phase": 1, "due_on": "2026-03-01" if state == "ordered" else None, "done_on": "2026-01-01"}
        for k, (site, state) in enumerate(events, 1)
    ]
    found = standings(SITES, rows[::-1])
    assert list(found) == list(SITES)
    for site in SITES:
        last = [state for name, state in events if name == site]
        assert found[site].state == (last[-1] if last else "planned")
    (whole,) = progress(found.values(), dict.fromkeys(SITES, "all"), DUE)
    assert sum(whole.by_state.values()) == whole.sites == 3


def test_each_site_lies_in_a_ward(plan: Plan) -> None:
    """That of its first camera."""
    assert set(wards_of(plan)) == {site.id for site in plan.sites}


def test_steps_are_read_from_rows_as_people_write_them() -> None:
    """A phase left out is the first; what is no number is told when the step is written."""
    steps, names = read_steps([{"site": "s1", "state": "Ordered", "date": "०१.०१.२०२६", "due": "2026-03-01"}, {"site": "s2", "phase": "two"}])
    assert steps == [Step("s1", "ordered", day(1), "", 1, DUE), Step("s2", "", None, "", 0)]
    assert names == ["row 1", "row 2"]
