"""One line a figure: name, value, unit, target, ok or short; the run fails where one falls short."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from planning.city import ROOT, City

_TESTS: dict[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le}


@dataclass
class Figures:
    """Collects and prints figures as they come."""

    short: list[str] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, target: str = "") -> None:
        """Print a figure.

        Parameters
        ----------
        target: such as ">= 300" or "<= 90"; empty where a figure is only told.
        """
        verdict = "-"
        if target:
            sign, bound = target.split()
            verdict = "ok" if _TESTS[sign](value, float(bound)) else "short"
        if verdict == "short":
            self.short.append(name)
        print(f"{name:<58} {value:>14.6g} {unit:<12} {target or '-':<10} {verdict}", flush=True)

    def close(self) -> int:
        """The exit status: 1 where a figure fell short."""
        if self.short:
            print(f"short: {', '.join(self.short)}", file=sys.stderr)
        return 1 if self.short else 0


def demo_city() -> City:
    """The demo city, made first where it is not there."""
    from screens.terminal import DEMO, make_demo

    folder: Path = ROOT / "data" / "demo" / DEMO
    if not (folder / "city.toml").is_file():
        make_demo()
    return City.load(folder)
