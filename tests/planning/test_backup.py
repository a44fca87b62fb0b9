"""Backups: from either database, into either."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from planning.accounts import TERMINAL, add_account, make_link, turn_off
from planning.backup import back_up, restore
from planning.engine import StoreError
from planning.errors import ChaukasError, FileRefused
from planning.register import Register
from planning.store import Store, now
from tests.databases import by_force, fresh_database
from tests.planning.test_register import BARE, FULL


@pytest.fixture(name="filled")
def store_with_rows(store: Store) -> Store:
    """A store with rows of many types in tables that name one another."""
    account = add_account(store, TERMINAL, "meera", title="मीरा साहू", roles=["planner"], cameras=["J1-1"])
    make_link(store, TERMINAL, account)
    turn_off(store, TERMINAL, add_account(store, TERMINAL, "gone"))
    with store.write(account, "test.plan", "p") as tx:
        scenario = tx.add("scenarios", {"city": "toy", "content": {"budget_inr": 10**10, "share": 0.1}, "by": account, "created_at": now()})
        tx.add("plans", {
            "id": "p", "city": "toy", "scenario": scenario, "city_digest": "d", "file": "p.gpkg", "digest": "e", "verified": True,
            "capital_inr": 10**12, "coverage": 1 / 3, "by": account, "created_at": now(),
        })  # fmt: skip
        tx.add("footage", {"city": "toy", "number": 1, "kind": "asked", "request": "r", "line": '{"reason": "चोरी"}', "created_at": now()})
        told = dict.fromkeys(("camera", "state", "measure", "event", "by", "note"), "")
        tx.add("events", {**told, "city": "toy", "number": 1, "kind": "state", "at": now(), "camera": "k-1", "state": "dark", "since": now()})
        tx.add("looks", {"id": "k-1", "city": "toy", "digest": "0" * 64, "changed_at": now()})
    with store.ticking() as tx:
        tx.add("beats", {"id": "toy", "since": now(), "until": now()})
    Register(lambda: store, lambda _: store.folder / "toy").put(FULL, BARE)
    return store


@pytest.fixture(name="empty", params=["sqlite", "postgresql"])
def another_store(request: pytest.FixtureRequest, tmp_path: Path, store: Store) -> Iterator[Store]:
    """An empty store on either database, on another machine to which the key was brought."""
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy2(store.folder / "audit.key", folder / "audit.key")
    sqlite = request.param == "sqlite"
    made = Store(f"sqlite:///{folder / 'chaukas.db'}" if sqlite else fresh_database(request.getfixturevalue("server")), folder).ready()
    yield made
    made.engine.dispose()


def content(store: Store) -> dict[str, list[object]]:
    """Every row of every table, the audit's too."""
    with store.read() as tx:
        return {name: list(rows) for name, rows in tx.tables()}


def test_what_is_restored_is_what_was_backed_up(filled: Store, empty: Store, tmp_path: Path) -> None:
    """Every row comes back as it was, on whichever database; the audit goes on, says both, and is whole in both places."""
    before = content(filled)
    assert all(before[name] for name in ("deployments", "footage", "events", "beats", "looks"))
    made = back_up(filled, tmp_path / "b.db")
    assert made.broken is None
    done = restore(empty, tmp_path / "b.db")
    assert (done.head, done.rows, done.aside) == (made.head, made.rows, None)
    after = content(empty)
    assert [line["action"] for line in after["audit"][len(before["audit"]) :]] == ["store.restore"]
    assert {**after, "audit": after["audit"][:-1]} == before
    assert empty.verify((made.head,))[1] is None
    assert [line["action"] for line in content(filled)["audit"]][-1] == "store.backup"
    assert filled.verify()[1] is None


