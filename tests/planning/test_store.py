"""The store keeps what it acknowledged, whole, with a line of the audit for each change: on SQLite and on a real PostgreSQL server alike."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from planning.audit import Break, Head
from planning.city import ROOT
from planning.engine import Range, StoreError
from planning.errors import InputError
from planning.schema import metadata
from planning.store import Store, new_id, now
from tests.databases import by_force, fresh_database, without_triggers


def person(name: str, **more: Any) -> dict[str, Any]:
    """An account's row."""
    return {"name": name, "title": name.title(), "roles": ["member"], "created_at": now(), **more}


def with_people(store: Store, *names: str) -> list[str]:
    """Accounts made one after another; their ids."""
    ids = []
    for name in names:
        with store.write("admin", "account.made", name) as tx:
            ids.append(tx.add("accounts", person(name)))
    return ids


def test_what_was_written_is_read_back_with_the_defaults_filled_in(store: Store) -> None:
    """A row comes back as it went in, whatever database holds it."""
    (account,) = with_people(store, "asha")
    with store.read() as tx:
        row = tx.get("accounts", account)
    assert row["name"] == "asha"
    assert row["roles"] == ["member"]
    assert (row["active"], row["failed"], row["password"], row["cameras"], row["locked_until"]) == (True, 0, "", None, None)


def test_a_change_that_fails_leaves_nothing_of_itself(store: Store) -> None:
    """Neither rows nor a line of the audit, though a part of it had gone well."""
    with pytest.raises(ZeroDivisionError), store.write("admin", "account.made", "asha") as tx:
        tx.add("accounts", person("asha"))
        raise ZeroDivisionError
    with store.read() as tx:
        assert tx.rows("accounts") == []
        assert tx.head() == Head(0, "")


def test_rows_are_found_by_what_is_equal_or_among_and_come_in_order(store: Store) -> None:
    """Conditions join; a tuple stands for any of its values."""
    with_people(store, "meera", "asha", "ravi")
    with store.read() as tx:
        assert [row["name"] for row in tx.rows("accounts", order="name")] == ["asha", "meera", "ravi"]
        assert [row["name"] for row in tx.rows("accounts", order="name", name=("ravi", "asha"))] == ["asha", "ravi"]
        assert tx.rows("accounts", name=("ravi", "asha"), active=False) == []
        assert tx.one("accounts", name="nobody") is None


def test_what_is_not_there_is_told_by_its_id(store: Store) -> None:
    """Reading, changing and dropping a row that nobody wrote are refused, and the change around them is not kept."""
    with store.read() as tx, pytest.raises(InputError) as refused:
        tx.get("plans", "nothing")
    assert (refused.value.code, refused.value.faults[0].value) == ("store.unknown", "nothing")
    for act in (lambda tx: tx.change("accounts", "nothing", title="x"), lambda tx: tx.drop("accounts", "nothing")):
        with pytest.raises(InputError), store.write("admin", "account.changed", "nothing") as tx:
            act(tx)
    assert store.verify() == (Head(0, ""), None)


def test_a_name_taken_twice_or_a_row_of_nothing_is_refused(store: Store) -> None:
    """The database itself holds to unique names and to rows that others name."""
    with_people(store, "asha")
    with pytest.raises(InputError) as twice:
        with_people(store, "asha")
    with pytest.raises(InputError) as dangling, store.write("admin", "session.made", "x") as tx:
        tx.add("sessions", {"account": "nobody", "csrf": "", "created_at": now(), "expires_at": now()})
    assert {twice.value.code, dangling.value.code} == {"store.conflict"}
    assert "asha" not in str(twice.value)
    with store.read() as tx:
        assert len(tx.rows("accounts")) == 1


def test_a_look_sees_one_moment(store: Store) -> None:
    """What is written while a look goes on is not seen by it."""
    with_people(store, "asha")
    with store.read() as tx:
        first = tx.rows("accounts")
        with_people(store, "ravi")
        assert tx.rows("accounts") == first
    with store.read() as tx:
        assert len(tx.rows("accounts")) == 2


