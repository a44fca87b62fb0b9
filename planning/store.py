"""What is decided and by whom, kept so that nothing acknowledged is lost: SQLite in the state folder, or PostgreSQL by its address.

The one door to SQLAlchemy, with `schema`. Rows come and go as plain dicts; whoever changes any does so in one transaction with one line of the audit:

    with store.write(actor.id, "vote.cast", proposal_id) as tx:
        tx.add("votes", {...})
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError, IntegrityError

from planning.audit import Break, Head, check_chain, check_rows, next_line, row_digest
from planning.engine import READS, WRITES, Range, StoreError, open_engine
from planning.errors import InputError
from planning.keys import read_key, state_folder
from planning.schema import is_sealed, metadata

_MIGRATIONS = Path(__file__).parent / "migrations"

Row = dict[str, Any]


def now() -> str:
    """The moment in UTC as the store writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_id() -> str:
    """An id nobody has yet."""
    return secrets.token_hex(8)


def database_url() -> str:
    """`CHAUKAS_DATABASE_URL`, else the SQLite file of the state folder."""
    return os.environ.get("CHAUKAS_DATABASE_URL") or f"sqlite:///{state_folder() / 'chaukas.db'}"


class Store:
    """One database with its key and its file of heads.

    Parameters
    ----------
    url: sqlite:///PATH or postgresql+psycopg://…
    folder: where the key and the heads lie; not in the database, so that who can write there cannot seal.
    """

    def __init__(self, url: str | None = None, folder: Path | None = None) -> None:
        self.url = url or database_url()
        self.folder = folder or state_folder()
        self.key = read_key(self.folder / "audit.key")
        self._heads = self.folder / "audit.heads"
        self.engine = open_engine(self.url)

    @property
    def name(self) -> str:
        """The address without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the tables to this version's form; the revisions before and after."""
        before, newest = self.revision()
        if before != newest:
            with self._told(), self.engine.connect().execution_options(**WRITES) as connection, connection.begin():
                config = Config()
                config.set_main_option("script_location", str(_MIGRATIONS))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        return before, newest

    def revision(self) -> tuple[str | None, str]:
        """The revision of the tables (None: none yet), and this version's.

        Raises
        ------
        StoreError: the database was written by a later version.
        """
        scripts = ScriptDirectory(str(_MIGRATIONS))
        newest = scripts.get_current_head() or ""
        with self._told(), self.engine.connect().execution_options(**READS) as connection, connection.begin():
            found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
            raise StoreError.one("store.newer", "The database was written by a later version", "Run the version that wrote it, or a later one", found)
        return found, newest

    def ready(self) -> Store:
        """The store itself, once its tables are of this version.

        Raises
        ------
        StoreError: they are older and hold something; a backup should come before the upgrade.
        """
        before, newest = self.revision()
        if before is None:
            self.upgrade()
        elif before != newest:
            raise StoreError.one("store.older", "The database is of an older version", "Make a backup, then run: chaukas db upgrade", before)
        return self

    @contextlib.contextmanager
    def read(self) -> Iterator[Reading]:
        """One look at all tables, as they stood at one moment."""
        with self._told(), self.engine.connect().execution_options(**READS) as connection, connection.begin():
            yield Reading(connection)

    @contextlib.contextmanager
    def write(self, by: str, action: str, subject: str, details: Mapping[str, Any] | None = None) -> Iterator[Writing]:
        """One change: all of it is kept, with its line of the audit, or nothing.

        Parameters
        ----------
        by: who does it: an actor's id, "" for the public. action, subject: what, and to what. details: what the audit should say beside.

        Raises
        ------
        StoreError: the database is busy, full or away. InputError: a row is there already, or what it names is not.
        """
        with self._told(), self.engine.connect().execution_options(**WRITES) as connection:
            with connection.begin():
                tx = Writing(connection)
                yield tx
                head = tx.head()
                line = next_line(
                    self.key, head, at=now(), by=by, action=action, subject=subject, details={**(details or {}), **tx.told, "rows": tx.digests}
                )  # fmt: skip
                connection.execute(sa.insert(metadata.tables["audit"]).values(**line))
            # The change stands by now: a head that cannot be written down must not make it look refused.
            with contextlib.suppress(OSError):
                self._note(Head(line["seq"], line["mac"]))

    @contextlib.contextmanager
    def ticking(self) -> Iterator[Writing]:
        """A change of tables that no audit seals: what machines write at every tick. A change of any other is none of it.

        Raises
        ------
        StoreError: the database is busy, full or away.
        """
        with self._told(), self.engine.connect().execution_options(**WRITES) as connection, connection.begin():
            tx = Writing(connection)
            yield tx
            if tx.digests:
                raise ValueError(f"without a line of the audit nothing of these is changed: {', '.join(tx.digests)}")

    @contextlib.contextmanager
    def filling(self) -> Iterator[Writing]:
        """Rows put as they stand into a store that holds nothing: they bring their audit with them, so no line is added.

        Raises
        ------
        StoreError: the store holds something.
        """
        with self._told(), self.engine.connect().execution_options(**WRITES) as connection, connection.begin():
            tx = Writing(connection)
            held = sorted(name for name in metadata.tables if tx.one(name) is not None)
            if held:
                raise StoreError.one("store.filled", "The database holds something already", "Restore into an empty one", ", ".join(held))
            yield tx

    def close_file(self) -> None:
        """Check a SQLite store's file whole, and close it as a single file.

        Raises
        ------
        StoreError: a page is damaged, or a row names one that is not there.
        """
        self.engine.dispose()
        with self._told(), contextlib.closing(sqlite3.connect(self.engine.url.database or "")) as connection:
            said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            lost = [str(row[0]) for row in connection.execute("PRAGMA foreign_key_check")]
            connection.execute("PRAGMA journal_mode=DELETE")
        if said != ["ok"] or lost:
            raise StoreError.one("store.damaged", "The database's file is damaged", "Use an older backup", "; ".join(said + lost))

    def verify(self, heads: tuple[Head, ...] = ()) -> tuple[Head, Break | None]:
        """The audit's head, and the first thing that does not hold: a line of the chain, else a row of another table."""
        with self.read() as tx:
            head, digests, broken = check_chain(self.key, tx.lines(), (*self.heads(), *heads))
            if broken is None:
                broken = next(check_rows(tx.row_digests(), digests), None)
        return head, broken

    def heads(self) -> tuple[Head, ...]:
        """Every head written down beside the key; a line torn by a crash is passed over."""
        found = []
        if self._heads.exists():
            for text in self._heads.read_text("ascii", errors="replace").splitlines():
                with contextlib.suppress(ValueError):
                    found.append(Head.read(text))
        return tuple(found)

    def _note(self, head: Head) -> None:
        """Write a head down after its commit: one short append, so that writers do not tear one another's."""
        descriptor = os.open(self._heads, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"\n{head.seq}:{head.mac}\n".encode())
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise InputError.one("store.conflict", "This is there already, or names what is not there", "Reload and look", _said(error)) from None
        except (DBAPIError, sqlite3.Error) as error:
            said = _said(error)
            if "full" in said or "No space" in said:
                raise StoreError.one("store.full", "The disk is full; nothing was kept", "Make room, then try again", said) from None
            if "locked" in said or "busy" in said:
                raise StoreError.one("store.busy", "Others are writing; nothing was kept", "Try again", said) from None
            raise StoreError.one("store.failed", f"The database refused: {said}", "Check the database, then try again", self.name) from None


