"""Place and time burnt into a picture that is taken away."""

from __future__ import annotations

import numpy as np

from live.stamp import place_line, stamped, time_line


def test_the_picture_stays_whole_above_its_band() -> None:
    """Nothing of the picture is covered; the band below it has light text on dark, in Hindi too, and more of it for more lines."""
    picture = np.random.default_rng(1).integers(0, 255, (90, 640, 3), dtype=np.uint8)
    one, two = stamped(picture, ("नेहरू चौक",)), stamped(picture, ("नेहरू चौक", "22.09"))
    assert np.array_equal(one[:90], picture)
    assert two.shape[0] > one.shape[0] > 90
    assert one[90:].max() > 200
    assert one[90:].min() < 50
    assert not np.array_equal(stamped(picture, ("अग्रसेन चौक",))[90:], one[90:])


def test_time_and_place_are_told_to_the_last_digit() -> None:
    """Milliseconds and the offset from UTC stand with the time; six digits with the place."""
    assert time_line(1_700_000_000.1239).split(".")[1][:3] == "123"
    assert time_line(0.0)[-6] in "+-"
    assert place_line(22.09, 82.15) == "22.090000, 82.150000"
