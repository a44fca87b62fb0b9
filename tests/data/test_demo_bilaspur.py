"""The demo city is what its page says: its counts, its tiling wards, its clear carriageways, the same on every run, and made throughout."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from planning.city import MADE_NOTE, MADE_NOTE_HI, City, read_settings
from planning.errors import CityError
from planning.frames import SCHEMAS, check

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "data" / "demo" / "make_bilaspur.py"
CATEGORIES = {"theft", "vehicle_theft", "burglary", "robbery", "chain_snatching", "assault", "harassment"}
MAIN = ("trunk", "primary", "secondary", "tertiary")


@pytest.fixture(scope="session")
def demo(made_demo: City) -> City:
    """The whole demo city, made anew."""
    return made_demo


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A small city of the same make."""
    made: City = runpy.run_path(str(SCRIPT))["make_bilaspur"](tmp_path_factory.mktemp("demo") / "small", scale=0.3)
    return made


def carriageways(city: City, *, more_m: float = 0.0) -> np.ndarray:
    """Each road's carriageway as an area, widened by `more_m`."""
    roads = city["roads"]
    areas: np.ndarray = shapely.buffer(np.asarray(roads.geometry.array), roads["width_m"].to_numpy() / 2 + more_m)
    return areas


def roads_at(city: City) -> pd.Series:
    """How many road ends meet at each junction, counted from the roads."""
    return pd.concat([city["roads"]["from_junction"], city["roads"]["to_junction"]]).value_counts()


@pytest.mark.parametrize("layer", list(SCHEMAS))
def test_layers_are_sound(demo: City, layer: str) -> None:
    """Every layer is there and has no fault under its schema."""
    assert len(demo[layer]) > 0
    assert [str(fault) for fault in check(demo[layer], layer)] == []


@pytest.mark.parametrize("layer", list(SCHEMAS))
def test_layers_lie_in_the_study_area(demo: City, layer: str) -> None:
    """Nothing lies outside the study area by more than a millimetre's rounding."""
    assert shapely.covered_by(np.asarray(demo[layer].geometry.array), demo.area.buffer(0.01)).all()


def test_study_area_is_bilaspurs_core(demo: City) -> None:
    """About 5 x 4.5 km round 22.09 N, 82.15 E, in EPSG:32644, and no box."""
    assert demo.crs.to_epsg() == 32644
    west, south, east, north = demo.area.bounds
    assert 4700 < east - west < 5300
    assert 4200 < north - south < 4800
    centre = gpd.GeoSeries([demo.area.centroid], crs=demo.crs).to_crs(4326).iloc[0]
    assert abs(centre.x - 82.15) < 0.003
    assert abs(centre.y - 22.09) < 0.003
    assert demo.area.area < 0.95 * demo.area.envelope.area


def test_network_has_its_size(demo: City) -> None:
    """At least 10,000 pieces, 400-500 km in all, gently curved: not every piece is a straight stroke."""
    roads = demo["roads"]
    assert len(roads) >= 10_000
    assert 400_000 < roads.length.sum() < 500_000
    lines = np.asarray(roads.geometry.array)
    first, last = shapely.get_point(lines, 0), shapely.get_point(lines, -1)
    long = roads.length.to_numpy() > 40
    assert np.mean(shapely.distance(first, last)[long] < 0.9999 * roads.length.to_numpy()[long]) > 0.6


def test_network_is_one(demo: City) -> None:
    """At most three in a thousand pieces are cut off from the largest part."""
    number = {name: row for row, name in enumerate(demo["junctions"].index)}
    one, two = (demo["roads"][end].map(number).to_numpy() for end in ("from_junction", "to_junction"))
    _, part = connected_components(coo_array((np.ones(len(one)), (one, two)), shape=(len(number), len(number))), directed=False)
    assert np.mean(part[one] == np.bincount(part).argmax()) > 0.997


