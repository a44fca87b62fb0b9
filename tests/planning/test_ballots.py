"""Votes and their count."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.access import Actor
from planning.ballots import CHOICES, Count, cast, confirm_paper, count, count_of, enter_paper
from planning.committee import add_member, set_active
from planning.errors import ChaukasError, Forbidden, InputError
from planning.proposals import close, propose
from planning.store import Store
from tests.planning.seats import ADMIN, Hall, account, open_hall

VOTES = st.lists(
    st.fixed_dictionaries(
        {"member": st.sampled_from("abcdefg"), "choice": st.sampled_from(CHOICES), "paper": st.booleans(), "confirmed_by": st.sampled_from(["", "x"])}
    ),
    max_size=20,
)
MEMBERS = st.lists(st.fixed_dictionaries({"id": st.sampled_from("abcdefg"), "active": st.booleans()}), max_size=7, unique_by=lambda row: row["id"])
SHARES = st.sampled_from([0.01, 1 / 3, 0.5, 0.6, 2 / 3, 0.75, 1.0])


@given(VOTES, MEMBERS, SHARES, SHARES.filter(lambda share: share >= 0.5))
def test_a_count_never_exceeds_the_members(votes: list[dict[str, Any]], members: list[dict[str, Any]], quorum: float, majority: float) -> None:
    """However many rows there are, the votes in and the papers that wait are together at most one an active member."""
    found = count(votes, members, quorum, majority)
    assert 0 <= found.cast + found.waiting <= found.members == sum(row["active"] for row in members)
    assert 1 <= found.needed <= max(found.members, 1)


@given(VOTES, MEMBERS, SHARES, SHARES.filter(lambda share: share >= 0.5))
def test_a_paper_nobody_confirmed_never_counts(votes: list[dict[str, Any]], members: list[dict[str, Any]], quorum: float, majority: float) -> None:
    """Whatever an unconfirmed paper says, the count is the same."""
    other = [{**vote, "choice": "no" if vote["choice"] == "yes" else "yes"} if vote["paper"] and not vote["confirmed_by"] else vote for vote in votes]
    assert count(votes, members, quorum, majority) == count(other, members, quorum, majority)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), SHARES, SHARES.filter(lambda share: share >= 0.5))
def test_more_yes_never_turns_an_approval_round(yes: int, no: int, abstain: int, silent: int, quorum: float, majority: float) -> None:
    """Where it carries, it carries with one silent member's yes more, and yes is more than half of yes and no."""
    members = yes + no + abstain + silent + 1
    found = Count(members, yes, no, abstain, 0, quorum, majority)
    if found.carried:
        assert Count(members, yes + 1, no, abstain, 0, quorum, majority).carried
        assert yes > no
        assert found.cast >= quorum * members - 1e-9


@pytest.mark.parametrize(
    ("yes", "no", "abstain", "members", "quorum", "majority", "carried"),
    [
        (3, 2, 0, 9, 0.5, 0.5, True), (2, 2, 1, 9, 0.5, 0.5, False), (2, 2, 0, 9, 0.5, 0.5, False), (1, 0, 4, 9, 0.5, 0.5, True),
        (0, 0, 9, 9, 0.5, 0.5, False), (6, 3, 0, 9, 1.0, 2 / 3, True), (5, 3, 1, 9, 1.0, 2 / 3, False), (4, 0, 0, 9, 0.5, 0.5, False),
        (3, 2, 0, 5, 1.0, 0.6, True), (0, 0, 0, 0, 0.5, 0.5, False),
    ],
)  # fmt: skip
def test_counts_by_hand(yes: int, no: int, abstain: int, members: int, quorum: float, majority: float, carried: bool) -> None:
    """Ties fail, abstentions help the quorum alone, exactly two thirds are two thirds, and a committee of nobody approves nothing."""
    assert Count(members, yes, no, abstain, 0, quorum, majority).carried is carried


def counted(hall: Hall, proposal: str) -> Count:
    """The count as the store stands."""
    with hall.store.read() as tx:
        return count_of(tx, tx.get("proposals", proposal))


def code_of(work: Any) -> str:
    """The code of what this is refused with."""
    with pytest.raises(ChaukasError) as refused:
        work()
    return refused.value.code


def test_a_member_votes_once_and_may_change_it_until_the_end(hall: Hall) -> None:
    """The later vote stands in the earlier one's place, and the audit has both, with what it was before."""
    proposal = propose(hall.store, hall.planner, hall.plan)
    for choice in ("yes", "no", "abstain"):
        cast(hall.store, hall.members["M0"], proposal, choice)
    found = counted(hall, proposal)
    assert (found.yes, found.no, found.abstain) == (0, 0, 1)
    with hall.store.read() as tx:
        lines = [line["details"] for line in tx.lines(subject=proposal, action="vote.cast")]
        assert len(tx.rows("votes", proposal=proposal)) == 1
    assert ['"before":null' in lines[0], '"before":"yes"' in lines[1], '"before":"no"' in lines[2]] == [True] * 3


def test_only_an_active_seat_votes(hall: Hall) -> None:
    """An account with the right but no seat, one whose seat rests, and one without the right are refused; votes of a resting seat count no more."""
    proposal = propose(hall.store, hall.planner, hall.plan)
    stranger = account(hall.store, "Stranger", "member")
    assert code_of(lambda: cast(hall.store, stranger, proposal, "yes")) == "ballot.member"
    assert code_of(lambda: cast(hall.store, Actor("", ""), proposal, "yes")) == "access.forbidden"
    cast(hall.store, hall.members["M0"], proposal, "yes")
    set_active(hall.store, ADMIN, hall.seats["M0"], active=False)
    assert code_of(lambda: cast(hall.store, hall.members["M0"], proposal, "no")) == "ballot.member"
    found = counted(hall, proposal)
    assert (found.members, found.yes) == (3, 0)


