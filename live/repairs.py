"""What bringing a camera back costs, in rupees and in hours: as its own record says, else by what ails it, from data/repairs.toml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from planning.datafile import DATA, Table, read_tables, refuse
from planning.deployed import Deployment

# states in which a camera shows nothing of use
DOWN = ("offline", "wrong_password", "wrong_codec", "stale", "frozen", "dark", "covered", "moved")


@dataclass(frozen=True)
class Effort:
    """What a repair takes. `inr`: rupees; `hours`: of a crew. Both above 0."""

    inr: int
    hours: float

    def by(self, unit: str) -> float:
        """The one that is scarce: `inr` or `hours`."""
        return float(self.inr) if unit == "inr" else self.hours


def load_repairs(path: str | Path = DATA / "repairs.toml") -> Mapping[str, Effort]:
    """The efforts of a file by state.

    Raises
    ------
    FileRefused, InputError: with every fault of the file.
    """
    data, faults = read_tables(path)
    top = Table("repairs", data, faults)
    found: dict[str, Effort] = {}
    for state in DOWN:
        table = top.table(state)
        found[state] = Effort(table.whole("cost_inr", 1, 100_000_000), table.number("hours", 0.01, 10_000))
        table.text("source")
        table.flag("assumed")
        table.close()
    top.close()
    refuse(faults, found, path)
    return found


@lru_cache(maxsize=1)
def repairs() -> Mapping[str, Effort]:
    """The house's efforts, read once."""
    return load_repairs()


def efforts(deployments: Iterable[Deployment], states: Mapping[str, str], rules: Mapping[str, Effort] | None = None) -> dict[str, Effort]:
    """What bringing each camera that is down back takes, by id.

    Parameters
    ----------
    states: of every camera, as `live.health.STATES` has them. rules: of data/repairs.toml where None.
    """
    known = rules if rules is not None else repairs()
    made = {}
    for one in deployments:
        rule = known.get(states.get(one.id, ""))
        if rule is not None:
            inr = one.repair_inr if one.repair_inr is not None else rule.inr
            made[one.id] = Effort(inr, one.repair_h if one.repair_h is not None else rule.hours)
    return made
