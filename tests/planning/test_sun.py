"""Sunrise and sunset agree with published times."""

from __future__ import annotations

import datetime

import pytest

from planning.sun import sun_times

DELHI, RAIPUR, LONDON = (28.6139, 77.2090, 5.5), (21.2514, 81.6296, 5.5), (51.4733, -0.0008, 0.0)
# Drik Panchang's daily pages for New Delhi; India Today, 31 Oct 2022, for Raipur; timeanddate.com for London.
PUBLISHED = (
    (DELHI, "2020-12-31", "07:14", "17:35"), (DELHI, "2022-01-24", "07:13", "17:54"), (DELHI, "2022-01-26", "07:12", "17:55"),
    (DELHI, "2025-11-22", "06:49", "17:25"), (RAIPUR, "2022-10-30", "06:05", "17:29"), (LONDON, "2015-01-01", "08:06", "16:01"),
    (LONDON, "2015-12-01", "07:43", "15:55"), (LONDON, "2015-12-25", "08:05", "15:55"),
)  # fmt: skip


@pytest.mark.parametrize(("place", "day", "rise", "fall"), PUBLISHED)
def test_published_times_are_met_to_a_minute(place: tuple[float, float, float], day: str, rise: str, fall: str) -> None:
    """Times that were published for a city are met within 90 s, half a minute being the print's own rounding."""
    found = sun_times(datetime.datetime.fromisoformat(f"{day}T12:00"), *place)
    for at, printed in ((found.sunrise, rise), (found.sunset, fall)):
        assert at is not None
        assert abs((at - datetime.datetime.fromisoformat(f"{day}T{printed}")).total_seconds()) <= 90


def test_night_begins_at_sunset_and_ends_at_sunrise() -> None:
    """A minute before sunset it is day, a minute after night; the other way round at sunrise."""
    day = sun_times(datetime.datetime(2026, 3, 5, 12), *DELHI)
    assert day.sunrise is not None and day.sunset is not None
    for at, before in ((day.sunrise, True), (day.sunset, False)):
        assert sun_times(at - datetime.timedelta(minutes=1), *DELHI).night == before
        assert sun_times(at + datetime.timedelta(minutes=1), *DELHI).night != before
    assert sun_times(datetime.datetime(2026, 3, 5), *DELHI).night


def test_at_the_equinox_on_the_equator_the_sun_passes_overhead() -> None:
    """On 20 March 2026 the sun stands within a degree of straight up at noon, and day and night are equal but for the sun's rim and the air."""
    found = sun_times(datetime.datetime(2026, 3, 20, 12, 7), 0.0, 0.0, 0.0)
    assert found.elevation_deg > 89
    assert found.sunrise is not None and found.sunset is not None
    assert (found.sunset - found.sunrise).total_seconds() == pytest.approx(12 * 3600 + 2 * 4 * 0.833 * 60, abs=30)


def test_beyond_the_polar_circle_it_may_not_rise_or_set() -> None:
    """In Tromsø there is no sunset in June and no sunrise in December, and the night is told by the sun's height all the same."""
    june, december = (sun_times(datetime.datetime(2026, month, 21, hour), 69.65, 18.96, 1.0) for month, hour in ((6, 0), (12, 12)))
    assert (june.sunrise, june.sunset, june.night) == (None, None, False)
    assert (december.sunrise, december.sunset, december.night) == (None, None, True)
    assert not sun_times(datetime.datetime(2026, 6, 21), 90.0, 0.0, 0.0).night


def test_a_zone_moves_the_clock_and_nothing_else() -> None:
    """The same moment told by two clocks is the same sun."""
    here = sun_times(datetime.datetime(2026, 11, 5, 6, 30), 22.09, 82.15, 5.5)
    there = sun_times(datetime.datetime(2026, 11, 5, 1, 0), 22.09, 82.15, 0.0)
    assert here.elevation_deg == pytest.approx(there.elevation_deg, abs=1e-9)
    assert here.sunrise is not None and there.sunrise is not None
    assert abs(here.sunrise - there.sunrise - datetime.timedelta(hours=5.5)) <= datetime.timedelta(seconds=1)
