"""Plans out and in: the same plan back, or one clear refusal; never half a file."""

from __future__ import annotations

import csv
import dataclasses
import json
import sqlite3
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import pyogrio
import pytest

from optimizer.plan import make_plan
from optimizer.survey import Survey
from optimizer.verify import verify
from planning import export
from planning.city import MADE_NOTE, City
from planning.errors import ChaukasError, FileRefused, InputError
from planning.export import layers, plan_city, read_plan, write_plan
from planning.nouns import Plan, Scenario


@pytest.fixture(scope="module")
def saved(plan: Plan, town: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan as a GeoPackage; nobody changes it."""
    path = tmp_path_factory.mktemp("export") / "plan.gpkg"
    write_plan(plan, town, path)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    """A CSV's rows, byte-order mark aside."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_geopackage_gives_the_plan_back(saved: Path, plan: Plan, town: City) -> None:
    """Written and read, the plan is equal in every part, its id too; its demand and views are there; and it verifies."""
    again = read_plan(saved)
    assert again == plan
    assert again.id == plan.id
    assert again.scenario.title == plan.scenario.title
    assert again.demand["after"].tolist() == plan.demand["after"].tolist()
    assert again.demand.index.tolist() == plan.demand.index.tolist()
    assert again.views["camera"].tolist() == plan.views["camera"].tolist()
    assert again.demand.crs == town.crs
    assert verify(again, town).cost_inr == plan.cost_inr
    assert plan_city(saved) == town.name


def test_an_empty_plan_goes_out_and_in(town: City, survey: Survey, wish: Scenario, tmp_path: Path) -> None:
    """A plan without cameras is written in every form and read back equal."""
    empty = make_plan(town, dataclasses.replace(wish, forbid=tuple(survey.sites.index), title="शून्य"), survey=survey)
    for name in (f"a{suffix}" for suffix in export.SUFFIXES):
        write_plan(empty, town, tmp_path / name)
    assert read_plan(tmp_path / "a.gpkg") == empty
    assert read_plan(tmp_path / "a.gpkg").scenario.title == "शून्य"
    assert rows_of(tmp_path / "a.csv") == []


def test_geojson_is_in_degrees(plan: Plan, town: City, tmp_path: Path) -> None:
    """GeoJSON holds one point a camera in longitude and latitude, near where the town lies, and no metres."""
    write_plan(plan, town, tmp_path / "plan.GEOJSON")
    data = json.loads((tmp_path / "plan.GEOJSON").read_text(encoding="utf-8"))
    assert [feature["properties"]["id"] for feature in data["features"]] == [camera.id for camera in plan.cameras]
    back = gpd.read_file(tmp_path / "plan.GEOJSON").to_crs(town.crs)
    for feature, point, camera in zip(data["features"], back.geometry, plan.cameras, strict=True):
        lon, lat = feature["geometry"]["coordinates"]
        assert 81 < lon < 82
        assert 21 < lat < 23
        assert abs(point.x - camera.x_m) < 0.05
        assert abs(point.y - camera.y_m) < 0.05
        assert "x_m" not in feature["properties"]


def test_csv_opens_in_a_spreadsheet(plan: Plan, town: City, tmp_path: Path) -> None:
    """CSV begins with a byte-order mark, has a row a camera with its money, and places in degrees."""
    write_plan(plan, town, tmp_path / "plan.csv")
    assert (tmp_path / "plan.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    rows = rows_of(tmp_path / "plan.csv")
    assert [row["id"] for row in rows] == [camera.id for camera in plan.cameras]
    assert [int(row["cost_inr"]) for row in rows] == [camera.cost_inr for camera in plan.cameras]
    assert all(81 < float(row["longitude"]) < 82 for row in rows)


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@sum", "\tx", "\rx"])
def test_cells_that_look_like_formulas_stay_text(plan: Plan, town: City, tmp_path: Path, text: str) -> None:
    """A text that a spreadsheet would run is led by an apostrophe; numbers below nought stay numbers."""
    odd = dataclasses.replace(plan.cameras[0], ward=text, tilt_deg=-1.5)
    write_plan(dataclasses.replace(plan, cameras=(odd,)), dataclasses.replace(town, title=text), tmp_path / "plan.csv")
    (row,) = rows_of(tmp_path / "plan.csv")
    assert row["ward"][0] == "'"
    assert row["city"][0] == "'"
    assert float(row["tilt_deg"]) == -1.5


def test_every_file_says_that_the_city_is_made(saved: Path, plan: Plan, town: City, tmp_path: Path) -> None:
    """Made data is labelled in each form; a surveyed city's plan is not."""
    for made in (True, False):
        other = dataclasses.replace(plan, made=made)
        for name in ("plan.csv", "plan.geojson"):
            write_plan(other, town, tmp_path / name)
            assert (MADE_NOTE in (tmp_path / name).read_text(encoding="utf-8-sig")) == made
        write_plan(other, town, tmp_path / "plan.gpkg")
        table = pyogrio.read_dataframe(tmp_path / "plan.gpkg", layer="chaukas_plan", read_geometry=False)
        assert (MADE_NOTE in table["value"].iloc[0]) == made
        assert read_plan(tmp_path / "plan.gpkg").made == made


def test_layers_are_in_the_city_s_crs(plan: Plan, town: City) -> None:
    """The layers a map draws: one row a camera, site, view and demand point, all in metres; sites' heads are columns of whole rupees."""
    found = layers(plan, town)
    counts = {name: len(frame) for name, frame in found.items()}
    assert counts == {
        "cameras": len(plan.cameras), "fields_of_view": len(plan.cameras), "existing": 4, "existing_views": 4, "sites": len(plan.sites),
        "demand": len(plan.demand),
    }  # fmt: skip
    assert all(frame.crs == town.crs for frame in found.values())
    heads = [name for name in found["sites"].columns if name.startswith("cost_") and name != "cost_inr"]
    assert found["sites"][heads].sum(axis=1).tolist() == found["sites"]["cost_inr"].tolist()


def test_an_unknown_suffix_is_refused(plan: Plan, town: City, tmp_path: Path) -> None:
    """Other kinds of file are not written, and nothing is left there."""
    for name in ("plan.shp", "plan", "plan.gpkg.txt"):
        with pytest.raises(InputError) as caught:
            write_plan(plan, town, tmp_path / name)
        assert caught.value.code == "export.kind"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".csv"])
