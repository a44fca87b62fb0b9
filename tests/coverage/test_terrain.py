"""A GeoTIFF of any kind becomes the ground of a city, or is refused with its faults."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import pytest
import rasterio
import shapely
from rasterio.transform import Affine

from coverage.terrain import HIGHEST_M, MOST_FILLED, Terrain, read_terrain
from planning.city import City, Source
from planning.errors import CityError
from tests.planning.toy_streets import CRS, EAST, NORTH, box, cross, frame, toy_city

Array = npt.NDArray[np.float64]
Height = Callable[[Array, Array], Array]
UTM = Affine(5.0, 0.0, EAST - 500, 0.0, -5.0, NORTH + 500)  # 5 m pixels, north-up, 1 km each way
AREA = box(-200, -150, 200, 150)


def slope(x: Array, y: Array) -> Array:
    """An even slope, 250 m at the middle of the toy."""
    return 250.0 + 0.06 * (x - EAST) - 0.04 * (y - NORTH)


def hills(x: Array, y: Array) -> Array:
    """Rolling ground."""
    return 250.0 + 8.0 * np.sin((x - EAST) / 70) * np.cos((y - NORTH) / 90)


def placed(transform: Affine, column: Array, row: Array) -> tuple[Array, Array]:
    """Where pixels lie."""
    return transform.a * column + transform.b * row + transform.c, transform.d * column + transform.e * row + transform.f


def pixels(height: Height, transform: Affine = UTM, shape: tuple[int, int] = (200, 200), crs: str = CRS) -> Array:
    """Heights in the middles of pixels."""
    column, row = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    x, y = placed(transform, column, row)
    return height(*pyproj.Transformer.from_crs(crs, CRS, always_xy=True).transform(x, y))


def city_with(
    folder: Path, values: Array, *, tags: dict[str, str] | None = None, after: Callable[[Any], None] = lambda _: None, **profile: Any
) -> City:
    """The toy with this terrain in its folder."""
    bands = values if values.ndim == 3 else values[None]
    given = {"dtype": "float64", "crs": CRS, "transform": UTM, **profile}
    with rasterio.open(folder / "terrain.tif", "w", driver="GTiff", count=len(bands), height=bands.shape[1], width=bands.shape[2], **given) as out:
        out.write(bands.astype(given["dtype"]))
        out.update_tags(**(tags or {}))
        after(out)
    return dataclasses.replace(toy_city(cross(), area=AREA), folder=folder, digest="")


def ground(city: City) -> Terrain:
    """Its terrain, which must be there."""
    found = read_terrain(city)
    assert found is not None
    return found


def off(terrain: Terrain, height: Height, margin_m: float = 0.0) -> float:
    """The largest difference to the true heights over the study area and a margin [m]."""
    west, south, east, north = AREA.bounds
    at = np.random.default_rng(1).uniform((west - margin_m, south - margin_m), (east + margin_m, north + margin_m), (4_000, 2))
    return float(np.abs(terrain.height_at(at) - height(*at.T)).max())


def test_without_a_file_the_ground_is_flat(tmp_path: Path) -> None:
    """A city without a folder, and one whose folder holds no terrain, have none."""
    assert read_terrain(toy_city(cross())) is None
    assert read_terrain(dataclasses.replace(toy_city(cross()), folder=tmp_path)) is None


def test_in_the_city_s_crs_heights_stay_as_they_are(tmp_path: Path) -> None:
    """Pixels' middles become the nodes: every height is the file's own, over the study area and the margin about it."""
    values = np.random.default_rng(2).uniform(240, 260, (200, 200))
    terrain = ground(city_with(tmp_path, values))
    assert terrain.cell_m == 5.0
    x, y = placed(UTM, np.arange(200) + 0.5, np.arange(200) + 0.5)
    wanted = values[np.ix_((y > NORTH - 340) & (y < NORTH + 340), (x > EAST - 390) & (x < EAST + 390))]
    at = np.stack(np.meshgrid(x[(x > EAST - 390) & (x < EAST + 390)], y[(y > NORTH - 340) & (y < NORTH + 340)]), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(terrain.height_at(at), wanted.ravel(), atol=1e-9)
    assert terrain.filled == 0
    assert off(ground(city_with(tmp_path, pixels(slope))), slope, 195.0) < 1e-9


@pytest.mark.parametrize("degrees", [30.0, -100.0])
def test_a_turned_raster_lies_where_it_says(tmp_path: Path, degrees: float) -> None:
    """A raster turned about the middle gives the same ground as one that is north-up."""
    c, s = 4 * np.cos(np.radians(degrees)), 4 * np.sin(np.radians(degrees))
    turned = Affine(c, s, EAST - 150 * (c + s), s, -c, NORTH - 150 * (s - c))
    terrain = ground(city_with(tmp_path, pixels(hills, turned, (300, 300)), transform=turned))
    assert terrain.cell_m == pytest.approx(4.0)
    assert terrain.filled == 0
    assert off(terrain, hills, 150.0) < 0.05


@pytest.mark.parametrize(("crs", "step"), [("EPSG:4326", 0.0002), ("EPSG:32645", 20.0), ("EPSG:3857", 20.0)])
def test_another_crs_is_brought_to_the_city_s(tmp_path: Path, crs: str, step: float) -> None:
    """Degrees, the next zone and web maps' metres give the same ground, to what bilinear resampling costs."""
    x, y = pyproj.Transformer.from_crs(CRS, crs, always_xy=True).transform(EAST, NORTH)
    about = Affine(step, 0.0, x - 60 * step, 0.0, -step, y + 60 * step)
    terrain = ground(city_with(tmp_path, pixels(slope, about, (120, 120), crs), crs=crs, transform=about))
    assert 15 < terrain.cell_m < 25
    assert terrain.filled == 0
    assert off(terrain, slope, 150.0) < 0.05