_opened: dict[tuple[str, Path], Store] = {}
_opening = threading.Lock()


def open_store() -> Store:
    """The process's one store at the address and in the folder of this installation, made ready once; errors as `Store.ready`."""
    place = (database_url(), state_folder())
    with _opening:
        if place not in _opened:
            _opened[place] = Store(*place).ready()
        return _opened[place]


def audit_head() -> str:
    """The head of this installation's audit as it is printed; empty where nothing was done yet."""
    with open_store().read() as tx:
        head = tx.head()
    return str(head) if head.seq else ""


class Reading:
    """Rows as they stood when the look began."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def rows(self, table: str, *, order: str = "id", most: int | None = None, **where: object) -> list[Row]:
        """Rows whose columns equal what is given, are among it where a tuple is given, or lie in it where a `Range` is; in the order of a column.

        Parameters
        ----------
        order: the column, with a minus before it for the largest first. most: how many of them; all where None.
        """
        there = metadata.tables[table]
        by = there.c[order.removeprefix("-")]
        asked = sa.select(there).where(*_conditions(there, where)).order_by(by.desc() if order.startswith("-") else by).limit(most)
        return [dict(row) for row in self._connection.execute(asked).mappings()]

    def values(self, table: str, column: str, **where: object) -> set[Any]:
        """What a column holds in such rows, each once."""
        there = metadata.tables[table]
        return set(self._connection.execute(sa.select(there.c[column]).where(*_conditions(there, where)).distinct()).scalars())

    def one(self, table: str, **where: object) -> Row | None:
        """The first such row; None where there is none."""
        there = metadata.tables[table]
        found = self._connection.execute(sa.select(there).where(*_conditions(there, where)).limit(1)).mappings().first()
        return dict(found) if found is not None else None

    def get(self, table: str, row_id: str) -> Row:
        """The row of an id.

        Raises
        ------
        InputError: there is none.
        """
        found = self.one(table, id=row_id)
        if found is None:
            raise InputError.one("store.unknown", f"There is no such entry in {table}", "Reload the page, or choose one of the list", row_id)
        return found

    def head(self) -> Head:
        """The audit's last line."""
        audit = metadata.tables["audit"]
        found = self._connection.execute(sa.select(audit.c.seq, audit.c.mac).order_by(audit.c.seq.desc()).limit(1)).first()
        return Head(0, "") if found is None else Head(found.seq, found.mac)

    def lines(self, **where: object) -> Iterator[Row]:
        """Lines of the audit in their order."""
        audit = metadata.tables["audit"]
        found = self._connection.execute(sa.select(audit).where(*_conditions(audit, where)).order_by(audit.c.seq))
        return (dict(row) for row in found.mappings())

    def tables(self) -> Iterator[tuple[str, Iterator[Row]]]:
        """Every table with its rows as they stand, those that others name first; the audit in its order."""
        for table in metadata.sorted_tables:
            found = self._connection.execute(sa.select(table).order_by(*table.primary_key).execution_options(yield_per=1000))
            yield table.name, (dict(row) for row in found.mappings())

    def row_digests(self) -> Iterator[tuple[str, str]]:
        """Every row that the audit seals, as `table/id` with its digest."""
        for table in metadata.sorted_tables:
            if table.name != "audit" and is_sealed(table):
                for row in self._connection.execute(sa.select(table)).mappings():
                    yield f"{table.name}/{row['id']}", row_digest(table.name, dict(row))


