"""A committee's questions from a terminal: answers in plain lines, faults together, tables whole or not at all."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import cli
from planning import city as cities
from planning.city import City
from planning.export import read_plan

QUICK = ("--models", "bullet-4mp", "--gap", "0.05")


@pytest.fixture(name="home", scope="module")
def home_with_a_plan(town: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of cities with the town, and a plan of it."""
    folder = tmp_path_factory.mktemp("home")
    town.save(folder / "toy")
    wish = ["--budget", "1 lakh", "--time", "10", "--ward-floor", "5%", *QUICK]
    assert cli.main(["plan", str(folder / "toy"), *wish, "--out", str(folder / "p.gpkg")]) == 0
    return folder


@pytest.fixture(autouse=True)
def only_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other city is found."""
    monkeypatch.setattr(cities, "FOLDERS", ())
    monkeypatch.setenv("CHAUKAS_CITIES", str(home))


def done(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command that goes through prints."""
    capsys.readouterr()
    status = cli.main(list(words))
    out, err = capsys.readouterr()
    assert status == 0, err
    return out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """The codes of a command's refusal; it prints nothing else."""
    capsys.readouterr()
    assert cli.main(list(words)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    return [line.split("]")[0].removeprefix("chaukas: [") for line in err.splitlines() if line.startswith("chaukas: [")]


def test_the_frontier_is_printed_and_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line a budget, the same figures in the table, coverage never falling, the made label above."""
    out = done(capsys, "frontier", "toy", "--budget", "1.2 lakh", "--steps", "3", "--time", "15", "--out", str(home / "f.csv"), *QUICK)
    assert "Made data, not surveyed" in out
    assert "of what was asked for" not in out
    with (home / "f.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["budget_inr"]) for row in rows] == [40_000, 80_000, 120_000]
    shares = [float(row["covered"]) for row in rows]
    assert shares == sorted(shares)
    assert all(float(row["covered"]) <= float(row["bound"]) + 1e-9 for row in rows)
    for row in rows:
        assert f"{100 * float(row['covered']):.2f} %" in out


def test_phases_are_printed_and_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each camera belongs to the phase that adds it, once; where second views weigh, it is told that shares are not of coverage alone."""
    words = ("--phase", "50 hazar", "--second-view", "50%", "--time", "20", "--out", str(home / "ph.csv"))
    out = done(capsys, "phases", "toy", "--budget", "1.2 lakh", *words, *QUICK)
    assert "of what was asked for: coverage with second views" in out
    with (home / "ph.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["phase"] for row in rows} == {"1", "2"}
    assert len({row["camera"] for row in rows}) == len(rows)
    assert out.count("nesting") == 2
    assert f"{len(rows)} cameras" in out


def test_why_tells_of_rules_cameras_and_floors(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without an option the rules that bind; a camera's worth is the plan's own figure; floors have their price."""
    plan = str(home / "p.gpkg")
    camera = read_plan(plan).cameras[0]
    assert "binds" in done(capsys, "why", plan) or "no rule binds" in done(capsys, "why", plan)
    told = done(capsys, "why", plan, "--camera", camera.id)
    assert f"lost without it    {100 * camera.gain:.3f} %" in told
    floors = done(capsys, "why", plan, "--floors")
    assert all(line.startswith("floor of ") for line in floors.splitlines())


def test_next_and_repair_name_cameras(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The next camera is none of the plan's; a dead one is brought back when the money pays it, and not when it does not."""
    plan = str(home / "p.gpkg")
    cameras = [camera.id for camera in read_plan(plan).cameras]
    told = done(capsys, "next", plan, "--budget", "40 hazar", "--most", "2")
    assert "best " in told
    assert not any(f"  {camera}:" in told for camera in cameras)
    dead = max(read_plan(plan).cameras, key=lambda camera: camera.gain).id
    assert f"  {dead}: +" in done(capsys, "repair", plan, "--dead", f"{dead}=4000", "--budget", "4000")
    assert f"  {dead}: +" not in done(capsys, "repair", plan, "--dead", dead, "--budget", "4000")


def test_the_cheapest_plan_for_a_share_is_printed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The certificate is in rupees; a share beyond reach is refused."""
    out = done(capsys, "plan", "toy", "--budget", "2 lakh", "--share", "20%", "--time", "10", "--out", str(home / "c.gpkg"), *QUICK)
    plan = read_plan(home / "c.gpkg")
    assert plan.scorecard.after >= 0.2 - 1e-9
    assert "that covers 20 % can cost less than ₹" in out
    assert plan.proof.least_inr is not None
    assert refused(capsys, "plan", "toy", "--budget", "2 lakh", "--share", "99%", "--time", "10", *QUICK)[0].startswith("cover.")


def test_the_least_change_is_told_where_rules_cannot_hold(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --mend a refusal comes with what would do; the refusal itself stays."""
    words = ["plan", "toy", "--budget", "20 hazar", "--ward-floor", "25%", "--mend", "--time", "10", "--out", str(home / "never.gpkg"), *QUICK]
    assert cli.main(words) == 1
    err = capsys.readouterr().err
    assert "[floor." in err
    assert "would do: budget" in err
    assert not (home / "never.gpkg").exists()


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (("frontier", "toy", "--budget", "much", "--steps", "0", "--out", "t.xls"), ["table.kind", "frontier.steps", "money"]),
        (("phases", "toy", "--budget", "1 lakh", "--phase", "no", "--spacing", "900"), ["money", "scenario.spacing"]),
        (("phases", "toy", "--budget", "1 lakh", "--phase", "1 lakh", *QUICK), ["phases.budgets"]),
        (("frontier", "atlantis", "--budget", "1 lakh"), ["city.unknown"]),
        (("next", "PLAN", "--budget", "-1", "--most", "0"), ["money", "next.most"]),
        (("why", "PLAN", "--camera", "x", "--camera", "y"), ["desk.camera", "desk.camera"]),
        (("repair", "PLAN", "--dead", "x", "--dead", "y=no", "--budget", "1 lakh"), ["money"]),
        (("repair", "PLAN", "--dead", "x", "--dead", "y", "--budget", "1 lakh"), ["desk.camera", "desk.camera"]),
    ],
)
def test_bad_questions_are_refused(home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], codes: list[str]) -> None:
    """Every fault has its code, those of one reading are told together, and nothing is written."""
    before = sorted(path.name for path in home.rglob("*"))
    assert refused(capsys, *(str(home / "p.gpkg") if word == "PLAN" else word for word in words)) == codes
    assert sorted(path.name for path in home.rglob("*")) == before


def test_floors_are_priced_in_rupees(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line a floor with its cost and what none costs less than; odd floors and times are refused together."""
    out = done(capsys, "floors", str(home / "p.gpkg"), "--floor", "10%", "--floor", "0.2", "--time", "5")
    rows = [line for line in out.splitlines() if line.lstrip()[:3] in ("0 %", "10 ", "20 ")]
    assert len(rows) == 3
    assert all("₹" in row for row in rows)
    assert refused(capsys, "floors", str(home / "p.gpkg"), "--floor", "much", "--time", "0") == ["scenario.floor", "scenario.time"]
    assert refused(capsys, "floors", str(home / "p.gpkg"), "--floor", "2") == ["floors.share"]
