"""Pins of people: where, how long, how often, and who sees them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.access import PUBLIC, Actor
from planning.city import City
from planning.errors import ChaukasError, Forbidden
from planning.store import Store
from planning.suggestions import BODY_MOST, Limit, all_suggestions, inside, moderate, shown_suggestions, suggest, writer_of
from planning.writing import clean, fits
from tests.screens.toy import HOSTILE, toy_city

PLANNER, MEMBER = Actor("p", "P", ("planner",)), Actor("m", "M", ("member",))
LAT, LON = 22.0935, 82.1365  # in the toy city


@pytest.fixture(name="city", scope="module")
def small_city() -> City:
    """The toy city."""
    return toy_city()


def codes_of(work: Any) -> list[str]:
    """The codes of what this is refused with, sorted."""
    with pytest.raises(ChaukasError) as refused:
        work()
    return sorted(fault.code for fault in refused.value.faults)


def test_a_pin_is_seen_by_others_once_it_is_shown(sqlite: Store, city: City) -> None:
    """Waiting and hidden ones are the moderator's, and their writer's where there is an account; nothing of the writer is in what all may read."""
    limit = Limit()
    first = suggest(sqlite, PUBLIC, city, LAT, LON, f"Dark at night {HOSTILE}", address="1.2.3.4", limit=limit)
    mine = suggest(sqlite, MEMBER, city, LAT, LON, "No camera at the temple", limit=limit)
    assert shown_suggestions(sqlite, "toy") == []
    assert [row["id"] for row in all_suggestions(sqlite, MEMBER, "toy")] == [mine]
    assert all_suggestions(sqlite, PUBLIC, "toy") == []
    moderate(sqlite, PLANNER, first, "shown")
    assert [row["id"] for row in all_suggestions(sqlite, PLANNER, "toy")] == [mine, first]
    (told,) = shown_suggestions(sqlite, "toy")
    assert set(told) == {"id", "lat", "lon", "body", "created_at"}
    assert HOSTILE in told["body"]
    moderate(sqlite, PLANNER, first, "hidden", "A name in it")
    assert shown_suggestions(sqlite, "toy") == []
    assert sqlite.verify()[1] is None
    with sqlite.read() as tx:
        assert "1.2.3.4" not in str([*tx.lines(), *tx.rows("suggestions")])


def test_only_planners_moderate_and_hiding_asks_for_a_reason(sqlite: Store, city: City) -> None:
    """Both faults are told at once."""
    label = suggest(sqlite, PUBLIC, city, LAT, LON, "Dark at night", limit=Limit())
    with pytest.raises(Forbidden):
        moderate(sqlite, MEMBER, label, "shown")
    assert codes_of(lambda: moderate(sqlite, PLANNER, label, "hidden")) == ["pin.reason"]
    assert codes_of(lambda: moderate(sqlite, PLANNER, label, "gone", "x" * 501)) == ["pin.reason", "pin.state"]


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (math.nan, LON, "pin.place"), (LAT, math.inf, "pin.place"), (91, LON, "pin.place"), (28.6, 77.2, "pin.area"), (LON, LAT, "pin.area"),
        (0, 0, "pin.area"),
    ],
)  # fmt: skip
def test_a_pin_lies_in_the_study_area(sqlite: Store, city: City, lat: float, lon: float, code: str) -> None:
    """What is no place and what lies elsewhere is refused, with the text's fault beside."""
    assert inside(city, LAT, LON)
    assert codes_of(lambda: suggest(sqlite, PUBLIC, city, lat, lon, "x", limit=Limit())) == sorted([code, "pin.text"])


@pytest.mark.parametrize("body", ["", "    ", "abcd", "\u200b" * 50, "x" * (BODY_MOST + 1)])
def test_a_pin_says_something_in_a_few_words(sqlite: Store, city: City, body: str) -> None:
    """Too short, too long, and signs that show nothing."""
    assert codes_of(lambda: suggest(sqlite, PUBLIC, city, LAT, LON, body, limit=Limit())) == ["pin.text"]


