"""Money against a plan's bill."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.ballots import cast
from planning.errors import ChaukasError, Forbidden
from planning.nouns import Plan
from planning.payments import ANY, CAMERAS, HEADS_KNOWN, KINDS, Entry, budget_by_head, enter, ledger, payments_of, read_entries, total
from planning.proposals import close, propose
from planning.store import Store
from tests.planning.seats import Hall, open_hall

DAY = datetime.date(2026, 1, 5)
ROWS = st.lists(
    st.fixed_dictionaries({"kind": st.sampled_from(KINDS), "head": st.sampled_from(HEADS_KNOWN), "amount_inr": st.integers(-(10**9), 10**9)}),
    max_size=30,
)


def codes_of(work: Any) -> list[str]:
    """The codes of what this is refused with, sorted."""
    with pytest.raises(ChaukasError) as refused:
        work()
    return sorted(fault.code for fault in refused.value.faults)


def approve(hall: Hall) -> None:
    """Have the committee approve the hall's plan."""
    proposal = propose(hall.store, hall.planner, hall.plan)
    for actor in hall.members.values():
        cast(hall.store, actor, proposal, "yes")
    close(hall.store, hall.planner, proposal)


@given(ROWS, st.dictionaries(st.sampled_from(HEADS_KNOWN), st.integers(0, 10**9)))
def test_each_head_s_sums_are_those_of_its_entries(rows: list[dict[str, Any]], budget: dict[str, int]) -> None:
    """No rupee is lost or counted twice, by head and together."""
    lines = ledger(budget, rows)
    for kind in KINDS:
        for line in lines:
            assert getattr(line, kind) == sum(row["amount_inr"] for row in rows if (row["kind"], row["head"]) == (kind, line.head))
        assert getattr(total(lines), kind) == sum(row["amount_inr"] for row in rows if row["kind"] == kind)
    assert total(lines).budgeted == sum(budget.values())
    assert all(line.left == line.budgeted - line.spent and line.overspent == (line.left < 0) for line in lines)
    assert len({line.head for line in lines}) == len(lines)


def test_the_budget_of_a_plan_is_its_bill(plan: Plan) -> None:
    """Cameras and each head of its sites, together the capital cost to the rupee."""
    found = budget_by_head(plan)
    assert sum(found.values()) == plan.cost_inr
    assert found[CAMERAS] == sum(camera.cost_inr for camera in plan.cameras)


def test_money_is_promised_received_spent_and_corrected(store: Store, cities: object) -> None:
    """On either database; spending waits for the committee, and what is overspent says so."""
    hall = open_hall(store, cities)  # type: ignore[arg-type]
    enter(
        store,
        hall.planner,
        hall.plan,
        [Entry("promised", ANY, 500_000, "Traders' union", DAY), Entry("received", ANY, 200_000, "Traders' union", DAY)],
    )
    spent = Entry("spent", "pole", 90_000, "Pole works", DAY)
    assert codes_of(lambda: enter(store, hall.planner, hall.plan, [spent])) == ["payment.unapproved"]
    approve(hall)
    enter(store, hall.planner, hall.plan, [spent])
    with store.read() as tx:
        lines = {line.head: line for line in ledger({"pole": 80_000}, payments_of(tx, hall.plan))}
    assert (lines["pole"].left, lines["pole"].overspent) == (-10_000, True)
    assert lines[ANY].received == 200_000
    enter(store, hall.planner, hall.plan, [Entry("spent", "pole", -90_000, "Pole works", DAY, "Paid twice by mistake")])
    with store.read() as tx:
        assert total(ledger({}, payments_of(tx, hall.plan))).spent == 0
        assert len(payments_of(tx, hall.plan)) == 4
    assert store.verify()[1] is None


def test_all_faults_of_all_entries_are_told_and_nothing_is_kept(hall: Hall) -> None:
    """Each with its row's name."""
    future = datetime.date(2199, 1, 1)
    wrong = [Entry("stolen", "gold", 0, " ", future, "x" * 501), Entry("spent", ANY, -5, "A", DAY), Entry("promised", "pole", 5, "B", DAY)]
    with pytest.raises(ChaukasError) as refused:
        enter(hall.store, hall.planner, hall.plan, wrong, names=["row 1", "row 2", "row 3"])
    found = [(fault.value.split(":")[0], fault.code) for fault in refused.value.faults]
    assert {code for row, code in found if row == "row 1"} == {f"payment.{name}" for name in ("kind", "head", "amount", "who", "day", "note")}
    assert {code for row, code in found if row == "row 2"} == {"payment.head", "payment.note", "payment.below"}
    assert not [code for row, code in found if row == "row 3"]
    with hall.store.read() as tx:
        assert payments_of(tx, hall.plan) == []
    assert codes_of(lambda: enter(hall.store, hall.planner, hall.plan, [])) == ["payment.none"]


def test_the_same_file_read_again_enters_nothing(hall: Hall) -> None:
    """An entry that is there already is refused, and so is one twice in the file; a note tells two alike apart."""
    one = Entry("promised", "pole", 5_000, "B", DAY)
    enter(hall.store, hall.planner, hall.plan, [one])
    assert codes_of(lambda: enter(hall.store, hall.planner, hall.plan, [one])) == ["payment.twice"]
    other = Entry("promised", "box", 5_000, "B", DAY)
    assert codes_of(lambda: enter(hall.store, hall.planner, hall.plan, [other, other])) == ["payment.twice"]
    enter(hall.store, hall.planner, hall.plan, [Entry("promised", "pole", 5_000, "B", DAY, "second half")])


def test_members_read_money_and_do_not_enter_it(hall: Hall) -> None:
    """The right is the planner's."""
    with pytest.raises(Forbidden):
        enter(hall.store, hall.members["M0"], hall.plan, [Entry("promised", "pole", 5_000, "B", DAY)])


def test_entries_are_read_from_rows_as_people_write_them() -> None:
    """Lakh and crore, Devanagari, a correction's sign, days either way round; an amount that is none is a fault of its row."""
    rows = [
        {"kind": "Received", "head": "Any", "amount": "२ लाख", "who": "व्यापार संघ", "date": "05/01/2026", "note": ""},
        {"kind": "spent", "head": "pole", "amount": "-1,000", "who": "B", "date": "2026-01-05", "note": "refund"},
        {"kind": "spent", "head": "pole", "amount": "much", "who": "B", "date": "soon"},
    ]
    entries, names, faults = read_entries(rows)
    assert entries[0] == Entry("received", "any", 200_000, "व्यापार संघ", DAY)
    assert entries[1] == Entry("spent", "pole", -1_000, "B", DAY, "refund")
    assert entries[2].day is None
    assert names == ["row 1", "row 2", "row 3"]
    assert [(fault.code, fault.value) for fault in faults] == [("payment.amount", "row 3: much")]