class Writing(Reading):
    """Rows, and changes that stand once the transaction ends well. `told`: what the audit's line should say beside."""

    def __init__(self, connection: sa.Connection) -> None:
        super().__init__(connection)
        self.digests: dict[str, str | None] = {}
        self.told: dict[str, Any] = {}

    def add(self, table: str, row: Mapping[str, Any]) -> str:
        """Add a row; its id, made where none is given."""
        values = {"id": new_id(), **row}
        self._connection.execute(sa.insert(metadata.tables[table]).values(**values))
        return self._sealed(table, str(values["id"]))

    def add_all(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows that name the same columns, many at a time."""
        left = iter(rows)
        while part := [{"id": new_id(), **row} for row in itertools.islice(left, 500)]:
            self._connection.execute(sa.insert(metadata.tables[table]), part)
            if is_sealed(metadata.tables[table]):
                found = self.rows(table, id=tuple(row["id"] for row in part))
                self.digests |= {f"{table}/{row['id']}": row_digest(table, row) for row in found}

    def change(self, table: str, row_id: str, **values: object) -> str:
        """Change columns of a row; its id.

        Raises
        ------
        InputError: there is no such row.
        """
        there = metadata.tables[table]
        self.get(table, row_id)
        self._connection.execute(sa.update(there).where(there.c.id == row_id).values(**values))
        return self._sealed(table, row_id)

    def drop(self, table: str, row_id: str) -> None:
        """Take a row away; what it was stays in the audit as a digest.

        Raises
        ------
        InputError: there is no such row.
        """
        there = metadata.tables[table]
        self.get(table, row_id)
        self._connection.execute(sa.delete(there).where(there.c.id == row_id))
        if is_sealed(there):
            self.digests[f"{table}/{row_id}"] = None

    def fill(self, table: str, rows: Iterator[Row]) -> int:
        """Put rows in as they stand; how many."""
        count = 0
        while part := list(itertools.islice(rows, 1000)):
            self._connection.execute(sa.insert(metadata.tables[table]), part)
            count += len(part)
        return count

    def _sealed(self, table: str, row_id: str) -> str:
        # Read back, so that the digest is of what the database holds and not of what it was given.
        if is_sealed(metadata.tables[table]):
            self.digests[f"{table}/{row_id}"] = row_digest(table, self.get(table, row_id))
        return row_id


def _conditions(table: sa.Table, where: Mapping[str, object]) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    for name, value in where.items():
        column = table.c[name]
        if not isinstance(value, Range):
            found.append(column.in_(value) if isinstance(value, tuple) else column == value)
            continue
        if value.least is not None:
            found.append(column >= value.least)
        if value.below is not None:
            found.append(column < value.below)
    return found


def _said(error: BaseException) -> str:
    """What the driver says, without the statement and its values, which may be a person's."""
    return str(getattr(error, "orig", None) or error).splitlines()[0][:200]
