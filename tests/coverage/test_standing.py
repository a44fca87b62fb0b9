"""Cameras that already stand: what is assumed is told, and none stands in a wall."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from coverage.poses import Head, make_head
from coverage.standing import OFF_WALL_M, Standing, load_defaults, planned, stand, together
from planning.catalogue import load_models
from planning.errors import ScenarioError
from planning.nouns import PlannedCamera
from tests.planning.toy_streets import EAST, NORTH, at, box, frame

MODELS = load_models()
LEVEL = 62.5


def cameras(*points: shapely.Point, **columns: Any) -> gpd.GeoDataFrame:
    """Cameras on record."""
    return frame("cameras", points, **{"kind": "fixed", "source": "test", **columns})


def houses(*shapes: shapely.Geometry, height: float | list[float] = 9.0) -> gpd.GeoDataFrame:
    """Houses of this height."""
    return frame("buildings", shapes, height_m=height, height_source="made")


def standing(table: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None = None, **more: Any) -> Standing:
    """The cameras as taken to be, at the level of observation."""
    return stand(table, houses() if buildings is None else buildings, MODELS, LEVEL, **more)


def test_a_full_record_is_taken_as_it_is() -> None:
    """Model, bearing, field of view and height on record stand, on the model's nearest lens; nothing is assumed."""
    table = cameras(at(0, 0), model="varifocal-4mp", bearing_deg=10.0, hfov_deg=50.0, height_m=5.0)
    found = standing(table)
    head = found.poses.heads[0]
    assert (head.model, head.hfov_deg, head.vfov_deg, head.height_m) == ("varifocal-4mp", 50.0, 31.0, 5.0)
    assert found.poses.bearing_deg.tolist() == [10.0]
    assert found.notes == ()
    assert head.focal_px == pytest.approx(1280 / np.tan(np.radians(25)))


def test_what_is_silent_is_assumed_and_counted() -> None:
    """A missing model, height or bearing comes from data/standing.toml; each kind of silence is counted in a sentence."""
    table = cameras(at(0, 0), at(50, 0), at(90, 0), kind=["fixed", "dome", "strange"], height_m=[6.0, None, None], bearing_deg=[0.0, None, 90.0])
    found = standing(table)
    defaults = load_defaults()
    assert [head.model for head in found.poses.heads] == ["bullet-4mp", "dome-5mp", "bullet-4mp"]
    assert [head.height_m for head in found.poses.heads] == [6.0, defaults["height_m"], defaults["height_m"]]
    told = " ".join(found.notes)
    assert "3 of 3 existing cameras have no model" in told
    assert "2 of 3 existing cameras have no height" in told
    assert "1 of 3 existing cameras have no bearing" in told


def test_an_unknown_bearing_looks_all_round_no_farther_than_the_lens() -> None:
    """Where nobody knows where a camera looks it is taken to look all round, at the lens's own reach."""
    found = standing(cameras(at(0, 0), model="bullet-4mp", height_m=6.0))
    own = make_head(MODELS["bullet-4mp"], 0, 6.0, LEVEL)
    assert own is not None
    assert found.poses.heads[0].hfov_deg == 360.0
    assert (found.poses.heads[0].far_m, found.poses.heads[0].focal_px) == (own.far_m, own.focal_px)


def test_unknown_models_are_one_fault_that_lists_them_all() -> None:
    """Models the catalogue lacks are named together, each once."""
    with pytest.raises(ScenarioError) as caught:
        standing(cameras(at(0, 0), at(9, 0), at(20, 0), at(30, 0), model=["zeta", None, "alpha", "zeta"]))
    assert caught.value.code == "camera.model"
    assert caught.value.faults[0].value == "alpha, zeta"


def test_a_camera_in_a_tall_house_hangs_on_its_nearest_wall() -> None:
    """Recorded 1 m inside a house taller than its mount, a camera is moved to just outside that wall, and that is told."""
    found = standing(cameras(at(19, 5), height_m=6.0, bearing_deg=90.0, model="bullet-4mp"), houses(box(0, 0, 20, 10)))
    np.testing.assert_allclose(found.points_m, [[EAST + 20 + OFF_WALL_M, NORTH + 5]], atol=1e-6)
    assert any("1 existing cameras are recorded inside a building" in note for note in found.notes)


def test_a_camera_above_a_low_roof_stays() -> None:
    """On a roof no higher than its mount a camera stands where it is recorded; so does one outside every house."""
    for table, roof in ((cameras(at(19, 5), height_m=9.0), 9.0), (cameras(at(25, 5)), 30.0)):
        found = standing(table, houses(box(0, 0, 20, 10), height=roof))
        assert found.points_m.tolist() == shapely.get_coordinates(table.geometry.array).tolist()
        assert not any("inside a building" in note for note in found.notes)


def test_in_a_row_of_houses_a_camera_gets_out_of_them_all() -> None:
    """Moved through a party wall it would stand in the neighbour's house: it goes on until it stands outside every tall house."""
    row = houses(*(box(10 * k, 0, 10 * k + 10, 40) for k in range(3)), height=[9.0, 9.0, 3.0])
    found = standing(cameras(at(9.5, 20), at(19.8, 20), height_m=6.0), row)
    np.testing.assert_allclose(found.points_m, [[EAST - OFF_WALL_M, NORTH + 20], [EAST + 20 + OFF_WALL_M, NORTH + 20]], atol=1e-6)