def test_one_writer_is_held_to_a_few_an_hour_and_others_are_not(sqlite: Store, city: City) -> None:
    """The seventh within the hour is refused, another address is free, and after the hour the first is free again."""
    at = [0.0]
    limit = Limit(clock=lambda: at[0])
    for _ in range(6):
        suggest(sqlite, PUBLIC, city, LAT, LON, "Dark at night", address="1.2.3.4", limit=limit)
    assert codes_of(lambda: suggest(sqlite, PUBLIC, city, LAT, LON, "Dark at night", address="1.2.3.4", limit=limit)) == ["pin.often"]
    suggest(sqlite, PUBLIC, city, LAT, LON, "Dark at night", address="1.2.3.5", limit=limit)
    at[0] = 3_600.0
    suggest(sqlite, PUBLIC, city, LAT, LON, "Dark at night", address="1.2.3.4", limit=limit)


def test_a_crowd_cannot_flood_the_city(sqlite: Store, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many addresses write, no more than so many wait to be looked at."""
    from planning import suggestions

    monkeypatch.setattr(suggestions, "WAITING_MOST", 3)
    for k in range(3):
        suggest(sqlite, PUBLIC, city, LAT, LON, "Dark at night", address=str(k), limit=Limit())
    assert codes_of(lambda: suggest(sqlite, PUBLIC, city, LAT, LON, "Dark at night", address="9", limit=Limit())) == ["pin.many"]


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 5)), max_size=60))
def test_a_limit_holds_and_remembers_a_bounded_number(steps: list[tuple[str, int]]) -> None:
    """Within any span of time nobody gets more than the most, nor do all together; what is remembered never grows past its bound."""
    at = [0.0]
    limit = Limit(2, 5, within_s=10.0, keys=8, clock=lambda: at[0])
    given_at: list[tuple[str, float]] = []
    for who, wait in steps:
        at[0] += wait
        if limit.take(who):
            given_at.append((who, at[0]))
        assert len(limit) <= 8
    for _, end in given_at:
        recent = [one for one in given_at if end - 10.0 < one[1] <= end]
        assert len(recent) <= 5
        assert max([0, *(sum(one[0] == who for one in recent) for who in "abcdefgh")]) <= 2


@given(st.integers(0, 200))
def test_a_limit_forgets_who_was_heard_longest_ago(n: int) -> None:
    """Addresses without end take no more memory than so many."""
    limit = Limit(1, 10_000, keys=16, clock=lambda: 0.0)
    for k in range(n):
        assert limit.take(str(k))
    assert len(limit) == min(n, 16)


@given(st.text())
def test_a_cleaned_text_has_no_hidden_signs_and_is_clean_already(text: str) -> None:
    """What turns a line round or shows nothing is gone; cleaning again changes nothing."""
    found = clean(text)
    assert not set(found) & set("\u202e\u2066\u200b\ufeff\x00\x1b\r\t")
    assert clean(found) == found
    assert not fits("\u200d\u200c", 10)


def test_a_writer_is_forgotten_a_day_after() -> None:
    """No more than so many a day of one writer, however they are spread; a day after its last word nothing is left of it."""
    at = [0.0]
    limit = Limit(6, 300, of_one_a_day=20, clock=lambda: at[0])
    taken = 0
    for _ in range(23):
        taken += sum(limit.take("a") for _ in range(3))
        at[0] += 3_600.0
    assert taken == 20
    at[0] += 86_400.0
    assert limit.take("b")
    assert len(limit) == 1


@pytest.mark.parametrize(
    ("address", "writer"),
    [
        ("10.1.2.3", "10.1.2.3"), ("::ffff:10.1.2.3", "10.1.2.3"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"), ("testclient", "testclient"), ("", ""),
    ],
)  # fmt: skip
def test_one_house_is_one_writer(address: str, writer: str) -> None:
    """Under IPv6 a house has a whole /64 of addresses, which counts as one."""
    assert writer_of(address) == writer
