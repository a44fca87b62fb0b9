"""Wishes, targets, plans and cities a user meets trouble with, through the command line: refused with value and way out, nothing half-written."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cli
from planning.city import City
from planning.export import read_plan
from tests.desk import ALL, QUICK, Desk, areas, built_town, desk_of_ones_own, plan_of_the_town  # noqa: F401  # fixtures
from tests.planning.toy_osm import LAT, LON

# The wish


@pytest.mark.parametrize(
    ("text", "code"),
    [("0", "scenario.budget"), ("NaN", "money"), ("inf", "money"), ("-inf", "money"), ("-5", "money"), ("1,00", "money"), ("", "money"),
     ("lots", "money"),
     ("1.5", "money"), ("1e99", "money"), ("१०,००", "money"), ("2 croar", "money"), ("\x00", "money")],
)  # fmt: skip
@pytest.mark.parametrize("option", ["--budget", "--yearly"])
def test_amounts_that_are_none(desk: Desk, option: str, text: str, code: str) -> None:
    """No amount, nothing, or an amount grouped in no known way: refused with what was written."""
    budget = [] if option == "--budget" else ["--budget", "1 lakh"]
    desk.refused(["plan", "town", *budget, f"{option}={text}"], code, f"(got: {text})" if text else "[money]")


@pytest.mark.parametrize("text", ["1,00,000", "१०००००", "₹ १,००,०००", "1 लाख"])
def test_amounts_as_people_write_them(desk: Desk, text: str) -> None:
    """Indian grouping, Devanagari digits and words are the same lakh."""
    out = str(desk.folder / "plan.gpkg")
    desk.done(["plan", "town", "--budget", text, "--out", out, *QUICK], "of ₹1,00,000")
    assert read_plan(out).scenario.budget_inr == 100_000


def test_too_little_for_one_camera(desk: Desk) -> None:
    """A budget below the cheapest camera is refused with that price, and that price buys one; a yearly budget likewise."""
    err = desk.refused(["plan", "town", "--budget", "500", "--yearly", "5", *QUICK], "scenario.cheapest", "₹500", "₹5", "a year")
    least = re.findall(r"Give at least (₹[\d,]+)", err)
    assert len(least) == 2
    desk.done(["plan", "town", "--budget", least[0], "--yearly", least[1], *QUICK], "cameras        1 at 1 sites")


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        (["--ward-floor", "150%"], "scenario.floor", "1.5"), (["--ward-floor", "-1"], "scenario.floor", "-1"),
        (["--ward-floor", "20%"], "scenario.floor", "ward"), (["--ward-floor", "half"], "scenario.floor", "half"),
        (["--heights", "0"], "scenario.height", "0.0"), (["--heights", "nan"], "scenario.height", "nan"),
        (["--heights", "6,inf"], "scenario.height", "inf"),
        (["--heights", ""], "scenario.height", "()"), (["--heights", "six"], "scenario.height", "six"),
        (["--spacing", "0"], "scenario.spacing", "0.0"), (["--spacing", "nan"], "scenario.spacing", "nan"),
        (["--spacing", "-inf"], "scenario.spacing", "-inf"),
        (["--per-site", "0"], "scenario.site", "0"), (["--per-site", "-3"], "scenario.site", "-3"),
        (["--per-site", "99999999999999999999"], "scenario.site", "9"),
        (["--time", "0"], "scenario.time", "0.0"), (["--time", "nan"], "scenario.time", "nan"), (["--time", "-1"], "scenario.time", "-1"),
        (["--gap", "nan"], "scenario.gap", "nan"), (["--gap", "1"], "scenario.gap", "1.0"),
        (["--keep", "j-1-1/bullet-4mp/0@90.0/6"], "scenario.keep", "j-1-1/bullet-4mp/0@90.0/6"), (["--keep", "nobody"], "scenario.keep", "nobody"),
        (["--forbid", "j-1-1"], "scenario.forbid", "j-1-1"), (["--forbid", ""], "scenario.forbid", "forbid"),
        (["--out", "plan.pdf"], "export.kind", "plan.pdf"), (["--out", "plan"], "export.kind", "plan"), (["--out", ""], "export.kind", ".gpkg"),
    ],
)  # fmt: skip
def test_wishes_that_make_no_sense(desk: Desk, more: list[str], code: str, word: str) -> None:
    """Each setting out of its bounds is refused by its code, naming the value."""
    desk.refused(["plan", "town", "--budget", "1 lakh", *QUICK, *(f"{more[0]}={value}" for value in more[1:])], code, word)


def test_all_unknown_names_are_told_at_once(desk: Desk) -> None:
    """Unknown models, level, recipe and kept camera are told together, with those there are."""
    words = ["plan", "town", "--budget", "1 lakh", "--models", "wonder,bullet-4mp,magic", "--level", "vaguely", "--recipe", "../../etc/passwd"]
    err = desk.refused(words, "scenario.model", "wonder", "magic", "vaguely", "../../etc/passwd", "bullet-4mp", "observation", "balanced")
    assert "[scenario.level]" in err and "[recipe.unknown]" in err


def test_all_unreadable_settings_are_told_at_once(desk: Desk) -> None:
    """Amounts, floor, heights, file kinds and figures out of bounds are told together, a line each."""
    words = ["plan", "town", "--budget", "1,00", "--yearly", "NaN", "--ward-floor", "half", "--heights", "six", "--out", "a.pdf", "--spacing", "0"]
    err = desk.refused(words, "money", "1,00", "NaN", "half", "six", "a.pdf", "0.0")
    assert len(err.splitlines()) == 6


@pytest.mark.parametrize("words", [["--spacing", "wide"], ["--per-site", "2.5"], ["--time", "१०s"], ["--gap", "small"]])
def test_letters_where_a_number_belongs(desk: Desk, words: list[str]) -> None:
    """The command's own refusal, status 2, names the value."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["plan", "town", "--budget", "1 lakh", *words])
    assert caught.value.code == 2
    assert words[1] in desk.capsys.readouterr().err


