from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.errors import ScenarioError
from planning.nouns import CameraModel, Lens, PlannedSite, Scenario, Scorecard, WardScore

GOOD: dict[str, Any] = {"city": "toy", "budget_inr": 1_000_000}
MODEL: dict[str, Any] = {
    "key": "m", "title": "M", "title_hi": "एम", "kind": "fixed", "width_px": 1920, "height_px": 1080, "lenses": (Lens(90, 50),), "night_range_m": 30,
    "price_inr": 9000, "upkeep_inr_per_year": 1400, "power_w": 7, "stream_mbps": 4, "source": "assumed",
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"budget_inr": 0}, "scenario.budget"), ({"budget_inr": -1}, "scenario.budget"), ({"budget_inr": 1.5}, "scenario.budget"),
        ({"budget_inr": float("nan")}, "scenario.budget"), ({"budget_inr": "1,00,000"}, "scenario.budget"), ({"budget_inr": True}, "scenario.budget"),
        ({"yearly_inr": 0}, "scenario.budget"), ({"ward_floor": 1.1}, "scenario.floor"), ({"ward_floor": float("nan")}, "scenario.floor"),
        ({"spacing_m": 0}, "scenario.spacing"), ({"cameras_per_site": 0}, "scenario.site"), ({"gap": 1.0}, "scenario.gap"),
        ({"time_limit_s": 0}, "scenario.time"), ({"time_limit_s": float("inf")}, "scenario.time"), ({"mount_heights_m": ()}, "scenario.height"),
        ({"mount_heights_m": (6.0, float("nan"))}, "scenario.height"), ({"mount_heights_m": (1.0,)}, "scenario.height"),
        ({"keep": ("a", "b"), "forbid": ("b",)}, "scenario.keep"),
    ],
)  # fmt: skip
def test_scenario_faults(more: dict[str, Any], code: str) -> None:
    """Each wish that cannot be read has its code."""
    with pytest.raises(ScenarioError) as error:
        Scenario(**{**GOOD, **more})
    assert [fault.code for fault in error.value.faults] == [code]


def test_scenario_faults_at_once() -> None:
    """Several faults come in one error."""
    with pytest.raises(ScenarioError) as error:
        Scenario(city="toy", budget_inr=0, ward_floor=2, spacing_m=-1)
    assert [fault.code for fault in error.value.faults] == ["scenario.budget", "scenario.floor", "scenario.spacing"]


@given(
    st.integers(1, 10**13), st.none() | st.integers(1, 10**9), st.floats(0, 1), st.lists(st.floats(2, 40), min_size=1, max_size=3).map(tuple),
    st.lists(st.text(max_size=5), max_size=3).map(tuple), st.text(max_size=10),
)  # fmt: skip
def test_scenario_json_round_trip(
    budget: int, yearly: int | None, floor: float, heights: tuple[float, ...], keep: tuple[str, ...], title: str
) -> None:  # fmt: skip
    """A scenario written as JSON reads back equal, with the same id and title."""
    scenario = Scenario(city="toy", budget_inr=budget, yearly_inr=yearly, ward_floor=floor, mount_heights_m=heights, keep=keep, title=title)
    again = Scenario.from_json(scenario.to_json())
    assert again == scenario and again.id == scenario.id and again.title == title


def test_scenario_id() -> None:
    """The id is the content's: equal scenarios share it, any change but the title changes it."""
    scenario = Scenario(**GOOD)
    assert len(scenario.id) == 12
    assert dataclasses.replace(scenario, title="Ours").id == scenario.id
    same = dataclasses.replace(scenario, spacing_m=10, mount_heights_m=(6,), ward_floor=0)
    assert same == scenario and same.id == scenario.id
    changes: list[dict[str, Any]] = [
        {"city": "other"}, {"budget_inr": 1_000_001}, {"yearly_inr": 5}, {"models": ("a",)}, {"level": "detection"}, {"recipe": "crime"},
        {"spacing_m": 11.0}, {"mount_heights_m": (6.0, 8.0)}, {"cameras_per_site": 2}, {"ward_floor": 0.1}, {"keep": ("a",)}, {"forbid": ("a",)},
        {"by_night": True}, {"gap": 0.01}, {"time_limit_s": 1.0}, {"seed": 2},
    ]  # fmt: skip
    ids = {dataclasses.replace(scenario, **change).id for change in changes}
    assert len(ids | {scenario.id}) == len(changes) + 1


@pytest.mark.parametrize(
    "text",
    ["", "null", "3", "[]", "{}", "{", '{"version": 2, "city": "toy", "budget_inr": 5}',
     '{"version": 1, "city": "toy", "budget_inr": 5, "colour": "red"}',
     '{"version": 1, "city": "toy"}', '{"version": 1, "city": "toy", "budget_inr": 5, "spacing_m": "10"}', "[" * 100_000],
)  # fmt: skip
def test_scenario_json_faults(text: str) -> None:
    """What we did not write is refused as such, by one error of ours."""
    with pytest.raises(ScenarioError) as error:
        Scenario.from_json(text)
    assert error.value.code == "scenario.json"


def test_scenario_json_keeps_its_own_faults() -> None:
    """A scenario that reads well but asks for nonsense says what is wrong with the wish."""
    text = json.dumps({"version": 1, "city": "toy", "budget_inr": 0})
    with pytest.raises(ScenarioError) as error:
        Scenario.from_json(text)
    assert error.value.code == "scenario.budget"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"kind": "drone"}, "model.kind"), ({"width_px": 0}, "model.pixels"), ({"lenses": ()}, "model.lens"),
        ({"lenses": (Lens(0, 50),)}, "model.lens"),
        ({"lenses": (Lens(90, 50), Lens(400, 50))}, "model.lens"), ({"lenses": (Lens(90, float("nan")),)}, "model.lens"),
        ({"price_inr": -1}, "model.price"),
    ],
)  # fmt: skip
def test_model_faults(more: dict[str, Any], code: str) -> None:
    """A camera that cannot be is refused at birth, naming itself."""
    with pytest.raises(ScenarioError, match=r"m:") as error:
        CameraModel(**{**MODEL, **more})
    assert [fault.code for fault in error.value.faults] == [code]


def test_nouns_are_frozen() -> None:
    """Change means a copy."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Scenario(**GOOD).budget_inr = 1  # type: ignore[misc]


def test_site_cost_and_worst_ward() -> None:
    """A site costs the sum of its heads; the worst ward is the least covered, the first by name of equals, and none where there is no ward."""
    assert PlannedSite("s", "road", 0, 0, (("cost_pole", 7), ("cost_box", 5)), 3).cost_inr == 12
    card = Scorecard(0.1, 0.5, (WardScore("w3", 1, 0, 0.2), WardScore("w2", 1, 0, 0.2), WardScore("w1", 1, 0, 0.9)))
    assert card.worst is not None and card.worst.ward == "w2"
    assert Scorecard(0, 0).worst is None