def test_a_backup_is_one_file_that_others_cannot_read_and_holds_no_key(filled: Store, tmp_path: Path) -> None:
    """Nothing else is left in its folder; SQLite itself finds it sound; the key's digits are not in it."""
    folder = tmp_path / "out"
    back_up(filled, folder / "b.db")
    assert [path.name for path in folder.iterdir()] == ["b.db"]
    assert stat.S_IMODE((folder / "b.db").stat().st_mode) == 0o600
    key = (filled.folder / "audit.key").read_bytes()
    assert key not in (folder / "b.db").read_bytes()
    assert bytes.fromhex(key.decode()) not in (folder / "b.db").read_bytes()
    with sqlite3.connect(folder / "b.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (2,)
    connection.close()


def test_a_backup_is_of_one_moment_while_others_write(filled: Store, tmp_path: Path) -> None:
    """What is written meanwhile is not in it, in whole or in part, and is no fault of the copy."""
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with filled.write("test", "test.pair", "pair") as tx:
                for _ in range(2):
                    tx.add("scenarios", {"city": "pair", "content": {}, "by": "t", "created_at": now()})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            made = back_up(filled, tmp_path / f"{number}.db")
            assert made.broken is None
            with sqlite3.connect(tmp_path / f"{number}.db") as connection:
                (pairs,) = connection.execute("SELECT count(*) FROM scenarios WHERE city = 'pair'").fetchone()
            connection.close()
            assert pairs % 2 == 0
    finally:
        stop.set()
        writer.join(60)


def test_a_store_others_changed_is_backed_up_as_it_is_and_said_to_be(filled: Store, tmp_path: Path) -> None:
    """The evidence is kept, and a restore of it is refused with the row that does not hold; the empty store stays empty."""
    empty = Store(f"sqlite:///{tmp_path / 'empty.db'}", filled.folder).ready()
    by_force(filled, "UPDATE plans SET coverage = 0.9")
    made = back_up(filled, tmp_path / "b.db")
    assert made.broken is not None
    assert (made.broken.what, made.broken.where) == ("row_changed", "plans/p")
    with pytest.raises(StoreError) as refused:
        restore(empty, tmp_path / "b.db")
    assert refused.value.code == "backup.broken"
    assert "plans/p" in str(refused.value)
    assert not any(content(empty).values())
    empty.engine.dispose()


def test_only_an_empty_store_is_filled(filled: Store, tmp_path: Path) -> None:
    """What is there is never written over."""
    back_up(filled, tmp_path / "b.db")
    before = content(filled)
    with pytest.raises(StoreError) as refused:
        restore(filled, tmp_path / "b.db")
    assert refused.value.code == "store.filled"
    assert "accounts" in str(refused.value)
    assert content(filled) == before


def test_a_restore_without_the_key_is_refused(filled: Store, tmp_path: Path) -> None:
    """Under another key no line holds: the message names the key that must be brought."""
    back_up(filled, tmp_path / "b.db")
    (tmp_path / "new").mkdir()
    stranger = Store(f"sqlite:///{tmp_path / 'new' / 'c.db'}", tmp_path / "new").ready()
    with pytest.raises(StoreError, match=r"Bring audit\.key") as refused:
        restore(stranger, tmp_path / "b.db")
    assert refused.value.code == "backup.broken"
    assert not any(content(stranger).values())
    stranger.engine.dispose()


def test_lines_lost_since_the_backup_are_told(filled: Store, tmp_path: Path) -> None:
    """Restored beside heads of later lines, the store says where they are kept and holds from then on."""
    made = back_up(filled, tmp_path / "b.db")
    add_account(filled, TERMINAL, "later")
    again = Store(f"sqlite:///{tmp_path / 'again.db'}", filled.folder).ready()
    done = restore(again, tmp_path / "b.db")
    assert done.aside is not None
    assert str(made.head.seq + 2) in done.aside.read_text()
    assert again.verify()[1] is None
    again.engine.dispose()


@pytest.mark.parametrize(
    ("content", "code"), [(b"not a database", "backup.kind"), (b"SQLite format 3\x00" + b"\x00" * 4000, "store.failed"), (b"", "file.empty")]
)
def test_what_is_no_backup_is_refused(store: Store, tmp_path: Path, content: bytes, code: str) -> None:
    """A text, a torn file and an empty one are told apart, and nothing is written."""
    (tmp_path / "b.db").write_bytes(content)
    with pytest.raises(ChaukasError) as refused:
        restore(store, tmp_path / "b.db")
    assert refused.value.code == code


def test_another_program_s_database_is_refused(store: Store, tmp_path: Path) -> None:
    """A sound SQLite file without our tables is no backup."""
    with sqlite3.connect(tmp_path / "b.db") as connection:
        connection.execute("CREATE TABLE accounts (id TEXT)")
    connection.close()
    with pytest.raises(FileRefused) as refused:
        restore(store, tmp_path / "b.db")
    assert refused.value.code == "backup.kind"


def test_a_backup_that_fails_leaves_the_old_one(filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On any error what stood at the path stands there still, and no litter beside it."""
    target = tmp_path / "out" / "b.db"
    back_up(filled, target)
    before = target.read_bytes()
    monkeypatch.setattr(Store, "close_file", lambda _: (_ for _ in ()).throw(StoreError.one("store.full", "full", "room")))
    with pytest.raises(StoreError):
        back_up(filled, target)
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == ["b.db"]
