"""The bill of quantities: its formulas give the plan's own sums, follow what is changed, and no text of the plan is ever run."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from planning.bill import write_bill
from planning.catalogue import load_written_purposes
from planning.city import MADE_NOTE, City
from planning.nouns import Plan

Cells = dict[tuple[str, str, int], Any]


def cells_of(path: Path) -> Cells:
    """Every cell by sheet, column and row; formulas as written."""
    every = [(sheet.title, cell) for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
    return {(title, cell.column_letter, cell.row): cell.value for title, cell in every if cell.value is not None}


class Sheets:
    """Works out the few formulas the bill uses, by a reading of its own: sums, counts and comparisons over columns, and + - / of them."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells

    def value(self, sheet: str, column: str, row: int) -> Any:
        """A cell's value, worked out where it is a formula."""
        cell = self.cells.get((sheet, column, row), 0)
        return self.formula(sheet, cell[1:]) if isinstance(cell, str) and cell.startswith("=") else cell

    def span(self, sheet: str, text: str) -> list[Any]:
        """The values of a range such as Cameras!$N:$N, Sites!$G$2:$G$9 or E2:E5."""
        name, _, cells = text.rpartition("!")
        name = name or sheet
        match = re.fullmatch(r"\$?([A-Z]+)\$?(\d*):\$?([A-Z]+)\$?(\d*)", cells)
        assert match, text
        first, last = int(match[2] or 1), int(match[4] or max(row for _, _, row in self.cells))
        letters = [chr(code) for code in range(ord(match[1]), ord(match[3]) + 1)]
        return [self.value(name, letter, row) for row in range(first, last + 1) for letter in letters]

    def ones(self, sheet: str, keys: str, text: str) -> list[Any]:
        """The values of a range, or as many times 1 as there are keys."""
        return [1] * len(self.span(sheet, keys)) if text == "1" else self.span(sheet, text)

    def formula(self, sheet: str, text: str) -> float:
        """What a formula comes to."""
        calls = {
            r'SUMPRODUCT\(EXACT\(([^,()]+),((?:"(?:[^"]|"")*")|[^,()]+)\)\*([^,()]+)\)': lambda m: sum(
                0 if isinstance(value, str) else value
                for key, value in zip(self.span(sheet, m[1]), self.ones(sheet, m[1], m[3]), strict=True) if key == self.wanted(sheet, m[2])
            ),
            r"COUNTIF\(([^,()]+),([^,()]+)\)": lambda m: sum(self.meets(sheet, v, m[2]) for v in self.span(sheet, m[1])),
            r"COUNTA\(([^,()]+)\)": lambda m: sum(v != 0 for v in self.span(sheet, m[1])),
            r"SUM\(([^,()]+)\)": lambda m: sum(v for v in self.span(sheet, m[1]) if not isinstance(v, str)),
        }
        for pattern, work in calls.items():
            text = re.sub(pattern, lambda m, work=work: repr(work(m)), text)
        if match := re.fullmatch(r"IF\(([A-Z]+)(\d+)=0,0,([A-Z]+)(\d+)/([A-Z]+)(\d+)\)", text):
            below = self.value(sheet, match[1], int(match[2]))
            return self.value(sheet, match[3], int(match[4])) / below if below else 0
        text = re.sub(r"(?:(\w+)!)?\b([A-Z])(\d+)\b", lambda m: repr(self.value(m[1] or sheet, m[2], int(m[3]))), text)
        assert re.fullmatch(r"[\d.+\-/ ]+", text), text
        return float(eval(text))

    def wanted(self, sheet: str, text: str) -> Any:
        """The condition's value: a text in quotes or a cell."""
        if text.startswith('"'):
            return text[1:-1].replace('""', '"')
        match = re.fullmatch(r"\$?([A-Z]+)\$?(\d+)", text)
        assert match, text
        return self.value(sheet, match[1], int(match[2]))

    def meets(self, sheet: str, value: Any, text: str) -> bool:
        """Whether a cell meets a condition."""
        return (not isinstance(value, str) and value > 0) if text == '">0"' else bool(value == self.wanted(sheet, text))


def figures(cells: Cells, sheet: str) -> dict[Any, int]:
    """For each first cell of a sheet the row it stands in."""
    return {value: row for (name, column, row), value in cells.items() if name == sheet and column == "A"}


@pytest.fixture(name="cells")
def cells_of_the_plan(plan: Plan, town: City, tmp_path: Path) -> Cells:
    """The town's plan as a bill."""
    write_bill(plan, town, tmp_path / "b.xlsx")
    return cells_of(tmp_path / "b.xlsx")