# Where to write, and what was written before


def test_an_out_in_a_new_folder_is_made(desk: Desk) -> None:
    """A folder that does not exist is made for the plan."""
    target = desk.folder / "new" / "folder" / "plan.csv"
    desk.done(["plan", "town", "--budget", "1 lakh", *QUICK, "--out", str(target)], str(target))
    assert [path.name for path in target.parent.iterdir()] == ["plan.csv"]


@pytest.mark.parametrize("name", ["taken.gpkg", "files/note.txt/plan.csv"])
def test_an_out_that_cannot_be_written(desk: Desk, name: str) -> None:
    """A target that is a folder or lies under a file is refused before the work, and no other target is written either."""
    (desk.folder / "taken.gpkg").mkdir()
    desk.file("note.txt", "mine")
    good = str(desk.folder / "good.csv")
    err = desk.refused(
        ["plan", "town", "--budget", "1 lakh", *QUICK, "--out", good, "--out", str(desk.folder / name)], "export.failed", Path(name).name
    )
    assert "%" not in err


@pytest.mark.parametrize("where", ["files/note.txt/new", "files/note.txt", "files"])
def test_a_city_that_cannot_be_written(desk: Desk, where: str) -> None:
    """A city under a file, in the place of one, or of a folder of other things is refused, and what stands there stays."""
    desk.file("note.txt", "mine")
    code = "city.write" if where.endswith("new") else "city.taken"
    desk.refused([*desk.imported(), "--folder", str(desk.folder / where)], code, where)