def test_writers_at_once_all_get_through_and_the_chain_stays_whole(store: Store) -> None:
    """Four writers of ten changes each: forty rows, forty lines, each following the one before."""
    faults: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with_people(store, *(f"{name}{k}" for k in range(10)))
        except BaseException as error:  # noqa: BLE001  # told by the assertion below
            faults.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    head, broken = store.verify()
    assert (head.seq, broken) == (40, None)
    assert {found.seq for found in store.heads()} == set(range(1, 41))


def test_a_counter_raised_by_many_loses_no_step(store: Store) -> None:
    """A writer reads what the one before it wrote: nobody works on an old value."""
    (account,) = with_people(store, "asha")

    def raise_it() -> None:
        for _ in range(10):
            with store.write("", "sign_in.failed", account) as tx:
                tx.change("accounts", account, failed=tx.get("accounts", account)["failed"] + 1)

    threads = [threading.Thread(target=raise_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as tx:
        assert tx.get("accounts", account)["failed"] == 30


@pytest.mark.parametrize("statement", ["UPDATE audit SET by = 'nobody' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2", "DELETE FROM audit"])
def test_the_database_itself_refuses_changes_of_the_audit(store: Store, statement: str) -> None:
    """Triggers stand in the way of a slip of the hand."""
    with_people(store, "asha", "ravi", "meera")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        by_force(store, statement)
    assert store.verify()[1] is None


@pytest.mark.parametrize(
    ("statements", "seq", "what"),
    [
        (["UPDATE audit SET by = 'nobody' WHERE seq = 2"], 2, "changed"),
        (["DELETE FROM audit WHERE seq = 2"], 2, "dropped"),
        (["DELETE FROM audit WHERE seq >= 3"], 3, "cut"),
        (["UPDATE audit SET mac = previous, previous = mac WHERE seq = 3"], 3, "changed"),
        (["DELETE FROM audit"], 1, "cut"),
    ],
)
def test_who_takes_the_triggers_away_is_found_at_the_first_line(store: Store, statements: list[str], seq: int, what: str) -> None:
    """Changed, dropped and cut-off lines are named."""
    with_people(store, "asha", "ravi", "meera", "imran")
    without_triggers(store)
    by_force(store, *statements)
    broken = store.verify()[1]
    assert broken is not None
    assert (broken.seq, broken.what) == (seq, what)


def test_a_chain_written_anew_with_the_key_is_found_by_a_head_kept_elsewhere(store: Store, tmp_path: Path) -> None:
    """Who has the database, the key and the file of heads still has not the head that was printed."""
    with_people(store, "asha", "ravi")
    printed = Head.read(str(store.verify()[0]))
    without_triggers(store)
    by_force(store, "DELETE FROM audit", "DELETE FROM accounts")
    (tmp_path / "audit.heads").unlink()
    with_people(store, "asha", "mallory", "imran")
    assert store.verify()[1] is None
    broken = store.verify((printed,))[1]
    assert broken is not None
    assert (broken.seq, broken.what) == (2, "rewritten")
    assert f"its seal was {printed.mac} when" in broken.where


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE accounts SET title = 'King' WHERE name = 'ravi'", "row_changed"),
        ("DELETE FROM accounts WHERE name = 'ravi'", "row_dropped"),
    ],
)
def test_a_row_changed_or_dropped_past_the_store_is_named(store: Store, statement: str, what: str) -> None:
    """The chain holds the last digest of every row."""
    ids = with_people(store, "asha", "ravi")
    by_force(store, statement)
    assert store.verify()[1] == Break(0, what, f"accounts/{ids[1]}")


def test_a_row_put_in_past_the_store_is_named(store: Store) -> None:
    """A member nobody admitted."""
    with_people(store, "asha")
    by_force(store, f"INSERT INTO committees (id, quorum, majority, created_at) VALUES ('toy', 0.1, 0.1, '{now()}')")
    assert store.verify()[1] == Break(0, "row_added", "committees/toy")


