"""A question with a place and a time: answered whole, or refused with every fault at once."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from coverage.matrix import build_matrix
from coverage.sight import build_walls, cast
from coverage.standing import Standing, planned, stand
from coverage.terrain import read_terrain
from coverage.who_saw import Answer, Ready, get_ready, read_place, tables, who_saw
from coverage.witness import open_eyes, witness
from planning.catalogue import load_levels, load_models, load_recipe
from planning.city import City
from planning.demand import build_demand
from planning.errors import InputError
from planning.nouns import Plan
from tests.coverage.watching import a_head, houses, stands
from tests.planning.toy_streets import EAST, NORTH, box, cross, toy_city
from tests.town import on_hills

NOON, NIGHT = "2026-11-20 12:00", "2026-11-20 22:30"
CITY = toy_city(cross(200.0, name="Main"), area=box(-300, -300, 300, 300), buildings=houses(box(10, 10, 30, 40)))
CAMERAS = stands(("a", 0.0, 0.0, 90.0, a_head()), ("b", -100.0, 0.0, 90.0, a_head()))
READY = get_ready(CITY, CAMERAS)


def degrees(x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of the toy's own metres."""
    lon, lat = pyproj.Transformer.from_crs("EPSG:32644", "EPSG:4326", always_xy=True).transform(EAST + x, NORTH + y)
    return float(lat), float(lon)


def ask(x: float, y: float, when: str | datetime.datetime = NOON, **more: object) -> Answer:
    """The answer for a place of the toy's own metres."""
    return who_saw(CITY, CAMERAS, *degrees(x, y), when, ready=READY, **more)  # type: ignore[arg-type]


def codes(lat: object, lon: object, when: object, **more: object) -> list[str]:
    """The codes of the refusal."""
    with pytest.raises(InputError) as caught:
        who_saw(CITY, CAMERAS, lat, lon, when, ready=READY, **more)  # type: ignore[arg-type]
    return [fault.code for fault in caught.value.faults]


def test_an_answer_worked_by_hand() -> None:
    """32 m east of a camera that looks east, at noon: seen at 31 px/m, or a little more on the near side of the ring; the other misses it."""
    answer = ask(32, 0)
    (one,) = answer.seen
    assert (one.camera, one.seen, one.tried) == ("a", 14, 14)
    assert 1000 / 32.3 < one.px_per_m < 1000 / 29.1
    assert [(miss.camera, miss.reasons) for miss in answer.missed] == [("b", ("reach",))]
    assert (answer.sun.night, answer.zone_h, answer.moved_m, answer.more_missed) == (False, 5.5, 0.0, 0)
    assert (answer.x_m, answer.y_m) == pytest.approx((EAST + 32, NORTH), abs=1e-3)
    assert [way.pace.key for way in answer.leaving] == ["walk", "run", "motorcycle", "car"]
    assert set(answer.roads.values()) == {"Main"}


def test_it_makes_itself_ready() -> None:
    """With nothing made before, the answer is the same."""
    fresh = who_saw(CITY, CAMERAS, *degrees(32, 0), NOON)
    assert (fresh.seen, fresh.missed, fresh.notes) == (ask(32, 0).seen, ask(32, 0).missed, ask(32, 0).notes)


def test_what_was_made_ready_for_others_is_not_used() -> None:
    """Ready for one set of cameras, asked for another, or of another city: the answer is for those asked for."""
    other = stands(("x", 0.0, 0.0, 90.0, a_head()))
    assert [one.camera for one in who_saw(CITY, other, *degrees(32, 0), NOON, ready=READY).seen] == ["x"]
    turned = stands(("a", 0.0, 0.0, 270.0, a_head()), ("b", -100.0, 0.0, 90.0, a_head()))
    assert who_saw(CITY, turned, *degrees(32, 0), NOON, ready=READY).seen == ()
    walled = toy_city(cross(200.0), area=box(-300, -300, 300, 300), buildings=houses(box(10, -10, 12, 10)))
    assert who_saw(walled, CAMERAS, *degrees(32, 0), NOON, ready=READY).seen == ()
    old, new = stands(("a", 0.0, 0.0, 90.0, a_head())), stands(("b", -100.0, 0.0, 90.0, a_head()))
    split = who_saw(CITY, old, *degrees(32, 0), NOON, planned=new, ready=READY)
    assert [(one.camera, one.planned) for one in (*split.seen, *split.missed)] == [("a", False), ("b", True)]


ANY_NUMBER = st.one_of(st.floats(), st.integers(), st.none(), st.text(max_size=5), st.booleans())