def test_a_failing_write_leaves_the_old_file(plan: Plan, town: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """Where the disk is full halfway, the old file stands as it was, nothing else lies there, and the error is ours."""
    target = tmp_path / f"plan [1]{suffix}"
    target.write_bytes(b"the old plan")
    writer = {".gpkg": "_write_gpkg", ".geojson": "_write_geojson", ".csv": "_write_csv"}[suffix]

    def full(plan: Plan, city: City, scratch: Path, *_: object) -> None:
        scratch.write_bytes(b"half")
        scratch.with_name(scratch.name + "-journal").write_bytes(b"litter")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, writer, full)
    with pytest.raises(InputError) as caught:
        write_plan(plan, town, target)
    assert caught.value.code == "export.failed"
    assert target.read_bytes() == b"the old plan"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_a_file_is_refused(plan: Plan, town: City, tmp_path: Path) -> None:
    """A target below a file, or one that is a folder, is an error of ours."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.csv").mkdir()
    for target in (tmp_path / "file" / "plan.csv", tmp_path / "folder.csv"):
        with pytest.raises(InputError) as caught:
            write_plan(plan, town, target)
        assert caught.value.code == "export.failed"


def test_writing_over_a_plan_replaces_it_whole(plan: Plan, town: City, survey: Survey, wish: Scenario, tmp_path: Path) -> None:
    """A second plan in the same file is alone there: no layer or row of the first is left."""
    target = tmp_path / "plan.gpkg"
    write_plan(plan, town, target)
    smaller = make_plan(town, dataclasses.replace(wish, budget_inr=60_000), survey=survey)
    write_plan(smaller, town, target)
    assert read_plan(target) == smaller
    assert list(tmp_path.iterdir()) == [target]


def refused(path: Path) -> ChaukasError:
    """The refusal of a file as a plan."""
    with pytest.raises(ChaukasError) as caught:
        read_plan(path)
    return caught.value


def test_files_that_are_no_plans_are_refused(plan: Plan, town: City, tmp_path: Path) -> None:
    """Nothing there, an empty file, a text, another database, another GeoPackage: each a refusal of ours with its code."""
    assert refused(tmp_path / "none.gpkg").code == "file.missing"
    (tmp_path / "empty.gpkg").touch()
    assert refused(tmp_path / "empty.gpkg").code == "file.empty"
    (tmp_path / "text.gpkg").write_text("not a plan at all")
    assert refused(tmp_path / "text.gpkg").code == "plan.kind"
    with sqlite3.connect(tmp_path / "other.gpkg") as book:
        book.execute("create table chaukas_plan (key text, value text)")
        book.execute("insert into chaukas_plan values ('plan', '[]')")
    book.close()
    assert refused(tmp_path / "other.gpkg").code == "plan.kind"
    town["roads"].to_file(tmp_path / "roads.gpkg", layer="roads")
    assert refused(tmp_path / "roads.gpkg").code == "plan.kind"
    with pytest.raises(FileRefused):
        plan_city(tmp_path / "roads.gpkg")
    write_plan(plan, town, tmp_path / "plan.csv")
    assert refused(tmp_path / "plan.csv").code == "plan.kind"


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.8, 0.99])
def test_a_plan_cut_short_is_refused(saved: Path, tmp_path: Path, share: float) -> None:
    """However much of it is missing, a truncated plan is refused in our words."""
    whole = saved.read_bytes()
    (tmp_path / "cut.gpkg").write_bytes(whole[: int(share * len(whole))])
    assert refused(tmp_path / "cut.gpkg").code in {"plan.kind", "plan.unreadable"}


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("update chaukas_plan set value = '{}'", "plan.kind"),
        ("update chaukas_plan set value = '[1]'", "plan.kind"),
        ("update chaukas_plan set value = 'no json'", "plan.kind"),
        ("update chaukas_plan set value = json_set(value, '$.version', 99)", "plan.version"),
        ("update chaukas_plan set value = json_remove(value, '$.proof')", "plan.unreadable"),
        ("update chaukas_plan set value = json_set(value, '$.proof.extra', 1)", "plan.unreadable"),
        ("update chaukas_plan set value = json_set(value, '$.wards', 7)", "plan.unreadable"),
        ("update chaukas_plan set value = json_set(value, '$.scenario', '{}')", "scenario.json"),
        ("delete from chaukas_plan", "plan.kind"),
        ("update cameras set bearing_deg = null", "plan.unreadable"),
        ("update cameras set geom = null", "plan.unreadable"),
        ("alter table cameras drop column lens", "plan.unreadable"),
        ("alter table sites drop column kind", "plan.unreadable"),
    ],
)
def test_a_plan_changed_by_hand_is_refused_or_read(saved: Path, tmp_path: Path, statement: str, code: str) -> None:
    """Whatever was done to its tables, reading ends in one of our refusals, not in a stranger's."""
    path = tmp_path / "hand.gpkg"
    path.write_bytes(saved.read_bytes())
    with sqlite3.connect(path) as book:
        # Triggers of the format call functions that only its own drivers bring along.
        for (name,) in book.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            book.execute(f'drop trigger "{name}"')
        book.execute(statement)
    book.close()
    assert refused(path).code == code


