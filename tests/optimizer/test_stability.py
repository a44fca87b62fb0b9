"""How much of a plan hangs on the record of incidents: draws are what they say, and a plan that does not look at incidents does not change."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.backtest import split_by_time
from optimizer.stability import Reporting, load_reporting, redraw, stability
from planning.city import City
from planning.errors import ScenarioError
from tests.optimizer.test_backtest import EARLY, FAST, LATE, dated
from tests.planning.toy_streets import at, frame
from tests.town import copy_of

MANY = frame("incidents", [at(x, 0) for x in range(1000)], category=["theft", "robbery"] * 500)
NO_WARD = np.full(1000, -1, dtype=np.int64)


def drawn(reporting: Reporting, ward: np.ndarray[tuple[int], np.dtype[np.int64]] = NO_WARD, seed: int = 1) -> pd.DataFrame:
    """The thousand incidents under this reporting."""
    return redraw(MANY, reporting, ward, np.random.default_rng(seed))


def test_drawn_again_is_as_many_with_some_twice() -> None:
    """A bootstrap has the same number, from the record only, about 63 % of it, under ids of their own."""
    made = drawn(Reporting("again", again=True))
    places = set(made.geometry.x)
    assert len(made) == 1000
    assert made.index.is_unique
    assert places <= set(MANY.geometry.x)
    assert 580 < len(places) < 680


def test_thinning_keeps_its_rates() -> None:
    """Half in all; by kind its own rate, unnamed kinds whole; by ward one rate for all of a ward, another in another."""
    assert 450 < len(drawn(Reporting("half", rate=0.5))) < 550
    kinds = drawn(Reporting("kinds", kinds={"theft": 0.2}))["category"].value_counts()
    assert kinds["robbery"] == 500
    assert 60 < kinds["theft"] < 140
    ward = np.repeat([0, -1], 500)
    parts = drawn(Reporting("wards", ward_low=0.0, ward_high=1.0), ward)
    first = int((parts.geometry.x < MANY.geometry.x.iloc[500]).sum())
    assert abs(first - (len(parts) - first)) > 60  # rates 0.51 and 0.95 under this seed
    assert len(drawn(Reporting("all"))) == 1000
    assert len(drawn(Reporting("none", rate=0.0))) == 0


def test_a_plan_that_does_not_look_at_incidents_stays(town: City) -> None:
    """Under the recipe of streets no record changes anything: all sites kept, ranks the same, the same caught, on every draw."""
    city = copy_of(town, incidents=dated(EARLY, LATE))
    split = split_by_time(city["incidents"], cut=pd.Timestamp("2025-05-01"))
    wish = dataclasses.replace(FAST, recipe="streets")
    for found in stability(city, wish, split, (Reporting("half", rate=0.5), Reporting("none", rate=0.0)), number=3, draws=3):
        assert (found.sites_kept.mean, found.sites_kept.low, found.same_record) == (1.0, 1.0, 1.0)
        assert found.ward_ranks.mean == pytest.approx(1.0)
        assert (found.captured.low, found.captured.high) == (found.captured_first, found.captured_first)


def test_a_plan_by_incidents_changes_with_them(town: City) -> None:
    """Under the recipe of incidents a record that keeps few moves sites; figures are shares, equal seeds equal, the city unchanged."""
    city = copy_of(town, incidents=dated(EARLY, LATE))
    before = city.digest
    split = split_by_time(city["incidents"], cut=pd.Timestamp("2025-05-01"))
    one, again = (stability(city, FAST, split, (Reporting("few", rate=0.3),), number=3, draws=4)[0] for _ in range(2))
    assert one == again
    assert one.sites_kept.mean < 1.0
    assert 0 <= one.sites_kept.low <= one.sites_kept.mean <= one.sites_kept.high <= 1
    assert -1 <= one.ward_ranks.low <= one.ward_ranks.high <= 1
    assert 0 <= one.captured.low <= one.captured.high <= 1
    assert city.digest == before


def test_the_scenarios_of_the_file_have_sources(tmp_path: Path) -> None:
    """Each says where its figures come from and whether they are assumed; an unknown setting or a rate above 1 is refused."""
    found = load_reporting()
    assert [scenario.key for scenario in found] == ["drawn_again", "evenly", "wards", "kinds"]
    assert all(len(scenario.source) > 20 for scenario in found)
    assert [scenario.assumed for scenario in found] == [False, True, True, True]
    for text in ("rate = 1.5", "speed = 3", "ward_low = 0.9\nward_high = 0.2"):
        path = tmp_path / "reporting.toml"
        path.write_text(f'[[scenario]]\nkey = "a"\n{text}\n', encoding="utf-8")
        with pytest.raises(ScenarioError) as caught:
            load_reporting(path)
        assert caught.value.code == "records.rate"


def test_no_draw_is_no_stability(town: City) -> None:
    """Refused at once."""
    split = split_by_time(dated(EARLY, LATE), cut=pd.Timestamp("2025-05-01"))
    with pytest.raises(ScenarioError) as caught:
        stability(town, FAST, split, draws=0)
    assert caught.value.code == "backtest.number"
