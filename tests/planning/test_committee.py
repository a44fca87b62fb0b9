"""Members and rules."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from planning.access import Actor
from planning.committee import (
    Rules,
    add_member,
    constituencies,
    exact,
    load_constituencies,
    member_of,
    members,
    read_part,
    rules,
    set_active,
    set_rules,
)
from planning.errors import Forbidden, InputError
from planning.store import Store
from tests.planning.seats import ADMIN, CITY, account


def codes(refused: pytest.ExceptionInfo[InputError]) -> list[str]:
    """The codes of a refusal, sorted."""
    return sorted(fault.code for fault in refused.value.faults)


def test_every_constituency_of_the_committee_is_there_in_both_languages() -> None:
    """The seven the committee is made of, each with two titles."""
    found = constituencies()
    assert list(found) == ["traders", "doctors", "teachers", "youth", "social_workers", "experts", "organisations"]
    assert all(one.title and one.title_hi and one.title != one.title_hi for one in found.values())


def test_a_file_of_constituencies_with_faults_is_refused_whole(tmp_path: Path) -> None:
    """A missing title and an unknown key are told together."""
    path = tmp_path / "c.toml"
    path.write_text('version = 1\n[a]\ntitle = "A"\nrank = 2\n', encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_constituencies(path)
    assert {fault.code for fault in refused.value.faults} == {"catalogue.missing", "catalogue.unknown"}


def test_members_are_added_listed_by_name_and_rest(sqlite: Store) -> None:
    """A member is found by account while active; one who rests stays on the list."""
    voter = account_of(sqlite)
    seat = add_member(sqlite, ADMIN, CITY, "  Rekha   Devi ", "traders", voter.id)
    add_member(sqlite, ADMIN, CITY, "Anil", "youth")
    with sqlite.read() as tx:
        assert [row["name"] for row in members(tx, CITY)] == ["Anil", "Rekha   Devi"]
        found = member_of(tx, CITY, voter)
        assert found is not None
        assert found["id"] == seat
        assert member_of(tx, "elsewhere", voter) is None
    set_active(sqlite, ADMIN, seat, active=False)
    with sqlite.read() as tx:
        assert member_of(tx, CITY, voter) is None
        assert [row["name"] for row in members(tx, CITY, active=True)] == ["Anil"]
        assert len(members(tx, CITY)) == 2


def account_of(sqlite: Store) -> Actor:
    """An account with a member's role."""
    return account(sqlite, "Rekha", "member")


def test_all_faults_of_a_new_member_are_told_at_once(sqlite: Store) -> None:
    """Name, constituency and account are looked at together, and nothing is kept."""
    with pytest.raises(InputError) as refused:
        add_member(sqlite, ADMIN, CITY, "\u200b\u202e ", "kings", "nobody")
    assert codes(refused) == ["member.account", "member.constituency", "member.name"]
    with sqlite.read() as tx:
        assert members(tx, CITY) == []


def test_nobody_has_two_seats(sqlite: Store) -> None:
    """An account sits once in a city; a name once in a constituency; another city is another committee."""
    voter = account_of(sqlite)
    add_member(sqlite, ADMIN, CITY, "Rekha", "traders", voter.id)
    with pytest.raises(InputError) as refused:
        add_member(sqlite, ADMIN, CITY, "Rekha", "traders", voter.id)
    assert codes(refused) == ["member.twice", "member.twice"]
    assert add_member(sqlite, ADMIN, "elsewhere", "Rekha", "traders", voter.id)


@pytest.mark.parametrize("role", ["member", "planner"])
def test_only_who_manages_the_committee_changes_it(sqlite: Store, role: str) -> None:
    """A member and a planner may not; nothing is written, not even a line of the audit."""
    actor = Actor("p", "P", (role,))
    with pytest.raises(Forbidden):
        add_member(sqlite, actor, CITY, "X", "traders")
    with pytest.raises(Forbidden):
        set_active(sqlite, actor, "x", active=False)
    with pytest.raises(Forbidden):
        set_rules(sqlite, actor, CITY, 0.5, 0.5)
    with sqlite.read() as tx:
        assert list(tx.lines()) == []


def test_rules_are_the_house_s_until_the_committee_sets_its_own(sqlite: Store) -> None:
    """Set twice, the later hold; each change has its line of the audit."""
    with sqlite.read() as tx:
        assert rules(tx, CITY) == Rules(0.5, 0.5, own=False)
    set_rules(sqlite, ADMIN, CITY, 0.6, 2 / 3)
    set_rules(sqlite, ADMIN, CITY, 0.75, 0.5)
    with sqlite.read() as tx:
        assert rules(tx, CITY) == Rules(0.75, 0.5, own=True)
        assert [line["action"] for line in tx.lines(subject=CITY)] == ["committee.manage"] * 2


@pytest.mark.parametrize(("quorum", "majority"), [(0.0, 0.4), (1.1, 1.1), (math.nan, math.nan), (-1, math.inf)])
def test_rules_out_of_their_bounds_are_told_together(sqlite: Store, quorum: float, majority: float) -> None:
    """Both shares are checked; a minority can never be enough."""
    with pytest.raises(InputError) as refused:
        set_rules(sqlite, ADMIN, CITY, quorum, majority)
    assert codes(refused) == ["rules.majority", "rules.quorum"]


@pytest.mark.parametrize(("text", "share"), [("2/3", 2 / 3), ("60%", 0.6), ("0.6", 0.6), ("६० %", 0.6), ("1", 1.0), ("२/३", 2 / 3)])
def test_shares_are_read_as_people_write_them(text: str, share: float) -> None:
    """Fractions, percentages and decimals, in both scripts."""
    assert read_part(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "half", "1/0", "-1", "1e9", "2//3", "٣"])
def test_what_is_no_share_is_none(text: str) -> None:
    """It is not guessed at."""
    assert math.isnan(read_part(text))


def test_two_thirds_are_two_thirds() -> None:
    """A share is the fraction it was meant as, so that 6 of 9 are two thirds."""
    assert exact(2 / 3) * 9 == 6
    assert exact(0.6) * 5 == 3
    assert exact(0.667) * 3 > 2