def test_junctions_are_where_roads_end(demo: City) -> None:
    """Every road starts and ends on its junctions, and a junction's degree is the number of road ends there."""
    junctions, roads = demo["junctions"], demo["roads"]
    lines = np.asarray(roads.geometry.array)
    for end, point in (("from_junction", shapely.get_point(lines, 0)), ("to_junction", shapely.get_point(lines, -1))):
        assert shapely.distance(np.asarray(junctions.geometry.loc[roads[end]].array), point).max() < 0.002
    assert (roads_at(demo).reindex(junctions.index, fill_value=0) == junctions["degree"]).all()


def test_roads_meet_at_junctions_only(demo: City) -> None:
    """No two pieces cross where there is no junction."""
    lines = np.asarray(demo["roads"].geometry.array)
    assert len(shapely.STRtree(lines).query(lines, predicate="crosses")[0]) == 0


def test_widths_follow_class(demo: City) -> None:
    """Bazaar lanes are 2.5-4 m, main roads wider than tertiary ones, tertiary ones wider than lanes."""
    widths = demo["roads"].groupby("road_class")["width_m"]
    assert widths.min()["living_street"] >= 2.5
    assert widths.max()["living_street"] <= 4.0
    medians = widths.median()
    assert medians["primary"] > medians["secondary"] > medians["tertiary"] > medians["residential"] > medians["living_street"]


def test_there_are_dead_ends_and_crossings(demo: City) -> None:
    """An Indian town: many dead ends, many threeways, fewer fourways."""
    share = demo["junctions"]["degree"].value_counts(normalize=True)
    assert 0.10 < share[1] < 0.35
    assert share[3] > share[4] > 0.08


def test_river_and_railway_are_crossed_on_bridges_only(demo: City) -> None:
    """Every road over river or rail land is a bridge; there are few of them."""
    water = demo["zones"][demo["zones"]["name"].str.contains("river|railway")]
    roads = demo["roads"]
    assert len(water) == 2
    assert 6 <= roads["bridge"].sum() <= 20
    land = shapely.buffer(shapely.union_all(np.asarray(water.geometry.array)), -1.0)
    over = roads.length.where(roads["bridge"], shapely.length(shapely.intersection(np.asarray(roads.geometry.array), land)))
    assert over[~roads["bridge"]].max() < 1.0


def test_building_count(demo: City) -> None:
    """19,000 to 21,000 footprints, most of them one or two storeys, a few towers."""
    heights = demo["buildings"]["height_m"]
    assert 19_000 <= len(heights) <= 21_000
    assert np.mean(heights < 3 * 3.1) > 0.6
    assert 5 <= (heights > 8 * 3.1 - 0.1).sum() <= 60
    assert set(demo["buildings"]["height_source"]) == {"made"}


def test_buildings_stand_clear(demo: City) -> None:
    """No footprint shares ground with another or with a carriageway."""
    shapes = np.asarray(demo["buildings"].geometry.array)
    tree = shapely.STRtree(shapes)
    one, two = tree.query(shapes, predicate="intersects")
    assert (one == two).all()
    assert len(tree.query(carriageways(demo), predicate="intersects")[0]) == 0


def test_buildings_vary(demo: City) -> None:
    """Some are L-shaped, and they face all ways."""
    shapes = np.asarray(demo["buildings"].geometry.array)
    corners = shapely.get_num_coordinates(shapes) - 1
    assert 0.1 < np.mean(corners == 6) < 0.5
    ring = np.array([shape.exterior.coords[:2] for shape in shapes[:4000]])
    ways = np.degrees(np.arctan2(*(ring[:, 1] - ring[:, 0]).T)) % 90
    assert np.histogram(ways, bins=9, range=(0, 90))[0].min() > 60


def test_wards_tile_the_area(demo: City) -> None:
    """70 wards, no gap and no overlap, about 250,000 people, each named as made and in Hindi."""
    wards = demo["wards"]
    shapes = np.asarray(wards.geometry.array)
    assert len(wards) == 70
    assert shapely.area(shapes).sum() == pytest.approx(demo.area.area, abs=1.0)
    assert shapely.union_all(shapes).symmetric_difference(demo.area).area < 1.0
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[one], shapes[two]))[one < two]
    assert shared.max() < 0.05
    assert wards["population"].sum() == pytest.approx(250_000, rel=0.03)
    assert (wards["population"] > 0).all()
    assert wards["name"].is_unique
    assert wards["name"].str.contains(r"\(made\) / वार्ड \d+").all()


