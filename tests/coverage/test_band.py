"""The band: without errors no band; with them what is sure stays sure, what hangs on a wall's edge does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from coverage.band import Band, Sizes, band, bent, load_sizes
from coverage.standing import Standing, planned, stand, together
from coverage.terrain import Terrain
from optimizer.plan import ward_rows
from optimizer.survey import Survey
from planning.catalogue import load_levels, load_models
from planning.city import City
from planning.errors import ScenarioError
from planning.frames import HEIGHT_SOURCES
from planning.nouns import Plan
from tests.planning.toy_streets import EAST, NORTH, at, box, frame

MODELS = load_models()
NONE = Sizes(0.0, dict.fromkeys(HEIGHT_SOURCES, 0.0), 0.0, 0.0, 0.0, 0.0)


def camera(*points: shapely.Point, bearing: float = 90.0, hfov: float = 60.0) -> Standing:
    """Cameras 6 m up that look east, 60 deg wide, at the level of observation."""
    table = frame("cameras", points, kind="fixed", source="test", height_m=6.0, bearing_deg=bearing, hfov_deg=hfov, model="bullet-4mp")
    return stand(table, frame("buildings", []), MODELS, 62.5)


def houses(*shapes: shapely.Geometry, height: float = 9.0, source: str = "made") -> gpd.GeoDataFrame:
    """Houses of this height."""
    return frame("buildings", shapes, height_m=height, height_source=source)


def found(buildings: gpd.GeoDataFrame, cameras: Standing, *targets: tuple[float, float], weight: Any = None, **more: Any) -> Band:
    """The band over targets at eye height, each of weight 1 where none is said."""
    xy = np.array(targets, dtype=float) + (EAST, NORTH)
    return band(buildings, cameras, xy, np.full(len(xy), 1.6), np.ones(len(xy)) if weight is None else np.asarray(weight), **more)


def everything(town: City, survey: Survey, plan: Plan, **more: Any) -> Band:
    """The town's own band: existing cameras and the plan's."""
    level = load_levels()[plan.scenario.level].px_per_m
    there = stand(town["cameras"], town["buildings"], MODELS, level)
    ward, names = ward_rows(town, survey.demand)
    xy = shapely.get_coordinates(survey.demand.geometry.array)
    both = together(there, planned(plan.cameras, MODELS, level))
    settings: dict[str, Any] = {"ward": ward, "ward_names": names, "recorded": len(there.ids), **more}
    return band(town["buildings"], both, xy, survey.demand["target_m"].to_numpy(), survey.demand["weight"].to_numpy(), **settings)


def test_no_error_no_band(town: City, survey: Survey, plan: Plan) -> None:
    """With errors of size 0 every draw is the plan's own coverage, in all and by ward, and what is seen is seen in every draw."""
    made = everything(town, survey, plan, sizes=NONE, draws=3)
    assert made.covered == pytest.approx(plan.scorecard.after, abs=1e-12)
    assert (made.low, made.median, made.high) == (made.covered,) * 3
    assert made.draws.tolist() == [made.covered] * 3
    assert [(w.ward, w.covered, w.low, w.high) for w in made.wards] == [
        (w.ward, pytest.approx(w.after), pytest.approx(w.after), pytest.approx(w.after)) for w in plan.scorecard.wards
    ]
    assert (made.seen_share == plan.demand["after"].to_numpy(dtype=float)).all()
    assert (made.robust == plan.demand["after"].to_numpy(dtype=bool)).all()


def test_the_assumed_errors_give_a_band_with_coverage_near_it(town: City, survey: Survey, plan: Plan) -> None:
    """With the errors of data/doubt.toml the band has a width, its ends in order, and each size is told as assumed with its source."""
    made = everything(town, survey, plan)
    assert 0 < made.low < made.median < made.high < 1
    assert made.high - made.low < 0.3
    assert abs(made.median - made.covered) < 0.15
    assert all(ward.low <= ward.high for ward in made.wards)
    assert set(np.round(made.seen_share * 30, 9)) <= set(range(31))
    assert len(made.assumptions) == 9
    assert all("assumed" in text for text in made.assumptions)


def test_equal_seeds_give_equal_bands(town: City, survey: Survey, plan: Plan) -> None:
    """A seed's draws are its own, and are the first of more draws of that seed; the city is not changed."""
    before = town["buildings"].copy()
    one, again, other = (everything(town, survey, plan, draws=4, seed=seed) for seed in (5, 5, 6))
    assert one.draws.tolist() == again.draws.tolist()
    assert (one.seen_share == again.seen_share).all()
    assert one.draws.tolist() != other.draws.tolist()
    assert everything(town, survey, plan, draws=6, seed=5).draws[:4].tolist() == one.draws.tolist()
    assert before.equals(town["buildings"])


