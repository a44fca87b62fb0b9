"""The whole store in one file, whichever database it lies in, and back into an empty one.

A backup is a SQLite file of every row as it stood at one moment while the app runs on, checked before it takes its name: the file whole, every row
named there, the counts the same, the audit's chain unbroken. Keys are copied by neither: who has the backup can seal nothing and open no camera, and
whoever restores needs the state folder's keys as well, kept elsewhere.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from planning.accounts import TERMINAL
from planning.audit import Break, Head
from planning.engine import StoreError
from planning.errors import FileRefused
from planning.files import MEGABYTE, atomic_path, local_file
from planning.store import Reading, Store, now

_MAGIC = b"SQLite format 3\x00"
_LARGEST = 50_000 * MEGABYTE


@dataclass(frozen=True)
class Copied:
    """What was copied: rows by table, the audit's head, where the audit of it breaks (None: nowhere), and the file of heads set aside on restore."""

    rows: Mapping[str, int]
    head: Head
    broken: Break | None
    aside: Path | None


def back_up(store: Store, path: str | Path, by: str = TERMINAL.id) -> Copied:
    """Write the store into a file, which replaces what stood there whole or not at all; the audit says that it was done.

    Returns
    -------
    What was copied. Where `broken` is no None the store itself was changed by other hands: the file holds it as it is.

    Raises
    ------
    StoreError: the copy is not what the store holds, or the database failed; what stood at the path stays.
    """
    known = store.heads()  # of lines that the snapshot below must hold
    with atomic_path(path) as scratch, tempfile.TemporaryDirectory() as folder, store.read() as source:
        scratch.touch(0o600)
        copy = _beside(store, f"sqlite:///{scratch}", Path(folder))
        copy.upgrade()
        rows = _copy(source, copy)
        head, broken = copy.verify(known)
        if head != source.head():
            raise StoreError.one("backup.differs", "The copy is not what the store holds", "Try again", f"{head}, not {source.head()}")
        copy.close_file()
    with store.write(by, "store.backup", Path(path).name, {"head": str(head), "rows_copied": sum(rows.values())}):
        pass
    return Copied(rows, head, broken, None)


def restore(store: Store, path: str | Path, by: str = TERMINAL.id) -> Copied:
    """Fill an empty store from a backup, in one transaction; the audit goes on from where it stood.

    Heads written down here of lines later than the backup's are set aside in a file that is named: those lines are lost.

    Raises
    ------
    FileRefused: the file is no backup. StoreError: the store holds something, the backup is of a later version, or it does not hold under this key.
    """
    found = local_file(path, largest=_LARGEST)
    with found.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise FileRefused.one("backup.kind", "This is no backup", "Give a file that chaukas backup wrote", found)
    with tempfile.TemporaryDirectory() as folder:
        # Opened as a copy: a backup stays as it was written, and one of an older version is brought to this one's form.
        shutil.copyfile(found, Path(folder) / "store.db")
        source = _beside(store, f"sqlite:///{Path(folder) / 'store.db'}", Path(folder))
        before, _ = source.revision()
        if before is None:
            raise FileRefused.one("backup.kind", "This is no backup", "Give a file that chaukas backup wrote", found)
        source.close_file()
        source.upgrade()
        head, broken = source.verify()
        if broken is not None:
            what = "The backup does not hold under this key"
            way_out = "Bring audit.key of the state folder it was made in, or use another backup"
            raise StoreError.one("backup.broken", what, way_out, f"line {broken.seq}: {broken.what}, {broken.where}")
        with source.read() as tx:
            rows = _copy(tx, store)
        source.engine.dispose()
    aside = _heads_aside(store)
    found_head, broken = store.verify()
    if broken is not None or found_head != head:
        raise StoreError.one("backup.differs", "What was restored is not what the backup holds", "Restore again into an empty database", found_head)
    with store.write(by, "store.restore", found.name, {"head": str(head), "heads_aside": aside.name if aside else ""}):
        pass
    return Copied(rows, head, None, aside)


def _copy(source: Reading, target: Store) -> dict[str, int]:
    """Every row of one store into another that holds nothing.

    Raises
    ------
    StoreError: other counts came out than went in.
    """
    with target.filling() as tx:
        rows = {name: tx.fill(name, content) for name, content in source.tables()}
        counted = {name: sum(1 for _ in content) for name, content in tx.tables()}
        if rows != counted:
            raise StoreError.one("backup.differs", "The copy is not what the store holds", "Try again")
    return rows


def _beside(store: Store, url: str, folder: Path) -> Store:
    """Another store under the same key, without the heads written down for this one."""
    shutil.copy2(store.folder / "audit.key", folder / "audit.key")
    return Store(url, folder)


def _heads_aside(store: Store) -> Path | None:
    """Move the heads written down here aside where they are of lines the store no longer has; the file they are in now."""
    heads = store.folder / "audit.heads"
    if store.verify()[1] is None or not heads.exists():
        return None
    aside = heads.with_name(f"audit.heads.before-{now()[:19].replace(':', '')}")
    heads.replace(aside)
    return aside
