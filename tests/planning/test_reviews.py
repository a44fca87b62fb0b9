"""Parts of a plan's review, kept beside its file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from planning.nouns import Plan
from planning.reviews import COLUMNS, FACTS, PARTS, WORDS, Review, read_review, review_path, write_review


def review_of(plan: Plan, part: str = "gaps") -> Review:
    """A made part of the review of a plan, one row a table."""
    cells: dict[type, Any] = {str: "<b>=1</b>", float: 0.25, int: 3, bool: True}

    def cell(column: str, kind: type) -> Any:
        return min(WORDS[column]) if column in WORDS and kind is str else cells[kind]

    tables = {name: ({column: cell(column, kind) for column, kind in columns.items()},) for name, columns in COLUMNS[part].items()}
    shapes = {"stretches": ((((0.0, 1.0), (2.0, 3.25)),),)} if part == "gaps" else {}
    return Review(part, plan.id, plan.city_digest, dict.fromkeys(FACTS[part], 1.0), tables, shapes, ("a",))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_comes_back_as_it_was_kept(plan: Plan, tmp_path: Path, part: str) -> None:
    """Facts, rows, shapes and notes are read as they were written, beside the plan's file and under its id."""
    file, review = tmp_path / f"{plan.id}.gpkg", review_of(plan, part)
    assert read_review(file, part, plan) is None
    assert write_review(review, file) == tmp_path / f"{plan.id}.{part}.json"
    found = read_review(file, part, plan)
    assert found is not None
    for field in ("facts", "notes", "part", "plan", "city_digest"):
        assert getattr(found, field) == getattr(review, field)
    assert {name: list(rows) for name, rows in found.tables.items()} == {name: list(rows) for name, rows in review.tables.items()}
    assert {name: [list(map(list, rings)) for rings in every] for name, every in found.shapes.items()} == {
        name: [list(map(list, rings)) for rings in every] for name, every in review.shapes.items()
    }


def test_another_plan_s_or_city_s_part_is_as_if_it_were_not_there(plan: Plan, tmp_path: Path) -> None:
    """What was worked out for another state of the city, or for another plan, is worked out again."""
    file = tmp_path / f"{plan.id}.gpkg"
    write_review(review_of(plan), file)
    assert read_review(file, "gaps", dataclasses.replace(plan, city_digest="other")) is None
    assert read_review(file, "gaps", dataclasses.replace(plan, cameras=plan.cameras[1:])) is None


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("version",), 2), (("part",), "masks"), (("facts",), {}), (("facts", "unseen"), "much"), (("facts", "unseen"), float("nan")),
        (("tables", "stretches"), [{}]), (("tables", "stretches", 0, "share"), "0.2"), (("tables", "stretches", 0, "share"), None),
        (("tables", "areas", 0, "points"), True), (("shapes", "stretches"), []), (("shapes", "stretches", 0, 0), [1.0]),
        (("shapes", "nothing"), [[]]), (("notes",), None),
    ],
)  # fmt: skip
def test_a_damaged_part_is_as_if_it_were_not_there(plan: Plan, tmp_path: Path, where: tuple[str | int, ...], value: object) -> None:
    """A part in which anything is off is not shown: no strange cell reaches a page."""
    file = tmp_path / f"{plan.id}.gpkg"
    path = write_review(review_of(plan), file)
    data = json.loads(path.read_text(encoding="utf-8"))
    inner = data
    for step in where[:-1]:
        inner = inner[step]
    inner[where[-1]] = value
    path.write_text(json.dumps(data), encoding="utf-8")
    assert read_review(file, "gaps", plan) is None
    for bad in ("", "[]", "[" * 9999):
        path.write_text(bad, encoding="utf-8")
        assert read_review(file, "gaps", plan) is None


def test_words_that_pages_look_up_are_known(plan: Plan, tmp_path: Path) -> None:
    """Who placed cameras, how they look, and kinds of links are words of ours: a file that says another is not shown."""
    file = tmp_path / f"{plan.id}.gpkg"
    cells = (("backtest", "placements", "who"), ("backtest", "leads", "over"), ("network", "kinds", "kind"), ("masks", "masks", "why"))
    for part, table, column in cells:
        path = write_review(review_of(plan, part), file)
        data = json.loads(path.read_text(encoding="utf-8"))
        data["tables"][table][0][column] = "<script>"
        path.write_text(json.dumps(data), encoding="utf-8")
        assert read_review(file, part, plan) is None, column


def test_where_a_part_is_kept() -> None:
    """Beside the plan, under the plan's id and the part's name."""
    assert review_path("/x/0123456789ab.gpkg", "masks") == Path("/x/0123456789ab.masks.json")