def test_one_wall_by_hand() -> None:
    """A wall ends on the line of sight: as the footprint is drawn a little up or down, the target behind is hidden or seen, half the draws each.

        *--------- wall's end at y = 0 ---------x     the wall lies below; a draw moves it by a normal error, above 0 in half of them

    The target before the wall is seen in all draws; the one far above the line too; the one deep behind the wall in none.
    """
    wall = houses(box(10, -8, 11, -1e-6), height=9.0)
    sizes = replace(NONE, footprint_rms_m=0.5)
    made = found(wall, camera(at(0, 0)), (8, 0), (20, 0), (20, 6), (20, -4), sizes=sizes, draws=300)
    assert made.covered == 0.75
    assert made.seen_share[[0, 2, 3]].tolist() == [1.0, 1.0, 0.0]
    assert made.seen_share[1] == pytest.approx(0.5, abs=0.12)
    assert made.robust.tolist() == [True, False, True, False]
    assert (made.low, made.high) == (0.5, 0.75)


def test_a_roof_near_the_line_by_hand() -> None:
    """From 6 m over a wall half way to a target at 1.6 m the line passes at 3.8 m: a roof of 3.8 m, known to 1 m, hides it in half the draws.

    How sure the roof is depends on where its height comes from.
    """
    sizes = replace(NONE, height_sd_m={**NONE.height_sd_m, "default": 1.0})
    thin = box(10, -5, 10.001, 5)
    for source, share in (("default", 0.5), ("height", 1.0)):
        made = found(houses(thin, height=3.8 - 1e-3, source=source), camera(at(0, 0)), (20.001, 0), sizes=sizes, draws=300)
        assert made.seen_share[0] == pytest.approx(share, abs=0.12)


def test_a_turned_camera_keeps_its_middle() -> None:
    """A camera 60 deg wide that may be off by 10 deg: straight ahead is seen always, on the edge in half the draws, 25 deg beyond it hardly ever."""
    sizes = replace(NONE, bearing_sd_deg=10.0)
    spots = [(20 * np.sin(np.radians(b)), 20 * np.cos(np.radians(b))) for b in (90.0, 60.001, 35.0)]
    made = found(houses(), camera(at(0, 0)), *spots, sizes=sizes, draws=300)
    assert made.seen_share[0] > 0.99
    assert made.seen_share[1] == pytest.approx(0.5, abs=0.12)
    assert made.seen_share[2] < 0.03


def test_errors_have_the_sizes_asked_for() -> None:
    """An RMS of 1 m is 0.707 m along each axis: 0.5 m one way is passed in 24 % of draws, by walls and poles; 10 deg at an sd of 10 deg in 16 %."""
    wall = houses(box(10, -8, 11, -0.5))
    hidden = found(wall, camera(at(0, 0)), (20, 0), sizes=replace(NONE, footprint_rms_m=1.0), draws=300)
    assert 1 - hidden.seen_share[0] == pytest.approx(0.24, abs=0.08)
    far = camera(at(0, 0)).poses.heads[0].far_m
    reached = found(houses(), camera(at(0, 0)), (far + 0.5, 0), sizes=replace(NONE, pole_rms_m=1.0), draws=300)
    assert reached.seen_share[0] == pytest.approx(0.24, abs=0.08)
    beyond = (20 * np.sin(np.radians(50.0)), 20 * np.cos(np.radians(50.0)))
    turned = found(houses(), camera(at(0, 0)), beyond, sizes=replace(NONE, bearing_sd_deg=10.0), draws=300)
    assert turned.seen_share[0] == pytest.approx(0.16, abs=0.07)


def test_records_and_plans_err_by_their_own_sizes() -> None:
    """The first `recorded` cameras take the errors of records, the others those of new installation."""
    sizes = replace(NONE, record_bearing_sd_deg=40.0)
    edge = (20 * np.sin(np.radians(65.0)), 20 * np.cos(np.radians(65.0)))
    for recorded, sure in ((0, True), (1, False)):
        made = found(houses(), camera(at(0, 0)), edge, sizes=sizes, recorded=recorded, draws=100)
        assert bool(made.seen_share[0] == 1.0) is sure


def test_one_pole_moves_as_one() -> None:
    """Two cameras of one place are moved together: back to back on one pole, what moves out of one's reach moves into the other's."""
    far = camera(at(0, 0)).poses.heads[0].far_m
    both = together(camera(at(0, 0)), camera(at(0, 0), bearing=270.0))
    sizes = replace(NONE, pole_rms_m=1.0)
    made = found(houses(), both, (far, 0), (-far, 0), sizes=sizes, draws=100)
    assert made.draws.max() <= 0.5  # never both, never farther apart than the reach


def test_a_camera_on_a_wall_is_not_walled_in() -> None:
    """A camera 0.3 m off a tall house stays outside it however the house is drawn, and so does a target beside a house."""
    block = houses(box(-10, -20, -0.3, 20), box(14, -20, 30, 20), height=30.0)
    made = found(block, camera(at(0, 0)), (13.9, 0), sizes=replace(NONE, footprint_rms_m=2.0, pole_rms_m=0.5), draws=100)
    assert made.seen_share[0] == 1.0


