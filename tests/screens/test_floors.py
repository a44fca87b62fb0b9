"""What floors cost, kept beside a plan and told in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from optimizer.floors import FloorStep
from planning.city import ROOT, City
from planning.export import write_plan
from planning.nouns import Plan
from planning.progress import Progress
from screens import jobs, library
from screens.floors import floor_lines, read_floors
from screens.words import words

STEPS = (
    FloorStep(0.0, 80_00_000, 79_00_000), FloorStep(0.05, 85_00_000, 80_00_000, "", 1_00_000.0, 0.0, 1_20_000.0),
    FloorStep(0.1, None, 80_00_000, "Ward 2 cannot"),
)  # fmt: skip


def test_steps_come_back_as_they_were_kept(tmp_path: Path) -> None:
    """What was kept is read again; what is damaged or strange is as if it were not there."""
    path = tmp_path / "0123456789ab.gpkg"
    kept = jobs.floor_path(path)
    assert read_floors(kept) is None
    assert jobs._keep_floors(None, (path, STEPS)) == path.stem  # type: ignore[arg-type]
    assert read_floors(kept) == STEPS
    whole = kept.read_text(encoding="utf-8")
    strange = ("", "[]", "{}", "[" * 9999)
    for bad in (*strange, whole.replace("8000000", '"<b>"'), whole.replace('"why_not": ""', '"why_not": 1'), whole.replace("floor", "flour")):
        kept.write_text(bad, encoding="utf-8")
        assert read_floors(kept) is None


def test_a_percent_s_price_is_told_with_what_is_certain() -> None:
    """Found, least and most in rupees; a floor out of reach says so."""
    assert floor_lines(STEPS, words("en")) == [
        "From 0 % to 5 %: each percent costs ₹1 lakh as found; for certain between ₹0 and ₹1.2 lakh.",
        "From 5 % to 10 %: no plan reaches this floor.",
    ]


def test_the_job_asks_the_real_optimizer(town: City, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the newest plan of the wish every floor is worked out; the first step costs no more than the plan itself; the screen shows them."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    monkeypatch.setattr(jobs, "FLOOR_S", 5.0)
    city = town.save(tmp_path / "toy")
    path = tmp_path / "toy" / "plans" / f"{plan.id}.gpkg"
    write_plan(plan, city, path)
    made, steps = jobs._floors(library.city("toy"), plan.scenario, progress=Progress())
    assert made == path
    assert [step.floor for step in steps] == [0.0, *jobs.FLOORS]
    assert steps[0].cost_inr is not None
    assert steps[0].least_inr <= steps[0].cost_inr <= plan.cost_inr
    jobs._keep_floors(city, (made, steps))
    test = AppTest.from_file(str(ROOT / "screens" / "main.py"), default_timeout=120)
    for key, value in {"city": "toy", "lang": "en", "view": "fairness"}.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    assert len(test.dataframe[1].value) == len(steps)
    assert any(button.key == "floors-run" for button in test.button)
