"""Files of a plan read back by other readers than our own where there are some: whether a file is whole, and of which plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from planning.city import City
from planning.export import read_plan, write_plan
from planning.nouns import Plan
from planning.report import write_report
from screens.words import words

KINDS = ("gpkg", "xlsx", "dxf", "kml", "geojson", "csv", "osm", "pdf")


def write(plan: Plan, city: City, path: Path) -> None:
    """Write a plan in the kind of file its name says; a report in Hindi."""
    if path.suffix == ".pdf":
        write_report(plan, city, path, words=words("hi").catalogue, hindi=True)
    else:
        write_plan(plan, city, path)


def content(path: Path) -> Any:
    """What a file holds, the same for two files of the same plan; any reader's own error where it is damaged."""
    return {".gpkg": _package, ".xlsx": _workbook, ".dxf": _drawing, ".pdf": _report}.get(path.suffix, Path.read_bytes)(path)


def whole(path: Path, known: list[Any]) -> Callable[[], bool]:
    """A question that asks whether the file at `path` now holds one of the contents known."""

    def ask() -> bool:
        try:
            return content(path) in known
        except Exception:  # noqa: BLE001  # whatever a reader makes of half a file
            return False

    return ask


def _package(path: Path) -> Any:
    plan = read_plan(path)
    return plan.id, len(plan.cameras), len(plan.demand), plan.proof


def _workbook(path: Path) -> Any:
    from openpyxl import load_workbook

    book = load_workbook(path)
    return [[sheet.title, *(tuple(row) for row in sheet.iter_rows(values_only=True))] for sheet in book.worksheets]


def _drawing(path: Path) -> Any:
    from ezdxf.filemanagement import readfile

    drawing = readfile(path)
    return len(drawing.audit().errors), sorted((entity.dxftype(), entity.dxf.layer) for entity in drawing.modelspace())


def _report(path: Path) -> Any:
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    try:
        return [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()
