from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.errors import ScenarioError
from planning.money import group_digits, parse_rupees, say_rupees, say_short

DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")


@pytest.mark.parametrize(
    ("text", "rupees"),
    [
        ("0", 0), ("1,00,000", 100_000), ("१०००००", 100_000), ("१,००,०००", 100_000), ("1,000,000", 1_000_000), ("2 00 000", 200_000),
        ("1_00_000", 100_000), ("2crore", 20_000_000), ("2 Crore", 20_000_000), ("2.5 cr", 25_000_000), ("20 lakh", 2_000_000),
        ("1.5 करोड़", 15_000_000),
        ("१२ लाख", 1_200_000),
        ("5 हज़ार", 5_000), ("12k", 12_000), ("₹ 500/-", 500), ("rs. 500", 500), ("500 रुपये", 500), ("0.0001 crore", 1_000), ("1e5", 100_000),
        (150_000, 150_000), (1e5, 100_000), (1e15 / 1e8, 10_000_000),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(text: str | float, rupees: int) -> None:
    """Digits of either script, Indian and western grouping, and the words for lakh and crore are read."""
    assert parse_rupees(text) == rupees


def test_nukta_both_ways() -> None:
    """करोड़ written with one code point or with two is the same word."""
    assert parse_rupees("2 करो\u095c") == parse_rupees("2 करो\u0921\u093c") == 20_000_000


@pytest.mark.parametrize(
    "text",
    ["", " ", "nan", "inf", float("nan"), float("inf"), "-5", "1.5", "1,0000", "1,00", "1 2", "1.2.3", "2 million", "crore", "abc", "1,00,000,",
     "0x10",
     "10**9", "1e99", "1000001 crore", "٣,٠٠", "1,00,000; DROP", "१.५", True, "1/2"],
)  # fmt: skip
def test_what_is_no_amount(text: str | float) -> None:
    """What cannot be read, is negative, not finite, has a fraction of a rupee or is beyond any city's works is refused with the way out."""
    with pytest.raises(ScenarioError) as error:
        parse_rupees(text)
    assert error.value.code == "money"
    assert "2crore" in error.value.faults[0].way_out


@given(st.integers(0, 10**13))
def test_grouping_is_read_back(rupees: int) -> None:
    """What we write, in either script, with or without the sign of the rupee, reads back as the same amount."""
    assert parse_rupees(group_digits(rupees)) == rupees
    assert parse_rupees(say_rupees(rupees).translate(DEVANAGARI)) == rupees


@given(st.text(max_size=12))
def test_no_foreign_exception(text: str) -> None:
    """Any text is an amount or a ScenarioError."""
    try:
        assert parse_rupees(text) >= 0
    except ScenarioError as error:
        assert error.code == "money"


@pytest.mark.parametrize(
    ("rupees", "text"), [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "1,23,45,678"), (-150_000, "-1,50,000"), (10**9, "1,00,00,00,000")]
)
def test_group_digits(rupees: int, text: str) -> None:
    """The last three digits, then pairs."""
    assert group_digits(rupees) == text


@pytest.mark.parametrize(
    ("rupees", "text"),
    [(23_500_000, "₹2.35 crore"), (20_000_000, "₹2 crore"), (1_250_000, "₹12.5 lakh"), (99_999, "₹99,999"), (100_000_000, "₹10 crore"), (0, "₹0")],
)
def test_say_short(rupees: int, text: str) -> None:
    """Crore and lakh with two decimals at most and no idle zeros, whole tens kept."""
    assert say_short(rupees) == text


def test_say_short_in_hindi() -> None:
    """The same with Hindi words."""
    assert say_short(23_500_000, hindi=True) == "₹2.35 करोड़"
