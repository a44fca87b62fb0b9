"""People's suggestions as a part of demand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyproj
import pytest
import shapely

from planning.catalogue import load_recipe
from planning.city import City
from planning.demand import TOTAL, build_demand
from planning.errors import ScenarioError
from planning.nouns import Scenario
from planning.store import Store
from planning.suggestions import Limit, moderate, shown_places, suggest
from planning.voices import PART, places_digest, suggestion_figures, weigh_suggestions, written_place
from tests.planning.test_suggestions import LAT, LON, PLANNER
from tests.screens.toy import toy_city
from tests.town import WISH


def place_of(city: City, x: float, y: float) -> str:
    """A place given in the city's metres, as a scenario holds it."""
    lon, lat = pyproj.Transformer.from_crs(city.crs, 4326, always_xy=True).transform(x, y)
    return written_place(lat, lon)


def wish(percent: int, *places: str) -> Scenario:
    """The town's wish with suggestions weighed in."""
    return dataclasses.replace(WISH, suggestions_percent=percent, suggestions=tuple(sorted(places)))


@pytest.fixture(name="bare", scope="module")
def bare_demand(town: City) -> object:
    """The town's demand by the recipe alone."""
    return build_demand(town, load_recipe("balanced"))


def test_a_suggestion_weighs_where_it_is_and_not_beyond_the_stated_distance(town: City, bare: object) -> None:
    """Its share goes to the points within the distance, more to the nearer; all together stays a million; the base is left alone."""
    before = bare["weight"].copy()  # type: ignore[index]
    spot = bare.geometry.iloc[3]  # type: ignore[attr-defined]
    found = weigh_suggestions(town, bare, wish(20, place_of(town, spot.x, spot.y)))  # type: ignore[arg-type]
    away = shapely.distance(found.geometry.array, spot)
    part = found[PART].to_numpy()
    assert found["weight"].sum() == pytest.approx(TOTAL)
    assert part.sum() == pytest.approx(0.2 * TOTAL)
    assert (part[away > suggestion_figures()["within_m"] + 0.2] == 0).all()  # a place is written to 0.1 m
    near = np.argsort(away)[:5]
    assert (np.diff(part[near]) <= 0.01 * part.max()).all()  # either side of a street is as near
    assert part[3] == part.max()
    parts = [name for name in found.columns if name.startswith("part_")]
    assert np.allclose(found[parts].sum(axis=1), found["weight"])
    assert np.allclose(found["weight"] - part, 0.8 * before)
    assert (bare["weight"] == before).all()  # type: ignore[index]
    assert PART not in bare.columns  # type: ignore[attr-defined]


def test_equal_suggestions_weigh_alike_in_any_order_and_the_note_says_how_many(town: City, bare: object) -> None:
    """Two places share the weight evenly, twice the same place counts twice, and the plan can be repeated from what the note names."""
    first, second = (place_of(town, *bare.geometry.iloc[row].coords[0]) for row in (0, 20))  # type: ignore[attr-defined]
    far = place_of(town, *(np.array(town.area.bounds[:2]) - 5_000))
    found = weigh_suggestions(town, bare, wish(10, first, second, far))  # type: ignore[arg-type]
    twice = weigh_suggestions(town, bare, wish(10, first, first, second))  # type: ignore[arg-type]
    assert found[PART].sum() == pytest.approx(0.1 * TOTAL)
    assert twice[PART].iloc[0] > found[PART].iloc[0]
    assert (found[PART] == weigh_suggestions(town, bare, wish(10, second, far, first))[PART]).all()  # type: ignore[arg-type]
    note = found.attrs["notes"][-1]
    assert "3 accepted suggestions" in note
    assert "1 of them lie farther" in note
    assert places_digest((second, far, first)) in note
    assert places_digest((first, second)) not in note


def test_no_suggestion_changes_nothing(town: City, bare: object) -> None:
    """Without a weight the very frame comes back, and the scenario's id is that of plans made before there was such a weight."""
    assert weigh_suggestions(town, bare, WISH) is bare  # type: ignore[arg-type]
    assert wish(0).id == WISH.id != wish(10, written_place(22.1, 82.1)).id
    assert Scenario.from_json(wish(10, written_place(22.1, 82.1)).to_json()) == wish(10, written_place(22.1, 82.1))


def test_a_weight_without_suggestions_and_places_that_are_none_are_refused(town: City, bare: object) -> None:
    """Each fault has the same code; places all far from the city are told before a plan is made."""
    good = "22.100000,82.100000"
    for percent, places in ((10, ()), (0, (good,)), (91, (good,)), (10, ("22.1,82.1",)), (10, ("95.000000,82.100000",))):
        with pytest.raises(ScenarioError) as refused:
            wish(percent, *places)
        assert refused.value.code == "scenario.suggestions"
    with pytest.raises(ScenarioError) as far:
        weigh_suggestions(town, bare, wish(10, written_place(10.0, 10.0)))  # type: ignore[arg-type]
    assert far.value.code == "scenario.suggestions"


def test_only_what_is_shown_weighs(sqlite: Store) -> None:
    """A suggestion that waits or is hidden has no place among those a scenario takes."""
    city = toy_city()
    ids = [suggest(sqlite, PLANNER, city, LAT + k / 10_000, LON, "Dark at night", limit=Limit()) for k in range(3)]
    assert shown_places(sqlite, "toy") == ()
    moderate(sqlite, PLANNER, ids[1], "shown")
    moderate(sqlite, PLANNER, ids[2], "hidden", "no")
    assert shown_places(sqlite, "toy") == (written_place(LAT + 1 / 10_000, LON),)
