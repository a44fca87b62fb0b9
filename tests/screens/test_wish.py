"""From typed fields to a scenario."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planning.errors import ScenarioError
from planning.nouns import Scenario
from screens.wish import Wish, read_wish, wish_of

GOOD = Wish("2 करोड़", models=("bullet-4mp",))


@pytest.mark.parametrize("budget", ["2 करोड़", "2crore", "2,00,00,000", "२,००,००,०००", "₹ 20000000", "200 lakh"])
def test_one_budget_however_it_is_written(budget: str) -> None:
    """The same amount in any writing gives the same scenario, id and all."""
    scenario = read_wish(replace(GOOD, budget=budget), "toy")
    assert scenario.budget_inr == 20_000_000
    assert scenario.id == read_wish(GOOD, "toy").id


def test_every_field_arrives() -> None:
    """Each field lands in the scenario under its own name and unit."""
    wish = Wish("10 lakh", "50,000", ("b", "a"), "detection", "crime", 25, "८; 6, 6", 2, 30, True, "  Our\nplan ")
    scenario = read_wish(wish, "toy")
    assert (scenario.budget_inr, scenario.yearly_inr, scenario.models) == (1_000_000, 50_000, ("a", "b"))
    assert (scenario.level, scenario.recipe, scenario.ward_floor) == ("detection", "crime", 0.25)
    assert (scenario.mount_heights_m, scenario.cameras_per_site, scenario.time_limit_s) == ((6.0, 8.0), 2, 30.0)
    assert (scenario.by_night, scenario.title, scenario.city) == (True, "Our plan", "toy")


def test_no_yearly_budget_is_no_limit() -> None:
    """An empty yearly budget is no limit, not nought."""
    assert read_wish(GOOD, "toy").yearly_inr is None


def test_all_faults_at_once() -> None:
    """Every bad field is told in one go, each with its way out."""
    with pytest.raises(ScenarioError) as caught:
        read_wish(Wish("1,00,00", "much", (), ward_floor_percent=120, heights="tall", cameras_per_site=9, time_limit_s=0), "toy")
    codes = [fault.code for fault in caught.value.faults]
    assert codes == ["money", "money", "wish.heights", "wish.models", "scenario.floor", "scenario.site", "scenario.time"]
    assert all(fault.way_out for fault in caught.value.faults)


@pytest.mark.parametrize("budget", ["", "  ", "0", "०", "-5", "NaN", "inf", "1e99", "2 dollars", "<img src=x>", "1.5", "१०,०"])
def test_bad_budgets(budget: str) -> None:
    """No unusable budget becomes a scenario, and a good yearly budget does not hide it."""
    with pytest.raises(ScenarioError):
        read_wish(replace(GOOD, budget=budget, yearly="1 lakh"), "toy")


@pytest.mark.parametrize("heights", ["", "6,", "nan", "inf", "1", "41", "6 metres", "6,-8"])
def test_bad_heights(heights: str) -> None:
    """Heights that are no numbers, or out of range, are refused."""
    with pytest.raises(ScenarioError):
        read_wish(replace(GOOD, heights=heights), "toy")


def test_a_scenario_filled_in_and_read_again_is_itself() -> None:
    """What the form shows of a scenario, and what is taken over beside it, make the same scenario, id and all."""
    whole = Scenario(
        "toy", 1_23_45_678, 4_56_789, ("a", "b"), "detection", "crime", 12.5, (4.5, 6.0), 2, 0.37, ("k/1",), ("f",), True, 0.01, 30.0, 7, "Our plan",
        0.41, ("junctions=face",), 0.55, 0.0025, True, True, (22.1, 82.1), movement_percent=20,
    )  # fmt: skip
    again = read_wish(wish_of(whole, ("c",)), "toy", like=whole)
    assert again == whole
    assert (again.id, again.title) == (whole.id, whole.title)
    assert tuple(wish_of(Scenario("toy", 1), ("c",)).models) == ("c",)


def test_suggestions_arrive_with_their_weight_and_are_left_out_without() -> None:
    """The places are part of the wish only where they weigh something, so that it keeps its id else."""
    places = ("22.100000,82.100000", "22.000000,82.100000")
    scenario = read_wish(replace(GOOD, suggestions_percent=15, suggestions=places), "toy")
    assert (scenario.suggestions_percent, scenario.suggestions) == (15, tuple(sorted(places)))
    assert read_wish(replace(GOOD, suggestions=places), "toy").id == read_wish(GOOD, "toy").id
    assert read_wish(wish_of(scenario, ()), "toy").id == scenario.id
    with pytest.raises(ScenarioError):
        read_wish(replace(GOOD, suggestions_percent=15), "toy")
