"""The command line: the same jobs from a terminal, errors on stderr with their codes, nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cli
from planning import city as cities
from planning.access import Actor
from planning.city import City
from planning.export import read_plan
from planning.store import open_store
from planning.suggestions import Limit, moderate, suggest
from screens import terminal
from tests.town import copy_of

QUICK = ("--models", "bullet-4mp", "--gap", "0.05", "--time", "10")


@pytest.fixture
def home(town: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of cities that holds the town, and is the only one there is."""
    town.save(tmp_path / "toy")
    monkeypatch.setattr(cities, "FOLDERS", ())
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    return tmp_path


def files(folder: Path) -> set[str]:
    """Every file below, by its path."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that must fail with status 1 says on stderr; its stdout must be empty."""
    assert cli.main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("chaukas: ")]
    assert lines
    assert all(line.startswith("chaukas: [") for line in lines)
    return err


@pytest.mark.parametrize(
    ("text", "rupees"), [("1,00,000", "₹1,00,000"), ("१०००००", "₹1,00,000"), ("1 lakh", "₹1,00,000"), ("100000.00", "₹1,00,000")]
)
def test_a_budget_is_read_as_people_write_it(home: Path, capsys: pytest.CaptureFixture[str], text: str, rupees: str) -> None:
    """Indian grouping, Devanagari digits and words are amounts; the plan is made for them, printed, and written to the city's plans."""
    assert cli.main(["plan", "toy", "--budget", text, *QUICK]) == 0
    out, err = capsys.readouterr()
    assert f"of {rupees} " in out
    assert "yes, recomputed from raw geometry" in out
    assert "Made data, not surveyed" in out
    assert "100 %  done" in err
    (written,) = (home / "toy" / "plans").glob("*.gpkg")
    assert written.stem in out
    assert read_plan(written).scenario.budget_inr == 100_000


@pytest.mark.parametrize(
    ("text", "code"),
    [("0", "scenario.budget"), ("NaN", "money"), ("1,00", "money"), ("-5", "money"), ("1e99", "money"), ("", "money"), ("5", "scenario.cheapest")],
)
def test_a_bad_budget_is_refused(home: Path, capsys: pytest.CaptureFixture[str], text: str, code: str) -> None:
    """What is no amount, nothing, or too little for one camera is refused with its code, and nothing is written."""
    before = files(home)
    err = refused(["plan", "toy", f"--budget={text}", *QUICK], capsys)
    assert f"[{code}]" in err
    assert files(home) == before


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--heights", "six"], "scenario.height"), (["--heights", "1"], "scenario.height"), (["--heights", ""], "scenario.height"),
        (["--ward-floor", "much"], "scenario.floor"), (["--ward-floor", "nan"], "scenario.floor"), (["--ward-floor", "150%"], "scenario.floor"),
        (["--spacing", "nan"], "scenario.spacing"), (["--gap", "2"], "scenario.gap"), (["--time", "inf"], "scenario.time"),
        (["--per-site", "0"], "scenario.site"),
        (["--yearly", "1,00"], "money"), (["--models", "wonder"], "scenario.model"), (["--level", "vaguely"], "scenario.level"),
        (["--keep", "x"], "scenario.keep"), (["--forbid", "x"], "scenario.forbid"), (["--out", "plan.pdf"], "export.kind"),
        (["--recipe", "../secret"], ""), (["--suggestions", "10"], "scenario.suggestions"), (["--suggestions", "many"], "scenario.suggestions"),
        (["--suggestions", "91"], "scenario.suggestions"), (["--movement", "half"], "scenario.movement"), (["--movement", "91"], "scenario.movement"),
        (["--movement", "20"], "movement.gateways"),
    ],
)  # fmt: skip
def test_bad_wishes_are_refused(home: Path, capsys: pytest.CaptureFixture[str], more: list[str], code: str) -> None:
    """Every option's bad value ends in a refusal with its code; nothing is written, no traceback is shown."""
    before = files(home)
    err = refused(["plan", "toy", "--budget", "1 lakh", *more], capsys)
    assert f"[{code}" in err
    assert "Traceback" not in err
    assert files(home) == before