def test_wards_are_of_a_size(demo: City) -> None:
    """No ward takes more than a sixteenth of the ground or a twentieth of the people."""
    wards = demo["wards"]
    assert wards.area.max() < demo.area.area / 16
    assert wards["population"].max() < wards["population"].sum() / 20


def test_wards_are_whole(demo: City) -> None:
    """Each ward's main part holds nearly all of it."""
    for shape in demo["wards"].geometry:
        assert max(part.area for part in shapely.get_parts(shape)) > 0.97 * shape.area


def test_places(demo: City) -> None:
    """The kinds people gather at are there; every name says that it is a demo, in both languages."""
    places = demo["places"]
    kinds = places["kind"].value_counts()
    wanted = {"school", "college", "market", "bus_station", "railway_station", "hospital", "bank", "atm", "police", "worship"}
    assert wanted <= set(kinds.index)
    assert kinds["railway_station"] == 1
    assert places["name"].is_unique
    assert places["name"].str.match(r"Demo .+ \d+ / नमूना .+ \d+").all()


def test_lamps_line_main_roads(demo: City) -> None:
    """Lamps stand beside main roads, poles beside lanes, none on a carriageway or in a wall."""
    lamps = demo["lamps"]
    points = np.asarray(lamps.geometry.array)
    roads = demo["roads"]
    main = shapely.STRtree(np.asarray(roads.geometry[roads["road_class"].isin(MAIN)].array))
    lit = points[lamps["kind"] == "lamp"]
    assert len(lit) > 1500
    assert (lamps["kind"] == "pole").sum() > 500
    assert len(np.unique(main.query(lit, predicate="dwithin", distance=9.5)[0])) == len(lit)
    assert len(shapely.STRtree(points).query(carriageways(demo), predicate="intersects")[0]) == 0
    assert len(shapely.STRtree(np.asarray(demo["buildings"].geometry.array)).query(points, predicate="intersects")[0]) == 0


def test_zones(demo: City) -> None:
    """A priority zone or two, ground without mounts, ground not to be looked into; all named as demo."""
    zones = demo["zones"]
    assert {"priority", "no_mount", "no_view"} <= set(zones["kind"])
    assert zones["name"].str.startswith("Demo ").all()


def test_incidents_cover_three_years(demo: City) -> None:
    """About 3,000 in seven categories, from 2023 to 2025, all dated."""
    incidents = demo["incidents"]
    assert 2_900 <= len(incidents) <= 3_100
    assert set(incidents["category"]) == CATEGORIES
    assert incidents["when"].notna().all()
    assert incidents["when"].min() >= pd.Timestamp("2023-01-01")
    assert incidents["when"].max() < pd.Timestamp("2026-01-01")
    assert set(incidents["when"].dt.year) == {2023, 2024, 2025}


def test_incidents_lie_on_streets(demo: City) -> None:
    """Each within a few metres of a carriageway."""
    points = np.asarray(demo["incidents"].geometry.array)
    beside = shapely.STRtree(points).query(carriageways(demo, more_m=2.5), predicate="intersects")[1]
    assert len(np.unique(beside)) == len(points)


