"""What the map is sent."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from planning.city import City, Source
from planning.errors import InputError
from planning.nouns import Plan, Scenario
from screens import mapdata
from screens.library import PlanFile
from tests.screens.toy import EAST, HOSTILE, NORTH, SIDE, toy_city, toy_ladder, toy_plan


def opened(content: bytes) -> dict[str, Any]:
    """The JSON of a packed layer."""
    answer: dict[str, Any] = json.loads(gzip.decompress(content))
    return answer


def points(pack: dict[str, Any], city: City) -> np.ndarray:
    """Points in the city's CRS, unpacked the way the browser does it: running sums of steps from the origin."""
    plane = np.cumsum(np.array(pack["steps"], dtype=float).reshape(-1, 2), axis=0) * mapdata.UNIT_M + np.array(pack["origin"])
    x, y = pyproj.Transformer.from_crs(3857, city.crs, always_xy=True).transform(plane[:, 0], plane[:, 1])
    return np.column_stack([x, y])


def plan_pack(city: City, plan: Plan, layer: str) -> dict[str, Any]:
    """A plan's layer, unpacked."""
    return opened(mapdata.plan_layer(city, plan, PlanFile(plan.id, Path("none"), (0, 0)), layer))


@pytest.mark.parametrize("layer", ["roads", "buildings", "wards"])
def test_shapes_come_back_within_an_eighth_of_a_metre(layer: str) -> None:
    """Every coordinate of every shape comes back to within 0.125 m, in order, split where the shapes are."""
    city = toy_city()
    pack = opened(mapdata.city_layer(city, layer))
    shapes = np.asarray(city[layer].geometry.array)
    assert sum(pack["sizes"]) == len(pack["steps"]) // 2 == len(shapely.get_coordinates(shapes))
    assert pack["sizes"] == shapely.get_num_coordinates(shapes).tolist()
    assert np.abs(points(pack, city) - shapely.get_coordinates(shapes)).max() < mapdata.UNIT_M / 2


def test_holes_and_parts_are_rings() -> None:
    """A building of two parts, one with a hole, is three rings."""
    city = toy_city()
    frame = city["buildings"].iloc[:1].copy()
    ring = shapely.box(EAST, NORTH, EAST + 50, NORTH + 50).difference(shapely.box(EAST + 10, NORTH + 10, EAST + 20, NORTH + 20))
    frame.geometry = [shapely.MultiPolygon([ring, shapely.box(EAST + 60, NORTH, EAST + 70, NORTH + 10)])]
    pack = opened(mapdata.city_layer(replace(city, frames={**city.frames, "buildings": frame}, digest=""), "buildings"))
    assert pack["sizes"] == [5, 5, 5]


def test_a_city_without_anything_is_drawn_empty() -> None:
    """Layers without rows pack to nothing rather than fail."""
    city = toy_city()
    bare = City(name="bare", title="Bare", title_hi="", crs=city.crs, area=city.area, frames={})
    for layer in ("roads", "buildings", "wards", "cameras"):
        assert opened(mapdata.city_layer(bare, layer))["steps"] == []


def test_existing_cameras_say_what_is_not_known() -> None:
    """An unknown bearing is null, not nought: nought is north."""
    rows = opened(mapdata.city_layer(toy_city(), "cameras"))["rows"]
    assert [row["bearing"] for row in rows] == [0.0, 90.0, None, None, 225.0]
    assert rows[0]["id"] == HOSTILE


def test_planned_cameras_carry_cost_ward_and_gain() -> None:
    """Each pin stands where its camera does and tells its model, its site's cost and its ward's name."""
    city = toy_city()
    plan = toy_plan(city, Scenario("toy", 1_000_000))
    pack = plan_pack(city, plan, "cameras")
    assert np.abs(points(pack, city) - [(camera.x_m, camera.y_m) for camera in plan.cameras]).max() < mapdata.UNIT_M / 2
    row = pack["rows"][1]
    assert (row["model"], row["cost"], row["site_cost"], row["ward"], row["gain"]) == ("bullet-4mp", 40_000, 10_000, "Ward 2", 0.01)


