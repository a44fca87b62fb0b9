"""What earlier versions kept as files in a city's folder, taken into the store: once, whole or not at all, and the file is kept beside.

    deployments.csv  ->  rows, a line of the audit with the file's SHA-256  ->  deployments.csv.taken-into-store

A file that turns up again after its city was taken in is left where it is and told of: what the store holds counts.
"""

from __future__ import annotations

import hashlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from planning.city import find_city
from planning.store import Reading, Store, Writing, now, open_store

SUFFIX = ".taken-into-store"
_log = logging.getLogger("chaukas.store")
_left = set[tuple[Path, str]]()  # files that were told of already


class KeptInStore(ABC):
    """What is kept of a city as rows of the store, and was a file of its folder before.

    Parameters
    ----------
    store: gives the store. folder: of a city by its name. by: who writes, an actor's id.
    """

    former: ClassVar[str]  # the file's name

    def __init__(self, store: Callable[[], Store] = open_store, folder: Callable[[str], Path] = find_city, by: str = "") -> None:
        self._store, self._folder, self._by = store, folder, by

    def take_in(self, city: str) -> str:
        """Take in what an earlier version kept in the city's folder; what was done in words, "" for nothing.

        Raises
        ------
        CityError: `city.unknown`. StoreError, and what the file's reader raises: then nothing is taken in.
        """
        path = self._folder(city).absolute() / self.former
        return take_in(self._store(), path, self._fill, by=self._by) if path.exists() else ""

    def _opened(self, city: str) -> str:
        """The city's name in the store, once all of it is there. Raises as `take_in`."""
        tell(self.take_in(city))
        return self._folder(city).absolute().name

    @staticmethod
    @abstractmethod
    def _fill(tx: Writing, path: Path) -> int:
        """Put what the file holds into rows; how many entries."""


def take_in(store: Store, path: Path, fill: Callable[[Writing, Path], int], *, by: str = "") -> str:
    """Take a file in, where it is there and its city's was not taken in before.

    Parameters
    ----------
    path: the file, in its city's folder. fill: puts what the file holds into rows; how many entries. by: who does it, an actor's id.

    Returns
    -------
    What was done, in words; "" where there was nothing to do.

    Raises
    ------
    StoreError, and what `fill` raises: then nothing is taken in, and the file stays.
    """
    try:
        digest = _digest(path)
    except FileNotFoundError:
        return ""
    city, count = path.parent.name, 0
    with store.read() as tx:
        before = _mark(tx, path)
    if before is None:
        try:
            with store.write(by, "file.taken_in", city, {"file": path.name, "sha256": digest}) as tx:
                before = _mark(tx, path)
                if before is not None:
                    raise _TakenInMeanwhile
                count = fill(tx, path)
                tx.add("settings", {"id": _name(path), "value": digest, "changed_at": now()})
                tx.told["entries"] = count
            before = digest
        except _TakenInMeanwhile:
            count = 0
    return _set_aside(path, digest, count) if before == digest else _tell_left(path, digest)


def tell(told: str) -> None:
    """Say what was taken in where nobody asked for it: in the log of the program, which a terminal shows."""
    if told:
        _log.warning("%s", told)


class _TakenInMeanwhile(Exception):
    """Another process was first; nothing is written."""


def _name(path: Path) -> str:
    return f"taken/{path.name}/{path.parent.name}"[:128]


def _mark(tx: Reading, path: Path) -> str | None:
    row = tx.one("settings", id=_name(path))
    return None if row is None else str(row["value"])


def _set_aside(path: Path, digest: str, count: int) -> str:
    """Give a file that was taken in the name that says so; one that cannot be renamed stays, and is not taken in again."""
    aside = path.with_name(path.name + SUFFIX)
    if aside.exists():
        aside = aside.with_name(f"{aside.name}-{digest[:8]}")
    try:
        path.replace(aside)
    except FileNotFoundError:
        return ""
    except OSError as error:
        kept = f"the file could not be renamed ({error.strerror}) and counts no more"
        if (path, digest) in _left:
            return ""
        _left.add((path, digest))
    else:
        kept = f"the file is kept as {aside.name}"
    return f"{path.parent.name}: {count} entries of {path.name} taken into the store; {kept}"


def _tell_left(path: Path, digest: str) -> str:
    if (path, digest) in _left:
        return ""
    _left.add((path, digest))
    return f"{path.parent.name}: {path.name} was left as it is: one was taken into the store before, and what the store holds counts"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