def test_paths_the_system_refuses(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name too long for the disk, wherever one is given, and a file closed to its reader are refused in words."""
    long = "a" * 300
    budget = ["--budget", "1 lakh", *QUICK]
    for words in (
        ["city", "import", "new", "--osm", f"{long}.osm"], desk.imported("--zones", f"{long}.geojson"),
        desk.imported("--folder", str(desk.folder / long)),
        ["plan", "town", *budget, "--out", f"{long}.gpkg"], ["plan", long, *budget], ["plan", f"./{long}", *budget], ["verify", f"{long}.gpkg"],
        ["city", "check", f"./{long}"], ["verify", "~nobody-of-this-name/plan.gpkg"],
    ):  # fmt: skip
        desk.refused(words, "")
    osm = desk.osm()
    monkeypatch.setattr("planning.files.os.access", lambda *_: False)
    desk.refused(["city", "import", "new", "--osm", osm], "file.unreadable", "town.osm")


def test_a_new_import_keeps_what_is_not_its_own(desk: Desk) -> None:
    """Notes, plans and folders that people put into a city's folder outlive an import; a damaged city is replaced by one."""
    folder = desk.folder / "cities" / "town"
    (folder / "plans" / "old").mkdir(parents=True)
    (folder / "plans" / "old" / "one.gpkg").write_text("a plan")
    (folder / "minutes.txt").write_text("of the committee")
    (folder / "city.toml").write_text("damaged")
    desk.done(["city", "import", "town", "--osm", desk.osm()], "Imported town")
    assert (folder / "plans" / "old" / "one.gpkg").read_text() == "a plan"
    assert (folder / "minutes.txt").read_text() == "of the committee"
    assert City.load(folder)["incidents"].empty


def test_words_that_no_file_can_hold(desk: Desk) -> None:
    """A title of broken bytes is refused; a NUL within a file's words is left out, and the city reads back as it was written."""
    desk.refused(desk.imported("--title", "Town \udcff"), "city.write", "folder")
    wards = areas(ALL, name=["A\x00B"])
    desk.done(desk.imported("--wards", desk.file("w.geojson", wards), "--title", 'A "quoted" \t \\ title \x7f'))
    table = pd.DataFrame({"lat": [LAT] * 3, "lon": [LON] * 3, "category": ["th\x00eft", "फ", "a\nb"]})
    table.to_parquet(desk.folder / "files" / "nul.parquet")
    desk.done(desk.imported("--crime", str(desk.folder / "files" / "nul.parquet")))
    desk.done(["city", "check", "new"], "3 incidents")


def test_what_is_no_plan(desk: Desk, planned: Path) -> None:
    """Random bytes, a database of others, a city's book, a plan cut short, a folder and nothing: none is verified or exported."""
    data = planned.read_bytes()
    noise = np.random.default_rng(7).bytes(5_000)
    cases = [
        (desk.file("noise.gpkg", noise), "plan.kind"), (desk.file("begun.gpkg", b"SQLite format 3\x00" + noise), "plan.kind"),
        (desk.file("void.gpkg", b""), "file.empty"), (desk.file("cut.gpkg", data[: len(data) // 2]), "plan."),
        (str(desk.folder / "files"), "file.kind"),
        (str(desk.folder / "cities" / "town" / "city.gpkg"), "plan.kind"), (str(desk.folder / "none.gpkg"), "file.missing"),
    ]  # fmt: skip
    for path, code in cases:
        for words in (["verify", path], ["export", path, str(desk.folder / "out.csv")]):
            desk.refused(words, code)


def test_a_plan_of_another_state_of_the_city(desk: Desk, planned: Path) -> None:
    """Once the city was imported with other files, the old plan is neither verified nor exported for it."""
    path = desk.file("plan.gpkg", planned.read_bytes())
    desk.done(["verify", path], "agrees")
    desk.done(["city", "import", "town", "--osm", desk.osm()])
    desk.refused(["verify", path], "verify.city", "Plan again")
    desk.refused(["export", path, str(desk.folder / "out.csv")], "export.city", "Plan again")
    shutil.rmtree(desk.folder / "cities" / "town")
    desk.refused(["verify", path], "city.unknown", "town")


DAMAGE: dict[str, tuple[str, Callable[[str], str], str]] = {
    "cut": ("city.toml", lambda text: text[: len(text) // 3], "city."),
    "empty": ("city.toml", lambda text: "", "city."),
    "no toml": ("city.toml", lambda text: "{" + text, "city.toml"),
    "version": ("city.toml", lambda text: text.replace("version = 1", "version = 99"), "city.version"),
    "no digest": ("city.toml", lambda text: re.sub(r"digest = .*\n", "", text), "city.toml"),
    "digest": ("city.toml", lambda text: re.sub(r'digest = "....', 'digest = "0000', text), "city.digest"),
    "crs": ("city.toml", lambda text: text.replace("EPSG:32644", "EPSG:99999999"), "city.unreadable"),
    "degrees": ("city.toml", lambda text: text.replace("EPSG:32644", "EPSG:4326"), "crs.degrees"),
    "notes": ("city.toml", lambda text: re.sub(r"notes = .*\n", "notes = 5\n", text), "city.unreadable"),
    "source": ("city.toml", lambda text: text.replace("[[source]]", "[[source]]\ncolour = 1"), "city.unreadable"),
    "nested": ("city.toml", lambda text: text + "x = " + "[" * 5000 + "]" * 5000, "city.toml"),
}  # fmt: skip


@pytest.mark.parametrize("harm", DAMAGE)
def test_a_city_whose_settings_are_damaged(desk: Desk, harm: str) -> None:
    """A city.toml cut short, of another version, or with values that cannot be is refused for planning and checking alike."""
    name, change, code = DAMAGE[harm]
    path = desk.folder / "cities" / "town" / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    for words in (["plan", "town", "--budget", "1 lakh", *QUICK], ["city", "check", "town"]):
        desk.refused(words, code)


def test_a_city_whose_book_is_damaged(desk: Desk) -> None:
    """Wherever bytes of city.gpkg were lost or changed, the city is refused, or loads as it was."""
    book = desk.folder / "cities" / "town" / "city.gpkg"
    data = book.read_bytes()
    rng = np.random.default_rng(11)
    for _ in range(12):
        harmed = bytearray(data)
        start = int(rng.integers(0, len(data) - 600))
        harmed[start : start + 600] = rng.bytes(600)
        book.write_bytes(bytes(harmed))
        status = cli.main(["city", "check", "town"])
        err = desk.capsys.readouterr().err
        assert status in {0, 1} and "Traceback" not in err
        if status:
            assert re.match(r"chaukas: \[(city|file|crs)\.[a-z]+\]", err), err
    book.write_bytes(data[: len(data) // 2])
    desk.refused(["plan", "town", "--budget", "1 lakh", *QUICK], "city.")
    book.unlink()
    desk.refused(["plan", "town", "--budget", "1 lakh", *QUICK], "file.missing", "city.gpkg")
