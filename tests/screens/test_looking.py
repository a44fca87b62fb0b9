"""Who could have seen a place, asked from a terminal."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

import cli
from planning import city as cities
from planning.city import City
from planning.export import write_plan
from planning.nouns import Plan
from tests.town import copy_of


@pytest.fixture(name="home")
def home_with_the_town(town: City, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of cities with the town, and its plan."""
    monkeypatch.setattr(cities, "FOLDERS", ())
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    town.save(tmp_path / "toy")
    write_plan(plan, town, tmp_path / "p.gpkg")
    return tmp_path


def before(town: City, plan: Plan) -> str:
    """A place 15 m in front of the plan's first camera, as latitude and longitude."""
    camera = plan.cameras[0]
    seen = plan.demand[plan.demand["after"].to_numpy() & ~plan.demand["before"].to_numpy()]
    near = seen.geometry.iloc[int(shapely.distance(seen.geometry.array, shapely.Point(camera.x_m, camera.y_m)).argmin())]
    point = gpd.GeoSeries([near], crs=town.crs).to_crs(4326).iloc[0]
    return f"{point.y:.7f},{point.x:.7f}"


def test_a_plan_s_cameras_are_asked_with_those_that_stand(home: Path, town: City, plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """A place the plan sees is seen by a planned camera where the plan is given, and by none where it is not; made data is called made."""
    words = ["witness", "toy", "--at", before(town, plan), "--when", "2026-11-20 12:30"]
    assert cli.main(words) == 0
    alone = capsys.readouterr().out
    assert cli.main([*words, "--plan", str(home / "p.gpkg")]) == 0
    with_plan = capsys.readouterr().out
    assert "  planned  " not in alone
    assert "  planned  " in with_plan.partition("\nmiss it")[0]
    for said in (alone, with_plan):
        assert "Made data, not surveyed" in said
        assert ", day\n" in said


def test_all_that_is_wrong_is_told_at_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Place, time and minutes are each a line; so is a place outside, whose latitude and longitude may be the wrong way round."""
    assert cli.main(["witness", "toy", "--at", "here", "--when", "noon", "--minutes", "-1"]) == 1
    told = [line.split("]")[0] for line in capsys.readouterr().err.splitlines()]
    assert told == ["chaukas: [witness.place", "chaukas: [witness.time", "chaukas: [witness.minutes"]
    assert cli.main(["witness", "toy", "--at", "0,0", "--when", "2026-11-20 12:30"]) == 1
    assert "[witness.area]" in capsys.readouterr().err


def test_a_plan_of_another_state_of_the_city_is_refused(home: Path, town: City, plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """Its cameras may not see today what they were planned to see."""
    copy_of(town, places=town["places"].iloc[:1]).save(home / "toy")
    assert cli.main(["witness", "toy", "--at", before(town, plan), "--when", "2026-11-20 12:30", "--plan", str(home / "p.gpkg")]) == 1
    assert "[desk.city]" in capsys.readouterr().err
