"""Files of single figures, each with unit and source."""

from __future__ import annotations

from pathlib import Path

import pytest

from planning.errors import InputError
from planning.figures import load_figures

WANTED = {"range_m": ("m", 0.0, 100.0), "days": ("days", 1.0, 50.0)}


def entry(key: str, value: object, unit: str, *, assumed: str = "true", more: str = "") -> str:
    """One table of such a file."""
    return f'[{key}]\ntitle = "{key}"\ntitle_hi = "{key}"\nvalue = {value}\nunit = "{unit}"\nsource = "a test"\nassumed = {assumed}\n{more}\n'


def test_figures_are_read_with_their_source(tmp_path: Path) -> None:
    """Values by key; assumptions are told, facts are not; a copy with other values leaves the first as it was."""
    path = tmp_path / "f.toml"
    path.write_text("version = 1\n" + entry("range_m", 30, "m") + entry("days", 7.5, "days", assumed="false"), encoding="utf-8")
    figures = load_figures(path, WANTED)
    assert (figures["range_m"], figures["days"]) == (30.0, 7.5)
    assert figures.assumptions == ("Assumed: range_m: 30 m",)
    assert figures.replaced(days=9)["days"] == 9.0
    assert figures["days"] == 7.5


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    """A wrong version, a missing and an unknown key, a wrong unit, type and value are all named; a file that is none is refused."""
    path = tmp_path / "f.toml"
    path.write_text("version = 2\n" + entry("range_m", 300, "m") + entry("other", 1, "m"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_figures(path, WANTED)
    assert [fault.code for fault in caught.value.faults] == ["figures.value"] * 4
    values = (("true", "m", ""), (3, "km", ""), ("nan", "m", ""), (3, "m", "odd = 1"))
    for text in (*(entry("range_m", value, unit, more=more) for value, unit, more in values), "range_m = 3\n"):
        path.write_text("version = 1\n" + text + (entry("days", 3, "days")), encoding="utf-8")
        with pytest.raises(InputError) as caught:
            load_figures(path, WANTED)
        assert [fault.code for fault in caught.value.faults] == ["figures.value"], text
    path.write_text("version = ", encoding="utf-8")
    for bad in (path, tmp_path / "none.toml"):
        with pytest.raises(InputError) as caught:
            load_figures(bad, WANTED)
        assert caught.value.code == "figures.file"
