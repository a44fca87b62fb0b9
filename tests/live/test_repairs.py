"""What bringing a camera back costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from live.health import STATES
from live.repairs import DOWN, Effort, efforts, load_repairs
from planning.errors import InputError
from tests.live.pretend import deployment


def test_a_camera_s_own_record_comes_before_what_ails_it() -> None:
    """Rupees and hours are the state's, but for those that stand with the camera; one that works takes none."""
    cameras = [deployment("a"), replace(deployment("b"), repair_inr=9_000), replace(deployment("c"), repair_h=0.5), deployment("d"), deployment("e")]
    rules = load_repairs()
    found = efforts(cameras, {"a": "offline", "b": "offline", "c": "dark", "d": "live", "e": "never_seen"})
    assert found == {
        "a": rules["offline"], "b": Effort(9_000, rules["offline"].hours), "c": Effort(rules["dark"].inr, 0.5),
    }  # fmt: skip
    assert (found["b"].by("inr"), found["b"].by("hours")) == (9_000.0, rules["offline"].hours)


def test_each_state_without_use_has_its_effort_and_a_wrong_file_names_all_faults(tmp_path: Path) -> None:
    """All states but those of a camera that works or never did; a missing state and a cost of nothing are told together."""
    assert set(load_repairs()) == set(DOWN) == set(STATES) - {"live", "never_seen"}
    path = tmp_path / "repairs.toml"
    path.write_text('version = 1\n[offline]\ncost_inr = 0\nhours = 1.0\nsource = "x"\nassumed = true\n', encoding="utf-8")
    with pytest.raises(InputError) as told:
        load_repairs(path)
    assert len(told.value.faults) >= len(DOWN)
