"""The settings of privacy: read whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from planning.catalogue import load_levels
from planning.datafile import DATA
from planning.errors import InputError
from planning.intrusion import at_level, load_privacy


def test_the_file_names_levels_that_are_there() -> None:
    """A room and a face count from levels of data/levels.toml on, the room from the coarser, and each assumption is told."""
    settings, levels = load_privacy(), load_levels()
    assert settings.px_per_m == levels[settings.levels["room"].level].px_per_m
    assert settings.px_per_m <= at_level(settings, "face").px_per_m
    assert any("from 62.5 px/m on" in sentence for sentence in settings.assumptions)
    assert all(one.title and one.title_hi and one.source for one in settings.levels.values())


def test_an_unknown_level_is_refused() -> None:
    """Room and face are the levels there are."""
    with pytest.raises(InputError) as caught:
        at_level(load_privacy(), "soul")
    assert caught.value.code == "homes.level"


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    """A step out of bounds, a level nobody knows, a missing key and one too many."""
    text = (DATA / "privacy.toml").read_text(encoding="utf-8").replace("step_m = 2.0", "step_m = 0.0").replace('"recognition"', '"telepathy"')
    path = tmp_path / "privacy.toml"
    path.write_text(text.replace("most = 8", "mast = 8"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_privacy(path)
    told = str(caught.value)
    for piece in ("step_m must lie between", "level must be one of", "the key most is missing", "the key mast is not known"):
        assert piece in told