def test_a_camera_moved_on_the_map_is_what_is_read(saved: Path, plan: Plan, town: City, tmp_path: Path) -> None:
    """What an engineer moves on the map counts, not a number in a column: the verifier then refuses the plan."""
    path = tmp_path / "moved.gpkg"
    path.write_bytes(saved.read_bytes())
    cameras = gpd.read_file(path, layer="cameras")
    cameras["geometry"] = cameras.translate(xoff=3.0)
    cameras.to_file(path, layer="cameras", driver="GPKG")
    moved = read_plan(path)
    assert moved.cameras[0].x_m == pytest.approx(plan.cameras[0].x_m + 3.0)
    with pytest.raises(ChaukasError) as caught:
        verify(moved, town)
    assert "verify.place" in {fault.code for fault in caught.value.faults}


def test_kml_and_osm_hold_the_cameras_where_they_are(plan: Plan, town: City, tmp_path: Path) -> None:
    """Each camera is one place in degrees within a decimetre of its own; in OSM's form it is proposed, with its direction and height."""
    for name in ("a.kml", "a.osm"):
        write_plan(plan, town, tmp_path / name)
    there = gpd.GeoSeries(gpd.points_from_xy([c.x_m for c in plan.cameras], [c.y_m for c in plan.cameras]), crs=town.crs)
    places = gpd.read_file(tmp_path / "a.kml")
    assert places["Name"].tolist() == [camera.id for camera in plan.cameras]
    assert (places.to_crs(town.crs).distance(there) < 0.1).all()
    root = ElementTree.parse(tmp_path / "a.osm").getroot()
    assert root.get("upload") == "never"
    for node, camera in zip(root, plan.cameras, strict=True):
        tags = {tag.get("k"): tag.get("v") for tag in node}
        assert tags["proposed:man_made"] == "surveillance"
        assert "man_made" not in tags
        assert (tags["ref"], tags["camera:direction"], tags["height"]) == (camera.id, f"{camera.bearing_deg:.0f}", f"{camera.height_m:g}")
        assert tags["note"] == MADE_NOTE
