from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.tags import bearings, camera_kind, camera_rows, count, metres, number, place_kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7.5", 7.5), ("7,5 m", 7.5), ("24 ft", 7.3152), ("6'2\"", 1.8796), ("750 cm", 7.5), ("७.५", 7.5), ("~8 m", 8.0), ("5;6", 5.0), ("10'", 3.048)],
)
def test_lengths(text: str, expected: float) -> None:
    """A length is read in the unit it was written in, in metres where none is."""
    assert metres(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "wide", "-3", "nan", "inf", "5 parsecs", "1e400", "3..4", "7.5.2"])
def test_unreadable_lengths(text: str) -> None:
    """What cannot be read is None, never a guess."""
    assert metres(text) is None


@pytest.mark.parametrize(("text", "expected"), [("2", 2), ("2.5", 2.5), ("1;2", 2), ("3-4", 4), ("two", None), ("", None), ("2;x", None)])
def test_counts(text: str, expected: float | None) -> None:
    """A list or a range counts as its greatest; a list with something unreadable as none."""
    assert count(text) == expected


def test_bearings() -> None:
    """Degrees, cardinals, lists and ranges; a range turns clockwise, over north too."""
    assert bearings("270") == [(270, None)]
    assert bearings("NW") == [(315, None)]
    assert bearings("90;SSE") == [(90, None), (157.5, None)]
    assert bearings("239-284") == [(261.5, 45)]
    assert bearings("350-10") == [(0, 20)]
    assert bearings("360") == [(0, None)]
    assert bearings("-90") == [(270, None)]
    assert bearings("४५°") == [(45, None)]
    assert bearings("towards the market") == []
    assert bearings("720") == []


@given(st.floats(0, 359.99), st.floats(0.01, 359.9))
def test_ranges_hold_their_ends(first: float, width: float) -> None:
    """The middle of a range lies half its width from either end, whatever north lies between."""
    first, last = round(first, 2), round((first + width) % 360, 2)
    ((middle, spread),) = bearings(f"{first}-{last}")
    assert spread is None or 0 < spread <= 360
    assert abs((middle + (spread or 0) / 2 - last + 180) % 360 - 180) < 0.02


@given(st.text(max_size=30))
def test_no_text_breaks_the_readers(text: str) -> None:
    """Any text gives a value or None, no exception."""
    for read in (metres, count, number, bearings, camera_kind):
        read(text)


def test_camera_of_tags() -> None:
    """A panning camera looking two ways is two rows of one ptz; a reader of plates is an anpr."""
    rows = list(camera_rows({"camera:type": "panning", "camera:direction": "10;200", "height": "6 m", "camera:mount": "pole"}))
    assert [(row["kind"], row["bearing_deg"], row["height_m"], row["mount"]) for row in rows] == [("ptz", 10, 6, "pole"), ("ptz", 200, 6, "pole")]
    assert [row["kind"] for row in camera_rows({"surveillance:type": "ALPR", "camera:type": "fixed"})] == ["anpr"]
    assert [row["bearing_deg"] for row in camera_rows({"direction": "239-284"})] == [261.5]


def test_guards_and_indoor_cameras_are_none_of_ours() -> None:
    """What is left out says why."""
    assert camera_rows({"surveillance:type": "guard"}) == "surveillance:type=guard"
    assert camera_rows({"surveillance": "indoor"}) == "indoors"
    assert camera_rows({"indoor": "yes"}) == "indoors"


def test_camera_words_stand_alone() -> None:
    """A word within another word is not that word."""
    assert camera_kind("Business") == "unknown"
    assert camera_kind("Dome camera 4 MP") == "dome"
    assert camera_kind(None, "PTZ-2000") == "ptz"


def test_places() -> None:
    """A station of buses only is no railway station; a bench is no place."""
    assert place_kind({"amenity": "clinic"}) == "hospital"
    assert place_kind({"amenity": "bench", "shop": "mall"}) == "market"
    assert place_kind({"public_transport": "station", "bus": "yes"}) == "bus_station"
    assert place_kind({"railway": "rail"}) is None