@settings(max_examples=150)
@given(lat=ANY_NUMBER, lon=ANY_NUMBER, when=st.one_of(st.text(max_size=30), st.datetimes(), st.none()), minutes=ANY_NUMBER, zone=ANY_NUMBER)
def test_whatever_is_asked_is_answered_or_refused(lat: object, lon: object, when: object, minutes: object, zone: object) -> None:
    """No foreign error comes out, whatever goes in: an answer, or our faults with codes of their own."""
    for place in ((lat, lon), degrees(5, 5)):
        try:
            assert isinstance(who_saw(CITY, CAMERAS, *place, when, minutes=minutes, zone_h=zone, ready=READY), Answer)  # type: ignore[arg-type]
        except InputError as refused:
            assert all(fault.code.startswith("witness.") for fault in refused.faults)


def test_by_night_the_light_ends() -> None:
    """At half past ten the same camera sees as far as its light, 30 m: two points of the ring on its near side, at both heights; told as night."""
    answer = ask(32, 0, NIGHT)
    assert answer.sun.night
    assert [(one.camera, one.seen) for one in answer.seen] == [("a", 4)]
    assert any("night" in note for note in answer.notes)


@pytest.mark.parametrize(
    "when",
    [
        "2026-11-20 22:30", "20/11/2026 22:30", "20 Nov 2026 10:30 pm", "२०/११/२०२६ २२:३०", "2026-11-20T17:00:00Z", "2026-11-20T22:30+05:30",
        datetime.datetime(2026, 11, 20, 22, 30), datetime.datetime(2026, 11, 20, 17, 0, tzinfo=datetime.UTC),
    ],
)  # fmt: skip
def test_times_as_people_write_them(when: str | datetime.datetime) -> None:
    """ISO, day first, month names, Devanagari digits, and moments with a zone of their own turned into local time."""
    assert ask(32, 0, when).when == datetime.datetime(2026, 11, 20, 22, 30)


def test_all_faults_at_once() -> None:
    """No place, no time, too many minutes, no zone and no pace are told together."""
    found = codes(float("nan"), 200, "whenever at 5:00", minutes=1e9, zone_h=99, paces=("fly",))
    assert found == ["witness.place", "witness.zone", "witness.time", "witness.minutes", "witness.pace"]


@pytest.mark.parametrize("when", ["", "yesterday", "2026-13-45 10:00", "2026-11-20", "20 November 2026", None, 5, "9" * 500])
def test_unreadable_times_are_refused(when: object) -> None:
    """A day alone is no time either: it would be read as its midnight."""
    assert codes(*degrees(0, 0), when) == ["witness.time"]


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (0, 181), (float("inf"), 0), ("22", "82"), (None, None), (True, 1)])
def test_places_that_are_none_are_refused(lat: object, lon: object) -> None:
    """Numbers of degrees only, within the globe."""
    assert codes(lat, lon, NOON) == ["witness.place"]


@pytest.mark.parametrize("minutes", [-1, float("nan"), 1e6, "ten"])
def test_minutes_out_of_bounds_are_refused(minutes: object) -> None:
    """From 0 to what data/witness.toml allows."""
    assert codes(*degrees(0, 0), NOON, minutes=minutes) == ["witness.minutes"]


def test_a_place_outside_is_refused_and_a_turned_pair_is_recognised() -> None:
    """Outside the study area is a fault; where longitude was given first, the way out says so."""
    assert codes(*degrees(400, 0), NOON) == ["witness.area"]
    lat, lon = degrees(0, 0)
    with pytest.raises(InputError) as caught:
        who_saw(CITY, CAMERAS, lon, lat, NOON, ready=READY)
    assert "wrong way round" in caught.value.faults[0].way_out


def test_a_place_inside_a_house_is_looked_for_on_its_street() -> None:
    """An address lies in its building: the nearest street is looked at instead, and told."""
    answer = ask(20, 25)
    assert (answer.x_m - EAST, answer.y_m - NORTH) == pytest.approx((0, 25), abs=1e-3)
    assert answer.moved_m == pytest.approx(20, abs=1e-3)
    assert any("inside a building" in note for note in answer.notes)


def test_points_behind_a_wall_are_no_part_of_the_place() -> None:
    """1 m before a wall three of the ring's six points lie beyond it and are left out: four points of two heights are tried."""
    tried = {one.tried for one in ask(20, 9).seen}
    assert tried == {2 * 4}


def test_a_sunset_within_the_minutes_is_told() -> None:
    """The sun sets at about 17:18: asked at 17:15 for 10 minutes it is day, and the change is told; at noon nothing is."""
    assert any("sun sets within" in note for note in ask(32, 0, "2026-11-20 17:15").notes)
    assert any("sun rises within" in note for note in ask(32, 0, "2026-11-20 06:10").notes)
    assert not any("within these minutes" in note for note in ask(32, 0, NOON).notes)


def test_no_minutes_no_ways_out() -> None:
    """0 minutes ask for the place alone; one pace may be asked for by itself."""
    assert ask(32, 0, minutes=0).leaving == ()
    assert [way.pace.key for way in ask(32, 0, paces=("car",)).leaving] == ["car"]


