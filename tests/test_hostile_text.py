"""What people write stays text in every export: each file is opened again with its format's own reader, which finds the text whole."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import ezdxf
import geopandas as gpd
import openpyxl
import pypdfium2
import pytest

from planning.city import City
from planning.export import read_plan, write_plan
from planning.nouns import Plan
from planning.report import write_report
from planning.reviews import Review, read_review
from planning.writing import clean
from screens.page import write_page
from screens.words import words
from tests.hostile_text import PAYLOADS, hostile_city, hostile_plan, hostile_reviews

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plainly(text: object) -> str:
    """The text as it is compared: blanks and line ends alike, and without the signs that show nothing or turn the line round."""
    return " ".join(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", "", str(text)).split())


class Written:
    """A city and a plan of these texts, in a folder, and their exports."""

    def __init__(self, texts: Sequence[str], folder: Path) -> None:
        self.texts, self.folder = texts, folder
        hostile_city(texts).save(folder / "toy")
        self.city = City.load(folder / "toy")
        self.plan: Plan = hostile_plan(self.city, texts)

    def write(self, suffix: str) -> Path:
        """The plan in that kind of file."""
        path = self.folder / f"p{suffix}"
        write_plan(self.plan, self.city, path)
        return path

    @property
    def ids(self) -> list[str]:
        """The cameras' ids as they are compared."""
        return [plainly(camera.id) for camera in self.plan.cameras]


def geopackage(made: Written) -> None:
    """Read again, the plan is the plan, to the last sign; so is the city."""
    found = read_plan(made.write(".gpkg"))
    assert (found.scenario, found.cameras, found.sites, found.assumptions, found.proof) == (
        made.plan.scenario, made.plan.cameras, made.plan.sites, made.plan.assumptions, made.plan.proof,
    )  # fmt: skip
    assert found.id == made.plan.id
    assert list(gpd.read_file(made.folder / "p.gpkg", layer="sites")["kind"]) == [site.kind for site in made.plan.sites]
    assert made.city.title == " ".join(made.texts)
    assert list(made.city["wards"]["name"])[: len(made.texts)] == list(made.texts)


def geojson(made: Written) -> None:
    """Valid JSON; ids and wards are properties, whole."""
    rows = [feature["properties"] for feature in json.loads(made.write(".geojson").read_text(encoding="utf-8"))["features"]]
    assert [row["id"] for row in rows] == [camera.id for camera in made.plan.cameras]
    assert {row["city"] for row in rows} == {made.city.title}


def kml(made: Written) -> None:
    """Well-formed without entities; names are text under the placemark, with no element of their own."""
    data = made.write(".kml").read_bytes()
    assert b"<!DOCTYPE" not in data.replace(b"&lt;!DOCTYPE", b"")
    places = [element for element in ElementTree.fromstring(data).iter() if element.tag.endswith("}Placemark")]
    names = [next(part for part in place if part.tag.endswith("}name")) for place in places]
    assert [plainly(name.text) for name in names] == made.ids
    assert all(len(name) == 0 for name in names)
    allowed = {"kml", "Document", "Folder", "Schema", "SimpleField", "Placemark", "name", "description", "Style", "LineStyle", "PolyStyle", "color",
               "fill", "ExtendedData", "SchemaData", "SimpleData", "Point", "coordinates", "styleUrl"}  # fmt: skip
    assert {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(data).iter()} <= allowed


def osm(made: Written) -> None:
    """Well-formed; each reference is the value of one tag."""
    root = ElementTree.fromstring(made.write(".osm").read_bytes())
    assert [plainly(tag.get("v")) for tag in root.iter("tag") if tag.get("k") == "ref"] == made.ids
    assert {element.tag for element in root.iter()} == {"osm", "node", "tag"}


def spreadsheet(made: Written) -> None:
    """A cell that a spreadsheet would run begins with an apostrophe; all rows are there, with all their text."""
    with made.write(".csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [plainly(row["id"].removeprefix("'")) for row in rows] == [one.removeprefix("'") for one in made.ids]
    assert all(None not in row and None not in row.values() for row in rows)
    numbers = {"longitude", "latitude"}
    cells = [cell for row in rows for name, cell in row.items() if name not in numbers and not re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)]
    assert not [cell for cell in cells if cell.startswith(FORMULA)]