def test_demand_marks_state_and_weight() -> None:
    """Marks count to the frame's points seen before, seen by the plan and unseen; heavier points bear a higher step."""
    city = toy_city()
    plan = toy_plan(city, Scenario("toy", 1_000_000))
    pack = plan_pack(city, plan, "demand")
    state, step = np.divmod(np.array(pack["marks"]), mapdata.WEIGHT_STEPS)
    before, after = plan.demand["before"].to_numpy(), plan.demand["after"].to_numpy()
    assert [(state == s).sum() for s in (0, 1, 2)] == [(~after).sum(), before.sum(), (after & ~before).sum()]
    places = shapely.get_coordinates(plan.demand.geometry.array)
    there = {(round(x), round(y)): weight for (x, y), weight in zip(places, plan.demand["weight"], strict=True)}
    weights = np.array([there[round(x), round(y)] for x, y in points(pack, city)])
    assert weights[step > step.min()].min() > weights[step == step.min()].max()


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_demand_of_one_weight_or_none(weight: float) -> None:
    """All weights equal, or all nought, still draws every point."""
    city = toy_city()
    plan = toy_plan(city, Scenario("toy", 1_000_000))
    plan = replace(plan, demand=plan.demand.assign(weight=weight), verified=bool(weight), city_digest=f"flat {weight}")
    marks = np.array(plan_pack(city, plan, "demand")["marks"])
    assert len(marks) == len(plan.demand)
    assert ((marks >= 0) & (marks < 3 * mapdata.WEIGHT_STEPS)).all()


def test_views_are_split_by_who_sees() -> None:
    """What planned cameras see and what existing ones see are two layers that share no camera; an empty view is left out without breaking."""
    city = toy_city()
    plan = toy_plan(city, Scenario("toy", 1_000_000))
    planned, existing = (plan_pack(city, plan, layer)["cameras"] for layer in ("views", "existing_views"))
    assert sorted(planned) == sorted(camera.id for camera in plan.cameras)
    assert sorted(existing) == sorted(city["cameras"].index)
    views = plan.views.copy()
    views.geometry = gpd.GeoSeries([shapely.Polygon(), *views.geometry.iloc[1:]], index=views.index, crs=views.crs)
    blind = replace(plan, views=views, city_digest="blind")
    assert len(plan_pack(city, blind, "views")["cameras"]) == len(plan.cameras) - 1


def test_unknown_layers_are_refused() -> None:
    """A layer we do not have is refused with those we have."""
    city = toy_city()
    plan = toy_plan(city, Scenario("toy", 1_000_000))
    with pytest.raises(InputError, match="roads"):
        mapdata.city_layer(city, "incidents")
    with pytest.raises(InputError, match="demand"):
        mapdata.plan_layer(city, plan, PlanFile(plan.id, Path("none"), (0, 0)), "roads")


def test_bounds_hold_the_study_area() -> None:
    """Bounds are south-west and north-east in degrees, near Bilaspur, and as large as the area."""
    (south, west), (north, east) = mapdata.bounds(toy_city())
    assert 22 < south < north < 22.3
    assert 82 < west < east < 82.3
    assert (north - south) * 111_000 == pytest.approx(SIDE, rel=0.03)


@pytest.mark.parametrize(("source", "said"), [("© OpenStreetMap contributors", True), ("survey of 2024", False)])
def test_credit_goes_to_openstreetmap_where_it_is_due(source: str, said: bool) -> None:
    """A city whose sources name OpenStreetMap is credited to it, another is not."""
    assert mapdata.from_osm(replace(toy_city(), sources=(Source("roads", source),))) is said


def test_a_ladder_s_layers_say_when_each_camera_and_point_comes() -> None:
    """Cameras bear the rung that first holds them; points, wherever they are sorted to, the rung that first sees them, 0 for existing cameras."""
    city = toy_city()
    ladder = toy_ladder(city)
    file = PlanFile(ladder.id, Path("none"), (0, 0))
    cameras = opened(mapdata.ladder_layer(city, ladder, file, "cameras"))
    assert [row["id"] for row in cameras["rows"]] == [camera.id for camera in ladder.cameras]
    assert cameras["entered"] == list(ladder.entered)
    demand = opened(mapdata.ladder_layer(city, ladder, file, "demand"))
    found = {tuple(np.round(point).astype(int)): mark // 4 for point, mark in zip(points(demand, city), demand["marks"], strict=True)}
    for point, rung in zip(ladder.points_m, ladder.seen_from, strict=True):
        assert found[tuple(np.round(point).astype(int))] == rung + 1
    assert [mark % 4 for mark in demand["marks"]] == sorted(mark % 4 for mark in demand["marks"])
    with pytest.raises(InputError) as caught:
        mapdata.ladder_layer(city, ladder, file, "views")
    assert caught.value.code == "map.layer"
