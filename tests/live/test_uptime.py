"""Events and uptime: worked by hand, and by another way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from live.uptime import Record, by_contractor, events, uptime
from planning.deployed import NO_FEED, Deployment
from planning.errors import InputError

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    """So many hours after the day begins."""
    return DAY + timedelta(hours=hours)


def state(camera: str, what: str, hours: float) -> Record:
    """A change of state."""
    return Record("state", at(hours), camera, what)


def beats(begin: float, end: float) -> list[Record]:
    """A watch at work, with a beat a minute."""
    return [Record("watching", at(begin) + timedelta(minutes=m)) for m in range(int((end - begin) * 60) + 1)]


def test_a_day_s_uptime_worked_by_hand() -> None:
    """20 hours live, 2 offline, 2 offline by plan: 20 of 22 count, and what is left out is said."""
    records = [
        *beats(0, 24), state("a", "live", 0), state("a", "offline", 10), state("a", "live", 12), state("a", "offline", 20), state("a", "live", 22),
        Record("maintenance", at(1), "a", since=at(20), until=at(22), note="new pole"),
    ]  # fmt: skip
    (found,) = uptime(records, ["a"], at(0), at(24))
    assert (found.up_s, found.down_s, found.maintenance_s, found.unwatched_s) == (20 * 3600, 2 * 3600, 2 * 3600, 0)
    assert found.share == pytest.approx(20 / 22)
    assert found.kept is False
    (lenient,) = uptime(records, ["a"], at(0), at(24), agreed=0.9)
    assert lenient.kept is True


def test_time_nobody_watched_counts_for_nobody() -> None:
    """Neither before a camera's first word, nor while the watch stood still, nor after its last beat."""
    records = [*beats(2, 6), *beats(10, 12), state("a", "live", 3)]
    (found,) = uptime(sorted(records, key=lambda r: r.at), ["a"], at(0), at(24))
    assert (found.up_s, found.down_s) == (5 * 3600, 0)
    assert found.unwatched_s == 19 * 3600
    (silent,) = uptime(records, ["b"], at(0), at(24))
    assert (silent.share, silent.kept, silent.unwatched_s) == (None, None, 24 * 3600)


def test_only_the_time_asked_about_counts() -> None:
    """An event that began earlier or lasts longer is cut at both ends; a period that ends before it begins is refused."""
    records = [*beats(0, 24), state("a", "dark", 0), state("a", "live", 12)]
    (found,) = uptime(records, ["a"], at(6), at(18))
    assert (found.up_s, found.down_s, found.share) == (6 * 3600, 6 * 3600, 0.5)
    with pytest.raises(InputError) as refused:
        uptime(records, ["a"], at(6), at(6))
    assert refused.value.code == "uptime.period"


def test_uptime_agrees_with_a_count_of_minutes() -> None:
    """On random days, every minute asked by itself."""
    random = np.random.default_rng(4)
    for _ in range(20):
        changes = sorted(random.choice(1440, 12, replace=False))
        states = random.choice(["live", "offline", "frozen"], 12)
        begin, end = sorted(random.choice(1440, 2, replace=False))
        records = [
            *beats(0, 24), Record("maintenance", at(0), "a", since=at(begin / 60), until=at(end / 60)),
            *(state("a", str(what), minute / 60) for what, minute in zip(states, changes, strict=True)),
        ]  # fmt: skip
        counts = {"up": 0, "down": 0, "planned": 0, "silent": 0}
        for minute in range(1440):
            last = [str(what) for what, change in zip(states, changes, strict=True) if change <= minute]
            kind = "planned" if begin <= minute < end else "silent" if not last else "up" if last[-1] == "live" else "down"
            counts[kind] += 1
        (found,) = uptime(sorted(records, key=lambda r: r.at), ["a"], at(0), at(24))
        seconds = [round(value / 60) for value in (found.up_s, found.down_s, found.maintenance_s, found.unwatched_s)]
        assert seconds == list(counts.values())


def test_contractors_answer_for_their_cameras_together() -> None:
    """One camera up and one down all day are half; a camera without a contractor stands by itself."""
    records = [*beats(0, 24), state("a", "live", 0), state("b", "offline", 0), state("c", "live", 0)]
    hung = [Deployment(name, "toy", "", 22.0, 82.0, None, 6.0, "", NO_FEED, contractor=who) for name, who in (("a", "X"), ("b", "X"), ("c", ""))]
    nobody, both = by_contractor(uptime(records, ["a", "b", "c"], at(0), at(24)), hung)
    assert (nobody.name, nobody.cameras, nobody.share) == ("", 1, 1.0)
    assert (both.name, both.cameras, both.share, both.kept) == ("X", 2, 0.5, False)


def test_events_are_stretches_of_one_state() -> None:
    """A state told twice is one event; the last one is still open."""
    told = [state("a", "live", 0), state("a", "frozen", 5), state("a", "frozen", 6), state("a", "live", 7), state("b", "dark", 6)]
    found = events(told)
    assert [(one.camera, one.state, one.since, one.until) for one in found] == [
        ("a", "live", at(0), at(5)), ("a", "frozen", at(5), at(7)), ("b", "dark", at(6), None), ("a", "live", at(7), None),
    ]  # fmt: skip


def test_a_stretch_of_watching_counts_as_all_its_beats() -> None:
    """A day in stretches, with two hours between them and from a state alone: the same figures as from a beat a minute."""
    changes = [state("a", "live", 1), state("a", "offline", 7.5), state("a", "live", 13), state("a", "offline", 20)]
    stretches = [Record("watching", at(end), since=at(begin), until=at(end)) for begin, end in ((0, 6), (6, 9), (11, 18))]
    for since, until in ((0, 24), (5, 12), (8.5, 11.5), (9, 11), (20, 21)):
        (by_stretch,) = uptime([*changes, *stretches], ["a"], at(since), at(until))
        (by_beat,) = uptime([*changes, *beats(0, 9), *beats(11, 18)], ["a"], at(since), at(until))
        assert by_stretch == by_beat


def test_a_record_checks_itself() -> None:
    """No time without a zone, no unknown kind or state, no maintenance that ends before it begins."""
    india = timezone(timedelta(hours=5.5))
    assert Record("state", datetime(2026, 3, 1, 5, 30, tzinfo=india), "a", "live").at == at(0)
    for make, code in (
        (lambda: Record("state", datetime(2026, 3, 1), "a", "live"), "event.time"),
        (lambda: Record("state", at(0), "a", "well"), "event.kind"),
        (lambda: Record("wish", at(0)), "event.kind"),
        (lambda: Record("maintenance", at(0), "a", since=at(2), until=at(1)), "event.maintenance"),
    ):
        with pytest.raises(InputError) as refused:
            make()
        assert refused.value.code == code
