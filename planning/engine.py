"""The way to the store's database: SQLite in a file or a PostgreSQL server, with transactions that begin as the store means them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event

from planning.errors import ChaukasError

BUSY_MS = 15_000  # how long a writer waits for another
READS, WRITES = {"chaukas": "read"}, {"chaukas": "write"}  # what a connection is told it is for
_WRITERS = 0x6368617561756474  # PostgreSQL's lock that makes writers wait for one another, as SQLite's do


class StoreError(ChaukasError):
    """The store could not do what was asked; nothing of it was kept."""


@dataclass(frozen=True)
class Range:
    """Values of a column from `least` on, and below `below`; None: without an end."""

    least: str | int | float | None = None
    below: str | int | float | None = None


def open_engine(url: str) -> sa.Engine:
    """An engine whose transactions begin as FACTS of the field demand: on SQLite a writer takes its lock at once.

    Raises
    ------
    StoreError: the address is neither SQLite's nor PostgreSQL's.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise StoreError.one("store.url", "This is no database's address", "Use sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME") from None
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_MS / 1000})
        event.listen(engine, "connect", _sqlite_settings)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    if parsed.get_backend_name() == "postgresql":
        engine = sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
        event.listen(engine, "begin", _postgresql_begin)
        return engine
    way_out = "Use sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"
    raise StoreError.one("store.url", "The store is a SQLite file or a PostgreSQL server", way_out, parsed.get_backend_name())


def _sqlite_settings(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver's guess
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {setting}")


def _sqlite_begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("chaukas") == "write" else "BEGIN")


def _postgresql_begin(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("chaukas") == "write":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