def workbook(made: Written) -> None:
    """Text cells hold the text and are no formulas; formulas are the bill's own, and each total is the plan's as a reader of its own works it out."""
    path = made.write(".xlsx")
    book, shown = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    texts = [plainly(cell.value) for cell in cells if cell.data_type == "s"]
    assert {*made.ids, *(plainly(ward) for ward in made.texts)} <= set(texts)
    formulas = [re.sub(r'"(?:[^"]|"")*"', '""', str(cell.value)) for cell in cells if cell.data_type == "f"]
    # Beside literals, in which text stands, a formula is made of the bill's own functions, sheets and cells.
    word = r"(SUM|SUMPRODUCT|EXACT|COUNTA|COUNTIF|IF|Cameras|Sites|Bill|[A-Z]{1,2}|\d+|\"\"|[$!:,()=+*/-])"
    assert [formula for formula in formulas if not re.fullmatch(f"={word}+", formula)] == []
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    assert shown["Wards"].cell(len(book["Wards"]["A"]), 4).value == made.plan.cost_inr
    book.close()
    shown.close()


def drawing(made: Written) -> None:
    """Each camera's id is its block's attribute, shown as it was written: codes of the format in it are shown, not followed."""
    book = ezdxf.readfile(made.write(".dxf"))
    assert not book.audit().errors
    blocks = book.modelspace().query("INSERT")
    assert [plainly(shown(block.get_attrib_text("ID"))) for block in blocks] == made.ids
    (note,) = book.modelspace().query("TEXT")
    assert plainly(made.city.title) in plainly(shown(note.dxf.text))


def shown(text: str) -> str:
    """A line of text of a drawing as it is displayed, by a reading of the format of its own: %%% is a percent sign, ^ and a blank a caret."""
    out, k = "", 0
    while k < len(text):
        if text.startswith("%%", k):
            assert text[k + 2 : k + 3] == "%", f"a code in {text!r}"
            out, k = out + "%", k + 3
        elif text[k] == "^":
            assert text[k + 1 : k + 2] == " ", f"a control sign in {text!r}"
            out, k = out + "^", k + 2
        else:
            out, k = out + text[k], k + 1
    return out


def report(made: Written) -> None:
    """The text is found in both languages' reports by searching, and no link or script is in the file."""
    hostile_reviews(made.plan, " ".join(made.texts), made.folder / "p.gpkg")
    found = {part: read_review(made.folder / "p.gpkg", part, made.plan) for part in ("gaps", "backtest")}
    reviews: dict[str, Review] = {part: review for part, review in found.items() if review is not None}
    assert list(reviews) == ["gaps", "backtest"]
    for language in ("en", "hi"):
        path = made.folder / f"{language}.pdf"
        write_report(made.plan, made.city, path, words=words(language).catalogue, hindi=language == "hi", reviews=reviews)
        assert not re.search(rb"/(URI|JavaScript|JS|Launch|EmbeddedFile)\b", path.read_bytes())
        book = pypdfium2.PdfDocument(path)
        said = " ".join(book[number].get_textpage().get_text_range() for number in range(len(book)))
        book.close()
        # A reader gives letters in the order they are drawn, lines broken anywhere.
        squeezed = re.sub(r"[\s\u00ad\u200b\ufffe\u0002-]", "", said)
        squeezed = re.sub(r"[^\x00-\x7f]", "", squeezed)
        for text in made.texts:
            signs = "".join(sign for sign in re.sub(r"[\s-]", "", plainly(text)) if sign.isascii())
            assert signs[:24] in squeezed, text


def one_file(made: Written) -> None:
    """The page holds the text escaped and in JSON in which no tag begins; its own scripts are the only ones. What a browser makes of it is tried in
    tests/browser.
    """
    for language in ("en", "hi"):
        path = made.folder / f"{language}.html"
        write_page(made.plan, made.city, path, said=words(language))
        text = path.read_text(encoding="utf-8")
        assert len(re.findall(r"<script", text)) == 3
        assert len(re.findall(r"</script", text)) == 3
        told = json.loads(re.search(r'<script type="application/json" id="chaukas">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
        assert set(told["urls"]) >= {"planned", "wards"}
        body = text.partition("<body>")[2].partition("<script")[0]
        assert not re.search(r"<(img|iframe|svg|style/|b)\b", body)
        assert "<!--" not in body
        for one in made.texts:
            assert plainly(html.escape(" ".join(clean(one).split()))) in plainly(body)


EXPORTS: dict[str, Callable[[Written], None]] = {
    work.__name__: work for work in (geopackage, geojson, kml, osm, spreadsheet, workbook, drawing, report, one_file)
}


@pytest.fixture(name="made", scope="module")
def written_city_and_plan(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A city and a plan of all these texts."""
    return Written(list(PAYLOADS.values()), tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("kind", EXPORTS)
def test_text_stays_text_in_every_export(made: Written, kind: str) -> None:
    """Whatever city, wards, plan, cameras and sites are called: the format's own reader finds it as text, nothing of it runs, nothing is lost."""
    EXPORTS[kind](made)
