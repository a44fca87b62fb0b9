"""Single figures with their unit and source, read from a TOML file in data/: what a computation takes for granted, told as fact or assumption."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planning.errors import Fault, InputError

VERSION = 1
_KEYS: dict[str, Any] = {"title": str, "title_hi": str, "value": (int, float), "unit": str, "source": str, "assumed": bool}


@dataclass(frozen=True)
class Figure:
    """One figure of one `unit`, where it comes from, and whether it is an assumption."""

    key: str
    title: str
    title_hi: str
    value: float
    unit: str
    source: str
    assumed: bool


@dataclass(frozen=True)
class Figures:
    """The figures of a file, by key."""

    figures: Mapping[str, Figure]

    def __getitem__(self, key: str) -> float:
        """The value of a figure; KeyError for one the file does not have."""
        return self.figures[key].value

    def replaced(self, **values: float) -> Figures:
        """The same with these values in place of the file's; KeyError for a key that is not there."""
        changed = {key: Figure(**{**vars(self.figures[key]), "value": float(value)}) for key, value in values.items()}
        return Figures({**self.figures, **changed})

    @property
    def assumptions(self) -> tuple[str, ...]:
        """One sentence for each figure that is assumed rather than sourced."""
        return tuple(f"Assumed: {figure.title}: {figure.value:g} {figure.unit}" for figure in self.figures.values() if figure.assumed)


def load_figures(path: str | Path, wanted: Mapping[str, tuple[str, float, float]]) -> Figures:
    """The figures of a file: each of `wanted` (key -> unit, least, most) and no other.

    Raises
    ------
    InputError: `figures.file`, where it cannot be read; else `figures.value`, with every fault of the file.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError.one("figures.file", f"The file of figures cannot be read: {error}", "Mend the file", path) from None
    faults, found = [], {}

    def wrong(key: str, what: str, value: object = "") -> None:
        faults.append(Fault("figures.value", f"{Path(path).name}: {key}: {what}", "Mend this entry in the file", str(value)[:200]))

    if data.pop("version", None) != VERSION:
        wrong("version", f"the version must be {VERSION}")
    for key in sorted(set(wanted) - set(data)):
        wrong(key, "is missing")
    for key, entry in data.items():
        if key not in wanted:
            wrong(key, "is not known", entry)
            continue
        if not isinstance(entry, dict) or set(entry) != set(_KEYS):
            wrong(key, f"must have {', '.join(_KEYS)} and nothing else", entry)
            continue
        bad = [name for name, kind in _KEYS.items() if not isinstance(entry[name], kind) or (name == "value" and isinstance(entry[name], bool))]
        unit, least, most = wanted[key]
        if bad:
            wrong(key, f"{', '.join(bad)} of the wrong type", entry)
        elif entry["unit"] != unit:
            wrong(key, f"the unit must be {unit}", entry["unit"])
        elif not (math.isfinite(entry["value"]) and least <= entry["value"] <= most):
            wrong(key, f"must lie between {least:g} and {most:g}", entry["value"])
        else:
            found[key] = Figure(key=key, **{**entry, "value": float(entry["value"])})
    if faults:
        raise InputError(faults)
    return Figures({key: found[key] for key in wanted})
