"""Words in two languages."""

from __future__ import annotations

import dataclasses
import re
import string
from pathlib import Path

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from optimizer.plan import BY_HAND, make_plan
from optimizer.review import make_review
from optimizer.survey import Survey
from planning.catalogue import load_recipe
from planning.city import City
from planning.demand import build_demand
from planning.errors import Fault, ScenarioError
from planning.intake import import_city
from planning.money import group_digits, parse_rupees
from planning.nouns import Plan
from screens.words import LANGUAGES, plain, words
from tests.planning.toy_osm import CROSSING, LAT, LON, document

SCREENS = Path(__file__).resolve().parents[2] / "screens"


def fields(text: str) -> set[str]:
    """Names of the values a sentence wants."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_say_the_same_things() -> None:
    """Every English key is there in Hindi with the same values to fill in; Hindi adds translations of faults only."""
    hindi, english = words("hi").catalogue, words("en").catalogue
    assert set(english) <= set(hindi)
    assert all(key.startswith(("fault.", "way.")) for key in set(hindi) - set(english))
    for key, text in english.items():
        assert text, key
        assert hindi[key], key
        assert fields(text) == fields(hindi[key]), key


def test_every_key_the_screens_say_is_there() -> None:
    """A key written out in a screen's source is in the catalogue: no page breaks on a missing word."""
    said = set()
    for path in SCREENS.glob("*.py"):
        said |= set(re.findall(r'\.say\(\s*"([a-z_.0-9]+)"', path.read_text(encoding="utf-8")))
    assert len(said) > 60
    assert said <= set(words("en").catalogue)


def test_hindi_is_hindi() -> None:
    """Each Hindi sentence holds Devanagari, file formats apart."""
    for key, text in words("hi").catalogue.items():
        if not key.startswith("file."):
            assert re.search(r"[ऀ-ॿ]", text), key
    assert re.search(r"[ऀ-ॿ]", words("hi").say("file.about"))


def test_hindi_comes_first() -> None:
    """A language we do not speak gets Hindi."""
    assert words("xx").language == "hi"
    assert next(iter(LANGUAGES)) == "hi"


@given(st.integers(-(10**12), 10**12))
def test_whole_numbers_are_grouped_the_indian_way(number: int) -> None:
    """Taking the commas out gives the number back, and the grouping is that of money."""
    shown = words("en").number(number)
    assert shown.replace("−", "-") == group_digits(number)


@pytest.mark.parametrize(
    ("value", "digits", "shown"), [(1234567.8, 0, "12,34,568"), (-0.04, 1, "0.0"), (-1234.25, 2, "−1,234.25"), (99999.96, 1, "1,00,000.0")]
)
def test_numbers_by_hand(value: float, digits: int, shown: str) -> None:
    """Hand-worked numbers: rounding carries into the grouping, and a rounded nought has no sign."""
    assert words("en").number(value, digits) == shown


def test_a_fault_says_what_the_value_and_the_way_out() -> None:
    """A fault is told whole in both languages; Hindi translates by code and keeps the value."""
    with pytest.raises(ScenarioError) as caught:
        parse_rupees("1,00,00")
    fault = caught.value.faults[0]
    english, hindi = words("en").fault(fault), words("hi").fault(fault)
    assert fault.what in english
    assert fault.way_out in english
    assert "1,00,00" in english
    assert "1,00,00" in hindi
    assert re.search(r"[ऀ-ॿ]", hindi)


def test_an_untranslated_fault_is_still_told() -> None:
    """A fault without Hindi words is told in its own, rather than lost."""
    told = words("hi").fault(Fault("no.such.code", "Something odd", "Do this", "7"))
    assert "Something odd" in told
    assert "Do this" in told


@given(st.text())
def test_plain_text_keeps_no_live_mark(text: str) -> None:
    """Every ASCII mark is escaped, so Markdown finds nothing to draw, link or run; without the escapes the text is as it was, blanks folded."""
    safe = plain(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[!-/:-@\[\]-`{-~]", safe)
    assert "\n" not in safe
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", safe).replace("\u2060", "") == " ".join(text.split()).replace("\u2060", "")


def said_back(key: str) -> tuple[str, dict[str, str]]:
    """A note's English sentence with made values, and the values."""
    sentence = words("en").catalogue[key]
    figures = {"n", "m", "k", "share", "figure", "low", "high"}
    values = {name: f"{7 + k}" if name in figures else f"text{k} <b>" for k, name in enumerate(sorted(fields(sentence)))}
    return sentence.format(**values), values


@pytest.mark.parametrize("key", sorted(key for key in words("en").catalogue if key.startswith("note.")))
def test_every_note_is_known_by_its_words(key: str) -> None:
    """Filled in, each note is found again as itself, and said in Hindi with the same values; in English it stays as it stands."""
    text, values = said_back(key)
    assert words("hi").note(text) == words("hi").say(key, **values)
    assert words("en").note(text) == text


def test_the_notes_of_a_plan_and_an_import_are_said_in_hindi(plan: Plan, town: City, survey: Survey, tmp_path: Path) -> None:
    """How the town's plan was made, whatever is assumed of it, its network, its masks, its demand and of an import is told in Hindi; what nobody
    knows stays as it is.
    """
    grid, masks = (make_review(part, plan, town).notes for part in ("network", "masks"))
    (tmp_path / "roads.osm").write_text(document(*CROSSING), encoding="utf-8")
    wards = town["wards"].to_crs(4326)
    wards.geometry = [shapely.box(LON - 1, LAT - 1, LON + 1, LAT + 1), *wards.geometry[1:]]
    wards.to_file(tmp_path / "wards.geojson", driver="GeoJSON")
    crimes = f"lat,lon,category,date\n{LAT},{LON},theft,13/01/2025\n{LAT},{LON + 0.0001},theft,1/13/2025\n"
    (tmp_path / "crimes.csv").write_text(crimes, encoding="utf-8")
    city = import_city(
        "toy", osm=tmp_path / "roads.osm", crime=[tmp_path / "crimes.csv"], wards=tmp_path / "wards.geojson", folder=tmp_path / "toy"
    )
    demand = build_demand(town, load_recipe("balanced"), spacing_m=10.0).attrs["notes"]
    cheapest = make_plan(town, dataclasses.replace(plan.scenario, wanted_share=0.3), survey=survey)
    ways = [part for how in (plan.proof.how, cheapest.proof.how, BY_HAND) for part in how.split("; ")]
    every = [*plan.assumptions, *grid, *masks, *city.notes, *demand, *ways]
    assert len(every) > 15
    assert [note for note in every if not re.search(r"[ऀ-ॿ]", words("hi").note(note))] == []
    assert words("hi").note("Nobody knows this sentence") == "Nobody knows this sentence"


def test_a_long_or_hostile_note_costs_nothing() -> None:
    """A note made to be looked at for ever is answered at once, as it stands."""
    for text in ("7 " * 5_000, ": " * 400, "x: residents of " * 60, "“" * 900):
        assert words("hi").note(text) == text