def test_a_row_that_was_dropped_or_changed_by_the_store_leaves_the_chain_whole(store: Store) -> None:
    """The last digest counts, and a dropped row needs none."""
    ids = with_people(store, "asha", "ravi")
    with store.write("admin", "account.changed", ids[0], {"why": "name"}) as tx:
        tx.change("accounts", ids[0], title="Asha B.")
        tx.drop("accounts", ids[1])
        tx.told["dropped"] = 1
    assert store.verify()[1] is None
    with store.read() as tx:
        (line,) = tx.lines(action="account.changed")
    assert '"why":"name"' in line["details"]
    assert '"dropped":1' in line["details"]


def test_a_torn_head_is_passed_over(store: Store, tmp_path: Path) -> None:
    """A crash in the midst of writing a head down spoils that head only."""
    with_people(store, "asha")
    with (tmp_path / "audit.heads").open("a") as stream:
        stream.write("\n7:ab")
    with_people(store, "ravi")
    assert [head.seq for head in store.heads()] == [1, 2]
    assert store.verify()[1] is None


def test_tables_of_a_later_version_are_left_alone(store: Store) -> None:
    """Whoever runs an old version on a new database is told so, before anything is written."""
    by_force(store, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError) as refused:
        store.ready()
    assert refused.value.code == "store.newer"


def test_an_upgrade_of_what_is_new_does_nothing(store: Store) -> None:
    """Two who start at once may both ask."""
    before, newest = store.upgrade()
    assert before == newest
    with store.read() as tx:
        assert all(tx.rows(table.name, order=next(iter(table.primary_key)).name) == [] for table in metadata.sorted_tables)


def test_the_tables_are_those_of_the_schema(store: Store) -> None:
    """What the steps of the versions make is what the schema says, column by column."""
    inspected = sa.inspect(store.engine)
    assert set(inspected.get_table_names()) - {"alembic_version"} == set(metadata.tables)
    for name, table in metadata.tables.items():
        found = {column["name"]: column["nullable"] for column in inspected.get_columns(name)}
        assert found == {column.name: column.nullable for column in table.columns}, name
        assert {index["name"] for index in inspected.get_indexes(name)} >= {index.name for index in table.indexes}