def test_holes_are_filled_and_told(tmp_path: Path) -> None:
    """Pixels of no data in a slope are filled by the slope going on; the notes give their share of the study area."""
    values = pixels(slope)
    values[90:100, 95:105] = -9999.0
    terrain = ground(city_with(tmp_path, values, nodata=-9999.0))
    assert off(terrain, slope, 100.0) < 1e-9
    assert terrain.filled == pytest.approx(100 * 25 / AREA.area, rel=0.1)
    assert any("2.0% of the study area had no ground height" in note or "2.1% of" in note for note in terrain.notes)
    assert not [note for note in ground(city_with(tmp_path, pixels(slope))).notes if "had no ground height" in note]


def test_very_many_holes_take_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many holes to lay planes between their rims each takes the nearest height, off by no more than its pixel's rise."""
    monkeypatch.setattr("coverage.terrain._MOST_RIM", 100)
    values = pixels(slope)
    values[::3, ::3] = np.nan
    terrain = ground(city_with(tmp_path, values, nodata=np.nan))
    assert terrain.filled == pytest.approx(1 / 9, abs=0.01)
    assert 0.1 < off(terrain, slope, 100.0) <= 5 * 0.06 + 1e-9


@pytest.mark.parametrize("how", ["nan", "mask", "integers"])
def test_every_way_to_say_no_data_is_understood(tmp_path: Path, how: str) -> None:
    """NaN, a mask band and a value of whole numbers are holes, never heights."""
    values = np.full((200, 200), 250.0)
    hole = (slice(95, 100), slice(95, 100))
    if how == "mask":

        def mask(out: Any) -> None:
            valid = np.full((200, 200), 255, dtype=np.uint8)
            valid[hole] = 0
            out.write_mask(valid)

        values[hole] = 8_888.0
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            city = city_with(tmp_path, values, after=mask)
    else:
        values[hole] = np.nan if how == "nan" else -32768
        city = city_with(tmp_path, values, **({"nodata": np.nan} if how == "nan" else {"nodata": -32768, "dtype": "int16"}))
    terrain = ground(city)
    assert set(terrain.height_m.ravel()) == {250.0}
    assert 0 < terrain.filled < 0.01


