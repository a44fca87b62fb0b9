from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from optimizer.plan import make_plan
from planning.city import City
from planning.errors import InputError
from planning.frames import ZONE_KINDS, check
from planning.intake import import_city
from planning.nouns import Plan, Scenario
from planning.zones import read_zones
from tests.planning import toy_osm
from tests.planning.toy_osm import CRS, area, at

WISH = Scenario(city="toy", budget_inr=200_000, models=("bullet-4mp",), gap=0.02, time_limit_s=10.0)


def block(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A rectangle in steps from the crossing, in the city's CRS."""
    return shapely.Polygon([at(west, south), at(east, south), at(east, north), at(west, north)])


ONE = [block(-1, -1, 1, 1)]


def write(folder: Path, shapes: list[shapely.Geometry], columns: dict[str, list[Any]], crs: Any = 4326, name: str = "zones.geojson") -> Path:
    """A zone file."""
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)
    frame = frame.to_crs(crs) if crs is not None else frame.set_crs(None, allow_override=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a file without CRS is what one test wants
        frame.to_file(folder / name)
    return folder / name


def refused(paths: list[Path], mapping: dict[str, str] | None = None) -> InputError:
    """What the reader says to files it must refuse."""
    with pytest.raises(InputError) as caught:
        read_zones(paths, area(), CRS, mapping=mapping)
    assert all(fault.way_out for fault in caught.value.faults)
    return caught.value


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("kind", ["priority", "area", "no_mount", "no_view"]), ("Zone_Type", ["Priority Zone", "WATCH", "No Mount", "no-view"]),
        ("प्रकार", ["प्राथमिकता", "क्षेत्र", "खंभा नहीं", "निजता"]), ("type", ["Hotspot", "open ground", "noMount", "privacy"]),
    ],
)  # fmt: skip
def test_kinds_by_meaning(tmp_path: Path, header: str, words: list[str]) -> None:
    """Kinds are found by header and value, in English or Hindi, in any case and with any separators."""
    zones = read_zones([write(tmp_path, ONE * 4, {header: words})], area(), CRS)
    assert zones.frame["kind"].tolist() == list(ZONE_KINDS)
    assert zones.frame["weight"].tolist() == [1.0] * 4
    assert zones.frame["name"].isna().all()
    assert list(zones.frame.index) == ["z1", "z2", "z3", "z4"]
    assert not check(zones.frame, "zones")
    assert f"kinds of zones were read from “{header}”" in zones.told[0]


def test_a_decomposed_nukta_is_the_same_word(tmp_path: Path) -> None:
    """वज़न typed as one letter or as two bears the weight."""
    for header in ("वज\u093cन", "व\u095bन"):
        zones = read_zones([write(tmp_path, ONE, {"kind": ["priority"], header: ["२.५"]})], area(), CRS)
        assert zones.frame["weight"].tolist() == [2.5]


def test_the_column_whose_cells_are_kinds_is_the_kind(tmp_path: Path) -> None:
    """Where two headers could bear the kind, the cells decide; the other is the name."""
    columns = {"category": ["school", "tank"], "zone": ["no view", "no mount"], "label": [" Girls'  school ", ""]}
    zones = read_zones([write(tmp_path, ONE * 2, columns)], area(), CRS)
    assert zones.frame["kind"].tolist() == ["no_view", "no_mount"]
    assert zones.frame["name"].tolist() == ["Girls' school", None]
    named = read_zones([write(tmp_path, ONE, {"type": ["priority"], "zone": ["Gole Bazar"]})], area(), CRS)
    assert named.frame["name"].tolist() == ["Gole Bazar"]


def test_a_mapping_overrides_the_headers(tmp_path: Path) -> None:
    """Columns named by a person win, for each file that has them; other files go by their headers."""
    columns: dict[str, list[Any]] = {"kind": ["priority"], "wish": ["no_view"], "weight": [3], "much": [5], "name": ["A"], "who": ["B"]}
    first = write(tmp_path, ONE, columns, name="one.geojson")
    second = write(tmp_path, ONE, {"kind": ["area"]}, name="two.gpkg")
    zones = read_zones([first, second], area(), CRS, mapping={"kind": "wish", "weight": "much", "zone": "who"})
    assert zones.frame[["kind", "name", "weight"]].to_numpy().tolist() == [["no_view", "B", 5.0], ["area", None, 1.0]]
    assert list(zones.frame.index) == ["z1-1", "z2-1"]
    fault = refused([first, second], {"kind": "rule", "weight": "heavy"}).faults[0]
    assert (fault.code, fault.value) == ("zones.mapping", "kind=rule, weight=heavy")
    assert "wish" in fault.what


