"""The log of events in the store: asked by camera and period, newest first, and never as a whole; what an earlier version wrote is taken in."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live.log import EventLog
from live.uptime import Record, events, uptime
from planning.access import Actor
from planning.errors import InputError
from planning.former import SUFFIX
from planning.schema import metadata
from planning.store import Reading, Store
from tests.databases import by_force
from tests.live.test_uptime import at, beats, state

ASHA = Actor("o1", "asha", ("operator",))


@pytest.fixture
def log(store: Store, tmp_path: Path) -> EventLog:
    """An empty log, on either database."""
    return over(store, tmp_path)


def over(store: Store, folder: Path) -> EventLog:
    """A log as a process of its own would have it."""
    (folder / "toy").mkdir(exist_ok=True)
    return EventLog(lambda: store, lambda name: folder / name)


def test_what_was_appended_is_read_back_and_sealed(log: EventLog, store: Store) -> None:
    """Every kind as it was told; a state or clock told again is no new record; one line of the audit for what was told together."""
    told = [
        state("a", "live", 0), Record("clock", at(1), "a", "off", measure="-75 s"), Record("clock", at(2), "a", "right", measure="+0 s"),
        Record("maintenance", at(1), "a", since=at(20), until=at(22), by="asha", note="नया खंभा"), state("a", "dark", 3),
    ]  # fmt: skip
    log.append("toy", *told)
    log.append("toy", state("a", "dark", 4), Record("clock", at(4), "a", "right"), Record("clock", at(4), "b", "right"))
    found = [record for record in log.records("toy") if record.kind != "watching"]
    assert [(one.kind, one.at, one.state, one.measure, one.until, one.by, one.note) for one in found] == [
        (one.kind, one.at, one.state, one.measure, one.until, one.by, one.note) for one in told
    ]
    assert [one.since for one in found] == [at(0), at(1), at(2), at(20), at(3)]
    with store.read() as tx:
        assert [line["action"] for line in tx.lines()] == ["live.events"] * 2
    assert store.verify()[1] is None
    by_force(store, "UPDATE events SET state = 'live' WHERE state = 'dark'")
    broken = store.verify()[1]
    assert broken is not None
    assert broken.what == "row_changed"


def test_beats_are_drawn_out_and_seal_nothing_until_an_hour_is_full(log: EventLog, store: Store) -> None:
    """A minute's beat changes one row without a line of the audit; a stretch is written for good once it is an hour long or a gap ends it."""
    for beat in beats(0, 0.9)[::2]:
        log.append("toy", beat)
    with store.read() as tx:
        assert (tx.head().seq, tx.rows("events"), len(tx.rows("beats"))) == (0, [], 1)
    for beat in beats(0.9, 2.5)[::2]:
        log.append("toy", beat)
    log.append("toy", *beats(4, 4.25))
    found = log.records("toy")
    assert [(one.since, one.until) for one in found] == [(at(0), at(1)), (at(1), at(2)), (at(2), at(2.5)), (at(4), at(4.25))]
    with store.read() as tx:
        assert tx.head().seq == 3
    assert store.verify()[1] is None


def test_a_period_gives_the_same_uptime_as_the_whole_log(log: EventLog) -> None:
    """On random days of random states, silences and maintenance: what is asked of a period's records, and of all, is the same."""
    random = np.random.default_rng(6)
    records: list[Record] = []
    for camera in ("a", "b", "c"):
        minutes = sorted(random.choice(2880, 16, replace=False))
        states = random.choice(["live", "offline", "dark"], 16)
        records += [state(camera, str(what), minute / 60) for what, minute in zip(states, minutes, strict=True)]
        begin, end = sorted(random.choice(2880, 2, replace=False))
        records.append(Record("maintenance", at(begin / 60), camera, since=at(begin / 60), until=at(end / 60)))
    for begin, end in ((0.5, 9.25), (9.28, 20), (26, 40), (44, 48)):
        records += beats(begin, end)
    records.sort(key=lambda record: record.at)
    log.append("toy", *records)
    for _ in range(25):
        since, until = (at(minute / 60) for minute in sorted(random.choice(2880, 2, replace=False)))
        asked = [str(one) for one in random.choice(["a", "b", "c", "d"], 2, replace=False)]
        part = log.records("toy", asked, since, until)
        assert uptime(part, asked, since, until) == uptime(records, asked, since, until)
        assert {record.camera for record in part} <= {*asked, ""}
        assert uptime(log.records("toy", None, since, until), asked, since, until) == uptime(records, asked, since, until)