def test_a_camera_in_a_house_with_a_court_may_hang_in_the_court() -> None:
    """The nearest wall may be the court's."""
    ring = houses(shapely.Polygon(box(0, 0, 30, 30).exterior, [box(10, 10, 20, 20).exterior]))
    found = standing(cameras(at(9, 15)), ring)
    np.testing.assert_allclose(found.points_m, [[EAST + 10 + OFF_WALL_M, NORTH + 15]], atol=1e-6)


def test_a_height_of_nought_is_no_height() -> None:
    """A mount at 0 m is a record left blank: the default is taken, for the roof's comparison too."""
    found = standing(cameras(at(19, 5), height_m=0.0), houses(box(0, 0, 20, 10), height=5.0))
    assert found.poses.heads[0].height_m == 6.0
    assert found.points_m.tolist() == [[EAST + 19, NORTH + 5]]


def test_a_camera_that_reaches_nothing_is_counted() -> None:
    """A mount higher than the reach leaves a camera without a pose; it is told, and the others keep their rows."""
    found = standing(cameras(at(0, 0), at(9, 0), height_m=[90.0, 6.0], hfov_deg=90.0))
    assert found.poses.site.tolist() == [1]
    assert len(found.points_m) == len(found.ids) == 2
    assert any("1 existing cameras reach nothing" in note for note in found.notes)


def test_night_shortens_what_they_see() -> None:
    """By night a camera reaches its model's night range at most."""
    day, night = (standing(cameras(at(0, 0), model="varifocal-8mp", hfov_deg=31.0), by_night=flag).poses.heads[0].slant_m for flag in (False, True))
    assert night == MODELS["varifocal-8mp"].night_range_m < day


def test_no_cameras_are_no_poses() -> None:
    """A city without cameras has nothing standing and nothing to tell."""
    found = standing(cameras(), houses(box(0, 0, 9, 9)))
    assert (len(found.poses), found.ids, found.notes) == (0, (), ())


def a_planned(x: float, *, model: str = "varifocal-4mp", lens: int = 1, height: float = 6.0, bearing: float = 90.0) -> PlannedCamera:
    """A planned camera `x` metres east of the corner."""
    setting = MODELS[model].lenses[lens] if model in MODELS else MODELS["varifocal-4mp"].lenses[0]
    return PlannedCamera(
        id=f"s{x:g}/{model}/{lens}@{bearing:.1f}/{height:g}", site=f"s{x:g}", x_m=EAST + x, y_m=NORTH, model=model, hfov_deg=setting.hfov_deg,
        vfov_deg=setting.vfov_deg, bearing_deg=bearing, tilt_deg=10.0, height_m=height, reach_m=50.0, lens=lens, cost_inr=1, yearly_inr=1, ward="",
        sees=1, gain=0.1,
    )  # fmt: skip


def test_planned_cameras_stand_as_they_are_planned() -> None:
    """Place, bearing and lens are the plan's, the reach is that of the level asked for; those that reach nothing are counted."""
    found = planned([a_planned(0), a_planned(9, height=90.0), a_planned(20, bearing=0.0)], MODELS, LEVEL)
    assert found.ids == ("s0/varifocal-4mp/1@90.0/6", "s9/varifocal-4mp/1@90.0/90", "s20/varifocal-4mp/1@0.0/6")
    assert found.points_m.tolist() == [[EAST, NORTH], [EAST + 9, NORTH], [EAST + 20, NORTH]]
    assert (found.poses.site.tolist(), found.poses.bearing_deg.tolist()) == ([0, 2], [90.0, 0.0])
    assert found.poses.heads[0] == make_head(MODELS["varifocal-4mp"], 1, 6.0, LEVEL)
    assert found.notes == ("1 planned cameras reach nothing at 62.5 px/m",)
    assert planned([a_planned(0)], MODELS, 2 * LEVEL).poses.heads[0].slant_m == pytest.approx(found.poses.heads[0].slant_m / 2)


def test_planned_cameras_of_lost_models_are_all_named() -> None:
    """A model or lens the catalogue no longer has cannot be made up."""
    with pytest.raises(ScenarioError) as caught:
        planned([a_planned(0, model="gone"), a_planned(1), replace(a_planned(2), lens=99)], MODELS, LEVEL)
    assert (caught.value.code, caught.value.faults[0].value) == ("camera.model", "gone/1, varifocal-4mp/99")


def test_groups_of_cameras_go_together() -> None:
    """Each camera keeps its id, place, head and bearing; an empty group changes nothing."""
    here = standing(cameras(at(0, 0), at(5, 0), height_m=[90.0, 6.0], bearing_deg=10.0, hfov_deg=90.0))
    there = planned([a_planned(20), a_planned(30, bearing=0.0)], MODELS, LEVEL)
    both = together(here, planned([], MODELS, LEVEL), there)
    assert both.ids == here.ids + there.ids
    assert both.points_m.tolist() == here.points_m.tolist() + there.points_m.tolist()
    assert both.notes == here.notes

    def aimed(group: Standing) -> list[tuple[str, Head, float]]:
        rows = zip(group.poses.site, group.poses.head, group.poses.bearing_deg, strict=True)
        return [(group.ids[site], group.poses.heads[head], bearing) for site, head, bearing in rows]

    assert aimed(both) == aimed(here) + aimed(there)