def test_a_plan_s_cameras_are_marked(town: City, plan: Plan) -> None:
    """Existing and planned cameras answer together, each said to be what it is; every planned camera sees some demand point it was bought for."""
    models = load_models()
    existing, wished = stand(town["cameras"], town["buildings"], models, 62.5), planned(plan.cameras, models, 62.5)
    ready = get_ready(town, existing, wished)
    covered = plan.demand[plan.demand["after"].astype(bool) & ~plan.demand["before"].astype(bool)]
    lon, lat = ready.to_degrees.transform(covered.geometry.x.to_numpy(), covered.geometry.y.to_numpy())
    found: set[str] = set()
    for a, b in zip(lat, lon, strict=True):
        answer = who_saw(town, existing, a, b, NOON, planned=wished, minutes=0, ready=ready)
        assert any(one.planned and "observation" in one.levels for one in answer.seen)
        assert all(one.planned == (one.camera in wished.ids) for one in answer.seen)
        found |= {one.camera for one in answer.seen if one.planned}
    assert found == set(wished.ids)


def test_an_empty_city_answers() -> None:
    """No cameras, no buildings, no streets: nobody saw, and nothing breaks."""
    bare = toy_city(cross(50.0).iloc[:0], area=box(-300, -300, 300, 300))
    none = stands()
    answer = who_saw(bare, none, *degrees(0, 0), NOON)
    assert (answer.seen, answer.missed, answer.leaving) == ((), (), ())


def test_tables_are_rows_to_print() -> None:
    """Four tables of texts, as wide as their headings, with windows as clock times and reasons in words."""
    answer = ask(32, 0)
    seen, missed, leaving, unseen = tables(answer)
    assert seen.rows and missed.rows and leaving.rows
    assert not unseen.rows  # the place itself is in view
    (*_, unseen) = tables(ask(-150, 0))
    for table in (seen, missed, leaving, unseen):
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert all(isinstance(cell, str) for row in table.rows for cell in row)
    assert seen.rows[0][:2] == ("a", "existing")
    assert dict(zip(missed.columns, missed.rows[0], strict=True))["why"] == "Out of reach"
    first = dict(zip(leaving.columns, leaving.rows[0], strict=True))
    assert first["pace"] == "walk"
    assert "12:00:00" <= first["from"] <= first["to"] <= "12:10:00"


def test_the_list_of_misses_ends_somewhere() -> None:
    """Only the nearest are listed, the others counted."""
    few = replace(READY, settings=replace(READY.settings, most_missed=0))
    answer = who_saw(CITY, CAMERAS, *degrees(32, 0), NOON, ready=few)
    assert (answer.missed, answer.more_missed) == ((), 1)


def test_places_as_text() -> None:
    """Latitude, longitude, with a comma or a blank, in Devanagari digits too; anything else is refused."""
    for text in ("22.09,82.15", " 22.09 , 82.15 ", "22.09 82.15", "२२.०९,८२.१५"):
        assert read_place(text) == (22.09, 82.15)
    for text in ("", "22.09", "22.09;82.15;1", "north", "1e3,5"):
        with pytest.raises(InputError) as caught:
            read_place(text)
        assert caught.value.code == "witness.place"


def test_ready_says_what_was_assumed_of_the_cameras(town: City) -> None:
    """What `stand` assumed is told with each answer."""
    existing: Standing = stand(town["cameras"], town["buildings"], load_models(), 62.5)
    ready: Ready = get_ready(town, existing)
    assert ready.notes == existing.notes != ()


def test_on_terrain_who_saw_is_who_sees(town: City, tmp_path: Path) -> None:
    """On hilly ground the cameras told for a street point, at the survey's level, are those whose row of the survey's own matrix sees it."""
    city = on_hills(town, tmp_path)
    models, px = load_models(), load_levels()["observation"].px_per_m
    cameras = stand(city["cameras"], city["buildings"], models, px)
    walls = build_walls(city["buildings"], (549_000.0, 2_439_000.0), read_terrain(city))
    eyes = open_eyes(cameras, models, terrain=walls.terrain)
    demand = build_demand(city, load_recipe("balanced"))
    points, z = shapely.get_coordinates(demand.geometry.array), demand["target_m"].to_numpy(float)
    reach = max(head.slant_m for head in cameras.poses.heads)
    lines = cast(walls, cameras.points_m, points, z, reach_m=reach, highest_m=max(head.height_m for head in cameras.poses.heads) + 1e-9)
    seen = build_matrix(lines, cameras.poses, len(points)).px_per_m
    assert seen.nnz > 5
    for column in np.unique(np.concatenate([seen.indices[:40], np.arange(0, len(points), 9)])):
        told, _ = witness(walls, eyes, points[column][None, :], [float(z[column])], load_levels())
        fine = {one.camera for one in told if one.px_per_m >= px * (1 - 1e-9)}
        rows = seen[:, [column]].nonzero()[0]
        assert fine == {cameras.ids[cameras.poses.site[row]] for row in rows}