def test_all_faults_of_a_wish_are_told_at_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wish wrong in three ways is told all three, a line each."""
    err = refused(["plan", "toy", "--budget", "0", "--spacing", "900", "--gap", "5"], capsys)
    assert [line.split("]")[0] for line in err.splitlines()] == ["chaukas: [scenario.budget", "chaukas: [scenario.spacing", "chaukas: [scenario.gap"]


def test_a_ward_floor_may_be_a_share_or_percent(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0.05 and 5% are the same floor."""
    for text in ("0.05", "5%", "5 %"):
        assert cli.main(["plan", "toy", "--budget", "1 lakh", "--ward-floor", text, "--out", str(home / "a.gpkg"), *QUICK]) == 0
        assert read_plan(home / "a.gpkg").scenario.ward_floor == pytest.approx(0.05)
    capsys.readouterr()


def test_accepted_suggestions_weigh_in_a_plan_that_verifies_without_the_store(
    home: Path, town: City, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--suggestions` takes the city's shown ones; the plan in its file says how many and their digest, and verifies where no store knows them."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path / "one"))
    store, planner = open_store(), Actor("p", "P", ("planner",))
    spot = town["places"].to_crs(4326).geometry.iloc[1]
    label = suggest(store, planner, City.load(home / "toy"), spot.y, spot.x, "Dark at the market", limit=Limit())
    suggest(store, planner, City.load(home / "toy"), spot.y, spot.x, "Nobody looked at this one", limit=Limit())
    moderate(store, planner, label, "shown")
    target = home / "voices.gpkg"
    assert cli.main(["plan", "toy", "--budget", "1 lakh", "--suggestions", "20%", "--out", str(target), *QUICK]) == 0
    assert "1 accepted suggestions (digest " in capsys.readouterr().out
    assert len(read_plan(target).scenario.suggestions) == 1
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path / "two"))
    assert cli.main(["verify", str(target)]) == 0
    assert "agrees with its city" in capsys.readouterr().out
    assert refused(["plan", "toy", "toy", "--budget", "1 lakh", "--suggestions", "20"], capsys).count("scenario.suggestions") == 2


def test_plan_verify_export_agree(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A plan written is verified with the same coverage and cost, exported in each form, and what is exported holds the same cameras."""
    target = home / "out" / "plan.gpkg"
    assert (
        cli.main(["plan", "toy", "--budget", "1.3 lakh", "--out", str(target), "--out", str(home / "out" / "plan.csv"), "--title", "चौकस", *QUICK])
        == 0
    )
    planned = capsys.readouterr().out
    plan = read_plan(target)
    assert plan.scenario.title == "चौकस"
    assert f"{100 * plan.scorecard.after:.2f} % after" in planned
    assert cli.main(["verify", str(target)]) == 0
    found = capsys.readouterr().out
    assert f"{100 * plan.scorecard.after:.2f} % after (stated {100 * plan.scorecard.after:.2f} %)" in found
    assert cli.main(["export", str(target), str(home / "out" / "plan.geojson")]) == 0
    assert "plan.geojson" in capsys.readouterr().out
    data = json.loads((home / "out" / "plan.geojson").read_text(encoding="utf-8"))
    assert [feature["properties"]["id"] for feature in data["features"]] == [camera.id for camera in plan.cameras]
    assert sorted(path.name for path in (home / "out").iterdir()) == ["plan.csv", "plan.geojson", "plan.gpkg"]


def test_a_plan_of_another_state_of_the_city_is_refused(home: Path, town: City, capsys: pytest.CaptureFixture[str]) -> None:
    """After the city changed its old plan is neither verified nor exported."""
    target = home / "plan.gpkg"
    assert cli.main(["plan", "toy", "--budget", "1 lakh", "--out", str(target), *QUICK]) == 0
    capsys.readouterr()
    copy_of(town, places=town["places"].iloc[:1]).save(home / "toy")
    assert "[verify.city]" in refused(["verify", str(target)], capsys)
    assert "[export.city]" in refused(["export", str(target), str(home / "plan.csv")], capsys)
    assert not (home / "plan.csv").exists()


def test_what_is_no_plan_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, a text and a city's own book are no plans."""
    (home / "text.gpkg").write_text("no")
    for name, code in (("none.gpkg", "file.missing"), ("text.gpkg", "plan.kind"), ("toy/city.gpkg", "plan.kind")):
        assert f"[{code}]" in refused(["verify", str(home / name)], capsys)
        assert f"[{code}]" in refused(["export", str(home / name), str(home / "x.csv")], capsys)


def test_if_none_plans_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --if-none a city that has a plan is left as it is."""
    arguments = ["plan", "toy", "--budget", "1 lakh", "--if-none", *QUICK]
    assert cli.main(arguments) == 0
    before = files(home)
    assert cli.main(arguments) == 0
    assert "has a plan" in capsys.readouterr().out
    assert files(home) == before


def test_cities_are_listed_and_checked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The list names each city with its folder; the check prints findings on it; a city may be given by its folder."""
    assert cli.main(["city", "list"]) == 0
    assert capsys.readouterr().out == f"toy\t{home / 'toy'}\n"
    assert cli.main(["city", "check", "toy"]) == 0
    by_name = capsys.readouterr().out
    assert by_name
    assert cli.main(["city", "check", str(home / "toy")]) == 0
    assert capsys.readouterr().out == by_name


def test_an_unknown_city_is_refused_with_those_there_are(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal names the cities one could have meant."""
    for arguments in (["city", "check", "atlantis"], ["plan", "atlantis", "--budget", "1 lakh"]):
        err = refused(arguments, capsys)
        assert "[city.unknown]" in err
        assert "toy" in err


def test_a_damaged_city_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A city's book cut short is one clear line, and the file stays as it is."""
    book = home / "toy" / "city.gpkg"
    half = book.read_bytes()[:20_000]
    book.write_bytes(half)
    refused(["city", "check", "toy"], capsys)
    assert book.read_bytes() == half


def test_import_refuses_what_is_not_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file and a mapping without a column are refused, and no folder is made."""
    before = files(home)
    refused(["city", "import", "new", "--osm", str(home / "none.osm"), "--folder", str(home / "new")], capsys)
    assert "[mapping.form]" in refused(["city", "import", "new", "--osm", "x.osm", "--map", "lat"], capsys)
    assert files(home) == before
    assert not (home / "new").exists()


def test_import_makes_a_city_from_lines(home: Path, town: City, capsys: pytest.CaptureFixture[str]) -> None:
    """Street lines in a file become a city that can be planned from its folder."""
    town["roads"][["name", "road_class", "geometry"]].to_file(home / "streets.gpkg")
    folder = home / "lines"
    assert cli.main(["city", "import", "lines", "--roads", str(home / "streets.gpkg"), "--folder", str(folder), "--crs", "EPSG:32644"]) == 0
    assert "Imported lines" in capsys.readouterr().out
    assert cli.main(["plan", str(folder), "--budget", "1 lakh", *QUICK]) == 0
    assert len(list((folder / "plans").glob("*.gpkg"))) == 1


def test_the_demo_city_is_made_once(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, town: City) -> None:
    """Asked for by name or by `city demo`, the demo city is made where it is not, and not again where it is."""
    elsewhere = home / "elsewhere"
    script = elsewhere / "data" / "demo" / "make_bilaspur.py"
    monkeypatch.setattr(cities, "FOLDERS", (script.parent,))
    script.parent.mkdir(parents=True)
    script.write_text("from tests.town import make_town\n\n\ndef make_bilaspur(folder):\n    return make_town().save(folder)\n")
    monkeypatch.setattr(terminal, "ROOT", elsewhere)
    assert cli.main(["city", "check", "bilaspur"]) == 0
    made = files(script.parent)
    assert any(name.endswith("city.toml") for name in made)
    script.write_text("raise SystemExit('made twice')\n")
    assert cli.main(["city", "demo"]) == 0
    out = capsys.readouterr().out
    assert "Made data, not surveyed" in out
    assert files(script.parent) == made


def test_words_that_are_off_end_with_status_two(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown commands and options, or missing ones, are argparse's own refusal."""
    for arguments in ([], ["fly"], ["plan", "toy"], ["plan", "toy", "--budget", "1", "--wings"], ["city", "import", "x"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == 2
    capsys.readouterr()


def test_a_stop_by_hand_is_told(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped by hand the command says so, ends with status 130, and leaves nothing behind."""
    before = files(home)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("optimizer.plan.make_plan", stop)
    assert cli.main(["plan", "toy", "--budget", "1 lakh"]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert files(home) == before


def test_a_failing_write_leaves_the_old_plan(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the plan cannot be written the command fails with our error, and the old file stands."""
    target = home / "plan.csv"
    target.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("planning.export._write_csv", full)
    assert cli.main(["plan", "toy", "--budget", "1 lakh", "--out", str(target), *QUICK]) == 1
    assert "[export.failed]" in capsys.readouterr().err
    assert target.read_text() == "old"
