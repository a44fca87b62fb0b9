"""The documents and the code say the same: options, error codes, dependencies, assumptions, words and links."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cli
from planning.catalogue import load_levels, load_models, load_prices
from planning.city import MADE_NOTE_HI
from planning.columns import MEANINGS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GUIDE = DOCS / "guide.md"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
ROOMS = ("planning", "coverage", "optimizer", "live", "screens")
SOURCES = sorted([ROOT / "app.py", ROOT / "cli.py", *(path for room in (*ROOMS, "data/demo") for path in (ROOT / room).glob("*.py"))])
# Written by whoever measured and drew them last.
ELSEWHERE = {"docs/results.md", "docs/map.png"}
CODE = re.compile(r"[a-z]+\.[a-z]+|money|cancelled")
RAISES = {"Fault", "one", "fault", "_differs"}
WORDS = {"say", "name"}
SUFFIXES = {"py", "gpkg", "tif", "csv", "gz", "pbf", "xml", "js", "css"}


def text_of(page: Path) -> str:
    """A page as it stands."""
    return page.read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """Cells of every table row of a page, without headings and rules."""
    found = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        heading = number + 1 < len(lines) and re.fullmatch(r"\|(-+\|)+", lines[number + 1])
        if line.startswith("|") and not re.fullmatch(r"\|(-+\|)+", line) and not heading:
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its rank or above."""
    rank = len(heading) - len(heading.lstrip("#"))
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"no heading {heading}"
    end = re.search(rf"^#{{1,{rank}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def commands(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command that does something, with its words."""
    deeper = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not deeper:
        yield path, parser
    for action in deeper:
        for name, inner in action.choices.items():
            yield from commands(inner, (*path, name))


def shell_lines(page: Path) -> list[str]:
    """Commands of the page's shell blocks, continued lines joined and comments left off."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


COMMANDS = dict(commands(cli._parser()))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_a_heading_and_every_option_a_row_under_it(words: tuple[str, ...]) -> None:
    """What the command line takes is explained, and nothing is explained that it does not take."""
    under = section(text_of(GUIDE), f"### chaukas {' '.join(words)}")
    told = [option for row in rows(under) for option in re.findall(r"`(--[a-z-]+)`", row[0])]
    taken = [option for action in COMMANDS[words]._actions for option in action.option_strings if option.startswith("--") and option != "--help"]
    assert sorted(told) == sorted(taken)


def test_commands_in_the_documents_are_commands() -> None:
    """A command that a page shows can be typed as it stands: its words, options and make targets exist."""
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    lines = [line for page in PAGES for line in shell_lines(page)]
    assert sum(line.startswith("chaukas ") for line in lines) >= 10
    for line in lines:
        program, *words = shlex.split(line)
        if program == "chaukas":
            cli._parser().parse_args(words)
        elif program == "make":
            assert {word for word in words if "=" not in word} <= targets, line
    named = {target for page in PAGES for target in re.findall(r"`make ([a-z-]+)`", text_of(page))}
    assert named <= targets
    benches = {name for page in PAGES for name in re.findall(r"python -m benchmarks\.(\w+)", text_of(page))}
    assert all((ROOT / "benchmarks" / f"{name}.py").is_file() for name in benches)


def codes_of(path: Path) -> tuple[set[str], set[str]]:
    """The error codes of a source file, and the beginnings of those it puts together."""
    tree = ast.parse(text_of(path))
    words, first, starts = set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if called in WORDS:
                words |= {id(part) for argument in node.args for part in ast.walk(argument)}
            if called in RAISES and node.args:
                code = node.args[0]
                first |= {id(part) for part in ast.walk(code)}
                if isinstance(code, ast.JoinedStr) and isinstance(code.values[0], ast.Constant):
                    starts.add(str(code.values[0].value))
    strings = [
        (node, node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in words
    ]
    raised = {text for node, text in strings if id(node) in first and CODE.fullmatch(text)}
    # A code may come from a table or a condition: then it has the subject of codes raised beside it.
    subjects = {code.split(".")[0] for code in raised} | {start.rstrip(".") for start in starts} | {"frame", "scenario", "place"}
    beside = {text for _, text in strings if CODE.fullmatch(text) and text.split(".")[0] in subjects}
    return raised | {code for code in beside if code.rpartition(".")[2] not in SUFFIXES}, starts


def test_every_error_code_has_a_row_and_every_row_a_code() -> None:
    """Whoever meets an error finds its cause and the way out; no row explains an error that cannot come."""
    table = [row for row in rows(section(text_of(GUIDE), "## Errors")) if len(row) == 3]
    told = [row[0].strip("`") for row in table]
    assert len(told) == len(set(told)), sorted(code for code in told if told.count(code) > 1)
    assert all(len(cell) > 3 for row in table for cell in row)
    found = [codes_of(path) for path in SOURCES]
    codes = {code for file_codes, _ in found for code in file_codes}
    starts = {start for _, file_starts in found for start in file_starts}
    assert len(codes) > 100
    assert codes - set(told) == set()
    assert {code for code in set(told) - codes if not code.startswith(tuple(starts))} == set()
    assert all(any(code.startswith(start) for code in told) for start in starts)


def test_the_scan_finds_codes_however_they_are_raised() -> None:
    """The scan is no blind one: it finds codes given outright, in a table, in a condition, in a helper and put together."""
    frames, _ = codes_of(ROOT / "planning" / "frames.py")
    osm, _ = codes_of(ROOT / "planning" / "osm.py")
    nouns, _ = codes_of(ROOT / "planning" / "nouns.py")
    verify, starts = codes_of(ROOT / "optimizer" / "verify.py")
    assert {"frame.ids", "frame.invalid", "crs.missing"} <= frames
    assert {"osm.truncated", "osm.unreadable", "place.refused"} <= osm
    assert {"scenario.spacing", "model.lens"} <= nouns
    assert "verify.budget" in verify
    assert starts == {"verify."}


def test_every_column_meaning_is_told() -> None:
    """What `--map` takes can be looked up."""
    told = {name for row in rows(section(text_of(GUIDE), "### Columns")) for name in re.findall(r"`([a-z]+)`", row[0])}
    assert told == {*MEANINGS, "crs", "ward", "population", "kind", "zone", "weight"}


def test_models_levels_and_recipes_are_told_as_they_are() -> None:
    """What a wish may name stands in the guide, with the figures of the data files."""
    guide = text_of(GUIDE)
    levels = {row[0].strip("`"): float(row[1]) for row in rows(section(guide, "### Levels"))}
    assert levels == {key: level.px_per_m for key, level in load_levels().items()}
    assert set(re.findall(r"`([a-z]+-\dmp)`", section(guide, "### Camera models"))) == set(load_models())
    told = {row[0].strip("`"): [float(cell) for cell in row[1:]] for row in rows(section(guide, "### Recipes"))}
    files = {path.stem: tomllib.loads(text_of(path)) for path in (ROOT / "data" / "recipes").glob("*.toml")}
    assert told == {key: [data["shares"][part] for part in ("crime", "roads", "places", "residents", "priority")] for key, data in files.items()}


def imports_of(path: Path) -> set[str]:
    """The packages a source file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_every_dependency_has_a_row_that_is_true() -> None:
    """Each package asked for has one row, with licence and reason; its door imports it, and where a door is named nobody else of the rooms does."""
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    asked = [re.match(r"[A-Za-z0-9_.-]+", line) for line in (*project["dependencies"], *project["optional-dependencies"]["dev"])]
    table = [row for row in rows(text_of(DOCS / "dependencies.md")) if len(row) == 5]
    assert sorted(row[0] for row in table) == sorted(match[0] for match in asked if match)
    used = {path: imports_of(path) for path in SOURCES}
    for name, package, door, why, licence in table:
        assert len(why) > 10, name
        assert licence, name
        users = {path for path, packages in used.items() if package.strip("`") in packages}
        doors = {ROOT / place for place in re.findall(r"`([\w/]+\.py)`", door)}
        if door == "none yet":
            assert not users, name
        elif doors:
            rooms = {path for path in users if path not in doors and path.parent != ROOT / "screens"} if "`screens`" in door else users - doors
            assert not rooms, f"{name} is imported beside its door: {rooms}"
            assert doors <= users, name


def test_packages_imported_are_named() -> None:
    """No package comes in by the back door: each one imported is asked for, comes with one that is and is named, is ours, or is Python's."""
    page = text_of(DOCS / "dependencies.md")
    named = set(re.findall(r"`(\w+)`", page))
    ours = {*ROOMS, "app", "cli", "data"}
    for path in SOURCES:
        assert imports_of(path) - set(sys.stdlib_module_names) - ours - named == set(), path


def constant(path: Path, name: str) -> Any:
    """The value of a module's constant, read from its source; KeyError where there is none."""
    for node in ast.parse(text_of(path)).body:
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            pairs: list[tuple[ast.expr, ast.expr]] = [(node.target, node.value)]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(node.targets[0].elts, node.value.elts, strict=True))
        elif isinstance(node, ast.Assign):
            pairs = [(node.targets[0], node.value)]
        else:
            pairs = []
        for target, value in pairs:
            if isinstance(target, ast.Name) and target.id == name:
                return ast.literal_eval(value)
    raise KeyError(f"{path}: {name}")