def test_a_paper_counts_once_a_second_person_read_the_same(hall: Hall) -> None:
    """Neither before, nor by whoever entered it, nor where the two read different things."""
    store, proposal = hall.store, propose(hall.store, hall.planner, hall.plan)
    vote = enter_paper(store, hall.planner, proposal, hall.seats["P0"], "yes")
    assert (counted(hall, proposal).yes, counted(hall, proposal).waiting) == (0, 1)
    assert code_of(lambda: confirm_paper(store, hall.planner, vote, "yes")) == "ballot.same"
    assert code_of(lambda: confirm_paper(store, hall.second, vote, "no")) == "ballot.differs"
    assert counted(hall, proposal).yes == 0
    confirm_paper(store, hall.members["M1"], vote, "yes")
    assert (counted(hall, proposal).yes, counted(hall, proposal).waiting) == (1, 0)
    assert code_of(lambda: confirm_paper(store, hall.second, vote, "yes")) == "ballot.confirmed"


def test_a_paper_entered_anew_waits_anew(hall: Hall) -> None:
    """A confirmation is of what was read, not of the member."""
    proposal = propose(hall.store, hall.planner, hall.plan)
    vote = enter_paper(hall.store, hall.planner, proposal, hall.seats["P0"], "yes")
    confirm_paper(hall.store, hall.second, vote, "yes")
    assert enter_paper(hall.store, hall.planner, proposal, hall.seats["P0"], "no") == vote
    found = counted(hall, proposal)
    assert (found.yes, found.no, found.waiting) == (0, 0, 1)


def test_papers_never_take_the_place_of_a_vote_at_the_screen(hall: Hall) -> None:
    """Who voted alone may change it; the other way round, one's own vote takes the paper's place."""
    store, proposal = hall.store, propose(hall.store, hall.planner, hall.plan)
    cast(store, hall.members["M0"], proposal, "no")
    assert code_of(lambda: enter_paper(store, hall.planner, proposal, hall.seats["M0"], "yes")) == "ballot.voted"
    vote = enter_paper(store, hall.planner, proposal, hall.seats["M1"], "yes")
    cast(store, hall.members["M1"], proposal, "no")
    assert code_of(lambda: confirm_paper(store, hall.second, vote, "no")) == "ballot.confirmed"
    found = counted(hall, proposal)
    assert (found.no, found.waiting) == (2, 0)


def test_nobody_confirms_the_own_paper(hall: Hall) -> None:
    """The member it is of is no second person, and nobody enters a paper of the own."""
    store, proposal = hall.store, propose(hall.store, hall.planner, hall.plan)
    vote = enter_paper(store, hall.planner, proposal, hall.seats["M1"], "yes")
    assert code_of(lambda: confirm_paper(store, hall.members["M1"], vote, "yes")) == "ballot.same"
    both = account(store, "Both", "planner")
    seat = add_member(store, ADMIN, "toy", "Both", "experts", both.id)
    assert code_of(lambda: enter_paper(store, both, proposal, seat, "yes")) == "ballot.own"


def test_what_is_no_vote_is_refused(hall: Hall) -> None:
    """A strange choice, a seat that is not there, a proposal that is not there; members enter no papers."""
    store, proposal = hall.store, propose(hall.store, hall.planner, hall.plan)
    assert code_of(lambda: cast(store, hall.members["M0"], proposal, "maybe")) == "ballot.choice"
    assert code_of(lambda: cast(store, hall.members["M0"], "nowhere", "yes")) == "store.unknown"
    assert code_of(lambda: enter_paper(store, hall.planner, proposal, "nobody", "yes")) == "ballot.seat"
    with pytest.raises(Forbidden):
        enter_paper(store, hall.members["M0"], proposal, hall.seats["P0"], "yes")


def test_people_who_vote_at_once_lose_nothing(store: Store, cities: Path) -> None:
    """Eight members from eight threads, each three times: eight votes, the last choice of each, 24 lines of the audit, and the audit is whole."""
    hall = open_hall(store, cities, seats=8)
    proposal = propose(store, hall.planner, hall.plan)
    failed: list[BaseException] = []

    def vote(actor: Actor) -> None:
        try:
            for choice in ("no", "abstain", "yes"):
                cast(store, actor, proposal, choice)
        except BaseException as error:  # noqa: BLE001  # told below, in the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=vote, args=(actor,)) for actor in hall.members.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    found = counted(hall, proposal)
    assert (found.yes, found.cast) == (len(threads), len(threads))
    with store.read() as tx:
        assert len(list(tx.lines(action="vote.cast"))) == 3 * len(threads)
    assert store.verify()[1] is None


def test_all_faults_of_a_vote_are_told_at_once(hall: Hall) -> None:
    """A strange choice on a closed proposal is two faults."""
    proposal = propose(hall.store, hall.planner, hall.plan)
    close(hall.store, hall.planner, proposal, "nobody came")
    with pytest.raises(InputError) as refused:
        cast(hall.store, hall.members["M0"], proposal, "maybe")
    assert sorted(fault.code for fault in refused.value.faults) == ["ballot.choice", "ballot.closed"]
