"""What live video takes for granted."""

from __future__ import annotations

from pathlib import Path

import pytest

from live.settings import load_settings
from planning.datafile import DATA
from planning.errors import InputError


def test_the_house_s_settings_hold() -> None:
    """They can be read, open no loopback, and tell a hanging camera within five seconds."""
    settings = load_settings()
    assert not settings.demo
    assert settings.for_demo().demo
    assert settings.times.read_s <= 5
    assert settings.times.retry_most_s <= 5
    assert settings.times.token_s == 60


@pytest.mark.parametrize(("old", "new", "code"), [
    ('"10.0.0.0/8"', '"10.0.0.1/8"', "network.range"), ("open_s = 5.0", "open_s = 0.0", "catalogue.value"),
    ("open_s = 5.0", "opens = 5.0", "catalogue.missing"), ("viewers = 500", "viewers = 1.5", "catalogue.type"),
])  # fmt: skip
def test_a_slip_of_the_hand_is_no_setting(tmp_path: Path, old: str, new: str, code: str) -> None:
    """A network with bits too many, a time out of its bounds, an unknown key and a broken number are refused."""
    text = (DATA / "live.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "live.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as told:
        load_settings(path)
    assert code in {fault.code for fault in told.value.faults}
