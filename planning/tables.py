"""Tables of any common kind as cells: CSV in its encodings and separators, XLSX, Parquet, and point files.

What a column means is told elsewhere (`planning.columns`); here a file becomes numbered rows, or is refused when it is not what its name says.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from planning.errors import FileRefused
from planning.files import MEGABYTE, MOST_CELLS, PARQUET_MAGIC, VECTOR_KINDS, check_parquet, local_file, read_vector

TEXT_KINDS = (".csv", ".tsv", ".txt")
KINDS = (*TEXT_KINDS, ".xlsx", *VECTOR_KINDS, ".parquet", ".geoparquet")
LARGEST = 300 * MEGABYTE
SEPARATORS = ",;\t|"
MOST_COLUMNS = 1_000
_MOST_PARTS = 5_000  # of a workbook
_FORMULA = re.compile(r"^[=+\-@\t\r](?![\d.]+$)")


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it stands.

    `cells`: one column a header, text or native values, empty text or None where empty; the index is the row's number in the file as a person
    counts it (the header is row 1; for a point file the first feature is row 1). `points`: longitude and latitude [deg], shape (rows, 2), NaN where
    a feature is no point; None for a table without geometry. `told`: how it was read. `skewed`: rows with more cells than the header, by number.
    """

    origin: str
    cells: pd.DataFrame
    points: np.ndarray[Any, np.dtype[np.float64]] | None = None
    told: tuple[str, ...] = ()
    skewed: tuple[tuple[int, tuple[str, ...]], ...] = field(default=(), repr=False)


def read_table(path: str | Path) -> Table:
    """The table of a file, told by suffix and by its first bytes.

    Raises
    ------
    FileRefused: not local, not of a kind we read, content that is not what the name says, truncated, without header or rows.
    """
    suffix = Path(str(path)).suffix.lower()
    if suffix not in KINDS:
        local_file(path, largest=LARGEST)
        raise FileRefused.one("file.kind", "This kind of table is not read", f"Save it as one of {', '.join(KINDS)}", Path(str(path)).name)
    if suffix in TEXT_KINDS:
        table = _read_text(local_file(path, largest=LARGEST))
    elif suffix == ".xlsx":
        table = _read_xlsx(local_file(path, largest=LARGEST))
    elif suffix in VECTOR_KINDS:
        table = _read_points(path)
    else:
        table = _read_parquet(local_file(path, largest=LARGEST))
    if table.cells.empty:
        raise FileRefused.one("table.empty", "The table has no rows", "Export it again, with its rows", table.origin)
    return table


