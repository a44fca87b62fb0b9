"""Files of data/ that people edit: TOML read whole or not at all, every fault named together in one error.

An unknown key, a missing one and a value out of its bounds are faults alike, so that no slip of the hand is read as a wish.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from planning.errors import Fault, InputError
from planning.files import local_file

DATA = Path(__file__).resolve().parent.parent / "data"
VERSION = 1
_LARGEST = 1_000_000  # bytes; such a file is written by hand


class Table:
    """One table of a file: takes values out by key, notes each fault, and at `close` whatever was not asked for."""

    def __init__(self, name: str, data: object, faults: list[Fault]) -> None:
        self._name, self._faults, self._asked = name, faults, set[str]()
        self._data: dict[str, Any] = data if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            self.fault("catalogue.table", "this must be a table of keys and values", data)

    def fault(self, code: str, what: str, value: object = "") -> None:
        """Note what is wrong in this table."""
        self._faults.append(Fault(code, f"{self._name}: {what}", "Mend this entry in the file", str(value)[:200]))

    def take(self, key: str) -> Any:
        """The raw value, None and a fault where it is missing."""
        self._asked.add(key)
        if key not in self._data:
            self.fault("catalogue.missing", f"the key {key} is missing")
        return self._data.get(key)

    def text(self, key: str, among: Iterable[str] = ()) -> str:
        """A non-empty text, one of `among` where given."""
        value, allowed = self.take(key), tuple(among)
        if value is not None and not (isinstance(value, str) and value.strip()):
            self.fault("catalogue.type", f"{key} must be a text", value)
        elif value is not None and allowed and value not in allowed:
            self.fault("catalogue.value", f"{key} must be one of {', '.join(allowed)}", value)
        return value if isinstance(value, str) else ""

    def number(self, key: str, least: float, most: float) -> float:
        """A finite number from `least` to `most`; `least` where it is faulty."""
        return self._within(key, self.take(key), least, most)

    def whole(self, key: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`; `least` where it is faulty."""
        value = self.take(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            self.fault("catalogue.type", f"{key} must be a whole number", value)
            return least
        return int(self._within(key, value, least, most))

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.take(key)
        if value is not None and not isinstance(value, bool):
            self.fault("catalogue.type", f"{key} must be true or false", value)
        return value is True

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, which may be empty."""
        value = self.take(key)
        if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            self.fault("catalogue.type", f"{key} must be a list of texts", value)
            return ()
        return tuple(value or ())

    def table(self, key: str) -> Table:
        """A table inside this one."""
        value = self.take(key)
        return self.inner(key, {} if value is None else value)

    def inner(self, name: str, data: object) -> Table:
        """A table of that data, its faults told with this one's."""
        return Table(f"{self._name}.{name}", data, self._faults)

    def weights(self, *needed: str, only: bool = False, most: float = 1e6) -> dict[str, float]:
        """Every key of this table as a number from 0 to `most`; `needed` must be there, and nothing else where `only`."""
        for key in needed:
            self.take(key)
        keys = needed if only else tuple(dict.fromkeys((*needed, *self._data)))
        self._asked.update(keys)
        return {key: self._within(key, self._data.get(key), 0, most) for key in keys}

    def close(self) -> None:
        """Name every key that nobody asked for."""
        for key in self._data:
            if key not in self._asked:
                self.fault("catalogue.unknown", f"the key {key} is not known", self._data[key])

    def _within(self, key: str, value: object, least: float, most: float) -> float:
        if value is None:
            return least
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.fault("catalogue.type", f"{key} must be a number", value)
            return least
        if not (math.isfinite(value) and least <= value <= most):
            self.fault("catalogue.value", f"{key} must lie between {least:g} and {most:g}", value)
            return least
        return float(value)


def read_tables(path: str | Path) -> tuple[dict[str, Any], list[Fault]]:
    """The tables of a TOML file without its `version`, and the faults met so far.

    Raises
    ------
    FileRefused: not a local file, or too large. InputError: not TOML, or of another version.
    """
    found = local_file(path, largest=_LARGEST)
    try:
        data = tomllib.loads(found.read_bytes().decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError.one("catalogue.toml", f"{found.name} is no TOML: {error}", "Mend the file at this place", found) from None
    version = data.pop("version", None)
    if version != VERSION:
        raise InputError.one("catalogue.version", f"{found.name} is not of version {VERSION}", f"Begin it with: version = {VERSION}", version)
    return data, []


def refuse(faults: list[Fault], held: object, path: str | Path) -> None:
    """Refuse a file with faults, or one that holds nothing.

    Raises
    ------
    InputError: with every fault.
    """
    if not faults and not held:
        faults.append(Fault("catalogue.empty", "The file holds no entry", "Add at least one", str(path)))
    if faults:
        raise InputError(faults)
