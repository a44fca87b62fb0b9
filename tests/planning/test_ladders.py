"""Rows of budgets kept with their city: what is written is what is read, and nothing damaged is taken."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planning.city import City
from planning.errors import FileRefused, InputError
from planning.ladders import SUFFIX, Ladder, read_ladder, write_ladder
from tests.screens.toy import save_toy, toy_ladder


@pytest.fixture(name="city")
def toy_in_a_folder(tmp_path: Path) -> City:
    """The toy city in a folder."""
    return save_toy(tmp_path, plans=False)


def test_what_is_written_is_what_is_read(city: City) -> None:
    """Every field comes back, places to the centimetre; the file bears the scenario's id; writing again replaces it."""
    ladder = toy_ladder(city)
    path = write_ladder(ladder, city)
    assert path.name == f"{ladder.scenario.id}{SUFFIX}"
    found = read_ladder(path)
    for field in dataclasses.fields(Ladder):
        stated, read = getattr(ladder, field.name), getattr(found, field.name)
        if isinstance(stated, np.ndarray):
            np.testing.assert_allclose(read, stated, atol=0.005)
        else:
            assert read == stated, field.name
    assert write_ladder(ladder, city) == path
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_city_without_a_folder_keeps_none(city: City) -> None:
    """There is nowhere to write."""
    with pytest.raises(InputError) as caught:
        write_ladder(toy_ladder(city), dataclasses.replace(city, folder=None))
    assert caught.value.code == "city.folder"


def _drop(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda data: data.pop(key)


DAMAGE: dict[str, Callable[[dict[str, Any]], None]] = {
    "no cameras": _drop("cameras"), "no version": _drop("version"),
    "a camera less": lambda data: data["cameras"].pop(), "a rung too high": lambda data: data["entered"].__setitem__(0, 99),
    "a point less": lambda data: data["weight"].pop(), "a state too high": lambda data: data["seen_from"].__setitem__(0, 99),
    "no rung": lambda data: data.update(rungs=[]), "words for money": lambda data: data["rungs"][0].update(budget_inr="much"),
    "an unknown field": lambda data: data["cameras"][0].update(colour="red"), "no scenario of ours": lambda data: data.update(scenario="{}"),
    "no place": lambda data: data["points_m"].__setitem__(0, "here"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_refused(city: City, what: str) -> None:
    """Whatever part is missing, of another type, or does not fit the others, the file is refused as one of ours that cannot be read."""
    path = write_ladder(toy_ladder(city), city)
    data = json.loads(gzip.decompress(path.read_bytes()))
    DAMAGE[what](data)
    path.write_bytes(gzip.compress(json.dumps(data).encode()))
    with pytest.raises(FileRefused if what != "no scenario of ours" else Exception) as caught:
        read_ladder(path)
    assert caught.value.code in {"ladder.unreadable", "scenario.json"}


def test_other_files_and_versions_are_refused(city: City) -> None:
    """Text, half a file and another version's are told apart from ours."""
    path = write_ladder(toy_ladder(city), city)
    whole = path.read_bytes()
    data = json.loads(gzip.decompress(whole))
    for content, code in (
        (b"no", "ladder.unreadable"), (whole[: len(whole) // 2], "ladder.unreadable"), (gzip.compress(b"[]"), "ladder.unreadable"),
        (gzip.compress(json.dumps({**data, "version": 2}).encode()), "ladder.version"),
    ):  # fmt: skip
        path.write_bytes(content)
        with pytest.raises(FileRefused) as caught:
            read_ladder(path)
        assert caught.value.code == code
