"""Rupees read from people's writing and written back in Indian grouping. Money is int rupees everywhere else."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

from planning.errors import ScenarioError

_UNITS = {
    "": 1,
    "k": 1_000, "thousand": 1_000, "hazar": 1_000, "हज़ार": 1_000, "हजार": 1_000,
    "l": 100_000, "lac": 100_000, "lacs": 100_000, "lakh": 100_000, "lakhs": 100_000, "लाख": 100_000,
    "cr": 10_000_000, "crore": 10_000_000, "crores": 10_000_000, "करोड़": 10_000_000, "करोड": 10_000_000,
}  # fmt: skip
_LARGEST = 10**13  # ten lakh crore: above any city's works, below what int64 sums could lose
_WAY_OUT = "Write rupees as 20000000, 2,00,00,000, २,००,००,०००, 2crore or 20 lakh"


def parse_rupees(text: str | int | float) -> int:
    """Whole rupees from what a person wrote.

    Reads plain digits, Indian or western grouping, Devanagari digits, and the words lakh and crore (लाख, करोड़) with a decimal number before.

    Parameters
    ----------
    text: the amount as written; a number is taken as rupees [INR].

    Returns
    -------
    Rupees, zero or more [INR].

    Raises
    ------
    ScenarioError: code `money`, when it is no amount, negative, not finite, has a fraction of a rupee, or is larger than any city's works.
    """
    # Composed and decomposed nukta are the same word to a reader; this form takes every one of them apart.
    written = unicodedata.normalize("NFC", str(text)).strip().casefold()
    written = re.sub(r"^(?:₹|rs\.?|inr|रु\.?|रुपये)\s*", "", written)
    written = re.sub(r"\s*(?:/-|₹|rs\.?|inr|रुपये|rupees)$", "", written)
    match = re.fullmatch(r"([+-]?[\d,._ ]+(?:e\+?\d{1,2})?)\s*([^\W\d_][\w़ा-्]*)?", written)
    if match is None:
        raise ScenarioError.one("money", "This is not an amount of money", _WAY_OUT, text)
    digits, unit = match.group(1).strip(), (match.group(2) or "").strip()
    units = {unicodedata.normalize("NFC", word): size for word, size in _UNITS.items()}
    if unit not in units:
        raise ScenarioError.one("money", f"The unit “{unit}” is not known", _WAY_OUT, text)
    digits = re.sub("[ _]", ",", digits)
    if "," in digits and not re.fullmatch(r"[+-]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d+)?", digits):
        raise ScenarioError.one("money", "The commas or spaces do not group an amount", _WAY_OUT, text)
    try:
        amount = Decimal(digits.replace(",", "")) * units[unit]
    except InvalidOperation:
        raise ScenarioError.one("money", "This is not an amount of money", _WAY_OUT, text) from None
    if amount < 0:
        raise ScenarioError.one("money", "An amount of money cannot be negative", _WAY_OUT, text)
    if amount > _LARGEST:
        raise ScenarioError.one("money", f"More than {say_rupees(_LARGEST)} is no city's budget", _WAY_OUT, text)
    if amount != amount.to_integral_value():
        raise ScenarioError.one("money", "Money is counted in whole rupees", _WAY_OUT, text)
    return int(amount)


def group_digits(number: int) -> str:
    """12345678 -> 1,23,45,678: the last three digits, then pairs."""
    sign, digits = ("-" if number < 0 else ""), str(abs(number))
    head, tail = digits[:-3], digits[-3:]
    pairs: list[str] = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    return sign + ",".join([*pairs, tail])


def say_rupees(rupees: int) -> str:
    """₹ with Indian grouping, exact to the rupee."""
    return f"₹{group_digits(rupees)}"


def say_short(rupees: int, *, hindi: bool = False) -> str:
    """An amount as people say it: ₹2.35 crore, ₹12.5 lakh; two decimals at most."""
    crore, lakh = ("करोड़", "लाख") if hindi else ("crore", "lakh")
    if abs(rupees) < 100_000:
        return say_rupees(rupees)
    # Rounded first: 99,99,814 is said as 1 crore, not as 100 lakh.
    whole = abs(round(rupees / 10_000_000, 2)) >= 1
    size, word = (10_000_000, crore) if whole else (100_000, lakh)
    return f"₹{rupees / size:.2f}".rstrip("0").rstrip(".") + f" {word}"
