"""The report: set in both languages, its words found by searching, nothing of the data run as markup, whole or not at all."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pypdfium2
import pytest

from planning.city import MADE_NOTE, MADE_NOTE_HI, City
from planning.errors import InputError
from planning.money import say_rupees
from planning.nouns import Plan
from planning.report import map_svg, write_report
from planning.reviews import Review
from screens.words import words
from tests.town import copy_of


def text_of(path: Path) -> str:
    """The report's text as a reader's search finds it, line ends as blanks."""
    book = pypdfium2.PdfDocument(path)
    pages = [book[number].get_textpage().get_text_range() for number in range(len(book))]
    book.close()
    return " ".join(" ".join(pages).split())


def written(plan: Plan, city: City, folder: Path, language: str = "en", reviews: Mapping[str, Review] | None = None) -> str:
    """The text of the plan's report."""
    write_report(plan, city, folder / "r.pdf", words=words(language).catalogue, hindi=language == "hi", reviews=reviews or {})
    return text_of(folder / "r.pdf")


def reviewed(name: str = "MG Road") -> dict[str, Review]:
    """Made gaps of one street of that name and one without, and a made back-test."""
    gap = {"share": 0.0123, "length_m": 1_234.4, "road_class": "primary", "name": name, "ward": "w1"}
    facts = {"unseen": 0.625, "stretches": 8_473.0, "length_m": 412_052.0, "areas_share": 0.1}
    gaps = Review("gaps", "", "", facts, {"stretches": (gap, {**gap, "name": "", "share": 0.001}), "areas": ()}, {})
    row = {
        "who": "planned", "view": "aimed", "cameras": 766, "captured": 320.0, "share": 0.356, "low": 0.328, "high": 0.381, "length_share": 0.196,
        "pai": 1.82, "pei": 0.5, "pei_low": 0.4, "pei_high": 0.6,
    }  # fmt: skip
    rows = (row, {**row, "who": "random", "pei_low": None, "pei_high": None}, {**row, "who": "standing", "view": "all round", "pai": 9.87})
    judged = {"learnt": 2_100.0, "judged": 900.0, "left_out": 0.0, "undated": 0.0}
    return {"gaps": gaps, "backtest": Review("backtest", "", "", judged, {"placements": rows, "leads": ()}, {})}


def test_routes_out_are_told_where_they_weigh(plan: Plan, town: City, tmp_path: Path) -> None:
    """Their share before and after, and what the bound then bounds, in both languages; a plan that does not weigh them says nothing of them."""
    card = dataclasses.replace(plan.scorecard, routes_before=0.125, routes_after=0.875)
    weighed = dataclasses.replace(plan, scorecard=card, proof=dataclasses.replace(plan.proof, movement=0.2, routes=0.875))
    said = written(weighed, town, tmp_path)
    assert "Routes out on which number plates are read 12.5 % today, 87.5 % with the plan" in said
    assert "routes out read 87.50 %, which is 20 % of it" in said
    hindi = written(weighed, town, tmp_path, "hi")
    assert "87.5 %" in hindi
    assert "87.50 %" in hindi
    assert "outes out" not in written(plan, town, tmp_path)


def test_gaps_and_back_test_are_told(plan: Plan, town: City, tmp_path: Path) -> None:
    """The heaviest streets with their rank, and who caught what with its ends; what was not worked out says how to have it."""
    said = written(plan, town, tmp_path, reviews=reviewed())
    assert "62.5 % of all weight stays out of view: 8,473 stretches of street, 412.1 km" in said
    assert re.search(r"1 MG Road Primary road \S+ 1,234 1.230 % 2 Without a name Primary road \S+ 1,234 0.100 %", said)
    assert "made of 2,100 earlier incidents and judged on 900 later ones" in said
    assert "the plan 766 35.6 % (32.8 % – 38.1 %) 19.6 % 1.82 0.500 (0.400 – 0.600)" in said
    assert "places by lot 766 35.6 % (32.8 % – 38.1 %) 19.6 % 1.82 0.500 " in said
    assert "9.87" not in said  # cameras looking all round are compared on the screen
    bare = written(plan, town, tmp_path)
    assert bare.count("Not worked out yet") == 1
    assert "chaukas backtest" in bare


def test_the_english_report_says_what_the_plan_says(plan: Plan, town: City, tmp_path: Path) -> None:
    """Cameras, money, every ward's share, every camera's site and bearing, assumptions, the made label, and that nothing is promised."""
    said = written(plan, town, tmp_path)
    assert f"{len(plan.cameras)} at {len(plan.sites)} sites" in said
    assert say_rupees(plan.cost_inr) in said
    for ward in plan.scorecard.wards:
        if ward.ward.isascii():
            assert re.search(rf"{ward.ward} [\d.]+ % {100 * ward.before:.1f} % {100 * ward.after:.1f} %", said)
    for camera in plan.cameras:
        assert camera.site in said.replace(" ", "") or camera.site in said
        assert f"{camera.bearing_deg:.1f}" in said
    assert MADE_NOTE in said
    assert "promises no percentage of less crime" in said
    assert "Not verified" not in said
    assert all(" ".join(text.split())[:40] in said for text in plan.assumptions)