def test_a_file_without_kinds_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """No column of kinds: the file's columns and the way to name one are told."""
    error = refused([write(tmp_path, ONE, {"remark": ["priority"]})])
    assert error.code == "zones.column"
    assert "remark" in str(error) and "--map kind=COLUMN" in str(error)
    assert read_zones([tmp_path / "zones.geojson"], area(), CRS, mapping={"kind": "remark"}).frame["kind"].tolist() == ["priority"]


def test_unknown_kinds_and_bad_weights_are_told_at_once(tmp_path: Path) -> None:
    """Every unknown kind and weight of every file, with value and row, in one error."""
    kinds: list[Any] = ["priority", "park", "park", None, "area", "no_view"]
    first = write(tmp_path, ONE * 6, {"kind": kinds, "weight": ["-1", "nan", "", "heavy", "1,000", "inf"]}, name="one.geojson")
    second = write(tmp_path, ONE, {"kind": ["lake"], "weight": [-2.5]}, name="two.gpkg")
    error = refused([first, second])
    assert [fault.code for fault in error.faults] == ["zones.kind", "zones.weight"] * 2
    assert error.faults[0].value == "“park” in row 2, 3; nothing in row 4"
    assert error.faults[1].value == "“-1” in row 1; “nan” in row 2; “heavy” in row 4; “1,000” in row 5; “inf” in row 6"
    assert (error.faults[2].value, error.faults[3].value) == ("“lake” in row 1", "“-2.5” in row 1")


@pytest.mark.parametrize(("cell", "weight"), [("2", 2.0), ("0", 0.0), ("1,5", 1.5), ("०.५", 0.5), ("1e3", 1000.0), ("", 1.0), (None, 1.0)])
def test_weights_as_people_write_them(tmp_path: Path, cell: Any, weight: float) -> None:
    """Decimal commas and Devanagari digits are numbers; an empty cell weighs 1, and this is told."""
    zones = read_zones([write(tmp_path, ONE * 2, {"kind": ["priority"] * 2, "weight": [cell, "7"]})], area(), CRS)
    assert zones.frame["weight"].tolist() == [weight, 7.0]
    assert ("1 zones without one weigh 1" in " ".join(zones.told)) == (not cell)


@pytest.mark.parametrize("cell", ["1e7", "1e999", "0x10", "2 kg", "True", "1_0", "1,000"])
def test_weights_that_are_none(tmp_path: Path, cell: str) -> None:
    """Weights past all measure or of other things are faults, never guessed at."""
    error = refused([write(tmp_path, ONE, {"kind": ["priority"], "weight": [cell]})])
    assert error.code == "zones.weight"
    assert cell in error.faults[0].value


def test_a_zone_that_crosses_itself_is_mended_by_name(tmp_path: Path) -> None:
    """A bow tie becomes its two triangles, and the note names it."""
    bow = shapely.Polygon([at(-1, -1), at(1, 1), at(1, -1), at(-1, 1)])
    zones = read_zones([write(tmp_path, [bow, bow], {"kind": ["area"] * 2, "name": ["Tie", None]})], area(), CRS)
    assert zones.frame.geometry.is_valid.all()
    assert "2 zones whose outline crossed itself were mended: Tie, row 2" in " ".join(zones.told)
    assert zones.frame.area.iloc[0] == pytest.approx(block(-1, -1, 1, 1).area / 2, rel=0.01)


def test_zones_elsewhere_are_counted_and_others_kept_whole(tmp_path: Path) -> None:
    """Zones off the study area, or touching it at its edge only, and rows that are no areas are counted; a zone across the edge is not cut."""
    across = block(1, 1, 3, 3)
    shapes = [across, block(10, 10, 11, 11), at(0, 0), block(-1, -1, 0, 0)]
    zones = read_zones([write(tmp_path, shapes, {"kind": ["area"] * 4}, name="zones.gpkg", crs=32645)], area(), CRS)
    assert list(zones.frame.index) == ["z1", "z4"]
    assert zones.frame.geometry.iloc[0].symmetric_difference(across).area < 1
    told = " ".join(zones.told)
    assert "1 rows without a polygon left out" in told and "1 outside the study area left out" in told
    assert "1 that reach past the study area kept whole" in told and "2 zones used (2 area)" in told


