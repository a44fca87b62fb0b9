"""Cities and plans on the shelf."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from planning.city import City
from planning.errors import CityError, InputError
from screens import library


def test_a_city_is_loaded_once_until_its_files_change(toy: City, tmp_path: Path) -> None:
    """Two visitors share one city; a new import is seen."""
    first = library.city("toy")
    assert library.city("toy") is first
    os.utime(tmp_path / "toy" / "city.toml", ns=(1, 1))
    again = library.city("toy")
    assert again is not first
    assert again.digest == first.digest == toy.digest


@pytest.mark.parametrize("name", ["", ".", "..", "../toy", "toy/../toy", "/etc", "toy\x00", "TOY", "nowhere", "%2e%2e"])
def test_only_known_names_are_cities(toy: City, name: str) -> None:
    """A name that is not in the list opens nothing, whatever it looks like."""
    with pytest.raises(CityError) as caught:
        library.city(name)
    assert caught.value.code == "city.unknown"


def test_plans_newest_first(toy: City) -> None:
    """Plans are listed newest first, by files named as plans are; other files are no plans."""
    files = library.plan_files(library.city("toy"))
    assert len(files) == 2
    assert toy.folder is not None
    os.utime(files[1].path, ns=(files[0].stamp[0] + 10**9,) * 2)
    (toy.folder / "plans" / "notes.gpkg").write_bytes(b"x")
    (toy.folder / "plans" / "0123456789ab.csv").write_bytes(b"x")
    assert [file.id for file in library.plan_files(toy)] == [files[1].id, files[0].id]


@pytest.mark.parametrize("plan_id", ["", "0123456789ab", "../../city", "0123456789ab/..", "0123456789AB", "*"])
def test_only_known_plans(toy: City, plan_id: str) -> None:
    """An id that is no plan of this city is refused with its value."""
    with pytest.raises(InputError) as caught:
        library.plan(toy, plan_id)
    assert caught.value.code == "plan.unknown"


def test_a_plan_comes_back_whole(toy: City) -> None:
    """What was written is read: cameras, figures and the id it was filed under."""
    for file in library.plan_files(toy):
        plan = library.plan(toy, file.id)
        assert plan.id == file.id
        assert plan.city_digest == toy.digest
        assert len(plan.cameras) in (20, 24)


def test_the_shelf_makes_each_value_once_for_all() -> None:
    """Ten threads that ask together get one value, made once."""
    made, shelf = [], library.Shelf[object](2)
    start = threading.Barrier(10)
    got: list[object] = []

    def make() -> object:
        made.append(1)
        return object()

    def ask() -> None:
        start.wait(5)
        got.append(shelf.get("key", make))

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(made) == 1
    assert len(set(map(id, got))) == 1


def test_the_shelf_lets_go_of_the_oldest_and_of_failures() -> None:
    """Only the last two stay; what could not be made is asked for again."""
    shelf = library.Shelf[int](2)
    calls: list[str] = []

    def make(name: str, value: int) -> int:
        calls.append(name)
        if value < 0:
            raise ValueError(name)
        return value

    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            shelf.get("bad", lambda: make("bad", -1))
    for name in ("a", "b", "a", "c", "a", "b"):
        shelf.get(name, lambda name=name: make(name, 1))  # type: ignore[misc]
    assert calls == ["bad", "bad", "a", "b", "c", "b"]
