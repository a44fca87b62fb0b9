"""What a plan leaves unseen, how it scores, how such plans would have done, and its network, asked from a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import rasterio

import cli
from planning import city as cities
from planning.city import City
from planning.export import read_plan, write_plan
from planning.nouns import Plan
from planning.reviews import read_review
from tests.town import copy_of


@pytest.fixture(name="home")
def home_with_the_town(town: City, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of cities with the town, and its plan."""
    monkeypatch.setattr(cities, "FOLDERS", ())
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    town.save(tmp_path / "toy")
    write_plan(plan, town, tmp_path / "p.gpkg")
    return tmp_path


def done(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command that goes through prints."""
    status = cli.main(list(words))
    out, err = capsys.readouterr()
    assert status == 0, err
    return out


def test_gaps_are_written_where_maps_open_them(home: Path, plan: Plan, town: City, capsys: pytest.CaptureFixture[str]) -> None:
    """Both rasters bear the city's CRS and cover its area; the unseen weight told, and that of the stretches, is the plan's."""
    told = done(capsys, "gaps", str(home / "p.gpkg"), "--out", str(home / "gaps"), "--cell", "2")
    for name in ("cameras.tif", "px_per_m.tif"):
        with rasterio.open(home / "gaps" / name) as raster:
            assert raster.crs.to_epsg() == town.crs.to_epsg()
            assert raster.res == (2.0, 2.0)
            assert raster.bounds.left <= town.area.bounds[0]
            assert raster.bounds.right >= town.area.bounds[2]
    unseen = plan.demand[~plan.demand["after"].to_numpy(dtype=bool)]
    assert f"{100 * unseen['weight'].sum() / plan.demand['weight'].sum():.2f} % of all weight is unseen" in told
    stretches = gpd.read_file(home / "gaps" / "gaps.gpkg", layer="stretches")
    assert stretches["weight"].is_monotonic_decreasing
    assert 0 < stretches["weight"].sum() <= unseen["weight"].sum() * (1 + 1e-9)
    assert len(gpd.read_file(home / "gaps" / "gaps.gpkg", layer="areas")) >= 1


def test_scores_are_those_of_the_plan(home: Path, plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    """The only road class holds the streets' coverage; the least covered ward is the plan's worst."""
    told = done(capsys, "scores", str(home / "p.gpkg"))
    worst = plan.scorecard.worst
    assert worst is not None
    assert f"least covered ward  {worst.ward}: {100 * worst.after:.2f} %" in told
    streets = plan.demand[plan.demand["road_class"] == "residential"]
    after = streets.loc[streets["after"].astype(bool), "weight"].sum() / streets["weight"].sum()
    assert f"{100 * after:.1f} %" in next(line for line in told.splitlines() if line.strip().startswith("residential"))
    assert "Gini over wards" in told
    assert re.search(r"homes in view +\d+\.\d+ % of \d+\.\d km of frontage", told)
    assert re.search(r"plates read +on \d+\.\d % of \d+ likely routes out before, \d+\.\d % with the plan|routes out", told)


def test_a_back_test_says_how_it_parted_and_what_is_fair(home: Path, town: City, capsys: pytest.CaptureFixture[str]) -> None:
    """Incidents of different days are parted by time; every placement is told with what it is fair to, and nothing is promised."""
    dates = pd.to_datetime([f"2025-0{1 + k % 9}-11 10:00" for k in range(len(town["incidents"]))])
    copy_of(town, incidents=town["incidents"].assign(when=dates)).save(home / "dated")
    words = ["backtest", "dated", "--budget", "1 lakh", "--models", "bullet-4mp", "--time", "2", "--gap", "0.05", "--split", "60%"]
    told = done(capsys, *words)
    assert "judged on those from then on" in told
    for who in ("planned", "random", "junctions", "foresight"):
        assert f"\n{who}" in told
    assert "promises nothing here" in told


def test_a_plan_is_told_with_its_back_test(home: Path, town: City, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it costs little it is made, printed and kept beside the plan; where it would cost more, how to have it is printed, as a command."""
    days = pd.to_datetime([f"2025-0{1 + k % 9}-11 10:00" for k in range(len(town["incidents"]))])
    copy_of(town, incidents=town["incidents"].assign(when=days)).save(home / "dated")
    words = ["plan", "dated", "--budget", "1 lakh", "--models", "bullet-4mp", "--time", "2", "--gap", "0.05", "--out", str(home / "d.gpkg")]
    words += ["--out", str(home / "d.html"), "--lang", "en"]
    monkeypatch.setattr("screens.findings.QUICK_S", 1e9)
    told = done(capsys, *words)
    assert re.search(r"back-test +of \d later incidents a plan like this .* PAI [\d.]+, PEI\* [\d.]+", told)
    plan = read_plan(home / "d.gpkg")
    page = (home / "d.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in page
    assert plan.id in page
    assert read_review(home / "d.gpkg", "backtest", plan) is not None
    monkeypatch.setattr("screens.findings.QUICK_S", 0.0)
    found = re.search(r"back-test +`chaukas (.+?)`", done(capsys, *words))
    assert found
    done(capsys, *found[1].split(), "--time", "1")
    done(capsys, "report", str(home / "d.gpkg"), str(home / "d.pdf"), "--city", "dated")
    assert (home / "d.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (["gaps", "PLAN", "--out", "x", "--cell", "0"], ["grid.cells"]),
        (["backtest", "toy", "--budget", "no", "--split", "much", "--cut", "someday"], ["scenario.floor", "backtest.cut", "money"]),
        (["backtest", "toy", "--budget", "1 lakh"], ["backtest.split"]),
        (["plan", "toy", "--budget", "1 lakh", "--grid", "--centre", "here"], ["witness.place"]),
        (["plan", "toy", "--budget", "1 lakh", "--purpose", "moon=face"], ["scenario.purpose"]),
        (["plan", "toy", "--budget", "1 lakh", "--second-view", "2", "--privacy", "-1"], ["scenario.second", "scenario.privacy"]),
    ],
)
def test_bad_questions_are_refused(home: Path, capsys: pytest.CaptureFixture[str], words: list[str], codes: list[str]) -> None:
    """Each fault has its code, those of one reading are told together."""
    assert cli.main([str(home / "p.gpkg") if word == "PLAN" else word for word in words]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("]")[0].removeprefix("chaukas: [") for line in err.splitlines() if line.startswith("chaukas: [")] == codes


def test_a_plan_with_its_network_is_written_and_verified_from_its_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The network is told with its bound, its lines are a layer, sites pay their shares, and the file alone is enough to verify it."""
    point = gpd.GeoSeries(gpd.points_from_xy([550_060.0], [2_440_000.0]), crs="EPSG:32644").to_crs(4326).iloc[0]
    words = ["plan", "toy", "--budget", "1.5 lakh", "--models", "bullet-4mp", "--gap", "0.05", "--time", "6", "--grid"]
    told = done(capsys, *words, "--centre", f"{point.y:.6f},{point.x:.6f}", "--out", str(home / "g.gpkg"))
    assert "no tree over the same links costs less than" in told
    plan = read_plan(home / "g.gpkg")
    assert plan.scenario.centre == pytest.approx((point.y, point.x), abs=1e-6)
    lines = gpd.read_file(home / "g.gpkg", layer="grid")
    shares = sum(dict(site.heads).get("grid", 0) for site in plan.sites)
    assert shares == lines["cost_inr"].sum()
    assert "agrees with its city" in done(capsys, "verify", str(home / "g.gpkg"))