def test_hostile_zones(tmp_path: Path) -> None:
    """No CRS, no areas, another city, metres said to be degrees, what is no file: each under its code with what was met, and all at once."""
    metres = {"type": "Feature", "properties": {"kind": "area"}, "geometry": json.loads(shapely.to_geojson(ONE[0]))}
    (tmp_path / "metres.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [metres]}), encoding="utf-8")
    (tmp_path / "vrt.geojson").write_text("<OGRVRTDataSource/>", encoding="utf-8")
    kinds = {"kind": ["area"]}
    cases = [
        (write(tmp_path, ONE, kinds, crs=None, name="bare.shp"), "zones.crs", ".prj"),
        (write(tmp_path, [at(0, 0)], kinds, name="points.geojson"), "zones.areas", "points.geojson"),
        (write(tmp_path, [block(500, 0, 501, 1)], kinds, name="far.geojson"), "zones.far", "82.1"),
        (tmp_path / "metres.geojson", "zones.far", "metres.geojson"),
        (tmp_path / "vrt.geojson", "file.content", "vrt.geojson"),
    ]
    for path, code, word in cases:
        error = refused([path])
        assert error.code == code
        assert word in str(error)
    assert sorted(fault.code for fault in refused([path for path, _, _ in cases]).faults) == sorted(code for _, code, _ in cases)


def imported(folder: Path, zones: list[Path]) -> City:
    """The crossing imported with these zones, and read back from its folder."""
    osm = toy_osm.write(folder, *toy_osm.CROSSING)
    import_city("toy", osm=osm, zones=zones, folder=folder / "toy")
    return City.load(folder / "toy")


def planned(folder: Path, kind: str | None, shape: shapely.Geometry) -> tuple[City, Plan]:
    """The crossing with one zone, or without, and its plan."""
    folder.mkdir()
    city = imported(folder, [write(folder, [shape], {"kind": [kind]})] if kind else [])
    return city, make_plan(city, WISH)


def test_zones_bear_on_the_plan(tmp_path: Path) -> None:
    """No camera stands in a no_mount zone that held one without it; a priority zone gains weight; no point to be seen lies in a no_view zone."""
    _, bare = planned(tmp_path / "bare", None, ONE[0])
    stood = bare.cameras[0]
    around = shapely.Point(stood.x_m, stood.y_m).buffer(25)
    city, kept_off = planned(tmp_path / "mount", "no_mount", around)
    assert city["zones"]["kind"].tolist() == ["no_mount"]
    assert any(source.layer == "zones" and source.origin == "zones.geojson" for source in city.sources)
    assert any("1 zones used (1 no_mount)" in note for note in city.notes)
    assert kept_off.cameras
    assert not shapely.contains_xy(around, [camera.x_m for camera in kept_off.cameras], [camera.y_m for camera in kept_off.cameras]).any()

    arm = block(0.3, -0.3, 1.2, 0.3)

    def share(plan: Plan) -> float:
        inside = shapely.contains(arm, np.asarray(plan.demand.geometry.array))
        return float(plan.demand["weight"][inside].sum() / plan.demand["weight"].sum())

    _, prior = planned(tmp_path / "priority", "priority", arm)
    assert share(prior) > share(bare) + 0.05
    _, private = planned(tmp_path / "view", "no_view", arm)
    assert share(bare) > 0
    assert not shapely.intersects(arm.buffer(-0.01), np.asarray(private.demand.geometry.array)).any()


def test_bad_zones_are_told_with_bad_wards_and_nothing_is_written(tmp_path: Path) -> None:
    """An import gathers the faults of zones with those of other files, refuses a zone file given twice, and writes nothing."""
    osm = toy_osm.write(tmp_path, *toy_osm.CROSSING)
    wards = write(tmp_path, [at(0, 0)], {"name": ["A"]}, name="wards.geojson")
    zones = write(tmp_path, ONE, {"kind": ["lake"]})
    with pytest.raises(InputError) as caught:
        import_city("toy", osm=osm, wards=wards, zones=[zones], folder=tmp_path / "toy")
    assert [fault.code for fault in caught.value.faults] == ["wards.areas", "zones.kind"]
    with pytest.raises(InputError) as caught:
        import_city("toy", osm=osm, zones=[zones, zones], folder=tmp_path / "toy")
    assert caught.value.code == "city.twice"
    assert not (tmp_path / "toy").exists()