def test_a_file_that_ends_at_the_study_area_goes_on_flat(tmp_path: Path) -> None:
    """Where the file ends at the city's edge the margin takes the nearest heights, and the study area lacks next to nothing."""
    tight = Affine(5.0, 0.0, EAST - 200, 0.0, -5.0, NORTH + 150)
    terrain = ground(city_with(tmp_path, pixels(slope, tight, (60, 80)), transform=tight))
    assert np.isfinite(terrain.height_m).all()
    assert terrain.filled < 0.06
    assert terrain.height_at(np.array([[EAST - 390, NORTH]]))[0] == pytest.approx(slope(np.array(EAST - 197.5), np.array(NORTH)), abs=0.3)


@pytest.mark.parametrize(("change", "factor", "shift"), [("feet", 0.3048, 0.0), ("scaled", 0.1, 200.0)])
def test_feet_and_scaled_integers_become_metres(tmp_path: Path, change: str, factor: float, shift: float) -> None:
    """Heights in feet, and integers with a scale and an offset, are taken for what they mean; feet are told."""

    def after(out: Any) -> None:
        if change == "feet":
            out.units = ("ft",)
        else:
            out.scales, out.offsets = (factor,), (shift,)

    terrain = ground(city_with(tmp_path, (pixels(slope) - shift) / factor, after=after))
    assert off(terrain, slope, 100.0) < 1e-6
    assert any("feet" in note for note in terrain.notes) == (change == "feet")


