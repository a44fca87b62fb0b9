"""A plan reviewed: each part is what its own modules work out, as plain values that can be kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from optimizer.grid import storage_tb
from optimizer.review import bare_wish, make_review, seconds_expected
from planning.city import City
from planning.errors import ChaukasError
from planning.nouns import Plan, Scenario
from planning.reviews import COLUMNS, FACTS, Review, read_review, write_review
from tests.town import copy_of


@pytest.fixture(name="dated", scope="module")
def town_with_days(town: City) -> City:
    """The town, its incidents of nine months."""
    days = pd.to_datetime([f"2025-0{1 + k}-11 10:00" for k in range(len(town["incidents"]))])
    return copy_of(town, incidents=town["incidents"].assign(when=days))


def kept(review: Review, plan: Plan, folder: Path) -> Review:
    """The part as it is read back from its file: whole, with every fact and column."""
    write_review(review, folder / f"{plan.id}.gpkg")
    found = read_review(folder / f"{plan.id}.gpkg", review.part, plan)
    assert found is not None
    assert set(found.facts) == set(FACTS[review.part])
    assert set(found.tables) == set(COLUMNS[review.part])
    return found


def test_gaps_are_what_the_plan_does_not_see(plan: Plan, town: City, tmp_path: Path) -> None:
    """The share out of view is that of the plan's own demand; streets and areas are ranked and each has its shape; streets lose no more than all."""
    found = kept(make_review("gaps", plan, town), plan, tmp_path)
    weight, seen = plan.demand["weight"], plan.demand["after"].astype(bool)
    assert found.facts["unseen"] == pytest.approx(float(weight[~seen].sum() / weight.sum()))
    for name in ("stretches", "areas"):
        shares = [float(str(row["share"])) for row in found.tables[name]]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= found.facts["unseen"] + 1e-9
        assert len(found.shapes[name]) == len(shares)
        assert all(len(ring) >= 2 for rings in found.shapes[name] for ring in rings)
    assert found.facts["stretches"] == len(found.tables["stretches"])


def test_the_network_s_pieces_sum_to_its_cost(plan: Plan, town: City, tmp_path: Path) -> None:
    """Pieces, kinds and bill each sum to the cost, which is no less than its bound; storage is that of the load kept for so many days."""
    found = kept(make_review("network", plan, town), plan, tmp_path)
    for table, column in (("segments", "cost_inr"), ("kinds", "cost_inr"), ("bill", "amount_inr")):
        assert sum(int(str(row[column])) for row in found.tables[table]) == found.facts["cost_inr"], table
    assert found.facts["bound_inr"] <= found.facts["cost_inr"]
    assert found.facts["storage_tb"] == pytest.approx(storage_tb(found.facts["load_mbps"], found.facts["retention_days"]))
    assert len(found.shapes["segments"]) == len(found.tables["segments"])
    assert any("command centre" in note for note in found.notes)


def test_masks_lie_in_the_pictures_of_the_plan_s_cameras(plan: Plan, town: City, tmp_path: Path) -> None:
    """Every camera has a row; each mask is one of its camera's, with at least three corners in the picture."""
    found = kept(make_review("masks", plan, town), plan, tmp_path)
    assert [row["camera"] for row in found.tables["cameras"]] == [camera.id for camera in plan.cameras]
    for row in found.tables["cameras"]:
        assert row["masks"] == sum(mask["camera"] == row["camera"] for mask in found.tables["masks"])
    assert found.tables["masks"]
    for mask in found.tables["masks"]:
        corners = [tuple(map(float, corner.split(","))) for corner in str(mask["corners"]).split()]
        assert len(corners) >= 3
        assert all(0 <= value <= 1 for corner in corners for value in corner)


def test_scores_by_ward_are_the_plan_s(plan: Plan, town: City, tmp_path: Path) -> None:
    """What the groups say of wards is what the plan says; hours are of the incidents that have one."""
    found = kept(make_review("scores", plan, town), plan, tmp_path)
    names = town["wards"]["name"]
    by_ward = {names[row["key"]]: row for row in found.tables["ward"]}
    for ward in plan.scorecard.wards:
        assert by_ward[ward.ward]["before"] == pytest.approx(ward.before)
        assert by_ward[ward.ward]["after"] == pytest.approx(ward.after)
    assert {row["key"] for row in found.tables["place"]} == {"school", "market", "bank"}
    assert {row["key"] for row in found.tables["crime"]} == {"theft", "robbery"}


def test_a_back_test_tells_everybody_with_ends(plan: Plan, dated: City, tmp_path: Path) -> None:
    """As many cameras for everybody at most; each share lies between its ends; the plan's lead over evenly spread junctions is told."""
    own = dataclasses.replace(plan, city_digest=dated.digest)
    found = kept(make_review("backtest", own, dated), own, tmp_path)
    rows = {(str(row["who"]), str(row["view"])): row for row in found.tables["placements"]}
    assert {who for who, view in rows if view == "aimed"} == {"planned", "standing", "random", "junctions", "foresight"}
    assert {who for who, view in rows if view == "all round"} >= {"planned", "random", "junctions"}
    for row in rows.values():
        assert 0 < float(str(row["cameras"])) <= len(own.cameras)
        low, share, high = (float(str(row[name])) for name in ("low", "share", "high"))
        assert low - 1e-9 <= share <= high + 1e-9
        assert (row["pei_low"] is None) == (row["pei_high"] is None)
    assert found.facts["learnt"] + found.facts["judged"] + found.facts["left_out"] == len(dated["incidents"])
    assert ("junctions", "aimed") in {(row["over"], row["view"]) for row in found.tables["leads"]}


def test_a_back_test_of_the_same_is_the_same(plan: Plan, dated: City) -> None:
    """Nothing of it hangs on chance: two runs tell the same rows."""
    own = dataclasses.replace(plan, city_digest=dated.digest)
    first, second = (make_review("backtest", own, dated) for _ in range(2))
    assert first.tables == second.tables


def test_what_cannot_be_reviewed_is_refused(plan: Plan, town: City) -> None:
    """A plan of another state of the city, and incidents all of one day."""
    with pytest.raises(ChaukasError) as other:
        make_review("gaps", dataclasses.replace(plan, city_digest="other"), town)
    assert other.value.code == "desk.city"
    with pytest.raises(ChaukasError) as same_day:
        make_review("backtest", plan, town)
    assert same_day.value.code == "backtest.split"


def test_the_wish_of_a_back_test_can_be_planned(wish: Scenario) -> None:
    """Rules that hang on this plan's cameras, wards and costs are left aside, and no search takes longer than its limit."""
    strict = dataclasses.replace(wish, keep=("a",), ward_floor=0.4, wanted_share=0.5, yearly_inr=9, grid=True, time_limit_s=600.0)
    bare = bare_wish(strict)
    assert (bare.keep, bare.ward_floor, bare.wanted_share, bare.yearly_inr, bare.grid) == ((), 0.0, 0.0, None, False)
    assert bare.time_limit_s == 10.0
    assert (bare.models, bare.level, bare.recipe) == (strict.models, strict.level, strict.recipe)


def test_what_a_back_test_costs_is_told_by_what_the_plan_took(plan: Plan) -> None:
    """Hand-worked: survey once, search twice, and half a second."""
    stages = (("demand", 1.0), ("sight", 0.5), ("optimize: greedy", 0.2), ("optimize: bound", 0.3), ("verify", 9.0))
    assert seconds_expected(dataclasses.replace(plan, stages_s=stages)) == pytest.approx(1.5 + 2 * 0.5 + 0.5)
