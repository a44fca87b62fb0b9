"""Words in two languages."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.errors import Fault, ScenarioError
from planning.money import group_digits, parse_rupees
from screens.words import LANGUAGES, plain, words

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