def test_words_of_the_hindi_report_are_found(plan: Plan, town: City, tmp_path: Path) -> None:
    """At least nine of ten words of the sentences that are shown are found by searching, conjuncts among them."""
    said = written(plan, town, tmp_path, "hi", reviewed())
    hidden = {"report.unverified", "report.least", "report.none", "report.gaps_none", "report.test_none"}
    sentences = [text for key, text in words("hi").catalogue.items() if key.startswith("report.") and key not in hidden]
    asked = {word for text in sentences for word in re.findall(r"[\u0900-\u097F]+", text)}
    found = {word for word in asked if word in said}
    assert len(asked) > 120
    assert len(found) >= 0.9 * len(asked), asked - found
    assert {"योजना", "स्थानों", "सर्वोत्तम", "प्रतिशत"} <= found
    assert MADE_NOTE_HI.split()[0] in said


def test_what_weighs_against_a_plan_is_said(plan: Plan, town: City, tmp_path: Path) -> None:
    """An unverified plan says so at the top; one for a share states its certificate in rupees."""
    assert "Not verified: do not decide on it" in written(dataclasses.replace(plan, verified=False), town, tmp_path)
    proof = dataclasses.replace(plan.proof, least_inr=123_456, gap=0.01)
    wish = dataclasses.replace(plan.scenario, wanted_share=0.3)
    assert "that covers 30 % can cost less than ₹1,23,456" in written(dataclasses.replace(plan, proof=proof, scenario=wish), town, tmp_path)


def test_names_are_never_markup(plan: Plan, town: City, tmp_path: Path) -> None:
    """What would be markup or code in the template, and in the picture, is text."""
    nasty = '#panic("x") $1$ *b* `c` <svg onload="x"> \\ "q'
    city = copy_of(dataclasses.replace(town, title=nasty, digest=""), wards=town["wards"].assign(name=[nasty, "b", "c"]))
    wards = tuple(dataclasses.replace(ward, ward=nasty) for ward in plan.scorecard.wards)
    titled = dataclasses.replace(
        plan, scorecard=dataclasses.replace(plan.scorecard, wards=wards), assumptions=(nasty,),
        scenario=dataclasses.replace(plan.scenario, title=nasty),
    )  # fmt: skip
    assert '#panic("x") $1$ *b* `c`' in written(titled, city, tmp_path)
    assert f"1 {nasty[:26]}" in written(plan, town, tmp_path, reviews=reviewed(nasty))
    picture = ElementTree.fromstring(map_svg(titled, city))
    assert "panic" not in map_svg(titled, city)
    assert {element.tag.rpartition("}")[2] for element in picture.iter()} <= {"svg", "g", "polyline", "polygon", "rect", "circle"}


def test_the_picture_holds_every_camera_where_it_stands(plan: Plan, town: City) -> None:
    """One disc a planned camera and one square an existing one, within the picture, north up."""
    picture = ElementTree.fromstring(map_svg(plan, town))
    discs = [element for element in picture.iter() if element.tag.endswith("circle")]
    assert len(discs) == len(plan.cameras)
    assert sum(element.tag.endswith("rect") for element in picture.iter()) == len(town["cameras"])
    west, south, east, north = town.area.bounds
    for disc, camera in zip(discs, plan.cameras, strict=True):
        assert float(disc.get("cx", "nan")) == pytest.approx(1000 * (camera.x_m - west) / (east - west), abs=0.1)
        assert float(disc.get("cy", "nan")) == pytest.approx(1000 * (north - camera.y_m) / (east - west), abs=0.1)
    assert south < north


def test_an_empty_plan_and_a_city_without_wards_have_reports(plan: Plan, town: City, tmp_path: Path) -> None:
    """Nothing to list is no fault."""
    card = dataclasses.replace(plan.scorecard, wards=())
    empty = dataclasses.replace(plan, cameras=(), sites=(), scorecard=card, assumptions=(), views=plan.views.iloc[:0])
    assert "Nothing was told." in written(empty, copy_of(town, wards=town["wards"].iloc[:0]), tmp_path)


def test_a_report_that_cannot_be_written_leaves_what_was_there(plan: Plan, town: City, tmp_path: Path) -> None:
    """Another suffix is refused; a folder in its place stays."""
    with pytest.raises(InputError) as caught:
        write_report(plan, town, tmp_path / "r.doc", words=words("en").catalogue, hindi=False)
    assert caught.value.code == "export.kind"
    (tmp_path / "r.pdf").mkdir()
    with pytest.raises(InputError) as other:
        write_report(plan, town, tmp_path / "r.pdf", words=words("en").catalogue, hindi=False)
    assert other.value.code == "export.failed"
    assert [path.name for path in tmp_path.iterdir()] == ["r.pdf"]
