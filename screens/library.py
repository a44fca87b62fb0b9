"""Cities and plans as the screens want them: loaded once for all who look, and again when their files change."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from planning.city import City, find_city, list_cities, read_settings
from planning.errors import CityError, InputError
from planning.export import read_plan
from planning.ladders import SUFFIX, Ladder, ladder_folder, read_ladder
from planning.nouns import Plan
from planning.reviews import PARTS, Review, read_review, review_path
from screens.turns import DRAWING

T = TypeVar("T")
_PLAN_ID = re.compile(r"[0-9a-f]{12}")


class Shelf(Generic[T]):
    """The last few values made, each made once however many ask for it together."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key; what `make` raises passes through and nothing is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            making = self._making.setdefault(key, threading.Lock())
        with DRAWING.aside(), making:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            try:
                value = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            with self._lock:
                self._kept[key] = value
                while len(self._kept) > self._size:
                    self._kept.popitem(last=False)
            return value


@dataclass(frozen=True)
class PlanLine:
    """What a list says of a plan: the committee's title, its budget [INR], how many cameras, the share covered [0-1]."""

    id: str
    title: str
    budget_inr: int
    cameras: int
    after: float


@dataclass(frozen=True)
class PlanFile:
    """A plan's file in its city's folder, newest first in lists; `stamp` changes when the file does."""

    id: str
    path: Path
    stamp: tuple[int, int]


_ladders: Shelf[Ladder] = Shelf(4)
_reviews: Shelf[Review | None] = Shelf(24)
_cities: Shelf[City] = Shelf(4)
_plans: Shelf[Plan] = Shelf(12)
_lines: Shelf[PlanLine] = Shelf(2_000)


def cities() -> list[str]:
    """Names of the cities there are, sorted."""
    return sorted(list_cities())


def city(name: str) -> City:
    """The city of that name.

    Raises
    ------
    CityError: `city.unknown`, or what loading it found.
    """
    if name not in list_cities():
        raise CityError.one("city.unknown", "There is no city of this name", "Choose one of the list", name)
    folder = find_city(name)
    return _cities.get((str(folder), _stamp(folder / "city.toml"), _stamp(folder / "city.gpkg")), lambda: City.load(folder))


def city_title(name: str, hindi: bool) -> str:
    """A city's title without loading its layers; its name where that cannot be read."""
    try:
        settings = read_settings(find_city(name))
    except CityError:
        return name
    english, in_hindi = str(settings["title"]), str(settings["title_hi"])
    return (in_hindi or english) if hindi else (english or in_hindi) or name


def address(city: City) -> str:
    """The name a city is found by: its folder's."""
    return city.folder.name if city.folder is not None else city.name


def plan_files(city: City) -> list[PlanFile]:
    """The city's plans, newest first."""
    if city.folder is None:
        return []
    files = [PlanFile(path.stem, path, _stamp(path)) for path in (city.folder / "plans").glob("*.gpkg") if _PLAN_ID.fullmatch(path.stem)]
    return sorted(files, key=lambda file: (-file.stamp[0], file.id))


def plan_path(city: City, plan_id: str) -> PlanFile:
    """The file of a plan.

    Raises
    ------
    InputError: `plan.unknown`.
    """
    if _PLAN_ID.fullmatch(plan_id):
        for file in plan_files(city):
            if file.id == plan_id:
                return file
    raise InputError.one("plan.unknown", "This city has no such plan", "Choose one of the list", plan_id)


def plan(city: City, plan_id: str) -> Plan:
    """The plan of that id.

    Raises
    ------
    InputError: `plan.unknown`, or what reading it found.
    """
    file = plan_path(city, plan_id)
    return _plans.get((str(file.path), file.stamp), lambda: read_plan(file.path))


def review(found: Plan, file: PlanFile, part: str) -> tuple[Review, tuple[int, int]] | None:
    """A part of a plan's review as it is kept beside the plan's file, with that file's stamp; None where it is not, or not of this plan."""
    stamp = _stamp(review_path(file.path, part)) if part in PARTS else (0, 0)
    if stamp == (0, 0):
        return None
    kept = _reviews.get((str(file.path), file.stamp, part, stamp), lambda: read_review(file.path, part, found))
    return None if kept is None else (kept, stamp)


def plan_line(city: City, plan_id: str) -> PlanLine:
    """What a list says of a plan, kept for far more plans than are kept whole; errors as `plan`."""
    file = plan_path(city, plan_id)

    def make() -> PlanLine:
        found = plan(city, plan_id)
        return PlanLine(plan_id, found.scenario.title, found.scenario.budget_inr, len(found.cameras), found.scorecard.after)

    return _lines.get((str(file.path), file.stamp), make)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def ladder_files(city: City) -> list[PlanFile]:
    """The city's ladders, newest first."""
    if city.folder is None:
        return []
    paths = {path.name.removesuffix(SUFFIX): path for path in ladder_folder(city).glob(f"*{SUFFIX}")}
    files = [PlanFile(name, path, _stamp(path)) for name, path in paths.items() if _PLAN_ID.fullmatch(name)]
    return sorted(files, key=lambda file: (-file.stamp[0], file.id))


def ladder_path(city: City, ladder_id: str) -> PlanFile:
    """The file of a ladder.

    Raises
    ------
    InputError: `ladder.unknown`.
    """
    found = next((file for file in ladder_files(city) if file.id == ladder_id), None)
    if found is None:
        raise InputError.one("ladder.unknown", "This city has no such ladder", "Choose one of the list", ladder_id)
    return found


def ladder(city: City, ladder_id: str) -> Ladder:
    """A ladder, read once while its file stays the same."""
    file = ladder_path(city, ladder_id)
    return _ladders.get((str(file.path), file.stamp), lambda: read_ladder(file.path))