def test_every_formula_comes_to_what_is_shown_before_it_is_worked_out(plan: Plan, town: City, tmp_path: Path, cells: Cells) -> None:
    """The value stored beside each formula, which a phone shows as it is, is what the formula gives."""
    write_bill(plan, town, tmp_path / "again.xlsx")
    shown = openpyxl.load_workbook(tmp_path / "again.xlsx", data_only=True)
    sheets = Sheets(cells)
    formulas = [(sheet, column, row) for (sheet, column, row), value in cells.items() if isinstance(value, str) and value.startswith("=")]
    assert len(formulas) > 20
    for sheet, column, row in formulas:
        stated = shown[sheet][f"{column}{row}"].value
        assert sheets.value(sheet, column, row) == pytest.approx(stated), (sheet, column, row, cells[sheet, column, row])


def test_the_totals_are_the_plan_s(plan: Plan, cells: Cells) -> None:
    """Capital and upkeep of the bill, the wards and the phases are the plan's, to the rupee."""
    sheets, rows = Sheets(cells), figures(cells, "Bill")
    assert sheets.value("Bill", "E", rows["Capital / पूँजी"]) == plan.cost_inr
    assert sheets.value("Bill", "E", rows["Upkeep a year / रखरखाव प्रति वर्ष"]) == plan.yearly_inr
    for sheet in ("Wards", "Phases"):
        row = figures(cells, sheet)["Total / कुल"]
        assert [sheets.value(sheet, column, row) for column in "BCDE"] == [len(plan.cameras), len(plan.sites), plan.cost_inr, plan.yearly_inr]
    assert sheets.value("Summary", "B", figures(cells, "Summary")["Left / बचत [INR]"]) == plan.scenario.budget_inr - plan.cost_inr


def test_a_changed_rate_and_phase_carry_through(plan: Plan, cells: Cells) -> None:
    """A camera made dearer raises the capital; moved to phase 2 with its site, it leaves phase 1 and nothing is lost between them."""
    cells["Cameras", "N", 2] += 500
    cells["Cameras", "M", 2] = 2
    sheets, phases = Sheets(cells), figures(cells, "Phases")
    assert sheets.value("Bill", "E", figures(cells, "Bill")["Capital / पूँजी"]) == plan.cost_inr + 500
    assert sheets.value("Phases", "D", phases[2]) == plan.cameras[0].cost_inr + 500
    assert sheets.value("Phases", "B", phases[1]) == len(plan.cameras) - 1
    assert sheets.value("Phases", "D", phases["Total / कुल"]) == plan.cost_inr + 500


def test_the_annexure_says_where_each_camera_hangs(plan: Plan, town: City, cells: Cells) -> None:
    """Each camera stands in a row of its own with site, place in degrees, model, height, bearing, tilt and written purpose."""
    back = dict(town["wards"]["name"].items())
    for row, camera in enumerate(plan.cameras, 2):
        told = [cells["Cameras", column, row] for column in "BCFGHI"]
        assert told == [camera.id, camera.site, camera.model, camera.height_m, round(camera.bearing_deg, 1), round(camera.tilt_deg, 1)]
        assert 80 < cells["Cameras", "D", row] < 84
        assert 21 < cells["Cameras", "E", row] < 23
        assert cells.get(("Cameras", "L", row), "") == back.get(camera.ward, camera.ward)
        assert cells["Cameras", "P", row] == " / ".join(load_written_purposes().titles[camera.purpose])


def test_text_is_never_a_formula(plan: Plan, town: City, tmp_path: Path) -> None:
    """Names and titles that begin like formulas stay text; made data is called made."""
    wards = town["wards"].assign(name=["=1+1", "@cmd", "+x"])
    hostile = dataclasses.replace(town, title="=HYPERLINK(1)", frames={**town.frames, "wards": wards}, digest="")
    titled = dataclasses.replace(plan, scenario=dataclasses.replace(plan.scenario, title="=2+2"), assumptions=("=3+3", "-4"))
    write_bill(titled, hostile, tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    begin = ("=1+1", "@cmd", "+x", "=HYPERLINK", "=3+3", "-4")
    theirs = [cell for cell in cells if cell.value.startswith(begin)]
    assert {word for word in begin if any(cell.value.startswith(word) for cell in theirs)} == set(begin)
    assert all(cell.data_type == "s" for cell in theirs)
    assert all(re.match(r"=(SUM|COUNT|IF|Bill!|B\d|0)", cell.value) for cell in cells if cell.data_type == "f")
    assert MADE_NOTE in book["Summary"]["B1"].value


def test_an_empty_plan_has_an_empty_bill(plan: Plan, town: City, tmp_path: Path) -> None:
    """No cameras, no sites: every total is 0."""
    write_bill(dataclasses.replace(plan, cameras=(), sites=()), town, tmp_path / "b.xlsx")
    cells = cells_of(tmp_path / "b.xlsx")
    assert Sheets(cells).value("Bill", "E", figures(cells, "Bill")["Capital / पूँजी"]) == 0
    assert Sheets(cells).value("Wards", "D", figures(cells, "Wards")["Total / कुल"]) == 0