def test_sqlite_waits_for_the_disk_and_takes_its_lock_at_once(tmp_path: Path) -> None:
    """The settings that lost nothing in power cuts are those of every connection."""
    store = Store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path).ready()
    with store.engine.connect() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert found == ["wal", 2, 1]
    with store.write("a", "b", "c") as tx:
        tx.rows("accounts")
        other = sqlite3.connect(tmp_path / "x.db", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    store.engine.dispose()


def test_a_writer_who_waits_too_long_is_told_that_nothing_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another holds the database: the change is refused and may be tried again."""
    monkeypatch.setattr("planning.engine.BUSY_MS", 50)
    store = Store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path).ready()
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as refused:
        with_people(store, "asha")
    other.execute("ROLLBACK")
    other.close()
    assert refused.value.code == "store.busy"
    with_people(store, "asha")
    store.engine.dispose()


@pytest.mark.parametrize("url", ["mysql://a:secret@b/c", "nonsense:secret", "sqlite://"])  # pragma: allowlist secret
def test_an_address_of_another_database_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    """SQLite files and PostgreSQL servers are served; nothing is told of what stood in the address."""
    with pytest.raises(StoreError) as refused:
        Store(url, tmp_path)
    assert refused.value.code == "store.url"
    assert "secret" not in str(refused.value)


def test_the_name_of_a_store_holds_no_password(tmp_path: Path) -> None:
    """What is printed of an address is safe to print."""
    made = Store("postgresql://asha:s3cret@127.0.0.1:1/x", tmp_path)
    assert "s3cret" not in made.name
    with pytest.raises(StoreError) as refused:
        made.ready()
    assert refused.value.code == "store.failed"
    assert "s3cret" not in str(refused.value)


def test_ids_are_never_twice() -> None:
    """A thousand of them are a thousand."""
    assert len({new_id() for _ in range(1000)}) == 1000


NEW = {"0002": {"deployments", "footage", "events", "beats", "looks"}}
NEW["0001"] = NEW["0002"] | {"settings", "identities"}


@pytest.mark.parametrize("version", sorted(NEW))
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_store_of_an_older_version_is_brought_here_with_what_it_holds(
    tmp_path: Path, request: pytest.FixtureRequest, version: str, kind: str
) -> None:
    """Tables of then with rows in them are refused until upgraded; then every row is as it was, the chain is whole, and new tables are there."""
    url = f"sqlite:///{tmp_path / 'old.db'}" if kind == "sqlite" else fresh_database(request.getfixturevalue("server"))
    old = Store(url, tmp_path / "state")
    config = Config()
    config.set_main_option("script_location", str(ROOT / "planning" / "migrations"))
    with old.engine.connect().execution_options(chaukas="write") as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    ravi, _ = with_people(old, "ravi", "meera")
    with old.write("a", "suggestion.make", "toy") as tx:
        tx.add("suggestions", {"id": "s", "city": "toy", "lat": 22.1, "lon": 82.1, "body": "Dark", "by": "", "created_at": now()})
        tx.add("sealed", {"id": "cam-1", "token": "gAAAA", "changed_at": now()})
        if version >= "0002":
            tx.add("settings", {"id": "suggestions/toy", "value": "open", "changed_at": now()})
            tx.add("identities", {"account": ravi, "issuer": "https://id.example", "kind": "subject", "value": "r1", "created_at": now()})
    names = [table.name for table in metadata.sorted_tables if table.name not in NEW[version] | {"audit"}]
    with old.read() as tx:
        before = {name: tx.rows(name) for name in names}
        lines, head = list(tx.lines()), tx.head()
    with pytest.raises(StoreError) as refused:
        old.ready()
    assert refused.value.code == "store.older"
    assert old.upgrade() == (version, "0003")
    with old.ready().read() as tx:
        assert {name: tx.rows(name) for name in names} == before
        assert list(tx.lines()) == lines
        assert [tx.rows(name) for name in sorted(NEW[version])] == [[]] * len(NEW[version])
    assert old.verify() == (head, None)
    with old.write("a", "test.row", "toy") as tx:
        tx.add("settings", {"id": "x", "value": "y", "changed_at": now()})
    assert old.verify()[1] is None
    old.engine.dispose()


def test_what_no_audit_seals_is_written_without_a_line_and_nothing_else_is(store: Store) -> None:
    """A tick changes its own table alone; a change of another by that way is not kept."""
    with store.ticking() as tx:
        tx.add("beats", {"id": "toy", "since": now(), "until": now()})
    with store.ticking() as tx:
        tx.change("beats", "toy", until=now())
    with pytest.raises(ValueError, match="accounts/"), store.ticking() as tx:
        tx.add("accounts", person("mallory"))
    with store.read() as tx:
        assert (len(tx.rows("beats")), tx.rows("accounts"), tx.head().seq) == (1, [], 0)
    with store.write("", "test.drop", "toy") as tx:
        tx.drop("beats", "toy")
    assert (store.verify()[0].seq, store.verify()[1]) == (1, None)


def test_rows_are_found_in_a_range_the_first_or_the_last_of_them(store: Store) -> None:
    """From its least on, below its end; the largest first where a minus stands before the column; what a column holds, each once."""
    with_people(store, *"abcde")
    with store.read() as tx:
        assert [row["name"] for row in tx.rows("accounts", order="name", name=Range("b", "d"))] == ["b", "c"]
        assert [row["name"] for row in tx.rows("accounts", order="-name", most=2, name=Range(below="d"))] == ["c", "b"]
        assert len(tx.rows("accounts", name=Range())) == 5
        assert tx.values("accounts", "title", name=Range("d")) == {"D", "E"}
        assert tx.values("accounts", "active") == {True}
