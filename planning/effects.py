"""What studies found cameras to do, as ranges with their sources (data/effects.toml): told beside a plan, never computed with."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planning.errors import Fault, InputError

EFFECTS = Path(__file__).resolve().parent.parent / "data" / "effects.toml"


@dataclass(frozen=True)
class Effect:
    """One finding: where, a range of the reduction of reported crime where the study gives one [%], what it says in a sentence, and the source."""

    key: str
    where: str
    what: str
    source: str
    low_percent: float | None = None
    high_percent: float | None = None


def load_effects(path: str | Path = EFFECTS) -> tuple[Effect, ...]:
    """The findings, in the file's order.

    Raises
    ------
    InputError: `effect.file`, where a finding lacks its source or its sentence, or gives no range but one end.
    """
    with Path(path).open("rb") as stream:
        rows: list[dict[str, Any]] = tomllib.load(stream)["effect"]
    faults, found = [], []
    for number, row in enumerate(rows):
        try:
            effect = Effect(**row)
        except TypeError as error:
            faults.append(Fault("effect.file", f"A finding lacks a setting, or has one that is not known: {error}", "Mend the file", str(number)))
            continue
        low, high = effect.low_percent, effect.high_percent
        if (low is None) != (high is None) or (low is not None and high is not None and not 0 <= low < high <= 100):
            faults.append(Fault("effect.file", "A finding gives a range from low to high, or none", "Mend the file", effect.key))
        if not effect.source.strip() or not effect.what.strip():
            faults.append(Fault("effect.file", "A finding needs its source and a sentence", "Mend the file", effect.key))
        found.append(effect)
    if faults:
        raise InputError(faults)
    return tuple(found)