def _read_text(found: Path) -> Table:
    text, encoding = _decoded(found)
    separator = _separator(text)
    _check_size(text.count(separator) + text.count("\n"), found)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=False))
    except csv.Error as error:
        raise FileRefused.one("table.unreadable", f"The table cannot be read: {error}", "Save it as CSV again", found.name) from None
    numbered = [(number, row) for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    if not numbered:
        raise FileRefused.one("table.empty", "The table has no header and no rows", "Export it again", found.name)
    header = _headers(numbered[0][1])
    width = len(header)
    _check_size(0, found, width)
    if width < 2:
        raise FileRefused.one("table.columns", "The table has a single column", "Separate columns by comma, semicolon, tab or |", found.name)
    fitting = [(number, row + [""] * (width - len(row))) for number, row in numbered[1:] if not any(cell.strip() for cell in row[width:])]
    skewed = tuple((number, tuple(row)) for number, row in numbered[1:] if any(cell.strip() for cell in row[width:]))
    cells = pd.DataFrame([row[:width] for _, row in fitting], columns=header, index=[number for number, _ in fitting], dtype=object)
    name = {"\t": "tab"}.get(separator, separator)
    return Table(found.name, cells, None, (f"{found.name} was read as {encoding}, columns parted by “{name}”",), skewed)


def _check_size(cells: int, found: Path, columns: int = 0) -> None:
    if cells > MOST_CELLS or columns > MOST_COLUMNS:
        what = f"The table is larger than the {MOST_CELLS:,} cells and {MOST_COLUMNS:,} columns we read"
        raise FileRefused.one("table.large", what, "Keep only the rows and columns that are needed", found.name)


def _decoded(found: Path) -> tuple[str, str]:
    data = found.read_bytes()
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    marked = next((encoding for mark, encoding in marks if data.startswith(mark)), None)
    if marked is None and b"\x00" in data:
        raise FileRefused.one("file.content", "The content is no text, whatever the name says", "Save the table as CSV", found.name)
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise FileRefused.one("table.encoding", "The text is in no encoding we read", "Save it as UTF-8", found.name)


def _separator(text: str) -> str:
    """The separator that cuts the first lines into the most columns, most evenly."""
    lines = [line for line in text[:65536].splitlines() if line.strip()][:20]

    def merit(separator: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
        return (min(widths, default=0), widths.count(widths[0]) if widths else 0) if widths and widths[0] > 1 else (0, 0)

    try:
        return max(SEPARATORS, key=merit)
    except csv.Error:
        return ","


def _headers(row: list[Any]) -> list[str]:
    """Column names, blank ones numbered, doubled ones told apart."""
    names: list[str] = []
    for number, cell in enumerate(row, 1):
        name = str(cell).strip() if cell is not None and str(cell).strip() else f"column {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return names


def _read_xlsx(found: Path) -> Table:
    with found.open("rb") as stream:
        if stream.read(4) != b"PK\x03\x04":
            raise FileRefused.one("file.content", "The content is no XLSX workbook, whatever the name says", "Save it as .xlsx or .csv", found.name)
    import openpyxl

    try:
        _check_parts(found)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(found, read_only=True, data_only=True)
            try:
                sheets = {name: _rows_of(book[name], found) for name in book.sheetnames}
            finally:
                book.close()
    except FileRefused:
        raise
    except Exception as error:  # noqa: BLE001  # no foreign exception crosses this door
        raise FileRefused.one("file.unreadable", f"The workbook cannot be read: {error}", "It may be cut short; save it again", found.name) from None
    filled = {name: rows for name, rows in sheets.items() if sum(any(cell is not None for cell in row) for row in rows) > 1}
    if not filled:
        raise FileRefused.one("table.empty", "The workbook has no table with rows", "Put the table on its first sheet", found.name)
    name, rows = next(iter(filled.items()))
    numbered = [(number, row) for number, row in enumerate(rows, 1) if any(cell is not None for cell in row)]
    width = max(len(row) for _, row in numbered)
    header = _headers(numbered[0][1] + [None] * (width - len(numbered[0][1])))
    cells = pd.DataFrame(
        [row[: len(header)] + [None] * (len(header) - len(row)) for _, row in numbered[1:]],
        columns=header, index=[number for number, _ in numbered[1:]], dtype=object,
    )  # fmt: skip
    others = [other for other in filled if other != name]
    told = (f"{found.name}: sheet “{name}” was read" + (f"; left out: {', '.join(others)}" if others else ""),)
    return Table(found.name, cells, None, told)


def _check_parts(found: Path) -> None:
    """Refuse a workbook that unpacks past all measure, whose parts have paths of their own, or that declares entities."""
    with zipfile.ZipFile(found) as packed:
        parts = packed.infolist()
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > 1_000 * MEGABYTE:
            raise FileRefused.one("file.size", "The workbook unpacks to more than we read", "Save the one sheet as CSV", found.name)
        for part in parts:
            if not part.filename.lower().endswith((".xml", ".rels", ".vml")):
                continue
            with packed.open(part) as stream:
                head = stream.read(4_096)
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                what = "The workbook declares a document type or entities"
                raise FileRefused.one("file.content", what, "Save it again as .xlsx or .csv", found.name)


def _rows_of(sheet: Any, found: Path) -> list[list[Any]]:
    """The rows of a sheet as far as they are filled, whatever size the sheet says it has; charts have none."""
    if not hasattr(sheet, "reset_dimensions"):
        return []
    sheet.reset_dimensions()
    rows: list[list[Any]] = []
    cells = 0
    for row in sheet.iter_rows(values_only=True):
        filled = max((number for number, cell in enumerate(row, 1) if cell is not None), default=0)
        rows.append(list(row[:filled]))
        # An empty row costs its place too: one cell in the last row of a sheet makes a million of them.
        cells += filled + 1
        _check_size(cells, found, filled)
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _read_points(path: str | Path) -> Table:
    frame = read_vector(path)
    name = Path(str(path)).name
    if frame.crs is None:
        raise FileRefused.one("table.crs", "The file does not say its CRS", "Add its .prj, or save it as GeoJSON in WGS84", name)
    shapes = np.asarray(frame.to_crs(4326).geometry.array)
    points = np.full((len(shapes), 2), np.nan)
    single = shapely.get_type_id(shapes) == 0
    points[single] = np.column_stack([shapely.get_x(shapes[single]), shapely.get_y(shapes[single])])
    cells = pd.DataFrame(frame.drop(columns=frame.geometry.name)).astype(object)
    cells = cells.where(cells.notna(), None)
    cells.index = pd.RangeIndex(1, len(cells) + 1)
    cells.columns = pd.Index(_headers(list(cells.columns)))
    return Table(name, cells, points, (f"{name} was read as points",))


def _read_parquet(found: Path) -> Table:
    with found.open("rb") as stream:
        head = stream.read(4)
        stream.seek(-min(4, found.stat().st_size), 2)
        if head != PARQUET_MAGIC or stream.read(4) != PARQUET_MAGIC or found.stat().st_size < 12:
            raise FileRefused.one("file.content", "The content is not Parquet, or is cut short", "Export it again", found.name)
    import pyarrow.parquet

    try:
        check_parquet(found)
        if b"geo" in (pyarrow.parquet.read_schema(found).metadata or {}):
            return _read_points(found)
        cells = pyarrow.parquet.read_table(found).to_pandas().reset_index(drop=True).astype(object)
    except FileRefused:
        raise
    except Exception as error:  # noqa: BLE001  # no foreign exception crosses this door
        raise FileRefused.one("file.unreadable", f"The file cannot be read: {error}", "It may be cut short; export it again", found.name) from None
    cells = cells.where(cells.notna(), None)
    cells.columns = pd.Index(_headers(list(cells.columns)))
    cells.index = pd.RangeIndex(1, len(cells) + 1)
    return Table(found.name, cells, None, (f"{found.name} was read as Parquet",))


def harmless(cell: object) -> str:
    """A cell's text; one that a spreadsheet would take for a formula gets an apostrophe before."""
    text = str(cell)
    return f"'{text}" if _FORMULA.match(text) else text
