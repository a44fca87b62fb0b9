"""Ladders: plans for a row of budgets, and how they are kept with their city, one gzipped JSON file each.

A file is written whole or not at all, and read back only where nothing in it is off.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from planning.city import City
from planning.errors import ChaukasError, FileRefused, InputError
from planning.files import atomic_path, local_file
from planning.nouns import PlannedCamera, PlannedSite, Scenario

VERSION = 1
SUFFIX = ".ladder.json.gz"
_LARGEST = 200_000_000  # bytes
_CELLS = {"str": str, "int": int, "float": float}


@dataclass(frozen=True)
class Rung:
    """One budget of a ladder: what its plan, which holds all smaller ones, costs and covers.

    Shares are of all weight: `covered` by this plan, `best` by the best plan found for the budget alone, `bound` by none more than that; `worst` is
    the least covered ward's share of its own weight.
    """

    budget_inr: int
    cost_inr: int
    yearly_inr: int
    cameras: int
    covered: float
    best: float
    bound: float
    worst_ward: str
    worst: float

    @property
    def nesting(self) -> float:
        """What it costs here that the plans hold one another, as share of all weight."""
        return self.best - self.covered


@dataclass(frozen=True, eq=False)
class Ladder:
    """Plans for a row of budgets, each holding the one before.

    `cameras`, `sites`: of the largest budget; `entered`: for each camera the first rung that holds it; `points_m` (n_demand, 2) in the city's CRS,
    `weight` (n_demand,) and `seen_from` (n_demand,): the first rung that sees the point, -1 where existing cameras do, the number of rungs where none
    does; `before`: share covered by existing cameras. Not verified: a plan made for one of the budgets is.
    """

    scenario: Scenario
    city_digest: str
    made: bool
    rungs: tuple[Rung, ...]
    before: float
    cameras: tuple[PlannedCamera, ...]
    sites: tuple[PlannedSite, ...]
    entered: tuple[int, ...]
    points_m: npt.NDArray[np.float64] = field(repr=False)
    weight: npt.NDArray[np.float64] = field(repr=False)
    seen_from: npt.NDArray[np.int64] = field(repr=False)
    assumptions: tuple[str, ...] = ()
    runtime_s: float = 0.0

    @property
    def id(self) -> str:
        """The scenario's id: one ladder a wish."""
        return self.scenario.id


def ladder_folder(city: City) -> Path:
    """Where a city's ladders are kept.

    Raises
    ------
    InputError: `city.folder` where the city has no folder.
    """
    if city.folder is None:
        raise InputError.one("city.folder", "This city has no folder to keep a ladder in", "Save the city first", city.name)
    return city.folder / "ladders"


def write_ladder(ladder: Ladder, city: City) -> Path:
    """Keep a ladder with its city; returns the file."""
    target = ladder_folder(city) / f"{ladder.id}{SUFFIX}"
    content = {
        "version": VERSION, "scenario": ladder.scenario.to_json(), "city_digest": ladder.city_digest, "made": ladder.made, "before": ladder.before,
        "rungs": [dataclasses.asdict(rung) for rung in ladder.rungs], "cameras": [dataclasses.asdict(camera) for camera in ladder.cameras],
        "sites": [dataclasses.asdict(site) for site in ladder.sites], "entered": list(ladder.entered),
        "points_m": np.round(ladder.points_m, 2).ravel().tolist(), "weight": ladder.weight.tolist(), "seen_from": ladder.seen_from.tolist(),
        "assumptions": list(ladder.assumptions), "runtime_s": ladder.runtime_s,
    }  # fmt: skip
    try:
        with atomic_path(target) as scratch:
            scratch.write_bytes(gzip.compress(json.dumps(content, ensure_ascii=False, allow_nan=False).encode(), compresslevel=6, mtime=0))
    except OSError as error:
        raise InputError.one("export.failed", f"The file could not be written: {error}", "Check the folder and the space left", target) from None
    return target


def read_ladder(path: str | Path) -> Ladder:
    """The ladder of a file of ours.

    Raises
    ------
    FileRefused: `ladder.unreadable`, whatever is wrong with it; `ladder.version` for another version's.
    """
    found = local_file(path, largest=_LARGEST)
    try:
        with gzip.open(found) as stream:
            text = stream.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise ValueError("too large")
        data: dict[str, Any] = json.loads(text)
        if data["version"] != VERSION:
            raise FileRefused.one("ladder.version", "This ladder was written by another version", "Work it out again", data["version"])
        return _ladder_of(data)
    except ChaukasError:
        raise
    except Exception as error:  # noqa: BLE001  # no foreign exception crosses this door
        raise FileRefused.one("ladder.unreadable", f"The ladder cannot be read: {error!r}", "Work it out again", path) from None


def _ladder_of(data: Mapping[str, Any]) -> Ladder:
    weight = np.asarray(data["weight"], dtype=np.float64)
    cameras = tuple(_row(PlannedCamera, row) for row in data["cameras"])
    ladder = Ladder(
        scenario=Scenario.from_json(data["scenario"]), city_digest=str(data["city_digest"]), made=bool(data["made"]), before=float(data["before"]),
        rungs=tuple(_row(Rung, row) for row in data["rungs"]), cameras=cameras, sites=tuple(_site(row) for row in data["sites"]),
        entered=tuple(int(rung) for rung in data["entered"]), points_m=np.asarray(data["points_m"], dtype=np.float64).reshape(-1, 2),
        weight=weight, seen_from=np.asarray(data["seen_from"], dtype=np.int64), assumptions=tuple(str(text) for text in data["assumptions"]),
        runtime_s=float(data["runtime_s"]),
    )  # fmt: skip
    n = len(ladder.rungs)
    sound = (
        n > 0 and len(ladder.entered) == len(cameras) and len(ladder.points_m) == len(weight) == len(ladder.seen_from)
        and all(0 <= rung < n for rung in ladder.entered) and bool(((ladder.seen_from >= -1) & (ladder.seen_from <= n)).all())
        and bool(np.isfinite(ladder.points_m).all() and np.isfinite(weight).all())
    )  # fmt: skip
    if not sound:
        raise ValueError("its parts do not fit together")
    return ladder


def _row(noun: type[Any], row: Mapping[str, Any]) -> Any:
    """The row as a noun; TypeError or ValueError where a cell is missing, unknown or not of its field's type."""
    types = {field.name: _CELLS[str(field.type)] for field in dataclasses.fields(noun)}
    return noun(**{name: types[name](cell) if name in types else cell for name, cell in row.items()})


def _site(row: Mapping[str, Any]) -> PlannedSite:
    heads = tuple((str(head), int(amount)) for head, amount in row["heads"])
    return PlannedSite(str(row["id"]), str(row["kind"]), float(row["x_m"]), float(row["y_m"]), heads, int(row["yearly_inr"]))