def test_incidents_cluster(demo: City) -> None:
    """A twentieth of the streets holds most of the incidents, most streets have none, and theft keeps near markets."""
    points, lines = np.asarray(demo["incidents"].geometry.array), np.asarray(demo["roads"].geometry.array)
    count = np.bincount(shapely.STRtree(lines).nearest(points), minlength=len(lines))
    assert np.sort(count)[::-1][: len(lines) // 20].sum() > 0.4 * len(points)
    assert np.mean(count == 0) > 0.6
    markets = shapely.STRtree(np.asarray(demo["places"].geometry[demo["places"]["kind"] == "market"].array))
    theft = (demo["incidents"]["category"] == "theft").to_numpy()
    near = np.zeros(len(points), dtype=bool)
    near[markets.query(points, predicate="dwithin", distance=150)[0]] = True
    near_street = len(np.unique(markets.query(shapely.centroid(lines), predicate="dwithin", distance=150)[0])) / len(lines)
    assert near[theft].mean() > 2 * near_street


def test_incidents_keep_seasons_and_hours(demo: City) -> None:
    """Theft peaks at the festivals, burglary in summer and by night, assault in the evening."""
    when, category = demo["incidents"]["when"], demo["incidents"]["category"]
    theft, burglary, assault = (when[category == name] for name in ("theft", "burglary", "assault"))
    assert theft.dt.month.isin([10, 11]).mean() > 1.2 * 2 / 12
    assert burglary.dt.month.isin([4, 5, 6]).mean() > 1.2 * 3 / 12
    assert burglary.dt.hour.isin(range(4)).mean() > 1.5 * 4 / 24
    assert assault.dt.hour.isin(range(20, 24)).mean() > 1.5 * 4 / 24


def test_incidents_repeat_near_by(demo: City) -> None:
    """Burglaries have more neighbours within 200 m and 14 days than the same places with shuffled dates."""
    burglary = demo["incidents"][demo["incidents"]["category"] == "burglary"]
    one, two = shapely.STRtree(np.asarray(burglary.geometry.array)).query(np.asarray(burglary.geometry.array), predicate="dwithin", distance=230)
    days = burglary["when"].to_numpy().astype("datetime64[D]").astype(int)

    def close(of: np.ndarray) -> int:
        return int((np.abs(of[one] - of[two])[one < two] <= 14).sum())

    rng = np.random.default_rng(1)
    assert close(days) > 2 * np.mean([close(rng.permutation(days)) for _ in range(20)])


def test_traffic_system_is_23_junctions_and_523_cameras(demo: City) -> None:
    """Exactly these; the named junctions are those the cameras name, signalled, and as named demo."""
    cameras, junctions = demo["cameras"], demo["junctions"]
    named = junctions[junctions["name"].notna()]
    assert len(cameras) == 523
    assert len(named) == 23
    assert set(cameras["junction"]) == set(named["name"])
    assert named["signals"].all()
    assert set(named["name"]) == {f"Demo Junction {number} / नमूना चौक {number}" for number in range(1, 24)}


def test_traffic_system_is_at_the_largest_junctions(demo: City) -> None:
    """No signalled junction without cameras brings more carriageway together than one with."""
    roads, junctions = demo["roads"], demo["junctions"]
    width = pd.concat([roads.set_index(end)["width_m"] for end in ("from_junction", "to_junction")]).groupby(level=0).sum()
    signalled = junctions[junctions["signals"]]
    named = signalled["name"].notna()
    assert width[signalled.index[named]].min() >= width[signalled.index[~named]].max() - 1e-9


def test_cameras_stand_on_poles_off_the_road(demo: City) -> None:
    """Each camera stands on a pole off carriageways and outside footprints, within 70 m of its junction; poles carry several."""
    cameras = demo["cameras"]
    points = np.asarray(cameras.geometry.array)
    junction = demo["junctions"].reset_index().set_index("name").geometry.loc[cameras["junction"]]
    assert shapely.distance(points, np.asarray(junction.array)).max() < 70
    assert len(shapely.STRtree(points).query(carriageways(demo, more_m=0.2), predicate="intersects")[0]) == 0
    assert len(shapely.STRtree(np.asarray(demo["buildings"].geometry.array)).query(points, predicate="intersects")[0]) == 0
    poles = cameras.groupby([points_x.round(2) for points_x in (cameras.geometry.x, cameras.geometry.y)]).size()
    assert 1.5 < poles.mean() < 6
    assert set(cameras["mount"]) == {"pole"}


def test_cameras_are_a_realistic_mix(demo: City) -> None:
    """Fixed, ANPR and PTZ at every junction, mostly fixed; each of its kind's model; ANPR looks along an approach."""
    cameras = demo["cameras"]
    assert set(zip(cameras["kind"], cameras["model"], strict=True)) == {("fixed", "bullet-4mp"), ("anpr", "anpr-2mp"), ("ptz", "ptz-2mp")}
    assert cameras.groupby("junction")["kind"].nunique().min() == 3
    assert cameras["kind"].value_counts(normalize=True)["fixed"] > 0.5
    assert cameras[["bearing_deg", "hfov_deg", "height_m"]].notna().all(axis=None)
    roads = demo["roads"]
    tree = shapely.STRtree(np.asarray(roads.geometry.array))
    anpr = cameras[cameras["kind"] == "anpr"]
    off = []
    for point, bearing in zip(anpr.geometry, anpr["bearing_deg"], strict=True):
        ways = []
        for line in tree.geometries[tree.query(point, predicate="dwithin", distance=16)]:
            at = line.project(point)
            ahead, back = line.interpolate(min(at + 5, line.length)), line.interpolate(max(at - 5, 0))
            ways.append(np.degrees(np.arctan2(ahead.x - back.x, ahead.y - back.y)))
        off.append(min(abs((way - bearing + 90) % 180 - 90) for way in ways))
    assert np.percentile(off, 95) < 15


def test_cameras_are_in_the_catalogue(demo: City) -> None:
    """Each camera's field of view is one its model has."""
    catalogue = tomllib.loads((ROOT / "data" / "cameras.toml").read_text(encoding="utf-8"))
    for model, hfov in set(zip(demo["cameras"]["model"], demo["cameras"]["hfov_deg"], strict=True)):
        assert hfov in [lens["hfov_deg"] for lens in catalogue[model]["lenses"]]


def test_everything_says_made(demo: City) -> None:
    """Titles, sources, notes and cameras say that the city is made."""
    assert demo.made
    assert demo.title == "Bilaspur core (made demo city)"
    assert "बनावटी" in demo.title_hi
    assert {source.layer for source in demo.sources} == set(SCHEMAS)
    assert all("made" in source.origin and MADE_NOTE in source.note and MADE_NOTE_HI in source.note for source in demo.sources)
    assert any(MADE_NOTE in note for note in demo.notes)
    assert demo["cameras"]["source"].str.contains("made").all()


def test_saved_city_loads_as_it_was(demo: City) -> None:
    """What was saved loads again with the same digest."""
    assert demo.folder is not None
    assert City.load(demo.folder).digest == demo.digest


def test_small_city_is_sound(small: City, demo: City) -> None:
    """Another size is another sound city of the same make."""
    assert small.digest != demo.digest
    assert [str(fault) for layer in SCHEMAS for fault in check(small[layer], layer)] == []
    assert small["wards"].area.sum() == pytest.approx(small.area.area, abs=1.0)


@pytest.mark.parametrize("scale", [0.0, -1.0, 0.05, 1.5, float("nan"), float("inf")])
def test_a_scale_out_of_range_is_refused(scale: float, tmp_path: Path) -> None:
    """A size that cannot be made is named with the way out, and nothing is written."""
    with pytest.raises(CityError, match=r"demo\.scale"):
        runpy.run_path(str(SCRIPT))["make_bilaspur"](tmp_path / "none", scale=scale)
    assert not (tmp_path / "none").exists()


def test_same_digest_on_every_run(small: City, tmp_path: Path) -> None:
    """A second run in another process, working directory and hash seed makes the same city to the millimetre."""
    code = f"import runpy, pathlib; runpy.run_path({str(SCRIPT)!r})['make_bilaspur'](pathlib.Path({str(tmp_path / 'again')!r}), scale=0.3)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={"PYTHONHASHSEED": "77", "PATH": ""}, timeout=120)
    assert read_settings(tmp_path / "again")["digest"] == small.digest
