"""What studies found: each with its source, ranges only, and no promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from planning.effects import EFFECTS, load_effects
from planning.errors import InputError


def test_every_finding_is_a_range_with_a_source() -> None:
    """No finding is a single figure: the range begins at no effect or holds two studies' figures; all name a study and its year."""
    found = load_effects()
    assert {"all", "car_parks", "philadelphia"} <= {effect.key for effect in found}
    for effect in found:
        assert any(year in effect.source for year in ("2002", "2009", "2011", "2019"))
        if effect.low_percent is not None and effect.high_percent is not None:
            assert effect.low_percent < effect.high_percent


def test_the_file_says_that_it_promises_nothing() -> None:
    """Whoever opens the file reads that no figure says what cameras would do here."""
    assert "no figure here says what" in EFFECTS.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        'key = "a"\nwhere = "b"\nwhat = "c"\nsource = " "',
        'key = "a"\nwhere = "b"\nwhat = "c"\nsource = "d"\nlow_percent = 13',
        'key = "a"\nwhere = "b"\nwhat = "c"\nsource = "d"\nlow_percent = 13\nhigh_percent = 13',
        'key = "a"\nwhere = "b"\nwhat = "c"',
        'key = "a"\nwhere = "b"\nwhat = "c"\nsource = "d"\npromise = 13',
    ],
)
def test_findings_without_source_or_range_are_refused(tmp_path: Path, text: str) -> None:
    """A finding without a source, with one end of a range, a range without width, or an unknown setting."""
    path = tmp_path / "effects.toml"
    path.write_text(f"[[effect]]\n{text}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_effects(path)
    assert caught.value.code == "effect.file"