def test_assumptions_in_the_code_are_told_with_their_values() -> None:
    """Each constant the page names is there, of the value it states."""
    table = [row for row in rows(section(text_of(DOCS / "assumptions.md"), "## Constants in the code")) if len(row) == 3]
    assert len(table) > 20
    for what, value, where in table:
        match = re.fullmatch(r"`([\w/]+\.py)` `(\w+)`", where)
        assert match, where
        found = constant(ROOT / match[1], match[2])
        if isinstance(found, dict):
            assert [float(number) for number in re.findall(r"\d+(?:\.\d+)?", value)] == list(dict.fromkeys(found.values())), what
        else:
            assert float(value) == found, what


def test_assumptions_in_data_are_told_with_their_values() -> None:
    """Every price, model, default and recipe setting stands on the page; amounts are those of the files."""
    page = text_of(DOCS / "assumptions.md")
    prices = {row[0].strip("`"): (int(row[2].replace(",", "")), row[3]) for row in rows(section(page, "## Prices of sites"))}
    assert prices == {head.key: (head.amount_inr, head.unit) for head in load_prices().heads}
    models = {row[0].strip("`"): row[1:] for row in rows(section(page, "## Camera models"))}
    assert models == {
        key: [
            f"{model.width_px} x {model.height_px}", ", ".join(f"{lens.hfov_deg:g} x {lens.vfov_deg:g}" for lens in model.lenses),
            f"{model.night_range_m:g}", *(f"{amount:,}" for amount in (model.price_inr, model.upkeep_inr_per_year)),
        ]
        for key, model in load_models().items()
    }  # fmt: skip
    standing = tomllib.loads(text_of(ROOT / "data" / "standing.toml"))
    told = {row[0].strip("`"): row[1] for row in rows(section(page, "## Cameras that already stand"))}
    assert set(told) == set(standing) - {"version"}
    assert all(float(told[key]) == value for key, value in standing.items() if isinstance(value, float))
    recipes = section(page, "## Recipes")
    balanced = tomllib.loads(text_of(ROOT / "data" / "recipes" / "balanced.toml"))
    for group, settings in balanced.items():
        if group in {"version", "title", "title_hi"}:
            continue
        assert group in recipes
        for key, value in settings.items() if isinstance(settings, dict) and group != "shares" else ():
            assert f"{group}.{key}" in recipes if isinstance(value, dict) else key in recipes, f"{group}.{key}"


