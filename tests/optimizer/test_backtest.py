"""The back-test: nothing of the later incidents reaches the plan, and each placement is what it says."""

from __future__ import annotations

import dataclasses
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from optimizer.backtest import AIMED, ALL_ROUND, FAIRNESS, BackTest, backtest, learnt_city, split_at_random, split_by_time, spread_evenly
from optimizer.judge import Ground
from planning.city import City
from planning.errors import ChaukasError, InputError
from tests.planning.toy_streets import at, box, cross, frame, toy_city
from tests.town import WISH, copy_of

FAST = dataclasses.replace(WISH, time_limit_s=5.0, recipe="crime")
EARLY, LATE = [(-60, 2), (-57, 4), (3, 62), (61, 2), (0, -47)], [(-58, 1), (1, 60), (140, 1)]


def dated(spots: list[tuple[float, float]], later: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    """Incidents one a day from 1 January, the later ones one a day from 1 June."""
    when = [*pd.date_range("2025-01-01", periods=len(spots)), *pd.date_range("2025-06-01", periods=len(later))]
    return frame("incidents", [at(x, y) for x, y in [*spots, *later]], category="theft", when=when)


def judged(town: City, later: list[tuple[float, float]], **more: Any) -> BackTest:
    """The town's back-test, judged on these later incidents."""
    city = copy_of(town, incidents=dated(EARLY, later))
    return backtest(city, FAST, split_by_time(city["incidents"], cut=pd.Timestamp("2025-05-01")), **{"number": 4, "draws": 20, **more})


@pytest.fixture(scope="module")
def found(town: City) -> BackTest:
    """The back-test that most rules are read from."""
    return judged(town, LATE)


def test_time_parts_incidents_and_never_one_moment() -> None:
    """Before the cut is earlier, from it on later; equal times stay together; the undated are in neither and counted."""
    days = pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-02", None, "2025-01-03"])
    table = frame("incidents", [at(x, 0) for x in range(5)], category="theft", when=list(days))
    half = split_by_time(table, share=0.5)
    assert (half.earlier, half.later, half.undated) == (("i1",), ("i2", "i3", "i5"), 1)
    late = split_by_time(table, cut=pd.Timestamp("2025-01-03"))
    assert (late.earlier, late.later) == (("i1", "i2", "i3"), ("i5",))
    assert "2025-01-03" in late.how


def test_a_lot_parts_what_has_no_dates() -> None:
    """Seeded halves, each incident in one, said to be no test of the future."""
    table = frame("incidents", [at(x, 0) for x in range(10)], category="theft")
    one = split_at_random(table, seed=3)
    assert (len(one.earlier), len(one.later), set(one.earlier) | set(one.later)) == (5, 5, set(table.index))
    assert one == split_at_random(table, seed=3)
    assert one.earlier != split_at_random(table, seed=4).earlier
    assert "not of the future" in one.how


def test_splits_that_leave_nothing_are_refused() -> None:
    """No dates, a cut before or after all, a share of 0: refused under their codes."""
    table = frame("incidents", [at(0, 0), at(1, 0)], category="theft", when=[pd.Timestamp("2025-01-01"), pd.Timestamp("2025-01-02")])
    tries = (
        lambda: split_by_time(table.assign(when=pd.NaT)),
        lambda: split_by_time(table, cut=pd.Timestamp("2024-01-01")),
        lambda: split_by_time(table, cut=pd.Timestamp("2026-01-01")),
        lambda: split_at_random(table, share=0.0),
    )
    codes = []
    for attempt in tries:
        with pytest.raises(InputError) as caught:
            attempt()
        codes.append(caught.value.code)
    assert codes == ["backtest.dates", "backtest.split", "backtest.split", "backtest.split"]


def test_the_planner_s_city_holds_the_earlier_incidents_only(town: City) -> None:
    """No later incident, no camera, a digest of its own; the city itself stays as it was."""
    city = copy_of(town, incidents=dated(EARLY, LATE))
    digest = city.digest
    known = learnt_city(city, split_by_time(city["incidents"], cut=pd.Timestamp("2025-05-01")))
    assert known["incidents"]["when"].max() < pd.Timestamp("2025-05-01")
    assert (len(known["incidents"]), len(known["cameras"])) == (5, 0)
    assert known.digest != digest
    assert (city.digest, len(city["incidents"]), len(city["cameras"])) == (digest, 8, 4)


def test_nothing_of_the_later_incidents_reaches_the_plan(town: City, found: BackTest) -> None:
    """Other later incidents, the same plan, the same street length in view of everybody but foresight; only what is caught changes."""
    other = judged(town, [(100, -2), (-130, 2), (-3, -90), (1, 120)])
    assert other.sites == found.sites
    for placement in found.placements:
        if placement.who != "foresight":
            assert other.of(placement.who, placement.view).score.length_share == placement.score.length_share
    assert other.of("foresight").score.length_share != found.of("foresight").score.length_share
    assert other.of("planned").score.share != found.of("planned").score.share


def test_everybody_gets_as_many_cameras_and_foresight_catches_most(found: BackTest) -> None:
    """Each placement has its number, a sentence on its fairness, and no more than foresight; the lot's mean lies within its spread."""
    assert [(p.who, p.view) for p in found.placements] == list(FAIRNESS)
    assert {p.cameras for p in found.placements if p.who != "foresight"} == {4}
    assert {found.of("foresight", view).cameras <= 4 for view in (AIMED, ALL_ROUND)} == {True}  # fewer may catch all there is
    for view in (AIMED, ALL_ROUND):
        for who in ("planned", "random", "junctions"):
            assert found.of(who, view).score.share <= found.of("foresight", view).score.share
        spread = found.of("random", view).spread
        assert spread is not None
        assert spread.low <= spread.mean <= spread.high
        assert spread.mean == found.of("random", view).score.share
    assert all(len(p.fairness) > 20 for p in found.placements)
    assert found.of("planned").score.share >= found.of("random").score.share
    assert found.ground.incidents == 3
    assert "promises nothing" in found.notes[-1]


def test_a_lead_by_hand(found: BackTest) -> None:
    """Of a hundred incidents one placement alone sees 30, another alone 10: ahead by 20 points, 8 to 32 by chance; none over itself."""
    seen = {"planned": (1, 1, 0, 0), "junctions": (0, 1, 1, 0)}
    hits = np.array([30.0, 20, 10, 40])
    placements = [dataclasses.replace(found.of(who), seen=np.array(cells, dtype=bool)) for who, cells in seen.items()]
    made = dataclasses.replace(found, placements=tuple(placements), ground=Ground(np.zeros((4, 2)), np.ones(4), hits, 0))
    lead = made.lead("planned", "junctions")
    assert (lead.mean, lead.low, lead.high) == (pytest.approx(0.2), pytest.approx(0.08, abs=0.02), pytest.approx(0.32, abs=0.02))
    none = made.lead("planned", "planned")
    assert (none.mean, none.low, none.high) == (0, 0, 0)
    with pytest.raises(KeyError):
        found.lead("planned", "random")


def test_equal_seeds_give_equal_answers(town: City, found: BackTest) -> None:
    """The same city, split and seed: the same placements and sites; another seed draws other lots only."""
    again, other = judged(town, LATE), judged(town, LATE, seed=2)
    assert (again.placements, again.sites) == (found.placements, found.sites)
    assert other.sites == found.sites
    assert other.of("random").score != found.of("random").score


def test_by_money_nobody_spends_more(town: City) -> None:
    """Without a number the budget rules: all-round and standing cameras, which have no price, are left out."""
    made = judged(town, LATE, number=None)
    assert [(p.who, p.view) for p in made.placements] == [key for key in FAIRNESS if key[1] == AIMED and key[0] != "standing"]
    richer = dataclasses.replace(FAST, budget_inr=10 * FAST.budget_inr)
    city = copy_of(town, incidents=dated(EARLY, LATE))
    more = backtest(city, richer, split_by_time(city["incidents"], cut=pd.Timestamp("2025-05-01")), draws=5)
    for placement in made.placements[:3]:
        assert placement.who != "foresight"
        assert 0 < placement.cameras < more.of(placement.who).cameras


def test_a_camera_where_it_happens_catches_it_by_hand() -> None:
    """One camera for one straight cross: incidents keep to the east arm, early and late; the plan looks there, and the standing camera, 90 m up the
    north arm and looking away, catches none.
    """
    roads = cross(100.0)
    spots = [(40.0, 0.0), (42.0, 1.0), (45.0, -1.0)]
    city = toy_city(
        roads, area=box(-150, -150, 150, 150), incidents=dated(spots, [(41.0, 0.0), (44.0, 1.0)]),
        cameras=frame("cameras", [at(5, 90)], kind="fixed", source="toy", bearing_deg=0.0, hfov_deg=60.0),
    )  # fmt: skip
    made = backtest(city, FAST, split_by_time(city["incidents"], cut=pd.Timestamp("2025-05-01")), number=1, draws=10)
    assert made.of("planned").score.share == 1.0
    assert made.of("planned").score.pei == 1.0
    assert made.of("standing", ALL_ROUND).score.share == 0.0
    assert made.of("planned").score.pai == pytest.approx(1 / made.of("planned").score.length_share)


def test_a_city_without_cameras_has_no_standing_to_compare_with(town: City) -> None:
    """The others are compared all the same."""
    made = judged(copy_of(town, cameras=town["cameras"].iloc[:0]), LATE, draws=2)
    assert [(p.who, p.view) for p in made.placements] == [key for key in FAIRNESS if key[0] != "standing"]


def test_spread_evenly_by_hand() -> None:
    """From the middle to the farthest, then to what is farthest from both; every row once."""
    points = np.array([[0.0, 0], [10, 0], [4, 0], [10.5, 0]])
    assert spread_evenly(points).tolist() == [2, 3, 0, 1]
    assert spread_evenly(np.empty((0, 2))).tolist() == []


@pytest.mark.parametrize("more", [{"number": 0}, {"draws": 0}], ids=str)
def test_no_camera_or_no_draw_is_no_test(town: City, more: dict[str, int]) -> None:
    """Refused at once, with what was asked."""
    with pytest.raises(ChaukasError) as caught:
        judged(town, LATE, **more)
    assert caught.value.code == "backtest.number"
