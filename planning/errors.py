"""The exception tree.

ChaukasError
├── InputError            what came in cannot be used; holds every fault found, not just the first
│   ├── FileRefused       a file is not what it claims, too large, or of a kind we do not open
│   ├── CityError         a city's layers do not hold together
│   └── ScenarioError     a wish that cannot be read: budget, level, models, lists
├── Infeasible            the rules of a scenario cannot hold together
├── SolverError           the solver gave no usable answer
├── Forbidden             someone may not do what they asked for
├── FeedError             a camera's pictures cannot be had; never tells a password
└── Disagreement          two independent computations of one figure differ: the plan is refused

Each fault has a stable code, the value met, what is wrong with it and the way out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Fault:
    """One thing wrong: a stable code, a sentence with the value in it, and the way out."""

    code: str
    what: str
    way_out: str
    value: str = ""

    def __str__(self) -> str:
        value = f" (got: {self.value})" if self.value else ""
        return f"[{self.code}] {self.what}{value}. {self.way_out}"


class ChaukasError(Exception):
    """Every error of ours; `faults` lists all that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    @classmethod
    def one(cls, code: str, what: str, way_out: str, value: object = "") -> Self:
        """An error of a single fault; a long value is cut so that a message stays readable."""
        shown = str(value)
        return cls([Fault(code, what, way_out, shown if len(shown) <= 200 else shown[:200] + "…")])

    @property
    def code(self) -> str:
        """The first fault's code."""
        return self.faults[0].code if self.faults else "unknown"


class InputError(ChaukasError):
    """What came in cannot be used."""


class FileRefused(InputError):
    """A file is not what it claims, too large, or of a kind we do not open."""


class CityError(InputError):
    """A city's layers do not hold together."""


class ScenarioError(InputError):
    """A wish that cannot be read."""


class Infeasible(ChaukasError):
    """The rules of a scenario cannot hold together."""


class Forbidden(ChaukasError):
    """Someone may not do what they asked for."""


class FeedError(ChaukasError):
    """A camera's pictures cannot be had."""


class SolverError(ChaukasError):
    """The solver gave no usable answer."""


class Disagreement(ChaukasError):
    """Two independent computations of one figure differ."""