def test_every_data_file_is_named_among_the_assumptions() -> None:
    """No file of figures is left out."""
    page = text_of(DOCS / "assumptions.md")
    files = [path.relative_to(ROOT).as_posix() for path in (*(ROOT / "data").glob("*.toml"), *(ROOT / "data" / "recipes").glob("*.toml"))]
    assert len(files) >= 8
    assert [name for name in files if name not in page] == []


def test_hindi_words_are_those_of_the_screens() -> None:
    """A Hindi word of the glossary that stands without brackets is one people meet on the screens."""
    screens = text_of(ROOT / "screens" / "hi.po") + MADE_NOTE_HI
    table = [row for row in rows(text_of(DOCS / "glossary.md")) if len(row) == 4]
    assert len(table) > 40
    assert [row[1] for row in table if not row[1].startswith("(") and row[1] not in screens] == []
    assert [row[0] for row in table if not all(row)] == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """A link to a file or a heading of ours has what it points to."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.is_relative_to(ROOT)
        if found.relative_to(ROOT).as_posix() not in ELSEWHERE:
            assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def test_every_module_has_its_place_in_the_architecture() -> None:
    """The page names each module of the rooms, and none that is not there."""
    page = text_of(DOCS / "architecture.md")
    for room in ROOMS:
        part = page.partition(f"**{room}**")[2].partition("\n**")[0]
        assert part, room
        told = {name for row in rows(part) for name in re.findall(r"`(\w+)`", row[0])}
        assert told == {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"}, room


def test_decisions_are_numbered_and_whole() -> None:
    """Decisions are numbered without a gap; each tells its context, the decision and the consequence."""
    files = sorted((DOCS / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))
    for number, path in enumerate(files, 1):
        text = text_of(path)
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequence"]


def test_the_readme_says_what_a_newcomer_needs() -> None:
    """The picture with words for who cannot see it, the two commands, the three journeys, what is made, and Hindi."""
    readme = text_of(ROOT / "README.md")
    picture = re.search(r"!\[([^\]]+)\]\(docs/map\.png\)", readme)
    assert picture and len(picture[1]) > 40
    assert [line.split()[1] for line in shell_lines(ROOT / "README.md")][:2] == ["run", "test"]
    assert re.findall(r"^- \*\*(\w+)\.\*\*", readme, re.MULTILINE) == ["Planner", "Committee", "Operator"]
    assert "Made data, not surveyed" in readme
    hindi = next(part for part in readme.split("\n\n") if part.startswith("चौकस"))
    english = next(part for part in readme.split("\n\n") if part.startswith("Chaukas ("))
    assert hindi.count("।") == len(re.findall(r"\.(?:\s|$)", english)) == 3
