"""The bill of quantities as a workbook whose totals are formulas: change a rate or a phase, and every total follows.

    Cameras, Sites   one row each, with rates; Phase may be filled in
    Bill             quantity, rate and amount by item          Wards, Phases   totals by ward and phase
    Summary          what the plan is, its totals against its budgets, its proof       Notes   every assumption

The Cameras sheet is the tender's annexure: site, coordinates, model, height, bearing, tilt, ward, purpose. Every
heading is in English and Hindi.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import xlsxwriter
import xlsxwriter.worksheet
from xlsxwriter.utility import xl_col_to_name

from planning.catalogue import load_models, load_written_purposes
from planning.city import MADE_NOTE, MADE_NOTE_HI, City
from planning.nouns import Plan
from planning.writing import clean

HEADS = {
    "pole": ("Pole", "खंभा"), "foundation": ("Foundation", "नींव"), "box": ("Junction box", "जंक्शन बॉक्स"), "power": ("Power connection", "बिजली कनेक्शन"),
    "backhaul": ("Network link", "नेटवर्क लिंक"), "mount": ("Mount", "लगाने का साधन"),
    "grid": ("Share of the network", "नेटवर्क में हिस्सा"),
}  # fmt: skip
_CAMERA_COLUMNS = (
    ("No.", "क्रम", 6), ("Camera", "कैमरा", 44), ("Site", "स्थान", 22), ("Longitude", "देशांतर", 12), ("Latitude", "अक्षांश", 12),
    ("Model", "मॉडल", 16), ("Height [m]", "ऊँचाई [मी]", 10), ("Bearing [deg]", "दिशा [°]", 12), ("Tilt [deg]", "झुकाव [°]", 10),
    ("Field of view [deg]", "दृश्य कोण [°]", 14), ("Reach [m]", "पहुँच [मी]", 10), ("Ward", "वार्ड", 30), ("Phase", "चरण", 8),
    ("Rate [INR]", "दर [₹]", 12), ("Upkeep [INR/year]", "रखरखाव [₹/वर्ष]", 14),
    ("Purpose", "उद्देश्य", 60),
)  # fmt: skip


_SPARE = 500  # rows below the last that formulas still count
_LITERAL = 240  # signs of a text in a formula


class _Sheet(xlsxwriter.worksheet.Worksheet):  # type: ignore[misc]  # the library tells no types
    """A sheet whose texts are cleaned: a workbook with a sign that XML does not know is opened by no program."""

    def write_string(self, row: int, column: int, text: str, *look: Any) -> int:
        """Write text as text."""
        return int(super().write_string(row, column, clean(text), *look))


class _Book:
    """A workbook with our formats; `row` writes text as text, so that none of it is ever run as a formula."""

    def __init__(self) -> None:
        self.held = io.BytesIO()
        self.book = xlsxwriter.Workbook(self.held, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
        self.plain = self.book.add_format({"valign": "top"})
        self.head = self.book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#E8EEF4", "border": 1})
        self.bold = self.book.add_format({"bold": True})
        # Indian grouping: crores, lakhs, thousands.
        self.money = self.book.add_format({"num_format": "[>=10000000]##\\,##\\,##\\,##0;[>=100000]##\\,##\\,##0;##,##0"})
        self.sum = self.book.add_format({"bold": True, "top": 1, "num_format": "[>=10000000]##\\,##\\,##\\,##0;[>=100000]##\\,##\\,##0;##,##0"})
        self.share = self.book.add_format({"num_format": "0.00 %"})
        self.open = self.book.add_format({"bg_color": "#FFF7D6"})
        self.wrap = self.book.add_format({"text_wrap": True, "valign": "top"})

    def sheet(self, name: str, columns: Sequence[tuple[str, str, int]]) -> Any:
        sheet = self.book.add_worksheet(name, _Sheet)
        for number, (english, hindi, width) in enumerate(columns):
            sheet.set_column(number, number, width)
            sheet.write_string(0, number, f"{english}\n{hindi}", self.head)
        sheet.set_row(0, 32)
        sheet.freeze_panes(1, 0)
        return sheet


def write_bill(plan: Plan, city: City, path: Path) -> None:
    """Write the plan's bill of quantities.

    Parameters
    ----------
    path: the .xlsx to write; the caller sees to it that it comes whole or not at all.
    """
    book = _Book()
    wards = {str(label): str(name) for label, name in city["wards"]["name"].items()}
    summary = book.sheet("Summary", (("", "", 34), ("", "", 60)))
    paid = {head for site in plan.sites for head, _ in site.heads}
    heads = [*(head for head in HEADS if head in paid), *sorted(paid - set(HEADS))]
    _cameras(book, plan, city, wards)
    ward_of = {camera.site: wards.get(camera.ward, camera.ward) for camera in plan.cameras}
    _sites(book, plan, city, heads, ward_of)
    _bill(book, plan, heads)
    names = sorted({*ward_of.values(), *(wards.get(camera.ward, camera.ward) for camera in plan.cameras)})
    _totals(book, plan, "Wards", ("Ward", "वार्ड", 34), "L", "E", names, {name: name for name in names}, ward_of, wards)
    _totals(book, plan, "Phases", ("Phase", "चरण", 12), "M", "F", [1, 2, 3, 4, 5, 6], {}, ward_of, wards)
    notes = book.sheet("Notes", (("Assumptions and sources", "मान्यताएँ और स्रोत", 140),))
    for row, text in enumerate(plan.assumptions, 1):
        notes.write_string(row, 0, text, book.wrap)
    _summary(book, summary, plan, city)
    book.book.close()
    # From memory in one go: a zip file that meets a full disk half-way fails in ways that no caller expects.
    path.write_bytes(book.held.getvalue())


def _lonlat(city: City, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    shapes = gpd.GeoSeries(gpd.points_from_xy([x for x, _ in points], [y for _, y in points]), crs=city.crs).to_crs(4326)
    return [(round(float(point.x), 7), round(float(point.y), 7)) for point in shapes]


def _cameras(book: _Book, plan: Plan, city: City, wards: dict[str, str]) -> None:
    sheet = book.sheet("Cameras", _CAMERA_COLUMNS)
    places, said = _lonlat(city, [(camera.x_m, camera.y_m) for camera in plan.cameras]), load_written_purposes().titles
    for row, (camera, (lon, lat)) in enumerate(zip(plan.cameras, places, strict=True), 1):
        sheet.write_number(row, 0, row)
        sheet.write_string(row, 1, camera.id)
        sheet.write_string(row, 2, camera.site)
        sheet.write_number(row, 3, lon)
        sheet.write_number(row, 4, lat)
        sheet.write_string(row, 5, camera.model)
        for column, value in enumerate((camera.height_m, camera.bearing_deg, camera.tilt_deg, camera.hfov_deg, camera.reach_m), 6):
            sheet.write_number(row, column, round(value, 1))
        sheet.write_string(row, 11, wards.get(camera.ward, camera.ward))
        sheet.write_number(row, 12, 1, book.open)
        sheet.write_number(row, 13, camera.cost_inr, book.money)
        sheet.write_number(row, 14, camera.yearly_inr, book.money)
        sheet.write_string(row, 15, " / ".join(said.get(camera.purpose, (camera.purpose,))))
    sheet.autofilter(0, 0, len(plan.cameras), len(_CAMERA_COLUMNS) - 1)


def _sites(book: _Book, plan: Plan, city: City, heads: Sequence[str], ward_of: dict[str, str]) -> None:
    titles = [(*HEADS.get(head, (head, head)), 14) for head in heads]
    fixed = (
        ("Site", "स्थान", 22), ("Kind", "प्रकार", 12), ("Longitude", "देशांतर", 12), ("Latitude", "अक्षांश", 12), ("Ward", "वार्ड", 30),
        ("Phase", "चरण", 8),
    )  # fmt: skip
    sheet = book.sheet("Sites", (*fixed, *titles, ("Total [INR]", "कुल [₹]", 14), ("Upkeep [INR/year]", "रखरखाव [₹/वर्ष]", 14)))
    first, last = len(fixed), len(fixed) + len(heads) - 1
    for row, (site, (lon, lat)) in enumerate(zip(plan.sites, _lonlat(city, [(site.x_m, site.y_m) for site in plan.sites]), strict=True), 1):
        amounts = dict(site.heads)
        sheet.write_string(row, 0, site.id)
        sheet.write_string(row, 1, site.kind)
        sheet.write_number(row, 2, lon)
        sheet.write_number(row, 3, lat)
        sheet.write_string(row, 4, ward_of.get(site.id, ""))
        sheet.write_number(row, 5, 1, book.open)
        for column, head in enumerate(heads, first):
            sheet.write_number(row, column, amounts.get(head, 0), book.money)
        total = f"=SUM({xl_col_to_name(first)}{row + 1}:{xl_col_to_name(last)}{row + 1})" if heads else "=0"
        sheet.write_formula(row, last + 1, total, book.money, site.cost_inr)
        sheet.write_number(row, last + 2, site.yearly_inr, book.money)


def _bill(book: _Book, plan: Plan, heads: Sequence[str]) -> None:
    columns = (
        ("Item", "मद", 46), ("Quantity", "मात्रा", 10), ("Unit", "इकाई", 16), ("Mean rate [INR]", "औसत दर [₹]", 16), ("Amount [INR]", "राशि [₹]", 18),
    )  # fmt: skip
    sheet = book.sheet("Bill", columns)
    models, row = load_models(), 1
    lines: list[tuple[str, str, str, str, int, int]] = []
    for key in sorted({camera.model for camera in plan.cameras}):
        title = f"{models[key].title} / {models[key].title_hi} ({key})" if key in models else key
        own = [camera.cost_inr for camera in plan.cameras if camera.model == key]
        literal = '"' + clean(key)[:_LITERAL].replace('"', '""') + '"'
        count, amount = _of("Cameras", "F", literal, len(plan.cameras)), _of("Cameras", "F", literal, len(plan.cameras), "N")
        lines.append((title, "camera / कैमरा", f"={count}", f"={amount}", len(own), sum(own)))
    for number, head in enumerate(heads):
        column = xl_col_to_name(6 + number)
        paid = [dict(site.heads)[head] for site in plan.sites if dict(site.heads).get(head)]
        title = " / ".join(HEADS.get(head, (head, head)))
        cells = f"Sites!${column}$2:${column}${len(plan.sites) + 1}"
        lines.append((title, "site / स्थान", f'=COUNTIF({cells},">0")', f"=SUM({cells})", len(paid), sum(paid)))
    for title, unit, count, amount, n, total in lines:
        sheet.write_string(row, 0, title)
        sheet.write_formula(row, 1, count, book.plain, n)
        sheet.write_string(row, 2, unit)
        sheet.write_formula(row, 3, f"=IF(B{row + 1}=0,0,E{row + 1}/B{row + 1})", book.money, total / n if n else 0)
        sheet.write_formula(row, 4, amount, book.money, total)
        row += 1
    sheet.write_string(row, 0, "Capital / पूँजी", book.bold)
    sheet.write_formula(row, 4, f"=SUM(E2:E{row})" if row > 1 else "=0", book.sum, plan.cost_inr)
    sheet.write_string(row + 1, 0, "Upkeep a year / रखरखाव प्रति वर्ष", book.bold)
    upkeep = xl_col_to_name(6 + len(heads) + 1)
    sheet.write_formula(row + 1, 4, f"=SUM(Cameras!$O:$O)+SUM(Sites!${upkeep}:${upkeep})", book.sum, plan.yearly_inr)


def _of(sheet: str, column: str, wanted: str, rows: int, amount: str = "") -> str:
    """How many rows of a sheet hold what is wanted, or the sum of their amounts. Compared as it is: a condition of COUNTIF would read signs in a
    name as "more than" or "anything". Rows added below are counted too.
    """
    last = rows + _SPARE
    return f"SUMPRODUCT(EXACT({sheet}!${column}$2:${column}${last},{wanted})*{f'{sheet}!${amount}$2:${amount}${last}' if amount else '1'})"


def _totals(
    book: _Book, plan: Plan, name: str, first: tuple[str, str, int], camera_column: str, site_column: str, keys: Sequence[str | int],
    wanted: dict[str, str], ward_of: dict[str, str], wards: dict[str, str],
) -> None:  # fmt: skip
    """Cameras, sites and capital by ward or phase; in the file as it is written everything is phase 1."""
    columns = (first, ("Cameras", "कैमरे", 10), ("Sites", "स्थान", 10), ("Capital [INR]", "पूँजी [₹]", 18), ("Upkeep [INR/year]", "रखरखाव [₹/वर्ष]", 18))
    sheet = book.sheet(name, columns)
    heads = len({head for site in plan.sites for head, _ in site.heads})
    total, upkeep = xl_col_to_name(6 + heads), xl_col_to_name(7 + heads)
    for row, key in enumerate(keys, 1):
        if isinstance(key, str):
            cameras = [camera for camera in plan.cameras if wards.get(camera.ward, camera.ward) == key]
            sites = [site for site in plan.sites if ward_of.get(site.id) == key]
            sheet.write_string(row, 0, wanted[key])
        else:
            cameras, sites = (list(plan.cameras), list(plan.sites)) if key == 1 else ([], [])
            sheet.write_number(row, 0, key)
        of_cameras = ("Cameras", camera_column, f"$A{row + 1}", len(plan.cameras))
        of_sites = ("Sites", site_column, f"$A{row + 1}", len(plan.sites))
        sheet.write_formula(row, 1, f"={_of(*of_cameras)}", book.plain, len(cameras))
        sheet.write_formula(row, 2, f"={_of(*of_sites)}", book.plain, len(sites))
        capital = sum(camera.cost_inr for camera in cameras) + sum(site.cost_inr for site in sites)
        yearly = sum(camera.yearly_inr for camera in cameras) + sum(site.yearly_inr for site in sites)
        sheet.write_formula(row, 3, f"={_of(*of_cameras, 'N')}+{_of(*of_sites, total)}", book.money, capital)
        sheet.write_formula(row, 4, f"={_of(*of_cameras, 'O')}+{_of(*of_sites, upkeep)}", book.money, yearly)
    end = len(keys) + 1
    sheet.write_string(end, 0, "Total / कुल", book.bold)
    sums = (len(plan.cameras), len(plan.sites), plan.cost_inr, plan.yearly_inr)
    for column, value in enumerate(sums, 1):
        letter = xl_col_to_name(column)
        sheet.write_formula(end, column, f"=SUM({letter}2:{letter}{end})" if keys else "=0", book.sum, value)


def _summary(book: _Book, sheet: Any, plan: Plan, city: City) -> None:
    n_lines = len({camera.model for camera in plan.cameras}) + len({head for site in plan.sites for head, _ in site.heads})
    capital, yearly = f"=Bill!E{n_lines + 2}", f"=Bill!E{n_lines + 3}"
    proof, card = plan.proof, plan.scorecard
    sheet.write_string(0, 0, f"{city.title} / {city.title_hi}", book.head)
    sheet.write_string(0, 1, f"{MADE_NOTE} / {MADE_NOTE_HI}" if plan.made else "", book.head)
    rows: list[tuple[str, Any, Any]] = [
        ("Plan / योजना", f"{plan.id} {plan.scenario.title}".strip(), None),
        ("Cameras / कैमरे", ("=COUNTA(Cameras!$B:$B)-1", len(plan.cameras)), book.plain),
        ("Sites / स्थान", ("=COUNTA(Sites!$A:$A)-1", len(plan.sites)), book.plain),
        ("Capital / पूँजी [INR]", (capital, plan.cost_inr), book.money), ("Budget / बजट [INR]", plan.scenario.budget_inr, book.money),
        ("Left / बचत [INR]", ("=B6-B5", plan.scenario.budget_inr - plan.cost_inr), book.money),
        ("Upkeep a year / रखरखाव प्रति वर्ष [INR]", (yearly, plan.yearly_inr), book.money),
        ("Coverage before / पहले कवरेज", card.before, book.share), ("Coverage with the plan / योजना से कवरेज", card.after, book.share),
        *([("Routes out read / पढ़े गए बाहर के रास्ते", card.routes_after, book.share)] if card.routes_after is not None else []),
        ("No plan can exceed / कोई योजना इससे आगे नहीं", proof.bound, book.share),
        ("Verified / जाँची हुई", "yes / हाँ" if plan.verified else "NO / नहीं", None),
    ]  # fmt: skip
    for row, (label, value, look) in enumerate(rows, 1):
        sheet.write_string(row, 0, label, book.bold)
        if isinstance(value, tuple):
            sheet.write_formula(row, 1, value[0], look, value[1])
        elif isinstance(value, str):
            sheet.write_string(row, 1, value)
        else:
            sheet.write_number(row, 1, value, look)
