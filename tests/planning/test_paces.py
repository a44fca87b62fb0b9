"""The settings of questions after witnesses: read whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from planning.datafile import DATA
from planning.errors import InputError
from planning.paces import REASONS, load_witness

TEXT = (DATA / "witness.toml").read_text(encoding="utf-8")


def test_the_file_holds_what_is_asked_of_it() -> None:
    """Paces from slow to fast, words for each reason in both languages, and every assumption told."""
    settings = load_witness()
    assert tuple(settings.paces) == ("walk", "run", "motorcycle", "car")
    assert all(pace.slow_kmh < pace.fast_kmh and pace.title_hi for pace in settings.paces.values())
    assert tuple(settings.reasons) == REASONS
    assert all(english and hindi for english, hindi in settings.reasons.values())
    assert any("Running, 8 to 16 km/h" in sentence for sentence in settings.assumptions)
    assert not any("On foot" in sentence for sentence in settings.assumptions)


@pytest.mark.parametrize(
    ("lat", "lon", "hours"), [(22.09, 82.15, 5.5), (28.61, 77.21, 5.5), (51.5, -0.1, 0.0), (35.68, 139.69, 9.0), (-33.4, -70.6, -5.0)]
)
def test_the_clock_of_a_place(lat: float, lon: float, hours: float) -> None:
    """India has one time; elsewhere the longitude says it, to the hour, and the sentence calls that assumed."""
    found, sentence = load_witness().zone_h(lat, lon)
    assert found == hours
    assert ("assumed" in sentence) == (hours != 5.5)


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    """A wrong height, a pace that is faster slow than fast, an unknown road class, a missing reason and an unknown key."""
    text = TEXT.replace("heights_m = [1.6, 0.8]", 'heights_m = "low"').replace("fast_kmh = 9.1", "fast_kmh = 1.0").replace('"track"]', '"path"]')
    text = text.replace("[reason.dark]", "[reason.night]").replace("points_around = 6", "points_around = 6\ncolour = 3")
    text = text.replace("lat = [6.0, 37.5]", "lat = 6")
    path = tmp_path / "witness.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_witness(path)
    told = str(caught.value)
    wanted = ("heights_m", "fast_kmh must be no less", "road classes", "the key dark is missing", "the key night is not known", "colour", "lat must")
    for piece in wanted:
        assert piece in told