def test_nothing_to_look_with_or_at() -> None:
    """Without cameras nothing is covered, for certain; without weight or points the share is 0."""
    nobody = planned([], MODELS, 62.5)
    assert (found(houses(), nobody, (5, 0), draws=2).low, found(houses(), nobody, (5, 0), draws=2).high) == (0.0, 0.0)
    assert found(houses(box(1, 1, 2, 2)), camera(at(0, 0)), (20, 0), weight=[0.0], draws=2).covered == 0.0
    empty = band(houses(), camera(at(0, 0)), np.empty((0, 2)), np.empty(0), np.empty(0), draws=2)
    assert (empty.covered, len(empty.seen_share)) == (0.0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"footprint_rms_m": -1.0},
        {"pole_rms_m": float("nan")},
        {"height_sd_m": {}},
        {"low": 95.0, "high": 5.0},
        {"robust": 0.0},
        {"bearing_sd_deg": np.inf},
        {"ground_sd_m": -0.1},
        {"ground_along_m": 0.0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_sizes_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    """No negative, endless or missing size of error."""
    with pytest.raises(ScenarioError) as caught:
        replace(NONE, **changes)
    assert caught.value.code == "band.size"


def test_a_band_asks_for_draws_and_a_whole_file(tmp_path: Path) -> None:
    """No draw, no band; a file that lacks a size is refused by its name."""
    with pytest.raises(ScenarioError) as caught:
        found(houses(), camera(at(0, 0)), (5, 0), draws=0)
    assert caught.value.code == "band.draws"
    path = tmp_path / "doubt.toml"
    path.write_text("version = 1\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_sizes(path)
    assert caught.value.code == "band.size"


def ground(height: Any, cell: float = 2.0) -> Terrain:
    """Ground of this height over x, 100 m each way."""
    x = np.arange(-100.0, 100.1, cell)
    return Terrain((EAST - 100, NORTH - 100), cell, np.tile(height(x) + 0 * x, (len(x), 1)))


def test_a_ridge_near_the_line_by_hand() -> None:
    """From 6 m over a ridge half way to a face at 1.6 m the line passes at 3.8 m: a ridge of 3.8 m hides it in half the draws where the ground may be
    off; one of 2 m never, nor does ground whose heights are sure.
    """
    sizes = replace(NONE, ground_sd_m=0.3, ground_along_m=10.0)
    for top, size, share in ((3.8, sizes, 0.5), (2.0, sizes, 1.0), (3.8 - 1e-6, NONE, 1.0)):
        ridge = ground(lambda x, top=top: np.maximum(0.0, top * (1 - np.abs(x - 10) / 4)))
        made = found(houses(), camera(at(0, 0)), (20, 0), sizes=size, draws=200, terrain=ridge)
        assert made.seen_share[0] == pytest.approx(share, abs=0.12)


def test_level_ground_that_is_sure_is_flat_ground(town: City, survey: Survey, plan: Plan) -> None:
    """On level terrain without errors of its own the draws are those of flat ground; with them, the ground's own size is told."""
    level = Terrain((town.area.bounds[0] - 200, town.area.bounds[1] - 200), 25.0, np.full((40, 40), 263.5))
    sure = replace(load_sizes(), ground_sd_m=0.0)
    flat, made = (everything(town, survey, plan, draws=4, sizes=sure, terrain=terrain) for terrain in (None, level))
    assert made.draws.tolist() == pytest.approx(flat.draws.tolist(), abs=1e-3)
    assert len(made.assumptions) == len(flat.assumptions) + 1
    bent_too = everything(town, survey, plan, draws=4, terrain=level)
    assert bent_too.draws.tolist() != made.draws.tolist()


def test_the_ground_s_error_is_smooth_and_of_its_size() -> None:
    """Over many draws heights are off by 0.9 m, alike to 1/e at 100 m and not at all at 300 m, whatever the cells; neighbours differ little."""
    rng, sizes = np.random.default_rng(8), load_sizes()
    for cell in (10.0, 30.0):
        level = Terrain((EAST, NORTH), cell, np.full((int(900 / cell) + 1,) * 2, 250.0))
        off = np.stack([bent(level, sizes, rng).height_m - 250.0 for _ in range(150)])
        step = round(100 / cell)
        one, near, away = off[:, :-1, : -3 * step], off[:, :-1, step : -2 * step], off[:, :-1, 3 * step :]
        assert off.std() == pytest.approx(sizes.ground_sd_m, rel=0.06)
        assert (one * near).mean() / off.var() == pytest.approx(np.exp(-((step * cell / 100) ** 2)), abs=0.08)
        assert abs((one * away).mean() / off.var()) < 0.08
        assert np.abs(np.diff(off, axis=2)).mean() < 0.05 * cell
    assert bent(level, NONE, rng) is level