def test_the_latest_events_come_first_and_no_more_is_read_than_they_need(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """States and clocks together, ended by what came after; of cameras asked for alone; from a log of thousands only its end is looked through."""
    monkeypatch.setattr("live.log._PART", 20)
    log.append("toy", *(state("old", ("dark", "live")[turn % 2], turn / 100) for turn in range(200)))
    log.append("toy", state("a", "live", 10), state("b", "offline", 11), state("a", "frozen", 12), state("a", "live", 13))
    log.append("toy", Record("clock", at(12.5), "a", "off", measure="-75 s"), Record("clock", at(14), "a", "right"), state("x", "dark", 15))
    read = list[int]()
    rows = Reading.rows

    def counted(tx: Reading, table: str, **more: Any) -> list[dict[str, Any]]:
        found = rows(tx, table, **more)
        read.append(len(found))
        return found

    monkeypatch.setattr(Reading, "rows", counted)
    found = log.latest("toy", {"a", "b", "old"}, 4)
    assert [(one.camera, one.state, one.since, one.until) for one in found] == [
        ("a", "clock_off", at(12.5), at(14)), ("a", "frozen", at(12), at(13)), ("b", "offline", at(11), None), ("old", "dark", at(1.98), at(1.99)),
    ]  # fmt: skip
    assert sum(read) < 60
    assert [one.camera for one in log.latest("toy", {"a"}, 9)] == ["a", "a"]


def test_an_event_is_acknowledged_with_a_note_by_name(log: EventLog, store: Store) -> None:
    """The last note counts; without a note, or for an event that is none, it is refused; the audit has who it was."""
    log.append("toy", state("a", "live", 0), state("a", "frozen", 5), Record("clock", at(6), "a", "off", measure="9 s"))
    clock, frozen = log.latest("toy", {"a"}, 5)
    log.acknowledge("toy", frozen.id, by=ASHA, note="seen", at=at(7))
    log.acknowledge("toy", frozen.id, by=ASHA, note="  called   the contractor ", at=at(8))
    log.acknowledge("toy", clock.id, by=ASHA, note="told", at=at(8))
    told = [one.acknowledged for one in log.latest("toy", {"a"}, 5)]
    assert [(one.by, one.note, one.at) for one in told if one] == [("asha", "told", at(8)), ("asha", "called the contractor", at(8))]
    moved = frozen.id.replace("05:00", "05:01")
    for event, note, code in (
        (frozen.id, " ", "event.note"), (frozen.id, "x" * 2001, "event.note"), ("a@1999", "x", "event.unknown"), ("", "x", "event.unknown"),
        (moved, "x", "event.unknown"), (f"{frozen.id}/clock", "x", "event.unknown"), (frozen.id.replace("a@", "b@"), "x", "event.unknown"),
    ):  # fmt: skip
        with pytest.raises(InputError) as refused:
            log.acknowledge("toy", event, by=ASHA, note=note, at=at(9))
        assert refused.value.code == code
    with store.read() as tx:
        assert [(line["by"], line["subject"]) for line in tx.lines(action="live.acknowledge")] == [
            ("o1", frozen.id), ("o1", frozen.id), ("o1", clock.id)
        ]  # fmt: skip


def test_what_is_known_of_cameras_outlives_a_restart(log: EventLog, store: Store, tmp_path: Path) -> None:
    """Which ever showed something, and whose clocks are off; of one city alone."""
    (tmp_path / "other").mkdir()
    log.append("toy", state("a", "offline", 0), state("b", "dark", 0), state("c", "live", 0), state("c", "offline", 1))
    log.append("toy", *(Record("clock", at(hour), camera, what) for hour, camera, what in ((1, "b", "off"), (2, "c", "off"), (3, "c", "right"))))
    again = over(store, tmp_path)
    assert (again.showed("toy"), again.clocks_off("toy")) == ({"b", "c"}, {"b": True, "c": False})
    assert (again.showed("other"), again.clocks_off("other"), again.latest("other", {"b"}, 9)) == (frozenset(), {}, ())


def test_writers_at_once_lose_no_record(log: EventLog, store: Store, tmp_path: Path) -> None:
    """Each with a log of its own, as processes have; each record has a number of its own."""

    def write(name: str) -> None:
        own = over(store, tmp_path)
        for turn in range(10):
            own.append("toy", Record("state", at(turn), name, ("live", "dark")[turn % 2], measure="x" * 500))

    workers = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    found = [record.camera for record in log.records("toy") if record.kind == "state"]
    assert sorted(found) == ["a"] * 10 + ["b"] * 10
    assert store.verify()[1] is None


def lines(*records: Record) -> list[str]:
    """Records as the version before wrote them into its file."""
    told = [{name: getattr(record, name) for name in record.__dataclass_fields__} for record in records]
    kept = [{name: value.isoformat() if isinstance(value, datetime) else value for name, value in one.items() if value} for one in told]
    return [json.dumps(one, ensure_ascii=False, sort_keys=True) for one in kept]


def test_a_file_of_before_is_taken_in_with_all_that_was_told(log: EventLog, store: Store, tmp_path: Path) -> None:
    """Two days of beats become a row an hour, and every uptime is what it was; events and acknowledgements stay; a line cut short is passed over, as
    it was; new records follow.
    """
    old = [*beats(0, 20), *beats(30, 48), state("a", "live", 1), state("a", "dark", 6), state("a", "dark", 7), state("a", "live", 9)]
    old += [state("b", "offline", 40), Record("clock", at(3), "b", "off")]
    old.append(Record("maintenance", at(2), "a", since=at(5), until=at(8), by="asha", note="mast"))
    old.sort(key=lambda record: record.at)
    seen = Record("acknowledged", at(7), "a", event=f"a@{at(6).isoformat()}", by="asha", note="देखा")
    path = tmp_path / "toy" / EventLog.former
    path.write_text("\n".join(lines(*old, seen)) + '\n{"kind":"state","at":"2026-', encoding="utf-8")
    before = [uptime(old, ["a", "b"], at(since), at(until)) for since, until in ((0, 48), (5, 7), (19, 31), (29, 41))]
    assert [uptime(log.records("toy", ["a", "b"], at(since), at(until)), ["a", "b"], at(since), at(until)) for since, until in (
        (0, 48), (5, 7), (19, 31), (29, 41))] == before  # fmt: skip
    assert not path.exists()
    assert path.with_name(EventLog.former + SUFFIX).exists()
    assert [(one.camera, one.state, one.until, one.acknowledged is not None) for one in log.latest("toy", {"a", "b"}, 9)] == [
        ("b", "offline", None, False), ("a", "dark", at(9), True), ("b", "clock_off", None, False),
    ]  # fmt: skip
    with store.read() as tx:
        kinds = [row["kind"] for row in tx.rows("events", order="number")]
    assert (kinds.count("watching"), len(kinds)) == (37, 37 + 7)
    log.append("toy", state("a", "offline", 48))
    assert events(log.records("toy"))[-1].state == "offline"
    assert store.verify()[1] is None


@pytest.mark.parametrize(
    "where",
    [
        "kind = 'state' AND camera = 'a' ORDER BY since DESC LIMIT 1",
        "kind = 'state' AND camera = 'a' AND since < '2026' ORDER BY since DESC LIMIT 1",
        "kind = 'state' AND since >= '2026' AND since < '2027' AND camera IN ('a', 'b') ORDER BY id",
        "kind = 'watching' AND since >= '2026' ORDER BY since LIMIT 1", "kind = 'state' AND number < 900 ORDER BY number DESC LIMIT 500",
    ],
)  # fmt: skip
def test_what_is_asked_is_found_by_an_index(sqlite_plan: Any, where: str) -> None:
    """The database looks through no table from end to end, and sorts nothing to find the last of it."""
    plan = sqlite_plan(f"SELECT * FROM events WHERE city = 'toy' AND {where}")
    assert "USING INDEX" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan or "ORDER BY id" in where
    assert "USING INDEX" in sqlite_plan("SELECT * FROM events WHERE event IN ('a', 'b')")


@pytest.fixture
def sqlite_plan(tmp_path: Path) -> Any:
    """How SQLite would go about a question."""
    made = Store(f"sqlite:///{tmp_path / 'plan.db'}", tmp_path / "plan").ready()
    assert "events" in metadata.tables

    def ask(question: str) -> str:
        with made.engine.connect() as connection:
            return " ".join(str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}"))

    yield ask
    made.engine.dispose()


def test_a_long_log_is_taken_in_by_parts(log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More lines than are kept in memory at once: none is lost between the parts."""
    monkeypatch.setattr("live.log._PART", 7)
    told = [state("a", ("live", "dark")[turn % 2], turn / 10) for turn in range(50)]
    (tmp_path / "toy" / EventLog.former).write_text("\n".join(lines(*told)) + "\n", encoding="utf-8")
    found = [record for record in log.records("toy") if record.kind == "state"]
    assert [(one.at, one.state) for one in found] == [(one.at, one.state) for one in told]
    assert at(0) + timedelta(hours=4.9) == found[-1].since
