"""A plan's review in words."""

from __future__ import annotations

from typing import Any

import pytest

from planning.reviews import COLUMNS, FACTS, Review
from screens.review_said import back_test_line, place_of, placement_name, placement_rows
from screens.words import words


def placement(who: str, **cells: Any) -> dict[str, Any]:
    """A made row of a back-test."""
    zero: dict[type, Any] = {str: "", float: 0.0, int: 0}
    row = {name: zero[kind] for name, kind in COLUMNS["backtest"]["placements"].items()}
    return {**row, "who": who, "view": "aimed", "low": None, "high": None, "pei_low": None, "pei_high": None, **cells}


ROWS = (
    placement("planned", cameras=1_234, share=0.3, low=0.25, high=0.351, length_share=0.1, pai=3.0, pei=0.75, pei_low=0.7, pei_high=0.8),
    placement("random", cameras=12, share=0.1, low=0.05, high=0.2, length_share=0.05, pai=2.0, pei=0.5),
)  # fmt: skip


def test_rows_by_hand() -> None:
    """Shares in percent with one digit, ends with a dash between, thousands the Indian way, what is not known as a dash."""
    review = Review("backtest", "", "", {**dict.fromkeys(FACTS["backtest"], 0.0), "judged": 900.0}, {"placements": ROWS, "leads": ()}, {})
    assert placement_rows(review, words("en"), "aimed") == [
        ("the plan", "1,234", "30.0 %", "25.0–35.1 %", "10.0 %", "3.00", "0.750", "0.700–0.800"),
        ("places by lot", "12", "10.0 %", "5.0–20.0 %", "5.0 %", "2.00", "0.500", "–"),
    ]
    assert placement_rows(review, words("en"), "all round") == []
    line = back_test_line(review, words("en"))
    assert line.startswith("Back-test: of 900 later incidents a plan like this made of the earlier ones has 30.0 % in view (25.0–35.1 %)")
    assert line.endswith("The others: places by lot 10.0 %.")


@pytest.mark.parametrize("language", ["hi", "en"])
def test_names(language: str) -> None:
    """A street without a name says so; who placed cameras is a word of the language."""
    said = words(language)
    assert place_of({"name": "MG Road"}, said) == "MG Road"
    assert place_of({"name": ""}, said) == said.say("review.unnamed")
    assert placement_name({"who": "junctions"}, said) == said.say("test.junctions")