def test_much_finer_terrain_is_averaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terrain finer than the grid may be is averaged to coarser cells, and lies where it did."""
    monkeypatch.setattr("coverage.terrain.MOST_NODES", 2_500)
    terrain = ground(city_with(tmp_path, pixels(slope)))
    assert terrain.cell_m == pytest.approx(np.sqrt(800 * 700 / 2_500))
    assert terrain.height_m.size < 3_000
    assert off(terrain, slope, 100.0) < 0.1


def refused(city: City) -> list[str]:
    """The codes of the faults it is refused for."""
    with pytest.raises(CityError) as caught:
        read_terrain(city)
    assert all(fault.way_out for fault in caught.value.faults)
    return [fault.code for fault in caught.value.faults]


def test_garbage_is_refused(tmp_path: Path) -> None:
    """What is no ground, or lies elsewhere, is refused by a code that says why."""
    good = pixels(slope)
    assert refused(city_with(tmp_path, np.stack([good] * 3))) == ["terrain.bands"]
    coloured = city_with(tmp_path, good.astype("uint8"), dtype="uint8", after=lambda out: out.write_colormap(1, {1: (9, 9, 9)}))
    assert refused(coloured) == ["terrain.bands"]
    assert refused(city_with(tmp_path, good, crs=None)) == ["terrain.crs"]
    assert refused(city_with(tmp_path, good, after=lambda out: setattr(out, "units", ("furlongs",)))) == ["terrain.units"]
    assert refused(city_with(tmp_path, good, transform=Affine(5.0, 0.0, EAST + 25_000, 0.0, -5.0, NORTH))) == ["terrain.place"]
    assert refused(city_with(tmp_path, np.full_like(good, -9999.0), nodata=-9999.0)) == ["terrain.place"]
    assert refused(city_with(tmp_path, np.full_like(good, np.inf))) == ["terrain.place"]
    for value in (-9999.0, HIGHEST_M + 1, 1e38):
        spoilt = good.copy()
        spoilt[100, 100] = value
        assert refused(city_with(tmp_path, spoilt)) == ["terrain.heights"]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """A picture without CRS, place or known unit is told all of it."""
    city = city_with(tmp_path, np.ones((3, 50, 50)), crs=None, transform=None, dtype="uint8", after=lambda out: setattr(out, "units", ("x", "", "")))
    assert refused(city) == ["terrain.bands", "terrain.crs", "terrain.place", "terrain.units"]


def test_too_many_holes_are_refused(tmp_path: Path) -> None:
    """Up to a fifth of the study area is filled in; more is refused, its share told."""
    for share, fine in ((MOST_FILLED - 0.02, True), (MOST_FILLED + 0.02, False)):
        values = pixels(slope)
        values[:, 60 : 60 + int(80 * share)] = np.nan
        city = city_with(tmp_path, values, nodata=np.nan)
        if fine:
            assert ground(city).filled == pytest.approx(share, abs=0.015)
        else:
            assert refused(city) == ["terrain.holes"]


@pytest.mark.parametrize(
    "content", [b"II*\x00", b"<html></html>", b"<VRTDataset rasterXSize='1' rasterYSize='1'></VRTDataset>", b"II*\x00" + b"\xff" * 4_000]
)
def test_what_is_no_geotiff_is_unreadable(tmp_path: Path, content: bytes) -> None:
    """Text, other formats under this name and broken files raise one of our errors."""
    (tmp_path / "terrain.tif").write_bytes(content)
    assert refused(dataclasses.replace(toy_city(cross()), folder=tmp_path, digest="")) == ["terrain.unreadable"]


def test_a_file_cut_short_is_unreadable(tmp_path: Path) -> None:
    """A file that ends too early gives no half ground."""
    city = city_with(tmp_path, pixels(slope))
    whole = (tmp_path / "terrain.tif").read_bytes()
    (tmp_path / "terrain.tif").write_bytes(whole[: len(whole) // 2])
    assert refused(city) == ["terrain.unreadable"]


def test_files_beside_it_are_not_read(tmp_path: Path) -> None:
    """A side file that would say otherwise what is no data changes nothing."""
    city = city_with(tmp_path, pixels(slope))
    (tmp_path / "terrain.tif.aux.xml").write_text("<PAMDataset><PAMRasterBand band='1'><NoDataValue>250</NoDataValue></PAMRasterBand></PAMDataset>")
    (tmp_path / "terrain.tif.msk").write_bytes(b"II*\x00")
    assert off(ground(city), slope, 100.0) < 1e-9


def blocks() -> gpd.GeoDataFrame:
    """Twelve free-standing houses of 10 m."""
    at = [(x, y) for x, y in itertools.product((-150, -90, -30, 30, 90, 150), (-60, 60))]
    return frame("buildings", [box(x - 10, y - 10, x + 10, y + 10) for x, y in at], height_m=10.0, height_source="made")


def test_a_surface_model_is_warned_of(tmp_path: Path) -> None:
    """Where the file is called a surface model, or footprints stand above the ground around them, the notes warn; on bare ground they do not."""
    values = pixels(hills)
    bare = dataclasses.replace(city_with(tmp_path, values), frames={"roads": cross(), "buildings": blocks()}, digest="")

    def warned(city: City) -> list[str]:
        return [note for note in ground(city).notes if "surface model" in note]

    assert warned(bare) == []
    named = dataclasses.replace(bare, sources=(Source("terrain", "Copernicus_DSM_COG_10_N22_00_E082_00_DEM.tif"),))
    assert "it is called DSM" in warned(named)[0] or "it is called Copernicus" in warned(named)[0]
    tagged = city_with(tmp_path, values, tags={"TIFFTAG_IMAGEDESCRIPTION": "ALOS World 3D"})
    assert "ALOS" in warned(tagged)[0]
    column, row = np.meshgrid(np.arange(200) + 0.5, np.arange(200) + 0.5)
    x, y = placed(UTM, column, row)
    roofs = shapely.contains_xy(shapely.union_all(blocks().geometry.array), x.ravel(), y.ravel()).reshape(x.shape)
    surface = dataclasses.replace(city_with(tmp_path, values + 10 * roofs), frames=bare.frames, digest="")
    assert "under footprints it stands" in warned(surface)[0]


def test_a_grid_checks_itself() -> None:
    """A terrain is two rows and columns of finite numbers at least, and cannot be of no size."""
    for heights, cell in ((np.zeros((1, 5)), 5.0), (np.zeros(5), 5.0), (np.full((3, 3), np.nan), 5.0), (np.zeros((3, 3)), 0.0)):
        with pytest.raises(CityError) as caught:
            Terrain((0.0, 0.0), cell, heights)
        assert caught.value.code == "terrain.grid"


def test_alpha_is_no_band_of_heights(tmp_path: Path) -> None:
    """A band of heights with an alpha band is read; what is transparent is a hole."""
    alpha = np.full((200, 200), 255.0)
    alpha[95:100, 95:100] = 0

    values = np.full((200, 200), 250.0)
    values[95:100, 95:100] = 7_777.0
    assert set(ground(city_with(tmp_path, np.stack([values, alpha]), alpha="yes")).height_m.ravel()) == {250.0}
