"""What is not in view: rasters that others can open, and the areas that lose most."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import rasterio
import shapely

from coverage.gaps import NO_COUNT, NO_DENSITY, Rasters, gap_areas, make_rasters, times_seen
from coverage.sight import CELL_M, build_walls, critical_height
from coverage.standing import Standing, stand
from planning.catalogue import load_models
from planning.city import City
from planning.errors import InputError


@pytest.fixture(scope="module")
def cameras(town: City) -> Standing:
    """The town's standing cameras."""
    return stand(town["cameras"], town["buildings"], load_models(), 62.5)


@pytest.fixture(scope="module")
def rasters(town: City, cameras: Standing) -> Rasters:
    """What they see."""
    return make_rasters(build_walls(town["buildings"], town.area.bounds[:2]), cameras, town["buildings"], town.area, target_m=1.6, cell_m=2.0)


def test_each_cell_agrees_with_lines_of_sight(town: City, cameras: Standing, rasters: Rasters) -> None:
    """Count and density are those of walks from every camera to every cell's middle; buildings and what is outside hold no number."""
    walls = build_walls(town["buildings"], town.area.bounds[:2])
    of_walls = (walls.ends_m, walls.top_m, walls.cell_start, walls.cell_walls, *walls.shape, *walls.corner_m, CELL_M)
    xs, ys = rasters.grid.middles()
    x, y = np.meshgrid(xs, ys)
    off = ~shapely.contains_xy(town.area, x, y) | shapely.contains_xy(shapely.union_all(town["buildings"].geometry.array), x, y)
    assert ((rasters.count == NO_COUNT) == off).all()
    assert ((rasters.px_per_m == NO_DENSITY) == off).all()
    count, best = np.zeros(x.shape, int), np.zeros(x.shape)
    poses = cameras.poses
    for row in range(len(poses)):
        head, (px, py) = poses.heads[poses.head[row]], cameras.points_m[poses.site[row]]
        dx, dy = x - px, y - py
        ground = np.hypot(dx, dy)
        turn = np.abs((np.degrees(np.arctan2(dx, dy)) - poses.bearing_deg[row] + 180) % 360 - 180)
        for r, c in np.argwhere((ground >= head.near_m) & (ground <= head.far_m) & (turn <= head.hfov_deg / 2) & ~off):
            local = np.array([px, py, x[r, c], y[r, c]]) - np.tile(walls.origin_m, 2)
            if critical_height(*of_walls, *local, 1.6, head.height_m) < head.height_m:
                count[r, c] += 1
                best[r, c] = max(best[r, c], head.focal_px / np.hypot(ground[r, c], head.rise_m))
    assert count.sum() > 100
    assert (rasters.count[~off] == count[~off]).all()
    assert rasters.px_per_m[~off] == pytest.approx(best[~off], rel=1e-6)


def test_files_are_cloud_optimised_and_say_where_they_lie(town: City, cameras: Standing, tmp_path: Path) -> None:
    """Opened by another: COG layout, tiles, overviews, the city's CRS, nodata, the cells' place, the same numbers; no litter beside them."""
    made = make_rasters(build_walls(town["buildings"], (0.0, 0.0)), cameras, town["buildings"], town.area, target_m=1.6, cell_m=0.4)
    paths = made.write(tmp_path)
    for path, values, nodata in zip(paths, (made.count, made.px_per_m), (NO_COUNT, NO_DENSITY), strict=True):
        with rasterio.open(path) as opened:
            assert opened.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert opened.profile["tiled"]
            assert opened.overviews(1)
            assert opened.crs.to_epsg() == town.crs.to_epsg()
            assert opened.nodata == nodata
            assert opened.transform[:6] == (0.4, 0.0, made.grid.west_m, 0.0, -0.4, made.grid.north_m)
            assert (opened.read(1) == values).all()
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_too_many_cells_are_refused(town: City, cameras: Standing) -> None:
    """An area far too large for its cells is told before memory is asked for."""
    with pytest.raises(InputError, match=r"grid\.cells"):
        make_rasters(build_walls(town["buildings"], (0.0, 0.0)), cameras, town["buildings"], shapely.box(0, 0, 1e6, 1e6), target_m=1.6)


def test_times_seen_are_the_survey_s(town: City, cameras: Standing, survey: object) -> None:
    """The points that cameras see today are those the survey takes as seen before any plan."""
    demand, before = survey.demand, survey.before  # type: ignore[attr-defined]
    times = times_seen(build_walls(town["buildings"], town.area.bounds[:2]), cameras, demand)
    assert ((times > 0) == before).all()
    assert before.any()


def points(xy: object, weight: object, ward: object = "w1") -> gpd.GeoDataFrame:
    """Demand points."""
    shapes = shapely.points(np.array(xy, float))
    return gpd.GeoDataFrame(pd.DataFrame({"weight": np.array(weight, float), "ward": ward}, index=range(len(shapes))), geometry=shapes, crs=32644)


def nothing(n: int) -> npt.NDArray[np.bool_]:
    """No point is seen."""
    return np.zeros(n, bool)


def test_gap_areas_take_the_heaviest_first_and_leave_what_is_seen() -> None:
    """Two clusters: the heavier first, each with its own points' weight; a seen point belongs to none."""
    demand = points([(0, 0), (10, 0), (20, 0), (1_000, 0), (1_010, 0), (1_020, 0)], [1, 2, 3, 4, 5, 60], ["a", "a", "b", "c", "c", "c"])
    seen = np.array([False] * 5 + [True])
    found = gap_areas(demand, seen)
    assert found["weight"].tolist() == [9.0, 6.0]
    assert found["points"].tolist() == [2, 3]
    assert found["ward"].tolist() == ["c", "a"]  # 3 in a and 3 in b: the first by name
    assert found.geometry.iloc[0].contains(demand.geometry.iloc[4])
    assert found["area_m2"].to_numpy() == pytest.approx(found.geometry.area.to_numpy())


def test_gap_areas_are_in_one_piece_and_no_wider_than_asked() -> None:
    """A long street of unseen points is cut into areas of the width asked for; no point is counted twice; none is lost while areas are left."""
    xy = [(10.0 * k, 0.0) for k in range(100)]
    found = gap_areas(points(xy, np.ones(100)), nothing(100), across_m=150.0)
    assert found["points"].sum() == 100
    assert (found.geometry.geom_type == "Polygon").all()
    assert (found.bounds["maxx"] - found.bounds["minx"] <= 150 + 27).all()
    assert found["weight"].is_monotonic_decreasing
    assert len(gap_areas(points(xy, np.ones(100)), nothing(100), most=3)) == 3


def test_what_does_not_hang_together_is_no_area() -> None:
    """Points in one disc but 40 m apart are areas of their own."""
    found = gap_areas(points([(0, 0), (40, 0)], [1, 2]), nothing(2))
    assert found["weight"].tolist() == [2.0, 1.0]


def test_nothing_unseen_has_no_areas() -> None:
    """All seen, no demand, or only points without weight: an empty frame with its columns."""
    for demand, seen in ((points([(0, 0)], [1]), np.ones(1, bool)), (points(np.zeros((0, 2)), []), nothing(0)), (points([(0, 0)], [0]), nothing(1))):
        found = gap_areas(demand, seen)
        assert len(found) == 0
        assert list(found.columns[:4]) == ["weight", "area_m2", "points", "ward"]
